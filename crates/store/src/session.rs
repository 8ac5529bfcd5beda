//! Sessions.

use crate::db::ReadTx;
use crate::error::Error;

impl ReadTx {
    /// How many sessions are not over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sessions_open(&mut self) -> Result<i64, Error> {
        Ok(sqlx::query_scalar("select count(*) from session where state <> 'ended'")
            .fetch_one(self.connection())
            .await?)
    }
}
