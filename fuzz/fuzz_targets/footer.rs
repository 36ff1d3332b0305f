#![no_main]
//! The target `footer` of `fastsample::fuzz`.

use fastsample::fuzz::FuzzTarget;

libfuzzer_sys::fuzz_target!(init: FuzzTarget::named("footer").write_seeds(), |data: &[u8]| {
    FuzzTarget::named("footer").run_alone(data);
});
