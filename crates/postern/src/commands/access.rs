//! `postern access`.

use clap::Args;
use postern_control::AccessItem;
use postern_domain::Period;

use crate::client::Client;
use crate::exit::{DONE, Failure};
use crate::output::{self, Columns, Format};

/// List what you can reach or ask for, and what it takes.
#[derive(Args)]
pub(crate) struct Access {
    /// A part of the account's or the asset's name.
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// A label, as name=value; several separated by commas.
    #[arg(long)]
    label: Option<String>,
}

impl Columns for AccessItem {
    const HEADINGS: &'static [&'static str] = &["ACCOUNT", "STATE", "UNTIL", "POLICY", "MAX", "APPROVALS", "HOW"];

    fn cells(&self) -> Vec<String> {
        let reasons: Vec<_> = self.reasons.iter().map(|reason| reason.message.as_str()).collect();
        let how = match self.state {
            postern_control::AccessState::Ready => self.ssh.clone().unwrap_or_default(),
            postern_control::AccessState::Request => format!("postern request {} --for 1h", self.account),
            postern_control::AccessState::Pending => self.request.as_ref().map(ToString::to_string).unwrap_or_default(),
            postern_control::AccessState::Unavailable => reasons.join("; "),
        };
        vec![
            self.account.to_string(),
            output::word(&self.state),
            output::or_dash(self.ends_at.map(output::time)),
            self.policy.to_string(),
            Period::from_seconds(self.demands.max_duration_seconds).to_string(),
            self.demands.approval.as_ref().map_or(0, |rule| rule.count).to_string(),
            how,
        ]
    }
}

impl Access {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let query = [("q", self.search), ("label", self.label)];
        let items: Vec<AccessItem> = Client::signed_in()?.all("/v1/access", &query).await?;
        output::list(format, &items)?;
        Ok(DONE)
    }
}
