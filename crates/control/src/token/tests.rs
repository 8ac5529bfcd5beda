use std::time::Duration;

use postern_domain::SecretText;
use postern_domain::permission::Permission;
use postern_store::Listing;

use super::TokenCreate;
use crate::testing::World;
use crate::{CredentialUsed, Error};

fn wish(permissions: &[Permission], scope: Option<&str>) -> TokenCreate {
    TokenCreate {
        name: "deploy".to_owned(),
        permissions: permissions.iter().copied().collect(),
        scope: scope.map(|scope| scope.parse().expect("a scope")),
        expires_in_seconds: 3600,
        user: None,
    }
}

async fn emea() -> World {
    let world = World::new().await;
    world.person("emma", "/emea", &[("operator", "/emea")]).await;
    world.scope("/emea/payments").await;
    world.scope("/apac").await;
    world
}

#[tokio::test]
async fn a_token_carries_its_part_of_the_rights_and_no_more() {
    let world = emea().await;
    let emma = world.caller("emma").await;
    let wish = wish(&[Permission::AssetRead, Permission::RequestCreate], Some("/emea/payments"));
    let made = world.control.token_create(&emma, wish).await.expect("made");
    let caller = world.control.authenticate(SecretText::new(made.token), world.visitor()).await.expect("a caller");
    assert!(matches!(caller.credential, CredentialUsed::Token(_)));
    assert_eq!(caller.mfa_at, None);
    let held: Vec<_> = caller.authority.held.iter().map(|(held, scope)| (*held, scope.as_str())).collect();
    assert!(held.iter().all(|(held, scope)| {
        *scope == "/emea/payments" && [Permission::AssetRead, Permission::RequestCreate].contains(held)
    }));
    assert!(caller.permit(Permission::AssetWrite).is_none());
}

#[tokio::test]
async fn nobody_makes_a_token_that_may_do_more_than_they() {
    let world = emea().await;
    let emma = world.caller("emma").await;
    for refused in [
        wish(&[Permission::UserWrite], None),
        wish(&[Permission::AssetRead], Some("/apac")),
        wish(&[Permission::AssetRead], Some("/")),
    ] {
        assert!(matches!(world.control.token_create(&emma, refused).await, Err(Error::Forbidden(_))));
    }
}

#[tokio::test]
async fn a_token_shrinks_with_its_owner() {
    let world = emea().await;
    world.person("ada", "/", &[("administrator", "/")]).await;
    let emma = world.caller("emma").await;
    let made = world.control.token_create(&emma, wish(&[Permission::AssetRead], None)).await.expect("made");
    let ada = world.caller("ada").await;
    let roles = ada.permit(Permission::RoleWrite).expect("a permit");
    world.control.user_roles_put(&ada, &roles, &emma.user.name, Vec::new()).await.expect("taken");
    let caller = world.control.authenticate(SecretText::new(made.token), world.visitor()).await.expect("a caller");
    assert!(caller.authority.held.is_empty());
}

#[tokio::test]
async fn a_token_cannot_make_anything_that_outlives_it() {
    let world = emea().await;
    let emma = world.caller("emma").await;
    let made = world.control.token_create(&emma, wish(&[Permission::AssetRead], None)).await.expect("made");
    let token = SecretText::new(made.token);
    let caller = world.control.authenticate(token, world.visitor()).await.expect("a caller");
    let forbidden = |answer: Result<(), Error>| assert!(matches!(answer, Err(Error::Forbidden(_))));
    let another = world.control.token_create(&caller, wish(&[Permission::AssetRead], None)).await;
    forbidden(another.map(|_| ()));
    forbidden(world.control.token_revoke(&caller, &made.api_token.id).await);
    let key = crate::SshKeyAdd { public_key: "ssh-ed25519 AAAA".to_owned(), comment: None, user: None };
    forbidden(world.control.ssh_key_add(&caller, &key).await.map(|_| ()));
    forbidden(world.control.login_end_all(&caller).await);
}

#[tokio::test]
async fn tokens_end() {
    let world = emea().await;
    world.person("eve", "/emea", &[]).await;
    let emma = world.caller("emma").await;
    let make = async || world.control.token_create(&emma, wish(&[Permission::AssetRead], None)).await.expect("made");
    let alive = async |token: &str| {
        world.control.authenticate(SecretText::new(token.to_owned()), world.visitor()).await.is_ok()
    };
    let (revoked, expired) = (make().await, make().await);
    assert!(alive(&revoked.token).await);
    let eve = world.caller("eve").await;
    let by_another = world.control.token_revoke(&eve, &revoked.api_token.id).await;
    assert!(matches!(by_another, Err(Error::NotFound { .. })));
    world.control.token_revoke(&emma, &revoked.api_token.id).await.expect("revoked");
    assert!(!alive(&revoked.token).await);
    assert!(world.control.token_revoke(&emma, &revoked.api_token.id).await.is_err());
    let listed = world.control.token_list(&emma, &Listing::default()).await.expect("a list");
    assert_eq!(listed.items.iter().map(|token| &token.id).collect::<Vec<_>>(), [&expired.api_token.id]);
    world.clock.advance(Duration::from_secs(3600));
    assert!(!alive(&expired.token).await);
}

#[tokio::test]
async fn what_is_asked_for_is_bounded() {
    let world = emea().await;
    let emma = world.caller("emma").await;
    let base = || wish(&[Permission::AssetRead], None);
    for (wrong, field) in [
        (TokenCreate { expires_in_seconds: 59, ..base() }, "expires_in_seconds"),
        (TokenCreate { expires_in_seconds: 367 * 24 * 3600, ..base() }, "expires_in_seconds"),
        (TokenCreate { expires_in_seconds: u64::MAX, ..base() }, "expires_in_seconds"),
        (TokenCreate { name: "a\nb".to_owned(), ..base() }, "name"),
        (TokenCreate { name: "x".repeat(101), ..base() }, "name"),
        (wish(&[], None), "permissions"),
    ] {
        let refused = world.control.token_create(&emma, wrong).await.map(|_| ());
        assert!(matches!(refused, Err(Error::Invalid { field: ref named, .. }) if named == field), "{field}");
    }
}
