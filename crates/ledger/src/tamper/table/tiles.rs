//! Tiles changed, alone or together with the leaves.

use super::{Case, SECOND, case, flip_in, spoiled};
use crate::tamper::Expected::{Among, Leaf};
use crate::verify::Problem;

pub(super) fn cases() -> Vec<Case> {
    [tiles(), rewritten(), resized()].concat()
}

fn tiles() -> Vec<Case> {
    let altered = |problem: &Problem| matches!(problem, Problem::TileAltered { .. });
    let missing = |problem: &Problem| matches!(problem, Problem::TileMissing { .. });
    vec![
        case("alter a hash in a full tile of level 0", |s| s.flip("tile/0/001", 44 * 32 + 7), Leaf(300), altered),
        case("alter a hash in a partial tile of level 0", |s| s.flip("tile/0/002.p/88", 87 * 32), Leaf(599), altered),
        case("alter a hash in a partial tile of level 1", |s| s.flip("tile/1/000.p/2", 33), Among(256..512), altered),
        case(
            "alter a hash in a full tile of level 1",
            |s| s.flip("tile/1/000", 100 * 32),
            Among(25_600..25_856),
            altered,
        )
        .large(),
        case(
            "alter a hash in the last tile of level 1",
            |s| s.flip("tile/1/001.p/1", 3),
            Among(65_536..65_792),
            altered,
        )
        .large(),
        case("alter the hash in the tile of level 2", |s| s.flip("tile/2/000.p/1", 0), Among(0..65_536), altered)
            .large(),
        case(
            "swap two hashes in a tile",
            |s| {
                s.edit("tile/0/000", |b| {
                    let (left, right) = b.split_at_mut(32);
                    left.swap_with_slice(right.get_mut(..32).unwrap_or_default());
                })
            },
            Leaf(0),
            altered,
        ),
        case("swap two tiles", |s| s.swap("tile/0/000", "tile/0/001"), Leaf(0), altered),
        case("cut a tile by a byte", |s| s.cut("tile/0/001"), Among(256..512), missing),
        case("cut a tile by a hash", |s| s.edit("tile/0/001", |b| b.truncate(255 * 32)), Among(256..512), missing),
        case(
            "lengthen a tile by a hash",
            |s| s.edit("tile/0/001", |b| b.extend([0; 32])),
            Among(256..512),
            |problem| matches!(problem, Problem::Unreadable { .. }),
        ),
        case(
            "lengthen the last tile by a hash",
            |s| s.edit("tile/0/002.p/88", |b| b.extend([0; 32])),
            Among(512..600),
            missing,
        ),
        case(
            "lengthen the last tile of level 1",
            |s| s.edit("tile/1/000.p/2", |b| b.extend([0; 32])),
            Among(0..512),
            missing,
        ),
        case("delete a tile of level 0", |s| s.remove("tile/0/001"), Among(256..512), missing),
        case("delete a tile of level 1", |s| s.remove("tile/1/000.p/2"), Among(0..512), missing),
        case("delete the tile of level 2", |s| s.remove("tile/2"), Among(0..65_536), missing).large(),
    ]
}

/// Leaves and tiles changed together.
fn rewritten() -> Vec<Case> {
    let unfit = |problem: &Problem| matches!(problem, Problem::Unfit);
    vec![
        case(
            "alter a leaf and its hash",
            |s| {
                s.bundle(SECOND, |b| flip_in(b.get_mut(44)))?;
                s.flip("tile/0/001", 44 * 32)
            },
            Leaf(300),
            unfit,
        ),
        case(
            "alter a leaf and its hash in a large log",
            |s| {
                s.bundle("tile/entries/156", |b| flip_in(b.get_mut(64)))?;
                s.flip("tile/0/156", 64 * 32)
            },
            Among(39_936..40_192),
            unfit,
        )
        .large(),
        case(
            "alter a leaf and delete its tile",
            |s| {
                s.bundle(SECOND, |b| flip_in(b.get_mut(200)))?;
                s.remove("tile/0/001")
            },
            Among(400..512),
            unfit,
        ),
        case(
            "alter a leaf and the tile above",
            |s| {
                s.bundle(SECOND, |b| flip_in(b.get_mut(44)))?;
                s.flip("tile/1/000.p/2", 33)
            },
            Leaf(300),
            |problem| matches!(problem, Problem::Altered),
        ),
        case("rewrite a leaf and all tiles", |s| s.rebuild(&spoiled(s, 300)), Leaf(300), unfit),
        case(
            "rewrite a leaf that few checkpoints surround, and all tiles",
            |s| s.rebuild(&spoiled(s, 450)),
            Among(400..512),
            unfit,
        ),
        case(
            "rewrite a leaf and all tiles, without a history",
            |s| {
                s.forget()?;
                s.rebuild(&spoiled(s, 450))
            },
            Among(0..600),
            unfit,
        ),
        case(
            "rewrite a leaf and all tiles of a large log",
            |s| s.rebuild(&spoiled(s, 40_000)),
            Among(0..65_000),
            unfit,
        )
        .large(),
    ]
}

/// Leaves dropped, moved or appended, and the tiles made to fit.
fn resized() -> Vec<Case> {
    let unfit = |problem: &Problem| matches!(problem, Problem::Unfit);
    let truncated = |problem: &Problem| matches!(problem, Problem::Truncated { .. });
    vec![
        case("drop a leaf and rewrite all tiles", |s| s.rebuild(&s.changed(|l| drop(l.remove(300)))), Leaf(300), unfit),
        case(
            "swap two leaves and rewrite all tiles",
            |s| s.rebuild(&s.changed(|l| l.swap(300, 590))),
            Leaf(300),
            unfit,
        ),
        case(
            "drop the last leaves and rewrite all tiles",
            |s| s.rebuild(s.leaves().get(..550).unwrap_or_default()),
            Among(512..551),
            truncated,
        ),
        case("drop all leaves and rewrite all tiles", |s| s.remove("tile"), Leaf(0), truncated),
        case(
            "append a leaf and rewrite all tiles",
            |s| s.rebuild(&s.changed(|l| l.push(b"{\"action\":\"none\"}".to_vec()))),
            Leaf(600),
            |problem| matches!(problem, Problem::Unsigned),
        ),
        case(
            "append a bundle",
            |s| s.write("tile/entries/003", b"\x00\x02{}"),
            Leaf(600),
            |problem| matches!(problem, Problem::Unsigned),
        ),
    ]
}
