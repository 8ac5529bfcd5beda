//! What is in a bundle.

use postern_domain::{SecretBytes, SecretText};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Bytes in the key of a bundle's record.
pub const RECORD_KEY_LEN: usize = 32;

/// Everything that the holders of enough shares see.
pub struct Contents {
    /// The key by which the record of the opening is known to be one.
    pub record_key: SecretBytes,
    /// The accounts.
    pub entries: Vec<Entry>,
}

/// One account.
pub struct Entry {
    /// `root@web-1`.
    pub account: String,
    /// Where its asset is reached, `host:port`.
    pub address: String,
    /// What kind of system that is.
    pub platform: String,
    /// What it is known by: host keys in OpenSSH's one-line form, certificates in PEM.
    pub known_by: Vec<String>,
    /// Its secrets, the likeliest first.
    pub secrets: Vec<EntrySecret>,
}

/// One secret of an account.
pub struct EntrySecret {
    /// Which version of the account's secret it is.
    pub version: u32,
    /// `current`; or `candidate`, which the account takes on in a rotation that was under way when the
    /// bundle was written: one of the two opens it.
    pub state: String,
    /// `password` or `ssh_key`.
    pub kind: String,
    /// The secret.
    pub value: SecretText,
}

#[derive(Serialize)]
struct Written<'a> {
    record_key: &'a [u8],
    entries: Vec<WrittenEntry<'a>>,
}

#[derive(Serialize)]
struct WrittenEntry<'a> {
    account: &'a str,
    address: &'a str,
    platform: &'a str,
    known_by: &'a [String],
    secrets: Vec<WrittenSecret<'a>>,
}

#[derive(Serialize)]
struct WrittenSecret<'a> {
    version: u32,
    state: &'a str,
    kind: &'a str,
    value: &'a str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    record_key: Vec<u8>,
    entries: Vec<ReadEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadEntry {
    account: String,
    address: String,
    platform: String,
    known_by: Vec<String>,
    secrets: Vec<ReadSecret>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadSecret {
    version: u32,
    state: String,
    kind: String,
    value: SecretText,
}

fn written(secret: &EntrySecret) -> WrittenSecret<'_> {
    let EntrySecret { version, state, kind, value } = secret;
    WrittenSecret { version: *version, state, kind, value: value.expose() }
}

impl Contents {
    /// Room for everything from the start, so that growing leaves no copy of a secret behind.
    fn len_max(&self) -> usize {
        let of = |entry: &Entry| {
            let secrets: usize = entry.secrets.iter().map(|secret| 6 * secret.value.expose().len() + 256).sum();
            let known: usize = entry.known_by.iter().map(|known| 6 * known.len() + 8).sum();
            6 * (entry.account.len() + entry.address.len() + entry.platform.len()) + secrets + known + 256
        };
        self.entries.iter().map(of).sum::<usize>() + 1024
    }

    pub(super) fn to_bytes(&self) -> SecretBytes {
        let entries = self.entries.iter().map(|entry| WrittenEntry {
            account: &entry.account,
            address: &entry.address,
            platform: &entry.platform,
            known_by: &entry.known_by,
            secrets: entry.secrets.iter().map(written).collect(),
        });
        let written = Written { record_key: self.record_key.expose(), entries: entries.collect() };
        let mut bytes = Vec::with_capacity(self.len_max());
        // Writing text to memory fails for want of memory only.
        let _ = serde_json::to_writer(&mut bytes, &written);
        SecretBytes::new(bytes)
    }

    pub(super) fn parse(bytes: &SecretBytes) -> Result<Self, Error> {
        let read: Read =
            serde_json::from_slice(bytes.expose()).map_err(|_| Error::Malformed("what is in the bundle"))?;
        let entry = |entry: ReadEntry| Entry {
            account: entry.account,
            address: entry.address,
            platform: entry.platform,
            known_by: entry.known_by,
            secrets: entry
                .secrets
                .into_iter()
                .map(|ReadSecret { version, state, kind, value }| EntrySecret { version, state, kind, value })
                .collect(),
        };
        Ok(Self {
            record_key: SecretBytes::new(read.record_key),
            entries: read.entries.into_iter().map(entry).collect(),
        })
    }
}
