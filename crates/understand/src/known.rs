//! Statements that come again and again: programs send few different texts, and mostly the same as before.

use crate::statement::Told;

/// How many texts are known at once, and the longest of them in bytes.
const PLACES: usize = 16;
const LEN_MAX: usize = 1024;

/// The last texts, each in the place that its length and end give it. There are no places before the first
/// text: most sessions that are open have none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known(Vec<Place>);

#[derive(Clone, Debug, Default)]
struct Place {
    text: Vec<u8>,
    told: Again,
}

/// What a text tells that has come before.
#[derive(Clone, Debug, Default)]
enum Again {
    /// It has come once, or not since [`Known::wake`]: most of those that differ each time never come again.
    #[default]
    Unknown,
    Known(Box<Told>),
    /// Nothing that anybody wants to hear.
    Dull,
}

impl Known {
    fn place(&mut self, text: &[u8]) -> Option<&mut Place> {
        if text.len() > LEN_MAX {
            return None;
        }
        if self.0.is_empty() {
            self.0.resize_with(PLACES, Place::default);
        }
        let end = text.iter().rev().take(8).fold(text.len(), |mixed, byte| mixed.wrapping_mul(31) ^ usize::from(*byte));
        self.0.get_mut(end % PLACES)
    }

    /// What `text` tells, which `tell` says when it is not known; nothing where that is dull. Of what has
    /// come before, `dull` is asked, once.
    pub(crate) fn told(
        &mut self,
        text: &[u8],
        tell: impl FnOnce(&[u8]) -> Told,
        dull: impl FnOnce(&Told) -> bool,
    ) -> Option<Told> {
        let Some(place) = self.place(text) else { return Some(tell(text)) };
        let again = place.text == text;
        match &place.told {
            Again::Dull if again => return None,
            Again::Known(told) if again => return Some(Told::clone(told)),
            _ => {}
        }
        let told = tell(text);
        place.told = Again::Unknown;
        if told.masked {
            // What has a secret in it is not kept.
            place.text.clear();
        } else if again {
            place.told = if dull(&told) { Again::Dull } else { Again::Known(Box::new(told.clone())) };
        } else {
            place.text.clear();
            place.text.extend_from_slice(text);
        }
        Some(told)
    }

    /// What is dull is asked anew of each text.
    pub(crate) fn wake(&mut self) {
        for place in &mut self.0 {
            place.told = Again::Unknown;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::statement::told;

    const TEXT: &str = "(select [ab] from [cd]|set password = '[ab]'|GET [ab]|)";

    proptest! {
        #[test]
        fn what_is_known_tells_what_it_would_tell_anew(texts in proptest::collection::vec(TEXT, 0..60)) {
            let mut known = Known::default();
            for text in texts {
                prop_assert_eq!(known.told(text.as_bytes(), told, |_| false), Some(told(text.as_bytes())), "{}", text);
            }
        }

        #[test]
        fn only_what_was_found_dull_is_left_out(texts in proptest::collection::vec(TEXT, 0..60)) {
            let mut known = Known::default();
            let mut found = std::collections::HashSet::new();
            for (number, text) in texts.into_iter().enumerate() {
                if number % 16 == 0 {
                    known.wake();
                    found.clear();
                }
                let is_dull = |_: &Told| {
                    found.insert(text.clone());
                    text.contains('a')
                };
                match known.told(text.as_bytes(), told, is_dull) {
                    Some(told_now) => prop_assert_eq!(told_now, told(text.as_bytes())),
                    None => prop_assert!(text.contains('a') && found.contains(&text), "{}", text),
                }
            }
        }
    }

    #[test]
    fn what_has_a_secret_in_it_is_not_kept() {
        let mut known = Known::default();
        for _ in 0..3 {
            known.told(b"alter role a password 'hunter2'", told, |_| true);
        }
        assert!(!format!("{known:?}").contains("hunter2") && known.0.iter().all(|place| place.text.is_empty()));
    }
}
