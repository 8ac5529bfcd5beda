//! Assets.

use std::collections::BTreeMap;

use postern_domain::asset::{Asset, Platform};
use postern_domain::{AssetId, AssetName, ScopePath};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::listing::{Listed, Listing, Plan, Query};
use crate::row;

/// Which assets are wanted; everything given must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssetFilter {
    /// A part of the name or the address.
    pub q: Option<String>,
    /// Labels with their values.
    pub labels: BTreeMap<String, String>,
    /// The platform.
    pub platform: Option<Platform>,
    /// A scope, with everything below it.
    pub scope: Option<ScopePath>,
}

impl ReadTx {
    /// An asset.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn asset(&mut self, id: &AssetId) -> Result<Option<Asset>, Error> {
        let row = sqlx::query("select * from asset where id = ?1")
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(asset).transpose()
    }

    /// The asset of this name in a tenant.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn asset_in_tenant(&mut self, tenant: &ScopePath, name: &AssetName) -> Result<Option<Asset>, Error> {
        let row = sqlx::query("select * from asset where tenant = ?1 and name = ?2")
            .bind(tenant.as_str())
            .bind(name.as_str())
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(asset).transpose()
    }

    /// The assets of this name in `scopes`, of whichever tenants, by tenant.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn assets_named(&mut self, name: &AssetName, scopes: &[ScopePath]) -> Result<Vec<Asset>, Error> {
        let sql = format!(
            "select * from asset where name = ?1 and {} order by tenant limit 16",
            row::scope_clause("scope", "?2")
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(name.as_str())
            .bind(row::scopes_json(scopes))
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(asset).collect()
    }

    /// Assets in `scopes` that match, by name unless asked otherwise.
    ///
    /// # Errors
    /// When the database fails, or it cannot be sorted by that, or the cursor is not one of ours.
    pub async fn assets(
        &mut self,
        scopes: &[ScopePath],
        filter: &AssetFilter,
        listing: &Listing,
    ) -> Result<Listed<Asset>, Error> {
        let (rows, next) = filtered(Query::page(&LISTED, listing)?, scopes, filter)?.rows(self).await?;
        let total = match listing.count {
            true => filtered(Query::count(&LISTED), scopes, filter)?.total(self).await?,
            false => None,
        };
        Ok(Listed { items: rows.iter().map(asset).collect::<Result<_, _>>()?, next, total })
    }
}

pub(crate) const LISTED: Plan = Plan {
    columns: "asset.*",
    from: "asset where 1",
    id: "asset.id",
    keys: &[
        ("name", "asset.name"),
        ("created_at", "asset.created_at"),
        ("platform", "asset.platform"),
        ("address", "asset.address"),
    ],
};

fn filtered(mut query: Query, scopes: &[ScopePath], filter: &AssetFilter) -> Result<Query, Error> {
    query.within("asset.scope", scopes);
    if let Some(scope) = &filter.scope {
        query.within("asset.scope", std::slice::from_ref(scope));
    }
    query.equal("asset.platform", filter.platform.map(|platform| row::word(&platform, "platform")).transpose()?);
    query.containing(&["asset.name", "lower(asset.address)"], filter.q.as_deref());
    for (name, value) in &filter.labels {
        let sql = query.sql();
        sql.push(" and exists (select 1 from asset_label l where l.name = ").push_bind(name.clone());
        sql.push(" and l.value = ").push_bind(value.clone()).push(" and l.asset_id = asset.id)");
    }
    Ok(query)
}

impl WriteTx {
    /// A new asset.
    ///
    /// # Errors
    /// When its tenant has one of this name, or the database fails.
    pub async fn asset_insert(&mut self, asset: &Asset) -> Result<(), Error> {
        sqlx::query(
            "insert into asset (id, tenant, name, scope, platform, address, labels, created_at, server_ca, \
             column_tags) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )
        .bind(asset.id.as_str())
        .bind(asset.scope.tenant().as_str())
        .bind(asset.name.as_str())
        .bind(asset.scope.as_str())
        .bind(row::word(&asset.platform, "platform")?)
        .bind(&asset.address)
        .bind(row::to_json(&asset.labels, "labels")?)
        .bind(asset.created_at.as_millis())
        .bind(&asset.server_ca)
        .bind(row::to_json(&asset.column_tags, "column_tags")?)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Changes an asset within its tenant.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn asset_update(&mut self, asset: &Asset) -> Result<(), Error> {
        sqlx::query(
            "update asset set scope = ?2, platform = ?3, address = ?4, labels = ?5, server_ca = ?6, column_tags = ?7 \
             where id = ?1",
        )
        .bind(asset.id.as_str())
        .bind(asset.scope.as_str())
        .bind(row::word(&asset.platform, "platform")?)
        .bind(&asset.address)
        .bind(row::to_json(&asset.labels, "labels")?)
        .bind(&asset.server_ca)
        .bind(row::to_json(&asset.column_tags, "column_tags")?)
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

pub(crate) fn asset(row: &SqliteRow) -> Result<Asset, Error> {
    Ok(Asset {
        id: row::text(row, "id")?,
        name: row::text(row, "name")?,
        scope: row::text(row, "scope")?,
        platform: row::from_word(row, "platform")?,
        address: row.try_get("address")?,
        labels: row::json(row, "labels")?,
        server_ca: row.try_get("server_ca")?,
        column_tags: row::json(row, "column_tags")?,
        created_at: row::time(row, "created_at")?,
    })
}

#[cfg(test)]
mod tests;
