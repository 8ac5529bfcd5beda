//! How access was used: sessions and check-outs together.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use postern_domain::finding::Severity;
use postern_domain::review::{Use, Uses};
use postern_domain::{AccountId, AssetId, Capability, PolicyId, ScopePath, Timestamp, UserName};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::db::ReadTx;
use crate::error::Error;
use crate::row;

/// Every use, with when it began; ?1 is since when uses are counted.
const USES: &str = "select user_id, policy_id, account_id, grant_id, scope, started_at as at from session \
    union all select user_id, policy_id, account_id, grant_id, scope, opened_at from checkout";

/// What sessions do not tell the use of; it counts as used.
const UNTOLD: [Capability; 5] =
    [Capability::Shell, Capability::Exec, Capability::Env, Capability::Agent, Capability::X11];

/// How somebody used an account under a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountUse {
    /// Who.
    pub user: UserName,
    /// Which account.
    pub account: AccountId,
    /// How.
    pub used: Use,
}

impl ReadTx {
    /// Whether a session, a check-out, a rotation, a look at the secret or a discovery of the asset was under way
    /// within `leeway` of `at`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn account_used_at(
        &mut self,
        account: &AccountId,
        asset: &AssetId,
        at: Timestamp,
        leeway: Duration,
    ) -> Result<bool, Error> {
        let sql = "select exists (select 1 from session where account_id = ?1 and started_at <= ?4 \
                 and coalesce(ended_at, ?4) >= ?3) \
             or exists (select 1 from checkout where account_id = ?1 and opened_at <= ?4 and coalesce(ended_at, ?4) >= ?3) \
             or exists (select 1 from rotation where account_id = ?1 and created_at <= ?4 \
                 and coalesce(ended_at, ?4) >= ?3) \
             or exists (select 1 from heartbeat where account_id = ?1 and checked_at between ?3 and ?4) \
             or exists (select 1 from discovery_run join discovery_target on run_id = id where asset_id = ?2 \
                 and created_at <= ?4 and coalesce(discovery_run.ended_at, ?4) >= ?3)";
        Ok(sqlx::query_scalar(sql)
            .bind(account.as_str())
            .bind(asset.as_str())
            .bind(at.before(leeway).as_millis())
            .bind(at.after(leeway).as_millis())
            .fetch_one(self.connection())
            .await?)
    }

    /// How everybody used what they have, with how often since `since`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn uses(&mut self, since: Timestamp) -> Result<Uses, Error> {
        let mut found = Uses::default();
        let sql = format!(
            "select u.name, s.policy_id, max(s.at) as last, sum(s.at >= ?1) as uses from ({USES}) s \
             join user u on u.id = s.user_id group by u.name, s.policy_id"
        );
        for row in self.used(sql, since).await? {
            found.by_policy.insert((row::text(&row, "name")?, row::text(&row, "policy_id")?), used(&row)?);
        }
        let sql = format!(
            "select s.grant_id, max(s.at) as last, sum(s.at >= ?1) as uses from ({USES}) s \
             where s.grant_id is not null group by s.grant_id"
        );
        for row in self.used(sql, since).await? {
            found.by_grant.insert(row::text(&row, "grant_id")?, used(&row)?);
        }
        Ok(found)
    }

    /// How accounts were used under a policy, by person and account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn policy_uses(&mut self, policy: &PolicyId, since: Timestamp) -> Result<Vec<AccountUse>, Error> {
        let sql = format!(
            "select u.name, s.account_id, max(s.at) as last, sum(s.at >= ?1) as uses from ({USES}) s \
             join user u on u.id = s.user_id where s.policy_id = ?2 group by u.name, s.account_id"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(since.as_millis())
            .bind(policy.as_str())
            .fetch_all(self.connection())
            .await?;
        let each = |row: &SqliteRow| {
            Ok(AccountUse { user: row::text(row, "name")?, account: row::text(row, "account_id")?, used: used(row)? })
        };
        rows.iter().map(each).collect()
    }

    /// What the sessions under a policy since `since` used; none where that is not known of every one of them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn policy_capabilities(
        &mut self,
        policy: &PolicyId,
        since: Timestamp,
    ) -> Result<Option<BTreeSet<Capability>>, Error> {
        let rows = sqlx::query(
            "select distinct capabilities from session where policy_id = ?1 and started_at >= ?2 \
             and (end_reason is null or end_reason <> 'target_failed')",
        )
        .bind(policy.as_str())
        .bind(since.as_millis())
        .fetch_all(self.connection())
        .await?;
        let mut used = BTreeSet::new();
        for row in &rows {
            match row::json_opt::<BTreeSet<Capability>>(row, "capabilities")? {
                Some(some) => used.extend(some),
                None => return Ok(None),
            }
        }
        used.extend(UNTOLD);
        Ok(Some(used).filter(|_| !rows.is_empty()))
    }

    /// Findings that are open on accounts in `scopes`, by account: how many, and the worst.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn findings_by_account(
        &mut self,
        scopes: &[ScopePath],
    ) -> Result<BTreeMap<AccountId, (u64, Severity)>, Error> {
        let sql = format!(
            "select c.id, f.severity from finding f join account c on c.asset_id = f.asset_id and c.name = f.account \
             join asset a on a.id = c.asset_id where f.state = 'open' and {}",
            row::scope_clause("a.scope", "?1")
        );
        let rows =
            sqlx::query(sqlx::AssertSqlSafe(sql)).bind(row::scopes_json(scopes)).fetch_all(self.connection()).await?;
        let mut found: BTreeMap<AccountId, (u64, Severity)> = BTreeMap::new();
        for row in &rows {
            let severity: Severity = row::from_word(row, "severity")?;
            let (count, worst) = found.entry(row::text(row, "id")?).or_insert((0, severity));
            *count += 1;
            *worst = (*worst).max(severity);
        }
        Ok(found)
    }

    async fn used(&mut self, sql: String, since: Timestamp) -> Result<Vec<SqliteRow>, Error> {
        Ok(sqlx::query(sqlx::AssertSqlSafe(sql)).bind(since.as_millis()).fetch_all(self.connection()).await?)
    }
}

fn used(row: &SqliteRow) -> Result<Use, Error> {
    let count: i64 = row.try_get("uses")?;
    Ok(Use { last_at: row::time_opt(row, "last")?, count: u64::try_from(count).unwrap_or(0) })
}
