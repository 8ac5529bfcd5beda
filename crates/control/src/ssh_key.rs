//! SSH keys that people sign in to gateways with.

use postern_domain::event::Event;
use postern_domain::user::SshKey;
use postern_domain::{SshKeyId, UserName};
use postern_store::{Page, PageRequest};
use postern_vault::random;
use russh::keys::ssh_key::{Algorithm, HashAlg, PublicKey};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::waiting::Made;
use crate::{Caller, Control, Error, workload};

/// How many keys one person may have.
const KEYS_MAX: i64 = 50;
/// The longest line read, in bytes; an RSA key of 16384 bits takes 2800.
const LINE_LEN_MAX: usize = 8 * 1024;
const RSA_BITS_MIN: usize = 3072;
const RSA_BITS_MAX: usize = 16384;
const COMMENT_LEN_MAX: usize = 200;
const FIELD: &str = "public_key";

/// A key to be registered.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SshKeyAdd {
    /// The public key in OpenSSH's one-line form.
    pub public_key: String,
    /// A comment; the key's own unless given.
    #[serde(default)]
    pub comment: Option<String>,
    /// The workload that it is for; one's own unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserName>,
}

/// A public key that was read.
struct ParsedKey {
    fingerprint: String,
    algorithm: String,
    line: String,
    comment: String,
}

impl Control {
    /// The caller's keys.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ssh_key_list(&self, caller: &Caller, page: &PageRequest) -> Result<Page<SshKey>, Error> {
        Ok(self.store().read().await?.ssh_keys(&caller.user.id, page).await?)
    }

    /// Registers a key of the caller's, or of a workload: where that may do more than the caller, it works once
    /// somebody else has confirmed it.
    ///
    /// # Errors
    /// `Invalid` when it cannot be read or is too weak; `Conflict` when it is registered already.
    pub async fn ssh_key_add(&self, caller: &Caller, wish: &SshKeyAdd) -> Result<SshKey, Error> {
        caller.login()?;
        let parsed = parse(&wish.public_key)?;
        let comment = wish.comment.as_deref().unwrap_or(&parsed.comment);
        let mut tx = self.store().write(self.now()).await?;
        let (owner, _) = workload::owner(&mut tx, caller, wish.user.as_ref()).await?;
        if tx.ssh_keys_count(&owner.id).await? >= KEYS_MAX {
            return Err(Error::Conflict(format!("you have {KEYS_MAX} SSH keys; remove some first")));
        }
        let made = Made::by(&mut tx, caller, &owner).await?;
        let key = SshKey {
            id: SshKeyId::generate(tx.now(), random::bytes()),
            user: owner.name.clone(),
            fingerprint: parsed.fingerprint,
            algorithm: parsed.algorithm,
            public_key: parsed.line,
            comment: comment.chars().filter(|c| !c.is_control()).take(COMMENT_LEN_MAX).collect(),
            created_at: tx.now(),
            last_used_at: None,
            awaits: made.awaits,
            works_from: made.works_from,
        };
        tx.ssh_key_add(&key, &owner.id, made.made_by.as_ref()).await?;
        let event = made.told(event(caller, "ssh_key.add", &key, tx.now()));
        self.commit(tx, &[event]).await?;
        Ok(key)
    }

    /// Removes one of the caller's keys: nobody signs in with it any more.
    ///
    /// # Errors
    /// `NotFound` also when it is somebody else's.
    pub async fn ssh_key_remove(&self, caller: &Caller, id: &SshKeyId) -> Result<(), Error> {
        caller.login()?;
        let mut tx = self.store().write(self.now()).await?;
        let unknown = || Error::not_found("SSH key", id);
        let (key, owner) = tx.ssh_key(id).await?.ok_or_else(unknown)?;
        workload::owned(&mut tx, caller, &owner).await?.ok_or_else(unknown)?;
        tx.ssh_key_remove(id).await?;
        let event = event(caller, "ssh_key.remove", &key, tx.now());
        self.commit(tx, &[event]).await?;
        Ok(())
    }
}

fn event(caller: &Caller, action: &str, key: &SshKey, now: postern_domain::Timestamp) -> Event {
    Event::done(now, caller.actor(), action, key.id.as_str(), caller.user.scope.clone())
        .with("user", key.user.as_str())
        .with("fingerprint", key.fingerprint.as_str())
        .with("algorithm", key.algorithm.as_str())
}

/// Whether somebody who said that they are `named` can be the owner called `owner`.
pub(crate) fn is_named(owner: &UserName, named: Option<&UserName>) -> bool {
    named.is_none_or(|named| named == owner)
}

fn parse(text: &str) -> Result<ParsedKey, Error> {
    let text = text.trim();
    if text.is_empty() || text.len() > LINE_LEN_MAX || text.lines().count() != 1 {
        return Err(Error::invalid(FIELD, "give one line, as in ~/.ssh/id_ed25519.pub"));
    }
    if text.contains("PRIVATE KEY") {
        return Err(Error::invalid(FIELD, "this is a private key; keep it and give the .pub file"));
    }
    let key = PublicKey::from_openssh(text)
        .map_err(|_| Error::invalid(FIELD, "this is not a public key in OpenSSH's one-line form"))?;
    strong(&key)?;
    let mut bare = key.clone();
    bare.set_comment("");
    let line = bare.to_openssh().map_err(|_| Error::invalid(FIELD, "this key cannot be written down again"))?;
    Ok(ParsedKey {
        fingerprint: key.fingerprint(HashAlg::Sha256).to_string(),
        algorithm: key.algorithm().as_str().to_owned(),
        line: line.trim_end().to_owned(),
        comment: key.comment().to_string(),
    })
}

fn strong(key: &PublicKey) -> Result<(), Error> {
    match key.algorithm() {
        Algorithm::Ed25519 | Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256 | Algorithm::Ecdsa { .. } => Ok(()),
        Algorithm::Rsa { .. } => {
            let bits = key.key_data().rsa().map_or(0, |rsa| rsa.key_size() as usize);
            if (RSA_BITS_MIN..=RSA_BITS_MAX).contains(&bits) {
                Ok(())
            } else {
                Err(Error::invalid(
                    FIELD,
                    format!("an RSA key needs {RSA_BITS_MIN} bits or more; ssh-ed25519 is better"),
                ))
            }
        }
        _ => Err(Error::invalid(FIELD, "use ssh-ed25519, ecdsa-sha2-nistp*, an sk- key or RSA of 3072 bits or more")),
    }
}

#[cfg(test)]
mod tests;
