//! Passkeys: what people sign in with in the browser, and prove a second factor with.

use postern_domain::user::Passkey;
use postern_domain::{PasskeyId, UserId};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::row;

/// A passkey as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPasskey {
    /// The passkey.
    pub passkey: Passkey,
    /// Whose it is.
    pub user: UserId,
    /// The credential, as the library writes it.
    pub body: String,
}

impl ReadTx {
    /// A user's passkeys, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn passkeys(&mut self, user: &UserId) -> Result<Vec<StoredPasskey>, Error> {
        let rows = sqlx::query("select * from passkey where user_id = ?1 order by id")
            .bind(user.as_str())
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(stored).collect()
    }

    /// Whether a user has a passkey.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_passkey(&mut self, user: &UserId) -> Result<bool, Error> {
        Ok(sqlx::query_scalar("select exists (select 1 from passkey where user_id = ?1)")
            .bind(user.as_str())
            .fetch_one(self.connection())
            .await?)
    }

    /// The passkey with this credential id, hex.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn passkey_by_credential(&mut self, credential: &str) -> Result<Option<StoredPasskey>, Error> {
        let row = sqlx::query("select * from passkey where credential_id = ?1")
            .bind(credential)
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(stored).transpose()
    }
}

impl WriteTx {
    /// Adds a passkey.
    ///
    /// # Errors
    /// When its credential is known already, or the database fails.
    pub async fn passkey_add(&mut self, passkey: &StoredPasskey, credential: &str) -> Result<(), Error> {
        sqlx::query(
            "insert into passkey (id, user_id, credential_id, name, body, created_at) values (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .bind(passkey.passkey.id.as_str())
        .bind(passkey.user.as_str())
        .bind(credential)
        .bind(&passkey.passkey.name)
        .bind(&passkey.body)
        .bind(passkey.passkey.created_at.as_millis())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Notes that a passkey was used, with the credential as it is since; false when it is gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn passkey_used(&mut self, id: &PasskeyId, body: &str) -> Result<bool, Error> {
        let now = self.now();
        let used = sqlx::query("update passkey set body = ?2, last_used_at = ?3 where id = ?1")
            .bind(id.as_str())
            .bind(body)
            .bind(now.as_millis())
            .execute(self.connection())
            .await?;
        Ok(used.rows_affected() == 1)
    }

    /// Removes a passkey.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn passkey_remove(&mut self, id: &PasskeyId) -> Result<(), Error> {
        sqlx::query("delete from passkey where id = ?1").bind(id.as_str()).execute(self.connection()).await?;
        Ok(())
    }

    /// Removes all of a user's passkeys.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn passkeys_remove(&mut self, user: &UserId) -> Result<(), Error> {
        sqlx::query("delete from passkey where user_id = ?1").bind(user.as_str()).execute(self.connection()).await?;
        Ok(())
    }
}

fn stored(row: &SqliteRow) -> Result<StoredPasskey, Error> {
    Ok(StoredPasskey {
        passkey: Passkey {
            id: row::text(row, "id")?,
            name: row.try_get("name")?,
            created_at: row::time(row, "created_at")?,
            last_used_at: row::time_opt(row, "last_used_at")?,
        },
        user: row::text(row, "user_id")?,
        body: row.try_get("body")?,
    })
}
