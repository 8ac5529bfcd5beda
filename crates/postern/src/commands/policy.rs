//! `postern policy ...`.

use clap::Subcommand;
use postern_domain::document::{Document, to_yaml};
use postern_domain::policy::Policy;
use postern_domain::{Period, PolicyName, ScopePath};

use crate::client::Client;
use crate::exit::{DONE, Failure};
use crate::output::{self, Columns, Format};

/// Policies. They are made and changed with `postern apply`.
#[derive(Subcommand)]
pub(crate) enum PolicyCommand {
    /// List policies.
    List {
        /// A part of the name.
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// A scope, with everything below it.
        #[arg(long)]
        scope: Option<ScopePath>,
    },
    /// Show one policy; with -o yaml as a document that can be applied.
    Show {
        /// The name.
        name: PolicyName,
    },
    /// Take a policy out of use; the grants given under it end.
    Delete {
        /// The name.
        name: PolicyName,
    },
}

impl Columns for Policy {
    const HEADINGS: &'static [&'static str] =
        &["NAME", "SCOPE", "EFFECT", "ACCESS", "WHO", "MAX", "APPROVALS", "REVISION"];

    fn cells(&self) -> Vec<String> {
        let users = self.subjects.users.iter().map(ToString::to_string);
        let groups = self.subjects.groups.iter().map(|group| format!("group {group}"));
        vec![
            self.name.to_string(),
            self.scope.to_string(),
            output::word(&self.effect),
            output::word(&self.access),
            users.chain(groups).collect::<Vec<_>>().join(","),
            Period::from_seconds(self.obligations.max_duration_seconds).to_string(),
            self.obligations.approval.as_ref().map_or(0, |rule| rule.count).to_string(),
            self.revision.to_string(),
        ]
    }
}

impl PolicyCommand {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let client = Client::signed_in()?;
        match self {
            Self::List { search, scope } => {
                let query = [("q", search), ("scope", scope.map(|scope| scope.to_string()))];
                let policies: Vec<Policy> = client.all("/v1/policies", &query).await?;
                output::list(format, &policies)?;
            }
            Self::Show { name } => {
                let policy: Policy = client.get(&format!("/v1/policies/{name}")).await?;
                match format {
                    Format::Yaml => output::line(to_yaml(&[Document::from(&policy)])?.trim_end())?,
                    Format::Table | Format::Json => output::one(format, &policy)?,
                }
            }
            Self::Delete { name } => {
                client.delete(&format!("/v1/policies/{name}")).await?;
                output::line(&format!("policy {name} deleted"))?;
            }
        }
        Ok(DONE)
    }
}
