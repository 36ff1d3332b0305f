#![no_main]
//! The target `states` of `fastsample::fuzz`.

use fastsample::fuzz::FuzzTarget;

libfuzzer_sys::fuzz_target!(init: FuzzTarget::named("states").write_seeds(), |data: &[u8]| {
    FuzzTarget::named("states").run_alone(data);
});
