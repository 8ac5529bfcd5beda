//! Text from one peer made fit to be shown to another.

/// `text` on one line, without control characters, at most `max` characters.
pub(crate) fn plain(text: &str, max: usize) -> String {
    text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !is_hidden(*c)).take(max).collect()
}

/// Controls, and the marks that make text read in another direction than it is written.
fn is_hidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether `word`, in lower case, stands anywhere in `text`. Asked of every statement.
pub(crate) fn mentions(text: &[u8], word: &[u8]) -> bool {
    let Some(first) = word.first() else { return true };
    // The first letter alone tells at almost every place that it does not.
    text.iter().enumerate().any(|(at, byte)| {
        byte.to_ascii_lowercase() == *first
            && text.get(at..at + word.len()).is_some_and(|there| there.eq_ignore_ascii_case(word))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_word_is_found_wherever_it_stands(before in "[a-cPp ]{0,9}", word in "[a-cp]{1,4}", after in "[a-cPp ]{0,9}") {
            let text = format!("{before}{}{after}", word.to_uppercase());
            prop_assert!(mentions(text.as_bytes(), word.as_bytes()));
            prop_assert_eq!(mentions(before.as_bytes(), word.as_bytes()), before.to_lowercase().contains(&word));
        }
    }
}
