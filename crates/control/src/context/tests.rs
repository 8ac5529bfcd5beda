use std::time::Duration;

use postern_domain::risk::{RiskLevel, Signal};

use super::*;
use crate::RequestInput;
use crate::estate::{Estate, wish};

#[tokio::test]
async fn an_approver_is_told_what_to_notice() {
    let estate = Estate::new().await;
    let context = async |who: &str, id: &RequestId| {
        let caller = estate.world.caller(who).await;
        estate.world.control.request_context(&caller, id).await
    };
    let first = estate.ask("ben", &wish("root@web-1")).await.unwrap();
    let told = context("cy", &first.id).await.unwrap();
    assert_eq!((told.sessions_count, told.requests.len()), (0, 0));
    let risk = told.risk.unwrap();
    assert_eq!(risk.signals, [Signal::NewUser, Signal::FirstUse, Signal::FirstOnAsset]);
    assert_eq!(risk.level, RiskLevel::High);
    estate.deny("cy", &first.id, "not today").await.unwrap();
    estate.world.clock.advance(Duration::from_secs(60));
    let second = estate.ask("ben", &wish("root@web-1")).await.unwrap();
    estate.deny("cy", &second.id, "nor now").await.unwrap();
    estate.world.clock.advance(Duration::from_secs(60));
    let longest = RequestInput { duration_seconds: 3_600, ..wish("root@web-1") };
    estate.world.clock.advance(Duration::from_secs(7 * 24 * 3600));
    let third = estate.ask("ben", &longest).await.unwrap();
    let told = context("cy", &third.id).await.unwrap();
    let risk = told.risk.unwrap();
    let signals = [Signal::DeniedLately, Signal::FirstUse, Signal::FirstOnAsset, Signal::LongestAllowed];
    assert_eq!((risk.level, risk.signals.as_slice()), (RiskLevel::High, &signals[..]));
    let cy = estate.world.caller("cy").await;
    let weighed = estate.world.control.request_weigh(&cy, vec![first.clone(), third.clone()]).await.unwrap();
    assert_eq!(weighed[1].risk.as_ref(), Some(&risk), "it waits");
    let ben = estate.world.caller("ben").await;
    let own = estate.world.control.request_weigh(&ben, vec![third.clone()]).await.unwrap();
    assert_eq!(own[0].risk, None, "not for who asks");
    assert_eq!(told.requests.iter().map(|request| &request.id).collect::<Vec<_>>(), [&second.id, &first.id]);

    let free = RequestInput { ticket: None, ..wish("root@dev-1") };
    let free = estate.ask("ben", &free).await.unwrap();
    let told = context("ben", &free.id).await.unwrap();
    assert_eq!(told.risk, None, "not for who asks");
    assert!(matches!(context("zoe", &third.id).await, Err(Error::NotFound { .. })), "it is another tenant's");
}
