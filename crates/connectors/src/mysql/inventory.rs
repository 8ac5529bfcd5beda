//! Which accounts there are, and why they are privileged.

use std::collections::{BTreeMap, BTreeSet};

use postern_domain::Timestamp;
use postern_domain::discovery::{AccountUse, Observation, PasswordSight, Privilege};
use tokio::sync::mpsc;

use super::client::{Answer, Client};
use crate::connector::{Coverage, Gap, Survey};
use crate::digest::keyed;
use crate::outcome::Failure;

/// Rights on everything that give power over others or over the server, by their column in `mysql.user`.
const POWERFUL: &[(&str, &str)] = &[
    ("super_priv", "SUPER"),
    ("create_user_priv", "CREATE USER"),
    ("file_priv", "FILE"),
    ("shutdown_priv", "SHUTDOWN"),
    ("reload_priv", "RELOAD"),
    ("process_priv", "PROCESS"),
];
/// The same among the rights that MySQL 8 keeps by name.
const POWERFUL_NAMES: &[&str] = &[
    "SYSTEM_USER",
    "ROLE_ADMIN",
    "SET_USER_ID",
    "SET_ANY_DEFINER",
    "CONNECTION_ADMIN",
    "SYSTEM_VARIABLES_ADMIN",
    "AUTHENTICATION_POLICY_ADMIN",
    "BACKUP_ADMIN",
];
const REASONS_MAX: usize = 64;

/// One account of all its hosts.
#[derive(Default)]
struct Entry {
    hosts: Vec<String>,
    why: BTreeSet<Privilege>,
    is_role: bool,
    locked: bool,
    passwords: Vec<PasswordSight>,
    changed_at: Option<Timestamp>,
}

type Entries = BTreeMap<String, Entry>;

pub(super) async fn discover(
    client: &mut Client,
    survey: &Survey,
    found: &mpsc::Sender<Observation>,
) -> Result<Coverage, Failure> {
    let mut coverage = Coverage::default();
    let mut entries = Entries::new();
    let Answer::Rows(columns, rows) = client.ask("select * from mysql.user limit 100000").await? else {
        return Ok(coverage);
    };
    for row in &rows {
        let fields = columns.iter().map(String::as_str).zip(row.iter().map(|value| value.as_deref())).collect();
        account(&fields, &mut entries, survey);
    }
    rights(client, &mut entries, &mut coverage).await;
    roles(client, &mut entries, &mut coverage).await;
    if client.is_mariadb() {
        locks(client, &mut entries).await;
    }
    for (name, entry) in entries.into_iter().filter(|(_, entry)| !entry.is_role) {
        if coverage.accounts >= survey.accounts_max {
            coverage.truncated = true;
            break;
        }
        let observation = observe(&name, entry);
        if !observation.can_sign_in && !observation.is_privileged() {
            continue;
        }
        if found.send(observation).await.is_err() {
            break;
        }
        coverage.accounts += 1;
    }
    Ok(coverage)
}

fn account(fields: &BTreeMap<&str, Option<&str>>, entries: &mut Entries, survey: &Survey) {
    let field = |name: &str| fields.get(name).copied().flatten().unwrap_or_default();
    let name = if field("user").is_empty() { "''" } else { field("user") };
    let entry = entries.entry(name.to_owned()).or_default();
    entry.is_role |= field("is_role") == "Y";
    entry.hosts.push(field("host").to_owned());
    entry.locked |= field("account_locked") == "Y";
    let flags: Vec<&str> = fields.keys().filter(|name| name.ends_with("_priv")).copied().collect();
    let is_all = flags.iter().filter(|name| **name != "grant_priv").all(|name| field(name) == "Y");
    if is_all && !flags.is_empty() {
        entry.why.insert(Privilege::Superuser);
    } else {
        let held = POWERFUL.iter().filter(|(column, _)| field(column) == "Y");
        entry.why.extend(held.map(|(_, name)| Privilege::Attribute { name: (*name).to_owned() }));
    }
    if field("grant_priv") == "Y" {
        entry.why.insert(Privilege::GrantOption { on: "*.*".to_owned() });
    }
    let (plugin, stored) = (field("plugin"), field("authentication_string"));
    let stored = if stored.is_empty() { field("password") } else { stored };
    entry.passwords.push(match (plugin, stored) {
        ("unix_socket" | "auth_socket" | "mysql_no_login", _) | (_, "invalid") => PasswordSight::None,
        (_, "") => PasswordSight::Empty,
        (plugin, stored) => PasswordSight::Set {
            scheme: if plugin.is_empty() { "mysql_native_password" } else { plugin }.to_owned(),
            digest: keyed(stored, survey.digest_key.expose()),
        },
    });
    entry.changed_at = time(field("password_last_changed")).or(entry.changed_at);
}

fn time(text: &str) -> Option<Timestamp> {
    let at = jiff::Timestamp::strptime("%Y-%m-%d %H:%M:%S %z", format!("{text} +0000")).ok()?;
    Some(Timestamp::from_millis(at.as_millisecond()))
}

/// Rights on databases and tables that may be handed on, and rights by name.
async fn rights(client: &mut Client, entries: &mut Entries, coverage: &mut Coverage) {
    let databases = "select user, db from mysql.db where grant_priv = 'Y' limit 100000";
    let tables =
        "select user, concat(db, '.', table_name) from mysql.tables_priv where table_priv like '%Grant%' limit 100000";
    for (what, kind, sql) in [("mysql.db", "database", databases), ("mysql.tables_priv", "table", tables)] {
        match client.ask(sql).await {
            Ok(answer) => {
                for row in answer.rows() {
                    let [Some(user), Some(on)] = row.as_slice() else { continue };
                    if let Some(entry) = entries.get_mut(user) {
                        entry.why.insert(Privilege::GrantOption { on: format!("{kind} {on}") });
                    }
                }
            }
            Err(failure) => coverage.gaps.push(Gap { what, why: failure.detail }),
        }
    }
    if client.is_mariadb() {
        return;
    }
    match client.ask("select user, priv from mysql.global_grants limit 100000").await {
        Ok(answer) => {
            for row in answer.rows() {
                let [Some(user), Some(right)] = row.as_slice() else { continue };
                if let Some(entry) = entries.get_mut(user)
                    && POWERFUL_NAMES.contains(&right.as_str())
                {
                    entry.why.insert(Privilege::Attribute { name: right.clone() });
                }
            }
        }
        Err(failure) => coverage.gaps.push(Gap { what: "mysql.global_grants", why: failure.detail }),
    }
}

/// Chains of roles that lead to a privileged one.
async fn roles(client: &mut Client, entries: &mut Entries, coverage: &mut Coverage) {
    let sql = if client.is_mariadb() {
        "select user, role, admin_option from mysql.roles_mapping limit 100000"
    } else {
        "select to_user, from_user, with_admin_option from mysql.role_edges limit 100000"
    };
    let rows = match client.ask(sql).await {
        Ok(answer) => answer.rows(),
        Err(failure) => {
            coverage.gaps.push(Gap { what: "roles", why: failure.detail });
            return;
        }
    };
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in rows {
        let [Some(member), Some(role), Some(admin)] = row.as_slice() else { continue };
        edges.entry(member.clone()).or_default().insert(role.clone());
        if admin == "Y"
            && let Some(entry) = entries.get_mut(member).filter(|entry| !entry.is_role)
        {
            entry.why.insert(Privilege::GrantOption { on: format!("role {role}") });
        }
    }
    let powerful: BTreeSet<String> =
        entries.iter().filter(|(_, entry)| !entry.why.is_empty()).map(|(name, _)| name.clone()).collect();
    for (name, entry) in entries.iter_mut().filter(|(_, entry)| !entry.is_role) {
        let mut seen: BTreeSet<&str> = BTreeSet::from([name.as_str()]);
        let mut waiting: Vec<(&str, Vec<String>)> = vec![(name, Vec::new())];
        while let Some((at, chain)) = waiting.pop() {
            for role in edges.get(at).into_iter().flatten().filter(|role| seen.insert(role)) {
                let mut longer = chain.clone();
                longer.push(role.clone());
                if powerful.contains(role) {
                    entry.why.insert(Privilege::Role { chain: longer.clone() });
                }
                waiting.push((role, longer));
            }
        }
    }
}

/// MariaDB keeps locks elsewhere.
async fn locks(client: &mut Client, entries: &mut Entries) {
    let sql = "select user, json_value(priv, '$.account_locked'), json_value(priv, '$.password_last_changed') \
        from mysql.global_priv limit 100000";
    for row in client.ask(sql).await.map(Answer::rows).unwrap_or_default() {
        let [Some(user), locked, changed] = row.as_slice() else { continue };
        if let Some(entry) = entries.get_mut(user) {
            entry.locked |= matches!(locked.as_deref(), Some("1" | "true"));
            let seconds = changed.as_deref().and_then(|text| text.parse::<i64>().ok()).filter(|seconds| *seconds > 0);
            entry.changed_at =
                seconds.map(|seconds| Timestamp::from_millis(seconds.saturating_mul(1000))).or(entry.changed_at);
        }
    }
}

fn observe(name: &str, entry: Entry) -> Observation {
    let mut observation = Observation::named(name);
    let is_system = name.starts_with("mysql.") || name.starts_with("mariadb.") || name == "root";
    observation.usage = if is_system { AccountUse::System } else { AccountUse::Service };
    observation.privileges = entry.why.into_iter().take(REASONS_MAX).collect();
    observation.locked = entry.locked;
    // The weakest of its hosts is how the account stands.
    let rank = |sight: &PasswordSight| match sight {
        PasswordSight::Empty => 0,
        PasswordSight::Set { .. } => 1,
        PasswordSight::Unseen => 2,
        PasswordSight::None => 3,
    };
    observation.password = entry.passwords.into_iter().min_by_key(rank).unwrap_or(PasswordSight::Unseen);
    observation.can_sign_in = !entry.locked;
    observation.password_changed_at = entry.changed_at;
    observation.notes = entry.hosts.iter().take(32).map(|host| format!("from {host}")).collect();
    observation
}
