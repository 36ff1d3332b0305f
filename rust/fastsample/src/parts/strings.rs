//! The state that tells text from ids and labels: what was seen of strings, leaf by leaf.

use crate::columns;
use crate::exec::envelope::Payload;
use crate::exec::fields::ByteFields;
use crate::text::{Kind, Strings};

/// What was seen of the leaves that have to be judged by their strings. Covers rows.
#[derive(Debug, Clone, Default)]
pub(super) struct PartStrings(pub(super) Vec<Strings>);

impl PartStrings {
    /// What each leaf is.
    pub(super) fn kinds(self) -> Vec<Kind> {
        self.0.into_iter().map(Strings::kind).collect()
    }
}

impl Payload for PartStrings {
    const KIND: u16 = 5;
    const VERSION: u32 = 1;
    const NAME: &'static str = "strings";

    fn write(&self, bytes: &mut Vec<u8>) {
        self.0.iter().for_each(|strings| strings.write(bytes));
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (mut bytes, mut leaves) = (ByteFields(bytes), Vec::new());
        while bytes.end().is_none() {
            leaves.push(Strings::read(&mut bytes)?);
        }
        Some(Self(leaves))
    }

    fn merge(&mut self, other: Self) {
        if self.0.is_empty() {
            *self = other;
        } else {
            columns::merge(&mut self.0, other.0);
        }
    }
}
