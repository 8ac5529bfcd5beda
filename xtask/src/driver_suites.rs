//! `cargo xtask driver-suites`: suites that were not written here, directly and through the gate.

use crate::run::{cargo, root, show};

/// Lays the suites, runs them both ways and compares.
pub(crate) fn run() -> anyhow::Result<()> {
    show("scripts/driver-suites.sh", &[], &root(), &mut |_| {})?;
    show(&cargo(), &["build", "--quiet", "--locked", "--package", "postern"], &root(), &mut |_| {})?;
    show(&cargo(), &["run", "--quiet", "--locked", "--package", "postern-suites"], &root(), &mut |_| {})
}
