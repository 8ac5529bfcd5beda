//! Crates without input and output stay so: what happens there depends on arguments alone.

use super::Tree;
use super::source;

/// What must not stand in the product code of a crate, and why.
const FORBIDDEN: [(&str, &[&str]); 5] = [
    (
        "crates/domain/src/",
        &[
            "async ",
            ".await;",
            ".await?",
            ".await.",
            "tokio",
            "SystemTime::now",
            "Instant::now",
            "std::fs",
            "std::net::Tcp",
        ],
    ),
    (
        "crates/wire/src/",
        &["async ", ".await;", ".await?", ".await.", "tokio", "SystemTime::now", "Instant::now", "std::fs", "std::net"],
    ),
    (
        "crates/understand/src/",
        &["async ", ".await;", ".await?", ".await.", "tokio", "SystemTime::now", "Instant::now", "std::fs", "std::net"],
    ),
    (
        "crates/sql/src/",
        &["async ", ".await;", ".await?", ".await.", "tokio", "SystemTime::now", "Instant::now", "std::fs", "std::net"],
    ),
    (
        "crates/ledger/src/",
        &["async ", ".await;", ".await?", ".await.", "tokio", "SystemTime::now", "Instant::now", "std::net"],
    ),
];

pub(super) fn check(tree: &Tree) -> anyhow::Result<Vec<String>> {
    let mut broken = Vec::new();
    for (path, source) in source::all(tree) {
        let Some((_, forbidden)) = FORBIDDEN.iter().find(|(folder, _)| path.starts_with(folder)) else { continue };
        for (number, line) in source.product_lines() {
            for word in forbidden.iter().filter(|word| line.contains(**word)) {
                broken.push(format!("{path}:{number}: `{}` does not belong into a pure crate", word.trim()));
            }
        }
    }
    Ok(broken)
}
