//! Documents that lead nowhere, and crates that the map does not show.

use super::Tree;
use super::edges::{members, text};
use crate::run::root;

const MAP: &str = "ARCHITECTURE.md";

pub(super) fn check(tree: &Tree) -> anyhow::Result<Vec<String>> {
    let mut broken = Vec::new();
    let root = root();
    for member in members(&tree.metadata) {
        let folder = std::path::Path::new(text(member, "manifest_path")).parent();
        let folder = folder.and_then(|folder| folder.strip_prefix(&root).ok()).unwrap_or(&root);
        if !tree.content(MAP).contains(&format!("`{}`", folder.display())) {
            broken.push(format!("{MAP}: say in a line what `{}` is", folder.display()));
        }
    }
    for (path, text) in tree.files.iter().filter(|(path, _)| path.ends_with(".md")) {
        let folder = root.join(path);
        let folder = folder.parent().unwrap_or(&root);
        for target in links(text) {
            let file = target.split('#').next().unwrap_or_default();
            if !file.is_empty() && !folder.join(file).exists() {
                broken.push(format!("{path}: the link to {target} leads nowhere"));
            }
        }
    }
    Ok(broken)
}

/// Where the links of a document lead inside the tree.
fn links(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        if fenced {
            continue;
        }
        for part in line.split("](").skip(1) {
            let target = part.split([')', ' ']).next().unwrap_or_default();
            if !target.contains("://") && !target.starts_with("mailto:") {
                found.push(target);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_inside_the_tree_are_found() {
        let text = "[a](b.md#c) and [d](https://e.example/) ![f](g.png \"h\")\n```\n[i](j)\n```\n[k](../l)\n";
        assert_eq!(links(text), ["b.md#c", "g.png", "../l"]);
    }
}
