//! Which leaf it is, when the leaves do not give a signed root.

use std::ops::Range;

use super::edge::{Sources, Suspect};
use super::name::Names;
use super::report::{Problem, Report};
use super::scan::Scan;
use super::signed::Signed;
use crate::hash::leaf_hash;
use crate::tile::{Kind, TILE_WIDTH};
use crate::tiles::{self, Directory};

/// Names the first leaf that is not what was signed, and others as long as that makes sense.
pub(super) fn locate(directory: &Directory, signed: &Signed, scan: &Scan, report: &mut Report) {
    let fails_at = scan.first_failure(signed).unwrap_or(scan.size);
    let sources = Sources::new(directory, scan);
    let suspects = |size: u64| signed.get(&size).map(|head| sources.suspects(size, &head.root)).unwrap_or_default();
    let mut all = suspects(scan.size);
    if !matches!(all.first(), Some(Suspect::Leaves { .. })) && fails_at < scan.size {
        let alone = all.is_empty();
        let earlier = suspects(fails_at).into_iter().next();
        all.splice(0..0, earlier.filter(|suspect| alone || matches!(suspect, Suspect::Leaves { .. })));
    }
    if all.is_empty() {
        all.push(Suspect::Range(0..fails_at));
    }
    if let Some(Suspect::Range(first)) = all.first_mut() {
        *first = narrow(first, scan.holds_at..fails_at);
    }
    let mut names = Names::new(directory, scan, &all);
    for suspect in &all {
        if report.is_full() {
            return;
        }
        match suspect {
            Suspect::Leaves { first, signed } => {
                if !names.name(*first, signed, report) {
                    return;
                }
            }
            Suspect::Range(range) => unfit(directory, scan, range, &names, report),
        }
    }
}

/// The part of `range` in which the first wrong leaf must be, since the checkpoints before hold.
fn narrow(range: &Range<u64>, between: Range<u64>) -> Range<u64> {
    let narrowed = range.start.max(between.start)..range.end.min(between.end);
    if narrowed.is_empty() { range.clone() } else { narrowed }
}

/// Says that something in `range` is wrong, and what else is known about it. Where the leaves end too
/// early, nothing vouches for those before: any of them may be the one that is missing.
fn unfit(directory: &Directory, scan: &Scan, range: &Range<u64>, names: &Names<'_>, report: &mut Report) {
    let gap = scan.gap.filter(|gap| range.contains(gap));
    let file = |leaf: u64| {
        let (bundle, at) = Kind::Entries.edge(leaf);
        tiles::name(Kind::Entries, bundle, at + 1)
    };
    match gap {
        Some(gap) => names.absent(range.start..gap + 1, report),
        None => report.add(Problem::Unfit, Some(range.clone()), file(range.start)),
    }
    let until = gap.unwrap_or(range.end);
    if let Some(leaf) = first_difference(directory, scan, range.start..until) {
        report.add(Problem::Unfit, Some(leaf..leaf + 1), file(leaf));
    }
}

/// The first leaf that differs from the hash in its tile, although neither is vouched for.
fn first_difference(directory: &Directory, scan: &Scan, range: Range<u64>) -> Option<u64> {
    let first = Kind::Entries.edge(range.start).0;
    for (index, _) in (0..).zip(&scan.chunks).skip(usize::try_from(first).ok()?).filter(|(_, chunk)| chunk.differs) {
        let start: u64 = index * TILE_WIDTH as u64;
        if start >= range.end {
            return None;
        }
        let width = Kind::Entries.width(index, range.end);
        let (Ok(Some(entries)), Ok(Some(tile))) = (directory.entries(index, width), directory.tile(0, index, width))
        else {
            continue;
        };
        let mut pairs = (start..).zip(entries.items.iter().zip(&tile.items));
        let found = pairs.find(|(at, (leaf, hash))| range.contains(at) && leaf_hash(leaf) != **hash);
        if let Some((leaf, _)) = found {
            return Some(leaf);
        }
    }
    None
}
