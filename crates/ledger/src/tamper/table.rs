//! The table itself, by what is tampered with.

use std::io;

use super::{Case, Expected, Known, Size, Spoil};
use crate::verify::Problem;

use Expected::{Among, Anything, Leaf};

const FIRST: &str = "tile/entries/000";
const SECOND: &str = "tile/entries/001";
const LAST: &str = "tile/entries/002.p/88";
const CHECKPOINT: &str = "checkpoint";

/// The case on the small log by somebody who has no key.
fn case(
    name: &'static str,
    spoil: fn(&Spoil<'_>) -> io::Result<()>,
    expected: Expected,
    problem: fn(&Problem) -> bool,
) -> Case {
    Case { name, size: Size::Small, spoil, known: Known::Key, expected, problem }
}

impl Case {
    fn large(mut self) -> Self {
        self.size = Size::Large;
        self
    }

    fn known(mut self, known: Known) -> Self {
        self.known = known;
        self
    }
}

pub(super) fn cases() -> Vec<Case> {
    [altered(), dropped(), moved(), damaged(), tiles(), rewritten(), checkpoints(), histories(), key_holder()].concat()
}

/// The leaf as it stands, with one bit flipped.
fn flip_in(leaf: Option<&mut Vec<u8>>) {
    if let Some(byte) = leaf.and_then(|leaf| leaf.get_mut(40)) {
        *byte ^= 1;
    }
}

fn spoiled(spoil: &Spoil<'_>, at: usize) -> Vec<Vec<u8>> {
    let mut leaves = spoil.leaves();
    flip_in(leaves.get_mut(at));
    leaves
}

fn copy_over(leaves: &mut [Vec<u8>], from: usize, to: usize) {
    let copied = leaves.get(from).cloned();
    if let (Some(copied), Some(place)) = (copied, leaves.get_mut(to)) {
        *place = copied;
    }
}

fn altered() -> Vec<Case> {
    let is = |problem: &Problem| matches!(problem, Problem::Altered);
    vec![
        case("alter the first leaf", |s| s.bundle(FIRST, |b| flip_in(b.get_mut(0))), Leaf(0), is),
        case("alter a leaf in the middle", |s| s.bundle(SECOND, |b| flip_in(b.get_mut(44))), Leaf(300), is),
        case("alter the last leaf", |s| s.bundle(LAST, |b| flip_in(b.get_mut(87))), Leaf(599), is),
        case(
            "alter two leaves",
            |s| {
                s.rebundle(&{
                    let mut leaves = spoiled(s, 520);
                    flip_in(leaves.get_mut(17));
                    leaves
                })
            },
            Leaf(17),
            is,
        ),
        case(
            "add a space to a leaf",
            |s| s.bundle(FIRST, |b| b.iter_mut().skip(9).take(1).for_each(|leaf| leaf.push(b' '))),
            Leaf(9),
            is,
        ),
        case("empty a leaf", |s| s.bundle(FIRST, |b| b.iter_mut().skip(9).take(1).for_each(Vec::clear)), Leaf(9), is),
        case("change the low byte of a length", |s| s.flip(FIRST, 1), Leaf(0), is),
        case(
            "alter a leaf of a large log",
            |s| s.bundle("tile/entries/156", |b| flip_in(b.get_mut(64))),
            Leaf(40_000),
            is,
        )
        .large(),
        case(
            "overwrite a leaf with a later one",
            |s| {
                s.rebundle(&{
                    let mut leaves = s.leaves();
                    copy_over(&mut leaves, 400, 20);
                    leaves
                })
            },
            Leaf(20),
            |problem| matches!(problem, Problem::Duplicated { of: 400 }),
        ),
        case(
            "overwrite a leaf with the next one",
            |s| s.bundle(FIRST, |b| copy_over(b, 21, 20)),
            Leaf(20),
            |problem| matches!(problem, Problem::Duplicated { of: 21 }),
        ),
    ]
}

fn dropped() -> Vec<Case> {
    let dropped = |problem: &Problem| matches!(problem, Problem::Dropped);
    let truncated = |problem: &Problem| matches!(problem, Problem::Truncated { .. });
    vec![
        case("drop the first leaf", |s| s.bundle(FIRST, |b| drop(b.remove(0))), Leaf(0), dropped),
        case("drop a leaf in the middle", |s| s.bundle(SECOND, |b| drop(b.remove(44))), Leaf(300), dropped),
        case("drop the last leaf of a full bundle", |s| s.bundle(FIRST, |b| drop(b.pop())), Leaf(255), dropped),
        case("drop the last leaf", |s| s.bundle(LAST, |b| drop(b.pop())), Leaf(599), truncated),
        case(
            "drop a leaf and move up all others",
            |s| {
                s.rebundle(&{
                    let mut leaves = s.leaves();
                    leaves.remove(100);
                    leaves
                })
            },
            Leaf(100),
            dropped,
        ),
        case(
            "drop the last fifty leaves",
            |s| s.rebundle(s.leaves().get(..550).unwrap_or_default()),
            Leaf(550),
            truncated,
        ),
        case("delete the first bundle", |s| s.remove(FIRST), Leaf(0), dropped),
        case("delete a bundle of a large log", |s| s.remove("tile/entries/100"), Leaf(25_600), dropped).large(),
        case("delete the last bundle", |s| s.remove(LAST), Leaf(512), truncated),
        case("delete all bundles", |s| s.remove("tile/entries"), Leaf(0), truncated),
        case("delete everything but the checkpoint", |s| s.remove("tile"), Leaf(0), truncated),
        case("empty a bundle", |s| s.write(SECOND, b""), Leaf(256), dropped),
        case("cut the last bundle by a byte", |s| s.cut(LAST), Leaf(599), truncated),
    ]
}

fn moved() -> Vec<Case> {
    vec![
        case(
            "swap two neighbours",
            |s| s.bundle(FIRST, |b| b.swap(40, 41)),
            Leaf(40),
            |problem| matches!(problem, Problem::Reordered { found_at: 41 }),
        ),
        case(
            "swap neighbours across bundles",
            |s| {
                s.rebundle(&{
                    let mut leaves = s.leaves();
                    leaves.swap(255, 256);
                    leaves
                })
            },
            Leaf(255),
            |problem| matches!(problem, Problem::Reordered { found_at: 256 }),
        ),
        case(
            "swap two leaves far apart",
            |s| {
                s.rebundle(&{
                    let mut leaves = s.leaves();
                    leaves.swap(3, 555);
                    leaves
                })
            },
            Leaf(3),
            |problem| matches!(problem, Problem::Reordered { found_at: 555 }),
        ),
        case(
            "move a leaf down",
            |s| {
                s.bundle(FIRST, |b| {
                    let leaf = b.remove(5);
                    b.insert(50, leaf);
                })
            },
            Leaf(5),
            |problem| matches!(problem, Problem::Reordered { found_at: 50 }),
        ),
        case(
            "swap two bundles",
            |s| s.swap(FIRST, SECOND),
            Leaf(0),
            |problem| matches!(problem, Problem::Reordered { found_at: 256 }),
        ),
        case(
            "repeat a leaf",
            |s| {
                s.bundle(FIRST, |b| {
                    let leaf = b.get(20).cloned().unwrap_or_default();
                    b.insert(20, leaf);
                })
            },
            Leaf(21),
            |problem| matches!(problem, Problem::Duplicated { of: 20 }),
        ),
        case(
            "insert a leaf",
            |s| s.bundle(FIRST, |b| b.insert(70, b"{\"action\":\"none\"}".to_vec())),
            Leaf(70),
            |problem| matches!(problem, Problem::Inserted),
        ),
        case(
            "insert a leaf and move down all others",
            |s| {
                s.rebundle(&{
                    let mut leaves = s.leaves();
                    leaves.insert(70, b"{\"action\":\"none\"}".to_vec());
                    leaves
                })
            },
            Leaf(70),
            |problem| matches!(problem, Problem::Inserted),
        ),
    ]
}

fn damaged() -> Vec<Case> {
    let damaged = |problem: &Problem| matches!(problem, Problem::BundleDamaged);
    let unreadable = |problem: &Problem| matches!(problem, Problem::Unreadable { .. });
    vec![
        case(
            "change the high byte of a length",
            |s| s.edit(FIRST, |b| b.iter_mut().take(1).for_each(|byte| *byte = 0xff)),
            Leaf(0),
            damaged,
        ),
        case("cut a bundle within a leaf", |s| s.edit(SECOND, |b| b.truncate(1)), Leaf(256), damaged),
        case(
            "append bytes to a bundle",
            |s| s.edit(FIRST, |b| b.push(0)),
            Among(0..256),
            |problem| matches!(problem, Problem::BundleTrailing),
        ),
        case(
            "append a leaf to a full bundle",
            |s| s.bundle(FIRST, |b| b.push(b"{}".to_vec())),
            Among(0..256),
            |problem| matches!(problem, Problem::BundleTrailing),
        ),
        case("replace a bundle by an endless device", |s| s.link_to_zeroes(SECOND), Leaf(256), unreadable),
        case("replace a bundle by a folder", |s| s.make_folder(SECOND), Leaf(256), unreadable),
        case("blow up a bundle", |s| s.edit(LAST, |b| b.resize(17_000_000, 0)), Leaf(512), unreadable),
    ]
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
        case("delete a tile of level 0", |s| s.remove("tile/0/001"), Among(256..512), missing),
        case("delete a tile of level 1", |s| s.remove("tile/1/000.p/2"), Among(0..512), missing),
        case("delete the tile of level 2", |s| s.remove("tile/2"), Among(0..65_536), missing).large(),
    ]
}

/// Leaves and tiles changed together.
fn rewritten() -> Vec<Case> {
    let unfit = |problem: &Problem| matches!(problem, Problem::Unfit);
    let truncated = |problem: &Problem| matches!(problem, Problem::Truncated { .. });
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
        case(
            "drop a leaf and rewrite all tiles",
            |s| {
                s.rebuild(&{
                    let mut leaves = s.leaves();
                    leaves.remove(300);
                    leaves
                })
            },
            Leaf(300),
            unfit,
        ),
        case(
            "swap two leaves and rewrite all tiles",
            |s| {
                s.rebuild(&{
                    let mut leaves = s.leaves();
                    leaves.swap(300, 590);
                    leaves
                })
            },
            Leaf(300),
            unfit,
        ),
        case(
            "drop the last leaves and rewrite all tiles",
            |s| s.rebuild(s.leaves().get(..550).unwrap_or_default()),
            Leaf(550),
            truncated,
        ),
        case("drop all leaves and rewrite all tiles", |s| s.remove("tile"), Leaf(0), truncated),
        case(
            "append a leaf and rewrite all tiles",
            |s| {
                s.rebuild(&{
                    let mut leaves = s.leaves();
                    leaves.push(b"{\"action\":\"none\"}".to_vec());
                    leaves
                })
            },
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

fn checkpoints() -> Vec<Case> {
    let invalid = |problem: &Problem| matches!(problem, Problem::CheckpointInvalid { .. });
    vec![
        case(
            "delete the checkpoint",
            |s| s.remove(CHECKPOINT),
            Anything,
            |problem| matches!(problem, Problem::CheckpointMissing),
        ),
        case("empty the checkpoint", |s| s.write(CHECKPOINT, b""), Anything, invalid),
        case("alter the origin", |s| s.flip(CHECKPOINT, 2), Anything, invalid),
        case("alter the size", |s| s.substitute(CHECKPOINT, "600", "599"), Anything, invalid),
        case("alter the root", |s| s.flip(CHECKPOINT, 30), Anything, invalid),
        case(
            "alter the name of the signer",
            |s| s.substitute(CHECKPOINT, "\u{2014} ledger", "\u{2014} ledges"),
            Anything,
            invalid,
        ),
        case(
            "alter the signature",
            |s| {
                s.edit(CHECKPOINT, |b| {
                    let at = b.len().saturating_sub(20);
                    b.iter_mut().skip(at).take(1).for_each(|byte| *byte = if *byte == b'A' { b'B' } else { b'A' });
                })
            },
            Anything,
            invalid,
        ),
        case("take the signature away", |s| s.edit(CHECKPOINT, |b| b.truncate(60)), Anything, invalid),
        case("add a line to the checkpoint", |s| s.substitute(CHECKPOINT, "\n\n", "\nmore\n\n"), Anything, invalid),
        case("cut the checkpoint by a byte", |s| s.cut(CHECKPOINT), Anything, invalid),
        case("make the checkpoint no text", |s| s.write(CHECKPOINT, &[0xff; 200]), Anything, invalid),
        case(
            "blow up the checkpoint",
            |s| s.edit(CHECKPOINT, |b| b.resize(10_000_000, b'\n')),
            Anything,
            |problem| matches!(problem, Problem::Unreadable { .. }),
        ),
        case("sign with another key", |s| s.sign_as_stranger(CHECKPOINT, &s.leaves()), Anything, invalid),
        case(
            "rewrite everything and sign with another key",
            |s| {
                let leaves = spoiled(s, 300);
                s.rebuild(&leaves)?;
                s.forget()?;
                s.sign_as_stranger(CHECKPOINT, &leaves)
            },
            Anything,
            invalid,
        ),
        case(
            "put the checkpoint of another log there",
            |s| s.sign_as_other_log(CHECKPOINT, &s.leaves()),
            Anything,
            invalid,
        ),
    ]
}

fn histories() -> Vec<Case> {
    let rolled_back = |problem: &Problem| matches!(problem, Problem::RolledBack { newest: 400, remembered: 600 });
    let go_back = |s: &Spoil<'_>| -> io::Result<()> {
        let old = s.read("checkpoints/400")?;
        s.write(CHECKPOINT, &old)?;
        s.rebuild(s.leaves().get(..400).unwrap_or_default())
    };
    vec![
        case(
            "put an older checkpoint there",
            |s| {
                let old = s.read("checkpoints/400")?;
                s.write(CHECKPOINT, &old)
            },
            Anything,
            rolled_back,
        ),
        case("roll the log back but for its history", go_back, Leaf(400), |problem| {
            matches!(problem, Problem::Truncated { present: 400, signed: 600 })
        }),
        case(
            "roll everything back",
            |s| {
                let old = s.read("checkpoints/400")?;
                s.write(CHECKPOINT, &old)?;
                s.rebuild(s.leaves().get(..400).unwrap_or_default())?;
                s.remove("checkpoints/512")?;
                s.remove("checkpoints/600")
            },
            Anything,
            rolled_back,
        )
        .known(Known::Since(600)),
        case(
            "start a new log",
            |s| {
                s.forget()?;
                s.rebuild_signed(&[])
            },
            Leaf(0),
            |problem| matches!(problem, Problem::Truncated { present: 0, signed: 512 }),
        )
        .known(Known::Since(512)),
        case(
            "alter a checkpoint of the history",
            |s| s.flip("checkpoints/300", 30),
            Anything,
            |problem| matches!(problem, Problem::CheckpointInvalid { .. }),
        ),
        case(
            "put a checkpoint of the history in another place",
            |s| {
                let other = s.read("checkpoints/301")?;
                s.write("checkpoints/300", &other)
            },
            Anything,
            |problem| matches!(problem, Problem::CheckpointMisplaced { says: 301 }),
        ),
    ]
}

/// Tamperings by somebody who can sign.
fn key_holder() -> Vec<Case> {
    let unfit = |problem: &Problem| matches!(problem, Problem::Unfit);
    vec![
        case("rewrite a leaf and sign anew", |s| s.rebuild_signed(&spoiled(s, 300)), Leaf(300), unfit),
        case(
            "sign two trees of one size",
            |s| s.sign("checkpoints/600", &spoiled(s, 300)),
            Anything,
            |problem| matches!(problem, Problem::Forked { size: 600 }),
        ),
        case(
            "rewrite a leaf, sign anew, and forget the history",
            |s| {
                s.forget()?;
                s.rebuild_signed(&spoiled(s, 300))
            },
            Among(0..512),
            unfit,
        )
        .known(Known::Since(512)),
        case(
            "rewrite a leaf, sign anew, and forget the history, beside the database",
            |s| {
                s.forget()?;
                s.rebuild_signed(&spoiled(s, 300))
            },
            Leaf(300),
            |problem| matches!(problem, Problem::CheckFailed { .. }),
        )
        .known(Known::Rows),
        case(
            "sign a leaf that is not JSON",
            |s| {
                let mut leaves = s.leaves();
                leaves.iter_mut().skip(599).for_each(|leaf| leaf.push(b'}'));
                s.rebuild_signed(&leaves)?;
                s.remove("checkpoints/600")
            },
            Leaf(599),
            |problem| matches!(problem, Problem::NotJson),
        ),
    ]
}
