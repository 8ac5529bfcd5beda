//! The handle: keys in memory while unsealed, [`Error::Sealed`] otherwise.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use postern_domain::SecretBytes;
use serde::Serialize;

use crate::binding::Binding;
use crate::document::VaultId;
use crate::envelope::{Envelope, Sealer, Use};
use crate::error::Error;
use crate::key::{KEY_LEN, Key};
use crate::key_ring::{Keks, KeyRing};
use crate::random::{self, Entropy, System};
use crate::recipient::RecipientKind;
use crate::root::SealedRoot;

/// A cheap handle to one vault's keys; clones share them. [`Vault::seal_now`] on one clone seals all.
#[derive(Clone)]
pub struct Vault {
    // Readers seal and open, each for microseconds; writers install, adopt and drop keys. Nobody
    // holds it across a call out of this module.
    state: Arc<RwLock<State>>,
}

struct State {
    known: Option<Known>,
    keys: Option<Keys>,
}

/// What may be told of a vault, sealed or not.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) vault_id: VaultId,
    pub(crate) recipients: Vec<RecipientKind>,
}

/// The keys of an unsealed vault.
pub(crate) struct Keys {
    pub(crate) vault_id: VaultId,
    pub(crate) root: Key,
    pub(crate) ring: KeyRing,
    pub(crate) keks: Keks,
}

/// How a vault stands. Carries no key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Whether the keys are absent from memory.
    pub sealed: bool,
    /// Which vault, when known.
    pub vault_id: Option<VaultId>,
    /// The number of the key that seals now.
    pub kek_current: Option<u32>,
    /// How many keys the ring holds.
    pub kek_count: usize,
    /// What the root key is sealed to.
    pub recipients: Vec<RecipientKind>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Vault").field(&self.status()).finish()
    }
}

impl Vault {
    /// A handle without keys, to be given some by [`Vault::install`].
    #[must_use]
    pub fn sealed() -> Self {
        Self { state: Arc::new(RwLock::new(State { known: None, keys: None })) }
    }

    /// A handle with keys.
    pub(crate) fn unsealed(keys: Keys, recipients: Vec<RecipientKind>) -> Self {
        let known = Known { vault_id: keys.vault_id.clone(), recipients };
        Self { state: Arc::new(RwLock::new(State { known: Some(known), keys: Some(keys) })) }
    }

    /// Moves the keys of `opened`, fresh from an unseal, into this handle and all its clones.
    /// `opened` is sealed afterwards. Refused when this handle is known to be another vault's.
    pub fn install(&self, opened: &Self) -> Result<(), Error> {
        if Arc::ptr_eq(&self.state, &opened.state) {
            return Ok(());
        }
        let (known, keys) = {
            let mut from = opened.write();
            let keys = from.keys.take().ok_or(Error::Sealed)?;
            (from.known.clone(), keys)
        };
        let mut state = self.write();
        if state.known.as_ref().is_some_and(|mine| mine.vault_id != keys.vault_id) {
            return Err(Error::OtherVault);
        }
        state.known = known;
        state.keys = Some(keys);
        Ok(())
    }

    /// Remembers what the stored document says of itself, for [`Vault::status`]: at start while
    /// sealed, and after a changed document has been stored.
    pub fn describe(&self, stored: &SealedRoot) -> Result<(), Error> {
        let mut state = self.write();
        if state.known.as_ref().is_some_and(|mine| mine.vault_id != *stored.vault_id()) {
            return Err(Error::OtherVault);
        }
        state.known = Some(Known { vault_id: stored.vault_id().clone(), recipients: stored.recipients() });
        Ok(())
    }

    /// How the vault stands.
    #[must_use]
    pub fn status(&self) -> Status {
        let state = self.read();
        let keks = state.keys.as_ref().map(|keys| &keys.keks);
        Status {
            sealed: state.keys.is_none(),
            vault_id: state.known.as_ref().map(|known| known.vault_id.clone()),
            kek_current: keks.and_then(|keks| keks.last_key_value()).map(|(id, _)| *id),
            kek_count: keks.map_or(0, |keks| keks.len()),
            recipients: state.known.as_ref().map(|known| known.recipients.clone()).unwrap_or_default(),
        }
    }

    /// Drops and wipes every key, for all clones.
    pub fn seal_now(&self) {
        self.write().keys = None;
    }

    /// Seals `secret` for the record that `binding` names.
    pub fn seal(&self, binding: &Binding, secret: &SecretBytes) -> Result<Envelope, Error> {
        self.with_sealer(|sealer| sealer.seal(Use::Secret, binding, secret, &mut System))
    }

    /// Opens what [`Vault::seal`] sealed for the same record.
    pub fn open(&self, binding: &Binding, envelope: &Envelope) -> Result<SecretBytes, Error> {
        self.with_sealer(|sealer| sealer.open(Use::Secret, binding, envelope))
    }

    /// The same envelope hanging on the newest key, its body untouched; nothing when it does
    /// already. For envelopes of every use, those inside sealed data keys included.
    pub fn rewrap(&self, binding: &Binding, envelope: &Envelope) -> Result<Option<Envelope>, Error> {
        self.with_sealer(|sealer| sealer.rewrap(binding, envelope, &mut System))
    }

    /// A new key of 32 bytes for something large, and the same key sealed, to be stored beside it:
    /// the bytes of an [`Envelope`].
    pub fn data_key(&self, binding: &Binding) -> Result<(SecretBytes, Vec<u8>), Error> {
        let key = random::secret(KEY_LEN);
        let sealed = self.with_sealer(|sealer| sealer.seal(Use::DataKey, binding, &key, &mut System))?;
        Ok((key, sealed.to_bytes()))
    }

    /// Opens a data key.
    pub fn open_data_key(&self, binding: &Binding, sealed_key: &[u8]) -> Result<SecretBytes, Error> {
        let envelope = Envelope::parse(sealed_key)?;
        self.with_sealer(|sealer| sealer.open(Use::DataKey, binding, &envelope))
    }

    /// A new Ed25519 key: its seed sealed, and its public key.
    pub fn generate_ed25519(&self, binding: &Binding) -> Result<(Envelope, [u8; 32]), Error> {
        let seed = random::secret(KEY_LEN);
        let public = ed25519_public(&seed)?;
        let sealed = self.with_sealer(|sealer| sealer.seal(Use::Ed25519Seed, binding, &seed, &mut System))?;
        Ok((sealed, public))
    }

    /// Opens an Ed25519 key: the 32 bytes of RFC 8032's private key, from which a signer is made.
    pub fn open_ed25519(&self, binding: &Binding, envelope: &Envelope) -> Result<SecretBytes, Error> {
        self.with_sealer(|sealer| sealer.open(Use::Ed25519Seed, binding, envelope))
    }

    /// The key ring in use. Store it after `create` and after every unseal that it differs from
    /// what is stored (a change of the root key was cut short).
    pub fn key_ring(&self) -> Result<KeyRing, Error> {
        self.with_keys(|keys| Ok(keys.ring.clone()))
    }

    /// A ring with one key more. Nothing changes until it has been stored, durably, and then
    /// [`Vault::adopt`]ed; only from then on, or with a [`Vault::staged`] handle, does
    /// [`Vault::rewrap`] find anything to do. Store it on
    /// condition that the stored generation is the one before, so that two rotations cannot fork.
    pub fn rotate_kek(&self) -> Result<KeyRing, Error> {
        self.with_keys(|keys| {
            let newest = keys.keks.last_key_value().map_or(0, |(id, _)| *id);
            let id = newest.checked_add(1).ok_or(Error::KeyRingFull)?;
            let mut keks = keys.keks.clone();
            keks.insert(id, Key::generate(&mut System));
            keys.next_ring(&keks)
        })
    }

    /// A handle of its own that uses `ring` already, for re-wrapping in the very transaction that
    /// stores the ring. When that is committed, [`Vault::adopt`] the ring; otherwise drop the handle.
    /// What is sealed or re-wrapped with it is lost unless the ring is stored. It is no clone:
    /// [`Vault::seal_now`] on this one leaves its keys alone, so keep it for that transaction only.
    pub fn staged(&self, ring: &KeyRing) -> Result<Self, Error> {
        let recipients = self.status().recipients;
        let keys = self.with_keys(|keys| {
            let keks = keys.successor(ring)?;
            Ok(Keys { vault_id: keys.vault_id.clone(), root: keys.root.clone(), ring: ring.clone(), keks })
        })?;
        Ok(Self::unsealed(keys, recipients))
    }

    /// A ring without key `id`. The caller has made sure that no envelope hangs on it any more:
    /// what does is lost. Nothing changes until it has been stored and [`Vault::adopt`]ed.
    pub fn retire_kek(&self, id: u32) -> Result<KeyRing, Error> {
        self.with_keys(|keys| {
            if keys.keks.last_key_value().is_some_and(|(newest, _)| *newest == id) {
                return Err(Error::CurrentKek(id));
            }
            let mut keks = keys.keks.clone();
            keks.remove(&id).ok_or(Error::UnknownKek(id))?;
            keys.next_ring(&keks)
        })
    }

    /// Goes over to a ring that has been stored, by this process or by another one. The ring in use
    /// may be given again; an older one, or another one of the same generation, is refused.
    pub fn adopt(&self, stored: &KeyRing) -> Result<(), Error> {
        let mut state = self.write();
        let keys = state.keys.as_mut().ok_or(Error::Sealed)?;
        if *stored == keys.ring {
            return Ok(());
        }
        keys.keks = keys.successor(stored)?;
        keys.ring = stored.clone();
        Ok(())
    }

    pub(crate) fn with_keys<T>(&self, act: impl FnOnce(&Keys) -> Result<T, Error>) -> Result<T, Error> {
        act(self.read().keys.as_ref().ok_or(Error::Sealed)?)
    }

    fn with_sealer<T>(&self, act: impl FnOnce(&Sealer<'_>) -> Result<T, Error>) -> Result<T, Error> {
        self.with_keys(|keys| act(&Sealer { vault_id: &keys.vault_id, keks: &keys.keks }))
    }

    // A panic while the lock is held cannot leave the state half-changed: every change is one move.
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keys {
    /// The first keys of a new vault.
    pub(crate) fn create(root: Key, vault_id: VaultId, entropy: &mut impl Entropy) -> Result<Self, Error> {
        let keks = Keks::from([(1, Key::generate(entropy))]);
        let ring = KeyRing::wrap(&root, &vault_id, 1, &keks, entropy)?;
        Ok(Self { vault_id, root, ring, keks })
    }

    /// The keys of a ring that comes after the one in use.
    fn successor(&self, ring: &KeyRing) -> Result<Keks, Error> {
        if *ring.vault_id() != self.vault_id {
            return Err(Error::OtherVault);
        }
        let keks = ring.unwrap(&self.root)?;
        if ring.generation() <= self.ring.generation() {
            return Err(Error::StaleKeyRing);
        }
        Ok(keks)
    }

    /// A ring of the next generation that holds `keks`.
    pub(crate) fn next_ring(&self, keks: &Keks) -> Result<KeyRing, Error> {
        self.ring_under(&self.root, keks)
    }

    /// The same keys under another root key, in a ring of the next generation.
    pub(crate) fn under(&self, root: Key) -> Result<Self, Error> {
        let ring = self.ring_under(&root, &self.keks)?;
        Ok(Self { vault_id: self.vault_id.clone(), root, ring, keks: self.keks.clone() })
    }

    fn ring_under(&self, root: &Key, keks: &Keks) -> Result<KeyRing, Error> {
        let generation = self.ring.generation().checked_add(1).ok_or(Error::KeyRingFull)?;
        KeyRing::wrap(root, &self.vault_id, generation, keks, &mut System)
    }
}

/// The public key of an Ed25519 seed.
fn ed25519_public(seed: &SecretBytes) -> Result<[u8; 32], Error> {
    let pair = Ed25519KeyPair::from_seed_unchecked(seed.expose()).map_err(|_| Error::Crypto)?;
    pair.public_key().as_ref().try_into().map_err(|_| Error::Crypto)
}

#[cfg(test)]
mod tests;
