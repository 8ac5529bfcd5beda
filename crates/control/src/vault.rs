//! The vault's use cases: its state, sealing, unsealing, new keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_domain::event::Event;
use postern_domain::permit::{Manage, Permit};
use postern_domain::{ScopePath, SecretText};
use postern_vault::{RecipientKind, SealedRoot, Vault};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{DataFolder, KEY_RING, key_ring, ring_text};
use crate::keys::{OwnKey, envelope};
use crate::{Caller, Control, Error};

/// The vault's state. No secret appears here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VaultStatus {
    /// Sealed: nothing can be opened, no session can begin.
    pub sealed: bool,
    /// Which vault.
    pub vault_id: Option<String>,
    /// The key-encryption key that new envelopes are sealed under.
    pub kek_current: Option<u32>,
    /// How many key-encryption keys there are.
    pub kek_count: usize,
    /// What the root key is sealed to.
    pub recipients: Vec<String>,
}

/// What a vault is unsealed with; exactly one of them.
#[derive(Deserialize, JsonSchema, Default)]
#[serde(deny_unknown_fields)]
pub struct Unsealing {
    /// The passphrase.
    pub passphrase: Option<SecretText>,
    /// Recovery shares, as many as are needed.
    #[serde(default)]
    pub shares: Vec<SecretText>,
    /// Use the key file that the server is configured with.
    #[serde(default)]
    pub key_file: bool,
}

impl Control {
    /// The vault's state.
    #[must_use]
    pub fn vault_status(&self) -> VaultStatus {
        describe(self.vault())
    }

    /// Seals the vault: all keys leave memory. Live sessions go on; no new one can begin.
    ///
    /// # Errors
    /// When it cannot be written down, and then the vault stays open.
    pub async fn vault_seal(&self, caller: &Caller, permit: &Permit<Manage>) -> Result<VaultStatus, Error> {
        at_root(permit)?;
        let id = self.vault_status().vault_id.unwrap_or_default();
        let event = Event::done(self.now(), caller.actor(), "vault.seal", id, ScopePath::root());
        self.note(event).await?;
        // What was just written down can be signed only now.
        self.publish_all().await?;
        self.vault().seal_now();
        Ok(self.vault_status())
    }

    /// Unseals the vault.
    ///
    /// # Errors
    /// `Invalid` when what was given does not open it.
    pub async fn vault_unseal(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        with: Unsealing,
    ) -> Result<VaultStatus, Error> {
        at_root(permit)?;
        let folder = DataFolder::new(&self.settings().data);
        let root = SealedRoot::from_json(&std::fs::read(folder.vault())?)?;
        let ring = key_ring(&mut self.store().read().await?).await?;
        let key_path = self.settings().key_file.clone();
        let opened = tokio::task::spawn_blocking(move || match (with.passphrase, with.shares, with.key_file) {
            (Some(passphrase), shares, false) if shares.is_empty() => root.unseal_with_passphrase(&passphrase, &ring),
            (None, shares, false) if !shares.is_empty() => root.unseal_with_shares(&shares, &ring),
            (None, shares, true) if shares.is_empty() => {
                postern_vault::key_file::read(&key_path).and_then(|content| root.unseal_with_key_file(&content, &ring))
            }
            _ => Err(postern_vault::Error::NoSuchRecipient("exactly one of passphrase, shares, key_file")),
        })
        .await
        .map_err(|_| Error::Unavailable("unsealing was cut off".to_owned()))?;
        let actor = caller.actor();
        let id = self.vault_status().vault_id.unwrap_or_default();
        let event = Event::done(self.now(), actor, "vault.unseal", id, ScopePath::root());
        match opened {
            Ok(vault) => {
                self.vault().install(&vault)?;
                self.make_own_keys().await?;
                self.note(event).await?;
                Ok(self.vault_status())
            }
            Err(error) => {
                self.note(event.outcome(postern_domain::event::Outcome::Failed)).await?;
                Err(Error::invalid("unseal", error.to_string()))
            }
        }
    }

    /// Makes a new key-encryption key and re-wraps everything stored under it. Recordings keep the
    /// key that they were made under; it stays on the ring for them.
    ///
    /// # Errors
    /// When nothing was changed.
    pub async fn vault_rotate_key(&self, caller: &Caller, permit: &Permit<Manage>) -> Result<VaultStatus, Error> {
        at_root(permit)?;
        let ring = self.vault().rotate_kek()?;
        // Re-wrapped under keys that nobody else uses before they are stored.
        let next = self.vault().staged(&ring)?;
        let mut tx = self.store().write(self.now()).await?;
        tx.setting_set(KEY_RING, &ring_text(&ring)).await?;
        let mut rewrapped = 0_u64;
        for key in OwnKey::ALL {
            if let Some(text) = tx.setting(key.setting()).await?
                && let Some(fresh) = next.rewrap(&key.binding(), &envelope(&text)?)?
            {
                tx.setting_set(key.setting(), &STANDARD.encode(fresh.to_bytes())).await?;
                rewrapped += 1;
            }
        }
        rewrapped += crate::secret::rewrap(&next, &mut tx).await?;
        rewrapped += crate::factor::rewrap(&next, &mut tx).await?;
        rewrapped += crate::attachment::rewrap(&next, &mut tx).await?;
        rewrapped += crate::offline::rewrap(&next, &mut tx).await?;
        let id = self.vault_status().vault_id.unwrap_or_default();
        let event = Event::done(self.now(), caller.actor(), "vault.rotate_key", id, ScopePath::root())
            .with("rewrapped", rewrapped);
        self.commit(tx, &[event]).await?;
        self.vault().adopt(&ring)?;
        Ok(self.vault_status())
    }
}

/// The state of a vault.
pub(crate) fn describe(vault: &Vault) -> VaultStatus {
    let status = vault.status();
    let name = |kind: &RecipientKind| match kind {
        RecipientKind::Passphrase => "passphrase",
        RecipientKind::KeyFile => "key_file",
        RecipientKind::Shares => "shares",
    };
    VaultStatus {
        sealed: status.sealed,
        vault_id: status.vault_id.map(|id| id.to_string()),
        kek_current: status.kek_current,
        kek_count: status.kek_count,
        recipients: status.recipients.iter().map(|kind| name(kind).to_owned()).collect(),
    }
}

/// The vault is the whole installation's: a right over a part of it is not enough.
fn at_root(permit: &Permit<Manage>) -> Result<(), Error> {
    if permit.covers(&ScopePath::root()) {
        Ok(())
    } else {
        Err(Error::Forbidden(format!("this needs {} at the scope /", permit.action().permission.as_str())))
    }
}

#[cfg(test)]
mod tests;
