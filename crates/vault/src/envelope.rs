//! The envelope: one sealed secret with the key that seals it, itself sealed.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 3 | `PVE` |
//! | 3 | 1 | version, 1 |
//! | 4 | 1 | use: 1 secret, 2 data key, 3 Ed25519 seed |
//! | 5 | 4 | number of the key-encryption key, big-endian |
//! | 9 | 12 | nonce of the wrap |
//! | 21 | 48 | the single-use key, wrapped |
//! | 69 | 12 | nonce of the body |
//! | 81 | 16 and more | the body with its tag |

use std::fmt;

use postern_domain::SecretBytes;

use crate::binding::{Binding, Fields};
use crate::document::VaultId;
use crate::error::Error;
use crate::key::{Key, NONCE_LEN, NonceBytes, TAG_LEN, WRAPPED_LEN};
use crate::key_ring::Keks;
use crate::random::Entropy;

/// The longest secret that is sealed: larger things are encrypted under a data key.
pub const SECRET_LEN_MAX: usize = 1 << 20;
/// The longest envelope that is read.
pub const ENVELOPE_LEN_MAX: usize = HEADER_LEN + SECRET_LEN_MAX + TAG_LEN;

const MAGIC: &[u8; 3] = b"PVE";
const VERSION: u8 = 1;
const HEADER_LEN: usize = 3 + 1 + 1 + 4 + NONCE_LEN + WRAPPED_LEN + NONCE_LEN;
const WHAT: &str = "the envelope";

/// What the sealed bytes are for. An envelope made for one use does not open for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Secret,
    DataKey,
    Ed25519Seed,
}

impl Use {
    fn code(self) -> u8 {
        match self {
            Self::Secret => 1,
            Self::DataKey => 2,
            Self::Ed25519Seed => 3,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        [Self::Secret, Self::DataKey, Self::Ed25519Seed].into_iter().find(|known| known.code() == code)
    }
}

/// A sealed secret. Its bytes are safe to store; they open only under the vault and the binding
/// that they were sealed with.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope {
    purpose: Use,
    kek_id: u32,
    wrap_nonce: NonceBytes,
    wrapped: [u8; WRAPPED_LEN],
    body_nonce: NonceBytes,
    body: Vec<u8>,
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope")
            .field("use", &self.purpose)
            .field("kek_id", &self.kek_id)
            .field("body_len", &self.body.len())
            .finish()
    }
}

impl Envelope {
    /// Reads stored bytes. Whether they are genuine shows when the envelope is opened.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let malformed = Error::Malformed(WHAT);
        if bytes.len() > ENVELOPE_LEN_MAX {
            return Err(malformed);
        }
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| malformed.clone())?;
        let ([version], rest) = rest.split_first_chunk().ok_or_else(|| malformed.clone())?;
        if *version != VERSION {
            return Err(Error::Unsupported { what: WHAT, version: u32::from(*version) });
        }
        Self::parse_fields(rest).ok_or(malformed)
    }

    fn parse_fields(rest: &[u8]) -> Option<Self> {
        let ([code], rest) = rest.split_first_chunk()?;
        let (kek_id, rest) = rest.split_first_chunk()?;
        let (wrap_nonce, rest) = rest.split_first_chunk()?;
        let (wrapped, rest) = rest.split_first_chunk()?;
        let (body_nonce, body) = rest.split_first_chunk()?;
        (body.len() >= TAG_LEN).then_some(())?;
        Some(Self {
            purpose: Use::from_code(*code)?,
            kek_id: u32::from_be_bytes(*kek_id),
            wrap_nonce: *wrap_nonce,
            wrapped: *wrapped,
            body_nonce: *body_nonce,
            body: body.to_vec(),
        })
    }

    /// The bytes to store.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_LEN + self.body.len());
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&[VERSION, self.purpose.code()]);
        out.extend_from_slice(&self.kek_id.to_be_bytes());
        out.extend_from_slice(&self.wrap_nonce);
        out.extend_from_slice(&self.wrapped);
        out.extend_from_slice(&self.body_nonce);
        out.extend_from_slice(&self.body);
        out
    }

    /// The number of the key-encryption key that it hangs on.
    #[must_use]
    pub fn kek_id(&self) -> u32 {
        self.kek_id
    }
}

/// The context in which envelopes are made and opened: one vault's keys.
pub(crate) struct Sealer<'a> {
    pub(crate) vault_id: &'a VaultId,
    pub(crate) keks: &'a Keks,
}

impl Sealer<'_> {
    /// Seals `secret` under a new single-use key and the newest key-encryption key.
    pub(crate) fn seal(
        &self,
        purpose: Use,
        binding: &Binding,
        secret: &SecretBytes,
        entropy: &mut impl Entropy,
    ) -> Result<Envelope, Error> {
        if secret.expose().len() > SECRET_LEN_MAX {
            return Err(Error::TooLong);
        }
        let (kek_id, kek) = self.newest()?;
        let dek = Key::generate(entropy);
        let wrap_nonce = entropy.array();
        let body_nonce = entropy.array();
        Ok(Envelope {
            purpose,
            kek_id,
            wrap_nonce,
            wrapped: kek.wrap(wrap_nonce, &self.wrap_data(purpose, kek_id, binding), &dek)?,
            body_nonce,
            body: dek.seal(body_nonce, &self.body_data(purpose, binding), secret)?,
        })
    }

    /// Opens what was sealed for this very use and record.
    pub(crate) fn open(&self, purpose: Use, binding: &Binding, envelope: &Envelope) -> Result<SecretBytes, Error> {
        if envelope.purpose != purpose {
            return Err(Error::Refused);
        }
        self.dek(binding, envelope)?
            .open(envelope.body_nonce, &self.body_data(purpose, binding), &envelope.body)
            .ok_or(Error::Refused)
    }

    /// The same envelope hanging on the newest key; nothing when it does already.
    pub(crate) fn rewrap(
        &self,
        binding: &Binding,
        envelope: &Envelope,
        entropy: &mut impl Entropy,
    ) -> Result<Option<Envelope>, Error> {
        let (kek_id, kek) = self.newest()?;
        if envelope.kek_id == kek_id {
            return Ok(None);
        }
        let dek = self.dek(binding, envelope)?;
        let wrap_nonce = entropy.array();
        let wrapped = kek.wrap(wrap_nonce, &self.wrap_data(envelope.purpose, kek_id, binding), &dek)?;
        Ok(Some(Envelope { kek_id, wrap_nonce, wrapped, ..envelope.clone() }))
    }

    fn newest(&self) -> Result<(u32, &Key), Error> {
        self.keks.last_key_value().map(|(id, kek)| (*id, kek)).ok_or(Error::Sealed)
    }

    fn dek(&self, binding: &Binding, envelope: &Envelope) -> Result<Key, Error> {
        let kek = self.keks.get(&envelope.kek_id).ok_or(Error::UnknownKek(envelope.kek_id))?;
        let data = self.wrap_data(envelope.purpose, envelope.kek_id, binding);
        kek.unwrap(envelope.wrap_nonce, &data, &envelope.wrapped).ok_or(Error::Refused)
    }

    fn wrap_data(&self, purpose: Use, kek_id: u32, binding: &Binding) -> Fields {
        let fields = Fields::new("postern envelope key v1")
            .bytes(self.vault_id.as_str().as_bytes())
            .bytes(&[purpose.code()])
            .number(kek_id.into());
        binding.append_to(fields)
    }

    /// Without the key's number: a rewrap leaves the body as it is.
    fn body_data(&self, purpose: Use, binding: &Binding) -> Fields {
        let fields =
            Fields::new("postern envelope body v1").bytes(self.vault_id.as_str().as_bytes()).bytes(&[purpose.code()]);
        binding.append_to(fields)
    }
}

#[cfg(test)]
mod tests;
