//! Groups: who is in them, and the roles that membership brings.

use std::collections::BTreeSet;

use postern_domain::event::Event;
use postern_domain::permission::{Permission, RoleAssignment};
use postern_domain::permit::{Manage, Permit};
use postern_domain::user::{Group, User};
use postern_domain::{GroupId, GroupName, ScopePath, UserName};
use postern_store::{Listed, Listing, ReadTx, WriteTx};
use postern_vault::random;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duties::KeptApart;
use crate::shared::{MadeRights, OwnRights};
use crate::user::{Administrators, deduplicated, delegable, listed, reachable};
use crate::{Caller, Control, Error, text};

const DESCRIPTION_LEN_MAX: usize = 500;

/// A group as it is to be; what is not given stays, or is empty in a new one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupBody {
    /// The scope it belongs to; the caller's own for a new one unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<ScopePath>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its members, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<BTreeSet<UserName>>,
    /// The roles that membership brings, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<BTreeSet<RoleAssignment>>,
}

impl Control {
    /// Groups in the permit's scopes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn group_list(
        &self,
        permit: &Permit<Manage>,
        q: Option<&str>,
        listing: &Listing,
    ) -> Result<Listed<Group>, Error> {
        Ok(self.store().read().await?.groups(&permit.action().scopes, q, listing).await?)
    }

    /// One group in the permit's scopes; `tenant` tells those of one name apart.
    ///
    /// # Errors
    /// `NotFound` also when it is not the caller's to see; `Conflict` when there are several.
    pub async fn group_show(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        name: &GroupName,
        tenant: Option<&ScopePath>,
    ) -> Result<Group, Error> {
        let mut rows = self.store().read().await?;
        find(&mut rows, caller, permit, name, tenant).await?.ok_or_else(|| Error::not_found("group", name))
    }

    /// Makes a group or changes it to what is given.
    ///
    /// # Errors
    /// `NotFound` when the scope, a member or a role is not the caller's to see; `Forbidden` when more
    /// would be given than the caller holds; `Conflict` when the name is taken.
    pub async fn group_put(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        name: &GroupName,
        body: GroupBody,
    ) -> Result<Group, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let (group, event) = put(&mut tx, caller, permit, name, body).await?;
        match event {
            Some(event) => {
                self.commit(tx, &[event]).await?;
            }
            None => drop(tx),
        }
        Ok(group)
    }

    /// Removes a group; policies that name it no longer match anybody by it.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` when it brings roles that the caller may not take; `Conflict` when no
    /// administrator would be left.
    pub async fn group_delete(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        name: &GroupName,
        tenant: Option<&ScopePath>,
    ) -> Result<(), Error> {
        let mut tx = self.store().write(self.now()).await?;
        let group = find(&mut tx, caller, permit, name, tenant).await?;
        let group = group.ok_or_else(|| Error::not_found("group", name))?;
        delegable(&mut tx, caller, &group.roles, &group.scope).await?;
        let guard = Administrators::before(&mut tx).await?;
        let own = OwnRights::before(&mut tx, caller).await?;
        tx.group_delete(&group.id).await?;
        guard.after(&mut tx).await?;
        own.after(&mut tx, caller, &group.scope).await?;
        let event = Event::done(tx.now(), caller.actor(), "group.delete", group.name.as_str(), group.scope)
            .with("members", names(&group.members));
        self.commit(tx, &[event]).await?;
        Ok(())
    }
}

/// Makes a group or changes it, in a transaction of the caller's; no event when nothing changes.
pub(crate) async fn put(
    tx: &mut WriteTx,
    caller: &Caller,
    permit: &Permit<Manage>,
    name: &GroupName,
    body: GroupBody,
) -> Result<(Group, Option<Event>), Error> {
    let tenant = body.scope.as_ref().map(ScopePath::tenant);
    let before = find(tx, caller, permit, name, tenant.as_ref()).await?;
    let kept = before.as_ref().map(|group| group.scope.clone());
    let scope = body.scope.or(kept).unwrap_or_else(|| caller.user.scope.clone());
    reachable(tx, permit, &scope).await?;
    if before.is_none() {
        free(tx, name, &scope).await?;
    }
    let base = before.clone().unwrap_or_else(|| new(tx, name, &scope));
    if base.scope.tenant() != scope.tenant() {
        return Err(Error::Conflict(format!("group `{name}` belongs to {}; groups do not change tenants", base.scope)));
    }
    let members = body.members.map_or_else(|| base.members.clone(), |members| members.into_iter().collect());
    let roles = body.roles.map_or_else(|| base.roles.clone(), |roles| deduplicated(roles.into_iter().collect()));
    let description = match body.description {
        Some(given) if !given.is_empty() => text::line("description", &given, DESCRIPTION_LEN_MAX)?,
        Some(_) => String::new(),
        None => base.description.clone(),
    };
    let after = Group { id: base.id.clone(), name: name.clone(), scope, description, members, roles };
    if before.as_ref() == Some(&after) {
        return Ok((after, None));
    }
    let (joining, leaving) = (missing(&after.members, &base.members), missing(&base.members, &after.members));
    may_bring(tx, caller, &base, &after, !joining.is_empty()).await?;
    let guard = Administrators::before(tx).await?;
    let own = OwnRights::before(tx, caller).await?;
    let made = MadeRights::before(tx, caller, &joining).await?;
    let apart = KeptApart::before(tx).await?;
    tx.group_put(&after).await?;
    tx.group_roles_set(&after.id, &after.roles).await?;
    let mut ids = Vec::with_capacity(after.members.len());
    for member in &after.members {
        ids.push(member_of(tx, caller, &after, member, joining.contains(member)).await?.id);
    }
    tx.group_members_set(&after.id, &ids).await?;
    guard.after(tx).await?;
    own.after(tx, caller, &base.scope).await?;
    made.after(tx, caller, &base.scope).await?;
    apart.after(tx).await?;
    let event = Event::done(tx.now(), caller.actor(), "group.put", after.name.as_str(), after.scope.clone())
        .with("joined", names(&joining))
        .with("left", names(&leaving))
        .with("roles", listed(&after.roles));
    Ok((after, Some(event)))
}

/// Puts a new user into a group, which is made when there is none of this name.
pub(crate) async fn join(
    tx: &mut WriteTx,
    caller: &Caller,
    name: &GroupName,
    user: &User,
) -> Result<Vec<Event>, Error> {
    let no_right = || {
        Error::Forbidden(format!("putting somebody into group `{name}` needs the permission group:write where it lies"))
    };
    let permit = caller.permit(Permission::GroupWrite).ok_or_else(no_right)?;
    let tenant = user.scope.tenant();
    let of_tenant = find(tx, caller, &permit, name, Some(&tenant)).await?;
    let found = match of_tenant {
        Some(group) => Some(group),
        None => find(tx, caller, &permit, name, Some(&ScopePath::root())).await?,
    };
    let mut members: BTreeSet<UserName> =
        found.as_ref().map(|group| group.members.iter().cloned().collect()).unwrap_or_default();
    members.insert(user.name.clone());
    let scope = match found {
        Some(group) => group.scope,
        None if permit.covers(&user.scope) => user.scope.clone(),
        None => return Err(no_right()),
    };
    let body = GroupBody { scope: Some(scope), members: Some(members), ..GroupBody::default() };
    let (_, event) = put(tx, caller, &permit, name, body).await?;
    Ok(event.into_iter().collect())
}

/// The group of this name in the permit's scopes: in `tenant` when given, else the only one, else
/// the one of the caller's tenant.
pub(crate) async fn find(
    rows: &mut ReadTx,
    caller: &Caller,
    permit: &Permit<Manage>,
    name: &GroupName,
    tenant: Option<&ScopePath>,
) -> Result<Option<Group>, Error> {
    let mut groups = rows.groups_by_name(name).await?;
    groups.retain(|group| permit.covers(&group.scope));
    let wanted = match tenant {
        Some(tenant) => Some(tenant.tenant()),
        None if groups.len() > 1 => Some(caller.user.scope.tenant()),
        None => None,
    };
    let several = groups.len() > 1 && tenant.is_none();
    if let Some(wanted) = wanted {
        groups.retain(|group| group.scope.tenant() == wanted);
    }
    if several && groups.is_empty() {
        return Err(Error::Conflict(format!("there are several groups `{name}`: say in which scope")));
    }
    Ok(groups.pop())
}

/// That no other group of this name could be taken for the new one: neither in its tenant nor, since
/// the root's groups reach everywhere, between the root and a tenant.
async fn free(rows: &mut ReadTx, name: &GroupName, scope: &ScopePath) -> Result<(), Error> {
    let tenant = scope.tenant();
    let clash = rows.groups_by_name(name).await?.into_iter().any(|group| {
        let other = group.scope.tenant();
        other == tenant || other == ScopePath::root() || tenant == ScopePath::root()
    });
    if clash { Err(Error::Conflict(format!("the group name `{name}` is taken"))) } else { Ok(()) }
}

/// That the caller may give the roles that the change gives, and take those that it takes.
async fn may_bring(
    rows: &mut ReadTx,
    caller: &Caller,
    before: &Group,
    after: &Group,
    joining: bool,
) -> Result<(), Error> {
    let moved = before.scope != after.scope;
    let is_brought = |role: &RoleAssignment| joining || moved || !before.roles.contains(role);
    let taken: Vec<_> = before.roles.iter().filter(|role| !after.roles.contains(role)).cloned().collect();
    let brought: Vec<_> = after.roles.iter().filter(|role| is_brought(role)).cloned().collect();
    delegable(rows, caller, &taken, &before.scope).await?;
    delegable(rows, caller, &brought, &after.scope).await
}

/// A member, who must lie in the group's tenant; one who joins must be the caller's to see.
async fn member_of(
    rows: &mut ReadTx,
    caller: &Caller,
    group: &Group,
    name: &UserName,
    joining: bool,
) -> Result<User, Error> {
    let user = rows.user_by_name(name).await?.filter(|user| {
        let authority = &caller.authority;
        !joining
            || authority.covers(Permission::GroupWrite, &user.scope)
            || authority.covers(Permission::UserRead, &user.scope)
    });
    let user = user.ok_or_else(|| Error::not_found("user", name))?;
    if group.scope.tenant().contains(&user.scope) {
        Ok(user)
    } else {
        Err(Error::invalid(
            "members",
            format!("{name} belongs to {}, which is not in {}", user.scope, group.scope.tenant()),
        ))
    }
}

fn new(tx: &WriteTx, name: &GroupName, scope: &ScopePath) -> Group {
    Group {
        id: GroupId::generate(tx.now(), random::bytes()),
        name: name.clone(),
        scope: scope.clone(),
        description: String::new(),
        members: Vec::new(),
        roles: Vec::new(),
    }
}

fn missing(from: &[UserName], among: &[UserName]) -> Vec<UserName> {
    from.iter().filter(|name| !among.contains(name)).cloned().collect()
}

fn names(users: &[UserName]) -> Vec<String> {
    users.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests;
