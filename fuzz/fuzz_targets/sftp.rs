//! `cargo xtask fuzz 60 sftp`
#![no_main]

#[path = "../checks/sftp.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::check(bytes));
