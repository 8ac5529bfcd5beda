//! What must hold for commands of Redis, whatever their words. Shared by the fuzz target and by the test
//! that replays its corpus.

use postern_sql::redis::{command, facts};

/// Takes the lines of `bytes` for the words of a command.
pub(crate) fn check(bytes: &[u8]) {
    let words: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let Ok(known) = command(&words) else { return };
    assert!(known.keys.iter().chain(&known.secrets).all(|at| *at > 0 && *at < words.len()), "words that there are");
    assert!(known.keys.is_sorted_by(|a, b| a != b), "no key twice in a row");
    let does = facts(&known, &words);
    assert!(!does.accesses.is_empty(), "what is understood does something");
    let upper: Vec<Vec<u8>> = words.iter().take(1).map(|word| word.to_ascii_uppercase()).collect();
    let again: Vec<&[u8]> = upper.iter().map(Vec::as_slice).chain(words.iter().skip(1).copied()).collect();
    assert_eq!(command(&again).as_ref(), Ok(&known), "names are not told apart by case");
}
