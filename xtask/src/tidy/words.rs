//! Words that must not be in the tree: promises in place of work, and traces of somebody's machine.

use super::Tree;

/// Files that quote what others write; patches do too, in the lines around each change.
const QUOTING: [&str; 2] = ["Cargo.lock", "web/package-lock.json"];
/// Where packages of the console come from; a mirror's name must not slip into the lock file.
const NPM_REGISTRY: &str = "https://registry.npmjs.org/";

pub(super) fn check(tree: &Tree) -> anyhow::Result<Vec<String>> {
    // Put together here so that this file passes its own check.
    let promises = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:"), concat!("future", " work")];
    let machines = [
        concat!("/wo", "rk/main"),
        concat!("/wo", "rk/w/"),
        concat!("/wo", "rk/shared"),
        concat!("/ro", "ot/"),
        concat!("/ho", "me/user"),
    ];
    let mut broken = Vec::new();
    for (path, text) in &tree.files {
        if path.ends_with(".patch") {
            continue;
        }
        if QUOTING.contains(&path.as_str()) {
            broken.extend(foreign_sources(path, text));
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            for word in promises.iter().filter(|word| line.contains(**word)) {
                broken.push(format!("{path}:{}: `{word}`: do it, or leave it out", number + 1));
            }
            for word in machines.iter().filter(|word| line.contains(**word)) {
                broken.push(format!("{path}:{}: `{word}`: a path of one machine", number + 1));
            }
        }
    }
    Ok(broken)
}

fn foreign_sources(path: &str, text: &str) -> Vec<String> {
    let is_foreign = |line: &&str| {
        line.trim_start().strip_prefix("\"resolved\": \"").is_some_and(|url| !url.starts_with(NPM_REGISTRY))
    };
    text.lines().filter(is_foreign).map(|line| format!("{path}: not from the registry: {}", line.trim())).collect()
}
