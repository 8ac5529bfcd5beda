//! Signed statements about files: a note whose text names the kind of statement, says things by word, and
//! has the SHA-256 of each file that it is about. Reports and the evidence of reviews are vouched for so.
//!
//! ```text
//! postern review evidence v1
//! review rev_...
//! ledger 17 4711
//! json sha256 9f86...
//! csv sha256 60303...
//! ```

use std::collections::BTreeMap;

use crate::hash::sha256_hex;
use crate::note::{self, Signer, Verifier};

/// What stands before a file's digest.
const DIGEST: &str = "sha256 ";

/// Why a statement is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is no note, or none that the key signed.
    #[error(transparent)]
    Note(#[from] note::Error),
    /// It is signed, but is something else than was asked for.
    #[error("is signed, but is no statement about files: its first line is `{0}`")]
    Heading(String),
    /// It does not speak of such a file.
    #[error("the statement does not speak of a file `{0}`")]
    Unknown(String),
    /// The file is not the one that was signed.
    #[error("is not what was signed: it was changed, or belongs to another statement")]
    Altered,
}

/// A statement that was found to be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its first line: what kind it is, with the version of its form.
    pub heading: String,
    /// What else it says, by the first word of each line.
    pub said: BTreeMap<String, String>,
}

impl Statement {
    /// The signed note: `heading`, what is `said`, and the digest of each of `files`, by its name.
    ///
    /// # Errors
    /// When the heading or a value has a line break, or the key fails.
    pub fn sign(
        heading: &str,
        said: &[(&str, String)],
        files: &[(&str, &[u8])],
        signer: &Signer,
    ) -> Result<String, note::Error> {
        let digests = files.iter().map(|(name, bytes)| (*name, format!("{DIGEST}{}", sha256_hex(bytes))));
        let lines = said.iter().map(|(word, rest)| (*word, rest.clone())).chain(digests);
        let mut text = format!("{heading}\n");
        for (word, rest) in lines {
            if word.contains([' ', '\n']) || rest.contains('\n') {
                return Err(note::Error::Malformed);
            }
            text.push_str(&format!("{word} {rest}\n"));
        }
        note::sign(&text, signer)
    }

    /// The statement in a note that the key signed.
    ///
    /// # Errors
    /// When it is not one.
    pub fn open(signed: &[u8], verifier: &Verifier) -> Result<Self, Error> {
        let text = note::open(signed, verifier)?;
        let mut lines = text.lines();
        let heading = lines.next().unwrap_or_default().to_owned();
        // A checkpoint's first line is the log's own name, and nobody may pass one off as something else.
        if heading == verifier.name() || !heading.contains(' ') {
            return Err(Error::Heading(heading));
        }
        let said = lines.filter_map(|line| line.split_once(' ')).map(|(word, rest)| (word.into(), rest.into()));
        Ok(Self { heading, said: said.collect() })
    }

    /// The names of the files that it is about.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.said.iter().filter(|(_, rest)| rest.starts_with(DIGEST)).map(|(name, _)| name.as_str())
    }

    /// Whether these are the bytes of the file `name`.
    ///
    /// # Errors
    /// When they are not, or it speaks of no such file.
    pub fn check(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let known = self.said.get(name).and_then(|rest| rest.strip_prefix(DIGEST));
        let known = known.ok_or_else(|| Error::Unknown(name.to_owned()))?;
        if known == sha256_hex(bytes) { Ok(()) } else { Err(Error::Altered) }
    }

    /// The range of the ledger that it speaks of, if it does: first and last leaf.
    #[must_use]
    pub fn ledger(&self) -> Option<(u64, u64)> {
        let (first, last) = self.said.get("ledger")?.split_once(' ')?;
        Some((note::decimal(first)?, note::decimal(last)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_vouches_for_its_files_and_for_no_others() {
        let signer = Signer::from_seed("example.com/log", &[1; 32]).unwrap();
        let said = [("report", "pci-dss".to_owned()), ("ledger", "3 9".to_owned())];
        let signed = Statement::sign("a report v1", &said, &[("json", b"{}"), ("csv", b"a,b")], &signer).unwrap();
        let open = Statement::open(signed.as_bytes(), signer.verifier()).unwrap();
        assert_eq!((open.heading.as_str(), open.ledger()), ("a report v1", Some((3, 9))));
        assert_eq!(open.files().collect::<Vec<_>>(), ["csv", "json"]);
        assert_eq!(open.check("json", b"{}"), Ok(()));
        assert_eq!(open.check("json", b"{ }"), Err(Error::Altered));
        assert_eq!(open.check("pdf", b"{}"), Err(Error::Unknown("pdf".to_owned())));
        let changed = signed.replace("pci-dss", "pci-dsX");
        assert_eq!(Statement::open(changed.as_bytes(), signer.verifier()), Err(Error::Note(note::Error::BadSignature)));
        let broken = [("report", "a\nb".to_owned())];
        assert!(Statement::sign("a report v1", &broken, &[], &signer).is_err());
    }

    #[test]
    fn a_checkpoint_is_no_statement() {
        let signer = Signer::from_seed("example.com/log", &[1; 32]).unwrap();
        let root = crate::empty_root();
        let note = note::Checkpoint { origin: "example.com/log".to_owned(), size: 0, root }.sign(&signer).unwrap();
        assert!(matches!(Statement::open(note.as_bytes(), signer.verifier()), Err(Error::Heading(_))));
    }
}
