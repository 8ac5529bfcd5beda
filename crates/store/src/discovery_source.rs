//! Discovery sources, runs over them, and the hosts that they found.

use postern_domain::asset::Platform;
use postern_domain::discovery::{DiscoverySource, FoundHost, SourceDocument};
use postern_domain::{AssetId, DiscoveryId, HostId, ScopePath, SourceId, SourceName, Timestamp};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::page::{Page, PageRequest};
use crate::row;

/// A run over a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRun {
    /// The source.
    pub source: SourceId,
    /// What was declared when the run began.
    pub declared: SourceDocument,
    /// How much of the plan is done.
    pub cursor: u32,
    /// What could not be looked at, and why.
    pub gaps: Vec<String>,
}

/// Which hosts are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostFilter {
    /// Found by this source.
    pub source: Option<SourceName>,
    /// At this `address:port`.
    pub address: Option<String>,
    /// Only those that no asset names.
    pub is_unknown: bool,
}

/// Somebody who listens, as a run saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenHost {
    /// `address:port`
    pub address: String,
    /// The name that stood for the address.
    pub name: Option<String>,
    /// What it seems to be.
    pub platform: Platform,
    /// Whether it said so itself.
    pub is_recognised: bool,
    /// What it said.
    pub banner: Option<String>,
    /// The host key that it presented.
    pub host_key: Option<String>,
    /// The asset that it is.
    pub asset: Option<AssetId>,
}

impl ReadTx {
    /// The source of this name in a tenant.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn source_in_tenant(
        &mut self,
        tenant: &ScopePath,
        name: &SourceName,
    ) -> Result<Option<DiscoverySource>, Error> {
        let row = sqlx::query("select * from discovery_source where tenant = ?1 and name = ?2 and deleted_at is null")
            .bind(tenant.as_str())
            .bind(name.as_str())
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(source).transpose()
    }

    /// The sources in `scopes`, of one name where one is given, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sources(
        &mut self,
        scopes: &[ScopePath],
        name: Option<&SourceName>,
    ) -> Result<Vec<DiscoverySource>, Error> {
        let sql = format!(
            "select * from discovery_source where deleted_at is null and (?1 is null or name = ?1) and {} \
             order by name, tenant limit 1000",
            row::scope_clause("scope", "?2")
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(name.map(SourceName::as_str))
            .bind(row::scopes_json(scopes))
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(source).collect()
    }

    /// Sources that are due, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sources_due(&mut self, now: Timestamp, limit: u32) -> Result<Vec<DiscoverySource>, Error> {
        let rows = sqlx::query(
            "select * from discovery_source where next_at <= ?1 and deleted_at is null order by next_at limit ?2",
        )
        .bind(now.as_millis())
        .bind(limit)
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(source).collect()
    }

    /// The runs over a source that are not over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn source_running(&mut self, id: &SourceId) -> Result<Vec<DiscoveryId>, Error> {
        let rows = sqlx::query(
            "select r.id from source_run s join discovery_run r on r.id = s.run_id \
             where s.source_id = ?1 and r.state = 'running'",
        )
        .bind(id.as_str())
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(|row| row::text(row, "id")).collect()
    }

    /// What a run looks at, where it is one over a source.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn source_run(&mut self, run: &DiscoveryId) -> Result<Option<SourceRun>, Error> {
        let row = sqlx::query("select * from source_run where run_id = ?1")
            .bind(run.as_str())
            .fetch_optional(self.connection())
            .await?;
        let read = |row: &SqliteRow| {
            Ok(SourceRun {
                source: row::text(row, "source_id")?,
                declared: row::json(row, "body")?,
                cursor: row.try_get("cursor")?,
                gaps: row::json(row, "gaps")?,
            })
        };
        row.as_ref().map(read).transpose()
    }

    /// The asset of a tenant that is declared at exactly this address; the oldest one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn asset_at(&mut self, tenant: &ScopePath, address: &str) -> Result<Option<AssetId>, Error> {
        let row = sqlx::query("select id from asset where tenant = ?1 and address = ?2 order by id limit 1")
            .bind(tenant.as_str())
            .bind(address)
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(|row| row::text(row, "id")).transpose()
    }

    /// Found hosts in `scopes`, newest first.
    ///
    /// # Errors
    /// When the database fails or the cursor is not one of ours.
    pub async fn hosts(
        &mut self,
        scopes: &[ScopePath],
        filter: &HostFilter,
        page: &PageRequest,
    ) -> Result<Page<FoundHost>, Error> {
        let [after] = page.keys()?;
        let sql = format!(
            "{HOST} where (?1 = '' or h.id < ?1) and {} and (?3 is null or s.name = ?3) \
             and (?4 is null or h.address = ?4) and (?5 = 0 or (h.asset_id is null and h.gone_at is null)) \
             and s.deleted_at is null order by h.id desc limit ?6",
            row::scope_clause("s.scope", "?2")
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(after)
            .bind(row::scopes_json(scopes))
            .bind(filter.source.as_ref().map(SourceName::as_str))
            .bind(filter.address.as_deref())
            .bind(filter.is_unknown)
            .bind(page.limit() + 1)
            .fetch_all(self.connection())
            .await?;
        let items = rows.iter().map(host).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::from_rows(items, page.limit(), |item| Page::<FoundHost>::cursor(&[item.id.as_str()])))
    }

    /// One found host.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn host(&mut self, id: &HostId) -> Result<Option<FoundHost>, Error> {
        let sql = format!("{HOST} where h.id = ?1 and s.deleted_at is null");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.as_str()).fetch_optional(self.connection()).await?;
        row.as_ref().map(host).transpose()
    }
}

impl WriteTx {
    /// Writes a source down, in the place of what was declared before. It is due at `next_at`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn source_put(&mut self, source: &DiscoverySource) -> Result<(), Error> {
        let declared = &source.declared;
        sqlx::query(
            "insert into discovery_source (id, tenant, name, scope, body, next_at, created_at) \
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7) on conflict (id) do update set scope = ?4, body = ?5, next_at = ?6",
        )
        .bind(source.id.as_str())
        .bind(declared.scope.tenant().as_str())
        .bind(declared.name.as_str())
        .bind(declared.scope.as_str())
        .bind(row::to_json(declared, "body")?)
        .bind(source.next_at.map(Timestamp::as_millis))
        .bind(source.created_at.as_millis())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Takes a source out of use, with what is found wrong with its hosts.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn source_delete(&mut self, id: &SourceId) -> Result<(), Error> {
        let now = self.now().as_millis();
        sqlx::query("update discovery_source set deleted_at = ?2, next_at = null where id = ?1")
            .bind(id.as_str())
            .bind(now)
            .execute(self.connection())
            .await?;
        self.findings_resolve_of(id, "1").await
    }

    /// A new run over a source.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn source_run_begin(
        &mut self,
        run: &DiscoveryId,
        source: &DiscoverySource,
        requested_by: &str,
        targets: u32,
    ) -> Result<(), Error> {
        self.discovery_begin(run, &source.declared.scope, requested_by, &[]).await?;
        sqlx::query("insert into source_run (run_id, source_id, body, targets) values (?1, ?2, ?3, ?4)")
            .bind(run.as_str())
            .bind(source.id.as_str())
            .bind(row::to_json(&source.declared, "body")?)
            .bind(targets)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// How far a run is: the cursor, how many more hosts were found, and what could not be looked at.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn source_run_advance(
        &mut self,
        run: &DiscoveryId,
        cursor: u32,
        hosts: u32,
        gaps: &[String],
    ) -> Result<(), Error> {
        sqlx::query("update source_run set cursor = ?2, hosts = hosts + ?3, gaps = ?4 where run_id = ?1")
            .bind(run.as_str())
            .bind(cursor)
            .bind(hosts)
            .bind(row::to_json(&gaps, "gaps")?)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Writes down who listens, in the place of what was seen there before. `id` is taken for a new one;
    /// gives the id that it has.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn host_put(&mut self, id: &HostId, source: &SourceId, seen: &SeenHost) -> Result<HostId, Error> {
        let now = self.now().as_millis();
        let written = sqlx::query(
            "insert into found_host (id, source_id, address, name, platform, recognised, banner, host_key, asset_id, \
             first_seen_at, seen_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10) \
             on conflict (source_id, address) do update set name = ?4, platform = ?5, recognised = ?6, banner = ?7, \
             host_key = coalesce(?8, host_key), asset_id = ?9, seen_at = ?10, gone_at = null returning id",
        )
        .bind(id.as_str())
        .bind(source.as_str())
        .bind(&seen.address)
        .bind(&seen.name)
        .bind(row::word(&seen.platform, "platform")?)
        .bind(seen.is_recognised)
        .bind(&seen.banner)
        .bind(&seen.host_key)
        .bind(seen.asset.as_ref().map(AssetId::as_str))
        .bind(now)
        .fetch_one(self.connection())
        .await?;
        row::text(&written, "id")
    }

    /// Says which asset a found host is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn host_adopt(&mut self, id: &HostId, asset: &AssetId) -> Result<(), Error> {
        sqlx::query("update found_host set asset_id = ?2 where id = ?1")
            .bind(id.as_str())
            .bind(asset.as_str())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// What a whole run over a source did not see any more is gone, and nothing is wrong with it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn hosts_gone(&mut self, source: &SourceId, begun: Timestamp) -> Result<(), Error> {
        let now = self.now().as_millis();
        sqlx::query("update found_host set gone_at = ?3 where source_id = ?1 and seen_at < ?2 and gone_at is null")
            .bind(source.as_str())
            .bind(begun.as_millis())
            .bind(now)
            .execute(self.connection())
            .await?;
        self.findings_resolve_of(source, "h.gone_at is not null").await
    }

    async fn findings_resolve_of(&mut self, source: &SourceId, which: &'static str) -> Result<(), Error> {
        let now = self.now().as_millis();
        let sql = format!(
            "update finding set state = 'resolved', resolved_at = ?2 where state <> 'resolved' and host_id in \
             (select h.id from found_host h where h.source_id = ?1 and {which})"
        );
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(source.as_str()).bind(now).execute(self.connection()).await?;
        Ok(())
    }
}

const HOST: &str = "select h.*, s.name as source_name, s.scope as scope, a.name as asset_name from found_host h \
    join discovery_source s on s.id = h.source_id left join asset a on a.id = h.asset_id";

fn source(row: &SqliteRow) -> Result<DiscoverySource, Error> {
    Ok(DiscoverySource {
        id: row::text(row, "id")?,
        declared: row::json(row, "body")?,
        next_at: row::time_opt(row, "next_at")?,
        created_at: row::time(row, "created_at")?,
    })
}

fn host(row: &SqliteRow) -> Result<FoundHost, Error> {
    Ok(FoundHost {
        id: row::text(row, "id")?,
        source: row::text(row, "source_name")?,
        scope: row::text(row, "scope")?,
        address: row.try_get("address")?,
        name: row.try_get("name")?,
        platform: row::from_word(row, "platform")?,
        is_recognised: row.try_get::<i64, _>("recognised")? != 0,
        banner: row.try_get("banner")?,
        host_key: row.try_get("host_key")?,
        asset: row::text_opt(row, "asset_name")?,
        first_seen_at: row::time(row, "first_seen_at")?,
        seen_at: row::time(row, "seen_at")?,
        gone_at: row::time_opt(row, "gone_at")?,
    })
}
