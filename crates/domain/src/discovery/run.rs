//! Runs of discovery, and the inventory that they leave.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Observation;
use crate::id::DiscoveryId;
use crate::name::{AssetName, SourceName, UserName};
use crate::scope::ScopePath;
use crate::time::Timestamp;

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Something is still waiting.
    Running,
    /// Everything was looked at, or could not be.
    Done,
    /// Somebody ended it.
    Cancelled,
}

/// A discovery of several assets, or of the hosts of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiscoveryRun {
    /// Identifier.
    pub id: DiscoveryId,
    /// Where it looks.
    pub scope: ScopePath,
    /// Who asked for it; `schedule` where nobody did.
    pub requested_by: String,
    /// The source whose hosts are looked for; assets are looked at where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceName>,
    /// How it stands.
    pub state: RunState,
    /// How many assets it is to look at; of a source, how many ports of hosts.
    pub targets: u32,
    /// How many it has done with.
    pub looked_at: u32,
    /// Of these, how many could not be looked at.
    pub failed: u32,
    /// How many accounts were found.
    pub accounts: u32,
    /// How many hosts were found.
    #[serde(default)]
    pub hosts: u32,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// When it is expected to end, from how it went until now.
    pub expected_at: Option<Timestamp>,
}

impl DiscoveryRun {
    /// The same with an estimate: what is left takes as long, for each asset, as what is done.
    #[must_use]
    pub fn estimated(mut self, now: Timestamp) -> Self {
        if self.state == RunState::Running && self.looked_at > 0 {
            let each = now.since(self.created_at) / self.looked_at;
            let left = self.targets.saturating_sub(self.looked_at);
            self.expected_at = Some(now.after(each.saturating_mul(left).min(Duration::from_secs(365 * 86_400))));
        }
        self
    }
}

/// How one asset of a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TargetState {
    /// It was not looked at yet.
    Waiting,
    /// It was looked at.
    Done,
    /// It could not be.
    Failed,
    /// The run was ended before.
    Cancelled,
}

/// One asset of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiscoveryTarget {
    /// The asset.
    pub asset: AssetName,
    /// How it stands.
    pub state: TargetState,
    /// How many accounts were found.
    pub accounts: Option<u32>,
    /// What could not be looked at, and why.
    pub gaps: Vec<String>,
    /// Why it could not be looked at at all.
    pub failure: Option<String>,
    /// How long it took.
    pub millis: Option<u32>,
}

/// An account of the inventory: what was seen, and what Postern knows besides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Inventory {
    /// The asset that it is on.
    pub asset: AssetName,
    /// What the newest run saw.
    pub seen: Observation,
    /// Whether Postern governs it.
    pub is_managed: bool,
    /// Who answers for it.
    pub owner: Option<UserName>,
    /// When it was first seen.
    pub first_seen_at: Timestamp,
    /// When it was last seen.
    pub seen_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_estimated_from_what_is_done() {
        let begun = Timestamp::from_millis(1_000_000);
        let run = DiscoveryRun {
            id: DiscoveryId::generate(begun, [0; 4]),
            scope: ScopePath::root(),
            requested_by: "ann".to_owned(),
            source: None,
            state: RunState::Running,
            targets: 10,
            looked_at: 4,
            failed: 0,
            accounts: 0,
            hosts: 0,
            created_at: begun,
            ended_at: None,
            expected_at: None,
        };
        let now = begun.after(Duration::from_secs(8));
        assert_eq!(run.clone().estimated(now).expected_at, Some(now.after(Duration::from_secs(12))));
        assert_eq!(DiscoveryRun { looked_at: 0, ..run }.estimated(now).expected_at, None);
    }
}
