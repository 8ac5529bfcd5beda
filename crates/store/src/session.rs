//! Sessions.

use std::collections::BTreeSet;

use postern_domain::session::{EndReason, RecordingSummary, Session, SessionState};
use postern_domain::{
    AccountId, AccountName, AccountRef, AssetName, Capability, GrantId, PolicyId, ScopePath, SessionId, Timestamp,
    UserId,
};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::listing::{Listed, Listing, Plan, Query};
use crate::row;

const SELECT: &str = "select session.*, user.name as user_name, \
     (select i.name from user i where i.id = user.identity_id) as identity, account.name as account_name, asset.name as asset_name \
     from session join user on user.id = session.user_id join account on account.id = session.account_id \
     join asset on asset.id = account.asset_id";

/// A session that has been decided, about to be written down.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Identifier.
    pub id: SessionId,
    /// Who.
    pub user: UserId,
    /// On what.
    pub account: AccountId,
    /// The scope, which is the asset's.
    pub scope: ScopePath,
    /// By which protocol.
    pub protocol: &'static str,
    /// From which address.
    pub source: String,
    /// Under which policy.
    pub policy: PolicyId,
    /// Under which grant.
    pub grant: Option<GrantId>,
    /// When it must end at the latest.
    pub ends_by: Timestamp,
}

/// How a session ended.
#[derive(Clone, Debug)]
pub struct SessionEnd {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: EndReason,
    /// The size and the digest (hex) of its recording.
    pub recording: Option<(u64, String)>,
    /// What was used in it; kept only of protocols that tell capabilities apart, SSH and terminals in the browser.
    pub capabilities: BTreeSet<Capability>,
}

/// Which sessions are wanted; every field given must match.
#[derive(Clone, Debug, Default)]
pub struct SessionFilter {
    /// Live ones only.
    pub live: bool,
    /// Of this person.
    pub user: Option<String>,
    /// On this account.
    pub account: Option<AccountRef>,
    /// On this asset.
    pub asset: Option<AssetName>,
    /// That came this way: `ssh`, `web`.
    pub protocol: Option<String>,
    /// Begun not before.
    pub from: Option<Timestamp>,
    /// Begun before.
    pub until: Option<Timestamp>,
}

/// Which sessions a search is about, beside what their recordings hold.
#[derive(Clone, Debug, Default)]
pub struct SessionSought {
    /// As for a listing.
    pub filter: SessionFilter,
    /// On an account of this name, on whichever asset.
    pub account_name: Option<String>,
    /// With this in the reason of the request, in lower case.
    pub reasons: Vec<String>,
    /// For this ticket.
    pub ticket: Option<String>,
    /// One of these.
    pub among: Option<Vec<String>>,
}

impl ReadTx {
    /// The newest `limit` of the sessions of `own`, and of those in `scopes`, that are sought.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sessions_sought(
        &mut self,
        scopes: &[ScopePath],
        own: &UserId,
        sought: &SessionSought,
        limit: u32,
    ) -> Result<Vec<Session>, Error> {
        let mut query = filtered(Query::bare(&LISTED), scopes, own, &sought.filter);
        query.equal("account.name", sought.account_name.clone());
        let requested = " and exists (select 1 from access_grant join request on request.id = access_grant.request_id \
                         where access_grant.id = session.grant_id and ";
        for reason in &sought.reasons {
            query.sql().push(requested).push("instr(lower(request.reason), ").push_bind(reason.clone()).push(") > 0)");
        }
        if let Some(ticket) = &sought.ticket {
            query.sql().push(requested).push("request.ticket = ").push_bind(ticket.clone()).push(")");
        }
        if let Some(among) = &sought.among {
            let ids = row::to_json(among, "session ids")?;
            query.sql().push(" and session.id in (select value from json_each(").push_bind(ids).push("))");
        }
        query.sql().push(" order by session.started_at desc, session.id desc limit ").push_bind(i64::from(limit));
        let rows = query.all(self).await?;
        rows.iter().map(session).collect()
    }

    /// The sessions that were recorded and ended at `since` or later.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sessions_recorded(&mut self, since: Timestamp) -> Result<Vec<SessionId>, Error> {
        let rows = sqlx::query(
            "select id from session where coalesce(ended_at, 9223372036854775807) between ?1 and 9223372036854775806 \
             and recording_bytes is not null and recording_pruned_at is null order by coalesce(ended_at, 9223372036854775807)",
        )
        .bind(since.as_millis())
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(|found| row::text(found, "id")).collect()
    }

    /// How many sessions are not over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sessions_open(&mut self) -> Result<i64, Error> {
        Ok(sqlx::query_scalar("select count(*) from session where state <> 'ended'")
            .fetch_one(self.connection())
            .await?)
    }

    /// How many sessions of `user` to `account` are not over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sessions_open_of(&mut self, user: &UserId, account: &AccountId) -> Result<u32, Error> {
        let count: i64 = sqlx::query_scalar(
            "select count(*) from session where user_id = ?1 and account_id = ?2 and state <> 'ended'",
        )
        .bind(user.as_str())
        .bind(account.as_str())
        .fetch_one(self.connection())
        .await?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// The session, if it exists.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session(&mut self, id: &SessionId) -> Result<Option<Session>, Error> {
        let sql = format!("{SELECT} where session.id = ?1");
        let found = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id.as_str()).fetch_optional(self.connection()).await?;
        found.as_ref().map(session).transpose()
    }

    /// The account that a session uses.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session_account(&mut self, id: &SessionId) -> Result<Option<AccountId>, Error> {
        let found = sqlx::query("select account_id from session where id = ?1")
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await?;
        found.as_ref().map(|found| row::text(found, "account_id")).transpose()
    }

    /// The sessions of `own`, and those in `scopes`, that match; newest first unless asked otherwise.
    ///
    /// # Errors
    /// When the database fails, or it cannot be sorted by that, or the cursor is not one of ours.
    pub async fn sessions(
        &mut self,
        scopes: &[ScopePath],
        own: &UserId,
        filter: &SessionFilter,
        listing: &Listing,
    ) -> Result<Listed<Session>, Error> {
        let (rows, next) = filtered(Query::page(&LISTED, listing)?, scopes, own, filter).rows(self).await?;
        let total = match listing.count {
            true => filtered(Query::count(&LISTED), scopes, own, filter).total(self).await?,
            false => None,
        };
        Ok(Listed { items: rows.iter().map(session).collect::<Result<_, _>>()?, next, total })
    }

    /// Every session that is not over.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sessions_not_ended(&mut self) -> Result<Vec<Session>, Error> {
        let sql = format!("{SELECT} where session.state <> 'ended'");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(self.connection()).await?;
        rows.iter().map(session).collect()
    }
}

pub(crate) const LISTED: Plan = Plan {
    columns: "session.*, user.name as user_name, \
              (select i.name from user i where i.id = user.identity_id) as identity, account.name as account_name, asset.name as asset_name",
    from: "session join user on user.id = session.user_id join account on account.id = session.account_id \
           join asset on asset.id = account.asset_id where 1",
    id: "session.id",
    keys: &[("-started_at", "session.started_at"), ("ended_at", "coalesce(session.ended_at, 9223372036854775807)")],
};

fn filtered(mut query: Query, scopes: &[ScopePath], own: &UserId, filter: &SessionFilter) -> Query {
    if !scopes.contains(&ScopePath::root()) {
        query.sql().push(" and (session.user_id = ").push_bind(own.as_str().to_owned()).push(" or ");
        query.push_within("session.scope", scopes);
        query.sql().push(")");
    }
    if filter.live {
        query.sql().push(" and session.state <> 'ended'");
    }
    query.equal("user.name", filter.user.clone());
    query.equal("account.name", filter.account.as_ref().map(|account| account.account.to_string()));
    let asset = filter.account.as_ref().map(|account| &account.asset).or(filter.asset.as_ref());
    query.equal("asset.name", asset.map(AssetName::to_string));
    query.equal("session.protocol", filter.protocol.clone());
    query.during("session.started_at", filter.from, filter.until);
    query
}

impl WriteTx {
    /// Sets until when a session may go on, as was decided anew.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session_until(&mut self, id: &SessionId, until: Timestamp) -> Result<(), Error> {
        sqlx::query("update session set ends_by = ?2 where id = ?1 and state <> 'ended'")
            .bind(id.as_str())
            .bind(until.as_millis())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Writes down a session that is about to be opened.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session_insert(&mut self, new: &NewSession) -> Result<(), Error> {
        let now = self.now();
        sqlx::query(
            "insert into session (id, user_id, account_id, scope, protocol, source, policy_id, grant_id, state, \
             started_at, ends_by) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'opening', ?9, ?10)",
        )
        .bind(new.id.as_str())
        .bind(new.user.as_str())
        .bind(new.account.as_str())
        .bind(new.scope.as_str())
        .bind(new.protocol)
        .bind(&new.source)
        .bind(new.policy.as_str())
        .bind(new.grant.as_ref().map(GrantId::as_str))
        .bind(now.as_millis())
        .bind(new.ends_by.as_millis())
        .execute(self.connection())
        .await?;
        sqlx::query("update account set last_used_at = ?2 where id = ?1")
            .bind(new.account.as_str())
            .bind(now.as_millis())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// The session's target has been signed in to.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session_live(&mut self, id: &SessionId) -> Result<(), Error> {
        sqlx::query("update session set state = 'live' where id = ?1 and state = 'opening'")
            .bind(id.as_str())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// The session is over. Gives whether it was open before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session_end(&mut self, id: &SessionId, end: &SessionEnd) -> Result<bool, Error> {
        let (bytes, digest) = end.recording.clone().unzip();
        let done = sqlx::query(
            "update session set state = 'ended', ended_at = max(?2, started_at), end_reason = ?3, \
             recording_bytes = ?4, recording_digest = ?5, \
             capabilities = case when protocol in ('ssh', 'web') and ?5 is not null then ?6 end \
             where id = ?1 and state <> 'ended'",
        )
        .bind(id.as_str())
        .bind(end.at.as_millis())
        .bind(row::word(&end.reason, "end reason")?)
        .bind(bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX)))
        .bind(digest)
        .bind(row::to_json(&end.capabilities, "capabilities")?)
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() > 0)
    }
}

fn session(found: &SqliteRow) -> Result<Session, Error> {
    let state: SessionState = row::from_word(found, "state")?;
    let end_reason: Option<String> = found.try_get("end_reason")?;
    let bytes: Option<i64> = found.try_get("recording_bytes")?;
    Ok(Session {
        id: row::text(found, "id")?,
        user: row::text(found, "user_name")?,
        identity: row::text_opt(found, "identity")?,
        account: AccountRef {
            account: row::text::<AccountName>(found, "account_name")?,
            asset: row::text(found, "asset_name")?,
        },
        scope: row::text(found, "scope")?,
        protocol: found.try_get("protocol")?,
        source: found.try_get("source")?,
        policy: row::text(found, "policy_id")?,
        grant: row::text_opt(found, "grant_id")?,
        state,
        started_at: row::time(found, "started_at")?,
        ends_by: row::time(found, "ends_by")?,
        ended_at: row::time_opt(found, "ended_at")?,
        end_reason: match end_reason {
            Some(_) => Some(row::from_word(found, "end_reason")?),
            None => None,
        },
        recording: match bytes {
            Some(bytes) => Some(RecordingSummary {
                bytes: u64::try_from(bytes).unwrap_or(0),
                digest: found.try_get("recording_digest")?,
                pruned_at: row::time_opt(found, "recording_pruned_at")?,
            }),
            None => None,
        },
    })
}
