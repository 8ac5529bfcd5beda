//! Key hierarchy, seal and unseal, envelopes; the only crate that touches key bytes.
//!
//! Callers keep the documents and envelopes that come out of here; nothing here stores, sends or
//! logs. Two documents hold the keys, both without a secret in the clear: [`SealedRoot`]
//! (`vault.json`: the root key, sealed to its recipients) and [`KeyRing`] (the key-encryption keys,
//! wrapped by the root key). [`Vault`] is the handle that seals and opens [`Envelope`]s while
//! unsealed, and answers [`Error::Sealed`] otherwise.
//!
//! [`offline`] seals what must be at hand when Postern itself is dead.
//!
//! Beside it, what identities are proved with: [`password`], [`totp`], [`recovery`], [`token`].
//!
//! All randomness comes from [`random`]; no caller can supply another source.

mod base32;
mod binding;
mod document;
mod envelope;
mod error;
mod key;
pub mod key_file;
mod key_ring;
pub mod offline;
pub mod password;
pub mod random;
mod recipient;
pub mod recovery;
mod root;
mod shamir;
mod share;
pub mod token;
pub mod totp;
mod vault;

#[cfg(test)]
mod leaks;
#[cfg(test)]
mod vectors;

pub use binding::Binding;
pub use document::VaultId;
pub use envelope::{ENVELOPE_LEN_MAX, Envelope, SECRET_LEN_MAX};
pub use error::{Error, ShareError};
pub use key_ring::KeyRing;
pub use recipient::{Recipient, RecipientKind};
pub use root::{RootRotation, SealedRoot};
pub use share::{RecoveryShare, ShareLabel, SharePlan};
pub use vault::{Status, Vault};
