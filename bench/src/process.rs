//! What the system says of a process.

use std::fs;

use anyhow::Context as _;

/// Clock ticks in a second, as `/proc/PID/stat` counts them on Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// The processor seconds that a process has used, its own and the system's for it.
pub(crate) fn cpu_seconds(id: u32) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The name, in brackets, may hold anything.
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |index: usize| -> anyhow::Result<f64> { Ok(fields.get(index).context("no such field")?.parse()?) };
    Ok((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND)
}

/// The resident memory of a process, in KiB.
pub(crate) fn resident_kib(id: u32) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("no VmRSS")?;
    Ok(line.split_ascii_whitespace().nth(1).context("no figure")?.parse()?)
}
