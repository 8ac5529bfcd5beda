//! Entry bundles: up to 256 leaves, each behind its length as a big-endian `u16`.

use crate::tile::TILE_WIDTH;

/// The longest leaf that a bundle can hold, in bytes.
pub const LEAF_BYTES_MAX: usize = 65_535;

/// The longest bundle, in bytes.
pub const BUNDLE_BYTES_MAX: usize = TILE_WIDTH * (LEAF_BYTES_MAX + 2);

/// Why a bundle cannot be written or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The leaf does not fit behind a 16-bit length.
    #[error("a leaf of {len} bytes is longer than {LEAF_BYTES_MAX}")]
    LeafTooLarge {
        /// Its length.
        len: usize,
    },
    /// The bytes end within a leaf, or hold more than 256 leaves.
    #[error("the bundle breaks off after {whole} leaves")]
    Malformed {
        /// How many leaves could be read.
        whole: usize,
    },
}

/// Checks that a leaf can be stored, before it is committed anywhere.
///
/// # Errors
/// When it is too long.
pub fn check_leaf(leaf: &[u8]) -> Result<(), Error> {
    length(leaf).map(|_| ())
}

/// The bundle that holds `leaves`.
///
/// # Errors
/// When one of them is too long.
pub fn encode<L: AsRef<[u8]>>(leaves: &[L]) -> Result<Vec<u8>, Error> {
    let mut bundle = Vec::new();
    for leaf in leaves {
        let leaf = leaf.as_ref();
        bundle.extend_from_slice(&length(leaf)?.to_be_bytes());
        bundle.extend_from_slice(leaf);
    }
    Ok(bundle)
}

/// The leaves in a bundle.
///
/// # Errors
/// When the bytes are anything but 0 to 256 whole leaves.
pub fn decode(bundle: &[u8]) -> Result<Vec<&[u8]>, Error> {
    let (leaves, rest) = decode_prefix(bundle);
    if rest.is_empty() { Ok(leaves) } else { Err(Error::Malformed { whole: leaves.len() }) }
}

/// The whole leaves at the beginning of damaged bytes, at most 256, and what is left after them.
#[must_use]
pub fn decode_prefix(bundle: &[u8]) -> (Vec<&[u8]>, &[u8]) {
    let mut leaves = Vec::new();
    let mut rest = bundle;
    while leaves.len() < TILE_WIDTH {
        let Some((prefix, body)) = rest.split_first_chunk::<2>() else {
            break;
        };
        let Some((leaf, after)) = body.split_at_checked(u16::from_be_bytes(*prefix).into()) else {
            break;
        };
        leaves.push(leaf);
        rest = after;
    }
    (leaves, rest)
}

fn length(leaf: &[u8]) -> Result<u16, Error> {
    u16::try_from(leaf.len()).map_err(|_| Error::LeafTooLarge { len: leaf.len() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_largest_leaf_fits_and_one_byte_more_is_refused() {
        let largest = vec![7; LEAF_BYTES_MAX];
        let bundle = encode(&[&largest]).unwrap();
        assert_eq!(decode(&bundle).unwrap(), [largest.as_slice()]);
        let larger = vec![7; LEAF_BYTES_MAX + 1];
        assert_eq!(encode(&[&larger]), Err(Error::LeafTooLarge { len: 65_536 }));
        assert_eq!(check_leaf(&larger), Err(Error::LeafTooLarge { len: 65_536 }));
    }

    #[test]
    fn a_bundle_holds_at_most_256_leaves() {
        let leaves = vec![b"x"; 257];
        assert_eq!(decode(&encode(&leaves).unwrap()), Err(Error::Malformed { whole: 256 }));
        assert_eq!(decode(&encode(&leaves[..256]).unwrap()).unwrap().len(), 256);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(leaves in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..70), 0..256)) {
            let bundle = encode(&leaves).unwrap();
            prop_assert_eq!(decode(&bundle).unwrap(), leaves);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
            let (leaves, rest) = decode_prefix(&bytes);
            let used: usize = leaves.iter().map(|leaf| leaf.len() + 2).sum();
            prop_assert_eq!(used + rest.len(), bytes.len());
            prop_assert_eq!(decode(&bytes).is_ok(), rest.is_empty());
        }
    }
}
