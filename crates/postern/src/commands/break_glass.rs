//! `postern break-glass ...`, `postern channels`, `postern channel ...`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use postern_control::{ChannelView, OfflineView, PlanView};
use postern_domain::break_glass::BreakGlassUse;
use postern_domain::{AccountRef, BreakGlassUseId, UserName};
use reqwest::Method;
use serde_json::json;

use crate::client::{Client, segment};
use crate::exit::{DONE, Failure};
use crate::output::{self, Columns, Format};

const OFFLINE: &str = "/v1/break-glass/offline";
/// The largest record that is read, in bytes.
const RECORD_LEN_MAX: u64 = 1 << 20;

/// Emergencies: uses and their reviews, and the bundles for when Postern itself is dead.
#[derive(Subcommand)]
pub(crate) enum BreakGlassCommand {
    /// List uses.
    Uses(Uses),
    /// Say what you found about somebody else's use.
    Review(Review),
    /// Show how the offline tier stands: who opens bundles, what is in them, where they lie.
    Status,
    /// Say who opens bundles and what is in them; somebody else has to say yes.
    Plan(Plan),
    /// Say yes to somebody else's plan.
    ApprovePlan,
    /// Say no to a plan that waits.
    RefusePlan,
    /// Write a bundle now.
    Bundle,
    /// Take down that a bundle was opened: what was seen is changed.
    Opened(OpenedArgs),
}

/// List uses: your own, and those you may see.
#[derive(Args)]
pub(crate) struct Uses {
    /// Those only that nobody has reviewed.
    #[arg(long)]
    open: bool,
}

/// Say what you found about somebody else's use.
#[derive(Args)]
#[group(required = false)]
pub(crate) struct Review {
    /// The use.
    id: BreakGlassUseId,
    /// It was an emergency, and what was done was called for.
    #[arg(long, conflicts_with = "unjustified", required_unless_present = "unjustified")]
    justified: bool,
    /// It was not.
    #[arg(long)]
    unjustified: bool,
    /// What you found.
    #[arg(long)]
    text: String,
}

/// Say who opens bundles and what is in them.
#[derive(Args)]
pub(crate) struct Plan {
    /// How many holders open a bundle together.
    #[arg(long)]
    threshold: u8,
    /// A holder with the public key that `postern-open key` has shown, name=pbk1...; several times.
    #[arg(long = "holder", required = true, value_parser = holder)]
    holders: Vec<(UserName, String)>,
    /// An account, account@asset; several times.
    #[arg(long = "account", required = true)]
    accounts: Vec<AccountRef>,
}

fn holder(text: &str) -> Result<(UserName, String), String> {
    let (name, key) = text.split_once('=').ok_or("write name=pbk1...")?;
    Ok((name.parse().map_err(|error| format!("{error}"))?, key.to_owned()))
}

/// Take down that a bundle was opened.
#[derive(Args)]
pub(crate) struct OpenedArgs {
    /// The record that `postern-open` has written.
    #[arg(long, conflicts_with = "serial", required_unless_present = "serial")]
    record: Option<PathBuf>,
    /// The bundle's number, where there is no record: everything in it counts as seen.
    #[arg(long)]
    serial: Option<u64>,
    /// The incident; the record's where it is left out.
    #[arg(long)]
    incident: Option<String>,
    /// What happened; the record's where it is left out.
    #[arg(long)]
    reason: Option<String>,
}

impl Columns for BreakGlassUse {
    const HEADINGS: &'static [&'static str] = &["ID", "TIER", "USER", "TARGET", "INCIDENT", "AT", "REVIEW", "REASON"];

    fn cells(&self) -> Vec<String> {
        let review = match &self.review {
            Some(review) if review.justified => format!("justified, by {}", review.by),
            Some(review) => format!("NOT justified, by {}", review.by),
            None => format!("until {}", output::time(self.review_until)),
        };
        vec![
            self.id.to_string(),
            output::word(&self.tier),
            self.user.to_string(),
            self.target.clone(),
            self.incident.clone(),
            output::time(self.at),
            review,
            self.reason.clone(),
        ]
    }
}

impl BreakGlassCommand {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let client = Client::signed_in()?;
        let nothing = json!({});
        let view: OfflineView = match self {
            Self::Uses(args) => {
                let query = [("open", args.open.then(|| "true".to_owned()))];
                let uses: Vec<BreakGlassUse> = client.all("/v1/break-glass/uses", &query).await?;
                output::list(format, &uses)?;
                return Ok(DONE);
            }
            Self::Review(args) => {
                let body = json!({ "justified": args.justified, "text": args.text });
                let path = format!("/v1/break-glass/uses/{}/review", args.id);
                return one(format, client.post(&path, &body).await?);
            }
            Self::Opened(args) => {
                let body = json!({
                    "record": args.record.map(record).transpose()?,
                    "serial": args.serial,
                    "incident": args.incident,
                    "reason": args.reason,
                });
                return one(format, client.post(&format!("{OFFLINE}/opened"), &body).await?);
            }
            Self::Plan(Plan { threshold, holders, accounts }) => {
                let holders: Vec<_> =
                    holders.into_iter().map(|(name, key)| json!({ "name": name, "key": key })).collect();
                let body = json!({ "threshold": threshold, "holders": holders, "accounts": accounts });
                client.send(Method::PUT, &format!("{OFFLINE}/plan"), &body).await?
            }
            Self::Status => client.get(OFFLINE).await?,
            Self::ApprovePlan => client.post(&format!("{OFFLINE}/plan/approve"), &nothing).await?,
            Self::RefusePlan => client.post(&format!("{OFFLINE}/plan/refuse"), &nothing).await?,
            Self::Bundle => client.post(&format!("{OFFLINE}/bundle"), &nothing).await?,
        };
        if format == Format::Table {
            told(&view)?;
        } else {
            output::one(format, &view)?;
        }
        Ok(DONE)
    }
}

fn one(format: Format, used: BreakGlassUse) -> Result<u8, Failure> {
    if format == Format::Table {
        output::list(format, &[used])?;
    } else {
        output::one(format, &used)?;
    }
    Ok(DONE)
}

fn record(path: PathBuf) -> Result<String, Failure> {
    let shown = path.display().to_string();
    let length = std::fs::metadata(&path).with_context(|| shown.clone())?.len();
    if length > RECORD_LEN_MAX {
        return Err(Failure::usage(format!("{shown}: larger than {RECORD_LEN_MAX} bytes: is it the right file?")));
    }
    Ok(std::fs::read_to_string(&path).context(shown)?)
}

/// The offline tier, for a person.
fn told(view: &OfflineView) -> Result<(), Failure> {
    for (heading, plan) in [("plan", &view.plan), ("waits for a yes", &view.proposed)] {
        if let Some(plan) = plan {
            plan_told(heading, plan)?;
        }
    }
    if let Some(bundle) = &view.bundle {
        output::line(&format!("bundle   {} of {}, sha256 {}", bundle.serial, output::time(bundle.at), bundle.digest))?;
        for held in &bundle.accounts {
            let versions: Vec<_> = held.versions.iter().map(ToString::to_string).collect();
            output::line(&format!("         {} version {}", held.account, versions.join(", ")))?;
        }
    }
    for place in &view.places {
        let state = place.problem.as_deref().unwrap_or("there, whole");
        output::line(&format!("place    {}: {state}", place.path))?;
    }
    if view.problems.is_empty() {
        return output::line("state    good");
    }
    view.problems.iter().try_for_each(|problem| output::line(&format!("PROBLEM  {problem}")))
}

fn plan_told(heading: &str, plan: &PlanView) -> Result<(), Failure> {
    let by = plan.approved_by.as_ref().map_or_else(String::new, |by| format!(", yes by {by}"));
    output::line(&format!("{heading}: {} of {}, set by {}{by}", plan.threshold, plan.holders.len(), plan.author))?;
    for holder in &plan.holders {
        output::line(&format!("         {} {}", holder.name, holder.key))?;
    }
    plan.accounts.iter().try_for_each(|account| output::line(&format!("         {account}")))
}

/// List the ways out for events, and how far each has come.
#[derive(Args)]
pub(crate) struct Channels {}

/// Ways out for events.
#[derive(Subcommand)]
pub(crate) enum ChannelCommand {
    /// Send something that every channel carries, to see whether it arrives.
    Test(Named),
    /// Tell a channel again what it was told already.
    Replay(Replay),
}

/// One channel.
#[derive(Args)]
pub(crate) struct Named {
    /// Its name in the configuration file.
    name: String,
}

/// Tell a channel again what it was told already.
#[derive(Args)]
pub(crate) struct Replay {
    /// Its name in the configuration file.
    name: String,
    /// The index of the first event.
    #[arg(long)]
    from: u64,
}

/// All channels, as the server tells them.
#[derive(serde::Deserialize)]
struct All {
    channels: Vec<ChannelView>,
}

impl Columns for ChannelView {
    const HEADINGS: &'static [&'static str] =
        &["NAME", "KIND", "CARRIES", "NEXT", "BEHIND", "DELIVERED", "FAILS SINCE", "WHY"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.kind.clone(),
            self.carries.clone(),
            self.next.to_string(),
            self.behind.to_string(),
            output::or_dash(self.delivered_at.map(output::time)),
            output::or_dash(self.failed_at.map(output::time)),
            self.failure.clone().unwrap_or_default(),
        ]
    }
}

impl Channels {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let all: All = Client::signed_in()?.get("/v1/channels").await?;
        output::list(format, &all.channels)?;
        Ok(DONE)
    }
}

impl ChannelCommand {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let (path, body) = match self {
            Self::Test(Named { name }) => (format!("/v1/channels/{}/test", segment(&name)), json!({})),
            Self::Replay(Replay { name, from }) => {
                (format!("/v1/channels/{}/replay", segment(&name)), json!({ "from": from }))
            }
        };
        let all: All = Client::signed_in()?.post(&path, &body).await?;
        output::list(format, &all.channels)?;
        Ok(DONE)
    }
}
