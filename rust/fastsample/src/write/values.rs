//! Values without a text: points of time beyond all calendars.

use arrow_array::{Array, RecordBatch, make_array};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::ArrowError;

/// What is wrong with a column that has such a value.
pub(super) fn no_text(name: &str, error: &ArrowError) -> String {
    format!(
        "column {name:?} has a value without a text ({error}); \
         write Parquet, or leave the column out with columns="
    )
}

/// Fails for the first column that has such a value, at any depth.
pub(super) fn check_values(batch: &RecordBatch) -> Result<(), String> {
    for (field, column) in std::iter::zip(batch.schema_ref().fields(), batch.columns()) {
        check(column).map_err(|error| no_text(field.name(), &error))?;
    }
    Ok(())
}

fn check(array: &dyn Array) -> Result<(), ArrowError> {
    if array.data_type().is_temporal() {
        let values = ArrayFormatter::try_new(array, &FormatOptions::new())?;
        let mut text = String::new();
        for row in (0..array.len()).filter(|&row| array.is_valid(row)) {
            text.clear();
            values.value(row).write(&mut text)?;
        }
    }
    array.to_data().child_data().iter().try_for_each(|child| check(&make_array(child.clone())))
}
