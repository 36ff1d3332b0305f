//! The merge of states that come as bytes.

use super::drawable::Drawable;
use super::group_counts::GroupCounts;
use super::strings::PartStrings;
use super::survey::Survey;
use super::thresholds::NearThresholds;
use crate::error::{Error, Result};
use crate::exec::envelope::{Payload, State, kind_of};
use crate::smart::extract::Extracted;
use crate::smart::pilot::PilotShingles;

/// Merges states of different parts of the same round, in any order.
///
/// # Errors
/// [`Error::Invalid`] for states that are damaged, of several draws, or of rows that come twice.
pub fn merge(states: &[&[u8]]) -> Result<Vec<u8>> {
    let first = states.first().ok_or_else(|| {
        Error::Argument("there is no state to merge; pass those of all parts".into())
    })?;
    match kind_of(first) {
        Some(Survey::KIND) => merged::<Survey>(states),
        Some(PartStrings::KIND) => merged::<PartStrings>(states),
        Some(Drawable::KIND) => merged::<Drawable>(states),
        Some(GroupCounts::KIND) => merged::<GroupCounts>(states),
        Some(NearThresholds::KIND) => merged::<NearThresholds>(states),
        Some(PilotShingles::KIND) => merged::<PilotShingles>(states),
        Some(Extracted::KIND) => merged::<Extracted>(states),
        _ => Err(Error::Invalid(
            "these bytes are no state of a part, or their beginning is damaged; send them again"
                .into(),
        )),
    }
}

fn merged<P: Payload>(states: &[&[u8]]) -> Result<Vec<u8>> {
    let mut all: Option<State<P>> = None;
    for bytes in states {
        let state = State::from_bytes(bytes)?;
        match &mut all {
            Some(all) => all.merge(state)?,
            all @ None => *all = Some(state),
        }
    }
    Ok(all.map(|all| all.to_bytes()).unwrap_or_default())
}
