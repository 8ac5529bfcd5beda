//! The tables that a statement names: what stands behind the words that tables stand behind. Bytes beyond
//! ASCII count as letters.

use crate::NAMES_MAX;

/// What tables stand behind.
const BEFORE: [&str; 9] = ["from", "join", "into", "update", "table", "copy", "truncate", "analyze", "vacuum"];
/// What is no table though it stands there.
const NONE: [&str; 4] = ["select", "stdin", "stdout", "set"];

/// The tables, in the order in which they are named, in lower case and without quotes.
pub(crate) fn tables(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(word) = next_word(&mut rest) {
        if !BEFORE.iter().any(|before| word.eq_ignore_ascii_case(before)) {
            continue;
        }
        let Some((name, after)) = spaced(rest).and_then(named) else { continue };
        rest = after;
        if found.len() < NAMES_MAX && !NONE.contains(&name.as_str()) && !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// The next word; what is left begins behind it.
fn next_word<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let begin = rest.bytes().position(is_word)?;
    let word = rest.get(begin..).unwrap_or_default();
    let length = word.bytes().position(|byte| !is_word(byte)).unwrap_or(word.len());
    let (word, after) = word.split_at_checked(length)?;
    *rest = after;
    Some(word)
}

/// What stands behind the space that must be here.
fn spaced(text: &str) -> Option<&str> {
    let after = text.trim_ascii_start();
    (after.len() < text.len()).then_some(after)
}

/// The name of a table, and what stands behind it.
fn named(text: &str) -> Option<(String, &str)> {
    let mut text = text;
    while let Some(after) = passed_over(text)
        && part(after).is_some()
    {
        text = after;
    }
    let (first, mut rest) = part(text)?;
    let mut name = first.to_lowercase();
    while let Some((next, after)) =
        rest.trim_ascii_start().strip_prefix('.').and_then(|after| part(after.trim_ascii_start()))
    {
        name.push('.');
        name.push_str(&next.to_lowercase());
        rest = after;
    }
    name.retain(|c| !c.is_whitespace());
    Some((name, rest))
}

/// What stands behind words that may come before a table's name.
fn passed_over(text: &str) -> Option<&str> {
    behind(text, "only").or_else(|| behind(text, "table")).or_else(|| {
        let text = behind(text, "if")?;
        behind(behind(text, "not").unwrap_or(text), "exists")
    })
}

/// What stands behind this word and the space after it.
fn behind<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(word.len())?;
    if head.eq_ignore_ascii_case(word) { spaced(rest) } else { None }
}

/// A part of a name, quoted or not, without its quotes; and what stands behind it.
fn part(text: &str) -> Option<(&str, &str)> {
    let close = match text.bytes().next()? {
        b'"' => '"',
        b'`' => '`',
        b'[' => ']',
        _ => {
            let is_part = |byte: u8| is_word(byte) || byte == b'$';
            let length = text.bytes().position(|byte| !is_part(byte)).unwrap_or(text.len());
            return text.split_at_checked(length).filter(|(name, _)| !name.is_empty());
        }
    };
    text.get(1..)?.split_once(close).filter(|(name, _)| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_stand_behind_certain_words() {
        for (text, named) in [
            ("select * from a join b on a.x = b.y", vec!["a", "b"]),
            ("SELECT 1 FROM\n  Public . \"Big Table\" AS t", vec!["public.bigtable"]),
            ("delete from only a", vec!["a"]),
            ("delete from only", vec!["only"]),
            ("drop table if exists `shop`.`customer`", vec!["shop.customer"]),
            ("create table if not exists [dbo].[x] (y int)", vec!["dbo.x"]),
            ("truncate table a", vec!["a"]),
            ("insert into a select * from b where c in (select d from a)", vec!["a", "b"]),
            ("copy (select * from a) to stdout", vec!["a"]),
            ("copy a from stdin", vec!["a"]),
            ("update a set b = 1", vec!["a"]),
            ("select fromage, a_from b", vec![]),
            ("select 'x' from", vec![]),
            ("select 1 from (select 2)", vec![]),
            ("select * from straße", vec!["straße"]),
            ("select * from \"\"", vec![]),
            ("select * from a$b.c", vec!["a$b.c"]),
            ("", vec![]),
        ] {
            assert_eq!(tables(text), named, "{text}");
        }
    }
}
