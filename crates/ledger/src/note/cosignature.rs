//! Cosignatures of witnesses (C2SP `tlog-cosignature`, `cosignature/v1`, Ed25519): somebody else says that
//! at a time they saw this checkpoint, and that it grew from every one they saw before.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::public::NamedKey;
use super::{Error, SIGNATURE_PREFIX, parts, signature_line};

/// The folder beside the checkpoints in which the newest one that each witness has cosigned lies, called by the
/// witness's key id in hexadecimal.
pub const WITNESSED: &str = "witnessed";

/// The byte that says "cosignature/v1 with Ed25519" in key ids and verifier keys.
const TYPE_COSIGNATURE: u8 = 0x04;

/// A witness's private key with its name. It has neither `Debug` nor `Clone`.
pub struct WitnessSigner {
    witness: Witness,
    pair: Ed25519KeyPair,
}

impl WitnessSigner {
    /// The key with the 32 seed bytes of RFC 8032; the caller wipes its copy.
    ///
    /// # Errors
    /// When the name cannot be one or the seed is not 32 bytes.
    pub fn from_seed(name: &str, seed: &[u8]) -> Result<Self, Error> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| Error::BadKey)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| Error::BadKey)?;
        Ok(Self { witness: Witness(NamedKey::new(name, public)?), pair })
    }

    /// The public half.
    #[must_use]
    pub fn witness(&self) -> &Witness {
        &self.witness
    }

    /// The signature line, with its line feed, that says that the note's text was seen at `time`, in seconds
    /// since 1970. The caller has checked the note and that it grew.
    ///
    /// # Errors
    /// When it is no note, or the key fails.
    pub fn cosign(&self, note: &[u8], time: u64) -> Result<String, Error> {
        let (text, _) = parts(note)?;
        let signature = self.pair.try_sign(message(text, time).as_bytes()).map_err(|_| Error::CannotSign)?;
        let mut bytes = self.witness.key_id().to_vec();
        bytes.extend_from_slice(&time.to_be_bytes());
        bytes.extend_from_slice(signature.as_ref());
        Ok(format!("{SIGNATURE_PREFIX}{} {}\n", self.witness.name(), STANDARD.encode(bytes)))
    }
}

/// A witness's public key with its name; as text, a verifier key of type 4 (`name+hex key id+base64 key`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness(NamedKey<TYPE_COSIGNATURE>);

impl Witness {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The first four bytes of the hash over name and key.
    #[must_use]
    pub fn key_id(&self) -> [u8; 4] {
        self.0.key_id
    }

    /// When this witness saw the note, in seconds since 1970; none when it is not among those that cosigned.
    ///
    /// # Errors
    /// When it is no note, or a cosignature in the name of this witness is not good.
    pub fn seen(&self, note: &[u8]) -> Result<Option<u64>, Error> {
        let (text, signatures) = parts(note)?;
        let mut newest = None;
        for line in signatures.split('\n') {
            let (name, key_id, bytes) = signature_line(line).ok_or(Error::Malformed)?;
            if name != self.0.name || key_id != self.0.key_id {
                continue;
            }
            let (time, signature) = bytes.split_first_chunk::<8>().ok_or(Error::BadSignature)?;
            let time = u64::from_be_bytes(*time);
            let key = UnparsedPublicKey::new(&ED25519, &self.0.public);
            key.verify(message(text, time).as_bytes(), signature).map_err(|_| Error::BadSignature)?;
            newest = newest.max(Some(time));
        }
        Ok(newest)
    }
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text())
    }
}

impl FromStr for Witness {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        NamedKey::parse(text).map(Self)
    }
}

/// What a cosignature is over.
fn message(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::{Signer, Verifier, open, sign};

    #[test]
    fn a_witness_says_when_it_saw_a_checkpoint_and_spoils_no_other_signature() {
        let log = Signer::from_seed("example.com/log", &[1; 32]).unwrap();
        let witness = WitnessSigner::from_seed("example.com/witness", &[2; 32]).unwrap();
        let note = sign("example.com/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", &log).unwrap();
        let line = witness.cosign(note.as_bytes(), 1_790_000_000).unwrap();
        let both = format!("{note}{line}");
        let key: Witness = witness.witness().to_string().parse().unwrap();
        assert_eq!(key.seen(both.as_bytes()).unwrap(), Some(1_790_000_000));
        assert_eq!(key.seen(note.as_bytes()).unwrap(), None);
        assert!(open(both.as_bytes(), log.verifier()).is_ok());
        let other = both.replacen("\n0\n", "\n1\n", 1);
        assert_eq!(key.seen(other.as_bytes()), Err(Error::BadSignature));
        // A log's key is no witness's, and the other way round.
        assert_eq!(log.verifier().to_string().parse::<Witness>(), Err(Error::BadKey));
        assert_eq!(key.to_string().parse::<Verifier>(), Err(Error::BadKey));
    }
}
