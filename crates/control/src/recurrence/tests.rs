use postern_domain::grant::GrantState;
use postern_domain::permission::Permission;
use postern_domain::policy::Hours;
use postern_store::Listing;

use super::*;
use crate::estate::{ACCESS, Estate, wish};
use crate::{GrantWanted, RequestInput};

const HOUR: Duration = Duration::from_secs(3_600);

fn hours(now: postern_domain::Timestamp, from: u64, to: u64) -> Hours {
    let clock = |hours: u64| {
        let text = now.after(HOUR * u32::try_from(hours).unwrap()).to_string();
        text[11..16].to_owned()
    };
    Hours { days: [].into(), from: clock(from), to: clock(to), zone: "UTC".to_owned(), except: [].into() }
}

async fn daily(estate: &Estate, account: &str) -> Request {
    let now = estate.world.now();
    let recurs = Recurrence { hours: hours(now, 2, 3), until: now.after(HOUR * 24 * 3) };
    let input = RequestInput { duration_seconds: 0, recurs: Some(recurs), ..wish(account) };
    estate.ask("ben", &input).await.unwrap()
}

async fn grants(estate: &Estate) -> Vec<GrantState> {
    let ben = estate.world.caller("ben").await;
    let listed = estate.world.control.grant_list(&ben, &GrantWanted::default(), &Listing::default()).await.unwrap();
    listed.items.iter().map(|grant| grant.state).collect()
}

#[tokio::test]
async fn each_window_is_granted_as_it_begins_until_the_last() {
    let estate = Estate::new().await;
    let asked = daily(&estate, "root@web-1").await;
    assert_eq!((asked.state, asked.duration_seconds), (RequestState::Pending, 3_600));
    estate.approve("cy", &asked.id).await.unwrap();
    let given = estate.approve("dee", &asked.id).await.unwrap();
    assert!(given.grant.is_none() && given.next_window_at.is_some());
    let control = &estate.world.control;
    assert_eq!(control.begin_windows().await.unwrap(), 0, "not before it begins");
    let mut windows = 0;
    for _ in 0..24 * 5 {
        estate.world.clock.advance(HOUR);
        windows += control.begin_windows().await.unwrap();
    }
    assert_eq!(windows, 3);
    assert_eq!(grants(&estate).await, [GrantState::Expired; 3]);
    assert_eq!(estate.world.events("request.approve").await.len(), 2, "one approval");
}

#[tokio::test]
async fn windows_end_when_policy_no_longer_allows_them() {
    let estate = Estate::new().await;
    let asked = daily(&estate, "root@dev-1").await;
    assert_eq!(asked.state, RequestState::Granted);
    let text = ACCESS.split("---").nth(5).unwrap().replace("[sre]", "[leads]");
    estate.apply("ada", "kind: Group\nname: leads\nscope: /emea\nmembers: [cy, dee]\n").await.unwrap();
    estate.apply("ada", &text).await.unwrap();
    estate.world.clock.advance(HOUR * 2);
    estate.world.control.begin_windows().await.unwrap();
    assert!(grants(&estate).await.is_empty());
    let ben = estate.world.caller("ben").await;
    let shown = estate.world.control.request_show(&ben, &asked.id).await.unwrap();
    assert!(shown.recurs_ended.is_some() && shown.next_window_at.is_none());
    assert_eq!(estate.world.events("request.recur_end").await.len(), 1);
}

#[tokio::test]
async fn whoever_asked_ends_them() {
    let estate = Estate::new().await;
    let asked = daily(&estate, "root@dev-1").await;
    estate.world.clock.advance(HOUR * 2);
    estate.world.control.begin_windows().await.unwrap();
    assert_eq!(grants(&estate).await, [GrantState::Active]);
    let ben = estate.world.caller("ben").await;
    estate.world.control.request_withdraw(&ben, &asked.id).await.unwrap();
    assert_eq!(grants(&estate).await, [GrantState::Revoked]);
    estate.world.clock.advance(HOUR * 24);
    assert_eq!(estate.world.control.begin_windows().await.unwrap(), 0);
}

#[tokio::test]
async fn what_cannot_come_again_is_said() {
    let estate = Estate::new().await;
    let (ben, permit) = estate.caller("ben", Permission::RequestCreate).await;
    let now = estate.world.now();
    let good = Recurrence { hours: hours(now, 2, 3), until: now.after(HOUR * 24 * 3) };
    let far = Recurrence { until: now.after(HOUR * 24 * 91), ..good.clone() };
    let over = Recurrence { until: now.after(HOUR), ..good.clone() };
    let long = Recurrence { hours: hours(now, 2, 5), ..good.clone() };
    for (recurs, seconds) in [(good, 60), (far, 0), (over, 0), (long, 0)] {
        let input = RequestInput { duration_seconds: seconds, recurs: Some(recurs), ..wish("root@web-1") };
        let refused = estate.world.control.request_create(&ben, &permit, &input).await;
        assert!(matches!(refused, Err(Error::Invalid { .. } | Error::Refused(_))), "{refused:?}");
    }
}
