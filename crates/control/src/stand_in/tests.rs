use std::time::Duration;

use postern_domain::policy::Reason;
use postern_domain::request::{Request, RequestState};

use super::*;
use crate::estate::{Estate, wish};
use crate::{RequestInput, RequestWanted, TokenCreate};

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn named(estate: &Estate, away: &str, other: &str) -> Result<StandIn, Error> {
    let (caller, permit) = estate.caller(away, Permission::RequestApprove).await;
    let ends_at = estate.world.now().after(DAY);
    let input = StandInInput { stand_in: other.parse().unwrap(), starts_at: None, ends_at, reason: None };
    estate.world.control.stand_in_create(&caller, &permit, &input).await
}

fn reasons(answer: Result<Request, Error>) -> Vec<Reason> {
    match answer {
        Err(Error::Refused(reasons)) => reasons,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_stand_in_answers_and_both_names_are_written_down() {
    let estate = Estate::new().await;
    let request = estate.ask("ben", &wish("root@web-1")).await.unwrap();
    assert_eq!(reasons(estate.approve("eve", &request.id).await), vec![Reason::NotApprover]);
    named(&estate, "cy", "eve").await.unwrap();
    let eve = estate.world.caller("eve").await;
    let waits = RequestWanted { waiting: true, ..RequestWanted::default() };
    let listed = estate.world.control.request_list(&eve, &waits, &Default::default()).await.unwrap();
    assert_eq!(listed.items.len(), 1, "it is among what waits for them");
    let answered = estate.approve("eve", &request.id).await.unwrap();
    assert_eq!(answered.approvals[0].in_place_of, Some("cy".parse().unwrap()));
    let told = estate.world.events("request.approve").await.pop().unwrap();
    assert_eq!(told.details["in_place_of"], "cy");
    assert_eq!(told.actor, eve.actor());
    assert_eq!(reasons(estate.approve("cy", &request.id).await), vec![Reason::AnsweredAlready], "once between them");
    assert_eq!(estate.approve("dee", &request.id).await.unwrap().state, RequestState::Granted);
}

#[tokio::test]
async fn nobody_stands_in_for_a_request_of_either() {
    let estate = Estate::new().await;
    estate.apply("ada", "kind: Group\nname: sre\nscope: /emea\nmembers: [ben, cy, eve]\n").await.unwrap();
    named(&estate, "cy", "eve").await.unwrap();
    let own = estate.ask("eve", &wish("root@web-1")).await.unwrap();
    assert_eq!(reasons(estate.approve("eve", &own.id).await), vec![Reason::OwnRequest]);
    let absents = estate.ask("cy", &wish("root@web-1")).await.unwrap();
    assert_eq!(reasons(estate.approve("eve", &absents.id).await), vec![Reason::OwnRequest]);
}

#[tokio::test]
async fn it_ends_with_its_window_and_when_it_is_ended() {
    let estate = Estate::new().await;
    let request = estate.ask("ben", &wish("root@web-1")).await.unwrap();
    let one = named(&estate, "cy", "eve").await.unwrap();
    let olga = estate.world.caller("olga").await;
    let control = &estate.world.control;
    assert!(matches!(control.stand_in_end(&olga, &one.id).await, Err(Error::NotFound { .. })), "not theirs");
    control.stand_in_end(&estate.world.caller("eve").await, &one.id).await.unwrap();
    assert_eq!(reasons(estate.approve("eve", &request.id).await), vec![Reason::NotApprover]);
    named(&estate, "cy", "eve").await.unwrap();
    estate.world.clock.advance(DAY);
    let other = RequestInput { ticket: Some("CHG-8".to_owned()), ..wish("root@web-1") };
    let later = estate.ask("ben", &other).await.unwrap();
    assert_eq!(reasons(estate.approve("eve", &later.id).await), vec![Reason::NotApprover]);
}

#[tokio::test]
async fn only_somebody_else_who_may_answer_is_named() {
    let estate = Estate::new().await;
    for other in ["cy", "olga", "nobody"] {
        assert!(matches!(named(&estate, "cy", other).await, Err(Error::Invalid { .. })), "{other}");
    }
}

#[tokio::test]
async fn a_token_does_not_stand_in() {
    let estate = Estate::new().await;
    let request = estate.ask("ben", &wish("root@web-1")).await.unwrap();
    named(&estate, "cy", "eve").await.unwrap();
    let (mut eve, permit) = estate.caller("eve", Permission::RequestApprove).await;
    let input = TokenCreate {
        name: "t".to_owned(),
        permissions: [Permission::RequestApprove].into(),
        scope: None,
        expires_in_seconds: 3600,
        user: None,
    };
    let token = estate.world.control.token_create(&eve, input).await.unwrap().api_token;
    eve.credential = crate::CredentialUsed::Token(token.id);
    let answer = estate.world.control.request_approve(&eve, &permit, &request.id, None).await;
    assert_eq!(reasons(answer), vec![Reason::NotApprover]);
}

#[tokio::test]
async fn who_is_away_is_suggested_last() {
    let estate = Estate::new().await;
    let request = estate.ask("ben", &wish("root@web-1")).await.unwrap();
    named(&estate, "cy", "eve").await.unwrap();
    let ben = estate.world.caller("ben").await;
    let context = estate.world.control.request_context(&ben, &request.id).await.unwrap();
    let told: Vec<_> = context.approvers.iter().map(|one| (one.user.as_str(), one.away)).collect();
    assert_eq!(told, [("dee", false), ("cy", true)]);
    assert_eq!(context.approvers[1].stand_in, Some("eve".parse().unwrap()));
}
