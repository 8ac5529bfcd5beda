//! `cargo xtask tamper`: edits on disk that must not go unnoticed.

use anyhow::bail;

/// Makes every tampering and says how many went unnoticed.
pub(crate) fn run() -> anyhow::Result<()> {
    let work = tempfile::tempdir()?;
    let outcome = postern_ledger::tamper::run(work.path())?;
    for line in outcome.undetected.iter().chain(&outcome.misnamed).chain(&outcome.false_alarms) {
        println!("{line}");
    }
    println!("{outcome}");
    if !outcome.is_ok() {
        bail!("the verifier does not notice everything");
    }
    Ok(())
}
