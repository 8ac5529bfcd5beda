use std::time::Duration;

use postern_domain::account::AccountState;
use postern_domain::event::Outcome;
use postern_domain::grant::GrantState;
use postern_domain::policy::Reason;

use super::*;
use crate::estate::{Estate, wish};

fn reasons(answer: Result<Request, Error>) -> Vec<Reason> {
    match answer {
        Err(Error::Refused(reasons)) => reasons,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn where_no_approval_is_wanted_the_grant_is_given_at_once() {
    let estate = Estate::new().await;
    let request = estate.ask("ben", &wish("root@dev-1")).await.unwrap();
    assert_eq!(request.state, RequestState::Granted);
    let caller = estate.world.caller("ben").await;
    let grant = estate.world.control.grant_show(&caller, &request.grant.unwrap()).await.unwrap();
    assert_eq!(grant.state, GrantState::Active);
    assert_eq!(grant.ends_at.since(grant.starts_at), Duration::from_secs(1_800));
    assert_eq!(estate.world.events("grant.create").await.len(), 1);
}

#[tokio::test]
async fn two_different_leads_make_a_grant_whose_window_begins_then() {
    let estate = Estate::new().await;
    let request = estate.ask("ben", &wish("root@web-1")).await.unwrap();
    assert_eq!(request.state, RequestState::Pending);
    estate.world.clock.advance(Duration::from_secs(600));
    let once = estate.approve("cy", &request.id).await.unwrap();
    assert_eq!((once.state, once.approvals.len()), (RequestState::Pending, 1));
    let again = estate.approve("cy", &request.id).await.unwrap();
    assert_eq!((again.state, again.approvals.len()), (RequestState::Pending, 1));
    estate.world.clock.advance(Duration::from_secs(600));
    let decided = estate.approve("dee", &request.id).await.unwrap();
    assert_eq!(decided.state, RequestState::Granted);
    let caller = estate.world.caller("ben").await;
    let grant = estate.world.control.grant_show(&caller, &decided.grant.unwrap()).await.unwrap();
    assert_eq!(grant.starts_at, estate.world.now());
    assert_eq!(grant.ends_at, estate.world.now().after(Duration::from_secs(1_800)));
    assert_eq!(estate.world.events("request.approve").await.len(), 2);
}

#[tokio::test]
async fn a_window_can_begin_later_but_not_earlier() {
    let estate = Estate::new().await;
    let now = estate.world.now();
    let hour = Duration::from_secs(3_600);
    let later = RequestInput { starts_at: Some(now.after(hour)), ..wish("root@dev-1") };
    let request = estate.ask("ben", &later).await.unwrap();
    let caller = estate.world.caller("ben").await;
    let grant = estate.world.control.grant_show(&caller, &request.grant.unwrap()).await.unwrap();
    assert_eq!((grant.state, grant.starts_at), (GrantState::Scheduled, now.after(hour)));
    assert_eq!(grant.ends_at, now.after(hour).after(Duration::from_secs(1_800)));
    for wrong in [now.before(hour), now.after(Duration::from_secs(91 * 24 * 3_600))] {
        let refused = estate.ask("ben", &RequestInput { starts_at: Some(wrong), ..wish("root@dev-1") }).await;
        assert!(matches!(refused, Err(Error::Invalid { field, .. }) if field == "starts_at"));
    }
}

#[tokio::test]
async fn a_late_answer_does_not_begin_a_window_in_the_past() {
    let estate = Estate::new().await;
    let hour = Duration::from_secs(3_600);
    let later = RequestInput { starts_at: Some(estate.world.now().after(hour)), ..wish("root@web-1") };
    let request = estate.ask("ben", &later).await.unwrap();
    estate.world.clock.advance(2 * hour);
    estate.approve("cy", &request.id).await.unwrap();
    let decided = estate.approve("dee", &request.id).await.unwrap();
    let caller = estate.world.caller("ben").await;
    let grant = estate.world.control.grant_show(&caller, &decided.grant.unwrap()).await.unwrap();
    assert_eq!((grant.state, grant.starts_at), (GrantState::Active, estate.world.now()));
}

#[tokio::test]
async fn nobody_approves_their_own_request() {
    let estate = Estate::new().await;
    let request = estate.ask("ben", &wish("root@web-1")).await.unwrap();
    assert_eq!(reasons(estate.approve("ben", &request.id).await), vec![Reason::OwnRequest]);
    let told = estate.world.events("request.approve").await;
    assert_eq!(told.iter().map(|event| event.outcome).collect::<Vec<_>>(), vec![Outcome::Refused]);
}

#[tokio::test]
async fn an_approver_of_another_group_is_refused() {
    let estate = Estate::new().await;
    let request = estate.ask("ben", &wish("root@web-1")).await.unwrap();
    assert_eq!(reasons(estate.approve("eve", &request.id).await), vec![Reason::NotApprover]);
    assert_eq!(reasons(estate.approve("ada", &request.id).await), vec![Reason::NotApprover]);
}

#[tokio::test]
async fn an_approver_of_another_tenant_does_not_know_of_it() {
    let estate = Estate::new().await;
    let request = estate.ask("ben", &wish("root@web-1")).await.unwrap();
    assert!(matches!(estate.approve("zoe", &request.id).await, Err(Error::NotFound { .. })));
    let zoe = estate.world.caller("zoe").await;
    let page = estate.world.control.request_list(&zoe, &RequestWanted::default(), &Listing::default()).await;
    assert!(page.unwrap().items.is_empty());
}

#[tokio::test]
async fn what_the_policy_demands_is_named_when_it_is_missing() {
    let estate = Estate::new().await;
    let refused = estate.ask("ben", &RequestInput { duration_seconds: 7_200, ..wish("root@web-1") }).await;
    let message = refused.as_ref().unwrap_err().to_string();
    assert!(message.contains("at most 1h"), "{message}");
    assert!(matches!(reasons(refused).as_slice(), [Reason::TooLong { max_seconds: 3_600, .. }]));
    for ticket in [None, Some("INC-7".to_owned()), Some("CHG-7 and more".to_owned())] {
        let refused = estate.ask("ben", &RequestInput { ticket, ..wish("root@web-1") }).await;
        assert!(matches!(reasons(refused).as_slice(), [Reason::TicketRequired { .. }]));
    }
    let refused = estate.ask("ben", &RequestInput { reason: Some("  ".to_owned()), ..wish("root@web-1") }).await;
    assert!(matches!(reasons(refused).as_slice(), [Reason::ReasonRequired { .. }]));
    let told = estate.world.events("request.create").await;
    assert_eq!(told.len(), 5);
    assert!(told.iter().all(|event| event.outcome == Outcome::Refused));
}

#[tokio::test]
async fn what_does_not_exist_and_what_nobody_gives_are_refused_alike() {
    let estate = Estate::new().await;
    let mut told = Vec::new();
    for (who, account) in [
        ("ben", "nobody@web-1"),
        ("ben", "root@nowhere"),
        ("eve", "root@web-1"),
        ("zoe", "root@web-1"),
        ("zoe", "root@nowhere"),
    ] {
        told.push(estate.ask(who, &wish(account)).await.unwrap_err().to_string());
    }
    told.dedup();
    assert_eq!(told, vec!["refused by policy: no policy allows it".to_owned()]);
}

#[tokio::test]
async fn a_second_click_makes_no_second_request() {
    let estate = Estate::new().await;
    for account in ["root@dev-1", "root@web-1"] {
        let first = estate.ask("ben", &wish(account)).await.unwrap();
        let second = estate.ask("ben", &wish(account)).await.unwrap();
        assert_eq!(first.id, second.id);
    }
    assert_eq!(estate.world.events("request.create").await.len(), 2);
    let other = estate.ask("ben", &RequestInput { ticket: Some("CHG-8".to_owned()), ..wish("root@web-1") }).await;
    assert_eq!(other.unwrap().state, RequestState::Pending);
    assert_eq!(estate.world.events("request.create").await.len(), 3);
}

#[tokio::test]
async fn a_right_that_is_over_is_asked_for_anew() {
    let estate = Estate::new().await;
    let first = estate.ask("ben", &wish("root@dev-1")).await.unwrap();
    let ben = estate.world.caller("ben").await;
    estate.world.control.grant_revoke(&ben, first.grant.as_ref().unwrap(), "done").await.unwrap();
    let second = estate.ask("ben", &wish("root@dev-1")).await.unwrap();
    assert_ne!(first.id, second.id);
    assert_eq!(second.state, RequestState::Granted);
}

#[tokio::test]
async fn one_no_closes_a_request() {
    let estate = Estate::new().await;
    let request = estate.ask("ben", &wish("root@web-1")).await.unwrap();
    estate.approve("cy", &request.id).await.unwrap();
    assert!(matches!(estate.deny("dee", &request.id, " ").await, Err(Error::Invalid { .. })));
    let denied = estate.deny("dee", &request.id, "not today").await.unwrap();
    assert_eq!(denied.state, RequestState::Denied);
    assert_eq!(denied.approvals.last().unwrap().reason.as_deref(), Some("not today"));
    assert_eq!(reasons(estate.approve("dee", &request.id).await), vec![Reason::NotPending]);
}

#[tokio::test]
async fn only_who_asked_takes_a_request_back() {
    let estate = Estate::new().await;
    let request = estate.ask("ben", &wish("root@web-1")).await.unwrap();
    let control = &estate.world.control;
    let cy = estate.world.caller("cy").await;
    assert!(matches!(control.request_withdraw(&cy, &request.id).await, Err(Error::Forbidden(_))));
    let ben = estate.world.caller("ben").await;
    assert_eq!(control.request_withdraw(&ben, &request.id).await.unwrap().state, RequestState::Withdrawn);
    assert_eq!(control.request_withdraw(&ben, &request.id).await.unwrap().state, RequestState::Withdrawn);
    assert_eq!(reasons(estate.approve("cy", &request.id).await), vec![Reason::NotPending]);
}

#[tokio::test]
async fn an_unanswered_request_lapses_once() {
    let estate = Estate::new().await;
    let request = estate.ask("ben", &wish("root@web-1")).await.unwrap();
    assert_eq!(estate.world.control.expire().await.unwrap(), 0);
    estate.world.clock.advance(WAIT_MAX);
    assert_eq!(reasons(estate.approve("cy", &request.id).await), vec![Reason::NotPending]);
    assert_eq!(estate.world.control.expire().await.unwrap(), 1);
    assert_eq!(estate.world.control.expire().await.unwrap(), 0);
    let ben = estate.world.caller("ben").await;
    let request = estate.world.control.request_show(&ben, &request.id).await.unwrap();
    assert_eq!(request.state, RequestState::Expired);
    assert_eq!(estate.world.events("request.expire").await.len(), 1);
}

#[tokio::test]
async fn what_was_tightened_since_it_was_asked_holds() {
    let estate = Estate::new().await;
    let request = estate.ask("ben", &wish("root@web-1")).await.unwrap();
    estate.approve("cy", &request.id).await.unwrap();
    let text = crate::estate::ACCESS.split("---").nth(4).unwrap();
    estate.apply("ada", &text.replace("max_duration: 1h", "max_duration: 10m")).await.unwrap();
    assert!(matches!(estate.approve("dee", &request.id).await, Err(Error::Conflict(_))));
    assert!(estate.world.events("grant.create").await.is_empty());
    estate.apply("ada", &text.replace("max_duration: 1h", "max_duration: 1h\n  idle: 60s")).await.unwrap();
    let granted = estate.approve("dee", &request.id).await.unwrap();
    let ben = estate.world.caller("ben").await;
    let grant = estate.world.control.grant_show(&ben, &granted.grant.unwrap()).await.unwrap();
    assert_eq!(grant.obligations.idle_seconds, Some(60));
}

#[tokio::test]
async fn a_deleted_policy_gives_nothing_any_more() {
    let estate = Estate::new().await;
    let waiting = estate.ask("ben", &wish("root@web-1")).await.unwrap();
    let granted = estate.ask("ben", &wish("root@dev-1")).await.unwrap();
    let (ada, permit) = estate.caller("ada", Permission::PolicyWrite).await;
    for name in ["prod", "dev"] {
        estate.world.control.policy_delete(&ada, &permit, &name.parse().unwrap()).await.unwrap();
    }
    estate.approve("cy", &waiting.id).await.unwrap();
    assert!(matches!(estate.approve("dee", &waiting.id).await, Err(Error::Conflict(_))));
    let ben = estate.world.caller("ben").await;
    let grant = estate.world.control.grant_show(&ben, &granted.grant.unwrap()).await.unwrap();
    assert_eq!(grant.state, GrantState::Revoked);
    assert_eq!(reasons(estate.ask("ben", &wish("root@dev-1")).await), vec![Reason::NoPolicy]);
}

#[tokio::test]
async fn a_disabled_account_cannot_be_asked_for() {
    let estate = Estate::new().await;
    estate.account_state("root@dev-1", AccountState::Disabled).await;
    assert_eq!(reasons(estate.ask("ben", &wish("root@dev-1")).await), vec![Reason::AccountInactive]);
}

#[tokio::test]
async fn a_listing_shows_what_concerns_the_caller() {
    let estate = Estate::new().await;
    let waiting = estate.ask("ben", &wish("root@web-1")).await.unwrap();
    estate.world.clock.advance(Duration::from_millis(1));
    let granted = estate.ask("ben", &wish("root@dev-1")).await.unwrap();
    let all = RequestWanted::default();
    let waits = RequestWanted { waiting: true, ..all.clone() };
    let mine = RequestWanted { mine: true, ..all.clone() };
    let pending = RequestWanted { state: Some(RequestState::Pending), ..all.clone() };
    for (who, wanted, expected) in [
        ("ben", &all, vec![&granted.id, &waiting.id]),
        ("ben", &mine, vec![&granted.id, &waiting.id]),
        ("ben", &waits, vec![]),
        ("cy", &waits, vec![&waiting.id]),
        ("cy", &mine, vec![]),
        ("eve", &waits, vec![]),
        ("eve", &all, vec![&granted.id, &waiting.id]),
        ("aud", &pending, vec![&waiting.id]),
        ("zoe", &all, vec![]),
    ] {
        let caller = estate.world.caller(who).await;
        let counted = Listing { count: true, ..Listing::default() };
        let page = estate.world.control.request_list(&caller, wanted, &counted).await.unwrap();
        assert_eq!(page.items.iter().map(|request| &request.id).collect::<Vec<_>>(), expected, "{who} {wanted:?}");
        assert_eq!(page.total, Some(expected.len() as u64), "{who} {wanted:?}");
    }
}

#[tokio::test]
async fn pages_of_requests_join_without_a_gap() {
    let estate = Estate::new().await;
    for number in 0..7 {
        let ticket = Some(format!("CHG-{number}"));
        estate.world.clock.advance(Duration::from_millis(1));
        estate.ask("ben", &RequestInput { ticket, ..wish("root@web-1") }).await.unwrap();
    }
    let cy = estate.world.caller("cy").await;
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = PageRequest { cursor, limit: Some(3) };
        let wanted = RequestWanted { waiting: true, ..RequestWanted::default() };
        let page = estate.world.control.request_list(&cy, &wanted, &page.into()).await.unwrap();
        seen.extend(page.items.into_iter().filter_map(|request| request.ticket));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let expected: Vec<_> = (0..7).rev().map(|number| format!("CHG-{number}")).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn several_accounts_are_answered_as_one() {
    let estate = Estate::new().await;
    let access = "kind: Account\naccount: app@web-1\ncredential: password\n";
    estate.apply("ada", access).await.unwrap();
    let input = RequestInput { also: vec![crate::estate::reference("app@web-1")], ..wish("root@web-1") };
    let request = estate.ask("ben", &input).await.unwrap();
    assert_eq!(request.together.len(), 1);
    assert_eq!(estate.ask("ben", &input).await.unwrap().id, request.id, "a second click");
    estate.approve("cy", &request.together[0].request).await.unwrap();
    let decided = estate.approve("dee", &request.id).await.unwrap();
    assert_eq!(decided.state, RequestState::Granted);
    let ben = estate.world.caller("ben").await;
    let other = estate.world.control.request_show(&ben, &request.together[0].request).await.unwrap();
    assert_eq!(other.state, RequestState::Granted);
    assert!(other.grant.is_some() && other.grant != decided.grant, "each has its own");
    assert_eq!(estate.world.events("grant.create").await.len(), 2);
}

#[tokio::test]
async fn of_several_accounts_all_are_asked_for_or_none() {
    let estate = Estate::new().await;
    for (other, word) in
        [("root@dev-1", "approved by others"), ("nobody@web-1", "nothing was asked for"), ("root@web-1", "twice")]
    {
        let input = RequestInput { also: vec![crate::estate::reference(other)], ..wish("root@web-1") };
        let refused = estate.ask("ben", &input).await.unwrap_err().to_string();
        assert!(refused.contains(word), "{refused}");
    }
    let ben = estate.world.caller("ben").await;
    let mine = RequestWanted { mine: true, ..RequestWanted::default() };
    let listed = estate.world.control.request_list(&ben, &mine, &Listing::default()).await.unwrap();
    assert!(listed.items.is_empty());
}

#[tokio::test]
async fn one_no_and_one_withdrawal_are_for_all_of_them() {
    let estate = Estate::new().await;
    estate.apply("ada", "kind: Account\naccount: app@web-1\ncredential: password\n").await.unwrap();
    let input = RequestInput { also: vec![crate::estate::reference("app@web-1")], ..wish("root@web-1") };
    let control = &estate.world.control;
    let ben = estate.world.caller("ben").await;
    let request = estate.ask("ben", &input).await.unwrap();
    estate.deny("cy", &request.id, "not today").await.unwrap();
    let other = control.request_show(&ben, &request.together[0].request).await.unwrap();
    assert_eq!(other.state, RequestState::Denied);
    let request = estate.ask("ben", &input).await.unwrap();
    control.request_withdraw(&ben, &request.id).await.unwrap();
    let other = control.request_show(&ben, &request.together[0].request).await.unwrap();
    assert_eq!(other.state, RequestState::Withdrawn);
}
