//! Parts that are lost, doubled, damaged or of another job; and the bytes, pinned.

use proptest::prelude::*;

use super::*;

/// The sum of all ordinals, and the number of parts.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sum(u64);

impl Payload for Sum {
    const KIND: u16 = 900;
    const VERSION: u32 = 3;
    const NAME: &'static str = "sums";

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.0.to_le_bytes());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self(u64::from_le_bytes(bytes.try_into().ok()?)))
    }

    fn merge(&mut self, other: Self) {
        self.0 += other.0;
    }
}

const ROWS: u64 = 100;

fn job() -> Job {
    Job::new(ROWS).with("columns", b"text").with("limit", &[9])
}

fn part(rows: Range<u64>) -> State<Sum> {
    State::new(job(), rows.clone(), Sum(rows.sum())).expect("rows of the source")
}

fn parts(cuts: &[u64]) -> Vec<State<Sum>> {
    let mut cuts: Vec<u64> = cuts.iter().copied().chain([0, ROWS]).collect();
    cuts.sort_unstable();
    cuts.windows(2).map(|ends| part(ends[0]..ends[1])).collect()
}

fn merged(states: impl IntoIterator<Item = State<Sum>>) -> Result<Sum> {
    let mut states = states.into_iter();
    let mut total = states.next().expect("a part");
    states.try_for_each(|state| total.merge(state))?;
    total.finish()
}

proptest! {
    #[test]
    fn any_cut_and_order_makes_the_whole(
        cuts in prop::collection::vec(0..=ROWS, 0..9), order in any::<u64>()
    ) {
        let mut states = parts(&cuts);
        states.sort_by_key(|state| xxh3_64(&state.to_bytes()) ^ order);
        let states = states.iter().map(|state| State::from_bytes(&state.to_bytes()).expect("sound"));
        prop_assert_eq!(merged(states).expect("a whole"), Sum((0..ROWS).sum()));
    }

    #[test]
    fn a_part_lost_or_doubled_is_found(
        cuts in prop::collection::vec(1..ROWS, 1..9), which in any::<prop::sample::Index>()
    ) {
        let mut states = parts(&cuts);
        states.retain(|state| !state.covered.is_empty());
        let one = states.remove(which.index(states.len()));
        if !states.is_empty() {
            let error = merged(states.clone()).expect_err("a gap").to_string();
            prop_assert!(error.contains("are missing"), "{}", error);
        }
        states.extend([one.clone(), one]);
        let error = merged(states).expect_err("a part that comes twice").to_string();
        prop_assert!(error.contains("come twice"), "{}", error);
    }

    #[test]
    fn damage_is_found(place in any::<prop::sample::Index>(), flip in 1_u8.., cut in any::<bool>()) {
        let mut bytes = part(3..70).to_bytes();
        let place = place.index(bytes.len());
        if cut {
            bytes.truncate(place);
        } else {
            bytes[place] ^= flip;
        }
        prop_assert!(State::<Sum>::from_bytes(&bytes).is_err());
    }
}

#[test]
fn parts_of_other_jobs_are_refused_and_change_nothing() {
    let others = [
        Job::new(ROWS + 1).with("columns", b"text").with("limit", &[9]),
        Job::new(ROWS).with("columns", b"text").with("limit", &[8]),
        Job::new(ROWS).with("columns", b"textlimit"),
    ];
    for other in others {
        let mut state = part(0..50);
        let other = State::new(other, 50..100, Sum(0)).expect("rows of the source");
        let error = state.merge(other).expect_err("another job").to_string();
        assert!(error.contains("another job"), "{error}");
        state.merge(part(50..100)).expect("the same job");
        assert_eq!(state.finish().expect("a whole"), Sum((0..ROWS).sum()));
    }
    assert!(State::new(job(), 50..101, Sum(0)).is_err(), "more rows than the source has");
}

#[test]
fn other_kinds_and_versions_say_so() {
    #[derive(Debug)]
    struct Other<const KIND: u16, const VERSION: u32>;
    impl<const KIND: u16, const VERSION: u32> Payload for Other<KIND, VERSION> {
        const KIND: u16 = KIND;
        const VERSION: u32 = VERSION;
        const NAME: &'static str = "others";
        fn write(&self, _: &mut Vec<u8>) {}
        fn read(_: &[u8]) -> Option<Self> {
            Some(Self)
        }
        fn merge(&mut self, _: Self) {}
    }
    let bytes = part(0..1).to_bytes();
    let kind = State::<Other<901, 3>>::from_bytes(&bytes).expect_err("another kind");
    assert!(kind.to_string().contains("kind 900"), "{kind}");
    let version = State::<Other<900, 4>>::from_bytes(&bytes).expect_err("another version");
    assert!(version.to_string().contains("version 1.3, not 1.4"), "{version}");
    let magic = State::<Sum>::from_bytes(&[7; 99]).expect_err("no state");
    assert!(magic.to_string().contains("no sums of fastsample"), "{magic}");
}

#[test]
fn an_empty_source_has_no_gaps() {
    let job = Job::new(0);
    let state = State::new(job, 0..0, Sum(0)).expect("no rows");
    assert_eq!(state.finish().expect("a whole"), Sum(0));
}

/// Frozen: parts of one job may be made by other builds.
#[test]
fn the_bytes_are_pinned() {
    let bytes = part(3..70).to_bytes();
    let head = [
        &b"fastsmpl"[..],
        &[1, 0, 0x84, 3, 3, 0, 0, 0],
        &job().fingerprint.to_le_bytes(),
        &100_u64.to_le_bytes(),
        &1_u64.to_le_bytes(),
        &3_u64.to_le_bytes(),
        &70_u64.to_le_bytes(),
        &8_u64.to_le_bytes(),
        &2_412_u64.to_le_bytes(),
    ];
    assert_eq!(bytes[..bytes.len() - 8], head.concat());
    assert_eq!(job().fingerprint, 5_285_168_022_728_186_449);
    assert_eq!(xxh3_64(&bytes), 11_676_851_666_910_966_982);
}
