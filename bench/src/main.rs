//! Speed beside peers. Every figure is measured together with its peers', taking turns, so that what
//! else the machine does falls on all of them alike. Run it by `cargo xtask bench ssh`, `database` or
//! `rotation`.

mod cut;
mod database;
mod figures;
mod mysql;
mod process;
mod redis;
mod rotation;
mod route;
mod ssh;

use std::process::ExitCode;

const USAGE: &str = "usage: postern-bench ssh [--mebibytes N] [--rounds N] [--logins N] [--sessions N]
       postern-bench database [--only postgresql|mysql|redis] [--seconds N] [--rounds N] [--mebibytes N] [--sessions N]
       postern-bench rotation [--targets N] [--accounts N] [--planned N]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        Some(("ssh", rest)) => ssh::Extent::of(rest).and_then(|extent| ssh::run(&extent)),
        Some(("database", rest)) => database::Extent::of(rest).and_then(|extent| database::run_all(&extent)),
        Some(("rotation", rest)) => rotation::Extent::of(rest).and_then(|extent| rotation::run(&extent)),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("postern-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}
