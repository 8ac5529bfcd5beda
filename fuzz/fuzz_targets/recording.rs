//! `cargo +nightly fuzz run recording`
#![no_main]

#[path = "../checks/recording.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::check(bytes));
