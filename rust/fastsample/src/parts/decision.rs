//! `Decision`: what is known after a round, in bytes that every part goes by.

use std::ops::Range;

use arrow_buffer::{BooleanBuffer, Buffer};
use arrow_schema::SchemaRef;

use super::draw::SourceFiles;
use super::thresholds::{self, Window};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::exec::envelope::Payload;
use crate::exec::fields::{ByteFields, put};
use crate::hash::RowHash;
use crate::select::Selection;
use crate::smart::terms::commonness::Commonness;
use crate::source::{JointColumns, Source, put_schema, take_schema};
use crate::text::Kind;

/// Stands before the rows that may be drawn, where a step would stand.
const AMONG: u8 = 5;

/// Where rows are, and what comes next. Covers all parts.
#[derive(Debug)]
pub(super) struct Decision {
    pub(super) columns: JointColumns,
    /// Rows of each part.
    pub(super) rows: Vec<u64>,
    /// The rows that may be drawn, if that was asked for and is needed later.
    pub(super) among: Option<Selection>,
    pub(super) step: NextStep,
}

/// What comes next.
#[derive(Debug, Clone)]
pub(super) enum NextStep {
    /// It is found which rows may be drawn, and their weights, by these columns.
    Drawable(SchemaRef),
    /// The rows of each group are counted. These columns make groups.
    Groups(SchemaRef),
    /// The rows near the thresholds of groups are looked for. These columns make groups.
    Thresholds(SchemaRef, Vec<Window>),
    /// The strings of some rows are looked at.
    Strings,
    /// Shingles of the rows of the pilot are counted. Leaves that were judged are of these kinds.
    Pilot(Vec<Kind>),
    /// The features of all rows are extracted.
    Features(Vec<Kind>, Option<Box<Commonness>>),
    /// These rows are read. The seed is that of the draw.
    Read { seed: u64, chosen: Selection },
}

impl Decision {
    /// Rows of the source.
    pub(super) fn all_rows(&self) -> u64 {
        self.rows.iter().sum()
    }

    /// The ordinals of a part.
    pub(super) fn ordinals(&self, index: u64) -> Result<Range<u64>> {
        let place = usize::try_from(index).ok().filter(|&place| place < self.rows.len());
        let place = place.ok_or_else(|| {
            Error::Argument(format!("there is no part {index} of {}", self.rows.len()))
        })?;
        let first = self.rows[..place].iter().sum();
        Ok(first..first + self.rows[place])
    }

    /// The rows of a part, and the ordinal of the first.
    pub(super) fn open(&self, ctx: &Context, part: &SourceFiles) -> Result<(Source, u64)> {
        let ordinals = self.ordinals(part.index)?;
        let source = part.files.source(ctx, &self.columns)?;
        if source.rows() != ordinals.end - ordinals.start {
            return Err(Error::Invalid(format!(
                "part {} has {} rows now, but had {} when it was surveyed; its files were replaced: \
                 draw again",
                part.index,
                source.rows(),
                ordinals.end - ordinals.start
            )));
        }
        Ok((source, ordinals.start))
    }

    /// The rows that are read.
    pub(super) fn chosen(&self) -> Result<&Selection> {
        match &self.step {
            NextStep::Read { chosen, .. } => Ok(chosen),
            _ => Err(Error::Argument(
                "the draw is not decided yet; observe all parts by this decision, and decide again"
                    .into(),
            )),
        }
    }
}

impl Payload for Decision {
    const KIND: u16 = 16;
    const VERSION: u32 = 1;
    const NAME: &'static str = "decisions";
    const UNIT: &'static str = "parts";

    fn write(&self, bytes: &mut Vec<u8>) {
        self.columns.write(bytes);
        bytes.extend((self.rows.len() as u64).to_le_bytes());
        bytes.extend(self.rows.iter().flat_map(|rows| rows.to_le_bytes()));
        if let Some(among) = &self.among {
            bytes.push(AMONG);
            put_selection(bytes, among);
        }
        match &self.step {
            NextStep::Drawable(columns) => {
                bytes.push(4);
                put_schema(bytes, columns);
            }
            NextStep::Groups(columns) => {
                bytes.push(6);
                put_schema(bytes, columns);
            }
            NextStep::Thresholds(columns, windows) => {
                bytes.push(7);
                put_schema(bytes, columns);
                thresholds::write(bytes, windows);
            }
            NextStep::Strings => bytes.push(0),
            NextStep::Pilot(kinds) => {
                bytes.push(1);
                put_kinds(bytes, kinds);
            }
            NextStep::Features(kinds, table) => {
                bytes.push(2);
                put_kinds(bytes, kinds);
                put(bytes, &table.as_ref().map(|table| table.to_bytes()).unwrap_or_default());
            }
            NextStep::Read { seed, chosen } => {
                bytes.push(3);
                bytes.extend(seed.to_le_bytes());
                put_selection(bytes, chosen);
            }
        }
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut bytes = ByteFields(bytes);
        let columns = JointColumns::read(&mut bytes)?;
        let rows = (0..bytes.count(8)?).map(|_| bytes.u64()).collect::<Option<Vec<_>>>()?;
        let all = rows.iter().try_fold(0_u64, |all, &rows| all.checked_add(rows))?;
        let (mut kind, mut among) = (bytes.u8()?, None);
        if kind == AMONG {
            among = Some(take_selection(&mut bytes, all, 0)?);
            kind = bytes.u8()?;
        }
        let step = match kind {
            4 => NextStep::Drawable(take_schema(&mut bytes)?),
            6 => NextStep::Groups(take_schema(&mut bytes)?),
            7 => NextStep::Thresholds(take_schema(&mut bytes)?, thresholds::read(&mut bytes)?),
            0 => NextStep::Strings,
            1 => NextStep::Pilot(take_kinds(&mut bytes)?),
            2 => {
                let kinds = take_kinds(&mut bytes)?;
                let table = match bytes.bytes()? {
                    [] => None,
                    table => Some(Box::new(Commonness::from_bytes(table)?)),
                };
                NextStep::Features(kinds, table)
            }
            3 => {
                let seed = bytes.u64()?;
                NextStep::Read { seed, chosen: take_selection(&mut bytes, all, seed)? }
            }
            _ => return None,
        };
        bytes.end()?;
        Some(Self { columns, rows, among, step })
    }

    fn covers(&self, parts: &[Range<u64>]) -> bool {
        parts.iter().map(|parts| parts.end - parts.start).sum::<u64>() == self.rows.len() as u64
    }

    /// Never called: two decisions cover the same parts, which is refused.
    fn merge(&mut self, _: Self) {}
}

fn put_kinds(bytes: &mut Vec<u8>, kinds: &[Kind]) {
    put(bytes, &kinds.iter().map(|kind| kind.to_byte()).collect::<Vec<_>>());
}

fn take_kinds(bytes: &mut ByteFields<'_>) -> Option<Vec<Kind>> {
    bytes.bytes()?.iter().map(|&byte| Kind::from_byte(byte)).collect()
}

fn put_selection(bytes: &mut Vec<u8>, chosen: &Selection) {
    match chosen {
        Selection::All { .. } => bytes.push(0),
        Selection::Threshold { from, tau, n, .. } => {
            bytes.push(1);
            bytes.extend([*from, *tau, *n].into_iter().flat_map(u64::to_le_bytes));
        }
        Selection::Bits { bits, .. } => {
            bytes.push(2);
            put(bytes, bits.sliced().as_slice());
        }
    }
}

fn take_selection(bytes: &mut ByteFields<'_>, rows: u64, seed: u64) -> Option<Selection> {
    Some(match bytes.u8()? {
        0 => Selection::All { rows },
        1 => {
            let (from, tau, n) = (bytes.u64()?, bytes.u64()?, bytes.u64()?);
            Selection::Threshold { hash: RowHash::new(seed), from, tau, rows, n }
        }
        2 => {
            let packed = bytes.bytes()?;
            let len = usize::try_from(rows).ok().filter(|len| len.div_ceil(8) == packed.len())?;
            Selection::of_bits(BooleanBuffer::new(Buffer::from(packed), 0, len))
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_schema::Schema;

    use super::*;

    fn decision(step: NextStep) -> Decision {
        Decision { columns: JointColumns::empty(), rows: vec![3, 0, 7], among: None, step }
    }

    fn steps() -> Vec<NextStep> {
        let table = Commonness::new([(1 << 60, 9), (2 << 60, 4)].into_iter());
        let bits = BooleanBuffer::collect_bool(10, |row| row % 3 == 0);
        let threshold =
            Selection::Threshold { hash: RowHash::new(5), from: 0, tau: 1 << 63, rows: 10, n: 4 };
        vec![
            NextStep::Drawable(Arc::new(Schema::empty())),
            NextStep::Groups(Arc::new(Schema::empty())),
            NextStep::Thresholds(Arc::new(Schema::empty()), vec![Window::new(3, 10, 2)]),
            NextStep::Strings,
            NextStep::Pilot(vec![Kind::Text, Kind::Labels]),
            NextStep::Features(Vec::new(), Some(Box::new(table))),
            NextStep::Features(vec![Kind::Short], None),
            NextStep::Read { seed: 5, chosen: Selection::All { rows: 10 } },
            NextStep::Read { seed: 5, chosen: threshold },
            NextStep::Read { seed: 5, chosen: Selection::of_bits(bits) },
        ]
    }

    #[test]
    fn decisions_survive_a_journey_and_no_cut() {
        let some = BooleanBuffer::collect_bool(10, |row| row != 4);
        let among = [None, Some(Selection::of_bits(some))];
        for (step, among) in
            steps().iter().flat_map(|step| among.iter().map(move |rows| (step, rows)))
        {
            let made = Decision { among: among.clone(), ..decision(step.clone()) };
            let mut bytes = Vec::new();
            made.write(&mut bytes);
            let again = Decision::read(&bytes).expect("sound");
            let mut written = Vec::new();
            again.write(&mut written);
            assert_eq!(written, bytes);
            assert_eq!(again.chosen().ok(), made.chosen().ok());
            assert!((0..bytes.len()).all(|end| Decision::read(&bytes[..end]).is_none()));
            bytes.push(0);
            assert!(Decision::read(&bytes).is_none());
        }
    }

    #[test]
    fn ordinals_are_those_of_parts() {
        let made = decision(NextStep::Strings);
        let ordinals: Vec<_> = (0..3).map(|part| made.ordinals(part).expect("a part")).collect();
        assert_eq!((ordinals, made.all_rows()), (vec![0..3, 3..3, 3..10], 10));
        assert!(made.ordinals(3).is_err());
    }
}
