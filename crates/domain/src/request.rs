//! Requests and the approvals that answer them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{GrantId, PolicyId, RequestId, TemplateId};
use crate::name::{AccountRef, GroupName, UserName};
use crate::person;
use crate::scope::ScopePath;
use crate::time::Timestamp;

mod approval;
mod recurrence;

pub use approval::{
    Approval, ApprovalRule, ApprovalStage, Awaited, Escalation, NoticeKind, REMINDERS_MAX, RequestNotice,
};
pub use recurrence::{InvalidRecurrence, Recurrence, Window};

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

/// A file that somebody put to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attachment {
    /// Counts those of one request, from 1.
    pub number: u32,
    /// What it is called.
    pub name: String,
    /// How large it is.
    pub bytes: u64,
    /// The SHA-256 of its content, hex, as the ledger has it.
    pub sha256: String,
    /// Who put it there.
    pub user: UserName,
    /// When.
    pub at: Timestamp,
}

/// A wish that is kept, to be made again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequestTemplate {
    /// Identifier.
    pub id: TemplateId,
    /// What it is called.
    pub name: String,
    /// Who saved it.
    pub user: UserName,
    /// Whom it is for: those of this scope, above and below it; none means for who saved it only.
    pub scope: Option<ScopePath>,
    /// The wish.
    pub wish: TemplateWish,
}

/// What is asked for by a template. Nothing of it gives any right: it is asked for as if it had been typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateWish {
    /// What for; may be empty, where that is left to who asks.
    #[serde(default)]
    pub accounts: Vec<AccountRef>,
    /// How long, in seconds.
    pub duration_seconds: u64,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// The ticket, or the beginning of it.
    #[serde(default)]
    pub ticket: Option<String>,
}

/// A wish to use an account for a task and a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Request {
    /// Identifier.
    pub id: RequestId,
    /// Who asks.
    pub user: UserName,
    /// The everyday user of whoever asks, where they ask as another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<UserName>,
    /// Who sponsors whoever asks, where that is a vendor: they may answer whichever groups are asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sponsor: Option<UserName>,
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
    /// The grant whose window it asks to be made longer; none where it asks for a new one.
    #[serde(default)]
    pub extends: Option<GrantId>,
    /// The other accounts that were asked for in the same breath: one answer is the answer to all of them.
    #[serde(default)]
    pub together: Vec<Companion>,
    /// The windows that come again; none where it asks for one window.
    #[serde(default)]
    pub recurs: Option<Recurrence>,
    /// The recurring request that this window belongs to.
    #[serde(default)]
    pub series: Option<RequestId>,
    /// When the next window begins; none where none comes, or no more.
    #[serde(default)]
    pub next_window_at: Option<Timestamp>,
    /// Why no more windows come, where they ended early.
    #[serde(default)]
    pub recurs_ended: Option<String>,
    /// The answers so far.
    pub approvals: Vec<Approval>,
    /// What was said because nobody answered: reminders, and to whom it was escalated.
    #[serde(default)]
    pub notices: Vec<RequestNotice>,
    /// The grant that resulted.
    pub grant: Option<GrantId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it lapses unanswered.
    pub expires_at: Timestamp,
}

/// Another account that was asked for in the same breath.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Companion {
    /// Its request.
    pub request: RequestId,
    /// The account.
    pub account: AccountRef,
}

impl Request {
    /// The person who asks.
    #[must_use]
    pub fn person(&self) -> &UserName {
        person::of(&self.user, self.identity.as_ref())
    }

    /// The stage that waits for its answers; none when enough people have said yes, or nobody is asked.
    #[must_use]
    pub fn awaited(&self) -> Option<Awaited<'_>> {
        self.approval.as_ref()?.awaited(self.person(), &self.approvals)
    }

    /// Whether others are asked too, because nobody answered this stage in time.
    #[must_use]
    pub fn is_escalated(&self, stage: usize) -> bool {
        let escalated = |notice: &RequestNotice| notice.kind == NoticeKind::Escalate && notice.stage == stage;
        self.notices.iter().any(escalated)
    }

    /// The groups of which somebody is asked now, those that it was escalated to included; empty means anybody
    /// who may approve in the scope.
    #[must_use]
    pub fn asked_groups(&self) -> Vec<&GroupName> {
        let Some(awaited) = self.awaited().filter(|awaited| !awaited.groups.is_empty()) else { return Vec::new() };
        let escalated = self.approval.as_ref().and_then(|rule| rule.escalate.as_ref());
        let escalated = escalated.filter(|_| self.is_escalated(awaited.stage));
        awaited.groups.iter().chain(escalated.into_iter().flat_map(|more| &more.groups)).collect()
    }

    /// What is said next because nobody answers, and when; none when nothing is.
    #[must_use]
    pub fn next_notice(&self) -> Option<(Timestamp, NoticeKind)> {
        let (rule, awaited) = (self.approval.as_ref()?, self.awaited()?);
        let answered = self.approvals.iter().map(|answer| answer.at).max();
        let since = answered.unwrap_or(self.created_at).max(self.created_at);
        let of_stage =
            |kind| self.notices.iter().filter(move |notice| notice.kind == kind && notice.stage == awaited.stage);
        let escalate = rule.escalate.as_ref().filter(|_| !self.is_escalated(awaited.stage));
        let escalate = escalate.map(|more| (since.after(more.after.duration()), NoticeKind::Escalate));
        let reminded = of_stage(NoticeKind::Remind).map(|notice| notice.at).max().unwrap_or(since).max(since);
        let remind = rule.remind.filter(|_| of_stage(NoticeKind::Remind).count() < REMINDERS_MAX);
        let remind = remind.map(|every| (reminded.after(every.duration()), NoticeKind::Remind));
        escalate.into_iter().chain(remind).min_by_key(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests;
