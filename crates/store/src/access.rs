//! What policies reach: the accounts that somebody could use or ask for.

use postern_domain::ScopePath;
use sqlx::{QueryBuilder, Sqlite};
use std::collections::BTreeMap;

use postern_domain::account::Account;
use postern_domain::asset::Asset;
use postern_domain::policy::{Accounts, Policy};

use crate::account;
use crate::asset;
use crate::db::ReadTx;
use crate::error::Error;
use crate::listing::{Listed, Listing};
use crate::page::Page;
use crate::row;

impl ReadTx {
    /// The accounts in `scope` that at least one of `policies` selects, with their assets, by asset
    /// and name: sorted by `account` or `-account`. `q` is a part of the account's or the asset's name.
    /// They are not counted.
    ///
    /// # Errors
    /// When the database fails, or it cannot be sorted by that, or the cursor is not one of ours.
    pub async fn accounts_selected(
        &mut self,
        scope: &ScopePath,
        policies: &[&Policy],
        filter: &asset::AssetFilter,
        listing: &Listing,
    ) -> Result<Listed<(Account, Asset)>, Error> {
        let page = &listing.page;
        let sort = listing.sort.as_deref().unwrap_or("account");
        let (beyond, way) = match sort {
            "account" => (">", ""),
            "-account" => ("<", " desc"),
            _ => return Err(Error::Sort { accepted: "account".to_owned() }),
        };
        let [sorted, asset_name, name, id] = page.keys()?;
        if page.cursor.is_some() && sorted != sort {
            return Err(Error::Cursor);
        }
        if policies.is_empty() {
            return Ok(Listed { items: Vec::new(), next: None, total: None });
        }
        let mut query = QueryBuilder::new(account::SELECT_WITH_ASSET);
        query.push(" where 1");
        if page.cursor.is_some() {
            query.push(format!(" and (a.name, c.name, c.id) {beyond} (")).push_bind(asset_name.to_owned());
            query.push(", ").push_bind(name.to_owned()).push(", ").push_bind(id.to_owned());
            query.push(format!(") and a.name {beyond}= ")).push_bind(asset_name.to_owned());
        }
        push_scope(&mut query, scope);
        if let Some(q) = &filter.q {
            query.push(" and (instr(lower(c.name), ").push_bind(q.to_lowercase());
            query.push(") > 0 or instr(a.name, ").push_bind(q.to_lowercase()).push(") > 0)");
        }
        push_labels(&mut query, &filter.labels);
        query.push(" and ");
        push_any(&mut query, scope, &distinct(policies))?;
        query.push(format!(" order by a.name{way}, c.name{way}, c.id{way} limit ")).push_bind(page.limit() + 1);
        let rows = query.build().fetch_all(self.connection()).await?;
        let found = rows.iter().map(account::with_asset).collect::<Result<Vec<_>, _>>()?;
        let Page { items, next } = Page::from_rows(found, page.limit(), |(account, _)| {
            Page::<Account>::cursor(&[sort, account.asset.as_str(), account.name.as_str(), account.id.as_str()])
        });
        Ok(Listed { items, next, total: None })
    }
}

/// What a policy selects by: its scope and its fields.
type Selector<'a> = (&'a ScopePath, &'a Accounts);

/// Policies of one estate often select alike; each way is asked once.
fn distinct<'a>(policies: &[&'a Policy]) -> Vec<Selector<'a>> {
    let mut selectors: Vec<Selector<'_>> = Vec::new();
    for policy in policies {
        let selector = (&policy.scope, &policy.accounts);
        if !selectors.contains(&selector) {
            selectors.push(selector);
        }
    }
    selectors
}

/// That at least one selects. Halved again and again, since SQLite bounds how deep a chain may be.
fn push_any(query: &mut QueryBuilder<Sqlite>, within: &ScopePath, selectors: &[Selector<'_>]) -> Result<(), Error> {
    query.push("(");
    match selectors {
        [] => {
            query.push("0");
        }
        [one] => push_selector(query, within, one)?,
        several => {
            let (left, right) = several.split_at(several.len() / 2);
            push_any(query, within, left)?;
            query.push(" or ");
            push_any(query, within, right)?;
        }
    }
    query.push(")");
    Ok(())
}

fn push_selector(
    query: &mut QueryBuilder<Sqlite>,
    within: &ScopePath,
    (scope, accounts): &Selector<'_>,
) -> Result<(), Error> {
    query.push("1");
    if !scope.contains(within) {
        push_scope(query, scope);
    }
    push_among(query, "c.name", row::to_json(&accounts.names, "names")?, accounts.names.is_empty());
    push_among(query, "a.name", row::to_json(&accounts.assets, "assets")?, accounts.assets.is_empty());
    push_among(query, "a.platform", row::to_json(&accounts.platforms, "platforms")?, accounts.platforms.is_empty());
    push_among(query, "c.credential", row::to_json(&accounts.kinds, "kinds")?, accounts.kinds.is_empty());
    push_labels(query, &accounts.labels);
    Ok(())
}

fn push_scope(query: &mut QueryBuilder<Sqlite>, scope: &ScopePath) {
    if *scope != ScopePath::root() {
        let below = format!("{scope}/");
        query.push(" and (a.scope = ").push_bind(scope.as_str().to_owned());
        query.push(" or substr(a.scope, 1, ").push_bind(i64::try_from(below.len()).unwrap_or(i64::MAX));
        query.push(") = ").push_bind(below).push(")");
    }
}

fn push_among(query: &mut QueryBuilder<Sqlite>, column: &str, values: String, any: bool) {
    if !any {
        query.push(" and ").push(column).push(" in (select value from json_each(").push_bind(values).push("))");
    }
}

fn push_labels(query: &mut QueryBuilder<Sqlite>, labels: &BTreeMap<String, String>) {
    for (label, value) in labels {
        // A name that could mean something in a JSON path is looked for entry by entry.
        if label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'/')) {
            query.push(" and json_extract(a.labels, ").push_bind(format!("$.\"{label}\"")).push(") = ");
            query.push_bind(value.clone());
        } else {
            query.push(" and exists (select 1 from json_each(a.labels) l where l.key = ").push_bind(label.clone());
            query.push(" and l.value = ").push_bind(value.clone()).push(")");
        }
    }
}

#[cfg(test)]
mod tests;
