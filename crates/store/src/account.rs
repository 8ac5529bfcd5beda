//! Accounts.

use std::collections::HashMap;

use postern_domain::account::{Account, AccountState, CredentialKind};
use postern_domain::asset::Asset;
use postern_domain::rotation::{AccountRotation, Heartbeat};
use postern_domain::{AccountId, AccountName, AssetId, AssetName, ScopePath, UserId};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::listing::{Listed, Listing, Plan, Query};
use crate::{rotation, row};

/// What is read of an account. It is ready when its secret is of the kind that it is proved by, or
/// when nothing needs to be stored for it.
macro_rules! columns {
    () => {
        "c.*, a.name as asset_name, a.scope as scope, u.name as owner, \
         (c.credential = 'ssh_certificate' or coalesce(s.kind = c.credential, 0)) as ready, \
         s.version as secret_version, coalesce(s.verified_at, s.created_at) as rotated_at, r.every_seconds, \
         r.after_use, r.heartbeat_seconds, r.dependents, o.state as rotation_state, h.result as heartbeat_result, \
         h.detail as heartbeat_detail, h.checked_at as heartbeat_at, \
         (select json_group_array(json_object('name', p.name, 'state', p.state, 'version', p.version, \
         'note', p.note, 'at', strftime('%Y-%m-%dT%H:%M:%fZ', p.at / 1000.0, 'unixepoch'))) \
         from dependent_push p where p.account_id = c.id) as pushed"
    };
}

/// Where it is read from.
macro_rules! tables {
    () => {
        "account c join asset a on a.id = c.asset_id left join user u on u.id = c.owner_id \
         left join secret s on s.account_id = c.id and s.state = 'current' \
         left join account_rotation r on r.account_id = c.id \
         left join rotation o on o.account_id = c.id and o.ended_at is null \
         left join heartbeat h on h.account_id = c.id"
    };
}

pub(crate) const SELECT: &str = concat!("select ", columns!(), " from ", tables!());
/// The same with the asset's own columns.
pub(crate) const SELECT_WITH_ASSET: &str = concat!(
    "select a.platform, a.address, a.labels, a.server_ca, a.column_tags, a.created_at as asset_created_at, ",
    columns!(),
    " from ",
    tables!()
);

pub(crate) const LISTED: Plan = Plan {
    columns: columns!(),
    from: concat!(tables!(), " where 1"),
    id: "c.id",
    keys: &[
        ("account", "c.listed_as"),
        ("created_at", "c.created_at"),
        ("last_used_at", "coalesce(c.last_used_at, 0)"),
    ],
};

/// Which accounts are wanted; everything given must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountFilter {
    /// The asset.
    pub asset: Option<AssetName>,
    /// A part of the account's or the asset's name, or of both: `root@web`.
    pub q: Option<String>,
    /// Where they stand in their life.
    pub state: Option<AccountState>,
}

impl ReadTx {
    /// An account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn account(&mut self, id: &AccountId) -> Result<Option<Account>, Error> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{SELECT} where c.id = ?1")))
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(account).transpose()
    }

    /// The account of this name on an asset.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn account_on(&mut self, asset: &AssetId, name: &AccountName) -> Result<Option<Account>, Error> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{SELECT} where c.asset_id = ?1 and c.name = ?2")))
            .bind(asset.as_str())
            .bind(name.as_str())
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(account).transpose()
    }

    /// The reconcile accounts of these assets, by name within each.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reconcile_accounts(&mut self, assets: &[&AssetId]) -> Result<HashMap<AssetId, Vec<Account>>, Error> {
        let sql = format!(
            "{SELECT} where c.asset_id in (select value from json_each(?1)) and exists \
             (select 1 from asset_rotation d, json_each(d.reconcile) n where d.asset_id = c.asset_id and n.value = c.name) \
             order by c.name"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(row::to_json(&assets, "asset")?)
            .fetch_all(self.connection())
            .await?;
        let mut found = HashMap::<_, Vec<_>>::new();
        for row in &rows {
            found.entry(row::text(row, "asset_id")?).or_default().push(account(row)?);
        }
        Ok(found)
    }

    /// The asset that an account is on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn account_asset(&mut self, id: &AccountId) -> Result<Option<AssetId>, Error> {
        sqlx::query("select asset_id from account where id = ?1")
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await?
            .as_ref()
            .map(|row| row::text(row, "asset_id"))
            .transpose()
    }

    /// Accounts in `scopes` that match, by asset and name unless asked otherwise.
    ///
    /// # Errors
    /// When the database fails, or it cannot be sorted by that, or the cursor is not one of ours.
    pub async fn accounts(
        &mut self,
        scopes: &[ScopePath],
        filter: &AccountFilter,
        listing: &Listing,
    ) -> Result<Listed<Account>, Error> {
        let (rows, next) = filtered(Query::page(&LISTED, listing)?, scopes, filter)?.rows(self).await?;
        let total = match listing.count {
            true => filtered(Query::count(&LISTED), scopes, filter)?.total(self).await?,
            false => None,
        };
        Ok(Listed { items: rows.iter().map(account).collect::<Result<_, _>>()?, next, total })
    }
}

fn filtered(mut query: Query, scopes: &[ScopePath], filter: &AccountFilter) -> Result<Query, Error> {
    query.within("a.scope", scopes);
    query.equal("a.name", filter.asset.as_ref().map(AssetName::to_string));
    query.equal("c.state", filter.state.map(|state| row::word(&state, "state")).transpose()?);
    query.containing(&["lower(c.name || '@' || a.name)"], filter.q.as_deref());
    Ok(query)
}

/// What can be changed of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountFields {
    /// How it is proved to its target.
    pub credential: CredentialKind,
    /// Who answers for it.
    pub owner: Option<UserId>,
    /// Where it stands in its life.
    pub state: AccountState,
}

impl WriteTx {
    /// A new account on an asset.
    ///
    /// # Errors
    /// When the asset has one of this name, or the database fails.
    pub async fn account_insert(
        &mut self,
        id: &AccountId,
        asset: &AssetId,
        name: &AccountName,
        fields: &AccountFields,
    ) -> Result<(), Error> {
        let now = self.now();
        sqlx::query(
            "insert into account (id, asset_id, name, credential, owner_id, state, created_at) \
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .bind(id.as_str())
        .bind(asset.as_str())
        .bind(name.as_str())
        .bind(row::word(&fields.credential, "credential")?)
        .bind(fields.owner.as_ref().map(UserId::as_str))
        .bind(row::word(&fields.state, "state")?)
        .bind(now.as_millis())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Changes an account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn account_update(&mut self, id: &AccountId, fields: &AccountFields) -> Result<(), Error> {
        sqlx::query("update account set credential = ?2, owner_id = ?3, state = ?4 where id = ?1")
            .bind(id.as_str())
            .bind(row::word(&fields.credential, "credential")?)
            .bind(fields.owner.as_ref().map(UserId::as_str))
            .bind(row::word(&fields.state, "state")?)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

/// From a row of [`SELECT_WITH_ASSET`].
pub(crate) fn with_asset(row: &SqliteRow) -> Result<(Account, Asset), Error> {
    let account = account(row)?;
    let asset = Asset {
        id: row::text(row, "asset_id")?,
        name: account.asset.clone(),
        scope: account.scope.clone(),
        platform: row::from_word(row, "platform")?,
        address: row.try_get("address")?,
        labels: row::json(row, "labels")?,
        server_ca: row.try_get("server_ca")?,
        column_tags: row::json(row, "column_tags")?,
        created_at: row::time(row, "asset_created_at")?,
    };
    Ok((account, asset))
}

pub(crate) fn account(row: &SqliteRow) -> Result<Account, Error> {
    Ok(Account {
        id: row::text(row, "id")?,
        name: row::text(row, "name")?,
        asset: row::text(row, "asset_name")?,
        scope: row::text(row, "scope")?,
        credential: row::from_word(row, "credential")?,
        owner: row::text_opt(row, "owner")?,
        state: row::from_word(row, "state")?,
        ready: row.try_get::<i64, _>("ready")? != 0,
        created_at: row::time(row, "created_at")?,
        last_used_at: row::time_opt(row, "last_used_at")?,
        rotation: rotation(row)?,
    })
}

fn rotation(row: &SqliteRow) -> Result<AccountRotation, Error> {
    let result = match row.try_get::<Option<String>, _>("heartbeat_result")? {
        Some(_) => Some(row::from_word(row, "heartbeat_result")?),
        None => None,
    };
    let state = match row.try_get::<Option<String>, _>("rotation_state")? {
        Some(_) => Some(row::from_word(row, "rotation_state")?),
        None => None,
    };
    let heartbeat = match (result, row::time_opt(row, "heartbeat_at")?) {
        (Some(result), Some(checked_at)) => {
            Some(Heartbeat { result, detail: row.try_get("heartbeat_detail")?, checked_at })
        }
        _ => None,
    };
    Ok(AccountRotation {
        setting: rotation::setting(row)?,
        dependents: row::json_opt(row, "dependents")?.unwrap_or_default(),
        pushed: row::json(row, "pushed")?,
        rotated_at: row::time_opt(row, "rotated_at")?,
        version: row.try_get::<Option<i64>, _>("secret_version")?.and_then(|version| u32::try_from(version).ok()),
        state,
        heartbeat,
    })
}
