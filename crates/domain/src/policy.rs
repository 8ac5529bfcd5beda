//! Policies, and the decision over them.
//!
//! A policy says who may use which accounts, doing what, when, under which obligations and within
//! which limits. `decide` is pure and total: deny by default, an explicit deny wins, and the answer
//! names the policies that decided.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::account::CredentialKind;
use crate::asset::{Asset, Platform};
use crate::break_glass::BreakGlassRule;
use crate::capability::Capability;
use crate::id::PolicyId;
use crate::name::{AccountName, AssetName, GroupName, PolicyName, UserName};
use crate::provision::ProvisionRule;
use crate::request::ApprovalRule;
use crate::scope::ScopePath;

mod action;
mod compare;
pub(crate) mod conditions;
mod decide;
mod estate;
mod explain;
mod facts;
mod masking;
mod reason;
pub mod risk;
mod select;
mod statements;
pub mod ticket;

pub use action::{Action, Answer, Answered, answer};
pub use compare::{Shift, shift, widens};
pub use conditions::InvalidHours;
pub use decide::{OpenedUnder, ask, asked_of, checkout, connect, is_asked, may_approve, may_stand_in, reconsider};
pub use estate::{Block, Estate, Holding, Resident, blocks};
pub use explain::{Explained, Explanation, Outcome, Verdict, explain};
pub use facts::{AskFacts, ConnectFacts, Decision, Policies, Subject, Target};
pub use masking::{Detector, Masking};
pub use reason::Reason;
pub use risk::RiskCondition;
pub use statements::{
    CAPTURE_BYTES_MAX, CAPTURE_ROWS_MAX, ResultCapture, StatementAction, StatementBudgets, StatementRule,
    StatementVerdict, Statements, like, may_decide_statement,
};
pub use ticket::{TicketCondition, TicketStands};

/// Whether a policy gives or takes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Gives access, under its obligations.
    Allow,
    /// Takes access away; wins over every policy that gives it.
    Deny,
}

/// How an allowed user comes to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// By a request that becomes a grant for a window.
    Request,
    /// At any time; a standing privilege, counted as one in reports.
    Standing,
}

/// Who a policy is about. Somebody matches when they are named or in a named group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Subjects {
    /// People by name.
    pub users: BTreeSet<UserName>,
    /// People by group.
    pub groups: BTreeSet<GroupName>,
    /// People by what is known of them: whoever has all of these.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    /// Programs: those that are named, or all with `true`. Nothing else here is about a program.
    #[serde(skip_serializing_if = "Workloads::is_none")]
    pub workloads: Workloads,
}

/// Which programs a policy is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Workloads {
    /// All of the scope, or none.
    All(bool),
    /// By name.
    Named(BTreeSet<UserName>),
}

impl Default for Workloads {
    fn default() -> Self {
        Self::Named(BTreeSet::new())
    }
}

impl Workloads {
    /// Whether it is about none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        match self {
            Self::All(all) => !all,
            Self::Named(names) => names.is_empty(),
        }
    }

    /// Whether the one called `name` is among them.
    #[must_use]
    pub fn include(&self, name: &UserName) -> bool {
        match self {
            Self::All(all) => *all,
            Self::Named(names) => names.contains(name),
        }
    }

    /// Those that are named.
    pub fn names(&self) -> impl Iterator<Item = &UserName> {
        match self {
            Self::All(_) => None,
            Self::Named(names) => Some(names),
        }
        .into_iter()
        .flatten()
    }

    /// Whether all that `narrow` is about are among them.
    #[must_use]
    pub fn cover(&self, narrow: &Self) -> bool {
        match (self, narrow) {
            _ if narrow.is_none() => true,
            (Self::All(all), _) => *all,
            (Self::Named(_), Self::All(_)) => false,
            (Self::Named(wide), Self::Named(narrow)) => wide.is_superset(narrow),
        }
    }
}

/// By which kind of client somebody comes in, as the gateways know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Client {
    /// An SSH client of one's own, through the SSH gateway.
    Ssh,
    /// The terminal in the browser.
    Terminal,
    /// The SQL console in the browser.
    SqlConsole,
    /// A database client of one's own, through a database gateway.
    DatabaseClient,
    /// The API, the console or the command line: a check-out.
    Api,
}

impl Client {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Ssh, Self::Terminal, Self::SqlConsole, Self::DatabaseClient, Self::Api];
}

/// Which accounts a policy is about. Every field that is given must match; an empty one matches all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Accounts {
    /// Accounts by their name on the target.
    pub names: BTreeSet<AccountName>,
    /// Assets by name.
    pub assets: BTreeSet<AssetName>,
    /// Assets by label: each label named must have the value given.
    pub labels: BTreeMap<String, String>,
    /// Assets by platform.
    pub platforms: BTreeSet<Platform>,
    /// Accounts by how they are proved to their target.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub kinds: BTreeSet<CredentialKind>,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// Hours during which a policy applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// The days; empty means every day.
    #[serde(default)]
    pub days: BTreeSet<Day>,
    /// When it begins, `HH:MM`.
    #[schemars(regex(pattern = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    pub from: String,
    /// When it ends, `HH:MM` or `24:00`; before `from` means past midnight, belonging to the day it began on.
    #[schemars(regex(pattern = r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"))]
    pub to: String,
    /// The time zone's IANA name; `UTC` unless given.
    #[serde(default = "utc")]
    pub zone: String,
    /// Days on which they do not hold, holidays for example: `2026-12-25`. Hours that go past midnight belong to
    /// the day they began on.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub except: BTreeSet<String>,
}

fn utc() -> String {
    "UTC".to_owned()
}

/// How a session is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Recording {
    /// Everything; a session whose recorder fails is ended.
    #[default]
    Strict,
}

/// What may pass between a terminal in the browser and the clipboard. A gateway whose client is a
/// program of the person's own cannot hold it to this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Clipboard {
    /// Whether what the terminal shows may be copied; the console does not offer it otherwise.
    pub copy: bool,
    /// Whether anything may be pasted into it.
    pub paste: bool,
    /// How many bytes may be pasted at once; any number where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paste_bytes_max: Option<u32>,
}

impl Default for Clipboard {
    fn default() -> Self {
        Self { copy: true, paste: true, paste_bytes_max: None }
    }
}

impl Clipboard {
    /// Whether `bytes` may be pasted at once.
    #[must_use]
    pub fn takes(&self, bytes: usize) -> bool {
        self.paste && self.paste_bytes_max.is_none_or(|max| usize::try_from(max).is_ok_and(|max| bytes <= max))
    }
}

/// What others who may join a session can do in it. Who is in it is told whoever joins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Join {
    /// Look on.
    #[default]
    Watch,
    /// Look on, and type.
    Control,
}

/// What a session under a policy is bound to. They come from the policy that granted, never from
/// a mixture of all that matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Obligations {
    /// What sessions may do.
    pub capabilities: BTreeSet<Capability>,
    /// How old the second factor may be, in seconds; 0 asks at every session.
    pub mfa_max_age_seconds: u64,
    /// Who must say yes to a request; none grants at once.
    pub approval: Option<ApprovalRule>,
    /// Whether a request must say why.
    pub reason_required: bool,
    /// What a ticket must look like, as a regular expression over the whole of it; none asks for no ticket.
    pub ticket_pattern: Option<String>,
    /// Whether the ticket system must say that the ticket exists, is open and names the asset, when it is asked and
    /// while access lasts.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ticket_checked: bool,
    /// The longest window that can be asked for, and the longest session, in seconds.
    pub max_duration_seconds: u64,
    /// After how long without input a session ends, in seconds.
    pub idle_seconds: Option<u64>,
    /// How many sessions one person may have on one account at once.
    pub concurrent_sessions: Option<u32>,
    /// How sessions are recorded.
    pub recording: Recording,
    /// What may be copied and pasted in the browser's terminal.
    pub clipboard: Clipboard,
    /// What others who join a session may do in it.
    pub join: Join,
    /// Whether somebody else must be watching: a session waits for them, and ends when the last has left.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub watched: bool,
    /// For how long the account's secret may be checked out, in seconds; none where it may not be.
    pub checkout_seconds: Option<u64>,
    /// Whether the account's secret is changed after each session.
    pub rotate_after_use: bool,
    /// What is made on the target for each session and taken away after it; none where the account is
    /// used as it is.
    pub provision: Option<ProvisionRule>,
    /// What binds the statements of database sessions; nothing unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statements: Option<Statements>,
    /// What makes it break-glass: loud, and reviewed afterwards; none in ordinary policies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub break_glass: Option<BreakGlassRule>,
}

impl Obligations {
    /// What they are on one asset: what is hidden by tag is hidden by the columns that the asset gives it.
    #[must_use]
    pub fn on(mut self, asset: &Asset) -> Self {
        if let Some(masking) = self.statements.as_mut().and_then(|statements| statements.masking.as_mut()) {
            *masking = masking.on(asset);
        }
        self
    }
}

impl Default for Obligations {
    fn default() -> Self {
        Self {
            capabilities: BTreeSet::from([Capability::Shell, Capability::Exec]),
            mfa_max_age_seconds: 12 * 3600,
            approval: None,
            reason_required: true,
            ticket_pattern: None,
            ticket_checked: false,
            max_duration_seconds: 8 * 3600,
            idle_seconds: None,
            concurrent_sessions: None,
            recording: Recording::Strict,
            clipboard: Clipboard::default(),
            join: Join::Watch,
            watched: false,
            checkout_seconds: None,
            rotate_after_use: false,
            provision: None,
            statements: None,
            break_glass: None,
        }
    }
}

/// When and from where a policy applies. Where it does not, it is as if it were not there; for a
/// deny that means it does not deny. A live session ends at the hour at which it could not be
/// opened any more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Conditions {
    /// Networks that the user must come from; empty means any.
    #[schemars(with = "Vec<String>")]
    #[serde(deserialize_with = "conditions::networks")]
    pub networks: Vec<IpNet>,
    /// Hours, any of which must hold; empty means always.
    pub hours: Vec<Hours>,
    /// The kinds of client that one may come in by; empty means any. Matters when a session or a check-out
    /// begins and while it lasts, not when access is asked for.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub clients: BTreeSet<Client>,
    /// How the ticket must stand that access is asked for with, and while it lasts; for policies that are asked
    /// under. None means that it may stand as it will.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<TicketCondition>,
    /// How risky it may be to give it, when it is asked for, when it is used and while that lasts; in a policy that
    /// denies, from where on it denies. None means however risky.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk: Option<RiskCondition>,
}

/// A rule on who may use what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Policy {
    /// Identifier.
    pub id: PolicyId,
    /// Name, unique within the tenant.
    pub name: PolicyName,
    /// The scope; a policy reaches assets here and below only.
    pub scope: ScopePath,
    /// What it is for.
    pub description: String,
    /// Gives or takes away.
    pub effect: Effect,
    /// Who.
    pub subjects: Subjects,
    /// Which accounts.
    pub accounts: Accounts,
    /// When and from where.
    pub conditions: Conditions,
    /// How one comes to a session.
    pub access: Access,
    /// What sessions are bound to.
    pub obligations: Obligations,
    /// Counts the changes made to it, from 1.
    pub revision: u32,
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod properties;
