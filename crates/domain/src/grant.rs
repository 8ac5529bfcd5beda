//! Grants: time-boxed rights that end by themselves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{GrantId, PolicyId, RequestId};
use crate::name::{AccountRef, UserName};
use crate::policy::Obligations;
use crate::scope::ScopePath;
use crate::time::Timestamp;

/// Where a grant stands at a given time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantState {
    /// Its window has not begun.
    Scheduled,
    /// Can be used now.
    Active,
    /// Its window is over.
    Expired,
    /// Somebody ended it early.
    Revoked,
}

/// The time-boxed right that results from a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Grant {
    /// Identifier.
    pub id: GrantId,
    /// The request it came from.
    pub request: RequestId,
    /// Whose right it is.
    pub user: UserName,
    /// To what.
    pub account: AccountRef,
    /// The scope, which is the asset's.
    pub scope: ScopePath,
    /// The policy that it was granted under.
    pub policy: PolicyId,
    /// What its sessions are bound to, as the policy said when it was granted.
    pub obligations: Obligations,
    /// When the window begins.
    pub starts_at: Timestamp,
    /// When the window ends.
    pub ends_at: Timestamp,
    /// When it was last made longer, if it was; the longest session counts anew from there.
    #[serde(default)]
    pub extended_at: Option<Timestamp>,
    /// When it was ended early, if it was.
    pub revoked_at: Option<Timestamp>,
    /// Why it was ended early.
    pub revoked_reason: Option<String>,
    /// Whether a session has been opened by it; a vendor's grant is good for one.
    #[serde(default)]
    pub used: bool,
    /// Where it stands, as of the answer that carries it.
    pub state: GrantState,
}

impl Grant {
    /// Where the grant stands at `now`.
    #[must_use]
    pub fn state_at(&self, now: Timestamp) -> GrantState {
        if self.revoked_at.is_some() {
            GrantState::Revoked
        } else if now < self.starts_at {
            GrantState::Scheduled
        } else if now < self.ends_at {
            GrantState::Active
        } else {
            GrantState::Expired
        }
    }
}
