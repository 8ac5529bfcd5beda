//! `cargo xtask faults`: bad input and faults, each a real trial on the built product.
//!
//! The trials are end-to-end tests; this runs those, names each and counts.

use anyhow::bail;

use crate::run::{cargo, root, show};

/// The files of `tests/e2e/tests` whose tests are trials of bad input or faults.
const TRIALS: [&str; 4] = ["bad_input::", "bad_targets::", "durability::", "faults::"];

/// Runs the trials and says how many went wrong.
pub(crate) fn run() -> anyhow::Result<()> {
    show(&cargo(), &["build", "--locked", "--quiet", "--package", "postern"], &root(), &mut |_| {})?;
    let mut arguments = vec!["test", "--locked", "--package", "postern-e2e", "--test", "e2e", "--"];
    arguments.extend(TRIALS);
    let (mut tried, mut lost) = (0, 0);
    let ended = show(&cargo(), &arguments, &root(), &mut |line| match outcome(line) {
        Some(true) => tried += 1,
        Some(false) => (tried, lost) = (tried + 1, lost + 1),
        None => {}
    });
    println!("tried={tried} lost={lost}");
    if lost > 0 || tried == 0 {
        bail!("{lost} of {tried} trials went wrong");
    }
    ended
}

/// Whether a line is the result of a trial, and which.
fn outcome(line: &str) -> Option<bool> {
    let (name, result) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let is_trial = TRIALS.iter().any(|module| name.starts_with(module));
    is_trial.then_some(result.trim() == "ok")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_recognised() {
        assert_eq!(outcome("test faults::a_full_disk ... ok"), Some(true));
        assert_eq!(outcome("test bad_input::x ... FAILED"), Some(false));
        assert_eq!(outcome("test transcript::x ... ok"), None);
        assert_eq!(outcome("running 3 tests"), None);
    }
}
