//! Checkpoints: what a log says of itself at one size.

use super::{Error, Signer, Verifier, open, sign};
use crate::hash::Hash;

/// How many extension lines of other writers are tolerated.
const EXTENSION_LINES_MAX: usize = 64;

/// The head of a log at one size.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Checkpoint {
    /// The name of the log, which is also the name of its key.
    pub origin: String,
    /// How many leaves it has.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

impl Checkpoint {
    /// The signed note that says this checkpoint. Whoever signs promises never to sign one that
    /// contradicts it; [`crate::tiles::Directory::publish`] keeps that promise.
    ///
    /// # Errors
    /// When the origin is not the signer's name, or the key fails.
    pub fn sign(&self, signer: &Signer) -> Result<String, Error> {
        if self.origin != signer.verifier().name() {
            return Err(Error::WrongOrigin);
        }
        sign(&format!("{}\n{}\n{}\n", self.origin, self.size, self.root.to_base64()), signer)
    }

    /// The checkpoint in a note that `verifier`'s key signed. Extension lines are ignored.
    ///
    /// # Errors
    /// When it is not such a note, or its text is not a checkpoint of the key's log.
    pub fn open(note: impl AsRef<[u8]>, verifier: &Verifier) -> Result<Self, Error> {
        let checkpoint = Self::parse(open(note.as_ref(), verifier)?)?;
        if checkpoint.origin == verifier.name() { Ok(checkpoint) } else { Err(Error::WrongOrigin) }
    }

    fn parse(text: &str) -> Result<Self, Error> {
        let mut lines = text.strip_suffix('\n').ok_or(Error::NotACheckpoint)?.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(Error::NotACheckpoint);
        };
        let extensions = lines.clone().take(EXTENSION_LINES_MAX + 1).count();
        if origin.is_empty() || extensions > EXTENSION_LINES_MAX || lines.any(str::is_empty) {
            return Err(Error::NotACheckpoint);
        }
        let size = decimal(size).ok_or(Error::NotACheckpoint)?;
        let root = Hash::from_base64(root).ok_or(Error::NotACheckpoint)?;
        Ok(Self { origin: origin.to_owned(), size, root })
    }
}

/// The number that `text` spells without sign or leading zeroes.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}
