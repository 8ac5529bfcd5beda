//! Which roles can sign in, and why they are privileged.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use postern_domain::Timestamp;
use postern_domain::discovery::{AccountUse, Observation, PasswordSight, Privilege};
use tokio::sync::mpsc;
use tokio_postgres::Row;

use super::client::Client;
use crate::connector::{Coverage, Gap, Survey};
use crate::digest::keyed;
use crate::outcome::{Cause, Failure};

/// Predefined roles that give power over others or over the server (PostgreSQL documentation,
/// predefined roles).
const POWERFUL: &[&str] = &[
    "pg_execute_server_program",
    "pg_read_server_files",
    "pg_write_server_files",
    "pg_read_all_data",
    "pg_write_all_data",
    "pg_signal_backend",
    "pg_create_subscription",
    "pg_maintain",
];

/// The most chains and rights that are reported of one role.
const REASONS_MAX: usize = 64;

struct Role {
    name: String,
    can_sign_in: bool,
    own: Vec<Privilege>,
    expires_at: Option<Timestamp>,
}

pub(super) async fn discover(
    client: &Client,
    survey: &Survey,
    found: &mpsc::Sender<Observation>,
) -> Result<Coverage, Failure> {
    let mut coverage = Coverage::default();
    let roles: Vec<Role> = client.ask(ROLES, &[]).await?.iter().map(role).collect::<Result<_, _>>()?;
    let members = members(&client.ask(MEMBERS, &[]).await?)?;
    let rights = match client.ask(RIGHTS, &[]).await {
        Ok(rows) => rights(&rows)?,
        Err(failure) => {
            coverage.gaps.push(Gap { what: "rights", why: failure.detail });
            BTreeMap::new()
        }
    };
    let passwords = match client.ask(PASSWORDS, &[]).await {
        Ok(rows) => passwords(&rows, survey)?,
        Err(failure) => {
            coverage.gaps.push(Gap { what: "pg_authid", why: failure.detail });
            BTreeMap::new()
        }
    };
    let powerful: BTreeSet<&str> = roles
        .iter()
        .filter(|role| !role.own.is_empty() || POWERFUL.contains(&role.name.as_str()))
        .map(|role| role.name.as_str())
        .collect();
    for role in roles.iter().filter(|role| role.can_sign_in) {
        let mut observation = Observation::named(role.name.as_str());
        observation.usage = if role.name == "postgres" { AccountUse::System } else { AccountUse::Service };
        observation.privileges = role.own.clone();
        observation.privileges.extend(chains(&role.name, &members, &powerful));
        observation.privileges.extend(rights.get(&role.name).into_iter().flatten().cloned());
        observation.privileges.truncate(REASONS_MAX);
        observation.password_never_expires = Some(role.expires_at.is_none());
        observation.expires_at = role.expires_at;
        if let Some(password) = passwords.get(&role.name) {
            observation.password = password.clone();
        }
        if !coverage.report(observation, survey, found).await {
            break;
        }
    }
    Ok(coverage)
}

fn odd(error: &tokio_postgres::Error) -> Failure {
    Failure::new(Cause::Protocol, format_args!("the server's catalogue is not as expected: {error}"))
}

fn role(row: &Row) -> Result<Role, Failure> {
    let mut own = Vec::new();
    let flag = |column: &str| row.try_get::<_, bool>(column).map_err(|error| odd(&error));
    if flag("rolsuper")? {
        own.push(Privilege::Superuser);
    }
    for (column, name) in [
        ("rolcreaterole", "CREATEROLE"),
        ("rolcreatedb", "CREATEDB"),
        ("rolreplication", "REPLICATION"),
        ("rolbypassrls", "BYPASSRLS"),
    ] {
        if flag(column)? {
            own.push(Privilege::Attribute { name: name.to_owned() });
        }
    }
    let until: Option<i64> = row.try_get("until").map_err(|error| odd(&error))?;
    Ok(Role {
        name: row.try_get("rolname").map_err(|error| odd(&error))?,
        can_sign_in: flag("rolcanlogin")?,
        own,
        expires_at: until.map(Timestamp::from_millis),
    })
}

/// Of each member, the roles that it is in and whether it may hand them on.
fn members(rows: &[Row]) -> Result<BTreeMap<String, Vec<(String, bool)>>, Failure> {
    let mut of: BTreeMap<String, Vec<(String, bool)>> = BTreeMap::new();
    for row in rows {
        let read = || Ok((row.try_get("member")?, (row.try_get("role")?, row.try_get("admin_option")?)));
        let (member, role): (String, _) = read().map_err(|error| odd(&error))?;
        of.entry(member).or_default().push(role);
    }
    Ok(of)
}

/// The shortest way to each powerful role.
fn chains(name: &str, members: &BTreeMap<String, Vec<(String, bool)>>, powerful: &BTreeSet<&str>) -> Vec<Privilege> {
    let mut found = Vec::new();
    let mut seen: BTreeSet<&str> = BTreeSet::from([name]);
    let mut queue: VecDeque<(&str, Vec<String>)> = VecDeque::from([(name, Vec::new())]);
    while let Some((at, chain)) = queue.pop_front() {
        for (role, admin) in members.get(at).into_iter().flatten() {
            if *admin && at == name {
                found.push(Privilege::GrantOption { on: format!("role {role}") });
            }
            if !seen.insert(role) {
                continue;
            }
            let mut longer = chain.clone();
            longer.push(role.clone());
            if powerful.contains(role.as_str()) {
                found.push(Privilege::Role { chain: longer.clone() });
            }
            queue.push_back((role, longer));
        }
    }
    found
}

fn rights(rows: &[Row]) -> Result<BTreeMap<String, Vec<Privilege>>, Failure> {
    let mut of: BTreeMap<String, Vec<Privilege>> = BTreeMap::new();
    for row in rows {
        let read = || Ok((row.try_get("grantee")?, row.try_get("object")?, row.try_get("owner")?));
        let (grantee, object, owner): (String, String, bool) = read().map_err(|error| odd(&error))?;
        of.entry(grantee).or_default().push(if owner {
            Privilege::Attribute { name: format!("owns {object}") }
        } else {
            Privilege::GrantOption { on: object }
        });
    }
    Ok(of)
}

fn passwords(rows: &[Row], survey: &Survey) -> Result<BTreeMap<String, PasswordSight>, Failure> {
    let mut of = BTreeMap::new();
    for row in rows {
        let read = || Ok((row.try_get("rolname")?, row.try_get("rolpassword")?));
        let (name, stored): (String, Option<String>) = read().map_err(|error| odd(&error))?;
        let sight = match stored.map(zeroize::Zeroizing::new) {
            None => PasswordSight::None,
            Some(stored) => PasswordSight::Set {
                scheme: if stored.starts_with("SCRAM-SHA-256$") { "SCRAM-SHA-256" } else { "md5" }.to_owned(),
                digest: keyed(&stored, survey.digest_key.expose()),
            },
        };
        of.insert(name, sight);
    }
    Ok(of)
}

const ROLES: &str = "select rolname::text, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, \
    rolcanlogin, case when isfinite(rolvaliduntil) then (extract(epoch from rolvaliduntil) * 1000)::bigint end as until \
    from pg_roles order by rolname limit 100000";
const MEMBERS: &str = "select m.rolname::text as member, r.rolname::text as role, bool_or(a.admin_option) as admin_option \
    from pg_auth_members a join pg_roles m on m.oid = a.member join pg_roles r on r.oid = a.roleid \
    group by 1, 2 limit 100000";
/// Databases that are owned, and rights on databases, schemas and tables that may be handed on.
const RIGHTS: &str = "select r.rolname::text as grantee, 'database ' || d.datname as object, true as owner \
      from pg_database d join pg_roles r on r.oid = d.datdba where not r.rolsuper \
    union select r.rolname::text, 'database ' || d.datname, false \
      from pg_database d, aclexplode(d.datacl) x join pg_roles r on r.oid = x.grantee \
      where x.is_grantable and x.grantee <> d.datdba \
    union select r.rolname::text, 'schema ' || n.nspname, false \
      from pg_namespace n, aclexplode(n.nspacl) x join pg_roles r on r.oid = x.grantee \
      where x.is_grantable and x.grantee <> n.nspowner \
    union select r.rolname::text, 'table ' || n.nspname || '.' || c.relname, false \
      from pg_class c join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) x \
      join pg_roles r on r.oid = x.grantee where x.is_grantable and x.grantee <> c.relowner \
    limit 100000";
const PASSWORDS: &str = "select rolname::text, rolpassword from pg_authid where rolcanlogin limit 100000";
