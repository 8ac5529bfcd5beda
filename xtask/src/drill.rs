//! `cargo xtask drill`: break-glass in all its tiers, on the built product and with it stopped.

use anyhow::ensure;

use crate::run::counted;

/// Opens each tier, and says what was counted.
pub(crate) fn run() -> anyhow::Result<()> {
    let line = counted(&["postern", "postern-open"], "break_glass::", "tiers=")?;
    ensure!(line.starts_with("tiers=3 opened=3 "), "not every tier was opened");
    Ok(())
}
