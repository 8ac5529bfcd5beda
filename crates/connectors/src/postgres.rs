//! PostgreSQL: roles. A password travels as a SCRAM verifier that is computed here, so that neither the
//! network nor a statement log holds the value (PostgreSQL documentation, `ALTER ROLE`).

use async_trait::async_trait;
use postern_domain::account::CredentialKind;
use postern_domain::asset::Platform;
use postern_domain::discovery::Observation;
use postern_domain::secret_rules::{PasswordRules, SecretRules};
use postern_domain::{AccountName, SecretText};
use postgres_protocol::escape::{escape_identifier, escape_literal};
use tokio::sync::mpsc;

use crate::connector::{Capabilities, Change, Connector, Coverage, SettingSpec, Survey};
use crate::entitlement::{Provision, Provisioned};
use crate::login::{Login, Secret};
use crate::outcome::{Cause, Failure, Outcome, Verdict};
use crate::target::Target;

mod client;
mod inventory;
mod provision;

use client::{Client, ConnectError};

/// PostgreSQL 12 and later.
#[derive(Clone, Copy, Debug, Default)]
pub struct Postgres;

const DATABASE: &str = "database";
const SETTINGS: &[SettingSpec] =
    &[SettingSpec { name: DATABASE, about: "the database to sign in to; `postgres` if left out", required: false }];

#[async_trait]
impl Connector for Postgres {
    fn platform(&self) -> Platform {
        Platform::Postgresql
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            discover: true,
            change_own: true,
            reconcile: true,
            overlap: false,
            provision_account: true,
            provision_sudo: false,
            provision_membership: true,
            native_expiry: true,
        }
    }

    fn secret_rules(&self, kind: CredentialKind) -> Option<SecretRules> {
        // ASCII only: SASLprep leaves it as it is, so that every client computes the same.
        (kind == CredentialKind::Password).then_some(SecretRules::Password(PasswordRules::common(32)))
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
        let client = Client::open(target, &by.account, &by.secret).await.map_err(ConnectError::failure)?;
        inventory::discover(&client, survey, found).await
    }

    async fn verify(&self, target: &Target, account: &AccountName, secret: &Secret) -> Verdict {
        match Client::open(target, account, secret).await {
            Ok(_) | Err(ConnectError::SignedInOnly(_)) => Verdict::Works,
            Err(ConnectError::Refused(failure)) => Verdict::Refused(failure),
            Err(ConnectError::Failed(failure)) => Verdict::Unknown(failure),
        }
    }

    async fn change(&self, target: &Target, by: &Login, change: Change<'_>) -> Outcome {
        let Secret::Password(candidate) = change.candidate else {
            return Outcome::NotApplied(Failure::unsupported("use keys as secrets of roles"));
        };
        match Client::open(target, &by.account, &by.secret).await {
            Ok(client) => client.change(&alter(change.account, candidate)).await,
            Err(error) => Outcome::NotApplied(error.failure()),
        }
    }

    async fn reconcile(&self, target: &Target, by: &Login, account: &AccountName, candidate: &Secret) -> Outcome {
        self.change(target, by, Change { account, old: None, candidate }).await
    }

    async fn disable(&self, target: &Target, by: &Login, account: &AccountName) -> Outcome {
        end(target, by, account, &format!("alter role {} nologin", escape_identifier(account.as_str()))).await
    }

    async fn remove(&self, target: &Target, by: &Login, account: &AccountName) -> Outcome {
        end(target, by, account, &format!("drop role if exists {}", escape_identifier(account.as_str()))).await
    }

    async fn provision(&self, target: &Target, by: &Login, what: &Provision) -> Outcome<Provisioned> {
        match Client::open(target, &by.account, &by.secret).await {
            Ok(client) => provision::provision(&client, what).await,
            Err(error) => Outcome::NotApplied(error.failure()),
        }
    }

    async fn revoke(&self, target: &Target, by: &Login, provisioned: &Provisioned) -> Outcome {
        match Client::open(target, &by.account, &by.secret).await {
            Ok(client) => provision::revoke(target, by, &client, provisioned).await,
            Err(error) => Outcome::NotApplied(error.failure()),
        }
    }

    async fn list_provisioned(&self, target: &Target, by: &Login) -> Result<Vec<Provisioned>, Failure> {
        let client = Client::open(target, &by.account, &by.secret).await.map_err(ConnectError::failure)?;
        provision::list(&client).await
    }
}

/// Runs a statement on another role.
async fn end(target: &Target, by: &Login, account: &AccountName, sql: &str) -> Outcome {
    if by.account == *account {
        return Outcome::NotApplied(Failure::new(Cause::Conflict, format_args!("{account} is needed")));
    }
    match Client::open(target, &by.account, &by.secret).await {
        Ok(client) => client.change(sql).await,
        Err(error) => Outcome::NotApplied(error.failure()),
    }
}

/// The statement that sets a password, with the verifier in the place of the value.
fn alter(account: &AccountName, candidate: &SecretText) -> String {
    format!("alter role {} password {}", escape_identifier(account.as_str()), verifier(candidate))
}

/// A SCRAM-SHA-256 verifier (RFC 5803) as a literal.
fn verifier(password: &SecretText) -> String {
    escape_literal(&postgres_protocol::password::scram_sha_256(password.expose().as_bytes()))
}

fn no_such_role(account: &AccountName) -> Failure {
    Failure::new(Cause::NoSuchAccount, format_args!("the server has no role {account}"))
}
