#![no_main]
//! The target `ipc` of `fastsample::fuzz`.

use fastsample::fuzz::FuzzTarget;

libfuzzer_sys::fuzz_target!(init: FuzzTarget::named("ipc").write_seeds(), |data: &[u8]| {
    FuzzTarget::named("ipc").run_alone(data);
});
