//! Answers to requests: by somebody else, of the groups that the policy names, as many as it asks for.

use std::collections::BTreeMap;

use postern_domain::event::Outcome;
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::policy::{self, Access, Decision, Policy, Reason};
use postern_domain::request::{Request, RequestState};
use postern_domain::user::User;
use postern_domain::{RequestId, ScopePath, Timestamp};
use postern_store::{ReadTx, StoredRequest, WriteTx};

use crate::facts::Facts;
use crate::request::{REASON_LEN_MAX, event_of, grant, seen};
use crate::{Caller, Control, Error, shared, text, visible};

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
        permit: &Permit<Manage>,
        id: &RequestId,
        reason: Option<&str>,
    ) -> Result<Request, Error> {
        let reason = text::words("reason", reason.unwrap_or_default(), REASON_LEN_MAX)?;
        self.answer(caller, permit, id, true, &reason).await
    }

    /// Says no to a request, which closes it.
    ///
    /// # Errors
    /// `Refused` when the caller may not answer it; `Invalid` without a reason.
    pub async fn request_deny(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        id: &RequestId,
        reason: &str,
    ) -> Result<Request, Error> {
        let reason = text::words("reason", reason, REASON_LEN_MAX)?;
        if reason.is_empty() {
            return Err(Error::invalid("reason", "say why not: who asked will read it"));
        }
        self.answer(caller, permit, id, false, &reason).await
    }

    async fn answer(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        id: &RequestId,
        approved: bool,
        reason: &str,
    ) -> Result<Request, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let stored = seen(&mut tx, caller, id).await?;
        let request = &stored.request;
        if request.approvals.iter().any(|answer| answer.user == caller.user.name && answer.approved == approved) {
            return Ok(stored.request);
        }
        let approver = visible::subject(&mut tx, &caller.user.id, &request.scope.tenant()).await?;
        let approver = approver.ok_or_else(|| Error::not_found("request", id))?;
        if let Decision::Deny(reasons) =
            policy::may_approve(&approver, permit.covers(&request.scope), request, tx.now())
        {
            drop(tx);
            return Err(self.refuse_answer(caller, request, approved, reasons).await);
        }
        if approved && shared::made_by(&mut tx, &request.user, &approver, self.now()).await? {
            drop(tx);
            return Err(self.refuse_answer(caller, request, approved, vec![Reason::MadeByAsker]).await);
        }
        let given = Some(reason).filter(|reason| !reason.is_empty());
        tx.approval_insert(id, &approver.id, approved, given).await?;
        let verb = if approved { "request.approve" } else { "request.deny" };
        let mut event = event_of(tx.now(), caller, verb, request);
        if let Some(reason) = given {
            event = event.with("reason", reason);
        }
        let mut events = vec![event];
        if !approved {
            tx.request_close(id, RequestState::Denied).await?;
        } else if is_complete(request) {
            let current = still_asked(&mut tx, &stored).await?;
            tx.request_close(id, RequestState::Granted).await?;
            let stored = StoredRequest { obligations: current.obligations, ..stored.clone() };
            events.push(grant(&mut tx, caller, &stored).await?);
        }
        let answered = tx.request(id).await?.ok_or_else(|| Error::not_found("request", id))?;
        self.commit(tx, &events).await?;
        Ok(answered.request)
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

/// Whether one more yes is all that is missing.
fn is_complete(request: &Request) -> bool {
    let wanted = request.approval.as_ref().map_or(1, |rule| usize::from(rule.count.max(1)));
    request.approvals.iter().filter(|answer| answer.approved).count() + 1 >= wanted
}

/// The policy as it is now, when it would still let this be asked, and of the same approvers. What
/// was tightened since then holds for the grant.
async fn still_asked(tx: &mut WriteTx, stored: &StoredRequest) -> Result<Policy, Error> {
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
        .filter(|policy| policy.allows() && policy.access == Access::Request)
        .filter(|policy| policy.concerns(&facts.user, &facts.account, &facts.asset))
        .ok_or_else(|| again("the policy has changed"))?;
    let obligations = &current.obligations;
    if obligations.approval != request.approval || request.duration_seconds > obligations.max_duration_seconds {
        return Err(again("the policy asks for more"));
    }
    Ok(current.clone())
}

/// Somebody looking for what waits for their answer. What policies of a tenant see of them is kept.
pub(crate) struct Approver<'a> {
    caller: &'a Caller,
    now: Timestamp,
    by_tenant: BTreeMap<ScopePath, Option<User>>,
}

impl<'a> Approver<'a> {
    pub(crate) fn new(caller: &'a Caller, now: Timestamp) -> Self {
        Self { caller, now, by_tenant: BTreeMap::new() }
    }

    /// Whether they may answer this one.
    pub(crate) async fn may_answer(&mut self, rows: &mut ReadTx, request: &Request) -> Result<bool, Error> {
        if request.state != RequestState::Pending
            || !self.caller.authority.covers(Permission::RequestApprove, &request.scope)
        {
            return Ok(false);
        }
        let tenant = request.scope.tenant();
        if !self.by_tenant.contains_key(&tenant) {
            let user = visible::subject(rows, &self.caller.user.id, &tenant).await?;
            self.by_tenant.insert(tenant.clone(), user);
        }
        let Some(Some(user)) = self.by_tenant.get(&tenant) else { return Ok(false) };
        Ok(matches!(policy::may_approve(user, true, request, self.now), Decision::Permit(_)))
    }
}
