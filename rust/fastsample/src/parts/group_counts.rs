//! The state that tells groups of rows: the rows and values of each.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;

use arrow_array::{Array, StringViewArray};
use arrow_schema::SchemaRef;

use super::thresholds::Window;
use crate::draw::GroupTable;
use crate::error::Result;
use crate::exec::Context;
use crate::exec::envelope::Payload;
use crate::exec::fields::{ByteFields, put};
use crate::partition::{GroupColumns, GroupKey, folded, key, of_row};
use crate::scan::{self, scan};
use crate::select::Selection;
use crate::source::Source;

/// Groups by the hash of their values. Covers rows; parts merge in any order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct GroupCounts(HashMap<u128, GroupCount>);

/// A group, as far as it was seen.
#[derive(Debug, Clone, PartialEq)]
struct GroupCount {
    /// Its first row.
    first: u64,
    rows: u64,
    /// None of groups that are drawn whole, which nobody asks for.
    values: GroupKey,
}

/// All groups of a source, numbered by their first row.
#[derive(Debug)]
pub(super) struct CountedGroups {
    /// The hash of the values of each.
    keys: Vec<u128>,
    rows: Vec<u64>,
    values: Vec<GroupKey>,
    numbers: HashMap<u128, usize>,
}

impl GroupCounts {
    /// What a part says of its rows, of which `first` is the first; those `among` all rows count.
    /// `schema` has the columns that make groups.
    pub(super) fn of(
        ctx: &Context,
        source: &Source,
        first: u64,
        schema: &SchemaRef,
        by: GroupColumns<'_>,
        among: &Selection,
    ) -> Result<Self> {
        ctx.begin(source.rows());
        scan(
            ctx,
            &source.project_as(schema),
            scan::all,
            Self::default,
            |found, at, batch| {
                found.add(first + at, by, &by.texts(batch)?, among);
                Ok(())
            },
            Self::merge,
        )
    }

    fn add(
        &mut self,
        first: u64,
        by: GroupColumns<'_>,
        texts: &[StringViewArray],
        among: &Selection,
    ) {
        let rows = texts.first().map_or(0, Array::len);
        let mask = among.mask(first..first + rows as u64);
        for row in (0..rows).filter(|&row| mask.has(row)) {
            let ordinal = first + row as u64;
            match self.0.entry(by.key(texts, row, ordinal)) {
                Entry::Occupied(mut known) => known.get_mut().see(ordinal, 1),
                Entry::Vacant(new) => {
                    let values = of_row(texts, row).filter(|_| !by.nulls_apart);
                    let values = values.map(|value| value.map(str::to_owned)).collect();
                    new.insert(GroupCount { first: ordinal, rows: 1, values });
                }
            }
        }
    }

    /// All groups.
    pub(super) fn finish(self) -> CountedGroups {
        let mut groups: Vec<(u128, GroupCount)> = self.0.into_iter().collect();
        groups.sort_unstable_by_key(|(_, group)| group.first);
        let numbers = groups.iter().enumerate().map(|(number, (key, _))| (*key, number)).collect();
        let keys = groups.iter().map(|(key, _)| *key).collect();
        let rows = groups.iter().map(|(_, group)| group.rows).collect();
        let values = groups.into_iter().map(|(_, group)| group.values).collect();
        CountedGroups { keys, rows, values, numbers }
    }
}

impl GroupCount {
    fn see(&mut self, first: u64, rows: u64) {
        self.first = self.first.min(first);
        self.rows += rows;
    }
}

impl CountedGroups {
    /// A hash of the values of each, and its rows.
    pub(super) fn hashes(&self) -> Vec<(u64, u64)> {
        self.keys.iter().zip(&self.rows).map(|(&key, &rows)| (folded(key), rows)).collect()
    }

    /// Where the thresholds are of groups that give so many rows.
    pub(super) fn windows(&self, amounts: &[u64]) -> Vec<Window> {
        let groups = self.keys.iter().zip(&self.rows).zip(amounts).filter(|(_, n)| **n > 0);
        groups.map(|((&key, &rows), &n)| Window::new(key, rows, n)).collect()
    }
}

impl GroupTable for CountedGroups {
    fn rows(&self) -> &[u64] {
        &self.rows
    }

    fn group_of(&self, values: &[Option<String>]) -> Option<usize> {
        self.numbers.get(&key(values.iter().map(Option::as_deref))).copied()
    }

    fn values(&self, _: &Context, groups: &[usize]) -> Result<Vec<GroupKey>> {
        Ok(groups.iter().map(|&group| self.values[group].clone()).collect())
    }
}

impl Payload for GroupCounts {
    const KIND: u16 = 7;
    const VERSION: u32 = 1;
    const NAME: &'static str = "groups";

    fn write(&self, bytes: &mut Vec<u8>) {
        let mut groups: Vec<(&u128, &GroupCount)> = self.0.iter().collect();
        groups.sort_unstable_by_key(|(key, _)| **key);
        for (key, GroupCount { first, rows, values }) in groups {
            bytes.extend(key.to_le_bytes());
            bytes.extend(
                [*first, *rows, values.len() as u64].into_iter().flat_map(u64::to_le_bytes),
            );
            for value in values {
                bytes.push(u8::from(value.is_some()));
                put(bytes, value.as_deref().unwrap_or_default().as_bytes());
            }
        }
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (mut bytes, mut groups) = (ByteFields(bytes), HashMap::new());
        while bytes.end().is_none() {
            let (hash, first, rows) = (bytes.u128()?, bytes.u64()?, bytes.u64()?);
            let values = take_values(&mut bytes)?;
            let is_its = values.is_empty() || hash == key(values.iter().map(Option::as_deref));
            let is_its = is_its && rows > 0;
            if !is_its || groups.insert(hash, GroupCount { first, rows, values }).is_some() {
                return None;
            }
        }
        Some(Self(groups))
    }

    fn covers(&self, rows: &[Range<u64>]) -> bool {
        let all: u64 = rows.iter().map(|rows| rows.end - rows.start).sum();
        let counted = self.0.values().try_fold(0_u64, |sum, group| sum.checked_add(group.rows));
        counted.is_some_and(|counted| counted <= all)
            && self.0.values().all(|group| rows.iter().any(|rows| rows.contains(&group.first)))
    }

    fn merge(&mut self, other: Self) {
        for (key, group) in other.0 {
            match self.0.entry(key) {
                Entry::Occupied(mut known) => known.get_mut().see(group.first, group.rows),
                Entry::Vacant(new) => {
                    new.insert(group);
                }
            }
        }
    }
}

fn take_values(bytes: &mut ByteFields<'_>) -> Option<GroupKey> {
    let mut values = GroupKey::new();
    for _ in 0..bytes.count(9)? {
        values.push(match (bytes.u8()?, bytes.text()?) {
            (1, text) => Some(text),
            (0, text) if text.is_empty() => None,
            _ => return None,
        });
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Groups of one column, with their first rows and numbers of rows.
    fn counts(groups: &[(Option<&str>, u64, u64)]) -> GroupCounts {
        let group = |&(value, first, rows): &(Option<&str>, u64, u64)| {
            let count = GroupCount { first, rows, values: vec![value.map(str::to_owned)] };
            (key([value].into_iter()), count)
        };
        GroupCounts(groups.iter().map(group).collect())
    }

    #[test]
    fn they_survive_a_journey_and_no_cut() {
        let made = counts(&[(Some("a"), 3, 2), (None, 4, 5), (Some(""), 9, 1)]);
        let mut bytes = Vec::new();
        made.write(&mut bytes);
        assert_eq!(GroupCounts::read(&bytes).as_ref(), Some(&made));
        let cuts = (1..bytes.len()).filter(|&end| GroupCounts::read(&bytes[..end]).is_some());
        assert_eq!(cuts.count(), 2, "between groups");
        let covers = |rows: Range<u64>| made.covers(std::slice::from_ref(&rows));
        assert!(covers(3..11) && !covers(3..10) && !covers(4..20));
        bytes[16] ^= 1;
        assert_ne!(GroupCounts::read(&bytes), Some(made), "another first row");
        bytes[0] ^= 1;
        assert_eq!(GroupCounts::read(&bytes), None, "a hash of other values");
    }

    #[test]
    fn parts_merge_in_any_order() {
        let (a, b) = (counts(&[(Some("x"), 7, 2), (None, 8, 1)]), counts(&[(Some("x"), 1, 3)]));
        let (mut one, mut other) = (a.clone(), b.clone());
        one.merge(b);
        other.merge(a);
        assert_eq!(one, other);
        let groups = one.finish();
        assert_eq!((groups.rows(), groups.group_of(&[None])), ([5, 1].as_slice(), Some(1)));
        assert_eq!(groups.group_of(&[Some("y".into())]), None);
    }
}
