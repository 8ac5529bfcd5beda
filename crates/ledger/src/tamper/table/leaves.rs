//! Leaves changed in their bundles; the tiles and checkpoints still say what was signed.

use super::{Case, FIRST, LAST, SECOND, case, flip_in};
use crate::tamper::Expected::{Among, Leaf};
use crate::tamper::Known;
use crate::verify::Problem;

pub(super) fn cases() -> Vec<Case> {
    [altered(), dropped(), moved(), damaged()].concat()
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
            |s| s.rebundle(&s.changed(|l| [520, 17].into_iter().for_each(|at| flip_in(l.get_mut(at))))),
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
            |s| s.rebundle(&s.changed(|l| copy_over(l, 400, 20))),
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
            |s| s.rebundle(&s.changed(|l| drop(l.remove(100)))),
            Leaf(100),
            dropped,
        ),
        case(
            "drop the last fifty leaves",
            |s| s.rebundle(s.leaves().get(..550).unwrap_or_default()),
            Leaf(550),
            truncated,
        ),
        case(
            "drop a leaf and move up all others, beside the database",
            |s| s.rebundle(&s.changed(|l| drop(l.remove(100)))),
            Leaf(100),
            dropped,
        )
        .known(Known::Rows),
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
            |s| s.rebundle(&s.changed(|l| l.swap(255, 256))),
            Leaf(255),
            |problem| matches!(problem, Problem::Reordered { found_at: 256 }),
        ),
        case(
            "swap two leaves far apart",
            |s| s.rebundle(&s.changed(|l| l.swap(3, 555))),
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
            |s| s.rebundle(&s.changed(|l| l.insert(70, b"{\"action\":\"none\"}".to_vec()))),
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
