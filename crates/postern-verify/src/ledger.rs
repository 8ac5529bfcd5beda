//! A copy of the ledger, with the recordings that it speaks of and the witnesses that saw it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use postern_ledger::note::{Checkpoint, Verifier, WITNESSED, Witness};
use postern_ledger::proof::root;
use postern_ledger::tiles::Directory;
use postern_ledger::verify::{Options, verify_directory};

use crate::Found;
use crate::recording::{Leaves, check_folder};

/// What is to be checked beside the ledger itself.
#[derive(Default)]
pub struct Wanted {
    /// A checkpoint that was seen earlier: the ledger must have grown from it.
    pub since: Option<Vec<u8>>,
    /// Witnesses of whom so many must have seen the ledger.
    pub witnesses: Vec<Witness>,
    /// How many of them; all unless given.
    pub quorum: Option<usize>,
    /// A folder with recordings.
    pub recordings: Option<PathBuf>,
    /// The ledger is being written while it is read.
    pub live: bool,
}

/// Checks a copy of the ledger.
#[must_use]
pub fn check(folder: &Path, key: &Verifier, wanted: &Wanted) -> Found {
    let mut leaves = Leaves::default();
    let mut collect = |index: u64, body: &[u8]| {
        leaves.take(index, body);
        Ok(())
    };
    let options = Options { since: wanted.since.as_deref(), check: Some(&mut collect), live: wanted.live };
    let report = verify_directory(folder, key, options);
    let mut found = Found::default();
    found.wrong.extend(report.findings.iter().map(|finding| format!("ledger: {finding}")));
    if report.more > 0 {
        found.wrong.push(format!("ledger: and {} more findings", report.more));
    }
    if report.is_ok() {
        let root = report.root.map(|root| hex::encode(root.0)).unwrap_or_default();
        let size = report.size.unwrap_or(0);
        found.good.push(format!(
            "ledger: {} of {size} leaves under {} checkpoints are as {} signed them; root {root}",
            report.leaves,
            report.checkpoints,
            key.name()
        ));
    }
    if !wanted.witnesses.is_empty() {
        match seen(folder, key, wanted) {
            Ok(line) => found.good.push(line),
            Err(error) => found.wrong.push(format!("witnesses: {error:#}")),
        }
    }
    if let Some(recordings) = &wanted.recordings {
        check_folder(&leaves, recordings, wanted.live, &mut found);
    }
    found
}

/// Who saw the ledger, and that what they saw is a part of it.
fn seen(folder: &Path, key: &Verifier, wanted: &Wanted) -> anyhow::Result<String> {
    let directory = Directory::new(folder);
    let newest = directory.checkpoint(key)?.context("there is no checkpoint")?;
    let (mut who, mut not) = (Vec::new(), Vec::new());
    for witness in &wanted.witnesses {
        let name = witness.name();
        match seen_by(witness, folder, key, &directory, &newest).with_context(|| name.to_owned())? {
            Some((size, time)) => who.push(format!("{name} saw {size} leaves at {time}")),
            None => not.push(name),
        }
    }
    let quorum = wanted.quorum.unwrap_or(wanted.witnesses.len());
    anyhow::ensure!(
        who.len() >= quorum,
        "{} of {quorum} have seen it; there is nothing by {}",
        who.len(),
        not.join(", ")
    );
    Ok(format!("witnesses: of {} leaves, {} (seconds since 1970)", newest.size, who.join(", ")))
}

/// What a witness saw and when; none when nothing of its is kept.
fn seen_by(
    witness: &Witness,
    folder: &Path,
    key: &Verifier,
    directory: &Directory,
    newest: &Checkpoint,
) -> anyhow::Result<Option<(u64, u64)>> {
    let file = folder.join(WITNESSED).join(hex::encode(witness.key_id()));
    if !file.try_exists()? {
        return Ok(None);
    }
    let note = crate::note(&file)?;
    let Some(time) = witness.seen(&note)? else { return Ok(None) };
    let saw = Checkpoint::open(&note, key).context("what it saw")?;
    anyhow::ensure!(
        saw.size <= newest.size,
        "THE LEDGER WAS SET BACK: it saw {} leaves, and there are {}",
        saw.size,
        newest.size
    );
    let own = root(saw.size, &directory.hashes(newest.size))?;
    anyhow::ensure!(own == saw.root, "THE LEDGER FORKED: it saw another tree of {} leaves", saw.size);
    Ok(Some((saw.size, time)))
}
