//! What a ticket must look like, and how it must stand.

use std::collections::BTreeSet;

use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The longest pattern accepted, in bytes.
pub const PATTERN_LEN_MAX: usize = 256;
/// The longest ticket accepted, in bytes.
pub const TICKET_LEN_MAX: usize = 256;
const PROGRAM_SIZE_MAX: usize = 1 << 20;

/// How many states a condition may name.
pub const STATES_MAX: usize = 20;

/// The longest state, in characters; of longer ones that a ticket system tells only so much is known.
pub const STATE_LEN_MAX: usize = 40;

/// How a ticket must stand: it exists, names the asset, and is in one of these states.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketCondition {
    /// The states, as the ticket system calls them, compared without case.
    pub states: BTreeSet<String>,
}

/// What is known of how a ticket stands that exists and names the asset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TicketStands<'a> {
    /// Nothing: there is none, or it is not known to be about the asset.
    #[default]
    Unknown,
    /// In this state.
    In(&'a str),
    /// As is wanted: where the past is asked again, of which nobody knows it any more.
    AsWanted,
}

impl TicketCondition {
    /// Whether it holds for a ticket that stands so.
    #[must_use]
    pub fn holds(&self, stands: TicketStands<'_>) -> bool {
        match stands {
            TicketStands::Unknown => false,
            TicketStands::AsWanted => true,
            TicketStands::In(state) => self.folded().contains(&fold(state)),
        }
    }

    /// Whether every ticket for which `narrow` holds, it holds for too.
    #[must_use]
    pub fn covers(&self, narrow: &Self) -> bool {
        self.folded().is_superset(&narrow.folded())
    }

    /// The states, for people.
    #[must_use]
    pub fn words(&self) -> String {
        self.states.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
    }

    fn folded(&self) -> BTreeSet<String> {
        self.states.iter().map(|state| fold(state)).collect()
    }
}

fn fold(state: &str) -> String {
    state.trim().to_lowercase()
}

/// Why a pattern cannot be used. A policy with such a pattern lets nobody ask.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    /// Too long.
    #[error("the pattern is longer than {PATTERN_LEN_MAX} bytes")]
    TooLong,
    /// Not a regular expression, or one that needs too much memory.
    #[error("not a regular expression that can be used: {0}")]
    Syntax(String),
}

/// Compiles `pattern` so that it must match the whole of a ticket.
///
/// # Errors
/// When it is too long, too large or not a regular expression.
pub fn compile(pattern: &str) -> Result<Regex, InvalidPattern> {
    if pattern.len() > PATTERN_LEN_MAX {
        return Err(InvalidPattern::TooLong);
    }
    let build = |text: &str| {
        RegexBuilder::new(text)
            .size_limit(PROGRAM_SIZE_MAX)
            .dfa_size_limit(PROGRAM_SIZE_MAX)
            .build()
            .map_err(|error| InvalidPattern::Syntax(last_line(&error.to_string())))
    };
    // By itself first: `a)|(b` is no pattern, and would escape the anchors.
    build(pattern)?;
    build(&format!(r"\A(?:{pattern})\z"))
}

fn last_line(text: &str) -> String {
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

/// Whether `ticket` looks as `pattern` demands; never when the pattern cannot be used.
#[must_use]
pub fn fits(pattern: &str, ticket: &str) -> bool {
    ticket.len() <= TICKET_LEN_MAX && compile(pattern).is_ok_and(|regex| regex.is_match(ticket))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wants(states: &[&str]) -> TicketCondition {
        TicketCondition { states: states.iter().map(|state| (*state).to_owned()).collect() }
    }

    #[test]
    fn states_are_compared_without_case_and_an_unknown_one_is_none() {
        let wanted = wants(&["Implement", "Scheduled"]);
        assert!(wanted.holds(TicketStands::In("implement")) && wanted.holds(TicketStands::In(" SCHEDULED ")));
        assert!(!wanted.holds(TicketStands::In("Closed")) && !wanted.holds(TicketStands::Unknown));
        assert!(wants(&["Implement"]).holds(TicketStands::AsWanted));
        assert!(wanted.covers(&wants(&["IMPLEMENT"])) && !wants(&["IMPLEMENT"]).covers(&wanted));
    }
}
