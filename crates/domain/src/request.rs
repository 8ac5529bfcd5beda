//! Requests and the approvals that answer them.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{GrantId, PolicyId, RequestId};
use crate::name::{AccountRef, GroupName, UserName};
use crate::scope::ScopePath;
use crate::time::Timestamp;

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    /// Awaits approvals.
    Pending,
    /// Became a grant.
    Granted,
    /// Somebody said no.
    Denied,
    /// Nobody answered in time.
    Expired,
    /// The requester took it back.
    Withdrawn,
}

/// Who must say yes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRule {
    /// How many different people; at least 1.
    #[schemars(range(min = 1, max = 10))]
    pub count: u8,
    /// The groups they must come from; empty means anybody who holds `request:approve` in the scope.
    #[serde(default)]
    pub groups: Vec<GroupName>,
}

impl ApprovalRule {
    /// Whether enough different people, none of them the `requester`, have said yes.
    #[must_use]
    pub fn is_met(&self, requester: &UserName, answers: &[Approval]) -> bool {
        let agreed: BTreeSet<_> = answers
            .iter()
            .filter(|answer| answer.approved && answer.user != *requester)
            .map(|answer| &answer.user)
            .collect();
        agreed.len() >= usize::from(self.count.max(1))
    }
}

/// One answer to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Approval {
    /// Who answered.
    pub user: UserName,
    /// Yes or no.
    pub approved: bool,
    /// Why; always given with a no.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// Something that somebody said about a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequestComment {
    /// Who.
    pub user: UserName,
    /// What.
    pub text: String,
    /// When.
    pub at: Timestamp,
}

/// A wish to use an account for a task and a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Request {
    /// Identifier.
    pub id: RequestId,
    /// Who asks.
    pub user: UserName,
    /// For what.
    pub account: AccountRef,
    /// The scope, which is the asset's.
    pub scope: ScopePath,
    /// How long, in seconds, from the moment it is granted or begins.
    pub duration_seconds: u64,
    /// When the window begins at the earliest; none means when it is granted.
    pub starts_at: Option<Timestamp>,
    /// Why.
    pub reason: String,
    /// The ticket it belongs to.
    pub ticket: Option<String>,
    /// Where it stands.
    pub state: RequestState,
    /// The policy that it was made under.
    pub policy: PolicyId,
    /// Who must say yes; none when policy grants at once.
    pub approval: Option<ApprovalRule>,
    /// The answers so far.
    pub approvals: Vec<Approval>,
    /// The grant that resulted.
    pub grant: Option<GrantId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it lapses unanswered.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(user: &str, approved: bool) -> Approval {
        Approval { user: user.parse().unwrap(), approved, reason: None, at: Timestamp::from_millis(0) }
    }

    #[test]
    fn different_people_count_and_the_requester_does_not() {
        let (ben, two) = ("ben".parse().unwrap(), ApprovalRule { count: 2, groups: vec![] });
        assert!(!two.is_met(&ben, &[answer("ada", true), answer("ada", true)]));
        assert!(!two.is_met(&ben, &[answer("ada", true), answer("ben", true)]));
        assert!(!two.is_met(&ben, &[answer("ada", true), answer("cyd", false)]));
        assert!(two.is_met(&ben, &[answer("ada", true), answer("cyd", true)]));
        assert!(!ApprovalRule { count: 0, groups: vec![] }.is_met(&ben, &[]));
    }
}
