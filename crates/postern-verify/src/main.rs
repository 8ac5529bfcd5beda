//! `postern-verify`: checks what Postern says of itself, without it.

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, Parser, Subcommand};
use postern_ledger::note::{Verifier, WitnessSigner};
use postern_ledger::tiles::Directory;
use postern_verify::watch::{Seen, Watch, tell};
use postern_verify::witness::{Witnessing, serve};
use postern_verify::{Found, growth, key, ledger, note, proof, recording, report};

/// Checks what Postern says of itself, without it: with copies and the ledger's public key alone.
#[derive(Parser)]
#[command(name = "postern-verify", version, max_term_width = 100)]
struct Cli {
    /// Say what was found as JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check a copy of the ledger's folder, and the recordings and witnesses beside it.
    Ledger(LedgerArgs),
    /// Check that a recording is the one that the ledger speaks of.
    Recording(RecordingArgs),
    /// Check proofs: of `postern audit proof -o json`, or `postern audit export --proof`.
    Proof(ProofArgs),
    /// Check that one checkpoint grew out of an older one.
    Growth(GrowthArgs),
    /// Check the files of a report, or of a review's evidence, with the signed note over them.
    Report(ReportArgs),
    /// Watch the ledger's folder, or a copy that follows it: does its head shrink, fork or stand still?
    Watch(WatchArgs),
    /// Make a witness's key: a file for the witness, and the public key to give to Postern.
    WitnessKey(WitnessKeyArgs),
    /// Witness ledgers: see that they grow, say when, and tell when one does not.
    Witness(WitnessArgs),
}

/// By what it is checked.
#[derive(Args)]
struct Key {
    /// The ledger's public key, in a file that was kept elsewhere (`ledger.pub`).
    #[arg(long)]
    key: PathBuf,
}

impl Key {
    fn read(&self) -> anyhow::Result<Verifier> {
        key(&self.key)
    }
}

#[derive(Args)]
struct LedgerArgs {
    /// The ledger's folder.
    folder: PathBuf,
    #[command(flatten)]
    key: Key,
    /// A checkpoint that was seen earlier, in a file; the ledger must have grown from it.
    #[arg(long)]
    since: Option<PathBuf>,
    /// A folder with recordings: each must be the one that the ledger speaks of, and none may be missing.
    #[arg(long)]
    recordings: Option<PathBuf>,
    /// The public key of a witness that must have seen the ledger, in a file; several times for several.
    #[arg(long)]
    witness: Vec<PathBuf>,
    /// How many of the witnesses are enough; all unless given.
    #[arg(long)]
    quorum: Option<usize>,
    /// The folder is being written while it is read.
    #[arg(long)]
    live: bool,
}

#[derive(Args)]
struct RecordingArgs {
    /// The recording.
    file: PathBuf,
    /// The ledger's folder.
    #[arg(long)]
    ledger: PathBuf,
    #[command(flatten)]
    key: Key,
}

#[derive(Args)]
struct ProofArgs {
    /// The proof, or the export.
    file: PathBuf,
    #[command(flatten)]
    key: Key,
}

#[derive(Args)]
struct GrowthArgs {
    /// The older checkpoint.
    old: PathBuf,
    /// The newer one.
    new: PathBuf,
    /// The ledger's folder: the tiles suffice.
    #[arg(long)]
    ledger: PathBuf,
    #[command(flatten)]
    key: Key,
}

#[derive(Args)]
struct ReportArgs {
    /// The signed note.
    note: PathBuf,
    /// The files, by their endings: .json, .csv, .pdf.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    key: Key,
}

#[derive(Args)]
struct WatchArgs {
    /// The ledger's folder.
    folder: PathBuf,
    #[command(flatten)]
    key: Key,
    /// A file in which the newest checkpoint that was found good is kept.
    #[arg(long)]
    state: PathBuf,
    /// How often to look, in seconds.
    #[arg(long, default_value_t = 60)]
    every: u64,
    /// How long it may stand still, in seconds.
    #[arg(long)]
    silence: Option<u64>,
    /// A command that is run when something is wrong; it is told what on its input.
    #[arg(long)]
    tell: Option<String>,
    /// Look once, and say by the exit code whether all is well.
    #[arg(long)]
    once: bool,
}

#[derive(Args)]
struct WitnessKeyArgs {
    /// What the witness is called, `witness.example.com` for example.
    name: String,
    /// Where to write the private key; it must not exist.
    #[arg(long)]
    out: PathBuf,
}

#[derive(Args)]
struct WitnessArgs {
    /// The private key.
    #[arg(long)]
    key: PathBuf,
    /// The public key of a ledger to witness, in a file; several times for several.
    #[arg(long, required = true)]
    log: Vec<PathBuf>,
    /// A folder in which the newest checkpoint of each ledger is kept.
    #[arg(long)]
    state: PathBuf,
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8460")]
    listen: String,
    /// How long a ledger may be silent, in seconds.
    #[arg(long)]
    silence: Option<u64>,
    /// A command that is run when a ledger shrinks, forks or falls silent; it is told which on its input.
    #[arg(long)]
    tell: Option<String>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command) {
        Ok(found) => show(&found, cli.json),
        Err(error) => {
            eprintln!("postern-verify: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn show(found: &Found, json: bool) -> ExitCode {
    if json {
        println!("{}", serde_json::json!({ "ok": found.is_ok(), "good": found.good, "wrong": found.wrong }));
    } else {
        found.good.iter().for_each(|line| println!("good   {line}"));
        found.wrong.iter().for_each(|line| println!("WRONG  {line}"));
        println!("{}", if found.is_ok() { "verified" } else { "NOT VERIFIED" });
    }
    if found.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(command: Command) -> anyhow::Result<Found> {
    match command {
        Command::Ledger(args) => {
            let witnesses = args.witness.iter().map(|path| witness(path)).collect::<Result<_, _>>()?;
            let wanted = ledger::Wanted {
                since: args.since.as_deref().map(note).transpose()?,
                witnesses,
                quorum: args.quorum,
                recordings: args.recordings,
                live: args.live,
            };
            Ok(ledger::check(&args.folder, &args.key.read()?, &wanted))
        }
        Command::Recording(args) => Ok(recording::check(&args.file, &args.ledger, &args.key.read()?)),
        Command::Proof(args) => Ok(proof::check(&args.file, &args.key.read()?)),
        Command::Growth(args) => grown(&args),
        Command::Report(args) => Ok(report::check(&args.note, &args.files, &args.key.read()?)),
        Command::Watch(args) => watch(args),
        Command::WitnessKey(args) => witness_key(&args),
        Command::Witness(args) => witness_serve(args),
    }
}

fn witness(path: &Path) -> anyhow::Result<postern_ledger::note::Witness> {
    let text = note(path)?;
    let parsed = String::from_utf8_lossy(&text).trim().parse();
    parsed.with_context(|| format!("{}: is not the public key of a witness", path.display()))
}

fn grown(args: &GrowthArgs) -> anyhow::Result<Found> {
    let (old, new) = (note(&args.old)?, note(&args.new)?);
    let mut found = Found::default();
    match growth::check(&old, &new, &Directory::new(&args.ledger), &args.key.read()?) {
        Ok(came) => found.good.push(format!("growth: the newer is the older with {came} leaves more")),
        Err(error) => found.wrong.push(format!("growth: {error:#}")),
    }
    Ok(found)
}

fn watch(args: WatchArgs) -> anyhow::Result<Found> {
    let key = args.key.read()?;
    let silence = args.silence.map(Duration::from_secs);
    let watch = Watch { folder: args.folder, key, state: args.state, silence };
    let mut told = None;
    loop {
        let mut found = Found::default();
        match watch.look() {
            Ok(Seen::Grew { by, size }) => found.good.push(format!("grew by {by} to {size} leaves")),
            Ok(Seen::Same { size }) => found.good.push(format!("has {size} leaves, as before")),
            Err(error) => found.wrong.push(format!("{error:#}")),
        }
        let text = found.wrong.first().cloned();
        // The same is told once, until it is another or all is well again.
        if let (Some(text), Some(command)) = (text.as_ref().filter(|text| told.as_ref() != Some(*text)), &args.tell) {
            tell(command, text)?;
        }
        if args.once {
            return Ok(found);
        }
        if text != told {
            show(&found, false);
        }
        told = text;
        std::thread::sleep(Duration::from_secs(args.every.max(1)));
    }
}

fn witness_key(args: &WitnessKeyArgs) -> anyhow::Result<Found> {
    let mut seed = [0; 32];
    aws_lc_rs::rand::fill(&mut seed).context("this machine gives no random numbers")?;
    let signer = WitnessSigner::from_seed(&args.name, &seed)?;
    let file = std::fs::File::options().write(true).create_new(true).mode(0o600).open(&args.out);
    let mut file = file.with_context(|| args.out.display().to_string())?;
    std::io::Write::write_all(&mut file, format!("{} {}\n", args.name, hex::encode(seed)).as_bytes())?;
    file.sync_all()?;
    println!("{}", signer.witness());
    Ok(Found { good: vec![format!("wrote {}; give the line above to Postern", args.out.display())], wrong: vec![] })
}

fn witness_serve(args: WitnessArgs) -> anyhow::Result<Found> {
    let text = note(&args.key)?;
    let text = String::from_utf8_lossy(&text);
    let Some((name, seed)) = text.trim().split_once(' ') else {
        bail!("{}: is not a witness's key", args.key.display())
    };
    let seed = hex::decode(seed).with_context(|| format!("{}: is not a witness's key", args.key.display()))?;
    let witnessing = Witnessing {
        signer: WitnessSigner::from_seed(name, &seed)?,
        logs: args.log.iter().map(|path| key(path)).collect::<Result<_, _>>()?,
        state: args.state,
        tell: args.tell,
        silence: args.silence.map(Duration::from_secs),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(&args.listen).await.with_context(|| args.listen.clone())?;
        println!("witness {} listens on {}", witnessing.signer.witness().name(), listener.local_addr()?);
        serve(witnessing, listener).await
    })?;
    Ok(Found::default())
}
