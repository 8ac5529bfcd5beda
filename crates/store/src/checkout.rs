//! Check-outs.

use postern_domain::checkout::{Checkout, CheckoutState};
use postern_domain::{
    AccountId, AccountName, AccountRef, AssetName, CheckoutId, GrantId, RotationId, ScopePath, Timestamp, UserId,
};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::listing::{Listed, Listing, Plan, Query};
use crate::row;

macro_rules! columns {
    () => {
        "k.*, u.name as user_name, c.name as account_name, a.name as asset_name"
    };
}

macro_rules! tables {
    () => {
        "checkout k join user u on u.id = k.user_id join account c on c.id = k.account_id \
         join asset a on a.id = c.asset_id"
    };
}

const SELECT: &str = concat!("select ", columns!(), " from ", tables!());

pub(crate) const LISTED: Plan = Plan {
    columns: columns!(),
    from: concat!(tables!(), " where 1"),
    id: "k.id",
    keys: &[("-opened_at", "k.opened_at"), ("ends_at", "k.ends_at")],
};

/// Which check-outs are wanted: those of a person, and those in scopes.
#[derive(Clone, Debug)]
pub struct CheckoutFilter {
    /// Those of this person.
    pub own: UserId,
    /// All in these scopes.
    pub scopes: Vec<ScopePath>,
    /// Those only that are open.
    pub open: bool,
    /// A part of the account's name with its asset's, or of whose it is.
    pub q: Option<String>,
}

impl ReadTx {
    /// A check-out, with its account.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn checkout(&mut self, id: &CheckoutId) -> Result<Option<(Checkout, AccountId)>, Error> {
        let sql = format!("{SELECT} where k.id = ?1");
        let found = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.as_str()).fetch_optional(self.connection()).await?;
        found.as_ref().map(|found| Ok((checkout(found)?, row::text(found, "account_id")?))).transpose()
    }

    /// The check-out of an account that is open.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn checkout_open(&mut self, account: &AccountId) -> Result<Option<Checkout>, Error> {
        let sql = format!("{SELECT} where k.account_id = ?1 and k.state = 'open'");
        let found =
            sqlx::query(sqlx::AssertSqlSafe(sql)).bind(account.as_str()).fetch_optional(self.connection()).await?;
        found.as_ref().map(checkout).transpose()
    }

    /// Check-outs that match, newest first unless asked otherwise.
    ///
    /// # Errors
    /// When the database fails, or it cannot be sorted by that, or the cursor is not one of ours.
    pub async fn checkouts(&mut self, filter: &CheckoutFilter, listing: &Listing) -> Result<Listed<Checkout>, Error> {
        let (rows, next) = filtered(Query::page(&LISTED, listing)?, filter).rows(self).await?;
        let total = match listing.count {
            true => filtered(Query::count(&LISTED), filter).total(self).await?,
            false => None,
        };
        Ok(Listed { items: rows.iter().map(checkout).collect::<Result<_, _>>()?, next, total })
    }

    /// Open check-outs whose time is over, whose grant has ended, or whose user may not act any more, with
    /// their accounts; at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn checkouts_over(&mut self, now: Timestamp, limit: u32) -> Result<Vec<(Checkout, AccountId)>, Error> {
        let sql = format!(
            "{SELECT} left join access_grant g on g.id = k.grant_id where k.state = 'open' \
             and (k.ends_at <= ?1 or u.state <> 'active' or (g.id is not null \
             and (g.revoked_at is not null or g.ends_at <= ?1))) order by k.ends_at limit ?2"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(now.as_millis())
            .bind(limit)
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(|found| Ok((checkout(found)?, row::text(found, "account_id")?))).collect()
    }

    /// What somebody has checked out and not given back.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn checkouts_open_of(&mut self, user: &UserId) -> Result<Vec<(Checkout, AccountId)>, Error> {
        let sql = format!("{SELECT} where k.state = 'open' and k.user_id = ?1 order by k.opened_at, k.id");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(user.as_str()).fetch_all(self.connection()).await?;
        rows.iter().map(|found| Ok((checkout(found)?, row::text(found, "account_id")?))).collect()
    }
}

fn filtered(mut query: Query, filter: &CheckoutFilter) -> Query {
    query.sql().push(" and (k.user_id = ").push_bind(filter.own.as_str().to_owned()).push(" or ");
    query.push_within("k.scope", &filter.scopes);
    query.sql().push(if filter.open { ") and k.state = 'open'" } else { ")" });
    query.containing(&["lower(c.name || '@' || a.name)", "u.name"], filter.q.as_deref());
    query
}

impl WriteTx {
    /// Writes a check-out down.
    ///
    /// # Errors
    /// `Exists` where the account is checked out already.
    pub async fn checkout_insert(
        &mut self,
        checkout: &Checkout,
        user: &UserId,
        account: &AccountId,
    ) -> Result<(), Error> {
        sqlx::query(
            "insert into checkout (id, user_id, account_id, scope, policy_id, grant_id, reason, version, state, \
             opened_at, ends_at) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'open', ?9, ?10)",
        )
        .bind(checkout.id.as_str())
        .bind(user.as_str())
        .bind(account.as_str())
        .bind(checkout.scope.as_str())
        .bind(checkout.policy.as_str())
        .bind(checkout.grant.as_ref().map(GrantId::as_str))
        .bind(&checkout.reason)
        .bind(i64::from(checkout.version))
        .bind(checkout.opened_at.as_millis())
        .bind(checkout.ends_at.as_millis())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Ends a check-out, with the rotation that its end begins. Gives whether it was open.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn checkout_end(
        &mut self,
        id: &CheckoutId,
        state: CheckoutState,
        rotation: Option<&RotationId>,
    ) -> Result<bool, Error> {
        let now = self.now();
        let done = sqlx::query(
            "update checkout set state = ?2, ended_at = ?3, rotation_id = ?4 where id = ?1 and state = 'open'",
        )
        .bind(id.as_str())
        .bind(row::word(&state, "state")?)
        .bind(now.as_millis())
        .bind(rotation.map(RotationId::as_str))
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() > 0)
    }
}

fn checkout(found: &SqliteRow) -> Result<Checkout, Error> {
    Ok(Checkout {
        id: row::text(found, "id")?,
        user: row::text(found, "user_name")?,
        account: AccountRef {
            account: row::text::<AccountName>(found, "account_name")?,
            asset: row::text::<AssetName>(found, "asset_name")?,
        },
        scope: row::text(found, "scope")?,
        policy: row::text(found, "policy_id")?,
        grant: row::text_opt(found, "grant_id")?,
        reason: found.try_get("reason")?,
        version: u32::try_from(found.try_get::<i64, _>("version")?).map_err(|_| Error::Corrupt { what: "version" })?,
        state: row::from_word(found, "state")?,
        opened_at: row::time(found, "opened_at")?,
        ends_at: row::time(found, "ends_at")?,
        ended_at: row::time_opt(found, "ended_at")?,
        rotation: row::text_opt(found, "rotation_id")?,
    })
}
