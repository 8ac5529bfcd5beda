//! The commands, one file per noun.

use clap::Subcommand;

use crate::exit::Failure;
use crate::output::Format;

mod audit;
mod backup;
mod session;
mod status;
mod vault;

/// What to do.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show the server's state.
    Status(status::Status),
    /// List sessions: one's own, and those one may see.
    Sessions(session::Sessions),
    /// Show, watch, play, export, message or terminate one session.
    #[command(subcommand)]
    Session(session::SessionCommand),
    /// List, prove, verify or export the ledger.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Seal, unseal, rotate keys.
    #[command(subcommand)]
    Vault(vault::VaultCommand),
    /// Write a backup of a data folder to one file.
    Backup(backup::Backup),
    /// Make a data folder from a backup.
    Restore(backup::Restore),
}

/// Does it; gives the exit code.
pub(crate) async fn run(command: Command, format: Format) -> Result<u8, Failure> {
    match command {
        Command::Status(args) => args.run(format).await,
        Command::Sessions(args) => args.run(format).await,
        Command::Session(command) => command.run(format).await,
        Command::Audit(command) => command.run(format).await,
        Command::Vault(command) => command.run(format).await,
        Command::Backup(args) => args.run(format).await,
        Command::Restore(args) => args.run(format).await,
    }
}
