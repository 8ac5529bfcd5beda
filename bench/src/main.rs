//! Speed beside peers. Every figure is measured together with its peers', taking turns, so that what
//! else the machine does falls on all of them alike. Run it by `cargo xtask bench ssh`.

mod cut;
mod figures;
mod process;
mod route;
mod ssh;

use std::process::ExitCode;

const USAGE: &str = "usage: postern-bench ssh [--mebibytes N] [--rounds N] [--logins N] [--sessions N]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(("ssh", rest)) = arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let done = ssh::Extent::of(rest).and_then(|extent| ssh::run(&extent));
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("postern-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}
