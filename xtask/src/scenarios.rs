//! `cargo xtask scenarios`: attacks and ordinary work acted out through the built product.

use anyhow::{Context as _, ensure};

use crate::run::counted;

/// How many attacks must be acted out.
const ATTACKS_MIN: usize = 30;

/// Acts them out; every attack must be caught in time, and ordinary work raise no alert.
pub(crate) fn run() -> anyhow::Result<()> {
    let line = counted(&["postern"], "scenarios::", "attacks=")?;
    let number = |name: &str| number(&line, name).with_context(|| format!("the trial ended without {name}"));
    let (attacks, caught, in_time) = (number("attacks")?, number("caught")?, number("in_time")?);
    let false_alerts = number("false_alerts")?;
    ensure!(attacks >= ATTACKS_MIN, "only {attacks} attacks were acted out");
    ensure!(caught == attacks && in_time == attacks, "{caught} of {attacks} were caught, {in_time} in time");
    ensure!(false_alerts == 0, "ordinary work raised {false_alerts} alerts");
    Ok(())
}

fn number(line: &str, name: &str) -> Option<usize> {
    line.split_whitespace().find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_are_recognised() {
        let line = "attacks=36 caught=36 in_time=35 ordinary_hours=8 false_alerts=0 precision=1.000 recall=1.000";
        assert_eq!(
            (number(line, "attacks"), number(line, "in_time"), number(line, "missed")),
            (Some(36), Some(35), None)
        );
    }
}
