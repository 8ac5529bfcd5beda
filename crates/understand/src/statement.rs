//! Statements: their whole text, what they do by their first words, the tables that they name.

use std::borrow::Cow;

use postern_wire::recording::{Statement, StatementEnd, StatementOutcome, StatementText};

use crate::deed::{Moved, StatementDone};
use crate::known::Known;
use crate::session::shortened;
use crate::tables::tables;
use crate::{DeedKind, mask};

/// How much of a statement's text is put together; gateways refuse longer ones where rules are.
const WHOLE_LEN_MAX: usize = 4 * 1024 * 1024;
/// Words that say what is done only with the one that follows.
const PAIRED: [&str; 11] =
    ["create", "drop", "alter", "grant", "revoke", "set", "config", "acl", "reset", "load", "lock"];
/// The longest word that is told of a statement by itself, in characters.
const VERB_CHARS_MAX: usize = 64;

/// Puts the parts of a statement's text together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statements {
    /// The one whose text is still to come.
    waiting: Option<(u64, u64, Vec<u8>)>,
    known: Known,
}

/// What a text tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// Without secrets, and not too long.
    text: String,
    verb: String,
    tables: Vec<String>,
    /// There was a secret in it.
    pub(crate) masked: bool,
}

impl Statements {
    /// A statement begins; tells it where its text is whole, and the one before it where that never was.
    /// Whether it was left out, being dull.
    pub(crate) fn begin(
        &mut self,
        statement: &Statement<'_>,
        dull: impl FnOnce(DeedKind) -> bool,
        tell: &mut dyn FnMut(DeedKind),
    ) -> bool {
        self.finish().into_iter().for_each(&mut *tell);
        let number = statement.statement;
        if u64::try_from(statement.text.len()).unwrap_or(u64::MAX) < statement.text_bytes {
            self.waiting = Some((number, statement.text_bytes, statement.text.to_vec()));
            return false;
        }
        let told = self.known.told(&statement.text, told, |told| dull(deed(number, told.clone())));
        let is_dull = told.is_none();
        told.into_iter().for_each(|told| tell(deed(number, told)));
        is_dull
    }

    pub(crate) fn nothing_is_dull(&mut self) {
        self.known.wake();
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
        self.waiting.take().map(|(number, _, text)| deed(number, told(&text)))
    }
}

/// A statement of which only the text is known, masked and taken apart.
#[must_use]
pub fn statement(text: &str) -> DeedKind {
    deed(0, told(text.as_bytes()))
}

fn deed(number: u64, told: Told) -> DeedKind {
    let Told { text, verb, tables, .. } = told;
    DeedKind::Statement { number, text, verb, tables }
}

/// What a text tells.
pub(crate) fn told(text: &[u8]) -> Told {
    let text = String::from_utf8_lossy(text);
    let masked = mask(&text);
    let changed = matches!(masked, Cow::Owned(_));
    let (verb, tables) = (verb(&masked), tables(&masked));
    Told { verb, tables, text: shortened(masked.into_owned()), masked: changed }
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
    let mut words = rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty());
    let mut verb = words.next().map(str::to_lowercase).unwrap_or_default();
    if let Some(second) = words.next().filter(|_| PAIRED.contains(&verb.as_str())) {
        verb.push(' ');
        verb.push_str(&second.to_lowercase());
        return verb;
    }
    if let Some((end, _)) = verb.char_indices().nth(VERB_CHARS_MAX) {
        verb.truncate(end);
    }
    verb
}

/// How a statement ended.
pub(crate) fn ended(end: &StatementEnd<'_>) -> StatementDone {
    let outcome = match end.outcome {
        StatementOutcome::Done => "done",
        StatementOutcome::Failed => "failed",
        StatementOutcome::Refused => "refused",
        StatementOutcome::Skipped => "skipped",
        StatementOutcome::Unknown => "unknown",
    };
    StatementDone {
        number: end.statement,
        outcome: outcome.into(),
        rows: end.rows,
        moved: Moved { bytes_in: end.bytes_in, bytes_out: end.bytes_out },
        tag: end.tag.to_string(),
        code: end.code.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verb_and_tables(text: &str) -> (String, Vec<String>) {
        match statement(text) {
            DeedKind::Statement { verb, tables, .. } => (verb, tables),
            _ => (String::new(), Vec::new()),
        }
    }

    #[test]
    fn a_statement_says_what_it_does_and_to_what() {
        assert_eq!(
            verb_and_tables("/* x */ -- y\n select * from public.customer c join \"Order\" o on true").0,
            "select"
        );
        assert_eq!(verb_and_tables("select * from public.customer c join \"Order\" o").1, ["public.customer", "order"]);
        assert_eq!(
            verb_and_tables("drop table if exists `shop`.`customer`"),
            ("drop table".into(), vec!["shop.customer".into()])
        );
        assert_eq!(verb_and_tables("copy customer to stdout").1, ["customer"]);
        assert_eq!(verb_and_tables("FLUSHALL").0, "flushall");
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
        statements.begin(&begun, |_| false, &mut |told| panic!("{told:?} is not whole"));
        let more = StatementText { statement: 3, text: b"ssword 'hunter2'".as_slice().into() };
        let Some(DeedKind::Statement { text, .. }) = statements.more(&more) else { panic!("it is whole") };
        assert!(!text.contains("hunter2"), "{text}");
    }
}
