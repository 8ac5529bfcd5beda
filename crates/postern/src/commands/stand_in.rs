//! `postern stand-in ...`: who answers requests while somebody is away.

use clap::Subcommand;
use postern_domain::stand_in::StandIn;
use postern_domain::{StandInId, UserName};
use serde_json::json;

use super::request::Begins;
use crate::client::Client;
use crate::exit::{DONE, Failure};
use crate::output::{self, Columns, Format};

/// Stand-ins.
#[derive(Subcommand)]
pub(crate) enum StandInCommand {
    /// Name who answers requests in your place while you are away.
    Name {
        /// Who; they must be one who may answer requests.
        user: UserName,
        /// From when, where not at once: a time (2026-11-26T20:00Z) or a wait (2h).
        #[arg(long, value_name = "TIME")]
        from: Option<Begins>,
        /// Until when: a time, or a wait.
        #[arg(long, value_name = "TIME")]
        until: Begins,
        /// Why, for others to read.
        #[arg(long)]
        reason: Option<String>,
    },
    /// List who stands in for whom: what concerns you, and whom you may see.
    List,
    /// Be back early, or decline to stand in.
    End {
        /// The stand-in.
        id: StandInId,
    },
}

impl Columns for StandIn {
    const HEADINGS: &'static [&'static str] = &["ID", "USER", "STAND-IN", "FROM", "UNTIL", "REASON"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.user.to_string(),
            self.stand_in.to_string(),
            output::time(self.starts_at),
            output::time(self.ended_at.unwrap_or(self.ends_at)),
            self.reason.clone(),
        ]
    }
}

impl StandInCommand {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let client = Client::signed_in()?;
        match self {
            Self::Name { user, from, until, reason } => {
                let body = json!({
                    "stand_in": user,
                    "starts_at": from.map(Begins::time),
                    "ends_at": until.time(),
                    "reason": reason,
                });
                let named: StandIn = client.post("/v1/stand-ins", &body).await?;
                output::list(format, &[named])?;
            }
            Self::List => {
                let all: Vec<StandIn> = client.all("/v1/stand-ins", &[]).await?;
                output::list(format, &all)?;
            }
            Self::End { id } => {
                let ended: StandIn = client.post(&format!("/v1/stand-ins/{id}/end"), &json!({})).await?;
                output::list(format, &[ended])?;
            }
        }
        Ok(DONE)
    }
}
