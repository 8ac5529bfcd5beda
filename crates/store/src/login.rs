//! Logins: signed-in consoles and CLIs. Only a hash of each one's token is kept.

use std::time::Duration;

use postern_domain::user::Login;
use postern_domain::{LoginId, Timestamp, UserId};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::page::{Page, PageRequest};
use crate::row;

/// SQL that is true for a login that has not ended by the time bound to `?2`.
const ALIVE: &str = "ended_at is null and expires_at > ?2 and (idle_ms_max is null or last_used_at + idle_ms_max > ?2)";

/// A login as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredLogin {
    /// The login.
    pub login: Login,
    /// Whose it is.
    pub user: UserId,
    /// How long it may lie unused; none for as long as it lasts.
    pub idle_max: Option<Duration>,
    /// Whether the second factor proved last was a passkey.
    pub passkey: bool,
    /// When it was ended, if it was.
    pub ended_at: Option<Timestamp>,
}

impl StoredLogin {
    /// Whether it can be used at `now`.
    #[must_use]
    pub fn alive(&self, now: Timestamp) -> bool {
        self.ended_at.is_none()
            && self.login.expires_at > now
            && self.idle_max.is_none_or(|idle| self.login.last_used_at.after(idle) > now)
    }
}

impl ReadTx {
    /// The login whose token has this hash.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn login_by_hash(&mut self, hash: &str) -> Result<Option<StoredLogin>, Error> {
        let row =
            sqlx::query("select * from login where hash = ?1").bind(hash).fetch_optional(self.connection()).await?;
        row.as_ref().map(stored).transpose()
    }

    /// The login of this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn login(&mut self, id: &LoginId) -> Result<Option<StoredLogin>, Error> {
        let row = sqlx::query("select * from login where id = ?1")
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(stored).transpose()
    }

    /// A user's logins that can be used still, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn logins(&mut self, user: &UserId, now: Timestamp, page: &PageRequest) -> Result<Page<Login>, Error> {
        let sql = format!(
            "select * from login where user_id = ?1 and {ALIVE} and (?3 = '' or id < ?3) order by id desc limit ?4"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(user.as_str())
            .bind(now.as_millis())
            .bind(page.after())
            .bind(page.limit() + 1)
            .fetch_all(self.connection())
            .await?;
        let logins = rows.iter().map(|row| Ok(stored(row)?.login)).collect::<Result<Vec<_>, Error>>()?;
        Ok(Page::from_rows(logins, page.limit(), |login| login.id.to_string()))
    }
}

impl WriteTx {
    /// Adds a login.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn login_create(&mut self, stored: &StoredLogin, hash: &str) -> Result<(), Error> {
        let login = &stored.login;
        sqlx::query(
            "insert into login (id, hash, user_id, source, client, created_at, last_used_at, expires_at, mfa_at, \
             idle_ms_max, mfa_passkey) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )
        .bind(login.id.as_str())
        .bind(hash)
        .bind(stored.user.as_str())
        .bind(&login.source)
        .bind(&login.client)
        .bind(login.created_at.as_millis())
        .bind(login.last_used_at.as_millis())
        .bind(login.expires_at.as_millis())
        .bind(login.mfa_at.map(Timestamp::as_millis))
        .bind(stored.idle_max.map(|idle| i64::try_from(idle.as_millis()).unwrap_or(i64::MAX)))
        .bind(stored.passkey)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Notes that the login is in use.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn login_used(&mut self, id: &LoginId) -> Result<(), Error> {
        let now = self.now();
        sqlx::query("update login set last_used_at = ?2 where id = ?1")
            .bind(id.as_str())
            .bind(now.as_millis())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Notes that a second factor was proved in the login, and whether it was a passkey.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn login_factor(&mut self, id: &LoginId, passkey: bool) -> Result<(), Error> {
        let now = self.now();
        sqlx::query("update login set mfa_at = ?2, last_used_at = ?2, mfa_passkey = ?3 where id = ?1")
            .bind(id.as_str())
            .bind(now.as_millis())
            .bind(passkey)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Ends one login.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn login_end(&mut self, id: &LoginId) -> Result<(), Error> {
        let now = self.now();
        sqlx::query("update login set ended_at = ?2 where id = ?1 and ended_at is null")
            .bind(id.as_str())
            .bind(now.as_millis())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Ends all of a user's logins; gives how many there were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn logins_end(&mut self, user: &UserId) -> Result<u64, Error> {
        let now = self.now();
        let ended = sqlx::query("update login set ended_at = ?2 where user_id = ?1 and ended_at is null")
            .bind(user.as_str())
            .bind(now.as_millis())
            .execute(self.connection())
            .await?;
        Ok(ended.rows_affected())
    }

    /// Forgets logins that ended before `before`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn logins_forget(&mut self, before: Timestamp) -> Result<(), Error> {
        sqlx::query("delete from login where expires_at < ?1")
            .bind(before.as_millis())
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

fn stored(row: &SqliteRow) -> Result<StoredLogin, Error> {
    let login = Login {
        id: row::text(row, "id")?,
        source: row.try_get("source")?,
        client: row.try_get("client")?,
        created_at: row::time(row, "created_at")?,
        last_used_at: row::time(row, "last_used_at")?,
        expires_at: row::time(row, "expires_at")?,
        mfa_at: row::time_opt(row, "mfa_at")?,
    };
    let idle = row.try_get::<Option<i64>, _>("idle_ms_max")?;
    Ok(StoredLogin {
        login,
        user: row::text(row, "user_id")?,
        idle_max: idle.map(|millis| Duration::from_millis(u64::try_from(millis).unwrap_or(0))),
        passkey: row.try_get("mfa_passkey")?,
        ended_at: row::time_opt(row, "ended_at")?,
    })
}
