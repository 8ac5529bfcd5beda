//! Redis and Valkey: ACL users. A password travels as its SHA-256, which is what the server keeps
//! (Redis documentation, ACL), so that neither its log nor MONITOR shows the value.

use async_trait::async_trait;
use postern_domain::account::CredentialKind;
use postern_domain::asset::Platform;
use postern_domain::discovery::{AccountUse, Observation, PasswordSight, Privilege};
use postern_domain::secret_rules::{PasswordRules, SecretRules};
use postern_domain::{AccountName, SecretText};
use tokio::sync::mpsc;

use crate::connector::{Capabilities, Change, Connector, Coverage, SettingSpec, Survey};
use crate::digest::{keyed, sha256_hex};
use crate::entitlement::{Entitlement, Provision, Provisioned, grant_name, grant_of_name};
use crate::login::{Login, Secret};
use crate::outcome::{Cause, Failure, Outcome, SignInError, Verdict};
use crate::target::Target;

mod resp;

use resp::{Reply, Session};

/// Redis 6 and later, Valkey.
#[derive(Clone, Copy, Debug, Default)]
pub struct Redis;

const TLS: &str = "tls";
const SETTINGS: &[SettingSpec] = &[SettingSpec {
    name: TLS,
    about: "`off` where the server speaks no TLS and the network between is trusted",
    required: false,
}];

/// Categories and commands that give power over others or over the server.
const POWERFUL: &[&str] = &[
    "+@admin",
    "+@dangerous",
    "+acl",
    "+config",
    "+module",
    "+debug",
    "+shutdown",
    "+replicaof",
    "+slaveof",
    "+@scripting",
    "+migrate",
    "+cluster",
    "+failover",
];

#[async_trait]
impl Connector for Redis {
    fn platform(&self) -> Platform {
        Platform::Redis
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            discover: true,
            change_own: false,
            reconcile: true,
            overlap: true,
            provision_account: true,
            provision_sudo: false,
            provision_membership: false,
            native_expiry: false,
        }
    }

    fn secret_rules(&self, kind: CredentialKind) -> Option<SecretRules> {
        (kind == CredentialKind::Password).then_some(SecretRules::Password(PasswordRules::common(40)))
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
        let mut session = Session::open(target, &by.account, &by.secret).await.map_err(SignInError::failure)?;
        let lines = session.ask(&[b"ACL", b"LIST"]).await?.texts()?;
        let mut coverage = Coverage::default();
        for line in &lines {
            let Some(observation) = observe(line, survey) else { continue };
            if !observation.can_sign_in && !observation.is_privileged() {
                continue;
            }
            if !coverage.report(observation, survey, found).await {
                break;
            }
        }
        Ok(coverage)
    }

    async fn verify(&self, target: &Target, account: &AccountName, secret: &Secret) -> Verdict {
        match Session::open(target, account, secret).await {
            Ok(_) => Verdict::Works,
            Err(error) => error.verdict(),
        }
    }

    async fn change(&self, target: &Target, by: &Login, change: Change<'_>) -> Outcome {
        self.set(target, by, change.account, change.candidate, None).await
    }

    async fn reconcile(&self, target: &Target, by: &Login, account: &AccountName, candidate: &Secret) -> Outcome {
        self.set(target, by, account, candidate, Some("resetpass")).await
    }

    async fn retire(
        &self,
        target: &Target,
        by: &Login,
        account: &AccountName,
        old: &Secret,
        current: &Secret,
    ) -> Outcome {
        let (Secret::Password(old), Secret::Password(current)) = (old, current) else { return Outcome::Applied(()) };
        if old.expose() == current.expose() {
            return Outcome::NotApplied(Failure::new(Cause::Conflict, "the old password is the current one"));
        }
        let mut session = match Session::open(target, &by.account, &by.secret).await {
            Ok(session) => session,
            Err(error) => return Outcome::NotApplied(error.failure()),
        };
        let rule = format!("!{}", hash(old));
        match session.ask(&[b"ACL", b"SETUSER", account.as_str().as_bytes(), rule.as_bytes()]).await {
            Ok(Reply::Error(text)) if text.contains("not exist") || text.contains("no such") => Outcome::Applied(()),
            answer => saved(&mut session, answer).await,
        }
    }

    async fn disable(&self, target: &Target, by: &Login, account: &AccountName) -> Outcome {
        end(target, by, account, &[b"ACL", b"SETUSER", account.as_str().as_bytes(), b"off"]).await
    }

    async fn remove(&self, target: &Target, by: &Login, account: &AccountName) -> Outcome {
        end(target, by, account, &[b"ACL", b"DELUSER", account.as_str().as_bytes()]).await
    }

    async fn provision(&self, target: &Target, by: &Login, what: &Provision) -> Outcome<Provisioned> {
        let Entitlement::Account { secret: Secret::Password(password), member_of, sudo: None } = &what.what else {
            return Outcome::NotApplied(Failure::unsupported("provision that"));
        };
        let name = match grant_name(&what.grant) {
            Ok(name) => name,
            Err(error) => return Outcome::NotApplied(Failure::new(Cause::Setting, error)),
        };
        if let Some(odd) = member_of.iter().find(|rule| !is_rule(rule)) {
            return Outcome::NotApplied(Failure::new(
                Cause::Setting,
                format_args!("`{odd}` is not a rule of an ACL user"),
            ));
        }
        let mut session = match Session::open(target, &by.account, &by.secret).await {
            Ok(session) => session,
            Err(error) => return Outcome::NotApplied(error.failure()),
        };
        let hash = format!("#{}", hash(password));
        let mut command: Vec<&[u8]> =
            vec![b"ACL", b"SETUSER", name.as_str().as_bytes(), b"reset", b"on", hash.as_bytes()];
        command.extend(member_of.iter().map(|rule| rule.as_bytes()));
        let answer = session.ask(&command).await;
        saved(&mut session, answer).await.map(|()| what.placed(None))
    }

    async fn revoke(&self, target: &Target, by: &Login, provisioned: &Provisioned) -> Outcome {
        let name = match grant_name(&provisioned.grant) {
            Ok(name) => name,
            Err(error) => return Outcome::NotApplied(Failure::new(Cause::Setting, error)),
        };
        let mut session = match Session::open(target, &by.account, &by.secret).await {
            Ok(session) => session,
            Err(error) => return Outcome::NotApplied(error.failure()),
        };
        // The server ends the user's connections by itself.
        let answer = session.ask(&[b"ACL", b"DELUSER", name.as_str().as_bytes()]).await;
        saved(&mut session, answer).await
    }

    async fn list_provisioned(&self, target: &Target, by: &Login) -> Result<Vec<Provisioned>, Failure> {
        let mut session = Session::open(target, &by.account, &by.secret).await.map_err(SignInError::failure)?;
        let names = session.ask(&[b"ACL", b"USERS"]).await?.texts()?;
        let grants = names.iter().filter_map(|name| grant_of_name(name));
        Ok(grants.map(|grant| Provisioned { grant, account: None, group: None, expires_at: None }).collect())
    }
}

impl Redis {
    async fn set(
        &self,
        target: &Target,
        by: &Login,
        account: &AccountName,
        candidate: &Secret,
        first: Option<&str>,
    ) -> Outcome {
        let Secret::Password(candidate) = candidate else {
            return Outcome::NotApplied(Failure::unsupported("use keys as secrets of users"));
        };
        let mut session = match Session::open(target, &by.account, &by.secret).await {
            Ok(session) => session,
            Err(error) => return Outcome::NotApplied(error.failure()),
        };
        let name = account.as_str().as_bytes();
        // SETUSER makes users that are not there.
        match session.ask(&[b"ACL", b"GETUSER", name]).await {
            Ok(Reply::Nil) => {
                let text = format!("the server has no user {account}");
                return Outcome::NotApplied(Failure::new(Cause::NoSuchAccount, text));
            }
            Ok(Reply::Error(text)) => return Outcome::NotApplied(resp::failure(&text)),
            Ok(_) => {}
            Err(failure) => return Outcome::NotApplied(failure),
        }
        let rule = format!("#{}", hash(candidate));
        let mut command: Vec<&[u8]> = vec![b"ACL", b"SETUSER", name];
        command.extend(first.map(str::as_bytes));
        command.push(rule.as_bytes());
        let answer = session.ask(&command).await;
        saved(&mut session, answer).await
    }
}

/// Runs a command on another user that exists.
async fn end(target: &Target, by: &Login, account: &AccountName, command: &[&[u8]]) -> Outcome {
    if by.account == *account {
        return Outcome::NotApplied(Failure::new(Cause::Conflict, format_args!("{account} is needed")));
    }
    let mut session = match Session::open(target, &by.account, &by.secret).await {
        Ok(session) => session,
        Err(error) => return Outcome::NotApplied(error.failure()),
    };
    match session.ask(&[b"ACL", b"GETUSER", account.as_str().as_bytes()]).await {
        Ok(Reply::Nil) => {
            return Outcome::NotApplied(Failure::new(
                Cause::NoSuchAccount,
                format_args!("the server has no user {account}"),
            ));
        }
        Ok(Reply::Error(text)) => return Outcome::NotApplied(resp::failure(&text)),
        Ok(_) => {}
        Err(failure) => return Outcome::NotApplied(failure),
    }
    let answer = session.ask(command).await;
    saved(&mut session, answer).await
}

fn hash(password: &SecretText) -> String {
    sha256_hex(password.expose().as_bytes())
}

fn is_rule(text: &str) -> bool {
    text.starts_with(['+', '-', '~', '&', '%']) && text.len() <= 256 && text.bytes().all(|b| b.is_ascii_graphic())
}

/// What became of a change, once it is written to disk as well: a server that keeps its users in a file
/// forgets at its next start what was not saved.
async fn saved(session: &mut Session, answer: Result<Reply, Failure>) -> Outcome {
    match answer {
        Err(failure) => return Outcome::Unknown(failure),
        Ok(Reply::Error(text)) => return Outcome::NotApplied(resp::failure(&text)),
        Ok(_) => {}
    }
    match session.ask(&[b"ACL", b"SAVE"]).await {
        Ok(Reply::Error(text)) if text.contains("not configured to use an ACL file") => {
            // Users lie in the main file then, if there is one.
            match session.ask(&[b"CONFIG", b"REWRITE"]).await {
                Err(failure) => Outcome::Unknown(failure),
                Ok(_) => Outcome::Applied(()),
            }
        }
        Ok(Reply::Error(text)) => Outcome::Unknown(resp::failure(&text)),
        Err(failure) => Outcome::Unknown(failure),
        Ok(_) => Outcome::Applied(()),
    }
}

/// Reads a line of `ACL LIST`: `user app on #9f86.. ~app:* resetchannels -@all +@read`.
fn observe(line: &str, survey: &Survey) -> Option<Observation> {
    let mut words = line.split_ascii_whitespace();
    let name = words.next().filter(|word| *word == "user").and_then(|_| words.next())?;
    let words: Vec<&str> = words.collect();
    let mut observation = Observation::named(name);
    observation.usage = if name == "default" { AccountUse::System } else { AccountUse::Service };
    observation.locked = !words.contains(&"on");
    let mut hashes: Vec<&str> = words.iter().filter_map(|word| word.strip_prefix('#')).collect();
    hashes.sort_unstable();
    observation.password = if words.contains(&"nopass") {
        PasswordSight::Empty
    } else if hashes.is_empty() {
        PasswordSight::None
    } else {
        PasswordSight::Set {
            scheme: "SHA-256".to_owned(),
            digest: keyed(&hashes.join(","), survey.digest_key.expose()),
        }
    };
    observation.password_never_expires = Some(true);
    observation.can_sign_in = !observation.locked && observation.password != PasswordSight::None;
    let has_all = words.iter().any(|word| matches!(*word, "+@all" | "allcommands"));
    if has_all && !words.iter().any(|word| matches!(*word, "-@admin" | "-@dangerous")) {
        observation.privileges.push(Privilege::Superuser);
    } else if !has_all {
        let powers = words.iter().filter(|word| POWERFUL.contains(&word.split('|').next().unwrap_or_default()));
        observation.privileges.extend(powers.map(|word| Privilege::Attribute { name: (*word).to_owned() }));
    } else if !words.contains(&"-@admin") {
        observation.privileges.push(Privilege::Attribute { name: "+@admin".to_owned() });
    }
    observation.notes = words.iter().filter(|word| word.starts_with('~')).map(|word| format!("keys {word}")).collect();
    Some(observation)
}

#[cfg(test)]
mod tests;
