//! `cargo xtask fuzz 60 documents`
#![no_main]

#[path = "../checks/documents.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::check(bytes));
