//! The Python extension `fastsample._fastsample`: arguments in, errors out, signals, no logic.
//!
//! - [`source`]: Python objects and paths as a [`fastsample::Source`] or a stream;
//! - [`smart`]: the options of smart draws, and their reports;
//! - [`compare`]: a comparison as plain values;
//! - [`sample`], [`rows`]: [`fastsample::Sample`] and rows in memory, as Python classes;
//! - [`ranking`]: all rows in the order of a smart draw, drawn once;
//! - [`tokens`]: tokenizers, and draws by tokens;
//! - [`order`]: orders of rows for training;
//! - [`run`]: long work without the GIL, interruptible, with progress;
//! - [`errors`]: the core's errors as the exceptions of `fastsample.errors`.

#![expect(clippy::needless_pass_by_value, reason = "arguments from Python are owned")]

mod compare;
mod errors;
mod order;
mod ranking;
mod rows;
mod run;
mod sample;
mod smart;
mod source;
mod strings;
mod tokens;

use pyo3::prelude::*;

/// The compiled core of fastsample. Use the functions and classes of `fastsample` itself.
#[pymodule(gil_used = false)]
#[pyo3(name = "_fastsample")]
mod _fastsample {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::order::{Permutation, plan_batches};
    #[pymodule_export]
    use crate::ranking::Ranking;
    #[pymodule_export]
    use crate::rows::Rows;
    #[pymodule_export]
    use crate::sample::Sample;
    #[pymodule_export]
    use crate::source::Source;
    #[pymodule_export]
    use crate::tokens::Tokenizer;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        super::quiet_workers();
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("DEBUG_BUILD", cfg!(debug_assertions))
    }
}

/// A decoder that panics on a damaged file is reported as an exception; nothing is printed.
fn quiet_workers() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let thread = std::thread::current();
        if !thread.name().is_some_and(|name| name.starts_with("fastsample")) {
            default(panic);
        }
    }));
}
