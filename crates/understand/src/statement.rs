//! Statements: their whole text, what they do by their first words, the tables that they name.

use postern_wire::recording::{Statement, StatementEnd, StatementOutcome, StatementText};

use crate::deed::{Moved, StatementDone};
use crate::tables::tables;
use crate::{DeedKind, mask};

/// How much of a statement's text is put together; gateways refuse longer ones where rules are.
const WHOLE_LEN_MAX: usize = 4 * 1024 * 1024;

/// Puts the parts of a statement's text together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statements {
    /// The one whose text is still to come.
    waiting: Option<(u64, u64, Vec<u8>)>,
}

impl Statements {
    /// A statement begins; gives it where its text is whole, and the one before it where that never was.
    pub(crate) fn begin(&mut self, statement: &Statement<'_>) -> Vec<DeedKind> {
        let mut told: Vec<_> = self.finish().into_iter().collect();
        if u64::try_from(statement.text.len()).unwrap_or(u64::MAX) >= statement.text_bytes {
            told.push(deed(statement.statement, &statement.text));
        } else {
            self.waiting = Some((statement.statement, statement.text_bytes, statement.text.to_vec()));
        }
        told
    }

    /// More of the text; gives the statement when it is whole.
    pub(crate) fn more(&mut self, more: &StatementText<'_>) -> Option<DeedKind> {
        let (number, bytes, text) = self.waiting.as_mut()?;
        if *number != more.statement {
            return None;
        }
        let room = WHOLE_LEN_MAX.saturating_sub(text.len());
        text.extend(more.text.iter().take(room));
        let whole = u64::try_from(text.len()).unwrap_or(u64::MAX) >= *bytes || text.len() >= WHOLE_LEN_MAX;
        if whole { self.finish() } else { None }
    }

    /// The statement whose text goes no further.
    pub(crate) fn finish(&mut self) -> Option<DeedKind> {
        self.waiting.take().map(|(number, _, text)| deed(number, &text))
    }
}

/// A statement of which only the text is known, masked and taken apart.
#[must_use]
pub fn statement(text: &str) -> DeedKind {
    deed(0, text.as_bytes())
}

fn deed(number: u64, text: &[u8]) -> DeedKind {
    let text = String::from_utf8_lossy(text);
    let masked = mask(&text);
    let tables = tables(&masked);
    DeedKind::Statement { number, verb: verb(&masked), tables, text: crate::session::shortened(masked.into_owned()) }
}

/// The first words that say what a statement does; comments before them do not count.
fn verb(text: &str) -> String {
    let mut rest = text.trim_start_matches(|c: char| c.is_whitespace() || c == '(' || c == ';');
    loop {
        let before = rest;
        if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, after)| after).trim_start();
        } else if rest.starts_with("--") || rest.starts_with('#') {
            rest = rest.split_once('\n').map_or("", |(_, after)| after).trim_start();
        }
        if rest == before {
            break;
        }
    }
    let words: Vec<String> = rest
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty())
        .take(2)
        .map(str::to_lowercase)
        .collect();
    match words.as_slice() {
        [first, second]
            if ["create", "drop", "alter", "grant", "revoke", "set", "config", "acl", "reset", "load", "lock"]
                .contains(&first.as_str()) =>
        {
            format!("{first} {second}")
        }
        [first, ..] => first.chars().take(64).collect(),
        [] => String::new(),
    }
}

/// How a statement ended.
pub(crate) fn ended(end: &StatementEnd<'_>) -> DeedKind {
    let outcome = match end.outcome {
        StatementOutcome::Done => "done",
        StatementOutcome::Failed => "failed",
        StatementOutcome::Refused => "refused",
        StatementOutcome::Skipped => "skipped",
        StatementOutcome::Unknown => "unknown",
    };
    DeedKind::StatementEnd(StatementDone {
        number: end.statement,
        outcome: outcome.to_owned(),
        rows: end.rows,
        moved: Moved { bytes_in: end.bytes_in, bytes_out: end.bytes_out },
        tag: end.tag.to_string(),
        code: end.code.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> (String, Vec<String>) {
        match deed(1, text.as_bytes()) {
            DeedKind::Statement { verb, tables, .. } => (verb, tables),
            _ => (String::new(), Vec::new()),
        }
    }

    #[test]
    fn a_statement_says_what_it_does_and_to_what() {
        assert_eq!(told("/* x */ -- y\n select * from public.customer c join \"Order\" o on true").0, "select");
        assert_eq!(told("select * from public.customer c join \"Order\" o").1, ["public.customer", "order"]);
        assert_eq!(told("drop table if exists `shop`.`customer`"), ("drop table".into(), vec!["shop.customer".into()]));
        assert_eq!(told("copy customer to stdout").1, ["customer"]);
        assert_eq!(told("FLUSHALL").0, "flushall");
    }

    #[test]
    fn text_that_comes_in_parts_is_told_whole() {
        let mut statements = Statements::default();
        let begun = Statement {
            statement: 3,
            text_bytes: 18,
            text: b"alter role a pa".as_slice().into(),
            ..Statement::default()
        };
        assert_eq!(statements.begin(&begun), []);
        let more = StatementText { statement: 3, text: b"ssword 'hunter2'".as_slice().into() };
        let Some(DeedKind::Statement { text, .. }) = statements.more(&more) else { panic!("it is whole") };
        assert!(!text.contains("hunter2"), "{text}");
    }
}
