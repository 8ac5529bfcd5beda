//! `postern alerts`, `postern alert ...`, `postern detect ...`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use postern_control::{Alert, AlertView, BackTested, RuleView, RulesChanged};
use postern_domain::{AlertId, UserName};
use serde::Serialize;
use serde_json::{Value, json};

use crate::client::{Client, segment};
use crate::exit::{DONE, Failure};
use crate::output::{self, Columns, Format};

/// List what detection found, the newest first.
#[derive(Args)]
pub(crate) struct Alerts {
    /// Only those in this state: open, assigned, closed, noted.
    #[arg(long)]
    state: Option<String>,
}

/// One alert.
#[derive(Subcommand)]
pub(crate) enum AlertCommand {
    /// Show it with its evidence and what was said of it.
    Show {
        /// The alert.
        id: AlertId,
    },
    /// Say who looks at it.
    Assign {
        /// The alert.
        id: AlertId,
        /// Who.
        to: UserName,
    },
    /// Say something of it.
    Comment {
        /// The alert.
        id: AlertId,
        /// What.
        text: String,
    },
    /// Close it, with what it was.
    Close {
        /// The alert.
        id: AlertId,
        /// What it was.
        #[arg(long = "as", value_enum)]
        verdict: Verdict,
        /// Why.
        #[arg(long)]
        comment: String,
    },
}

/// What an alert was.
#[derive(Clone, Copy, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// What the rule says.
    True,
    /// Not what the rule says.
    False,
    /// What the rule says, and meant to be.
    Expected,
}

/// Detection rules.
#[derive(Subcommand)]
pub(crate) enum DetectCommand {
    /// List the rules, what they do, and how many of their alerts were false.
    Rules,
    /// Show a rule as text.
    Show {
        /// Its name.
        rule: String,
    },
    /// Say what a rule would have found in the past.
    Test {
        /// Its name.
        rule: String,
        /// How far back: 30d, 90d.
        #[arg(long, default_value = "30d", value_parser = days)]
        since: u32,
    },
    /// Switch a rule on.
    Enable {
        /// Its name.
        rule: String,
    },
    /// Switch a rule off.
    Disable {
        /// Its name.
        rule: String,
    },
    /// Take rules up from a file; new ones are off until they are switched on.
    Apply {
        /// A list of rules in YAML.
        #[arg(short, long)]
        file: PathBuf,
    },
}

fn days(text: &str) -> Result<u32, String> {
    let count = text.trim_end_matches('d').parse::<u32>();
    count.ok().filter(|count| *count > 0).ok_or_else(|| "say a number of days: 30d".to_owned())
}

impl Columns for Alert {
    const HEADINGS: &'static [&'static str] =
        &["ID", "AT", "SEVERITY", "RULE", "USER", "ACCOUNT", "DONE", "STATE", "EVIDENCE"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            output::time(self.raised_at),
            self.severity.clone(),
            self.rule.clone(),
            self.user.clone(),
            self.account.clone(),
            self.response.clone(),
            self.state.clone(),
            self.evidence.chars().take(60).collect(),
        ]
    }
}

impl Columns for RuleView {
    const HEADINGS: &'static [&'static str] =
        &["RULE", "SEVERITY", "ATT&CK", "DOES", "ON", "RAISED", "FALSE", "BUDGET", "TITLE"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.severity.clone(),
            self.attack.clone(),
            self.response.clone(),
            match &self.waiting {
                Some(waiting) if !waiting.enabled => format!("yes ({} asks for off)", waiting.author),
                Some(waiting) => format!("yes ({} asks for a change)", waiting.author),
                None => if self.enabled { "yes" } else { "no" }.to_owned(),
            },
            self.figures.raised.to_string(),
            output::or_dash(self.false_percent.map(|percent| format!("{percent}%"))),
            format!("{}%", self.false_budget_percent),
            self.title.clone(),
        ]
    }
}

impl Alerts {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let alerts: Vec<Alert> = Client::signed_in()?.all("/v1/alerts", &[("state", self.state)]).await?;
        output::list(format, &alerts)?;
        Ok(DONE)
    }
}

impl AlertCommand {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let client = Client::signed_in()?;
        let shown: AlertView = match self {
            Self::Show { id } => client.get(&format!("/v1/alerts/{id}")).await?,
            Self::Assign { id, to } => client.post(&format!("/v1/alerts/{id}/assign"), &json!({ "to": to })).await?,
            Self::Comment { id, text } => {
                client.post(&format!("/v1/alerts/{id}/comment"), &json!({ "text": text })).await?
            }
            Self::Close { id, verdict, comment } => {
                let body = json!({ "verdict": verdict, "comment": comment });
                client.post(&format!("/v1/alerts/{id}/close"), &body).await?
            }
        };
        output::one(format, &shown)?;
        Ok(DONE)
    }
}

impl DetectCommand {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let client = Client::signed_in()?;
        let switch = |rule: &str, verb: &str| format!("/v1/detection-rules/{}/{verb}", segment(rule));
        match self {
            Self::Rules => {
                let rules: Vec<RuleView> = client.all("/v1/detection-rules", &[]).await?;
                output::list(format, &rules)?;
            }
            Self::Show { rule } => {
                let rules: Vec<RuleView> = client.all("/v1/detection-rules", &[]).await?;
                let found = rules.into_iter().find(|one| one.id == rule);
                output::one(format, &found.ok_or_else(|| Failure::usage(format!("there is no rule `{rule}`")))?)?;
            }
            Self::Test { rule, since } => {
                let query = [("days", Some(since.to_string()))];
                let path = format!("/v1/detection-rules/{}/test", segment(&rule));
                let tested: BackTested = client.get_with(&path, &query).await?;
                output::one(format, &tested)?;
            }
            Self::Enable { rule } => {
                let _: Value = client.post(&switch(&rule, "enable"), &json!({})).await?;
                output::line(&format!("{rule} is on"))?;
            }
            Self::Disable { rule } => {
                let changed: RulesChanged = client.post(&switch(&rule, "disable"), &json!({})).await?;
                output::line(&if changed.waiting.is_empty() {
                    format!("{rule} is off")
                } else {
                    format!("{rule} stays on until somebody else who may change policies switches it off too")
                })?;
            }
            Self::Apply { file } => {
                let text = std::fs::read_to_string(&file)
                    .map_err(|error| Failure::usage(format!("{} cannot be read: {error}", file.display())))?;
                let changed: RulesChanged = client.post("/v1/detection-rules", &json!({ "text": text })).await?;
                output::one(format, &changed)?;
            }
        }
        Ok(DONE)
    }
}
