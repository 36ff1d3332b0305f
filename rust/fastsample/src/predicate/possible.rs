//! Row groups and pages that may hold rows that match, by what their file says of them. The others are
//! not read.
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
use crate::source::{Extremes, Projected, Zones};

use Operator::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual, NotEqual};

impl Predicate {
    /// Without the row groups and the pages in which no row can match.
    pub(crate) fn prune(&self, rows: Projected) -> Projected {
        rows.only_matching(|zones| self.condition.possible(zones).into_true())
    }
}

impl Condition {
    /// In which zones the condition may be true of a row, and in which it may be false.
    fn possible(&self, zones: &Zones) -> Truth {
        let count = zones.len();
        let known = match self {
            Self::And(parts) => return join(parts, zones, true, Truth::and),
            Self::Or(parts) => return join(parts, zones, false, Truth::or),
            Self::Not(inner) => return inner.possible(zones).not(),
            Self::Compare(operand, comparison, literal) => {
                Bounds::of(zones, operand).and_then(|bounds| bounds.compared(*comparison, literal))
            }
            Self::In(operand, literals) => Bounds::of(zones, operand).and_then(|bounds| {
                let none = Some(Truth::constant(false, count));
                literals
                    .iter()
                    .fold(none, |all, literal| Some(all?.or(&bounds.compared(Equal, literal)?)))
            }),
            Self::IsNull(operand) => Bounds::of(zones, operand).map(|bounds| bounds.nulls()),
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
    zones: &Zones,
    of_none: bool,
    both: fn(&Truth, &Truth) -> Truth,
) -> Truth {
    let none = Truth::constant(of_none, zones.len());
    parts.iter().fold(none, |all, part| both(&all, &part.possible(zones)))
}

/// What is known of an operand in each zone.
struct Bounds<'a> {
    operand: &'a Operand,
    extremes: &'a Extremes,
}

impl<'a> Bounds<'a> {
    fn of(zones: &'a Zones, operand: &'a Operand) -> Option<Self> {
        Some(Self { operand, extremes: zones.extremes(&operand.column)? })
    }

    /// Of a comparison. `None` if nothing is known.
    fn compared(&self, comparison: Operator, literal: &Literal) -> Option<Truth> {
        if self.operand.chars {
            return None;
        }
        let may = |comparison| self.may(comparison, literal).ok();
        // Of null it is neither.
        let found = Truth::possible(may(comparison)?, may(negated(comparison))?);
        Some(found.only(&self.extremes.values))
    }

    /// Zones in which a comparison may be true, if there are values.
    fn may(&self, comparison: Operator, literal: &Literal) -> Result<BooleanBuffer, Fault> {
        let Extremes { least, greatest, .. } = self.extremes;
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
        Truth::possible(self.extremes.nulls.clone(), self.extremes.values.clone())
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
