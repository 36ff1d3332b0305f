#![no_main]
//! The target `parquet` of `fastsample::fuzz`.

use fastsample::fuzz::FuzzTarget;

libfuzzer_sys::fuzz_target!(init: FuzzTarget::named("parquet").write_seeds(), |data: &[u8]| {
    FuzzTarget::named("parquet").run_alone(data);
});
