//! The tamper-evident log: leaves, Merkle proofs, signed checkpoints, the offline verifier.
