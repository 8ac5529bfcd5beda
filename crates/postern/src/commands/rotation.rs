//! `postern rotate`, `postern rotation ...`.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::time::Duration;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use postern_control::RotatePlan;
use postern_domain::provision::Provisioning;
use postern_domain::rotation::{PlannedRotation, Rotation, RotationRun, RotationRunState, RotationState};
use postern_domain::{AccountRef, RotationId, RotationRunId};
use serde_json::json;

use crate::client::Client;
use crate::exit::{DONE, FAILED, Failure};
use crate::output::{self, Columns, Format};

/// How often a run is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// Change the secret of an account, or of every account of a label.
#[derive(Args)]
pub(crate) struct Rotate {
    /// The account, account@asset.
    #[arg(required_unless_present = "label", conflicts_with = "label")]
    account: Option<AccountRef>,
    /// Every account of the assets with this label, key=value; may be given more than once.
    #[arg(long, value_name = "KEY=VALUE", value_parser = label)]
    label: Vec<(String, String)>,
    /// Show what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Why; the ledger keeps it.
    #[arg(long, default_value = "")]
    reason: String,
    /// How many go on at once, at most. The first one goes alone.
    #[arg(long, value_name = "COUNT")]
    concurrency: Option<u32>,
    /// After how many failures it stops itself.
    #[arg(long, value_name = "COUNT")]
    failures_max: Option<u32>,
    /// Come back at once instead of waiting until it is done.
    #[arg(long)]
    no_wait: bool,
}

fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it as key=value")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// Rotations.
#[derive(Subcommand)]
pub(crate) enum RotationCommand {
    /// List rotations, newest first.
    List {
        /// Of this account.
        #[arg(long)]
        account: Option<AccountRef>,
        /// In this state: planned, applying, probe, broken, current, ...
        #[arg(long)]
        state: Option<String>,
        /// Of this run.
        #[arg(long)]
        run: Option<RotationRunId>,
        /// Those only that are not over.
        #[arg(long)]
        open: bool,
    },
    /// Show one rotation, or one run.
    Show {
        /// The rotation, rot_..., or the run, run_...
        id: String,
    },
    /// List what was asked for at once.
    Runs,
    /// Begin no more rotations of a run. What is under way is brought to its end.
    Stop {
        /// The run.
        id: RotationRunId,
        /// Why.
        #[arg(long, default_value = "")]
        reason: String,
    },
}

/// List what was made on targets for sessions.
#[derive(Args)]
pub(crate) struct Provisions {
    /// Only what is not known to be gone.
    #[arg(long)]
    live: bool,
}

impl Columns for Rotation {
    const HEADINGS: &'static [&'static str] =
        &["ID", "ACCOUNT", "BECAUSE", "STATE", "VERSION", "ATTEMPTS", "NEXT", "ENDED", "NOTE"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.account.to_string(),
            output::word(&self.trigger),
            output::word(&self.state),
            output::or_dash(self.version),
            self.attempts.to_string(),
            output::or_dash(self.next_at.map(output::time)),
            output::or_dash(self.ended_at.map(output::time)),
            self.note.clone().unwrap_or_default(),
        ]
    }
}

impl Columns for PlannedRotation {
    const HEADINGS: &'static [&'static str] = &["ACCOUNT", "AT", "BY", "LEFT OUT"];

    fn cells(&self) -> Vec<String> {
        let by = self.by.as_ref().map(output::word);
        let at = if self.left_out.is_some() { "-".to_owned() } else { output::time(self.at) };
        vec![self.account.to_string(), at, output::or_dash(by), self.left_out.clone().unwrap_or_default()]
    }
}

impl Columns for RotationRun {
    const HEADINGS: &'static [&'static str] = &["ID", "WHAT", "BY", "STATE", "DONE", "FAILED", "OF", "BEGUN", "REASON"];

    fn cells(&self) -> Vec<String> {
        let labels = || self.labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",");
        vec![
            self.id.to_string(),
            self.account.as_ref().map_or_else(labels, ToString::to_string),
            self.requested_by.to_string(),
            output::word(&self.state),
            done(self).to_string(),
            self.failed().to_string(),
            self.total().to_string(),
            output::time(self.created_at),
            self.stopped_reason.clone().unwrap_or_else(|| self.reason.clone()),
        ]
    }
}

impl Columns for Provisioning {
    const HEADINGS: &'static [&'static str] =
        &["ID", "ACCOUNT", "NAMED", "STATE", "EXPIRES", "GONE", "ATTEMPTS", "NOTE"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.account.to_string(),
            self.grant.to_string(),
            output::word(&self.state),
            output::time(self.expires_at),
            output::or_dash(self.revoked_at.map(output::time)),
            self.attempts.to_string(),
            self.note.clone().unwrap_or_default(),
        ]
    }
}

fn done(run: &RotationRun) -> u32 {
    run.tally.get(&RotationState::Current).copied().unwrap_or(0)
}

impl Rotate {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let client = Client::signed_in()?;
        let labels: BTreeMap<_, _> = self.label.into_iter().collect();
        let body = json!({
            "target": { "account": self.account, "labels": labels },
            "reason": self.reason,
            "dry_run": self.dry_run,
            "concurrency": self.concurrency,
            "failures_max": self.failures_max,
        });
        let plan: RotatePlan = client.post("/v1/rotations", &body).await?;
        let Some(run) = plan.run else {
            output::list(format, &plan.rotations)?;
            return Ok(DONE);
        };
        let run = if self.no_wait { run } else { followed(&client, run).await? };
        if format == Format::Table {
            output::line(&told(&run))?;
            if run.failed() > 0 {
                let query = [("run", Some(run.id.to_string()))];
                let rotations: Vec<Rotation> = client.all("/v1/rotations", &query).await?;
                let failed: Vec<_> = rotations.into_iter().filter(|rotation| rotation.state.failed()).collect();
                output::list(format, &failed)?;
            }
        } else {
            output::one(format, &run)?;
        }
        Ok(if run.failed() > 0 || run.state == RotationRunState::Stopped { FAILED } else { DONE })
    }
}

/// Waits until a run is over, showing how far it is.
async fn followed(client: &Client, mut run: RotationRun) -> Result<RotationRun, Failure> {
    let bar = if std::io::stderr().is_terminal() {
        let style = ProgressStyle::with_template("{msg} [{bar:30}] {pos}/{len} {elapsed} (left: {eta})");
        let bar = ProgressBar::new(u64::from(run.total()));
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
        bar
    } else {
        ProgressBar::hidden()
    };
    while run.state == RotationRunState::Running && run.over() < run.total() {
        bar.set_position(u64::from(run.over()));
        bar.set_message(format!("{} rotated, {} failed", done(&run), run.failed()));
        tokio::time::sleep(LOOK_EVERY).await;
        run = client.get(&format!("/v1/rotation-runs/{}", run.id)).await?;
    }
    bar.finish_and_clear();
    Ok(run)
}

/// How a run stands, for a person.
fn told(run: &RotationRun) -> String {
    let RotationRun { id, state, .. } = run;
    let what = format!("{} of {} rotated, {} failed", done(run), run.total(), run.failed());
    match state {
        RotationRunState::Running => format!("{id} goes on: {what}; postern rotation show {id}"),
        RotationRunState::Done => format!("{id} done: {what}"),
        RotationRunState::Stopped => {
            let why = run.stopped_reason.as_deref().unwrap_or_default();
            format!("{id} stopped: {why}; {what}")
        }
    }
}

impl RotationCommand {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let client = Client::signed_in()?;
        match self {
            Self::List { account, state, run, open } => {
                let query = [
                    ("account", account.map(|account| account.to_string())),
                    ("state", state),
                    ("run", run.map(|run| run.to_string())),
                    ("open", open.then(|| "true".to_owned())),
                ];
                let rotations: Vec<Rotation> = client.all("/v1/rotations", &query).await?;
                output::list(format, &rotations)?;
            }
            Self::Show { id } => match id.parse::<RotationRunId>() {
                Ok(run) => {
                    let run: RotationRun = client.get(&format!("/v1/rotation-runs/{run}")).await?;
                    output::one(format, &run)?;
                }
                Err(_) => {
                    let id: RotationId = id.parse().map_err(|error| Failure::usage(format!("{error}")))?;
                    let rotation: Rotation = client.get(&format!("/v1/rotations/{id}")).await?;
                    output::one(format, &rotation)?;
                }
            },
            Self::Runs => {
                let runs: Vec<RotationRun> = client.all("/v1/rotation-runs", &[]).await?;
                output::list(format, &runs)?;
            }
            Self::Stop { id, reason } => {
                let path = format!("/v1/rotation-runs/{id}/stop");
                let run: RotationRun = client.post(&path, &json!({ "reason": reason })).await?;
                if format == Format::Table {
                    output::line(&told(&run))?;
                } else {
                    output::one(format, &run)?;
                }
            }
        }
        Ok(DONE)
    }
}

impl Provisions {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let query = [("live", self.live.then(|| "true".to_owned()))];
        let provisions: Vec<Provisioning> = Client::signed_in()?.all("/v1/provisions", &query).await?;
        output::list(format, &provisions)?;
        Ok(DONE)
    }
}
