//! What is looked up: the words of a text, what of them is joined, and the forms under which a file, a
//! host or a table is found.

use std::ops::Range;

/// The most folders of a path, parts of a host or of a table's name under which it is found.
const FORMS_MAX: usize = 16;
/// The longest piece, in bytes, that says too little by itself and is looked up with its neighbours.
const WEAK_LEN_MAX: usize = 4;
/// The most marks that stand between pieces which are joined, in bytes.
const JOINT_LEN_MAX: usize = 3;

/// Whether a word may have this character in it.
pub(crate) fn is_word(char: char) -> bool {
    char == '_' || char.is_alphanumeric()
}

/// Scripts that put no blanks between words: every character counts as one.
fn stands_alone(char: char) -> bool {
    matches!(char, '\u{2E80}'..='\u{ABFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

/// Calls `each` with the words of `text`, which is in lower case. A single letter or digit is none.
pub(crate) fn words<'a>(text: &'a str, mut each: impl FnMut(&'a str)) {
    pieces(text, |range| {
        if let Some(word) = text.get(range)
            && word.len() > 1
        {
            each(word);
        }
    });
}

/// Calls `each` with where the runs of letters and digits of `text` stand, single ones too.
fn pieces(text: &str, mut each: impl FnMut(Range<usize>)) {
    let mut began: Option<usize> = None;
    for (at, char) in text.char_indices() {
        if !is_word(char) {
            if let Some(start) = began.take() {
                each(start..at);
            }
        } else if stands_alone(char) {
            if let Some(start) = began.take() {
                each(start..at);
            }
            each(at..at + char.len_utf8());
        } else if began.is_none() {
            began = Some(at);
        }
    }
    if let Some(start) = began {
        each(start..text.len());
    }
}

/// A piece that the next one may be joined to.
struct Piece {
    range: Range<usize>,
    /// Short, so that it is likely to be everywhere.
    weak: bool,
    number: bool,
}

/// Calls `each` with what of `text`, which is in lower case, is looked up together, because its pieces are
/// everywhere and their order is not: `7.3.9` of `10.7.3.9`, and `req-77`. Three numbers each, which
/// addresses, dates and times have and amounts have not; of letters and digits two each. A text that
/// stands in another as whole words has no such form that the other has not.
pub(crate) fn joined<'a>(text: &'a str, mut each: impl FnMut(&'a str)) {
    let mut before: [Option<Piece>; 2] = [None, None];
    pieces(text, |range| {
        let piece = Piece {
            weak: range.len() <= WEAK_LEN_MAX,
            number: text.as_bytes().get(range.clone()).is_some_and(|bytes| bytes.iter().all(u8::is_ascii_digit)),
            range,
        };
        let [first, second] = &mut before;
        let joint = second.as_ref().and_then(|second| text.get(second.range.end..piece.range.start));
        if !joint.is_some_and(joins) {
            (*first, *second) = (None, Some(piece));
            return;
        }
        if let Some(second) = second.as_ref().filter(|second| second.weak && piece.weak) {
            let from = match (second.number && piece.number, first.as_ref()) {
                (false, _) => Some(second),
                (true, Some(first)) if first.number && first.weak => Some(first),
                (true, _) => None,
            };
            if let Some(form) = from.and_then(|from| text.get(from.range.start..piece.range.end)) {
                each(form);
            }
        }
        *first = second.replace(piece);
    });
}

/// Whether what stands between two pieces makes them one word to the eye.
fn joins(between: &str) -> bool {
    (1..=JOINT_LEN_MAX).contains(&between.len()) && !between.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// What can be looked for besides words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// A file or a folder that was named or moved.
    File,
    /// A part of a command line.
    Command,
    /// A host that was named or connected to.
    Host,
    /// A table that a statement names.
    Table,
    /// A part of a statement.
    Statement,
}

impl Field {
    /// What it is called in a query.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Command => "command",
            Self::Host => "host",
            Self::Table => "table",
            Self::Statement => "statement",
        }
    }

    /// Calls `each` with the forms under which `name`, in lower case, is found. Text is found by words.
    pub(crate) fn forms(self, name: &str, mut each: impl FnMut(&str)) {
        match self {
            Self::Command | Self::Statement => words(name, each),
            Self::File => {
                let path = trimmed(name);
                each(path);
                if let Some((_, last)) = path.rsplit_once('/') {
                    each(last);
                }
                let folders = path.match_indices('/').filter(|(at, _)| *at > 0);
                folders.take(FORMS_MAX).filter_map(|(at, _)| path.get(..at)).for_each(each);
            }
            Self::Host | Self::Table => {
                each(name);
                let parts = name.match_indices('.').filter(|_| name.parse::<std::net::IpAddr>().is_err());
                parts.take(FORMS_MAX).filter_map(|(at, _)| name.get(at + 1..)).for_each(each);
            }
        }
    }

    /// Whether somebody who looks for `wanted` means `name`; both are in lower case.
    pub(crate) fn means(self, wanted: &str, name: &str) -> bool {
        if matches!(self, Self::Command | Self::Statement) {
            return find(name, wanted).is_some();
        }
        let wanted = if self == Self::File { trimmed(wanted) } else { wanted };
        let mut found = false;
        self.forms(name, |form| found |= form == wanted);
        found
    }
}

/// A path without the slashes at its end.
pub(crate) fn trimmed(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" => path,
        trimmed => trimmed,
    }
}

/// Where `wanted` stands in `text` as whole words; both are in lower case.
pub(crate) fn find(text: &str, wanted: &str) -> Option<Range<usize>> {
    text.match_indices(wanted).map(|(at, found)| at..at + found.len()).find(|range| {
        let joins = |left: Option<char>, right: Option<char>| match (left, right) {
            (Some(left), Some(right)) => is_word(left) && is_word(right) && !stands_alone(left) && !stands_alone(right),
            _ => false,
        };
        let (before, after) = (text.get(..range.start), text.get(range.end..));
        !joins(before.and_then(|text| text.chars().next_back()), wanted.chars().next())
            && !joins(wanted.chars().next_back(), after.and_then(|text| text.chars().next()))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        words(text, |word| found.push(word));
        found
    }

    fn all_joined(text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        joined(text, |form| found.push(form));
        found
    }

    fn forms(field: Field, name: &str) -> Vec<String> {
        let mut found = Vec::new();
        field.forms(name, |form| found.push(form.to_owned()));
        found
    }

    #[test]
    fn words_are_runs_of_letters_and_digits() {
        assert_eq!(
            all("-rw-r--r-- 1 root  web-01.example.com: a_b=ünï│x"),
            ["rw", "root", "web", "01", "example", "com", "a_b", "ünï"]
        );
        assert_eq!(all("日本 ok"), ["日", "本", "ok"]);
    }

    #[test]
    fn short_pieces_are_looked_up_with_their_neighbours() {
        assert_eq!(all_joined("from 10.7.3.9 at 12:34:56"), ["10.7.3", "7.3.9", "12:34:56"]);
        assert_eq!(all_joined("req-77 v1.2.3 db-17.example.com"), ["req-77", "v1.2", "db-17"]);
        assert_eq!(all_joined("/etc/init.d/ssh: 2 9"), ["etc/init", "init.d", "d/ssh"]);
        assert!(all_joined("12.50 euros, customer-orders; 日本 2026 11 26").is_empty());
    }

    #[test]
    fn a_name_is_found_by_its_folders_its_domain_and_its_last_part() {
        assert_eq!(
            forms(Field::File, "/etc/ssh/sshd_config"),
            ["/etc/ssh/sshd_config", "sshd_config", "/etc", "/etc/ssh"]
        );
        assert_eq!(forms(Field::Host, "db.example.com"), ["db.example.com", "example.com", "com"]);
        assert_eq!(forms(Field::Host, "10.0.0.1"), ["10.0.0.1"]);
        assert!(Field::File.means("/etc/", "/etc/shadow") && !Field::File.means("/et", "/etc/shadow"));
        assert!(Field::Table.means("customer", "shop.customer") && !Field::Table.means("custom", "shop.customer"));
    }

    #[test]
    fn text_is_found_as_whole_words() {
        assert_eq!(find("permissions permission denied", "permission"), Some(12..22));
        assert_eq!(find("xpermission", "permission"), None);
        assert_eq!(find("rm -rf /tmp", "-rf /"), Some(3..8));
    }

    proptest! {
        #[test]
        fn whatever_is_found_as_words_has_its_words_in_the_index(text in "[a-c1-3_ .\\-日]{0,24}", from in 0_usize..24, len in 1_usize..12) {
            let wanted: String = text.chars().skip(from).take(len).collect();
            if !wanted.is_empty() && find(&text, &wanted).is_some() {
                let (indexed, forms) = (all(&text), all_joined(&text));
                for word in all(&wanted) {
                    prop_assert!(indexed.contains(&word), "{word:?} of {wanted:?} in {text:?}");
                }
                for form in all_joined(&wanted) {
                    prop_assert!(forms.contains(&form), "{form:?} of {wanted:?} in {text:?}");
                }
            }
        }
    }
}
