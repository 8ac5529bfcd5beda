//! `cargo xtask tamper`: edits on disk that must not go unnoticed.

mod outside;
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
    let outside = outside::run()?;
    let lists = [
        &ledger.undetected,
        &ledger.misnamed,
        &ledger.false_alarms,
        &recordings.undetected,
        &outside.undetected,
        &outside.misnamed,
        &outside.false_alarms,
    ];
    for line in lists {
        line.iter().for_each(|line| println!("{line}"));
    }
    println!(
        "tried={} undetected={} ledger={} recordings={} outside={} misnamed={} false_alarms={}",
        ledger.tried + recordings.tried + outside.tried,
        ledger.undetected.len() + recordings.undetected.len() + outside.undetected.len(),
        ledger.tried,
        recordings.tried,
        outside.tried,
        ledger.misnamed.len() + outside.misnamed.len(),
        ledger.false_alarms.len() + outside.false_alarms.len(),
    );
    if !ledger.is_ok() || !recordings.undetected.is_empty() || !outside.is_ok() {
        bail!("the verifiers do not notice everything");
    }
    Ok(())
}
