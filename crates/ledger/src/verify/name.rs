//! What happened to a leaf, when it is known which one was signed at each place.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::edge::Suspect;
use super::report::{Problem, Report};
use super::scan::{Bundle, Scan, read_bundle};
use crate::hash::Hash;
use crate::tile::{Kind, TILE_WIDTH};
use crate::tiles::{self, Directory};

/// How many bundles before and after the first suspect are searched for leaves that moved.
const BUNDLES_BEFORE: u64 = 256;
const BUNDLES_AFTER: u64 = 768;

/// The leaves around the first suspect, by place and by hash.
pub(super) struct Names<'a> {
    directory: &'a Directory,
    scan: &'a Scan,
    bundles: BTreeMap<u64, Bundle>,
    /// Where a leaf is.
    found: HashMap<Hash, u64>,
    /// Where a leaf belongs.
    home: HashMap<Hash, u64>,
}

impl<'a> Names<'a> {
    /// Reads the surroundings of the first of the suspects.
    pub(super) fn new(directory: &'a Directory, scan: &'a Scan, suspects: &[Suspect]) -> Self {
        let mut names = Self { directory, scan, bundles: BTreeMap::new(), found: HashMap::new(), home: HashMap::new() };
        let Some(first) = suspects.first().map(|suspect| Kind::Entries.edge(suspect.start()).0) else {
            return names;
        };
        let signed: BTreeMap<u64, &Vec<Hash>> = suspects
            .iter()
            .filter_map(|suspect| match suspect {
                Suspect::Leaves { first, signed } => Some((*first, signed)),
                Suspect::Range(_) => None,
            })
            .collect();
        let last = Kind::Entries.count(scan.size).min(first.saturating_add(BUNDLES_AFTER));
        for index in first.saturating_sub(BUNDLES_BEFORE)..last {
            let start = index * TILE_WIDTH as u64;
            let Ok(bundle) = names.read(index) else { continue };
            for (at, hash) in (start..).zip(&bundle.hashes) {
                names.found.entry(*hash).or_insert(at);
            }
            for (at, hash) in (start..).zip(signed.get(&start).copied().unwrap_or(&bundle.hashes)) {
                names.home.entry(*hash).or_insert(at);
            }
            names.bundles.insert(index, bundle);
        }
        names
    }

    /// Names the leaves from `first` on that are not the signed ones. `false` when everything after
    /// is shifted, so that naming more would only repeat the same.
    pub(super) fn name(&mut self, first: u64, signed: &[Hash], report: &mut Report) -> bool {
        let index = Kind::Entries.edge(first).0;
        if !self.bundles.contains_key(&index)
            && let Ok(bundle) = self.read(index)
        {
            self.bundles.insert(index, bundle);
        }
        for (at, hash) in (first..).zip(signed) {
            if self.here(at) == Some(*hash) {
                continue;
            }
            if self.here(at).is_none() {
                self.absent(at..at + 1, report);
                return at < self.scan.present;
            }
            let (problem, shifted) = self.happened(at, hash);
            report.add(problem, Some(at..at + 1), self.file(at));
            if shifted {
                return false;
            }
        }
        true
    }

    /// Says why there is no leaf at the last place of `leaves`, among which one must be missing.
    pub(super) fn absent(&self, leaves: Range<u64>, report: &mut Report) {
        let at = leaves.end.saturating_sub(1);
        let (present, size) = (self.scan.present, self.scan.size);
        let damaged = self.bundles.get(&Kind::Entries.edge(at).0).is_some_and(|bundle| bundle.damaged);
        let problem = match damaged {
            _ if at >= present => Problem::Truncated { present, signed: size },
            true => Problem::BundleDamaged,
            false => Problem::Dropped,
        };
        report.add(problem, Some(leaves), self.file(at));
    }

    /// What happened to the leaf signed as `hash`, in whose place there is another one; and whether
    /// all that follows is shifted by it.
    fn happened(&self, at: u64, hash: &Hash) -> (Problem, bool) {
        let home_of = |at: u64| self.here(at).and_then(|here| self.home.get(&here).copied());
        let home = home_of(at);
        let moved = self.found.get(hash).copied();
        let follows = self.here(at + 1) == Some(*hash);
        let is_next = home == Some(at + 1);
        match (home, moved) {
            (Some(of), _) if follows && !is_next => (Problem::Duplicated { of }, true),
            (None, _) if follows => (Problem::Inserted, true),
            (_, Some(found_at)) => (Problem::Reordered { found_at }, false),
            (Some(_), None) if is_next && home_of(at + 1) != Some(at + 1) => (Problem::Dropped, true),
            (Some(of), None) => (Problem::Duplicated { of }, false),
            (None, None) => (Problem::Altered, false),
        }
    }

    fn read(&self, index: u64) -> Result<Bundle, String> {
        read_bundle(self.directory, index, Kind::Entries.width(index, self.scan.size), |_, _| {})
    }

    fn here(&self, at: u64) -> Option<Hash> {
        let (bundle, at) = Kind::Entries.edge(at);
        self.bundles.get(&bundle)?.hashes.get(at).copied()
    }

    fn file(&self, at: u64) -> String {
        let index = Kind::Entries.edge(at).0;
        match self.bundles.get(&index) {
            Some(bundle) => bundle.file.clone(),
            None => tiles::name(Kind::Entries, index, Kind::Entries.width(index, self.scan.size)),
        }
    }
}
