//! Rotations, their runs, and how secrets are looked after.

use std::collections::{BTreeMap, HashMap};

use postern_domain::account::Account;
use postern_domain::asset::Asset;
use postern_domain::rotation::schedule::Due;
use postern_domain::rotation::{Machine, Rotation, RotationRun, RotationSetting, RotationState, RotationTrigger};
use postern_domain::{
    AccountId, AccountName, AccountRef, AssetId, AssetName, Period, RotationId, RotationRunId, ScopePath, Timestamp,
};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::db::ReadTx;
use crate::error::Error;
use crate::listing::{Listed, Listing, Plan, Query};
use crate::page::{Page, PageRequest};
use crate::{account, row};

mod setting;
mod work;

pub use work::{BREAKER_FAILURES, Claimed, Saved};

macro_rules! columns {
    () => {
        "r.*, c.name as account_name, a.name as asset_name"
    };
}

macro_rules! tables {
    () => {
        "rotation r join account c on c.id = r.account_id join asset a on a.id = r.asset_id"
    };
}

/// What a rotation is read from.
const SELECT: &str = concat!("select ", columns!(), " from ", tables!());

pub(crate) const LISTED: Plan = Plan {
    columns: columns!(),
    from: concat!(tables!(), " where 1"),
    id: "r.id",
    // What is not over ends after everything that is.
    keys: &[("-created_at", "r.created_at"), ("ended_at", "coalesce(r.ended_at, 9223372036854775807)")],
};

fn filtered(mut query: Query, scopes: &[ScopePath], filter: &RotationFilter) -> Result<Query, Error> {
    query.within("r.scope", scopes);
    query.equal("c.name", filter.account.as_ref().map(|account| account.account.to_string()));
    query.equal("a.name", filter.account.as_ref().map(|account| account.asset.to_string()));
    query.equal("r.state", filter.state.map(|state| row::word(&state, "state")).transpose()?);
    query.equal("r.run_id", filter.run.as_ref().map(ToString::to_string));
    if filter.open {
        query.sql().push(" and r.ended_at is null");
    }
    Ok(query)
}

/// A rotation that is to be written down.
#[derive(Clone, Debug)]
pub struct NewRotation {
    /// Identifier.
    pub id: RotationId,
    /// The account.
    pub account: AccountId,
    /// Its asset.
    pub asset: AssetId,
    /// The scope, which is its asset's.
    pub scope: ScopePath,
    /// Why.
    pub trigger: RotationTrigger,
    /// The run that it belongs to.
    pub run: Option<RotationRunId>,
    /// The state machine.
    pub machine: Machine,
    /// When it may begin.
    pub next_at: Timestamp,
}

/// Which rotations are wanted; everything given must match.
#[derive(Clone, Debug, Default)]
pub struct RotationFilter {
    /// Of this account.
    pub account: Option<AccountRef>,
    /// In this state.
    pub state: Option<RotationState>,
    /// Of this run.
    pub run: Option<RotationRunId>,
    /// Those only that are not over.
    pub open: bool,
}

/// An account that something is due for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueAccount {
    /// The account and its asset.
    pub due: Due,
    /// The scope, which is its asset's.
    pub scope: ScopePath,
    /// How often it is due.
    pub every: Period,
    /// When it fell due; none when that was never settled.
    pub at: Option<Timestamp>,
}

impl ReadTx {
    /// A rotation.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotation(&mut self, id: &RotationId) -> Result<Option<Rotation>, Error> {
        let sql = format!("{SELECT} where r.id = ?1");
        let found = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.as_str()).fetch_optional(self.connection()).await?;
        found.as_ref().map(rotation).transpose()
    }

    /// The account that a rotation is of.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotation_account(&mut self, id: &RotationId) -> Result<Option<AccountId>, Error> {
        let found = sqlx::query("select account_id from rotation where id = ?1")
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await?;
        found.as_ref().map(|found| row::text(found, "account_id")).transpose()
    }

    /// Accounts in `scopes` on assets that have all of these labels, with their assets, by name; at most
    /// `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn accounts_labelled(
        &mut self,
        scopes: &[ScopePath],
        labels: &BTreeMap<String, String>,
        limit: usize,
    ) -> Result<Vec<(Account, Asset)>, Error> {
        let sql = format!(
            "{} where {} and {} order by a.name, c.name limit ?3",
            account::SELECT_WITH_ASSET,
            row::scope_clause("a.scope", "?1"),
            row::labels_clause("a.labels", "?2"),
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(row::scopes_json(scopes))
            .bind(row::to_json(labels, "labels")?)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(account::with_asset).collect()
    }

    /// The rotation of an account that is not over, with its machine.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotation_open(&mut self, account: &AccountId) -> Result<Option<(Rotation, Machine)>, Error> {
        Ok(self.rotations_open(&[account]).await?.remove(account))
    }

    /// Those of these accounts that have a rotation which is not over, with it and its machine.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotations_open(
        &mut self,
        accounts: &[&AccountId],
    ) -> Result<HashMap<AccountId, (Rotation, Machine)>, Error> {
        let sql = format!("{SELECT} where r.ended_at is null and r.account_id in (select value from json_each(?1))");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(row::to_json(&accounts, "account")?)
            .fetch_all(self.connection())
            .await?;
        rows.iter()
            .map(|found| Ok((row::text(found, "account_id")?, (rotation(found)?, row::json(found, "machine")?))))
            .collect()
    }

    /// Rotations in `scopes` that match, newest first unless asked otherwise.
    ///
    /// # Errors
    /// When the database fails, or it cannot be sorted by that, or the cursor is not one of ours.
    pub async fn rotations(
        &mut self,
        scopes: &[ScopePath],
        filter: &RotationFilter,
        listing: &Listing,
    ) -> Result<Listed<Rotation>, Error> {
        let (rows, next) = filtered(Query::page(&LISTED, listing)?, scopes, filter)?.rows(self).await?;
        let total = match listing.count {
            true => filtered(Query::count(&LISTED), scopes, filter)?.total(self).await?,
            false => None,
        };
        Ok(Listed { items: rows.iter().map(rotation).collect::<Result<_, _>>()?, next, total })
    }

    /// A run, with the scope that all of it lies in.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotation_run(&mut self, id: &RotationRunId) -> Result<Option<(RotationRun, ScopePath)>, Error> {
        let found = sqlx::query("select * from rotation_run where id = ?1")
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await?;
        let Some(found) = found else { return Ok(None) };
        let mut run = run(&found)?;
        run.tally = self.tally(id).await?;
        Ok(Some((run, row::text(&found, "scope")?)))
    }

    /// Runs in `scopes` and those that `own` asked for, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotation_runs(
        &mut self,
        scopes: &[ScopePath],
        own: &str,
        page: &PageRequest,
    ) -> Result<Page<RotationRun>, Error> {
        let sql = format!(
            "select * from rotation_run where (?1 = '' or id < ?1) and (requested_by = ?2 or {}) \
             order by id desc limit ?4",
            row::scope_clause("scope", "?3")
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(page.after())
            .bind(own)
            .bind(row::scopes_json(scopes))
            .bind(page.limit() + 1)
            .fetch_all(self.connection())
            .await?;
        let mut runs = rows.iter().map(run).collect::<Result<Vec<_>, _>>()?;
        for run in &mut runs {
            run.tally = self.tally(&run.id).await?;
        }
        Ok(Page::from_rows(runs, page.limit(), |run| run.id.to_string()))
    }

    async fn tally(&mut self, run: &RotationRunId) -> Result<BTreeMap<RotationState, u32>, Error> {
        let rows = sqlx::query("select state, count(*) as count from rotation where run_id = ?1 group by state")
            .bind(run.as_str())
            .fetch_all(self.connection())
            .await?;
        rows.iter()
            .map(|found| {
                let count = u32::try_from(found.try_get::<i64, _>("count")?).unwrap_or(u32::MAX);
                Ok((row::from_word(found, "state")?, count))
            })
            .collect()
    }

    /// Accounts whose secret has become as old as it may, the longest overdue first, at most `limit`. Not
    /// those that have a rotation under way, nor those whose target said no a short while ago.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rotations_due(
        &mut self,
        now: Timestamp,
        refused_since: Timestamp,
        limit: u32,
    ) -> Result<Vec<DueAccount>, Error> {
        let rows = sqlx::query(
            "select c.id, c.asset_id, a.scope, coalesce(r.every_seconds, d.every_seconds) as every, \
             coalesce(s.verified_at, s.created_at) + coalesce(r.every_seconds, d.every_seconds) * 1000 as due_at \
             from account c join asset a on a.id = c.asset_id \
             join secret s on s.account_id = c.id and s.state = 'current' \
             left join account_rotation r on r.account_id = c.id left join asset_rotation d on d.asset_id = c.asset_id \
             where c.state = 'managed' and coalesce(r.every_seconds, d.every_seconds, 0) > 0 and due_at <= ?1 \
             and not exists (select 1 from rotation o where o.account_id = c.id \
             and (o.ended_at is null or (o.state in ('refused', 'cancelled') and o.ended_at > ?2))) \
             and not exists (select 1 from checkout k where k.account_id = c.id and k.state = 'open') \
             order by due_at, c.id limit ?3",
        )
        .bind(now.as_millis())
        .bind(refused_since.as_millis())
        .bind(limit)
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(due).collect()
    }

    /// Accounts whose secret is to be tried, at most `limit`: those for which that is due, and those for
    /// which it was never settled when it is. Not those whose secret is being changed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn heartbeats_due(
        &mut self,
        now: Timestamp,
        default: Period,
        limit: u32,
    ) -> Result<Vec<DueAccount>, Error> {
        let rows = sqlx::query(
            "select c.id, c.asset_id, a.scope, coalesce(r.heartbeat_seconds, d.heartbeat_seconds, ?2) as every, \
             h.next_at as due_at from account c join asset a on a.id = c.asset_id \
             join secret s on s.account_id = c.id and s.state = 'current' and s.kind = c.credential \
             left join account_rotation r on r.account_id = c.id left join asset_rotation d on d.asset_id = c.asset_id \
             left join heartbeat h on h.account_id = c.id \
             where c.state = 'managed' and coalesce(r.heartbeat_seconds, d.heartbeat_seconds, ?2) > 0 \
             and (h.next_at is null or h.next_at <= ?1) \
             and not exists (select 1 from rotation o where o.account_id = c.id and o.ended_at is null) \
             order by h.next_at, c.id limit ?3",
        )
        .bind(now.as_millis())
        .bind(i64::try_from(default.seconds()).unwrap_or(i64::MAX))
        .bind(limit)
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(due).collect()
    }

    /// How the secrets of an asset's accounts are looked after where the accounts do not say otherwise.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn asset_rotation(&mut self, asset: &AssetId) -> Result<RotationSetting, Error> {
        Ok(self.asset_rotations(&[asset]).await?.remove(asset).unwrap_or_default())
    }

    /// The same for many assets; those that say nothing are left out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn asset_rotations(&mut self, assets: &[&AssetId]) -> Result<HashMap<AssetId, RotationSetting>, Error> {
        let rows = sqlx::query("select * from asset_rotation where asset_id in (select value from json_each(?1))")
            .bind(row::to_json(&assets, "asset")?)
            .fetch_all(self.connection())
            .await?;
        rows.iter()
            .map(|found| {
                let setting = RotationSetting { reconcile: row::json(found, "reconcile")?, ..setting(found)? };
                Ok((row::text(found, "asset_id")?, setting))
            })
            .collect()
    }
}

fn due(found: &SqliteRow) -> Result<DueAccount, Error> {
    let every = u64::try_from(found.try_get::<i64, _>("every")?).unwrap_or(0);
    Ok(DueAccount {
        due: Due { account: row::text(found, "id")?, asset: row::text(found, "asset_id")? },
        scope: row::text(found, "scope")?,
        every: Period::from_seconds(every),
        at: row::time_opt(found, "due_at")?,
    })
}

/// The setting in the columns that accounts and assets have both.
pub(crate) fn setting(found: &SqliteRow) -> Result<RotationSetting, Error> {
    let period = |column: &str| -> Result<Option<Period>, Error> {
        let seconds: Option<i64> = found.try_get(column)?;
        Ok(seconds.map(|seconds| Period::from_seconds(u64::try_from(seconds).unwrap_or(0))))
    };
    Ok(RotationSetting {
        every: period("every_seconds")?,
        after_use: found.try_get::<Option<i64>, _>("after_use")?.map(|after| after != 0),
        heartbeat: period("heartbeat_seconds")?,
        reconcile: Vec::new(),
    })
}

fn rotation(found: &SqliteRow) -> Result<Rotation, Error> {
    Ok(Rotation {
        id: row::text(found, "id")?,
        account: AccountRef {
            account: row::text::<AccountName>(found, "account_name")?,
            asset: row::text::<AssetName>(found, "asset_name")?,
        },
        scope: row::text(found, "scope")?,
        trigger: row::from_word(found, "cause")?,
        run: row::text_opt(found, "run_id")?,
        state: row::from_word(found, "state")?,
        version: found.try_get::<Option<i64>, _>("version")?.and_then(|version| u32::try_from(version).ok()),
        attempts: u32::try_from(found.try_get::<i64, _>("attempts")?).unwrap_or(u32::MAX),
        note: found.try_get("note")?,
        next_at: row::time_opt(found, "next_at")?,
        created_at: row::time(found, "created_at")?,
        ended_at: row::time_opt(found, "ended_at")?,
    })
}

fn run(found: &SqliteRow) -> Result<RotationRun, Error> {
    let count = |column: &str| -> Result<u32, Error> {
        Ok(u32::try_from(found.try_get::<i64, _>(column)?).unwrap_or(u32::MAX))
    };
    Ok(RotationRun {
        id: row::text(found, "id")?,
        account: row::text_opt(found, "account")?,
        labels: row::json(found, "labels")?,
        requested_by: row::text(found, "requested_by")?,
        reason: found.try_get("reason")?,
        state: row::from_word(found, "state")?,
        concurrency: count("concurrency")?,
        failures_max: count("failures_max")?,
        tally: BTreeMap::new(),
        stopped_reason: found.try_get("stopped_reason")?,
        created_at: row::time(found, "created_at")?,
        ended_at: row::time_opt(found, "ended_at")?,
    })
}

#[cfg(test)]
mod tests;
