//! One brokered use of an account.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{GrantId, PolicyId, SessionId};
use crate::name::{AccountRef, UserName};
use crate::person;
use crate::scope::ScopePath;
use crate::time::Timestamp;

mod capabilities;
mod machine;

pub use capabilities::{CapabilityRefused, authorize};
pub use machine::{Effect, Input, Limits, Live, Machine, State};

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The client went away or the last channel closed.
    ClientClosed,
    /// The target closed the connection.
    TargetClosed,
    /// The target could not be reached, proved or signed in to.
    TargetFailed,
    /// The grant's window or the policy's maximum duration was over.
    Expired,
    /// The grant was revoked.
    Revoked,
    /// Nothing was typed for as long as the policy allows.
    Idle,
    /// Somebody terminated it.
    Killed,
    /// Policy no longer allows it.
    PolicyChanged,
    /// The user was disabled.
    UserDisabled,
    /// Nobody watched it who had to.
    Unwatched,
    /// The recorder failed; without a recorder there is no session.
    RecorderFailed,
    /// Postern was stopped.
    Shutdown,
    /// Postern died while it was live; found at the next start.
    Unknown,
}

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// Decided and written down; the target is being dialled.
    Opening,
    /// Live.
    Live,
    /// Over.
    Ended,
}

/// What is known of a session's recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecordingSummary {
    /// Bytes on disk.
    pub bytes: u64,
    /// The digest that was written to the ledger, hex; none while it is live.
    pub digest: Option<String>,
    /// When it was taken away because its time was over; the digest stays, here and in the ledger.
    #[serde(default)]
    pub pruned_at: Option<Timestamp>,
}

/// One brokered use of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// Identifier.
    pub id: SessionId,
    /// Who.
    pub user: UserName,
    /// Their everyday user, where this is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<UserName>,
    /// On what.
    pub account: AccountRef,
    /// The scope, which is the asset's.
    pub scope: ScopePath,
    /// By which protocol: `ssh`.
    pub protocol: String,
    /// From which address.
    pub source: String,
    /// Under which policy.
    pub policy: PolicyId,
    /// Under which grant; none where the policy gives standing access.
    pub grant: Option<GrantId>,
    /// Where it stands.
    pub state: SessionState,
    /// When it was decided.
    pub started_at: Timestamp,
    /// When it must end at the latest.
    pub ends_by: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why it ended.
    pub end_reason: Option<EndReason>,
    /// Its recording.
    pub recording: Option<RecordingSummary>,
}

impl Session {
    /// When its recording was taken away, if it was.
    #[must_use]
    pub fn pruned_at(&self) -> Option<Timestamp> {
        self.recording.as_ref()?.pruned_at
    }
}

impl Session {
    /// The person whose session it is.
    #[must_use]
    pub fn person(&self) -> &UserName {
        person::of(&self.user, self.identity.as_ref())
    }
}
