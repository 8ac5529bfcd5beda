use postern_domain::permission::Permission;
use postern_domain::policy::Reason;
use postern_domain::request::RequestState;

use super::*;
use crate::estate::{Estate, wish};

async fn extend(estate: &Estate, id: &GrantId, seconds: u64) -> Result<Request, Error> {
    let (ben, permit) = estate.caller("ben", Permission::RequestCreate).await;
    let input = ExtensionInput {
        duration_seconds: seconds,
        reason: Some("not done yet".to_owned()),
        ticket: Some("CHG-7".to_owned()),
    };
    estate.world.control.grant_extend(&ben, &permit, id, &input).await
}

async fn granted(estate: &Estate) -> GrantId {
    let request = estate.ask("ben", &wish("root@web-1")).await.unwrap();
    estate.approve("cy", &request.id).await.unwrap();
    estate.approve("dee", &request.id).await.unwrap().grant.unwrap()
}

#[tokio::test]
async fn more_time_is_approved_like_the_first() {
    let estate = Estate::new().await;
    let id = granted(&estate).await;
    estate.world.clock.advance(Duration::from_secs(1_200));
    let asked = extend(&estate, &id, 3_600).await.unwrap();
    assert_eq!((asked.state, asked.extends.as_ref()), (RequestState::Pending, Some(&id)));
    estate.approve("cy", &asked.id).await.unwrap();
    let answered = estate.approve("dee", &asked.id).await.unwrap();
    assert_eq!((answered.state, answered.grant.as_ref()), (RequestState::Granted, Some(&id)));
    let ben = estate.world.caller("ben").await;
    let grant = estate.world.control.grant_show(&ben, &id).await.unwrap();
    assert_eq!(grant.ends_at, estate.world.now().after(Duration::from_secs(3_600)));
    assert_eq!(grant.extended_at, Some(estate.world.now()));
    assert_eq!(estate.world.events("grant.extend").await.len(), 1);
    assert_eq!(estate.world.events("grant.create").await.len(), 1, "it is the same grant");
}

#[tokio::test]
async fn what_policy_does_not_give_is_not_extended() {
    let estate = Estate::new().await;
    let id = granted(&estate).await;
    let refused = extend(&estate, &id, 3_601).await;
    assert!(matches!(refused, Err(Error::Refused(reasons)) if matches!(reasons[..], [Reason::TooLong { .. }])));
    assert!(matches!(extend(&estate, &id, 60).await, Err(Error::Invalid { .. })), "it would be shorter");
    let asked = extend(&estate, &id, 3_600).await.unwrap();
    estate.approve("cy", &asked.id).await.unwrap();
    estate.world.clock.advance(Duration::from_secs(1_800));
    assert!(matches!(estate.approve("dee", &asked.id).await, Err(Error::Conflict(_))), "it is over");
    assert!(matches!(extend(&estate, &id, 3_600).await, Err(Error::Conflict(_))));
    assert!(estate.world.events("grant.extend").await.is_empty());
}

#[tokio::test]
async fn nobody_extends_what_is_not_theirs() {
    let estate = Estate::new().await;
    let id = granted(&estate).await;
    let (cy, permit) = estate.caller("cy", Permission::RequestCreate).await;
    let input = ExtensionInput { duration_seconds: 3_600, reason: Some("x".to_owned()), ticket: None };
    let refused = estate.world.control.grant_extend(&cy, &permit, &id, &input).await;
    assert!(matches!(refused, Err(Error::NotFound { .. })));
}
