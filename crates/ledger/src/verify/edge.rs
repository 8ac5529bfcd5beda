//! From a signed root down to the leaf hashes that it vouches for.
//!
//! Hashes are believed only when they lead to the signed root. For every tile there are several
//! stories of what it holds (its file, the leaves, the tiles below it); at the right edge, where
//! tiles are partial, that combination is looked for which gives the root. Below it every full tile
//! is vouched for by one hash of the level above.

use std::ops::Range;

use super::levels::leaves;
use super::scan::{Scan, read_bundle};
use crate::hash::Hash;
use crate::tile::{Kind, LEVEL_MAX, TILE_WIDTH};
use crate::tiles::Directory;
use crate::tree::{Tree, complete_root};

/// How many combinations at the right edge are tried.
const COMBINATIONS_MAX: usize = 4_096;

/// How many suspects are looked for.
const SUSPECTS_MAX: usize = 1_024;

/// A part of the log whose leaves are not what was signed.
pub(super) enum Suspect {
    /// The hashes that were signed for the leaves from `first` on are known.
    Leaves {
        /// The index of the first of them.
        first: u64,
        /// The hashes that were signed.
        signed: Vec<Hash>,
    },
    /// Something among these leaves is wrong, and no hash below a signed one says what.
    Range(Range<u64>),
}

impl Suspect {
    /// The first leaf of the part.
    pub(super) fn start(&self) -> u64 {
        match self {
            Self::Leaves { first, .. } => *first,
            Self::Range(range) => range.start,
        }
    }
}

/// The stories about the log.
pub(super) struct Sources<'a> {
    directory: &'a Directory,
    /// Per level from 1 on, the hashes as the leaves give them.
    entries: Vec<Vec<Option<Hash>>>,
    /// Per level from 1 on, the hashes as the level-0 tiles give them.
    tiles: Vec<Vec<Option<Hash>>>,
}

impl<'a> Sources<'a> {
    pub(super) fn new(directory: &'a Directory, scan: &Scan) -> Self {
        Self { directory, entries: raise(scan.entry_roots()), tiles: raise(scan.tile_roots()) }
    }

    /// The parts of the first `size` leaves that are not what `root` vouches for, in order.
    pub(super) fn suspects(&self, size: u64, root: &Hash) -> Vec<Suspect> {
        let Some(edge) = self.authentic_edge(size, root) else {
            return vec![Suspect::Range(0..size)];
        };
        let mut suspects = Vec::new();
        for (level, hashes) in (0..=LEVEL_MAX).zip(&edge).rev() {
            let (index, _) = Kind::Hashes(level).edge(size);
            self.descend(level, index, hashes, &mut suspects);
        }
        suspects
    }

    /// Compares the leaves below a tile that holds `hashes`, which are vouched for.
    fn descend(&self, level: u8, index: u64, hashes: &[Hash], suspects: &mut Vec<Suspect>) {
        let Some(below) = level.checked_sub(1) else {
            if self.entry_hashes(index, hashes.len()) != hashes {
                let first = index * TILE_WIDTH as u64;
                suspects.push(Suspect::Leaves { first, signed: hashes.to_vec() });
            }
            return;
        };
        for (at, hash) in hashes.iter().enumerate() {
            if suspects.len() >= SUSPECTS_MAX {
                return;
            }
            let range = leaves(level, index, at..at + 1);
            let child = range.start >> (u32::from(level) * 8);
            if node(&self.entries, level, child) == Some(*hash) {
                continue;
            }
            let stories = self.stories(below, child, TILE_WIDTH);
            match stories.iter().find(|story| complete_root(story) == *hash) {
                Some(story) => self.descend(below, child, story, suspects),
                None => suspects.push(Suspect::Range(range)),
            }
        }
    }

    /// The partial tiles at the right edge of the first `size` leaves, lowest level first, that
    /// together give `root`.
    fn authentic_edge(&self, size: u64, root: &Hash) -> Option<Vec<Vec<Hash>>> {
        let mut stories = Vec::new();
        for level in 0..=LEVEL_MAX {
            let (index, width) = Kind::Hashes(level).edge(size);
            stories.push(if width == 0 { vec![Vec::new()] } else { self.stories(level, index, width) });
        }
        let mut chosen = Vec::new();
        let mut tries = COMBINATIONS_MAX;
        choose(size, root, &stories, &mut chosen, &mut tries).then_some(chosen)
    }

    /// What different files say that a tile holds.
    fn stories(&self, level: u8, index: u64, width: usize) -> Vec<Vec<Hash>> {
        let mut stories = Vec::new();
        let stored = self.directory.tile(level, index, width).ok().flatten();
        stories.extend(stored.map(|stored| stored.items));
        if level == 0 {
            stories.push(self.entry_hashes(index, width));
        } else {
            for source in [&self.entries, &self.tiles] {
                let first = index * TILE_WIDTH as u64;
                let hashes = (first..).take(width).map(|child| node(source, level, child));
                stories.extend(hashes.collect::<Option<Vec<Hash>>>());
            }
        }
        stories.retain(|story| story.len() == width);
        stories.dedup();
        stories
    }

    fn entry_hashes(&self, index: u64, width: usize) -> Vec<Hash> {
        read_bundle(self.directory, index, width, |_, _| {}).map(|bundle| bundle.hashes).unwrap_or_default()
    }
}

/// Tries the stories of the remaining levels until the tree has the root.
fn choose(size: u64, root: &Hash, rest: &[Vec<Vec<Hash>>], chosen: &mut Vec<Vec<Hash>>, tries: &mut usize) -> bool {
    let Some((stories, rest)) = rest.split_first() else {
        *tries = tries.saturating_sub(1);
        return Tree::from_levels(size, chosen).root() == *root;
    };
    for story in stories {
        if *tries == 0 {
            return false;
        }
        chosen.push(story.clone());
        if choose(size, root, rest, chosen, tries) {
            return true;
        }
        chosen.pop();
    }
    false
}

/// The hashes of all levels from 1 on, from those of level 1.
fn raise(level_1: Vec<Option<Hash>>) -> Vec<Vec<Option<Hash>>> {
    let mut levels = vec![level_1];
    while let Some(last) = levels.last().filter(|last| last.len() >= TILE_WIDTH) {
        let root = |hashes: &[Option<Hash>]| hashes.iter().copied().collect::<Option<Vec<_>>>();
        let next = last.chunks_exact(TILE_WIDTH).map(|hashes| root(hashes).map(|all| complete_root(&all))).collect();
        levels.push(next);
    }
    levels
}

fn node(source: &[Vec<Option<Hash>>], level: u8, index: u64) -> Option<Hash> {
    let level = source.get(usize::from(level).checked_sub(1)?)?;
    *level.get(usize::try_from(index).ok()?)?
}
