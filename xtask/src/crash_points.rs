//! `cargo xtask crash-points`: Postern is stopped in the middle of rotations and of what is made for
//! sessions, everywhere that it can be, while answers get lost, come late or come twice.
//!
//! Three trials, each printing its own line:
//! - `kind=worker`: the product's worker on its own database, stopped at **every await** of a rotation in
//!   turn, by itself and repaired by another account, with passwords and with keys; whoever goes on is
//!   stopped as well. The target is in memory, so that what it does to answers is repeated exactly.
//! - `kind=provision`: the same from the opening of a session to its end, where policy has an account made
//!   for it; what was made must be gone after the next inventory.
//! - `kind=process`: the built server is killed in the middle of rotations against a real OpenSSH server.
//!
//! The state machine by itself is tried with every pair of faults at its first steps by
//! `cargo test -p postern-domain rotation`.

use anyhow::bail;

use crate::run::{cargo, root, show};

/// The trials: the package, and the names of its tests.
const TRIALS: [(&str, &[&str]); 2] = [
    ("postern-control", &["no_stop_anywhere_loses", "nothing_that_was_made_survives"]),
    ("postern-e2e", &["a_killed_server_goes_on"]),
];
const POINTS_MIN: u64 = 200;

/// What the trials counted.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counted {
    points: u64,
    secrets_lost: u64,
    lock_outs: u64,
    left_over: u64,
}

impl Counted {
    /// Adds what a line of a trial says, if it is one.
    fn add(&mut self, line: &str) {
        let Some(start) = line.find("points=") else { return };
        for (name, value) in line.get(start..).unwrap_or_default().split(' ').filter_map(|pair| pair.split_once('=')) {
            let Ok(value) = value.parse::<u64>() else { continue };
            match name {
                "points" => self.points += value,
                "secrets_lost" => self.secrets_lost += value,
                "lock_outs" => self.lock_outs += value,
                "left_over" => self.left_over += value,
                _ => {}
            }
        }
    }
}

/// Runs the trials and adds up what they counted.
pub(crate) fn run() -> anyhow::Result<()> {
    show(&cargo(), &["build", "--locked", "--quiet", "--package", "postern"], &root(), &mut |_| {})?;
    let mut counted = Counted::default();
    let mut done = Ok(());
    for (package, tests) in TRIALS {
        let mut arguments = vec!["test", "--locked", "--quiet", "--package", package, "--", "--nocapture"];
        arguments.extend(tests);
        done = done.and(show(&cargo(), &arguments, &root(), &mut |line| counted.add(line)));
    }
    let Counted { points, secrets_lost, lock_outs, left_over } = counted;
    println!("points={points} secrets_lost={secrets_lost} lock_outs={lock_outs} left_over={left_over}");
    if points < POINTS_MIN || secrets_lost + lock_outs + left_over > 0 {
        bail!("at least {POINTS_MIN} points must be tried, and nothing lost, locked out or left over");
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_trials_are_added_up() {
        let mut counted = Counted::default();
        counted.add("test x ... points=7 secrets_lost=1 lock_outs=0 kind=worker");
        counted.add("points=5 left_over=2 kind=provision");
        counted.add("running 3 tests");
        assert_eq!(counted, Counted { points: 12, secrets_lost: 1, lock_outs: 0, left_over: 2 });
    }
}
