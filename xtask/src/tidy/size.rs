//! Functions fit on a screen, files in a head.

use std::collections::BTreeMap;

use anyhow::Context as _;

use super::Tree;
use super::source;

const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MAX: usize = 1000;
/// The exceptions: `path function lines`. It may only shrink.
const EXCEPTIONS: &str = "xtask/tidy.txt";

pub(super) fn check(tree: &Tree) -> anyhow::Result<Vec<String>> {
    let mut exceptions = exceptions(tree.content(EXCEPTIONS))?;
    let mut broken = Vec::new();
    for (path, text) in tree.sources() {
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            broken.push(format!("{path} has {lines} lines: split it (at most {FILE_LINES_MAX})"));
        }
    }
    for (path, source) in source::all(tree) {
        for function in source.functions() {
            let allowed = exceptions.remove(&(path.to_owned(), function.name.clone()));
            let most = allowed.unwrap_or(FUNCTION_LINES_MAX);
            let (name, lines, at) = (&function.name, function.lines, function.line);
            if lines > most {
                broken.push(format!("{path}:{at}: {name} has {lines} lines (at most {most})"));
            } else if allowed.is_some_and(|allowed| lines < allowed) {
                let remedy =
                    if lines <= FUNCTION_LINES_MAX { "remove".to_owned() } else { format!("write {lines} in") };
                broken.push(format!("{path}:{at}: {name} has only {lines} lines: {remedy} its line in {EXCEPTIONS}"));
            }
        }
    }
    for (path, name) in exceptions.into_keys() {
        broken.push(format!("{EXCEPTIONS}: {path} has no function {name}: remove the line"));
    }
    Ok(broken)
}

fn exceptions(text: &str) -> anyhow::Result<BTreeMap<(String, String), usize>> {
    let mut exceptions = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let [path, name, lines] = words.as_slice() else {
            anyhow::bail!("{EXCEPTIONS}: `{line}`: path function lines")
        };
        let lines = lines.parse().with_context(|| format!("{EXCEPTIONS}: `{line}`"))?;
        exceptions.insert(((*path).to_owned(), (*name).to_owned()), lines);
    }
    Ok(exceptions)
}
