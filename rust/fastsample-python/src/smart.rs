//! Smart draws: the options of `fastsample.Smart`, and what a draw reports.

use fastsample::smart::{QUANTILES, SmartReport, Target};
use fastsample::{Rule, Smart};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::BindingResult;
use crate::source::Source;

/// The attributes of a `fastsample.Smart`.
#[derive(FromPyObject)]
pub(crate) struct Options {
    text: Option<Vec<String>>,
    duplicates: f64,
    commonness: f64,
    length: f64,
    repetition: f64,
    min_chars: u32,
    max_chars: u32,
    target_strength: f64,
    target_clip: f64,
}

impl Options {
    /// As the core has them, with the target, which Python has opened.
    pub(crate) fn smart(self, target: Option<&Bound<'_, Source>>) -> BindingResult<Smart> {
        let target = match target {
            Some(source) => Some(Target {
                source: source.get().rereadable()?.clone(),
                strength: self.target_strength,
                clip: self.target_clip,
            }),
            None => None,
        };
        Ok(Smart {
            text: self.text,
            duplicates: self.duplicates,
            commonness: self.commonness,
            length: self.length,
            repetition: self.repetition,
            min_chars: self.min_chars,
            max_chars: self.max_chars,
            target,
        })
    }
}

/// The arguments of `fastsample.SmartReport`.
pub(crate) fn report(py: Python<'_>, found: SmartReport) -> PyResult<Bound<'_, PyDict>> {
    fn quantiles<T>(values: Vec<T>) -> Vec<(f64, T)> {
        QUANTILES.into_iter().zip(values).collect()
    }
    let dict = PyDict::new(py);
    dict.set_item("text", found.text)?;
    dict.set_item("excluded", found.excluded)?;
    dict.set_item("copies", found.copies)?;
    dict.set_item("near_duplicates", found.near_duplicates)?;
    dict.set_item("excluded_drawn", found.excluded_drawn)?;
    dict.set_item("copies_drawn", found.copies_drawn)?;
    dict.set_item("effective_rows", found.effective_rows)?;
    dict.set_item("chars_before", quantiles(found.chars_before))?;
    dict.set_item("chars_after", quantiles(found.chars_after))?;
    dict.set_item("weights", quantiles(found.weights))?;
    dict.set_item("shares", found.shares)?;
    Ok(dict)
}

/// The rule of a draw: by the weights of `fastsample.Smart`, or by entropy.
pub(crate) fn rule(
    options: Option<Options>,
    text: Option<Vec<String>>,
    target: Option<&Bound<'_, Source>>,
) -> BindingResult<Rule> {
    Ok(match options {
        Some(options) => Rule::Weighted(options.smart(target)?),
        None => Rule::Entropy { text },
    })
}
