//! Serialised states: refused, or whole.

use xxhash_rust::xxh3::xxh3_64;

use super::refused_state;
use crate::exec::envelope::{Job, Payload, State};
use crate::smart::extract::Extracted;
use crate::smart::extractor::Extractor;
use crate::smart::features::Features;
use crate::smart::pilot::PilotShingles;
use crate::text::hash_of;

/// The bytes as they are, and with a checksum behind them, so that those inside are looked at.
pub(super) fn check(bytes: &[u8]) -> bool {
    let sealed = [bytes, &xxh3_64(bytes).to_le_bytes()].concat();
    let mut accepted = false;
    for bytes in [bytes, &sealed] {
        accepted |= one::<PilotShingles>(bytes, |_, _| ());
        accepted |= one::<Extracted>(bytes, |features, rows| {
            assert_eq!(features.into_features().len() as u64, rows, "rows of features");
        });
    }
    accepted
}

fn one<P: Payload + Clone>(bytes: &[u8], whole: impl FnOnce(P, u64)) -> bool {
    let Some(state) = refused_state(State::<P>::from_bytes(bytes)) else { return false };
    let written = state.to_bytes();
    let again = State::<P>::from_bytes(&written).expect("what was just written");
    assert_eq!(again.to_bytes(), written, "a state that changes on its way");
    let mut twice = state.clone();
    if twice.merge(again).is_ok() {
        assert!(state.rows() == 0 || state.clone().finish().is_err(), "rows that came twice");
    }
    let rows = state.rows();
    if let Some(payload) = refused_state(state.finish()) {
        whole(payload, rows);
    }
    true
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let mut pilot = PilotShingles::default();
    pilot.add(&[3, 1, 3]);
    pilot.add(&[1, 2]);
    let (mut extractor, mut rows) = (Extractor::default(), Features::default());
    for text in ["第一行", "second row", ""] {
        extractor.add([text].into_iter(), hash_of(&[text]), false, &mut rows);
    }
    let job = Job::new(3).with("text", b"prompt");
    let pilot = State::new(job, 0..2, pilot).expect("rows of the source");
    let features = State::new(job, 0..3, Extracted::from_rows(0, rows)).expect("likewise");
    let sealed = [pilot.to_bytes(), features.to_bytes()];
    // Without their checksums, which are put behind again.
    sealed.iter().map(|bytes| bytes[..bytes.len() - 8].to_vec()).chain(sealed.clone()).collect()
}
