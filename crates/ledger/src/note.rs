//! Signed notes (C2SP `signed-note`, Ed25519) and the checkpoints (C2SP `tlog-checkpoint`) in them.
//!
//! A text is given out only after a signature of the expected key over it was found good.

mod checkpoint;
mod cosignature;
mod key;
mod public;

pub use checkpoint::Checkpoint;
pub(crate) use checkpoint::decimal;
pub use cosignature::{WITNESSED, Witness, WitnessSigner};
pub use key::{Signer, Verifier};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The longest note that is looked at, in bytes; sixteen post-quantum cosignatures fit.
pub const NOTE_BYTES_MAX: usize = 128 * 1024;

/// How many signatures a note may carry.
pub const SIGNATURES_MAX: usize = 100;

/// What every signature line begins with.
const SIGNATURE_PREFIX: &str = "\u{2014} ";

/// Why a key, a note or a checkpoint is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The key's name is empty or contains a space, a plus or a control character.
    #[error("the name of the key is empty or contains a space, a plus or a control character")]
    BadName,
    /// The private or public key is not an Ed25519 key in the expected encoding.
    #[error("not an Ed25519 key")]
    BadKey,
    /// The text of a verifier key says another key id than the key has.
    #[error("the key id does not belong to the key")]
    WrongKeyId,
    /// The note is longer than [`NOTE_BYTES_MAX`].
    #[error("the note is too long")]
    TooLarge,
    /// The note is not text, a blank line, and signature lines.
    #[error("not a signed note")]
    Malformed,
    /// No signature is by the expected key.
    #[error("not signed by the expected key")]
    NotSigned,
    /// A signature in the name of the expected key is not good.
    #[error("the signature is not good")]
    BadSignature,
    /// The signed text is not a checkpoint.
    #[error("the signed text is not a checkpoint")]
    NotACheckpoint,
    /// The checkpoint is of another log than the key.
    #[error("the checkpoint is of another log")]
    WrongOrigin,
    /// The private key could not sign.
    #[error("the key could not sign")]
    CannotSign,
}

/// The note that says `text`, signed.
///
/// # Errors
/// When `text` cannot be the text of a note (it must be lines, each ended, without control
/// characters), or the key fails.
pub fn sign(text: &str, signer: &Signer) -> Result<String, Error> {
    if text.is_empty() || !text.ends_with('\n') || !is_plain(text) || text.len() > NOTE_BYTES_MAX / 2 {
        return Err(Error::Malformed);
    }
    let mut bytes = signer.verifier().key_id().to_vec();
    bytes.extend_from_slice(&signer.signature(text.as_bytes())?);
    let name = signer.verifier().name();
    Ok(format!("{text}\n{SIGNATURE_PREFIX}{name} {}\n", STANDARD.encode(bytes)))
}

/// The text of a note that `verifier`'s key signed.
///
/// Signatures of other keys are ignored; one in the name of this key that is not good spoils the
/// note.
///
/// # Errors
/// When the bytes are not a note, or not one that the key signed.
pub fn open<'a>(note: &'a [u8], verifier: &Verifier) -> Result<&'a str, Error> {
    let (text, signatures) = parts(note)?;
    let mut signed = false;
    for (count, line) in signatures.split('\n').enumerate() {
        if count >= SIGNATURES_MAX {
            return Err(Error::TooLarge);
        }
        let (name, key_id, signature) = signature_line(line).ok_or(Error::Malformed)?;
        if name == verifier.name() && key_id == verifier.key_id() {
            verifier.check(text.as_bytes(), &signature)?;
            signed = true;
        }
    }
    if signed { Ok(text) } else { Err(Error::NotSigned) }
}

/// The text of a note, with the line feed at its end, and its signature lines without the last one's. Nothing
/// is checked yet but the form.
fn parts(note: &[u8]) -> Result<(&str, &str), Error> {
    if note.len() > NOTE_BYTES_MAX {
        return Err(Error::TooLarge);
    }
    let note = str::from_utf8(note).map_err(|_| Error::Malformed)?;
    if !is_plain(note) {
        return Err(Error::Malformed);
    }
    let blank = note.rfind("\n\n").ok_or(Error::Malformed)?;
    let (text, signatures) = note.split_at_checked(blank + 1).ok_or(Error::Malformed)?;
    let lines = signatures.strip_prefix('\n').and_then(|lines| lines.strip_suffix('\n'));
    Ok((text, lines.ok_or(Error::Malformed)?))
}

/// The key name, the key id and the signature that a line says.
fn signature_line(line: &str) -> Option<(&str, [u8; 4], Vec<u8>)> {
    let (name, bytes) = line.strip_prefix(SIGNATURE_PREFIX)?.split_once(' ')?;
    let bytes = STANDARD.decode(bytes).ok()?;
    let (key_id, signature) = bytes.split_first_chunk::<4>()?;
    (is_name(name) && !signature.is_empty()).then(|| (name, *key_id, signature.to_vec()))
}

/// Whether it has no control characters but line ends.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte >= 0x20 || byte == b'\n')
}

/// Whether it can be the name of a key.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

#[cfg(test)]
mod tests;
