//! Zero standing privilege: what policy says a session needs is made on the target before it opens and
//! taken away after it. That it will be is written down first; it is tried for ever, and what is left over
//! nevertheless is found by the names that such things have.

use std::time::Duration;

use postern_connectors::{Entitlement, Outcome as Became, Provision, Provisioned, Secret, SudoRule, grant_name};
use postern_domain::account::CredentialKind;
use postern_domain::event::{Event, Outcome};
use postern_domain::permit::{Connect, Manage, Permit};
use postern_domain::provision::{ProvisionRule, ProvisionState, Provisioning};
use postern_domain::secret_rules::SecretRules;
use postern_domain::{AccountName, AssetId, GrantId, IntentId, ProvisionId, SessionId, Timestamp};
use postern_gateway::Credential;
use postern_store::{ClaimedProvision, Intent, NewProvision, Page, PageRequest, WriteTx};
use postern_vault::random;
use serde::{Deserialize, Serialize};

use crate::acting::reconciler;
use crate::facts::Facts;
use crate::{Control, Error, certificate, keys};

/// The action under which something is made on a target.
const MAKE: &str = "provision.make";
/// How long making something may take, and taking it away.
const WORK_MAX: Duration = Duration::from_secs(60);
const LEASE: Duration = Duration::from_secs(90);
/// When something is taken away of which nobody ever said that it is there.
const UNHEARD_MAX: Duration = Duration::from_secs(120);
/// The first and the longest pause before it is tried again to take something away.
const PAUSE_MIN: Duration = Duration::from_secs(5);
const PAUSE_MAX: Duration = Duration::from_secs(3600);
/// How often an asset is looked at for what was left over.
const INVENTORY_EVERY: Duration = Duration::from_secs(6 * 3600);
/// How soon it is looked at after something was made and nobody knows whether it was.
const INVENTORY_SOON: Duration = Duration::from_secs(300);
const INVENTORIES_AT_ONCE: u32 = 10;

/// What takes something away again, as it is stored.
#[derive(Serialize, Deserialize)]
struct Placed {
    grant: GrantId,
    account: Option<AccountName>,
    group: Option<String>,
    expires_at: Option<Timestamp>,
}

impl Placed {
    fn text(provisioned: &Provisioned) -> String {
        let Provisioned { grant, account, group, .. } = provisioned.clone();
        // When it ends is not what it is: the same thing found again is the same.
        let placed = Self { grant, account, group, expires_at: None };
        serde_json::to_string(&placed).unwrap_or_default()
    }

    fn read(text: &str) -> Result<Provisioned, Error> {
        let Self { grant, account, group, expires_at } = serde_json::from_str(text)
            .map_err(|_| Error::Unavailable("what was made on a target is written down damaged".to_owned()))?;
        Ok(Provisioned { grant, account, group, expires_at })
    }
}

/// What a session is opened with in place of what the vault holds.
pub(crate) struct Made {
    /// As whom.
    pub(crate) account: AccountName,
    /// With what; none where the account asked for is used with its own secret.
    pub(crate) credential: Option<Credential>,
}

impl Control {
    /// Makes what policy asks for a session, after having written down that it will be taken away.
    ///
    /// # Errors
    /// When it cannot be made. What was made nevertheless is taken away when the session is ended.
    pub(crate) async fn provision_for(
        &self,
        session: &SessionId,
        facts: &Facts,
        right: &Connect,
        rule: &ProvisionRule,
    ) -> Result<Made, Error> {
        let now = self.now();
        let grant = GrantId::generate(now, random::bytes());
        let (what, made) = self.entitlement(facts, rule, &grant).await?;
        let mut rows = self.store().read().await?;
        let by = reconciler(&mut rows, &facts.asset).await?.ok_or_else(|| {
            let asset = &facts.asset.name;
            Error::Unavailable(format!(
                "policy asks for something to be made on {asset}, which has no reconcile account"
            ))
        })?;
        let (target, connector) = (self.target_of(&mut rows, &facts.asset).await?, self.connector_of(&facts.asset)?);
        let login = self.login_of(&mut rows, &by).await?;
        drop(rows);
        let provision = Provision { grant, what, expires_at: right.until };
        let id = self.provision_planned(session, facts, right, rule, &provision).await?;
        let became = tokio::time::timeout(WORK_MAX, connector.provision(&target, &login, &provision)).await;
        let failed = match became {
            Ok(Became::Applied(provisioned)) => return self.provision_made(&id, facts, &provisioned, made).await,
            Ok(Became::NotApplied(failure) | Became::Unknown(failure)) => failure.detail,
            Err(_) => "the target did not answer in time".to_owned(),
        };
        let mut tx = self.store().write(self.now()).await?;
        tx.intent_resolve(MAKE, id.as_str(), "failed").await?;
        let soon = tx.now().after(INVENTORY_SOON);
        tx.inventory_at(&facts.asset.id, soon).await?;
        let event =
            provision_event(tx.now(), MAKE, &id, facts).outcome(Outcome::Failed).with("detail", failed.as_str());
        self.commit(tx, &[event]).await?;
        Err(Error::Unavailable(format!("what policy asks for cannot be made on {}: {failed}", facts.asset.name)))
    }

    /// What is made, and what the session is opened with.
    async fn entitlement(
        &self,
        facts: &Facts,
        rule: &ProvisionRule,
        grant: &GrantId,
    ) -> Result<(Entitlement, Made), Error> {
        let as_root = |commands: &[String]| SudoRule { run_as: "root".to_owned(), commands: commands.to_vec() };
        let itself = || Made { account: facts.account.name.clone(), credential: None };
        match rule {
            ProvisionRule::Sudo { commands } => {
                let account = facts.account.name.clone();
                Ok((Entitlement::Sudo { account, rule: as_root(commands) }, itself()))
            }
            ProvisionRule::Membership { group } => {
                let account = facts.account.name.clone();
                Ok((Entitlement::Membership { account, group: group.clone() }, itself()))
            }
            ProvisionRule::Account { member_of, sudo } => {
                let name = grant_name(grant).map_err(|error| Error::Unavailable(error.to_string()))?;
                let (secret, credential) = self.fresh(facts, &name).await?;
                let sudo = (!sudo.is_empty()).then(|| as_root(sudo));
                let what = Entitlement::Account { secret, member_of: member_of.clone(), sudo };
                Ok((what, Made { account: name, credential: Some(credential) }))
            }
        }
    }

    /// What proves an account that is made for one session, and exists nowhere else.
    async fn fresh(&self, facts: &Facts, name: &AccountName) -> Result<(Secret, Credential), Error> {
        let connector = self.connector_of(&facts.asset)?;
        match connector.secret_rules(CredentialKind::SshKey) {
            Some(_) => {
                let key = keys::openssh(&keys::ed25519(&random::bytes())?)?;
                let credential = if facts.account.credential == CredentialKind::SshCertificate {
                    // The asset trusts certificates: the account need not have a file of keys.
                    let authority = self.ssh_key(keys::OwnKey::SshUserCa).await?;
                    let sources = &self.settings().ssh_sources;
                    let (key, certificate) = certificate::for_work(&authority, name, sources, self.now())?;
                    Credential::SshCertificate { key, certificate }
                } else {
                    Credential::SshKey(key.clone())
                };
                Ok((Secret::SshKey(key), credential))
            }
            None => {
                let Some(SecretRules::Password(rules)) = connector.secret_rules(CredentialKind::Password) else {
                    let asset = &facts.asset.name;
                    return Err(Error::Unavailable(format!("accounts cannot be made on {asset}")));
                };
                let password = rules.generate(|| {
                    let [byte] = random::bytes();
                    byte
                });
                Ok((Secret::Password(password.clone()), Credential::Password(password)))
            }
        }
    }

    async fn provision_planned(
        &self,
        session: &SessionId,
        facts: &Facts,
        right: &Connect,
        rule: &ProvisionRule,
        provision: &Provision,
    ) -> Result<ProvisionId, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let now = tx.now();
        let id = ProvisionId::generate(now, random::bytes());
        let new = NewProvision {
            id: id.clone(),
            account: Some(facts.account.id.clone()),
            asset: facts.asset.id.clone(),
            reference: facts.reference().to_string(),
            scope: facts.asset.scope.clone(),
            grant: provision.grant.clone(),
            rule: Some(rule.clone()),
            placed: Placed::text(&provision.placed(None)),
            state: ProvisionState::Provisioning,
            expires_at: right.until,
            next_at: now.after(UNHEARD_MAX),
        };
        tx.provision_insert(&new).await?;
        tx.provision_used(&id, session).await?;
        tx.intent_insert(&Intent {
            id: IntentId::generate(now, random::bytes()),
            action: MAKE.to_owned(),
            target: id.to_string(),
            scope: new.scope.clone(),
        })
        .await?;
        let mut event = provision_event(now, MAKE, &id, facts)
            .outcome(Outcome::Intent)
            .with("session", session.as_str())
            .with("named", provision.grant.as_str())
            .with("what", serde_json::json!(rule))
            .with("until", right.until.to_string());
        if let Some(grant) = &right.grant {
            event = event.with("grant", grant.as_str());
        }
        self.commit(tx, &[event]).await?;
        Ok(id)
    }

    async fn provision_made(
        &self,
        id: &ProvisionId,
        facts: &Facts,
        provisioned: &Provisioned,
        made: Made,
    ) -> Result<Made, Error> {
        let mut tx = self.store().write(self.now()).await?;
        if !tx.provision_active(id, &Placed::text(provisioned)).await? {
            return Err(Error::Unavailable("what was made took too long and is being taken away again".to_owned()));
        }
        tx.intent_resolve(MAKE, id.as_str(), "done").await?;
        let mut event = provision_event(tx.now(), MAKE, id, facts);
        if let Some(at) = provisioned.expires_at {
            event = event.with("target_ends_it_at", at.to_string());
        }
        self.commit(tx, &[event]).await?;
        Ok(made)
    }

    /// Takes one thing away that is to be. Gives whether there was one.
    ///
    /// # Errors
    /// When the database fails or the vault is sealed.
    pub async fn provision_take_away(&self) -> Result<bool, Error> {
        if self.vault().status().sealed {
            return Err(Error::Sealed);
        }
        let now = self.now();
        let mut tx = self.store().write(now).await?;
        let Some(claimed) = tx.provision_claim(now.after(LEASE)).await? else { return Ok(false) };
        tx.commit_upkeep().await?;
        let became = match self.take_away(&claimed).await {
            Err(Error::Sealed) => return Err(Error::Sealed),
            Err(error) => Err(error.to_string()),
            Ok(became) => became,
        };
        let mut tx = self.store().write(self.now()).await?;
        let pause = PAUSE_MIN.saturating_mul(1_u32 << claimed.attempts.min(12)).min(PAUSE_MAX);
        let next_at = tx.now().after(pause);
        let saved = match &became {
            Ok(()) => Ok(()),
            Err(why) => Err((why.as_str(), next_at)),
        };
        if !tx.provision_save(&claimed, saved).await? {
            return Ok(true);
        }
        let event = Event::done(
            tx.now(),
            Self::system(),
            "provision.revoke",
            claimed.reference.as_str(),
            claimed.scope.clone(),
        )
        .with("provision", claimed.id.as_str())
        .with("attempt", claimed.attempts);
        match became {
            Ok(()) => {
                self.commit(tx, &[event]).await?;
            }
            Err(why) if claimed.attempts == 1 => {
                tracing::error!(provision = %claimed.id, why, "what was made on a target is still there");
                self.commit(tx, &[event.outcome(Outcome::Failed).with("detail", why)]).await?;
            }
            Err(_) => tx.commit_upkeep().await?,
        }
        Ok(true)
    }

    async fn take_away(&self, claimed: &ClaimedProvision) -> Result<Result<(), String>, Error> {
        let mut rows = self.store().read().await?;
        let Some(asset) = rows.asset(&claimed.asset).await? else { return Ok(Ok(())) };
        let Some(by) = reconciler(&mut rows, &asset).await? else {
            return Ok(Err(format!("{} has no reconcile account that can be used", asset.name)));
        };
        let (target, connector) = (self.target_of(&mut rows, &asset).await?, self.connector_of(&asset)?);
        let login = self.login_of(&mut rows, &by).await?;
        drop(rows);
        let provisioned = Placed::read(&claimed.placed)?;
        let became = tokio::time::timeout(WORK_MAX, connector.revoke(&target, &login, &provisioned)).await;
        Ok(match became {
            Ok(Became::Applied(())) => Ok(()),
            Ok(Became::NotApplied(failure) | Became::Unknown(failure)) => Err(failure.detail),
            Err(_) => Err("the target did not answer in time".to_owned()),
        })
    }

    /// Looks at the assets that are due for what was left over, and sees to it that it is taken away.
    /// Gives how much it found.
    ///
    /// # Errors
    /// When the database fails or the vault is sealed.
    pub async fn provision_inventories(&self) -> Result<usize, Error> {
        if self.vault().status().sealed {
            return Err(Error::Sealed);
        }
        let now = self.now();
        let mut found = 0;
        loop {
            // Each is due later once it has been looked at.
            let due = self.store().read().await?.inventories_due(now, INVENTORIES_AT_ONCE).await?;
            if due.is_empty() {
                return Ok(found);
            }
            for asset in &due {
                match self.inventory(asset).await {
                    Err(Error::Sealed) => return Err(Error::Sealed),
                    Err(error) => {
                        tracing::warn!(%asset, error = &error as &dyn std::error::Error, "an asset cannot be looked at");
                    }
                    Ok(left) => found += left,
                }
            }
        }
    }

    /// Looks at one asset now.
    pub(crate) async fn inventory(&self, asset: &AssetId) -> Result<usize, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let next_at = tx.now().after(INVENTORY_EVERY);
        tx.inventory_at(asset, next_at).await?;
        tx.commit_upkeep().await?;
        let mut rows = self.store().read().await?;
        let Some(asset) = rows.asset(asset).await? else { return Ok(0) };
        let Some(by) = reconciler(&mut rows, &asset).await? else {
            return Err(Error::Unavailable(format!("{} has no reconcile account that can be used", asset.name)));
        };
        let (target, connector) = (self.target_of(&mut rows, &asset).await?, self.connector_of(&asset)?);
        let login = self.login_of(&mut rows, &by).await?;
        drop(rows);
        let listed = tokio::time::timeout(WORK_MAX, connector.list_provisioned(&target, &login)).await;
        let there = match listed {
            Ok(Ok(there)) => there,
            Ok(Err(failure)) => return Err(Error::Unavailable(failure.detail)),
            Err(_) => return Err(Error::Unavailable(format!("{} did not answer in time", asset.name))),
        };
        // What is there was written down before it was made: what was written down is looked at after.
        let mut tx = self.store().write(self.now()).await?;
        let now = tx.now();
        let known = tx.provisions_on(&asset.id).await?;
        let left: Vec<_> = there.iter().filter(|one| !known.contains(&Placed::text(one))).collect();
        let mut events = Vec::new();
        for one in &left {
            let name = grant_name(&one.grant).map_err(|error| Error::Unavailable(error.to_string()))?;
            let new = NewProvision {
                id: ProvisionId::generate(now, random::bytes()),
                account: None,
                asset: asset.id.clone(),
                reference: format!("{name}@{}", asset.name),
                scope: asset.scope.clone(),
                grant: one.grant.clone(),
                rule: None,
                placed: Placed::text(one),
                state: ProvisionState::Revoking,
                expires_at: now,
                next_at: now,
            };
            tx.provision_insert(&new).await?;
            tracing::error!(found = new.reference, "something that was made for a session is left over");
            events.push(
                Event::done(now, Self::system(), "provision.leftover", new.reference, asset.scope.clone())
                    .outcome(Outcome::Failed)
                    .with("provision", new.id.as_str()),
            );
        }
        match events.as_slice() {
            [] => tx.commit_upkeep().await?,
            events => {
                self.commit(tx, events).await?;
                self.0.work.notify_waiters();
            }
        }
        Ok(left.len())
    }

    /// What was made in the permit's scopes, newest first; only what is not known to be gone where wanted.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn provision_list(
        &self,
        permit: &Permit<Manage>,
        live: bool,
        page: &PageRequest,
    ) -> Result<Page<Provisioning>, Error> {
        Ok(self.store().read().await?.provisions(&permit.action().scopes, live, page).await?)
    }
}

/// What a session stood on is taken away with its end, which is written down already.
pub(crate) async fn session_over(tx: &mut WriteTx, session: &SessionId) -> Result<(), Error> {
    if let Some(provision) = tx.provision_of(session).await? {
        tx.provision_revoke(&provision).await?;
    }
    Ok(())
}

fn provision_event(now: Timestamp, action: &str, id: &ProvisionId, facts: &Facts) -> Event {
    Event::done(now, Control::system(), action, id.as_str(), facts.asset.scope.clone())
        .with("account", facts.reference().to_string())
}

#[cfg(test)]
mod tests;
