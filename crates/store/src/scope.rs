//! Scopes.

use postern_domain::ScopePath;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::row;

impl ReadTx {
    /// Whether the scope exists.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn scope_exists(&mut self, path: &ScopePath) -> Result<bool, Error> {
        Ok(sqlx::query_scalar("select exists (select 1 from scope where path = ?1)")
            .bind(path.as_str())
            .fetch_one(self.connection())
            .await?)
    }

    /// The scopes that lie in one of `scopes`, by path.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn scopes(&mut self, scopes: &[ScopePath]) -> Result<Vec<ScopePath>, Error> {
        // Named in full: `json_each` has a column `path` too.
        let sql = format!("select path from scope where {} order by path", row::scope_clause("scope.path", "?1"));
        let rows =
            sqlx::query(sqlx::AssertSqlSafe(sql)).bind(row::scopes_json(scopes)).fetch_all(self.connection()).await?;
        rows.iter().map(|row| row::text(row, "path")).collect()
    }
}

impl WriteTx {
    /// Adds a scope.
    ///
    /// # Errors
    /// When it exists or the database fails.
    pub async fn scope_create(&mut self, path: &ScopePath) -> Result<(), Error> {
        let now = self.now();
        sqlx::query("insert into scope (path, created_at) values (?1, ?2)")
            .bind(path.as_str())
            .bind(now.as_millis())
            .execute(self.connection())
            .await?;
        Ok(())
    }
}
