//! API tokens. Only a hash of each is kept.

use postern_domain::user::ApiToken;
use postern_domain::{Timestamp, TokenId, UserId};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::listing::{Listed, Listing, Plan, Query};
use crate::row;

const SELECT: &str = "select t.*, u.name as user_name from api_token t join user u on u.id = t.user_id";

pub(crate) const LISTED: Plan = Plan {
    columns: "t.*, u.name as user_name",
    from: "api_token t join user u on u.id = t.user_id where t.revoked_at is null",
    id: "t.id",
    keys: &[
        ("-created_at", "t.created_at"),
        ("name", "t.name"),
        ("expires_at", "t.expires_at"),
        ("last_used_at", "coalesce(t.last_used_at, 0)"),
    ],
};

/// An API token as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredToken {
    /// The token's description.
    pub token: ApiToken,
    /// Whose it is.
    pub user: UserId,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
}

impl StoredToken {
    /// Whether it can be used at `now`.
    #[must_use]
    pub fn alive(&self, now: Timestamp) -> bool {
        let waits = self.token.awaits || self.token.works_from.is_some_and(|from| from > now);
        self.revoked_at.is_none() && self.token.expires_at > now && !waits
    }
}

impl ReadTx {
    /// The token with this hash.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn token_by_hash(&mut self, hash: &str) -> Result<Option<StoredToken>, Error> {
        let sql = format!("{SELECT} where t.hash = ?1");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(hash).fetch_optional(self.connection()).await?;
        row.as_ref().map(stored).transpose()
    }

    /// The token of this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn token(&mut self, id: &TokenId) -> Result<Option<StoredToken>, Error> {
        let sql = format!("{SELECT} where t.id = ?1");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.as_str()).fetch_optional(self.connection()).await?;
        row.as_ref().map(stored).transpose()
    }

    /// A user's tokens that have not been revoked, newest first unless asked otherwise; those that have
    /// expired included.
    ///
    /// # Errors
    /// When the database fails, or it cannot be sorted by that, or the cursor is not one of ours.
    pub async fn tokens(&mut self, user: &UserId, listing: &Listing) -> Result<Listed<ApiToken>, Error> {
        let of = |mut query: Query| {
            query.equal("t.user_id", Some(user.to_string()));
            query
        };
        let (rows, next) = of(Query::page(&LISTED, listing)?).rows(self).await?;
        let total = match listing.count {
            true => of(Query::count(&LISTED)).total(self).await?,
            false => None,
        };
        let items = rows.iter().map(|row| Ok(stored(row)?.token)).collect::<Result<_, Error>>()?;
        Ok(Listed { items, next, total })
    }

    /// How many tokens a user has that can be used at `now`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tokens_alive(&mut self, user: &UserId, now: Timestamp) -> Result<i64, Error> {
        Ok(sqlx::query_scalar(
            "select count(*) from api_token where user_id = ?1 and revoked_at is null and expires_at > ?2",
        )
        .bind(user.as_str())
        .bind(now.as_millis())
        .fetch_one(self.connection())
        .await?)
    }
}

impl WriteTx {
    /// Adds a token; `made_by` where it was made for a workload.
    ///
    /// # Errors
    /// When its scope does not exist or the database fails.
    pub async fn token_create(
        &mut self,
        token: &ApiToken,
        user: &UserId,
        made_by: Option<&UserId>,
        hash: &str,
    ) -> Result<(), Error> {
        sqlx::query(
            "insert into api_token (id, hash, user_id, name, permissions, scope, created_at, expires_at, made_by, \
             awaits, works_from) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )
        .bind(token.id.as_str())
        .bind(hash)
        .bind(user.as_str())
        .bind(&token.name)
        .bind(row::to_json(&token.permissions, "permissions")?)
        .bind(token.scope.as_str())
        .bind(token.created_at.as_millis())
        .bind(token.expires_at.as_millis())
        .bind(made_by.map(UserId::as_str))
        .bind(token.awaits)
        .bind(token.works_from.map(Timestamp::as_millis))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Notes that the token is in use.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn token_used(&mut self, id: &TokenId) -> Result<(), Error> {
        let now = self.now();
        sqlx::query("update api_token set last_used_at = ?2 where id = ?1")
            .bind(id.as_str())
            .bind(now.as_millis())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Revokes one token.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn token_revoke(&mut self, id: &TokenId) -> Result<(), Error> {
        let now = self.now();
        sqlx::query("update api_token set revoked_at = ?2 where id = ?1 and revoked_at is null")
            .bind(id.as_str())
            .bind(now.as_millis())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Revokes all of a user's tokens.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tokens_revoke(&mut self, user: &UserId) -> Result<(), Error> {
        let now = self.now();
        sqlx::query("update api_token set revoked_at = ?2 where user_id = ?1 and revoked_at is null")
            .bind(user.as_str())
            .bind(now.as_millis())
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

fn stored(row: &SqliteRow) -> Result<StoredToken, Error> {
    let token = ApiToken {
        id: row::text(row, "id")?,
        user: row::text(row, "user_name")?,
        name: row.try_get("name")?,
        permissions: row::json(row, "permissions")?,
        scope: row::text(row, "scope")?,
        created_at: row::time(row, "created_at")?,
        expires_at: row::time(row, "expires_at")?,
        last_used_at: row::time_opt(row, "last_used_at")?,
        awaits: row.try_get("awaits")?,
        works_from: row::time_opt(row, "works_from")?,
    };
    Ok(StoredToken { token, user: row::text(row, "user_id")?, revoked_at: row::time_opt(row, "revoked_at")? })
}
