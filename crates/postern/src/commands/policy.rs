//! `postern policy ...`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use postern_control::{DraftDiff, PolicyDeleted, PolicyPut, PolicyRevision, ProposalView, Replayed, Simulated};
use postern_domain::document::{Document, to_yaml};
use postern_domain::policy::{Block, Policy};
use postern_domain::proposal::{Proposal, ProposalState};
use postern_domain::{Period, PolicyName, ProposalId, ScopePath};
use serde_json::{Value, json};

use super::apply;
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
        /// As it was in this revision.
        #[arg(long)]
        revision: Option<u32>,
    },
    /// List the revisions of a policy: who made each, who said yes, and when.
    History {
        /// The name.
        name: PolicyName,
    },
    /// Make a policy say again what it said in an earlier revision.
    Rollback {
        /// The name.
        name: PolicyName,
        /// The revision.
        revision: u32,
    },
    /// List changes that let somebody do more and wait for the yes of somebody else.
    Proposals {
        /// Those too that were answered.
        #[arg(long)]
        all: bool,
    },
    /// Show one of them, and for whom it changes what.
    Proposal {
        /// Its identifier, prp_...
        id: ProposalId,
    },
    /// Say yes to one of them.
    Approve {
        /// Its identifier, prp_...
        id: ProposalId,
    },
    /// Say no to one of them, or take your own back.
    Refuse {
        /// Its identifier, prp_...
        id: ProposalId,
        /// Why not; your own needs none.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Tell for whom policies of a file would change what, if they were applied.
    Diff(Draft),
    /// Ask the requests of the past again, under policies of a file.
    Simulate {
        /// What is drafted.
        #[command(flatten)]
        draft: Draft,
        /// How many days back.
        #[arg(long, default_value_t = 90)]
        days: u32,
    },
    /// Take a policy out of use; the grants given under it end.
    Delete {
        /// The name.
        name: PolicyName,
    },
}

/// Policies that are not saved.
#[derive(Args)]
pub(crate) struct Draft {
    /// The file with policies as they are meant to be, or - for standard input; may be repeated.
    #[arg(short, long = "file", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A policy that is meant to be taken out of use; may be repeated.
    #[arg(long, value_name = "POLICY")]
    delete: Vec<PolicyName>,
}

impl Draft {
    fn body(&self) -> Result<Value, Failure> {
        let (documents, _) = apply::read_all(&self.files)?;
        // Other kinds of documents may stand in the same file.
        let policies: Vec<_> = documents
            .into_iter()
            .filter_map(|document| match document {
                Document::Policy(policy) => Some(policy),
                _ => None,
            })
            .collect();
        if policies.is_empty() && self.delete.is_empty() {
            return Err(anyhow::anyhow!("there is no policy in it: give --file with one, or --delete").into());
        }
        Ok(json!({ "policies": policies, "delete": self.delete }))
    }
}

impl Columns for Block {
    const HEADINGS: &'static [&'static str] = &["CHANGE", "WHO", "ACCOUNTS", "BY"];

    fn cells(&self) -> Vec<String> {
        let change = match (self.shift.widened, self.shift.narrowed) {
            (true, true) => "+- other",
            (true, false) => "+ wider",
            (false, _) => "- narrower",
        };
        vec![change.to_owned(), joined(&self.people), joined(&self.accounts), joined(&self.policies)]
    }
}

fn joined<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl Columns for Replayed {
    const HEADINGS: &'static [&'static str] = &["WHEN", "WHO", "ACCOUNT", "FOR", "CHANGE", "WHY"];

    fn cells(&self) -> Vec<String> {
        vec![
            output::time(self.at),
            self.user.to_string(),
            self.account.to_string(),
            Period::from_seconds(self.duration_seconds).to_string(),
            output::word(&self.change),
            self.messages.join("; "),
        ]
    }
}

pub(crate) fn print_diff(format: Format, diff: &DraftDiff) -> Result<(), Failure> {
    if format != Format::Table {
        return output::one(format, diff);
    }
    if !diff.blocks.is_empty() {
        output::list(format, &diff.blocks)?;
    }
    output::line(&format!("wider for {} people, narrower for {}", diff.people_widened, diff.people_narrowed))?;
    if diff.widens {
        output::line("it lets somebody do more, now or later")?;
    }
    Ok(())
}

pub(crate) fn print_simulated(format: Format, simulated: &Simulated) -> Result<(), Failure> {
    if format != Format::Table {
        return output::one(format, simulated);
    }
    if !simulated.changed.is_empty() {
        output::list(format, &simulated.changed)?;
    }
    let Simulated { days, requests, gone, changed } = simulated;
    let gone = if *gone == 0 { String::new() } else { format!("; {gone} are about people or accounts that are gone") };
    output::line(&format!("{requests} requests of {days} days, {} answered otherwise{gone}", changed.len()))
}

impl Columns for Policy {
    const HEADINGS: &'static [&'static str] =
        &["NAME", "SCOPE", "EFFECT", "ACCESS", "WHO", "MAX", "APPROVALS", "REVISION"];

    fn cells(&self) -> Vec<String> {
        let users = self.subjects.users.iter().map(ToString::to_string);
        let groups = self.subjects.groups.iter().map(|group| format!("group {group}"));
        let attributes = self.subjects.attributes.iter().map(|(name, value)| format!("{name}={value}"));
        let workloads = match &self.subjects.workloads {
            postern_domain::policy::Workloads::All(true) => vec!["all workloads".to_owned()],
            named => named.names().map(|name| format!("workload {name}")).collect(),
        };
        vec![
            self.name.to_string(),
            self.scope.to_string(),
            output::word(&self.effect),
            output::word(&self.access),
            users.chain(groups).chain(attributes).chain(workloads).collect::<Vec<_>>().join(","),
            Period::from_seconds(self.obligations.max_duration_seconds).to_string(),
            self.obligations.approval.as_ref().map_or(0, |rule| rule.count).to_string(),
            self.revision.to_string(),
        ]
    }
}

impl Columns for PolicyRevision {
    const HEADINGS: &'static [&'static str] = &["REVISION", "WHEN", "BY", "APPROVED BY", "SCOPE", "ACCESS"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.policy.revision.to_string(),
            output::time(self.changed_at),
            output::or_dash(self.author.as_ref()),
            output::or_dash(self.approved_by.as_ref()),
            self.policy.scope.to_string(),
            output::word(&self.policy.access),
        ]
    }
}

impl Columns for Proposal {
    const HEADINGS: &'static [&'static str] = &["PROPOSAL", "POLICY", "CHANGE", "BY", "WHEN", "STATE", "ANSWERED BY"];

    fn cells(&self) -> Vec<String> {
        let change = match (&self.document, self.base_revision) {
            (None, _) => "delete".to_owned(),
            (Some(_), 0) => "create".to_owned(),
            (Some(_), revision) => format!("revision {revision}"),
        };
        vec![
            self.id.to_string(),
            self.policy.to_string(),
            change,
            self.author.to_string(),
            output::time(self.created_at),
            output::word(&self.state),
            output::or_dash(self.decided_by.as_ref()),
        ]
    }
}

async fn history(client: &Client, name: &PolicyName) -> Result<Vec<PolicyRevision>, Failure> {
    client.all(&format!("/v1/policies/{name}/revisions"), &[]).await
}

async fn earlier(client: &Client, name: &PolicyName, revision: u32) -> Result<Policy, Failure> {
    let found = history(client, name).await?.into_iter().find(|revised| revised.policy.revision == revision);
    let unknown = || anyhow::anyhow!("policy {name} has no revision {revision}: postern policy history {name}");
    Ok(found.ok_or_else(unknown)?.policy)
}

/// Says what was done; or that it waits, and for whom it would change what.
async fn told(client: &Client, format: Format, proposal: Option<&Proposal>, done: &str) -> Result<(), Failure> {
    match proposal {
        None => output::line(done),
        Some(proposal) => {
            show(client, format, &proposal.id).await?;
            output::line(&format!("it waits for the yes of somebody else: postern policy approve {}", proposal.id))
        }
    }
}

async fn show(client: &Client, format: Format, id: &ProposalId) -> Result<(), Failure> {
    let view: ProposalView = client.get(&format!("/v1/proposals/{id}")).await?;
    if format != Format::Table {
        return output::one(format, &view);
    }
    output::list(format, std::slice::from_ref(&view.proposal))?;
    if let Some(reason) = &view.proposal.reason {
        output::line(&format!("reason: {reason}"))?;
    }
    if let (Some(document), ProposalState::Waiting) = (&view.proposal.document, view.proposal.state) {
        output::line(to_yaml(&[Document::Policy(document.clone())])?.trim_end())?;
    }
    view.diff.map_or(Ok(()), |diff| print_diff(format, &diff))
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
            Self::Show { name, revision } => {
                let policy = match revision {
                    None => client.get(&format!("/v1/policies/{name}")).await?,
                    Some(revision) => earlier(&client, &name, revision).await?,
                };
                match format {
                    Format::Yaml => output::line(to_yaml(&[Document::from(&policy)])?.trim_end())?,
                    Format::Table | Format::Json => output::one(format, &policy)?,
                }
            }
            Self::History { name } => output::list(format, &history(&client, &name).await?)?,
            Self::Rollback { name, revision } => {
                let body = json!({ "revision": revision });
                let put: PolicyPut = client.post(&format!("/v1/policies/{name}/rollback"), &body).await?;
                let done =
                    format!("policy {name} is as it was in revision {revision}, in revision {}", put.policy.revision);
                told(&client, format, put.proposal.as_ref(), &done).await?;
            }
            Self::Proposals { all } => {
                let state = (!all).then(|| "waiting".to_owned());
                let found: Vec<Proposal> = client.all("/v1/proposals", &[("state", state)]).await?;
                output::list(format, &found)?;
            }
            Self::Proposal { id } => show(&client, format, &id).await?,
            Self::Approve { id } => {
                let done: Proposal = client.post(&format!("/v1/proposals/{id}/approve"), &json!({})).await?;
                output::line(&format!("{id} approved: policy {} is as {} proposed", done.policy, done.author))?;
            }
            Self::Refuse { id, reason } => {
                let path = format!("/v1/proposals/{id}/refuse");
                let done: Proposal = client.post(&path, &json!({ "reason": reason })).await?;
                output::line(&format!("{id} {}", output::word(&done.state)))?;
            }
            Self::Diff(draft) => {
                let diff: DraftDiff = client.post("/v1/policies/diff", &draft.body()?).await?;
                print_diff(format, &diff)?;
            }
            Self::Simulate { draft, days } => {
                let mut body = draft.body()?;
                if let Some(fields) = body.as_object_mut() {
                    fields.insert("days".to_owned(), days.into());
                }
                let simulated: Simulated = client.post("/v1/policies/simulate", &body).await?;
                print_simulated(format, &simulated)?;
            }
            Self::Delete { name } => {
                let path = format!("/v1/policies/{name}");
                let gone: PolicyDeleted = client.send(reqwest::Method::DELETE, &path, &json!({})).await?;
                told(&client, format, gone.proposal.as_ref(), &format!("policy {name} deleted")).await?;
            }
        }
        Ok(DONE)
    }
}
