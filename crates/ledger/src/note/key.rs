//! The keys that sign and check notes.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use super::Error;
use super::public::NamedKey;

/// The byte that says "Ed25519" in key ids and verifier keys.
const TYPE_ED25519: u8 = 0x01;

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
pub struct Verifier(NamedKey<TYPE_ED25519>);

impl Verifier {
    /// The key `public` under `name`.
    ///
    /// # Errors
    /// When the name cannot be one.
    pub fn new(name: &str, public: [u8; 32]) -> Result<Self, Error> {
        NamedKey::new(name, public).map(Self)
    }

    /// The name of the owner: the log's origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The first four bytes of the hash over name and key.
    #[must_use]
    pub fn key_id(&self) -> [u8; 4] {
        self.0.key_id
    }

    /// The 32 bytes of the public key.
    #[must_use]
    pub fn public(&self) -> &[u8; 32] {
        &self.0.public
    }

    /// Whether `signature` is this key's over `text`.
    pub(super) fn check(&self, text: &[u8], signature: &[u8]) -> Result<(), Error> {
        UnparsedPublicKey::new(&ED25519, &self.0.public).verify(text, signature).map_err(|_| Error::BadSignature)
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text())
    }
}

impl FromStr for Verifier {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        NamedKey::parse(text).map(Self)
    }
}
