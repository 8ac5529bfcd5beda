//! `cargo xtask tamper`: edits on disk that must not go unnoticed.

mod recordings;

use anyhow::bail;

/// What trying came to.
#[derive(Default)]
struct Tried {
    tried: usize,
    undetected: Vec<String>,
}

/// Makes every tampering and says how many went unnoticed.
pub(crate) fn run() -> anyhow::Result<()> {
    let work = tempfile::tempdir()?;
    let ledger = postern_ledger::tamper::run(work.path())?;
    let recordings = recordings::run()?;
    for line in [&ledger.undetected, &ledger.misnamed, &ledger.false_alarms, &recordings.undetected] {
        line.iter().for_each(|line| println!("{line}"));
    }
    println!(
        "tried={} undetected={} ledger={} recordings={} misnamed={} false_alarms={}",
        ledger.tried + recordings.tried,
        ledger.undetected.len() + recordings.undetected.len(),
        ledger.tried,
        recordings.tried,
        ledger.misnamed.len(),
        ledger.false_alarms.len(),
    );
    if !ledger.is_ok() || !recordings.undetected.is_empty() {
        bail!("the verifiers do not notice everything");
    }
    Ok(())
}
