//! Linux and other Unix-like servers over SSH: passwords, authorized keys, certificates, sudo.

use async_trait::async_trait;
use postern_domain::account::CredentialKind;
use postern_domain::asset::Platform;
use postern_domain::discovery::Observation;
use postern_domain::secret_rules::{PasswordRules, SecretRules};
use postern_domain::{AccountName, SecretText};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::keys::{self, Place};
use super::shell::{Shell, ShellError};
use super::{inventory, provision};
use crate::connector::{Capabilities, Change, Connector, Coverage, SettingSpec, Survey};
use crate::entitlement::{Provision, Provisioned};
use crate::login::{Login, Secret};
use crate::outcome::{Cause, Failure, Outcome, Verdict};
use crate::ssh::{Output, RunError, Ssh};
use crate::target::Target;

/// Servers reached by SSH.
#[derive(Clone, Copy, Debug, Default)]
pub struct Linux;

/// Where keys lie, when they do not lie in home folders.
const KEYS_FILE: &str = "authorized_keys";
const SETTINGS: &[SettingSpec] = &[SettingSpec {
    name: KEYS_FILE,
    about: "where authorized keys lie when it is not in home folders: an absolute path in which %u is the account",
    required: false,
}];

#[async_trait]
impl Connector for Linux {
    fn platform(&self) -> Platform {
        Platform::Linux
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            discover: true,
            change_own: true,
            reconcile: true,
            overlap: false,
            provision_account: true,
            provision_sudo: true,
            provision_membership: true,
            native_expiry: true,
        }
    }

    fn secret_rules(&self, kind: CredentialKind) -> Option<SecretRules> {
        match kind {
            CredentialKind::Password => {
                // `chpasswd` divides at the colon, and PAM modules count classes.
                Some(SecretRules::Password(PasswordRules { forbidden: ":", ..PasswordRules::common(28) }))
            }
            CredentialKind::SshKey => Some(SecretRules::Ed25519),
            CredentialKind::SshCertificate => None,
        }
    }

    fn settings(&self) -> &'static [SettingSpec] {
        SETTINGS
    }

    async fn discover(
        &self,
        target: &Target,
        by: &Login,
        survey: &Survey,
        found: &mpsc::Sender<Observation>,
    ) -> Result<Coverage, Failure> {
        let shell = Shell::open(target, by).await.map_err(ShellError::failure)?;
        let coverage = inventory::discover(&shell, survey, found).await;
        shell.close().await;
        coverage
    }

    async fn verify(&self, target: &Target, account: &AccountName, secret: &Secret) -> Verdict {
        match Ssh::sign_in(target, account, secret, false).await {
            Ok(ssh) => {
                ssh.close().await;
                Verdict::Works
            }
            Err(error) => error.verdict(),
        }
    }

    async fn change(&self, target: &Target, by: &Login, change: Change<'_>) -> Outcome {
        let shell = match Shell::open(target, by).await {
            Ok(shell) => shell,
            Err(error) => return error.outcome(),
        };
        let is_own = by.account == *change.account;
        let outcome = match change.candidate {
            Secret::Password(candidate) if is_own && by.account.as_str() != "root" => {
                own_password(&shell, by, change.old, candidate).await
            }
            Secret::Password(candidate) => set_password(&shell, change.account, candidate).await,
            Secret::SshKey(_) => match keys::public_line(change.candidate) {
                Ok(line) => place(target, change.account, is_own).add(&shell, &line).await,
                Err(failure) => Outcome::NotApplied(failure),
            },
            Secret::SshCertificate { .. } => Outcome::NotApplied(Failure::unsupported("store certificates")),
        };
        shell.close().await;
        outcome
    }

    async fn reconcile(&self, target: &Target, by: &Login, account: &AccountName, candidate: &Secret) -> Outcome {
        self.change(target, by, Change { account, old: None, candidate }).await
    }

    async fn retire(
        &self,
        target: &Target,
        by: &Login,
        account: &AccountName,
        old: &Secret,
        current: &Secret,
    ) -> Outcome {
        let (Secret::SshKey(_), Secret::SshKey(_)) = (old, current) else { return Outcome::Applied(()) };
        let (old, current) = match (keys::public_line(old), keys::public_line(current)) {
            (Ok(old), Ok(current)) => (old, current),
            (Err(failure), _) | (_, Err(failure)) => return Outcome::NotApplied(failure),
        };
        if old == current {
            return Outcome::NotApplied(Failure::new(Cause::Conflict, "the old key is the current one"));
        }
        let shell = match Shell::open(target, by).await {
            Ok(shell) => shell,
            Err(error) => return error.outcome(),
        };
        let outcome = place(target, account, by.account == *account).remove(&shell, &old).await;
        shell.close().await;
        outcome
    }

    async fn disable(&self, target: &Target, by: &Login, account: &AccountName) -> Outcome {
        end(target, by, account, DISABLE).await
    }

    async fn remove(&self, target: &Target, by: &Login, account: &AccountName) -> Outcome {
        end(target, by, account, REMOVE).await
    }

    async fn provision(&self, target: &Target, by: &Login, what: &Provision) -> Outcome<Provisioned> {
        match Shell::open(target, by).await {
            Ok(shell) => {
                let outcome = provision::provision(&shell, what).await;
                shell.close().await;
                outcome
            }
            Err(error) => error.outcome(),
        }
    }

    async fn revoke(&self, target: &Target, by: &Login, provisioned: &Provisioned) -> Outcome {
        match Shell::open(target, by).await {
            Ok(shell) => {
                let outcome = provision::revoke(&shell, provisioned).await;
                shell.close().await;
                outcome
            }
            Err(error) => error.outcome(),
        }
    }

    async fn list_provisioned(&self, target: &Target, by: &Login) -> Result<Vec<Provisioned>, Failure> {
        let shell = Shell::open(target, by).await.map_err(ShellError::failure)?;
        let found = provision::list(&shell).await;
        shell.close().await;
        found
    }
}

/// Runs a script on an account; never on the one that is signed in, nor on root.
async fn end(target: &Target, by: &Login, account: &AccountName, script: &str) -> Outcome {
    if by.account == *account || account.as_str() == "root" {
        return Outcome::NotApplied(Failure::new(Cause::Conflict, format_args!("{account} is needed")));
    }
    let shell = match Shell::open(target, by).await {
        Ok(shell) => shell,
        Err(error) => return error.outcome(),
    };
    let outcome = match shell.root(&["sh", "-c", script, "sh", account.as_str()], &[]).await {
        Ok(output) if output.succeeded() => Outcome::Applied(()),
        Ok(output) if output.status == Some(NO_ACCOUNT) => {
            let text = format!("the server has no account {account}");
            Outcome::NotApplied(Failure::new(Cause::NoSuchAccount, text))
        }
        Ok(output) => Outcome::Unknown(Failure::new(Cause::Forbidden, output.complaint())),
        Err(RunError::NotBegun(failure)) => Outcome::NotApplied(failure),
        Err(RunError::Lost(failure)) => Outcome::Unknown(failure),
    };
    shell.close().await;
    outcome
}

const NO_ACCOUNT: u32 = 45;
/// Locked and expired: neither a password nor a key opens it.
const DISABLE: &str = r#"PATH=$PATH:/usr/sbin:/sbin; id -u -- "$1" >/dev/null 2>&1 || exit 45; usermod -L -e 1 "$1""#;
/// Its home folder stays, for what is in it may be needed.
const REMOVE: &str = r#"PATH=$PATH:/usr/sbin:/sbin; id -u -- "$1" >/dev/null 2>&1 || exit 0
usermod -L -e 1 "$1"; pkill -KILL -u "$1"; userdel -f "$1"; ! id -u -- "$1" >/dev/null 2>&1"#;

fn place<'a>(target: &'a Target, account: &'a AccountName, is_own: bool) -> Place<'a> {
    Place { account, is_own, file: target.settings.get(KEYS_FILE) }
}

/// Sets a password with `chpasswd`, as root, by standard input.
async fn set_password(shell: &Shell, account: &AccountName, candidate: &SecretText) -> Outcome {
    let text = candidate.expose();
    if text.chars().any(char::is_control) {
        return Outcome::NotApplied(Failure::new(Cause::Rejected, "the password holds control characters"));
    }
    let mut line = Zeroizing::new(Vec::with_capacity(account.as_str().len() + text.len() + 2));
    line.extend_from_slice(account.as_str().as_bytes());
    line.push(b':');
    line.extend_from_slice(text.as_bytes());
    line.push(b'\n');
    told(shell.root(&[CHPASSWD], &line).await, |output| {
        let complaint = output.complaint();
        let gone = complaint.contains("does not exist") || complaint.contains("unknown user");
        let cause = if gone { Cause::NoSuchAccount } else { Cause::Rejected };
        Failure::new(cause, complaint)
    })
}

/// Where every system that has it has it; a reconcile account's sudo rule names it by its path.
const CHPASSWD: &str = "/usr/sbin/chpasswd";

/// Changes one's own password with `passwd`, which asks and is answered by standard input.
async fn own_password(shell: &Shell, by: &Login, old: Option<&Secret>, candidate: &SecretText) -> Outcome {
    // Signed in with the candidate: it was set before, and only the answer was lost.
    if let Secret::Password(used) = &by.secret
        && used.expose() == candidate.expose()
    {
        return Outcome::Applied(());
    }
    let Some(Secret::Password(old)) = old.or(Some(&by.secret)) else {
        return Outcome::NotApplied(Failure::new(Cause::Refused, "changing one's own password needs the old one"));
    };
    if candidate.expose().chars().any(char::is_control) {
        return Outcome::NotApplied(Failure::new(Cause::Rejected, "the password holds control characters"));
    }
    let mut lines = Zeroizing::new(Vec::with_capacity(old.expose().len() + 2 * candidate.expose().len() + 3));
    for line in [old.expose(), candidate.expose(), candidate.expose()] {
        lines.extend_from_slice(line.as_bytes());
        lines.push(b'\n');
    }
    told(shell.plain(&["passwd"], &lines).await, |output| {
        let said = output.stderr.lines().map(str::trim).rev();
        let said = said.filter(|line| !line.is_empty() && !line.ends_with("password unchanged"));
        // The prompts stand before the answer on the same line.
        let line = said.map(|line| line.rsplit(": ").next().unwrap_or(line)).next();
        Failure::new(Cause::Rejected, line.unwrap_or("the server does not accept the password"))
    })
}

/// Both programs change everything or nothing, and say which by their exit status.
fn told(result: Result<Output, RunError>, why: impl FnOnce(&Output) -> Failure) -> Outcome {
    match result {
        Ok(output) if output.succeeded() => Outcome::Applied(()),
        Ok(output) if matches!(output.status, Some(126 | 127)) => {
            Outcome::NotApplied(Failure::new(Cause::Forbidden, output.complaint()))
        }
        Ok(output) if output.status.is_some() => Outcome::NotApplied(why(&output)),
        Ok(_) => Outcome::Unknown(Failure::new(Cause::Protocol, "the program was interrupted")),
        Err(RunError::NotBegun(failure)) => Outcome::NotApplied(failure),
        Err(RunError::Lost(failure)) => Outcome::Unknown(failure),
    }
}
