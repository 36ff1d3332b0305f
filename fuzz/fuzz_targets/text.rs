#![no_main]
//! The target `text` of `fastsample::fuzz`.

use fastsample::fuzz::FuzzTarget;

libfuzzer_sys::fuzz_target!(init: FuzzTarget::named("text").write_seeds(), |data: &[u8]| {
    FuzzTarget::named("text").run_alone(data);
});
