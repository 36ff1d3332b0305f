//! Batches of token ids: padded to one length, or laid end to end.
//!
//! ```text
//!  rows 5 8 9 | 4 7     padded   input_ids 5 8 9   attention_mask 1 1 1   labels 5 8    9
//!                                          4 7 0                  1 1 0          4 7 -100
//!
//!                       packed   input_ids 5 8 9 4 7   position_ids 0 1 2 0 1   ends 0 3 5
//!                                labels -100 8 9 -100 7
//! ```
//!
//! Keys and values are those of the collators of `transformers`, in 64 bits as its models take them.

use super::token_rows::{TokenIds, TokenRows};
use crate::error::{Error, Result};
use crate::exec::memory;
use crate::tokens::{INPUT_IDS, LABELS};

/// The label of a place that counts for no loss.
pub const IGNORED: i64 = -100;

/// How rows are made equally long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PadOptions {
    /// The token that fills up.
    pub id: u32,
    /// Whether it comes before the row.
    pub is_left: bool,
    /// The length of a batch is a multiple of this.
    pub multiple: usize,
}

/// A matrix of a batch, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    /// What `transformers` calls it.
    pub name: &'static str,
    /// Its values.
    pub values: Vec<i64>,
    /// The length of a row.
    pub width: usize,
}

/// Rows laid end to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenPack {
    /// `input_ids`, `labels` and `position_ids`, one row each.
    pub matrices: Vec<Matrix>,
    /// Where each row begins, and where the last ends.
    pub ends: Vec<i32>,
    /// The tokens of the longest row.
    pub longest: usize,
}

/// The rows at `positions`, padded: `input_ids`, `attention_mask` and `labels`. Where the rows have no
/// labels of their own, those are the ids; where only answers are learned, those of answers.
///
/// # Errors
/// As [`TokenRows::ids`]; [`Error::Memory`]; [`Error::Argument`] for a multiple of 0.
///
/// # Examples
/// ```
/// use std::sync::Arc;
///
/// use arrow_array::types::UInt16Type;
/// use arrow_array::{ArrayRef, ListArray, RecordBatch};
/// use fastsample::training::collate::{PadOptions, pad};
/// use fastsample::training::token_rows::TokenRows;
///
/// let rows = [Some(vec![Some(5), Some(8)]), Some(vec![Some(4)])];
/// let ids: ArrayRef = Arc::new(ListArray::from_iter_primitive::<UInt16Type, _, _>(rows));
/// let batch = RecordBatch::try_from_iter([("input_ids", ids)])?;
/// let rows = TokenRows::new(&batch.schema(), vec![batch])?;
/// let found = pad(&rows, &[0, 1], PadOptions { id: 0, is_left: false, multiple: 1 })?;
/// assert_eq!(found[0].values, [5, 8, 4, 0]);
/// assert_eq!(found[2].values, [5, 8, 4, -100]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn pad(rows: &TokenRows, positions: &[usize], options: PadOptions) -> Result<Vec<Matrix>> {
    let ids = matrix(rows, 0, positions, INPUT_IDS, options, options.id.into(), false)?;
    let mask = matrix(rows, 0, positions, "attention_mask", options, 0, true)?;
    let sequence = usize::from(rows.has_labels());
    let mut labels = matrix(rows, sequence, positions, LABELS, options, IGNORED, false)?;
    if rows.has_answers() {
        let width = labels.width;
        for (row, &position) in labels.values.chunks_exact_mut(width.max(1)).zip(positions) {
            let length = rows.ids(sequence, position)?.len();
            let start = if options.is_left { width - length } else { 0 };
            keep_answers(rows, position, &mut row[start..start + length])?;
        }
    }
    Ok(vec![ids, mask, labels])
}

/// A sequence of some rows, filled up with `fill`; with `is_mask`, ones in place of its ids.
fn matrix(
    rows: &TokenRows,
    sequence: usize,
    positions: &[usize],
    name: &'static str,
    options: PadOptions,
    fill: i64,
    is_mask: bool,
) -> Result<Matrix> {
    if options.multiple == 0 {
        return Err(Error::Argument("the multiple of a length counts from 1".into()));
    }
    let ids = positions.iter().map(|&position| rows.ids(sequence, position));
    let ids = ids.collect::<Result<Vec<_>>>()?;
    let longest = ids.iter().map(TokenIds::len).max().unwrap_or(0);
    let width = longest.next_multiple_of(options.multiple);
    let mut values = Vec::new();
    memory::grow(&mut values, width.saturating_mul(ids.len()), "a batch of token ids")?;
    values.resize(width * ids.len(), fill);
    for (row, ids) in values.chunks_exact_mut(width.max(1)).zip(ids) {
        let start = if options.is_left { width - ids.len() } else { 0 };
        let row = &mut row[start..start + ids.len()];
        if is_mask { row.fill(1) } else { ids.copy_to(row) }
    }
    Ok(Matrix { name, values, width })
}

/// Hides all labels of a row but those of its answers, if only those are learned.
fn keep_answers(rows: &TokenRows, position: usize, labels: &mut [i64]) -> Result<()> {
    let Some(bounds) = rows.answers(position)? else { return Ok(()) };
    let mut last = 0;
    for pair in bounds.chunks_exact(2) {
        labels[last..pair[0] as usize].fill(IGNORED);
        last = pair[1] as usize;
    }
    labels[last..].fill(IGNORED);
    Ok(())
}

/// The rows at `positions`, end to end: positions begin anew in each, and the label of each first token
/// is ignored, so that none predicts the next.
///
/// # Errors
/// As [`TokenRows::ids`]; [`Error::Memory`]; [`Error::Argument`] for rows of two sequences, or of more
/// tokens than 32-bit ends can tell.
pub fn pack(rows: &TokenRows, positions: &[usize]) -> Result<TokenPack> {
    if rows.has_labels() {
        return Err(Error::Argument(
            "rows of two sequences, input_ids and labels, can't be laid end to end; cache one \
             sequence a row, or pad them"
                .into(),
        ));
    }
    let ids = positions.iter().map(|&position| rows.ids(0, position));
    let ids = ids.collect::<Result<Vec<_>>>()?;
    let (mut ends, mut longest) = (vec![0], 0);
    for ids in &ids {
        let end = i32::try_from(ids.len()).ok();
        let end = end.and_then(|length| length.checked_add(ends[ends.len() - 1]));
        ends.push(end.ok_or_else(|| {
            let most = i32::MAX;
            Error::Argument(format!("a pack of more than {most} tokens; pack fewer rows"))
        })?);
        longest = longest.max(ids.len());
    }
    let total = ends[ends.len() - 1] as usize;
    memory::require(3 * size_of::<i64>() * total, || "a pack of token ids".to_owned())?;
    let (mut tokens, mut labels, mut places) = (vec![0; total], vec![0; total], vec![0; total]);
    for ((ids, bounds), &position) in ids.iter().zip(ends.windows(2)).zip(positions) {
        let row = bounds[0] as usize..bounds[1] as usize;
        ids.copy_to(&mut tokens[row.clone()]);
        ids.copy_to(&mut labels[row.clone()]);
        keep_answers(rows, position, &mut labels[row.clone()])?;
        labels[row.clone()].iter_mut().take(1).for_each(|first| *first = IGNORED);
        places[row].iter_mut().zip(0..).for_each(|(place, at)| *place = at);
    }
    let matrices = [(INPUT_IDS, tokens), (LABELS, labels), ("position_ids", places)];
    let matrices = matrices.map(|(name, values)| Matrix { name, values, width: total });
    Ok(TokenPack { matrices: matrices.into(), ends, longest })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::types::{UInt16Type, UInt32Type};
    use arrow_array::{ArrayRef, ListArray, RecordBatch};
    use proptest::prelude::*;

    use super::*;

    type Lists = Vec<Vec<u16>>;

    fn column(rows: &[Vec<u16>], is_wide: bool) -> ArrayRef {
        if is_wide {
            let rows = rows.iter().map(|row| Some(row.iter().map(|&id| Some(u32::from(id)))));
            Arc::new(ListArray::from_iter_primitive::<UInt32Type, _, _>(rows))
        } else {
            let rows = rows.iter().map(|row| Some(row.iter().copied().map(Some)));
            Arc::new(ListArray::from_iter_primitive::<UInt16Type, _, _>(rows))
        }
    }

    fn token_rows(ids: &Lists, labels: Option<&Lists>, is_wide: bool, cut: usize) -> TokenRows {
        let columns = [Some(("input_ids", ids)), labels.map(|labels| ("labels", labels))];
        let columns =
            columns.into_iter().flatten().map(|(name, rows)| (name, column(rows, is_wide)));
        let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
        let cut = cut.min(batch.num_rows());
        let batches = vec![batch.slice(0, cut), batch.slice(cut, batch.num_rows() - cut)];
        TokenRows::new(&batch.schema(), batches).expect("token ids")
    }

    fn padded(rows: &[&Vec<u16>], fill: i64, options: PadOptions) -> (Vec<i64>, usize) {
        let longest = rows.iter().map(|row| row.len()).max().unwrap_or(0);
        let width = longest.div_ceil(options.multiple) * options.multiple;
        let fill_up = |row: &&Vec<u16>| {
            let ids: Vec<i64> = row.iter().map(|&id| id.into()).collect();
            let empty = vec![fill; width - ids.len()];
            if options.is_left { [empty, ids].concat() } else { [ids, empty].concat() }
        };
        (rows.iter().flat_map(fill_up).collect(), width)
    }

    proptest! {
        #[test]
        fn batches_are_those_of_lists(
            rows in prop::collection::vec(
                (prop::collection::vec(any::<u16>(), 0..9), prop::collection::vec(any::<u16>(), 0..9)),
                1..20
            ),
            places in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
            id in 0_u32..70_000, is_left: bool, multiple in 1_usize..9, is_wide: bool, cut in 0_usize..20
        ) {
            let (ids, labels): (Lists, Lists) = rows.into_iter().unzip();
            let positions: Vec<usize> = places.iter().map(|place| place.index(ids.len())).collect();
            let pick = |lists: &'_ Lists| -> Lists {
                positions.iter().map(|&at| lists[at].clone()).collect()
            };
            let options = PadOptions { id, is_left, multiple };
            let (of_ids, of_labels) = (pick(&ids), pick(&labels));
            let refs = |lists: &'static str| if lists == "ids" { &of_ids } else { &of_labels };
            for own in [false, true] {
                let made = token_rows(&ids, own.then_some(&labels), is_wide, cut);
                let found = pad(&made, &positions, options).expect("positions that exist");
                let ids: Vec<_> = refs("ids").iter().collect();
                let labels: Vec<_> = refs(if own { "labels" } else { "ids" }).iter().collect();
                let ones: Lists = ids.iter().map(|row| vec![1; row.len()]).collect();
                let ones: Vec<_> = ones.iter().collect();
                let wanted = [
                    padded(&ids, id.into(), options),
                    padded(&ones, 0, options),
                    padded(&labels, IGNORED, options),
                ];
                for (matrix, (values, width)) in found.iter().zip(wanted) {
                    prop_assert_eq!(&matrix.values, &values);
                    prop_assert_eq!(matrix.width, width);
                }
                let lengths: Vec<usize> =
                    made.lengths(0).expect("sound").iter().map(|&length| length as usize).collect();
                let at = |&position: &usize| lengths[position];
                prop_assert_eq!(
                    positions.iter().map(at).collect::<Vec<_>>(),
                    ids.iter().map(|row| row.len()).collect::<Vec<_>>()
                );
                prop_assert_eq!(pack(&made, &positions).is_err(), own);
            }
        }

        #[test]
        fn packs_are_rows_end_to_end(
            ids in prop::collection::vec(prop::collection::vec(any::<u16>(), 0..9), 1..20),
            is_wide: bool
        ) {
            let positions: Vec<usize> = (0..ids.len()).rev().collect();
            let made = pack(&token_rows(&ids, None, is_wide, 3), &positions).expect("they exist");
            let rows = || ids.iter().rev();
            let tokens: Vec<i64> = rows().flatten().map(|&id| id.into()).collect();
            let places: Vec<i64> = rows().flat_map(|row| 0..row.len() as i64).collect();
            let hide = |(&id, &place): (&i64, &i64)| if place == 0 { IGNORED } else { id };
            let labels: Vec<i64> = tokens.iter().zip(&places).map(hide).collect();
            let found: Vec<_> = made.matrices.iter().map(|matrix| matrix.values.clone()).collect();
            prop_assert_eq!(found, [tokens, labels, places]);
            let ends = rows().scan(0, |end, row| { *end += row.len() as i32; Some(*end) });
            prop_assert_eq!(made.ends, [0].into_iter().chain(ends).collect::<Vec<_>>());
            prop_assert_eq!(made.longest, rows().map(Vec::len).max().unwrap_or(0));
        }
    }

    /// A row of four ids, of which runs of answers begin and end at `bounds`.
    fn answered(bounds: &[u32]) -> TokenRows {
        let bounds = [Some(bounds.iter().copied().map(Some))];
        let answers: ArrayRef =
            Arc::new(ListArray::from_iter_primitive::<UInt32Type, _, _>(bounds));
        let columns = [("input_ids", column(&[vec![5, 6, 7, 8]], false)), ("answers", answers)];
        let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
        TokenRows::new(&batch.schema(), vec![batch]).expect("token ids")
    }

    #[test]
    fn labels_are_those_of_answers_alone() {
        let options = PadOptions { id: 0, is_left: true, multiple: 3 };
        let labels = |bounds: &[u32]| {
            let padded = pad(&answered(bounds), &[0], options)?.swap_remove(2).values;
            let packed = pack(&answered(bounds), &[0])?.matrices.swap_remove(1).values;
            assert_eq!(padded[2..], packed);
            assert_eq!(padded[..2], [IGNORED; 2]);
            Ok::<_, Error>(packed)
        };
        for (bounds, wanted) in [
            (&[][..], [-100, -100, -100, -100]),
            (&[1, 2, 3, 4], [-100, 6, -100, 8]),
            (&[2, 4], [-100, -100, 7, 8]),
            (&[1, 1], [-100; 4]),
        ] {
            assert_eq!(labels(bounds).expect("sound")[1..], wanted[1..]);
        }
        for damaged in [&[1][..], &[2, 1], &[0, 5], &[0, 2, 1, 3]] {
            assert!(matches!(labels(damaged), Err(Error::Invalid(_))), "{damaged:?}");
        }
    }

    #[test]
    fn what_is_no_row_of_ids_is_refused() {
        let rows = token_rows(&vec![vec![1]], None, false, 0);
        let options = PadOptions { id: 0, is_left: false, multiple: 1 };
        assert!(matches!(pad(&rows, &[1], options), Err(Error::Argument(_))));
        let zero = PadOptions { multiple: 0, ..options };
        assert!(matches!(pad(&rows, &[0], zero), Err(Error::Argument(_))));
        let other =
            RecordBatch::try_from_iter([("ids", column(&[vec![1]], false))]).expect("a column");
        assert!(matches!(TokenRows::new(&other.schema(), vec![other]), Err(Error::Schema(_))));
    }
}
