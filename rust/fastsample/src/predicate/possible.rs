//! Row groups that may hold rows that match, by what their file says of them. The others are not read.
//!
//! ```text
//!  lang = 'zh' AND score < 0.5        lang          score         may match
//!                    row group 0    'en' to 'fr'   0.1 to 0.9     no: 'zh' is above 'fr'
//!                    row group 1    'it' to 'zh'   0.6 to 0.8     no: nothing is below 0.5
//!                    row group 2    'zh' to 'zh'   0.3 to unknown yes
//! ```

use arrow_array::ArrayRef;
use arrow_buffer::BooleanBuffer;

use super::Predicate;
use super::compare::{compare, values};
use super::condition::{Condition, Literal, Operand, Operator};
use super::fault::Fault;
use super::truth::Truth;
use crate::source::{Extremes, Projected, Units};

use Operator::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};

impl Predicate {
    /// Without the row groups in which no row can match.
    pub(super) fn prune(&self, rows: Projected) -> Projected {
        rows.only_units(|units| self.condition.possible(units).into_true())
    }
}

impl Condition {
    /// In which units the condition may be true of a row, and in which it may be false.
    fn possible(&self, units: &Units<'_>) -> Truth {
        let count = units.rows().len();
        let known = match self {
            Self::And(parts) => return join(parts, units, true, Truth::and),
            Self::Or(parts) => return join(parts, units, false, Truth::or),
            Self::Not(inner) => return inner.possible(units).not(),
            Self::Compare(operand, comparison, literal) => {
                Bounds::of(units, operand).and_then(|bounds| bounds.compared(*comparison, literal))
            }
            Self::In(operand, literals) => Bounds::of(units, operand).and_then(|bounds| {
                let none = Some(Truth::constant(false, count));
                literals
                    .iter()
                    .fold(none, |all, literal| Some(all?.or(&bounds.compared(Equal, literal)?)))
            }),
            Self::IsNull(operand) => Bounds::of(units, operand).map(|bounds| bounds.nulls()),
            Self::IsTrue(_) | Self::Like(..) => None,
        };
        known.unwrap_or_else(|| {
            let all = BooleanBuffer::new_set(count);
            Truth::possible(all.clone(), all)
        })
    }
}

fn join(
    parts: &[Condition],
    units: &Units<'_>,
    of_none: bool,
    both: fn(&Truth, &Truth) -> Truth,
) -> Truth {
    let none = Truth::constant(of_none, units.rows().len());
    parts.iter().fold(none, |all, part| both(&all, &part.possible(units)))
}

/// What is known of an operand in each unit.
struct Bounds<'a> {
    operand: &'a Operand,
    rows: &'a [u64],
    extremes: Extremes,
}

impl<'a> Bounds<'a> {
    fn of(units: &'a Units<'_>, operand: &'a Operand) -> Option<Self> {
        let extremes = units.extremes(&operand.column)?;
        Some(Self { operand, rows: units.rows(), extremes })
    }

    /// Of a comparison. `None` if nothing is known.
    fn compared(&self, comparison: Operator, literal: &Literal) -> Option<Truth> {
        if self.operand.chars {
            return None;
        }
        let may = |comparison| self.may(comparison, literal).ok();
        // Of null it is neither.
        let has_values = self.where_nulls(|nulls, rows| nulls < rows);
        Some(Truth::possible(may(comparison)?, may(negated(comparison))?).only(&has_values))
    }

    /// Units in which a comparison may be true, if there are values.
    fn may(&self, comparison: Operator, literal: &Literal) -> Result<BooleanBuffer, Fault> {
        let Extremes { least, greatest, .. } = &self.extremes;
        let of = |bounds: &ArrayRef, comparison| {
            compare(&values(bounds, self.operand)?, comparison, literal, self.operand)
        };
        // An extreme that is not known makes it neither true nor false.
        Ok(match comparison {
            Less | LessOrEqual => !&of(least, comparison)?.not().into_true(),
            Greater | GreaterOrEqual => !&of(greatest, comparison)?.not().into_true(),
            Equal => &self.may(LessOrEqual, literal)? & &self.may(GreaterOrEqual, literal)?,
            NotEqual => !&of(least, Equal)?.and(&of(greatest, Equal)?).into_true(),
        })
    }

    /// Of `IS NULL`.
    fn nulls(&self) -> Truth {
        let yes = self.where_nulls(|nulls, _| nulls > 0);
        Truth::possible(yes, self.where_nulls(|nulls, rows| nulls < rows))
    }

    /// Units in which `holds` of the number of nulls and that of rows, or may.
    fn where_nulls(&self, holds: impl Fn(u64, u64) -> bool) -> BooleanBuffer {
        let nulls = self.extremes.nulls.iter().zip(self.rows);
        nulls.map(|(nulls, &rows)| nulls.is_none_or(|nulls| holds(nulls, rows))).collect()
    }
}

/// The comparison that is false where another is true.
fn negated(comparison: Operator) -> Operator {
    match comparison {
        Equal => NotEqual,
        NotEqual => Equal,
        Less => GreaterOrEqual,
        GreaterOrEqual => Less,
        Greater => LessOrEqual,
        LessOrEqual => Greater,
    }
}
