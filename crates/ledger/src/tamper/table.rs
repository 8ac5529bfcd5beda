//! The table itself, by what is tampered with.

mod checkpoints;
mod leaves;
mod tiles;

use std::io;

use super::{Case, Expected, Known, Size, Spoil};
use crate::verify::Problem;

const FIRST: &str = "tile/entries/000";
const SECOND: &str = "tile/entries/001";
const LAST: &str = "tile/entries/002.p/88";

pub(super) fn cases() -> Vec<Case> {
    [leaves::cases(), tiles::cases(), checkpoints::cases()].concat()
}

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
