//! Answers remembered for calls that may be repeated.

use postern_domain::Timestamp;
use sqlx::Row;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;

/// An answer that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// The digest of the request that it answered.
    pub request_hash: String,
    /// Its HTTP status.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
}

impl ReadTx {
    /// The answer given to `caller` under `key`, unless it is from before `since`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remembered(&mut self, caller: &str, key: &str, since: Timestamp) -> Result<Option<Remembered>, Error> {
        let row = sqlx::query(
            "select request_hash, status, body from idempotency where caller = ?1 and key = ?2 and created_at >= ?3",
        )
        .bind(caller)
        .bind(key)
        .bind(since.as_millis())
        .fetch_optional(self.connection())
        .await?;
        row.map(|row| {
            Ok(Remembered {
                request_hash: row.try_get("request_hash")?,
                status: u16::try_from(row.try_get::<i64, _>("status")?)
                    .map_err(|_| Error::Corrupt { what: "status" })?,
                body: row.try_get("body")?,
            })
        })
        .transpose()
    }
}

impl WriteTx {
    /// Remembers an answer, and forgets those from before `since`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remember(
        &mut self,
        caller: &str,
        key: &str,
        answer: &Remembered,
        since: Timestamp,
    ) -> Result<(), Error> {
        let now = self.now();
        sqlx::query("delete from idempotency where created_at < ?1")
            .bind(since.as_millis())
            .execute(self.connection())
            .await?;
        sqlx::query(
            "insert into idempotency (caller, key, request_hash, status, body, created_at) \
             values (?1, ?2, ?3, ?4, ?5, ?6) on conflict (caller, key) do nothing",
        )
        .bind(caller)
        .bind(key)
        .bind(&answer.request_hash)
        .bind(i64::from(answer.status))
        .bind(&answer.body)
        .bind(now.as_millis())
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
