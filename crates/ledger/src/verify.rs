//! The offline verifier: from a directory and a public key alone.
//!
//! It recomputes the tree from the leaves, compares it with every signed checkpoint, compares the
//! tiles, and when something does not fit names the first leaf concerned as precisely as the
//! data allow: the level-0 tiles say which leaf was signed where, as long as they lead to a signed
//! root themselves; otherwise the checkpoints narrow it down to those that came between two of
//! them.

mod edge;
mod levels;
mod locate;
mod name;
mod report;
mod scan;
mod signed;

use std::path::Path;

use crate::note::Verifier;
use crate::tile::Kind;
use crate::tiles::{self, Directory};

pub use report::{Finding, Problem, Report};

/// What the caller checks about one leaf: its index and its bytes; the error says what is wrong
/// with it.
pub type LeafCheck<'a> = dyn FnMut(u64, &[u8]) -> Result<(), String> + 'a;

/// How to verify.
#[derive(Default)]
pub struct Options<'a> {
    /// A checkpoint that was seen earlier, as it was signed. The log must have grown from it.
    pub since: Option<&'a [u8]>,
    /// Called for every leaf that could be read, in order.
    pub check: Option<&'a mut LeafCheck<'a>>,
    /// The log is being written while it is read, so that leaves after the newest checkpoint are no
    /// finding.
    pub live: bool,
}

/// Verifies the log in `directory` with the public key of its owner.
#[must_use]
pub fn verify_directory(directory: &Path, vkey: &Verifier, mut options: Options<'_>) -> Report {
    let directory = Directory::new(directory);
    let mut report = Report::new(vkey.name());
    let signed = signed::collect(&directory, vkey, options.since, &mut report);
    let Some((&size, head)) = signed.last_key_value() else {
        return report;
    };
    report.size = Some(size);
    report.root = Some(head.root);
    report.checkpoints = signed.len();
    let scan = scan::scan(&directory, &signed, size, &mut options.check, &mut report);
    if scan.first_failure(&signed).is_some() {
        locate::locate(&directory, &signed, &scan, &mut report);
        levels::presence(&directory, size, &mut report);
    } else {
        levels::compare(&directory, &scan, size, &mut report);
    }
    if !options.live {
        unsigned_tail(&directory, size, &mut report);
    }
    report.arrange();
    report
}

/// Looks for leaves and hashes after the newest checkpoint: whoever has no key can still append
/// files, and a crash can leave some.
fn unsigned_tail(directory: &Directory, size: u64, report: &mut Report) {
    for kind in [Kind::Entries, Kind::Hashes(0)] {
        let (edge, signed) = kind.edge(size);
        for (index, signed) in [(edge, signed), (edge.saturating_add(1), 0)] {
            let stored = directory.widths(kind, index).unwrap_or_default().into_iter().max();
            if let Some(width) = stored.filter(|width| *width > signed) {
                report.add(Problem::Unsigned, Some(size..size), tiles::name(kind, index, width));
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
