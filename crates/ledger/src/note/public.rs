//! Public keys with the names of their owners, as C2SP writes them down: what logs and witnesses have in common.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Error, is_name};
use crate::hash::sha256;

/// The longest verifier key that is looked at, in bytes.
const VKEY_BYTES_MAX: usize = 512;

/// An Ed25519 key under a name, of one of the kinds that C2SP tells apart by a byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamedKey<const KIND: u8> {
    pub(super) name: String,
    /// The first four bytes of the hash over name, kind and key.
    pub(super) key_id: [u8; 4],
    pub(super) public: [u8; 32],
}

impl<const KIND: u8> NamedKey<KIND> {
    pub(super) fn new(name: &str, public: [u8; 32]) -> Result<Self, Error> {
        if !is_name(name) {
            return Err(Error::BadName);
        }
        let [a, b, c, d, ..] = sha256(&[name.as_bytes(), b"\n", &[KIND], &public]).0;
        Ok(Self { name: name.to_owned(), key_id: [a, b, c, d], public })
    }

    /// From `name+hex key id+base64 key`.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > VKEY_BYTES_MAX {
            return Err(Error::BadKey);
        }
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(key_id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Error::BadKey);
        };
        let key = STANDARD.decode(key).map_err(|_| Error::BadKey)?;
        let public = match key.split_first() {
            Some((kind, public)) if *kind == KIND => public.try_into().map_err(|_| Error::BadKey)?,
            _ => return Err(Error::BadKey),
        };
        let key = Self::new(name, public)?;
        if hex::encode(key.key_id) == key_id { Ok(key) } else { Err(Error::WrongKeyId) }
    }

    /// As [`NamedKey::parse`] reads it.
    pub(super) fn text(&self) -> String {
        let mut key = vec![KIND];
        key.extend_from_slice(&self.public);
        format!("{}+{}+{}", self.name, hex::encode(self.key_id), STANDARD.encode(key))
    }
}
