//! Secrets of accounts. They go in through here and come out for a session that was permitted, and
//! in no other way: there is no use case that shows one.

use postern_domain::account::CredentialKind;
use postern_domain::event::Event;
use postern_domain::permission::Permission;
use postern_domain::permit::{Connect, Manage, Permit};
use postern_domain::rotation::VersionState;
use postern_domain::{AccountId, AccountRef, SecretBytes, SecretId, SecretText};
use postern_store::{SealedSecret, WriteTx};
use postern_vault::{Binding, Envelope, Vault};
use russh::keys::ssh_key::LineEnding;
use russh::keys::{HashAlg, PrivateKey};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Caller, Control, Error, rotation, visible};

/// The longest password, in bytes.
const PASSWORD_LEN_MAX: usize = 4096;
/// The longest private key, in bytes.
const KEY_LEN_MAX: usize = 64 * 1024;

/// How many secrets are read at once when all are sealed again.
const REWRAPPED_AT_ONCE: u32 = 500;

/// A secret to be stored: one of the two.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretInput {
    /// The account's password.
    pub password: Option<SecretText>,
    /// The account's private key in OpenSSH's or PEM form, without a passphrase.
    pub private_key: Option<SecretText>,
}

impl Control {
    /// Stores a new version of an account's secret.
    ///
    /// # Errors
    /// When it does not fit how the account is proved, when the account is not known or lies outside
    /// the permit, or when the vault is sealed.
    pub async fn secret_put(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        reference: &AccountRef,
        input: SecretInput,
    ) -> Result<(), Error> {
        let mut tx = self.store().write(self.now()).await?;
        let scopes = visible::readable(caller, permit, Permission::AssetRead);
        let (account, asset) = visible::account(&mut tx, caller, reference, &scopes).await?;
        visible::within(permit, &asset.scope)?;
        let Checked { secret, fingerprint } = checked(account.credential, input)?;
        let overruled = rotation::overruled(&mut tx, &account.id).await?;
        let version = tx.secret_version_next(&account.id).await?;
        let id = SecretId::generate(tx.now(), postern_vault::random::bytes());
        let envelope = self.vault().seal(&binding(&id, &account.id, version), &secret)?;
        let (kind, state) = (account.credential, VersionState::Current);
        let sealed = envelope.to_bytes();
        tx.secret_insert(&SealedSecret { id, account: account.id.clone(), version, kind, state, sealed }).await?;
        tx.heartbeat_forgotten(&account.id).await?;
        let mut event = Event::done(tx.now(), caller.actor(), "secret.put", reference.to_string(), asset.scope)
            .with("version", version);
        if let Some(fingerprint) = fingerprint {
            event = event.with("key_fingerprint", fingerprint);
        }
        if let Some(rotation) = overruled {
            event = event.with("in_place_of", rotation.as_str());
        }
        self.commit(tx, &[event]).await?;
        Ok(())
    }

    /// The secret that proves the account to its target: a password, or a private key in OpenSSH's
    /// form. It takes a permitted session to get it.
    ///
    /// # Errors
    /// When none is stored, when it was altered, or when the vault is sealed.
    pub async fn secret_for(&self, permit: &Permit<Connect>) -> Result<SecretText, Error> {
        let account = &permit.action().account;
        let mut rows = self.store().read().await?;
        let missing =
            || Error::Unavailable("the vault holds no secret for this account: postern account set-secret".to_owned());
        let wanted = rows.account(account).await?.ok_or_else(missing)?.credential;
        let current = rows.secret_current(account).await?.filter(|secret| secret.kind == wanted).ok_or_else(missing)?;
        self.opened(&current)
    }

    /// What a stored version holds. Its callers have a permit, or are the steps of a rotation.
    pub(crate) fn opened(&self, sealed: &SealedSecret) -> Result<SecretText, Error> {
        let binding = binding(&sealed.id, &sealed.account, sealed.version);
        let opened = self.vault().open(&binding, &Envelope::parse(&sealed.sealed)?)?;
        let text = std::str::from_utf8(opened.expose())
            .map_err(|_| Error::Unavailable("a secret in the vault is damaged: restore it from a backup".to_owned()))?;
        Ok(SecretText::new(text.to_owned()))
    }
}

/// Seals all secrets again, of all versions, under the newest key of `vault`; gives how many.
pub(crate) async fn rewrap(vault: &Vault, tx: &mut WriteTx) -> Result<u64, Error> {
    let mut rewrapped = 0;
    let mut after: Option<SecretId> = None;
    loop {
        let secrets = tx.secrets_after(after.as_ref(), REWRAPPED_AT_ONCE).await?;
        let Some(last) = secrets.last() else { return Ok(rewrapped) };
        after = Some(last.id.clone());
        for secret in &secrets {
            let binding = binding(&secret.id, &secret.account, secret.version);
            if let Some(fresh) = vault.rewrap(&binding, &Envelope::parse(&secret.sealed)?)? {
                tx.secret_rewrap(&secret.id, &fresh.to_bytes()).await?;
                rewrapped += 1;
            }
        }
    }
}

/// What a sealed secret belongs to. It opens for this version of this account's secret only.
pub(crate) fn binding(id: &SecretId, account: &AccountId, version: u32) -> Binding {
    Binding::new("secret", format!("{account}/{id}"), u64::from(version))
}

struct Checked {
    secret: SecretBytes,
    /// Of a key's public half; nothing is told of a password.
    fingerprint: Option<String>,
}

/// The secret, when it is one that can prove an account of this kind. No message repeats any of it.
fn checked(kind: CredentialKind, input: SecretInput) -> Result<Checked, Error> {
    match (kind, input.password, input.private_key) {
        (CredentialKind::Password, Some(password), None) => {
            let text = password.expose();
            if text.is_empty() || text.len() > PASSWORD_LEN_MAX || text.contains(['\0', '\n', '\r']) {
                return Err(Error::invalid("password", format!("give 1 to {PASSWORD_LEN_MAX} bytes in one line")));
            }
            Ok(Checked { secret: SecretBytes::new(text.as_bytes().to_vec()), fingerprint: None })
        }
        (CredentialKind::SshKey, None, Some(key)) => {
            let key = private_key(&key)?;
            let fingerprint = key.public_key().fingerprint(HashAlg::Sha256).to_string();
            let text = key.to_openssh(LineEnding::LF).map_err(|_| not_a_key())?;
            Ok(Checked { secret: SecretBytes::new(text.as_bytes().to_vec()), fingerprint: Some(fingerprint) })
        }
        (CredentialKind::Password, ..) => {
            Err(Error::invalid("password", "the account is proved by a password: give that and no key"))
        }
        (CredentialKind::SshKey, ..) => {
            Err(Error::invalid("private_key", "the account is proved by a key: give that and no password"))
        }
        (CredentialKind::SshCertificate, ..) => {
            Err(Error::invalid("credential", "the account is proved by certificates: nothing is stored for it"))
        }
    }
}

fn not_a_key() -> Error {
    Error::invalid("private_key", "not a private key in OpenSSH's or PEM form")
}

fn private_key(text: &SecretText) -> Result<PrivateKey, Error> {
    if text.expose().len() > KEY_LEN_MAX {
        return Err(not_a_key());
    }
    match russh::keys::decode_secret_key(text.expose(), None) {
        Ok(key) if key.is_encrypted() => Err(protected()),
        Ok(key) => Ok(key),
        Err(russh::keys::Error::KeyIsEncrypted) => Err(protected()),
        Err(_) => Err(not_a_key()),
    }
}

fn protected() -> Error {
    Error::invalid("private_key", "the key has a passphrase: take it off with `ssh-keygen -p` first")
}

#[cfg(test)]
mod tests;
