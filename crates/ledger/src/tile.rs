//! Tiles: which there are, what they are called, and their bytes.
//!
//! A tile at level `l` holds up to 256 hashes, each the root over `256^l` leaves. A path is
//! accepted only in the one spelling that [`TilePath`] prints.

use std::fmt;
use std::str::FromStr;

use crate::hash::Hash;

/// How many hashes a full tile, and how many leaves a full bundle, holds.
pub const TILE_WIDTH: usize = 256;

/// The highest tile level that a tree of fewer than 2^64 leaves has.
pub const LEVEL_MAX: u8 = 7;

/// The longest path that is looked at, in bytes.
const PATH_BYTES_MAX: usize = 64;

const WIDTH: u64 = 256;

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Hashes of the level.
    Hashes(u8),
    /// The leaves themselves.
    Entries,
}

impl Kind {
    /// The level whose counting the tiles of this kind follow.
    #[must_use]
    pub fn level(self) -> u8 {
        match self {
            Self::Hashes(level) => level,
            Self::Entries => 0,
        }
    }

    /// The tile of this kind at the right edge of a tree of `size` leaves: its index and how much
    /// of it is filled, 0 to 255.
    #[must_use]
    pub fn edge(self, size: u64) -> (u64, usize) {
        let count = nodes(self.level(), size);
        (count / WIDTH, usize::try_from(count % WIDTH).unwrap_or_default())
    }

    /// How many tiles of this kind a tree of `size` leaves has, the partial one included.
    #[must_use]
    pub fn count(self, size: u64) -> u64 {
        nodes(self.level(), size).div_ceil(WIDTH)
    }

    /// How wide tile `index` is in a tree of `size` leaves, 0 to 256.
    #[must_use]
    pub fn width(self, index: u64, size: u64) -> usize {
        let before = index.saturating_mul(WIDTH);
        let width = nodes(self.level(), size).saturating_sub(before).min(WIDTH);
        usize::try_from(width).unwrap_or_default()
    }
}

/// How many complete subtrees of `256^level` leaves there are in `size` leaves.
#[must_use]
pub fn nodes(level: u8, size: u64) -> u64 {
    size.checked_shr(u32::from(level) * 8).unwrap_or(0)
}

/// The tiles and bundles of a log of `size` leaves that it had not, or had narrower, when it had `from`.
#[must_use]
pub fn grown(from: u64, size: u64) -> Vec<TilePath> {
    let kinds = (0..=LEVEL_MAX).map(Kind::Hashes).chain([Kind::Entries]);
    let of = |kind: Kind| (kind.edge(from).0..kind.count(size)).map(move |index| (kind, index));
    kinds
        .flat_map(of)
        .filter(|(kind, index)| kind.width(*index, size) > kind.width(*index, from))
        .filter_map(|(kind, index)| TilePath::new(kind, index, kind.width(index, size)))
        .collect()
}

/// Where a tile lies below the log's directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TilePath {
    kind: Kind,
    index: u64,
    /// INVARIANT: 1 to 256.
    width: usize,
}

impl TilePath {
    /// The path of tile `index` of `width` hashes or leaves; `None` when the width is not 1 to 256
    /// or the level is above [`LEVEL_MAX`].
    #[must_use]
    pub fn new(kind: Kind, index: u64, width: usize) -> Option<Self> {
        let sound = (1..=TILE_WIDTH).contains(&width) && kind.level() <= LEVEL_MAX;
        sound.then_some(Self { kind, index, width })
    }

    /// What it holds.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its number among those of its kind.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes or leaves are in it.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Whether it can no longer change.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }

    /// The path of the same tile when it is full.
    #[must_use]
    pub fn full(mut self) -> Self {
        self.width = TILE_WIDTH;
        self
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Hashes(level) => write!(f, "tile/{level}/")?,
            Kind::Entries => f.write_str("tile/entries/")?,
        }
        let mut groups = Vec::new();
        let mut rest = self.index / 1_000;
        while rest > 0 {
            groups.push(rest % 1_000);
            rest /= 1_000;
        }
        for group in groups.iter().rev() {
            write!(f, "x{group:03}/")?;
        }
        write!(f, "{:03}", self.index % 1_000)?;
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

/// A text that is not the path of a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the path of a tile")]
pub struct InvalidPath;

impl FromStr for TilePath {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        let path = parse(text).ok_or(InvalidPath)?;
        if path.to_string() == text { Ok(path) } else { Err(InvalidPath) }
    }
}

/// A lenient reading; the caller compares it with the one right spelling.
fn parse(text: &str) -> Option<TilePath> {
    if text.len() > PATH_BYTES_MAX {
        return None;
    }
    let (kind, rest) = text.strip_prefix("tile/")?.split_once('/')?;
    let kind = match kind {
        "entries" => Kind::Entries,
        level => Kind::Hashes(level.parse().ok()?),
    };
    let (number, width) = match rest.split_once(".p/") {
        Some((number, width)) => (number, width.parse().ok().filter(|width| *width < TILE_WIDTH)?),
        None => (rest, TILE_WIDTH),
    };
    let mut index = 0_u64;
    for group in number.split('/') {
        let digits = group.strip_prefix('x').unwrap_or(group);
        index = index.checked_mul(1_000)?.checked_add(digits.parse::<u16>().ok()?.into())?;
    }
    TilePath::new(kind, index, width)
}

/// The bytes of a tile with these hashes.
#[must_use]
pub fn encode(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// The hashes in a tile's bytes; `None` unless they are 1 to 256 whole ones.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<{ Hash::LEN }>();
    let sound = rest.is_empty() && (1..=TILE_WIDTH).contains(&hashes.len());
    sound.then(|| hashes.iter().map(|hash| Hash(*hash)).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        let text = |kind, index, width| TilePath::new(kind, index, width).unwrap().to_string();
        assert_eq!(text(Kind::Hashes(0), 1_234_067, 256), "tile/0/x001/x234/067");
        assert_eq!(text(Kind::Entries, 0, 256), "tile/entries/000");
        assert_eq!(text(Kind::Entries, 273, 112), "tile/entries/273.p/112");
        assert_eq!(text(Kind::Hashes(2), 1_000, 1), "tile/2/x001/000.p/1");
        assert_eq!(TilePath::new(Kind::Entries, 0, 0), None);
        assert_eq!(TilePath::new(Kind::Entries, 0, 257), None);
    }

    #[test]
    fn a_tree_of_70000_leaves_has_the_tiles_that_the_specification_says() {
        let shape = |level| {
            let kind = Kind::Hashes(level);
            let (index, width) = kind.edge(70_000);
            assert_eq!(kind.width(index, 70_000), width);
            (index, width)
        };
        assert_eq!(shape(0), (273, 112));
        assert_eq!(shape(1), (1, 17));
        assert_eq!(shape(2), (0, 1));
        assert_eq!(shape(3), (0, 0));
        assert_eq!(Kind::Hashes(0).edge(256), (1, 0));
        assert_eq!(Kind::Hashes(1).edge(256), (0, 1));
        assert_eq!(Kind::Entries.count(70_000), 274);
        assert_eq!(Kind::Entries.width(5, 70_000), 256);
        assert_eq!(Kind::Entries.width(274, 70_000), 0);
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "",
            "tile",
            "tile/",
            "tile/0",
            "tile/0/",
            "tile/00/000",
            "tile/8/000",
            "tile/0/0",
            "tile/0/0000",
            "tile/0/x000/000",
            "tile/0/x001/x002",
            "tile/0/001/002",
            "tile/0/+01",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000.p/",
            "tile/0/../000",
            "/tile/0/000",
            "tile/0/000/",
            "tile/entries/000.p/5/",
            "tile/0/x018/x446/x744/x073/x709/x551/616",
            "tile/0/-01",
            "tile/data/000",
        ] {
            assert_eq!(text.parse::<TilePath>(), Err(InvalidPath), "{text}");
        }
    }

    proptest! {
        #[test]
        fn paths_round_trip(level in 0_u8..=LEVEL_MAX, entries: bool, index: u64, width in 1_usize..=256) {
            let kind = if entries { Kind::Entries } else { Kind::Hashes(level) };
            let path = TilePath::new(kind, index, width).unwrap();
            prop_assert_eq!(path.to_string().parse::<TilePath>(), Ok(path));
        }

        #[test]
        fn any_text_is_parsed_without_panic(text in "(tile/)?[0-9a-z/x.p+]{0,40}|\\PC{0,80}") {
            if let Ok(path) = text.parse::<TilePath>() {
                prop_assert_eq!(path.to_string(), text);
            }
        }

        #[test]
        fn any_bytes_are_decoded_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..9_000)) {
            if let Some(hashes) = decode(&bytes) {
                prop_assert_eq!(encode(&hashes), bytes);
            }
        }
    }
}
