//! The key ring: every key-encryption key, wrapped by the root key, in one document that is sealed
//! against alteration as a whole.
//!
//! A change gives a new document with a higher generation. It must be stored before it is adopted,
//! so that no envelope is ever sealed under a key that could be lost.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::binding::Fields;
use crate::document::{self, Base64, VaultId};
use crate::error::Error;
use crate::key::{Key, NONCE_LEN, WRAPPED_LEN};
use crate::random::Entropy;

const FORMAT: &str = "postern-key-ring";
const WHAT: &str = "the key ring";
/// The most keys in a ring.
const KEKS_MAX: usize = 1024;

/// The wrapped keys; safe to store beside what they protect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRing {
    format: String,
    version: u32,
    vault_id: VaultId,
    generation: u64,
    keks: Vec<WrappedKek>,
    mac: Base64<32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrappedKek {
    id: u32,
    nonce: Base64<NONCE_LEN>,
    wrapped: Base64<WRAPPED_LEN>,
}

/// The keys of a ring, by number. The highest one seals.
pub(crate) type Keks = BTreeMap<u32, Key>;

impl KeyRing {
    /// Reads a stored ring. Whether it is genuine shows when it is opened.
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        let ring: Self = document::read(json, FORMAT, WHAT)?;
        let ascending = ring.keks.iter().zip(ring.keks.iter().skip(1)).all(|(a, b)| a.id < b.id);
        if ring.keks.is_empty() || ring.keks.len() > KEKS_MAX || !ascending {
            return Err(Error::Malformed(WHAT));
        }
        Ok(ring)
    }

    /// The document to store.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        document::write(self)
    }

    /// The vault that it belongs to.
    #[must_use]
    pub fn vault_id(&self) -> &VaultId {
        &self.vault_id
    }

    /// Grows by one with every change.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The numbers of its keys, ascending; the last one seals.
    pub fn kek_ids(&self) -> impl Iterator<Item = u32> + '_ {
        self.keks.iter().map(|kek| kek.id)
    }

    /// Wraps `keks` under `root`.
    pub(crate) fn wrap(
        root: &Key,
        vault_id: &VaultId,
        generation: u64,
        keks: &Keks,
        entropy: &mut impl Entropy,
    ) -> Result<Self, Error> {
        if keks.is_empty() || keks.len() > KEKS_MAX {
            return Err(Error::KeyRingFull);
        }
        let wrapping = wrapping_key(root, vault_id)?;
        let keks = keks
            .iter()
            .map(|(id, kek)| {
                let nonce = entropy.array();
                let wrapped = wrapping.wrap(nonce, &kek_data(vault_id, *id), kek)?;
                Ok(WrappedKek { id: *id, nonce: Base64(nonce), wrapped: Base64(wrapped) })
            })
            .collect::<Result<_, Error>>()?;
        let mut ring = Self {
            format: FORMAT.to_owned(),
            version: 1,
            vault_id: vault_id.clone(),
            generation,
            keks,
            mac: Base64([0; 32]),
        };
        ring.mac = Base64(mac_key(root, vault_id)?.mac(&ring.mac_data()));
        Ok(ring)
    }

    /// The keys; an error when the ring was altered or belongs to another root key.
    pub(crate) fn unwrap(&self, root: &Key) -> Result<Keks, Error> {
        if !mac_key(root, &self.vault_id)?.verify_mac(&self.mac_data(), &self.mac.0) {
            return Err(Error::ForeignKeyRing);
        }
        let wrapping = wrapping_key(root, &self.vault_id)?;
        self.keks
            .iter()
            .map(|kek| {
                wrapping
                    .unwrap(kek.nonce.0, &kek_data(&self.vault_id, kek.id), &kek.wrapped.0)
                    .map(|key| (kek.id, key))
                    .ok_or(Error::ForeignKeyRing)
            })
            .collect()
    }

    fn mac_data(&self) -> Fields {
        let fields =
            Fields::new("postern key ring v1").bytes(self.vault_id.as_str().as_bytes()).number(self.generation);
        self.keks
            .iter()
            .fold(fields, |fields, kek| fields.number(kek.id.into()).bytes(&kek.nonce.0).bytes(&kek.wrapped.0))
    }
}

fn wrapping_key(root: &Key, vault_id: &VaultId) -> Result<Key, Error> {
    Key::derive(vault_id.as_str().as_bytes(), root.expose(), &Fields::new("postern root: wrap keys v1"))
}

fn mac_key(root: &Key, vault_id: &VaultId) -> Result<Key, Error> {
    Key::derive(vault_id.as_str().as_bytes(), root.expose(), &Fields::new("postern root: key ring mac v1"))
}

fn kek_data(vault_id: &VaultId, id: u32) -> Fields {
    Fields::new("postern key-encryption key v1").bytes(vault_id.as_str().as_bytes()).number(id.into())
}
