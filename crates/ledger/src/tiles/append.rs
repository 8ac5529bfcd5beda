//! Appending: the right edge of the tree is read, extended, and written back.

use super::{Directory, Error, name};
use crate::bundle;
use crate::hash::{Hash, leaf_hash};
use crate::note::Checkpoint;
use crate::tile::{self, Kind, LEVEL_MAX, TILE_WIDTH, TilePath};
use crate::tree::{Tree, complete_root};

/// What appending led to.
pub(super) struct Appended {
    /// The tree with the new leaves.
    pub(super) tree: Tree,
    /// The tiles and bundles that are now on disk.
    pub(super) written: Vec<TilePath>,
}

/// Writes the tiles and bundles that `leaves` add from index `from` on; nothing at all when they do
/// not lead to `root`, or to what was `signed` before.
pub(super) fn append<L: AsRef<[u8]>>(
    directory: &Directory,
    from: u64,
    leaves: &[L],
    root: &Hash,
    signed: Option<&Checkpoint>,
) -> Result<Appended, Error> {
    let mut edge = Edge::load(directory, from)?;
    foresee(edge.tree.clone(), leaves, root, signed)?;
    for leaf in leaves {
        edge.push(leaf.as_ref())?;
    }
    edge.write_partials()?;
    Ok(Appended { tree: edge.tree, written: edge.written })
}

/// Checks what appending would lead to, before anything is written that could never be taken back.
fn foresee<L: AsRef<[u8]>>(
    mut tree: Tree,
    leaves: &[L],
    root: &Hash,
    signed: Option<&Checkpoint>,
) -> Result<(), Error> {
    let agrees = |tree: &Tree| signed.is_none_or(|signed| signed.size != tree.size() || signed.root == tree.root());
    let mut agreed = agrees(&tree);
    for leaf in leaves {
        let index = tree.size();
        bundle::check_leaf(leaf.as_ref()).map_err(|source| Error::Leaf { index, source })?;
        tree.push(leaf_hash(leaf.as_ref()));
        agreed = agreed && agrees(&tree);
    }
    let size = tree.size();
    if let Some(signed) = signed.filter(|signed| signed.size > size) {
        return Err(Error::Shrunk { size, signed: signed.size });
    }
    if agreed && tree.root() == *root { Ok(()) } else { Err(Error::Diverged { size }) }
}

/// The tree of the first `size` leaves, from the tiles at its right edge.
pub(super) fn tree(directory: &Directory, size: u64) -> Result<Tree, Error> {
    Ok(Tree::from_levels(size, &load_levels(directory, size)?))
}

/// Per level, the hashes in the partial tile at the right edge of the first `size` leaves.
fn load_levels(directory: &Directory, size: u64) -> Result<Vec<Vec<Hash>>, Error> {
    let mut levels = Vec::new();
    for level in 0..=LEVEL_MAX {
        let (index, width) = Kind::Hashes(level).edge(size);
        let stored = if width == 0 { None } else { directory.tile(level, index, width)? };
        let hashes = stored.filter(|stored| stored.sound).map(|stored| stored.items).unwrap_or_default();
        if hashes.len() != width {
            return Err(Error::Missing { path: name(Kind::Hashes(level), index, width) });
        }
        levels.push(hashes);
    }
    Ok(levels)
}

/// The partial tiles at the right edge, in memory.
struct Edge<'a> {
    directory: &'a Directory,
    tree: Tree,
    /// The leaves of the bundle that is not yet full.
    entries: Vec<Vec<u8>>,
    /// Per level, the hashes of the tile that is not yet full.
    levels: Vec<Vec<Hash>>,
    written: Vec<TilePath>,
}

impl<'a> Edge<'a> {
    /// The edge of the first `size` leaves, which must be on disk and agree with themselves.
    fn load(directory: &'a Directory, size: u64) -> Result<Self, Error> {
        let levels = load_levels(directory, size)?;
        let (index, width) = Kind::Entries.edge(size);
        let stored = if width == 0 { None } else { directory.entries(index, width)? };
        let entries = stored.filter(|stored| stored.sound).map(|stored| stored.items).unwrap_or_default();
        let path = || name(Kind::Entries, index, width);
        if entries.len() != width {
            return Err(Error::Missing { path: path() });
        }
        let hashed = entries.iter().map(|leaf| leaf_hash(leaf));
        if !levels.first().is_some_and(|hashes| hashed.eq(hashes.iter().copied())) {
            return Err(Error::Damaged { path: path() });
        }
        let tree = Tree::from_levels(size, &levels);
        Ok(Self { directory, tree, entries, levels, written: Vec::new() })
    }

    fn push(&mut self, leaf: &[u8]) -> Result<(), Error> {
        let hash = leaf_hash(leaf);
        self.entries.push(leaf.to_vec());
        self.tree.push(hash);
        if self.entries.len() == TILE_WIDTH {
            self.write_entries()?;
            self.entries.clear();
        }
        let mut carried = hash;
        for level in 0..=LEVEL_MAX {
            let Some(hashes) = self.levels.get_mut(usize::from(level)) else {
                break;
            };
            hashes.push(carried);
            if hashes.len() < TILE_WIDTH {
                break;
            }
            let full = std::mem::take(hashes);
            carried = complete_root(&full);
            self.write_hashes(level, &full)?;
        }
        Ok(())
    }

    fn write_partials(&mut self) -> Result<(), Error> {
        self.write_entries()?;
        for level in 0..=LEVEL_MAX {
            let hashes = self.levels.get(usize::from(level)).cloned().unwrap_or_default();
            self.write_hashes(level, &hashes)?;
        }
        Ok(())
    }

    fn write_entries(&mut self) -> Result<(), Error> {
        let index = self.tree.size();
        let bytes = bundle::encode(&self.entries).map_err(|source| Error::Leaf { index, source })?;
        self.write(Kind::Entries, self.entries.len(), &bytes)
    }

    fn write_hashes(&mut self, level: u8, hashes: &[Hash]) -> Result<(), Error> {
        self.write(Kind::Hashes(level), hashes.len(), &tile::encode(hashes))
    }

    /// Writes the tile of `kind` that ends at the tree's size.
    fn write(&mut self, kind: Kind, width: usize, bytes: &[u8]) -> Result<(), Error> {
        let (index, rest) = kind.edge(self.tree.size());
        let index = if rest == 0 { index.saturating_sub(1) } else { index };
        let Some(path) = TilePath::new(kind, index, width) else {
            return Ok(());
        };
        self.directory.write_new(&path.to_string(), bytes)?;
        self.written.push(path);
        Ok(())
    }
}
