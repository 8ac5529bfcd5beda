//! `postern-open`: opens break-glass bundles when Postern itself is dead. It needs no server, no database
//! and no network; built static, it runs on whatever machine is left.

mod bundle;
mod holder;
mod opening;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// Opens break-glass bundles when Postern itself is dead.
#[derive(Parser)]
#[command(name = "postern-open", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a holder's key: a file under a passphrase, and the public key to give to Postern.
    Key(KeyArgs),
    /// Show what a bundle says about itself; opens nothing.
    Show(ShowArgs),
    /// Show one's own share of a bundle, to be read to whoever opens it.
    Share(ShareArgs),
    /// Open a bundle and show nothing of it: whether enough holders could, and what is in it.
    Check(CheckArgs),
    /// Open a bundle and show the secret of an account. That is recorded.
    Open(OpenArgs),
}

#[derive(Args)]
struct KeyArgs {
    /// Where to write it; it must not exist.
    #[arg(long)]
    out: PathBuf,
    /// Read the passphrase from standard input.
    #[arg(long)]
    passphrase_stdin: bool,
}

#[derive(Args)]
struct File {
    /// The bundle.
    bundle: PathBuf,
    /// A file with the public key of Postern's ledger (`ledger.pub` of its data folder): who has written
    /// the bundle is checked by it.
    #[arg(long, value_name = "FILE")]
    signed_by: Option<PathBuf>,
}

#[derive(Args)]
struct ShowArgs {
    #[command(flatten)]
    file: File,
}

#[derive(Args)]
struct ShareArgs {
    #[command(flatten)]
    file: File,
    /// One's own key.
    #[arg(long)]
    key: PathBuf,
    /// Read the passphrase from standard input.
    #[arg(long)]
    passphrases_stdin: bool,
}

/// What opens a bundle: keys that are here, and shares that others have read out.
#[derive(Args)]
struct Opened {
    /// The key of a holder who is here; several times for several.
    #[arg(long)]
    key: Vec<PathBuf>,
    /// Ask for this many shares that other holders read out.
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    shares: u8,
    /// Read passphrases, then shares, from standard input, a line each.
    #[arg(long)]
    passphrases_stdin: bool,
}

#[derive(Args)]
struct CheckArgs {
    #[command(flatten)]
    file: File,
    #[command(flatten)]
    opened: Opened,
}

#[derive(Args)]
struct OpenArgs {
    #[command(flatten)]
    file: File,
    #[command(flatten)]
    opened: Opened,
    /// The account, account@asset.
    #[arg(long)]
    account: String,
    /// The incident that it is opened for.
    #[arg(long)]
    incident: String,
    /// Why.
    #[arg(long)]
    reason: String,
    /// Which of its secrets, where the first one is refused: a rotation was under way.
    #[arg(long = "try", value_name = "NUMBER", default_value_t = 1)]
    number: usize,
    /// Write the secret to this file, which only its owner can read, in place of showing it.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Where to write the record of the opening: Postern wants it once it lives again.
    #[arg(long, default_value = "postern-opening.json")]
    record: PathBuf,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Key(args) => holder::make(&args),
        Command::Show(args) => bundle::show(&args),
        Command::Share(args) => bundle::share(&args),
        Command::Check(args) => bundle::check(&args),
        Command::Open(args) => opening::open(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("postern-open: {error:#}");
            ExitCode::FAILURE
        }
    }
}
