//! `cargo xtask bench`: the measurements, on a release build.

use crate::run::{cargo, root, show};

/// Runs the measurements named; what follows goes to them.
pub(crate) fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let build = ["build", "--release", "--locked", "--package", "postern", "--package", "postern-bench"];
    show(&cargo(), &build, &root(), &mut |_| {})?;
    let mut whole = vec!["run", "--quiet", "--release", "--locked", "--package", "postern-bench", "--"];
    whole.extend(arguments);
    show(&cargo(), &whole, &root(), &mut |_| {})
}

/// Measures decisions on policy over a large estate; a pure computation, which needs nothing else built.
pub(crate) fn policy() -> anyhow::Result<()> {
    let measured = ["bench", "--quiet", "--locked", "--package", "postern-domain", "--bench", "policy"];
    show(&cargo(), &measured, &root(), &mut |_| {})
}

/// Measures search over recordings: how many sessions and megabytes of output, unless 10000 of each. It
/// needs about half as much room on the disk as there is output, where temporary files lie.
pub(crate) fn search(arguments: &[&str]) -> anyhow::Result<()> {
    let mut measured = vec!["bench", "--quiet", "--locked", "--package", "postern-search", "--bench", "search", "--"];
    measured.extend(arguments);
    show(&cargo(), &measured, &root(), &mut |_| {})
}
