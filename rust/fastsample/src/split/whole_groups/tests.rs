//! Sides against all that any assignment of groups can make.

use proptest::prelude::*;

use super::*;

fn rows(groups: &[u64], placed: &[Option<usize>], sides: usize) -> Vec<u64> {
    let of = |side| groups.iter().zip(placed).filter(move |(_, place)| **place == Some(side));
    (0..sides).map(|side| of(side).map(|(rows, _)| rows).sum()).collect()
}

/// All that any assignment of groups to sides, or to none, can make.
fn oracle(groups: &[u64], sides: usize) -> Vec<Vec<u64>> {
    let mut sums = std::collections::BTreeSet::from([vec![0; sides]]);
    for rows in groups {
        for sum in sums.clone() {
            for side in 0..sides {
                let mut more = sum.clone();
                more[side] += rows;
                sums.insert(more);
            }
        }
    }
    sums.into_iter().collect()
}

fn case() -> impl Strategy<Value = (Vec<u64>, Vec<u64>, bool)> {
    let groups = prop::collection::vec(prop_oneof![1_u64..6, 3_u64..5, 1_u64..30], 2..8);
    (groups, prop::collection::vec(1_u64..30, 1..4), any::<bool>())
}

proptest! {
    #[test]
    fn sides_are_exact_where_they_can_be((groups, wanted, exact) in case()) {
        let sides: Vec<Side> =
            wanted.iter().map(|&rows| Side { rows, is_exact: exact }).collect();
        let all: u64 = groups.iter().sum();
        prop_assume!(wanted.iter().sum::<u64>() <= all);
        let possible = oracle(&groups, sides.len());
        match assign(&groups, &sides) {
            Ok(placed) => {
                let found = rows(&groups, &placed, sides.len());
                if possible.contains(&wanted) {
                    prop_assert_eq!(&found, &wanted);
                } else {
                    prop_assert!(!exact);
                    prop_assert!(found.iter().all(|&rows| rows > 0));
                }
                // Shares of the whole leave no row out.
                if wanted.iter().sum::<u64>() == all {
                    prop_assert_eq!(found.iter().sum::<u64>(), all);
                }
            }
            Err(miss) => {
                prop_assert!(!possible.contains(&wanted));
                let can_be = |rows: u64| possible.iter().any(|sums| sums[miss.side] == rows);
                prop_assert!(miss.below.is_none_or(|rows| can_be(rows) && rows <= wanted[miss.side]));
                prop_assert!(miss.above.is_none_or(|rows| can_be(rows) && rows >= wanted[miss.side]));
                let empty = possible.iter().all(|sums| sums.contains(&0));
                prop_assert!(exact || empty || groups.len() < 2 * sides.len());
            }
        }
    }

    #[test]
    fn one_side_is_the_nearest_sum((groups, wanted, _) in case()) {
        let wanted = wanted[0];
        prop_assume!(wanted < groups.iter().sum());
        let side = Side { rows: wanted, is_exact: false };
        let placed = assign(&groups, &[side]).expect("some sum");
        let found = rows(&groups, &placed, 1)[0];
        let sums = oracle(&groups, 1).into_iter().map(|sums| sums[0]).filter(|&sum| sum > 0);
        let off = sums.map(|sum| sum.abs_diff(wanted)).min().expect("a group");
        prop_assert_eq!(found.abs_diff(wanted), off);
    }

    #[test]
    fn large_sides_are_exact(
        sizes in prop::collection::vec(1_u64..9, 9_000..10_000), share in 0.05_f64..0.5
    ) {
        let all: u64 = sizes.iter().sum();
        let small = (all as f64 * share) as u64;
        let wanted = [all - small, small];
        let sides = wanted.map(|rows| Side { rows, is_exact: true });
        let placed = assign(&sizes, &sides).expect("small groups make any sum");
        prop_assert_eq!(rows(&sizes, &placed, 2), wanted);
    }
}

#[test]
fn a_giant_has_a_side_alone() {
    let folds = [180; 5].map(|rows| Side { rows, is_exact: false });
    let groups: Vec<u64> = std::iter::once(376).chain([4; 131]).collect();
    let placed = assign(&groups, &folds).expect("shares");
    assert_eq!(rows(&groups, &placed, 5), [132, 132, 132, 128, 376]);
}

#[test]
fn what_is_possible_is_told() {
    let side = |rows| Side { rows, is_exact: true };
    let found = assign(&[4; 10], &[side(6), side(34)]).expect_err("6 of fours");
    assert_eq!(found, Miss { side: 0, below: Some(4), above: Some(8) });
    let found = assign(&[10], &[side(4)]).expect_err("one group");
    assert_eq!(found, Miss { side: 0, below: None, above: Some(10) });
    let shares = [36, 4].map(|rows| Side { rows, is_exact: false });
    let placed = assign(&[7, 11, 22], &shares).expect("the nearest");
    assert_eq!(rows(&[7, 11, 22], &placed, 2), [33, 7]);
}
