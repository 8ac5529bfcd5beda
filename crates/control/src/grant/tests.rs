use std::time::Duration;

use super::*;
use crate::estate::{Estate, reference, wish};

async fn granted(estate: &Estate) -> GrantId {
    estate.ask("ben", &wish("root@dev-1")).await.unwrap().grant.unwrap()
}

#[tokio::test]
async fn one_ends_ones_own_grant_and_says_why() {
    let estate = Estate::new().await;
    let id = granted(&estate).await;
    let ben = estate.world.caller("ben").await;
    let control = &estate.world.control;
    assert!(matches!(control.grant_revoke(&ben, &id, "").await, Err(Error::Invalid { .. })));
    let mut changes = control.changes();
    let revoked = control.grant_revoke(&ben, &id, "done early").await.unwrap();
    assert_eq!(revoked.state, GrantState::Revoked);
    assert_eq!(revoked.revoked_reason.as_deref(), Some("done early"));
    assert_eq!(changes.recv().await.unwrap(), "grant");
    let again = control.grant_revoke(&ben, &id, "another time").await.unwrap();
    assert_eq!(again.revoked_reason.as_deref(), Some("done early"));
    let told = estate.world.events("grant.revoke").await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].details["reason"], "done early");
}

#[tokio::test]
async fn somebody_elses_grant_is_ended_by_who_may() {
    let estate = Estate::new().await;
    let id = granted(&estate).await;
    let control = &estate.world.control;
    for (who, seen) in [("aud", true), ("cy", true), ("zoe", false)] {
        let caller = estate.world.caller(who).await;
        let answer = control.grant_revoke(&caller, &id, "no").await;
        match answer {
            Err(Error::Forbidden(_)) => assert!(seen, "{who}"),
            Err(Error::NotFound { .. }) => assert!(!seen, "{who}"),
            other => panic!("{who}: {other:?}"),
        }
    }
    let olga = estate.world.caller("olga").await;
    assert_eq!(control.grant_revoke(&olga, &id, "change stopped").await.unwrap().state, GrantState::Revoked);
}

#[tokio::test]
async fn a_window_ends_by_itself_and_is_told_once() {
    let estate = Estate::new().await;
    let id = granted(&estate).await;
    let ben = estate.world.caller("ben").await;
    estate.world.clock.advance(Duration::from_secs(1_800));
    let control = &estate.world.control;
    assert_eq!(control.grant_show(&ben, &id).await.unwrap().state, GrantState::Expired);
    assert_eq!(control.expire_grants().await.unwrap(), 1);
    assert_eq!(control.expire_grants().await.unwrap(), 0);
    assert_eq!(estate.world.events("grant.expire").await.len(), 1);
    assert_eq!(control.grant_revoke(&ben, &id, "late").await.unwrap().state, GrantState::Expired);
}

#[tokio::test]
async fn a_revoked_grant_does_not_expire_as_well() {
    let estate = Estate::new().await;
    let id = granted(&estate).await;
    let ben = estate.world.caller("ben").await;
    estate.world.control.grant_revoke(&ben, &id, "done").await.unwrap();
    estate.world.clock.advance(Duration::from_secs(3_600));
    assert_eq!(estate.world.control.expire().await.unwrap(), 0);
}

#[tokio::test]
async fn a_listing_shows_what_concerns_the_caller_in_each_state() {
    let estate = Estate::new().await;
    let id = granted(&estate).await;
    let count = async |who: &str, state, mine| {
        let caller = estate.world.caller(who).await;
        let wanted = GrantWanted { state, mine, q: None };
        let page = estate.world.control.grant_list(&caller, &wanted, &Listing::default()).await.unwrap();
        page.items.len()
    };
    for (who, mine, expected) in
        [("ben", true, 1), ("cy", false, 1), ("cy", true, 0), ("aud", false, 1), ("zoe", false, 0)]
    {
        assert_eq!(count(who, None, mine).await, expected, "{who}");
    }
    assert_eq!(count("ben", Some(GrantState::Active), true).await, 1);
    assert_eq!(count("ben", Some(GrantState::Expired), true).await, 0);
    estate.world.clock.advance(Duration::from_secs(1_800));
    assert_eq!(count("ben", Some(GrantState::Active), true).await, 0);
    assert_eq!(count("ben", Some(GrantState::Expired), true).await, 1);
    let ben = estate.world.caller("ben").await;
    let account = estate.world.control.connect_facts(&ben.user.id, &reference("root@dev-1")).await.unwrap().unwrap();
    let held = estate.world.control.grants_for(&ben.user.id, &account.account.id).await.unwrap();
    assert_eq!(held.iter().map(|grant| (&grant.id, grant.state)).collect::<Vec<_>>(), vec![(&id, GrantState::Expired)]);
}
