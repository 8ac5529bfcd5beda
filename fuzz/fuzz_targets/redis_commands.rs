//! `cargo xtask fuzz 60 redis_commands`
#![no_main]

#[path = "../checks/redis_commands.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::check(bytes));
