//! The tiles, compared with leaves that are known to be right.

use std::ops::Range;

use super::report::{Problem, Report};
use super::scan::{Scan, read_bundle, reason};
use crate::hash::Hash;
use crate::tile::{Kind, LEVEL_MAX, TILE_WIDTH};
use crate::tiles::{self, Directory};
use crate::tree::complete_root;

/// Compares every tile of a log of `size` leaves with what the leaves give, and sees that the
/// bundles hold nothing else.
pub(super) fn compare(directory: &Directory, scan: &Scan, size: u64, report: &mut Report) {
    for (index, _) in (0..).zip(&scan.chunks).filter(|(_, chunk)| chunk.differs || !chunk.sound) {
        let wanted = Kind::Entries.width(index, size);
        let Ok(bundle) = read_bundle(directory, index, wanted, |_, _| {}) else { continue };
        if !bundle.sound {
            report.add(Problem::BundleTrailing, Some(leaves(0, index, 0..wanted)), bundle.file);
        }
        compare_tile(directory, 0, index, &bundle.hashes, report);
    }
    let mut expected: Vec<Hash> = scan.chunks.iter().filter_map(|chunk| chunk.entries).collect();
    for level in 1..=LEVEL_MAX {
        for (index, hashes) in (0..).zip(expected.chunks(TILE_WIDTH)) {
            compare_tile(directory, level, index, hashes, report);
        }
        expected = expected.chunks_exact(TILE_WIDTH).map(complete_root).collect();
    }
}

/// Notes the tiles that are missing or damaged, when the leaves cannot say what should be in them.
pub(super) fn presence(directory: &Directory, size: u64, report: &mut Report) {
    for level in 0..=LEVEL_MAX {
        let kind = Kind::Hashes(level);
        for index in 0..kind.count(size) {
            if report.is_full() {
                return;
            }
            let width = kind.width(index, size);
            let sound =
                directory.tile(level, index, width).ok().flatten().is_some_and(|tile| tile.items.len() == width);
            if !sound {
                let file = tiles::name(kind, index, width);
                report.add(Problem::TileMissing { level }, Some(leaves(level, index, 0..width)), file);
            }
        }
    }
}

fn compare_tile(directory: &Directory, level: u8, index: u64, expected: &[Hash], report: &mut Report) {
    let file = tiles::name(Kind::Hashes(level), index, expected.len());
    let stored = match directory.tile(level, index, expected.len()) {
        Ok(stored) => stored,
        Err(error) => {
            let all = Some(leaves(level, index, 0..expected.len()));
            return report.add(Problem::Unreadable { reason: reason(&error) }, all, file);
        }
    };
    let Some(stored) = stored.filter(|stored| stored.sound && stored.items.len() == expected.len()) else {
        return report.add(Problem::TileMissing { level }, Some(leaves(level, index, 0..expected.len())), file);
    };
    for (at, (hash, expected)) in stored.items.iter().zip(expected).enumerate() {
        if hash != expected {
            let file = stored.path.to_string();
            report.add(Problem::TileAltered { level }, Some(leaves(level, index, at..at + 1)), file);
        }
    }
}

/// The leaves below some of the hashes of a tile.
pub(super) fn leaves(level: u8, index: u64, hashes: Range<usize>) -> Range<u64> {
    let width = |at: usize| u64::try_from(at).unwrap_or(u64::MAX);
    let first = index.saturating_mul(TILE_WIDTH as u64);
    let below = |hash: u64| hash.saturating_mul(1_u64.checked_shl(u32::from(level) * 8).unwrap_or(u64::MAX));
    below(first.saturating_add(width(hashes.start)))..below(first.saturating_add(width(hashes.end)))
}
