//! Scopes.

use postern_domain::ScopePath;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::listing::{Listed, Listing, Plan, Query};
use crate::row;

pub(crate) const LISTED: Plan = Plan {
    columns: "scope.path",
    from: "scope where 1",
    id: "scope.path",
    keys: &[("path", "scope.path"), ("created_at", "scope.created_at")],
};

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

    /// A page of them. `q` is a part of the path.
    ///
    /// # Errors
    /// When the database fails, or it cannot be sorted by that, or the cursor is not one of ours.
    pub async fn scopes_listed(
        &mut self,
        scopes: &[ScopePath],
        q: Option<&str>,
        listing: &Listing,
    ) -> Result<Listed<ScopePath>, Error> {
        let filtered = |mut query: Query| {
            query.within("scope.path", scopes);
            query.containing(&["scope.path"], q);
            query
        };
        let (rows, next) = filtered(Query::page(&LISTED, listing)?).rows(self).await?;
        let total = match listing.count {
            true => filtered(Query::count(&LISTED)).total(self).await?,
            false => None,
        };
        Ok(Listed { items: rows.iter().map(|row| row::text(row, "path")).collect::<Result<_, _>>()?, next, total })
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
