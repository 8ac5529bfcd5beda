//! Roles: those that Postern ships, and custom ones.

use std::collections::BTreeSet;

use postern_domain::event::Event;
use postern_domain::permission::{Permission, Role, built_in_roles};
use postern_domain::permit::{Manage, Permit};
use postern_domain::{RoleName, ScopePath};
use postern_store::{ReadTx, WriteTx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Caller, Control, Error, authenticate, shared};

/// What a custom role is to allow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleBody {
    /// The permissions, all of them.
    pub permissions: BTreeSet<Permission>,
}

impl Control {
    /// All roles.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn role_list(&self, _: &Permit<Manage>) -> Result<Vec<Role>, Error> {
        authenticate::roles(&mut self.store().read().await?).await
    }

    /// Defines a custom role, or what it allows from now on. Roles are the whole installation's, so
    /// that it takes `role:write` and every permission concerned at `/`.
    ///
    /// # Errors
    /// `Forbidden` when the caller does not hold what the role allows, or allowed.
    pub async fn role_put(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        name: &RoleName,
        body: RoleBody,
    ) -> Result<Role, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let (role, event) = put(&mut tx, caller, permit, name, body).await?;
        match event {
            Some(event) => {
                self.commit(tx, &[event]).await?;
            }
            None => drop(tx),
        }
        Ok(role)
    }
}

/// Defines a role in a transaction of the caller's; no event when nothing changes.
pub(crate) async fn put(
    tx: &mut WriteTx,
    caller: &Caller,
    permit: &Permit<Manage>,
    name: &RoleName,
    body: RoleBody,
) -> Result<(Role, Option<Event>), Error> {
    let root = ScopePath::root();
    if !permit.covers(&root) {
        return Err(Error::Forbidden("defining roles needs the permission role:write at /".to_owned()));
    }
    if built_in_roles().iter().any(|role| role.name == *name) {
        return Err(Error::Conflict(format!("the role {name} is built in and cannot be changed; define another one")));
    }
    let before = find(tx, name).await?;
    let role = Role { name: name.clone(), permissions: body.permissions, built_in: false };
    if before.as_ref() == Some(&role) {
        return Ok((role, None));
    }
    for concerned in [Some(&role), before.as_ref()].into_iter().flatten() {
        if !caller.authority.may_delegate(concerned, &root) {
            return Err(Error::Forbidden(format!("the role {name} allows more than you may do at /")));
        }
    }
    shared::note(tx).await?;
    tx.role_put(&role).await?;
    let permissions: Vec<_> = role.permissions.iter().map(|permission| permission.as_str()).collect();
    let event = Event::done(tx.now(), caller.actor(), "role.put", name.as_str(), root).with("permissions", permissions);
    Ok((role, Some(event)))
}

async fn find(rows: &mut ReadTx, name: &RoleName) -> Result<Option<Role>, Error> {
    Ok(rows.roles_custom().await?.into_iter().find(|role| role.name == *name))
}
