//! A small estate for tests: one person, one account, and what is said about them.

use std::net::IpAddr;
use std::time::Duration;

use super::*;
use crate::account::{Account, AccountState, CredentialKind};
use crate::asset::Asset;
use crate::grant::{Grant, GrantState};
use crate::name::AccountRef;
use crate::permit::{Approve, AskAccess, Connect};
use crate::request::{Request, RequestState};
use crate::risk::RiskLevel;
use crate::time::Timestamp;
use crate::user::{Profile, User, UserState};

/// A Wednesday, 12:00 UTC.
pub(crate) const NOON: Timestamp = Timestamp::from_millis(1_795_003_200_000);

pub(crate) fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

pub(crate) fn id<T: std::str::FromStr>(prefix: &str, number: u32) -> T {
    match format!("{prefix}_{number:016}").parse() {
        Ok(id) => id,
        Err(_) => panic!("{prefix} {number}"),
    }
}

pub(crate) fn name<T: std::str::FromStr>(text: &str) -> T {
    match text.parse() {
        Ok(name) => name,
        Err(_) => panic!("{text}"),
    }
}

/// Everything that the decisions rest on, owned.
#[derive(Clone, Debug)]
pub(crate) struct Estate {
    pub(crate) user: User,
    pub(crate) source: IpAddr,
    pub(crate) mfa_at: Option<Timestamp>,
    pub(crate) client: Option<Client>,
    pub(crate) risk: RiskLevel,
    pub(crate) account: Account,
    pub(crate) asset: Asset,
    pub(crate) policies: Vec<Policy>,
    pub(crate) grants: Vec<Grant>,
    pub(crate) live_sessions: u32,
    pub(crate) duration_seconds: u64,
    pub(crate) reason: String,
    pub(crate) ticket: Option<String>,
    pub(crate) passkey: bool,
    pub(crate) emergency: bool,
    pub(crate) ticket_problem: Option<String>,
    pub(crate) ticket_state: Option<&'static str>,
    pub(crate) request: Request,
    pub(crate) may_approve: bool,
    pub(crate) now: Timestamp,
}

impl Estate {
    /// Ben of /emea, `root@web-1` in /emea/prod, no policy; Cyd's request awaits an answer.
    pub(crate) fn new() -> Self {
        let account: AccountRef = name("root@web-1");
        Self {
            user: user("ben", &["sre"], "/emea"),
            source: [10, 1, 2, 3].into(),
            mfa_at: Some(NOON.before(minutes(5))),
            client: None,
            risk: RiskLevel::Low,
            account: Account {
                id: id("acc", 1),
                name: name("root"),
                asset: name("web-1"),
                scope: name("/emea/prod"),
                credential: CredentialKind::SshKey,
                owner: None,
                state: AccountState::Managed,
                ready: true,
                created_at: NOON,
                last_used_at: None,
                rotation: Default::default(),
            },
            asset: Asset {
                id: id("ast", 1),
                name: name("web-1"),
                scope: name("/emea/prod"),
                platform: Platform::Linux,
                address: "web-1:22".to_owned(),
                labels: [("env".to_owned(), "prod".to_owned())].into(),
                server_ca: None,
                column_tags: Default::default(),
                created_at: NOON,
            },
            policies: Vec::new(),
            grants: Vec::new(),
            live_sessions: 0,
            duration_seconds: 3_600,
            reason: "disk full".to_owned(),
            ticket: None,
            passkey: false,
            emergency: false,
            ticket_problem: None,
            ticket_state: None,
            request: Request {
                id: id("req", 1),
                user: name("cyd"),
                identity: None,
                sponsor: None,
                account,
                scope: name("/emea/prod"),
                duration_seconds: 3_600,
                starts_at: None,
                reason: "disk full".to_owned(),
                ticket: None,
                state: RequestState::Pending,
                policy: id("pol", 1),
                approval: Some(ApprovalRule::of(1, vec![])),
                approvals: Vec::new(),
                notices: Vec::new(),
                extends: None,
                together: Vec::new(),
                recurs: None,
                series: None,
                next_window_at: None,
                recurs_ended: None,
                grant: None,
                created_at: NOON.before(minutes(10)),
                expires_at: NOON.after(minutes(50)),
            },
            may_approve: true,
            now: NOON,
        }
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn subject(&self) -> Subject<'_> {
        Subject { user: &self.user, source: self.source, mfa_at: self.mfa_at, client: self.client, risk: self.risk }
    }

    fn target(&self) -> Target<'_> {
        Target { account: &self.account, asset: &self.asset }
    }

    pub(crate) fn connect_facts(&self) -> ConnectFacts<'_> {
        ConnectFacts {
            subject: self.subject(),
            target: self.target(),
            policies: (&self.policies).into(),
            grants: &self.grants,
            live_sessions: self.live_sessions,
        }
    }

    pub(crate) fn connect(&self) -> Decision<Connect> {
        connect(&self.connect_facts(), self.now)
    }

    pub(crate) fn ask(&self) -> Decision<AskAccess> {
        let facts = AskFacts {
            subject: self.subject(),
            target: self.target(),
            policies: (&self.policies).into(),
            duration_seconds: self.duration_seconds,
            reason: &self.reason,
            ticket: self.ticket.as_deref(),
            passkey: self.passkey,
            emergency: self.emergency,
            ticket_problem: self.ticket_problem.as_deref(),
            ticket_stands: self.ticket_state.map_or(TicketStands::Unknown, TicketStands::In),
        };
        ask(&facts, self.now)
    }

    pub(crate) fn approve(&self) -> Decision<Approve> {
        may_approve(&self.user, self.may_approve, &self.request, self.now)
    }
}

pub(crate) fn user(called: &str, groups: &[&str], scope: &str) -> User {
    User {
        id: id("usr", 1),
        name: name(called),
        email: None,
        scope: name(scope),
        state: UserState::Active,
        groups: groups.iter().map(|group| name(group)).collect(),
        roles: Vec::new(),
        totp: true,
        created_at: NOON,
        last_seen_at: None,
        profile: Profile::default(),
    }
}

/// A user of /emea, in the group `sre`, that is linked to an everyday one.
pub(crate) fn linked(called: &str, identity: &str) -> User {
    User {
        profile: Profile { identity: Some(name(identity)), ..Profile::default() },
        ..user(called, &["sre"], "/emea")
    }
}

/// A policy in /emea for the group `sre` and every account.
pub(crate) fn policy(number: u32, called: &str, effect: Effect, access: Access) -> Policy {
    Policy {
        id: id("pol", number),
        name: name(called),
        scope: name("/emea"),
        description: String::new(),
        effect,
        subjects: Subjects { users: [].into(), groups: [name("sre")].into(), ..Subjects::default() },
        accounts: Accounts::default(),
        conditions: Conditions::default(),
        access,
        obligations: Obligations::default(),
        revision: 1,
    }
}

/// Ben's grant under `policy` from half an hour ago until in half an hour.
pub(crate) fn grant(number: u32, policy: &Policy) -> Grant {
    Grant {
        id: id("gra", number),
        request: id("req", number),
        user: name("ben"),
        account: name("root@web-1"),
        scope: name("/emea/prod"),
        policy: policy.id.clone(),
        obligations: policy.obligations.clone(),
        starts_at: NOON.before(minutes(30)),
        ends_at: NOON.after(minutes(30)),
        extended_at: None,
        revoked_at: None,
        revoked_reason: None,
        used: false,
        state: GrantState::Active,
    }
}

/// What a decision says in one word, for tables and comparisons.
pub(crate) fn word<A>(decision: &Decision<A>) -> String {
    match decision {
        Decision::Permit(_) => "permit".to_owned(),
        Decision::StepUp { .. } => "step_up".to_owned(),
        Decision::Deny(reasons) => {
            let codes: Vec<_> = reasons
                .iter()
                .map(|reason| match serde_json::to_value(reason) {
                    Ok(value) => value["code"].as_str().unwrap_or("?").to_owned(),
                    Err(error) => error.to_string(),
                })
                .collect();
            codes.join("+")
        }
    }
}
