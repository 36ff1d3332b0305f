//! Zones of a part, and what is known of their rows before they are read.
//!
//! ```text
//!  unit 0 ├────────────────┤    unit 1 ├──────────────────────────┤
//!                              lang      ├────────┬───────┬─────────┤    pages
//!                              score     ├──────────────┬───────────┤
//!                              zones     ├────────┼─────┼─┼─────────┤
//! ```
//!
//! A zone is a unit, or the rows of one between which no page of the columns begins.

use std::collections::HashMap;
use std::ops::Range;

use arrow_array::UInt64Array;
use arrow_buffer::BooleanBuffer;
use arrow_schema::{DataType, SchemaRef};

use super::data::Data;
use super::extremes::Extremes;
use crate::text::is_text;

/// Ranges of rows that are so near are read as one: to begin anew costs as much as some rows.
const NEAR_ROWS: u64 = 8192;

/// Zones of a part, and what is known of them.
#[derive(Debug)]
pub(crate) struct Zones {
    /// Units, and rows of these.
    zones: Vec<(usize, Range<u64>)>,
    /// The extremes of columns, by name.
    known: HashMap<String, Extremes>,
}

impl Zones {
    /// The units of `data`, whose columns are read as `schema` says.
    fn units(data: &Data, schema: &SchemaRef) -> Self {
        let zones = data.units().into_iter().enumerate();
        let zones = zones.map(|(unit, rows)| (unit, 0..rows)).collect();
        let known = known(data, schema, |column| data.extremes(column));
        Self { zones, known }
    }

    /// Zones of those units of `data` that are long enough to be read in part, by their pages. None
    /// where these are not known.
    fn pages(data: &Data, schema: &SchemaRef, units: &BooleanBuffer) -> Option<Self> {
        let rows = data.units();
        let long = units.set_indices().filter(|&unit| rows[unit] >= 2 * NEAR_ROWS);
        let units: Vec<usize> = long.collect();
        if units.is_empty() {
            return None;
        }
        let columns = known(data, schema, |column| data.pages_of(column, &units));
        if columns.is_empty() {
            return None;
        }
        let starts = |place: usize| {
            let all = columns.values().flat_map(|pages| pages.starts[place].iter().copied());
            let mut all: Vec<u64> = all.collect();
            all.sort_unstable();
            all.dedup();
            all
        };
        let starts: Vec<Vec<u64>> = (0..units.len()).map(starts).collect();
        let of_unit = |(&unit, starts): (&usize, &Vec<u64>)| {
            let ends: Vec<u64> = starts.iter().skip(1).copied().chain([rows[unit]]).collect();
            let zones: Vec<_> =
                starts.iter().zip(ends).map(|(&from, to)| (unit, from..to)).collect();
            zones
        };
        let zones = units.iter().zip(&starts).flat_map(of_unit).collect();
        let known = columns.into_iter().filter_map(|(column, pages)| {
            Some((column, pages.extremes.take(&places(&starts, &pages.starts)).ok()?))
        });
        Some(Self { zones, known: known.collect() })
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.zones.len()
    }

    /// The extremes of a column, if they are known.
    pub(crate) fn extremes(&self, column: &str) -> Option<&Extremes> {
        self.known.get(column)
    }

    /// The rows of the chosen zones, those of a unit that are near each other as one range.
    fn rows(&self, chosen: &BooleanBuffer) -> Vec<(usize, Range<u64>)> {
        let mut ranges: Vec<(usize, Range<u64>)> = Vec::new();
        for place in chosen.set_indices() {
            let (unit, rows) = &self.zones[place];
            match ranges.last_mut() {
                Some((last, range)) if last == unit && rows.start - range.end < NEAR_ROWS => {
                    range.end = rows.end;
                }
                _ => ranges.push((*unit, rows.clone())),
            }
        }
        ranges
    }
}

/// Of each unit of a part the rows that are read, ascending.
pub(super) type ReadRows = Vec<Vec<Range<u64>>>;

/// The rows of `data`, whose columns are read as `schema` says, without units and pages that `may_match`
/// leaves out; it has a bit for each zone.
pub(super) fn rows_that_may_match(
    data: &Data,
    schema: &SchemaRef,
    may_match: impl Fn(&Zones) -> BooleanBuffer,
) -> ReadRows {
    let units = Zones::units(data, schema);
    let possible = may_match(&units);
    let mut read: ReadRows = vec![Vec::new(); units.len()];
    units.rows(&possible).into_iter().for_each(|(unit, rows)| read[unit] = vec![rows]);
    if let Some(pages) = Zones::pages(data, schema, &possible) {
        pages.zones.iter().for_each(|(unit, _)| read[*unit].clear());
        let possible = pages.rows(&may_match(&pages));
        possible.into_iter().for_each(|(unit, rows)| read[unit].push(rows));
    }
    read
}

/// What is known of the columns of `schema`, but of those that are read as another type: what is
/// compared as one type need not be in the order of another.
fn known<T>(data: &Data, schema: &SchemaRef, of: impl Fn(&str) -> Option<T>) -> HashMap<String, T> {
    let is_same =
        |stored: &DataType, read: &DataType| stored == read || is_text(stored) && is_text(read);
    let columns = schema.fields().iter().filter_map(|field| {
        let stored = data.schema().field_with_name(field.name()).ok()?;
        let found = is_same(stored.data_type(), field.data_type()).then(|| of(field.name()))??;
        Some((field.name().clone(), found))
    });
    columns.collect()
}

/// The page that each zone lies in, of all pages one behind the other. Each unit has its first rows of
/// zones, and of pages, which are some of these.
fn places(zones: &[Vec<u64>], pages: &[Vec<u64>]) -> UInt64Array {
    let mut places = Vec::new();
    let mut before = 0;
    for (zones, pages) in zones.iter().zip(pages) {
        let page = |start: &u64| pages.partition_point(|first| first <= start).saturating_sub(1);
        places.extend(zones.iter().map(|start| before + page(start) as u64));
        before += pages.len() as u64;
    }
    places.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_lie_in_pages() {
        let zones = [vec![0, 10, 15, 20], vec![0], vec![0, 7]];
        let pages = [vec![0, 15], vec![0], vec![0, 7]];
        assert_eq!(places(&zones, &pages).values(), &[0, 0, 1, 1, 2, 3, 4]);
    }

    #[test]
    fn ranges_that_are_near_are_one() {
        let far = 2 * NEAR_ROWS;
        let zones =
            vec![(0, 0..10), (0, 10..20), (0, 20..far), (0, far..2 * far), (1, 0..5), (1, 5..9)];
        let zones = Zones { zones, known: HashMap::new() };
        let rows = |chosen: &[bool]| zones.rows(&BooleanBuffer::from(chosen));
        assert_eq!(
            rows(&[true, false, false, true, false, true]),
            [(0, 0..10), (0, far..2 * far), (1, 5..9)]
        );
        assert_eq!(rows(&[true, false, true, false, true, true]), [(0, 0..far), (1, 0..9)]);
        assert_eq!(rows(&[false; 6]), []);
    }
}
