//! `postern token ...`.

use std::fmt::Display;

use clap::Subcommand;
use postern_control::{TokenCreate, TokenCreated};
use postern_domain::link::WaitingCredential;
use postern_domain::period::Period;
use postern_domain::permission::Permission;
use postern_domain::user::ApiToken;
use postern_domain::{ScopePath, Timestamp, TokenId, UserName};
use serde_json::json;

use super::role::permission;
use crate::client::Client;
use crate::exit::{DONE, Failure};
use crate::output::{self, Columns, Format};

/// Your own API tokens.
#[derive(Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token; prints it, once.
    Create {
        /// What it is for.
        name: String,
        /// What it allows, for example asset:read; may be repeated.
        #[arg(long = "permission", value_name = "NOUN:VERB", value_parser = permission, required = true)]
        permissions: Vec<Permission>,
        /// Where it works; your own scope unless given.
        #[arg(long)]
        scope: Option<ScopePath>,
        /// How long it works, for example 12h or 90d.
        #[arg(long, value_name = "DURATION")]
        expires: Period,
        /// The workload that it is for; yours unless given.
        #[arg(long = "for", value_name = "WORKLOAD")]
        user: Option<UserName>,
    },
    /// List your tokens.
    List,
    /// Confirm the token that somebody else made for a workload.
    Confirm {
        /// The token: `postern user waiting` lists them.
        id: TokenId,
    },
    /// Revoke a token of yours, or of a workload that you look after.
    Revoke {
        /// The token.
        id: TokenId,
    },
}

impl Columns for ApiToken {
    const HEADINGS: &'static [&'static str] = &["ID", "NAME", "SCOPE", "PERMISSIONS", "EXPIRES", "LAST USED"];

    fn cells(&self) -> Vec<String> {
        let permissions: Vec<_> = self.permissions.iter().map(|permission| permission.as_str()).collect();
        vec![
            self.id.to_string(),
            self.name.clone(),
            self.scope.to_string(),
            permissions.join(" "),
            output::time(self.expires_at),
            self.last_used_at.map_or_else(|| "-".to_owned(), output::time),
        ]
    }
}

/// Says from when what was made for a workload works.
pub(super) fn print_waits(
    awaits: bool,
    works_from: Option<Timestamp>,
    id: &impl Display,
    noun: &str,
) -> Result<(), Failure> {
    if awaits {
        output::line(&format!("once somebody else has confirmed it: postern {noun} confirm {id}"))?;
    }
    if let Some(from) = works_from {
        output::line(&format!("from {} on: nobody else can confirm it", output::time(from)))?;
    }
    Ok(())
}

impl TokenCommand {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let client = Client::signed_in()?;
        match self {
            Self::Create { name, permissions, scope, expires, user } => {
                let wish = TokenCreate {
                    name,
                    permissions: permissions.into_iter().collect(),
                    scope,
                    expires_in_seconds: expires.seconds(),
                    user,
                };
                let made: TokenCreated = client.post("/v1/tokens", &wish).await?;
                if format == Format::Table {
                    output::line(&made.token)?;
                    output::line(&format!("it works until {}", output::time(made.api_token.expires_at)))?;
                    print_waits(made.api_token.awaits, made.api_token.works_from, &made.api_token.id, "token")?;
                } else {
                    output::one(format, &made)?;
                }
            }
            Self::List => output::list(format, &client.all::<ApiToken>("/v1/tokens", &[]).await?)?,
            Self::Confirm { id } => {
                let confirmed: WaitingCredential = client.post(&format!("/v1/tokens/{id}/confirm"), &json!({})).await?;
                output::list(format, &[confirmed])?;
            }
            Self::Revoke { id } => {
                client.delete(&format!("/v1/tokens/{id}")).await?;
                output::line(&format!("token {id} revoked"))?;
            }
        }
        Ok(DONE)
    }
}
