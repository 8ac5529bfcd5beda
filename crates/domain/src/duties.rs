//! Separation of duties: what nobody may hold together.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::DutiesId;
use crate::name::{DutiesName, GroupName, PolicyName, RoleName, UserName};
use crate::permission::RoleAssignment;
use crate::policy::Policy;
use crate::scope::ScopePath;
use crate::time::Timestamp;

/// How many sets a separation may have.
pub const SETS_MAX: usize = 10;

/// What nobody may hold together: whoever holds something of one set holds nothing of another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DutiesDocument {
    /// Name, unique within the tenant: 1 to 63 of a-z 0-9 . _ -
    pub name: DutiesName,
    /// The scope; it is about what is held there. `/` unless given.
    #[serde(default)]
    pub scope: ScopePath,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Two or more sets.
    pub sets: Vec<DutySet>,
}

/// One side of a separation. Somebody holds it who is in one of the groups, holds one of the roles, or is one of
/// those whom one of the policies gives something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DutySet {
    /// Groups.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<GroupName>,
    /// Policies that give something.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub policies: BTreeSet<PolicyName>,
    /// Roles of Postern itself.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub roles: BTreeSet<RoleName>,
}

/// A declared separation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SeparationOfDuties {
    /// Identifier.
    pub id: DutiesId,
    /// What it says.
    #[serde(flatten)]
    pub declared: DutiesDocument,
    /// A change that keeps less apart and waits until somebody else makes it too.
    pub waiting: Option<WaitingDuties>,
    /// When it was declared.
    pub created_at: Timestamp,
}

/// A change of a separation that waits until somebody else makes it too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaitingDuties {
    /// What it is to say; none where it is to be taken away.
    pub declared: Option<DutiesDocument>,
    /// Who wants it.
    pub author: UserName,
    /// When they said so; it no longer counts after seven days.
    pub at: Timestamp,
}

/// What somebody holds, where a separation looks.
#[derive(Clone, Debug, Default)]
pub struct Held<'a> {
    /// Their groups that count in its scope.
    pub groups: Vec<&'a GroupName>,
    /// The roles they hold.
    pub roles: Vec<&'a RoleAssignment>,
    /// The policies that give them something.
    pub policies: Vec<&'a Policy>,
}

/// Somebody who holds what a separation keeps apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct DutiesViolation {
    /// Who.
    pub user: UserName,
    /// What they hold of one set: `group leads`.
    pub one: String,
    /// What they hold of another.
    pub other: String,
}

impl DutySet {
    /// What of it somebody holds, in words; none when they hold nothing of it.
    #[must_use]
    pub fn held(&self, held: &Held<'_>, scope: &ScopePath) -> Option<String> {
        let group =
            held.groups.iter().find(|group| self.groups.contains(**group)).map(|group| format!("group {group}"));
        let role = || {
            let of = |role: &&&RoleAssignment| self.roles.contains(&role.role) && role.scope.meet(scope).is_some();
            held.roles.iter().find(of).map(|role| format!("role {} in {}", role.role, role.scope))
        };
        let policy = || {
            let of = |policy: &&&Policy| {
                policy.allows() && self.policies.contains(&policy.name) && policy.scope.meet(scope).is_some()
            };
            held.policies.iter().find(of).map(|policy| format!("policy {}", policy.name))
        };
        group.or_else(role).or_else(policy)
    }

    fn contains(&self, other: &Self) -> bool {
        self.groups.is_superset(&other.groups)
            && self.policies.is_superset(&other.policies)
            && self.roles.is_superset(&other.roles)
    }

    fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.policies.is_empty() && self.roles.is_empty()
    }
}

impl DutiesDocument {
    /// What `user` holds of two sets that are kept apart; none when they do not.
    #[must_use]
    pub fn violation(&self, user: &UserName, held: &Held<'_>) -> Option<DutiesViolation> {
        let mut holds = self.sets.iter().filter_map(|set| set.held(held, &self.scope));
        let (one, other) = holds.next().zip(holds.next())?;
        Some(DutiesViolation { user: user.clone(), one, other })
    }

    /// Whether a policy is among what is kept apart, by its name or by the groups that it is about.
    #[must_use]
    pub fn touches(&self, policy: &Policy) -> bool {
        policy.scope.meet(&self.scope).is_some()
            && self.sets.iter().any(|set| {
                set.policies.contains(&policy.name)
                    || policy.subjects.groups.iter().any(|group| set.groups.contains(group))
            })
    }

    /// Whether it keeps apart all that `earlier` does.
    #[must_use]
    pub fn keeps(&self, earlier: &Self) -> bool {
        let mut left: Vec<&DutySet> = self.sets.iter().collect();
        self.scope.contains(&earlier.scope)
            && earlier.sets.iter().all(|set| {
                let found = left.iter().position(|other| other.contains(set));
                found.map(|place| left.swap_remove(place)).is_some()
            })
    }

    /// What is not as it must be: the field, and what is wrong with it.
    #[must_use]
    pub fn faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        if !(2..=SETS_MAX).contains(&self.sets.len()) {
            faults.push((
                "sets",
                format!("name 2 to {SETS_MAX} sets: whoever holds something of one holds nothing of another"),
            ));
        }
        if self.sets.iter().any(DutySet::is_empty) {
            faults.push(("sets", "each set names at least one group, policy or role".to_owned()));
        }
        faults
    }
}

#[cfg(test)]
mod tests;
