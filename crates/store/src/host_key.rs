//! Host keys.

use postern_domain::asset::{HostKey, HostKeyState};
use postern_domain::{AssetId, HostKeyId};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::row;

impl ReadTx {
    /// The host keys known of an asset, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn host_keys(&mut self, asset: &AssetId) -> Result<Vec<HostKey>, Error> {
        let rows = sqlx::query(
            "select k.*, a.name as asset_name from host_key k join asset a on a.id = k.asset_id \
             where k.asset_id = ?1 order by k.seen_at, k.id",
        )
        .bind(asset.as_str())
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(host_key).collect()
    }
}

impl WriteTx {
    /// A new host key of an asset.
    ///
    /// # Errors
    /// When it is known already, or the database fails.
    pub async fn host_key_insert(&mut self, asset: &AssetId, key: &HostKey) -> Result<(), Error> {
        sqlx::query(
            "insert into host_key (id, asset_id, fingerprint, public_key, state, seen_at) \
             values (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .bind(key.id.as_str())
        .bind(asset.as_str())
        .bind(&key.fingerprint)
        .bind(&key.public_key)
        .bind(row::word(&key.state, "state")?)
        .bind(key.seen_at.as_millis())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Writes down what was decided about a host key.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn host_key_decide(&mut self, id: &HostKeyId, state: HostKeyState) -> Result<(), Error> {
        sqlx::query("update host_key set state = ?2 where id = ?1")
            .bind(id.as_str())
            .bind(row::word(&state, "state")?)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Forgets a host key that nobody decided on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn host_key_forget(&mut self, id: &HostKeyId) -> Result<(), Error> {
        sqlx::query("delete from host_key where id = ?1 and state = 'seen'")
            .bind(id.as_str())
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

fn host_key(row: &SqliteRow) -> Result<HostKey, Error> {
    Ok(HostKey {
        id: row::text(row, "id")?,
        asset: row::text(row, "asset_name")?,
        fingerprint: row.try_get("fingerprint")?,
        public_key: row.try_get("public_key")?,
        state: row::from_word(row, "state")?,
        seen_at: row::time(row, "seen_at")?,
    })
}
