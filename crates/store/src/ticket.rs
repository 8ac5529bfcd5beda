//! Grants whose tickets are looked at while they last.

use postern_domain::grant::Grant;
use postern_domain::{GrantId, Timestamp};
use sqlx::Row as _;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::{grant, row};

/// A grant that lasts as long as its ticket is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketedGrant {
    /// The grant.
    pub grant: Grant,
    /// Its ticket.
    pub ticket: Option<String>,
    /// When the ticket was last found good; when the grant began, before it was looked at.
    pub good_at: Timestamp,
}

impl ReadTx {
    /// Grants that can be used at `now` and whose ticket was not looked at since `before`, at most `limit`, the ones
    /// that were not looked at for longest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn grants_ticketed(
        &mut self,
        now: Timestamp,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<TicketedGrant>, Error> {
        let sql = format!(
            "select t.*, q.ticket as ticket from ({}) t join request q on q.id = t.request_id \
             where t.revoked_at is null and t.starts_at <= ?1 and t.ends_at > ?1 \
             and (json_extract(t.obligations, '$.ticket_checked') = 1 or exists (select 1 from policy p \
               where p.id = t.policy_id and json_extract(p.body, '$.conditions.ticket') is not null)) and coalesce(t.ticket_looked_at, 0) <= ?2 \
             order by coalesce(t.ticket_looked_at, 0), t.id limit ?3",
            grant::SELECT
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(now.as_millis())
            .bind(before.as_millis())
            .bind(limit)
            .fetch_all(self.connection())
            .await?;
        rows.iter()
            .map(|row| {
                let grant = grant::grant(row, now)?;
                let good_at = row::time_opt(row, "ticket_good_at")?.unwrap_or(grant.starts_at);
                Ok(TicketedGrant { good_at, ticket: row.try_get("ticket")?, grant })
            })
            .collect()
    }
}

impl WriteTx {
    /// Notes that the ticket of a grant was looked at, and whether it was found good.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn grant_ticket_looked(&mut self, id: &GrantId, good: bool) -> Result<(), Error> {
        let now = self.now().as_millis();
        sqlx::query(
            "update access_grant set ticket_looked_at = ?2, \
             ticket_good_at = case when ?3 then ?2 else ticket_good_at end where id = ?1",
        )
        .bind(id.as_str())
        .bind(now)
        .bind(good)
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
