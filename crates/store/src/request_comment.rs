//! What people say to each other about a request.

use postern_domain::request::RequestComment;
use postern_domain::{RequestId, UserId};
use sqlx::Row;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::row;

impl ReadTx {
    /// All that was said about a request, in its order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn request_comments(&mut self, id: &RequestId) -> Result<Vec<RequestComment>, Error> {
        let rows = sqlx::query(
            "select u.name as user_name, c.body, c.at from request_comment c join user u on u.id = c.user_id \
             where c.request_id = ?1 order by c.number",
        )
        .bind(id.as_str())
        .fetch_all(self.connection())
        .await?;
        let comment = |row: &sqlx::sqlite::SqliteRow| {
            Ok(RequestComment {
                user: row::text(row, "user_name")?,
                text: row.try_get("body")?,
                at: row::time(row, "at")?,
            })
        };
        rows.iter().map(comment).collect()
    }
}

impl WriteTx {
    /// Somebody says something about a request; gives how many things have been said.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn request_comment_insert(&mut self, id: &RequestId, user: &UserId, text: &str) -> Result<u32, Error> {
        let now = self.now();
        let row = sqlx::query(
            "insert into request_comment (request_id, number, user_id, body, at) \
             values (?1, (select count(*) from request_comment where request_id = ?1) + 1, ?2, ?3, ?4) returning number",
        )
        .bind(id.as_str())
        .bind(user.as_str())
        .bind(text)
        .bind(now.as_millis())
        .fetch_one(self.connection())
        .await?;
        Ok(u32::try_from(row.try_get::<i64, _>("number")?).unwrap_or(u32::MAX))
    }
}
