//! Access as text: what documents declare is made true in one transaction, or nothing is.

use std::collections::BTreeSet;

use postern_domain::document::{Action, Change, Document, GroupDocument, Kind, RoleDocument, diff};
use postern_domain::event::{Actor, Event};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::{ScopePath, Timestamp};
use postern_store::WriteTx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::discovery::source;
use crate::{Caller, Control, Error, GroupBody, RoleBody, account, asset, duties, group, policy, role, visible};

/// The most documents in one call.
const DOCUMENTS_MAX: usize = 10_000;

/// Documents to be made true.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplyInput {
    /// The documents; in which order does not matter.
    pub documents: Vec<Document>,
    /// Whether to tell only what would change.
    #[serde(default)]
    pub dry_run: bool,
}

/// What applying documents changed, or would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Applied {
    /// One for each document, in their order.
    pub changes: Vec<Change>,
    /// Whether it was done.
    pub applied: bool,
}

/// Why a document cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DocumentProblem {
    /// Which one of those given, from 1.
    pub document: usize,
    /// What it is about.
    pub kind: Kind,
    /// The name of the thing.
    pub name: String,
    /// `invalid`, `forbidden`, `not_found`, `conflict`.
    pub code: String,
    /// The field; none when the document as a whole is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong and what would be accepted.
    pub message: String,
}

impl std::fmt::Display for DocumentProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "document {}, {} {}: ", self.document, self.kind, self.name)?;
        if let Some(field) = &self.field {
            write!(f, "{field}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl Control {
    /// Makes true what the documents declare. Each needs its own permission in its scope. Where one
    /// cannot be applied, none is, and everything that is wrong is told.
    ///
    /// # Errors
    /// `Documents` with every problem.
    pub async fn apply(&self, caller: &Caller, input: &ApplyInput) -> Result<Applied, Error> {
        if input.documents.len() > DOCUMENTS_MAX {
            return Err(Error::invalid("documents", format!("give at most {DOCUMENTS_MAX} at once")));
        }
        let (documents, mut problems) = checked_all(&input.documents);
        let mut tx = self.store().write(self.now()).await?;
        let mut done: Vec<Option<Change>> = vec![None; documents.len()];
        let mut events = Vec::new();
        for kind in Kind::ALL {
            for (index, document) in documents.iter().enumerate().filter(|(_, document)| document.kind() == kind) {
                if problems.iter().any(|problem| problem.document == index + 1) || rests_on_failed(document, &problems)
                {
                    continue;
                }
                match apply_one(&mut tx, caller, document).await {
                    Ok((change, told)) => {
                        events.extend(told);
                        if let Some(slot) = done.get_mut(index) {
                            *slot = Some(change);
                        }
                    }
                    Err(error) => problems.push(problem(index, document, error)?),
                }
            }
        }
        if !problems.is_empty() {
            problems.sort_by_key(|problem| problem.document);
            drop(tx);
            if !input.dry_run && problems.iter().any(|problem| problem.code == "forbidden") {
                self.note_forbidden(caller, "apply").await?;
            }
            return Err(Error::Documents(problems));
        }
        let changes: Vec<_> = done.into_iter().flatten().collect();
        let applied = !input.dry_run;
        if applied && !events.is_empty() {
            self.commit(tx, &events).await?;
        }
        Ok(Applied { changes, applied })
    }
}

/// The documents as they are compared, and everything that can be seen to be wrong without looking at
/// what is there.
fn checked_all(given: &[Document]) -> (Vec<Document>, Vec<DocumentProblem>) {
    let mut documents = Vec::with_capacity(given.len());
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    for (index, document) in given.iter().enumerate() {
        let told = |field: Option<String>, message: String| DocumentProblem {
            document: index + 1,
            kind: document.kind(),
            name: document.name(),
            code: "invalid".to_owned(),
            field,
            message,
        };
        if !seen.insert((document.kind(), document.scope().map(ScopePath::tenant), document.name())) {
            problems.push(told(None, "is declared twice".to_owned()));
        }
        match document.clone().checked() {
            Ok(checked) => documents.push(checked),
            Err(faults) => {
                problems.extend(faults.into_iter().map(|fault| told(Some(fault.field), fault.message)));
                documents.push(document.clone());
            }
        }
    }
    (documents, problems)
}

/// Whether the asset that an account is on has a problem itself; one is told, not both.
fn rests_on_failed(document: &Document, problems: &[DocumentProblem]) -> bool {
    let Document::Account(account) = document else { return false };
    problems.iter().any(|problem| problem.kind == Kind::Asset && problem.name == account.account.asset.as_str())
}

async fn apply_one(tx: &mut WriteTx, caller: &Caller, document: &Document) -> Result<(Change, Vec<Event>), Error> {
    match document {
        Document::Asset(declared) => asset::apply(tx, caller, &permit(caller, Permission::AssetWrite)?, declared).await,
        Document::Account(declared) => {
            account::apply(tx, caller, &permit(caller, Permission::AssetWrite)?, declared).await
        }
        Document::Group(declared) => group_apply(tx, caller, &permit(caller, Permission::GroupWrite)?, declared).await,
        Document::Role(declared) => role_apply(tx, caller, &permit(caller, Permission::RoleWrite)?, declared).await,
        Document::DiscoverySource(declared) => {
            source::apply(tx, caller, &permit(caller, Permission::AssetWrite)?, declared).await
        }
        Document::SeparationOfDuties(declared) => {
            duties::apply(tx, caller, &permit(caller, Permission::PolicyWrite)?, declared).await
        }
        Document::Policy(declared) => {
            policy::apply(tx, caller, &permit(caller, Permission::PolicyWrite)?, declared).await
        }
    }
}

async fn group_apply(
    tx: &mut WriteTx,
    caller: &Caller,
    permit: &Permit<Manage>,
    declared: &GroupDocument,
) -> Result<(Change, Vec<Event>), Error> {
    let before = group::find(tx, caller, permit, &declared.name, Some(&declared.scope)).await?;
    let change = changed(&Document::Group(declared.clone()), before.as_ref().map(Document::from));
    if change.action == Action::Unchanged {
        return Ok((change, Vec::new()));
    }
    visible::within(permit, &declared.scope)?;
    let mut events = visible::ensure_scope(tx, caller, &declared.scope).await?;
    let body = GroupBody {
        scope: Some(declared.scope.clone()),
        description: Some(declared.description.clone()),
        members: declared.members.clone(),
        roles: declared.roles.clone(),
    };
    let (_, event) = group::put(tx, caller, permit, &declared.name, body).await?;
    events.extend(event);
    Ok((change, events))
}

async fn role_apply(
    tx: &mut WriteTx,
    caller: &Caller,
    permit: &Permit<Manage>,
    declared: &RoleDocument,
) -> Result<(Change, Vec<Event>), Error> {
    let before = tx.roles_custom().await?.into_iter().find(|role| role.name == declared.name);
    let change = changed(&Document::Role(declared.clone()), before.as_ref().map(Document::from));
    if change.action == Action::Unchanged {
        return Ok((change, Vec::new()));
    }
    let body = RoleBody { permissions: declared.permissions.clone() };
    let (_, event) = role::put(tx, caller, permit, &declared.name, body).await?;
    Ok((change, event.into_iter().collect()))
}

fn permit(caller: &Caller, permission: Permission) -> Result<Permit<Manage>, Error> {
    caller.permit(permission).ok_or_else(|| {
        Error::Forbidden(format!("this needs the permission {}; ask an administrator", permission.as_str()))
    })
}

/// A problem of one document; failures of Postern's own are passed on.
fn problem(index: usize, document: &Document, error: Error) -> Result<DocumentProblem, Error> {
    let whole = error.to_string();
    let (code, field, message) = match error {
        Error::Invalid { field, message } => ("invalid", Some(field), message),
        Error::Forbidden(message) => ("forbidden", None, message),
        Error::NotFound { .. } => ("not_found", None, whole),
        Error::Conflict(message) => ("conflict", None, message),
        other => return Err(other),
    };
    Ok(DocumentProblem {
        document: index + 1,
        kind: document.kind(),
        name: document.name(),
        code: code.to_owned(),
        field,
        message,
    })
}

/// The document with everything spelt in the one way that can be compared, when all is well with it.
pub(crate) fn checked(document: Document) -> Result<Document, Error> {
    document.checked().map_err(|faults| match faults.into_iter().next() {
        Some(fault) => Error::Invalid { field: fault.field, message: fault.message },
        None => Error::invalid("document", "is not acceptable"),
    })
}

/// What making `document` true changes.
pub(crate) fn changed(document: &Document, before: Option<Document>) -> Change {
    let before: Vec<_> = before.into_iter().collect();
    diff(std::slice::from_ref(document), &before).pop().unwrap_or_else(|| Change {
        kind: document.kind(),
        name: document.name(),
        action: Action::Unchanged,
        fields: Vec::new(),
    })
}

/// The event that tells of a change, with what changed.
pub(crate) fn event_of(now: Timestamp, actor: Actor, noun: &str, change: &Change, scope: &ScopePath) -> Event {
    let verb = match change.action {
        Action::Create => "create",
        Action::Propose => "propose",
        Action::Update | Action::Unchanged => "update",
    };
    Event::done(now, actor, &format!("{noun}.{verb}"), change.name.as_str(), scope.clone())
        .with("changes", serde_json::to_value(&change.fields).unwrap_or_default())
}

#[cfg(test)]
mod tests;
