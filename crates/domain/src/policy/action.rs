//! What somebody could want of an account, and the answer to it in one word.
//!
//! Reports ask by these; the door asks `connect`, `ask` and `checkout` themselves, and what is said here
//! is what they would say.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decide::asked_under;
use super::{Client, ConnectFacts, Decision, Obligations, Policy, Reason, Subject, checkout, connect};
use crate::capability::Capability;
use crate::id::GrantId;
use crate::name::{PolicyName, shown};
use crate::time::Timestamp;

/// One thing to want of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Action {
    /// To open a session.
    Connect,
    /// To ask for access.
    Request,
    /// To see the secret.
    Checkout,
    /// To do this in a session.
    Within(Capability),
}

impl Action {
    /// Every action.
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::Connect, Self::Request, Self::Checkout].into_iter().chain(Capability::ALL.into_iter().map(Self::Within))
    }

    /// The name used on the command line and in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Request => "request",
            Self::Checkout => "checkout",
            Self::Within(capability) => capability.as_str(),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Action> for String {
    fn from(action: Action) -> Self {
        action.as_str().to_owned()
    }
}

impl FromStr for Action {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::all().find(|action| action.as_str() == text).ok_or_else(|| {
            let known: Vec<_> = Self::all().map(Self::as_str).collect();
            format!("`{}` is not an action: choose one of {}", shown(text), known.join(", "))
        })
    }
}

impl TryFrom<String> for Action {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl JsonSchema for Action {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AccessAction".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names: Vec<_> = Self::all().map(Self::as_str).collect();
        schemars::json_schema!({
            "type": "string",
            "enum": names,
            "description": "What is wanted of an account: connect, request, checkout, or what is done in a session.",
        })
    }
}

/// The answer in one word, from the farthest to the nearest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Not now, and not for the asking.
    Refused,
    /// Can be asked for.
    OnRequest,
    /// Allowed once a second factor has been proved.
    StepUp,
    /// Allowed now.
    Allowed,
}

/// An answer with its grounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Answered {
    /// In one word.
    pub answer: Answer,
    /// The policy that gives it or that it can be asked for under; none where it is refused.
    pub policy: Option<PolicyName>,
    /// The grant that it rests on.
    pub grant: Option<GrantId>,
    /// Until when, where it is allowed.
    pub until: Option<Timestamp>,
    /// Why it is not allowed now.
    pub reasons: Vec<Reason>,
}

impl Answered {
    fn refused(reasons: Vec<Reason>) -> Self {
        Self { answer: Answer::Refused, policy: None, grant: None, until: None, reasons }
    }
}

/// Whether somebody may, with the grounds. Asking is understood in the least demanding way: for the
/// shortest time, with a reason, and with a ticket where one is wanted.
#[must_use]
pub fn answer(facts: &ConnectFacts<'_>, action: Action, now: Timestamp) -> Answered {
    let by_client = |policy: &Policy| !policy.conditions.clients.is_empty();
    if facts.subject.client.is_some() || action == Action::Request || !facts.policies.iter().any(by_client) {
        return answer_by(facts, action, now);
    }
    // Whichever client takes them farthest.
    let ways = Client::ALL.into_iter().map(|client| answer_by(&facts.by(client), action, now));
    ways.reduce(|best, other| if other.answer > best.answer { other } else { best })
        .unwrap_or_else(|| answer_by(facts, action, now))
}

fn answer_by(facts: &ConnectFacts<'_>, action: Action, now: Timestamp) -> Answered {
    let given = match action {
        Action::Request => {
            return match asked_under(facts, now) {
                Ok(policy) => Answered {
                    answer: Answer::Allowed,
                    policy: Some(policy.name.clone()),
                    ..Answered::refused(Vec::new())
                },
                Err(reasons) => Answered::refused(reasons),
            };
        }
        Action::Connect => session(facts, |_| true, action, now),
        Action::Within(capability) => session(facts, |bound| bound.capabilities.contains(&capability), action, now),
        Action::Checkout => secret(facts, now),
    };
    match given {
        Err(reasons) => asking(facts, action, reasons, now),
        Ok(answered) => answered,
    }
}

fn session(
    facts: &ConnectFacts<'_>,
    suits: impl Fn(&Obligations) -> bool,
    action: Action,
    now: Timestamp,
) -> Result<Answered, Vec<Reason>> {
    let (answer, decision) = proved(facts, now, connect);
    match decision {
        Decision::Permit(permit) if suits(&permit.action().obligations) => {
            let given = permit.action();
            let policy = Some(given.policy_name.clone());
            Ok(Answered { answer, policy, grant: given.grant.clone(), until: Some(given.until), reasons: Vec::new() })
        }
        Decision::Permit(permit) => {
            let policy = permit.action().policy_name.clone();
            Err(vec![Reason::NoCapability { action: action.to_string(), policy }])
        }
        Decision::StepUp { .. } => Err(Vec::new()),
        Decision::Deny(reasons) => Err(reasons),
    }
}

fn secret(facts: &ConnectFacts<'_>, now: Timestamp) -> Result<Answered, Vec<Reason>> {
    let (answer, decision) = proved(facts, now, checkout);
    match decision {
        Decision::Permit(permit) => {
            let given = permit.action();
            let policy = Some(given.policy_name.clone());
            Ok(Answered { answer, policy, grant: given.grant.clone(), until: Some(given.until), reasons: Vec::new() })
        }
        Decision::StepUp { .. } => Err(Vec::new()),
        Decision::Deny(reasons) => Err(reasons),
    }
}

/// What is decided with a factor just proved, and whether one must be proved for it.
fn proved<A>(
    facts: &ConnectFacts<'_>,
    now: Timestamp,
    decide: impl Fn(&ConnectFacts<'_>, Timestamp) -> Decision<A>,
) -> (Answer, Decision<A>) {
    match decide(facts, now) {
        Decision::StepUp { .. } => {
            let subject = Subject { mfa_at: Some(now), ..facts.subject };
            (Answer::StepUp, decide(&ConnectFacts { subject, ..*facts }, now))
        }
        decision => (Answer::Allowed, decision),
    }
}

/// What is not allowed now, but perhaps for the asking.
fn asking(facts: &ConnectFacts<'_>, action: Action, reasons: Vec<Reason>, now: Timestamp) -> Answered {
    let suits = |policy: &&Policy| match action {
        Action::Connect | Action::Request => true,
        Action::Checkout => policy.obligations.checkout_seconds.is_some(),
        Action::Within(capability) => policy.obligations.capabilities.contains(&capability),
    };
    match asked_under(facts, now).ok().filter(suits) {
        Some(policy) => {
            Answered { answer: Answer::OnRequest, policy: Some(policy.name.clone()), ..Answered::refused(reasons) }
        }
        None => Answered::refused(reasons),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Estate, NOON, grant, name, policy};
    use super::super::{Access, Effect};
    use super::*;

    fn said(estate: &Estate, action: &str) -> (Answer, Option<PolicyName>) {
        let answered = answer(&estate.connect_facts(), action.parse().unwrap(), NOON);
        (answered.answer, answered.policy)
    }

    #[test]
    fn a_session_that_allows_less_can_be_asked_for_under_another_policy() {
        let shell = policy(1, "shell", Effect::Allow, Access::Standing);
        let mut files = policy(2, "files", Effect::Allow, Access::Request);
        files.obligations.capabilities = [Capability::SftpRead].into();
        files.obligations.checkout_seconds = Some(600);
        let estate = Estate::new().with(|e| e.policies = vec![shell, files.clone()]);
        assert_eq!(said(&estate, "connect"), (Answer::Allowed, Some(name("shell"))));
        assert_eq!(said(&estate, "shell"), (Answer::Allowed, Some(name("shell"))));
        assert_eq!(said(&estate, "sftp_read"), (Answer::OnRequest, Some(name("files"))));
        assert_eq!(said(&estate, "checkout"), (Answer::OnRequest, Some(name("files"))));
        assert_eq!(said(&estate, "agent"), (Answer::Refused, None));
        assert_eq!(said(&estate, "request"), (Answer::Allowed, Some(name("files"))));
        let granted = estate.with(|e| e.grants = vec![grant(1, &files)]);
        assert_eq!(said(&granted, "sftp_read"), (Answer::Allowed, Some(name("files"))));
        // The grant is used before what stands, and it does not allow a shell.
        assert_eq!(said(&granted, "shell"), (Answer::Refused, None));
        let old = granted.with(|e| e.mfa_at = None);
        assert_eq!(said(&old, "sftp_read"), (Answer::StepUp, Some(name("files"))));
    }

    #[test]
    fn an_unknown_action_is_told_the_known_ones() {
        let told = "sudo".parse::<Action>().unwrap_err();
        assert!(told.starts_with("`sudo` is not an action: choose one of connect, request, checkout, shell"), "{told}");
    }
}
