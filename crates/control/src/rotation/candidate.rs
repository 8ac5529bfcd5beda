//! New secrets: made by the platform's rules, and durable before anything else is done with them.

use postern_connectors::Secret;
use postern_domain::account::CredentialKind;
use postern_domain::rotation::VersionState;
use postern_domain::secret_rules::SecretRules;
use postern_domain::{AccountId, SecretBytes, SecretId};
use postern_store::{ReadTx, SealedSecret, WriteTx};
use postern_vault::random;

use crate::acting::Acting;
use crate::{Control, Error, keys, secret};

/// A secret that is durable. The only way to one is reading it back from the database, so that no byte
/// of a secret that could get lost reaches a target.
pub(super) struct Durable {
    version: u32,
    secret: Secret,
}

impl Durable {
    /// The version, as committed.
    ///
    /// # Errors
    /// When it is not there or the vault is sealed.
    pub(super) async fn read(
        control: &Control,
        rows: &mut ReadTx,
        account: &AccountId,
        version: u32,
    ) -> Result<Self, Error> {
        let sealed = rows.secret_version(account, version).await?;
        let sealed = sealed.ok_or_else(|| Error::Unavailable(format!("version {version} is not in the vault")))?;
        Ok(Self { version, secret: control.secret_of(&sealed)? })
    }

    pub(super) const fn secret(&self) -> &Secret {
        &self.secret
    }

    pub(super) const fn version(&self) -> u32 {
        self.version
    }
}

/// Seals a new secret for the account in this transaction; gives its version. A candidate that is there
/// already stays the only one.
pub(super) async fn seal(control: &Control, tx: &mut WriteTx, acting: &Acting) -> Result<u32, Error> {
    let account = &acting.account;
    let versions = tx.secret_versions(&account.id).await?;
    if let Some(candidate) = versions.iter().find(|version| version.state == VersionState::Candidate) {
        return Ok(candidate.version);
    }
    let fresh = generate(acting)?;
    let id = SecretId::generate(tx.now(), random::bytes());
    let version = tx.secret_version_next(&account.id).await?;
    let envelope = control.vault().seal(&secret::binding(&id, &account.id, version), &fresh)?;
    let (kind, state) = (account.credential, VersionState::Candidate);
    let sealed = envelope.to_bytes();
    tx.secret_insert(&SealedSecret { id, account: account.id.clone(), version, kind, state, sealed }).await?;
    Ok(version)
}

/// A secret of the account's kind.
fn generate(acting: &Acting) -> Result<SecretBytes, Error> {
    let kind = acting.account.credential;
    let rules = acting.connector.secret_rules(kind);
    match (kind, rules) {
        (CredentialKind::Password, Some(SecretRules::Password(rules))) => {
            let password = rules.generate(|| {
                let [byte] = random::bytes();
                byte
            });
            Ok(SecretBytes::new(password.expose().as_bytes().to_vec()))
        }
        (CredentialKind::SshKey, Some(SecretRules::Ed25519)) => {
            let key = keys::openssh(&keys::ed25519(&random::bytes())?)?;
            Ok(SecretBytes::new(key.expose().as_bytes().to_vec()))
        }
        _ => Err(Error::Unavailable(format!("postern cannot make a secret for {}", acting.reference()))),
    }
}
