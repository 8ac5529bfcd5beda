//! What a rule compares with, in words.

use crate::baseline::{KNOWN_MIN, VOLUME_MIN, VOLUME_TIMES};
use crate::rule::{Rule, Unusual, Within};

const MB: u64 = 1_000_000;
const MIB: u64 = 1024 * 1024;

impl Rule {
    /// How often it must see something, and what it takes as usual: a sentence each; none for a rule that finds
    /// whatever matches.
    #[must_use]
    pub fn basis(&self) -> Vec<String> {
        self.within.as_ref().map(counted).into_iter().chain(self.unusual.map(usual)).collect()
    }
}

fn counted(within: &Within) -> String {
    let Within { seconds, count, by, distinct, sum } = within;
    let what = match (distinct.as_deref(), sum.as_deref()) {
        (Some(of), _) => format!("at least {count} different {of}s are seen"),
        (None, Some("bytes")) if *count >= MB => format!("at least {} MB add up", count / MB),
        (None, Some(of)) => format!("at least {count} {of} add up"),
        (None, None) if *count == 1 => "it is seen once".to_owned(),
        (None, None) => format!("it is seen at least {count} times"),
    };
    let whom = if by.is_empty() { String::new() } else { format!(" for the same {}", by.join(" and ")) };
    format!("It finds something once {what} within {}{whom}.", lasting(*seconds))
}

fn lasting(seconds: u32) -> String {
    let (n, unit) = match seconds {
        s if s % 3600 == 0 => (s / 3600, "hour"),
        s if s % 60 == 0 => (s / 60, "minute"),
        s => (s, "second"),
    };
    format!("{n} {unit}{}", if n == 1 { "" } else { "s" })
}

fn usual(unusual: Unusual) -> String {
    let known = format!("Before {KNOWN_MIN} sessions are known, nothing is unusual.");
    let basis = match unusual {
        Unusual::Hour => {
            "Usual are the hours, in UTC, in which the person has opened sessions before, and the hour before and after each."
        }
        Unusual::Source => "Usual are the addresses that the person has come from before.",
        Unusual::Target => "Usual are the accounts that the person has used before.",
        Unusual::User => "Usual are the people who have used the account before.",
        Unusual::Volume => {
            return format!(
                "Usual is what sessions on the account move out in the mean; unusual is {VOLUME_TIMES} times that, and at least {} MiB. {known}",
                VOLUME_MIN / MIB
            );
        }
    };
    format!("{basis} {known}")
}

#[cfg(test)]
mod tests;
