//! What can go wrong in a use case, by what the caller can do about it.

use std::time::Duration;

use postern_domain::policy::Reason;
use postern_gateway::BrokerError;

use crate::apply::DocumentProblem;

/// Why a use case did not happen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no such thing, or the caller may not know of it.
    #[error("{noun} `{name}` does not exist")]
    NotFound {
        /// Which noun.
        noun: &'static str,
        /// The name given.
        name: String,
    },
    /// The one-time link cannot be used; whether it ever existed is not told.
    #[error("this link is not valid: it was used already, has expired or was mistyped; ask for a new one")]
    Link,
    /// The caller has not proved who they are. The code says what is missing.
    #[error("{message}")]
    Unauthenticated {
        /// `unauthenticated`, `sign_in_failed`, `code_required`.
        code: &'static str,
        /// The cause and the next step.
        message: String,
    },
    /// The caller may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// Policy says no.
    #[error("refused by policy: {}", list(.0))]
    Refused(Vec<Reason>),
    /// A fresh second factor is wanted.
    #[error("a second factor not older than {max_age_seconds} seconds is required")]
    StepUp {
        /// How old it may be.
        max_age_seconds: u64,
    },
    /// A field's value is not acceptable.
    #[error("{field}: {message}")]
    Invalid {
        /// Which field.
        field: String,
        /// What is wrong and what would be accepted.
        message: String,
    },
    /// Documents that cannot be applied; nothing was.
    #[error("nothing was applied: {}", first(.0))]
    Documents(Vec<DocumentProblem>),
    /// It contradicts what is there.
    #[error("{0}")]
    Conflict(String),
    /// Too many failures; try later.
    #[error("too many failed attempts; try again in {} seconds", .0.as_secs().max(1))]
    Throttled(Duration),
    /// The vault is sealed.
    #[error("the vault is sealed; an administrator unseals it with `postern vault unseal`")]
    Sealed,
    /// Postern cannot do it at the moment.
    #[error("{0}")]
    Unavailable(String),
    /// The database failed.
    #[error("the database failed")]
    Store(#[source] postern_store::Error),
    /// The vault failed.
    #[error("the vault failed")]
    Vault(#[source] postern_vault::Error),
    /// A file failed.
    #[error("a file of the data folder failed")]
    Io(#[from] std::io::Error),
}

fn first(problems: &[DocumentProblem]) -> String {
    let more = match problems.len() {
        0 | 1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    problems.first().map_or_else(String::new, |problem| format!("{problem}{more}"))
}

fn list(reasons: &[Reason]) -> String {
    reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl Error {
    /// A field whose value is not acceptable.
    #[must_use]
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid { field: field.to_owned(), message: message.into() }
    }

    /// Something that does not exist for this caller.
    #[must_use]
    pub fn not_found(noun: &'static str, name: impl ToString) -> Self {
        Self::NotFound { noun, name: name.to_string() }
    }
}

impl From<postern_store::Error> for Error {
    fn from(error: postern_store::Error) -> Self {
        match error {
            postern_store::Error::Exists { .. } | postern_store::Error::Missing { .. } => {
                Self::Conflict(error.to_string())
            }
            postern_store::Error::Cursor => Self::invalid("cursor", error.to_string()),
            postern_store::Error::Sort { accepted } => {
                Self::invalid("sort", format!("one of {accepted}, with a minus for the other way round"))
            }
            postern_store::Error::DiskFull => Self::Unavailable("the disk is full; free some space".to_owned()),
            other => Self::Store(other),
        }
    }
}

impl From<postern_vault::Error> for Error {
    fn from(error: postern_vault::Error) -> Self {
        match error {
            postern_vault::Error::Sealed => Self::Sealed,
            other => Self::Vault(other),
        }
    }
}

impl From<Error> for BrokerError {
    fn from(error: Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}
