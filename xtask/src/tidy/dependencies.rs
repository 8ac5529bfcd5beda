//! What is built in: licences, bans and sources, as `deny.toml` says.

use std::collections::BTreeSet;

use anyhow::Context as _;
use serde::Deserialize;

use super::Tree;
use crate::run::{cargo, output};

#[derive(Deserialize)]
struct Deny {
    licenses: Licenses,
    bans: Bans,
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

/// A package that is built in.
#[derive(Debug, PartialEq, Eq)]
struct Package<'a> {
    depth: usize,
    name: &'a str,
    /// Where it comes from when that is not the registry: a folder, or a repository.
    origin: Option<&'a str>,
    license: &'a str,
}

pub(super) fn check(tree: &Tree) -> anyhow::Result<Vec<String>> {
    let deny: Deny = toml::from_str(tree.content("deny.toml")).context("deny.toml")?;
    let arguments = "tree --workspace --locked --edges normal,build --target x86_64-unknown-linux-gnu --prefix depth";
    let mut arguments: Vec<&str> = arguments.split(' ').collect();
    arguments.extend(["--format", "|{p}|{l}|"]);
    let listed = output(&cargo(), &arguments)?;
    let packages: Vec<Package<'_>> = listed.lines().filter_map(package).collect();
    anyhow::ensure!(packages.len() > 100, "cargo tree was not understood");
    let mut broken = BTreeSet::new();
    for package in &packages {
        let (name, license) = (package.name, package.license);
        if package.origin.is_some_and(|origin| origin.contains("://")) {
            broken.insert(format!("{name} comes from {}, not from the registry", package.origin.unwrap_or_default()));
        }
        if !satisfied(license, &deny.licenses.allow) {
            broken.insert(format!("{name} has the license `{license}`, which deny.toml does not allow"));
        }
    }
    for (dependent, dependency) in arrows(&packages) {
        for ban in deny.bans.deny.iter().filter(|ban| ban.name == dependency) {
            if !ban.wrappers.contains(dependent) {
                broken.insert(format!("{dependent} must not depend on {dependency}: {}", ban.reason));
            }
        }
    }
    Ok(broken.into_iter().collect())
}

/// `1|serde v1.0.0 (/a/folder)|MIT OR Apache-2.0| (*)`
fn package(line: &str) -> Option<Package<'_>> {
    let mut fields = line.split('|');
    let depth = fields.next()?.parse().ok()?;
    let shown = fields.next()?;
    let license = fields.next()?;
    let origin = shown.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).filter(|text| text.contains('/'));
    Some(Package { depth, name: shown.split(' ').next()?, origin, license })
}

/// Who depends on what, by name.
fn arrows<'a>(packages: &[Package<'a>]) -> BTreeSet<(&'a str, &'a str)> {
    let mut arrows = BTreeSet::new();
    let mut above: Vec<&str> = Vec::new();
    for package in packages {
        above.truncate(package.depth);
        if let Some(dependent) = above.last() {
            arrows.insert((*dependent, package.name));
        }
        above.push(package.name);
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
    fn a_line_of_the_tree_is_understood() {
        let read = |line| package(line).map(|p| (p.depth, p.name, p.origin, p.license)).unwrap();
        assert_eq!(read("0|a v1.0.0 (/b/c)|MIT|"), (0, "a", Some("/b/c"), "MIT"));
        assert_eq!(read("12|d v1.0.0 (proc-macro)|MIT/ISC| (*)"), (12, "d", None, "MIT/ISC"));
        assert_eq!(read("1|e v1.0.0 (https://e.example/e#1)||"), (1, "e", Some("https://e.example/e#1"), ""));
        assert!(package("").is_none());
    }

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
