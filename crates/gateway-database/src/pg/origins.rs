//! Which columns of a target's tables are hidden by their names: a result tells of its columns which they are
//! there, whatever it calls them.

use std::collections::{BTreeSet, HashSet};

use postern_wire::pg::{Error, back};

/// Columns: of each its table's object id, and its number there.
pub(crate) type Origins = HashSet<(u32, i16)>;

/// What asks for the columns whose names are like one of `patterns`, which are in lower case; none where there is
/// nothing to ask.
pub(crate) fn query(patterns: &BTreeSet<String>) -> Option<String> {
    if patterns.is_empty() || patterns.contains("*") {
        return None;
    }
    let like = |pattern: &String| {
        let mut text = String::from("pg_catalog.lower(attname::text) like '");
        for char in pattern.chars().filter(|char| *char != '\0') {
            match char {
                '*' => text.push('%'),
                '%' | '_' | '!' => text.extend(['!', char]),
                '\'' => text.push_str("''"),
                char => text.push(char),
            }
        }
        text + "' escape '!'"
    };
    let likes: Vec<String> = patterns.iter().map(like).collect();
    Some(format!(
        "select attrelid, attnum from pg_catalog.pg_attribute where attnum > 0 and not attisdropped and ({})",
        likes.join(" or ")
    ))
}

/// The column that a row of the answer names.
pub(crate) fn of_row(body: &[u8]) -> Result<(u32, i16), Error> {
    let values = back::values(body)?;
    let text = |at: usize| values.get(at).copied().flatten().and_then(|value| str::from_utf8(value).ok());
    let table = text(0).and_then(|value| value.parse().ok());
    table.zip(text(1).and_then(|value| value.parse().ok())).ok_or(Error::Malformed("DataRow"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_asked_for_as_they_are() {
        let asked = |patterns: &[&str]| query(&patterns.iter().map(|pattern| (*pattern).to_owned()).collect());
        assert_eq!(asked(&[]), None);
        assert_eq!(asked(&["*", "email"]), None, "every column is hidden by its name");
        let text = asked(&["e_mail*", "o'hara"]).unwrap();
        assert!(text.ends_with(
            "(pg_catalog.lower(attname::text) like 'e!_mail%' escape '!' or \
             pg_catalog.lower(attname::text) like 'o''hara' escape '!')"
        ));
    }

    #[test]
    fn a_row_names_a_column() {
        let row = |table: &[u8], number: &[u8]| {
            let mut body = vec![0, 2];
            for value in [table, number] {
                body.extend_from_slice(&u32::try_from(value.len()).unwrap().to_be_bytes());
                body.extend_from_slice(value);
            }
            of_row(&body)
        };
        assert_eq!(row(b"16385", b"3"), Ok((16385, 3)));
        assert!(row(b"x", b"3").is_err() && row(b"1", b"70000").is_err());
    }
}
