//! What decisions rest on, and what they answer.

use std::net::IpAddr;

use super::{Client, Policy, Reason, TicketStands};
use crate::account::Account;
use crate::asset::Asset;
use crate::grant::Grant;
use crate::id::PolicyId;
use crate::name::{AccountRef, PolicyName};
use crate::permit::Permit;
use crate::risk::RiskLevel;
use crate::time::Timestamp;
use crate::user::User;

/// Who wants something, and from where.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The person, with those groups that `user::groups_that_count` for the target.
    pub user: &'a User,
    /// The address they come from.
    pub source: IpAddr,
    /// When they last proved a second factor that counts here.
    pub mfa_at: Option<Timestamp>,
    /// By which kind of client; none where that is not known yet.
    pub client: Option<Client>,
    /// How risky it is that they use the account; high where nobody looked.
    pub risk: RiskLevel,
}

/// What they want to use.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The account.
    pub account: &'a Account,
    /// Its asset.
    pub asset: &'a Asset,
}

impl Target<'_> {
    /// What people call it: `root@web-1`.
    #[must_use]
    pub fn reference(&self) -> AccountRef {
        AccountRef { account: self.account.name.clone(), asset: self.asset.name.clone() }
    }
}

/// The policies that a decision rests on. One that does not concern the person and the account changes
/// nothing, so that an index may leave it out.
#[derive(Clone, Copy, Debug)]
pub enum Policies<'a> {
    /// All of a list.
    All(&'a [Policy]),
    /// Those that an index picked.
    Picked(&'a [&'a Policy]),
}

impl<'a> Policies<'a> {
    /// Each of them, in the order given.
    pub fn iter(self) -> impl Iterator<Item = &'a Policy> {
        let (all, picked): (&[Policy], &[&Policy]) = match self {
            Self::All(all) => (all, &[]),
            Self::Picked(picked) => (&[], picked),
        };
        all.iter().chain(picked.iter().copied())
    }
}

impl<'a> From<&'a [Policy]> for Policies<'a> {
    fn from(all: &'a [Policy]) -> Self {
        Self::All(all)
    }
}

impl<'a> From<&'a Vec<Policy>> for Policies<'a> {
    fn from(all: &'a Vec<Policy>) -> Self {
        Self::All(all)
    }
}

/// Everything that a decision on opening a session rests on.
#[derive(Clone, Copy, Debug)]
pub struct ConnectFacts<'a> {
    /// Who.
    pub subject: Subject<'a>,
    /// What.
    pub target: Target<'a>,
    /// Every policy whose scope contains the asset's.
    pub policies: Policies<'a>,
    /// The person's grants for the account, ended ones included.
    pub grants: &'a [Grant],
    /// How many sessions of theirs to the account are live.
    pub live_sessions: u32,
}

impl ConnectFacts<'_> {
    /// The same, of somebody who comes by this client.
    #[must_use]
    pub fn by(self, client: Client) -> Self {
        Self { subject: Subject { client: Some(client), ..self.subject }, ..self }
    }
}

/// Everything that a decision on a request for access rests on.
#[derive(Clone, Copy, Debug)]
pub struct AskFacts<'a> {
    /// Who.
    pub subject: Subject<'a>,
    /// What.
    pub target: Target<'a>,
    /// Every policy whose scope contains the asset's.
    pub policies: Policies<'a>,
    /// How long they want it, in seconds.
    pub duration_seconds: u64,
    /// Why.
    pub reason: &'a str,
    /// The ticket.
    pub ticket: Option<&'a str>,
    /// Whether they ask in an emergency: then policies of break-glass count, and no others.
    pub emergency: bool,
    /// Whether the second factor that they proved last was a passkey.
    pub passkey: bool,
    /// Why the ticket system does not find the ticket good for the asset; none where it does. Matters only to
    /// policies that have tickets checked.
    pub ticket_problem: Option<&'a str>,
    /// How the ticket stands, where it exists and names the asset. Matters only to policies with a condition on it.
    pub ticket_stands: TicketStands<'a>,
}

/// What was decided, and by which policies.
#[derive(Debug)]
pub enum Decision<A> {
    /// Yes; the permit is the proof, and names the policy.
    Permit(Permit<A>),
    /// Yes, once a second factor has been proved that is at most this old.
    StepUp {
        /// How old it may be, in seconds; 0 means for this very session.
        max_age_seconds: u64,
        /// The policy that asks.
        policy: PolicyId,
        /// Its name.
        policy_name: PolicyName,
    },
    /// No. Each reason that a policy gave names it.
    Deny(Vec<Reason>),
}

impl<A> Decision<A> {
    /// The reasons of a refusal; none otherwise.
    #[must_use]
    pub fn reasons(&self) -> &[Reason] {
        match self {
            Self::Deny(reasons) => reasons,
            Self::Permit(_) | Self::StepUp { .. } => &[],
        }
    }
}
