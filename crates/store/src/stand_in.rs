//! Who answers requests in the place of somebody who is away.

use postern_domain::stand_in::StandIn;
use postern_domain::{ScopePath, StandInId, Timestamp, UserId};
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::row;

const SELECT: &str = "select d.*, a.name as user_name, b.name as stand_in_name from stand_in d \
     join user a on a.id = d.user_id join user b on b.id = d.stand_in_id";
/// How many are listed: those that end last.
const LISTED_MAX: u32 = 500;

impl ReadTx {
    /// One of them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn stand_in(&mut self, id: &StandInId) -> Result<Option<StandIn>, Error> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{SELECT} where d.id = ?1")))
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(stand_in).transpose()
    }

    /// The people for whom somebody stands in at `now`, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn stood_in_for(&mut self, stand_in: &UserId, now: Timestamp) -> Result<Vec<UserId>, Error> {
        let rows = sqlx::query(
            "select distinct a.id as id, a.name from stand_in d join user a on a.id = d.user_id \
             where d.stand_in_id = ?1 and d.ended_at is null and d.starts_at <= ?2 and d.ends_at > ?2 order by a.name",
        )
        .bind(stand_in.as_str())
        .bind(now.as_millis())
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(|row| row::text(row, "id")).collect()
    }

    /// Those that concern somebody, on either side, and those of people in `scopes`; the ones that end last first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn stand_ins(&mut self, own: &UserId, scopes: &[ScopePath]) -> Result<Vec<StandIn>, Error> {
        let within = row::scope_clause("a.scope", "?2");
        let sql = format!(
            "{SELECT} where d.user_id = ?1 or d.stand_in_id = ?1 or {within} \
             order by d.ends_at desc, d.id desc limit {LISTED_MAX}"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(own.as_str())
            .bind(row::scopes_json(scopes))
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(stand_in).collect()
    }

    /// Those of everybody that hold at `now`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn stand_ins_now(&mut self, now: Timestamp) -> Result<Vec<StandIn>, Error> {
        let sql = format!("{SELECT} where d.ended_at is null and d.starts_at <= ?1 and d.ends_at > ?1 order by d.id");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(now.as_millis()).fetch_all(self.connection()).await?;
        rows.iter().map(stand_in).collect()
    }
}

impl WriteTx {
    /// Somebody names who answers in their place.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn stand_in_insert(&mut self, named: &StandIn, user: &UserId, other: &UserId) -> Result<(), Error> {
        sqlx::query(
            "insert into stand_in (id, user_id, stand_in_id, starts_at, ends_at, reason, created_at) \
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .bind(named.id.as_str())
        .bind(user.as_str())
        .bind(other.as_str())
        .bind(named.starts_at.as_millis())
        .bind(named.ends_at.as_millis())
        .bind(&named.reason)
        .bind(named.created_at.as_millis())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Ends one early.
    ///
    /// # Errors
    /// When it has ended already, or the database fails.
    pub async fn stand_in_end(&mut self, id: &StandInId) -> Result<(), Error> {
        let now = self.now();
        let done = sqlx::query("update stand_in set ended_at = ?2 where id = ?1 and ended_at is null and ends_at > ?2")
            .bind(id.as_str())
            .bind(now.as_millis())
            .execute(self.connection())
            .await?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(Error::Missing { noun: "a stand-in that has not ended" }) }
    }
}

fn stand_in(row: &SqliteRow) -> Result<StandIn, Error> {
    Ok(StandIn {
        id: row::text(row, "id")?,
        user: row::text(row, "user_name")?,
        stand_in: row::text(row, "stand_in_name")?,
        starts_at: row::time(row, "starts_at")?,
        ends_at: row::time(row, "ends_at")?,
        reason: sqlx::Row::try_get(row, "reason")?,
        ended_at: row::time_opt(row, "ended_at")?,
        created_at: row::time(row, "created_at")?,
    })
}
