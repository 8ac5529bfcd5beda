//! The tamper-evident log: leaves, Merkle proofs, signed checkpoints, the offline verifier.
//!
//! Audit events are the leaves of an RFC 6962 Merkle tree (SHA-256). The tree is published in the
//! C2SP tlog-tiles layout with signed-note checkpoints, so that anybody who holds the public key
//! can check a copy of the directory without us. `docs/reference/ledger.md` has the format.
//!
//! **Pure** but for [`tiles`], which is the only module that touches files. No clock, no
//! randomness, no async.

pub mod bundle;
pub mod hash;
pub mod note;
pub mod proof;
pub mod statement;
#[cfg(any(test, feature = "tamper"))]
pub mod tamper;
pub mod tile;
pub mod tiles;
pub mod tree;
pub mod verify;

pub use bundle::LEAF_BYTES_MAX;
pub use hash::{Hash, empty_root, leaf_hash, node_hash};
pub use note::{Checkpoint, Signer, Verifier};
pub use tree::Tree;
pub use verify::{Options, Report, verify_directory};
