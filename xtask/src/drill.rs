//! `cargo xtask drill`: break-glass in all its tiers, on the built product and with it stopped.

use anyhow::{Context as _, ensure};

use crate::run::{cargo, root, show};

/// Opens each tier, and says what was counted.
pub(crate) fn run() -> anyhow::Result<()> {
    let packages = ["build", "--locked", "--quiet", "--package", "postern", "--package", "postern-open"];
    show(&cargo(), &packages, &root(), &mut |_| {})?;
    let test = ["test", "--locked", "--package", "postern-e2e", "--test", "e2e", "--", "--nocapture", "break_glass::"];
    let mut counted = None;
    let ended = show(&cargo(), &test, &root(), &mut |line| {
        if counted.is_none() && line.trim().starts_with("tiers=") {
            counted = Some(line.trim().to_owned());
        }
    });
    let counted = counted.context("the drill ended before its last tier")?;
    println!("{counted}");
    ensure!(counted.starts_with("tiers=3 opened=3 "), "not every tier was opened");
    ended
}
