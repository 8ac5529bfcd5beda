//! Text from one peer made fit to be shown to another.

/// `text` on one line, without control characters, at most `max` characters.
pub fn plain(text: &str, max: usize) -> String {
    text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !is_hidden(*c)).take(max).collect()
}

/// `text` for a terminal: lines end in CR LF, and each begins with who speaks.
pub fn spoken(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 32);
    for line in text.lines() {
        out.push_str("postern: ");
        out.extend(line.chars().filter(|c| !is_hidden(*c)));
        out.push_str("\r\n");
    }
    out
}

/// Controls, and the marks that make text read in another direction than it is written.
fn is_hidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_do_not_pass() {
        assert_eq!(plain("a\x1b[31mb\u{9b}c\nd\u{202e}e", 80), "a[31mbc de");
        assert_eq!(plain("abcdef", 3), "abc");
        assert_eq!(spoken("one\n\x07two"), "postern: one\r\npostern: two\r\n");
        assert_eq!(spoken(""), "");
    }
}
