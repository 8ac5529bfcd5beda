//! MySQL and MariaDB: accounts. An account is a user name with all the hosts that it may come from.
//!
//! MariaDB is given the double SHA-1 that it keeps (`mysql_native_password`), computed here. MySQL is
//! given the value as a literal, for its default plugin hashes on the server's side; the server puts
//! `<secret>` in its place before it writes the statement to any log (MySQL manual, "Passwords and
//! logging").

use std::fmt::Write as _;

use async_trait::async_trait;
use postern_domain::account::CredentialKind;
use postern_domain::asset::Platform;
use postern_domain::discovery::Observation;
use postern_domain::secret_rules::{PasswordRules, SecretRules};
use postern_domain::{AccountName, SecretText};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use crate::connector::{Capabilities, Change, Connector, Coverage, Survey};
use crate::entitlement::{Entitlement, Provision, Provisioned, grant_name, grant_of_name};
use crate::login::{Login, Secret};
use crate::outcome::{Cause, Failure, Outcome, SignInError, Verdict};
use crate::target::Target;

mod client;
mod inventory;
mod packet;

use client::{Answer, Client};

/// MySQL 8 and later, MariaDB 10.4 and later.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mysql;

#[async_trait]
impl Connector for Mysql {
    fn platform(&self) -> Platform {
        Platform::Mysql
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
            native_expiry: true,
        }
    }

    fn secret_rules(&self, kind: CredentialKind) -> Option<SecretRules> {
        let rules = PasswordRules { forbidden: "", ..PasswordRules::common(32) };
        (kind == CredentialKind::Password).then_some(SecretRules::Password(rules))
    }

    async fn discover(
        &self,
        target: &Target,
        by: &Login,
        survey: &Survey,
        found: &mpsc::Sender<Observation>,
    ) -> Result<Coverage, Failure> {
        let mut client = Client::open(target, &by.account, &by.secret).await.map_err(SignInError::failure)?;
        inventory::discover(&mut client, survey, found).await
    }

    async fn verify(&self, target: &Target, account: &AccountName, secret: &Secret) -> Verdict {
        match Client::open(target, account, secret).await {
            Ok(_) => Verdict::Works,
            Err(error) => error.verdict(),
        }
    }

    async fn change(&self, target: &Target, by: &Login, change: Change<'_>) -> Outcome {
        let Secret::Password(candidate) = change.candidate else {
            return Outcome::NotApplied(Failure::unsupported("use keys as secrets of accounts"));
        };
        let mut client = match Client::open(target, &by.account, &by.secret).await {
            Ok(client) => client,
            Err(error) => return Outcome::NotApplied(error.failure()),
        };
        let proof = match proof(&client, candidate) {
            Ok(proof) => proof,
            Err(failure) => return Outcome::NotApplied(failure),
        };
        if by.account == *change.account {
            let sql = Zeroizing::new(if client.is_mariadb() {
                format!("set password = '{}'", packet::native_hash(candidate.expose().as_bytes()))
            } else {
                format!("alter user current_user() {}", proof.as_str())
            });
            return outcome(client.ask(&sql).await);
        }
        match entries(&mut client, change.account).await {
            Err(failure) => Outcome::NotApplied(failure),
            Ok(entries) => {
                let mut sql = Zeroizing::new(String::from("alter user "));
                for (index, entry) in entries.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    let _ = write!(sql, "{comma}{entry} {}", proof.as_str());
                }
                // Several entries are changed one after the other, so that a refusal may come in between.
                match outcome(client.ask(&sql).await) {
                    Outcome::NotApplied(failure) if entries.len() > 1 => Outcome::Unknown(failure),
                    other => other,
                }
            }
        }
    }

    async fn reconcile(&self, target: &Target, by: &Login, account: &AccountName, candidate: &Secret) -> Outcome {
        self.change(target, by, Change { account, old: None, candidate }).await
    }

    async fn disable(&self, target: &Target, by: &Login, account: &AccountName) -> Outcome {
        end(target, by, account, "alter user ", " account lock").await
    }

    async fn remove(&self, target: &Target, by: &Login, account: &AccountName) -> Outcome {
        match end(target, by, account, "drop user ", "").await {
            Outcome::NotApplied(failure) if failure.cause == Cause::NoSuchAccount => Outcome::Applied(()),
            other => other,
        }
    }

    async fn provision(&self, target: &Target, by: &Login, what: &Provision) -> Outcome<Provisioned> {
        let Entitlement::Account { secret: Secret::Password(password), member_of, sudo: None } = &what.what else {
            return Outcome::NotApplied(Failure::unsupported("provision that"));
        };
        let mut client = match Client::open(target, &by.account, &by.secret).await {
            Ok(client) => client,
            Err(error) => return Outcome::NotApplied(error.failure()),
        };
        let steps = match steps(&client, what, password, member_of) {
            Ok(steps) => steps,
            Err(failure) => return Outcome::NotApplied(failure),
        };
        for (index, step) in steps.iter().enumerate() {
            match outcome(client.ask(step).await) {
                Outcome::Applied(()) => {}
                Outcome::NotApplied(failure) if index == 0 => return Outcome::NotApplied(failure),
                Outcome::NotApplied(failure) | Outcome::Unknown(failure) => return Outcome::Unknown(failure),
            }
        }
        // The server drops the account by itself where its scheduler runs and `by` may tell it so.
        let ends = match event(what) {
            Ok(event) => client.scheduler().await && matches!(client.ask(&event).await, Ok(Answer::Done)),
            Err(_) => false,
        };
        Outcome::Applied(what.placed(ends.then_some(what.expires_at)))
    }

    async fn revoke(&self, target: &Target, by: &Login, provisioned: &Provisioned) -> Outcome {
        let mut client = match Client::open(target, &by.account, &by.secret).await {
            Ok(client) => client,
            Err(error) => return Outcome::NotApplied(error.failure()),
        };
        let name = match grant_name(&provisioned.grant) {
            Ok(name) => name,
            Err(error) => return Outcome::NotApplied(Failure::new(Cause::Setting, error)),
        };
        let lock = client.ask(&format!("alter user if exists '{name}'@'%' account lock")).await;
        if let outcome @ (Outcome::NotApplied(_) | Outcome::Unknown(_)) = outcome(lock) {
            return outcome;
        }
        let _ = client.ask(&format!("drop event if exists mysql.`{name}`")).await;
        let sessions =
            client.ask(&format!("select id from information_schema.processlist where user = '{name}'")).await;
        for row in sessions.map(Answer::rows).unwrap_or_default() {
            if let Some(id) = row.first().and_then(|id| id.as_deref()).and_then(|id| id.parse::<u64>().ok()) {
                let _ = client.ask(&format!("kill connection {id}")).await;
            }
        }
        // The account last: by it, what is left over is found.
        let role = own_role(&name);
        for step in [format!("drop role if exists {role}"), format!("drop user if exists '{name}'@'%'")] {
            match outcome(client.ask(&step).await) {
                Outcome::Applied(()) => {}
                Outcome::NotApplied(failure) | Outcome::Unknown(failure) => return Outcome::Unknown(failure),
            }
        }
        Outcome::Applied(())
    }

    async fn list_provisioned(&self, target: &Target, by: &Login) -> Result<Vec<Provisioned>, Failure> {
        let mut client = Client::open(target, &by.account, &by.secret).await.map_err(SignInError::failure)?;
        let rows = client.ask("select user from mysql.user where user like 'pst-%' limit 10000").await?.rows();
        let grants = rows.iter().filter_map(|row| row.first()?.as_deref().and_then(grant_of_name));
        Ok(grants.map(|grant| Provisioned { grant, account: None, group: None, expires_at: None }).collect())
    }
}

/// Runs a statement on every entry of another account.
async fn end(target: &Target, by: &Login, account: &AccountName, before: &str, after: &str) -> Outcome {
    if by.account == *account {
        return Outcome::NotApplied(Failure::new(Cause::Conflict, format_args!("{account} is needed")));
    }
    let mut client = match Client::open(target, &by.account, &by.secret).await {
        Ok(client) => client,
        Err(error) => return Outcome::NotApplied(error.failure()),
    };
    match entries(&mut client, account).await {
        Ok(entries) => outcome(client.ask(&format!("{before}{}{after}", entries.join(", "))).await),
        Err(failure) => Outcome::NotApplied(failure),
    }
}

/// `IDENTIFIED ...`: the clause that sets the password.
fn proof(client: &Client, password: &SecretText) -> Result<Zeroizing<String>, Failure> {
    let text = password.expose();
    if text.is_empty() || text.bytes().any(|b| !b.is_ascii_graphic() || matches!(b, b'\'' | b'\\' | b'"')) {
        return Err(Failure::new(Cause::Rejected, "the password must be ASCII without quotes, backslashes and blanks"));
    }
    Ok(Zeroizing::new(if client.is_mariadb() {
        format!("identified via mysql_native_password using '{}'", packet::native_hash(text.as_bytes()))
    } else {
        format!("identified by '{text}'")
    }))
}

/// `'app'@'10.%'`, for each host that the account may come from.
async fn entries(client: &mut Client, account: &AccountName) -> Result<Vec<String>, Failure> {
    let name = quoted(account.as_str())?;
    let rows = client.ask(&format!("select host from mysql.user where user = {name} limit 1000")).await?.rows();
    let mut entries = Vec::new();
    for row in &rows {
        let host = row.first().and_then(|host| host.as_deref()).unwrap_or_default();
        entries.push(format!("{name}@{}", quoted(host)?));
    }
    if entries.is_empty() {
        return Err(Failure::new(Cause::NoSuchAccount, format_args!("the server has no account {account}")));
    }
    Ok(entries)
}

/// A name or host as a literal; none that would need an escape, which depends on the server's mode.
fn quoted(text: &str) -> Result<String, Failure> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-$+%:/".contains(&b);
    if text.bytes().all(plain) {
        Ok(format!("'{text}'"))
    } else {
        Err(Failure::new(Cause::Unsupported, format_args!("names like `{text}` are not handled")))
    }
}

fn steps(
    client: &Client,
    what: &Provision,
    password: &SecretText,
    member_of: &[String],
) -> Result<Vec<Zeroizing<String>>, Failure> {
    let name = grant_name(&what.grant).map_err(|error| Failure::new(Cause::Setting, error))?;
    let entry = format!("'{name}'@'%'");
    let proof = proof(client, password)?;
    let mut steps = vec![
        Zeroizing::new(format!("create user if not exists {entry} {}", proof.as_str())),
        Zeroizing::new(format!("alter user {entry} {} account unlock", proof.as_str())),
    ];
    let roles: Vec<String> = member_of.iter().map(|role| quoted(role)).collect::<Result<_, _>>()?;
    let plain = |steps: &mut Vec<Zeroizing<String>>, step: String| steps.push(Zeroizing::new(step));
    match roles.as_slice() {
        [] => {}
        // MariaDB puts one role on by itself: several go into one of the account's own.
        [role] if client.is_mariadb() => {
            plain(&mut steps, format!("grant {role} to {entry}"));
            plain(&mut steps, format!("set default role {role} for {entry}"));
        }
        roles if client.is_mariadb() => {
            let own = own_role(&name);
            plain(&mut steps, format!("create role if not exists {own}"));
            roles.iter().for_each(|role| plain(&mut steps, format!("grant {role} to {own}")));
            plain(&mut steps, format!("grant {own} to {entry}"));
            plain(&mut steps, format!("set default role {own} for {entry}"));
        }
        roles => {
            roles.iter().for_each(|role| plain(&mut steps, format!("grant {role} to {entry}")));
            plain(&mut steps, format!("set default role all to {entry}"));
        }
    }
    Ok(steps)
}

/// The role that holds an account's roles in MariaDB, where there are several; its name is no grant's.
fn own_role(name: &AccountName) -> String {
    format!("'{name}-roles'")
}

/// The event that drops the account when its time is over.
fn event(what: &Provision) -> Result<String, Failure> {
    let name = grant_name(&what.grant).map_err(|error| Failure::new(Cause::Setting, error))?;
    let at = what.expires_at.to_jiff().strftime("%Y-%m-%d %H:%M:%S").to_string();
    let role = own_role(&name);
    Ok(format!(
        "create or replace event mysql.`{name}` on schedule at '{at}' \
         do begin drop role if exists {role}; drop user if exists '{name}'@'%'; end"
    ))
}

fn outcome(answer: Result<Answer, Failure>) -> Outcome {
    match answer {
        Ok(_) => Outcome::Applied(()),
        Err(failure) if matches!(failure.cause, Cause::Protocol | Cause::Timeout) => Outcome::Unknown(failure),
        Err(failure) => Outcome::NotApplied(failure),
    }
}
