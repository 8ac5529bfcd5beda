//! Checkpoints changed, and what somebody can do who holds the key.

use std::io;

use super::{Case, case, spoiled};
use crate::tamper::Expected::{Among, Anything, Leaf};
use crate::tamper::{Known, Spoil};
use crate::verify::Problem;

pub(super) fn cases() -> Vec<Case> {
    [checkpoints(), histories(), key_holder()].concat()
}

const CHECKPOINT: &str = "checkpoint";

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
