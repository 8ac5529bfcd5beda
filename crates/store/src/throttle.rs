//! Failed attempts, counted by who was tried and from where.

use postern_domain::Timestamp;
use sqlx::Row;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;

/// Failures in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    /// How many.
    pub count: u32,
    /// The last one.
    pub last_at: Timestamp,
}

impl ReadTx {
    /// Failures against `subject` from `source` in a row, none older than `since`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn failures(&mut self, subject: &str, source: &str, since: Timestamp) -> Result<Option<Failures>, Error> {
        let row =
            sqlx::query("select failures, last_at from throttle where subject = ?1 and source = ?2 and last_at >= ?3")
                .bind(subject)
                .bind(source)
                .bind(since.as_millis())
                .fetch_optional(self.connection())
                .await?;
        row.map(|row| {
            Ok(Failures {
                count: u32::try_from(row.try_get::<i64, _>("failures")?).unwrap_or(u32::MAX),
                last_at: Timestamp::from_millis(row.try_get("last_at")?),
            })
        })
        .transpose()
    }
}

impl WriteTx {
    /// Counts one failure more; gives how many there are in a row, not counting on from before `since`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn failure_add(&mut self, subject: &str, source: &str, since: Timestamp) -> Result<u32, Error> {
        let now = self.now();
        let count: i64 = sqlx::query_scalar(
            "insert into throttle (subject, source, failures, last_at) values (?1, ?2, 1, ?3) \
             on conflict (subject, source) do update set \
             failures = case when last_at < ?4 then 1 else failures + 1 end, last_at = ?3 returning failures",
        )
        .bind(subject)
        .bind(source)
        .bind(now.as_millis())
        .bind(since.as_millis())
        .fetch_one(self.connection())
        .await?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// Forgets the failures against `subject` from `source`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn failures_clear(&mut self, subject: &str, source: &str) -> Result<(), Error> {
        sqlx::query("delete from throttle where subject = ?1 and source = ?2")
            .bind(subject)
            .bind(source)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Forgets all failures from before `before`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn failures_forget(&mut self, before: Timestamp) -> Result<(), Error> {
        sqlx::query("delete from throttle where last_at < ?1")
            .bind(before.as_millis())
            .execute(self.connection())
            .await?;
        Ok(())
    }
}
