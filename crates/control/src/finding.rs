//! Findings, the inventory, and what is done about them.

use std::time::Duration;

use postern_connectors::Outcome as Became;
use postern_domain::account::{AccountState, CredentialKind};
use postern_domain::asset::Asset;
use postern_domain::discovery::Inventory;
use postern_domain::event::{Event, Outcome};
use postern_domain::finding::{Finding, FindingKind};
use postern_domain::permit::{Manage, Permit};
use postern_domain::{AccountId, AccountName, AssetName, FindingId, Timestamp, UserName};
use postern_store::{AccountFields, FindingFilter, Listed, Listing, WriteTx};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Caller, Control, Error, text, visible};

/// Who is to answer for an account.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnerInput {
    /// The person; it may be left out where an account is adopted.
    pub owner: Option<UserName>,
}

/// For how long a finding is accepted, and why.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    /// Until when; at most a year ahead.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
}

/// What is done about a finding on its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindingAction {
    /// The account is locked.
    Disable,
    /// The account is taken away.
    Remove,
}

impl Control {
    /// The inventory in the permit's scopes.
    ///
    /// # Errors
    /// When it cannot be sorted by that, or the cursor is not one of ours.
    pub async fn inventory_list(
        &self,
        permit: &Permit<Manage>,
        asset: Option<&AssetName>,
        listing: &Listing,
    ) -> Result<Listed<Inventory>, Error> {
        Ok(self.store().read().await?.inventory(&permit.action().scopes, asset, listing).await?)
    }

    /// Findings in the permit's scopes.
    ///
    /// # Errors
    /// When it cannot be sorted by that, or the cursor is not one of ours.
    pub async fn finding_list(
        &self,
        permit: &Permit<Manage>,
        filter: &FindingFilter,
        listing: &Listing,
    ) -> Result<Listed<Finding>, Error> {
        Ok(self.store().read().await?.findings(&permit.action().scopes, filter, listing).await?)
    }

    /// One finding.
    ///
    /// # Errors
    /// `NotFound` also where the caller may not know of it.
    pub async fn finding_show(&self, permit: &Permit<Manage>, id: &FindingId) -> Result<Finding, Error> {
        let found = self.store().read().await?.finding(id).await?.filter(|finding| permit.covers(&finding.scope));
        found.ok_or_else(|| Error::not_found("finding", id))
    }

    /// Has Postern govern the account from now on. Its secret is set by the next rotation, or stored by
    /// hand.
    ///
    /// # Errors
    /// When the account's name cannot be one, or the finding lies outside the permit.
    pub async fn finding_adopt(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        id: &FindingId,
        input: OwnerInput,
    ) -> Result<Finding, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let (finding, asset) = found(&mut tx, permit, id).await?;
        let name = account_name(&finding)?;
        let owner = owner(&mut tx, input.owner.as_ref()).await?;
        match tx.account_on(&asset.id, &name).await? {
            Some(account) => {
                let fields = AccountFields { credential: account.credential, owner, state: AccountState::Managed };
                tx.account_update(&account.id, &fields).await?;
            }
            None => {
                let fields =
                    AccountFields { credential: CredentialKind::Password, owner, state: AccountState::Managed };
                let account = AccountId::generate(tx.now(), postern_vault::random::bytes());
                tx.account_insert(&account, &asset.id, &name, &fields).await?;
            }
        }
        resolve(&mut tx, &asset, &finding, &[FindingKind::Unmanaged, FindingKind::Orphaned]).await?;
        let event = event(&tx, caller, "account.adopt", &finding);
        self.commit(tx, &[event]).await?;
        self.finding_show(permit, id).await
    }

    /// Says who answers for the account.
    ///
    /// # Errors
    /// When the person is not known, or the finding lies outside the permit.
    pub async fn finding_own(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        id: &FindingId,
        input: OwnerInput,
    ) -> Result<Finding, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let (finding, asset) = found(&mut tx, permit, id).await?;
        let owner = owner(&mut tx, input.owner.as_ref()).await?;
        if let Ok(name) = account_name(&finding)
            && let Some(account) = tx.account_on(&asset.id, &name).await?
        {
            let fields = AccountFields { credential: account.credential, owner: owner.clone(), state: account.state };
            tx.account_update(&account.id, &fields).await?;
        }
        tx.observation_own(&asset.id, &finding.account, owner.as_ref()).await?;
        resolve(&mut tx, &asset, &finding, &[FindingKind::Orphaned]).await?;
        let name = input.owner.map(|name| name.to_string());
        let event = event(&tx, caller, "account.own", &finding).with("owner", name);
        self.commit(tx, &[event]).await?;
        self.finding_show(permit, id).await
    }

    /// Accepts a finding for a time.
    ///
    /// # Errors
    /// When the time is past or too far ahead, no reason is given, or it lies outside the permit.
    pub async fn finding_accept(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        id: &FindingId,
        input: Acceptance,
    ) -> Result<Finding, Error> {
        let now = self.now();
        if input.until <= now || input.until > now.after(ACCEPTED_MAX) {
            return Err(Error::invalid("until", "give a time between now and a year ahead".to_owned()));
        }
        let reason = text::line("reason", &input.reason, REASON_LEN_MAX)?;
        let mut tx = self.store().write(now).await?;
        let finding = tx.finding(id).await?.ok_or_else(|| Error::not_found("finding", id))?;
        visible::within(permit, &finding.scope)?;
        tx.finding_accept(id, caller.user.name.as_str(), input.until, &reason).await?;
        let event = event(&tx, caller, "finding.accept", &finding)
            .with("until", input.until.to_string())
            .with("reason", reason);
        self.commit(tx, &[event]).await?;
        self.finding_show(permit, id).await
    }

    /// Locks the account on its target, or takes it away there. That it is about to be done is written down
    /// before, and how it came out after.
    ///
    /// # Errors
    /// When the platform cannot, the target refuses, or the finding lies outside the permit.
    pub async fn finding_act(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        id: &FindingId,
        action: FindingAction,
    ) -> Result<Finding, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let (finding, asset) = found(&mut tx, permit, id).await?;
        let name = account_name(&finding)?;
        let verb = match action {
            FindingAction::Disable => "account.disable",
            FindingAction::Remove => "account.remove",
        };
        let intent = event(&tx, caller, verb, &finding).outcome(Outcome::Intent);
        self.commit(tx, &[intent]).await?;
        let way = self.way_to(&asset).await?;
        if way.login.account == name {
            return Err(Error::Conflict(
                "that is the account that looks: choose another discovery account first".into(),
            ));
        }
        let became = match action {
            FindingAction::Disable => way.connector.disable(&way.target, &way.login, &name).await,
            FindingAction::Remove => way.connector.remove(&way.target, &way.login, &name).await,
        };
        let mut tx = self.store().write(self.now()).await?;
        let done = event(&tx, caller, verb, &finding);
        let failure = match became {
            Became::Applied(()) => {
                tx.finding_resolve(&finding.id).await?;
                self.commit(tx, &[done]).await?;
                return self.finding_show(permit, id).await;
            }
            Became::NotApplied(failure) => {
                let event = done.outcome(Outcome::Failed).with("failure", failure.detail.as_str());
                self.commit(tx, &[event]).await?;
                failure
            }
            Became::Unknown(failure) => {
                let event = done.outcome(Outcome::Unknown).with("failure", failure.detail.as_str());
                self.commit(tx, &[event]).await?;
                failure
            }
        };
        Err(Error::Unavailable(format!(
            "{}: {}; nothing is certain until the next discovery",
            asset.name, failure.detail
        )))
    }
}

/// The finding, with the asset whose account it is about.
async fn found(tx: &mut WriteTx, permit: &Permit<Manage>, id: &FindingId) -> Result<(Finding, Asset), Error> {
    let unknown = || Error::not_found("finding", id);
    let finding = tx.finding(id).await?.ok_or_else(unknown)?;
    visible::within(permit, &finding.scope)?;
    if let Some(host) = &finding.host {
        let message = format!("{} is a host, no account: postern discover adopt {} --name NAME", host.address, host.id);
        return Err(Error::Conflict(message));
    }
    if let Some(user) = &finding.user {
        let message = format!("{user} is a user of Postern, no account: take away what they hold, or accept it");
        return Err(Error::Conflict(message));
    }
    let name = finding.asset.as_ref().ok_or_else(unknown)?;
    let asset = tx.asset_in_tenant(&finding.scope.tenant(), name).await?.ok_or_else(unknown)?;
    Ok((finding, asset))
}

fn account_name(finding: &Finding) -> Result<AccountName, Error> {
    finding.account.parse().map_err(|error: postern_domain::InvalidName| Error::invalid("account", error.to_string()))
}

async fn owner(tx: &mut WriteTx, name: Option<&UserName>) -> Result<Option<postern_domain::UserId>, Error> {
    let Some(name) = name else { return Ok(None) };
    match tx.user_by_name(name).await? {
        Some(user) => Ok(Some(user.id)),
        None => Err(Error::invalid("owner", format!("user `{name}` does not exist"))),
    }
}

/// Resolves what was dealt with on the finding's account, among these kinds and the finding itself if it is
/// of one.
async fn resolve(tx: &mut WriteTx, asset: &Asset, finding: &Finding, kinds: &[FindingKind]) -> Result<(), Error> {
    for open in tx.findings_unresolved(&asset.id).await? {
        if open.account == finding.account && kinds.contains(&open.kind) {
            tx.finding_resolve(&open.id).await?;
        }
    }
    Ok(())
}

fn event(tx: &WriteTx, caller: &Caller, action: &str, finding: &Finding) -> Event {
    Event::done(tx.now(), caller.actor(), action, finding.subject(), finding.scope.clone())
        .with("finding", finding.id.to_string())
}

/// How long a finding can be accepted for.
const ACCEPTED_MAX: Duration = Duration::from_secs(366 * 86_400);
const REASON_LEN_MAX: usize = 1000;
