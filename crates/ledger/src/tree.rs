//! The tree as its writer keeps it: the size and the roots of the complete subtrees, largest
//! first. That is all one needs to append and to say the root, so that it fits into the same
//! transaction as the event.

use crate::hash::{Hash, empty_root, node_hash};

/// A frontier that does not belong to a tree of the size given with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tree of {size} leaves has {expected} complete subtrees, not {got}")]
pub struct FrontierMismatch {
    /// The size that was given.
    pub size: u64,
    /// How many subtrees a tree of that size has.
    pub expected: usize,
    /// How many hashes were given.
    pub got: usize,
}

/// An append-only Merkle tree, reduced to O(log n) hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    /// INVARIANT: one hash per set bit of `size`, the largest subtree first.
    frontier: Vec<Hash>,
}

impl Tree {
    /// The tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The tree that [`Tree::size`] and [`Tree::frontier`] described when it was stored.
    ///
    /// # Errors
    /// When the number of hashes does not fit the size.
    pub fn from_frontier(size: u64, frontier: Vec<Hash>) -> Result<Self, FrontierMismatch> {
        let expected = usize::try_from(size.count_ones()).unwrap_or_default();
        if frontier.len() != expected {
            return Err(FrontierMismatch { size, expected, got: frontier.len() });
        }
        Ok(Self { size, frontier })
    }

    /// The tree whose right edge in tiles is `levels`: for each tile level, lowest first, the
    /// hashes in its partial tile. The size follows from the widths.
    pub(crate) fn from_levels(size: u64, levels: &[Vec<Hash>]) -> Self {
        let mut frontier = Vec::new();
        for hashes in levels.iter().rev() {
            let mut rest = hashes.as_slice();
            while !rest.is_empty() {
                let width = 1_usize << rest.len().ilog2();
                let (subtree, others) = rest.split_at_checked(width).unwrap_or((rest, &[]));
                frontier.push(complete_root(subtree));
                rest = others;
            }
        }
        Self { size, frontier }
    }

    /// Appends the leaf whose hash is given.
    pub fn push(&mut self, leaf: Hash) {
        self.frontier.push(leaf);
        self.size += 1;
        for _ in 0..self.size.trailing_zeros() {
            if let (Some(right), Some(left)) = (self.frontier.pop(), self.frontier.pop()) {
                self.frontier.push(node_hash(&left, &right));
            }
        }
    }

    /// How many leaves it has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Its root hash.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut hashes = self.frontier.iter().rev();
        let Some(last) = hashes.next() else {
            return empty_root();
        };
        hashes.fold(*last, |right, left| node_hash(left, &right))
    }

    /// The roots of its complete subtrees, largest first: what to store beside the size.
    #[must_use]
    pub fn frontier(&self) -> &[Hash] {
        &self.frontier
    }
}

/// The root over `hashes`, a power of two of them (as in a full tile).
pub(crate) fn complete_root(hashes: &[Hash]) -> Hash {
    let mut tree = Tree::new();
    for hash in hashes {
        tree.push(*hash);
    }
    tree.root()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hash::leaf_hash;

    /// RFC 6962 section 2.1, word for word.
    fn naive_root(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => empty_root(),
            [leaf] => *leaf,
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                let (left, right) = leaves.split_at(split);
                node_hash(&naive_root(left), &naive_root(right))
            }
        }
    }

    #[test]
    fn a_stored_frontier_must_fit_its_size() {
        let mut tree = Tree::new();
        for n in 0..11_u8 {
            tree.push(leaf_hash(&[n]));
        }
        let again = Tree::from_frontier(tree.size(), tree.frontier().to_vec()).unwrap();
        assert_eq!(again, tree);
        assert_eq!(
            Tree::from_frontier(12, tree.frontier().to_vec()),
            Err(FrontierMismatch { size: 12, expected: 2, got: 3 })
        );
    }

    proptest! {
        #[test]
        fn the_root_is_that_of_the_definition(count in 0_usize..600) {
            let leaves: Vec<Hash> = (0..count).map(|n| leaf_hash(&n.to_be_bytes())).collect();
            let mut tree = Tree::new();
            for leaf in &leaves {
                tree.push(*leaf);
            }
            prop_assert_eq!(tree.root(), naive_root(&leaves));
            let low = leaves.get(count / 256 * 256..).unwrap().to_vec();
            let high = leaves.chunks_exact(256).map(complete_root).collect();
            prop_assert_eq!(Tree::from_levels(tree.size(), &[low, high]), tree);
        }
    }
}
