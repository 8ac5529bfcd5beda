//! What a statement of a database session would do, as far as its text tells.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A kind of thing that a statement does. One statement can do several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatementClass {
    /// Gives rows.
    Read,
    /// Adds rows.
    Insert,
    /// Changes rows.
    Update,
    /// Removes rows.
    Delete,
    /// Empties tables.
    Truncate,
    /// Creates, changes or removes tables, views, functions and other objects.
    Ddl,
    /// Changes roles or what they may do, or becomes another one.
    Privilege,
    /// Copies rows from the client.
    CopyIn,
    /// Copies rows to the client.
    CopyOut,
    /// Reads or writes files on the server.
    File,
    /// Runs a program on the server.
    Program,
    /// Runs code whose effect its text does not tell: `DO`, `CALL`, functions that take statements.
    Dynamic,
    /// Changes the server itself: its configuration, other sessions.
    Admin,
    /// Begins or ends transactions.
    Transaction,
    /// Changes the session itself: its settings, its notifications.
    Session,
    /// Maintains tables: `VACUUM`, `ANALYZE`, `REINDEX`.
    Maintenance,
}

/// A table or another relation, in the spelling that the database knows it by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    /// The schema, where the statement says it.
    pub schema: Option<String>,
    /// The name.
    pub name: String,
}

/// Stands in the place of a schema for a pattern of keys; no database's names have it.
const PATTERN: &str = "\0";

impl TableName {
    /// A key of a store of keys and values, which has no schemas: all of it is the name.
    #[must_use]
    pub fn key(name: String) -> Self {
        Self { schema: Some(String::new()), name }
    }

    /// Any key of a store of keys and values that this pattern stands for; `*` in it is any text.
    #[must_use]
    pub fn keys(pattern: String) -> Self {
        Self { schema: Some(PATTERN.to_owned()), name: pattern }
    }

    /// Whether it is a key of a store of keys and values.
    #[must_use]
    pub fn is_key(&self) -> bool {
        self.schema.as_ref().is_some_and(String::is_empty)
    }

    /// Whether it is a pattern of such keys.
    #[must_use]
    pub fn is_keys(&self) -> bool {
        self.schema.as_deref() == Some(PATTERN)
    }
}

/// One thing that a statement does, and to what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StatementAccess {
    /// What.
    pub class: StatementClass,
    /// To what; none where that is no table, or the text does not tell.
    pub table: Option<TableName>,
    /// Whether it changes or removes rows without a condition.
    pub without_where: bool,
}

/// Everything that one statement does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatementFacts {
    /// What it does; never empty.
    pub accesses: BTreeSet<StatementAccess>,
    /// Every name in it: of a table, a column, a function or anything else.
    pub names: BTreeSet<String>,
    /// The settings that it changes.
    pub settings: BTreeSet<String>,
    /// Whether it asks for a transaction that may write.
    pub read_write: bool,
}

/// Why a text is not understood, so that nobody can say what it would do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotUnderstood(pub String);
