//! What has happened day by day, for who wants to see where things go.

use std::collections::BTreeMap;

use postern_domain::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;

const DAY_MS: i64 = 24 * 3600 * 1000;

/// One day in UTC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DayFigures {
    /// Which: `2026-11-25`.
    pub day: String,
    /// Sessions that began, by protocol.
    pub sessions: BTreeMap<String, u64>,
    /// Requests that were made, by how they stand now.
    pub requests: BTreeMap<String, u64>,
    /// Findings that were raised.
    pub findings_raised: u64,
    /// Findings that were resolved.
    pub findings_resolved: u64,
    /// Findings that were open at the end of the day, by severity; those that somebody accepted are not among them.
    pub findings_open: BTreeMap<String, u64>,
    /// Changes of secrets that came to an end, by how.
    pub rotations: BTreeMap<String, u64>,
    /// Alerts that were raised, by what came of them: `open`, or what whoever closed them found.
    pub alerts: BTreeMap<String, u64>,
    /// Privileged accounts that were known at the end of the day: those found, with those governed.
    pub accounts_found: u64,
    /// Those of them that are governed now, and were known then.
    pub accounts_governed: u64,
    /// Policies that gave something at any time, at the end of the day or now.
    pub policies_standing: u64,
    /// What was kept of the day as it was; none of days on which nothing was kept.
    pub kept: Option<KeptFigures>,
}

/// What stood at the end of a day, or stands now, that cannot be told later from what there is then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeptFigures {
    /// Standing privileges: each person on each account that a policy lets them reach at any time.
    pub standing_rights: u64,
    /// Accounts whose secrets change by themselves.
    pub secrets_rotated: u64,
    /// Those of them whose secret is older than it may be.
    pub secrets_due: u64,
    /// Accounts whose newest change of the secret has failed.
    pub secrets_failed: u64,
    /// Assets.
    pub assets: u64,
    /// Those of them that a discovery has looked at in the last thirty days.
    pub assets_looked_at: u64,
}

/// What is counted by day: a statement that gives the day, the word it is counted under, and how many.
const SESSIONS: &str = "select started_at / 86400000 as day, protocol as word, count(*) as n from session where started_at >= ?1 group by 1, 2";
const REQUESTS: &str = "select created_at / 86400000 as day, state as word, count(*) as n from request where created_at >= ?1 group by 1, 2";
const FINDINGS: &str = "\
    select raised_at / 86400000 as day, 'raised' as word, count(*) as n from finding where raised_at >= ?1 group by 1 \
    union all \
    select resolved_at / 86400000, 'resolved', count(*) from finding where resolved_at >= ?1 group by 1";
const ROTATIONS: &str =
    "select ended_at / 86400000 as day, state as word, count(*) as n from rotation where ended_at >= ?1 group by 1, 2";
const ALERTS: &str = "select raised_at / 86400000 as day, coalesce(verdict, 'open') as word, count(*) as n from alert where raised_at >= ?1 group by 1, 2";
/// What there is for some days: from which until before which, the word it is counted under, and how many.
const LASTING: &str = "\
    select raised_at / 86400000 as begun, coalesce(resolved_at / 86400000, ?1) as over, severity as word, count(*) as n \
        from finding where state <> 'accepted' group by 1, 2, 3 \
    union all \
    select created_at / 86400000, ?1, 'governed', count(*) from account where state = 'managed' group by 1 \
    union all \
    select created_at / 86400000, ?1, 'other', count(*) from account where state <> 'managed' group by 1 \
    union all \
    select o.first_seen_at / 86400000, coalesce(o.gone_at / 86400000, ?1), 'other', count(*) from observation o \
        where json_array_length(o.body, '$.privileges') > 0 and not exists \
        (select 1 from account c where c.asset_id = o.asset_id and c.name = o.name) group by 1, 2";
/// From when until when each revision that gives something at any time was in force.
const STANDING: &str = "\
    select r.changed_at as begun, coalesce((select min(n.changed_at) from policy_revision n \
        where n.policy_id = r.policy_id and n.revision > r.revision), p.deleted_at, 9223372036854775807) as over \
    from policy_revision r join policy p on p.id = r.policy_id \
    where json_extract(r.body, '$.effect') = 'allow' and json_extract(r.body, '$.access') = 'standing'";

const KEPT: &str = "select * from day_figures where day >= ?1";
/// What can be counted of `KeptFigures` from the database alone: `?1` is now, `?2` thirty days before.
const COUNTED: &str = "\
    with rotated as (select c.id, coalesce(r.every_seconds, d.every_seconds, 0) as every, \
            (select max(coalesce(s.verified_at, s.created_at)) from secret s where s.account_id = c.id and s.state = 'current') as since \
        from account c left join account_rotation r on r.account_id = c.id left join asset_rotation d on d.asset_id = c.asset_id \
        where c.state = 'managed' and coalesce(r.every_seconds, d.every_seconds, 0) > 0) \
    select (select count(*) from rotated) as secrets_rotated, \
    (select count(*) from rotated where since is null or since + every * 1000 <= ?1) as secrets_due, \
    (select count(*) from account c where (select o.state from rotation o where o.account_id = c.id \
        order by o.id desc limit 1) in ('broken', 'refused')) as secrets_failed, \
    (select count(*) from asset) as assets, \
    (select count(distinct asset_id) from discovery_target where state = 'done' and ended_at >= ?2) as assets_looked_at";

impl WriteTx {
    /// Keeps what stands now as the figures of today, in place of what was kept of it before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn day_figures_keep(&mut self, standing_rights: u64) -> Result<(), Error> {
        let now = self.now().as_millis();
        let row = sqlx::query(COUNTED).bind(now).bind(now - 30 * DAY_MS).fetch_one(self.connection()).await?;
        sqlx::query(
            "insert into day_figures (day, standing_rights, secrets_rotated, secrets_due, secrets_failed, assets, \
             assets_looked_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7) on conflict (day) do update set \
             standing_rights = excluded.standing_rights, secrets_rotated = excluded.secrets_rotated, \
             secrets_due = excluded.secrets_due, secrets_failed = excluded.secrets_failed, assets = excluded.assets, \
             assets_looked_at = excluded.assets_looked_at",
        )
        .bind(now.div_euclid(DAY_MS))
        .bind(i64::try_from(standing_rights).unwrap_or(i64::MAX))
        .bind(row.try_get::<i64, _>("secrets_rotated")?)
        .bind(row.try_get::<i64, _>("secrets_due")?)
        .bind(row.try_get::<i64, _>("secrets_failed")?)
        .bind(row.try_get::<i64, _>("assets")?)
        .bind(row.try_get::<i64, _>("assets_looked_at")?)
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

impl ReadTx {
    /// The last `count` days, today included, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn history(&mut self, now: Timestamp, count: u32) -> Result<Vec<DayFigures>, Error> {
        let today = now.as_millis().div_euclid(DAY_MS);
        let first = today.saturating_sub(i64::from(count.max(1)) - 1);
        let mut days: BTreeMap<i64, DayFigures> = (first..=today).map(|day| (day, empty(day))).collect();
        for sql in [SESSIONS, REQUESTS, FINDINGS, ROTATIONS, ALERTS] {
            let rows = sqlx::query(sql).bind(first.saturating_mul(DAY_MS)).fetch_all(self.connection()).await?;
            for row in rows {
                let Some(day) = days.get_mut(&row.try_get::<i64, _>("day")?) else { continue };
                let (word, n): (String, i64) = (row.try_get("word")?, row.try_get("n")?);
                let n = u64::try_from(n).unwrap_or(0);
                match sql {
                    SESSIONS => *day.sessions.entry(word).or_default() = n,
                    REQUESTS => *day.requests.entry(word).or_default() = n,
                    ALERTS => *day.alerts.entry(word).or_default() = n,
                    ROTATIONS => *day.rotations.entry(word).or_default() = n,
                    _ if word == "raised" => day.findings_raised = n,
                    _ => day.findings_resolved = n,
                }
            }
        }
        for row in sqlx::query(KEPT).bind(first).fetch_all(self.connection()).await? {
            if let Some(day) = days.get_mut(&row.try_get::<i64, _>("day")?) {
                day.kept = Some(kept(&row)?);
            }
        }
        for row in sqlx::query(LASTING).bind(i64::MAX).fetch_all(self.connection()).await? {
            let (begun, over): (i64, i64) = (row.try_get("begun")?, row.try_get("over")?);
            let (word, n): (String, i64) = (row.try_get("word")?, row.try_get("n")?);
            let n = u64::try_from(n).unwrap_or(0);
            for (_, figures) in days.range_mut(begun.max(first)..).take_while(|(day, _)| **day < over) {
                figures.lasts(&word, n);
            }
        }
        for row in sqlx::query(STANDING).fetch_all(self.connection()).await? {
            let (begun, over): (i64, i64) = (row.try_get("begun")?, row.try_get("over")?);
            for (day, figures) in &mut days {
                let end = day.saturating_add(1).saturating_mul(DAY_MS).min(now.as_millis().saturating_add(1));
                figures.policies_standing += u64::from(begun < end && over >= end);
            }
        }
        Ok(days.into_values().collect())
    }
}

impl DayFigures {
    fn lasts(&mut self, word: &str, n: u64) {
        match word {
            "governed" => {
                self.accounts_governed += n;
                self.accounts_found += n;
            }
            "other" => self.accounts_found += n,
            severity => *self.findings_open.entry(severity.to_owned()).or_default() += n,
        }
    }
}

fn kept(row: &SqliteRow) -> Result<KeptFigures, Error> {
    let count = |name: &str| Ok::<_, Error>(u64::try_from(row.try_get::<i64, _>(name)?).unwrap_or(0));
    Ok(KeptFigures {
        standing_rights: count("standing_rights")?,
        secrets_rotated: count("secrets_rotated")?,
        secrets_due: count("secrets_due")?,
        secrets_failed: count("secrets_failed")?,
        assets: count("assets")?,
        assets_looked_at: count("assets_looked_at")?,
    })
}

fn empty(day: i64) -> DayFigures {
    let shown = Timestamp::from_millis(day.saturating_mul(DAY_MS)).to_string();
    DayFigures { day: shown.get(..10).unwrap_or_default().to_owned(), ..DayFigures::default() }
}
