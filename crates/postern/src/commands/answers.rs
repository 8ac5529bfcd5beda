//! `postern why`, `who-can`, `what-can`: exact answers on access.

use std::net::IpAddr;

use clap::Args;
use postern_control::{AccessExplained, AccessItem, WhoCan};
use postern_domain::policy::{Action, Answer, Verdict};
use postern_domain::{AccountRef, UserName};

use super::request::weighed;
use crate::client::Client;
use crate::exit::{DONE, Failure};
use crate::output::{self, Columns, Format};

/// Say why somebody can or cannot do something with an account: what is decided, and what each policy says.
#[derive(Args)]
pub(crate) struct Why {
    /// Who.
    user: UserName,
    /// On what: `root@web-1`.
    account: AccountRef,
    /// To do what: connect, request, checkout, or what is done in a session, such as shell.
    #[arg(default_value = "connect")]
    action: Action,
    /// From which address they would come; your own unless given.
    #[arg(long, value_name = "ADDRESS")]
    from: Option<IpAddr>,
    /// By which kind of client: ssh, terminal, sql-console, database-client or api; whichever takes them farthest
    /// unless given.
    #[arg(long, value_name = "CLIENT")]
    by: Option<String>,
}

impl Why {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let query = [
            ("user", Some(self.user.to_string())),
            ("account", Some(self.account.to_string())),
            ("action", Some(self.action.to_string())),
            ("source", self.from.map(|address| address.to_string())),
            ("client", self.by),
        ];
        let told: AccessExplained = Client::signed_in()?.get_with("/v1/access/explain", &query).await?;
        if format != Format::Table {
            output::one(format, &told)?;
            return Ok(DONE);
        }
        output::line(&summary(&told))?;
        for message in &told.messages {
            output::line(&format!("  {message}"))?;
        }
        if let Some(risk) = &told.risk {
            output::line(&format!("risk: {}", weighed(risk)))?;
        }
        for explained in &told.explanation.policies {
            let scope = &explained.scope;
            output::line(&format!("policy {} in {scope}: {}", explained.policy, said(&explained.verdict)))?;
        }
        Ok(DONE)
    }
}

fn summary(told: &AccessExplained) -> String {
    let AccessExplained { user, account, action, answered, .. } = told;
    let by = answered.policy.as_ref().map_or_else(String::new, |policy| format!(" by policy {policy}"));
    let grant = answered.grant.as_ref().map_or_else(String::new, |grant| format!(", grant {grant}"));
    let until = answered.until.map_or_else(String::new, |until| format!(", until {}", output::time(until)));
    match answered.answer {
        Answer::Allowed => format!("yes: {user} may {action} {account}{by}{grant}{until}"),
        Answer::StepUp => format!("yes, with a second factor: {user} may {action} {account}{by}{grant}{until}"),
        Answer::OnRequest => format!("on request: {user} may ask for {action} on {account}{by}"),
        Answer::Refused => format!("no: {user} may not {action} {account}"),
    }
}

fn said(verdict: &Verdict) -> String {
    match verdict {
        Verdict::OtherScope => "does not reach there".to_owned(),
        Verdict::OtherSubject => "is about other people".to_owned(),
        Verdict::OtherAccount => "is about other accounts".to_owned(),
        Verdict::DeniesElsewhere => "denies at other hours or from other networks".to_owned(),
        Verdict::Denies => "denies".to_owned(),
        Verdict::Allows { grant: Some(grant) } => format!("allows by grant {grant}"),
        Verdict::Allows { grant: None } => "allows at any time".to_owned(),
        Verdict::StepUp { .. } => "allows once a second factor has been proved".to_owned(),
        Verdict::Refuses { reason } => reason.to_string(),
    }
}

/// List who can do something with an account, or with the accounts of a label.
#[derive(Args)]
pub(crate) struct WhoCanCommand {
    /// To do what: connect, request, checkout, or what is done in a session, such as shell.
    action: Action,
    /// The account, `root@web-1`; or labels, `env=prod,tier=web`.
    #[arg(value_name = "ACCOUNT|LABELS")]
    what: String,
    /// From which address people would come; your own unless given.
    #[arg(long, value_name = "ADDRESS")]
    from: Option<IpAddr>,
    /// List also those whom a policy concerns and who are refused, with the reasons.
    #[arg(long)]
    refused: bool,
}

impl WhoCanCommand {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let labels = self.what.contains('=');
        let account = match labels {
            true => None,
            false => Some(self.what.parse::<AccountRef>().map_err(|error| anyhow::anyhow!("{error}"))?.to_string()),
        };
        let query = [
            ("action", Some(self.action.to_string())),
            ("account", account),
            ("label", labels.then_some(self.what)),
            ("source", self.from.map(|address| address.to_string())),
            ("refused", self.refused.then(|| "true".to_owned())),
        ];
        let found: Vec<WhoCan> = Client::signed_in()?.all("/v1/access/who-can", &query).await?;
        output::list(format, &found)?;
        Ok(DONE)
    }
}

impl Columns for WhoCan {
    const HEADINGS: &'static [&'static str] = &["USER", "ACCOUNT", "ANSWER", "POLICY", "UNTIL", "WHY"];

    fn cells(&self) -> Vec<String> {
        let why = if self.answer == Answer::OnRequest { String::new() } else { self.messages.join("; ") };
        vec![
            self.user.to_string(),
            self.account.to_string(),
            output::word(&self.answer),
            output::or_dash(self.policy.as_ref()),
            output::or_dash(self.until.map(output::time)),
            why,
        ]
    }
}

/// List what somebody can reach or ask for.
#[derive(Args)]
pub(crate) struct WhatCan {
    /// Who.
    user: UserName,
    /// A part of the account's or the asset's name.
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// A label, as name=value; several separated by commas.
    #[arg(long)]
    label: Option<String>,
}

impl WhatCan {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let query = [("q", self.search), ("label", self.label)];
        let path = format!("/v1/users/{}/reach", self.user);
        let items: Vec<AccessItem> = Client::signed_in()?.all(&path, &query).await?;
        output::list(format, &items)?;
        Ok(DONE)
    }
}
