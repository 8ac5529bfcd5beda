//! What can go wrong with rows.

/// Why a row could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The thing exists already.
    #[error("{noun} exists already")]
    Exists {
        /// Which noun.
        noun: &'static str,
    },
    /// What is referred to does not exist.
    #[error("{noun} does not exist")]
    Missing {
        /// Which noun.
        noun: &'static str,
    },
    /// A stored value cannot be read; the file was changed by somebody else or is damaged.
    #[error("stored {what} cannot be read")]
    Corrupt {
        /// What.
        what: &'static str,
    },
    /// A cursor that this server did not give.
    #[error("cursor: not one that this server gave; begin again without it")]
    Cursor,
    /// It cannot be sorted by that.
    #[error("sort: one of {accepted}, with a minus for the other way round")]
    Sort {
        /// By what it can be.
        accepted: String,
    },
    /// The disk is full.
    #[error("the disk is full")]
    DiskFull,
    /// The ledger refused the leaf.
    #[error("the ledger refused the event: {0}")]
    Ledger(String),
    /// The database failed.
    #[error("database: {0}")]
    Database(sqlx::Error),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if let sqlx::Error::Database(inner) = &error {
            // SQLITE_FULL
            if inner.code().as_deref() == Some("13") {
                return Self::DiskFull;
            }
            if inner.is_unique_violation() {
                return Self::Exists { noun: noun_of(inner.message()) };
            }
            if inner.is_foreign_key_violation() {
                return Self::Missing { noun: "something that was referred to" };
            }
        }
        Self::Database(error)
    }
}

/// The noun in SQLite's "UNIQUE constraint failed: table.column".
fn noun_of(message: &str) -> &'static str {
    let table = message.rsplit(": ").next().and_then(|columns| columns.split('.').next()).unwrap_or_default();
    match table {
        "user" => "a user of this name",
        "user_group" => "a group of this name",
        "scope" => "this scope",
        "asset" => "an asset of this name",
        "account" => "an account of this name on the asset",
        "policy" => "a policy of this name",
        "ssh_key" => "this SSH key",
        "approval" => "an answer of yours to this request",
        _ => "this",
    }
}
