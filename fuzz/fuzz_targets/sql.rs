//! `cargo xtask fuzz 60 sql`
#![no_main]

#[path = "../checks/sql.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::check(bytes));
