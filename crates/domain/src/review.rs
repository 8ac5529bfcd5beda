//! Access reviews: campaigns in which people say, right by right, who keeps what access.
//!
//! What is reviewed is decided when a review starts and does not change while it is answered. Nobody answers
//! for a right of their own, and what is taken away never lets anybody do more.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::finding::Severity;
use crate::id::{GrantId, ReviewId};
use crate::name::{AccountRef, GroupName, PolicyName, UserName};
use crate::permission::RoleAssignment;
use crate::policy::{Access, Subjects};
use crate::scope::ScopePath;
use crate::time::Timestamp;
use crate::user::{User, UserState};

mod narrow;
mod recommend;
mod select;
mod stamp;

pub use narrow::{Ground, reduced, reduced_name, without};
pub use recommend::{LOOKED_BACK, Recommendation, recommend};
pub use select::{Reviewed, Use, Uses, World, rights};
pub use stamp::{Answer, Pace, paces};

/// The fewest answers from which it is judged how quickly somebody gave them.
pub const STAMPED_MIN: u64 = 10;
/// Below so many seconds per answer nobody has looked, in one who kept everything.
pub const STAMPED_SECONDS: u64 = 5;

/// By what somebody has access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RightKind {
    /// A policy names the person.
    PolicyUser,
    /// A policy names the group.
    PolicyGroup,
    /// A policy chooses people by attributes.
    PolicyAttributes,
    /// A policy names the program, or is about all of them.
    PolicyWorkload,
    /// The person has an attribute by which policies choose them.
    Attribute,
    /// The person is in a group that a policy names, or that brings a role.
    Membership,
    /// The person or the group holds a role of Postern itself.
    Role,
    /// The person holds a grant.
    Grant,
}

impl RightKind {
    /// Whether it is something that a policy gives to people, which they can have for the asking instead.
    #[must_use]
    pub const fn may_be_reduced(self) -> bool {
        matches!(self, Self::PolicyUser | Self::PolicyGroup | Self::PolicyAttributes)
    }
}

/// One right, told from the others of a review by all of its fields.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Right {
    /// By what there is access.
    pub kind: RightKind,
    /// Whose right it is; none where it is a group's.
    pub user: Option<UserName>,
    /// The group that holds it, or that gives it to the person.
    pub group: Option<GroupName>,
    /// The policy that gives it.
    pub policy: Option<PolicyName>,
    /// The role.
    pub role: Option<RoleAssignment>,
    /// The grant.
    pub grant: Option<GrantId>,
    /// The attributes that a policy chooses by, or the one that the person has.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    /// Where the policy, the group, the grant or the person lies, or where the role holds.
    pub scope: ScopePath,
}

impl Right {
    /// Who holds it, for people to read.
    #[must_use]
    pub fn holder(&self) -> String {
        match (&self.user, &self.group, self.kind) {
            (Some(user), ..) => user.to_string(),
            (None, Some(group), _) => format!("group {group}"),
            (None, None, RightKind::PolicyAttributes) => format!("people with {}", self.attributes_words()),
            (None, None, RightKind::PolicyWorkload) => "all workloads".to_owned(),
            (None, None, _) => String::new(),
        }
    }

    /// `department=payments, site=berlin`.
    #[must_use]
    pub fn attributes_words(&self) -> String {
        let words = self.attributes.iter().map(|(name, value)| format!("{name}={value}"));
        words.collect::<Vec<_>>().join(", ")
    }

    /// Whether it is held by whoever has some attributes, and `user` has them.
    #[must_use]
    pub fn chooses(&self, user: &User) -> bool {
        self.kind == RightKind::PolicyAttributes
            && Subjects { attributes: self.attributes.clone(), ..Subjects::default() }.include(user)
    }

    /// What it is, for people to read.
    #[must_use]
    pub fn words(&self) -> String {
        let or_nothing = |name: Option<String>| name.unwrap_or_default();
        match self.kind {
            RightKind::Attribute => format!("attribute {}", self.attributes_words()),
            RightKind::PolicyUser
            | RightKind::PolicyGroup
            | RightKind::PolicyAttributes
            | RightKind::PolicyWorkload => {
                format!("policy {}", or_nothing(self.policy.as_ref().map(ToString::to_string)))
            }
            RightKind::Membership => format!("group {}", or_nothing(self.group.as_ref().map(ToString::to_string))),
            RightKind::Role => {
                let role = self.role.as_ref().map(|held| format!("{} in {}", held.role, held.scope));
                format!("role {}", or_nothing(role))
            }
            RightKind::Grant => format!("grant {}", or_nothing(self.grant.as_ref().map(ToString::to_string))),
        }
    }
}

/// What is known about a right when the review starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RightFacts {
    /// Whether it holds at any time, or for the asking; none where it is no right to an account.
    pub access: Option<Access>,
    /// When it was last used: a session or a check-out; for a role, when the person was last here.
    pub last_used_at: Option<Timestamp>,
    /// How often it was used in the last 90 days.
    pub uses: u64,
    /// When the person came, or the grant was given.
    pub since: Option<Timestamp>,
    /// Whether the person may act at all.
    pub disabled: bool,
    /// How many accounts it reaches, of those that are reviewed.
    pub accounts: u64,
    /// Some of them by name.
    pub examples: Vec<AccountRef>,
    /// Policies that the membership gives.
    pub policies: Vec<PolicyName>,
    /// Roles that the membership gives.
    pub roles: Vec<RoleAssignment>,
    /// Findings that are open on these accounts.
    pub findings: u64,
    /// The worst of them.
    pub worst: Option<Severity>,
    /// How many people share a group with the person; of a group's right, how many are in the group.
    pub peers: u64,
    /// How many of these have the same right; of a group's right, how many have used it in the last 90 days.
    pub peers_with: u64,
    /// Until when a grant holds.
    pub ends_at: Option<Timestamp>,
}

/// What is advised, or decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It stays.
    Keep,
    /// It is there for the asking only, no longer at any time.
    Reduce,
    /// It is taken away.
    Revoke,
}

/// What becomes of rights that nobody has answered for when a review is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unanswered {
    /// They are taken away.
    #[default]
    Revoke,
    /// They stay, and the review says that nobody answered.
    Keep,
}

/// Who is asked. Nobody is asked about a right of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Reviewers {
    /// People, about every right.
    pub users: BTreeSet<UserName>,
    /// Members of groups, about every right.
    pub groups: BTreeSet<GroupName>,
    /// Whoever answers for an account, about the rights that reach it.
    pub owners: bool,
}

/// What is reviewed, by whom, and how often. Everything that is given narrows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReviewPlan {
    /// Rights to accounts on assets that have all of these labels.
    pub labels: BTreeMap<String, String>,
    /// Rights that these policies give.
    pub policies: BTreeSet<PolicyName>,
    /// Rights that these groups hold or give.
    pub groups: BTreeSet<GroupName>,
    /// Rights of these kinds.
    pub kinds: BTreeSet<RightKind>,
    /// Who is asked.
    pub reviewers: Reviewers,
    /// For how long it can be answered, in seconds.
    pub seconds: u64,
    /// After how many days it starts again; once where it is left out.
    pub every_days: Option<u32>,
    /// What becomes of what nobody has answered for.
    pub unanswered: Unanswered,
}

/// Whether a review can be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReviewState {
    /// It can be answered.
    Open,
    /// It is over.
    Closed,
}

/// How far a review has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReviewCounts {
    /// Rights that are reviewed.
    pub items: u64,
    /// Those that nobody has answered for.
    pub waiting: u64,
    /// Those that stay.
    pub kept: u64,
    /// Those that are there for the asking only.
    pub reduced: u64,
    /// Those that are taken away.
    pub revoked: u64,
    /// Those that were to be taken away or reduced, and could not be.
    pub failed: u64,
    /// Those that were decided because nobody had answered in time.
    pub unanswered: u64,
}

/// An access review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Review {
    /// Identifier.
    pub id: ReviewId,
    /// What it is called.
    pub name: String,
    /// What lies here and below is reviewed.
    pub scope: ScopePath,
    /// What is reviewed, and by whom.
    pub plan: ReviewPlan,
    /// Whether it can be answered.
    pub state: ReviewState,
    /// Who started it.
    pub author: UserName,
    /// When it started.
    pub started_at: Timestamp,
    /// Until when it can be answered.
    pub due_at: Timestamp,
    /// When it was over.
    pub closed_at: Option<Timestamp>,
    /// When it starts again.
    pub next_at: Option<Timestamp>,
    /// How far it has come.
    pub counts: ReviewCounts,
    /// How everybody who has answered went about it.
    pub paces: Vec<Pace>,
}

/// Whether what was decided has been done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ItemEffect {
    /// It has.
    Done,
    /// It could not be; the detail says why.
    Failed,
}

/// One right in a review, and what was decided on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReviewItem {
    /// Its number in the review, from 1.
    pub number: u32,
    /// The right.
    #[serde(flatten)]
    pub right: Right,
    /// What was known about it.
    pub facts: RightFacts,
    /// What is advised.
    pub advice: Decision,
    /// Why, for people to read.
    pub reasons: Vec<String>,
    /// Whether it can be reduced.
    pub reducible: bool,
    /// Who answers for the accounts that it reaches.
    pub owners: Vec<UserName>,
    /// What was decided.
    pub decision: Option<Decision>,
    /// Why.
    pub reason: Option<String>,
    /// Who decided; none where nobody answered in time.
    pub decided_by: Option<UserName>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// Whether it has been done; none where there was nothing to do.
    pub effect: Option<ItemEffect>,
    /// What was done, or why not.
    pub effect_detail: Option<String>,
}

/// Somebody who wants to answer in a review.
#[derive(Clone, Copy, Debug)]
pub struct Reviewer<'a> {
    /// Who, with the groups that count where the review is.
    pub user: &'a User,
    /// All users of the person, this one included.
    pub own: &'a BTreeSet<UserName>,
    /// Whether one of these is in the group that holds the right, where it is a group's, or has the attributes.
    pub in_group: bool,
}

/// Why somebody may not answer for a right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MayNot {
    /// They may not act.
    #[error("your user is not active")]
    Inactive,
    /// They are not asked.
    #[error("you are not asked about it")]
    NotAsked,
    /// It is their own, whichever of their users holds it, or that of a group of theirs.
    #[error("it is a right of your own: somebody else answers for it")]
    Own,
    /// The review is over.
    #[error("the review is over")]
    Over,
    /// It has been taken away or reduced already.
    #[error("it has been taken away or reduced already")]
    Done,
    /// It cannot be reduced.
    #[error("it cannot be reduced: keep it or take it away")]
    NotReducible,
}

/// Decides whether somebody may answer for a right in this way.
///
/// # Errors
/// Why not.
pub fn may_decide(
    reviewer: Reviewer<'_>,
    review: &Review,
    item: &ReviewItem,
    decision: Decision,
    now: Timestamp,
) -> Result<(), MayNot> {
    let Reviewers { users, groups, owners } = &review.plan.reviewers;
    let user = reviewer.user;
    let asked = users.contains(&user.name)
        || user.groups.iter().any(|group| groups.contains(group))
        || (*owners && item.owners.contains(&user.name));
    if user.state != UserState::Active {
        Err(MayNot::Inactive)
    } else if !asked {
        Err(MayNot::NotAsked)
    } else if item.right.user.as_ref().is_some_and(|holder| reviewer.own.contains(holder))
        || (item.right.user.is_none() && reviewer.in_group)
    {
        Err(MayNot::Own)
    } else if review.state != ReviewState::Open || now >= review.due_at {
        Err(MayNot::Over)
    } else if item.decision.is_some_and(|decided| decided != Decision::Keep) {
        Err(MayNot::Done)
    } else if decision == Decision::Reduce && !item.reducible {
        Err(MayNot::NotReducible)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
