//! What was seen on assets, and what discovery thinks is wrong.

use postern_domain::discovery::{Inventory, Observation};
use postern_domain::finding::{Finding, FindingKind, FindingState, FoundHostRef, Raised, Severity};
use postern_domain::{AccountId, AssetId, AssetName, FindingId, HostId, ScopePath, Timestamp, UserId, UserName};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::listing::{Listed, Listing, Plan, Query};
use crate::row;

/// Which findings are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FindingFilter {
    /// On this asset.
    pub asset: Option<AssetName>,
    /// Of this kind.
    pub kind: Option<FindingKind>,
    /// In this state; the open ones when left out.
    pub state: Option<FindingState>,
}

/// What is kept of an account on a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObservation {
    /// What the newest run saw.
    pub seen: Observation,
    /// When.
    pub seen_at: Timestamp,
    /// Who answers for it, said of an account that is not governed.
    pub owner: Option<UserName>,
    /// Whether a password that everybody knows was tried.
    pub default_password_tried: bool,
    /// Whether it opened the account.
    pub has_default_password: bool,
    /// Since when it is gone from the target.
    pub gone_at: Option<Timestamp>,
}

impl ReadTx {
    /// When Postern last set or proved an account's secret.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn secret_set_at(&mut self, account: &AccountId) -> Result<Option<Timestamp>, Error> {
        let row = sqlx::query(
            "select max(max(created_at, coalesce(verified_at, 0))) as at from secret where account_id = ?1",
        )
        .bind(account.as_str())
        .fetch_one(self.connection())
        .await?;
        row::time_opt(&row, "at")
    }

    /// What is kept of the accounts of an asset, gone ones too.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn observations(&mut self, asset: &AssetId) -> Result<Vec<StoredObservation>, Error> {
        let rows = sqlx::query(
            "select o.*, u.name as owner from observation o left join user u on u.id = o.owner_id \
             where o.asset_id = ?1 order by o.name",
        )
        .bind(asset.as_str())
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(stored).collect()
    }

    /// Everything that is there on the assets of a tenant, for what is shared among them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn observations_of_tenant(&mut self, tenant: &str) -> Result<Vec<(AssetName, Observation)>, Error> {
        let rows = sqlx::query(
            "select a.name as asset_name, o.body from observation o join asset a on a.id = o.asset_id \
             where a.tenant = ?1 and o.gone_at is null limit 1000000",
        )
        .bind(tenant)
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(|row| Ok((row::text(row, "asset_name")?, row::json(row, "body")?))).collect()
    }

    /// The inventory in `scopes`, by asset and name unless asked otherwise.
    ///
    /// # Errors
    /// When the database fails, or it cannot be sorted by that, or the cursor is not one of ours.
    pub async fn inventory(
        &mut self,
        scopes: &[ScopePath],
        asset: Option<&AssetName>,
        listing: &Listing,
    ) -> Result<Listed<Inventory>, Error> {
        let filtered = |mut query: Query| {
            query.within("a.scope", scopes);
            query.equal("a.name", asset.map(ToString::to_string));
            query
        };
        let (rows, next) = filtered(Query::page(&INVENTORY, listing)?).rows(self).await?;
        let total = match listing.count {
            true => filtered(Query::count(&INVENTORY)).total(self).await?,
            false => None,
        };
        Ok(Listed { items: rows.iter().map(inventory).collect::<Result<_, _>>()?, next, total })
    }

    /// Findings in `scopes`, newest first unless asked otherwise.
    ///
    /// # Errors
    /// When the database fails, or it cannot be sorted by that, or the cursor is not one of ours.
    pub async fn findings(
        &mut self,
        scopes: &[ScopePath],
        filter: &FindingFilter,
        listing: &Listing,
    ) -> Result<Listed<Finding>, Error> {
        let (rows, next) = filtered(Query::page(&LISTED, listing)?, scopes, filter)?.rows(self).await?;
        let total = match listing.count {
            true => filtered(Query::count(&LISTED), scopes, filter)?.total(self).await?,
            false => None,
        };
        Ok(Listed { items: rows.iter().map(finding).collect::<Result<_, _>>()?, next, total })
    }

    /// One finding.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finding(&mut self, id: &FindingId) -> Result<Option<Finding>, Error> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{FINDING} where f.id = ?1")))
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(finding).transpose()
    }

    /// What is not resolved about users.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn findings_about_users(&mut self) -> Result<Vec<Finding>, Error> {
        let sql = format!("{FINDING} where f.user_id is not null and f.state <> 'resolved'");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(self.connection()).await?;
        rows.iter().map(finding).collect()
    }

    /// What is not resolved on an asset.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn findings_unresolved(&mut self, asset: &AssetId) -> Result<Vec<Finding>, Error> {
        let sql = format!("{FINDING} where f.asset_id = ?1 and f.state <> 'resolved'");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(asset.as_str()).fetch_all(self.connection()).await?;
        rows.iter().map(finding).collect()
    }
}

impl WriteTx {
    /// Writes down what was seen of an account, in the place of what was seen before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn observation_put(&mut self, asset: &AssetId, seen: &Observation) -> Result<(), Error> {
        let now = self.now().as_millis();
        sqlx::query(
            "insert into observation (asset_id, name, body, first_seen_at, seen_at) values (?1, ?2, ?3, ?4, ?4) \
             on conflict (asset_id, name) do update set body = ?3, seen_at = ?4, \
             gone_at = null",
        )
        .bind(asset.as_str())
        .bind(&seen.name)
        .bind(row::to_json(seen, "body")?)
        .bind(now)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// What was not seen by a run that saw everything is gone; how many those are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn observations_gone(&mut self, asset: &AssetId) -> Result<u64, Error> {
        let now = self.now().as_millis();
        let gone =
            sqlx::query("update observation set gone_at = ?2 where asset_id = ?1 and seen_at < ?2 and gone_at is null")
                .bind(asset.as_str())
                .bind(now)
                .execute(self.connection())
                .await?;
        Ok(gone.rows_affected())
    }

    /// Writes down, before it is done, that a password that everybody knows is tried on an account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn default_password_try(&mut self, asset: &AssetId, name: &str) -> Result<(), Error> {
        let now = self.now().as_millis();
        sqlx::query("update observation set default_password_tried_at = ?3 where asset_id = ?1 and name = ?2")
            .bind(asset.as_str())
            .bind(name)
            .bind(now)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Whether it opened the account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn default_password_found(&mut self, asset: &AssetId, name: &str, works: bool) -> Result<(), Error> {
        sqlx::query("update observation set default_password = ?3 where asset_id = ?1 and name = ?2")
            .bind(asset.as_str())
            .bind(name)
            .bind(works)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Says who answers for an account that is not governed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn observation_own(&mut self, asset: &AssetId, name: &str, owner: Option<&UserId>) -> Result<(), Error> {
        sqlx::query("update observation set owner_id = ?3 where asset_id = ?1 and name = ?2")
            .bind(asset.as_str())
            .bind(name)
            .bind(owner.map(UserId::as_str))
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Raises a finding, or says that it is still so. One whose acceptance has lapsed is open again.
    /// Whether it is a new one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finding_raise(
        &mut self,
        id: &FindingId,
        asset: &AssetId,
        account: &str,
        raised: &Raised,
    ) -> Result<bool, Error> {
        let now = self.now().as_millis();
        let known = sqlx::query(
            "update finding set severity = ?4, evidence = ?5, seen_at = ?6, \
             state = case when state = 'accepted' and accepted_until > ?6 then 'accepted' else 'open' end \
             where asset_id = ?1 and account = ?2 and kind = ?3 and state <> 'resolved'",
        )
        .bind(asset.as_str())
        .bind(account)
        .bind(row::word(&raised.kind, "kind")?)
        .bind(row::word(&raised.severity, "severity")?)
        .bind(row::to_json(&raised.evidence, "evidence")?)
        .bind(now)
        .execute(self.connection())
        .await?;
        if known.rows_affected() > 0 {
            return Ok(false);
        }
        sqlx::query(
            "insert into finding (id, asset_id, account, kind, severity, evidence, state, raised_at, seen_at) \
             values (?1, ?2, ?3, ?4, ?5, ?6, 'open', ?7, ?7)",
        )
        .bind(id.as_str())
        .bind(asset.as_str())
        .bind(account)
        .bind(row::word(&raised.kind, "kind")?)
        .bind(row::word(&raised.severity, "severity")?)
        .bind(row::to_json(&raised.evidence, "evidence")?)
        .bind(now)
        .execute(self.connection())
        .await?;
        Ok(true)
    }

    /// Raises a finding about a found host, or says that it is still so, as [`Self::finding_raise`] does.
    /// Whether it is a new one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finding_raise_host(&mut self, id: &FindingId, host: &HostId, raised: &Raised) -> Result<bool, Error> {
        self.finding_raise_on("host_id", id, host.as_str(), raised).await
    }

    /// Raises a finding about a user, or says that it is still so, as [`Self::finding_raise`] does. Whether it is a
    /// new one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finding_raise_user(&mut self, id: &FindingId, user: &UserId, raised: &Raised) -> Result<bool, Error> {
        self.finding_raise_on("user_id", id, user.as_str(), raised).await
    }

    /// The same about what `column` names, of which each has one finding of a kind that is not resolved.
    async fn finding_raise_on(
        &mut self,
        column: &'static str,
        id: &FindingId,
        subject: &str,
        raised: &Raised,
    ) -> Result<bool, Error> {
        let now = self.now().as_millis();
        let sql = format!(
            "insert into finding (id, {column}, account, kind, severity, evidence, state, raised_at, seen_at) \
             values (?1, ?2, '', ?3, ?4, ?5, 'open', ?6, ?6) \
             on conflict ({column}, kind) where state <> 'resolved' and {column} is not null do update \
             set severity = ?4, evidence = ?5, seen_at = ?6, \
             state = case when state = 'accepted' and accepted_until > ?6 then 'accepted' else 'open' end \
             returning id"
        );
        let written = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(id.as_str())
            .bind(subject)
            .bind(row::word(&raised.kind, "kind")?)
            .bind(row::word(&raised.severity, "severity")?)
            .bind(row::to_json(&raised.evidence, "evidence")?)
            .bind(now)
            .fetch_one(self.connection())
            .await?;
        Ok(row::text::<FindingId>(&written, "id")? == *id)
    }

    /// Resolves what is not resolved about a found host.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn findings_resolve_host(&mut self, host: &HostId) -> Result<(), Error> {
        let now = self.now().as_millis();
        sqlx::query(
            "update finding set state = 'resolved', resolved_at = ?2 where host_id = ?1 and state <> 'resolved'",
        )
        .bind(host.as_str())
        .bind(now)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Accepts a finding until a time.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finding_accept(
        &mut self,
        id: &FindingId,
        by: &str,
        until: Timestamp,
        note: &str,
    ) -> Result<(), Error> {
        sqlx::query(
            "update finding set state = 'accepted', accepted_by = ?2, accepted_until = ?3, note = ?4 where id = ?1",
        )
        .bind(id.as_str())
        .bind(by)
        .bind(until.as_millis())
        .bind(note)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Resolves a finding.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn finding_resolve(&mut self, id: &FindingId) -> Result<(), Error> {
        let now = self.now().as_millis();
        sqlx::query("update finding set state = 'resolved', resolved_at = ?2 where id = ?1")
            .bind(id.as_str())
            .bind(now)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

macro_rules! columns {
    () => {
        "f.*, a.name as asset_name, coalesce(a.scope, s.scope, w.scope) as scope, h.address as host_address, \
         w.name as user_name"
    };
}

macro_rules! tables {
    () => {
        "finding f left join asset a on a.id = f.asset_id left join found_host h on h.id = f.host_id \
         left join discovery_source s on s.id = h.source_id left join user w on w.id = f.user_id"
    };
}

const FINDING: &str = concat!("select ", columns!(), " from ", tables!());

pub(crate) const LISTED: Plan = Plan {
    columns: columns!(),
    from: concat!(tables!(), " where 1"),
    id: "f.id",
    keys: &[
        ("-raised_at", "f.raised_at"),
        ("seen_at", "f.seen_at"),
        ("severity", "case f.severity when 'critical' then 3 when 'high' then 2 when 'medium' then 1 else 0 end"),
    ],
};

/// What is there on the assets; what is gone has no place in it.
pub(crate) const INVENTORY: Plan = Plan {
    columns: "o.*, a.name as asset_name, a.scope as scope, coalesce(cu.name, u.name) as owner, \
        c.state as account_state",
    from: "observation o join asset a on a.id = o.asset_id left join user u on u.id = o.owner_id \
        left join account c on c.asset_id = o.asset_id and c.name = o.name left join user cu on cu.id = c.owner_id \
        where o.gone_at is null",
    id: "(o.asset_id || ' ' || o.name)",
    keys: &[("account", "o.listed_as"), ("first_seen_at", "o.first_seen_at"), ("seen_at", "o.seen_at")],
};

fn filtered(mut query: Query, scopes: &[ScopePath], filter: &FindingFilter) -> Result<Query, Error> {
    query.within("coalesce(a.scope, s.scope, w.scope)", scopes);
    query.equal("a.name", filter.asset.as_ref().map(ToString::to_string));
    query.equal("f.kind", filter.kind.map(|kind| row::word(&kind, "kind")).transpose()?);
    query.equal("f.state", Some(row::word(&filter.state.unwrap_or(FindingState::Open), "state")?));
    Ok(query)
}

fn stored(row: &SqliteRow) -> Result<StoredObservation, Error> {
    Ok(StoredObservation {
        seen: row::json(row, "body")?,
        seen_at: row::time(row, "seen_at")?,
        owner: row::text_opt(row, "owner")?,
        default_password_tried: row.try_get::<Option<i64>, _>("default_password_tried_at")?.is_some(),
        has_default_password: row.try_get::<i64, _>("default_password")? != 0,
        gone_at: row::time_opt(row, "gone_at")?,
    })
}

fn inventory(row: &SqliteRow) -> Result<Inventory, Error> {
    let state = row.try_get::<Option<String>, _>("account_state")?;
    Ok(Inventory {
        asset: row::text(row, "asset_name")?,
        seen: row::json(row, "body")?,
        is_managed: matches!(state.as_deref(), Some("managed" | "orphaned")),
        owner: row::text_opt(row, "owner")?,
        first_seen_at: row::time(row, "first_seen_at")?,
        seen_at: row::time(row, "seen_at")?,
    })
}

fn finding(row: &SqliteRow) -> Result<Finding, Error> {
    let host = match row::text_opt(row, "host_id")? {
        Some(id) => Some(FoundHostRef { id, address: row.try_get("host_address")? }),
        None => None,
    };
    Ok(Finding {
        id: row::text(row, "id")?,
        asset: row::text_opt(row, "asset_name")?,
        host,
        user: row::text_opt(row, "user_name")?,
        scope: row::text(row, "scope")?,
        account: row.try_get("account")?,
        kind: row::from_word(row, "kind")?,
        severity: row::from_word::<Severity>(row, "severity")?,
        evidence: row::json(row, "evidence")?,
        state: row::from_word(row, "state")?,
        raised_at: row::time(row, "raised_at")?,
        seen_at: row::time(row, "seen_at")?,
        accepted_by: row.try_get("accepted_by")?,
        accepted_until: row::time_opt(row, "accepted_until")?,
        note: row.try_get("note")?,
    })
}
