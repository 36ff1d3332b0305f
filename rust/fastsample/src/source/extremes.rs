//! Extremes: what is known of the zones of a file before they are read.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float16Type, Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef, UInt64Array, new_null_array};
use arrow_buffer::BooleanBuffer;
use arrow_schema::DataType;
use arrow_select::take::take;

use crate::error::{Error, Result};

/// The least and the greatest value of a column in each zone. What is not known is null.
///
/// They are bounds: a long text may be cut in a way that keeps it one.
#[derive(Debug, Clone)]
pub(crate) struct Extremes {
    pub(crate) least: ArrayRef,
    pub(crate) greatest: ArrayRef,
    /// Zones that may have nulls.
    pub(crate) nulls: BooleanBuffer,
    /// Zones that may have values.
    pub(crate) values: BooleanBuffer,
}

/// Numbers, with null for those that are `none`.
fn without<T: ArrowPrimitiveType>(
    numbers: &dyn Array,
    none: impl Fn(T::Native) -> bool,
) -> ArrayRef {
    let numbers = numbers.as_primitive::<T>();
    Arc::new(numbers.unary_opt::<_, T>(|number| (!none(number)).then_some(number)))
}

impl Extremes {
    /// Bounds as a file tells them. Of floating point, NaN is above all and not counted, so nothing is
    /// known of the greatest value; and a least one that is NaN says nothing.
    pub(super) fn new(
        least: ArrayRef,
        greatest: ArrayRef,
        nulls: BooleanBuffer,
        values: BooleanBuffer,
    ) -> Self {
        let kind = least.data_type().clone();
        if !kind.is_floating() {
            return Self { least, greatest, nulls, values };
        }
        let least: ArrayRef = match kind {
            DataType::Float16 => {
                without::<Float16Type>(&least, <Float16Type as ArrowPrimitiveType>::Native::is_nan)
            }
            DataType::Float32 => without::<Float32Type>(&least, f32::is_nan),
            _ => without::<Float64Type>(&least, f64::is_nan),
        };
        let greatest = new_null_array(&kind, greatest.len());
        Self { least, greatest, nulls, values }
    }

    /// Those of the zones at `places`.
    pub(super) fn take(&self, places: &UInt64Array) -> Result<Self> {
        let of = |bounds: &ArrayRef| take(bounds, places, None).map_err(Error::kernel);
        let may = |bits: &BooleanBuffer| {
            places.values().iter().map(|&place| bits.value(place as usize)).collect()
        };
        Ok(Self {
            least: of(&self.least)?,
            greatest: of(&self.greatest)?,
            nulls: may(&self.nulls),
            values: may(&self.values),
        })
    }
}

/// Pages of a column in some units.
#[derive(Debug)]
pub(crate) struct PageExtremes {
    /// The first rows of the pages of each unit.
    pub(crate) starts: Vec<Vec<u64>>,
    /// Of all pages, one behind the other.
    pub(crate) extremes: Extremes,
}
