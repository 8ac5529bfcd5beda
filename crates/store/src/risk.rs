//! What is known of who asks, and for what, when a request is weighed.

use postern_domain::risk::RiskFacts;
use postern_domain::{AccountId, Timestamp, UserId};
use sqlx::Row;

use crate::db::ReadTx;
use crate::error::Error;

/// How far back is looked, in milliseconds.
const LOOKED_BACK_MS: i64 = 90 * 24 * 3600 * 1000;
/// Within which requests are made at once, in milliseconds.
const AT_ONCE_MS: i64 = 10 * 60 * 1000;
const HOUR_MS: i64 = 3600 * 1000;

/// ?1 the user, ?2 the account, ?3 when it was asked, ?4 since when, ?5 the hour of the day that it is for,
/// ?6 since when requests are made at once.
const SQL: &str = "with used as (\
        select s.account_id, c.asset_id, (s.started_at / 3600000) % 24 as hour from session s \
        join account c on c.id = s.account_id \
        where s.user_id = ?1 and s.started_at >= ?4 and s.started_at < ?3) \
    select \
    (select count(*) from used where account_id = ?2) as account_uses, \
    (select count(*) from used where asset_id = (select asset_id from account where id = ?2)) as asset_uses, \
    (select count(*) from used) as uses, \
    (select count(*) from used where (hour - ?5 + 25) % 24 <= 2) as uses_at_that_hour, \
    (select count(*) from request where user_id = ?1 and account_id = ?2 and state = 'denied' \
        and created_at >= ?4 and created_at < ?3) as denied, \
    (select count(*) from request where user_id = ?1 and created_at > ?6 and created_at <= ?3) as at_once, \
    (select count(*) from finding f join account c on c.asset_id = f.asset_id and c.name = f.account \
        where c.id = ?2 and f.state = 'open' and f.severity in ('high', 'critical')) as serious_findings, \
    (select count(*) from alert where user_name = (select name from user where id = ?1) and state in ('open', 'assigned') \
        and severity in ('high', 'critical')) as open_alerts, \
    (select created_at from user where id = ?1) as user_created, \
    (select max(created_at) from (select created_at from passkey where user_id = ?1 \
        union all select created_at from ssh_key where user_id = ?1) where created_at <= ?3) as factor_created";

impl ReadTx {
    /// What was known when somebody asked, at `asked`, for an account from `begins` on, and what is known now of
    /// findings and alerts; the policy's limit is left at nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn risk_facts(
        &mut self,
        user: &UserId,
        account: &AccountId,
        asked: Timestamp,
        begins: Timestamp,
    ) -> Result<RiskFacts, Error> {
        let at = asked.as_millis();
        let row = sqlx::query(SQL)
            .bind(user.as_str())
            .bind(account.as_str())
            .bind(at)
            .bind(at.saturating_sub(LOOKED_BACK_MS))
            .bind(begins.as_millis() / HOUR_MS % 24)
            .bind(at.saturating_sub(AT_ONCE_MS))
            .fetch_one(self.connection())
            .await?;
        let count = |name: &str| Ok::<_, Error>(u64::try_from(row.try_get::<i64, _>(name)?).unwrap_or(0));
        let seconds = |created: i64| u64::try_from(at.saturating_sub(created) / 1000).unwrap_or(0);
        Ok(RiskFacts {
            account_uses: count("account_uses")?,
            asset_uses: count("asset_uses")?,
            uses: count("uses")?,
            uses_at_that_hour: count("uses_at_that_hour")?,
            denied: count("denied")?,
            at_once: count("at_once")?,
            serious_findings: count("serious_findings")?,
            open_alerts: count("open_alerts")?,
            user_seconds: row.try_get::<Option<i64>, _>("user_created")?.map_or(0, seconds),
            factor_seconds: row.try_get::<Option<i64>, _>("factor_created")?.map(seconds),
            max_duration_seconds: 0,
        })
    }
}
