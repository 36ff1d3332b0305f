//! Where the texts of each row lie in an array, on the way down a path.
//!
//! ```text
//!  messages: list<struct<role, content>>      rows 0, 1 ─▶ items 4..6, 6..7 ─▶ run 4..7, ends 2, 3
//!                                             shapes: hash of [2], 0
//! ```
//!
//! Going down, a list replaces each place by those of its items, a struct keeps the places. In the
//! usual layouts all places are one run, so only where rows end is written down. Nulls with
//! something beneath them, and views in any order, need a list of places.

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::{Array, OffsetSizeTrait};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType;

use super::leaf::Step;
use crate::hash::mix_two;

/// Places in an array.
#[derive(Debug)]
pub(super) enum Places {
    /// One after the other.
    Run(Range<usize>),
    /// In any order; none for one that is null, or lies in a null.
    Any(Vec<Option<usize>>),
}

impl Places {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Run(run) => run.len(),
            Self::Any(places) => places.len(),
        }
    }

    /// A place, by its index.
    #[inline]
    pub(super) fn at(&self, index: usize) -> Option<usize> {
        match self {
            Self::Run(run) => Some(run.start + index),
            Self::Any(places) => places[index],
        }
    }
}

/// How places are spread over rows.
#[derive(Debug)]
pub(super) struct Lists {
    /// How many places there are up to the end of each row.
    ends: Vec<usize>,
    /// A hash of the numbers of items on the way to each row's texts; 0 if all of them are 1.
    shapes: Vec<u64>,
}

impl Lists {
    /// The places of a row.
    pub(super) fn of(&self, row: usize) -> Range<usize> {
        row.checked_sub(1).map_or(0, |before| self.ends[before])..self.ends[row]
    }

    pub(super) fn shape(&self, row: usize) -> u64 {
        self.shapes[row]
    }
}

/// The array at the end of a path, the places of its texts, and their rows if there are lists on
/// the way; none if the path leads nowhere.
pub(super) fn follow<'a>(
    column: &'a dyn Array,
    steps: &[Step],
) -> Option<(&'a dyn Array, Places, Option<Lists>)> {
    let mut descent = Descent {
        array: column,
        places: Places::Run(0..column.len()),
        ends: Vec::new(),
        shapes: Vec::new(),
        lists: 0,
    };
    for step in steps {
        match step {
            // A part of the data may have nothing but nulls, of no type.
            Step::Field(_) if column.data_type() == &DataType::Null => {}
            _ if column.data_type() == &DataType::Null => descent.spread(|_| 0..0),
            Step::Items | Step::Entries => descent.items()?,
            Step::Field(index) => {
                descent.forget(descent.array.nulls());
                descent.array = descent.array.as_struct_opt()?.columns().get(*index)?;
            }
        }
    }
    let Descent { array, places, lists, .. } = descent;
    if lists == 0 {
        return Some((array, places, None));
    }
    // Lists of one item each are like no list at all.
    let plain = (0..lists).fold(0, |shape, _| with_count(shape, 1));
    let mut shapes = descent.shapes;
    shapes.iter_mut().filter(|shape| **shape == plain).for_each(|shape| *shape = 0);
    Some((array, places, Some(Lists { ends: descent.ends, shapes })))
}

/// A path half way.
struct Descent<'a> {
    array: &'a dyn Array,
    places: Places,
    ends: Vec<usize>,
    shapes: Vec<u64>,
    lists: u32,
}

impl<'a> Descent<'a> {
    /// Forgets the places of nulls.
    fn forget(&mut self, nulls: Option<&NullBuffer>) {
        let Some(nulls) = nulls.filter(|nulls| nulls.null_count() > 0) else { return };
        match &mut self.places {
            Places::Run(run) => {
                if run.clone().any(|place| nulls.is_null(place)) {
                    let valid = |place: usize| Some(place).filter(|&place| nulls.is_valid(place));
                    self.places = Places::Any(run.clone().map(valid).collect());
                }
            }
            Places::Any(places) => places.iter_mut().for_each(|found| {
                *found = found.filter(|&place| nulls.is_valid(place));
            }),
        }
    }

    /// Goes on to the items of lists.
    fn items(&mut self) -> Option<()> {
        let array = self.array;
        match array.data_type() {
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                self.items_between(list.value_offsets(), list.nulls(), list.values());
            }
            DataType::LargeList(_) => {
                let list = array.as_list::<i64>();
                self.items_between(list.value_offsets(), list.nulls(), list.values());
            }
            DataType::Map(..) => {
                let map = array.as_map();
                self.items_between(map.value_offsets(), map.nulls(), map.entries());
            }
            DataType::FixedSizeList(..) => {
                let list = array.as_fixed_size_list();
                let length = list.value_length() as usize;
                self.forget(list.nulls());
                self.spread(|at| at * length..(at + 1) * length);
                self.array = list.values();
            }
            DataType::ListView(_) => {
                let list = array.as_list_view::<i32>();
                self.forget(list.nulls());
                self.spread(|at| view(list.value_offset(at), list.value_size(at)));
                self.array = list.values();
            }
            DataType::LargeListView(_) => {
                let list = array.as_list_view::<i64>();
                self.forget(list.nulls());
                self.spread(|at| view(list.value_offset(at), list.value_size(at)));
                self.array = list.values();
            }
            _ => return None,
        }
        Some(())
    }

    /// Goes on to items that lie side by side.
    fn items_between<O: OffsetSizeTrait>(
        &mut self,
        offsets: &[O],
        nulls: Option<&NullBuffer>,
        values: &'a dyn Array,
    ) {
        let range = |at: usize| offsets[at].as_usize()..offsets[at + 1].as_usize();
        // A null list is usually empty as well.
        let hides = |nulls: &NullBuffer, run: &Range<usize>| {
            run.clone().any(|at| nulls.is_null(at) && !range(at).is_empty())
        };
        if let Some(nulls) = nulls.filter(|nulls| nulls.null_count() > 0)
            && match &self.places {
                Places::Run(run) => hides(nulls, run),
                Places::Any(_) => true,
            }
        {
            self.forget(Some(nulls));
        }
        self.spread(range);
        self.array = values;
    }

    /// Replaces each place by those of its items.
    fn spread(&mut self, items: impl Fn(usize) -> Range<usize>) {
        if self.lists == 0 {
            let rows = self.places.len();
            (self.ends, self.shapes) = ((1..=rows).collect(), vec![0; rows]);
        }
        self.lists += 1;
        if let Places::Run(run) = &self.places
            && let Some(run) = spread_run(run.clone(), &mut self.ends, &mut self.shapes, &items)
        {
            self.places = Places::Run(run);
            return;
        }
        let (mut found, mut start) = (Vec::new(), 0);
        for (end, shape) in self.ends.iter_mut().zip(&mut self.shapes) {
            for index in start..*end {
                let range = self.places.at(index).map_or(0..0, &items);
                *shape = with_count(*shape, range.len());
                found.extend(range.map(Some));
            }
            start = *end;
            *end = found.len();
        }
        self.places = Places::Any(found);
    }
}

fn view<O: OffsetSizeTrait>(start: O, size: O) -> Range<usize> {
    start.as_usize()..start.as_usize() + size.as_usize()
}

/// The items of a run of places, if they are one run as well; nothing is changed if not.
fn spread_run(
    run: Range<usize>,
    ends: &mut [usize],
    shapes: &mut [u64],
    items: impl Fn(usize) -> Range<usize>,
) -> Option<Range<usize>> {
    let first = run.clone().next().map_or(0, |place| items(place).start);
    let mut next = first;
    for place in run.clone() {
        let range = items(place);
        if range.start != next {
            return None;
        }
        next = range.end;
    }
    let (mut start, mut end_of_items) = (0, 0);
    for (end, shape) in ends.iter_mut().zip(shapes) {
        for place in run.start + start..run.start + *end {
            let count = items(place).len();
            *shape = with_count(*shape, count);
            end_of_items += count;
        }
        start = *end;
        *end = end_of_items;
    }
    Some(first..next)
}

/// The numbers of items, level by level, as a hash.
fn with_count(shape: u64, count: usize) -> u64 {
    mix_two(shape ^ 0x73_6861_7065, count as u64)
}
