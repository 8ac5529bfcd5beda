//! The log on disk: the only module that touches files.
//!
//! ```text
//! checkpoint              the newest signed checkpoint
//! checkpoints/<size>      every checkpoint that was ever signed
//! tile/<L>/<N>[.p/<W>]    hashes
//! tile/entries/<N>[.p/<W>]  leaves
//! ```
//!
//! Reads are bounded; a file of the wrong size or kind is an error and never a hang. Writes go to
//! a temporary file that is synced and renamed. There is one writer at a time: the caller sees to
//! that. Of a tile that is not yet full only the widest partial is kept, since every narrower one
//! is its prefix.

mod append;
mod files;

use std::path::{Path, PathBuf};

use crate::bundle::{self, BUNDLE_BYTES_MAX};
use crate::hash::Hash;
use crate::note::{self, Checkpoint, NOTE_BYTES_MAX, Signer, Verifier};
use crate::proof::HashReader;
use crate::tile::{self, Kind, TILE_WIDTH, TilePath};
use crate::tree::{Tree, complete_root};

/// The name of the file with the newest checkpoint.
pub const CHECKPOINT: &str = "checkpoint";

/// The name of the directory with all checkpoints.
pub const CHECKPOINTS: &str = "checkpoints";

/// Why the log on disk cannot be read or must not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file system refused.
    #[error("cannot use {path}")]
    Io {
        /// The file, relative to the log.
        path: String,
        /// What it said.
        source: std::io::Error,
    },
    /// Not a regular file of an acceptable size.
    #[error("{path} is not a regular file of an acceptable size")]
    Unacceptable {
        /// The file, relative to the log.
        path: String,
    },
    /// The file's bytes are not what its name says.
    #[error("{path} is damaged")]
    Damaged {
        /// The file, relative to the log.
        path: String,
    },
    /// A file that the tree needs is not there, or ends too early.
    #[error("{path} is missing")]
    Missing {
        /// The file, relative to the log.
        path: String,
    },
    /// A leaf cannot be stored.
    #[error("leaf {index} cannot be stored")]
    Leaf {
        /// Its index.
        index: u64,
        /// Why.
        source: bundle::Error,
    },
    /// A file exists already and says something else: the log was altered, or this writer is wrong.
    #[error("{path} exists already with other contents")]
    Conflict {
        /// The file, relative to the log.
        path: String,
    },
    /// The leaves do not give the root that was expected or signed for this size; nothing is signed.
    #[error("the log does not have the expected root at size {size}")]
    Diverged {
        /// The size.
        size: u64,
    },
    /// The log was already signed at a larger size.
    #[error("the log was already signed at size {signed}, which is more than {size}")]
    Shrunk {
        /// The size asked for.
        size: u64,
        /// The size that was signed.
        signed: u64,
    },
    /// The checkpoint cannot be signed or opened.
    #[error("the checkpoint is not usable")]
    Note(#[from] note::Error),
}

/// A log's directory.
#[derive(Clone, Debug)]
pub struct Directory {
    root: PathBuf,
    sync: bool,
}

/// What a stored bundle or tile holds, with the file that it was read from.
pub(crate) struct Stored<T> {
    /// The file.
    pub(crate) path: TilePath,
    /// What could be read, no more of it than was asked for.
    pub(crate) items: Vec<T>,
    /// Whether the whole file is what its name says.
    pub(crate) sound: bool,
    /// Whether the bytes are not whole items.
    pub(crate) damaged: bool,
}

impl Directory {
    /// The log at `path`, which need not exist before something is written.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { root: path.into(), sync: true }
    }

    /// The same, but without waiting for the disk: for logs that are thrown away.
    #[cfg(any(test, feature = "tamper"))]
    #[must_use]
    pub(crate) fn unsynced(mut self) -> Self {
        self.sync = false;
        self
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Appends `leaves`, the first of which has index `from`, signs the result and makes it the
    /// newest checkpoint. Afterwards the older partial tiles are removed.
    ///
    /// `root` is what the caller's own tree says at the new size; on any difference nothing is
    /// signed. Publishing the same again changes nothing, so that after a crash the caller simply
    /// publishes from what [`Directory::checkpoint`] says.
    ///
    /// # Errors
    /// When the directory contradicts the leaves, the root or an earlier checkpoint, a leaf is too
    /// long, or the file system refuses.
    pub fn publish<L: AsRef<[u8]>>(
        &self,
        from: u64,
        leaves: &[L],
        root: &Hash,
        signer: &Signer,
    ) -> Result<Checkpoint, Error> {
        let signed = self.checkpoint(signer.verifier())?;
        let appended = append::append(self, from, leaves, root, signed.as_ref())?;
        let size = appended.tree.size();
        let checkpoint = Checkpoint { origin: signer.verifier().name().to_owned(), size, root: *root };
        self.write_checkpoint(&checkpoint, signer)?;
        self.sweep(&appended.written);
        Ok(checkpoint)
    }

    /// Signs `checkpoint` and makes it the newest. The one before is put into the history first,
    /// should a crash have prevented that.
    fn write_checkpoint(&self, checkpoint: &Checkpoint, signer: &Signer) -> Result<(), Error> {
        if let Some(before) = self.checkpoint_note()? {
            let size = Checkpoint::open(&before, signer.verifier())?.size;
            self.write_new(&history_path(size), &before)?;
        }
        let note = checkpoint.sign(signer)?.into_bytes();
        self.replace(CHECKPOINT, &note)?;
        self.write_new(&history_path(checkpoint.size), &note)
    }

    /// The newest checkpoint; `None` when nothing was published yet.
    ///
    /// # Errors
    /// When it cannot be read or is not signed by the key.
    pub fn checkpoint(&self, verifier: &Verifier) -> Result<Option<Checkpoint>, Error> {
        let note = self.checkpoint_note()?;
        Ok(note.map(|note| Checkpoint::open(note, verifier)).transpose()?)
    }

    /// The newest checkpoint as it was signed, to hand out or to remember elsewhere.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn checkpoint_note(&self) -> Result<Option<Vec<u8>>, Error> {
        self.read(CHECKPOINT, NOTE_BYTES_MAX)
    }

    /// The tree at a checkpoint, from the tiles: O(log n) reads, to go on from where the log was
    /// signed.
    ///
    /// # Errors
    /// When the tiles cannot be read or do not have the signed root.
    pub fn tree(&self, checkpoint: &Checkpoint) -> Result<Tree, Error> {
        let tree = append::tree(self, checkpoint.size)?;
        let size = checkpoint.size;
        if tree.root() == checkpoint.root { Ok(tree) } else { Err(Error::Diverged { size }) }
    }

    /// The sizes at which the log was signed, ascending. The file names say so; the files prove it.
    ///
    /// # Errors
    /// When the directory cannot be listed.
    pub fn history(&self) -> Result<Vec<u64>, Error> {
        let mut sizes: Vec<u64> = self.list(CHECKPOINTS)?.iter().filter_map(|name| note::decimal(name)).collect();
        sizes.sort_unstable();
        Ok(sizes)
    }

    /// The checkpoint that was signed at `size`, as it was signed.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn history_note(&self, size: u64) -> Result<Option<Vec<u8>>, Error> {
        self.read(&history_path(size), NOTE_BYTES_MAX)
    }

    /// Hashes of a log of `size` leaves, to make proofs from. They are not checked: a proof made
    /// from them is, by whoever holds the signed root.
    #[must_use]
    pub fn hashes(&self, size: u64) -> Hashes<'_> {
        Hashes { directory: self, size }
    }

    /// The leaves `from..to`, at most to the end of the bundle that holds `from`.
    ///
    /// # Errors
    /// When the bundle cannot be read, is damaged, or does not hold `from`.
    pub fn leaves(&self, from: u64, to: u64) -> Result<Vec<Vec<u8>>, Error> {
        let (index, skip) = Kind::Entries.edge(from);
        let width = Kind::Entries.width(index, to);
        let stored = self.entries(index, width)?.filter(|stored| stored.sound && stored.items.len() == width);
        let stored = stored.ok_or_else(|| Error::Missing { path: name(Kind::Entries, index, width) })?;
        Ok(stored.items.into_iter().skip(skip).collect())
    }

    /// The bytes of a tile or bundle at just the width of its path, also where a wider one is stored by now.
    ///
    /// # Errors
    /// When it cannot be read, is damaged, or is not that wide.
    pub fn part(&self, path: &TilePath) -> Result<Vec<u8>, Error> {
        let missing = || Error::Missing { path: path.to_string() };
        let (index, width) = (path.index(), path.width());
        match path.kind() {
            Kind::Entries => {
                let stored = self.entries(index, width)?.filter(|stored| stored.sound && stored.items.len() == width);
                bundle::encode(&stored.ok_or_else(missing)?.items)
                    .map_err(|source| Error::Leaf { index: index.saturating_mul(TILE_WIDTH as u64), source })
            }
            Kind::Hashes(level) => {
                let stored = self.tile(level, index, width)?;
                let stored = stored.filter(|stored| stored.sound && stored.items.len() == width);
                Ok(tile::encode(&stored.ok_or_else(missing)?.items))
            }
        }
    }

    /// What is stored of bundle `index`, of which `width` leaves are wanted.
    pub(crate) fn entries(&self, index: u64, width: usize) -> Result<Option<Stored<Vec<u8>>>, Error> {
        let Some((path, bytes)) = self.stored(Kind::Entries, index, width, BUNDLE_BYTES_MAX)? else {
            return Ok(None);
        };
        let (leaves, rest) = bundle::decode_prefix(&bytes);
        let damaged = !rest.is_empty();
        let sound = !damaged && leaves.len() == path.width();
        let items = leaves.into_iter().take(width).map(<[u8]>::to_vec).collect();
        Ok(Some(Stored { path, items, sound, damaged }))
    }

    /// What is stored of the tile `index` at `level`, of which `width` hashes are wanted.
    pub(crate) fn tile(&self, level: u8, index: u64, width: usize) -> Result<Option<Stored<Hash>>, Error> {
        let Some((path, bytes)) = self.stored(Kind::Hashes(level), index, width, TILE_WIDTH * Hash::LEN)? else {
            return Ok(None);
        };
        let decoded = tile::decode(&bytes);
        let damaged = decoded.is_none();
        let mut items = decoded.unwrap_or_default();
        let sound = items.len() == path.width();
        items.truncate(width);
        Ok(Some(Stored { path, items, sound, damaged }))
    }
}

/// Subtree hashes read from tiles.
#[derive(Clone, Copy, Debug)]
pub struct Hashes<'a> {
    directory: &'a Directory,
    size: u64,
}

impl HashReader for Hashes<'_> {
    fn subtree(&self, level: u8, index: u64) -> Option<Hash> {
        let kind = Kind::Hashes(level / 8);
        let height = u32::from(level % 8);
        let first = index.checked_mul(1 << height)?;
        let (tile, skip) = (first / TILE_WIDTH as u64, usize::try_from(first % TILE_WIDTH as u64).ok()?);
        let stored = self.directory.tile(kind.level(), tile, kind.width(tile, self.size)).ok()??;
        let hashes = stored.items.get(skip..skip + (1_usize << height))?;
        stored.sound.then(|| complete_root(hashes))
    }
}

/// The file with the checkpoint of `size`.
pub(crate) fn history_path(size: u64) -> String {
    format!("{CHECKPOINTS}/{size}")
}

/// What the file of a tile is called, for messages.
pub(crate) fn name(kind: Kind, index: u64, width: usize) -> String {
    TilePath::new(kind, index, width).map(|path| path.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
