//! One connection, and what its errors mean.

use postern_domain::AccountName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;
use tokio_postgres::config::{ChannelBinding, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Config, NoTls, Row};

use crate::login::Secret;
use crate::outcome::{Cause, Failure, Outcome};
use crate::target::Target;
use crate::tls;

use super::DATABASE;

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum ConnectError {
    /// The server does not take the password.
    Refused(Failure),
    /// It takes the password, and lets the role into no session for another reason.
    SignedInOnly(Failure),
    /// It could not be found out whether it would.
    Failed(Failure),
}

impl ConnectError {
    pub(super) fn failure(self) -> Failure {
        match self {
            Self::Refused(failure) | Self::SignedInOnly(failure) | Self::Failed(failure) => failure,
        }
    }
}

/// A connection. Gone when dropped.
pub(super) struct Client {
    inner: tokio_postgres::Client,
    driver: tokio::task::JoinHandle<()>,
    step: std::time::Duration,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Client {
    pub(super) async fn open(target: &Target, account: &AccountName, secret: &Secret) -> Result<Self, ConnectError> {
        let database = target.settings.get(DATABASE).unwrap_or("postgres").to_owned();
        Self::open_database(target, account, secret, &database).await
    }

    pub(super) async fn open_database(
        target: &Target,
        account: &AccountName,
        secret: &Secret,
        database: &str,
    ) -> Result<Self, ConnectError> {
        let Secret::Password(password) = secret else {
            return Err(ConnectError::Failed(Failure::unsupported("sign roles in with keys")));
        };
        let mut stream = target.dial().await.map_err(ConnectError::Failed)?;
        let asking = async {
            stream.write_all(SSL_REQUEST).await?;
            stream.read_u8().await
        };
        match timeout(target.limits.connect, asking).await {
            Ok(Ok(b'S')) => {}
            Ok(Ok(_)) => return Err(failed(Cause::Untrusted, "the server does not speak TLS")),
            Ok(Err(error)) => return Err(failed(Cause::Protocol, &error)),
            Err(_) => return Err(failed(Cause::Timeout, "the server did not answer in time")),
        }
        let stream = tls::secure(target, stream).await.map_err(ConnectError::Failed)?;
        // TLS is there already, so that the library need not know of it.
        let mut config = Config::new();
        config
            .user(account.as_str())
            .password(password.expose())
            .dbname(database)
            .application_name("postern")
            .ssl_mode(SslMode::Disable)
            .channel_binding(ChannelBinding::Disable)
            .options(format!("-c statement_timeout={0} -c lock_timeout={0}", millis(target)));
        match timeout(target.limits.step, config.connect_raw(stream, NoTls)).await {
            Err(_) => Err(failed(Cause::Timeout, "the server did not let the role in in time")),
            Ok(Err(error)) => Err(judge(&error)),
            Ok(Ok((inner, connection))) => {
                let driver = tokio::spawn(async move {
                    let _ = connection.await;
                });
                Ok(Self { inner, driver, step: target.limits.step })
            }
        }
    }

    /// Runs statements as one, and says what became of them.
    pub(super) async fn change(&self, sql: &str) -> Outcome {
        match timeout(self.step, self.inner.batch_execute(sql)).await {
            Err(_) => Outcome::Unknown(Failure::new(Cause::Timeout, "the server did not answer in time")),
            Ok(Ok(())) => Outcome::Applied(()),
            Ok(Err(error)) => said(&error),
        }
    }

    /// Asks.
    pub(super) async fn ask(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Failure> {
        match timeout(self.step, self.inner.query(sql, parameters)).await {
            Err(_) => Err(Failure::new(Cause::Timeout, "the server did not answer in time")),
            Ok(Err(error)) => Err(failure(&error)),
            Ok(Ok(rows)) => Ok(rows),
        }
    }
}

fn millis(target: &Target) -> u128 {
    target.limits.step.as_millis()
}

fn failed(cause: Cause, text: impl std::fmt::Display) -> ConnectError {
    ConnectError::Failed(Failure::new(cause, text))
}

fn judge(error: &tokio_postgres::Error) -> ConnectError {
    match error.code() {
        Some(code) if *code == SqlState::INVALID_PASSWORD => ConnectError::Refused(failure(error)),
        // Both are looked at after the password has been accepted.
        Some(code) if *code == SqlState::INVALID_CATALOG_NAME || *code == SqlState::INSUFFICIENT_PRIVILEGE => {
            ConnectError::SignedInOnly(failure(error))
        }
        _ => ConnectError::Failed(failure(error)),
    }
}

/// What a failed statement means for what it would have changed.
pub(super) fn said<T>(error: &tokio_postgres::Error) -> Outcome<T> {
    match error.code() {
        // The server was going down; it may have been after the commit.
        Some(code) if code.code().starts_with("57P") || code.code().starts_with("08") => {
            Outcome::Unknown(failure(error))
        }
        Some(_) => Outcome::NotApplied(failure(error)),
        None => Outcome::Unknown(failure(error)),
    }
}

pub(super) fn failure(error: &tokio_postgres::Error) -> Failure {
    let Some(db) = error.as_db_error() else {
        return Failure::new(Cause::Protocol, format_args!("the connection broke: {error}"));
    };
    let code = db.code().code();
    let cause = match code {
        "28P01" => Cause::Refused,
        "28000" => Cause::Locked,
        "42501" => Cause::Forbidden,
        "42704" => Cause::NoSuchAccount,
        "42710" | "2BP01" | "55006" => Cause::Conflict,
        "22023" | "23514" => Cause::Rejected,
        "57014" | "55P03" => Cause::Timeout,
        _ => Cause::Protocol,
    };
    Failure::new(cause, format_args!("{} (SQLSTATE {code})", db.message()))
}

/// Length and code of an SSLRequest (PostgreSQL documentation, message formats).
const SSL_REQUEST: &[u8] = &[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
