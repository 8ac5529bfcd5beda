//! `cargo xtask estate` and `cargo xtask bench discovery`: discovery over many real servers.

use crate::run::{cargo, root, show};

/// Plants, discovers twice, compares; fails when anything is missing or made up.
pub(crate) fn run() -> anyhow::Result<()> {
    show(&cargo(), &["run", "--quiet", "--locked", "--package", "postern-estate"], &root(), &mut |_| {})
}

/// Accounts discovered a second, on a release build.
pub(crate) fn bench() -> anyhow::Result<()> {
    let arguments = ["run", "--quiet", "--release", "--locked", "--package", "postern-estate", "--", "bench"];
    show(&cargo(), &arguments, &root(), &mut |_| {})
}
