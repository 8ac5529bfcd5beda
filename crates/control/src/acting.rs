//! Acting on a target: how it is reached, what it is known by, and as whom.

use std::sync::Arc;

use postern_connectors::{Connector, Limits, Login, Secret, Settings, Target, Trust};
use postern_domain::account::{Account, AccountState, CredentialKind};
use postern_domain::asset::{Asset, HostKeyState, split_address};
use postern_domain::rotation::{RotationSetting, RotationState};
use postern_domain::{AccountId, SecretText};
use postern_store::{ReadTx, SealedSecret};

use crate::{Control, Error, certificate, keys};

/// An account with its asset and all that is needed to act on it.
#[derive(Clone)]
pub(crate) struct Acting {
    pub(crate) account: Account,
    pub(crate) asset: Asset,
    /// What holds for the asset's accounts.
    pub(crate) setting: RotationSetting,
    /// The asset's reconcile accounts that can be used now, the preferred one first.
    pub(crate) repairers: Vec<Account>,
    pub(crate) target: Target,
    pub(crate) connector: Arc<dyn Connector>,
}

impl Acting {
    /// The account that repairs this one: never this one.
    pub(crate) fn repairer(&self) -> Option<&Account> {
        self.repairers.iter().find(|repairer| repairer.id != self.account.id)
    }

    /// As people call it.
    pub(crate) fn reference(&self) -> String {
        format!("{}@{}", self.account.name, self.asset.name)
    }
}

impl Control {
    /// What is needed to act on an account; none where the account is gone.
    ///
    /// # Errors
    /// When its platform has no connector or its address cannot be used.
    pub(crate) async fn acting(&self, rows: &mut ReadTx, account: &AccountId) -> Result<Option<Acting>, Error> {
        let Some(account) = rows.account(account).await? else { return Ok(None) };
        let Some(asset) = rows.account_asset(&account.id).await? else { return Ok(None) };
        let Some(asset) = rows.asset(&asset).await? else { return Ok(None) };
        let setting = rows.asset_rotation(&asset.id).await?;
        let repairers = repairers(rows, &asset, &setting).await?;
        let target = self.target_of(rows, &asset).await?;
        let connector = self.connector_of(&asset)?;
        Ok(Some(Acting { account, asset, setting, repairers, target, connector }))
    }

    /// The connector of an asset's platform.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn connector_of(&self, asset: &Asset) -> Result<Arc<dyn Connector>, Error> {
        self.connectors().of(asset.platform).cloned().ok_or_else(|| {
            let platform = serde_json::to_value(asset.platform).unwrap_or_default();
            let platform = platform.as_str().unwrap_or_default().to_owned();
            Error::Unavailable(format!("postern cannot change anything on the platform {platform} of {}", asset.name))
        })
    }

    /// How an asset is reached, and what it is known by: what an administrator has pinned and nothing else.
    ///
    /// # Errors
    /// When its address cannot be used.
    pub(crate) async fn target_of(&self, rows: &mut ReadTx, asset: &Asset) -> Result<Target, Error> {
        let (host, port) = split_address(&asset.address).map_err(|error| Error::Unavailable(error.to_string()))?;
        let host_keys = rows
            .host_keys(&asset.id)
            .await?
            .into_iter()
            .filter(|key| key.state == HostKeyState::Pinned)
            .map(|key| key.public_key)
            .collect();
        let told = rows.asset_connector(&asset.id).await?;
        // What the gate knows the asset by serves its connector too, unless that is told something else.
        let certificates = match told.certificates.trim() {
            "" => asset.server_ca.clone().unwrap_or_default(),
            _ => told.certificates,
        };
        Ok(Target {
            host: host.to_owned(),
            port,
            trust: Trust { host_keys, certificates },
            settings: Settings(told.settings),
            limits: Limits::default(),
        })
    }

    /// As an account, with what the vault holds for it.
    ///
    /// # Errors
    /// When the vault holds nothing that it is proved by, or is sealed.
    pub(crate) async fn login_of(&self, rows: &mut ReadTx, account: &Account) -> Result<Login, Error> {
        let secret = match account.credential {
            CredentialKind::SshCertificate => {
                let authority = self.ssh_key(keys::OwnKey::SshUserCa).await?;
                let (key, certificate) =
                    certificate::for_work(&authority, &account.name, &self.settings().ssh_sources, self.now())?;
                Secret::SshCertificate { key, certificate }
            }
            CredentialKind::Password | CredentialKind::SshKey => {
                let current = rows.secret_current(&account.id).await?.filter(|one| one.kind == account.credential);
                let missing = || {
                    let (name, asset) = (&account.name, &account.asset);
                    Error::Unavailable(format!(
                        "the vault holds no secret for {name}@{asset}: postern account set-secret {name}@{asset}"
                    ))
                };
                self.secret_of(&current.ok_or_else(missing)?)?
            }
        };
        Ok(Login::new(account.name.clone(), secret))
    }

    /// A stored version as what proves its account.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(crate) fn secret_of(&self, sealed: &SealedSecret) -> Result<Secret, Error> {
        Ok(secret(sealed.kind, self.opened(sealed)?))
    }
}

/// What proves an account of a kind that is stored.
pub(crate) fn secret(kind: CredentialKind, text: SecretText) -> Secret {
    match kind {
        CredentialKind::Password => Secret::Password(text),
        CredentialKind::SshKey | CredentialKind::SshCertificate => Secret::SshKey(text),
    }
}

/// The account as which something is done on an asset beside its own accounts: its first reconcile
/// account that can be used.
pub(crate) async fn reconciler(rows: &mut ReadTx, asset: &Asset) -> Result<Option<Account>, Error> {
    let setting = rows.asset_rotation(&asset.id).await?;
    Ok(repairers(rows, asset, &setting).await?.into_iter().next())
}

/// The asset's reconcile accounts that can be used: governed, with what proves them at hand, and with no
/// doubt about it.
async fn repairers(rows: &mut ReadTx, asset: &Asset, setting: &RotationSetting) -> Result<Vec<Account>, Error> {
    let mut usable = Vec::new();
    for name in &setting.reconcile {
        let Some(account) = rows.account_on(&asset.id, name).await? else { continue };
        let in_doubt = account.rotation.state.is_some_and(RotationState::touched);
        if account.state == AccountState::Managed && account.ready && !in_doubt {
            usable.push(account);
        }
    }
    Ok(usable)
}
