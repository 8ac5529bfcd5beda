//! Statements of MySQL and MariaDB.
//!
//! The text is first made plain: comments are taken out, and what only some versions read as a comment
//! is not understood. Then it is taken apart and judged as PostgreSQL's are.

mod kind;
mod lex;

use postern_domain::statement::{NotUnderstood, StatementFacts, TableName};
use sqlparser::dialect::MySqlDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

use crate::{TEXT_LEN_MAX, redact, split};

/// What each of the statements in a query does, in their order; none for an empty query. `database` is
/// the one that names without one are in.
///
/// # Errors
/// When a statement is not understood.
pub fn mysql(text: &[u8], database: Option<&str>) -> Result<Vec<StatementFacts>, NotUnderstood> {
    if text.len() > TEXT_LEN_MAX {
        return Err(NotUnderstood(format!("it is longer than {TEXT_LEN_MAX} bytes")));
    }
    let text = str::from_utf8(text).map_err(|_| NotUnderstood("it is not UTF-8".to_owned()))?;
    let plain = lex::plain(text)?;
    let tokens = Tokenizer::new(&MySqlDialect {}, &plain)
        .tokenize()
        .map_err(|error| NotUnderstood(format!("it has no tokens: {}", error.message)))?;
    if tokens.len() > split::TOKENS_MAX {
        return Err(NotUnderstood("it has too many tokens".to_owned()));
    }
    // The database reads `1.from` as a number and a word.
    let goes_on =
        |token: &Token| matches!(token, Token::Word(word) if word.quote_style.is_none() && word.value.contains('.'));
    if tokens.iter().any(goes_on) {
        return Err(NotUnderstood("a number that goes on as a name: write a blank between them".to_owned()));
    }
    let pieces = split::pieces(tokens)?;
    let mut found = pieces.iter().map(|piece| kind::facts(piece)).collect::<Result<Vec<_>, _>>()?;
    let changes_database = |facts: &StatementFacts| facts.settings.contains(kind::DATABASE);
    if found.len() > 1 && found.iter().any(changes_database) {
        return Err(NotUnderstood("send USE by itself".to_owned()));
    }
    for facts in &mut found {
        facts.settings.remove(kind::DATABASE);
        place(facts, database);
    }
    Ok(found)
}

/// The database that a text which is nothing but `USE` asks for.
#[must_use]
pub fn mysql_use(text: &[u8]) -> Option<String> {
    let plain = lex::plain(str::from_utf8(text).ok()?).ok()?;
    let tokens = Tokenizer::new(&MySqlDialect {}, &plain).tokenize().ok()?;
    match split::pieces(tokens).ok()?.as_slice() {
        [piece] => match piece.as_slice() {
            [Token::Word(first), Token::Word(name)] if first.value.eq_ignore_ascii_case("use") => {
                Some(name.value.clone())
            }
            _ => None,
        },
        _ => None,
    }
}

/// The connection that a text which is nothing but `KILL` names, and whether only what runs there is to
/// end.
#[must_use]
pub fn mysql_kill(text: &[u8]) -> Option<(u32, bool)> {
    if !text.trim_ascii_start().get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"kill")) {
        return None;
    }
    let plain = lex::plain(str::from_utf8(text).ok()?).ok()?;
    let tokens = Tokenizer::new(&MySqlDialect {}, &plain).tokenize().ok()?;
    let pieces = split::pieces(tokens).ok()?;
    let [piece] = pieces.as_slice() else { return None };
    let (last, words) = piece.split_last()?;
    let Token::Number(number, _) = last else { return None };
    let words: Option<Vec<_>> = words
        .iter()
        .map(|token| match token {
            Token::Word(word) => Some(word.value.to_lowercase()),
            _ => None,
        })
        .collect();
    let words = words?;
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|word| !matches!(*word, "hard" | "soft")).collect();
    let query = match words.as_slice() {
        ["kill"] | ["kill", "connection"] => false,
        ["kill", "query"] => true,
        _ => return None,
    };
    Some((number.parse().ok()?, query))
}

/// Says of each table without a database which it is in.
fn place(facts: &mut StatementFacts, database: Option<&str>) {
    let Some(database) = database else { return };
    let accesses = std::mem::take(&mut facts.accesses);
    facts.accesses = accesses
        .into_iter()
        .map(|mut access| {
            if let Some(TableName { schema: schema @ None, .. }) = &mut access.table {
                *schema = Some(database.to_lowercase());
            }
            access
        })
        .collect();
}

/// The text without the passwords in it, where there could be any: all texts after the words
/// `IDENTIFIED` and `PASSWORD` are asterisks. What cannot be taken apart loses everything after the word.
#[must_use]
pub fn mysql_redacted(text: &str) -> Option<String> {
    lex::redacted(text)
}

/// What the text looks like without its literals, on one line; none where it has no tokens.
#[must_use]
pub fn mysql_shape(text: &str) -> Option<String> {
    redact::shape_in(&MySqlDialect {}, &lex::plain(text).ok()?)
}
