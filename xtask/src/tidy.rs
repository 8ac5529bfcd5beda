//! The rules of the tree that no compiler checks. Each says where it was broken and what would do.

mod dependencies;
mod documents;
mod edges;
mod purity;
mod size;
mod source;
mod words;

use anyhow::bail;

use crate::run::{cargo, output, root};

/// The tree as the rules see it.
pub(crate) struct Tree {
    /// Every file that git knows or would add, with its content, by path below the root.
    pub files: Vec<(String, String)>,
    /// What cargo says about the workspace and everything that is built in, for this platform.
    pub metadata: serde_json::Value,
}

impl Tree {
    fn read() -> anyhow::Result<Self> {
        let root = root();
        let listed = output("git", &["ls-files", "--cached", "--others", "--exclude-standard"])?;
        // What is not text has no words to check.
        let files = listed
            .lines()
            .filter_map(|path| Some((path.to_owned(), std::fs::read_to_string(root.join(path)).ok()?)))
            .collect();
        let platform = "x86_64-unknown-linux-gnu";
        let metadata =
            output(&cargo(), &["metadata", "--format-version", "1", "--locked", "--filter-platform", platform])?;
        Ok(Self { files, metadata: serde_json::from_str(&metadata)? })
    }

    /// The content of a file; empty when it is not there.
    pub(crate) fn content(&self, path: &str) -> &str {
        self.files.iter().find(|(known, _)| known == path).map_or("", |(_, content)| content)
    }

    /// Our own Rust sources.
    pub(crate) fn sources(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter(|(path, _)| path.ends_with(".rs")).map(|(path, text)| (path.as_str(), text.as_str()))
    }
}

type Rule = fn(&Tree) -> anyhow::Result<Vec<String>>;

const RULES: [(&str, Rule); 6] = [
    ("edges", edges::check),
    ("dependencies", dependencies::check),
    ("purity", purity::check),
    ("size", size::check),
    ("documents", documents::check),
    ("words", words::check),
];

/// Checks every rule.
pub(crate) fn run() -> anyhow::Result<()> {
    let tree = Tree::read()?;
    let mut broken = 0;
    for (name, rule) in RULES {
        for message in rule(&tree)? {
            println!("{name}: {message}");
            broken += 1;
        }
    }
    println!("rules={} files={} broken={broken}", RULES.len(), tree.files.len());
    if broken > 0 {
        bail!("the tree is not tidy");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_tree_is_tidy() {
        super::run().unwrap();
    }
}
