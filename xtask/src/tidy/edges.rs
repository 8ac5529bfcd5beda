//! Which of our crates may depend on which: an allow-list. Arrows point one way.

use serde_json::Value;

use super::Tree;

/// A crate, and those of ours that it may build on. Tests may use what the crate itself may.
const ALLOWED: &[(&str, &[&str])] = &[
    ("postern-domain", &[]),
    ("postern-wire", &[]),
    ("postern-ledger", &[]),
    ("postern-vault", &["postern-domain"]),
    ("postern-store", &["postern-domain", "postern-ledger"]),
    ("postern-connectors", &["postern-domain"]),
    ("postern-archive", &["postern-domain"]),
    ("postern-channels", &["postern-domain"]),
    ("postern-tickets", &["postern-domain"]),
    ("postern-witnesses", &["postern-ledger"]),
    ("postern-report", &["postern-domain"]),
    ("postern-gateway", &["postern-domain", "postern-wire"]),
    ("postern-sql", &["postern-domain"]),
    ("postern-understand", &["postern-wire"]),
    ("postern-detect", &["postern-domain", "postern-understand"]),
    ("postern-search", &["postern-domain", "postern-understand", "postern-wire"]),
    ("postern-sql-console", &["postern-domain", "postern-wire"]),
    ("postern-ssh-target", &["postern-domain", "postern-gateway", "postern-wire"]),
    ("postern-gateway-ssh", &["postern-domain", "postern-gateway", "postern-ssh-target", "postern-wire"]),
    ("postern-gateway-web", &["postern-domain", "postern-gateway", "postern-ssh-target", "postern-wire"]),
    ("postern-gateway-database", &["postern-domain", "postern-gateway", "postern-sql", "postern-wire"]),
    (
        "postern-control",
        &[
            "postern-archive",
            "postern-channels",
            "postern-connectors",
            "postern-detect",
            "postern-domain",
            "postern-gateway",
            "postern-ledger",
            "postern-search",
            "postern-report",
            "postern-store",
            "postern-tickets",
            "postern-understand",
            "postern-vault",
            "postern-wire",
            "postern-witnesses",
        ],
    ),
    ("postern-api", &["postern-domain", "postern-control", "postern-gateway-web", "postern-sql-console"]),
    (
        "postern",
        &[
            "postern-api",
            "postern-archive",
            "postern-channels",
            "postern-control",
            "postern-domain",
            "postern-gateway",
            "postern-gateway-database",
            "postern-gateway-ssh",
            "postern-gateway-web",
            "postern-ledger",
            "postern-sql-console",
            "postern-store",
            "postern-tickets",
            "postern-vault",
            "postern-wire",
            "postern-witnesses",
        ],
    ),
    ("postern-open", &["postern-domain", "postern-ledger", "postern-vault"]),
    ("postern-verify", &["postern-ledger", "postern-wire"]),
    ("postern-e2e", &[]),
    ("postern-estate", &["postern-connectors", "postern-domain"]),
    ("postern-suites", &["postern-e2e"]),
    ("postern-bench", &["postern-e2e"]),
    ("xtask", &["postern-ledger", "postern-sql", "postern-wire"]),
];

pub(super) fn check(tree: &Tree) -> anyhow::Result<Vec<String>> {
    let mut broken = Vec::new();
    for member in members(&tree.metadata) {
        let name = text(member, "name");
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| *known == name) else {
            broken.push(format!("{name} has no line in xtask/src/tidy/edges.rs: say what it may depend on"));
            continue;
        };
        for dependency in list(member, "dependencies") {
            let wanted = text(dependency, "name");
            if ours(wanted) && !allowed.contains(&wanted) {
                broken.push(format!("{name} must not depend on {wanted}: the arrow points the other way"));
            }
        }
        let manifest = text(member, "manifest_path");
        let content = std::fs::read_to_string(manifest)?;
        if !content.contains("[lints]\nworkspace = true") {
            broken.push(format!("{manifest}: add `[lints]` with `workspace = true`"));
        }
    }
    Ok(broken)
}

/// The workspace's own packages.
pub(super) fn members(metadata: &Value) -> impl Iterator<Item = &Value> {
    let members: Vec<_> = list(metadata, "workspace_members").collect();
    list(metadata, "packages").filter(move |package| package.get("id").is_some_and(|id| members.contains(&id)))
}

pub(super) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// The items of a list; none where there is no list.
pub(super) fn list<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    value.get(field).and_then(Value::as_array).into_iter().flatten()
}

fn ours(name: &str) -> bool {
    name == "postern" || name == "xtask" || name.starts_with("postern-")
}
