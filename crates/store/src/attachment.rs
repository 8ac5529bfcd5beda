//! Files that people put to requests, sealed.

use postern_domain::request::Attachment;
use postern_domain::{RequestId, UserId};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::row;

const SELECT: &str = "select t.*, u.name as user_name from request_attachment t join user u on u.id = t.user_id";

/// A file with its sealed content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedAttachment {
    /// Which request it was put to.
    pub request: RequestId,
    /// The file.
    pub attachment: Attachment,
    /// Its content, sealed.
    pub sealed: Vec<u8>,
}

impl ReadTx {
    /// The files of a request, in their order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn attachments(&mut self, id: &RequestId) -> Result<Vec<Attachment>, Error> {
        let sql = format!("{SELECT} where t.request_id = ?1 order by t.number");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.as_str()).fetch_all(self.connection()).await?;
        rows.iter().map(attachment).collect()
    }

    /// One file of a request with its content.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn attachment(&mut self, id: &RequestId, number: u32) -> Result<Option<SealedAttachment>, Error> {
        let sql = format!("{SELECT} where t.request_id = ?1 and t.number = ?2");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(id.as_str())
            .bind(number)
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(sealed).transpose()
    }

    /// All files after this one, with their content, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn attachments_after(
        &mut self,
        after: Option<(&RequestId, u32)>,
        limit: u32,
    ) -> Result<Vec<SealedAttachment>, Error> {
        let (request, number) = after.map_or(("", 0), |(request, number)| (request.as_str(), number));
        let sql =
            format!("{SELECT} where (t.request_id, t.number) > (?1, ?2) order by t.request_id, t.number limit ?3");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(request)
            .bind(number)
            .bind(limit)
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(sealed).collect()
    }
}

impl WriteTx {
    /// Puts a file to a request.
    ///
    /// # Errors
    /// When there is one of this number, or the database fails.
    pub async fn attachment_insert(&mut self, file: &SealedAttachment, user: &UserId) -> Result<(), Error> {
        let Attachment { number, name, bytes, sha256, at, .. } = &file.attachment;
        sqlx::query(
            "insert into request_attachment (request_id, number, name, bytes, sha256, sealed, user_id, at) \
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )
        .bind(file.request.as_str())
        .bind(number)
        .bind(name)
        .bind(i64::try_from(*bytes).unwrap_or(i64::MAX))
        .bind(sha256)
        .bind(&file.sealed)
        .bind(user.as_str())
        .bind(at.as_millis())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Replaces the sealed content of a file by the same under another key.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn attachment_rewrap(&mut self, id: &RequestId, number: u32, sealed: &[u8]) -> Result<(), Error> {
        sqlx::query("update request_attachment set sealed = ?3 where request_id = ?1 and number = ?2")
            .bind(id.as_str())
            .bind(number)
            .bind(sealed)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

fn attachment(row: &SqliteRow) -> Result<Attachment, Error> {
    Ok(Attachment {
        number: u32::try_from(row.try_get::<i64, _>("number")?).unwrap_or(u32::MAX),
        name: row.try_get("name")?,
        bytes: u64::try_from(row.try_get::<i64, _>("bytes")?).unwrap_or(0),
        sha256: row.try_get("sha256")?,
        user: row::text(row, "user_name")?,
        at: row::time(row, "at")?,
    })
}

fn sealed(row: &SqliteRow) -> Result<SealedAttachment, Error> {
    Ok(SealedAttachment {
        request: row::text(row, "request_id")?,
        attachment: attachment(row)?,
        sealed: row.try_get("sealed")?,
    })
}
