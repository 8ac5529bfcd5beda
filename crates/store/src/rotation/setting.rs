//! Writing how secrets are looked after.

use postern_domain::rotation::{Dependent, Heartbeat, RotationSetting};
use postern_domain::{AccountId, AssetId, Period, Timestamp};

use crate::db::WriteTx;
use crate::error::Error;
use crate::row;

fn seconds(period: Option<Period>) -> Option<i64> {
    period.map(|period| i64::try_from(period.seconds()).unwrap_or(i64::MAX))
}

impl WriteTx {
    /// Says how an account's secret is looked after and what uses it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn account_rotation_set(
        &mut self,
        account: &AccountId,
        setting: &RotationSetting,
        dependents: &[Dependent],
    ) -> Result<(), Error> {
        sqlx::query(
            "insert into account_rotation (account_id, every_seconds, after_use, heartbeat_seconds, dependents) \
             values (?1, ?2, ?3, ?4, ?5) on conflict (account_id) do update set every_seconds = ?2, after_use = ?3, \
             heartbeat_seconds = ?4, dependents = ?5",
        )
        .bind(account.as_str())
        .bind(seconds(setting.every))
        .bind(setting.after_use.map(i64::from))
        .bind(seconds(setting.heartbeat))
        .bind(row::to_json(&dependents, "dependents")?)
        .execute(self.connection())
        .await?;
        let names: Vec<_> = dependents.iter().map(|dependent| &dependent.name).collect();
        sqlx::query(
            "delete from dependent_push where account_id = ?1 and name not in (select value from json_each(?2))",
        )
        .bind(account.as_str())
        .bind(row::to_json(&names, "dependents")?)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Says how the secrets of an asset's accounts are looked after.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn asset_rotation_set(&mut self, asset: &AssetId, setting: &RotationSetting) -> Result<(), Error> {
        sqlx::query(
            "insert into asset_rotation (asset_id, every_seconds, after_use, heartbeat_seconds, reconcile) \
             values (?1, ?2, ?3, ?4, ?5) on conflict (asset_id) do update set every_seconds = ?2, after_use = ?3, \
             heartbeat_seconds = ?4, reconcile = ?5",
        )
        .bind(asset.as_str())
        .bind(seconds(setting.every))
        .bind(setting.after_use.map(i64::from))
        .bind(seconds(setting.heartbeat))
        .bind(row::to_json(&setting.reconcile, "reconcile")?)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Settles when an account's secret is tried next, without having tried it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn heartbeat_at(&mut self, account: &AccountId, next_at: Timestamp) -> Result<(), Error> {
        sqlx::query(
            "insert into heartbeat (account_id, next_at) values (?1, ?2) \
             on conflict (account_id) do update set next_at = ?2",
        )
        .bind(account.as_str())
        .bind(next_at.as_millis())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Forgets what the last look at an account's secret found: it has another one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn heartbeat_forgotten(&mut self, account: &AccountId) -> Result<(), Error> {
        sqlx::query("update heartbeat set result = null, detail = null, checked_at = null where account_id = ?1")
            .bind(account.as_str())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// What a look at an account's secret found.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn heartbeat_set(
        &mut self,
        account: &AccountId,
        found: &Heartbeat,
        next_at: Timestamp,
    ) -> Result<(), Error> {
        sqlx::query(
            "insert into heartbeat (account_id, result, detail, checked_at, next_at) values (?1, ?2, ?3, ?4, ?5) \
             on conflict (account_id) do update set result = ?2, detail = ?3, checked_at = ?4, next_at = ?5",
        )
        .bind(account.as_str())
        .bind(row::word(&found.result, "result")?)
        .bind(&found.detail)
        .bind(found.checked_at.as_millis())
        .bind(next_at.as_millis())
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
