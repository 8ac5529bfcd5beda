//! Users: making, changing and disabling them, and the roles that they hold.

use std::collections::BTreeMap;

use postern_domain::event::Event;
use postern_domain::permission::{Permission, Role, RoleAssignment};
use postern_domain::permit::{Manage, Permit};
use postern_domain::user::{Profile, User, UserKind, UserState};
use postern_domain::{GroupName, ScopePath, Timestamp, UserId, UserName};
use postern_store::{LinkPurpose, Listed, Listing, ReadTx, UserFilter, WriteTx};
use postern_vault::random;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duties::KeptApart;
use crate::link::{ADMINISTRATOR, LinkIssued};
use crate::profile::{self, ProfileChange, VendorTerms};
use crate::shared::{MadeRights, OwnRights};
use crate::{Caller, Control, Error, authenticate, group, shared, text};

/// A user to be made.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserCreate {
    /// The sign-in name.
    pub name: UserName,
    /// Where notices go.
    #[serde(default)]
    pub email: Option<String>,
    /// The scope that they belong to; the caller's own unless given.
    #[serde(default)]
    pub scope: Option<ScopePath>,
    /// Groups to be in; one that does not exist yet is made, empty, in the user's scope.
    #[serde(default)]
    pub groups: Vec<GroupName>,
    /// Roles to hold.
    #[serde(default)]
    pub roles: Vec<RoleAssignment>,
    /// A person, or a program: a service, a pipeline. A program enrols nothing: a token or a key is made for it.
    #[serde(default)]
    pub kind: UserKind,
    /// What policies may choose them by: `department: payments`.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// On which terms somebody of another company is let in.
    #[serde(default)]
    pub vendor: Option<VendorTerms>,
    /// The person's everyday user, where this one is for privileged work only.
    #[serde(default)]
    pub identity: Option<UserName>,
}

/// A user who has just been made. It carries a secret and has no `Debug`.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct UserCreated {
    /// Who.
    pub user: User,
    /// Where they choose a password and enrol a second factor; none for a workload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkIssued>,
}

/// What is to be changed in a user; what is not given stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    /// Where notices go; empty for nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// `disabled` ends all that they could act with; `active` undoes it, but for what has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<UserState>,
    /// The scope that they belong to from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<ScopePath>,
    /// Who answers from now on for the accounts of somebody who is disabled; nobody else unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heir: Option<UserName>,
    /// What policies may choose them by, all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<BTreeMap<String, String>>,
    /// On which terms somebody of another company is let in from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<VendorTerms>,
    /// The person's everyday user, where this one is for privileged work only; empty for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
}

impl Control {
    /// Users in the permit's scopes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user_list(
        &self,
        permit: &Permit<Manage>,
        filter: &UserFilter,
        listing: &Listing,
    ) -> Result<Listed<User>, Error> {
        Ok(self.store().read().await?.users(&permit.action().scopes, filter, listing).await?)
    }

    /// One user in the permit's scopes.
    ///
    /// # Errors
    /// `NotFound` also when they are not the caller's to see.
    pub async fn user_show(&self, permit: &Permit<Manage>, name: &UserName) -> Result<User, Error> {
        visible(&mut self.store().read().await?, permit, name).await
    }

    /// The person of this id with their groups and roles, whoever asks: for deciding on them.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn user_facts(&self, id: &UserId) -> Result<User, Error> {
        self.store().read().await?.user(id).await?.ok_or_else(|| Error::not_found("user", id))
    }

    /// Makes a user, and the link by which they enrol.
    ///
    /// # Errors
    /// `NotFound` when the scope is not the caller's to see, `Conflict` when the name is taken,
    /// `Forbidden` when more would be given than the caller holds.
    pub async fn user_create(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        wish: UserCreate,
    ) -> Result<UserCreated, Error> {
        let email = text::email(wish.email.as_deref())?;
        if wish.vendor.is_some() && !wish.roles.is_empty() {
            return Err(Error::invalid("roles", "a vendor holds no roles: policies say what they may use"));
        }
        let scope = wish.scope.unwrap_or_else(|| caller.user.scope.clone());
        let mut tx = self.store().write(self.now()).await?;
        reachable(&mut tx, permit, &scope).await?;
        delegable(&mut tx, caller, &wish.roles, &scope).await?;
        let (now, workload) = (tx.now(), wish.kind == UserKind::Workload);
        let id = UserId::generate(now, random::bytes());
        let user = User {
            id: id.clone(),
            name: wish.name,
            email,
            scope,
            state: if workload { UserState::Active } else { UserState::Invited },
            groups: Vec::new(),
            roles: Vec::new(),
            totp: false,
            created_at: now,
            last_seen_at: None,
            profile: Profile { kind: wish.kind, ..Profile::default() },
        };
        let apart = KeptApart::before(&mut tx).await?;
        tx.user_create(&user).await?;
        tx.user_roles_set(&id, &wish.roles).await?;
        let identity = wish.identity.as_ref().map(ToString::to_string);
        let wanted = ProfileChange { attributes: Some(wish.attributes), vendor: wish.vendor, identity };
        let made = MadeRights::before(&mut tx, caller, std::slice::from_ref(&user.name)).await?;
        let known = profile::change(&mut tx, &user, wanted).await?;
        made.after(&mut tx, caller, &user.scope).await?;
        let mut events = vec![
            Event::done(now, caller.actor(), "user.create", user.name.as_str(), user.scope.clone())
                .with("roles", listed(&wish.roles))
                .with("groups", wish.groups.iter().map(ToString::to_string).collect::<Vec<_>>())
                .with("kind", serde_json::json!(wish.kind)),
        ];
        for name in &wish.groups {
            events.extend(group::join(&mut tx, caller, name, &user).await?);
        }
        apart.after(&mut tx).await?;
        let link = match workload {
            true => None,
            false => Some(self.link_make(&mut tx, LinkPurpose::Enrol, Some(&id)).await?.0),
        };
        let user = tx.user(&id).await?.ok_or_else(|| Error::not_found("user", &user.name))?;
        events.extend(known.iter().map(|field| profile_event(caller, &user, field, now)));
        self.commit(tx, &events).await?;
        Ok(UserCreated { user, link })
    }

    /// Changes a user. Disabling ends their logins, tokens, links, requests, grants and live sessions.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` when they hold more than the caller; `Conflict` when they are the last
    /// administrator.
    pub async fn user_change(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        name: &UserName,
        change: UserChange,
    ) -> Result<User, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let before = governed(&mut tx, caller, permit, name).await?;
        let mut after = before.clone();
        if change.heir.is_some() && change.state != Some(UserState::Disabled) {
            return Err(Error::invalid("heir", "is for somebody who is disabled: say state: disabled too"));
        }
        if let Some(email) = change.email.as_deref() {
            after.email = text::email(Some(email))?;
        }
        if let Some(state) = change.state {
            after.state = next_state(&mut tx, &before, state).await?;
        }
        if let Some(scope) = change.scope {
            reachable(&mut tx, permit, &scope).await?;
            after.scope = scope;
        }
        let guard = Administrators::before(&mut tx).await?;
        let own = OwnRights::before(&mut tx, caller).await?;
        let made = MadeRights::before(&mut tx, caller, std::slice::from_ref(&before.name)).await?;
        let apart = KeptApart::before(&mut tx).await?;
        tx.user_change(&after.id, after.email.as_deref(), &after.scope, after.state).await?;
        if after.scope != before.scope {
            tx.user_groups_leave(&after.id, &after.scope.tenant()).await?;
            let roles = tx.user_roles_direct(&after.id).await?;
            let kept: Vec<_> = roles.into_iter().filter_map(|role| role.within(&after.scope)).collect();
            tx.user_roles_set(&after.id, &kept).await?;
        }
        let disabled = before.state != UserState::Disabled && after.state == UserState::Disabled;
        if disabled {
            tx.user_cut_off(&after.id, "the user was disabled").await?;
        }
        let wanted = ProfileChange { attributes: change.attributes, vendor: change.vendor, identity: change.identity };
        link_theirs(&mut tx, caller, &before, wanted.identity.as_deref()).await?;
        let known = profile::change(&mut tx, &before, wanted).await?;
        guard.after(&mut tx).await?;
        apart.after(&mut tx).await?;
        made.after(&mut tx, caller, &before.scope).await?;
        if before.is_same_person(&caller.user) {
            own.after(&mut tx, caller, &before.scope).await?;
        }
        let user = tx.user(&after.id).await?.ok_or_else(|| Error::not_found("user", name))?;
        let mut events = change_events(caller, &before, &user, tx.now());
        events.extend(known.iter().map(|field| profile_event(caller, &user, field, tx.now())));
        if disabled || change.heir.is_some() {
            events.extend(self.leave(&mut tx, caller, &user, change.heir.as_ref()).await?);
        }
        self.commit(tx, &events).await?;
        if disabled {
            self.sessions_end_for_user(&user.id);
        }
        if known.contains(&"vendor") {
            self.redecide_live().await?;
        }
        Ok(user)
    }

    /// Replaces the roles that a user holds directly.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` when the caller would give or take what they do not hold themselves;
    /// `Conflict` when no administrator would be left.
    pub async fn user_roles_put(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        name: &UserName,
        roles: Vec<RoleAssignment>,
    ) -> Result<User, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let user = visible(&mut tx, permit, name).await?;
        let held = tx.user_roles_direct(&user.id).await?;
        let changed: Vec<_> = roles.iter().filter(|role| !held.contains(role)).cloned().collect();
        let taken: Vec<_> = held.iter().filter(|role| !roles.contains(role)).cloned().collect();
        delegable(&mut tx, caller, &changed, &user.scope).await?;
        delegable(&mut tx, caller, &taken, &user.scope).await?;
        let guard = Administrators::before(&mut tx).await?;
        let apart = KeptApart::before(&mut tx).await?;
        tx.user_roles_set(&user.id, &deduplicated(roles)).await?;
        guard.after(&mut tx).await?;
        apart.after(&mut tx).await?;
        let after = tx.user(&user.id).await?.ok_or_else(|| Error::not_found("user", name))?;
        let event = Event::done(tx.now(), caller.actor(), "user.roles_put", user.name.as_str(), user.scope)
            .with("given", listed(&changed))
            .with("taken", listed(&taken));
        self.commit(tx, &[event]).await?;
        Ok(after)
    }
}

/// Makes sure that a change leaves somebody who may do everything.
pub(crate) struct Administrators {
    any: bool,
}

impl Administrators {
    /// To be asked before the change.
    pub(crate) async fn before(rows: &mut WriteTx) -> Result<Self, Error> {
        shared::note(rows).await?;
        Ok(Self { any: !rows.users_over_all(ADMINISTRATOR).await?.is_empty() })
    }

    /// To be asked after it.
    pub(crate) async fn after(self, rows: &mut ReadTx) -> Result<(), Error> {
        if self.any && rows.users_over_all(ADMINISTRATOR).await?.is_empty() {
            return Err(Error::Conflict("this would leave no active administrator; make another one first".to_owned()));
        }
        Ok(())
    }
}

/// The user of this name, when they lie in the permit's scopes.
pub(crate) async fn visible(rows: &mut ReadTx, permit: &Permit<Manage>, name: &UserName) -> Result<User, Error> {
    let user = rows.user_by_name(name).await?.filter(|user| permit.covers(&user.scope));
    user.ok_or_else(|| Error::not_found("user", name))
}

/// The same when they hold nothing that the caller does not: otherwise whoever may issue a link could
/// become an administrator.
pub(crate) async fn governed(
    rows: &mut ReadTx,
    caller: &Caller,
    permit: &Permit<Manage>,
    name: &UserName,
) -> Result<User, Error> {
    let user = visible(rows, permit, name).await?;
    // Somebody disabled is looked at as if they were active again.
    let as_active = User { state: UserState::Active, ..user.clone() };
    let theirs = authenticate::authority(rows, &as_active).await?;
    match theirs.held.iter().find(|(permission, scope)| !caller.authority.covers(*permission, scope)) {
        None => Ok(user),
        Some((permission, scope)) => Err(Error::Forbidden(format!(
            "user `{name}` holds {} in {scope}, which you do not; somebody who does can change them",
            permission.as_str()
        ))),
    }
}

/// That the scope exists and the permit reaches it.
pub(crate) async fn reachable(rows: &mut ReadTx, permit: &Permit<Manage>, scope: &ScopePath) -> Result<(), Error> {
    if permit.covers(scope) && rows.scope_exists(scope).await? { Ok(()) } else { Err(Error::not_found("scope", scope)) }
}

/// That the caller may give or take each of `roles` of somebody in `scope`.
pub(crate) async fn delegable(
    rows: &mut ReadTx,
    caller: &Caller,
    roles: &[RoleAssignment],
    scope: &ScopePath,
) -> Result<(), Error> {
    if roles.is_empty() {
        return Ok(());
    }
    let known = authenticate::roles(rows).await?;
    for assignment in roles {
        let role = known.iter().find(|role| role.name == assignment.role);
        let role = role.ok_or_else(|| Error::not_found("role", &assignment.role))?;
        if !rows.scope_exists(&assignment.scope).await? || !sees(caller, &assignment.scope) {
            return Err(Error::not_found("scope", &assignment.scope));
        }
        if !scope.contains(&assignment.scope) {
            let message =
                format!("{} does not lie in {scope}: roles are held in one's own scope or below", assignment.scope);
            return Err(Error::invalid("roles", message));
        }
        may_delegate(caller, role, &assignment.scope)?;
    }
    Ok(())
}

fn may_delegate(caller: &Caller, role: &Role, scope: &ScopePath) -> Result<(), Error> {
    if !caller.authority.covers(Permission::RoleWrite, scope) {
        return Err(Error::Forbidden(format!(
            "giving or taking roles in {scope} needs the permission role:write there"
        )));
    }
    if !caller.authority.may_delegate(role, scope) {
        return Err(Error::Forbidden(format!("the role {} allows more in {scope} than you may do there", role.name)));
    }
    Ok(())
}

/// That nobody takes their own users apart, who could then say yes to themselves, except where they alone may
/// change policies.
async fn link_theirs(tx: &mut WriteTx, caller: &Caller, user: &User, wanted: Option<&str>) -> Result<(), Error> {
    let linked = user.profile.identity.as_ref().map_or("", UserName::as_str);
    let stays = wanted.is_none_or(|wanted| wanted == linked);
    if stays || !user.is_same_person(&caller.user) || shared::alone(tx, caller, &user.scope).await? {
        return Ok(());
    }
    let message = "the link between users of your own makes them count as one person: somebody else has to change it";
    Err(Error::Forbidden(message.to_owned()))
}

fn sees(caller: &Caller, scope: &ScopePath) -> bool {
    caller.authority.held.iter().any(|(_, held)| held.contains(scope))
}

async fn next_state(rows: &mut ReadTx, user: &User, wanted: UserState) -> Result<UserState, Error> {
    match (user.state, wanted) {
        (now, wanted) if now == wanted => Ok(now),
        (_, UserState::Disabled) => Ok(UserState::Disabled),
        (UserState::Disabled, UserState::Active) => {
            let enrolled = user.is_workload() || rows.proofs(&user.id).await?.password_hash.is_some();
            Ok(if enrolled { UserState::Active } else { UserState::Invited })
        }
        (UserState::Invited, UserState::Active) => {
            Err(Error::Conflict(format!("user `{}` becomes active by using their enrolment link", user.name)))
        }
        _ => Err(Error::invalid("state", "say active or disabled; for a new enrolment issue a link")),
    }
}

fn change_events(caller: &Caller, before: &User, after: &User, now: Timestamp) -> Vec<Event> {
    let event = |action: &str| Event::done(now, caller.actor(), action, after.name.as_str(), after.scope.clone());
    let mut events = Vec::new();
    if before.state != after.state {
        events.push(event(if after.state == UserState::Disabled { "user.disable" } else { "user.enable" }));
    }
    if before.email != after.email {
        events.push(event("user.change").with("field", "email"));
    }
    if before.scope != after.scope {
        let moved = event("user.change").with("field", "scope");
        events.push(moved.with("from", before.scope.as_str()).with("to", after.scope.as_str()));
    }
    events
}

/// What the ledger is told of a field of somebody's profile.
fn profile_event(caller: &Caller, user: &User, field: &'static str, now: Timestamp) -> Event {
    let event = Event::done(now, caller.actor(), "user.change", user.name.as_str(), user.scope.clone());
    let event = event.with("field", field);
    match (field, user.vendor()) {
        ("attributes", _) => event.with("attributes", serde_json::json!(user.profile.attributes)),
        ("identity", _) => event.with("identity", user.profile.identity.as_ref().map_or("", UserName::as_str)),
        (_, Some(vendor)) => event
            .with("sponsor", vendor.sponsor.as_str())
            .with("ends_at", vendor.ends_at.to_string())
            .with("networks", vendor.networks.iter().map(ToString::to_string).collect::<Vec<_>>())
            .with("hours", serde_json::json!(vendor.hours)),
        _ => event,
    }
}

/// Assignments for the ledger: `auditor in /emea`.
pub(crate) fn listed(roles: &[RoleAssignment]) -> Vec<String> {
    roles.iter().map(|assignment| format!("{} in {}", assignment.role, assignment.scope)).collect()
}

pub(crate) fn deduplicated(mut roles: Vec<RoleAssignment>) -> Vec<RoleAssignment> {
    roles.sort();
    roles.dedup();
    roles
}

#[cfg(test)]
mod tests;
