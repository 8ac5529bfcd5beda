//! Grants.

use postern_domain::grant::{Grant, GrantState};
use postern_domain::policy::Obligations;
use postern_domain::{AccountId, GrantId, PolicyId, ScopePath, Timestamp, UserId};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::listing::{Listed, Listing, Plan, Query};
use crate::row;

macro_rules! columns {
    () => {
        "g.*, u.name as user_name, c.name || '@' || a.name as account_ref, \
         exists (select 1 from session s where s.grant_id = g.id and s.end_reason is not 'target_failed') as used"
    };
}

macro_rules! tables {
    () => {
        "access_grant g join user u on u.id = g.user_id join account c on c.id = g.account_id \
         join asset a on a.id = c.asset_id"
    };
}

pub(crate) const SELECT: &str = concat!("select ", columns!(), " from ", tables!());

pub(crate) const LISTED: Plan = Plan {
    columns: columns!(),
    from: concat!(tables!(), " where 1"),
    id: "g.id",
    keys: &[("-starts_at", "g.starts_at"), ("ends_at", "g.ends_at")],
};

/// Whose grants are wanted: those of a person, and those in scopes.
#[derive(Clone, Debug)]
pub struct GrantFilter {
    /// Those of this person.
    pub own: Option<UserId>,
    /// All in these scopes.
    pub scopes: Vec<ScopePath>,
    /// In this state only, as of `now`.
    pub state: Option<GrantState>,
    /// A part of the account's name with its asset's, or of whose it is.
    pub q: Option<String>,
}

impl ReadTx {
    /// A grant, as it stands at `now`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn grant(&mut self, id: &GrantId, now: Timestamp) -> Result<Option<Grant>, Error> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{SELECT} where g.id = ?1")))
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(|row| grant(row, now)).transpose()
    }

    /// A person's newest grants for an account as they stand at `now`; those that were revoked come last.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn grants_for(
        &mut self,
        user: &UserId,
        account: &AccountId,
        now: Timestamp,
    ) -> Result<Vec<Grant>, Error> {
        let sql = format!(
            "{SELECT} where g.user_id = ?1 and g.account_id = ?2 order by g.revoked_at is not null, g.ends_at desc limit 100"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(user.as_str())
            .bind(account.as_str())
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(|row| grant(row, now)).collect()
    }

    /// Grants that match, as they stand at `now`; those that begin last come first unless asked otherwise.
    ///
    /// # Errors
    /// When the database fails, or it cannot be sorted by that, or the cursor is not one of ours.
    pub async fn grants(
        &mut self,
        filter: &GrantFilter,
        now: Timestamp,
        listing: &Listing,
    ) -> Result<Listed<Grant>, Error> {
        let (rows, next) = filtered(Query::page(&LISTED, listing)?, filter, now).rows(self).await?;
        let total = match listing.count {
            true => filtered(Query::count(&LISTED), filter, now).total(self).await?,
            false => None,
        };
        Ok(Listed { items: rows.iter().map(|row| grant(row, now)).collect::<Result<_, _>>()?, next, total })
    }

    /// Grants given under a policy that can be used at `now` or later.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn grants_under(&mut self, policy: &PolicyId, now: Timestamp) -> Result<Vec<Grant>, Error> {
        let sql = format!("{SELECT} where g.policy_id = ?1 and g.ends_at > ?2 and g.revoked_at is null order by g.id");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(policy.as_str())
            .bind(now.as_millis())
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(|row| grant(row, now)).collect()
    }

    /// Grants whose window was over by `now` and of which the ledger does not know it yet, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn grants_over(&mut self, now: Timestamp, limit: u32) -> Result<Vec<Grant>, Error> {
        let sql = format!(
            "{SELECT} where g.ends_at <= ?1 and g.revoked_at is null and g.expiry_noted_at is null \
             order by g.ends_at limit ?2"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(now.as_millis())
            .bind(limit)
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(|row| grant(row, now)).collect()
    }
}

fn filtered(mut query: Query, filter: &GrantFilter, now: Timestamp) -> Query {
    let own = filter.own.as_ref().map(|own| own.as_str().to_owned());
    query.sql().push(" and (g.user_id = ").push_bind(own).push(" or ");
    query.push_within("g.scope", &filter.scopes);
    query.sql().push(")");
    if let Some(state) = filter.state {
        query.sql().push(if state == GrantState::Revoked {
            " and g.revoked_at is not null"
        } else {
            " and g.revoked_at is null"
        });
    }
    if filter.state == Some(GrantState::Scheduled) {
        query.sql().push(" and g.starts_at > ").push_bind(now.as_millis());
    }
    if filter.state == Some(GrantState::Active) {
        query.sql().push(" and g.starts_at <= ").push_bind(now.as_millis());
        query.sql().push(" and g.ends_at > ").push_bind(now.as_millis());
    }
    if filter.state == Some(GrantState::Expired) {
        query.sql().push(" and g.ends_at <= ").push_bind(now.as_millis());
    }
    query.containing(&["lower(c.name || '@' || a.name)", "u.name"], filter.q.as_deref());
    query
}

impl WriteTx {
    /// A new grant.
    ///
    /// # Errors
    /// When its request has one, or the database fails.
    pub async fn grant_insert(&mut self, grant: &Grant, user: &UserId, account: &AccountId) -> Result<(), Error> {
        sqlx::query(
            "insert into access_grant (id, request_id, user_id, account_id, scope, policy_id, obligations, \
             starts_at, ends_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )
        .bind(grant.id.as_str())
        .bind(grant.request.as_str())
        .bind(user.as_str())
        .bind(account.as_str())
        .bind(grant.scope.as_str())
        .bind(grant.policy.as_str())
        .bind(row::to_json(&grant.obligations, "obligations")?)
        .bind(grant.starts_at.as_millis())
        .bind(grant.ends_at.as_millis())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Ends a grant early.
    ///
    /// # Errors
    /// When it has been revoked already, or the database fails.
    pub async fn grant_revoke(&mut self, id: &GrantId, reason: &str) -> Result<(), Error> {
        let now = self.now();
        let done = sqlx::query(
            "update access_grant set revoked_at = ?2, revoked_reason = ?3 where id = ?1 and revoked_at is null",
        )
        .bind(id.as_str())
        .bind(now.as_millis())
        .bind(reason)
        .execute(self.connection())
        .await?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(Error::Missing { noun: "a grant that can be revoked" }) }
    }

    /// Makes a grant's window longer, under these obligations.
    ///
    /// # Errors
    /// When it cannot be used any more, or would not end later, or the database fails.
    pub async fn grant_extend(
        &mut self,
        id: &GrantId,
        ends_at: Timestamp,
        obligations: &Obligations,
    ) -> Result<(), Error> {
        let now = self.now();
        let done = sqlx::query(
            "update access_grant set ends_at = ?2, extended_at = ?3, obligations = ?4 \
             where id = ?1 and revoked_at is null and ends_at > ?3 and ends_at < ?2",
        )
        .bind(id.as_str())
        .bind(ends_at.as_millis())
        .bind(now.as_millis())
        .bind(row::to_json(obligations, "obligations")?)
        .execute(self.connection())
        .await?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(Error::Missing { noun: "a grant that can be extended" }) }
    }

    /// Notes that the ledger has been told of the end of a grant's window.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn grant_expiry_noted(&mut self, id: &GrantId) -> Result<(), Error> {
        let now = self.now();
        sqlx::query("update access_grant set expiry_noted_at = ?2 where id = ?1 and expiry_noted_at is null")
            .bind(id.as_str())
            .bind(now.as_millis())
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

pub(crate) fn grant(row: &SqliteRow, now: Timestamp) -> Result<Grant, Error> {
    let mut grant = Grant {
        id: row::text(row, "id")?,
        request: row::text(row, "request_id")?,
        user: row::text(row, "user_name")?,
        account: row::text(row, "account_ref")?,
        scope: row::text(row, "scope")?,
        policy: row::text(row, "policy_id")?,
        obligations: row::json(row, "obligations")?,
        starts_at: row::time(row, "starts_at")?,
        ends_at: row::time(row, "ends_at")?,
        extended_at: row::time_opt(row, "extended_at")?,
        revoked_at: row::time_opt(row, "revoked_at")?,
        revoked_reason: row.try_get("revoked_reason")?,
        used: row.try_get("used")?,
        state: GrantState::Active,
    };
    grant.state = grant.state_at(now);
    Ok(grant)
}
