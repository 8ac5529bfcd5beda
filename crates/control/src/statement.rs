//! Statements that a rule speaks of: alerts and refusals, and those that wait until somebody has said
//! yes. They wait in this process, as long as the session that asks does.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use postern_domain::event::{Event, Outcome};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::policy::{self, StatementAction};
use postern_domain::{AccountRef, ScopePath, SessionId, StatementId, Timestamp, UserName, person};
use postern_gateway::{StatementAnswer, StatementEvent};
use postern_vault::random;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::{Caller, Control, Error};

/// How long a statement waits.
const WAITS_MAX: Duration = Duration::from_secs(600);
/// How many may wait at once.
const WAITING_MAX: usize = 1000;
const REASON_LEN_MAX: usize = 500;

/// A statement that waits until somebody has said yes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaitingStatement {
    /// Identifier.
    pub id: StatementId,
    /// The session that it belongs to.
    pub session: SessionId,
    /// Who wants to run it.
    pub user: UserName,
    /// Their everyday user, where this is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<UserName>,
    /// On what.
    pub account: AccountRef,
    /// The scope, which is the asset's.
    pub scope: ScopePath,
    /// The rule that makes it wait.
    pub rule: String,
    /// Its text, as it is recorded, and its parameters.
    pub text: String,
    /// Since when it waits.
    pub asked_at: Timestamp,
    /// When it is refused if nobody has answered.
    pub expires_at: Timestamp,
}

impl WaitingStatement {
    fn person(&self) -> &UserName {
        person::of(&self.user, self.identity.as_ref())
    }
}

/// What somebody says to it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatementDecision {
    /// What there is to say about it; whoever asked reads it.
    #[serde(default)]
    pub reason: Option<String>,
}

struct Waiting {
    statement: WaitingStatement,
    answer: oneshot::Sender<StatementAnswer>,
}

/// The statements that wait in this process.
#[derive(Default)]
pub(crate) struct WaitingStatements(Mutex<BTreeMap<StatementId, Waiting>>);

impl WaitingStatements {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<StatementId, Waiting>> {
        // Entries are put in and taken out whole; a panic cannot leave one half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a statement out when nobody waits for its answer any more.
struct Leaves<'a>(&'a WaitingStatements, StatementId);

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.0.lock().remove(&self.1);
    }
}

impl Control {
    /// Writes down that a rule spoke of a statement.
    ///
    /// # Errors
    /// When it cannot be written, or the session is over.
    pub(crate) async fn statement_noted(&self, session: &SessionId, seen: &StatementEvent) -> Result<(), Error> {
        let (verb, outcome) = match seen.action {
            StatementAction::Allow => return Ok(()),
            StatementAction::Alert => ("statement.alert", Outcome::Done),
            StatementAction::Ask => ("statement.ask", Outcome::Done),
            StatementAction::Block | StatementAction::Terminate => ("statement.block", Outcome::Refused),
        };
        let event = self.statement_fact(session, verb, seen)?.outcome(outcome);
        self.note(event).await
    }

    fn statement_fact(&self, session: &SessionId, verb: &str, seen: &StatementEvent) -> Result<Event, Error> {
        let live = self.live().get(session).ok_or_else(|| Error::Conflict("the session is over".to_owned()))?;
        let event = Event::done(self.now(), Self::system(), verb, session.as_str(), live.scope)
            .with("user", live.user_name.as_str())
            .with("account", live.account_ref.to_string())
            .with("rule", seen.rule.as_str());
        Ok(match &seen.shape {
            Some(shape) => event.with("statement", shape.as_str()),
            None => event,
        })
    }

    /// Lets a statement wait until somebody has decided on it.
    ///
    /// # Errors
    /// When that it waits cannot be written down, or too many wait.
    pub(crate) async fn statement_wait(
        &self,
        session: &SessionId,
        seen: StatementEvent,
    ) -> Result<StatementAnswer, Error> {
        let live = self.live().get(session).ok_or_else(|| Error::Conflict("the session is over".to_owned()))?;
        let now = self.now();
        let id = StatementId::generate(now, random::bytes());
        let statement = WaitingStatement {
            id: id.clone(),
            session: session.clone(),
            user: live.user_name,
            identity: live.identity,
            account: live.account_ref,
            scope: live.scope,
            rule: seen.rule.clone(),
            text: seen.text.clone(),
            asked_at: now,
            expires_at: now.after(WAITS_MAX),
        };
        let event = self.statement_fact(session, "statement.ask", &seen)?.with("statement_id", id.as_str());
        self.note(event).await?;
        let (answer, answered) = oneshot::channel();
        {
            let mut waiting = self.waiting_statements().lock();
            if waiting.len() >= WAITING_MAX {
                return Err(Error::Unavailable(format!("{WAITING_MAX} statements wait already")));
            }
            waiting.insert(id.clone(), Waiting { statement, answer });
        }
        let leaves = Leaves(self.waiting_statements(), id.clone());
        let answer = tokio::time::timeout(WAITS_MAX, answered).await;
        drop(leaves);
        if let Ok(Ok(answer)) = answer {
            return Ok(answer);
        }
        let event = self.statement_fact(session, "statement.expire", &seen)?.with("statement_id", id.as_str());
        self.note(event).await?;
        Ok(StatementAnswer::Denied(format!("nobody has decided on it within {} minutes", WAITS_MAX.as_secs() / 60)))
    }

    /// The statements that wait: the caller's own, and those that they may decide on.
    #[must_use]
    pub fn statement_list(&self, caller: &Caller) -> Vec<WaitingStatement> {
        let may_see = |statement: &WaitingStatement| {
            statement.user == caller.user.name || caller.authority.covers(Permission::RequestApprove, &statement.scope)
        };
        let waiting = self.waiting_statements().lock();
        waiting.values().map(|waiting| &waiting.statement).filter(|statement| may_see(statement)).cloned().collect()
    }

    /// How many of them wait for the caller's answer.
    pub(crate) fn statements_to_decide(&self, caller: &Caller) -> usize {
        let decides = |statement: &WaitingStatement| {
            let holds = caller.authority.covers(Permission::RequestApprove, &statement.scope);
            policy::may_decide_statement(&caller.user, holds, statement.person()).is_ok()
        };
        self.waiting_statements().lock().values().filter(|waiting| decides(&waiting.statement)).count()
    }

    /// Says yes or no to a statement that waits.
    ///
    /// # Errors
    /// `NotFound` when it does not wait (any more) or is not the caller's to see, `Refused` when it is
    /// their own.
    pub async fn statement_decide(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        id: &StatementId,
        approved: bool,
        decision: &StatementDecision,
    ) -> Result<WaitingStatement, Error> {
        let reason = decision.reason.as_deref().unwrap_or_default().trim();
        if reason.chars().count() > REASON_LEN_MAX || reason.chars().any(char::is_control) {
            return Err(Error::invalid("reason", format!("give one line of at most {REASON_LEN_MAX} characters")));
        }
        let found = self.waiting_statements().lock().get(id).map(|waiting| waiting.statement.clone());
        let statement = found
            .filter(|statement| permit.covers(&statement.scope) || statement.user == caller.user.name)
            .ok_or_else(|| Error::not_found("statement", id))?;
        let verb = if approved { "statement.approve" } else { "statement.deny" };
        let event = Event::done(self.now(), caller.actor(), verb, id.as_str(), statement.scope.clone())
            .with("session", statement.session.as_str())
            .with("user", statement.user.as_str())
            .with("account", statement.account.to_string())
            .with("rule", statement.rule.as_str())
            .with("reason", reason);
        let holds = permit.covers(&statement.scope);
        if let Err(why) = policy::may_decide_statement(&caller.user, holds, statement.person()) {
            self.note(event.outcome(Outcome::Refused).with("reasons", why.to_string())).await?;
            return Err(Error::Refused(vec![why]));
        }
        self.note(event).await?;
        let waiting = self.waiting_statements().lock().remove(id);
        let waiting = waiting.ok_or_else(|| Error::not_found("statement", id))?;
        let by = caller.user.name.clone();
        let answer = if approved {
            StatementAnswer::Approved { by }
        } else {
            let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
            StatementAnswer::Denied(format!("{by} said no{why}"))
        };
        // The session may have ended in this moment.
        let _ = waiting.answer.send(answer);
        Ok(statement)
    }
}
