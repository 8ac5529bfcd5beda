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
