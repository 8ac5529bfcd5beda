//! Rotation: a new secret in place of an old one, without ever losing either.
//!
//! `machine` is the decision, `ways` says by whom a secret can be changed and repaired, `setting` how it
//! is looked after, `schedule` what is due and how it is spread out, `dependent` what else must be told.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{RotationId, RotationRunId};
use crate::name::{AccountRef, UserName};
use crate::scope::ScopePath;
use crate::time::Timestamp;

pub mod dependent;
pub mod machine;
pub mod schedule;
pub mod setting;
pub mod ways;

pub use dependent::{Dependent, DependentState, DependentStatus, Put};
pub use machine::{By, Change, Effect, Input, Login, Machine, Which};
pub use setting::RotationSetting;
pub use ways::{NoWay, Ways};

/// Where a rotation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RotationState {
    /// Due; nothing was made yet.
    Planned,
    /// The new secret lies in the vault; the target has not been touched.
    CandidateSealed,
    /// The target is being told.
    Applying,
    /// The target said that it took the new secret.
    Applied,
    /// Nobody knows which secret the target holds: both are tried.
    Probe,
    /// Neither secret opens the account: another account sets the new one.
    Reconcile,
    /// The new secret opened the account.
    Verified,
    /// The new secret is the account's.
    Current,
    /// No secret in the vault opens the account, and nothing can repair that but a person.
    Broken,
    /// The target would not take the new secret; the old one still opens the account.
    Refused,
    /// Stopped before the target was touched.
    Cancelled,
    /// A person stored a secret by hand instead.
    Superseded,
}

impl RotationState {
    /// Whether the account's secret was, is or may be other than before the rotation.
    #[must_use]
    pub const fn touched(self) -> bool {
        !matches!(self, Self::Planned | Self::CandidateSealed | Self::Cancelled)
    }

    /// Whether the new secret has not become the account's and never will by itself.
    #[must_use]
    pub const fn failed(self) -> bool {
        matches!(self, Self::Broken | Self::Refused)
    }
}

/// Why a rotation was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RotationTrigger {
    /// Its time had come.
    Schedule,
    /// A session used the account.
    Use,
    /// Its secret was checked out and is back.
    Checkin,
    /// Somebody asked for it.
    Demand,
}

/// One rotation of one account's secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rotation {
    /// Identifier.
    pub id: RotationId,
    /// The account.
    pub account: AccountRef,
    /// The scope, which is its asset's.
    pub scope: ScopePath,
    /// Why it was begun.
    pub trigger: RotationTrigger,
    /// The run that it belongs to; none when it was planned by itself.
    pub run: Option<RotationRunId>,
    /// Where it stands.
    pub state: RotationState,
    /// The version of the new secret, once there is one.
    pub version: Option<u32>,
    /// How often the target was told.
    pub attempts: u32,
    /// What went wrong last, or what it waits for.
    pub note: Option<String>,
    /// When something is done next; none when it is over or waits for a person.
    pub next_at: Option<Timestamp>,
    /// When it was planned.
    pub created_at: Timestamp,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RotationRunState {
    /// Going on.
    Running,
    /// Stopped by somebody, or by itself after too many failures.
    Stopped,
    /// Through.
    Done,
}

/// Rotations that somebody asked for at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RotationRun {
    /// Identifier.
    pub id: RotationRunId,
    /// The account, when it was one.
    pub account: Option<AccountRef>,
    /// The labels of the assets, when it was many.
    pub labels: BTreeMap<String, String>,
    /// Who asked for it.
    pub requested_by: UserName,
    /// Why.
    pub reason: String,
    /// Where it stands.
    pub state: RotationRunState,
    /// How many go on at once, at most.
    pub concurrency: u32,
    /// After how many failures it stops itself.
    pub failures_max: u32,
    /// Rotations by where they stand.
    pub tally: BTreeMap<RotationState, u32>,
    /// Why it was stopped.
    pub stopped_reason: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
}

impl RotationRun {
    /// How many rotations it consists of.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.tally.values().sum()
    }

    /// How many of them are over, or wait for a person.
    #[must_use]
    pub fn over(&self) -> u32 {
        let open = [
            RotationState::Planned,
            RotationState::CandidateSealed,
            RotationState::Applying,
            RotationState::Applied,
            RotationState::Probe,
            RotationState::Reconcile,
            RotationState::Verified,
        ];
        self.tally.iter().filter(|(state, _)| !open.contains(state)).map(|(_, count)| count).sum()
    }

    /// How many failed.
    #[must_use]
    pub fn failed(&self) -> u32 {
        self.tally.iter().filter(|(state, _)| state.failed()).map(|(_, count)| count).sum()
    }
}

/// What a run would do, account by account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedRotation {
    /// The account.
    pub account: AccountRef,
    /// When it would begin.
    pub at: Timestamp,
    /// By whom the secret would be changed.
    pub by: Option<By>,
    /// Why it would be left out, if it would be.
    pub left_out: Option<String>,
}

/// Where one version of an account's secret stands. Versions are never removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VersionState {
    /// To become the account's; the target may hold it already.
    Candidate,
    /// The account's.
    Current,
    /// Was the account's; another version has been verified since.
    Previous,
    /// Never was the account's: the target would not take it.
    Rejected,
}

/// What a look at a vaulted secret found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HeartbeatResult {
    /// It opens the account.
    Accepted,
    /// The target refuses it: it was changed by somebody else.
    Rejected,
    /// The target could not be asked.
    Unclear,
}

/// The last look at whether a vaulted secret still opens its account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Heartbeat {
    /// What it found.
    pub result: HeartbeatResult,
    /// What went wrong, if something did.
    pub detail: Option<String>,
    /// When it was.
    pub checked_at: Timestamp,
}

/// How an account's secret is looked after, and how it fares.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AccountRotation {
    /// What was set for the account itself.
    pub setting: RotationSetting,
    /// What uses its secret and is told of a new one.
    pub dependents: Vec<Dependent>,
    /// How those fare.
    pub pushed: Vec<DependentStatus>,
    /// When the present secret became the account's.
    pub rotated_at: Option<Timestamp>,
    /// The version of the present secret.
    pub version: Option<u32>,
    /// Where the rotation that is under way stands, if one is.
    pub state: Option<RotationState>,
    /// The last look at whether the secret still opens the account.
    pub heartbeat: Option<Heartbeat>,
}
