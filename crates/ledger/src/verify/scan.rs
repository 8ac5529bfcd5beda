//! One pass over all leaves: the tree is recomputed and compared with every signed root.

use super::LeafCheck;
use super::report::{LEAF_FINDINGS_MAX, Problem, Report};
use super::signed::Signed;
use crate::hash::{Hash, leaf_hash};
use crate::tile::{Kind, TILE_WIDTH};
use crate::tiles::{self, Directory};
use crate::tree::{Tree, complete_root};

/// After how many bundles that are not there the rest is taken to be missing too, whatever size was
/// signed.
const MISSING_MAX: u32 = 65_536;

/// What is kept of 256 leaves.
pub(super) struct Chunk {
    /// The root over the leaves, if all 256 are there.
    pub(super) entries: Option<Hash>,
    /// The root over the hashes in the tile, if all 256 are there.
    pub(super) tile: Option<Hash>,
    /// Whether leaves and tile differ.
    pub(super) differs: bool,
    /// Whether bundle and tile are what their names say.
    pub(super) sound: bool,
}

/// What the pass found.
pub(super) struct Scan {
    /// The size that was looked for.
    pub(super) size: u64,
    /// One per bundle.
    pub(super) chunks: Vec<Chunk>,
    /// The first leaf that is not there or cannot be read.
    pub(super) gap: Option<u64>,
    /// Where the last bundle that holds any leaf ends.
    pub(super) present: u64,
    /// The largest signed size at which the leaves have the signed root.
    pub(super) holds_at: u64,
    /// The smallest signed size at which they have not.
    fails_at: Option<u64>,
}

impl Scan {
    /// The smallest signed size whose root the leaves do not give.
    pub(super) fn first_failure(&self, signed: &Signed) -> Option<u64> {
        let beyond_gap = self.gap.and_then(|gap| signed.range(gap + 1..).next()).map(|(size, _)| *size);
        self.fails_at.into_iter().chain(beyond_gap).min()
    }

    /// The roots of the full chunks as the leaves give them.
    pub(super) fn entry_roots(&self) -> Vec<Option<Hash>> {
        self.chunks.iter().map(|chunk| chunk.entries).collect()
    }

    /// The roots of the full chunks as the level-0 tiles give them.
    pub(super) fn tile_roots(&self) -> Vec<Option<Hash>> {
        self.chunks.iter().map(|chunk| chunk.tile).collect()
    }
}

/// The leaves of a bundle as far as they can be read, as hashes.
pub(super) struct Bundle {
    /// The hashes.
    pub(super) hashes: Vec<Hash>,
    /// Whether the file is what its name says.
    pub(super) sound: bool,
    /// Whether the bytes end within a leaf, or go on after the last.
    pub(super) damaged: bool,
    /// What the file is called.
    pub(super) file: String,
}

/// Reads the leaves and the level-0 tiles of a log of `size` leaves.
pub(super) fn scan(
    directory: &Directory,
    signed: &Signed,
    size: u64,
    check: &mut Option<&mut LeafCheck<'_>>,
    report: &mut Report,
) -> Scan {
    let mut scan = Scan { size, chunks: Vec::new(), gap: None, present: 0, holds_at: 0, fails_at: None };
    let mut tree = Tree::new();
    let mut missing = 0;
    compare(&mut scan, &tree, signed);
    for index in 0..Kind::Entries.count(size) {
        let wanted = Kind::Entries.width(index, size);
        let start = index * TILE_WIDTH as u64;
        let bundle = read_bundle(directory, index, wanted, |at, leaf| look(start + at, leaf, check, report));
        if let Err(reason) = &bundle {
            let file = tiles::name(Kind::Entries, index, wanted);
            report.add_within(
                LEAF_FINDINGS_MAX,
                Problem::Unreadable { reason: reason.clone() },
                Some(start..start + 1),
                file,
            );
        }
        let sound = bundle.as_ref().is_ok_and(|bundle| bundle.sound);
        let hashes = bundle.map(|bundle| bundle.hashes).unwrap_or_default();
        let count = u64::try_from(hashes.len()).unwrap_or_default();
        report.leaves += count;
        if count > 0 {
            scan.present = start + count;
        }
        if scan.gap.is_none() {
            for hash in &hashes {
                tree.push(*hash);
                compare(&mut scan, &tree, signed);
            }
            if hashes.len() < wanted {
                scan.gap = Some(start + count);
            }
        }
        let tile = directory.tile(0, index, wanted).ok().flatten();
        let sound = sound && tile.as_ref().is_some_and(|tile| tile.sound);
        let tile = tile.map(|tile| tile.items).unwrap_or_default();
        let root = |hashes: &[Hash]| (hashes.len() == TILE_WIDTH).then(|| complete_root(hashes));
        missing = if count == 0 { missing + 1 } else { 0 };
        scan.chunks.push(Chunk { entries: root(&hashes), tile: root(&tile), differs: hashes != tile, sound });
        if missing >= MISSING_MAX {
            break;
        }
    }
    scan
}

/// Compares the tree with what was signed for its size, if anything was.
fn compare(scan: &mut Scan, tree: &Tree, signed: &Signed) {
    match signed.get(&tree.size()) {
        Some(head) if head.root == tree.root() && scan.fails_at.is_none() => scan.holds_at = tree.size(),
        Some(head) if head.root != tree.root() => {
            scan.fails_at.get_or_insert(tree.size());
        }
        _ => {}
    }
}

/// Looks at the leaf itself.
fn look(index: u64, leaf: &[u8], check: &mut Option<&mut LeafCheck<'_>>, report: &mut Report) {
    let (bundle, at) = Kind::Entries.edge(index);
    let file = || tiles::name(Kind::Entries, bundle, at + 1);
    if serde_json::from_slice::<serde::de::IgnoredAny>(leaf).is_err() {
        report.add_within(LEAF_FINDINGS_MAX, Problem::NotJson, Some(index..index + 1), file());
    }
    if let Some(Err(reason)) = check.as_mut().map(|check| check(index, leaf)) {
        report.add_within(LEAF_FINDINGS_MAX, Problem::CheckFailed { reason }, Some(index..index + 1), file());
    }
}

/// What a failed read says, with its cause.
pub(super) fn reason(error: &tiles::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// The hashes of the leaves of a bundle; `each` sees every leaf.
pub(super) fn read_bundle(
    directory: &Directory,
    index: u64,
    wanted: usize,
    mut each: impl FnMut(u64, &[u8]),
) -> Result<Bundle, String> {
    let stored = directory.entries(index, wanted).map_err(|error| reason(&error))?;
    let Some(stored) = stored else {
        let file = tiles::name(Kind::Entries, index, wanted);
        return Ok(Bundle { hashes: Vec::new(), sound: false, damaged: false, file });
    };
    let mut hashes = Vec::with_capacity(stored.items.len());
    for (at, leaf) in (0..).zip(&stored.items) {
        each(at, leaf);
        hashes.push(leaf_hash(leaf));
    }
    let file = stored.path.to_string();
    Ok(Bundle { hashes, sound: stored.sound, damaged: stored.damaged, file })
}
