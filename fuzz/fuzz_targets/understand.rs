//! `cargo xtask fuzz 60 understand`
#![no_main]

#[path = "../checks/understand.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::check(bytes));
