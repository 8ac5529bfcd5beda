use super::*;
use crate::estate::Estate;

async fn place(estate: &Estate, who: &str, input: HoldInput) -> Result<Hold, Error> {
    let (caller, permit) = estate.caller(who, Permission::HoldWrite).await;
    let input = HoldInput { reason: "an inquiry".to_owned(), ..input };
    estate.world.control.hold_place(&caller, &permit, input).await
}

#[tokio::test]
async fn a_hold_is_seen_where_it_is_and_nowhere_else() {
    let estate = Estate::new().await;
    let wanted = HoldInput {
        scope: Some("/emea".parse().unwrap()),
        user: Some("ben".parse().unwrap()),
        account: Some("root@web-1".parse().unwrap()),
        ..HoldInput::default()
    };
    let hold = place(&estate, "ada", wanted).await.unwrap();
    assert_eq!(hold.account.as_ref().map(ToString::to_string).as_deref(), Some("root@web-1"));
    let seen = async |who: &str| {
        let (_, permit) = estate.caller(who, Permission::AuditRead).await;
        estate.world.control.hold_list(&permit).await.unwrap().len()
    };
    assert_eq!((seen("aud").await, seen("zoe").await), (1, 0));
    let (zoe, permit) = estate.caller("zoe", Permission::HoldWrite).await;
    let foreign = estate.world.control.hold_release(&zoe, &permit, &hold.id, "why not").await;
    assert!(matches!(foreign, Err(Error::NotFound { .. })));
    assert!(estate.world.caller("olga").await.permit(Permission::HoldWrite).is_none(), "operators place none");
}

#[tokio::test]
async fn what_is_not_there_cannot_be_held() {
    let estate = Estate::new().await;
    let told = |answer: Result<Hold, Error>| answer.expect_err("refused").to_string();
    let nobody = HoldInput { user: Some("nobody".parse().unwrap()), ..HoldInput::default() };
    assert!(told(place(&estate, "ada", nobody).await).starts_with("user:"));
    let elsewhere = HoldInput { scope: Some("/emea".parse().unwrap()), ..HoldInput::default() };
    assert!(told(place(&estate, "zoe", elsewhere).await).contains("hold:write"));
    let now = estate.world.now();
    let empty = HoldInput { from: Some(now), until: Some(now), ..HoldInput::default() };
    assert!(told(place(&estate, "ada", empty).await).starts_with("until:"));
}
