//! `cargo xtask siem`: events to real receivers in every format, through interruptions.

use anyhow::ensure;

use crate::run::counted;

/// Tells the receivers, and says what arrived.
pub(crate) fn run() -> anyhow::Result<()> {
    let line = counted(&["postern"], "siem::", "sent=")?;
    ensure!(line.contains(" missing=0 ") && line.contains(" ocsf_invalid=0 "), "not everything arrived as documented");
    Ok(())
}
