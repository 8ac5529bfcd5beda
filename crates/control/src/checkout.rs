//! Check-outs: the one way in which a person gets to see a secret. Under policy, exclusive, for a while,
//! and the secret is another one afterwards.

use postern_domain::checkout::{Checkout, CheckoutState};
use postern_domain::event::{Actor, Event, Outcome};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit, Reveal};
use postern_domain::policy::{self, Client, Decision, Reason};
use postern_domain::rotation::{RotationState, RotationTrigger};
use postern_domain::{AccountId, AccountRef, CheckoutId};
use postern_store::{CheckoutFilter, Listed, Listing, WriteTx};
use postern_vault::random;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::facts::Facts;
use crate::request::REASON_LEN_MAX;
use crate::{Caller, Control, Error, text};

/// How many are ended in one go.
const ENDED_MAX: u32 = 100;

/// A wish to check a secret out.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckoutInput {
    /// Of which account.
    pub account: AccountRef,
    /// Why; the ledger keeps it.
    pub reason: String,
}

/// A secret that is checked out, shown once.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct CheckedOut {
    /// The check-out.
    pub checkout: Checkout,
    /// The secret: a password, or a private key in OpenSSH's form.
    pub secret: String,
}

impl Control {
    /// Checks the secret of an account out, for as long as policy lets.
    ///
    /// # Errors
    /// `Refused` with the reasons, `StepUp` where a fresh second factor is wanted, `Conflict` while
    /// somebody has it or it is being changed.
    pub async fn checkout(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        input: &CheckoutInput,
    ) -> Result<CheckedOut, Error> {
        let reason = text::line("reason", &input.reason, REASON_LEN_MAX)?;
        let now = self.now();
        let mut tx = self.store().write(now).await?;
        let facts = Facts::of_reference(&mut tx, &caller.user.id, &input.account, now).await?;
        let Some(facts) = facts.filter(|facts| permit.covers(&facts.asset.scope)) else {
            drop(tx);
            return Err(self.checkout_refused(caller, input, None, vec![Reason::NoPolicy]).await);
        };
        let reveal = match policy::checkout(&facts.connect(caller.source, caller.mfa_at).by(Client::Api), now) {
            Decision::Permit(reveal) => reveal,
            Decision::StepUp { max_age_seconds, .. } => return Err(Error::StepUp { max_age_seconds }),
            Decision::Deny(reasons) => {
                drop(tx);
                return Err(self.checkout_refused(caller, input, Some(&facts), reasons).await);
            }
        };
        self.free(&mut tx, &facts).await?;
        let current = tx.secret_current(&facts.account.id).await?;
        let current = current
            .filter(|secret| secret.kind == facts.account.credential)
            .ok_or_else(|| Error::Unavailable(format!("the vault holds no secret for {}", input.account)))?;
        let checkout = opened(&facts, &reveal, reason, current.version, now);
        tx.checkout_insert(&checkout, &caller.user.id, &facts.account.id).await?;
        // Opened before it is committed that it was, so that a damaged one is not said to have been shown;
        // given away after.
        let secret = self.opened(&current)?;
        let event = Event::done(now, caller.actor(), "checkout.open", checkout.id.as_str(), checkout.scope.clone())
            .with("account", input.account.to_string())
            .with("policy", reveal.action().policy_name.as_str())
            .with("version", current.version)
            .with("until", checkout.ends_at.to_string())
            .with("reason", checkout.reason.as_str());
        self.commit(tx, &[event]).await?;
        tracing::warn!(account = %input.account, user = %caller.user.name, "a secret is checked out");
        Ok(CheckedOut { checkout, secret: secret.expose().to_owned() })
    }

    /// Whether nobody has it and it is not being changed.
    async fn free(&self, tx: &mut WriteTx, facts: &Facts) -> Result<(), Error> {
        let reference = facts.reference();
        if let Some(open) = tx.checkout_open(&facts.account.id).await? {
            return Err(Error::Conflict(format!("{reference} is checked out by {} until {}", open.user, open.ends_at)));
        }
        if facts.account.rotation.state.is_some_and(RotationState::touched) {
            return Err(Error::Conflict(format!("the secret of {reference} is being changed: try again in a moment")));
        }
        Ok(())
    }

    /// Gives a secret back: one's own, or another's where the caller holds `rotation:write`. The secret is
    /// changed.
    ///
    /// # Errors
    /// `NotFound` where it is not theirs to give back.
    pub async fn checkin(&self, caller: &Caller, id: &CheckoutId) -> Result<Checkout, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let found = tx.checkout(id).await?.filter(|(checkout, _)| {
            checkout.user == caller.user.name || caller.authority.covers(Permission::RotationWrite, &checkout.scope)
        });
        let (checkout, account) = found.ok_or_else(|| Error::not_found("check-out", id))?;
        if checkout.state != CheckoutState::Open {
            return Ok(checkout);
        }
        let events = self.checkout_ends(&mut tx, &checkout, &account, CheckoutState::CheckedIn, caller.actor()).await?;
        let ended = tx.checkout(id).await?.map(|(checkout, _)| checkout);
        self.commit(tx, &events).await?;
        ended.ok_or_else(|| Error::not_found("check-out", id))
    }

    /// The caller's own check-outs, and those in the scopes where they hold `checkout:read`.
    ///
    /// # Errors
    /// When it cannot be sorted by that, or the cursor is not one of ours.
    pub async fn checkout_list(
        &self,
        caller: &Caller,
        open: bool,
        q: Option<String>,
        listing: &Listing,
    ) -> Result<Listed<Checkout>, Error> {
        let scopes = caller.authority.scopes(Permission::CheckoutRead);
        let filter = CheckoutFilter { own: caller.user.id.clone(), scopes, open, q };
        Ok(self.store().read().await?.checkouts(&filter, listing).await?)
    }

    /// Ends the check-outs whose time or whose right is over. To be called every second or so; gives how
    /// many it ended.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn expire_checkouts(&self) -> Result<usize, Error> {
        let now = self.now();
        if self.store().read().await?.checkouts_over(now, 1).await?.is_empty() {
            return Ok(0);
        }
        let mut tx = self.store().write(now).await?;
        let mut events = Vec::new();
        let over = tx.checkouts_over(now, ENDED_MAX).await?;
        for (checkout, account) in &over {
            let by = Self::system();
            events.extend(self.checkout_ends(&mut tx, checkout, account, CheckoutState::Expired, by).await?);
        }
        self.commit(tx, &events).await?;
        Ok(over.len())
    }

    /// Ends a check-out, and has the secret changed.
    pub(crate) async fn checkout_ends(
        &self,
        tx: &mut WriteTx,
        checkout: &Checkout,
        account: &AccountId,
        state: CheckoutState,
        by: Actor,
    ) -> Result<Vec<Event>, Error> {
        let (rotation, planned) = self.rotation_follows(tx, account, RotationTrigger::Checkin).await?;
        tx.checkout_end(&checkout.id, state, rotation.as_ref()).await?;
        let verb = if state == CheckoutState::Expired { "checkout.expire" } else { "checkout.close" };
        let ended = Event::done(tx.now(), by, verb, checkout.id.as_str(), checkout.scope.clone())
            .with("account", checkout.account.to_string())
            .with("user", checkout.user.as_str());
        Ok(vec![ended, planned])
    }

    /// Writes a refusal down; gives it.
    async fn checkout_refused(
        &self,
        caller: &Caller,
        input: &CheckoutInput,
        facts: Option<&Facts>,
        reasons: Vec<Reason>,
    ) -> Error {
        let scope = facts.map_or_else(|| caller.user.scope.clone(), |facts| facts.asset.scope.clone());
        let told: Vec<_> = reasons.iter().map(ToString::to_string).collect();
        let event = Event::done(self.now(), caller.actor(), "checkout.open", input.account.to_string(), scope)
            .outcome(Outcome::Refused)
            .with("reasons", told);
        match self.note(event).await {
            Ok(()) => Error::Refused(reasons),
            Err(error) => error,
        }
    }
}

fn opened(
    facts: &Facts,
    reveal: &Permit<Reveal>,
    reason: String,
    version: u32,
    now: postern_domain::Timestamp,
) -> Checkout {
    let Reveal { policy, grant, until, .. } = reveal.action();
    Checkout {
        id: CheckoutId::generate(now, random::bytes()),
        user: facts.user.name.clone(),
        account: facts.reference(),
        scope: facts.asset.scope.clone(),
        policy: policy.clone(),
        grant: grant.clone(),
        reason,
        version,
        state: CheckoutState::Open,
        opened_at: now,
        ends_at: *until,
        ended_at: None,
        rotation: None,
    }
}

#[cfg(test)]
mod tests;
