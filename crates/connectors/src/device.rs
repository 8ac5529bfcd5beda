//! Network devices over SSH: a dialogue with prompts, described by a data file for each family.

use async_trait::async_trait;
use postern_domain::account::CredentialKind;
use postern_domain::asset::Platform;
use postern_domain::discovery::Observation;
use postern_domain::secret_rules::{DIGITS, LOWER, PasswordRules, SecretRules, UPPER};
use postern_domain::{AccountName, SecretText};
use tokio::sync::mpsc;

use crate::connector::{Capabilities, Change, Connector, Coverage, SettingSpec, Survey};
use crate::entitlement::{Entitlement, Provision, Provisioned, grant_name, grant_of_name};
use crate::login::{Login, Secret};
use crate::outcome::{Cause, Failure, Outcome, SignInError, Verdict};
use crate::ssh::Ssh;
use crate::target::{InvalidSetting, Settings, Target};

mod cisco;
mod model;
mod talk;

use model::Model;
use talk::{Talk, Told};

/// Devices that are reached by SSH and prompt.
#[derive(Clone, Copy, Debug, Default)]
pub struct NetworkDevice;

const MODEL: &str = "model";
const OLD_ALGORITHMS: &str = "old_algorithms";
const SETTINGS: &[SettingSpec] = &[
    SettingSpec { name: MODEL, about: "the family: ios, junos or routeros", required: true },
    SettingSpec {
        name: OLD_ALGORITHMS,
        about: "`yes` for a device that knows only old SSH algorithms",
        required: false,
    },
];

#[async_trait]
impl Connector for NetworkDevice {
    fn platform(&self) -> Platform {
        Platform::NetworkDevice
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            discover: true,
            change_own: true,
            reconcile: true,
            overlap: false,
            provision_account: true,
            provision_sudo: false,
            provision_membership: false,
            native_expiry: false,
        }
    }

    fn secret_rules(&self, kind: CredentialKind) -> Option<SecretRules> {
        // A `?` asks for help even within a password, and lengths differ: 25 is the least maximum.
        let rules = PasswordRules { length: 25, classes: &[LOWER, UPPER, DIGITS, "-_."], forbidden: "?\"\\ " };
        (kind == CredentialKind::Password).then_some(SecretRules::Password(rules))
    }

    fn settings(&self) -> &'static [SettingSpec] {
        SETTINGS
    }

    fn check_settings(&self, settings: &Settings) -> Result<(), InvalidSetting> {
        settings.check(SETTINGS)?;
        match settings.get(MODEL) {
            Some(name) if model::named(name).is_none() => {
                let known = model::names().join(", ");
                Err(InvalidSetting { name: MODEL.to_owned(), remedy: format!("is one of {known}") })
            }
            _ => Ok(()),
        }
    }

    async fn discover(
        &self,
        target: &Target,
        by: &Login,
        survey: &Survey,
        found: &mpsc::Sender<Observation>,
    ) -> Result<Coverage, Failure> {
        let model = model_of(target)?;
        let mut talk = open(target, by, model).await?;
        let text = talk.ask(&model.discover.send).await?;
        let mut coverage = Coverage::default();
        for observation in model.observations(&text, survey) {
            if !coverage.report(observation, survey, found).await {
                break;
            }
        }
        Ok(coverage)
    }

    async fn verify(&self, target: &Target, account: &AccountName, secret: &Secret) -> Verdict {
        match Ssh::sign_in(target, account, secret, has_old_algorithms(target)).await {
            Ok(ssh) => {
                ssh.close().await;
                Verdict::Works
            }
            Err(error) => error.verdict(),
        }
    }

    async fn change(&self, target: &Target, by: &Login, change: Change<'_>) -> Outcome {
        let (model, candidate) = match (model_of(target), change.candidate) {
            (Ok(model), Secret::Password(candidate)) => (model, candidate),
            (Err(failure), _) => return Outcome::NotApplied(failure),
            _ => return Outcome::NotApplied(Failure::unsupported("set keys of accounts")),
        };
        let is_own = by.account == *change.account;
        let steps = if is_own && !model.change_own.is_empty() { &model.change_own } else { &model.change };
        if steps.is_empty() {
            return Outcome::NotApplied(Failure::unsupported("set the secret of another account"));
        }
        let old = change.old.or(Some(&by.secret));
        let told = Told { account: change.account, secret: Some(candidate), old: old.and_then(password) };
        let mut talk = match open(target, by, model).await {
            Ok(talk) => talk,
            Err(failure) => return Outcome::NotApplied(failure),
        };
        match exists(&mut talk, model, change.account).await {
            Err(failure) => return Outcome::NotApplied(failure),
            Ok(false) if !is_own => {
                let text = format!("the device has no account {}", change.account);
                return Outcome::NotApplied(Failure::new(Cause::NoSuchAccount, text));
            }
            Ok(_) => {}
        }
        talk.walk(steps, told).await
    }

    async fn reconcile(&self, target: &Target, by: &Login, account: &AccountName, candidate: &Secret) -> Outcome {
        self.change(target, by, Change { account, old: None, candidate }).await
    }

    async fn provision(&self, target: &Target, by: &Login, what: &Provision) -> Outcome<Provisioned> {
        let Entitlement::Account { secret: Secret::Password(secret), sudo: None, .. } = &what.what else {
            return Outcome::NotApplied(Failure::unsupported("provision that"));
        };
        let (model, name) = match (model_of(target), grant_name(&what.grant)) {
            (Ok(model), Ok(name)) if !model.provision.is_empty() => (model, name),
            (Err(failure), _) => return Outcome::NotApplied(failure),
            _ => return Outcome::NotApplied(Failure::unsupported("provision accounts")),
        };
        let mut talk = match open(target, by, model).await {
            Ok(talk) => talk,
            Err(failure) => return Outcome::NotApplied(failure),
        };
        let told = Told { account: &name, secret: Some(secret), old: None };
        talk.walk(&model.provision, told).await.map(|()| what.placed(None))
    }

    async fn revoke(&self, target: &Target, by: &Login, provisioned: &Provisioned) -> Outcome {
        let (model, name) = match (model_of(target), grant_name(&provisioned.grant)) {
            (Ok(model), Ok(name)) => (model, name),
            (Err(failure), _) => return Outcome::NotApplied(failure),
            (_, Err(error)) => return Outcome::NotApplied(Failure::new(Cause::Setting, error)),
        };
        let mut talk = match open(target, by, model).await {
            Ok(talk) => talk,
            Err(failure) => return Outcome::NotApplied(failure),
        };
        match exists(&mut talk, model, &name).await {
            Ok(false) => Outcome::Applied(()),
            Ok(true) => talk.walk(&model.revoke, Told { account: &name, secret: None, old: None }).await,
            Err(failure) => Outcome::NotApplied(failure),
        }
    }

    async fn list_provisioned(&self, target: &Target, by: &Login) -> Result<Vec<Provisioned>, Failure> {
        let model = model_of(target)?;
        let mut talk = open(target, by, model).await?;
        let text = talk.ask(&model.discover.send).await?;
        let grants = model.accounts(&text).into_iter().filter_map(|name| grant_of_name(&name));
        Ok(grants.map(|grant| Provisioned { grant, account: None, group: None, expires_at: None }).collect())
    }
}

fn password(secret: &Secret) -> Option<&SecretText> {
    match secret {
        Secret::Password(password) => Some(password),
        Secret::SshKey(_) | Secret::SshCertificate { .. } => None,
    }
}

fn has_old_algorithms(target: &Target) -> bool {
    target.settings.get(OLD_ALGORITHMS) == Some("yes")
}

fn model_of(target: &Target) -> Result<&'static Model, Failure> {
    let name = target.settings.require(MODEL)?;
    model::named(name)
        .ok_or_else(|| Failure::new(Cause::Setting, format_args!("`{name}` is not a known family of devices")))
}

async fn open(target: &Target, by: &Login, model: &'static Model) -> Result<Talk, Failure> {
    let ssh = Ssh::sign_in(target, &by.account, &by.secret, has_old_algorithms(target)).await;
    let ssh = ssh.map_err(SignInError::failure)?;
    Talk::begin(ssh, model, by.elevate.as_ref().or_else(|| password(&by.secret))).await
}

async fn exists(talk: &mut Talk, model: &Model, account: &AccountName) -> Result<bool, Failure> {
    let text = talk.ask(&model.discover.send).await?;
    Ok(model.accounts(&text).iter().any(|name| name == account.as_str()))
}

#[cfg(test)]
mod tests;
