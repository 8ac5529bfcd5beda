//! Small named values: the ledger's frontier, the key ring, what has been published.

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;

impl ReadTx {
    /// The value of a setting.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn setting(&mut self, name: &str) -> Result<Option<String>, Error> {
        Ok(sqlx::query_scalar("select value from setting where name = ?1")
            .bind(name)
            .fetch_optional(self.connection())
            .await?)
    }
}

impl WriteTx {
    /// Sets a setting.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn setting_set(&mut self, name: &str, value: &str) -> Result<(), Error> {
        sqlx::query("insert into setting (name, value) values (?1, ?2) on conflict (name) do update set value = ?2")
            .bind(name)
            .bind(value)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}
