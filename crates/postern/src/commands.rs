//! The commands, one file per noun.

use clap::Subcommand;

use crate::exit::Failure;
use crate::output::Format;

mod status;

/// What to do.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show the server's state.
    Status(status::Status),
}

/// Does it; gives the exit code.
pub(crate) async fn run(command: Command, format: Format) -> Result<u8, Failure> {
    match command {
        Command::Status(args) => args.run(format).await,
    }
}
