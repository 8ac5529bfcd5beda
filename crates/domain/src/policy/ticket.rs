//! What a ticket must look like.

use regex::{Regex, RegexBuilder};

/// The longest pattern accepted, in bytes.
pub const PATTERN_LEN_MAX: usize = 256;
/// The longest ticket accepted, in bytes.
pub const TICKET_LEN_MAX: usize = 256;
const PROGRAM_SIZE_MAX: usize = 1 << 20;

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
