//! Inclusion and consistency proofs of RFC 6962, made from stored subtree hashes and checked
//! from nothing but the roots.

use crate::hash::{Hash, empty_root, node_hash};

/// Where proofs take hashes from: tiles, a database, a list in memory.
pub trait HashReader {
    /// The root of the complete subtree `index` of height `level` (`level` 0 are the leaves), that
    /// is of the leaves `index << level .. (index + 1) << level`; `None` when it is not stored.
    fn subtree(&self, level: u8, index: u64) -> Option<Hash>;
}

/// Why a proof could not be made or does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The leaf asked for is not in the tree.
    #[error("leaf {index} is not in a tree of {size}")]
    NoSuchLeaf {
        /// The leaf.
        index: u64,
        /// The tree.
        size: u64,
    },
    /// The older tree is larger than the newer one.
    #[error("a tree of {old} cannot be a prefix of a tree of {new}")]
    Shrunk {
        /// The older size.
        old: u64,
        /// The newer size.
        new: u64,
    },
    /// A hash that the proof needs is not stored.
    #[error("the hash of subtree {index} at level {level} is not stored")]
    Missing {
        /// The height of the subtree.
        level: u8,
        /// Its index.
        index: u64,
    },
    /// The proof does not lead to the root.
    #[error("the proof does not hold")]
    Invalid,
}

/// The root of the first `size` leaves.
///
/// # Errors
/// When a hash is missing.
pub fn root(size: u64, hashes: &dyn HashReader) -> Result<Hash, Error> {
    if size == 0 { Ok(empty_root()) } else { range(0, size, hashes) }
}

/// The proof that leaf `index` is in the tree of the first `size` leaves.
///
/// # Errors
/// When the leaf is not in the tree or a hash is missing.
pub fn inclusion(index: u64, size: u64, hashes: &dyn HashReader) -> Result<Vec<Hash>, Error> {
    if index >= size {
        return Err(Error::NoSuchLeaf { index, size });
    }
    let (mut start, mut end) = (0, size);
    let mut proof = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            proof.push(range(middle, end, hashes)?);
            end = middle;
        } else {
            proof.push(range(start, middle, hashes)?);
            start = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// The proof that the tree of `old` leaves is a prefix of the tree of `new`.
///
/// # Errors
/// When `old` is larger than `new` or a hash is missing.
pub fn consistency(old: u64, new: u64, hashes: &dyn HashReader) -> Result<Vec<Hash>, Error> {
    if old > new {
        return Err(Error::Shrunk { old, new });
    }
    let mut proof = Vec::new();
    if old == 0 || old == new {
        return Ok(proof);
    }
    let (mut start, mut end) = (0, new);
    while end != old {
        let middle = start + split(end - start);
        if old <= middle {
            proof.push(range(middle, end, hashes)?);
            end = middle;
        } else {
            proof.push(range(start, middle, hashes)?);
            start = middle;
        }
    }
    if start != 0 {
        proof.push(range(start, end, hashes)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Checks that the leaf with hash `leaf` is number `index` in the tree of `size` leaves under `root`.
///
/// # Errors
/// [`Error::Invalid`] when it is not shown to be.
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> Result<(), Error> {
    if index >= size {
        return Err(Error::NoSuchLeaf { index, size });
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if last == 0 {
            return Err(Error::Invalid);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            (node, last) = skip_lonely(node, last);
        } else {
            hash = node_hash(&hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    if last == 0 && hash == *root { Ok(()) } else { Err(Error::Invalid) }
}

/// Checks that the tree of `old` leaves under `old_root` is a prefix of the one of `new` under `new_root`.
///
/// # Errors
/// [`Error::Invalid`] when it is not shown to be, [`Error::Shrunk`] when it cannot be.
pub fn verify_consistency(old: u64, old_root: &Hash, new: u64, new_root: &Hash, proof: &[Hash]) -> Result<(), Error> {
    if old > new {
        return Err(Error::Shrunk { old, new });
    }
    let holds = |held: bool| if held { Ok(()) } else { Err(Error::Invalid) };
    if old == new {
        return holds(proof.is_empty() && old_root == new_root);
    }
    if old == 0 {
        return holds(proof.is_empty() && *old_root == empty_root());
    }
    let mut siblings = proof.iter();
    let first = if old.is_power_of_two() { Some(old_root) } else { siblings.next() };
    let first = *first.ok_or(Error::Invalid)?;
    let shift = (old - 1).trailing_ones();
    let (mut node, mut last) = ((old - 1) >> shift, (new - 1) >> shift);
    let (mut old_hash, mut new_hash) = (first, first);
    for sibling in siblings {
        if last == 0 {
            return Err(Error::Invalid);
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            (node, last) = skip_lonely(node, last);
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    holds(last == 0 && old_hash == *old_root && new_hash == *new_root)
}

/// Climbs past the levels at which a left node is the last one and so has no sibling.
fn skip_lonely(node: u64, last: u64) -> (u64, u64) {
    if node == 0 {
        return (node, last);
    }
    let shift = node.trailing_zeros();
    (node >> shift, last >> shift)
}

/// The size of the left part of a tree of `size` leaves: the largest power of two below `size`.
fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

/// The hash over the leaves `start..end`, where `start` is a multiple of every left part inside.
fn range(start: u64, end: u64, hashes: &dyn HashReader) -> Result<Hash, Error> {
    let size = end - start;
    if size.is_power_of_two() {
        let level = u8::try_from(size.ilog2()).unwrap_or(u8::MAX);
        let index = start / size;
        return hashes.subtree(level, index).ok_or(Error::Missing { level, index });
    }
    let middle = start + split(size);
    Ok(node_hash(&range(start, middle, hashes)?, &range(middle, end, hashes)?))
}

#[cfg(test)]
mod tests;
