#![no_main]

#[path = "../targets/mod.rs"]
#[allow(dead_code, reason = "each target uses its own part")]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::upstream(bytes));
