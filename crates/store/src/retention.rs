//! Holds, and the recordings whose time is over.

use postern_domain::retention::{Hold, HoldOn, Recorded, ReleaseAsked, Released};
use postern_domain::{AccountId, AccountName, AccountRef, AssetId, HoldId, ScopePath, SessionId, Timestamp, UserId};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::row;

const SELECT: &str = "select h.*, u.name as user_name, a.name as asset_name, c.name as account_name, \
     ca.name as account_asset_name, p.name as placed_name, q.name as asked_name, r.name as released_name \
     from hold h left join user u on u.id = h.user_id left join asset a on a.id = h.asset_id \
     left join account c on c.id = h.account_id left join asset ca on ca.id = c.asset_id \
     join user p on p.id = h.placed_by left join user q on q.id = h.asked_by left join user r on r.id = h.released_by";
const RECORDED: &str = "select session.id, session.user_id, session.account_id, account.asset_id, session.scope, \
     session.started_at, session.ended_at from session join account on account.id = session.account_id \
     where recording_bytes is not null and recording_pruned_at is null and session.state = 'ended'";
/// How many holds are listed: those in force, then those that were released last.
const LISTED_MAX: u32 = 1_000;

/// A hold that is to be placed.
#[derive(Clone, Debug)]
pub struct NewHold {
    /// Identifier.
    pub id: HoldId,
    /// What it is on.
    pub on: HoldOn,
    /// Why.
    pub reason: String,
    /// Who places it.
    pub by: UserId,
}

/// How many recordings there are, and how large they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordingFigures {
    /// How many are there.
    pub kept: u64,
    /// How many bytes those have.
    pub kept_bytes: u64,
    /// When the oldest of them ended.
    pub oldest: Option<Timestamp>,
    /// How many were taken away.
    pub pruned: u64,
}

impl ReadTx {
    /// The holds in `scopes`: those in force first, then the ones that were released last.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn holds(&mut self, scopes: &[ScopePath]) -> Result<Vec<Hold>, Error> {
        let within = row::scope_clause("h.scope", "?1");
        let sql = format!(
            "{SELECT} where {within} order by h.released_at is not null, coalesce(h.released_at, h.placed_at) desc, \
             h.id desc limit {LISTED_MAX}"
        );
        let rows =
            sqlx::query(sqlx::AssertSqlSafe(sql)).bind(row::scopes_json(scopes)).fetch_all(self.connection()).await?;
        rows.iter().map(hold).collect()
    }

    /// One hold, with who asked that it be released.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn hold(&mut self, id: &HoldId) -> Result<Option<(Hold, Option<UserId>)>, Error> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{SELECT} where h.id = ?1")))
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(|row| Ok((hold(row)?, row::text_opt(row, "asked_by")?))).transpose()
    }

    /// What every hold in force is on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn holds_in_force(&mut self) -> Result<Vec<(HoldId, HoldOn)>, Error> {
        let rows = sqlx::query("select * from hold where released_at is null order by placed_at, id")
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(|row| Ok((row::text(row, "id")?, on(row)?))).collect()
    }

    /// The sessions that ended before `before` and whose recordings are there, oldest first, behind `after`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recordings_over(
        &mut self,
        before: Timestamp,
        after: Option<&Recorded>,
        limit: u32,
    ) -> Result<Vec<Recorded>, Error> {
        let sql = format!(
            "{RECORDED} and session.ended_at < ?1 and (session.ended_at, session.id) > (?2, ?3) \
             order by session.ended_at, session.id limit ?4"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(before.as_millis())
            .bind(after.map_or(i64::MIN, |after| after.ended_at.as_millis()))
            .bind(after.map_or("", |after| after.session.as_str()))
            .bind(limit)
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(recorded).collect()
    }

    /// The session, where it is over and its recording is there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recorded(&mut self, id: &SessionId) -> Result<Option<Recorded>, Error> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{RECORDED} and session.id = ?1")))
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(recorded).transpose()
    }

    /// Sessions that had recordings, taken away or not, behind `after` by their identifiers, each with whether its
    /// copy in the archive is held there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recordings_ever(
        &mut self,
        after: Option<&SessionId>,
        limit: u32,
    ) -> Result<Vec<(Recorded, bool)>, Error> {
        let rows = sqlx::query(
            "select s.id, s.user_id, s.account_id, c.asset_id, s.scope, s.started_at, s.ended_at, s.archive_held \
             from session s join account c on c.id = s.account_id \
             where s.recording_bytes is not null and s.state = 'ended' and s.id > ?1 order by s.id limit ?2",
        )
        .bind(after.map_or("", SessionId::as_str))
        .bind(limit)
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(|row| Ok((recorded(row)?, row.try_get("archive_held")?))).collect()
    }

    /// How many recordings are held in the archive.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn archive_held(&mut self) -> Result<u64, Error> {
        let held: i64 = sqlx::query_scalar("select count(*) from session where archive_held = 1")
            .fetch_one(self.connection())
            .await?;
        Ok(u64::try_from(held).unwrap_or(0))
    }

    /// Sessions whose recordings are said to be taken away and whose files may be there yet.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recordings_unremoved(&mut self, limit: u32) -> Result<Vec<SessionId>, Error> {
        let rows = sqlx::query(
            "select id from session where recording_pruned_at is not null and recording_removed = 0 limit ?1",
        )
        .bind(limit)
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(|row| row::text(row, "id")).collect()
    }

    /// How many recordings of sessions in `scopes` there are, and were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recording_figures(&mut self, scopes: &[ScopePath]) -> Result<RecordingFigures, Error> {
        let within = row::scope_clause("scope", "?1");
        let sql = format!(
            "select count(*) filter (where recording_pruned_at is null) as kept, \
             coalesce(sum(recording_bytes) filter (where recording_pruned_at is null), 0) as bytes, \
             min(ended_at) filter (where recording_pruned_at is null) as oldest, \
             count(*) filter (where recording_pruned_at is not null) as pruned \
             from session where recording_bytes is not null and {within}"
        );
        let row =
            sqlx::query(sqlx::AssertSqlSafe(sql)).bind(row::scopes_json(scopes)).fetch_one(self.connection()).await?;
        let count = |name| row.try_get::<i64, _>(name).map(|count| u64::try_from(count).unwrap_or(0));
        Ok(RecordingFigures {
            kept: count("kept")?,
            kept_bytes: count("bytes")?,
            oldest: row::time_opt(&row, "oldest")?,
            pruned: count("pruned")?,
        })
    }
}

impl WriteTx {
    /// Places a hold.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn hold_insert(&mut self, new: &NewHold) -> Result<(), Error> {
        let now = self.now();
        sqlx::query(
            "insert into hold (id, scope, user_id, asset_id, account_id, session_id, from_at, until_at, reason, \
             placed_by, placed_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )
        .bind(new.id.as_str())
        .bind(new.on.scope.as_str())
        .bind(new.on.user.as_ref().map(UserId::as_str))
        .bind(new.on.asset.as_ref().map(AssetId::as_str))
        .bind(new.on.account.as_ref().map(AccountId::as_str))
        .bind(new.on.session.as_ref().map(SessionId::as_str))
        .bind(new.on.from.map(Timestamp::as_millis))
        .bind(new.on.until.map(Timestamp::as_millis))
        .bind(&new.reason)
        .bind(new.by.as_str())
        .bind(now.as_millis())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Somebody wants a hold released.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn hold_release_ask(&mut self, id: &HoldId, by: &UserId, reason: &str) -> Result<(), Error> {
        let now = self.now();
        sqlx::query(
            "update hold set asked_by = ?2, asked_at = ?3, asked_reason = ?4 where id = ?1 and released_at is null",
        )
        .bind(id.as_str())
        .bind(by.as_str())
        .bind(now.as_millis())
        .bind(reason)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Nobody wants the hold released any more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn hold_release_drop(&mut self, id: &HoldId) -> Result<(), Error> {
        sqlx::query(
            "update hold set asked_by = null, asked_at = null, asked_reason = null where id = ?1 and released_at is null",
        )
        .bind(id.as_str())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Releases a hold.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn hold_release(&mut self, id: &HoldId, by: &UserId) -> Result<(), Error> {
        let now = self.now();
        sqlx::query("update hold set released_by = ?2, released_at = ?3 where id = ?1 and released_at is null")
            .bind(id.as_str())
            .bind(by.as_str())
            .bind(now.as_millis())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Whether a recording's copy in the archive is held there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn archive_held_set(&mut self, id: &SessionId, held: bool) -> Result<(), Error> {
        sqlx::query("update session set archive_held = ?2 where id = ?1")
            .bind(id.as_str())
            .bind(held)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// A session's recording is about to be taken away.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recording_prune(&mut self, id: &SessionId) -> Result<(), Error> {
        let now = self.now();
        sqlx::query("update session set recording_pruned_at = ?2 where id = ?1 and recording_pruned_at is null")
            .bind(id.as_str())
            .bind(now.as_millis())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// A recording's file is gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recording_removed(&mut self, id: &SessionId) -> Result<(), Error> {
        sqlx::query("update session set recording_removed = 1 where id = ?1 and recording_pruned_at is not null")
            .bind(id.as_str())
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

fn recorded(row: &SqliteRow) -> Result<Recorded, Error> {
    Ok(Recorded {
        session: row::text(row, "id")?,
        user: row::text(row, "user_id")?,
        account: row::text(row, "account_id")?,
        asset: row::text(row, "asset_id")?,
        scope: row::text(row, "scope")?,
        started_at: row::time(row, "started_at")?,
        ended_at: row::time(row, "ended_at")?,
    })
}

fn on(row: &SqliteRow) -> Result<HoldOn, Error> {
    Ok(HoldOn {
        scope: row::text(row, "scope")?,
        user: row::text_opt(row, "user_id")?,
        asset: row::text_opt(row, "asset_id")?,
        account: row::text_opt(row, "account_id")?,
        session: row::text_opt(row, "session_id")?,
        from: row::time_opt(row, "from_at")?,
        until: row::time_opt(row, "until_at")?,
    })
}

fn hold(row: &SqliteRow) -> Result<Hold, Error> {
    let account = match row::text_opt::<AccountName>(row, "account_name")? {
        Some(account) => Some(AccountRef { account, asset: row::text(row, "account_asset_name")? }),
        None => None,
    };
    let release_asked = match row::text_opt(row, "asked_name")? {
        Some(by) => Some(ReleaseAsked { by, at: row::time(row, "asked_at")?, reason: row.try_get("asked_reason")? }),
        None => None,
    };
    let released = match row::text_opt(row, "released_name")? {
        Some(by) => Some(Released { by, at: row::time(row, "released_at")? }),
        None => None,
    };
    Ok(Hold {
        id: row::text(row, "id")?,
        scope: row::text(row, "scope")?,
        user: row::text_opt(row, "user_name")?,
        asset: row::text_opt(row, "asset_name")?,
        account,
        session: row::text_opt(row, "session_id")?,
        from: row::time_opt(row, "from_at")?,
        until: row::time_opt(row, "until_at")?,
        reason: row.try_get("reason")?,
        placed_by: row::text(row, "placed_name")?,
        placed_at: row::time(row, "placed_at")?,
        release_asked,
        released,
    })
}
