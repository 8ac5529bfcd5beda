//! Requests and their approvals.

use std::collections::BTreeMap;

use postern_domain::grant::Grant;
use postern_domain::policy::Obligations;
use postern_domain::request::{Approval, NoticeKind, Request, RequestNotice, RequestState};
use postern_domain::{AccountId, GrantId, RequestId, ScopePath, Timestamp, UserId, UserName};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::grant;
use crate::listing::{self, Listed, Listing, Plan, Query};
use crate::row;

macro_rules! columns {
    () => {
        "r.*, u.name as user_name, (select i.name from user i where i.id = u.identity_id) as identity, \
         (select s.name from vendor v join user s on s.id = v.sponsor_id where v.user_id = u.id) as sponsor, c.name || '@' || a.name as account_ref, g.id as grant_id, \
         (select json_group_array(json_array(v.name, v.approved, v.reason, v.at, v.away, v.identity, v.away_identity)) from \
           (select w.name, p.approved, p.reason, p.at, x.name as away, \
             (select i.name from user i where i.id = w.identity_id) as identity, \
             (select i.name from user i where i.id = x.identity_id) as away_identity \
            from approval p join user w on w.id = p.user_id left join user x on x.id = p.in_place_of \
            where p.request_id = r.id order by p.at, w.name) v) as approvals, \
         (select json_group_array(json_object('kind', n.kind, 'stage', n.stage, 'at', n.at)) from \
           (select m.kind, m.stage, m.at from request_notice m where m.request_id = r.id order by m.number) n) as notices, \
         (select json_group_array(json_object('request', o.id, 'account', o.account)) from \
           (select b.id, d.name || '@' || e.name as account from request b join account d on d.id = b.account_id \
            join asset e on e.id = d.asset_id \
            where b.bundle_id = r.bundle_id and b.id <> r.id order by b.id) o) as together"
    };
}

macro_rules! tables {
    () => {
        "request r join user u on u.id = r.user_id join account c on c.id = r.account_id \
         join asset a on a.id = c.asset_id left join access_grant g on g.request_id = r.id"
    };
}

pub(crate) const SELECT: &str = concat!("select ", columns!(), " from ", tables!());

pub(crate) const LISTED: Plan = Plan {
    columns: columns!(),
    // Windows of a recurring request are shown with it, and as grants.
    from: concat!(tables!(), " where r.series_id is null"),
    id: "r.id",
    keys: &[("-created_at", "r.created_at"), ("expires_at", "r.expires_at")],
};

/// A request with what it refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRequest {
    /// The request.
    pub request: Request,
    /// Who asks.
    pub user: UserId,
    /// For what.
    pub account: AccountId,
    /// What the policy obliged to when it was asked.
    pub obligations: Obligations,
    /// The first of the requests that were made in the same breath.
    pub bundle: Option<RequestId>,
}

impl StoredRequest {
    /// Where a page sorted so begins that comes after this one.
    ///
    /// # Errors
    /// When it cannot be sorted by that.
    pub fn cursor(&self, sort: Option<&str>) -> Result<String, Error> {
        let sort = sort.unwrap_or("-created_at");
        let key = match sort.trim_start_matches('-') {
            "created_at" => self.request.created_at,
            "expires_at" => self.request.expires_at,
            _ => return Err(Error::Sort { accepted: "created_at, expires_at".to_owned() }),
        };
        listing::cursor(sort, &key.as_millis().into(), self.request.id.as_str())
    }
}

/// An answer to a request that is being given.
#[derive(Clone, Copy, Debug)]
pub struct NewApproval<'a> {
    /// Who answers.
    pub user: &'a UserId,
    /// Yes or no.
    pub approved: bool,
    /// Why.
    pub reason: Option<&'a str>,
    /// Who is away and has named them.
    pub in_place_of: Option<&'a UserId>,
}

/// Whose requests are wanted: those of a person, and those in scopes.
#[derive(Clone, Debug)]
pub struct RequestFilter {
    /// Those of this person.
    pub own: Option<UserId>,
    /// All in these scopes.
    pub scopes: Vec<ScopePath>,
    /// Pending ones in these scopes.
    pub pending_scopes: Vec<ScopePath>,
    /// In this state only.
    pub state: Option<RequestState>,
    /// A part of the account's name with its asset's, or of who asks.
    pub q: Option<String>,
}

impl ReadTx {
    /// A request.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn request(&mut self, id: &RequestId) -> Result<Option<StoredRequest>, Error> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{SELECT} where r.id = ?1")))
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(stored).transpose()
    }

    /// Requests that match, newest first unless asked otherwise.
    ///
    /// # Errors
    /// When the database fails, or it cannot be sorted by that, or the cursor is not one of ours.
    pub async fn requests(
        &mut self,
        filter: &RequestFilter,
        listing: &Listing,
    ) -> Result<Listed<StoredRequest>, Error> {
        let (rows, next) = filtered(Query::page(&LISTED, listing)?, filter)?.rows(self).await?;
        let total = match listing.count {
            true => filtered(Query::count(&LISTED), filter)?.total(self).await?,
            false => None,
        };
        Ok(Listed { items: rows.iter().map(stored).collect::<Result<_, _>>()?, next, total })
    }

    /// A person's requests for an account made since `since`, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn requests_for(
        &mut self,
        user: &UserId,
        account: &AccountId,
        since: Timestamp,
    ) -> Result<Vec<StoredRequest>, Error> {
        let sql = format!(
            "{SELECT} where r.account_id = ?1 and r.user_id = ?2 and (r.state = 'pending' or r.created_at >= ?3) \
             order by r.id desc limit 100"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(account.as_str())
            .bind(user.as_str())
            .bind(since.as_millis())
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(stored).collect()
    }

    /// Pending requests about which something is due to be said by `now`, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn requests_unanswered(&mut self, now: Timestamp, limit: u32) -> Result<Vec<Request>, Error> {
        let sql = format!(
            "{SELECT} where r.state = 'pending' and r.notice_at is not null and r.notice_at <= ?1 \
             order by r.notice_at limit ?2"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(now.as_millis())
            .bind(limit)
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(|row| Ok(stored(row)?.request)).collect()
    }

    /// How often each person has answered a request for an account, by name, since `since`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn answers_for(
        &mut self,
        account: &AccountId,
        since: Timestamp,
    ) -> Result<BTreeMap<UserName, u64>, Error> {
        let rows = sqlx::query(
            "select u.name as name, count(*) as answered from approval p join request r on r.id = p.request_id \
             join user u on u.id = p.user_id where r.account_id = ?1 and p.at >= ?2 group by u.name",
        )
        .bind(account.as_str())
        .bind(since.as_millis())
        .fetch_all(self.connection())
        .await?;
        let count = |row: &SqliteRow| Ok::<_, Error>(u64::try_from(row.try_get::<i64, _>("answered")?).unwrap_or(0));
        rows.iter().map(|row| Ok((row::text(row, "name")?, count(row)?))).collect()
    }

    /// All requests that were made in the same breath as `bundle`, the first of them, itself included.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn requests_together(&mut self, bundle: &RequestId) -> Result<Vec<StoredRequest>, Error> {
        let sql = format!("{SELECT} where r.bundle_id = ?1 order by r.id");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(bundle.as_str()).fetch_all(self.connection()).await?;
        rows.iter().map(stored).collect()
    }

    /// Recurring requests of which a window is to begin by `now`, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn windows_due(&mut self, now: Timestamp, limit: u32) -> Result<Vec<StoredRequest>, Error> {
        let sql = format!(
            "{SELECT} where r.next_window_at is not null and r.next_window_at <= ?1 order by r.next_window_at limit ?2"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(now.as_millis())
            .bind(limit)
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(stored).collect()
    }

    /// The grants of a recurring request's windows that can be used at `now` or later.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn windows_open(&mut self, series: &RequestId, now: Timestamp) -> Result<Vec<Grant>, Error> {
        let sql = format!(
            "{} where g.request_id in (select id from request where series_id = ?1) and g.ends_at > ?2 \
             and g.revoked_at is null order by g.id",
            grant::SELECT
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(series.as_str())
            .bind(now.as_millis())
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(|row| grant::grant(row, now)).collect()
    }

    /// Pending requests that lapsed by `now`, at most `limit`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn requests_lapsed(&mut self, now: Timestamp, limit: u32) -> Result<Vec<Request>, Error> {
        let sql = format!("{SELECT} where r.state = 'pending' and r.expires_at <= ?1 order by r.expires_at limit ?2");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(now.as_millis())
            .bind(limit)
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(|row| Ok(stored(row)?.request)).collect()
    }
}

fn filtered(mut query: Query, filter: &RequestFilter) -> Result<Query, Error> {
    let own = filter.own.as_ref().map(|own| own.as_str().to_owned());
    query.sql().push(" and (r.user_id = ").push_bind(own).push(" or ");
    query.push_within("r.scope", &filter.scopes);
    query.sql().push(" or (r.state = 'pending' and ");
    query.push_within("r.scope", &filter.pending_scopes);
    query.sql().push("))");
    query.equal("r.state", filter.state.map(|state| row::word(&state, "state")).transpose()?);
    query.containing(&["lower(c.name || '@' || a.name)", "u.name"], filter.q.as_deref());
    Ok(query)
}

impl WriteTx {
    /// A new request.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn request_insert(&mut self, stored: &StoredRequest) -> Result<(), Error> {
        let request = &stored.request;
        sqlx::query(
            "insert into request (id, user_id, account_id, scope, duration_seconds, reason, ticket, state, \
             policy_id, approval, obligations, created_at, expires_at, starts_at, notice_at, bundle_id, extends_id, recurs, series_id) \
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
        )
        .bind(request.id.as_str())
        .bind(stored.user.as_str())
        .bind(stored.account.as_str())
        .bind(request.scope.as_str())
        .bind(i64::try_from(request.duration_seconds).unwrap_or(i64::MAX))
        .bind(&request.reason)
        .bind(&request.ticket)
        .bind(row::word(&request.state, "state")?)
        .bind(request.policy.as_str())
        .bind(request.approval.as_ref().map(|rule| row::to_json(rule, "approval")).transpose()?)
        .bind(row::to_json(&stored.obligations, "obligations")?)
        .bind(request.created_at.as_millis())
        .bind(request.expires_at.as_millis())
        .bind(request.starts_at.map(Timestamp::as_millis))
        .bind(request.next_notice().map(|(at, _)| at.as_millis()))
        .bind(stored.bundle.as_ref().map(RequestId::as_str))
        .bind(request.extends.as_ref().map(GrantId::as_str))
        .bind(request.recurs.as_ref().map(|recurs| row::to_json(recurs, "recurs")).transpose()?)
        .bind(request.series.as_ref().map(RequestId::as_str))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Closes a pending request.
    ///
    /// # Errors
    /// When it is not pending, or the database fails.
    pub async fn request_close(&mut self, id: &RequestId, state: RequestState) -> Result<(), Error> {
        let done = sqlx::query("update request set state = ?2 where id = ?1 and state = 'pending'")
            .bind(id.as_str())
            .bind(row::word(&state, "state")?)
            .execute(self.connection())
            .await?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(Error::Missing { noun: "a pending request" }) }
    }

    /// Sets when the next window of a recurring request begins; none, with why, when no more come.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn request_window_next(
        &mut self,
        id: &RequestId,
        at: Option<Timestamp>,
        ended: Option<&str>,
    ) -> Result<(), Error> {
        sqlx::query("update request set next_window_at = ?2, recurs_ended = ?3 where id = ?1")
            .bind(id.as_str())
            .bind(at.map(Timestamp::as_millis))
            .bind(ended)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// An answer to a request.
    ///
    /// # Errors
    /// When they have answered it already, or the database fails.
    pub async fn approval_insert(&mut self, id: &RequestId, answer: &NewApproval<'_>) -> Result<(), Error> {
        let now = self.now();
        sqlx::query(
            "insert into approval (request_id, user_id, approved, reason, at, in_place_of) \
             values (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .bind(id.as_str())
        .bind(answer.user.as_str())
        .bind(answer.approved)
        .bind(answer.reason)
        .bind(now.as_millis())
        .bind(answer.in_place_of.map(UserId::as_str))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Sets when something is said next because nobody answers.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn request_notice_at(&mut self, id: &RequestId, at: Option<Timestamp>) -> Result<(), Error> {
        sqlx::query("update request set notice_at = ?2 where id = ?1")
            .bind(id.as_str())
            .bind(at.map(Timestamp::as_millis))
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Notes that something was said because nobody answered.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn request_notice_insert(&mut self, id: &RequestId, notice: &RequestNotice) -> Result<(), Error> {
        sqlx::query(
            "insert into request_notice (request_id, number, kind, stage, at) \
             values (?1, (select count(*) from request_notice where request_id = ?1) + 1, ?2, ?3, ?4)",
        )
        .bind(id.as_str())
        .bind(row::word(&notice.kind, "kind")?)
        .bind(i64::try_from(notice.stage).unwrap_or(i64::MAX))
        .bind(notice.at.as_millis())
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

pub(crate) fn stored(row: &SqliteRow) -> Result<StoredRequest, Error> {
    let answers: Vec<StoredAnswer> = row::json(row, "approvals")?;
    let name = |text: String| text.parse().map_err(|_| Error::Corrupt { what: "approval" });
    let approvals = answers
        .into_iter()
        .map(|(user, approved, reason, at, away, identity, away_identity)| {
            Ok(Approval {
                user: name(user)?,
                identity: identity.map(name).transpose()?,
                approved: approved != 0,
                reason,
                at: Timestamp::from_millis(at),
                in_place_of: away.map(name).transpose()?,
                in_place_of_identity: away_identity.map(name).transpose()?,
            })
        })
        .collect::<Result<Vec<_>, Error>>()?;
    let state: RequestState = row::from_word(row, "state")?;
    let extends: Option<GrantId> = row::text_opt(row, "extends_id")?;
    let request = Request {
        id: row::text(row, "id")?,
        user: row::text(row, "user_name")?,
        identity: row::text_opt(row, "identity")?,
        sponsor: row::text_opt(row, "sponsor")?,
        account: row::text(row, "account_ref")?,
        scope: row::text(row, "scope")?,
        duration_seconds: u64::try_from(row.try_get::<i64, _>("duration_seconds")?).unwrap_or(0),
        starts_at: row::time_opt(row, "starts_at")?,
        reason: row.try_get("reason")?,
        ticket: row.try_get("ticket")?,
        state,
        policy: row::text(row, "policy_id")?,
        approval: row::json_opt(row, "approval")?,
        approvals,
        notices: notices(row)?,
        grant: row::text_opt(row, "grant_id")?.or_else(|| extends.clone().filter(|_| state == RequestState::Granted)),
        extends,
        together: row::json(row, "together")?,
        recurs: row::json_opt(row, "recurs")?,
        series: row::text_opt(row, "series_id")?,
        next_window_at: row::time_opt(row, "next_window_at")?,
        recurs_ended: row.try_get("recurs_ended")?,
        created_at: row::time(row, "created_at")?,
        expires_at: row::time(row, "expires_at")?,
    };
    Ok(StoredRequest {
        request,
        user: row::text(row, "user_id")?,
        account: row::text(row, "account_id")?,
        obligations: row::json(row, "obligations")?,
        bundle: row::text_opt(row, "bundle_id")?,
    })
}

/// Who, whether yes, why, when, and in whose place; the everyday users of both.
type StoredAnswer = (String, i64, Option<String>, i64, Option<String>, Option<String>, Option<String>);

fn notices(row: &SqliteRow) -> Result<Vec<RequestNotice>, Error> {
    let said: Vec<StoredNotice> = row::json(row, "notices")?;
    let notice = |StoredNotice { kind, stage, at }| RequestNotice { kind, stage, at: Timestamp::from_millis(at) };
    Ok(said.into_iter().map(notice).collect())
}

#[derive(serde::Deserialize)]
struct StoredNotice {
    kind: NoticeKind,
    stage: usize,
    at: i64,
}
