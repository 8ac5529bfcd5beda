//! From a text to the tokens of its statements.

use postern_domain::statement::NotUnderstood;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

/// How many operators may follow one another: a tree of them is as deep as they are many.
const CHAIN_MAX: u32 = 500;
/// How many tokens one query may have.
pub(crate) const TOKENS_MAX: usize = 1_000_000;

/// The tokens of each statement, without blanks and comments. Empty statements are left out.
pub(crate) fn statements(text: &str) -> Result<Vec<Vec<Token>>, NotUnderstood> {
    let not_understood = |why: &str| NotUnderstood(why.to_owned());
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, text)
        .tokenize()
        .map_err(|error| NotUnderstood(format!("it has no tokens: {}", error.message)))?;
    if tokens.len() > TOKENS_MAX {
        return Err(not_understood("it has too many tokens"));
    }
    if let Some(why) = ambiguous(&tokens) {
        return Err(not_understood(why));
    }
    pieces(tokens)
}

/// The tokens of each statement among these.
pub(crate) fn pieces(tokens: Vec<Token>) -> Result<Vec<Vec<Token>>, NotUnderstood> {
    let not_understood = |why: &str| NotUnderstood(why.to_owned());
    let mut pieces = Vec::new();
    let mut piece = Vec::new();
    for token in tokens {
        match token {
            Token::Whitespace(_) | Token::EOF => {}
            Token::SemiColon => pieces.push(std::mem::take(&mut piece)),
            token => piece.push(token),
        }
    }
    pieces.push(piece);
    pieces.retain(|piece| !piece.is_empty());
    if pieces.iter().any(|piece| chain(piece) > CHAIN_MAX) {
        return Err(not_understood("it has too many operators in a row"));
    }
    Ok(pieces)
}

/// Why the database could find other tokens here than we do, if it could.
fn ambiguous(tokens: &[Token]) -> Option<&'static str> {
    let mut previous: [Option<&Token>; 2] = [None, None];
    for token in tokens {
        match token {
            // With standard_conforming_strings off, the quote would not end the string.
            Token::SingleQuotedString(text) if text.ends_with('\\') || text.contains("\\'") => {
                return Some("a backslash before a quote can be read in two ways: write E'...'");
            }
            // Identifiers with escapes: U&"d\0061t".
            Token::Word(word) if word.quote_style == Some('"') => {
                if let [Some(Token::Word(u)), Some(Token::Ampersand)] = previous
                    && u.value.eq_ignore_ascii_case("u")
                {
                    return Some("names with Unicode escapes are not read");
                }
            }
            Token::Word(word) if word.quote_style.is_some() => return Some("a name in quotes of another database"),
            Token::NationalStringLiteral(_)
            | Token::DoubleQuotedString(_)
            | Token::TripleSingleQuotedString(_)
            | Token::TripleDoubleQuotedString(_)
            | Token::SingleQuotedRawStringLiteral(_)
            | Token::DoubleQuotedRawStringLiteral(_)
            | Token::SingleQuotedByteStringLiteral(_)
            | Token::DoubleQuotedByteStringLiteral(_)
                // PostgreSQL reads B'..', N'..' and R'..' its own way.
                if !matches!(token, Token::SingleQuotedByteStringLiteral(text) if !text.contains(['\\', '\''])) =>
            {
                return Some("a string of a form that can be read in two ways");
            }
            _ => {}
        }
        previous = [previous[1], Some(token)];
    }
    None
}

/// The longest row of operators that can become one branch of the tree.
fn chain(tokens: &[Token]) -> u32 {
    let mut longest = 0;
    let mut open = vec![0_u32];
    for token in tokens {
        match token {
            Token::LParen => open.push(0),
            Token::RParen if open.len() > 1 => {
                open.pop();
            }
            Token::Comma => {
                if let Some(count) = open.last_mut() {
                    *count = 0;
                }
            }
            Token::Word(word) if !is_infix(word.value.as_str()) || word.quote_style.is_some() => {}
            Token::Number(..) | Token::SingleQuotedString(_) | Token::Placeholder(_) | Token::RParen => {}
            _ => {
                if let Some(count) = open.last_mut() {
                    *count += 1;
                    longest = longest.max(*count);
                }
            }
        }
    }
    longest
}

fn is_infix(word: &str) -> bool {
    const INFIX: [&str; 12] =
        ["and", "or", "not", "union", "intersect", "except", "is", "in", "like", "ilike", "between", "collate"];
    INFIX.iter().any(|known| word.eq_ignore_ascii_case(known))
}
