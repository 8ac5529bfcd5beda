//! `postern grants` and `postern revoke`.

use clap::Args;
use postern_domain::GrantId;
use postern_domain::grant::Grant;
use serde_json::json;

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
