//! Text from one peer made fit to be shown to another.

/// `text` on one line, without control characters, at most `max` characters.
pub(crate) fn plain(text: &str, max: usize) -> String {
    text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !is_hidden(*c)).take(max).collect()
}

/// Controls, and the marks that make text read in another direction than it is written.
fn is_hidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
