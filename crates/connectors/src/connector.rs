//! The one trait that a platform implements.

use async_trait::async_trait;
use postern_domain::account::CredentialKind;
use postern_domain::asset::Platform;
use postern_domain::discovery::Observation;
use postern_domain::secret_rules::SecretRules;
use postern_domain::{AccountName, SecretBytes, Timestamp};
use tokio::sync::mpsc;

use crate::entitlement::{Provision, Provisioned};
use crate::login::{Login, Secret};
use crate::outcome::{Failure, Outcome, Verdict};
use crate::target::{InvalidSetting, Settings, Target};

/// What a platform can do. What it cannot answers [`Cause::Unsupported`](crate::Cause::Unsupported).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// It can list its accounts and say why they are privileged.
    pub discover: bool,
    /// It can change the secret of an account with the account's own log-in.
    pub change_own: bool,
    /// It can set the secret of an account with another, privileged log-in.
    pub reconcile: bool,
    /// After a change the old secret goes on working until [`Connector::retire`] takes it away.
    pub overlap: bool,
    /// It can provision ephemeral accounts or roles.
    pub provision_account: bool,
    /// It can provision sudo rules for an existing account.
    pub provision_sudo: bool,
    /// It can provision membership of a group or role for an existing account.
    pub provision_membership: bool,
    /// What is provisioned as an account ends on the target by itself.
    pub native_expiry: bool,
}

/// A change of one account's secret.
#[derive(Clone, Copy)]
pub struct Change<'a> {
    /// Whose.
    pub account: &'a AccountName,
    /// The secret that is believed to be current, if any.
    pub old: Option<&'a Secret>,
    /// The secret to be set: the same candidate as often as it is tried.
    pub candidate: &'a Secret,
}

/// What a discovery may cost, and what it needs.
#[derive(Clone)]
pub struct Survey {
    /// The most accounts that are reported; further ones make the coverage incomplete.
    pub accounts_max: usize,
    /// Keys the digests of password hashes, so that equal hashes are recognised within one
    /// installation and a digest is worth nothing outside it. 32 bytes.
    pub digest_key: SecretBytes,
    /// The time.
    pub now: Timestamp,
}

/// Something that a discovery could not look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// What: `shadow`, `sudoers`, `pg_authid`.
    pub what: &'static str,
    /// Why, for people.
    pub why: String,
}

/// How much of the target a discovery has seen. Only from a complete one may it be concluded that an
/// account is gone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Accounts reported.
    pub accounts: usize,
    /// Whether more were there than were asked for.
    pub truncated: bool,
    /// What could not be looked at.
    pub gaps: Vec<Gap>,
}

impl Coverage {
    /// Whether every account has been seen. Gaps concern what is known of the accounts.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !self.truncated
    }

    /// Reports one more account, unless as many have been as are wanted. Whether to go on.
    pub(crate) async fn report(
        &mut self,
        observation: Observation,
        survey: &Survey,
        found: &mpsc::Sender<Observation>,
    ) -> bool {
        if self.accounts >= survey.accounts_max {
            self.truncated = true;
            return false;
        }
        let heard = found.send(observation).await.is_ok();
        self.accounts += usize::from(heard);
        heard
    }
}

/// One setting of a platform: what the address alone does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettingSpec {
    /// Its name.
    pub name: &'static str,
    /// What it is, for people.
    pub about: &'static str,
    /// Whether the platform cannot do without it.
    pub required: bool,
}

/// A platform.
///
/// Every method dials, verifies the target against [`Target::trust`] before a secret leaves the
/// process, keeps within [`Target::limits`], and hangs up. Calls are independent of each other and may
/// be dropped at any await: what was dropped has an unknown outcome.
#[async_trait]
pub trait Connector: Send + Sync {
    /// Which platform it is.
    fn platform(&self) -> Platform;

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// What a generated secret of this kind looks like; None where the platform has no such secrets.
    fn secret_rules(&self, kind: CredentialKind) -> Option<SecretRules>;

    /// The settings that it reads.
    fn settings(&self) -> &'static [SettingSpec] {
        &[]
    }

    /// Whether these settings are acceptable.
    ///
    /// # Errors
    /// Names the setting and the remedy.
    fn check_settings(&self, settings: &Settings) -> Result<(), InvalidSetting> {
        settings.check(self.settings())
    }

    /// Reports every account that has a privilege or can sign in, each once, to `found`, which is
    /// bounded and is waited for. It stops without an error when nobody listens any more.
    ///
    /// # Errors
    /// When the target cannot be reached, is not the one it is known as, or does not let `by` look.
    async fn discover(
        &self,
        target: &Target,
        by: &Login,
        survey: &Survey,
        found: &mpsc::Sender<Observation>,
    ) -> Result<Coverage, Failure>;

    /// Whether the secret works, by a real sign-in as the account. One attempt, so that whoever counts
    /// attempts against a lock-out can rely on it.
    async fn verify(&self, target: &Target, account: &AccountName, secret: &Secret) -> Verdict;

    /// Sets the candidate, signed in as `by`, who is the account itself or another. Idempotent: the
    /// same candidate set twice is the same as once.
    async fn change(&self, target: &Target, by: &Login, change: Change<'_>) -> Outcome;

    /// Sets the candidate whatever the account's secret is now, signed in as the asset's reconcile
    /// account.
    async fn reconcile(&self, target: &Target, by: &Login, account: &AccountName, candidate: &Secret) -> Outcome;

    /// Takes an old secret away where the platform keeps it valid beside the new one
    /// ([`Capabilities::overlap`]). Elsewhere there is nothing to do, and it is done. Never takes away
    /// `current`. Idempotent.
    async fn retire(
        &self,
        target: &Target,
        by: &Login,
        account: &AccountName,
        old: &Secret,
        current: &Secret,
    ) -> Outcome {
        let _ = (target, by, account, old, current);
        Outcome::Applied(())
    }

    /// Locks an account, so that nothing opens it any more, and leaves what it owns. Idempotent.
    async fn disable(&self, target: &Target, by: &Login, account: &AccountName) -> Outcome {
        let _ = (target, by, account);
        Outcome::NotApplied(Failure::unsupported("disable accounts"))
    }

    /// Takes an account away. What is not there is gone already.
    async fn remove(&self, target: &Target, by: &Login, account: &AccountName) -> Outcome {
        let _ = (target, by, account);
        Outcome::NotApplied(Failure::unsupported("remove accounts"))
    }

    /// Gives what a grant entitles to, under the name that the grant gives it. Idempotent.
    async fn provision(&self, target: &Target, by: &Login, provision: &Provision) -> Outcome<Provisioned>;

    /// Takes it back, whatever is left of it. Taking back what is not there is done.
    async fn revoke(&self, target: &Target, by: &Login, provisioned: &Provisioned) -> Outcome;

    /// Everything on the target that was provisioned by Postern.
    ///
    /// # Errors
    /// When the target cannot be looked at.
    async fn list_provisioned(&self, target: &Target, by: &Login) -> Result<Vec<Provisioned>, Failure>;
}
