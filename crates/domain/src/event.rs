//! Audit events: the body of one leaf of the ledger.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::scope::ScopePath;
use crate::time::Timestamp;

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// A person.
    User {
        /// Their name.
        name: String,
        /// The address they came from.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        source: Option<String>,
    },
    /// Somebody not known (yet): a failed sign-in.
    Unknown {
        /// The address they came from.
        source: String,
    },
    /// Postern itself: timers, start-up, clean-up.
    System,
    /// Somebody with a shell on Postern's own machine.
    Console,
}

/// How it came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Written before something outside the database is done.
    Intent,
    /// Done.
    Done,
    /// Tried and failed.
    Failed,
    /// Refused by policy or by a check.
    Refused,
    /// Begun, and nobody knows how it ended.
    Unknown,
}

/// One audit event. Its canonical JSON is what the ledger hashes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What, as `noun.verb`: `session.open`, `request.approve`.
    pub action: String,
    /// On what: the id or name of the thing, `root@web-1`, `req_...`.
    pub target: String,
    /// Where it belongs.
    pub scope: ScopePath,
    /// How it came out.
    pub outcome: Outcome,
    /// More, by name; never a secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, serde_json::Value>,
}

impl Event {
    /// An event that says `action` on `target` was done.
    #[must_use]
    pub fn done(at: Timestamp, actor: Actor, action: &str, target: impl Into<String>, scope: ScopePath) -> Self {
        Self {
            at,
            actor,
            action: action.to_owned(),
            target: target.into(),
            scope,
            outcome: Outcome::Done,
            details: BTreeMap::new(),
        }
    }

    /// The same with another outcome.
    #[must_use]
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// The same with one more detail.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// The bytes that the ledger hashes: compact JSON with the fields in the order of declaration
    /// and details sorted by name.
    ///
    /// # Errors
    /// When a detail cannot be written as JSON; nothing is hashed then.
    pub fn canonical(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }
}
