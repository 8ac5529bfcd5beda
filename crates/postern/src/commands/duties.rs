//! `postern duties ...`: what nobody may hold together.

use clap::Subcommand;
use postern_control::DutiesView;
use postern_domain::duties::DutySet;
use postern_domain::{DutiesName, ScopePath};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::exit::{DONE, Failure};
use crate::output::{self, Columns, Format};

/// Separations of duties.
#[derive(Subcommand)]
pub(crate) enum DutiesCommand {
    /// List what is kept apart, and who holds it together all the same; declared by `postern apply`.
    List,
    /// No longer keep something apart: where two people may change policies, it takes both.
    Delete {
        /// Its name.
        name: DutiesName,
        /// A scope in the tenant that it belongs to; your own unless given.
        #[arg(long)]
        scope: Option<ScopePath>,
    },
}

impl Columns for DutiesView {
    const HEADINGS: &'static [&'static str] = &["NAME", "SCOPE", "APART", "WAITING", "VIOLATIONS"];

    fn cells(&self) -> Vec<String> {
        let declared = &self.duties.declared;
        let sets: Vec<_> = declared.sets.iter().map(told).collect();
        let violations: Vec<_> =
            self.violations.iter().map(|found| format!("{}: {} and {}", found.user, found.one, found.other)).collect();
        vec![
            declared.name.to_string(),
            declared.scope.to_string(),
            sets.join(" | "),
            output::or_dash(self.duties.waiting.as_ref().map(|waiting| &waiting.author)),
            if violations.is_empty() { "-".to_owned() } else { violations.join("; ") },
        ]
    }
}

fn told(set: &DutySet) -> String {
    let groups = set.groups.iter().map(|name| format!("group {name}"));
    let policies = set.policies.iter().map(|name| format!("policy {name}"));
    let roles = set.roles.iter().map(|name| format!("role {name}"));
    groups.chain(policies).chain(roles).collect::<Vec<_>>().join(", ")
}

impl DutiesCommand {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let client = Client::signed_in()?;
        match self {
            Self::List => {
                let all: Vec<DutiesView> = client.all("/v1/duties", &[]).await?;
                output::list(format, &all)?;
            }
            Self::Delete { name, scope } => {
                let query = scope.map(|scope| format!("?scope={scope}")).unwrap_or_default();
                let path = format!("/v1/duties/{name}{query}");
                let answer: Value = client.send(Method::DELETE, &path, &json!({})).await?;
                let waits = answer.get("waiting").is_some_and(|waiting| !waiting.is_null());
                output::line(&if waits {
                    format!("{name} waits until somebody else who may change policies deletes it too")
                } else {
                    format!("{name} deleted")
                })?;
            }
        }
        Ok(DONE)
    }
}
