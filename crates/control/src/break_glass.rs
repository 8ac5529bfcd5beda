//! Break-glass: what is written down when it is used, and the review that each use has to get.
//!
//! The offline tier is in `offline`.

use std::time::Duration;

use postern_domain::break_glass::{
    self, BreakGlassReview, BreakGlassRule, BreakGlassTier, BreakGlassUse, FACTOR_SECONDS_MAX, FactorMissing,
    FactorProved,
};
use postern_domain::event::{Event, Outcome};
use postern_domain::grant::Grant;
use postern_domain::permission::Permission;
use postern_domain::policy::Reason;
use postern_domain::{BreakGlassUseId, PolicyName, Timestamp};
use postern_store::{BreakGlassFilter, Listed, Listing, ReadTx, StoredRequest, WriteTx};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Caller, Control, Error, text, visible};

/// How often it is told that a use was not reviewed in time.
const RAISED_EVERY: Duration = Duration::from_secs(24 * 3600);
const BATCH_MAX: u32 = 100;
/// The longest review, in characters.
const REVIEW_LEN_MAX: usize = 2000;

/// What somebody found about a use.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UseReview {
    /// Whether it was an emergency, and what was done in it was called for.
    pub justified: bool,
    /// What was found; a no needs words, and so does a yes: what happened, and what will be done about it.
    pub text: String,
}

impl Control {
    /// Uses of break-glass that the caller may see, newest first: their own, those in scopes where they
    /// hold `request:read`, and those that they may review.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn break_glass_list(
        &self,
        caller: &Caller,
        open: bool,
        listing: &Listing,
    ) -> Result<Listed<BreakGlassUse>, Error> {
        let mut scopes = caller.authority.scopes(Permission::RequestRead);
        scopes.extend(caller.authority.scopes(Permission::RequestApprove));
        let mut rows = self.store().read().await?;
        let groups = rows.person(&caller.user.id).await?.map(|person| person.groups).unwrap_or_default();
        let reviewers = groups.into_iter().map(|(name, scope)| (name, scope.tenant())).collect();
        let filter = BreakGlassFilter { own: Some(caller.user.name.clone()), scopes, reviewers, open };
        Ok(rows.break_glass_uses(&filter, listing).await?)
    }

    /// One use that the caller may see.
    ///
    /// # Errors
    /// `NotFound` also when it is not theirs to see.
    pub async fn break_glass_show(&self, caller: &Caller, id: &BreakGlassUseId) -> Result<BreakGlassUse, Error> {
        seen(&mut self.store().read().await?, caller, id).await
    }

    /// Writes down what the caller found about somebody else's use.
    ///
    /// # Errors
    /// `Refused` when it is not theirs to review; `Invalid` without words; `Forbidden` for API tokens: a person
    /// reviews.
    pub async fn break_glass_review(
        &self,
        caller: &Caller,
        id: &BreakGlassUseId,
        input: &UseReview,
    ) -> Result<BreakGlassUse, Error> {
        caller.login()?;
        let said = text::words("text", &input.text, REVIEW_LEN_MAX)?;
        if said.is_empty() {
            return Err(Error::invalid("text", "say what you found: what happened, and what follows from it"));
        }
        let mut tx = self.store().write(self.now()).await?;
        let used = seen(&mut tx, caller, id).await?;
        let reviewer = visible::subject(&mut tx, &caller.user.id, &used.scope.tenant()).await?;
        let reviewer = reviewer.ok_or_else(|| Error::not_found("use of break-glass", id))?;
        let holds = caller.authority.covers(Permission::RequestApprove, &used.scope);
        let told = event_of(tx.now(), caller, "break_glass.review", &used);
        if let Err(reason) = break_glass::may_review(&reviewer, holds, &used) {
            drop(tx);
            self.note(told.outcome(Outcome::Refused).with("reasons", vec![reason.to_string()])).await?;
            return Err(Error::Refused(vec![reason]));
        }
        let review = BreakGlassReview {
            by: caller.user.name.clone(),
            at: tx.now(),
            justified: input.justified,
            text: said.clone(),
        };
        if !tx.break_glass_reviewed(id, &review).await? {
            return Err(Error::Refused(vec![Reason::ReviewedAlready]));
        }
        let reviewed = tx.break_glass_use(id).await?.ok_or_else(|| Error::not_found("use of break-glass", id))?;
        self.commit(tx, &[told.with("justified", input.justified).with("text", said)]).await?;
        Ok(reviewed)
    }

    /// Tells, once a day each, of uses that nobody has reviewed in time; gives how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn break_glass_raise(&self) -> Result<usize, Error> {
        let now = self.now();
        let since = now.before(RAISED_EVERY);
        if self.store().read().await?.break_glass_overdue(now, since, 1).await?.is_empty() {
            return Ok(0);
        }
        let mut tx = self.store().write(now).await?;
        let mut events = Vec::new();
        for used in tx.break_glass_overdue(now, since, BATCH_MAX).await? {
            tx.break_glass_raised(&used.id).await?;
            let event = Event::done(now, Self::system(), "break_glass.overdue", used.id.as_str(), used.scope.clone());
            events.push(about(event, &used).with("review_until", used.review_until.to_string()));
        }
        self.commit(tx, &events).await?;
        Ok(events.len())
    }

    /// How many uses wait for a review of the caller's, at most `limit`.
    pub(crate) async fn break_glass_to_review(&self, caller: &Caller, limit: u32) -> Result<usize, Error> {
        let page = postern_store::PageRequest { cursor: None, limit: Some(limit) };
        let open = self.break_glass_list(caller, true, &page.into()).await?.items;
        let mut rows = self.store().read().await?;
        let mut waiting = 0;
        for used in open {
            let reviewer = visible::subject(&mut rows, &caller.user.id, &used.scope.tenant()).await?;
            let holds = caller.authority.covers(Permission::RequestApprove, &used.scope);
            let theirs = reviewer.is_some_and(|user| break_glass::may_review(&user, holds, &used).is_ok());
            waiting += usize::from(theirs);
        }
        Ok(waiting)
    }
}

async fn seen(rows: &mut ReadTx, caller: &Caller, id: &BreakGlassUseId) -> Result<BreakGlassUse, Error> {
    let unknown = || Error::not_found("use of break-glass", id);
    let used = rows.break_glass_use(id).await?.ok_or_else(unknown)?;
    let reviewer = visible::subject(rows, &caller.user.id, &used.scope.tenant()).await?;
    let reviews = reviewer.is_some_and(|user| used.review_by.iter().any(|group| user.groups.contains(group)));
    let theirs = reviews
        || used.user == caller.user.name
        || caller.authority.covers(Permission::RequestRead, &used.scope)
        || caller.authority.covers(Permission::RequestApprove, &used.scope);
    if theirs { Ok(used) } else { Err(unknown()) }
}

/// What a grant under a policy of break-glass leaves behind: a use to be reviewed, and an event that is
/// told at once. Nothing for other grants.
pub(crate) async fn granted(tx: &mut WriteTx, stored: &StoredRequest, grant: &Grant) -> Result<Option<Event>, Error> {
    let Some(rule) = &stored.obligations.break_glass else { return Ok(None) };
    let (now, request) = (tx.now(), &stored.request);
    let used = BreakGlassUse {
        id: BreakGlassUseId::generate(now, postern_vault::random::bytes()),
        tier: BreakGlassTier::of(stored.obligations.approval.as_ref()),
        user: grant.user.clone(),
        identity: request.identity.clone(),
        target: grant.account.to_string(),
        scope: grant.scope.clone(),
        grant: Some(grant.id.clone()),
        incident: request.ticket.clone().unwrap_or_default(),
        reason: request.reason.clone(),
        review_by: rule.review_by.clone(),
        at: now,
        review_until: now.after(Duration::from_secs(rule.review_within.seconds())),
        review: None,
    };
    tx.break_glass_use_insert(&used).await?;
    let actor = postern_domain::event::Actor::User { name: used.user.to_string(), source: None };
    let event = Event::done(now, actor, "break_glass.use", used.target.as_str(), used.scope.clone());
    Ok(Some(about(event, &used).with("grant", grant.id.as_str()).with("ends_at", grant.ends_at.to_string())))
}

/// What is told of a use.
pub(crate) fn about(event: Event, used: &BreakGlassUse) -> Event {
    event
        .with("use", used.id.as_str())
        .with("tier", serde_json::json!(used.tier))
        .with("user", used.user.as_str())
        .with("incident", used.incident.as_str())
        .with("reason", used.reason.as_str())
}

fn event_of(now: Timestamp, caller: &Caller, action: &str, used: &BreakGlassUse) -> Event {
    about(Event::done(now, caller.actor(), action, used.target.as_str(), used.scope.clone()), used)
}

/// Whether the caller has proved who they are as freshly as break-glass wants of who approves it.
///
/// # Errors
/// `StepUp` or `Refused` with what is missing.
pub(crate) fn factor(rule: &BreakGlassRule, caller: &Caller, policy: &PolicyName, now: Timestamp) -> Result<(), Error> {
    let proved = FactorProved { at: caller.mfa_at, passkey: caller.passkey };
    match rule.satisfied(proved, now) {
        Ok(()) => Ok(()),
        Err(FactorMissing::Fresh) => Err(Error::StepUp { max_age_seconds: FACTOR_SECONDS_MAX }),
        Err(FactorMissing::Passkey) => Err(Error::Refused(vec![Reason::PasskeyRequired { policy: policy.clone() }])),
    }
}

#[cfg(test)]
mod tests;
