//! `cargo xtask fuzz 60 ledger`
#![no_main]

#[path = "../checks/ledger.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::check(bytes));
