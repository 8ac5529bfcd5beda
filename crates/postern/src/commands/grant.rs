//! `postern grants`, `postern extend`, `postern hand-back` and `postern revoke`.

use clap::Args;
use postern_domain::grant::Grant;
use postern_domain::request::Request;
use postern_domain::{GrantId, Period};
use serde_json::json;

use super::request;
use crate::client::Client;
use crate::exit::{DONE, Failure};
use crate::output::{self, Columns, Format};

/// List grants: your own, and those you may see.
#[derive(Args)]
pub(crate) struct Grants {
    /// Your own only.
    #[arg(long)]
    mine: bool,
    /// In this state only: scheduled, active, expired, revoked.
    #[arg(long)]
    state: Option<String>,
}

/// End a grant early; its live sessions end with it.
#[derive(Args)]
pub(crate) struct Revoke {
    /// The grant.
    id: GrantId,
    /// Why.
    #[arg(long)]
    reason: String,
}

/// Ask for a longer window of your own grant; its sessions go on.
#[derive(Args)]
pub(crate) struct Extend {
    /// The grant.
    id: GrantId,
    /// How long from the moment it is granted: 30m, 2h.
    #[arg(long = "for", value_name = "DURATION")]
    duration: Period,
    /// Why.
    #[arg(long)]
    reason: Option<String>,
    /// The ticket that it belongs to.
    #[arg(long)]
    ticket: Option<String>,
}

/// Give your own grant back before it is over; its live sessions end with it.
#[derive(Args)]
pub(crate) struct HandBack {
    /// The grant.
    id: GrantId,
    /// Why.
    #[arg(long, default_value = "handed back")]
    reason: String,
}

impl Extend {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let path = format!("/v1/grants/{}/extend", self.id);
        let body = json!({ "duration_seconds": self.duration.seconds(), "reason": self.reason, "ticket": self.ticket });
        let request: Request = Client::signed_in()?.post(&path, &body).await?;
        request::show(&request, format)
    }
}

impl HandBack {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        Revoke { id: self.id, reason: self.reason }.run(format).await
    }
}

impl Columns for Grant {
    const HEADINGS: &'static [&'static str] = &["ID", "USER", "ACCOUNT", "STATE", "FROM", "UNTIL", "REASON"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.user.to_string(),
            self.account.to_string(),
            output::word(&self.state),
            output::time(self.starts_at),
            output::time(self.revoked_at.unwrap_or(self.ends_at)),
            output::or_dash(self.revoked_reason.as_ref()),
        ]
    }
}

impl Grants {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let query = [("mine", self.mine.then(|| "true".to_owned())), ("state", self.state)];
        let grants: Vec<Grant> = Client::signed_in()?.all("/v1/grants", &query).await?;
        output::list(format, &grants)?;
        Ok(DONE)
    }
}

impl Revoke {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let path = format!("/v1/grants/{}/revoke", self.id);
        let grant: Grant = Client::signed_in()?.post(&path, &json!({ "reason": self.reason })).await?;
        if format == Format::Table {
            output::line(&format!(
                "{} of {} on {} is {}",
                grant.id,
                grant.user,
                grant.account,
                output::word(&grant.state)
            ))?;
        } else {
            output::one(format, &grant)?;
        }
        Ok(DONE)
    }
}
