//! Grants: looking at them, and ending them early.

use postern_domain::GrantId;
use postern_domain::event::Event;
use postern_domain::grant::{Grant, GrantState};
use postern_domain::permission::Permission;
use postern_store::{GrantFilter, Listed, Listing, ReadTx, WriteTx};

use crate::request::REASON_LEN_MAX;
use crate::{Caller, Control, Error, text};

/// Which grants are wanted.
#[derive(Clone, Debug, Default)]
pub struct GrantWanted {
    /// In this state only.
    pub state: Option<GrantState>,
    /// The caller's own only.
    pub mine: bool,
    /// A part of the account's name with its asset's, or of whose it is.
    pub q: Option<String>,
}

impl Control {
    /// The caller's own grants, and, unless only those are wanted, all in the scopes where they hold
    /// `request:read`; newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn grant_list(
        &self,
        caller: &Caller,
        wanted: &GrantWanted,
        listing: &Listing,
    ) -> Result<Listed<Grant>, Error> {
        let scopes = if wanted.mine { Vec::new() } else { caller.authority.scopes(Permission::RequestRead) };
        let own = Some(caller.user.id.clone());
        let filter = GrantFilter { own, scopes, state: wanted.state, q: wanted.q.clone() };
        Ok(self.store().read().await?.grants(&filter, self.now(), listing).await?)
    }

    /// One grant that the caller may see.
    ///
    /// # Errors
    /// `NotFound` also when it is not theirs to see.
    pub async fn grant_show(&self, caller: &Caller, id: &GrantId) -> Result<Grant, Error> {
        self.grant_seen(&mut self.store().read().await?, caller, id).await
    }

    /// Ends a grant early: one's own, or one that lies where the caller holds `grant:revoke`. Its
    /// live sessions end with it.
    ///
    /// # Errors
    /// `NotFound` when it is not theirs to see, `Forbidden` when it is not theirs to end.
    pub async fn grant_revoke(&self, caller: &Caller, id: &GrantId, reason: &str) -> Result<Grant, Error> {
        let reason = text::words("reason", reason, REASON_LEN_MAX)?;
        let mut tx = self.store().write(self.now()).await?;
        let grant = self.grant_seen(&mut tx, caller, id).await?;
        let own = grant.user == caller.user.name;
        if !own && !caller.authority.covers(Permission::GrantRevoke, &grant.scope) {
            let scope = &grant.scope;
            return Err(Error::Forbidden(format!("this needs the permission grant:revoke in {scope}")));
        }
        if reason.is_empty() {
            return Err(Error::invalid("reason", "say why: the ledger keeps it"));
        }
        if matches!(grant.state, GrantState::Revoked | GrantState::Expired) {
            return Ok(grant);
        }
        let event = revoke(&mut tx, &grant, &reason).await?;
        let now = tx.now();
        let revoked = tx.grant(id, now).await?.ok_or_else(|| Error::not_found("grant", id))?;
        self.commit(tx, &[Event { actor: caller.actor(), ..event }]).await?;
        Ok(revoked)
    }

    async fn grant_seen(&self, rows: &mut ReadTx, caller: &Caller, id: &GrantId) -> Result<Grant, Error> {
        let seen = |grant: &Grant| {
            grant.user == caller.user.name
                || caller.authority.covers(Permission::RequestRead, &grant.scope)
                || caller.authority.covers(Permission::GrantRevoke, &grant.scope)
        };
        rows.grant(id, self.now()).await?.filter(seen).ok_or_else(|| Error::not_found("grant", id))
    }
}

/// Ends a grant; gives the event, by Postern itself unless said otherwise.
pub(crate) async fn revoke(tx: &mut WriteTx, grant: &Grant, reason: &str) -> Result<Event, Error> {
    tx.grant_revoke(&grant.id, reason).await?;
    Ok(Event::done(tx.now(), Control::system(), "grant.revoke", grant.id.as_str(), grant.scope.clone())
        .with("user", grant.user.as_str())
        .with("account", grant.account.to_string())
        .with("reason", reason))
}

#[cfg(test)]
mod tests;
