use postern_domain::RequestId;
use postern_domain::permission::Permission;
use postern_domain::request::{Request, RequestState};

use super::*;
use crate::RequestInput;
use crate::estate::{Estate, wish};

const POLICIES: &str = r#"
kind: Group
name: on-call
scope: /emea
members: [ben]
---
kind: Group
name: risk
scope: /emea
members: [dee, ben]
---
kind: Policy
name: emergency
scope: /emea
subjects: {groups: [on-call]}
accounts: {names: [root], assets: [web-1]}
obligations:
  ticket_pattern: "INC-[0-9]+"
  max_duration: 1h
  break_glass: {review_by: [risk], review_within: 24h}
---
kind: Policy
name: degraded
scope: /emea
subjects: {groups: [on-call]}
accounts: {names: [root], assets: [dev-1]}
obligations:
  ticket_pattern: "INC-[0-9]+"
  max_duration: 1h
  approval: {count: 2, groups: [leads]}
  break_glass: {passkey: true}
"#;

async fn estate() -> Estate {
    let estate = Estate::new().await;
    estate.apply("ada", POLICIES).await.unwrap();
    estate
}

fn emergency(account: &str) -> RequestInput {
    RequestInput { ticket: Some("INC-7".to_owned()), break_glass: true, ..wish(account) }
}

async fn ask_by_passkey(estate: &Estate) -> Request {
    let (caller, permit) = estate.caller("ben", Permission::RequestCreate).await;
    let caller = Caller { passkey: true, ..caller };
    estate.world.control.request_create(&caller, &permit, &emergency("root@dev-1")).await.unwrap()
}

async fn approve_by(estate: &Estate, who: &str, passkey: bool, id: &RequestId) -> Result<Request, Error> {
    let (caller, permit) = estate.caller(who, Permission::RequestApprove).await;
    estate.world.control.request_approve(&Caller { passkey, ..caller }, &permit, id, None).await
}

async fn uses(estate: &Estate, who: &str, open: bool) -> Vec<BreakGlassUse> {
    let caller = estate.world.caller(who).await;
    estate.world.control.break_glass_list(&caller, open, &Listing::default()).await.unwrap().items
}

async fn review(estate: &Estate, who: &str, id: &BreakGlassUseId, text: &str) -> Result<BreakGlassUse, Error> {
    let input = UseReview { justified: true, text: text.to_owned() };
    estate.world.control.break_glass_review(&estate.world.caller(who).await, id, &input).await
}

#[tokio::test]
async fn who_is_on_call_gets_in_at_once_and_it_is_told() {
    let estate = estate().await;
    let request = estate.ask("ben", &emergency("root@web-1")).await.unwrap();
    assert_eq!(request.state, RequestState::Granted);
    let told = estate.world.events("break_glass.use").await;
    let [event] = told.as_slice() else { panic!("one use") };
    assert_eq!(event.target, "root@web-1");
    assert_eq!(event.details["incident"], "INC-7");
    assert_eq!(event.details["tier"], "fast");
    assert!(postern_channels::urgent(event), "channels carry it");
    let [used] = uses(&estate, "dee", true).await.try_into().unwrap();
    assert_eq!((used.user.as_str(), used.reason.as_str(), &used.grant), ("ben", "disk full", &request.grant));
    assert_eq!(uses(&estate, "zoe", true).await, [], "another tenant's");
}

#[tokio::test]
async fn it_wants_to_know_again_who_asks_and_for_which_incident() {
    let estate = estate().await;
    let (caller, permit) = estate.caller("ben", Permission::RequestCreate).await;
    estate.world.clock.advance(Duration::from_secs(301));
    let asked = estate.world.control.request_create(&caller, &permit, &emergency("root@web-1")).await;
    assert!(matches!(asked, Err(Error::StepUp { max_age_seconds: 300 })), "{asked:?}");
    let without = RequestInput { ticket: None, ..emergency("root@web-1") };
    assert!(matches!(estate.ask("ben", &without).await, Err(Error::Refused(_))));
    // Who does not say that it is an emergency is under the other policy, which waits for two leads.
    let asked = estate.ask("ben", &wish("root@web-1")).await.unwrap();
    assert_eq!(asked.state, RequestState::Pending);
    let nobodys = estate.ask("dee", &emergency("root@web-1")).await;
    assert!(
        matches!(&nobodys, Err(Error::Refused(reasons)) if *reasons == [Reason::NoPolicy]
        || *reasons == [Reason::NoBreakGlass]),
        "{nobodys:?}"
    );
}

#[tokio::test]
async fn who_reviews_sees_what_there_is_to_review_without_another_right() {
    let estate = estate().await;
    for (name, scope) in [("finn", "/emea"), ("gil", "/apac")] {
        estate.world.person(name, scope, &[("user", scope)]).await;
    }
    let groups = "{kind: Group, name: risk, scope: /emea, members: [dee, ben, finn]}\n---\n\
        {kind: Group, name: risk, scope: /apac, members: [gil]}";
    estate.apply("ada", groups).await.unwrap();
    estate.ask("ben", &emergency("root@web-1")).await.unwrap();
    let [used] = uses(&estate, "finn", true).await.try_into().unwrap();
    assert_eq!(uses(&estate, "gil", true).await, [], "a group of the same name in another tenant");
    assert!(matches!(review(&estate, "gil", &used.id, "fine").await, Err(Error::NotFound { .. })));
    let count = async || estate.world.control.counts(&estate.world.caller("finn").await).await.unwrap().break_glass;
    assert_eq!(count().await, 1);
    review(&estate, "finn", &used.id, "the disk was full").await.unwrap();
    assert_eq!(count().await, 0);
}

#[tokio::test]
async fn nobody_reviews_their_own_use_and_words_are_wanted() {
    let estate = estate().await;
    estate.ask("ben", &emergency("root@web-1")).await.unwrap();
    let [used] = uses(&estate, "ben", true).await.try_into().unwrap();
    let refused = |answer: Result<BreakGlassUse, Error>| match answer {
        Err(Error::Refused(reasons)) => reasons,
        other => panic!("not refused: {other:?}"),
    };
    assert_eq!(refused(review(&estate, "ben", &used.id, "fine").await), [Reason::OwnUse]);
    assert_eq!(refused(review(&estate, "cy", &used.id, "fine").await), [Reason::NotReviewer]);
    assert!(matches!(review(&estate, "dee", &used.id, " ").await, Err(Error::Invalid { .. })));
    assert!(matches!(review(&estate, "zoe", &used.id, "fine").await, Err(Error::NotFound { .. })));
    let counts = estate.world.control.counts(&estate.world.caller("dee").await).await.unwrap();
    assert_eq!(counts.break_glass, 1);
    let reviewed = review(&estate, "dee", &used.id, "the disk was full; an alarm was added").await.unwrap();
    assert_eq!(reviewed.review.unwrap().by.as_str(), "dee");
    assert_eq!(refused(review(&estate, "dee", &used.id, "again").await), [Reason::ReviewedAlready]);
    assert_eq!(uses(&estate, "dee", true).await, []);
    assert_eq!(uses(&estate, "dee", false).await.len(), 1);
    let outcomes: Vec<_> = estate.world.events("break_glass.review").await.iter().map(|event| event.outcome).collect();
    assert_eq!(outcomes, [Outcome::Refused, Outcome::Refused, Outcome::Done, Outcome::Refused]);
}

#[tokio::test]
async fn what_nobody_has_reviewed_is_told_once_a_day() {
    let estate = estate().await;
    estate.ask("ben", &emergency("root@web-1")).await.unwrap();
    let raise = async || estate.world.control.break_glass_raise().await.unwrap();
    assert_eq!(raise().await, 0);
    estate.world.clock.advance(Duration::from_secs(86_400));
    assert_eq!((raise().await, raise().await), (1, 0));
    estate.world.clock.advance(Duration::from_secs(86_400));
    assert_eq!(raise().await, 1);
    let [used] = uses(&estate, "dee", true).await.try_into().unwrap();
    assert!(used.overdue(estate.world.now()));
    review(&estate, "dee", &used.id, "looked at, late").await.unwrap();
    estate.world.clock.advance(Duration::from_secs(86_400));
    assert_eq!(raise().await, 0);
    assert_eq!(estate.world.events("break_glass.overdue").await.len(), 2);
}

#[tokio::test]
async fn the_degraded_tier_wants_passkeys_of_everybody_and_a_quorum() {
    let estate = estate().await;
    let refused = estate.ask("ben", &emergency("root@dev-1")).await;
    assert!(
        matches!(&refused, Err(Error::Refused(reasons)) if matches!(reasons[..], [Reason::PasskeyRequired { .. }])),
        "{refused:?}"
    );
    let request = ask_by_passkey(&estate).await;
    assert_eq!(request.state, RequestState::Pending);
    assert_eq!(estate.world.events("break_glass.ask").await.len(), 1, "the quorum hears of it");
    assert!(matches!(approve_by(&estate, "cy", false, &request.id).await, Err(Error::Refused(_))));
    assert_eq!(approve_by(&estate, "cy", true, &request.id).await.unwrap().state, RequestState::Pending);
    assert_eq!(approve_by(&estate, "dee", true, &request.id).await.unwrap().state, RequestState::Granted);
    let told = estate.world.events("break_glass.use").await;
    assert_eq!(told.last().unwrap().details["tier"], "degraded");
}
