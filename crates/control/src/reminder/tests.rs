use std::time::Duration;

use postern_domain::policy::Reason;
use postern_domain::request::RequestState;

use crate::Error;
use crate::estate::{ACCESS, Estate, wish};

const STAGED: &str = "{count: 1, groups: [leads], next: [{count: 1, groups: [security]}], remind: 10m, \
                      escalate: {after: 25m, groups: [heads]}}";

async fn staged() -> Estate {
    let estate = Estate::new().await;
    estate.world.person("sam", "/emea", &[("approver", "/emea")]).await;
    estate.world.person("hal", "/emea", &[("approver", "/emea")]).await;
    estate.world.group("security", "/emea", &["sam"]).await;
    estate.world.group("heads", "/emea", &["hal"]).await;
    let text = ACCESS.split("---").nth(4).unwrap().replace("{count: 2, groups: [leads]}", STAGED);
    estate.apply("ada", &text).await.unwrap();
    estate
}

#[tokio::test]
async fn stages_are_asked_in_their_order() {
    let estate = staged().await;
    let request = estate.ask("ben", &wish("root@web-1")).await.unwrap();
    let early = estate.approve("sam", &request.id).await;
    assert!(matches!(early, Err(Error::Refused(reasons)) if reasons == [Reason::EarlierStage]));
    assert_eq!(estate.approve("cy", &request.id).await.unwrap().state, RequestState::Pending);
    let again = estate.approve("dee", &request.id).await;
    assert!(matches!(again, Err(Error::Refused(reasons)) if reasons == [Reason::NotApprover]));
    assert_eq!(estate.approve("sam", &request.id).await.unwrap().state, RequestState::Granted);
    let stages: Vec<_> = estate
        .world
        .events("request.approve")
        .await
        .iter()
        .filter_map(|event| event.details.get("stage").cloned())
        .collect();
    assert_eq!(stages.last(), Some(&serde_json::json!(2)));
}

#[tokio::test]
async fn nobody_answers_and_others_are_asked_too() {
    let estate = staged().await;
    let request = estate.ask("ben", &wish("root@web-1")).await.unwrap();
    let control = &estate.world.control;
    let minutes = |count: u64| Duration::from_secs(count * 60);
    assert_eq!(control.remind_approvers().await.unwrap(), 0);
    for _ in 0..2 {
        estate.world.clock.advance(minutes(10));
        assert_eq!(control.remind_approvers().await.unwrap(), 1);
        assert_eq!(control.remind_approvers().await.unwrap(), 0, "once each");
    }
    assert!(matches!(estate.approve("hal", &request.id).await, Err(Error::Refused(_))));
    estate.world.clock.advance(minutes(5));
    assert_eq!(control.remind_approvers().await.unwrap(), 1);
    let told = estate.world.events("request.escalate").await;
    assert_eq!(told[0].details["groups"], serde_json::json!(["leads", "heads"]));
    let answered = estate.approve("hal", &request.id).await.unwrap();
    assert_eq!((answered.state, answered.notices.len()), (RequestState::Pending, 3));
    assert_eq!(estate.world.events("request.remind").await.len(), 2);
    assert_eq!(estate.approve("sam", &request.id).await.unwrap().state, RequestState::Granted);
    estate.world.clock.advance(minutes(60));
    assert_eq!(control.remind_approvers().await.unwrap(), 0, "it is over");
}
