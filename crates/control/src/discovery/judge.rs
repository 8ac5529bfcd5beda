//! What a look at an asset means: findings are raised and resolved, the inventory is written.

use std::time::Duration;

use postern_connectors::{Coverage, Secret, Verdict, grant_of_name};
use postern_domain::account::AccountState;
use postern_domain::asset::Asset;
use postern_domain::discovery::{Observation, PasswordSight};
use postern_domain::event::Event;
use postern_domain::finding::{Facts, Finding, FindingKind, Known, Raised, Sharing, default_passwords, findings};
use postern_domain::user::UserState;
use postern_domain::{AccountName, FindingId, ScopePath, SecretText, Timestamp, UserName};
use postern_store::{StoredObservation, WriteTx};

use super::Way;
use crate::{Control, Error};

/// How exactly a target's clock and ours agree on when somebody signed in.
const SIGN_IN_LEEWAY: Duration = Duration::from_secs(120);

impl Control {
    /// Writes down what was seen on an asset and what is wrong with it.
    pub(super) async fn judge(&self, asset: &Asset, seen: &[Observation], coverage: &Coverage) -> Result<(), Error> {
        let mut tx = self.store().write(self.now()).await?;
        let before = tx.observations(&asset.id).await?;
        let open = tx.findings_unresolved(&asset.id).await?;
        let mut shared = Sharing::default();
        for (other, observation) in tx.observations_of_tenant(&asset.scope.tenant().to_string()).await? {
            if other != asset.name {
                shared.add(other.as_str(), &observation);
            }
        }
        for observation in seen {
            shared.add(asset.name.as_str(), observation);
        }
        let mut news = Vec::new();
        for observation in seen {
            let stored = before.iter().find(|stored| stored.seen.name == observation.name);
            let known = known(&mut tx, asset, observation, stored).await?;
            let facts = Facts {
                seen: observation,
                before: (!before.is_empty())
                    .then(|| stored.filter(|stored| stored.gone_at.is_none()).map(|stored| &stored.seen)),
                before_at: before.iter().map(|stored| stored.seen_at).max(),
                known: &known,
                shared: &shared,
                asset: asset.name.as_str(),
                now: tx.now(),
            };
            let raised = findings(facts);
            tx.observation_put(&asset.id, observation).await?;
            resolve(&mut tx, &open, &observation.name, &raised).await?;
            for one in &raised {
                let id = FindingId::generate(tx.now(), postern_vault::random::bytes());
                if tx.finding_raise(&id, &asset.id, &observation.name, one).await? {
                    news.push(event(&tx, asset, &observation.name, one));
                }
            }
        }
        if coverage.is_complete() {
            tx.observations_gone(&asset.id).await?;
            let is_gone = |finding: &&Finding| seen.iter().all(|observation| observation.name != finding.account);
            for finding in open.iter().filter(is_gone) {
                tx.finding_resolve(&finding.id).await?;
            }
        }
        self.commit(tx, &news).await?;
        Ok(())
    }

    /// Tries on each account the password that everybody knows for it, at most once ever: that it is tried
    /// is written down before.
    pub(super) async fn try_default_passwords(
        &self,
        asset: &Asset,
        way: &Way,
        seen: &[Observation],
    ) -> Result<(), Error> {
        let stored = self.store().read().await?.observations(&asset.id).await?;
        for observation in seen.iter().filter(|observation| observation.can_sign_in && !observation.locked) {
            let is_tried =
                stored.iter().any(|known| known.seen.name == observation.name && known.default_password_tried);
            let has_password = matches!(observation.password, PasswordSight::Set { .. } | PasswordSight::Unseen);
            let Some(password) = default_passwords(asset.platform, &observation.name).filter(|_| has_password) else {
                continue;
            };
            let Ok(name) = observation.name.parse::<AccountName>() else { continue };
            if is_tried {
                continue;
            }
            let mut tx = self.store().write(self.now()).await?;
            tx.default_password_try(&asset.id, &observation.name).await?;
            let tried = Event::done(
                tx.now(),
                Self::system(),
                "account.try_default",
                format!("{name}@{}", asset.name),
                asset.scope.clone(),
            );
            self.commit(tx, &[tried]).await?;
            let secret = Secret::Password(SecretText::new(password.to_owned()));
            if matches!(way.connector.verify(&way.target, &name, &secret).await, Verdict::Works) {
                let mut tx = self.store().write(self.now()).await?;
                tx.default_password_found(&asset.id, &observation.name, true).await?;
                let id = FindingId::generate(tx.now(), postern_vault::random::bytes());
                let raised = Raised {
                    kind: FindingKind::DefaultPassword,
                    severity: postern_domain::finding::Severity::Critical,
                    evidence: vec!["a password that everybody knows opened it".to_owned()],
                };
                tx.finding_raise(&id, &asset.id, &observation.name, &raised).await?;
                let news = event(&tx, asset, &observation.name, &raised);
                self.commit(tx, &[news]).await?;
            }
        }
        Ok(())
    }
}

fn event(tx: &WriteTx, asset: &Asset, account: &str, raised: &Raised) -> Event {
    self::raised(tx.now(), &format!("{account}@{}", asset.name), &asset.scope, raised)
}

/// The event that tells of a new finding.
pub(crate) fn raised(now: Timestamp, subject: &str, scope: &ScopePath, raised: &Raised) -> Event {
    let word = |value: serde_json::Result<serde_json::Value>| value.unwrap_or_default();
    Event::done(now, Control::system(), "finding.raise", subject, scope.clone())
        .with("kind", word(serde_json::to_value(raised.kind)))
        .with("severity", word(serde_json::to_value(raised.severity)))
}

/// What is no longer raised on an account is resolved, but for what tells of a change.
async fn resolve(tx: &mut WriteTx, open: &[Finding], account: &str, raised: &[Raised]) -> Result<(), Error> {
    for finding in open.iter().filter(|finding| finding.account == account && !finding.kind.is_event()) {
        if raised.iter().all(|one| one.kind != finding.kind) {
            tx.finding_resolve(&finding.id).await?;
        }
    }
    Ok(())
}

/// What Postern knows of an account besides what was seen.
async fn known(
    tx: &mut WriteTx,
    asset: &Asset,
    seen: &Observation,
    stored: Option<&StoredObservation>,
) -> Result<Known, Error> {
    let account = match seen.name.parse::<AccountName>() {
        Ok(name) => tx.account_on(&asset.id, &name).await?,
        Err(_) => None,
    };
    let said = stored.and_then(|stored| stored.owner.clone());
    let owner = account.as_ref().and_then(|account| account.owner.clone()).or(said);
    let secret_set_at = match &account {
        Some(account) => tx.secret_set_at(&account.id).await?,
        None => None,
    };
    let used_at_sign_in = match (&account, seen.last_sign_in_at) {
        // One that the last look saw too is told already.
        (Some(account), Some(at)) if stored.is_some_and(|stored| stored.seen.last_sign_in_at != Some(at)) => {
            tx.account_used_at(&account.id, &asset.id, at, SIGN_IN_LEEWAY).await?
        }
        _ => false,
    };
    Ok(Known {
        used_at_sign_in,
        is_managed: account
            .as_ref()
            .is_some_and(|account| matches!(account.state, AccountState::Managed | AccountState::Orphaned)),
        owner: match owner {
            Some(owner) => Some((owner.to_string(), is_active(tx, &owner).await?)),
            None => None,
        },
        secret_set_at,
        everyday: everyday(tx, &seen.name).await?,
        has_default_password: stored.is_some_and(|stored| stored.has_default_password),
        is_provisioned: grant_of_name(&seen.name).is_some(),
    })
}

/// The users for privileged work of the person whose everyday user an account is named after.
async fn everyday(tx: &mut WriteTx, account: &str) -> Result<Vec<UserName>, Error> {
    let Ok(name) = account.to_lowercase().parse::<UserName>() else { return Ok(Vec::new()) };
    let user = tx.user_by_name(&name).await?.filter(|user| user.state == UserState::Active);
    Ok(user.map(|user| user.profile.privileged_users).unwrap_or_default())
}

async fn is_active(tx: &mut WriteTx, name: &UserName) -> Result<bool, Error> {
    Ok(tx.user_by_name(name).await?.is_some_and(|user| user.state == UserState::Active))
}
