//! What a command of Redis would do. The list of commands is closed: what is not in it is not
//! understood.

mod commands;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use postern_domain::statement::{NotUnderstood, StatementAccess, StatementClass, StatementFacts, TableName};

use commands::{Keys, Spec};

/// The longest name of a command, with its second word.
const NAME_LEN_MAX: usize = 48;

/// A command that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Its name in lower case; where it has a second word, that follows after a `|`.
    pub name: &'static str,
    /// Which of its words are keys.
    pub keys: Vec<usize>,
    /// Which of its words are patterns of keys that it reads.
    pub patterns: Vec<usize>,
    /// Which of its words are passwords, or could be.
    pub secrets: Vec<usize>,
    spec: &'static Spec,
}

/// What the words are a command of.
///
/// # Errors
/// When it is not in the list, or its keys cannot be told from its other words.
pub fn command(words: &[&[u8]]) -> Result<Command, NotUnderstood> {
    let name = words.first().copied().unwrap_or_default();
    let mut lower = [0; NAME_LEN_MAX];
    let first = lowered(&mut lower, name).ok_or_else(|| NotUnderstood("its first word is no command".to_owned()))?;
    let known = commands::find(first).or_else(|| {
        let both = [name, b"|", words.get(1).copied().unwrap_or_default()].concat();
        commands::find(lowered(&mut lower, &both)?)
    });
    let Some((name, spec)) = known else {
        return Err(NotUnderstood(format!("the command {} is not in the list", shown(words))));
    };
    let keys = keys(spec.keys, words).ok_or_else(|| NotUnderstood(format!("the keys of {}", shown(words))))?;
    Ok(Command { name, keys, patterns: patterns(name, words), secrets: secrets(name, words), spec })
}

/// What the command does to each of its keys, or to something else.
#[must_use]
pub fn facts(command: &Command, words: &[&[u8]]) -> StatementFacts {
    let mut classes: BTreeSet<StatementClass> = command.spec.classes.iter().copied().collect();
    let says = |option: &[u8]| words.iter().skip(2).any(|word| word.eq_ignore_ascii_case(option));
    if matches!(command.name, "set" | "bitfield") && says(b"get") {
        classes.insert(StatementClass::Read);
    }
    let mut accesses = BTreeSet::new();
    for class in classes {
        let without_where = class == StatementClass::Truncate;
        if command.keys.is_empty() {
            accesses.insert(StatementAccess { class, table: None, without_where });
        }
        for key in &command.keys {
            let key = String::from_utf8_lossy(words.get(*key).copied().unwrap_or_default()).into_owned();
            accesses.insert(StatementAccess { class, table: Some(TableName::key(key)), without_where });
        }
    }
    for pattern in command.patterns.iter().filter_map(|at| words.get(*at)) {
        let pattern = String::from_utf8_lossy(pattern);
        // What follows after an arrow is the field of a hash.
        let key = pattern.split_once("->").map_or(&*pattern, |(key, _)| key);
        let table = Some(TableName::keys(key.to_owned()));
        accesses.insert(StatementAccess { class: StatementClass::Read, table, without_where: false });
    }
    let names = command.name.split('|').chain([command.name]).map(str::to_owned).collect();
    StatementFacts { accesses, names, settings: BTreeSet::new(), read_write: false }
}

/// What a command of Redis does: of one command, for the table of trials.
///
/// # Errors
/// When it is not understood.
pub fn judged(words: &[&[u8]]) -> Result<Vec<StatementFacts>, NotUnderstood> {
    Ok(vec![facts(&command(words)?, words)])
}

/// A name in lower case; none where it is longer than any.
fn lowered<'a>(room: &'a mut [u8; NAME_LEN_MAX], name: &[u8]) -> Option<&'a [u8]> {
    let lower = room.get_mut(..name.len())?;
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    Some(lower)
}

fn shown(words: &[&[u8]]) -> String {
    let text = String::from_utf8_lossy(words.first().copied().unwrap_or_default()).into_owned();
    text.chars().filter(|c| !c.is_control()).take(NAME_LEN_MAX).collect()
}

/// Which words are keys; none where that cannot be told.
fn keys(keys: Keys, words: &[&[u8]]) -> Option<Vec<usize>> {
    let count = words.len();
    let counted = |at: usize| {
        let many = str::from_utf8(words.get(at)?).ok()?.parse::<usize>().ok()?;
        (many <= count.checked_sub(at + 1)?).then(|| (at + 1..=at + many).collect::<Vec<_>>())
    };
    let position = |word: &[u8]| words.iter().position(|found| found.eq_ignore_ascii_case(word));
    Some(match keys {
        Keys::None => Vec::new(),
        Keys::One(at) => vec![Some(at).filter(|at| *at < count)?],
        Keys::Two => vec![1, Some(2).filter(|at| *at < count)?],
        Keys::From(first) => (first..count).collect(),
        // The last one is a time to wait.
        Keys::AllButLast => (1..count.checked_sub(1)?).collect(),
        Keys::EveryOther => (1..count).step_by(2).collect(),
        Keys::Counted(at) => counted(at)?,
        Keys::StoredCounted => [vec![1], counted(2)?].concat(),
        Keys::Streams => {
            let first = streams(words)? + 1;
            let many = count.checked_sub(first)?;
            (many % 2 == 0).then(|| (first..first + many / 2).collect())?
        }
        Keys::OneAndStore => {
            let stores = (2..count).filter(|at| {
                words
                    .get(*at)
                    .is_some_and(|word| word.eq_ignore_ascii_case(b"store") || word.eq_ignore_ascii_case(b"storedist"))
            });
            let stored = stores.map(|at| at + 1).filter(|at| *at < count);
            Some(1).filter(|at| *at < count).into_iter().chain(stored).collect()
        }
        Keys::Migrate => match position(b"keys") {
            Some(at) => (at + 1..count).collect(),
            None => vec![Some(3).filter(|at| *at < count)?],
        },
    })
}

/// Where the word `STREAMS` is; a group or a consumer may have that name, too.
fn streams(words: &[&[u8]]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += match words.get(at)?.to_ascii_lowercase().as_slice() {
            b"streams" => return Some(at),
            b"group" => 3,
            b"count" | b"block" | b"claim" => 2,
            b"noack" => 1,
            _ => return None,
        };
    }
}

/// Which words are patterns of keys that are read: what `SORT` sorts by and gives. Without `*` they stand for none.
fn patterns(name: &str, words: &[&[u8]]) -> Vec<usize> {
    if !matches!(name, "sort" | "sort_ro") {
        return Vec::new();
    }
    let says = |at: usize, option: &[u8]| words.get(at).is_some_and(|word| word.eq_ignore_ascii_case(option));
    let follows = (3..words.len()).filter(|at| says(at - 1, b"by") || says(at - 1, b"get"));
    follows.filter(|at| words.get(*at).is_some_and(|word| word.contains(&b'*'))).collect()
}

/// Which words are passwords, or could be.
fn secrets(name: &str, words: &[&[u8]]) -> Vec<usize> {
    let after = |word: &[u8], many: usize| {
        let found = words.iter().position(|found| found.eq_ignore_ascii_case(word));
        found.map(|at| (at + 1..(at + 1 + many).min(words.len())).collect::<Vec<_>>()).unwrap_or_default()
    };
    match name {
        "auth" => (1..words.len()).collect(),
        "hello" => after(b"auth", 2),
        "migrate" => [after(b"auth", 1), after(b"auth2", 2)].concat(),
        "acl|setuser" => {
            let is_secret = |word: &[u8]| word.first().is_some_and(|byte| b"><#!".contains(byte));
            (3..words.len()).filter(|at| words.get(*at).is_some_and(|word| is_secret(word))).collect()
        }
        "config|set" => {
            let names_secret = |name: &[u8]| {
                let name = name.to_ascii_lowercase();
                name.windows(4).any(|part| part == b"pass" || part == b"auth")
            };
            (2..words.len())
                .step_by(2)
                .filter(|at| words.get(*at).is_some_and(|name| names_secret(name)))
                .map(|at| at + 1)
                .filter(|at| *at < words.len())
                .collect()
        }
        _ => Vec::new(),
    }
}
