use postern_domain::SecretText;
use postern_domain::event::Outcome;
use postern_domain::policy::Reason;
use postern_domain::user::UserState;

use super::*;
use crate::testing::World;
use crate::{UserChange, UserCreate};

/// Ada and Max administer everything, Ben nothing.
async fn world() -> World {
    let world = World::new().await;
    for name in ["ada", "max"] {
        world.person(name, "/", &[("administrator", "/")]).await;
    }
    world.person("ben", "/", &[]).await;
    world
}

async fn caller(world: &World, name: &str) -> (Caller, Permit<Manage>) {
    let caller = world.caller(name).await;
    let permit = caller.permit(Permission::UserWrite).expect("a permit");
    (caller, permit)
}

async fn link(world: &World, maker: &str, user: &str) -> LinkIssued {
    let (maker, permit) = caller(world, maker).await;
    world.control.user_link(&maker, &permit, &user.parse().unwrap()).await.expect("a link")
}

async fn confirm(world: &World, who: &str, user: &str) -> Result<WaitingCredential, Error> {
    let (who, permit) = caller(world, who).await;
    world.control.user_link_confirm(&who, &permit, &user.parse().unwrap()).await
}

async fn works(world: &World, link: &LinkIssued) -> bool {
    let token = link.url.rsplit_once('/').expect("a token").1;
    match world.control.link_show(&SecretText::new(token.to_owned())).await {
        Ok(_) => true,
        Err(Error::Conflict(_) | Error::Link) => false,
        Err(other) => panic!("{other}"),
    }
}

fn disabled() -> UserChange {
    UserChange { state: Some(UserState::Disabled), ..UserChange::default() }
}

#[tokio::test]
async fn nobody_becomes_somebody_else_alone() {
    let world = world().await;
    let made = link(&world, "ada", "ben").await;
    assert!(made.awaits_confirmation && !works(&world, &made).await);
    assert!(matches!(confirm(&world, "ada", "ben").await, Err(Error::Refused(why)) if why == [Reason::OwnLink]));
    assert_eq!(world.events("user.link_confirm").await[0].outcome, Outcome::Refused);
    let (_, permit) = caller(&world, "max").await;
    let waiting = world.control.credentials_waiting(&permit).await.unwrap();
    assert_eq!((waiting[0].user.as_str(), waiting[0].made_by.as_str()), ("ben", "ada"));
    confirm(&world, "max", "ben").await.unwrap();
    assert!(works(&world, &made).await);
    assert!(world.control.credentials_waiting(&permit).await.unwrap().is_empty());
    assert!(matches!(confirm(&world, "max", "ben").await, Err(Error::Conflict(_))), "it waits no more");
}

#[tokio::test]
async fn a_second_user_of_ones_own_confirms_nothing() {
    let world = world().await;
    let (ada, permit) = caller(&world, "ada").await;
    world.person("ada-adm", "/", &[("administrator", "/")]).await;
    let linked = UserChange { identity: Some("ada".to_owned()), ..UserChange::default() };
    let (max, max_permit) = caller(&world, "max").await;
    let own = "ada-adm".parse().unwrap();
    world.control.user_change(&max, &max_permit, &own, linked).await.unwrap();
    let made = link(&world, "ada", "ben").await;
    assert!(matches!(confirm(&world, "ada-adm", "ben").await, Err(Error::Refused(why)) if why == [Reason::OwnLink]));
    let apart = UserChange { identity: Some(String::new()), ..UserChange::default() };
    let refused = world.control.user_change(&ada, &permit, &own, apart.clone()).await;
    assert!(matches!(refused, Err(Error::Forbidden(_))), "nobody takes their own users apart");
    world.person("zoe", "/", &[("administrator", "/")]).await;
    let (zoe, zoe_permit) = caller(&world, "zoe").await;
    world.control.user_change(&zoe, &zoe_permit, &own, apart).await.expect("somebody else does");
    assert!(!works(&world, &made).await);
}

#[tokio::test]
async fn whoever_takes_the_others_away_waits_and_is_heard() {
    let world = world().await;
    let (ada, permit) = caller(&world, "ada").await;
    world.control.user_change(&ada, &permit, &"max".parse().unwrap(), disabled()).await.unwrap();
    let made = link(&world, "ada", "ben").await;
    assert!(!made.awaits_confirmation && made.works_from == Some(world.now().after(NOTICE)));
    assert!(!works(&world, &made).await);
    let told = world.events("user.link").await.pop().unwrap();
    assert!(told.details["works"] == "later", "{told:?}");
    world.clock.advance(NOTICE);
    assert!(works(&world, &made).await);
    let again = link(&world, "ada", "ben").await;
    assert!(!works(&world, &made).await, "one link at a time");
    let (ada, permit) = caller(&world, "ada").await;
    world.control.user_link_refuse(&ada, &permit, &"ben".parse().unwrap()).await.unwrap();
    world.clock.advance(NOTICE);
    assert!(!works(&world, &again).await);
}

#[tokio::test]
async fn whoever_is_alone_makes_links_loudly_and_for_whom_they_made_quietly() {
    let world = World::new().await;
    world.person("ada", "/", &[("administrator", "/")]).await;
    world.person("ben", "/", &[]).await;
    assert!(works(&world, &link(&world, "ada", "ben").await).await);
    assert_eq!(world.events("user.link").await.pop().unwrap().details["works"], "alone");
    world.person("max", "/", &[("administrator", "/")]).await;
    let (max, permit) = caller(&world, "max").await;
    let wish: UserCreate = serde_json::from_value(serde_json::json!({ "name": "eve" })).unwrap();
    world.control.user_create(&max, &permit, wish).await.unwrap();
    assert!(works(&world, &link(&world, "max", "eve").await).await, "whom max has made and who has not enrolled");
    assert!(!works(&world, &link(&world, "ada", "eve").await).await, "of somebody else's making");
    assert!(works(&world, &link(&world, "ada", "ada").await).await, "one's own");
}
