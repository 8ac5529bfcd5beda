//! What a client of either protocol is told.

use std::io;

use postern_wire::pg::startup::CancelKey;

use crate::message::Column;
use crate::mysql::Mysql;
use crate::pg::Postgres;
use crate::value::Value;

/// The longest row that is read.
pub(crate) const ROW_LEN_MAX: usize = 8 * 1024 * 1024;

/// What is wrong, as the gateway or the target says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) code: String,
    pub(crate) message: String,
    /// More about it, and what to do.
    pub(crate) more: Vec<String>,
}

/// What comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// A result with these columns begins.
    Columns(Vec<Column>),
    /// A row of it.
    Row(Vec<Value>),
    /// A statement is done.
    Done(String),
    /// Something to know.
    Notice(String),
    /// A statement has failed.
    Failed(Report),
    /// All that was sent is done; whether a transaction is open.
    Ready(bool),
}

/// Why nothing more comes.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Gone {
    /// The gateway said so.
    #[error("{0}")]
    Told(String),
    /// The connection broke, or not the protocol was spoken.
    #[error("the connection to the gateway broke: {0}")]
    Broke(#[from] io::Error),
}

impl Gone {
    /// What was said is not of the protocol.
    pub(crate) fn odd(what: impl std::fmt::Display) -> Self {
        Self::Broke(io::Error::new(io::ErrorKind::InvalidData, what.to_string()))
    }
}

/// How what runs is cancelled.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cancel {
    /// By a packet with this key, on a connection of its own.
    Key(CancelKey),
    /// By the number of the connection.
    Connection(u32),
}

/// A client that has signed in.
pub(crate) enum Client {
    Postgres(Postgres),
    Mysql(Mysql),
}

impl Client {
    /// Sends statements; what comes of them ends with `Said::Ready`.
    pub(crate) async fn run(&mut self, text: &str) -> Result<(), Gone> {
        match self {
            Self::Postgres(client) => client.run(text).await,
            Self::Mysql(client) => client.run(text).await,
        }
    }

    /// What has come already, if it is all there.
    pub(crate) fn said(&mut self) -> Result<Option<Said>, Gone> {
        match self {
            Self::Postgres(client) => client.said(),
            Self::Mysql(client) => client.said(),
        }
    }

    /// Waits for more. May be cancelled without losing anything.
    pub(crate) async fn fill(&mut self) -> Result<(), Gone> {
        match self {
            Self::Postgres(client) => client.fill().await,
            Self::Mysql(client) => client.fill().await,
        }
    }

    /// How what it runs is cancelled.
    pub(crate) fn cancel(&self) -> Cancel {
        match self {
            Self::Postgres(client) => Cancel::Key(client.key()),
            Self::Mysql(client) => Cancel::Connection(client.connection()),
        }
    }

    /// Says goodbye, as far as anybody listens.
    pub(crate) async fn leave(&mut self) {
        let _ = match self {
            Self::Postgres(client) => client.leave().await,
            Self::Mysql(client) => client.leave().await,
        };
    }
}
