//! What must hold for the vault's formats, whatever the bytes. Shared by the fuzz target and by the
//! test that replays its corpus.

use postern_domain::SecretText;
use postern_vault::{Envelope, KeyRing, RecoveryShare, SealedRoot};

/// Takes `bytes` for an envelope, for the documents that hold keys, and for a share that was typed.
pub(crate) fn check(bytes: &[u8]) {
    if let Ok(envelope) = Envelope::parse(bytes) {
        assert_eq!(envelope.to_bytes(), bytes, "an envelope has one encoding");
    }
    if let Ok(ring) = KeyRing::from_json(bytes) {
        assert!(KeyRing::from_json(&ring.to_json()).is_ok(), "what is written is read back");
    }
    if let Ok(root) = SealedRoot::from_json(bytes) {
        assert!(SealedRoot::from_json(&root.to_json()).is_ok(), "what is written is read back");
    }
    let text = SecretText::new(String::from_utf8_lossy(bytes).into_owned());
    if let Ok(share) = RecoveryShare::parse(&text) {
        assert!(RecoveryShare::parse(share.text()).is_ok(), "a share is read as it is shown");
    }
}
