//! Rules on the statements of database sessions, and the decision over them.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Masking, Reason};
use crate::name::UserName;
use crate::statement::{NotUnderstood, StatementAccess, StatementClass, StatementFacts, TableName};
use crate::user::{User, UserState};

/// What happens to a statement. The later one wins where several rules speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatementAction {
    /// It runs.
    #[default]
    Allow,
    /// It runs, and an alert is raised.
    Alert,
    /// It waits until somebody else has said yes.
    Ask,
    /// It is refused, and the session goes on.
    Block,
    /// It is refused, and the session ends.
    Terminate,
}

/// One rule. Everything that is given must match; an `allow` needs to match everything that a
/// statement does, any other action only something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StatementRule {
    /// What people call it; shown to whoever it stops.
    pub name: String,
    /// The kinds of thing that it is about; every kind unless given.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub classes: BTreeSet<StatementClass>,
    /// The tables that it is about, `name` or `schema.name`, each with `*` for any text; every table
    /// unless given. A statement that leaves the schema open means `public` for `schema.*`, and any
    /// schema for `schema.name`; an `allow` wants it said. For Redis, the keys.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub tables: BTreeSet<String>,
    /// The functions that it is about, or the commands of Redis; without meaning in an `allow`.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub functions: BTreeSet<String>,
    /// Only what changes or removes rows without a condition.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub without_where: bool,
    /// What happens.
    pub action: StatementAction,
}

/// How much a session may take out. What goes beyond ends with an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StatementBudgets {
    /// Rows of one statement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement_rows: Option<u64>,
    /// Bytes of one statement's result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement_bytes: Option<u64>,
    /// Rows of a whole session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_rows: Option<u64>,
    /// Bytes of the results of a whole session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_bytes: Option<u64>,
}

/// The most rows of one statement that are kept.
pub const CAPTURE_ROWS_MAX: u32 = 10_000;
/// The most bytes of one statement's rows that are kept.
pub const CAPTURE_BYTES_MAX: u32 = 1024 * 1024;

/// How much of what statements give is kept in the recording, as the person saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResultCapture {
    /// Rows of one statement, from 1 to 10,000.
    pub rows: u32,
    /// Bytes of one statement's rows, from 1 to 1,048,576.
    pub bytes: u32,
}

impl Default for ResultCapture {
    fn default() -> Self {
        Self { rows: 100, bytes: 64 * 1024 }
    }
}

/// What binds the statements of database sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Statements {
    /// Nothing may be changed; the target enforces it too.
    pub read_only: bool,
    /// The rules. Of those that match, the strictest wins.
    pub rules: Vec<StatementRule>,
    /// What happens to what no rule speaks of.
    pub otherwise: StatementAction,
    /// What happens to a statement that is not understood.
    pub not_understood: StatementAction,
    /// How much may be taken out.
    pub budgets: StatementBudgets,
    /// What is hidden in results.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub masking: Option<Masking>,
    /// How much of what they give is kept in the recording; nothing unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capture: Option<ResultCapture>,
}

impl Default for Statements {
    fn default() -> Self {
        Self {
            read_only: false,
            rules: Vec::new(),
            otherwise: StatementAction::Allow,
            not_understood: StatementAction::Block,
            budgets: StatementBudgets::default(),
            masking: None,
            capture: None,
        }
    }
}

/// What was decided on a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementVerdict {
    /// What happens.
    pub action: StatementAction,
    /// The rule that decided, or what stands for one.
    pub rule: String,
}

/// Settings that would change how statements are read, or undo what protects the target.
const GUARDED_SETTINGS: [&str; 9] = [
    "all",
    "character_set_client",
    "client_encoding",
    "default_transaction_read_only",
    "session_replication_role",
    "sql_mode",
    "standard_conforming_strings",
    "transaction_read_only",
    "tx_read_only",
];

impl Statements {
    /// Whether every statement has to be understood before it runs.
    #[must_use]
    pub fn reads_statements(&self) -> bool {
        self.read_only
            || !self.rules.is_empty()
            || self.otherwise != StatementAction::Allow
            || self.masking.as_ref().is_some_and(Masking::names_columns)
    }

    /// Whether these let everything pass that `other` lets pass: the same, or the same with less hidden.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let less_hidden = match (&self.masking, &other.masking) {
            (None, _) => true,
            (Some(masking), Some(other)) => other.covers(masking),
            (Some(_), None) => false,
        };
        less_hidden && Self { masking: None, ..self.clone() } == Self { masking: None, ..other.clone() }
    }

    /// Decides on what one message asks for: its statements in order, or that it is not understood.
    #[must_use]
    pub fn decide(&self, understood: &Result<Vec<StatementFacts>, NotUnderstood>) -> StatementVerdict {
        match understood {
            Err(why) => StatementVerdict { action: self.not_understood, rule: format!("not understood: {why}") },
            Ok(statements) => {
                let allowed = StatementVerdict { action: StatementAction::Allow, rule: String::new() };
                let verdicts = statements.iter().map(|facts| self.decide_one(facts, statements.len() > 1));
                verdicts.fold(allowed, strictest)
            }
        }
    }

    fn decide_one(&self, facts: &StatementFacts, among_others: bool) -> StatementVerdict {
        let guarded = facts.settings.iter().find(|name| self.guards(name));
        if let Some(setting) = guarded {
            return block(format!("the setting {setting} is not to be changed here"));
        }
        if facts.names.contains("set_config") {
            return block("set_config is not to be used here: write SET".to_owned());
        }
        if let Some(why) = self.read_only.then(|| writes(facts, among_others)).flatten() {
            return block(format!("read_only: {why}"));
        }
        let by_access = facts.accesses.iter().map(|access| self.decide_access(access));
        let by_function = self
            .rules
            .iter()
            .filter(|rule| rule.action != StatementAction::Allow && rule.matches_function(facts))
            .map(StatementRule::verdict);
        let nothing = StatementVerdict { action: StatementAction::Allow, rule: String::new() };
        by_access.chain(by_function).fold(nothing, strictest)
    }

    /// Whether a setting must stay as it is: it would change how statements are read, or which schema
    /// a name without one is in, or undo what protects the target.
    #[must_use]
    pub fn guards(&self, setting: &str) -> bool {
        GUARDED_SETTINGS.contains(&setting)
            || setting == "search_path"
                && self.rules.iter().flat_map(|rule| &rule.tables).any(|table| table.contains('.'))
    }

    fn decide_access(&self, access: &StatementAccess) -> StatementVerdict {
        let matching = self.rules.iter().filter(|rule| rule.functions.is_empty() && rule.matches(access));
        let otherwise = || StatementVerdict { action: self.otherwise, rule: "no rule speaks of it".to_owned() };
        matching.map(StatementRule::verdict).reduce(strictest).unwrap_or_else(otherwise)
    }
}

/// Whether somebody may decide on a statement that waits: never `asker`, the person who wants to run it.
///
/// # Errors
/// Says why not.
pub fn may_decide_statement(approver: &User, holds_permission: bool, asker: &UserName) -> Result<(), Reason> {
    if approver.state != UserState::Active {
        Err(Reason::UserInactive)
    } else if approver.person() == asker {
        Err(Reason::OwnRequest)
    } else if !holds_permission {
        Err(Reason::NotApprover)
    } else {
        Ok(())
    }
}

fn block(rule: String) -> StatementVerdict {
    StatementVerdict { action: StatementAction::Block, rule }
}

fn strictest(first: StatementVerdict, second: StatementVerdict) -> StatementVerdict {
    if second.action > first.action { second } else { first }
}

/// Why a statement could change something, if it could.
fn writes(facts: &StatementFacts, among_others: bool) -> Option<String> {
    if facts.read_write {
        return Some("a transaction that may write is not to be had".to_owned());
    }
    facts.accesses.iter().find_map(|access| match access.class {
        StatementClass::Read | StatementClass::Session | StatementClass::CopyOut => None,
        StatementClass::Transaction if !among_others => None,
        StatementClass::Transaction => Some("send the ends of transactions by themselves".to_owned()),
        class => Some(format!("{class} is not allowed")),
    })
}

impl StatementRule {
    fn verdict(&self) -> StatementVerdict {
        StatementVerdict { action: self.action, rule: self.name.clone() }
    }

    fn matches(&self, access: &StatementAccess) -> bool {
        let sure = self.action == StatementAction::Allow;
        (self.classes.is_empty() || self.classes.contains(&access.class))
            && (!self.without_where || access.without_where)
            && (self.tables.is_empty()
                || access
                    .table
                    .as_ref()
                    .is_some_and(|table| self.tables.iter().any(|pattern| is_table(pattern, table, sure))))
    }

    fn matches_function(&self, facts: &StatementFacts) -> bool {
        !self.functions.is_empty()
            && self.functions.iter().any(|name| facts.names.contains(&name.to_ascii_lowercase()))
            && (self.classes.is_empty() || facts.accesses.iter().any(|access| self.classes.contains(&access.class)))
    }
}

/// Whether a pattern is about a table. A table whose schema the statement leaves open may be in any:
/// it matches a pattern that says the name, unless that has to be `sure`; for a pattern about whole
/// schemas it counts as one in `public`.
fn is_table(pattern: &str, table: &TableName, sure: bool) -> bool {
    if table.is_key() {
        return like(pattern, &table.name);
    }
    if table.is_keys() {
        return !sure && overlap(pattern.as_bytes(), table.name.as_bytes());
    }
    let Some((schema, name)) = pattern.split_once('.') else { return like(pattern, &table.name) };
    like(name, &table.name)
        && match &table.schema {
            Some(known) => like(schema, known),
            None if sure => false,
            None => name != "*" || like(schema, "public"),
        }
}

/// Whether some text is what both patterns say; `*` stands for any text in both.
fn overlap(one: &[u8], other: &[u8]) -> bool {
    // Whether what is left of `one` from a place on overlaps with what is left of `other`; from the back to the front.
    let mut row: Vec<bool> = Vec::new();
    for at in (0..=one.len()).rev() {
        let below = std::mem::replace(&mut row, vec![false; other.len() + 1]);
        for place in (0..=other.len()).rev() {
            let known = |row: &[bool], place: usize| row.get(place).copied().unwrap_or(false);
            let found = match (one.get(at), other.get(place)) {
                (None, None) => true,
                (Some(b'*'), _) | (_, Some(b'*')) => known(&below, place) || known(&row, place + 1),
                (Some(byte), Some(theirs)) => byte == theirs && known(&below, place + 1),
                _ => false,
            };
            if let Some(cell) = row.get_mut(place) {
                *cell = found;
            }
        }
    }
    row.first().copied().unwrap_or(false)
}

/// Whether `text` is what `pattern` says; `*` stands for any text, letter case counts.
#[must_use]
pub fn like(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut left) = text.strip_prefix(first) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return left.ends_with(part);
        }
        let Some(at) = left.find(part) else { return false };
        left = left.get(at + part.len()..).unwrap_or_default();
    }
    true
}

impl fmt::Display for StatementClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Truncate => "truncate",
            Self::Ddl => "ddl",
            Self::Privilege => "privilege",
            Self::CopyIn => "copy_in",
            Self::CopyOut => "copy_out",
            Self::File => "file",
            Self::Program => "program",
            Self::Dynamic => "dynamic",
            Self::Admin => "admin",
            Self::Transaction => "transaction",
            Self::Session => "session",
            Self::Maintenance => "maintenance",
        })
    }
}

#[cfg(test)]
mod tests;
