use std::time::Duration;

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
    assert_eq!(told.signals, [Signal::FirstUse]);
    estate.deny("cy", &first.id, "not today").await.unwrap();
    estate.world.clock.advance(Duration::from_secs(60));
    let second = estate.ask("ben", &wish("root@web-1")).await.unwrap();
    estate.deny("cy", &second.id, "nor now").await.unwrap();
    estate.world.clock.advance(Duration::from_secs(60));
    let longest = RequestInput { duration_seconds: 3_600, ..wish("root@web-1") };
    let third = estate.ask("ben", &longest).await.unwrap();
    let told = context("cy", &third.id).await.unwrap();
    assert_eq!(told.signals, [Signal::FirstUse, Signal::LongestAllowed, Signal::DeniedLately]);
    assert_eq!(told.requests.iter().map(|request| &request.id).collect::<Vec<_>>(), [&second.id, &first.id]);

    let free = RequestInput { ticket: None, ..wish("root@dev-1") };
    let free = estate.ask("ben", &free).await.unwrap();
    let told = context("ben", &free.id).await.unwrap();
    assert_eq!(told.signals, [Signal::FirstUse, Signal::NoTicket, Signal::NoApproval]);
    assert!(matches!(context("zoe", &third.id).await, Err(Error::NotFound { .. })), "it is another tenant's");
}
