//! Registered SSH keys.

use postern_domain::user::SshKey;
use postern_domain::{SshKeyId, Timestamp, UserId};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::page::{Page, PageRequest};
use crate::row;

const SELECT: &str = "select k.*, u.name as user_name from ssh_key k join user u on u.id = k.user_id";

impl ReadTx {
    /// The key with this fingerprint, and whose it is, where it works at `now`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ssh_key_by_fingerprint(
        &mut self,
        fingerprint: &str,
        now: Timestamp,
    ) -> Result<Option<(SshKey, UserId)>, Error> {
        let sql = format!("{SELECT} where k.fingerprint = ?1 and not k.awaits and coalesce(k.works_from, 0) <= ?2");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(fingerprint)
            .bind(now.as_millis())
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(|row| Ok((ssh_key(row)?, row::text(row, "user_id")?))).transpose()
    }

    /// The key of this id, and whose it is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ssh_key(&mut self, id: &SshKeyId) -> Result<Option<(SshKey, UserId)>, Error> {
        let sql = format!("{SELECT} where k.id = ?1");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.as_str()).fetch_optional(self.connection()).await?;
        row.as_ref().map(|row| Ok((ssh_key(row)?, row::text(row, "user_id")?))).transpose()
    }

    /// A user's keys, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ssh_keys(&mut self, user: &UserId, page: &PageRequest) -> Result<Page<SshKey>, Error> {
        let sql = format!("{SELECT} where k.user_id = ?1 and (?2 = '' or k.id < ?2) order by k.id desc limit ?3");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(user.as_str())
            .bind(page.after())
            .bind(page.limit() + 1)
            .fetch_all(self.connection())
            .await?;
        let keys = rows.iter().map(ssh_key).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::from_rows(keys, page.limit(), |key| key.id.to_string()))
    }

    /// How many keys a user has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ssh_keys_count(&mut self, user: &UserId) -> Result<i64, Error> {
        Ok(sqlx::query_scalar("select count(*) from ssh_key where user_id = ?1")
            .bind(user.as_str())
            .fetch_one(self.connection())
            .await?)
    }
}

impl WriteTx {
    /// Registers a key; `made_by` where it was registered for a workload.
    ///
    /// # Errors
    /// When somebody has it already or the database fails.
    pub async fn ssh_key_add(&mut self, key: &SshKey, user: &UserId, made_by: Option<&UserId>) -> Result<(), Error> {
        sqlx::query(
            "insert into ssh_key (id, user_id, fingerprint, algorithm, public_key, comment, created_at, made_by, \
             awaits, works_from) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )
        .bind(key.id.as_str())
        .bind(user.as_str())
        .bind(&key.fingerprint)
        .bind(&key.algorithm)
        .bind(&key.public_key)
        .bind(&key.comment)
        .bind(key.created_at.as_millis())
        .bind(made_by.map(UserId::as_str))
        .bind(key.awaits)
        .bind(key.works_from.map(Timestamp::as_millis))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Notes that a key opened a session.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ssh_key_used(&mut self, fingerprint: &str) -> Result<(), Error> {
        let now = self.now();
        sqlx::query("update ssh_key set last_used_at = ?2 where fingerprint = ?1")
            .bind(fingerprint)
            .bind(now.as_millis())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Removes a key.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ssh_key_remove(&mut self, id: &SshKeyId) -> Result<(), Error> {
        sqlx::query("delete from ssh_key where id = ?1").bind(id.as_str()).execute(self.connection()).await?;
        Ok(())
    }
}

fn ssh_key(row: &SqliteRow) -> Result<SshKey, Error> {
    Ok(SshKey {
        id: row::text(row, "id")?,
        user: row::text(row, "user_name")?,
        fingerprint: row.try_get("fingerprint")?,
        algorithm: row.try_get("algorithm")?,
        public_key: row.try_get("public_key")?,
        comment: row.try_get("comment")?,
        created_at: row::time(row, "created_at")?,
        last_used_at: row::time_opt(row, "last_used_at")?,
        awaits: row.try_get("awaits")?,
        works_from: row::time_opt(row, "works_from")?,
    })
}
