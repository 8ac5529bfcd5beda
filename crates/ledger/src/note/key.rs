//! The keys that sign and check notes.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Error, is_name};
use crate::hash::sha256;

/// The byte that says "Ed25519" in key ids and verifier keys.
const TYPE_ED25519: u8 = 0x01;

/// The longest verifier key that is looked at, in bytes.
const VKEY_BYTES_MAX: usize = 512;

/// A private key with the name that it signs under.
///
/// It has neither `Debug` nor `Clone`; the key lies in the crypto library's memory, which is
/// wiped when it is freed.
pub struct Signer {
    verifier: Verifier,
    pair: Ed25519KeyPair,
}

impl Signer {
    /// The key with the 32 seed bytes of RFC 8032; the caller wipes its copy.
    ///
    /// # Errors
    /// When the name cannot be one or the seed is not 32 bytes.
    pub fn from_seed(name: &str, seed: &[u8]) -> Result<Self, Error> {
        Self::new(name, Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| Error::BadKey)?)
    }

    /// The key in a PKCS#8 document (version 1 or 2, DER); the caller wipes its copy.
    ///
    /// # Errors
    /// When the name cannot be one or the document does not hold an Ed25519 key.
    pub fn from_pkcs8(name: &str, document: &[u8]) -> Result<Self, Error> {
        Self::new(name, Ed25519KeyPair::from_pkcs8_maybe_unchecked(document).map_err(|_| Error::BadKey)?)
    }

    fn new(name: &str, pair: Ed25519KeyPair) -> Result<Self, Error> {
        let public = pair.public_key().as_ref().try_into().map_err(|_| Error::BadKey)?;
        Ok(Self { verifier: Verifier::new(name, public)?, pair })
    }

    /// The public half.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The signature over `text`.
    pub(super) fn signature(&self, text: &[u8]) -> Result<[u8; 64], Error> {
        let signature = self.pair.try_sign(text).map_err(|_| Error::CannotSign)?;
        signature.as_ref().try_into().map_err(|_| Error::CannotSign)
    }
}

/// A public key with the name of its owner; as text, a C2SP verifier key
/// (`name+hex key id+base64 key`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    key_id: [u8; 4],
    public: [u8; 32],
}

impl Verifier {
    /// The key `public` under `name`.
    ///
    /// # Errors
    /// When the name cannot be one.
    pub fn new(name: &str, public: [u8; 32]) -> Result<Self, Error> {
        if !is_name(name) {
            return Err(Error::BadName);
        }
        let hash = sha256(&[name.as_bytes(), b"\n", &[TYPE_ED25519], &public]);
        let [a, b, c, d, ..] = hash.0;
        Ok(Self { name: name.to_owned(), key_id: [a, b, c, d], public })
    }

    /// The name of the owner: the log's origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first four bytes of the hash over name and key.
    #[must_use]
    pub fn key_id(&self) -> [u8; 4] {
        self.key_id
    }

    /// The 32 bytes of the public key.
    #[must_use]
    pub fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// Whether `signature` is this key's over `text`.
    pub(super) fn check(&self, text: &[u8], signature: &[u8]) -> Result<(), Error> {
        UnparsedPublicKey::new(&ED25519, &self.public).verify(text, signature).map_err(|_| Error::BadSignature)
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![TYPE_ED25519];
        key.extend_from_slice(&self.public);
        write!(f, "{}+{}+{}", self.name, hex::encode(self.key_id), STANDARD.encode(key))
    }
}

impl FromStr for Verifier {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.len() > VKEY_BYTES_MAX {
            return Err(Error::BadKey);
        }
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(key_id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Error::BadKey);
        };
        let key = STANDARD.decode(key).map_err(|_| Error::BadKey)?;
        let public = match key.split_first() {
            Some((&TYPE_ED25519, public)) => public.try_into().map_err(|_| Error::BadKey)?,
            _ => return Err(Error::BadKey),
        };
        let verifier = Self::new(name, public)?;
        if hex::encode(verifier.key_id) == key_id { Ok(verifier) } else { Err(Error::WrongKeyId) }
    }
}
