//! Discoveries: what assets' connectors need to know, runs and how far they are.

use std::collections::BTreeMap;

use postern_domain::asset::Asset;
use postern_domain::discovery::{DiscoveryRun, DiscoveryTarget, RunState, TargetState};
use postern_domain::{AccountName, AssetId, DiscoveryId, ScopePath, Timestamp};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::listing::{Listed, Listing, Plan, Query};
use crate::row;

/// What a connector needs to know of an asset besides its address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssetConnector {
    /// The platform's settings.
    pub settings: BTreeMap<String, String>,
    /// PEM certificates that the asset is known by.
    pub certificates: String,
    /// As which of its accounts it is discovered.
    pub discovery_account: Option<AccountName>,
    /// Whether passwords that everybody knows may be tried, once each.
    pub try_default_passwords: bool,
    /// How often it is discovered, in seconds; never by itself when left out.
    pub every_seconds: Option<u32>,
    /// When it is due.
    pub next_at: Option<Timestamp>,
}

impl ReadTx {
    /// What a connector needs to know of an asset; the default where nothing was said.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn asset_connector(&mut self, asset: &AssetId) -> Result<AssetConnector, Error> {
        let row = sqlx::query("select * from asset_connector where asset_id = ?1")
            .bind(asset.as_str())
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(connector).transpose().map(Option::unwrap_or_default)
    }

    /// Assets whose discovery is due, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn discovery_due(&mut self, now: Timestamp, limit: u32) -> Result<Vec<(AssetId, ScopePath)>, Error> {
        let rows = sqlx::query(
            "select c.asset_id, a.scope from asset_connector c join asset a on a.id = c.asset_id \
             where c.next_at <= ?1 order by c.next_at limit ?2",
        )
        .bind(now.as_millis())
        .bind(limit)
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(|row| Ok((row::text(row, "asset_id")?, row::text(row, "scope")?))).collect()
    }

    /// Runs in `scopes`, newest first unless asked otherwise.
    ///
    /// # Errors
    /// When the database fails, or it cannot be sorted by that, or the cursor is not one of ours.
    pub async fn discovery_runs(
        &mut self,
        scopes: &[ScopePath],
        listing: &Listing,
    ) -> Result<Listed<DiscoveryRun>, Error> {
        let mut query = Query::page(&LISTED, listing)?;
        query.within("r.scope", scopes);
        let (rows, next) = query.rows(self).await?;
        let mut counted = Query::count(&LISTED);
        counted.within("r.scope", scopes);
        let total = match listing.count {
            true => counted.total(self).await?,
            false => None,
        };
        Ok(Listed { items: rows.iter().map(run).collect::<Result<_, _>>()?, next, total })
    }

    /// One run.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn discovery_run(&mut self, id: &DiscoveryId) -> Result<Option<DiscoveryRun>, Error> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{RUN} where r.id = ?1")))
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(run).transpose()
    }

    /// The assets of a run, and what became of each.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn discovery_targets(&mut self, id: &DiscoveryId) -> Result<Vec<DiscoveryTarget>, Error> {
        let rows = sqlx::query(
            "select t.*, a.name as asset_name from discovery_target t join asset a on a.id = t.asset_id \
             where t.run_id = ?1 order by a.name",
        )
        .bind(id.as_str())
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(target).collect()
    }

    /// What a run has still to look at, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn discovery_waiting(&mut self, id: &DiscoveryId, limit: u32) -> Result<Vec<AssetId>, Error> {
        let rows =
            sqlx::query("select asset_id from discovery_target where run_id = ?1 and state = 'waiting' limit ?2")
                .bind(id.as_str())
                .bind(limit)
                .fetch_all(self.connection())
                .await?;
        rows.iter().map(|row| row::text(row, "asset_id")).collect()
    }

    /// Runs that are not over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn discovery_running(&mut self) -> Result<Vec<DiscoveryId>, Error> {
        let rows = sqlx::query("select id from discovery_run where state = 'running' order by id")
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(|row| row::text(row, "id")).collect()
    }
}

impl WriteTx {
    /// Says what a connector needs to know of an asset.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn asset_connector_set(&mut self, asset: &AssetId, connector: &AssetConnector) -> Result<(), Error> {
        sqlx::query(
            "insert into asset_connector (asset_id, settings, certificates, discovery_account, try_default_passwords, \
             every_seconds, next_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
             on conflict (asset_id) do update set settings = ?2, certificates = ?3, discovery_account = ?4, \
             try_default_passwords = ?5, every_seconds = ?6, next_at = ?7",
        )
        .bind(asset.as_str())
        .bind(row::to_json(&connector.settings, "settings")?)
        .bind(&connector.certificates)
        .bind(connector.discovery_account.as_ref().map(AccountName::as_str))
        .bind(connector.try_default_passwords)
        .bind(connector.every_seconds)
        .bind(connector.next_at.map(Timestamp::as_millis))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// A new run over assets.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn discovery_begin(
        &mut self,
        id: &DiscoveryId,
        scope: &ScopePath,
        requested_by: &str,
        assets: &[Asset],
    ) -> Result<(), Error> {
        let now = self.now().as_millis();
        sqlx::query(
            "insert into discovery_run (id, scope, requested_by, state, created_at) values (?1, ?2, ?3, 'running', ?4)",
        )
        .bind(id.as_str())
        .bind(scope.as_str())
        .bind(requested_by)
        .bind(now)
        .execute(self.connection())
        .await?;
        for asset in assets {
            sqlx::query("insert into discovery_target (run_id, asset_id, state) values (?1, ?2, 'waiting')")
                .bind(id.as_str())
                .bind(asset.id.as_str())
                .execute(self.connection())
                .await?;
        }
        Ok(())
    }

    /// What became of one asset of a run.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn discovery_target_end(
        &mut self,
        id: &DiscoveryId,
        asset: &AssetId,
        ended: &DiscoveryTarget,
    ) -> Result<(), Error> {
        let now = self.now().as_millis();
        sqlx::query(
            "update discovery_target set state = ?3, accounts = ?4, gaps = ?5, failure = ?6, ended_at = ?7, millis = ?8 \
             where run_id = ?1 and asset_id = ?2 and state = 'waiting'",
        )
        .bind(id.as_str())
        .bind(asset.as_str())
        .bind(row::word(&ended.state, "state")?)
        .bind(ended.accounts)
        .bind(row::to_json(&ended.gaps, "gaps")?)
        .bind(&ended.failure)
        .bind(now)
        .bind(ended.millis)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Ends a run; what still waits in it waits no longer. Whether it was not over already.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn discovery_end(&mut self, id: &DiscoveryId, state: RunState) -> Result<bool, Error> {
        let now = self.now().as_millis();
        let ended =
            sqlx::query("update discovery_run set state = ?2, ended_at = ?3 where id = ?1 and state = 'running'")
                .bind(id.as_str())
                .bind(row::word(&state, "state")?)
                .bind(now)
                .execute(self.connection())
                .await?;
        sqlx::query("update discovery_target set state = 'cancelled' where run_id = ?1 and state = 'waiting'")
            .bind(id.as_str())
            .execute(self.connection())
            .await?;
        Ok(ended.rows_affected() == 1)
    }
}

macro_rules! columns {
    () => {
        "r.*, d.name as source, coalesce(s.hosts, 0) as hosts, \
         coalesce(s.targets, (select count(*) from discovery_target t where t.run_id = r.id)) as targets, \
         coalesce(s.cursor, \
         (select count(*) from discovery_target t where t.run_id = r.id and t.state <> 'waiting')) as looked_at, \
         (select count(*) from discovery_target t where t.run_id = r.id and t.state = 'failed') as failed, \
         (select coalesce(sum(t.accounts), 0) from discovery_target t where t.run_id = r.id) as accounts"
    };
}

macro_rules! tables {
    () => {
        "discovery_run r left join source_run s on s.run_id = r.id left join discovery_source d on d.id = s.source_id"
    };
}

const RUN: &str = concat!("select ", columns!(), " from ", tables!());

pub(crate) const LISTED: Plan = Plan {
    columns: columns!(),
    from: concat!(tables!(), " where 1"),
    id: "r.id",
    // What is not over ends after everything that is.
    keys: &[("-created_at", "r.created_at"), ("ended_at", "coalesce(r.ended_at, 9223372036854775807)")],
};

fn connector(row: &SqliteRow) -> Result<AssetConnector, Error> {
    Ok(AssetConnector {
        settings: row::json(row, "settings")?,
        certificates: row.try_get("certificates")?,
        discovery_account: row::text_opt(row, "discovery_account")?,
        try_default_passwords: row.try_get::<i64, _>("try_default_passwords")? != 0,
        every_seconds: row.try_get("every_seconds")?,
        next_at: row::time_opt(row, "next_at")?,
    })
}

fn run(row: &SqliteRow) -> Result<DiscoveryRun, Error> {
    Ok(DiscoveryRun {
        id: row::text(row, "id")?,
        scope: row::text(row, "scope")?,
        requested_by: row.try_get("requested_by")?,
        source: row::text_opt(row, "source")?,
        state: row::from_word(row, "state")?,
        targets: row.try_get("targets")?,
        looked_at: row.try_get("looked_at")?,
        failed: row.try_get("failed")?,
        accounts: row.try_get("accounts")?,
        hosts: row.try_get("hosts")?,
        created_at: row::time(row, "created_at")?,
        ended_at: row::time_opt(row, "ended_at")?,
        expected_at: None,
    })
}

fn target(row: &SqliteRow) -> Result<DiscoveryTarget, Error> {
    Ok(DiscoveryTarget {
        asset: row::text(row, "asset_name")?,
        state: row::from_word::<TargetState>(row, "state")?,
        accounts: row.try_get("accounts")?,
        gaps: row::json_opt(row, "gaps")?.unwrap_or_default(),
        failure: row.try_get("failure")?,
        millis: row.try_get("millis")?,
    })
}
