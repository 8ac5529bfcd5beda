//! `cargo xtask fuzz 60 pg`
#![no_main]

#[path = "../checks/pg.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::check(bytes));
