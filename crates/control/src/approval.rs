//! Answers to requests: by somebody else, of the groups that the policy names, as many as it asks for.

use std::collections::BTreeMap;

use postern_domain::event::{Event, Outcome};
use postern_domain::permission::{Authority, Permission};
use postern_domain::permit::{Manage, Permit};
use postern_domain::policy::{self, Decision, Policy, Reason};
use postern_domain::request::{Request, RequestState};
use postern_domain::user::User;
use postern_domain::{RequestId, ScopePath, Timestamp, UserId, UserName};
use postern_store::{NewApproval, ReadTx, StoredRequest, WriteTx};

use crate::facts::Facts;
use crate::request::{REASON_LEN_MAX, event_of, give, seen};
use crate::{Caller, Control, CredentialUsed, Error, authenticate, break_glass, shared, text, visible};

impl Control {
    /// Says yes to a request. The answer that completes what the policy asks for gives the grant,
    /// whose window begins at that moment.
    ///
    /// # Errors
    /// `Refused` when the caller may not answer it; `Conflict` when the policy has changed so that it
    /// has to be asked again.
    pub async fn request_approve(
        &self,
        caller: &Caller,
        _: &Permit<Manage>,
        id: &RequestId,
        reason: Option<&str>,
    ) -> Result<Request, Error> {
        let reason = text::words("reason", reason.unwrap_or_default(), REASON_LEN_MAX)?;
        self.answer(caller, id, true, &reason).await
    }

    /// Says no to a request, which closes it.
    ///
    /// # Errors
    /// `Refused` when the caller may not answer it; `Invalid` without a reason.
    pub async fn request_deny(
        &self,
        caller: &Caller,
        _: &Permit<Manage>,
        id: &RequestId,
        reason: &str,
    ) -> Result<Request, Error> {
        let reason = text::words("reason", reason, REASON_LEN_MAX)?;
        if reason.is_empty() {
            return Err(Error::invalid("reason", "say why not: who asked will read it"));
        }
        self.answer(caller, id, false, &reason).await
    }

    async fn answer(&self, caller: &Caller, id: &RequestId, approved: bool, reason: &str) -> Result<Request, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let stored = seen(&mut tx, caller, id, self.now()).await?;
        let request = &stored.request;
        if request.approvals.iter().any(|answer| answer.user == caller.user.name && answer.approved == approved) {
            return Ok(stored.request);
        }
        let all = match &stored.bundle {
            Some(bundle) => tx.requests_together(bundle).await?,
            None => vec![stored.clone()],
        };
        let mut events = Vec::new();
        for one in all.iter().filter(|one| one.request.state == RequestState::Pending || one.request.id == *id) {
            match self.answer_one(&mut tx, caller, one, approved, reason).await? {
                Ok(told) => events.extend(told),
                Err(reasons) => {
                    drop(tx);
                    return Err(self.refuse_answer(caller, &one.request, approved, reasons).await);
                }
            }
        }
        let answered = reread(&mut tx, id).await?;
        self.commit(tx, &events).await?;
        Ok(answered.request)
    }

    /// Answers one request; gives what the ledger is told, or why the caller may not.
    async fn answer_one(
        &self,
        tx: &mut WriteTx,
        caller: &Caller,
        stored: &StoredRequest,
        approved: bool,
        reason: &str,
    ) -> Result<Result<Vec<Event>, Vec<Reason>>, Error> {
        let (request, now) = (&stored.request, self.now());
        let id = &request.id;
        let capacity = match Approver::of(tx, caller, now).await?.capacity(tx, request).await? {
            Ok(capacity) => capacity,
            Err(reasons) => return Ok(Err(reasons)),
        };
        let absent = capacity.absent();
        if approved {
            for person in [Some(&caller.user), absent].into_iter().flatten() {
                if shared::made_by(tx, &request.user, person, now).await? {
                    return Ok(Err(vec![Reason::MadeByAsker]));
                }
                if request.sponsor.is_some() && made(tx, person, &request.user, now).await? {
                    return Ok(Err(vec![Reason::MadeByApprover]));
                }
            }
        }
        if let (true, Some(rule)) = (approved, &stored.obligations.break_glass)
            && let Some(policy) = tx.policy(&request.policy).await?
        {
            break_glass::factor(rule, caller, &policy.name, tx.now())?;
        }
        let given = Some(reason).filter(|reason| !reason.is_empty());
        let in_place_of = absent.map(|absent| &absent.id);
        let answer = NewApproval { user: &caller.user.id, approved, reason: given, in_place_of };
        tx.approval_insert(id, &answer).await?;
        let mut events = vec![answer_event(tx, caller, request, &answer, absent)];
        let answered = reread(tx, id).await?;
        if !approved {
            tx.request_close(id, RequestState::Denied).await?;
        } else if answered.request.awaited().is_none() {
            let current = still_asked(tx, stored).await?;
            tx.request_close(id, RequestState::Granted).await?;
            let stored = StoredRequest { obligations: current.obligations, ..stored.clone() };
            events.extend(give(tx, caller, &stored).await?);
        } else {
            tx.request_notice_at(id, answered.request.next_notice().map(|(at, _)| at)).await?;
        }
        Ok(Ok(events))
    }

    async fn refuse_answer(&self, caller: &Caller, request: &Request, approved: bool, reasons: Vec<Reason>) -> Error {
        let told: Vec<_> = reasons.iter().map(ToString::to_string).collect();
        let verb = if approved { "request.approve" } else { "request.deny" };
        let event = event_of(self.now(), caller, verb, request).outcome(Outcome::Refused).with("reasons", told);
        match self.note(event).await {
            Ok(()) => Error::Refused(reasons),
            Err(error) => error,
        }
    }
}

/// Whether `author` made the account of the user called `name`, or changed it, in the last day.
async fn made(tx: &mut WriteTx, author: &User, name: &UserName, now: Timestamp) -> Result<bool, Error> {
    match tx.user_by_name(name).await? {
        Some(asker) => shared::made_by(tx, &author.name, &asker, now).await,
        None => Ok(true),
    }
}

async fn reread(tx: &mut WriteTx, id: &RequestId) -> Result<StoredRequest, Error> {
    tx.request(id).await?.ok_or_else(|| Error::not_found("request", id))
}

/// What the ledger is told of an answer: both names, where it was given in somebody's place.
fn answer_event(
    tx: &WriteTx,
    caller: &Caller,
    request: &Request,
    answer: &NewApproval<'_>,
    absent: Option<&User>,
) -> Event {
    let verb = if answer.approved { "request.approve" } else { "request.deny" };
    let mut event = event_of(tx.now(), caller, verb, request);
    if let Some(awaited) = request.awaited().filter(|awaited| awaited.stages > 1) {
        event = event.with("stage", awaited.stage);
    }
    if let Some(absent) = absent {
        event = event.with("in_place_of", absent.name.as_str());
    }
    match answer.reason {
        Some(reason) => event.with("reason", reason),
        None => event,
    }
}

/// The policy as it is now, when it would still let this be asked, and of the same approvers. What
/// was tightened since then holds for the grant.
pub(crate) async fn still_asked(tx: &mut WriteTx, stored: &StoredRequest) -> Result<Policy, Error> {
    let request = &stored.request;
    let again = |why: &str| Error::Conflict(format!("{why} since this was asked: deny it and have it asked again"));
    let now = tx.now();
    let facts = Facts::of_account(tx, &stored.user, &stored.account, now).await?;
    let facts = facts.ok_or_else(|| again("the account or the person has changed"))?;
    if facts.user.state != postern_domain::user::UserState::Active {
        return Err(Error::Refused(vec![Reason::UserInactive]));
    }
    let current = facts.policies.iter().find(|policy| policy.id == request.policy);
    let current = current
        .filter(|policy| policy.allows() && policy::is_asked(policy, &facts.user))
        .filter(|policy| policy.concerns(&facts.user, &facts.account, &facts.asset))
        .ok_or_else(|| again("the policy has changed"))?;
    let obligations = policy::asked_of(current, &facts.user).into_owned();
    if obligations.approval != request.approval || request.duration_seconds > obligations.max_duration_seconds {
        return Err(again("the policy asks for more"));
    }
    Ok(Policy { obligations, ..current.clone() })
}

/// In which capacity somebody answers.
pub(crate) enum Capacity {
    /// For themselves.
    Own,
    /// In the place of somebody who is away.
    For(Box<User>),
}

impl Capacity {
    fn absent(&self) -> Option<&User> {
        match self {
            Self::Own => None,
            Self::For(absent) => Some(absent),
        }
    }
}

/// Somebody looking for what waits for their answer, by their own right or by that of people who are away. What
/// policies of a tenant see of each of them is kept.
pub(crate) struct Approver<'a> {
    caller: &'a Caller,
    now: Timestamp,
    absent: Vec<(UserId, Authority)>,
    by_tenant: BTreeMap<(UserId, ScopePath), Option<User>>,
}

impl<'a> Approver<'a> {
    /// A token carries nobody's rights but its owner's: by one, nobody stands in.
    pub(crate) async fn of(rows: &mut ReadTx, caller: &'a Caller, now: Timestamp) -> Result<Self, Error> {
        let mut absent = Vec::new();
        if matches!(caller.credential, CredentialUsed::Login(_)) {
            for id in rows.stood_in_for(&caller.user.id, now).await? {
                let Some(user) = rows.user(&id).await? else { continue };
                absent.push((id, authenticate::authority(rows, &user).await?));
            }
        }
        Ok(Self { caller, now, absent, by_tenant: BTreeMap::new() })
    }

    /// The scopes in which there may be something for them to answer.
    pub(crate) fn scopes(&self) -> Vec<ScopePath> {
        let absent = self.absent.iter().map(|(_, authority)| authority);
        [&self.caller.authority]
            .into_iter()
            .chain(absent)
            .flat_map(|held| held.scopes(Permission::RequestApprove))
            .collect()
    }

    /// Whether they may answer this one.
    pub(crate) async fn may_answer(&mut self, rows: &mut ReadTx, request: &Request) -> Result<bool, Error> {
        if request.state != RequestState::Pending || !self.scopes().iter().any(|scope| scope.contains(&request.scope)) {
            return Ok(false);
        }
        Ok(self.capacity(rows, request).await?.is_ok())
    }

    /// In which capacity they may answer this one: for themselves where they can. The reasons are those for which
    /// they cannot do so for themselves, or else in the place of the first who is away.
    pub(crate) async fn capacity(
        &mut self,
        rows: &mut ReadTx,
        request: &Request,
    ) -> Result<Result<Capacity, Vec<Reason>>, Error> {
        let holds = self.caller.authority.covers(Permission::RequestApprove, &request.scope);
        let Some(own) = self.seen(rows, &self.caller.user.id.clone(), request).await? else {
            return Ok(Err(vec![Reason::NotApprover]));
        };
        let mut reasons = match policy::may_approve(&own, holds, request, self.now) {
            Decision::Permit(_) => return Ok(Ok(Capacity::Own)),
            refused => refused.reasons().to_vec(),
        };
        for (id, holds) in self.held_by_absent(request) {
            let Some(absent) = self.seen(rows, &id, request).await? else { continue };
            match policy::may_stand_in(&own, &absent, holds, request, self.now) {
                Decision::Permit(_) => return Ok(Ok(Capacity::For(Box::new(absent)))),
                refused if reasons == [Reason::NotApprover] => reasons = refused.reasons().to_vec(),
                _ => {}
            }
        }
        Ok(Err(reasons))
    }

    fn held_by_absent(&self, request: &Request) -> Vec<(UserId, bool)> {
        let holds = |authority: &Authority| authority.covers(Permission::RequestApprove, &request.scope);
        self.absent.iter().map(|(id, authority)| (id.clone(), holds(authority))).collect()
    }

    async fn seen(&mut self, rows: &mut ReadTx, id: &UserId, request: &Request) -> Result<Option<User>, Error> {
        let key = (id.clone(), request.scope.tenant());
        if let Some(known) = self.by_tenant.get(&key) {
            return Ok(known.clone());
        }
        let user = visible::subject(rows, id, &key.1).await?;
        self.by_tenant.insert(key, user.clone());
        Ok(user)
    }
}
