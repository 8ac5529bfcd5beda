use std::time::Duration;

use postern_domain::event::Outcome;
use postern_domain::permission::{Permission, RoleAssignment};
use postern_domain::permit::{Manage, Permit};
use postern_domain::user::UserState;
use postern_domain::{SecretText, UserName};
use postern_store::{Listing, PageRequest, UserFilter};

use super::{UserChange, UserCreate};
use crate::testing::World;
use crate::token::TokenCreate;
use crate::{Caller, Error};

fn name(text: &str) -> UserName {
    text.parse().expect("a name")
}

fn wish(text: &str) -> UserCreate {
    UserCreate {
        name: name(text),
        email: None,
        scope: None,
        groups: Vec::new(),
        roles: Vec::new(),
        kind: Default::default(),
        attributes: Default::default(),
        vendor: None,
        identity: None,
    }
}

fn role(role: &str, scope: &str) -> RoleAssignment {
    RoleAssignment { role: role.parse().expect("a role"), scope: scope.parse().expect("a scope") }
}

fn disable() -> UserChange {
    UserChange { state: Some(UserState::Disabled), ..UserChange::default() }
}

fn permit(caller: &Caller, permission: Permission) -> Permit<Manage> {
    caller.permit(permission).expect("a permit")
}

/// Two tenants, each with an administrator, and one of everything.
async fn tenants() -> World {
    let world = World::new().await;
    world.person("ada", "/", &[("administrator", "/")]).await;
    world.person("emma", "/emea", &[("administrator", "/emea")]).await;
    world.person("paul", "/emea/payments", &[]).await;
    world.person("andy", "/apac", &[("administrator", "/apac")]).await;
    world.person("anna", "/apac", &[]).await;
    world
}

#[tokio::test]
async fn a_user_is_made_with_a_link_and_groups_that_did_not_exist() {
    let world = tenants().await;
    let ada = world.caller("ada").await;
    let wish = UserCreate {
        email: Some("ben@example.test".to_owned()),
        groups: vec!["sre".parse().expect("a name")],
        roles: vec![role("auditor", "/")],
        ..wish("ben")
    };
    let made = world.control.user_create(&ada, &permit(&ada, Permission::UserWrite), wish.clone()).await.expect("made");
    assert_eq!(made.user.state, UserState::Invited);
    assert_eq!(made.user.groups, ["sre".parse().expect("a name")]);
    assert_eq!(made.user.roles, [role("auditor", "/")]);
    let link = made.link.expect("a link");
    assert!(link.url.starts_with("https://gate.example.test:8443/enrol/"));
    let twice = world.control.user_create(&ada, &permit(&ada, Permission::UserWrite), wish).await;
    assert!(matches!(twice, Err(Error::Conflict(ref text)) if text.contains("exists")));
    let token = link.url.rsplit('/').next().expect("a token");
    let written = serde_json::to_string(&world.events("user").await).expect("text");
    assert!(written.contains("user.create") && !written.contains(token), "the link is not in the ledger");
}

#[tokio::test]
async fn an_invited_user_cannot_act() {
    let world = tenants().await;
    let ada = world.caller("ada").await;
    world.control.user_create(&ada, &permit(&ada, Permission::UserWrite), wish("ben")).await.expect("made");
    let token = world.login("ben").await;
    assert!(world.control.authenticate(token, world.visitor()).await.is_err());
}

#[tokio::test]
async fn tenants_do_not_see_each_other() {
    let world = tenants().await;
    let emma = world.caller("emma").await;
    let read = permit(&emma, Permission::UserRead);
    let listed = |filter: UserFilter| {
        let (control, read) = (&world.control, &read);
        async move {
            let page = control.user_list(read, &filter, &Listing::default()).await.expect("a list");
            page.items.iter().map(|user| user.name.to_string()).collect::<Vec<_>>()
        }
    };
    assert_eq!(listed(UserFilter::default()).await, ["emma", "paul"]);
    assert_eq!(listed(UserFilter { q: Some("an".to_owned()), ..UserFilter::default() }).await, [""; 0]);
    assert_eq!(
        listed(UserFilter { scope: Some("/apac".parse().expect("a scope")), ..UserFilter::default() }).await,
        [""; 0]
    );
    assert_eq!(listed(UserFilter { q: Some("PAU".to_owned()), ..UserFilter::default() }).await, ["paul"]);
    let error = async |text: &str| match world.control.user_show(&read, &name(text)).await {
        Err(error @ Error::NotFound { .. }) => error.to_string().replace(text, "NAME"),
        _ => panic!("{text} is seen"),
    };
    assert_eq!(error("anna").await, error("nobody").await, "there and not there are the same");
    assert_eq!(error("ada").await, error("nobody").await);
}

#[tokio::test]
async fn pages_follow_each_other() {
    let world = tenants().await;
    let ada = world.caller("ada").await;
    let read = permit(&ada, Permission::UserRead);
    let (mut names, mut cursor) = (Vec::new(), None);
    loop {
        let page = PageRequest { cursor, limit: Some(2) };
        let page = world.control.user_list(&read, &UserFilter::default(), &page.into()).await.expect("a page");
        names.extend(page.items.into_iter().map(|user| user.name.to_string()));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(names, ["ada", "andy", "anna", "emma", "paul"]);
}

#[tokio::test]
async fn administration_ends_where_the_scope_does() {
    let world = tenants().await;
    let emma = world.caller("emma").await;
    let write = permit(&emma, Permission::UserWrite);
    let inside = UserCreate { scope: Some("/emea/payments".parse().expect("a scope")), ..wish("ben") };
    world.control.user_create(&emma, &write, inside).await.expect("made");
    for scope in ["/", "/apac", "/nowhere"] {
        let outside = UserCreate { scope: Some(scope.parse().expect("a scope")), ..wish("eve") };
        let refused = world.control.user_create(&emma, &write, outside).await;
        assert!(matches!(refused, Err(Error::NotFound { noun: "scope", .. })), "{scope}");
    }
    for other in ["anna", "ada", "nobody"] {
        let refused = world.control.user_change(&emma, &write, &name(other), disable()).await;
        assert!(matches!(refused, Err(Error::NotFound { noun: "user", .. })), "{other}");
        assert!(world.control.user_link(&emma, &write, &name(other)).await.is_err());
    }
}

#[tokio::test]
async fn delegation_only_shrinks() {
    let world = tenants().await;
    world.person("olga", "/emea", &[("operator", "/emea"), ("helpdesk", "/emea")]).await;
    let ada = world.caller("ada").await;
    let body = crate::RoleBody { permissions: [Permission::UserWrite, Permission::RoleWrite].into() };
    let roles = permit(&ada, Permission::RoleWrite);
    world.control.role_put(&ada, &roles, &"helpdesk".parse().expect("a role"), body).await.expect("a role");

    let olga = world.caller("olga").await;
    let write = permit(&olga, Permission::UserWrite);
    let with = |assignment: RoleAssignment, scope: &str| UserCreate {
        scope: Some(scope.parse().expect("a scope")),
        roles: vec![assignment],
        ..wish("ben")
    };
    for (assignment, scope) in [
        (role("administrator", "/emea"), "/emea"),
        (role("auditor", "/emea"), "/emea"),
        (role("approver", "/emea/payments"), "/emea"),
    ] {
        let refused = world.control.user_create(&olga, &write, with(assignment.clone(), scope)).await;
        assert!(matches!(refused, Err(Error::Forbidden(_))), "{assignment:?}");
    }
    let upward = world.control.user_create(&olga, &write, with(role("operator", "/"), "/emea")).await;
    assert!(matches!(upward, Err(Error::NotFound { noun: "scope", .. })));
    let sideways = world.control.user_create(&olga, &write, with(role("operator", "/emea"), "/emea/payments")).await;
    assert!(matches!(sideways, Err(Error::Invalid { .. })), "above the user's own scope");
    let unknown = world.control.user_create(&olga, &write, with(role("wizard", "/emea"), "/emea")).await;
    assert!(matches!(unknown, Err(Error::NotFound { noun: "role", .. })));
    let below = with(role("operator", "/emea/payments"), "/emea/payments");
    world.control.user_create(&olga, &write, below).await.expect("what she holds she may hand down");

    let (write, wanted) = (permit(&olga, Permission::RoleWrite), vec![role("administrator", "/emea")]);
    let own = world.control.user_roles_put(&olga, &write, &name("olga"), wanted).await;
    assert!(matches!(own, Err(Error::Forbidden(_))), "nor to herself");
}

#[tokio::test]
async fn nobody_takes_over_somebody_who_may_do_more() {
    let world = tenants().await;
    world.person("olga", "/emea", &[("helpdesk", "/emea")]).await;
    let ada = world.caller("ada").await;
    let body = crate::RoleBody { permissions: [Permission::UserRead, Permission::UserWrite].into() };
    let roles = permit(&ada, Permission::RoleWrite);
    world.control.role_put(&ada, &roles, &"helpdesk".parse().expect("a role"), body).await.expect("a role");
    let olga = world.caller("olga").await;
    let write = permit(&olga, Permission::UserWrite);
    assert!(matches!(world.control.user_link(&olga, &write, &name("emma")).await, Err(Error::Forbidden(_))));
    assert!(matches!(
        world.control.user_change(&olga, &write, &name("emma"), disable()).await,
        Err(Error::Forbidden(_))
    ));
    world.control.user_link(&olga, &write, &name("paul")).await.expect("he may do no more than she");
}

#[tokio::test]
async fn an_auditor_reads_and_changes_nothing() {
    let world = tenants().await;
    world.person("otto", "/", &[("auditor", "/")]).await;
    let otto = world.caller("otto").await;
    let own = [Permission::RequestCreate];
    for permission in Permission::ALL {
        let held = otto.permit(*permission).is_some();
        assert_eq!(held, !permission.changes() || own.contains(permission), "{}", permission.as_str());
    }
}

#[tokio::test]
async fn disabling_ends_everything_and_enabling_brings_nothing_back() {
    let world = tenants().await;
    let login = world.login("paul").await;
    let paul = world.caller("paul").await;
    let wish = TokenCreate {
        name: "ci".to_owned(),
        permissions: [Permission::RequestCreate].into(),
        scope: None,
        expires_in_seconds: 3600,
        user: None,
    };
    let token = SecretText::new(world.control.token_create(&paul, wish).await.expect("a token").token);
    let ada = world.caller("ada").await;
    let write = permit(&ada, Permission::UserWrite);
    let user = world.control.user_change(&ada, &write, &name("paul"), disable()).await.expect("disabled");
    assert_eq!(user.state, UserState::Disabled);
    let enable = UserChange { state: Some(UserState::Active), ..UserChange::default() };
    for round in ["disabled", "enabled again"] {
        for credential in [&login, &token] {
            let answer = world.control.authenticate(credential.clone(), world.visitor()).await;
            assert!(answer.is_err(), "{round}");
        }
        world.control.user_change(&ada, &write, &name("paul"), enable.clone()).await.expect("enabled");
    }
    world.caller("paul").await;
    let events = world.events("user.disable").await;
    assert_eq!((events.len(), events[0].outcome), (1, Outcome::Done));
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let world = World::new().await;
    world.person("ada", "/", &[("administrator", "/")]).await;
    let ada = world.caller("ada").await;
    let write = permit(&ada, Permission::UserWrite);
    let roles = permit(&ada, Permission::RoleWrite);
    let refused = world.control.user_change(&ada, &write, &name("ada"), disable()).await;
    assert!(matches!(refused, Err(Error::Conflict(_))));
    let refused = world.control.user_roles_put(&ada, &roles, &name("ada"), Vec::new()).await;
    assert!(matches!(refused, Err(Error::Conflict(_))));
    world.scope("/emea").await;
    let moved = UserChange { scope: Some("/emea".parse().expect("a scope")), ..UserChange::default() };
    assert!(matches!(world.control.user_change(&ada, &write, &name("ada"), moved).await, Err(Error::Conflict(_))));
    world.caller("ada").await;

    world.person("eva", "/", &[("administrator", "/")]).await;
    world.control.user_change(&ada, &write, &name("ada"), disable()).await.expect("there is another one");
}

#[tokio::test]
async fn somebody_who_moves_leaves_their_groups_and_rights_behind() {
    let world = tenants().await;
    world.group("sre", "/emea", &["paul"]).await;
    let ada = world.caller("ada").await;
    let roles = permit(&ada, Permission::RoleWrite);
    let held = vec![role("operator", "/emea/payments")];
    world.control.user_roles_put(&ada, &roles, &name("paul"), held).await.expect("roles");
    let moved = UserChange { scope: Some("/apac".parse().expect("a scope")), ..UserChange::default() };
    let write = permit(&ada, Permission::UserWrite);
    let paul = world.control.user_change(&ada, &write, &name("paul"), moved).await.expect("moved");
    assert_eq!((paul.groups.len(), paul.roles.len()), (0, 0));
}

#[tokio::test]
async fn addresses_are_checked() {
    let world = tenants().await;
    let ada = world.caller("ada").await;
    let write = permit(&ada, Permission::UserWrite);
    for email in ["ben", "@example.test", "ben@", "a b@example.test", "b\n@example.test", &"x".repeat(300)] {
        let wish = UserCreate { email: Some(email.to_owned()), ..wish("ben") };
        let refused = world.control.user_create(&ada, &write, wish).await;
        assert!(matches!(refused, Err(Error::Invalid { field, .. }) if field == "email"), "{email}");
    }
}

#[tokio::test]
async fn use_is_recorded_once_a_minute() {
    let world = tenants().await;
    let token = world.login("ada").await;
    let seen = async || {
        world.control.authenticate(token.clone(), world.visitor()).await.expect("a caller");
        let ada = world.control.store().read().await.expect("a snapshot").user_by_name(&name("ada")).await;
        ada.expect("an answer").expect("a user").last_seen_at
    };
    assert_eq!(seen().await, None, "just signed in");
    world.clock.advance(Duration::from_secs(60));
    let minute = world.now();
    assert_eq!(seen().await, Some(minute));
    world.clock.advance(Duration::from_secs(59));
    assert_eq!(seen().await, Some(minute));
}
