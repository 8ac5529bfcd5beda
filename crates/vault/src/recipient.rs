//! Who can open the root key: a passphrase, a key file, or enough recovery shares.

use argon2::{Algorithm, Argon2, Params, Version};
use postern_domain::{SecretBytes, SecretText};
use serde::{Deserialize, Serialize};

use crate::binding::Fields;
use crate::document::{Base64, VaultId};
use crate::error::Error;
use crate::key::{KEY_LEN, Key, NONCE_LEN, WRAPPED_LEN};
use crate::key_file::{KEY_FILE_LEN_MAX, KEY_FILE_LEN_MIN};
use crate::random::Entropy;

/// The shortest passphrase that may seal a root key, in characters.
const PASSPHRASE_LEN_MIN: usize = 12;
/// The longest passphrase, in bytes.
const PASSPHRASE_LEN_MAX: usize = 1024;
const SALT_LEN: usize = 16;

/// Somebody or something that the root key is sealed to, with the secret that will open it.
pub enum Recipient {
    /// A passphrase of at least 12 characters, stretched with argon2id.
    Passphrase(SecretText),
    /// What is in a key file: at least 32 random bytes.
    KeyFile(SecretBytes),
}

/// The kinds of recipients, as [`crate::Status`] names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecipientKind {
    /// A passphrase.
    Passphrase,
    /// A key file.
    KeyFile,
    /// Recovery shares.
    Shares,
}

/// A recipient as it stands in the document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum SealedRecipient {
    Passphrase(SealedToPassphrase),
    KeyFile(SealedToKeyFile),
    Shares(SealedToShares),
}

/// The root key under a key stretched from a passphrase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SealedToPassphrase {
    kdf: Stretch,
    salt: Base64<SALT_LEN>,
    nonce: Base64<NONCE_LEN>,
    wrapped: Base64<WRAPPED_LEN>,
}

/// The root key under a key derived from a key file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SealedToKeyFile {
    salt: Base64<SALT_LEN>,
    nonce: Base64<NONCE_LEN>,
    wrapped: Base64<WRAPPED_LEN>,
}

/// That shares were printed, and how many open the vault. The values are on paper only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SealedToShares {
    pub(crate) set: String,
    pub(crate) threshold: u8,
    pub(crate) count: u8,
}

/// The parameters of argon2id, version 1.3, as stored beside what they were used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stretch {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Stretch {
    /// RFC 9106's second recommended choice.
    const NEW: Self = Self { memory_kib: 65_536, passes: 3, lanes: 4 };
    /// More than this is not computed, whatever a document says.
    const MAX: Self = Self { memory_kib: 1 << 20, passes: 16, lanes: 16 };

    fn key(self, passphrase: &SecretText, salt: &[u8]) -> Result<Key, Error> {
        let malformed = Error::Malformed("the sealed root");
        if self.memory_kib > Self::MAX.memory_kib || self.passes > Self::MAX.passes || self.lanes > Self::MAX.lanes {
            return Err(malformed);
        }
        let params =
            Params::new(self.memory_kib, self.passes, self.lanes, Some(KEY_LEN)).map_err(|_| malformed.clone())?;
        let mut out = vec![0; KEY_LEN];
        let done = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into(
            passphrase.expose().as_bytes(),
            salt,
            &mut out,
        );
        let out = SecretBytes::new(out);
        done.map_err(|_| Error::Crypto)?;
        Key::from_secret(out).ok_or(Error::Crypto)
    }

    fn append_to(self, fields: Fields) -> Fields {
        fields.number(self.memory_kib.into()).number(self.passes.into()).number(self.lanes.into())
    }
}

impl Recipient {
    /// Seals `root` to this recipient.
    pub(crate) fn seal(
        &self,
        root: &Key,
        vault_id: &VaultId,
        entropy: &mut impl Entropy,
    ) -> Result<SealedRecipient, Error> {
        let salt = entropy.array();
        let nonce = entropy.array();
        match self {
            Self::Passphrase(passphrase) => {
                check_passphrase(passphrase)?;
                let kdf = Stretch::NEW;
                let wrapped = kdf.key(passphrase, &salt)?.wrap(nonce, &passphrase_data(vault_id, kdf), root)?;
                Ok(SealedRecipient::Passphrase(SealedToPassphrase {
                    kdf,
                    salt: Base64(salt),
                    nonce: Base64(nonce),
                    wrapped: Base64(wrapped),
                }))
            }
            Self::KeyFile(content) => {
                check_key_file(content)?;
                let key = key_file_key(content, &salt, vault_id)?;
                let wrapped = key.wrap(nonce, &key_file_data(vault_id), root)?;
                Ok(SealedRecipient::KeyFile(SealedToKeyFile {
                    salt: Base64(salt),
                    nonce: Base64(nonce),
                    wrapped: Base64(wrapped),
                }))
            }
        }
    }
}

impl SealedToPassphrase {
    /// Opens the root key; nothing when the passphrase is wrong or the document was altered.
    pub(crate) fn open(&self, passphrase: &SecretText, vault_id: &VaultId) -> Result<Option<Key>, Error> {
        if passphrase.expose().len() > PASSPHRASE_LEN_MAX {
            return Ok(None);
        }
        let key = self.kdf.key(passphrase, &self.salt.0)?;
        Ok(key.unwrap(self.nonce.0, &passphrase_data(vault_id, self.kdf), &self.wrapped.0))
    }
}

impl SealedToKeyFile {
    /// Opens the root key; nothing when the key file is wrong or the document was altered.
    pub(crate) fn open(&self, content: &SecretBytes, vault_id: &VaultId) -> Result<Option<Key>, Error> {
        let key = key_file_key(content, &self.salt.0, vault_id)?;
        Ok(key.unwrap(self.nonce.0, &key_file_data(vault_id), &self.wrapped.0))
    }
}

impl SealedRecipient {
    /// Which kind it is.
    pub(crate) fn kind(&self) -> RecipientKind {
        match self {
            Self::Passphrase(_) => RecipientKind::Passphrase,
            Self::KeyFile(_) => RecipientKind::KeyFile,
            Self::Shares(_) => RecipientKind::Shares,
        }
    }
}

fn check_passphrase(passphrase: &SecretText) -> Result<(), Error> {
    let text = passphrase.expose();
    if text.chars().count() < PASSPHRASE_LEN_MIN {
        return Err(Error::Weak("a passphrase needs at least 12 characters"));
    }
    if text.len() > PASSPHRASE_LEN_MAX {
        return Err(Error::Weak("a passphrase may have at most 1024 bytes"));
    }
    Ok(())
}

fn check_key_file(content: &SecretBytes) -> Result<(), Error> {
    let bytes = content.expose();
    let constant = bytes.first().is_some_and(|first| bytes.iter().all(|byte| byte == first));
    if bytes.len() < KEY_FILE_LEN_MIN || constant {
        return Err(Error::Weak("a key file needs at least 32 random bytes"));
    }
    if bytes.len() > KEY_FILE_LEN_MAX {
        return Err(Error::Weak("a key file may have at most 4096 bytes"));
    }
    Ok(())
}

fn key_file_key(content: &SecretBytes, salt: &[u8], vault_id: &VaultId) -> Result<Key, Error> {
    let label = Fields::new("postern root: key file v1").bytes(vault_id.as_str().as_bytes());
    Key::derive(salt, content.expose(), &label)
}

fn key_file_data(vault_id: &VaultId) -> Fields {
    Fields::new("postern root sealed to a key file v1").bytes(vault_id.as_str().as_bytes())
}

fn passphrase_data(vault_id: &VaultId, kdf: Stretch) -> Fields {
    kdf.append_to(Fields::new("postern root sealed to a passphrase v1").bytes(vault_id.as_str().as_bytes()))
}
