//! Checks what Postern says of itself, for whoever does not trust it.
//!
//! Everything here needs a copy of what is to be checked and the ledger's public key, which whoever checks got by
//! another way; no server, no database, no secret. `docs/reference/verify.md` says what each check shows and
//! what it cannot.

pub mod growth;
pub mod ledger;
pub mod proof;
pub mod recording;
pub mod report;
pub mod watch;
pub mod witness;

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use postern_ledger::note::{NOTE_BYTES_MAX, Verifier};

/// What checking came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Found {
    /// What was checked and is as it was signed, a line each.
    pub good: Vec<String>,
    /// What is wrong, with its place, a line each.
    pub wrong: Vec<String>,
}

impl Found {
    /// Whether something was checked and nothing is wrong.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.wrong.is_empty() && !self.good.is_empty()
    }
}

/// The public key in a file.
///
/// # Errors
/// When it cannot be read or holds none.
pub fn key(path: &Path) -> anyhow::Result<Verifier> {
    let text = note(path)?;
    let text = String::from_utf8_lossy(&text);
    text.trim().parse().map_err(|error| anyhow!("{}: is not the public key of a ledger: {error}", path.display()))
}

/// A file that holds a note or a key.
///
/// # Errors
/// When it cannot be read, or is too large to be one.
pub fn note(path: &Path) -> anyhow::Result<Vec<u8>> {
    bounded(path, NOTE_BYTES_MAX)
}

/// A file of at most `max` bytes.
pub(crate) fn bounded(path: &Path, max: usize) -> anyhow::Result<Vec<u8>> {
    let shown = path.display();
    let file = std::fs::File::open(path).with_context(|| format!("{shown}"))?;
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).with_context(|| format!("{shown}"))?;
    if bytes.len() > max {
        bail!("{shown}: is larger than {max} bytes: is it the right file?");
    }
    Ok(bytes)
}
