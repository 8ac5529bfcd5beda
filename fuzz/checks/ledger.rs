//! What must hold for what the ledger's verifier reads from outside, whatever the bytes. Shared by the
//! fuzz target and by the test that replays its corpus.

use postern_ledger::note::{Checkpoint, Verifier};
use postern_ledger::tile::{self, TilePath};
use postern_ledger::{bundle, note};

/// Takes `bytes` for a bundle, a tile, a path, a key and a note.
pub(crate) fn check(bytes: &[u8]) {
    let (leaves, rest) = bundle::decode_prefix(bytes);
    let taken: usize = leaves.iter().map(|leaf| leaf.len() + 2).sum();
    assert_eq!(taken + rest.len(), bytes.len(), "nothing is lost");
    if let Ok(leaves) = bundle::decode(bytes) {
        assert_eq!(bundle::encode(&leaves).ok().as_deref(), Some(bytes), "a bundle has one encoding");
    }
    if let Some(hashes) = tile::decode(bytes) {
        assert_eq!(tile::encode(&hashes), bytes, "a tile has one encoding");
    }
    let text = String::from_utf8_lossy(bytes);
    if let Ok(path) = text.parse::<TilePath>() {
        assert_eq!(path.to_string(), text, "a path has one spelling");
    }
    if let Ok(verifier) = text.parse::<Verifier>() {
        assert_eq!(verifier.to_string(), text, "a key has one spelling");
    }
    if let Ok(verifier) = Verifier::new("fuzz.example/log", [1; 32]) {
        assert!(note::open(bytes, &verifier).is_err(), "nobody signed it");
        assert!(Checkpoint::open(bytes, &verifier).is_err());
    }
}
