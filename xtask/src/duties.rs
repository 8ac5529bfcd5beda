//! `cargo xtask duties`: ways in which people could let themselves do more, each tried on the built product.

use anyhow::{Context as _, ensure};

use crate::run::counted;

/// How many ways must be tried.
const ATTEMPTS_MIN: usize = 40;

/// Tries them and says how many succeeded.
pub(crate) fn run() -> anyhow::Result<()> {
    let line = counted(&["postern"], "duties::", "attempts=")?;
    let (attempts, succeeded) = counts(&line).context("the trial ended without a count")?;
    ensure!(attempts >= ATTEMPTS_MIN && succeeded == 0, "{succeeded} of {attempts} attempts succeeded");
    Ok(())
}

fn counts(line: &str) -> Option<(usize, usize)> {
    let (attempts, succeeded) = line.trim().strip_prefix("attempts=")?.split_once(" succeeded=")?;
    Some((attempts.parse().ok()?, succeeded.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_recognised() {
        assert_eq!(counts("attempts=41 succeeded=0"), Some((41, 0)));
        assert_eq!(counts("test duties::x ... ok"), None);
    }
}
