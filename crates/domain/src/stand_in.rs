//! Who answers requests in the place of somebody who is away.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::StandInId;
use crate::name::UserName;
use crate::time::Timestamp;

/// For a window, one person may answer the requests that another may answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StandIn {
    /// Identifier.
    pub id: StandInId,
    /// Who is away.
    pub user: UserName,
    /// Who answers in their place.
    pub stand_in: UserName,
    /// When it begins.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// Why, for others to read; may be empty.
    pub reason: String,
    /// When it was ended early, if it was.
    pub ended_at: Option<Timestamp>,
    /// When it was named.
    pub created_at: Timestamp,
}

impl StandIn {
    /// Whether it holds at `now`.
    #[must_use]
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && self.starts_at <= now && now < self.ends_at
    }
}
