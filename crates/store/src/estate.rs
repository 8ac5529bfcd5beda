//! Everybody and everything at once, for reports over many people and accounts.

use postern_domain::account::Account;
use postern_domain::asset::Asset;
use postern_domain::grant::Grant;
use postern_domain::{AccountId, ScopePath, Timestamp, UserName};
use sqlx::Row;

use crate::db::ReadTx;
use crate::error::Error;
use crate::request::{SELECT as REQUESTS, stored};
use crate::user::{COLUMNS, person};
use crate::{Person, StoredRequest, account, grant, row};

impl ReadTx {
    /// Every person, in whichever state, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn people(&mut self) -> Result<Vec<Person>, Error> {
        let sql = format!("select {COLUMNS} from user u order by u.name");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(self.connection()).await?;
        rows.iter().map(person).collect()
    }

    /// Every account in `scopes` with its asset, by asset and name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn holdings(&mut self, scopes: &[ScopePath]) -> Result<Vec<(Account, Asset)>, Error> {
        let within = row::scope_clause("a.scope", "?1");
        let sql = format!("{} where {within} order by a.name, c.name, c.id", account::SELECT_WITH_ASSET);
        let rows =
            sqlx::query(sqlx::AssertSqlSafe(sql)).bind(row::scopes_json(scopes)).fetch_all(self.connection()).await?;
        rows.iter().map(account::with_asset).collect()
    }

    /// Everybody's grants for an account that can be used at `now` or later.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn grants_on(&mut self, account: &AccountId, now: Timestamp) -> Result<Vec<Grant>, Error> {
        let sql = format!(
            "{} where g.account_id = ?1 and g.ends_at > ?2 and g.revoked_at is null order by g.id",
            grant::SELECT
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(account.as_str())
            .bind(now.as_millis())
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(|row| grant::grant(row, now)).collect()
    }

    /// Who has sessions to an account that are live, and how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sessions_open_on(&mut self, account: &AccountId) -> Result<Vec<(UserName, u32)>, Error> {
        let rows = sqlx::query(
            "select u.name, count(*) as open from session s join user u on u.id = s.user_id \
             where s.account_id = ?1 and s.state <> 'ended' group by u.name",
        )
        .bind(account.as_str())
        .fetch_all(self.connection())
        .await?;
        let open = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
        rows.iter().map(|row| Ok((row::text(row, "name")?, open(row.try_get("open")?)))).collect()
    }

    /// The newest requests in `scopes` that were made since `since`, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn requests_since(
        &mut self,
        scopes: &[ScopePath],
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<StoredRequest>, Error> {
        let within = row::scope_clause("r.scope", "?1");
        let sql = format!("{REQUESTS} where r.created_at >= ?2 and {within} order by r.created_at desc limit ?3");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(row::scopes_json(scopes))
            .bind(since.as_millis())
            .bind(limit)
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(stored).collect()
    }
}
