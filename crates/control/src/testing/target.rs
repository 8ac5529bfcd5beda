//! Targets that exist in memory only, and on which everything goes wrong that can, when told to.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use postern_connectors::{
    Capabilities, Cause, Change, Connector, Coverage, Entitlement, Failure, Login, Outcome, Provision, Provisioned,
    Secret, Survey, Target, Verdict, grant_name,
};
use postern_domain::account::CredentialKind;
use postern_domain::asset::Platform;
use postern_domain::discovery::Observation;
use postern_domain::secret_rules::{PasswordRules, SecretRules};
use postern_domain::{AccountName, Timestamp};
use tokio::sync::mpsc;

use super::HandClock;
use crate::Clock;

/// After how many failed log-ins in [`WINDOW`] an account is locked.
const LOCKED_AFTER: usize = 5;
const WINDOW: Duration = Duration::from_secs(15 * 60);
/// How long after it was sent something that is late takes effect.
const LATE_BY: Duration = Duration::from_secs(55);

/// What goes wrong with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// It is done and the answer gets lost.
    AnswerLost,
    /// It is not done and there is no answer.
    RequestLost,
    /// There is no answer, and it is done later.
    Late,
    /// It is done twice.
    Twice,
    /// The target says no.
    Refused,
    /// Nobody is there.
    Unreachable,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::None, Self::AnswerLost, Self::RequestLost, Self::Late, Self::Twice, Self::Refused, Self::Unreachable];
}

/// What one target holds.
#[derive(Default)]
pub struct Host {
    /// The secrets that open each account.
    pub accounts: HashMap<String, Vec<String>>,
    /// What was made for sessions.
    pub provisioned: Vec<Provisioned>,
    /// Accounts that were locked because too many log-ins failed.
    pub locked: Vec<String>,
    /// What goes wrong with the next calls, in their order.
    pub faults: VecDeque<Fault>,
    /// How many calls there were.
    pub calls: usize,
    failed: HashMap<String, Vec<Timestamp>>,
    late: Vec<(Timestamp, Effect)>,
}

enum Effect {
    Secret(String, String),
    Provision(Provisioned),
}

/// Targets in memory, told apart by their port.
#[derive(Clone)]
pub struct Hosts {
    clock: Arc<HandClock>,
    hosts: Arc<Mutex<HashMap<u16, Host>>>,
}

fn text(secret: &Secret) -> String {
    match secret {
        Secret::Password(text) | Secret::SshKey(text) => text.expose().to_owned(),
        // Signed for the moment: whoever trusts the authority lets it in.
        Secret::SshCertificate { .. } => CERTIFIED.to_owned(),
    }
}

/// What opens an account that is proved by certificates.
pub const CERTIFIED: &str = "a certificate";

impl Hosts {
    /// None yet; time is what `clock` says.
    #[must_use]
    pub fn new(clock: Arc<HandClock>) -> Self {
        Self { clock, hosts: Arc::default() }
    }

    /// What lies on the target at `port`, after everything late that has arrived by now.
    ///
    /// # Panics
    /// Never: a poisoned lock is taken over.
    pub fn at<T>(&self, port: u16, look: impl FnOnce(&mut Host) -> T) -> T {
        let mut hosts: MutexGuard<'_, HashMap<u16, Host>> = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let host = hosts.entry(port).or_default();
        host.arrive(self.clock.now());
        look(host)
    }

    /// A fault for this call, with the call counted.
    fn called(&self, target: &Target) -> Fault {
        self.at(target.port, |host| {
            host.calls += 1;
            host.faults.pop_front().unwrap_or(Fault::None)
        })
    }

    async fn set(&self, target: &Target, account: &AccountName, candidate: &Secret, additive: bool) -> Outcome {
        let fault = self.called(target);
        let now = self.clock.now();
        // Whoever is stopped here has not done it, and a moment later has.
        tokio::task::yield_now().await;
        let outcome = self.at(target.port, |host| {
            let effect = (account.to_string(), text(candidate));
            match fault {
                Fault::Refused => return Outcome::NotApplied(Failure::new(Cause::Rejected, "too like the last one")),
                Fault::Unreachable => return Outcome::NotApplied(Failure::new(Cause::Unreachable, "nobody there")),
                Fault::RequestLost => {}
                Fault::Late => host.late.push((now.after(LATE_BY), Effect::Secret(effect.0, effect.1))),
                Fault::None | Fault::AnswerLost | Fault::Twice => {
                    for _ in 0..1 + usize::from(fault == Fault::Twice) {
                        host.set(&effect.0, &effect.1, additive);
                    }
                }
            }
            match fault {
                Fault::None | Fault::Twice => Outcome::Applied(()),
                _ => Outcome::Unknown(Failure::new(Cause::Timeout, "no answer")),
            }
        });
        tokio::task::yield_now().await;
        outcome
    }
}

impl Host {
    fn arrive(&mut self, now: Timestamp) {
        let due: Vec<_> = self.late.extract_if(.., |(at, _)| *at <= now).map(|(_, effect)| effect).collect();
        for effect in due {
            match effect {
                Effect::Secret(account, secret) => {
                    let additive = secret.starts_with("-----BEGIN");
                    self.set(&account, &secret, additive);
                }
                Effect::Provision(provisioned) => self.provisioned.push(provisioned),
            }
        }
    }

    fn set(&mut self, account: &str, secret: &str, additive: bool) {
        let secrets = self.accounts.entry(account.to_owned()).or_default();
        if !additive {
            secrets.clear();
        }
        if !secrets.iter().any(|held| held == secret) {
            secrets.push(secret.to_owned());
        }
    }

    /// A log-in, counted when it fails.
    fn opens(&mut self, account: &str, secret: &str, now: Timestamp) -> bool {
        let opens = !self.locked.iter().any(|locked| locked == account)
            && self.accounts.get(account).is_some_and(|secrets| secrets.iter().any(|held| held == secret));
        let failed = self.failed.entry(account.to_owned()).or_default();
        failed.retain(|at| at.after(WINDOW) > now);
        if opens {
            failed.clear();
        } else {
            failed.push(now);
            if failed.len() >= LOCKED_AFTER {
                self.locked.push(account.to_owned());
            }
        }
        opens
    }
}

#[async_trait]
impl Connector for Hosts {
    fn platform(&self) -> Platform {
        Platform::Linux
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            change_own: true,
            reconcile: true,
            provision_account: true,
            provision_sudo: true,
            provision_membership: true,
            ..Capabilities::default()
        }
    }

    fn secret_rules(&self, kind: CredentialKind) -> Option<SecretRules> {
        match kind {
            CredentialKind::Password => Some(SecretRules::Password(PasswordRules::common(24))),
            CredentialKind::SshKey => Some(SecretRules::Ed25519),
            CredentialKind::SshCertificate => None,
        }
    }

    async fn discover(
        &self,
        _: &Target,
        _: &Login,
        _: &Survey,
        _: &mpsc::Sender<Observation>,
    ) -> Result<Coverage, Failure> {
        Ok(Coverage::default())
    }

    async fn verify(&self, target: &Target, account: &AccountName, secret: &Secret) -> Verdict {
        let fault = self.called(target);
        tokio::task::yield_now().await;
        match fault {
            Fault::Unreachable => return Verdict::Unknown(Failure::new(Cause::Unreachable, "nobody there")),
            Fault::RequestLost | Fault::Late => {
                return Verdict::Unknown(Failure::new(Cause::Timeout, "no answer"));
            }
            Fault::None | Fault::AnswerLost | Fault::Twice | Fault::Refused => {}
        }
        let now = self.clock.now();
        let opens = self.at(target.port, |host| host.opens(account.as_str(), &text(secret), now));
        tokio::task::yield_now().await;
        match (fault, opens) {
            (Fault::AnswerLost, _) => Verdict::Unknown(Failure::new(Cause::Timeout, "no answer")),
            (_, true) => Verdict::Works,
            (_, false) => Verdict::Refused(Failure::new(Cause::Refused, "wrong")),
        }
    }

    async fn change(&self, target: &Target, by: &Login, change: Change<'_>) -> Outcome {
        let now = self.clock.now();
        if !self.at(target.port, |host| host.opens(by.account.as_str(), &text(&by.secret), now)) {
            return Outcome::NotApplied(Failure::new(Cause::Refused, "log-in refused"));
        }
        let additive = matches!(change.candidate, Secret::SshKey(_));
        self.set(target, change.account, change.candidate, additive).await
    }

    async fn reconcile(&self, target: &Target, by: &Login, account: &AccountName, candidate: &Secret) -> Outcome {
        let now = self.clock.now();
        if !self.at(target.port, |host| host.opens(by.account.as_str(), &text(&by.secret), now)) {
            return Outcome::NotApplied(Failure::new(Cause::Refused, "log-in refused"));
        }
        self.set(target, account, candidate, matches!(candidate, Secret::SshKey(_))).await
    }

    async fn retire(
        &self,
        target: &Target,
        by: &Login,
        account: &AccountName,
        old: &Secret,
        current: &Secret,
    ) -> Outcome {
        let fault = self.called(target);
        tokio::task::yield_now().await;
        if matches!(fault, Fault::RequestLost | Fault::Late | Fault::Unreachable | Fault::Refused) {
            return Outcome::Unknown(Failure::new(Cause::Timeout, "no answer"));
        }
        let now = self.clock.now();
        let (old, current) = (text(old), text(current));
        let done = self.at(target.port, |host| {
            let opens = host.opens(by.account.as_str(), &text(&by.secret), now);
            if opens && old != current {
                host.accounts.entry(account.to_string()).or_default().retain(|held| *held != old);
            }
            opens
        });
        tokio::task::yield_now().await;
        match (fault, done) {
            (Fault::AnswerLost, _) => Outcome::Unknown(Failure::new(Cause::Timeout, "no answer")),
            (_, true) => Outcome::Applied(()),
            (_, false) => Outcome::NotApplied(Failure::new(Cause::Refused, "log-in refused")),
        }
    }

    async fn provision(&self, target: &Target, _: &Login, provision: &Provision) -> Outcome<Provisioned> {
        let fault = self.called(target);
        let now = self.clock.now();
        tokio::task::yield_now().await;
        let placed = provision.placed(Some(provision.expires_at));
        let outcome = self.at(target.port, |host| match fault {
            Fault::Refused => Outcome::NotApplied(Failure::new(Cause::Forbidden, "no")),
            Fault::Unreachable => Outcome::NotApplied(Failure::new(Cause::Unreachable, "nobody there")),
            Fault::RequestLost => Outcome::Unknown(Failure::new(Cause::Timeout, "no answer")),
            Fault::Late => {
                host.late.push((now.after(LATE_BY), Effect::Provision(placed.clone())));
                Outcome::Unknown(Failure::new(Cause::Timeout, "no answer"))
            }
            Fault::None | Fault::AnswerLost | Fault::Twice => {
                host.provisioned.retain(|held| *held != placed);
                host.provisioned.push(placed.clone());
                if let (Entitlement::Account { secret, .. }, Ok(name)) = (&provision.what, grant_name(&placed.grant)) {
                    host.set(name.as_str(), &text(secret), false);
                }
                if fault == Fault::AnswerLost {
                    Outcome::Unknown(Failure::new(Cause::Timeout, "no answer"))
                } else {
                    Outcome::Applied(placed.clone())
                }
            }
        });
        tokio::task::yield_now().await;
        outcome
    }

    async fn revoke(&self, target: &Target, _: &Login, provisioned: &Provisioned) -> Outcome {
        let fault = self.called(target);
        tokio::task::yield_now().await;
        if matches!(fault, Fault::RequestLost | Fault::Late | Fault::Unreachable | Fault::Refused) {
            return Outcome::Unknown(Failure::new(Cause::Timeout, "no answer"));
        }
        self.at(target.port, |host| {
            host.provisioned.retain(|held| held.grant != provisioned.grant);
            if let Ok(name) = grant_name(&provisioned.grant) {
                host.accounts.remove(name.as_str());
            }
        });
        tokio::task::yield_now().await;
        if fault == Fault::AnswerLost {
            return Outcome::Unknown(Failure::new(Cause::Timeout, "no answer"));
        }
        Outcome::Applied(())
    }

    async fn list_provisioned(&self, target: &Target, _: &Login) -> Result<Vec<Provisioned>, Failure> {
        tokio::task::yield_now().await;
        Ok(self.at(target.port, |host| host.provisioned.clone()))
    }
}
