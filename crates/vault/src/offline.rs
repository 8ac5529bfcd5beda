//! Bundles for the hour in which Postern itself is dead: the secrets of chosen accounts, sealed to some of
//! several people, and opened by them with a small program and nothing else.
//!
//! A key made for each bundle seals its contents (AES-256-GCM). That key is split (Shamir), and each share
//! is sealed to one holder's public key (HPKE, RFC 9180, base mode, X25519 with HKDF-SHA256 and
//! ChaCha20-Poly1305). Postern knows public keys only, so that it can write a bundle at any time and open
//! none.
//!
//! The file is a signed note over the body's hash, a blank line, and the body in JSON.

mod contents;
mod holder;

use aws_lc_rs::digest;
use postern_domain::{SecretBytes, SecretText, Timestamp, UserName};
use rustls::crypto::hpke::EncapsulatedSecret;
use serde::{Deserialize, Serialize};

pub use contents::{Contents, Entry, EntrySecret, RECORD_KEY_LEN};
pub use holder::{HolderKey, HolderKeyFile, HolderSecret};

use crate::binding::Fields;
use crate::document::{Base64, VaultId};
use crate::error::Error;
use crate::key::{Key, NONCE_LEN};
use crate::random::{Entropy, System};
use crate::share::{self, Opens, SharePlan};

/// The largest file that is read, in bytes.
pub const FILE_LEN_MAX: usize = 16 << 20;
const FORMAT: &str = "postern break-glass bundle";
const INFO: &[u8] = b"postern break-glass share v1";
const WHAT: &str = "the bundle";

/// One of the people who open a bundle together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// Who.
    pub name: UserName,
    /// What their share is sealed to.
    pub key: HolderKey,
}

/// What a bundle says about itself. Not secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// Its number, counted up from 1.
    pub serial: u64,
    /// When it was made.
    pub made_at: Timestamp,
    /// Whose it is: how people reach that Postern while it lives.
    pub server: String,
    /// How many accounts are in it.
    pub accounts: u32,
}

/// A bundle as read: sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    format: String,
    version: u32,
    vault_id: VaultId,
    facts: Facts,
    threshold: u8,
    set: String,
    holders: Vec<SealedShare>,
    nonce: Base64<NONCE_LEN>,
    sealed: Bytes,
}

/// A share, sealed to its holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SealedShare {
    name: UserName,
    key: HolderKey,
    encapsulated: Bytes,
    share: Bytes,
}

/// Bytes that are public, base64 in text.
#[derive(Clone, PartialEq, Eq)]
struct Bytes(Vec<u8>);

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use base64::Engine as _;
        serializer.serialize_str(&base64::engine::general_purpose::STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use base64::Engine as _;
        let text = String::deserialize(deserializer)?;
        let bytes = base64::engine::general_purpose::STANDARD.decode(text);
        bytes.map(Self).map_err(|_| serde::de::Error::custom("not base64"))
    }
}

impl Bundle {
    /// Seals `contents` so that any `threshold` of the `holders` open it together.
    ///
    /// # Errors
    /// `Weak` where the plan is none: at least 2, at most 31 holders, all with different names and keys.
    pub fn seal(
        vault_id: &VaultId,
        facts: Facts,
        holders: &[Holder],
        threshold: u8,
        contents: &Contents,
    ) -> Result<Self, Error> {
        let plan = plan(holders, threshold)?;
        let key = Key::generate(&mut System);
        let (set, shares) = share::split(Opens::Bundle, &key, vault_id, plan, &mut System);
        let mut bundle = Self {
            format: FORMAT.to_owned(),
            version: 1,
            vault_id: vault_id.clone(),
            facts,
            threshold,
            set,
            holders: Vec::with_capacity(holders.len()),
            nonce: Base64(System.array()),
            sealed: Bytes(Vec::new()),
        };
        for (holder, share) in holders.iter().zip(&shares) {
            let data = bundle.share_data(holder);
            let (encapsulated, share) = holder.key.seal(INFO, data.as_ref(), share.text().expose().as_bytes())?;
            let (name, key) = (holder.name.clone(), holder.key.clone());
            let (encapsulated, share) = (Bytes(encapsulated), Bytes(share));
            bundle.holders.push(SealedShare { name, key, encapsulated, share });
        }
        bundle.sealed = Bytes(key.seal(bundle.nonce.0, &bundle.content_data(), &contents.to_bytes())?);
        Ok(bundle)
    }

    /// The body of a bundle's file.
    ///
    /// # Errors
    /// `Malformed` where it is not one, `Unsupported` where it comes from a later version.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        if body.len() > FILE_LEN_MAX {
            return Err(Error::Malformed(WHAT));
        }
        let bundle: Self = serde_json::from_slice(body).map_err(|_| Error::Malformed(WHAT))?;
        if bundle.format != FORMAT {
            return Err(Error::Malformed(WHAT));
        }
        if bundle.version != 1 {
            return Err(Error::Unsupported { what: WHAT, version: bundle.version });
        }
        plan(&bundle.holders(), bundle.threshold).map_err(|_| Error::Malformed(WHAT))?;
        Ok(bundle)
    }

    /// The body as it stands in the file.
    #[must_use]
    pub fn to_body(&self) -> Vec<u8> {
        crate::document::write(self)
    }

    /// What it says about itself.
    #[must_use]
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// How many holders open it.
    #[must_use]
    pub const fn threshold(&self) -> u8 {
        self.threshold
    }

    /// Whom it is sealed to.
    #[must_use]
    pub fn holders(&self) -> Vec<Holder> {
        self.holders.iter().map(|held| Holder { name: held.name.clone(), key: held.key.clone() }).collect()
    }

    /// A holder's share, in the form in which it can be read over the telephone.
    ///
    /// # Errors
    /// `NoSuchRecipient` where the bundle is not sealed to them, `Refused` where it was altered.
    pub fn share(&self, holder: &HolderSecret) -> Result<SecretText, Error> {
        let held = self.holders.iter().find(|held| held.key == *holder.public());
        let held = held.ok_or(Error::NoSuchRecipient("key of this holder"))?;
        let data = self.share_data(&Holder { name: held.name.clone(), key: held.key.clone() });
        let encapsulated = EncapsulatedSecret(held.encapsulated.0.clone());
        let text = holder.open(&encapsulated, INFO, data.as_ref(), &held.share.0).ok_or(Error::Refused)?;
        String::from_utf8(text).map(SecretText::new).map_err(|_| Error::Refused)
    }

    /// Opens it with enough shares.
    ///
    /// # Errors
    /// `Share` names the share at fault; `Refused` where the bundle was altered or the shares are another's.
    pub fn open(&self, shares: &[SecretText]) -> Result<Contents, Error> {
        let key = share::combine(Opens::Bundle, shares, &self.vault_id)?;
        let contents = key.open(self.nonce.0, &self.content_data(), &self.sealed.0).ok_or(Error::Refused)?;
        Contents::parse(&contents)
    }

    /// What binds a share to its bundle and its holder.
    fn share_data(&self, holder: &Holder) -> Fields {
        self.about(Fields::new("postern break-glass share v1"))
            .bytes(holder.name.as_str().as_bytes())
            .bytes(holder.key.as_bytes())
    }

    /// What binds the contents to everything else in the file.
    fn content_data(&self) -> Fields {
        let fields = self.about(Fields::new("postern break-glass contents v1"));
        self.holders.iter().fold(fields, |fields, held| {
            fields
                .bytes(held.name.as_str().as_bytes())
                .bytes(held.key.as_bytes())
                .bytes(&held.encapsulated.0)
                .bytes(&held.share.0)
        })
    }

    fn about(&self, fields: Fields) -> Fields {
        let Facts { serial, made_at, server, accounts } = &self.facts;
        fields
            .bytes(self.vault_id.as_str().as_bytes())
            .number(*serial)
            .bytes(made_at.to_string().as_bytes())
            .bytes(server.as_bytes())
            .number(u64::from(*accounts))
            .number(u64::from(self.threshold))
            .bytes(self.set.as_bytes())
    }
}

fn plan(holders: &[Holder], threshold: u8) -> Result<SharePlan, Error> {
    let names: std::collections::BTreeSet<_> = holders.iter().map(|holder| &holder.name).collect();
    let keys: std::collections::BTreeSet<_> = holders.iter().map(|holder| holder.key.as_bytes()).collect();
    if names.len() != holders.len() || keys.len() != holders.len() {
        return Err(Error::Weak("each holder needs a name and a key of their own"));
    }
    let count = u8::try_from(holders.len()).unwrap_or(u8::MAX);
    SharePlan::new(threshold, count)
}

/// What is signed of a bundle: the text of a note.
#[must_use]
pub fn signed_text(body: &[u8], serial: u64) -> String {
    format!("{FORMAT}\n{serial}\n{}\n", sha256_hex(body))
}

/// A bundle's file: `note`, a note over [`signed_text`], and the body.
#[must_use]
pub fn file(note: &str, body: &[u8]) -> Vec<u8> {
    let mut file = note.as_bytes().to_vec();
    file.push(b'\n');
    file.extend_from_slice(body);
    file
}

/// The note and the body in a bundle's file; none where it is not one.
#[must_use]
pub fn parts(file: &[u8]) -> Option<(&str, &[u8])> {
    let text = str::from_utf8(file).ok().filter(|text| text.len() <= FILE_LEN_MAX)?;
    let at = text.find("\n\n{")?;
    let (note, rest) = text.split_at_checked(at + 1)?;
    Some((note, rest.strip_prefix('\n')?.as_bytes()))
}

/// SHA-256 in hex.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}

/// The record of an opening, known to be one by the key in the bundle: HMAC-SHA256 over its text, hex.
///
/// # Errors
/// `Malformed` where the key is none.
pub fn record_mac(record_key: &SecretBytes, text: &[u8]) -> Result<String, Error> {
    let key = Key::from_secret(record_key.clone()).ok_or(Error::Malformed("the record's key"))?;
    Ok(hex::encode(key.mac(&Fields::new("postern break-glass opening v1").bytes(text))))
}

/// Whether `mac` is the one of the text, in constant time.
#[must_use]
pub fn record_mac_is(record_key: &SecretBytes, text: &[u8], mac: &str) -> bool {
    use subtle::ConstantTimeEq as _;
    record_mac(record_key, text).is_ok_and(|right| right.as_bytes().ct_eq(mac.as_bytes()).into())
}

#[cfg(test)]
mod tests;
