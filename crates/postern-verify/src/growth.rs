//! Whether one checkpoint grew out of another: consistency, shown by the tiles alone.

use anyhow::Context as _;
use postern_ledger::note::{Checkpoint, Verifier};
use postern_ledger::proof::{consistency, verify_consistency};
use postern_ledger::tiles::Directory;

/// Checks that the log that `old` signs is the beginning of the one that `new` signs; gives how many leaves came.
///
/// # Errors
/// When a note is not signed, when it shrank, or when the two are of different histories.
pub fn check(old: &[u8], new: &[u8], directory: &Directory, key: &Verifier) -> anyhow::Result<u64> {
    let old = Checkpoint::open(old, key).context("the older checkpoint")?;
    let new = Checkpoint::open(new, key).context("the newer checkpoint")?;
    grown(&old, &new, directory)?;
    Ok(new.size - old.size)
}

/// The same for checkpoints that were opened.
pub(crate) fn grown(old: &Checkpoint, new: &Checkpoint, directory: &Directory) -> anyhow::Result<()> {
    anyhow::ensure!(
        new.size >= old.size,
        "THE LEDGER SHRANK: it had {} leaves and was signed so, and now has {}",
        old.size,
        new.size
    );
    let proof = consistency(old.size, new.size, &directory.hashes(new.size)).context("the tiles")?;
    verify_consistency(old.size, &old.root, new.size, &new.root, &proof).map_err(|_| {
        anyhow::anyhow!(
            "THE LEDGER FORKED: the first {} leaves of the {} are not those that were signed before",
            old.size,
            new.size
        )
    })
}
