//! Who must say yes to a request, stage by stage, and what happens when nobody answers.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::{GroupName, UserName};
use crate::period::Period;
use crate::person;
use crate::time::Timestamp;

/// How many reminders are given of one stage.
pub const REMINDERS_MAX: usize = 20;

/// Who must say yes: so many of these groups first, then those of the further stages, one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRule {
    /// How many different people; at least 1.
    #[schemars(range(min = 1, max = 10))]
    pub count: u8,
    /// The groups they must come from; empty means anybody who holds `request:approve` in the scope.
    #[serde(default)]
    pub groups: Vec<GroupName>,
    /// Further stages: each is asked once enough people of the one before have said yes. Nobody counts twice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<ApprovalStage>,
    /// After how long, and each time again, those who are asked are reminded; where it is left out, they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind: Option<Period>,
    /// Who else is asked when nobody answers; where it is left out, nobody is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate: Option<Escalation>,
}

/// One of the further stages in which a request is approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalStage {
    /// How many different people; at least 1.
    #[schemars(range(min = 1, max = 10))]
    pub count: u8,
    /// The groups they must come from; empty means anybody who holds `request:approve` in the scope.
    #[serde(default)]
    pub groups: Vec<GroupName>,
}

/// Who else is asked when nobody answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Escalation {
    /// After how long without an answer, counted from the request or from the last answer to it.
    pub after: Period,
    /// The groups of which somebody may answer then, too.
    pub groups: Vec<GroupName>,
}

/// The stage that waits for its answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Awaited<'a> {
    /// Which one, from 1.
    pub stage: usize,
    /// How many stages there are.
    pub stages: usize,
    /// How many people it wants.
    pub count: usize,
    /// How many have said yes in it.
    pub given: usize,
    /// The groups it asks; empty means anybody.
    pub groups: &'a [GroupName],
}

impl ApprovalRule {
    /// The rule of one stage.
    #[must_use]
    pub const fn of(count: u8, groups: Vec<GroupName>) -> Self {
        Self { count, groups, next: Vec::new(), remind: None, escalate: None }
    }

    /// Its stages in their order: how many, and of which groups.
    pub fn stages(&self) -> impl Iterator<Item = (u8, &[GroupName])> {
        let first = (self.count, self.groups.as_slice());
        std::iter::once(first).chain(self.next.iter().map(|stage| (stage.count, stage.groups.as_slice())))
    }

    /// The stage that waits; none when enough different people, none of them the `requester`, have said yes.
    /// `requester` is the person who asks, whichever of their users they do so as.
    ///
    /// An answer was taken only from whom the stage asked that waited then, so that yeses fill the stages in
    /// their order. Somebody who answered, or in whose place somebody answered, counts once.
    #[must_use]
    pub fn awaited(&self, requester: &UserName, answers: &[Approval]) -> Option<Awaited<'_>> {
        let mut counted = BTreeSet::from([requester]);
        let mut given = 0;
        for answer in answers.iter().filter(|answer| answer.approved) {
            if answer.people().any(|person| counted.contains(person)) {
                continue;
            }
            counted.extend(answer.people());
            given += 1;
        }
        let stages = self.next.len() + 1;
        for (index, (count, groups)) in self.stages().enumerate() {
            let count = usize::from(count.max(1));
            if given < count {
                return Some(Awaited { stage: index + 1, stages, count, given, groups });
            }
            given -= count;
        }
        None
    }

    /// Whether enough different people, none of them the `requester`, have said yes in every stage.
    #[must_use]
    pub fn is_met(&self, requester: &UserName, answers: &[Approval]) -> bool {
        self.awaited(requester, answers).is_none()
    }
}

/// One answer to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Approval {
    /// Who answered.
    pub user: UserName,
    /// Their everyday user, where they answered as another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<UserName>,
    /// Yes or no.
    pub approved: bool,
    /// Why; always given with a no.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
    /// Who was away and had named them to answer; none where they answered for themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_place_of: Option<UserName>,
    /// The everyday user of whoever was away, where that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_place_of_identity: Option<UserName>,
}

impl Approval {
    /// The people whose answer it is: who gave it, and in whose place.
    pub fn people(&self) -> impl Iterator<Item = &UserName> {
        let absent = self.in_place_of.as_ref().map(|absent| person::of(absent, self.in_place_of_identity.as_ref()));
        std::iter::once(person::of(&self.user, self.identity.as_ref())).chain(absent)
    }
}

/// Why something was said about a request that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// Those who are asked were reminded.
    Remind,
    /// Others are asked too.
    Escalate,
}

/// Something that was said because nobody answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequestNotice {
    /// What.
    pub kind: NoticeKind,
    /// Of which stage, from 1.
    pub stage: usize,
    /// When.
    pub at: Timestamp,
}
