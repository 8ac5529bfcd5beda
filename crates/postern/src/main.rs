//! The `postern` binary: the server (`serve`, `setup`) and a command line that is a client of its API.

mod client;
mod commands;
mod config;
mod consoles;
mod exit;
mod output;
mod proxy;
mod serve;
mod terminal;
mod tls;

use std::process::ExitCode;

use clap::Parser;

use crate::commands::Command;
use crate::output::Format;

/// The system's allocator hands pages back and takes them anew at every burst of a bulk transfer, and
/// keeps what many sessions took when they have ended.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Privileged identity management in one binary.
#[derive(Parser)]
#[command(name = "postern", version, propagate_version = true, max_term_width = 100)]
struct Cli {
    /// How answers are printed.
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Table)]
    output: Format,
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    // Both providers can end up linked; without a choice rustls refuses to work.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        eprintln!("postern: another TLS provider is installed already");
        return ExitCode::FAILURE;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Asking for help or the version is no mistake.
            let code = if error.use_stderr() { exit::USAGE } else { exit::DONE };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("postern: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(commands::run(cli.command, cli.output)) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            eprintln!("postern: {}", failure.message());
            ExitCode::from(failure.code())
        }
    }
}
