//! `postern-estate` plants accounts on over 200 real servers, discovers them twice, and compares;
//! `postern-estate bench` says how many accounts are discovered a second, and what limits it.
//!
//! Needs root and the packages of `scripts/packages.sh test`.
#![allow(clippy::print_stdout, reason = "it prints its result")]

mod bench;
mod look;
mod plant;
mod server;
mod trial;

use std::process::ExitCode;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = runtime.map_err(anyhow::Error::from).and_then(|runtime| match std::env::args().nth(1).as_deref() {
        None => runtime.block_on(trial::run()),
        Some("bench") => runtime.block_on(bench::run()),
        Some(other) => anyhow::bail!("`{other}` is not known: leave it out, or say bench"),
    });
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("postern-estate: {error:#}");
            ExitCode::FAILURE
        }
    }
}
