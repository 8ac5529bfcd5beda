//! `postern statements` and `postern statement ...`: statements that wait until somebody has said yes.

use clap::{Args, Subcommand};
use postern_control::WaitingStatement;
use postern_domain::StatementId;
use serde_json::json;

use crate::client::Client;
use crate::exit::{DONE, Failure};
use crate::output::{self, Columns, Format};

/// List statements that wait: your own, and those that you may decide on.
#[derive(Args)]
pub(crate) struct Statements {}

/// Decide on a statement that waits.
#[derive(Subcommand)]
pub(crate) enum StatementCommand {
    /// Let it run.
    Approve {
        /// The statement.
        id: StatementId,
        /// What there is to say about it.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Refuse it.
    Deny {
        /// The statement.
        id: StatementId,
        /// Why; whoever wants to run it reads it.
        #[arg(long)]
        reason: String,
    },
}

impl Columns for WaitingStatement {
    const HEADINGS: &'static [&'static str] = &["ID", "USER", "ACCOUNT", "RULE", "ASKED", "UNTIL", "STATEMENT"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.user.to_string(),
            self.account.to_string(),
            self.rule.clone(),
            output::time(self.asked_at),
            output::time(self.expires_at),
            self.text.clone(),
        ]
    }
}

impl Statements {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let statements: Vec<WaitingStatement> = Client::signed_in()?.all("/v1/statements", &[]).await?;
        output::list(format, &statements)?;
        Ok(DONE)
    }
}

impl StatementCommand {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let (id, verb, reason) = match self {
            Self::Approve { id, reason } => (id, "approve", reason),
            Self::Deny { id, reason } => (id, "deny", Some(reason)),
        };
        let path = format!("/v1/statements/{id}/{verb}");
        let decided: WaitingStatement = Client::signed_in()?.post(&path, &json!({ "reason": reason })).await?;
        if format == Format::Table {
            let done = if verb == "approve" { "runs now" } else { "was refused" };
            output::line(&format!("{} of {} on {} {done}", decided.id, decided.user, decided.account))?;
        } else {
            output::one(format, &decided)?;
        }
        Ok(DONE)
    }
}
