//! What applying documents would change.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Document, Kind};

/// Fields that stay as they are where a document does not give them.
const LEFT_ALONE: [&str; 6] = ["column_tags", "dependents", "host_keys", "members", "roles", "rotation"];

/// What applying one document does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The thing does not exist yet.
    Create,
    /// The thing exists and differs.
    Update,
    /// The thing is already as declared.
    Unchanged,
    /// Waits for the yes of somebody else.
    Propose,
}

/// One field that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldChange {
    /// The field: `obligations.max_duration`.
    pub field: String,
    /// What it is; none where it is not set.
    pub old: Option<Value>,
    /// What it becomes; none where it is not set any more.
    pub new: Option<Value>,
}

/// What applying one document changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// What the document is about.
    pub kind: Kind,
    /// The name of the thing.
    pub name: String,
    /// What is done.
    pub action: Action,
    /// What changes; empty when nothing does.
    pub fields: Vec<FieldChange>,
}

/// Compares what is `desired` with what is `current`, one change for each desired document and in
/// their order. Things that no document declares are left alone.
#[must_use]
pub fn diff(desired: &[Document], current: &[Document]) -> Vec<Change> {
    let current: BTreeMap<_, _> = current.iter().map(|document| (document.key(), document)).collect();
    desired
        .iter()
        .map(|document| {
            let before = current.get(&document.key());
            let fields = compare(before.copied(), document);
            let action = match (before, fields.is_empty()) {
                (None, _) => Action::Create,
                (Some(_), true) => Action::Unchanged,
                (Some(_), false) => Action::Update,
            };
            Change { kind: document.kind(), name: document.name(), action, fields }
        })
        .collect()
}

fn compare(before: Option<&Document>, after: &Document) -> Vec<FieldChange> {
    let (mut old, new) = (before.map(leaves).unwrap_or_default(), leaves(after));
    let given: BTreeSet<_> = new.keys().map(|field| top(field)).collect();
    old.retain(|field, _| given.contains(top(field)) || !LEFT_ALONE.contains(&top(field)));
    let fields: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let set =
        |leaves: &BTreeMap<String, Value>, field: &str| leaves.get(field).filter(|value| !value.is_null()).cloned();
    fields
        .into_iter()
        .map(|field| FieldChange { field: field.clone(), old: set(&old, field), new: set(&new, field) })
        .filter(|change| change.old != change.new)
        .collect()
}

/// The field of the document that a value lies in.
fn top(path: &str) -> &str {
    path.split('.').next().unwrap_or(path)
}

/// The values of a document by their path; lists count as one value, and what is empty as not set.
fn leaves(document: &Document) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    if let Ok(Value::Object(fields)) = serde_json::to_value(document) {
        for (name, value) in fields {
            if name != "kind" {
                collect(name, value, &mut found);
            }
        }
    }
    found
}

fn collect(path: String, value: Value, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) => {
            if fields.is_empty() && LEFT_ALONE.contains(&path.as_str()) {
                found.insert(path.clone(), Value::Null);
            }
            for (name, value) in fields {
                collect(format!("{path}.{name}"), value, found);
            }
        }
        Value::Null => {}
        Value::Array(list) if list.is_empty() && !LEFT_ALONE.contains(&path.as_str()) => {}
        value => {
            found.insert(path, value);
        }
    }
}
