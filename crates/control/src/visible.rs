//! What a caller may know of: names are looked up in the scopes that they see, their own tenant
//! first, and what lies elsewhere does not exist for them.

use postern_domain::account::Account;
use postern_domain::asset::Asset;
use postern_domain::event::Event;
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::policy::Policy;
use postern_domain::user::User;
use postern_domain::{AccountRef, AssetName, PolicyName, ScopePath, UserId};
use postern_store::{Person, ReadTx, WriteTx};

use crate::{Caller, Error};

/// The scopes in which `caller` may look at what `permit` lets them change.
pub(crate) fn readable(caller: &Caller, permit: &Permit<Manage>, read: Permission) -> Vec<ScopePath> {
    let mut scopes = caller.authority.scopes(read);
    scopes.extend(permit.action().scopes.iter().cloned());
    scopes
}

/// Refuses what lies outside the permit.
pub(crate) fn within(permit: &Permit<Manage>, scope: &ScopePath) -> Result<(), Error> {
    if permit.covers(scope) {
        return Ok(());
    }
    let permission = permit.action().permission.as_str();
    Err(Error::Forbidden(format!("this needs the permission {permission} in {scope}; ask an administrator")))
}

/// The asset of this name that lies in `scopes`.
pub(crate) async fn asset(
    rows: &mut ReadTx,
    caller: &Caller,
    name: &AssetName,
    scopes: &[ScopePath],
) -> Result<Asset, Error> {
    let found = rows.assets_named(name, scopes).await?;
    one_of(found, |asset| &asset.scope, &caller.user, "asset", name.as_str())
}

/// The account of this name that lies in `scopes`, with its asset.
pub(crate) async fn account(
    rows: &mut ReadTx,
    caller: &Caller,
    reference: &AccountRef,
    scopes: &[ScopePath],
) -> Result<(Account, Asset), Error> {
    let unknown = || Error::not_found("account", reference);
    let asset = match asset(rows, caller, &reference.asset, scopes).await {
        Err(Error::NotFound { .. }) => return Err(unknown()),
        answer => answer?,
    };
    let account = rows.account_on(&asset.id, &reference.account).await?.ok_or_else(unknown)?;
    Ok((account, asset))
}

/// The policy of this name that lies in `scopes`.
pub(crate) async fn policy(
    rows: &mut ReadTx,
    caller: &Caller,
    name: &PolicyName,
    scopes: &[ScopePath],
) -> Result<Policy, Error> {
    let found = rows.policies_named(name, scopes).await?;
    one_of(found, |policy| &policy.scope, &caller.user, "policy", name.as_str())
}

/// The one of the user's own tenant, else the only one.
pub(crate) fn one_of<T>(
    mut found: Vec<T>,
    scope: impl Fn(&T) -> &ScopePath,
    user: &User,
    noun: &'static str,
    name: &str,
) -> Result<T, Error> {
    let own = user.scope.tenant();
    if let Some(index) = found.iter().position(|item| scope(item).tenant() == own) {
        return Ok(found.swap_remove(index));
    }
    if found.len() > 1 {
        let places: Vec<_> = found.iter().map(|item| scope(item).to_string()).collect();
        let places = places.join(", ");
        return Err(Error::Conflict(format!("{noun} `{name}` exists in {places}: act as somebody of one of these")));
    }
    found.pop().ok_or_else(|| Error::not_found(noun, name))
}

/// The user as policies of `tenant` see them: with their groups of that tenant and of the root.
pub(crate) async fn subject(rows: &mut ReadTx, id: &UserId, tenant: &ScopePath) -> Result<Option<User>, Error> {
    Ok(rows.person(id).await?.map(|person| seen_by(&person, tenant)))
}

/// The same, of somebody who has been looked up.
pub(crate) fn seen_by(person: &Person, tenant: &ScopePath) -> User {
    let seen = |(_, scope): &&(_, ScopePath)| *scope == ScopePath::root() || scope.tenant() == *tenant;
    let groups = person.groups.iter().filter(seen).map(|(name, _)| name.clone()).collect();
    User { groups, ..person.user.clone() }
}

/// Sees to it that `scope` exists; gives the events of what was created.
pub(crate) async fn ensure_scope(tx: &mut WriteTx, caller: &Caller, scope: &ScopePath) -> Result<Vec<Event>, Error> {
    let mut events = Vec::new();
    for path in scope.ancestors() {
        if !tx.scope_exists(&path).await? {
            tx.scope_create(&path).await?;
            events.push(Event::done(tx.now(), caller.actor(), "scope.create", path.as_str(), path.clone()));
        }
    }
    Ok(events)
}
