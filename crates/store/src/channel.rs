//! How far each channel has told what the ledger holds.

use postern_domain::Timestamp;
use sqlx::Row;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::row;

/// Where a channel stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelPlace {
    /// The index of the event that it is told next.
    pub next: u64,
    /// When something was delivered last.
    pub delivered_at: Option<Timestamp>,
    /// Since when nothing could be delivered; none while it can.
    pub failed_at: Option<Timestamp>,
    /// Why not, the last time.
    pub failure: Option<String>,
    /// How often in a row it was tried in vain.
    pub failures: u32,
}

impl ReadTx {
    /// Where the channel stands; none before it has begun.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn channel(&mut self, name: &str) -> Result<Option<ChannelPlace>, Error> {
        let row =
            sqlx::query("select * from channel where name = ?1").bind(name).fetch_optional(self.connection()).await?;
        row.map(|row| {
            Ok(ChannelPlace {
                next: u64::try_from(row.try_get::<i64, _>("next_index")?).unwrap_or(0),
                delivered_at: row::time_opt(&row, "delivered_at")?,
                failed_at: row::time_opt(&row, "failed_at")?,
                failure: row.try_get("failure")?,
                failures: u32::try_from(row.try_get::<i64, _>("failures")?).unwrap_or(u32::MAX),
            })
        })
        .transpose()
    }
}

impl WriteTx {
    /// The channel goes on from the event of this index, or begins there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn channel_place(&mut self, name: &str, next: u64) -> Result<(), Error> {
        sqlx::query(
            "insert into channel (name, next_index) values (?1, ?2) on conflict (name) do update set next_index = ?2",
        )
        .bind(name)
        .bind(i64::try_from(next).unwrap_or(i64::MAX))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Everything before `to` was delivered, or does not concern the channel. Nothing where it was set to
    /// another place than `from` in the meantime.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn channel_delivered(&mut self, name: &str, from: u64, to: u64, told: bool) -> Result<(), Error> {
        let now = told.then(|| self.now().as_millis());
        sqlx::query(
            "update channel set next_index = ?3, delivered_at = coalesce(?4, delivered_at), \
             failed_at = case when ?4 is null then failed_at end, failure = case when ?4 is null then failure end, \
             failures = case when ?4 is null then failures else 0 end \
             where name = ?1 and next_index = ?2",
        )
        .bind(name)
        .bind(i64::try_from(from).unwrap_or(i64::MAX))
        .bind(i64::try_from(to).unwrap_or(i64::MAX))
        .bind(now)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Nothing could be delivered.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn channel_failed(&mut self, name: &str, why: &str) -> Result<(), Error> {
        let now = self.now();
        sqlx::query(
            "update channel set failed_at = coalesce(failed_at, ?2), failure = ?3, failures = failures + 1 \
             where name = ?1",
        )
        .bind(name)
        .bind(now.as_millis())
        .bind(why)
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
