//! Holders' keys: the public one that bundles are sealed to, and the file with the private one, which a
//! passphrase protects and which never comes near Postern.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest;
use postern_domain::{SecretBytes, SecretText};
use rustls::crypto::aws_lc_rs::hpke::DH_KEM_X25519_HKDF_SHA256_CHACHA20_POLY1305 as SUITE;
use rustls::crypto::hpke::{EncapsulatedSecret, Hpke as _, HpkePrivateKey, HpkePublicKey};
use serde::{Deserialize, Serialize};

use crate::base32::{self, CROCKFORD};
use crate::binding::Fields;
use crate::document::VaultId;
use crate::document::{read, write};
use crate::error::Error;
use crate::key::Key;
use crate::random::System;
use crate::recipient::{Recipient, SealedToPassphrase};

const PREFIX: &str = "pbk1";
const KEY_LEN: usize = 32;
const CHECK_LEN: usize = 5;
const FORMAT: &str = "postern break-glass key";
/// Stands where other sealed keys have their vault: a holder's key belongs to a person, not to a vault.
const NO_VAULT: &str = "vlt_0000000000000000";

/// What a holder's share is sealed to: `pbk1`, the key and a checksum in base32. Not secret.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HolderKey([u8; KEY_LEN]);

impl HolderKey {
    pub(super) const fn as_bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }

    pub(super) fn seal(&self, info: &[u8], data: &[u8], plain: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Error> {
        let (encapsulated, sealed) =
            SUITE.seal(info, data, plain, &HpkePublicKey(self.0.to_vec())).map_err(|_| Error::Crypto)?;
        Ok((encapsulated.0, sealed))
    }
}

impl fmt::Debug for HolderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for HolderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.0.to_vec();
        bytes.extend_from_slice(&checksum(&self.0));
        write!(f, "{PREFIX}{}", base32::encode(CROCKFORD, &bytes).as_str())
    }
}

impl FromStr for HolderKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = Error::Malformed("the holder's key, which begins with pbk1,");
        if text.len() > 128 {
            return Err(wrong);
        }
        let bare = base32::fold(text);
        let bytes = bare.strip_prefix(PREFIX).and_then(|rest| base32::decode(CROCKFORD, rest)).ok_or(wrong.clone())?;
        let (key, check) = bytes.split_at_checked(KEY_LEN).ok_or(wrong.clone())?;
        let key: [u8; KEY_LEN] = key.try_into().map_err(|_| wrong.clone())?;
        if check == checksum(&key) { Ok(Self(key)) } else { Err(wrong) }
    }
}

impl TryFrom<String> for HolderKey {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<HolderKey> for String {
    fn from(key: HolderKey) -> Self {
        key.to_string()
    }
}

fn checksum(key: &[u8; KEY_LEN]) -> [u8; CHECK_LEN] {
    let data = Fields::new("postern break-glass holder v1").bytes(key);
    let hash = digest::digest(&digest::SHA256, data.as_ref());
    hash.as_ref().first_chunk().copied().unwrap_or_default()
}

/// A holder's private key under their passphrase, as it is kept in a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HolderKeyFile {
    format: String,
    version: u32,
    public: HolderKey,
    sealed: SealedToPassphrase,
}

/// A holder's private key. It has neither `Debug` nor `Serialize` and is wiped when dropped.
pub struct HolderSecret {
    private: HpkePrivateKey,
    public: HolderKey,
}

impl HolderKeyFile {
    /// A new key under a passphrase of at least 12 characters.
    ///
    /// # Errors
    /// `Weak` with what is wanted of the passphrase.
    pub fn generate(passphrase: &SecretText) -> Result<Self, Error> {
        let (public, private) = SUITE.generate_key_pair().map_err(|_| Error::Crypto)?;
        let public = HolderKey(public.0.try_into().map_err(|_| Error::Crypto)?);
        let private = Key::from_secret(SecretBytes::new(private.secret_bytes().to_vec())).ok_or(Error::Crypto)?;
        let recipient = Recipient::Passphrase(passphrase.clone());
        let sealed = recipient.seal(&private, &no_vault()?, &mut System)?;
        let crate::recipient::SealedRecipient::Passphrase(sealed) = sealed else { return Err(Error::Crypto) };
        Ok(Self { format: FORMAT.to_owned(), version: 1, public, sealed })
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// `Malformed` where it is not one, `Unsupported` where it comes from a later version.
    pub fn parse(file: &[u8]) -> Result<Self, Error> {
        read(file, FORMAT, "the holder's key file")
    }

    /// The file's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        write(self)
    }

    /// The public key.
    #[must_use]
    pub const fn public(&self) -> &HolderKey {
        &self.public
    }

    /// The private key.
    ///
    /// # Errors
    /// `WrongKey` where the passphrase is not the right one or the file was altered.
    pub fn unlock(&self, passphrase: &SecretText) -> Result<HolderSecret, Error> {
        let key = self.sealed.open(passphrase, &no_vault()?)?.ok_or(Error::WrongKey("passphrase"))?;
        let private = HpkePrivateKey::from(key.expose().to_vec());
        Ok(HolderSecret { private, public: self.public.clone() })
    }
}

fn no_vault() -> Result<VaultId, Error> {
    NO_VAULT.parse()
}

impl HolderSecret {
    /// The public key.
    #[must_use]
    pub const fn public(&self) -> &HolderKey {
        &self.public
    }

    pub(super) fn open(
        &self,
        encapsulated: &EncapsulatedSecret,
        info: &[u8],
        data: &[u8],
        sealed: &[u8],
    ) -> Option<Vec<u8>> {
        SUITE.open(encapsulated, info, data, sealed, &self.private).ok()
    }
}
