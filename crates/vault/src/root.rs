//! `vault.json`: the root key, sealed to its recipients. Nothing in it is secret.

use postern_domain::{SecretBytes, SecretText};
use serde::{Deserialize, Serialize};

use crate::binding::Fields;
use crate::document::{self, Base64, VaultId};
use crate::error::Error;
use crate::key::{Key, NONCE_LEN, WRAPPED_LEN};
use crate::key_ring::KeyRing;
use crate::random::{Entropy, System};
use crate::recipient::{Recipient, RecipientKind, SealedRecipient, SealedToShares};
use crate::share::{self, Opens, RecoveryShare, SharePlan};
use crate::vault::{Keys, Vault};

const FORMAT: &str = "postern-vault";
const WHAT: &str = "the sealed root";

/// The root key, sealed; the document that `vault.json` holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedRoot {
    format: String,
    version: u32,
    vault_id: VaultId,
    /// Tells whether a root key is the right one; reveals nothing of it.
    check: Base64<32>,
    recipients: Vec<SealedRecipient>,
    /// The root key before the last change of root, wrapped by this one. With it, a key ring that
    /// was not yet stored anew when a crash came still opens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<PreviousRoot>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PreviousRoot {
    nonce: Base64<NONCE_LEN>,
    wrapped: Base64<WRAPPED_LEN>,
}

/// A change of the root key. Store `sealed_root`, then `key_ring`, then install `vault`; print
/// `shares`. A crash between the two leaves a vault that opens with the new recipients.
pub struct RootRotation {
    /// The new `vault.json`.
    pub sealed_root: SealedRoot,
    /// The new key ring.
    pub key_ring: KeyRing,
    /// The new recovery shares.
    pub shares: Vec<RecoveryShare>,
    /// The vault under its new root key.
    pub vault: Vault,
}

impl SealedRoot {
    /// A new vault: its sealed root, its recovery shares, and a handle with its keys, whose
    /// [`Vault::key_ring`] is to be stored too. At least one recipient, and the shares make two.
    pub fn create(recipients: &[Recipient], plan: SharePlan) -> Result<(Self, Vec<RecoveryShare>, Vault), Error> {
        Self::create_with(recipients, plan, &mut System)
    }

    pub(crate) fn create_with(
        recipients: &[Recipient],
        plan: SharePlan,
        entropy: &mut impl Entropy,
    ) -> Result<(Self, Vec<RecoveryShare>, Vault), Error> {
        let vault_id = VaultId::generate(entropy);
        let root = Key::generate(entropy);
        let (sealed, shares) = Self::seal(&root, &vault_id, recipients, plan, entropy)?;
        let keys = Keys::create(root, vault_id, entropy)?;
        let vault = Vault::unsealed(keys, sealed.recipients());
        Ok((sealed, shares, vault))
    }

    fn seal(
        root: &Key,
        vault_id: &VaultId,
        recipients: &[Recipient],
        plan: SharePlan,
        entropy: &mut impl Entropy,
    ) -> Result<(Self, Vec<RecoveryShare>), Error> {
        let mut sealed = seal_to(recipients, root, vault_id, entropy)?;
        let (set, shares) = share::split(Opens::Vault, root, vault_id, plan, entropy);
        sealed.push(SealedRecipient::Shares(SealedToShares { set, threshold: plan.threshold(), count: plan.count() }));
        let document = Self {
            format: FORMAT.to_owned(),
            version: 1,
            vault_id: vault_id.clone(),
            check: Base64(check(root, vault_id)?),
            recipients: sealed,
            previous: None,
        };
        Ok((document, shares))
    }

    /// Reads a stored document.
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        document::read(json, FORMAT, WHAT)
    }

    /// The document to store.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        document::write(self)
    }

    /// Which vault.
    #[must_use]
    pub fn vault_id(&self) -> &VaultId {
        &self.vault_id
    }

    /// What the root key is sealed to.
    #[must_use]
    pub fn recipients(&self) -> Vec<RecipientKind> {
        self.recipients.iter().map(SealedRecipient::kind).collect()
    }

    /// Opens the vault with what is in its key file.
    pub fn unseal_with_key_file(&self, content: &SecretBytes, ring: &KeyRing) -> Result<Vault, Error> {
        const NAME: &str = "key file";
        let sealed = self.recipients.iter().find_map(|recipient| match recipient {
            SealedRecipient::KeyFile(sealed) => Some(sealed),
            SealedRecipient::Passphrase(_) | SealedRecipient::Shares(_) => None,
        });
        let root = sealed.ok_or(Error::NoSuchRecipient(NAME))?.open(content, &self.vault_id)?;
        self.unseal(root.ok_or(Error::WrongKey(NAME))?, ring, NAME)
    }

    /// Opens the vault with its passphrase. Takes a noticeable time and 64 MiB on purpose; not for
    /// an asynchronous worker's own thread.
    pub fn unseal_with_passphrase(&self, passphrase: &SecretText, ring: &KeyRing) -> Result<Vault, Error> {
        const NAME: &str = "passphrase";
        let sealed = self.recipients.iter().find_map(|recipient| match recipient {
            SealedRecipient::Passphrase(sealed) => Some(sealed),
            SealedRecipient::KeyFile(_) | SealedRecipient::Shares(_) => None,
        });
        let root = sealed.ok_or(Error::NoSuchRecipient(NAME))?.open(passphrase, &self.vault_id)?;
        self.unseal(root.ok_or(Error::WrongKey(NAME))?, ring, NAME)
    }

    /// Opens the vault with recovery shares as typed. An error names the share at fault.
    pub fn unseal_with_shares(&self, typed: &[SecretText], ring: &KeyRing) -> Result<Vault, Error> {
        self.unseal(share::combine(Opens::Vault, typed, &self.vault_id)?, ring, "set of shares")
    }

    /// Makes a lost `vault.json` anew from recovery shares and the key ring, which tells whether
    /// the shares are the right ones. The old shares stay good; the new ones are for printing.
    pub fn rebuild(
        typed: &[SecretText],
        ring: &KeyRing,
        recipients: &[Recipient],
        plan: SharePlan,
    ) -> Result<(Self, Vec<RecoveryShare>, Vault), Error> {
        let vault_id = ring.vault_id().clone();
        let root = share::combine(Opens::Vault, typed, &vault_id)?;
        let keks = ring.unwrap(&root).map_err(|_| Error::WrongKey("set of shares"))?;
        let (sealed, shares) = Self::seal(&root, &vault_id, recipients, plan, &mut System)?;
        let vault = Vault::unsealed(Keys { vault_id, root, ring: ring.clone(), keks }, sealed.recipients());
        Ok((sealed, shares, vault))
    }

    /// The document with other passphrases or key files in place of the present ones; root key and
    /// shares stay. What the old ones could open in an old copy they still open: after a leak,
    /// [`SealedRoot::rotate_root`].
    pub fn reseal(&self, vault: &Vault, recipients: &[Recipient]) -> Result<Self, Error> {
        let root = self.root_of(vault)?;
        let mut sealed = seal_to(recipients, &root, &self.vault_id, &mut System)?;
        sealed.extend(self.recipients.iter().filter(|known| known.kind() == RecipientKind::Shares).cloned());
        Ok(Self { recipients: sealed, ..self.clone() })
    }

    /// Another set of shares of the same root key. Shares of the earlier set stay good among
    /// themselves: after a loss, [`SealedRoot::rotate_root`].
    pub fn new_shares(&self, vault: &Vault, plan: SharePlan) -> Result<(Self, Vec<RecoveryShare>), Error> {
        let root = self.root_of(vault)?;
        let (set, shares) = share::split(Opens::Vault, &root, &self.vault_id, plan, &mut System);
        let mut sealed = self.clone();
        sealed.recipients.retain(|known| known.kind() != RecipientKind::Shares);
        sealed.recipients.push(SealedRecipient::Shares(SealedToShares {
            set,
            threshold: plan.threshold(),
            count: plan.count(),
        }));
        Ok((sealed, shares))
    }

    /// Another root key under the same vault id, the key-encryption keys wrapped anew; envelopes
    /// stay as they are. Passphrases, key files and shares of before open only copies of before.
    pub fn rotate_root(&self, vault: &Vault, recipients: &[Recipient], plan: SharePlan) -> Result<RootRotation, Error> {
        let old = self.root_of(vault)?;
        let root = Key::generate(&mut System);
        let (mut sealed_root, shares) = Self::seal(&root, &self.vault_id, recipients, plan, &mut System)?;
        let nonce = System.array();
        let wrapped = previous_key(&root, &self.vault_id)?.wrap(nonce, &previous_data(&self.vault_id), &old)?;
        sealed_root.previous = Some(PreviousRoot { nonce: Base64(nonce), wrapped: Base64(wrapped) });
        let keys = vault.with_keys(|keys| keys.under(root))?;
        let key_ring = keys.ring.clone();
        let vault = Vault::unsealed(keys, sealed_root.recipients());
        Ok(RootRotation { sealed_root, key_ring, shares, vault })
    }

    /// Whether the document still carries the root key before the last change.
    #[must_use]
    pub fn has_previous(&self) -> bool {
        self.previous.is_some()
    }

    /// The document without the root key before the last change; once the new ring is stored.
    #[must_use]
    pub fn without_previous(&self) -> Self {
        Self { previous: None, ..self.clone() }
    }

    fn unseal(&self, root: Key, ring: &KeyRing, name: &'static str) -> Result<Vault, Error> {
        if *ring.vault_id() != self.vault_id {
            return Err(Error::OtherVault);
        }
        self.check_root(&root).map_err(|_| Error::WrongKey(name))?;
        let keys = match ring.unwrap(&root) {
            Ok(keks) => Keys { vault_id: self.vault_id.clone(), root, ring: ring.clone(), keks },
            Err(refused) => self.finish_rotation(root, ring)?.ok_or(refused)?,
        };
        Ok(Vault::unsealed(keys, self.recipients()))
    }

    /// The keys of a ring that is still wrapped by the previous root key, wrapped by the new one.
    fn finish_rotation(&self, root: Key, ring: &KeyRing) -> Result<Option<Keys>, Error> {
        let Some(previous) = &self.previous else {
            return Ok(None);
        };
        let old = previous_key(&root, &self.vault_id)?
            .unwrap(previous.nonce.0, &previous_data(&self.vault_id), &previous.wrapped.0)
            .ok_or(Error::Malformed(WHAT))?;
        let keks = ring.unwrap(&old)?;
        let before = Keys { vault_id: self.vault_id.clone(), root: old, ring: ring.clone(), keks };
        before.under(root).map(Some)
    }

    /// The root key of an unsealed vault, when this document is its own. Copied out, so that slow
    /// work with it holds up nobody.
    fn root_of(&self, vault: &Vault) -> Result<Key, Error> {
        let root = vault.with_keys(|keys| Ok(keys.root.clone()))?;
        self.check_root(&root)?;
        Ok(root)
    }

    fn check_root(&self, root: &Key) -> Result<(), Error> {
        let right = check_key(root, &self.vault_id)?.verify_mac(&check_data(), &self.check.0);
        if right { Ok(()) } else { Err(Error::OtherVault) }
    }
}

/// Seals to at least one recipient, and at most one of each kind.
fn seal_to(
    recipients: &[Recipient],
    root: &Key,
    vault_id: &VaultId,
    entropy: &mut impl Entropy,
) -> Result<Vec<SealedRecipient>, Error> {
    let mut sealed: Vec<SealedRecipient> = Vec::with_capacity(recipients.len() + 1);
    for recipient in recipients {
        let new = recipient.seal(root, vault_id, entropy)?;
        if sealed.iter().any(|known| known.kind() == new.kind()) {
            return Err(Error::Weak("at most one passphrase and one key file"));
        }
        sealed.push(new);
    }
    if sealed.is_empty() {
        return Err(Error::Weak("a vault needs a passphrase or a key file besides its recovery shares"));
    }
    Ok(sealed)
}

fn check_key(root: &Key, vault_id: &VaultId) -> Result<Key, Error> {
    Key::derive(vault_id.as_str().as_bytes(), root.expose(), &Fields::new("postern root: check v1"))
}

fn check_data() -> Fields {
    Fields::new("postern root check value v1")
}

fn check(root: &Key, vault_id: &VaultId) -> Result<[u8; 32], Error> {
    Ok(check_key(root, vault_id)?.mac(&check_data()))
}

fn previous_key(root: &Key, vault_id: &VaultId) -> Result<Key, Error> {
    Key::derive(vault_id.as_str().as_bytes(), root.expose(), &Fields::new("postern root: wrap previous root v1"))
}

fn previous_data(vault_id: &VaultId) -> Fields {
    Fields::new("postern previous root v1").bytes(vault_id.as_str().as_bytes())
}

#[cfg(test)]
mod tests;
