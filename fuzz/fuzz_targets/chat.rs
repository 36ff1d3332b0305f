#![no_main]
//! The target `chat` of `fastsample::fuzz`.

use fastsample::fuzz::FuzzTarget;

libfuzzer_sys::fuzz_target!(init: FuzzTarget::named("chat").write_seeds(), |data: &[u8]| {
    FuzzTarget::named("chat").run_alone(data);
});
