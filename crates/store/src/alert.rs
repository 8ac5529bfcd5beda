//! What detection found, and the rules that are not as shipped.

use postern_domain::{AlertId, ScopePath, SessionId, Timestamp, UserName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::db::{ReadTx, WriteTx};
use crate::error::Error;
use crate::listing::{Listed, Listing, Plan, Query};
use crate::row;

pub(crate) const LISTED: Plan = Plan {
    columns: "alert.*",
    from: "alert where 1",
    id: "id",
    keys: &[
        ("-raised_at", "raised_at"),
        ("severity", "case severity when 'critical' then 3 when 'high' then 2 when 'medium' then 1 else 0 end"),
    ],
};

/// Which alerts are wanted; everything given must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertFilter {
    /// In this state.
    pub state: Option<String>,
    /// A part of what was found, the person's, the account's or the rule's name.
    pub q: Option<String>,
}

/// Something that a detection rule found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Alert {
    /// Identifier.
    pub id: AlertId,
    /// Where it belongs.
    pub scope: ScopePath,
    /// The rule that found it.
    pub rule: String,
    /// What the rule finds.
    pub title: String,
    /// `low`, `medium`, `high` or `critical`.
    pub severity: String,
    /// The technique of MITRE ATT&CK.
    pub attack: String,
    /// What was done: `note`, `alert`, `factor`, `pause`, `terminate` or `lock`.
    pub response: String,
    /// `open`, `assigned`, `closed`; `noted` where nobody needs to look.
    pub state: String,
    /// The session, where it was in one.
    pub session: Option<SessionId>,
    /// The person; empty where that is not known.
    pub user: String,
    /// The account on its asset; empty where it is about none.
    pub account: String,
    /// The address.
    pub source: String,
    /// When in the session's recording, in milliseconds from its start.
    pub deed_at: Option<u64>,
    /// How long the answer took, in milliseconds: from the byte on, or from the event.
    pub answered_ms: Option<u64>,
    /// What was seen, without secrets.
    pub evidence: String,
    /// Why that is something, in words.
    pub why: String,
    /// How often it was found; the same within ten minutes is one alert.
    pub times: u64,
    /// When it was found first.
    pub raised_at: Timestamp,
    /// When it was found last.
    pub last_at: Timestamp,
    /// Who looks at it.
    pub assignee: Option<String>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// By whom.
    pub closed_by: Option<String>,
    /// As what: `true`, `false` or `expected`.
    pub verdict: Option<String>,
    /// Why, in words.
    pub comment: Option<String>,
}

/// What somebody said of an alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertComment {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub author: String,
    /// What.
    pub text: String,
}

/// A rule that is not as shipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRule {
    /// The rule.
    pub id: String,
    /// Whether it is on.
    pub enabled: bool,
    /// Its text, where it is the estate's own or changed.
    pub body: Option<String>,
    /// How often it was changed.
    pub version: u64,
    /// By whom last.
    pub author: String,
    /// A change that weakens it and waits until somebody else makes it too.
    pub waiting: Option<WaitingRule>,
}

/// A change of a detection rule that waits until somebody else makes it too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaitingRule {
    /// Whether the rule is to be on.
    pub enabled: bool,
    /// What it is to say (JSON); none where it is to be as shipped.
    pub body: Option<String>,
    /// Who wants it.
    pub author: UserName,
    /// When they said so; it no longer counts after seven days.
    pub at: Timestamp,
}

/// What people made of a rule's alerts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleFigures {
    /// How many were raised.
    pub raised: u64,
    /// Closed as true.
    pub true_alerts: u64,
    /// Closed as false.
    pub false_alerts: u64,
    /// Closed as expected.
    pub expected: u64,
}

impl ReadTx {
    /// One of them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn alert(&mut self, id: &AlertId) -> Result<Option<Alert>, Error> {
        let row = sqlx::query("select * from alert where id = ?1")
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await?;
        row.as_ref().map(alert).transpose()
    }

    /// Those in `scopes`, the newest first unless asked otherwise.
    ///
    /// # Errors
    /// When the database fails, or it cannot be sorted by that, or the cursor is not one of ours.
    pub async fn alerts(
        &mut self,
        scopes: &[ScopePath],
        filter: &AlertFilter,
        listing: &Listing,
    ) -> Result<Listed<Alert>, Error> {
        let filtered = |mut query: Query| {
            query.within("scope", scopes);
            query.equal("state", filter.state.clone());
            query.containing(&["title", "user_name", "account", "rule"], filter.q.as_deref());
            query
        };
        let (rows, next) = filtered(Query::page(&LISTED, listing)?).rows(self).await?;
        let total = match listing.count {
            true => filtered(Query::count(&LISTED)).total(self).await?,
            false => None,
        };
        Ok(Listed { items: rows.iter().map(alert).collect::<Result<_, _>>()?, next, total })
    }

    /// What was said of an alert, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn alert_comments(&mut self, id: &AlertId) -> Result<Vec<AlertComment>, Error> {
        let rows = sqlx::query("select * from alert_comment where alert = ?1 order by at")
            .bind(id.as_str())
            .fetch_all(self.connection())
            .await?;
        let comment = |row: &SqliteRow| {
            Ok(AlertComment { at: row::time(row, "at")?, author: row.try_get("author")?, text: row.try_get("text")? })
        };
        rows.iter().map(comment).collect()
    }

    /// The alert that the same would be found as again, since then.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn alert_same(
        &mut self,
        rule: &str,
        user: &str,
        account: &str,
        since: Timestamp,
    ) -> Result<Option<AlertId>, Error> {
        let row = sqlx::query(
            "select id from alert where rule = ?1 and user_name = ?2 and account = ?3 and last_at >= ?4 \
             and closed_at is null order by last_at desc limit 1",
        )
        .bind(rule)
        .bind(user)
        .bind(account)
        .bind(since.as_millis())
        .fetch_optional(self.connection())
        .await?;
        row.as_ref().map(|row| row::text(row, "id")).transpose()
    }

    /// How many alerts a rule has raised since then.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn alerts_since(&mut self, rule: &str, since: Timestamp) -> Result<u64, Error> {
        let count: i64 = sqlx::query_scalar("select count(*) from alert where rule = ?1 and raised_at >= ?2")
            .bind(rule)
            .bind(since.as_millis())
            .fetch_one(self.connection())
            .await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// What people made of a rule's alerts.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn rule_figures(&mut self, rule: &str) -> Result<RuleFigures, Error> {
        let row = sqlx::query(
            "select count(*) as raised, coalesce(sum(verdict = 'true'), 0) as yes, \
             coalesce(sum(verdict = 'false'), 0) as no, coalesce(sum(verdict = 'expected'), 0) as expected \
             from alert where rule = ?1",
        )
        .bind(rule)
        .fetch_one(self.connection())
        .await?;
        let count = |name: &str| Ok::<_, Error>(u64::try_from(row.try_get::<i64, _>(name)?).unwrap_or(0));
        Ok(RuleFigures {
            raised: count("raised")?,
            true_alerts: count("yes")?,
            false_alerts: count("no")?,
            expected: count("expected")?,
        })
    }

    /// The rules that are not as shipped.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn detection_rules(&mut self) -> Result<Vec<StoredRule>, Error> {
        let rows = sqlx::query("select * from detection_rule order by id").fetch_all(self.connection()).await?;
        let rule = |row: &SqliteRow| {
            Ok(StoredRule {
                id: row.try_get("id")?,
                enabled: row.try_get::<i64, _>("enabled")? != 0,
                body: row.try_get("body")?,
                version: u64::try_from(row.try_get::<i64, _>("version")?).unwrap_or(0),
                author: row.try_get("author")?,
                waiting: row::json_opt(row, "waiting")?,
            })
        };
        rows.iter().map(rule).collect()
    }

    /// The index of the event that is looked at next; none before the first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn detection_place(&mut self) -> Result<Option<u64>, Error> {
        let next: Option<i64> =
            sqlx::query_scalar("select next_index from detection_place").fetch_optional(self.connection()).await?;
        Ok(next.map(|next| u64::try_from(next).unwrap_or(0)))
    }
}

impl WriteTx {
    /// Writes one down, new or changed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn alert_put(&mut self, alert: &Alert) -> Result<(), Error> {
        sqlx::query(
            "insert into alert (id, scope, rule, title, severity, attack, response, state, session, user_name, account, \
             source, deed_at, evidence, why, times, raised_at, last_at, assignee, closed_at, closed_by, verdict, comment, \
             answered_ms) \
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, \
             ?24) \
             on conflict (id) do update set state = excluded.state, assignee = excluded.assignee, \
             closed_at = excluded.closed_at, closed_by = excluded.closed_by, verdict = excluded.verdict, \
             comment = excluded.comment, response = excluded.response",
        )
        .bind(alert.id.as_str())
        .bind(alert.scope.as_str())
        .bind(&alert.rule)
        .bind(&alert.title)
        .bind(&alert.severity)
        .bind(&alert.attack)
        .bind(&alert.response)
        .bind(&alert.state)
        .bind(alert.session.as_ref().map(|session| session.as_str().to_owned()))
        .bind(&alert.user)
        .bind(&alert.account)
        .bind(&alert.source)
        .bind(alert.deed_at.map(|at| i64::try_from(at).unwrap_or(i64::MAX)))
        .bind(&alert.evidence)
        .bind(&alert.why)
        .bind(i64::try_from(alert.times).unwrap_or(i64::MAX))
        .bind(alert.raised_at.as_millis())
        .bind(alert.last_at.as_millis())
        .bind(&alert.assignee)
        .bind(alert.closed_at.map(Timestamp::as_millis))
        .bind(&alert.closed_by)
        .bind(&alert.verdict)
        .bind(&alert.comment)
        .bind(alert.answered_ms.map(|passed| i64::try_from(passed).unwrap_or(i64::MAX)))
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// The same was found once more.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn alert_again(&mut self, id: &AlertId) -> Result<(), Error> {
        let now = self.now();
        sqlx::query("update alert set times = times + 1, last_at = ?2 where id = ?1")
            .bind(id.as_str())
            .bind(now.as_millis())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Somebody says something of an alert.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn alert_comment(&mut self, id: &AlertId, author: &str, text: &str) -> Result<(), Error> {
        let now = self.now();
        sqlx::query("insert into alert_comment (alert, at, author, text) values (?1, ?2, ?3, ?4)")
            .bind(id.as_str())
            .bind(now.as_millis())
            .bind(author)
            .bind(text)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Makes a rule what it says, and counts its version up.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn detection_rule_put(&mut self, rule: &StoredRule) -> Result<(), Error> {
        let now = self.now();
        sqlx::query(
            "insert into detection_rule (id, enabled, body, version, author, changed_at, waiting) \
             values (?1, ?2, ?3, 1, ?4, ?5, ?6) \
             on conflict (id) do update set enabled = excluded.enabled, body = excluded.body, \
             version = version + 1, author = excluded.author, changed_at = excluded.changed_at, \
             waiting = excluded.waiting",
        )
        .bind(&rule.id)
        .bind(i64::from(rule.enabled))
        .bind(&rule.body)
        .bind(&rule.author)
        .bind(now.as_millis())
        .bind(rule.waiting.as_ref().map(|waiting| row::to_json(waiting, "waiting")).transpose()?)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// The ledger has been looked at up to here.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn detection_place_put(&mut self, next: u64) -> Result<(), Error> {
        sqlx::query(
            "insert into detection_place (one, next_index) values (1, ?1) \
             on conflict (one) do update set next_index = excluded.next_index",
        )
        .bind(i64::try_from(next).unwrap_or(i64::MAX))
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

fn alert(row: &SqliteRow) -> Result<Alert, Error> {
    Ok(Alert {
        id: row::text(row, "id")?,
        scope: row::text(row, "scope")?,
        rule: row.try_get("rule")?,
        title: row.try_get("title")?,
        severity: row.try_get("severity")?,
        attack: row.try_get("attack")?,
        response: row.try_get("response")?,
        state: row.try_get("state")?,
        session: row::text_opt(row, "session")?,
        user: row.try_get("user_name")?,
        account: row.try_get("account")?,
        source: row.try_get("source")?,
        deed_at: row.try_get::<Option<i64>, _>("deed_at")?.map(|at| u64::try_from(at).unwrap_or(0)),
        answered_ms: row.try_get::<Option<i64>, _>("answered_ms")?.map(|passed| u64::try_from(passed).unwrap_or(0)),
        evidence: row.try_get("evidence")?,
        why: row.try_get("why")?,
        times: u64::try_from(row.try_get::<i64, _>("times")?).unwrap_or(0),
        raised_at: row::time(row, "raised_at")?,
        last_at: row::time(row, "last_at")?,
        assignee: row.try_get("assignee")?,
        closed_at: row::time_opt(row, "closed_at")?,
        closed_by: row.try_get("closed_by")?,
        verdict: row.try_get("verdict")?,
        comment: row.try_get("comment")?,
    })
}
