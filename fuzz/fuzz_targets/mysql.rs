//! `cargo xtask fuzz 60 mysql`
#![no_main]

#[path = "../checks/mysql.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::check(bytes));
