//! The logs that are tampered with, and the tools to do it.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::bundle;
use crate::hash::{Hash, leaf_hash};
use crate::note::{Checkpoint, Signer};
use crate::tiles::{CHECKPOINT, CHECKPOINTS, Directory};
use crate::tree::Tree;

/// The name of the log.
const ORIGIN: &str = "ledger.postern.test";

/// The sizes at which the small log was signed.
const SMALL: [usize; 8] = [0, 100, 200, 300, 301, 400, 512, 600];

/// The sizes at which the large log was signed; it has tiles of three levels.
const LARGE: [usize; 2] = [65_000, 66_000];

/// Which of the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// 600 leaves: two full bundles and a partial one, tiles of two levels, eight checkpoints.
    Small,
    /// 66,000 leaves: tiles of three levels, two checkpoints.
    Large,
}

/// A sound log and the leaves in it.
pub(super) struct Log {
    pub(super) path: PathBuf,
    pub(super) leaves: Vec<Vec<u8>>,
    sizes: &'static [usize],
}

impl Log {
    pub(super) fn directory(&self) -> Directory {
        Directory::new(&self.path)
    }

    pub(super) fn count(&self) -> u64 {
        u64::try_from(self.leaves.len()).unwrap_or_default()
    }

    /// The last size but one at which it was signed.
    pub(super) fn signed_at(&self) -> u64 {
        self.sizes.iter().rev().nth(1).and_then(|size| u64::try_from(*size).ok()).unwrap_or_default()
    }
}

/// Everything that the table needs.
pub(super) struct Bench {
    work: PathBuf,
    small: Log,
    large: Log,
    pub(super) signer: Signer,
    stranger: Signer,
    copies: AtomicU32,
}

impl Bench {
    pub(super) fn new(work: &Path) -> io::Result<Self> {
        let key = |seed: u8| Signer::from_seed(ORIGIN, &[seed; 32]).map_err(io::Error::other);
        let signer = key(1)?;
        let small = make(&work.join("small"), &SMALL, &signer)?;
        let large = make(&work.join("large"), &LARGE, &signer)?;
        Ok(Self { work: work.to_owned(), small, large, signer, stranger: key(2)?, copies: AtomicU32::new(0) })
    }

    pub(super) fn log(&self, size: Size) -> &Log {
        match size {
            Size::Small => &self.small,
            Size::Large => &self.large,
        }
    }

    /// A copy to spoil, removed again with the value.
    pub(super) fn copy<'a>(&'a self, log: &'a Log) -> io::Result<Spoil<'a>> {
        let number = self.copies.fetch_add(1, Ordering::Relaxed);
        let path = self.work.join(format!("copy-{number}"));
        link_tree(&log.path, &path)?;
        Ok(Spoil { bench: self, log, path })
    }
}

fn make(path: &Path, sizes: &'static [usize], signer: &Signer) -> io::Result<Log> {
    let count = sizes.last().copied().unwrap_or_default();
    let leaf = |n| format!("{{\"at\":\"2030-01-01T00:00:00Z\",\"action\":\"session.open\",\"target\":\"s_{n}\"}}");
    let leaves: Vec<Vec<u8>> = (0..count).map(|n| leaf(n).into_bytes()).collect();
    let mut from = 0;
    for size in sizes {
        publish(path, &leaves, from, *size, signer)?;
        from = *size;
    }
    Ok(Log { path: path.to_owned(), leaves, sizes })
}

fn publish(path: &Path, leaves: &[Vec<u8>], from: usize, to: usize, signer: &Signer) -> io::Result<Checkpoint> {
    let new = leaves.get(from..to).unwrap_or_default();
    let start = u64::try_from(from).map_err(io::Error::other)?;
    let root = root(leaves.iter().take(to));
    Directory::new(path).unsynced().publish(start, new, &root, signer).map_err(io::Error::other)
}

fn root<'a>(leaves: impl Iterator<Item = &'a Vec<u8>>) -> Hash {
    let mut tree = Tree::new();
    for leaf in leaves {
        tree.push(leaf_hash(leaf));
    }
    tree.root()
}

/// A copy by hard links: quick, and safe since [`Spoil`] never writes into an existing file.
fn link_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            link_tree(&entry.path(), &target)?;
        } else {
            fs::hard_link(entry.path(), target)?;
        }
    }
    Ok(())
}

/// A copy of a log, and the ways to spoil it. Paths are relative to the log.
pub struct Spoil<'a> {
    bench: &'a Bench,
    log: &'a Log,
    path: PathBuf,
}

impl Drop for Spoil<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

impl Spoil<'_> {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The leaves as they were signed.
    pub(super) fn leaves(&self) -> Vec<Vec<u8>> {
        self.log.leaves.clone()
    }

    /// The leaves as they were signed, but for a change.
    pub(super) fn changed(&self, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Vec<Vec<u8>> {
        let mut leaves = self.leaves();
        change(&mut leaves);
        leaves
    }

    pub(super) fn read(&self, file: &str) -> io::Result<Vec<u8>> {
        fs::read(self.path.join(file))
    }

    pub(super) fn write(&self, file: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.path.join(file);
        if path.exists() {
            fs::remove_file(&path)?;
        }
        fs::write(path, bytes)
    }

    pub(super) fn edit(&self, file: &str, change: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let mut bytes = self.read(file)?;
        change(&mut bytes);
        self.write(file, &bytes)
    }

    /// Flips one bit of a byte.
    pub(super) fn flip(&self, file: &str, at: usize) -> io::Result<()> {
        self.edit(file, |bytes| {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 4;
            }
        })
    }

    /// Takes the last byte away.
    pub(super) fn cut(&self, file: &str) -> io::Result<()> {
        self.edit(file, |bytes| bytes.truncate(bytes.len().saturating_sub(1)))
    }

    /// Replaces the first occurrence of a text.
    pub(super) fn substitute(&self, file: &str, old: &str, new: &str) -> io::Result<()> {
        let text = String::from_utf8(self.read(file)?).map_err(io::Error::other)?;
        self.write(file, text.replacen(old, new, 1).as_bytes())
    }

    pub(super) fn remove(&self, file: &str) -> io::Result<()> {
        let path = self.path.join(file);
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
    }

    pub(super) fn swap(&self, one: &str, other: &str) -> io::Result<()> {
        let (a, b) = (self.read(one)?, self.read(other)?);
        self.write(one, &b)?;
        self.write(other, &a)
    }

    pub(super) fn link_to_zeroes(&self, file: &str) -> io::Result<()> {
        self.remove(file)?;
        symlink("/dev/zero", self.path.join(file))
    }

    pub(super) fn make_folder(&self, file: &str) -> io::Result<()> {
        self.remove(file)?;
        fs::create_dir(self.path.join(file))
    }

    /// Changes the leaves of one bundle.
    pub(super) fn bundle(&self, file: &str, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> io::Result<()> {
        let bytes = self.read(file)?;
        let mut leaves: Vec<Vec<u8>> = bundle::decode_prefix(&bytes).0.into_iter().map(<[u8]>::to_vec).collect();
        change(&mut leaves);
        self.write(file, &bundle::encode(&leaves).map_err(io::Error::other)?)
    }

    /// Rewrites the bundles for other leaves, and leaves the tiles as they are.
    pub(super) fn rebundle(&self, leaves: &[Vec<u8>]) -> io::Result<()> {
        let rebuilt = self.rebuilt(leaves)?;
        self.remove("tile/entries")?;
        fs::rename(rebuilt.join("tile/entries"), self.path.join("tile/entries"))?;
        fs::remove_dir_all(rebuilt)
    }

    /// Rewrites bundles and tiles for other leaves, and leaves the checkpoints as they are.
    pub(super) fn rebuild(&self, leaves: &[Vec<u8>]) -> io::Result<()> {
        let rebuilt = self.rebuilt(leaves)?;
        self.remove("tile")?;
        if !leaves.is_empty() {
            fs::rename(rebuilt.join("tile"), self.path.join("tile"))?;
        }
        fs::remove_dir_all(rebuilt)
    }

    /// Rewrites everything but the history, and signs it with the log's own key.
    pub(super) fn rebuild_signed(&self, leaves: &[Vec<u8>]) -> io::Result<()> {
        self.rebuild(leaves)?;
        self.sign(CHECKPOINT, leaves)
    }

    /// Takes the history away.
    pub(super) fn forget(&self) -> io::Result<()> {
        self.remove(CHECKPOINTS)
    }

    /// Puts a checkpoint over `leaves`, signed with the log's own key, into a file.
    pub(super) fn sign(&self, file: &str, leaves: &[Vec<u8>]) -> io::Result<()> {
        self.sign_as(&self.bench.signer, file, leaves)
    }

    /// The same with a key of somebody else who uses the same name.
    pub(super) fn sign_as_stranger(&self, file: &str, leaves: &[Vec<u8>]) -> io::Result<()> {
        self.sign_as(&self.bench.stranger, file, leaves)
    }

    /// A checkpoint of another log that is kept with the same private key.
    pub(super) fn sign_as_other_log(&self, file: &str, leaves: &[Vec<u8>]) -> io::Result<()> {
        let other = Signer::from_seed("other.postern.test", &[1; 32]).map_err(io::Error::other)?;
        self.sign_as(&other, file, leaves)
    }

    fn sign_as(&self, signer: &Signer, file: &str, leaves: &[Vec<u8>]) -> io::Result<()> {
        let origin = signer.verifier().name().to_owned();
        let size = u64::try_from(leaves.len()).map_err(io::Error::other)?;
        let checkpoint = Checkpoint { origin, size, root: root(leaves.iter()) };
        self.write(file, checkpoint.sign(signer).map_err(io::Error::other)?.as_bytes())
    }

    /// A log over other leaves, signed by a stranger.
    fn rebuilt(&self, leaves: &[Vec<u8>]) -> io::Result<PathBuf> {
        let path = self.path.with_extension("rebuilt");
        publish(&path, leaves, 0, leaves.len(), &self.bench.stranger)?;
        Ok(path)
    }
}
