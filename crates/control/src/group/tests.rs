use postern_domain::permission::{Permission, RoleAssignment};
use postern_domain::permit::{Manage, Permit};
use postern_domain::{GroupName, ScopePath, UserName};
use postern_store::Listing;

use super::GroupBody;
use crate::testing::World;
use crate::user::UserCreate;
use crate::{Caller, Error};

fn group(text: &str) -> GroupName {
    text.parse().expect("a name")
}

fn scope(text: &str) -> ScopePath {
    text.parse().expect("a scope")
}

fn role(role: &str, within: &str) -> RoleAssignment {
    RoleAssignment { role: role.parse().expect("a role"), scope: scope(within) }
}

fn members(names: &[&str]) -> GroupBody {
    let members: std::collections::BTreeSet<UserName> =
        names.iter().map(|name| name.parse().expect("a name")).collect();
    GroupBody { members: Some(members), ..GroupBody::default() }
}

fn permit(caller: &Caller) -> Permit<Manage> {
    caller.permit(Permission::GroupWrite).expect("a permit")
}

async fn tenants() -> World {
    let world = World::new().await;
    world.person("ada", "/", &[("administrator", "/")]).await;
    world.person("emma", "/emea", &[("administrator", "/emea")]).await;
    world.person("paul", "/emea/payments", &[]).await;
    world.person("andy", "/apac", &[("administrator", "/apac")]).await;
    world
}

#[tokio::test]
async fn what_is_not_given_stays_and_what_stays_is_not_written_down() {
    let world = tenants().await;
    let ada = world.caller("ada").await;
    let put = async |body: GroupBody| world.control.group_put(&ada, &permit(&ada), &group("sre"), body).await;
    put(members(&["paul", "ada"])).await.expect("made");
    let with_role = GroupBody { roles: Some([role("auditor", "/")].into()), ..GroupBody::default() };
    put(with_role.clone()).await.expect("changed");
    let same = put(with_role).await.expect("the same");
    assert_eq!(same.members.len(), 2);
    assert_eq!(world.events("group.put").await.len(), 2, "nothing happened the third time");
    let empty = put(members(&[])).await.expect("changed");
    assert_eq!((empty.members.len(), empty.roles.len()), (0, 1));
}

#[tokio::test]
async fn roles_come_and_go_with_membership() {
    let world = tenants().await;
    let ada = world.caller("ada").await;
    let body =
        GroupBody { scope: Some(scope("/emea")), roles: Some([role("auditor", "/emea")].into()), ..members(&["paul"]) };
    world.control.group_put(&ada, &permit(&ada), &group("audit"), body).await.expect("made");
    let paul = world.caller("paul").await;
    assert_eq!(
        paul.authority.scopes(Permission::AuditRead),
        [scope("/emea/payments")],
        "a role never reaches beyond the scope that somebody belongs to"
    );
    world.control.group_put(&ada, &permit(&ada), &group("audit"), members(&[])).await.expect("changed");
    assert!(world.caller("paul").await.permit(Permission::AuditRead).is_none());
}

#[tokio::test]
async fn groups_stay_within_their_tenant() {
    let world = tenants().await;
    let emma = world.caller("emma").await;
    world.control.group_put(&emma, &permit(&emma), &group("sre"), members(&["paul"])).await.expect("made");
    for stranger in ["andy", "ada", "nobody"] {
        let refused = world.control.group_put(&emma, &permit(&emma), &group("sre"), members(&[stranger])).await;
        assert!(matches!(refused, Err(Error::NotFound { noun: "user", .. })), "{stranger}");
    }
    let andy = world.caller("andy").await;
    world.control.group_put(&andy, &permit(&andy), &group("sre"), members(&["andy"])).await.expect("a name of his own");
    let listed = world.control.group_list(&permit(&andy), None, &Listing::default()).await.expect("a list");
    assert_eq!(listed.items.len(), 1);
    assert_eq!(listed.items[0].scope, scope("/apac"));
    let shown = world.control.group_show(&andy, &permit(&andy), &group("sre"), Some(&scope("/emea"))).await;
    assert!(matches!(shown, Err(Error::NotFound { noun: "group", .. })));

    let ada = world.caller("ada").await;
    let several = world.control.group_show(&ada, &permit(&ada), &group("sre"), None).await;
    assert!(matches!(several, Err(Error::Conflict(_))), "she sees two");
    let one = world.control.group_show(&ada, &permit(&ada), &group("sre"), Some(&scope("/emea"))).await;
    assert_eq!(one.expect("a group").scope, scope("/emea"));
    let moved = GroupBody { scope: Some(scope("/emea")), ..members(&["andy"]) };
    let refused = world.control.group_put(&ada, &permit(&ada), &group("sre"), moved).await;
    assert!(matches!(refused, Err(Error::Invalid { field, .. }) if field == "members"));
}

#[tokio::test]
async fn a_tenant_cannot_shadow_a_group_of_the_root() {
    let world = tenants().await;
    let ada = world.caller("ada").await;
    world.control.group_put(&ada, &permit(&ada), &group("root-admins"), GroupBody::default()).await.expect("made");
    let emma = world.caller("emma").await;
    let refused = world.control.group_put(&emma, &permit(&emma), &group("root-admins"), members(&["emma"])).await;
    assert!(matches!(refused, Err(Error::Conflict(_))));
}

#[tokio::test]
async fn a_group_is_no_way_round_delegation() {
    let world = tenants().await;
    let ada = world.caller("ada").await;
    let body =
        crate::RoleBody { permissions: [Permission::GroupWrite, Permission::UserRead, Permission::UserWrite].into() };
    let roles = ada.permit(Permission::RoleWrite).expect("a permit");
    world.control.role_put(&ada, &roles, &"teamlead".parse().expect("a role"), body).await.expect("a role");
    world.person("lea", "/emea", &[("teamlead", "/emea")]).await;
    let lea = world.caller("lea").await;
    let admins =
        GroupBody { scope: Some(scope("/emea")), roles: Some([role("administrator", "/emea")].into()), ..members(&[]) };
    world.control.group_put(&ada, &permit(&ada), &group("admins"), admins).await.expect("made");
    let joining = world.control.group_put(&lea, &permit(&lea), &group("admins"), members(&["lea"])).await;
    assert!(matches!(joining, Err(Error::Forbidden(_))), "joining a group that brings more");
    let own = GroupBody { roles: Some([role("administrator", "/emea")].into()), ..members(&["lea"]) };
    let refused = world.control.group_put(&lea, &permit(&lea), &group("mine"), own).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "making one that does");
    let wish = UserCreate {
        name: "eve".parse().expect("a name"),
        email: None,
        scope: None,
        groups: vec![group("admins")],
        roles: Vec::new(),
        kind: Default::default(),
        attributes: Default::default(),
        vendor: None,
        identity: None,
    };
    let write = lea.permit(Permission::UserWrite).expect("a permit");
    let by_user = world.control.user_create(&lea, &write, wish).await;
    assert!(matches!(by_user, Err(Error::Forbidden(_))), "making somebody who is in it");
    let gone = world.control.group_delete(&lea, &permit(&lea), &group("admins"), None).await;
    assert!(matches!(gone, Err(Error::Forbidden(_))), "taking what she could not give");
}

#[tokio::test]
async fn the_last_administrator_stays_in_the_group_that_makes_them_one() {
    let world = World::new().await;
    world.person("ada", "/", &[("administrator", "/")]).await;
    let ada = world.caller("ada").await;
    let admins = GroupBody { roles: Some([role("administrator", "/")].into()), ..members(&["ada"]) };
    world.control.group_put(&ada, &permit(&ada), &group("admins"), admins).await.expect("made");
    let roles = ada.permit(Permission::RoleWrite).expect("a permit");
    let name = "ada".parse().expect("a name");
    world.control.user_roles_put(&ada, &roles, &name, Vec::new()).await.expect("the group still makes her one");
    let refused = world.control.group_put(&ada, &permit(&ada), &group("admins"), members(&[])).await;
    assert!(matches!(refused, Err(Error::Conflict(_))));
    let refused = world.control.group_delete(&ada, &permit(&ada), &group("admins"), None).await;
    assert!(matches!(refused, Err(Error::Conflict(_))));
}
