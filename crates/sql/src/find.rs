//! Words in a text that has not been taken apart.

/// Where `word`, in lower case, first stands in `text`, whatever letters are around it.
pub(crate) fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    let first = word.first()?;
    // The first letter alone tells at almost every place that it does not.
    text.iter().enumerate().position(|(at, byte)| {
        byte.to_ascii_lowercase() == *first
            && text.get(at..at + word.len()).is_some_and(|there| there.eq_ignore_ascii_case(word))
    })
}

/// Whether `word`, in lower case and not empty, stands anywhere in `text`. Asked of every statement.
#[must_use]
pub fn mentions(text: &[u8], word: &[u8]) -> bool {
    find(text, word).is_some()
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
            prop_assert_eq!(find(text.as_bytes(), word.as_bytes()), text.to_lowercase().find(&word));
            prop_assert_eq!(mentions(before.as_bytes(), word.as_bytes()), before.to_lowercase().contains(&word));
        }
    }
}
