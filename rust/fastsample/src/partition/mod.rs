//! `Partition`: the rows of a population in groups of equal values of some columns.
//!
//! ```text
//!  source ─▶ scan: the columns ─▶ hash of the values of each row ─▶ numbers of groups ─▶ Strata
//! ```
//!
//! Groups are told apart by 128-bit hashes of their values, so the values are not kept: some bytes
//! a row and some a group are. Groups are numbered by their first row.
//!
//! - `values`: the values of columns as texts, and their hash;
//! - `keys`: random numbers of rows by such a hash.

mod keys;
mod values;

use std::collections::HashMap;

use arrow_array::{Array, RecordBatch, StringViewArray};

pub use self::keys::RowKeys;
pub use self::values::GroupKey;
pub(crate) use self::values::{GroupColumns, folded, key, of_row};
use crate::error::{Error, Result};
use crate::exec::{Context, memory};
use crate::gather::Gather;
use crate::population::Population;
use crate::scan::{self, scan};
use crate::select::strata::NONE;
use crate::select::{Selection, Strata};
use crate::source::{Projected, Source};

/// Rows in groups of equal values.
#[derive(Debug)]
pub struct Partition {
    columns: Projected,
    /// The columns that make groups, in the order of their values.
    by: Vec<String>,
    rows: u64,
    strata: Strata,
    /// The first row of each group, ascending.
    firsts: Vec<u64>,
    numbers: HashMap<u128, u32>,
}

/// The groups found by one worker, numbered as they came.
#[derive(Debug, Default)]
struct GroupsFound {
    numbers: HashMap<u128, u32>,
    firsts: Vec<u64>,
    /// The first row of each batch, and the group of each row.
    blocks: Vec<(u64, Vec<u32>)>,
}

impl Partition {
    /// Groups the rows of `population` by the values of the columns `by`, of all columns of the
    /// source, kept or not.
    ///
    /// # Errors
    /// [`Error::Column`] for a column that is not there or has no plain values, and whatever reading
    /// fails with.
    pub fn new(ctx: &Context, population: &Population, by: &[String]) -> Result<Self> {
        Self::of(ctx, population, GroupColumns::by(by))
    }

    /// As [`Partition::new`], for groups that are drawn or left whole. A row that has a null in all
    /// columns belongs to no other: it is a group of its own.
    ///
    /// # Errors
    /// As [`Partition::new`].
    pub fn whole(ctx: &Context, population: &Population, group: &[String]) -> Result<Self> {
        Self::of(ctx, population, GroupColumns::whole(group))
    }

    fn of(ctx: &Context, population: &Population, wanted: GroupColumns<'_>) -> Result<Self> {
        let (source, among) = (population.source(), population.among());
        wanted.check()?;
        check_rows(source)?;
        let columns = source.project_columns(wanted.columns, wanted.option)?;
        wanted.texts(&RecordBatch::new_empty(columns.schema().clone()))?;
        memory::require_rows::<[u32; 3]>(source.rows(), "the groups")?;
        ctx.begin(source.rows());
        let found = scan(
            ctx,
            &columns,
            scan::all,
            GroupsFound::default,
            |found, first, batch| {
                found.add(first, wanted, &wanted.texts(batch)?, among);
                Ok(())
            },
            GroupsFound::merge,
        )?;
        let mut order: Vec<u32> = (0..found.firsts.len() as u32).collect();
        order.sort_unstable_by_key(|&group| found.firsts[group as usize]);
        let mut number = vec![0; order.len()];
        (0_u32..).zip(&order).for_each(|(new, &old)| number[old as usize] = new);
        // And once more, when the rows of each group are brought together.
        memory::require_rows::<[u32; 2]>(source.rows(), "the groups")?;
        let mut of = vec![NONE; source.rows() as usize];
        for (first, block) in found.blocks {
            for (place, &group) in of[first as usize..].iter_mut().zip(&block) {
                *place = number.get(group as usize).copied().unwrap_or(NONE);
            }
        }
        let firsts = order.iter().map(|&group| found.firsts[group as usize]).collect();
        let numbers =
            found.numbers.into_iter().map(|(key, old)| (key, number[old as usize])).collect();
        let strata = Strata::new(of, order.len());
        let (by, rows) = (wanted.columns.to_vec(), source.rows());
        Ok(Self { columns, by, rows, strata, firsts, numbers })
    }

    /// The group of each row.
    #[must_use]
    pub fn strata(&self) -> &Strata {
        &self.strata
    }

    /// A hash of the values of each group, which does not depend on where its rows are.
    #[must_use]
    pub fn hashes(&self) -> Vec<u64> {
        let mut hashes = vec![0; self.firsts.len()];
        for (&key, &group) in &self.numbers {
            hashes[group as usize] = folded(key);
        }
        hashes
    }

    /// The group of these values, if there is one.
    #[must_use]
    pub fn group_of(&self, values: &[Option<String>]) -> Option<usize> {
        let key = key(values.iter().map(Option::as_deref));
        self.numbers.get(&key).map(|&group| group as usize)
    }

    /// The values of some groups, which are read from the first row of each.
    ///
    /// # Errors
    /// Whatever reading fails with.
    pub fn values(&self, ctx: &Context, groups: &[usize]) -> Result<Vec<GroupKey>> {
        let mut order: Vec<usize> = (0..groups.len()).collect();
        order.sort_unstable_by_key(|&place| groups[place]);
        let firsts: Vec<u64> = groups.iter().map(|&group| self.firsts[group]).collect();
        let chosen = Selection::of_ids(&firsts, self.rows)?;
        let wanted = GroupColumns::by(&self.by);
        let (mut values, mut next) = (vec![GroupKey::new(); groups.len()], order.into_iter());
        for batch in Gather::start(ctx, &self.columns, &chosen) {
            let batch = batch?;
            let texts = wanted.texts(&batch)?;
            for row in 0..batch.num_rows() {
                if let Some(place) = next.next() {
                    values[place] = of_row(&texts, row).map(|t| t.map(str::to_owned)).collect();
                }
            }
        }
        Ok(values)
    }
}

impl GroupsFound {
    fn add(
        &mut self,
        first: u64,
        by: GroupColumns<'_>,
        texts: &[StringViewArray],
        among: &Selection,
    ) {
        let rows = texts.first().map_or(0, Array::len);
        let mask = among.mask(first..first + rows as u64);
        let group = |row: usize| {
            if !mask.has(row) {
                return NONE;
            }
            let ordinal = first + row as u64;
            let new = self.firsts.len() as u32;
            let group = *self.numbers.entry(by.key(texts, row, ordinal)).or_insert(new);
            match self.firsts.get_mut(group as usize) {
                Some(known) => *known = ordinal.min(*known),
                None => self.firsts.push(ordinal),
            }
            group
        };
        let block = (0..rows).map(group).collect();
        self.blocks.push((first, block));
    }

    fn merge(&mut self, other: Self) {
        let mut number = vec![0; other.firsts.len()];
        for (key, old) in other.numbers {
            let first = other.firsts[old as usize];
            let new = self.firsts.len() as u32;
            let group = *self.numbers.entry(key).or_insert(new);
            match self.firsts.get_mut(group as usize) {
                Some(known) => *known = first.min(*known),
                None => self.firsts.push(first),
            }
            number[old as usize] = group;
        }
        for (first, mut block) in other.blocks {
            for group in block.iter_mut().filter(|group| **group != NONE) {
                *group = number[*group as usize];
            }
            self.blocks.push((first, block));
        }
    }
}

fn check_rows(source: &Source) -> Result<()> {
    if source.rows() > u64::from(u32::MAX) {
        return Err(Error::Argument(format!(
            "the source has {} rows; groups are made of at most {}",
            source.rows(),
            u32::MAX
        )));
    }
    Ok(())
}
