//! Connect tokens. Only a hash of each is kept, and not for long.

use std::net::IpAddr;

use postern_domain::{AccountId, ConnectTokenId, LoginId, Timestamp, UserId};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::row;

/// A connect token as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredConnectToken {
    /// Identifier.
    pub id: ConnectTokenId,
    /// Whose it is.
    pub user: UserId,
    /// The login that it was made in; it ends with it.
    pub login: LoginId,
    /// The account that it opens.
    pub account: AccountId,
    /// The protocol that it opens it by.
    pub protocol: String,
    /// Whether it is for the SQL console in the browser.
    pub console: bool,
    /// The address that it works from; none for any.
    pub source: Option<IpAddr>,
    /// When the second factor that it was made under was proved.
    pub mfa_at: Option<Timestamp>,
    /// Whether that factor was proved for this very token, which then works once.
    pub once: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it works.
    pub expires_at: Timestamp,
}

impl ReadTx {
    /// The token with this hash.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn connect_token_by_hash(&mut self, hash: &str) -> Result<Option<StoredConnectToken>, Error> {
        let row = sqlx::query("select * from connect_token where hash = ?1")
            .bind(hash)
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(stored).transpose()
    }

    /// How many tokens a user has that can be used at `now`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn connect_tokens_alive(&mut self, user: &UserId, now: Timestamp) -> Result<i64, Error> {
        Ok(sqlx::query_scalar("select count(*) from connect_token where user_id = ?1 and expires_at > ?2")
            .bind(user.as_str())
            .bind(now.as_millis())
            .fetch_one(self.connection())
            .await?)
    }
}

impl WriteTx {
    /// Adds a token.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn connect_token_create(&mut self, token: &StoredConnectToken, hash: &str) -> Result<(), Error> {
        sqlx::query(
            "insert into connect_token (id, hash, user_id, login_id, account_id, protocol, source, mfa_at, once, \
             created_at, expires_at, console) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )
        .bind(token.id.as_str())
        .bind(hash)
        .bind(token.user.as_str())
        .bind(token.login.as_str())
        .bind(token.account.as_str())
        .bind(&token.protocol)
        .bind(token.source.map(|source| source.to_string()))
        .bind(token.mfa_at.map(Timestamp::as_millis))
        .bind(i64::from(token.once))
        .bind(token.created_at.as_millis())
        .bind(token.expires_at.as_millis())
        .bind(token.console)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Uses a token that works once; false when somebody did before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn connect_token_use(&mut self, id: &ConnectTokenId) -> Result<bool, Error> {
        let now = self.now();
        let done = sqlx::query("update connect_token set used_at = ?2 where id = ?1 and used_at is null")
            .bind(id.as_str())
            .bind(now.as_millis())
            .execute(self.connection())
            .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Forgets tokens that have expired.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn connect_tokens_forget(&mut self) -> Result<(), Error> {
        let now = self.now();
        sqlx::query("delete from connect_token where expires_at <= ?1")
            .bind(now.as_millis())
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

fn stored(row: &SqliteRow) -> Result<StoredConnectToken, Error> {
    let source: Option<String> = row.try_get("source")?;
    Ok(StoredConnectToken {
        id: row::text(row, "id")?,
        user: row::text(row, "user_id")?,
        login: row::text(row, "login_id")?,
        account: row::text(row, "account_id")?,
        protocol: row.try_get("protocol")?,
        console: row.try_get("console")?,
        // What cannot be read is no address that anybody comes from.
        source: source.map(|source| source.parse().unwrap_or(IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED))),
        mfa_at: row::time_opt(row, "mfa_at")?,
        once: row.try_get::<i64, _>("once")? != 0,
        created_at: row::time(row, "created_at")?,
        expires_at: row::time(row, "expires_at")?,
    })
}
