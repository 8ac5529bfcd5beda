//! The rows that reports are made from, each read as the noun that it is.

use postern_domain::report::{
    AccessRow, AccountRow, AlertRow, BreakGlassRow, ChangeRow, ExceptionRow, HostCounts, PersonRow, ReportFacts,
    ReviewRow, RotationRow, UseRow,
};
use postern_domain::{ScopePath, Timestamp};
use serde::de::DeserializeOwned;
use sqlx::Row;

use crate::db::ReadTx;
use crate::error::Error;
use crate::row;

/// How far back a review of access counts however short the period is, in milliseconds: six months.
const REVIEWED_MS: i64 = 184 * 86_400_000;
/// Within what time an asset must have been looked into, in milliseconds: 30 days.
const DISCOVERED_MS: i64 = 30 * 86_400_000;

/// What a report is about: a scope, a period, and the time of what is told as it is now.
#[derive(Clone, Debug)]
pub struct ReportSpan {
    /// What lies here and below.
    pub scope: ScopePath,
    /// From here on.
    pub since: Timestamp,
    /// Before this.
    pub until: Timestamp,
    /// Now.
    pub now: Timestamp,
    /// How many rows of each kind are read at most.
    pub rows_max: u32,
}

/// A time in JSON; null stays null.
fn time(column: &str) -> String {
    format!("strftime('%Y-%m-%dT%H:%M:%fZ', {column} / 1000.0, 'unixepoch')")
}

/// A truth in JSON.
fn truth(condition: &str) -> String {
    format!("json(iif({condition}, 'true', 'false'))")
}

fn within(column: &str) -> String {
    row::scope_clause(column, "?1")
}

const FOUND: &str =
    "(select group_concat(f.kind, ', ') from finding f where f.asset_id = a.id and f.state = 'open' and f.account =";
const SERIOUS: &str = "exists (select 1 from finding f where f.asset_id = a.id and f.state = 'open' \
    and f.severity in ('high', 'critical') and f.account =";

fn accounts() -> String {
    let every = "nullif(coalesce(r.every_seconds, d.every_seconds, 0), 0)";
    let overdue = format!(
        "c.state = 'managed' and {every} is not null and s.id is not null \
         and coalesce(s.verified_at, s.created_at) + {every} * 1000 <= ?4"
    );
    let governed = format!(
        "select a.name || ' ' || c.name as place, json_object('asset', a.name, 'account', c.name, 'scope', a.scope, \
         'platform', a.platform, 'state', c.state, 'credential', c.credential, 'owner', u.name, \
         'owner_active', {}, 'vaulted', {}, 'last_used_at', {}, 'secret_set_at', {}, 'rotate_seconds', {every}, \
         'overdue', {}, 'heartbeat', h.result, 'findings', {FOUND} c.name), 'serious', {}) as row \
         from account c join asset a on a.id = c.asset_id \
         left join user u on u.id = c.owner_id \
         left join secret s on s.account_id = c.id and s.state = 'current' \
         left join account_rotation r on r.account_id = c.id \
         left join asset_rotation d on d.asset_id = c.asset_id \
         left join heartbeat h on h.account_id = c.id where {}",
        truth("u.state = 'active'"),
        truth("c.credential = 'ssh_certificate' or s.id is not null"),
        time("c.last_used_at"),
        time("s.created_at"),
        truth(&overdue),
        truth(&format!("{SERIOUS} c.name)")),
        within("a.scope"),
    );
    let found = format!(
        "select a.name || ' ' || o.name, json_object('asset', a.name, 'account', o.name, 'scope', a.scope, \
         'platform', a.platform, 'state', 'discovered', 'credential', null, 'owner', u.name, 'owner_active', {}, \
         'vaulted', {}, 'last_used_at', null, 'secret_set_at', null, 'rotate_seconds', null, 'overdue', {}, \
         'heartbeat', null, 'findings', {FOUND} o.name), 'serious', {}) \
         from observation o join asset a on a.id = o.asset_id left join user u on u.id = o.owner_id \
         where o.gone_at is null and json_array_length(o.body, '$.privileges') > 0 and {} \
         and not exists (select 1 from account c where c.asset_id = o.asset_id and c.name = o.name)",
        truth("u.state = 'active'"),
        truth("0"),
        truth("0"),
        truth(&format!("{SERIOUS} o.name)")),
        within("a.scope"),
    );
    format!("{governed} union all {found} order by place")
}

fn grants() -> String {
    format!(
        "select json_object('kind', 'grant', 'holder', u.name, 'right', c.name || '@' || a.name, 'scope', g.scope, \
         'through', p.name, 'approved_by', (select group_concat(v.name, ', ') from approval y \
         join user v on v.id = y.user_id where y.request_id = g.request_id and y.approved = 1), \
         'needs_approval', {}, 'reason', q.reason, 'ticket', q.ticket, 'since', {}, 'until', {}) as row \
         from access_grant g join request q on q.id = g.request_id join user u on u.id = g.user_id \
         join account c on c.id = g.account_id join asset a on a.id = c.asset_id join policy p on p.id = g.policy_id \
         where {} and g.starts_at < ?3 and coalesce(g.revoked_at, g.ends_at) >= ?2 order by g.starts_at, g.id",
        truth("json_extract(g.obligations, '$.approval') is not null"),
        time("g.starts_at"),
        time("coalesce(g.revoked_at, g.ends_at)"),
        within("g.scope"),
    )
}

fn standing() -> String {
    let list =
        |path: &str, shown: &str| format!("(select group_concat({shown}, ', ') from json_each(p.body, '$.{path}'))");
    let or = |list: String, otherwise: &str| format!("coalesce({list}, {otherwise})");
    let assets =
        or(list("accounts.assets", "value"), &or(list("accounts.labels", "key || '=' || value"), "'every asset'"));
    format!(
        "select json_object('kind', 'standing', 'holder', trim({} || ', ' || {}, ', '), 'right', {} || ' on ' || {assets} \
         || coalesce(' (' || {} || ')', ''), 'scope', p.scope, 'through', p.name, \
         'approved_by', v.approved_by, 'needs_approval', {}, 'reason', null, 'ticket', null, \
         'since', {}, 'until', null) as row \
         from policy p left join policy_revision v on v.policy_id = p.id and v.revision = p.revision \
         where p.deleted_at is null and json_extract(p.body, '$.effect') = 'allow' \
         and json_extract(p.body, '$.access') = 'standing' and ({} or exists (select 1 from json_each(?1) s \
         where p.scope = '/' or substr(s.value, 1, length(p.scope) + 1) = p.scope || '/')) order by p.name, p.id",
        or(list("subjects.users", "value"), "''"),
        or(list("subjects.groups", "'@' || value"), "''"),
        or(list("accounts.names", "value"), "'every account'"),
        list("accounts.platforms", "value"),
        truth("0"),
        time("v.changed_at"),
        within("p.scope"),
    )
}

fn roles() -> String {
    format!(
        "select json_object('kind', 'role', 'holder', coalesce(u.name, '@' || g.name), 'right', 'role ' || r.role, \
         'scope', r.scope, 'through', r.role, 'approved_by', null, 'needs_approval', {}, 'reason', null, \
         'ticket', null, 'since', null, 'until', null) as row \
         from role_assignment r left join user u on u.id = r.user_id left join user_group g on g.id = r.group_id \
         where {} and coalesce(u.state, 'active') <> 'disabled' order by r.role, coalesce(u.name, g.name)",
        truth("0"),
        within("r.scope"),
    )
}

fn uses() -> String {
    let sessions = format!(
        "select s.started_at as place, json_object('id', s.id, 'kind', 'session', 'user', u.name, 'asset', a.name, \
         'account', c.name, 'scope', s.scope, 'how', s.protocol, 'source', s.source, 'policy', p.name, \
         'grant', s.grant_id, 'since', {}, 'until', {}, 'end', s.end_reason, 'recording', s.recording_digest, \
         'pruned_at', {}, 'rotated', {}) as row \
         from session s join user u on u.id = s.user_id join account c on c.id = s.account_id \
         join asset a on a.id = c.asset_id join policy p on p.id = s.policy_id \
         where {} and s.started_at < ?3 and coalesce(s.ended_at, ?3) >= ?2",
        time("s.started_at"),
        time("s.ended_at"),
        time("s.recording_pruned_at"),
        truth("0"),
        within("s.scope"),
    );
    let checkouts = format!(
        "select k.opened_at, json_object('id', k.id, 'kind', 'checkout', 'user', u.name, 'asset', a.name, \
         'account', c.name, 'scope', k.scope, 'how', k.reason, 'source', null, 'policy', p.name, \
         'grant', k.grant_id, 'since', {}, 'until', {}, 'end', iif(k.state = 'open', null, k.state), \
         'recording', null, 'pruned_at', null, 'rotated', {}) \
         from checkout k join user u on u.id = k.user_id join account c on c.id = k.account_id \
         join asset a on a.id = c.asset_id join policy p on p.id = k.policy_id \
         where {} and k.opened_at < ?3 and coalesce(k.ended_at, ?3) >= ?2",
        time("k.opened_at"),
        time("k.ended_at"),
        truth(
            "exists (select 1 from secret n where n.account_id = k.account_id and n.version > k.version and n.state in ('current', 'previous'))"
        ),
        within("k.scope"),
    );
    format!("{sessions} union all {checkouts} order by place")
}

fn rotations() -> String {
    format!(
        "select json_object('id', o.id, 'asset', a.name, 'account', c.name, 'scope', o.scope, 'cause', o.cause, \
         'state', o.state, 'attempts', o.attempts, 'note', o.note, 'since', {}, 'until', {}) as row \
         from rotation o join account c on c.id = o.account_id join asset a on a.id = o.asset_id \
         where {} and o.created_at < ?3 and coalesce(o.ended_at, ?3) >= ?2 order by o.created_at, o.id",
        time("o.created_at"),
        time("o.ended_at"),
        within("o.scope"),
    )
}

fn reviews() -> String {
    let count = |condition: &str| format!("(select count(*) from review_item i where i.review_id = v.id{condition})");
    format!(
        "select json_object('id', v.id, 'name', v.name, 'scope', v.scope, 'author', u.name, 'since', {}, 'due', {}, \
         'until', {}, 'items', {}, 'kept', {}, 'reduced', {}, 'revoked', {}, 'unanswered', {}, 'failed', {}) as row \
         from review v join user u on u.id = v.author_id \
         where ({} or exists (select 1 from json_each(?1) s where v.scope = '/' \
         or substr(s.value, 1, length(v.scope) + 1) = v.scope || '/')) and v.started_at < ?3 \
         and coalesce(v.closed_at, ?3) >= min(?2, ?3 - {REVIEWED_MS}) order by v.started_at, v.id",
        time("v.started_at"),
        time("v.due_at"),
        time("v.closed_at"),
        count(""),
        count(" and i.decision = 'keep' and i.decided_by is not null"),
        count(" and i.decision = 'reduce'"),
        count(" and i.decision = 'revoke'"),
        count(" and i.decided_by is null"),
        count(" and i.effect = 'failed'"),
        within("v.scope"),
    )
}

fn break_glass() -> String {
    format!(
        "select json_object('id', b.id, 'tier', b.tier, 'user', b.user_name, 'target', b.target, 'scope', b.scope, \
         'incident', b.incident, 'reason', b.reason, 'at', {}, 'review_until', {}, 'reviewed_at', {}, \
         'reviewed_by', b.reviewed_by, 'justified', iif(b.justified is null, null, {})) as row \
         from break_glass_use b where {} and b.at < ?3 and b.at >= ?2 order by b.at, b.id",
        time("b.at"),
        time("b.review_until"),
        time("b.reviewed_at"),
        truth("b.justified = 1"),
        within("b.scope"),
    )
}

fn alerts() -> String {
    format!(
        "select json_object('id', n.id, 'at', {}, 'rule', n.rule, 'title', n.title, 'severity', n.severity, \
         'scope', n.scope, 'user', n.user_name, 'account', n.account, 'response', n.response, 'times', n.times, \
         'state', n.state, 'assignee', n.assignee, 'closed_at', {}, 'closed_by', n.closed_by, 'verdict', n.verdict) as row \
         from alert n where {} and n.raised_at < ?3 and n.raised_at >= ?2 and n.state <> 'noted' \
         order by n.raised_at, n.id",
        time("n.raised_at"),
        time("n.closed_at"),
        within("n.scope"),
    )
}

fn people() -> String {
    let passkey = "exists (select 1 from passkey k where k.user_id = u.id)";
    let disabled = "(select max(l.at) from leaf l where l.action = 'user.disable' and l.target = u.name)";
    format!(
        "select json_object('user', u.name, 'scope', u.scope, 'state', u.state, 'kind', u.kind, \
         'vendor', w.company, 'sponsor', (select v.name from user v where v.id = w.sponsor_id), 'ends_at', {}, 'second_factor', {}, 'passkey', {}, \
         'last_seen_at', {}, 'created_at', {}, 'disabled_at', {}, 'disabled_by', (select l.actor from leaf l \
         where l.action = 'user.disable' and l.target = u.name order by l.leaf_index desc limit 1), \
         'grants', (select count(*) from access_grant g where g.user_id = u.id and g.revoked_at is null and g.ends_at > ?4), \
         'sessions', (select count(*) from session s where s.user_id = u.id and s.state <> 'ended'), \
         'credentials', (select count(*) from login l where l.user_id = u.id and l.ended_at is null and l.expires_at > ?4) \
         + (select count(*) from api_token t where t.user_id = u.id and t.revoked_at is null and t.expires_at > ?4), \
         'accounts', (select count(*) from account c where c.owner_id = u.id), \
         'secrets_known', (select count(distinct k.account_id) from checkout k join secret s on s.account_id = k.account_id \
         and s.state = 'current' and s.version = k.version where k.user_id = u.id)) as row \
         from user u left join vendor w on w.user_id = u.id where {} order by u.state <> 'disabled', u.name",
        time("w.ends_at"),
        truth(&format!("u.totp_sealed is not null or {passkey}")),
        truth(passkey),
        time("u.last_seen_at"),
        time("u.created_at"),
        time(disabled),
        within("u.scope"),
    )
}

/// Changes of who may do what, by the noun that they change.
const CHANGED: &str = "('user', 'group', 'role', 'scope', 'policy', 'duties', 'asset', 'account', 'host_key', 'review', 'break_glass', 'vault')";

fn changes() -> String {
    format!(
        "select json_object('leaf', l.leaf_index, 'at', {}, 'actor', l.actor, 'action', l.action, 'target', l.target, \
         'scope', l.scope, 'outcome', l.outcome) as row from leaf l \
         where {} and l.at >= ?2 and l.at < ?3 and substr(l.action, 1, instr(l.action, '.') - 1) in {CHANGED} \
         order by l.leaf_index",
        time("l.at"),
        within("l.scope"),
    )
}

fn exceptions() -> String {
    format!(
        "select json_object('target', f.account || iif(f.account = '', '', '@') || coalesce(a.name, h.address, w.name), \
         'scope', coalesce(a.scope, d.scope, w.scope), 'kind', f.kind, 'severity', f.severity, 'owner', f.accepted_by, \
         'until', {}, 'note', f.note) as row from finding f left join asset a on a.id = f.asset_id \
         left join found_host h on h.id = f.host_id left join discovery_source d on d.id = h.source_id \
         left join user w on w.id = f.user_id \
         where f.state = 'accepted' and {} order by f.accepted_until, f.id",
        time("f.accepted_until"),
        within("coalesce(a.scope, d.scope, w.scope)"),
    )
}

impl ReadTx {
    /// All rows of a report but those that are worked out: separation of duties, channels and the ledger.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn report_facts(&mut self, span: &ReportSpan) -> Result<ReportFacts, Error> {
        let mut access: Vec<AccessRow> = self.facts(&grants(), span).await?;
        access.extend(self.facts::<AccessRow>(&standing(), span).await?);
        access.extend(self.facts::<AccessRow>(&roles(), span).await?);
        Ok(ReportFacts {
            accounts: self.facts::<AccountRow>(&accounts(), span).await?,
            access,
            uses: self.facts::<UseRow>(&uses(), span).await?,
            rotations: self.facts::<RotationRow>(&rotations(), span).await?,
            reviews: self.facts::<ReviewRow>(&reviews(), span).await?,
            break_glass: self.facts::<BreakGlassRow>(&break_glass(), span).await?,
            alerts: self.facts::<AlertRow>(&alerts(), span).await?,
            people: self.facts::<PersonRow>(&people(), span).await?,
            changes: self.facts::<ChangeRow>(&changes(), span).await?,
            exceptions: self.facts::<ExceptionRow>(&exceptions(), span).await?,
            hosts: self.report_hosts(span).await?,
            ..ReportFacts::default()
        })
    }

    async fn facts<T: DeserializeOwned>(&mut self, sql: &str, span: &ReportSpan) -> Result<Vec<T>, Error> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{sql} limit {}", span.rows_max)))
            .bind(row::scopes_json(std::slice::from_ref(&span.scope)))
            .bind(span.since.as_millis())
            .bind(span.until.as_millis())
            .bind(span.now.as_millis())
            .fetch_all(self.connection())
            .await?;
        rows.iter().map(|found| row::json(found, "row")).collect()
    }

    async fn report_hosts(&mut self, span: &ReportSpan) -> Result<HostCounts, Error> {
        let hosts = format!(
            "from found_host h join discovery_source d on d.id = h.source_id where h.gone_at is null and {}",
            within("d.scope")
        );
        let assets = within("a.scope");
        let sql = format!(
            "select (select count(*) {hosts}) as found, (select count(*) {hosts} and h.asset_id is not null) as known, \
             (select count(*) from asset a where {assets}) as assets, \
             (select count(*) from asset a where {assets} and exists (select 1 from discovery_target t \
             where t.asset_id = a.id and t.state = 'done' and t.ended_at >= ?2)) as discovered"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(row::scopes_json(std::slice::from_ref(&span.scope)))
            .bind(span.now.as_millis().saturating_sub(DISCOVERED_MS))
            .fetch_one(self.connection())
            .await?;
        let count = |name: &str| Ok::<_, Error>(u64::try_from(row.try_get::<i64, _>(name)?).unwrap_or(0));
        Ok(HostCounts {
            found: count("found")?,
            known: count("known")?,
            assets: count("assets")?,
            discovered: count("discovered")?,
        })
    }

    /// The first and last leaf of a period, and how many there are. The clock of the ledger never goes back.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn report_leaves(
        &mut self,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Option<(u64, u64, u64)>, Error> {
        let sql = "select count(*) as events, coalesce(min(leaf_index), 0) as first, coalesce(max(leaf_index), 0) as last \
            from leaf where at >= ?1 and at < ?2";
        let row = sqlx::query(sql).bind(since.as_millis()).bind(until.as_millis()).fetch_one(self.connection()).await?;
        let number = |name: &str| Ok::<_, Error>(u64::try_from(row.try_get::<i64, _>(name)?).unwrap_or(0));
        let events = number("events")?;
        Ok(if events == 0 { None } else { Some((number("first")?, number("last")?, events)) })
    }
}
