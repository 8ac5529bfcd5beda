//! `CREATE`, `ALTER`, `DROP`, `COMMENT`, `IMPORT`: what they are about, by their first words.

use postern_domain::statement::{NotUnderstood, StatementClass, TableName};
use sqlparser::tokenizer::Token;

use crate::kind::{Facts, has, word};
use crate::{names, visit};

/// Words that can stand between the verb and what it is about.
const DECORATION: [&str; 16] = [
    "or",
    "replace",
    "temp",
    "temporary",
    "local",
    "global",
    "unlogged",
    "recursive",
    "unique",
    "concurrently",
    "constraint",
    "event",
    "foreign",
    "trusted",
    "procedural",
    "default",
];
/// Words that can stand between what it is about and its name.
const BEFORE_NAME: [&str; 5] = ["if", "not", "exists", "only", "concurrently"];

/// What the statement does.
pub(crate) fn facts(tokens: &[Token], facts: &mut Facts) -> Result<(), NotUnderstood> {
    let verb = word(tokens, 0);
    let mut at = 1;
    while DECORATION.contains(&word(tokens, at).as_str()) {
        at += 1;
    }
    let object = word(tokens, at);
    let after = tokens.get(at + 1..).unwrap_or_default();
    match object.as_str() {
        "role" | "user" | "group" | "privileges" => facts.does(StatementClass::Privilege, None),
        "system" => facts.does(StatementClass::Admin, None),
        "table" | "view" | "materialized" | "sequence" => {
            let after = if object == "materialized" { after.get(1..).unwrap_or_default() } else { after };
            all(named(after), facts);
        }
        "index" | "trigger" | "policy" | "rule" => match on(after) {
            Some(table) => facts.does(StatementClass::Ddl, Some(table)),
            None => facts.does(StatementClass::Ddl, None),
        },
        _ => facts.does(StatementClass::Ddl, None),
    }
    if verb == "alter" && has(tokens, &["owner"]) {
        facts.does(StatementClass::Privilege, None);
    }
    let holds_query = ["table", "view", "materialized", "rule", "schema"].contains(&object.as_str())
        && has(after, &["select", "with", "values", "insert", "update", "delete", "table"]);
    if verb == "create" && holds_query && !only_options(after) {
        visit::parsed(tokens, facts)?;
    }
    Ok(())
}

fn all(tables: Vec<TableName>, facts: &mut Facts) {
    if tables.is_empty() {
        facts.does(StatementClass::Ddl, None);
    }
    for table in tables {
        facts.does(StatementClass::Ddl, Some(table));
    }
}

/// The names that follow, separated by commas.
fn named(tokens: &[Token]) -> Vec<TableName> {
    let mut at = 0;
    while BEFORE_NAME.contains(&word(tokens, at).as_str()) {
        at += 1;
    }
    let mut found = Vec::new();
    while let Some((name, used)) = names::leading(tokens.get(at..).unwrap_or_default()) {
        found.push(name);
        at += used;
        if tokens.get(at) != Some(&Token::Comma) {
            break;
        }
        at += 1;
    }
    found
}

/// The table after the first `ON`.
fn on(tokens: &[Token]) -> Option<TableName> {
    let at = (0..tokens.len()).find(|at| word(tokens, *at) == "on")?;
    named(tokens.get(at + 1..)?).into_iter().next()
}

/// Whether `WITH` begins storage options and nothing else could be a query: `WITH (fillfactor = 70)`.
fn only_options(tokens: &[Token]) -> bool {
    !has(tokens, &["select", "values", "insert", "update", "delete", "table"])
        && (0..tokens.len())
            .filter(|at| word(tokens, *at) == "with")
            .all(|at| tokens.get(at + 1) == Some(&Token::LParen) && word(tokens, at.wrapping_sub(1)) != "as")
}
