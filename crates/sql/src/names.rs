//! Names in the spelling that the database knows them by.

use postern_domain::statement::TableName;
use sqlparser::ast::{Expr, Ident, ObjectName};
use sqlparser::tokenizer::{Token, Word};

/// The longest name, in bytes; the database cuts longer ones off.
const NAME_LEN_MAX: usize = 63;

fn canonical(text: &str, quoted: bool) -> String {
    let mut text = if quoted { text.to_owned() } else { text.to_ascii_lowercase() };
    let mut end = text.len().min(NAME_LEN_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

/// A word as a name.
pub(crate) fn of_word(word: &Word) -> String {
    canonical(&word.value, word.quote_style.is_some())
}

/// A part of a name.
pub(crate) fn of_ident(ident: &Ident) -> String {
    canonical(&ident.value, ident.quote_style.is_some())
}

/// A table's name; none where it is made by a function.
pub(crate) fn of_object(name: &ObjectName) -> Option<TableName> {
    let mut parts = name.0.iter().rev().map(|part| part.as_ident().map(of_ident));
    let name = parts.next()??;
    let schema = match parts.next() {
        None => None,
        Some(part) => Some(part?),
    };
    Some(TableName { schema, name })
}

/// A table's name that stands where an expression could; none where it is no name.
pub(crate) fn of_expression(expression: &Expr) -> Option<TableName> {
    match expression {
        Expr::Identifier(name) => Some(TableName { schema: None, name: of_ident(name) }),
        Expr::CompoundIdentifier(parts) => {
            let [.., schema, name] = parts.as_slice() else { return None };
            Some(TableName { schema: Some(of_ident(schema)), name: of_ident(name) })
        }
        _ => None,
    }
}

/// The dotted name that tokens begin with, and how many of them it is.
pub(crate) fn leading(tokens: &[Token]) -> Option<(TableName, usize)> {
    let word = |at: usize| match tokens.get(at) {
        Some(Token::Word(word)) => Some(of_word(word)),
        _ => None,
    };
    let (mut schema, mut name, mut used) = (None, word(0)?, 1);
    while tokens.get(used) == Some(&Token::Period) {
        schema = Some(std::mem::replace(&mut name, word(used + 1)?));
        used += 2;
    }
    Some((TableName { schema, name }, used))
}
