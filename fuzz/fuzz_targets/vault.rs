//! `cargo xtask fuzz 60 vault`
#![no_main]

#[path = "../checks/vault.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::check(bytes));
