//! The rule of a draw: the options of `fastsample.Smart`, or entropy.

use std::path::PathBuf;

use fastsample::smart::{Avoid, Target, TargetKind, TargetMethod};
use fastsample::{Rule as CoreRule, Smart};
use pyo3::prelude::*;

use crate::attributes::attributes;
use crate::errors::BindingResult;
use crate::source::Source;
use crate::stored::{self, Told};

/// The name of a target, and its rows.
type Named<'py> = (String, Bound<'py, Source>);

attributes! {
    /// The attributes of a `fastsample.Smart`.
    struct SmartArguments {
        text: Option<Vec<String>>,
        duplicates: f64,
        commonness: f64,
        length: f64,
        repetition: f64,
        min_chars: u32,
        max_chars: u32,
        target_method: String,
        target_strength: f64,
        target_clip: f64,
        avoid_strength: f64,
    }
}

impl SmartArguments {
    /// As the core has them, with targets and rows to avoid, which Python has opened, and a file of
    /// features.
    fn smart(
        self,
        targets: Vec<Named<'_>>,
        avoid: Option<&Source>,
        features: Option<PathBuf>,
    ) -> BindingResult<Smart> {
        let kind = |(name, source): Named<'_>| {
            let source = source.get().rereadable()?.clone();
            BindingResult::Ok(TargetKind { name, source })
        };
        let kinds = targets.into_iter().map(kind).collect::<BindingResult<Vec<_>>>()?;
        let target = (!kinds.is_empty()).then_some(Target {
            kinds,
            // Python has checked the name.
            method: match self.target_method.as_str() {
                "classifier" => TargetMethod::Classifier,
                _ => TargetMethod::Ratio,
            },
            strength: self.target_strength,
            clip: self.target_clip,
        });
        let avoid = match avoid {
            Some(source) => Some(Box::new(Avoid {
                source: source.rereadable()?.clone(),
                strength: self.avoid_strength,
                clip: self.target_clip,
            })),
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
            avoid,
            features,
        })
    }
}

/// How rows are chosen: by the weights of a `fastsample.Smart`, or by entropy.
#[pyclass(frozen, module = "fastsample._fastsample")]
pub(crate) struct Rule(CoreRule);

impl Rule {
    pub(crate) fn core(&self) -> &CoreRule {
        &self.0
    }
}

#[pymethods]
impl Rule {
    /// By the weights of a `fastsample.Smart`, with its targets and the rows to avoid opened, and with a
    /// file of features.
    #[staticmethod]
    #[pyo3(signature = (options, targets, avoid, features=None))]
    fn weighted(
        options: SmartArguments,
        targets: Vec<Named<'_>>,
        avoid: Option<&Source>,
        features: Option<PathBuf>,
    ) -> BindingResult<Self> {
        Ok(Self(CoreRule::Weighted(options.smart(targets, avoid, features)?)))
    }

    /// The objects of stores that targets and rows to avoid lie in, as `stored::Told` has them.
    #[getter]
    fn objects(&self) -> Vec<Told> {
        match &self.0 {
            CoreRule::Weighted(smart) => {
                smart.sources().flat_map(|source| source.objects().map(stored::told)).collect()
            }
            CoreRule::Entropy { .. } => Vec::new(),
        }
    }

    /// The rows of highest character entropy of the first text column.
    #[staticmethod]
    fn entropy(text: Option<Vec<String>>) -> Self {
        Self(CoreRule::Entropy { text })
    }
}
