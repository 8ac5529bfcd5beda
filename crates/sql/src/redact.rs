//! Texts without what must not be kept.

use std::fmt::Write as _;

use sqlparser::dialect::{Dialect, PostgreSqlDialect};
use sqlparser::tokenizer::{Token, Tokenizer};

use crate::find::find;

/// The longest shape.
const SHAPE_LEN_MAX: usize = 1000;

/// The text with three asterisks in place of each literal after the word `PASSWORD`; none where there
/// is none to be replaced. What has no tokens loses everything after the word.
#[must_use]
pub fn redacted(text: &str) -> Option<String> {
    const WORD: &[u8] = b"password";
    let found = find(text.as_bytes(), WORD)?;
    let Ok(tokens) = Tokenizer::new(&PostgreSqlDialect {}, text).with_unescape(false).tokenize() else {
        return Some(format!("{}***", text.get(..found + WORD.len()).unwrap_or_default()));
    };
    let (mut out, mut replaced, mut after_word) = (String::with_capacity(text.len()), false, false);
    for token in &tokens {
        match token {
            Token::Whitespace(_) | Token::Eq => {}
            Token::Word(word) if word.value.eq_ignore_ascii_case("password") => after_word = true,
            _ if after_word && is_text(token) => {
                out.push_str("'***'");
                (replaced, after_word) = (true, false);
                continue;
            }
            _ => after_word = false,
        }
        // Writing to a string does not fail.
        let _ = write!(out, "{token}");
    }
    replaced.then_some(out)
}

/// What the text looks like without its literals, on one line: for the ledger, which is not sealed.
/// None where it has no tokens.
#[must_use]
pub fn shape(text: &str) -> Option<String> {
    shape_in(&PostgreSqlDialect {}, text)
}

/// The same in the grammar of this database.
pub(crate) fn shape_in(dialect: &dyn Dialect, text: &str) -> Option<String> {
    let tokens = Tokenizer::new(dialect, text).tokenize().ok()?;
    let mut out = String::new();
    for token in &tokens {
        match token {
            Token::Whitespace(_) if out.ends_with(' ') || out.is_empty() => {}
            Token::Whitespace(_) => out.push(' '),
            Token::Number(..) => out.push('?'),
            token if is_text(token) => out.push('?'),
            // Writing to a string does not fail.
            token => drop(write!(out, "{token}")),
        }
        if out.len() > SHAPE_LEN_MAX {
            let end = (0..=SHAPE_LEN_MAX).rev().find(|end| out.is_char_boundary(*end)).unwrap_or(0);
            out.truncate(end);
            out.push_str("...");
            break;
        }
    }
    Some(out.trim_end().to_owned())
}

fn is_text(token: &Token) -> bool {
    matches!(
        token,
        Token::SingleQuotedString(_)
            | Token::DoubleQuotedString(_)
            | Token::DollarQuotedString(_)
            | Token::EscapedStringLiteral(_)
            | Token::UnicodeStringLiteral(_)
            | Token::NationalStringLiteral(_)
            | Token::HexStringLiteral(_)
            | Token::SingleQuotedByteStringLiteral(_)
    )
}
