//! Roles for a while. An ephemeral role ends by itself (`VALID UNTIL`); a membership goes through a
//! role of the grant's name, so that it can be found and falls with that role.

use std::time::Duration;

use postern_domain::{AccountName, Timestamp};
use postgres_protocol::escape::{escape_identifier, escape_literal};

use super::client::{Client, ConnectError};
use super::{no_such_role, verifier};
use crate::entitlement::{Entitlement, Provision, Provisioned, grant_name, grant_of_name};
use crate::login::{Login, Secret};
use crate::outcome::{Cause, Failure, Outcome};
use crate::target::Target;

pub(super) async fn provision(client: &Client, provision: &Provision) -> Outcome<Provisioned> {
    let name = match grant_name(&provision.grant) {
        Ok(name) => name,
        Err(error) => return Outcome::NotApplied(Failure::new(Cause::Setting, error)),
    };
    let exists = match exists(client, &name).await {
        Ok(exists) => exists,
        Err(failure) => return Outcome::NotApplied(failure),
    };
    let role = escape_identifier(name.as_str());
    let verb = if exists { "alter" } else { "create" };
    let note = escape_literal(&format!("Postern {}", provision.grant));
    let (sql, expires_at) = match &provision.what {
        Entitlement::Account { secret: Secret::Password(password), member_of, sudo: None } => {
            let until = provision.expires_at;
            let mut sql = format!(
                "{verb} role {role} login password {} valid until {};comment on role {role} is {note};",
                verifier(password),
                escape_literal(&until.to_string())
            );
            for group in member_of {
                sql.push_str(&format!("grant {} to {role};", escape_identifier(group)));
            }
            (sql, Some(until))
        }
        Entitlement::Membership { account, group } => {
            match exists_account(client, account).await {
                Ok(()) => {}
                Err(failure) => return Outcome::NotApplied(failure),
            }
            let (account, group) = (escape_identifier(account.as_str()), escape_identifier(group));
            let sql = format!(
                "{verb} role {role} nologin;comment on role {role} is {note};grant {group} to {role};grant {role} to {account};"
            );
            (sql, None)
        }
        _ => return Outcome::NotApplied(Failure::unsupported("provision that")),
    };
    // One simple query of several statements is one transaction.
    client.change(&sql).await.map(|()| provision.placed(expires_at))
}

async fn exists(client: &Client, name: &AccountName) -> Result<bool, Failure> {
    Ok(!client.ask("select 1 from pg_roles where rolname = $1", &[&name.as_str()]).await?.is_empty())
}

async fn exists_account(client: &Client, account: &AccountName) -> Result<(), Failure> {
    if exists(client, account).await? { Ok(()) } else { Err(no_such_role(account)) }
}

/// Shuts the role out, ends what it does, and drops it with what it owns: in every database where it
/// has something.
pub(super) async fn revoke(target: &Target, by: &Login, client: &Client, provisioned: &Provisioned) -> Outcome {
    let name = match grant_name(&provisioned.grant) {
        Ok(name) => name,
        Err(error) => return Outcome::NotApplied(Failure::new(Cause::Setting, error)),
    };
    match exists(client, &name).await {
        Ok(true) => {}
        Ok(false) => return Outcome::Applied(()),
        Err(failure) => return Outcome::NotApplied(failure),
    }
    let role = escape_identifier(name.as_str());
    if let outcome @ (Outcome::NotApplied(_) | Outcome::Unknown(_)) =
        client.change(&format!("alter role {role} nologin password null")).await
    {
        return outcome;
    }
    let _ = client
        .ask("select pg_terminate_backend(pid) from pg_stat_activity where usename = $1", &[&name.as_str()])
        .await;
    let drop = format!("drop role if exists {role}");
    let first = client.change(&drop).await;
    match &first {
        Outcome::NotApplied(failure) if failure.cause == Cause::Conflict => {}
        _ => return partly(first),
    }
    let databases = match client.ask("select datname::text from pg_database where datallowconn limit 10000", &[]).await
    {
        Ok(rows) => rows,
        Err(failure) => return Outcome::Unknown(failure),
    };
    for row in &databases {
        let Ok(database) = row.try_get::<_, String>(0) else { continue };
        let inside = match Client::open_database(target, &by.account, &by.secret, &database).await {
            Ok(inside) => inside,
            Err(error) => return Outcome::Unknown(ConnectError::failure(error)),
        };
        let sql = format!("reassign owned by {role} to current_user; drop owned by {role}");
        let cleared = inside.change(&sql).await;
        if !matches!(cleared, Outcome::Applied(())) {
            return partly(cleared);
        }
    }
    partly(client.change(&drop).await)
}

/// The role is shut out already, so that what comes after is no longer certainly not applied.
fn partly(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::NotApplied(failure) => Outcome::Unknown(failure),
        other => other,
    }
}

pub(super) async fn list(client: &Client) -> Result<Vec<Provisioned>, Failure> {
    let rows = client.ask(LIST, &[]).await?;
    let mut found: Vec<Provisioned> = Vec::new();
    for row in &rows {
        let read = || {
            Ok::<_, tokio_postgres::Error>((
                row.try_get::<_, String>("name")?,
                row.try_get::<_, Option<String>>("account")?,
                row.try_get::<_, Option<String>>("group")?,
                row.try_get::<_, Option<i64>>("until")?,
            ))
        };
        let (name, account, group, until) = read().map_err(|error| Failure::new(Cause::Protocol, error))?;
        let Some(grant) = grant_of_name(&name) else { continue };
        if found.iter().any(|known| known.grant == grant) {
            continue;
        }
        found.push(Provisioned {
            grant,
            account: account.and_then(|account| account.parse().ok()),
            group,
            expires_at: until.map(|millis| {
                Timestamp::from_millis(0).after(Duration::from_millis(u64::try_from(millis).unwrap_or(0)))
            }),
        });
    }
    Ok(found)
}

const LIST: &str = "select r.rolname::text as name, \
    case when not r.rolcanlogin then (select m.rolname::text from pg_auth_members a join pg_roles m on m.oid = a.member \
      where a.roleid = r.oid limit 1) end as account, \
    case when not r.rolcanlogin then (select g.rolname::text from pg_auth_members a join pg_roles g on g.oid = a.roleid \
      where a.member = r.oid limit 1) end as \"group\", \
    case when isfinite(r.rolvaliduntil) then (extract(epoch from r.rolvaliduntil) * 1000)::bigint end as until \
    from pg_roles r where r.rolname like 'pst-%' order by 1 limit 10000";
