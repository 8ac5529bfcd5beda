//! `postern audit ...`.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use futures::StreamExt as _;
use postern_control::{AuditEntry, DataFolder, InclusionProof};
use postern_domain::Timestamp;
use postern_domain::event::Actor;
use serde_json::json;

use crate::client::Client;
use crate::exit::{DONE, FAILED, Failure};
use crate::output::{self, Columns, Format};

/// How many events are listed unless asked otherwise.
const LIST_DEFAULT: u32 = 50;

/// The ledger.
#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// List events, newest first.
    List(List),
    /// Prove that an event is in the signed log.
    Proof {
        /// The event's place in the log.
        index: u64,
    },
    /// Verify a data folder offline: ledger, database and recordings.
    Verify(Verify),
    /// Write events to standard output, oldest first, a JSON line each.
    Export(Export),
}

/// Which events are wanted; everything given must match.
#[derive(Args)]
struct Which {
    /// By this person.
    #[arg(long)]
    actor: Option<String>,
    /// This action, session.open, or all of a noun, session.
    #[arg(long)]
    action: Option<String>,
    /// On this thing.
    #[arg(long)]
    target: Option<String>,
    /// With this outcome.
    #[arg(long)]
    outcome: Option<String>,
    /// Not before, 2026-01-31T08:00:00Z.
    #[arg(long)]
    from: Option<Timestamp>,
    /// Before, 2026-01-31T08:00:00Z.
    #[arg(long)]
    until: Option<Timestamp>,
}

impl Which {
    fn query(self) -> [(&'static str, Option<String>); 6] {
        let Self { actor, action, target, outcome, from, until } = self;
        let [from, until] = [from, until].map(|at| at.map(|at| at.to_string()));
        [
            ("actor", actor),
            ("action", action),
            ("target", target),
            ("outcome", outcome),
            ("from", from),
            ("until", until),
        ]
    }
}

/// Write events to standard output.
#[derive(Args)]
pub(crate) struct Export {
    #[command(flatten)]
    which: Which,
    /// Begin at this place in the log.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Begin with the signed checkpoint, and give each event the path that proves it.
    #[arg(long)]
    proof: bool,
}

/// List events, newest first.
#[derive(Args)]
pub(crate) struct List {
    #[command(flatten)]
    which: Which,
    /// How many at most.
    #[arg(long, default_value_t = LIST_DEFAULT)]
    limit: u32,
}

/// Verify a data folder offline.
#[derive(Args)]
pub(crate) struct Verify {
    /// The data folder; the server need not run.
    #[arg(long)]
    data: PathBuf,
    /// The ledger's public key, in a file kept elsewhere; the folder's own copy unless given.
    #[arg(long)]
    key: Option<PathBuf>,
    /// A checkpoint that was seen earlier, in a file; the log must have grown from it.
    #[arg(long)]
    since: Option<PathBuf>,
}

impl Columns for AuditEntry {
    const HEADINGS: &'static [&'static str] = &["#", "AT", "ACTOR", "ACTION", "TARGET", "OUTCOME", "DETAILS"];

    fn cells(&self) -> Vec<String> {
        let actor = match &self.event.actor {
            Actor::User { name, .. } => name.clone(),
            Actor::Unknown { source } => format!("unknown ({source})"),
            Actor::System => "system".to_owned(),
            Actor::Console => "console".to_owned(),
        };
        let details: Vec<String> = self
            .event
            .details
            .iter()
            .map(|(name, value)| format!("{name}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
            .collect();
        vec![
            self.index.to_string(),
            output::time(self.event.at),
            actor,
            self.event.action.clone(),
            self.event.target.clone(),
            json!(self.event.outcome).as_str().unwrap_or_default().to_owned(),
            details.join(" ").chars().take(80).collect(),
        ]
    }
}

impl AuditCommand {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        match self {
            Self::List(args) => args.run(format).await,
            Self::Verify(args) => args.run(format).await,
            Self::Proof { index } => {
                let proof: InclusionProof = Client::signed_in()?.get(&format!("/v1/audit/{index}/proof")).await?;
                output::one(format, &proof)?;
                Ok(DONE)
            }
            Self::Export(args) => args.run().await,
        }
    }
}

impl Export {
    async fn run(self) -> Result<u8, Failure> {
        let mut query = self.which.query().to_vec();
        query.push(("first", Some(self.first.to_string())));
        query.push(("proof", Some(self.proof.to_string())));
        let mut body = Client::signed_in()?.stream("/v1/audit/export", &query).await?.bytes_stream();
        let mut out = std::io::stdout().lock();
        while let Some(portion) = body.next().await {
            out.write_all(&portion?)?;
        }
        out.flush()?;
        Ok(DONE)
    }
}

impl List {
    async fn run(self, format: Format) -> Result<u8, Failure> {
        let mut query = self.which.query().to_vec();
        query.push(("limit", Some(self.limit.to_string())));
        let page: postern_api::Page<AuditEntry> = Client::signed_in()?.get_with("/v1/audit", &query).await?;
        output::list(format, &page.items)?;
        Ok(DONE)
    }
}

impl Verify {
    async fn run(self, format: Format) -> Result<u8, Failure> {
        let folder = DataFolder::new(&self.data);
        let path = self.key.unwrap_or_else(|| folder.ledger_key());
        let key = std::fs::read_to_string(&path).with_context(|| format!("cannot read the key {}", path.display()))?;
        let since = self.since.map(std::fs::read).transpose().context("--since: cannot be read")?;
        let found = postern_control::verify_offline(&folder, &key, since).await?;
        if format == Format::Table {
            let size = found.ledger.size.unwrap_or(0);
            for finding in &found.findings {
                output::line(&format!("WRONG  {finding}"))?;
            }
            let verdict = if found.ok { "verified" } else { "NOT VERIFIED" };
            output::line(&format!(
                "{verdict}: {size} signed leaves, {} in the database, {} recordings, {} that were \
                 taken away when their time was over, {} findings",
                found.database_leaves,
                found.recordings,
                found.pruned,
                found.findings.len()
            ))?;
        } else {
            output::one(format, &found)?;
        }
        Ok(if found.ok { DONE } else { FAILED })
    }
}
