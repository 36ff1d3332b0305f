#![no_main]
//! The target `pages` of `fastsample::fuzz`.

use fastsample::fuzz::FuzzTarget;

libfuzzer_sys::fuzz_target!(init: FuzzTarget::named("pages").write_seeds(), |data: &[u8]| {
    FuzzTarget::named("pages").run_alone(data);
});
