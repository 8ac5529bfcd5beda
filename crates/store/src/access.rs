//! What policies reach: the accounts that somebody could use or ask for.

use postern_domain::ScopePath;
use postern_domain::account::Account;
use postern_domain::asset::Asset;
use postern_domain::policy::Policy;

use crate::account;
use crate::asset;
use crate::db::ReadTx;
use crate::error::Error;
use crate::page::{Page, PageRequest};
use crate::row;

impl ReadTx {
    /// The accounts in `scope` that at least one of `policies` selects, with their assets, by asset
    /// and name. `q` is a part of the account's or the asset's name.
    ///
    /// # Errors
    /// When the database fails or the cursor is not one of ours.
    pub async fn accounts_selected(
        &mut self,
        scope: &ScopePath,
        policies: &[&Policy],
        filter: &asset::AssetFilter,
        page: &PageRequest,
    ) -> Result<Page<(Account, Asset)>, Error> {
        let [asset_name, name, id] = page.keys()?;
        let rows = sqlx::query(sqlx::AssertSqlSafe(selected_sql()))
            .bind(asset_name)
            .bind(name)
            .bind(id)
            .bind(row::scopes_json(std::slice::from_ref(scope)))
            .bind(selectors(policies)?)
            .bind(filter.q.as_ref().map(|q| q.to_lowercase()))
            .bind(row::to_json(&filter.labels, "labels")?)
            .bind(page.limit() + 1)
            .fetch_all(self.connection())
            .await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            let account = account::account(row)?;
            let asset = Asset {
                id: row::text(row, "asset_id")?,
                name: account.asset.clone(),
                scope: account.scope.clone(),
                platform: row::from_word(row, "platform")?,
                address: sqlx::Row::try_get(row, "address")?,
                labels: row::json(row, "labels")?,
                created_at: row::time(row, "asset_created_at")?,
            };
            found.push((account, asset));
        }
        Ok(Page::from_rows(found, page.limit(), |(account, _)| {
            Page::<Account>::cursor(&[account.asset.as_str(), account.name.as_str(), account.id.as_str()])
        }))
    }
}

/// Each policy's scope and selectors, as one JSON array that the query goes through.
fn selectors(policies: &[&Policy]) -> Result<String, Error> {
    let selectors: Vec<_> = policies
        .iter()
        .map(|policy| {
            serde_json::json!({
                "scope": [policy.scope],
                "names": policy.accounts.names,
                "assets": policy.accounts.assets,
                "platforms": policy.accounts.platforms,
                "labels": policy.accounts.labels,
            })
        })
        .collect();
    row::to_json(&selectors, "selectors")
}

fn selected_sql() -> String {
    let among = |field: &str, column: &str| {
        format!(
            "(json_array_length(p.value, '$.{field}') = 0 or exists \
              (select 1 from json_each(p.value, '$.{field}') x where x.value = {column}))"
        )
    };
    format!(
        "{} where (a.name, c.name, c.id) > (?1, ?2, ?3) and a.name >= ?1 and {} \
         and (?6 is null or instr(lower(c.name), ?6) > 0 or instr(a.name, ?6) > 0) and {} \
         and exists (select 1 from json_each(?5) p where {} and {} and {} and {} and {}) \
         order by a.name, c.name, c.id limit ?8",
        account::SELECT_WITH_ASSET,
        row::scope_clause("a.scope", "?4"),
        row::labels_clause("a.labels", "?7"),
        row::scope_clause("a.scope", "json_extract(p.value, '$.scope')"),
        among("names", "c.name"),
        among("assets", "a.name"),
        among("platforms", "a.platform"),
        row::labels_clause("a.labels", "json_extract(p.value, '$.labels')"),
    )
}
