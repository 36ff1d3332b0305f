#![no_main]
//! The target `csv` of `fastsample::fuzz`.

use fastsample::fuzz::FuzzTarget;

libfuzzer_sys::fuzz_target!(init: FuzzTarget::named("csv").write_seeds(), |data: &[u8]| {
    FuzzTarget::named("csv").run_alone(data);
});
