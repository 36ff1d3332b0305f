#![no_main]
//! The target `jsonl` of `fastsample::fuzz`.

use fastsample::fuzz::FuzzTarget;

libfuzzer_sys::fuzz_target!(init: FuzzTarget::named("jsonl").write_seeds(), |data: &[u8]| {
    FuzzTarget::named("jsonl").run_alone(data);
});
