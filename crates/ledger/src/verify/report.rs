//! What the verifier says.

use std::fmt;
use std::ops::Range;

use serde::Serialize;

use crate::hash::Hash;
use crate::note;

/// How many findings are kept in all; the first ones matter, the rest are usually their echo.
pub(super) const FINDINGS_MAX: usize = 256;

/// How many findings about checkpoints are kept, so that there is room for others.
pub(super) const CHECKPOINT_FINDINGS_MAX: usize = 64;

/// How many findings there may be when every leaf has been looked at, so that there is room to say
/// what happened to them.
pub(super) const LEAF_FINDINGS_MAX: usize = 128;

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "problem", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Problem {
    /// There is no newest checkpoint.
    #[error("there is no checkpoint")]
    CheckpointMissing,
    /// A checkpoint is not one that the key signed for this log.
    #[error("the checkpoint is not valid: {reason}")]
    CheckpointInvalid {
        /// Why.
        reason: String,
    },
    /// A checkpoint in the history lies under another size than it says.
    #[error("the checkpoint is of size {says}")]
    CheckpointMisplaced {
        /// The size that it says.
        says: u64,
    },
    /// The newest checkpoint is older than one that is known.
    #[error("the log was rolled back: its checkpoint says {newest} leaves, and {remembered} were signed before")]
    RolledBack {
        /// The size of the newest checkpoint in the log.
        newest: u64,
        /// The largest size that is known to have been signed.
        remembered: u64,
    },
    /// Two checkpoints of one size are both signed and differ: the key's owner told two stories.
    #[error("two different trees of {size} leaves were signed")]
    Forked {
        /// The size.
        size: u64,
    },
    /// The leaf is not the one that was signed.
    #[error("was altered")]
    Altered,
    /// The signed leaf is gone, and others follow.
    #[error("was dropped")]
    Dropped,
    /// Another leaf was put before the signed one.
    #[error("was inserted")]
    Inserted,
    /// The leaf is a copy of another one.
    #[error("is a copy of leaf {of}")]
    Duplicated {
        /// The leaf that it copies.
        of: u64,
    },
    /// The signed leaf is at another place.
    #[error("was moved: the signed one is now at {found_at}")]
    Reordered {
        /// Where it is now.
        found_at: u64,
    },
    /// The leaves end before the signed size.
    #[error("is missing: the log was truncated to {present} of {signed} leaves")]
    Truncated {
        /// How many leaves there are.
        present: u64,
        /// How many were signed.
        signed: u64,
    },
    /// The bundle cannot be divided into leaves from here on.
    #[error("cannot be read: the bundle is damaged")]
    BundleDamaged,
    /// Something in the range does not fit what was signed; the data do not say which leaf.
    #[error("do not fit the signed root")]
    Unfit,
    /// Hashes in a tile are not those of the leaves, which are as they were signed.
    #[error("has a false hash in a tile of level {level}")]
    TileAltered {
        /// The level of the tile.
        level: u8,
    },
    /// A tile is not there or has the wrong length.
    #[error("has no hash: the tile of level {level} is missing or damaged")]
    TileMissing {
        /// The level of the tile.
        level: u8,
    },
    /// A bundle holds the right leaves, and something else besides.
    #[error("the bundle has bytes too many")]
    BundleTrailing,
    /// The leaf is not JSON.
    #[error("is not JSON")]
    NotJson,
    /// The caller's own check refused the leaf.
    #[error("{reason}")]
    CheckFailed {
        /// What the caller said.
        reason: String,
    },
    /// There are files after the newest checkpoint, which nobody signed.
    #[error("and what follows was never signed")]
    Unsigned,
    /// The file system refused.
    #[error("cannot be read: {reason}")]
    Unreadable {
        /// What it said.
        reason: String,
    },
}

impl Problem {
    /// Whether the leaves themselves can still be what was signed.
    fn spares_leaves(&self) -> bool {
        matches!(self, Self::TileAltered { .. } | Self::TileMissing { .. } | Self::BundleTrailing)
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What.
    #[serde(flatten)]
    pub problem: Problem,
    /// The leaves that it is about, as precisely as the data allow: one leaf, or a range in which it
    /// lies, or nothing when it is not about leaves. An empty range stands before a leaf.
    pub leaves: Option<Range<u64>>,
    /// The file where it shows.
    pub file: String,
}

impl Finding {
    /// The first leaf that may be concerned.
    #[must_use]
    pub fn first_leaf(&self) -> Option<u64> {
        self.leaves.as_ref().map(|leaves| leaves.start)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.leaves {
            Some(leaves) if leaves.end > leaves.start + 1 => {
                write!(f, "one of the leaves {} to {}: ", leaves.start, leaves.end - 1)?;
            }
            Some(leaves) => write!(f, "leaf {}: ", leaves.start)?,
            None => {}
        }
        write!(f, "{} ({})", self.problem, self.file)
    }
}

/// What verifying a log came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The name of the log.
    pub origin: String,
    /// The size that was verified: the largest that was signed.
    pub size: Option<u64>,
    /// The root that was signed for it.
    pub root: Option<Hash>,
    /// How many leaves could be read.
    pub leaves: u64,
    /// How many valid checkpoints the leaves were compared with.
    pub checkpoints: usize,
    /// What is wrong, by leaf, tiles last; empty when nothing is.
    pub findings: Vec<Finding>,
    /// How many more findings there were, which are not listed.
    pub more: u64,
}

impl Report {
    pub(super) fn new(origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            size: None,
            root: None,
            leaves: 0,
            checkpoints: 0,
            findings: Vec::new(),
            more: 0,
        }
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.findings.is_empty()
    }

    /// The finding about the earliest leaf; when none is about leaves, the first one.
    #[must_use]
    pub fn first(&self) -> Option<&Finding> {
        self.findings.first()
    }

    /// The first leaf that may be concerned.
    #[must_use]
    pub fn first_leaf(&self) -> Option<u64> {
        self.findings.iter().find_map(Finding::first_leaf)
    }

    pub(super) fn add(&mut self, problem: Problem, leaves: Option<Range<u64>>, file: String) {
        self.add_within(FINDINGS_MAX, problem, leaves, file);
    }

    /// Adds a finding unless there are `max` already; then it is only counted.
    pub(super) fn add_within(&mut self, max: usize, problem: Problem, leaves: Option<Range<u64>>, file: String) {
        if self.findings.len() < max {
            self.findings.push(Finding { problem, leaves, file });
        } else {
            self.more += 1;
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.findings.len() >= FINDINGS_MAX
    }

    /// Puts the earliest leaf first, of several findings about it the most precise, and tiles after
    /// leaves: they follow from the leaves and can be made again.
    pub(super) fn arrange(&mut self) {
        self.findings.sort_by_key(|finding| {
            let leaves = finding.leaves.clone().unwrap_or(u64::MAX..u64::MAX);
            (finding.problem.spares_leaves(), leaves.start, leaves.end)
        });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        if self.more > 0 {
            writeln!(f, "and {} more", self.more)?;
        }
        let verdict = if self.is_ok() { "intact" } else { "not intact" };
        write!(f, "{}: {verdict}, {} leaves, {} checkpoints", self.origin, self.leaves, self.checkpoints)
    }
}

impl From<note::Error> for Problem {
    fn from(error: note::Error) -> Self {
        Self::CheckpointInvalid { reason: error.to_string() }
    }
}
