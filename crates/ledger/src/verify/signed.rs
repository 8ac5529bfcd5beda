//! Everything that was signed: the newest checkpoint, its history, and one from elsewhere.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::report::{CHECKPOINT_FINDINGS_MAX, Problem, Report};
use super::scan::reason;
use crate::hash::Hash;
use crate::note::{Checkpoint, Verifier};
use crate::tiles::{self, CHECKPOINT, CHECKPOINTS, Directory, Error};

/// What a checkpoint from outside the directory is called in findings.
const SINCE: &str = "the earlier checkpoint";

/// The root that was signed for a size, and the file that says so.
pub(super) struct Head {
    pub(super) root: Hash,
    pub(super) file: String,
}

/// The signed roots by size.
pub(super) type Signed = BTreeMap<u64, Head>;

/// Reads and checks all checkpoints; those that are not valid are findings and play no further part.
pub(super) fn collect(directory: &Directory, vkey: &Verifier, since: Option<&[u8]>, report: &mut Report) -> Signed {
    let mut signed = Signed::new();
    // Listed before the newest is read: on a log that grows meanwhile, the newest is then never
    // older than what is listed.
    let sizes = directory.history().unwrap_or_else(|error| {
        unreadable::<()>(&error, CHECKPOINTS, report);
        Vec::new()
    });
    let newest = match directory.checkpoint_note() {
        Ok(Some(note)) => open(&note, vkey, CHECKPOINT, report),
        Ok(None) => {
            report.add_within(CHECKPOINT_FINDINGS_MAX, Problem::CheckpointMissing, None, CHECKPOINT.to_owned());
            None
        }
        Err(error) => unreadable(&error, CHECKPOINT, report),
    };
    let newest = newest.map(|checkpoint| enter(&checkpoint, CHECKPOINT.to_owned(), &mut signed, report));
    for size in sizes {
        history(directory, vkey, size, &mut signed, report);
    }
    if let Some(checkpoint) = since.and_then(|note| open(note, vkey, SINCE, report)) {
        enter(&checkpoint, SINCE.to_owned(), &mut signed, report);
    }
    if let (Some(newest), Some((&remembered, head))) = (newest, signed.last_key_value())
        && newest < remembered
    {
        report.add(Problem::RolledBack { newest, remembered }, None, head.file.clone());
    }
    signed
}

fn history(directory: &Directory, vkey: &Verifier, size: u64, signed: &mut Signed, report: &mut Report) {
    let file = tiles::history_path(size);
    let note = match directory.history_note(size) {
        Ok(Some(note)) => note,
        Ok(None) => return,
        Err(error) => {
            unreadable::<()>(&error, &file, report);
            return;
        }
    };
    if let Some(checkpoint) = open(&note, vkey, &file, report) {
        if checkpoint.size != size {
            report.add_within(
                CHECKPOINT_FINDINGS_MAX,
                Problem::CheckpointMisplaced { says: checkpoint.size },
                None,
                file.clone(),
            );
        }
        enter(&checkpoint, file, signed, report);
    }
}

fn open(note: &[u8], vkey: &Verifier, file: &str, report: &mut Report) -> Option<Checkpoint> {
    Checkpoint::open(note, vkey)
        .map_err(|error| report.add_within(CHECKPOINT_FINDINGS_MAX, error.into(), None, file.to_owned()))
        .ok()
}

/// Adds a valid checkpoint and gives back its size.
fn enter(checkpoint: &Checkpoint, file: String, signed: &mut Signed, report: &mut Report) -> u64 {
    let size = checkpoint.size;
    match signed.entry(size) {
        Entry::Vacant(vacant) => {
            vacant.insert(Head { root: checkpoint.root, file });
        }
        Entry::Occupied(known) if known.get().root != checkpoint.root => {
            report.add_within(CHECKPOINT_FINDINGS_MAX, Problem::Forked { size }, None, file);
        }
        Entry::Occupied(_) => {}
    }
    size
}

fn unreadable<T>(error: &Error, file: &str, report: &mut Report) -> Option<T> {
    report.add_within(CHECKPOINT_FINDINGS_MAX, Problem::Unreadable { reason: reason(error) }, None, file.to_owned());
    None
}
