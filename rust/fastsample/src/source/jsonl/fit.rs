//! Types that are set for columns, against the values that were seen.
//!
//! | type | JSON |
//! |---|---|
//! | `int64`, `uint64` | whole numbers within its range |
//! | `double` | any numbers |
//! | `string` | texts; numbers, true and false as they are written |
//! | `bool` | true and false |
//! | `list` | lists whose items fit |
//! | `struct` | objects; keys that it does not name have the type of their values |

use std::path::PathBuf;

use arrow_schema::{DataType, Fields};

use super::shape::{JsonKind, JsonShape, KINDS, NOWHERE, Place};
use crate::error::{Error, Result};
use crate::source::column_types::type_name;

const FRACTION: &str = "a number with a fraction or an exponent";
const BELOW_ZERO: &str = "a number below zero";
const WIDE: &str = "a number above 9223372036854775807";
const HUGE: &str = "a whole number beyond 64 bits";

/// Checks that the values of `shape`, at `path`, are of the type that is `wanted`; those within are
/// not looked at.
///
/// # Errors
/// [`Error::Schema`] for the first value that does not fit, [`Error::Column`] for a key that no object
/// has.
pub(super) fn check(
    shape: &JsonShape,
    wanted: &DataType,
    path: &str,
    files: &[PathBuf],
) -> Result<()> {
    let JsonShape { fractions, below_zero, wide, huge, .. } = shape;
    let (kinds, numbers): (&[JsonKind], &[(&Place, &str)]) = match wanted {
        DataType::Boolean => (&[JsonKind::Bool], &[]),
        DataType::Int64 => {
            (&[JsonKind::Number], &[(fractions, FRACTION), (wide, WIDE), (huge, HUGE)])
        }
        DataType::UInt64 => {
            (&[JsonKind::Number], &[(fractions, FRACTION), (below_zero, BELOW_ZERO), (huge, HUGE)])
        }
        DataType::Float64 => (&[JsonKind::Number], &[]),
        DataType::Utf8 => (&[JsonKind::Text, JsonKind::Number, JsonKind::Bool], &[]),
        DataType::List(_) => (&[JsonKind::List], &[]),
        _ => (&[JsonKind::Object], &[]),
    };
    let others = KINDS.into_iter().filter(|kind| !kinds.contains(kind));
    let others = others.map(|kind| (shape.first(kind), kind.shown()));
    let odd = others.chain(numbers.iter().map(|&(&place, what)| (place, what)));
    let first = odd.min_by_key(|&(place, _)| place).filter(|&(place, _)| place != NOWHERE);
    if let Some((place, found)) = first {
        return Err(Error::Schema(format!(
            "{}: line {}: column {path:?} is {found} here, but schema= says {}; \
             mend the line, set another type, or leave the column out with columns=",
            place.file_of(files),
            place.line,
            type_name(wanted)
        )));
    }
    match wanted {
        DataType::Struct(named) if shape.first(JsonKind::Object) != NOWHERE => {
            keys(shape, named, path)
        }
        _ => Ok(()),
    }
}

/// Checks that some object has each key that is named.
fn keys(shape: &JsonShape, named: &Fields, path: &str) -> Result<()> {
    let is_there = |name: &str| shape.fields.iter().any(|field| field.name == name);
    let Some(missing) = named.iter().find(|field| !is_there(field.name())) else { return Ok(()) };
    let known: Vec<&str> = shape.fields.iter().map(|field| field.name.as_str()).collect();
    Err(Error::Column(format!(
        "schema=: the objects of column {path:?} have no key {:?}; their keys are {}",
        missing.name(),
        known.join(", ")
    )))
}
