//! The facts that a decision on access rests on, gathered from the database.

use std::net::IpAddr;

use postern_domain::account::Account;
use postern_domain::asset::Asset;
use postern_domain::grant::Grant;
use postern_domain::policy::{ConnectFacts, Policy, Subject, Target};
use postern_domain::risk::{Risk, RiskLevel, weigh_use};
use postern_domain::user::User;
use postern_domain::{AccountId, AccountRef, Timestamp, UserId};
use postern_store::{Person, ReadTx};

use crate::{Control, Error, visible};

/// Everything that policy is asked about: who, what, under which policies and grants.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The person, with the groups that belong to the target's tenant or to the root.
    pub user: User,
    /// The account.
    pub account: Account,
    /// Its asset.
    pub asset: Asset,
    /// Every policy whose scope contains the asset's.
    pub policies: Vec<Policy>,
    /// The person's grants for the account, ended ones included.
    pub grants: Vec<Grant>,
    /// How many sessions of theirs to the account are live.
    pub live_sessions: u32,
    /// How risky the use is, where a policy that concerns it has a condition on that.
    pub risk: Option<Risk>,
}

impl Facts {
    /// What the person wants to use, as they call it.
    #[must_use]
    pub fn reference(&self) -> AccountRef {
        AccountRef { account: self.account.name.clone(), asset: self.asset.name.clone() }
    }

    /// The same as policy takes it, for somebody who comes from `source` and last proved a second
    /// factor at `mfa_at`.
    #[must_use]
    pub fn connect(&self, source: IpAddr, mfa_at: Option<Timestamp>) -> ConnectFacts<'_> {
        ConnectFacts {
            subject: Subject { user: &self.user, source, mfa_at, client: None, risk: self.level() },
            target: Target { account: &self.account, asset: &self.asset },
            policies: (&self.policies).into(),
            grants: &self.grants,
            live_sessions: self.live_sessions,
        }
    }

    /// How risky the use is; high where nobody looked.
    pub(crate) fn level(&self) -> RiskLevel {
        level(self.risk.as_ref())
    }

    /// Weighs the use again, as what was known at `asked`, for a use from `begins` on.
    pub(crate) async fn weigh(&mut self, rows: &mut ReadTx, asked: Timestamp, begins: Timestamp) -> Result<(), Error> {
        let Self { user, account, asset, policies, .. } = self;
        self.risk = risk_of(rows, policies, user, (account, asset), asked, begins).await?;
        Ok(())
    }

    /// The facts on an account by its name: in the person's own tenant first; elsewhere when it is
    /// the only one, or the only one that a policy gives them. None when there is none such.
    pub(crate) async fn of_reference(
        rows: &mut ReadTx,
        user: &UserId,
        reference: &AccountRef,
        now: Timestamp,
    ) -> Result<Option<Self>, Error> {
        match rows.person(user).await? {
            Some(person) => Self::of_person(rows, &person, reference, now).await,
            None => Ok(None),
        }
    }

    /// The same, for somebody who has been looked up.
    pub(crate) async fn of_person(
        rows: &mut ReadTx,
        person: &Person,
        reference: &AccountRef,
        now: Timestamp,
    ) -> Result<Option<Self>, Error> {
        let own = person.user.scope.tenant();
        let mut found = Vec::new();
        for asset in rows.assets_named(&reference.asset, std::slice::from_ref(&person.user.scope)).await? {
            let Some(account) = rows.account_on(&asset.id, &reference.account).await? else { continue };
            let first = asset.scope.tenant() == own;
            found.push(Self::of(rows, person, account, asset, now).await?);
            if first {
                return Ok(found.pop());
            }
        }
        if found.len() > 1 {
            found.retain(|facts| facts.policies.iter().any(|p| p.concerns(&facts.user, &facts.account, &facts.asset)));
        }
        Ok(if found.len() == 1 { found.pop() } else { None })
    }

    /// The facts on an account by its identifier.
    pub(crate) async fn of_account(
        rows: &mut ReadTx,
        user: &UserId,
        account: &AccountId,
        now: Timestamp,
    ) -> Result<Option<Self>, Error> {
        let Some(found) = rows.account(account).await? else { return Ok(None) };
        let Some(asset) = rows.account_asset(account).await? else { return Ok(None) };
        let Some(asset) = rows.asset(&asset).await? else { return Ok(None) };
        let Some(person) = rows.person(user).await? else { return Ok(None) };
        Self::of(rows, &person, found, asset, now).await.map(Some)
    }

    async fn of(
        rows: &mut ReadTx,
        person: &Person,
        account: Account,
        asset: Asset,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let user = visible::seen_by(person, &asset.scope.tenant());
        let policies = rows.policies_over(&asset.scope).await?;
        let grants = rows.grants_for(&user.id, &account.id, now).await?;
        let live_sessions = rows.sessions_open_of(&user.id, &account.id).await?;
        let risk = risk_of(rows, &policies, &user, (&account, &asset), now, now).await?;
        Ok(Self { user, account, asset, policies, grants, live_sessions, risk })
    }
}

/// A risk as policy takes it; high where nobody looked.
pub(crate) fn level(risk: Option<&Risk>) -> RiskLevel {
    risk.map_or(RiskLevel::High, |risk| risk.level)
}

/// How risky it is that somebody uses an account from `begins` on, as what was known at `asked`; none where no
/// policy that concerns it has a condition on that.
pub(crate) async fn risk_of(
    rows: &mut ReadTx,
    policies: &[Policy],
    user: &User,
    (account, asset): (&Account, &Asset),
    asked: Timestamp,
    begins: Timestamp,
) -> Result<Option<Risk>, Error> {
    let matters = |policy: &Policy| policy.conditions.risk.is_some() && policy.concerns(user, account, asset);
    if !policies.iter().any(matters) {
        return Ok(None);
    }
    Ok(Some(weigh_use(&rows.risk_facts(&user.id, &account.id, asked, begins).await?)))
}

impl Control {
    /// The facts on opening a session to an account by its name. None where the account does not
    /// exist or the person may not know of it: to be refused as one that no policy gives.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn connect_facts(&self, user: &UserId, account: &AccountRef) -> Result<Option<Facts>, Error> {
        Facts::of_reference(&mut self.store().read().await?, user, account, self.now()).await
    }

    /// The facts on going on with a session that is live since `opened_at`. Its risk is what it was then, with
    /// what has been found and alerted since: that a session goes on makes nothing usual or unusual.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session_facts(
        &self,
        user: &UserId,
        account: &AccountId,
        opened_at: Timestamp,
    ) -> Result<Option<Facts>, Error> {
        let mut rows = self.store().read().await?;
        let mut facts = Facts::of_account(&mut rows, user, account, self.now()).await?;
        if let Some(facts) = facts.as_mut().filter(|facts| facts.risk.is_some()) {
            facts.weigh(&mut rows, opened_at, opened_at).await?;
        }
        Ok(facts)
    }

    /// A person's grants for an account, as they stand now; ended ones included.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn grants_for(&self, user: &UserId, account: &AccountId) -> Result<Vec<Grant>, Error> {
        Ok(self.store().read().await?.grants_for(user, account, self.now()).await?)
    }
}

#[cfg(test)]
mod tests;
