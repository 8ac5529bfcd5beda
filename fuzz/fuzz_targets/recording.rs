//! `cargo xtask fuzz 60 recording`
#![no_main]

#[path = "../checks/recording.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::check(bytes));
