//! How commands are recorded: the name and the keys are the text, everything else is parameters.

use std::borrow::Cow;

use postern_sql::redis::Command;

use super::rules::Rules;
use crate::detect::HIDDEN;

/// How much of one word is kept.
const WORD_LEN_MAX: usize = 4 * 1024;
/// How much of all keys is kept.
const TEXT_LEN_MAX: usize = 64 * 1024;

/// A command as it is recorded.
pub(crate) struct Wording<'a> {
    pub(crate) text: String,
    pub(crate) values: Vec<Cow<'a, [u8]>>,
}

impl Wording<'_> {
    /// The parameters: whether each is binary, and its value.
    pub(crate) fn values(&self) -> impl Iterator<Item = (bool, Option<&[u8]>)> {
        self.values.iter().map(|value| (str::from_utf8(value).is_err(), Some(&**value)))
    }
}

/// A command that is known; what must not be kept is hidden.
pub(crate) fn of<'a>(command: &Command, words: &[&'a [u8]], rules: &Rules, hides: bool) -> Wording<'a> {
    let named = 1 + usize::from(command.name.contains('|'));
    let keys_len: usize = command.keys.iter().filter_map(|at| words.get(*at)).map(|key| key.len() + 3).sum();
    let mut text = String::with_capacity(command.name.len() + keys_len.min(TEXT_LEN_MAX));
    text.push_str(command.name);
    text.make_ascii_uppercase();
    if let Some(second) = command.name.find('|') {
        text.replace_range(second..=second, " ");
    }
    let mut values = Vec::with_capacity(words.len().saturating_sub(named + command.keys.len()));
    for (at, word) in words.iter().enumerate().skip(named) {
        if command.secrets.contains(&at) {
            values.push(Cow::Borrowed(HIDDEN));
        } else if command.keys.contains(&at) {
            if text.len() < TEXT_LEN_MAX {
                text.push(' ');
                quote(&mut text, word);
            }
        } else {
            values.push(rules.mask().map_or(Cow::Borrowed(*word), |mask| mask.value(word, hides)));
        }
    }
    Wording { text, values }
}

/// A command that is not known: its name alone, for what its words mean is not known.
pub(crate) fn unknown<'a>(words: &[&'a [u8]]) -> Wording<'a> {
    let mut text = String::new();
    quote(&mut text, words.first().copied().unwrap_or_default());
    Wording { text, values: Vec::new() }
}

/// The command without keys and values, for the ledger.
pub(crate) fn shape(wording: &Wording<'_>, name: Option<&str>, words: &[&[u8]]) -> String {
    match name {
        Some(name) => {
            let rest = words.len().saturating_sub(1 + usize::from(name.contains('|'))).min(50);
            format!("{}{}", name.replace('|', " ").to_uppercase(), " ?".repeat(rest))
        }
        None => wording.text.clone(),
    }
}

/// A word as redis-cli would take it.
fn quote(text: &mut String, word: &[u8]) {
    let cut = word.get(..word.len().min(WORD_LEN_MAX)).unwrap_or_default();
    let is_plain =
        !cut.is_empty() && cut.iter().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\'));
    if is_plain && let Ok(plain) = str::from_utf8(cut) {
        text.push_str(plain);
        return;
    }
    text.push('"');
    for char in String::from_utf8_lossy(cut).chars() {
        match char {
            '"' | '\\' => text.extend(['\\', char]),
            char if char.is_control() => text.push_str(&format!("\\x{:02x}", u32::from(char))),
            char => text.push(char),
        }
    }
    text.push('"');
}
