//! What the two stored documents share: the vault's id, bytes as base64, and bounded reading.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base32::{self, CROCKFORD};
use crate::error::Error;
use crate::random::Entropy;

/// The largest document that is read.
const DOCUMENT_LEN_MAX: usize = 1 << 20;
/// Characters after the prefix of a vault's id.
pub(crate) const VAULT_ID_LEN: usize = 16;
const PREFIX: &str = "vlt_";

/// Which vault: random, fixed for its life, not secret. Every key and envelope is bound to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VaultId(String);

impl VaultId {
    pub(crate) fn generate(entropy: &mut impl Entropy) -> Self {
        let random: [u8; 10] = entropy.array();
        Self(format!("{PREFIX}{}", base32::encode(CROCKFORD, &random).as_str()))
    }

    /// The id's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text after the prefix.
    pub(crate) fn bare(&self) -> &str {
        self.0.get(PREFIX.len()..).unwrap_or_default()
    }
}

impl fmt::Display for VaultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for VaultId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let valid = text
            .strip_prefix(PREFIX)
            .is_some_and(|rest| rest.len() == VAULT_ID_LEN && base32::decode(CROCKFORD, rest).is_some());
        if valid { Ok(Self(text.to_owned())) } else { Err(Error::Malformed("the vault id")) }
    }
}

impl TryFrom<String> for VaultId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<VaultId> for String {
    fn from(id: VaultId) -> Self {
        id.0
    }
}

/// Exactly `N` bytes, base64 in text. Used for what is public: salts, nonces, sealed keys.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Base64<const N: usize>(pub(crate) [u8; N]);

impl<const N: usize> fmt::Debug for Base64<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl<const N: usize> Serialize for Base64<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(self.0))
    }
}

impl<'de, const N: usize> Deserialize<'de> for Base64<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text).map_err(|_| serde::de::Error::custom("not base64"))?;
        bytes.try_into().map(Self).map_err(|_| serde::de::Error::custom(format!("not {N} bytes")))
    }
}

/// Reads a document that says which format and version it is, before anything else of it is read.
pub(crate) fn read<T: DeserializeOwned>(json: &[u8], format: &'static str, what: &'static str) -> Result<T, Error> {
    #[derive(Deserialize)]
    struct Header {
        format: String,
        version: u32,
    }
    if json.len() > DOCUMENT_LEN_MAX {
        return Err(Error::Malformed(what));
    }
    let header: Header = serde_json::from_slice(json).map_err(|_| Error::Malformed(what))?;
    if header.format != format {
        return Err(Error::Malformed(what));
    }
    if header.version != 1 {
        return Err(Error::Unsupported { what, version: header.version });
    }
    serde_json::from_slice(json).map_err(|_| Error::Malformed(what))
}

/// The document's bytes, for people's eyes too, ending in a newline.
pub(crate) fn write<T: Serialize>(document: &T) -> Vec<u8> {
    let mut json = serde_json::to_vec_pretty(document).unwrap_or_default();
    json.push(b'\n');
    json
}
