//! The query language: words, "phrases", and `field:value`.

use postern_domain::Timestamp;

use crate::words::{Field, joined, words};

/// The longest query, in characters.
const QUERY_LEN_MAX: usize = 500;
/// The most things that one query asks for.
const CLAUSES_MAX: usize = 10;
/// What is told to somebody who names a field that there is none of.
const FIELDS: &str = "user, asset, account, protocol, reason, ticket, since, until, file, command, host, table, \
                      statement";

/// Something that a recording must hold. Texts are in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clause {
    /// These words, one after the other, in a line, a command or a statement.
    Text(String),
    /// This in a field.
    Field(Field, String),
}

impl Clause {
    /// The words and forms that a slice must have for it to hold this.
    pub(crate) fn terms(&self) -> Vec<(Option<Field>, String)> {
        let mut terms = Vec::new();
        match self {
            Self::Text(text) => {
                words(text, |word| terms.push((None, word.to_owned())));
                joined(text, |form| terms.push((None, form.to_owned())));
            }
            Self::Field(field @ (Field::Command | Field::Statement), text) => {
                words(text, |word| terms.push((Some(*field), word.to_owned())));
                // Commands and statements are text, too.
                joined(text, |form| terms.push((None, form.to_owned())));
            }
            Self::Field(Field::File, path) => terms.push((Some(Field::File), crate::words::trimmed(path).to_owned())),
            Self::Field(field, name) => terms.push((Some(*field), name.clone())),
        }
        terms
    }
}

/// What was asked for. All of it must be so of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// What its recording must hold.
    pub clauses: Vec<Clause>,
    /// Whose it was.
    pub user: Option<String>,
    /// On which asset.
    pub asset: Option<String>,
    /// On which account: `root` or `root@web-1`.
    pub account: Option<String>,
    /// By which protocol.
    pub protocol: Option<String>,
    /// What the reason must contain, in lower case.
    pub reasons: Vec<String>,
    /// For which ticket.
    pub ticket: Option<String>,
    /// Begun not before.
    pub since: Option<Timestamp>,
    /// Begun before.
    pub until: Option<Timestamp>,
}

/// What is wrong with a query, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {remedy}")]
pub struct QueryError {
    /// The part that is meant: `q`, or a field.
    pub field: &'static str,
    /// What to do.
    pub remedy: String,
}

fn wrong<T>(field: &'static str, remedy: impl Into<String>) -> Result<T, QueryError> {
    Err(QueryError { field, remedy: remedy.into() })
}

impl Query {
    /// Reads a query; `now` is what `since:7d` is counted from.
    ///
    /// # Errors
    /// When it is empty, too long, or names a field that there is none of.
    pub fn parse(text: &str, now: Timestamp) -> Result<Self, QueryError> {
        if text.chars().count() > QUERY_LEN_MAX {
            return wrong("q", format!("give at most {QUERY_LEN_MAX} characters"));
        }
        let mut query = Self::default();
        let parts = parts(text)?;
        if parts.is_empty() {
            return wrong("q", "say what to look for: a word, a \"phrase\", or a field as in file:/etc/shadow");
        }
        if parts.len() > CLAUSES_MAX {
            return wrong("q", format!("ask for at most {CLAUSES_MAX} things at once"));
        }
        for Part { field, value } in parts {
            query.part(field.as_deref(), value, now)?;
        }
        Ok(query)
    }

    fn part(&mut self, field: Option<&str>, value: String, now: Timestamp) -> Result<(), QueryError> {
        match field {
            None => return self.clause("q", None, &value),
            Some("file") => return self.clause("file", Some(Field::File), &value),
            Some("command") => return self.clause("command", Some(Field::Command), &value),
            Some("host") => return self.clause("host", Some(Field::Host), &value),
            Some("table") => return self.clause("table", Some(Field::Table), &value),
            Some("statement") => return self.clause("statement", Some(Field::Statement), &value),
            Some("user") => once("user", &mut self.user, value)?,
            Some("asset") => once("asset", &mut self.asset, value)?,
            Some("account") => once("account", &mut self.account, value)?,
            Some("protocol") => once("protocol", &mut self.protocol, value)?,
            Some("ticket") => once("ticket", &mut self.ticket, value)?,
            Some("reason") => self.reasons.push(value.to_lowercase()),
            Some("since") => once("since", &mut self.since, moment("since", &value, now)?)?,
            Some("until") => once("until", &mut self.until, moment("until", &value, now)?)?,
            Some(other) => {
                return wrong(
                    "q",
                    format!(
                        "there is no field {other:?}: use one of {FIELDS}; to look for the text, put it in quotation marks"
                    ),
                );
            }
        }
        Ok(())
    }

    fn clause(&mut self, name: &'static str, field: Option<Field>, value: &str) -> Result<(), QueryError> {
        let lower = value.trim().to_lowercase();
        let clause = match field {
            Some(field) => Clause::Field(field, lower),
            None => Clause::Text(lower),
        };
        if clause.terms().iter().all(|(_, word)| word.is_empty()) {
            return wrong(name, format!("{value:?} has no word of two letters or more; give one"));
        }
        if !self.clauses.contains(&clause) {
            self.clauses.push(clause);
        }
        Ok(())
    }
}

fn once<T>(field: &'static str, place: &mut Option<T>, value: T) -> Result<(), QueryError> {
    if place.replace(value).is_some() { wrong(field, "give it once only") } else { Ok(()) }
}

/// A point in time: a date, a date with a time, or how long ago.
fn moment(field: &'static str, value: &str, now: Timestamp) -> Result<Timestamp, QueryError> {
    let remedy = "give a date such as 2026-11-26, a time such as 2026-11-26T08:00:00Z, or how long ago: 12h, 7d, 2w";
    if let Ok(date) = value.parse::<jiff::civil::Date>() {
        let begins = jiff::tz::TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0));
        let begins = begins.map_err(|_| QueryError { field, remedy: remedy.into() })?;
        return Ok(Timestamp::from_millis(begins.as_millisecond()));
    }
    if let Ok(time) = value.parse::<jiff::Timestamp>() {
        return Ok(Timestamp::from_millis(time.as_millisecond()));
    }
    let ago = |unit_ms: i64, count: &str| {
        let count = count.parse::<u32>().ok()?;
        now.as_millis().checked_sub(unit_ms.checked_mul(i64::from(count))?).map(Timestamp::from_millis)
    };
    const HOUR_MS: i64 = 3_600_000;
    let units = [("m", HOUR_MS / 60), ("h", HOUR_MS), ("d", 24 * HOUR_MS), ("w", 7 * 24 * HOUR_MS)];
    let found = units.iter().find_map(|(unit, ms)| ago(*ms, value.strip_suffix(unit)?));
    found.map_or_else(|| wrong(field, remedy), Ok)
}

struct Part {
    field: Option<String>,
    value: String,
}

/// Cuts a query at its blanks; what stands in quotation marks stays together.
fn parts(text: &str) -> Result<Vec<Part>, QueryError> {
    let mut parts = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic() && c != '_').unwrap_or(rest.len());
        let (name, after) = rest.split_at(letters);
        let (field, value) = match after.strip_prefix(':') {
            // An address such as http://web-1 is text.
            Some(value) if !name.is_empty() && !value.starts_with("//") => (Some(name.to_ascii_lowercase()), value),
            _ => (None, rest),
        };
        let (value, left) = match value.strip_prefix('"') {
            Some(quoted) => match quoted.split_once('"') {
                Some(split) => split,
                None => return wrong("q", "a quotation mark is not closed: put another one where the phrase ends"),
            },
            None => value.split_at(value.find(char::is_whitespace).unwrap_or(value.len())),
        };
        if value.trim().is_empty() {
            return wrong(
                "q",
                match field {
                    Some(field) => format!("say what to look for after {field}:, without a blank between them"),
                    None => "write something between the quotation marks".to_owned(),
                },
            );
        }
        parts.push(Part { field, value: value.to_owned() });
        rest = left.trim_start();
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Result<Query, QueryError> {
        Query::parse(text, Timestamp::from_millis(1_800_000_000_000))
    }

    #[test]
    fn words_phrases_and_fields_are_told_apart() {
        let query =
            parsed(r#"Error "Permission denied" file:/etc/Shadow command:"rm -rf" user:ada since:1d http://web-1/x"#)
                .unwrap();
        assert_eq!(
            query.clauses,
            [
                Clause::Text("error".to_owned()),
                Clause::Text("permission denied".to_owned()),
                Clause::Field(Field::File, "/etc/shadow".to_owned()),
                Clause::Field(Field::Command, "rm -rf".to_owned()),
                Clause::Text("http://web-1/x".to_owned()),
            ]
        );
        assert_eq!(
            (query.user.as_deref(), query.since),
            (Some("ada"), Some(Timestamp::from_millis(1_799_913_600_000)))
        );
    }

    #[test]
    fn what_cannot_be_answered_says_what_to_write() {
        for (text, field, part) in [
            ("", "q", "say what to look for"),
            ("\"open", "q", "not closed"),
            ("owner:ada", "q", "no field \"owner\""),
            ("user: ada", "q", "without a blank"),
            ("since:yesterday", "since", "2026-11-26"),
            ("user:a user:b", "user", "once only"),
            ("- .", "q", "two letters"),
        ] {
            let error = parsed(text).unwrap_err();
            assert!(error.field == field && error.remedy.contains(part), "{text:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_typed_breaks_it(text in "[a-z:\" /.\\-ü]{0,60}") {
            if let Ok(query) = parsed(&text) {
                prop_assert!(query.clauses.iter().all(|clause| !clause.terms().is_empty()));
            }
        }
    }
}
