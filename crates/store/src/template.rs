//! Wishes that are kept, to be made again.

use postern_domain::request::RequestTemplate;
use postern_domain::{ScopePath, TemplateId, UserId};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::row;

const SELECT: &str = "select t.*, u.name as user_name from request_template t join user u on u.id = t.user_id";

impl ReadTx {
    /// One of them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn template(&mut self, id: &TemplateId) -> Result<Option<RequestTemplate>, Error> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{SELECT} where t.id = ?1")))
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(template).transpose()
    }

    /// Those of a person, and those that are shared, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn templates(&mut self, own: &UserId) -> Result<Vec<RequestTemplate>, Error> {
        let sql = format!("{SELECT} where t.user_id = ?1 or t.scope is not null order by t.name, t.id");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(own.as_str()).fetch_all(self.connection()).await?;
        rows.iter().map(template).collect()
    }
}

impl WriteTx {
    /// Keeps a wish.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn template_insert(&mut self, kept: &RequestTemplate, user: &UserId) -> Result<(), Error> {
        let now = self.now();
        sqlx::query(
            "insert into request_template (id, name, user_id, scope, wish, created_at) values (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .bind(kept.id.as_str())
        .bind(&kept.name)
        .bind(user.as_str())
        .bind(kept.scope.as_ref().map(ScopePath::as_str))
        .bind(row::to_json(&kept.wish, "wish")?)
        .bind(now.as_millis())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Forgets one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn template_delete(&mut self, id: &TemplateId) -> Result<(), Error> {
        sqlx::query("delete from request_template where id = ?1").bind(id.as_str()).execute(self.connection()).await?;
        Ok(())
    }
}

fn template(row: &SqliteRow) -> Result<RequestTemplate, Error> {
    Ok(RequestTemplate {
        id: row::text(row, "id")?,
        name: row.try_get("name")?,
        user: row::text(row, "user_name")?,
        scope: row::text_opt(row, "scope")?,
        wish: row::json(row, "wish")?,
    })
}
