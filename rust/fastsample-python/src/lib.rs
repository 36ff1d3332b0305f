//! The Python extension `fastsample._fastsample`: conversion of arguments, results and errors.
//!
//! - [`source`]: Python objects and paths as a [`fastsample::Source`] or a stream;
//! - [`imported`]: Arrow data of other libraries, through the C data interface;
//! - [`stored`]: objects of a store, read through Python;
//! - `attributes`: Python objects as structs;
//! - [`rule`]: the options of smart draws;
//! - [`exclusion`]: texts of benchmarks, which rows to draw may not share;
//! - [`draw`], [`score`], [`split`], [`compare`], [`inspect`]: a function for each verb;
//! - [`dropped`]: why a smart draw left rows out;
//! - [`mixture`]: draws of each source its share;
//! - [`mod@parts`]: draws cut into steps for other processes;
//! - [`report`]: reports of the core as plain values;
//! - [`sample`], [`rows`]: [`fastsample::Sample`] and rows in memory, as Python classes;
//! - [`mod@write`]: formats of the output, and writing it;
//! - [`ranking`]: all rows in the order of a smart draw, from which windows are cut;
//! - [`tokens`]: tokenizers, and token counts;
//! - [`token_rows`]: token ids of rows, written and made into batches;
//! - [`order`]: orders of rows for training;
//! - [`text`]: text columns as plain values;
//! - [`files`]: small files, whole or not at all;
//! - [`run`]: long work without the GIL, interruptible, with progress;
//! - [`reserve`]: memory in reserve, and the allocator that gives it back;
//! - [`interrupt`]: Ctrl-C while another library pulls a stream of ours;
//! - [`exit`]: threads at the end of the process, and in forked children;
//! - [`errors`]: the core's errors as the exceptions of `fastsample.errors`.

#![deny(unsafe_code)]
#![expect(clippy::needless_pass_by_value, reason = "arguments from Python are owned")]

mod attributes;
mod compare;
mod counted;
mod draw;
mod dropped;
mod errors;
mod exclusion;
mod exit;
mod files;
mod imported;
mod inspect;
mod interrupt;
mod mixture;
mod order;
mod parts;
mod ranking;
mod report;
mod reserve;
mod rows;
mod rule;
mod run;
mod sample;
mod score;
mod source;
mod split;
mod stored;
mod strings;
mod text;
mod token_rows;
mod tokens;
mod write;

use pyo3::prelude::*;

/// The compiled core of fastsample. Use the functions and classes of `fastsample` itself.
#[pymodule(gil_used = false)]
#[pyo3(name = "_fastsample")]
mod _fastsample {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::compare::compare_sides;
    #[pymodule_export]
    use crate::counted::CountedEpochs;
    #[pymodule_export]
    use crate::draw::{all_rows, check_draw, draw_rows, rank};
    #[pymodule_export]
    use crate::dropped::dropped;
    #[pymodule_export]
    use crate::exclusion::Benchmarks;
    #[pymodule_export]
    use crate::files::{check_output, write_files};
    #[pymodule_export]
    use crate::inspect::{parts, text_statistics};
    #[pymodule_export]
    use crate::mixture::draw_mixture;
    #[pymodule_export]
    use crate::order::{Permutation, pack_rows, plan_batches};
    #[pymodule_export]
    use crate::parts::{PartFiles, PartedDraw, find_files, key_numbers, key_window, merge_states};
    #[pymodule_export]
    use crate::ranking::Ranking;
    #[pymodule_export]
    use crate::rows::Rows;
    #[pymodule_export]
    use crate::rule::Rule;
    #[pymodule_export]
    use crate::sample::Sample;
    #[pymodule_export]
    use crate::score::score;
    #[pymodule_export]
    use crate::source::{Source, choose_names, fingerprints};
    #[pymodule_export]
    use crate::split::split_sides;
    #[pymodule_export]
    use crate::token_rows::{TokenRows, write_tokens};
    #[pymodule_export]
    use crate::tokens::{Tokenizer, column_lengths};
    #[pymodule_export]
    use crate::write::{Format, write};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        super::quiet_workers();
        // For tests: the ways of other systems, on Linux.
        if std::env::var_os("FASTSAMPLE_PORTABLE").is_some() {
            fastsample::files::be_portable();
        }
        crate::exit::register(module)?;
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
