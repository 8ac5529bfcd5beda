//! A table of tamperings, each made on a copy of a sound log and then verified.
//!
//! It shows that the verifier notices what it promises to notice, names the leaf, and raises no
//! false alarm on the untouched log.

mod bench;
mod table;

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::Path;

use crate::verify::{Options, Problem, Report, verify_directory};
use bench::{Bench, Log};
pub use bench::{Size, Spoil};

/// What the verifier must say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// This leaf first.
    Leaf(u64),
    /// These leaves first, exactly this range.
    Among(Range<u64>),
    /// Something; the tampering is not about a leaf.
    Anything,
}

/// What the verifier knows besides the directory and the public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Nothing.
    Key,
    /// The checkpoint that was signed at this size.
    Since(u64),
    /// The leaves as the database has them.
    Rows,
}

/// One tampering.
#[derive(Clone)]
pub struct Case {
    /// What is done.
    pub name: &'static str,
    /// To which log.
    pub size: Size,
    /// How.
    pub spoil: fn(&Spoil<'_>) -> io::Result<()>,
    /// What the verifier knows.
    pub known: Known,
    /// What it must find first.
    pub expected: Expected,
    /// The problem that must be among its findings about that.
    pub problem: fn(&Problem) -> bool,
}

/// What running the table came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many tamperings were made.
    pub tried: usize,
    /// Those that the verifier did not notice.
    pub undetected: Vec<String>,
    /// Those that it noticed but described wrongly, with what it said.
    pub misnamed: Vec<String>,
    /// What it said about logs that nobody touched.
    pub false_alarms: Vec<String>,
}

impl Outcome {
    /// Whether everything was noticed and named, and nothing else.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.tried > 0 && self.undetected.is_empty() && self.misnamed.is_empty() && self.false_alarms.is_empty()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "tried={} undetected={} misnamed={} false_alarms={}",
            self.tried,
            self.undetected.len(),
            self.misnamed.len(),
            self.false_alarms.len()
        )
    }
}

/// All tamperings.
#[must_use]
pub fn table() -> Vec<Case> {
    table::cases()
}

/// Makes every tampering of the table below the empty directory `work` and verifies the result.
///
/// # Errors
/// When a log could not be made or spoiled; never because something went unnoticed.
pub fn run(work: &Path) -> io::Result<Outcome> {
    let bench = Bench::new(work)?;
    let mut outcome = Outcome::default();
    for size in [Size::Small, Size::Large] {
        let log = bench.log(size);
        for known in [Known::Key, Known::Since(log.signed_at()), Known::Rows] {
            let report = verify(&bench, log, &log.path, known)?;
            if !report.is_ok() || report.leaves != log.count() {
                outcome.false_alarms.push(report.to_string());
            }
        }
    }
    for case in table() {
        let log = bench.log(case.size);
        let copy = bench.copy(log)?;
        (case.spoil)(&copy).map_err(|error| io::Error::other(format!("{}: {error}", case.name)))?;
        let report = verify(&bench, log, copy.path(), case.known)?;
        outcome.tried += 1;
        if report.is_ok() {
            outcome.undetected.push(case.name.to_owned());
        } else if !case.is_named(&report) {
            outcome.misnamed.push(format!("{}: {report}", case.name));
        }
    }
    Ok(outcome)
}

impl Case {
    /// Whether the report says what happened.
    fn is_named(&self, report: &Report) -> bool {
        let place = match &self.expected {
            Expected::Leaf(leaf) => Some(*leaf..*leaf + 1),
            Expected::Among(leaves) => Some(leaves.clone()),
            Expected::Anything => return report.findings.iter().any(|finding| (self.problem)(&finding.problem)),
        };
        let first = report.first_leaf();
        let named = |leaves: &Option<Range<u64>>| {
            let (Some(leaves), Some(place)) = (leaves, &place) else { return false };
            leaves == place || (leaves.is_empty() && leaves.start == place.start)
        };
        first == place.as_ref().map(|place| place.start)
            && report.findings.iter().any(|finding| named(&finding.leaves) && (self.problem)(&finding.problem))
    }
}

fn verify(bench: &Bench, log: &Log, path: &Path, known: Known) -> io::Result<Report> {
    let since = match known {
        Known::Since(size) => log.directory().history_note(size).map_err(io::Error::other)?,
        Known::Key | Known::Rows => None,
    };
    let mut rows = |index: u64, leaf: &[u8]| {
        let row = usize::try_from(index).ok().and_then(|index| log.leaves.get(index));
        if row.is_some_and(|row| row == leaf) { Ok(()) } else { Err("is not the row in the database".to_owned()) }
    };
    let mut options = Options { since: since.as_deref(), ..Options::default() };
    if known == Known::Rows {
        options.check = Some(&mut rows);
    }
    Ok(verify_directory(path, bench.signer.verifier(), options))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tampering_is_noticed_and_named() {
        let work = tempfile::tempdir().unwrap();
        let outcome = run(work.path()).unwrap();
        assert!(outcome.is_ok(), "{outcome}\n{outcome:#?}");
        assert!(outcome.tried >= 30);
    }

    #[test]
    fn the_names_in_the_table_are_unique() {
        let mut names: Vec<&str> = table().iter().map(|case| case.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
