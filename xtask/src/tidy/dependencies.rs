//! What is built in: licences, bans and sources, as `deny.toml` says.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::Value;

use super::Tree;
use super::edges::{list, members, text};

#[derive(Deserialize)]
struct Deny {
    licenses: Licenses,
    bans: Bans,
    sources: Sources,
}

#[derive(Deserialize)]
struct Licenses {
    allow: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    /// The crates that may depend on it nevertheless.
    #[serde(default)]
    wrappers: BTreeSet<String>,
    reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: Vec<String>,
}

pub(super) fn check(tree: &Tree) -> anyhow::Result<Vec<String>> {
    let deny: Deny = toml::from_str(tree.content("deny.toml")).context("deny.toml")?;
    let packages: BTreeMap<&str, &Value> =
        list(&tree.metadata, "packages").map(|package| (text(package, "id"), package)).collect();
    let mut broken = Vec::new();
    for package in built_in(&tree.metadata, &packages) {
        let (name, source) = (text(package, "name"), text(package, "source"));
        let allowed_source = deny.sources.allow_registry.iter().any(|url| source == format!("registry+{url}"));
        if !allowed_source && !is_local(package) {
            broken.push(format!("{name} comes from {source}, which deny.toml does not allow"));
        }
        let license = text(package, "license");
        if !satisfied(license, &deny.licenses.allow) {
            broken.push(format!("{name} has the license `{license}`, which deny.toml does not allow"));
        }
    }
    for (dependent, dependency) in arrows(&tree.metadata, &packages) {
        for ban in deny.bans.deny.iter().filter(|ban| ban.name == dependency) {
            if !ban.wrappers.contains(dependent) {
                broken.push(format!("{dependent} must not depend on {dependency}: {}", ban.reason));
            }
        }
    }
    Ok(broken)
}

/// Ours, or laid under third_party/ from the registry's copy.
fn is_local(package: &Value) -> bool {
    package.get("source").is_none_or(Value::is_null)
}

/// Everything that our packages reach, on this platform.
fn built_in<'a>(metadata: &'a Value, packages: &BTreeMap<&'a str, &'a Value>) -> Vec<&'a Value> {
    let mut reached: BTreeSet<&str> = members(metadata).map(|package| text(package, "id")).collect();
    let mut open: Vec<&str> = reached.iter().copied().collect();
    while let Some(id) = open.pop() {
        for next in dependencies_of(metadata, id) {
            if reached.insert(next) {
                open.push(next);
            }
        }
    }
    reached.iter().filter_map(|id| packages.get(id).copied()).collect()
}

fn dependencies_of<'a>(metadata: &'a Value, id: &str) -> impl Iterator<Item = &'a str> {
    let nodes = metadata.pointer("/resolve/nodes").and_then(Value::as_array).into_iter().flatten();
    let node = nodes.into_iter().find(|node| text(node, "id") == id);
    node.and_then(|node| node.get("dependencies").and_then(Value::as_array))
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// Who depends on what, by name.
fn arrows<'a>(metadata: &'a Value, packages: &BTreeMap<&'a str, &'a Value>) -> BTreeSet<(&'a str, &'a str)> {
    let mut arrows = BTreeSet::new();
    for package in built_in(metadata, packages) {
        for id in dependencies_of(metadata, text(package, "id")) {
            if let Some(dependency) = packages.get(id) {
                arrows.insert((text(package, "name"), text(dependency, "name")));
            }
        }
    }
    arrows
}

/// Whether an SPDX expression can be met with the allowed licences. `/` is how old manifests write OR.
fn satisfied(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_ascii_whitespace().collect();
    let mut rest = words.as_slice();
    any_of(&mut rest, allowed) && rest.is_empty()
}

fn any_of(rest: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut met = all_of(rest, allowed);
    while let ["OR", after @ ..] = *rest {
        *rest = after;
        met |= all_of(rest, allowed);
    }
    met
}

fn all_of(rest: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut met = one(rest, allowed);
    while let ["AND", after @ ..] = *rest {
        *rest = after;
        met &= one(rest, allowed);
    }
    met
}

fn one(rest: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    match *rest {
        ["(", after @ ..] => {
            *rest = after;
            let met = any_of(rest, allowed);
            let Some((&")", after)) = rest.split_first() else { return false };
            *rest = after;
            met
        }
        [license, "WITH", exception, after @ ..] => {
            *rest = after;
            allowed.contains(&format!("{license} WITH {exception}"))
        }
        [license, after @ ..] => {
            *rest = after;
            allowed.contains(*license)
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_met_or_not() {
        let allowed: BTreeSet<String> = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].map(String::from).into();
        for (expression, met) in [
            ("MIT", true),
            ("GPL-3.0-only", false),
            ("GPL-3.0-only OR MIT", true),
            ("GPL-3.0-only AND MIT", false),
            ("ISC AND (GPL-3.0-only OR MIT)", true),
            ("(ISC OR MIT) AND GPL-3.0-only", false),
            ("Apache-2.0 WITH LLVM-exception OR X", true),
            ("Apache-2.0", false),
            ("X/MIT", true),
            ("(MIT", false),
            ("MIT)", false),
            ("", false),
        ] {
            assert_eq!(satisfied(expression, &allowed), met, "{expression}");
        }
    }
}
