//! `cargo xtask fuzz 60 redis`
#![no_main]

#[path = "../checks/redis.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::check(bytes));
