//! Figures on the whole estate, each counted when it is asked for.

use postern_domain::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::Row;

use crate::db::ReadTx;
use crate::error::Error;

/// Figures on the whole estate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct EstateFigures {
    /// Assets.
    pub assets: i64,
    /// Assets reached by SSH that are known by no host key: nobody gets to them.
    pub assets_without_host_key: i64,
    /// Accounts.
    pub accounts: i64,
    /// Accounts that were found and are not governed.
    pub accounts_unmanaged: i64,
    /// Accounts that the vault holds no secret for.
    pub accounts_not_ready: i64,
    /// Accounts that nobody answers for.
    pub accounts_without_owner: i64,
    /// Policies that allow something.
    pub policies: i64,
    /// Those of them that give it at any time: standing privileges.
    pub policies_standing: i64,
    /// Those of them that grant a request without anybody's yes.
    pub policies_without_approval: i64,
    /// People who may sign in.
    pub users_active: i64,
    /// Those of them without a second factor.
    pub users_without_factor: i64,
    /// Grants that can be used now.
    pub grants_active: i64,
    /// Requests that wait.
    pub requests_pending: i64,
    /// Sessions that are live.
    pub sessions_live: i64,
    /// Secrets that are older than they may be and have no rotation under way.
    pub rotations_due: i64,
    /// Rotations that are under way.
    pub rotations_open: i64,
    /// Accounts whose newest rotation has failed: nobody knows a secret that works, or the target said no.
    pub rotations_failed: i64,
    /// What discovery thinks is wrong, and nobody has dealt with.
    pub findings_open: i64,
    /// Those of them that are high or critical.
    pub findings_high: i64,
}

const SQL: &str = "select \
    (select count(*) from asset) as assets, \
    (select count(*) from asset a where a.platform in ('linux', 'network_device') and not exists \
        (select 1 from host_key k where k.asset_id = a.id and k.state = 'pinned')) as assets_without_host_key, \
    (select count(*) from account) as accounts, \
    (select count(*) from account where state = 'discovered') as accounts_unmanaged, \
    (select count(*) from account c where c.credential <> 'ssh_certificate' and not exists \
        (select 1 from secret s where s.account_id = c.id)) as accounts_not_ready, \
    (select count(*) from account where owner_id is null) as accounts_without_owner, \
    (select count(*) from policy where deleted_at is null and json_extract(body, '$.effect') = 'allow') as policies, \
    (select count(*) from policy where deleted_at is null and json_extract(body, '$.effect') = 'allow' \
        and json_extract(body, '$.access') = 'standing') as policies_standing, \
    (select count(*) from policy where deleted_at is null and json_extract(body, '$.effect') = 'allow' \
        and json_extract(body, '$.access') = 'request' \
        and json_extract(body, '$.obligations.approval') is null) as policies_without_approval, \
    (select count(*) from user where state = 'active') as users_active, \
    (select count(*) from user u where u.state = 'active' and u.totp_sealed is null and not exists \
        (select 1 from passkey p where p.user_id = u.id)) as users_without_factor, \
    (select count(*) from access_grant where revoked_at is null and starts_at <= ?1 and ends_at > ?1) as grants_active, \
    (select count(*) from request where state = 'pending' and expires_at > ?1) as requests_pending, \
    (select count(*) from session where state <> 'ended') as sessions_live, \
    (select count(*) from account c \
        join secret s on s.account_id = c.id and s.state = 'current' \
        left join account_rotation r on r.account_id = c.id left join asset_rotation d on d.asset_id = c.asset_id \
        where c.state = 'managed' and coalesce(r.every_seconds, d.every_seconds, 0) > 0 \
        and coalesce(s.verified_at, s.created_at) + coalesce(r.every_seconds, d.every_seconds) * 1000 <= ?1 \
        and not exists (select 1 from rotation o where o.account_id = c.id and o.ended_at is null)) as rotations_due, \
    (select count(*) from rotation where ended_at is null) as rotations_open, \
    (select count(*) from account c where (select o.state from rotation o where o.account_id = c.id \
        order by o.id desc limit 1) in ('broken', 'refused')) as rotations_failed, \
    (select count(*) from finding where state = 'open') as findings_open, \
    (select count(*) from finding where state = 'open' and severity in ('high', 'critical')) as findings_high";

impl ReadTx {
    /// The figures at `now`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn estate_figures(&mut self, now: Timestamp) -> Result<EstateFigures, Error> {
        let row = sqlx::query(SQL).bind(now.as_millis()).fetch_one(self.connection()).await?;
        Ok(EstateFigures {
            assets: row.try_get("assets")?,
            assets_without_host_key: row.try_get("assets_without_host_key")?,
            accounts: row.try_get("accounts")?,
            accounts_unmanaged: row.try_get("accounts_unmanaged")?,
            accounts_not_ready: row.try_get("accounts_not_ready")?,
            accounts_without_owner: row.try_get("accounts_without_owner")?,
            policies: row.try_get("policies")?,
            policies_standing: row.try_get("policies_standing")?,
            policies_without_approval: row.try_get("policies_without_approval")?,
            users_active: row.try_get("users_active")?,
            users_without_factor: row.try_get("users_without_factor")?,
            grants_active: row.try_get("grants_active")?,
            requests_pending: row.try_get("requests_pending")?,
            sessions_live: row.try_get("sessions_live")?,
            rotations_due: row.try_get("rotations_due")?,
            rotations_open: row.try_get("rotations_open")?,
            rotations_failed: row.try_get("rotations_failed")?,
            findings_open: row.try_get("findings_open")?,
            findings_high: row.try_get("findings_high")?,
        })
    }
}
