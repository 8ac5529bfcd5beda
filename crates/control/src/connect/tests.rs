use std::net::IpAddr;
use std::time::Duration;

use postern_domain::SecretText;

use super::*;
use crate::estate::{Estate, reference};
use crate::testing::{Person, SOURCE};

const DATABASE: &str = r#"
kind: Asset
name: orders
scope: /emea
platform: postgresql
address: 10.0.0.3:5432
labels: {env: db}
---
kind: Account
account: app@orders
credential: password
---
kind: Account
account: admin@orders
credential: password
---
kind: Policy
name: db
scope: /emea
subjects: {groups: [sre]}
accounts: {names: [app], labels: {env: db}}
access: standing
obligations: {capabilities: [query], mfa_max_age: 1h, reason_required: false}
---
kind: Policy
name: db-admin
scope: /emea
subjects: {groups: [sre], users: [bea]}
accounts: {names: [admin], labels: {env: db}}
access: standing
obligations: {capabilities: [query], mfa_max_age: 0s, reason_required: false}
"#;

/// The estate with databases, and Bea, who is in no group.
async fn estate() -> (Estate, Person) {
    let estate = Estate::new().await;
    let bea = estate.world.person("bea", "/emea", &[]).await;
    estate.apply("ada", DATABASE).await.unwrap();
    (estate, bea)
}

fn wish(account: &str) -> ConnectWanted {
    ConnectWanted { account: reference(account), expires_in_seconds: None, bind_source: false, code: None }
}

async fn made(estate: &Estate, wish: ConnectWanted) -> Result<ConnectTicket, Error> {
    let ben = estate.world.caller("ben").await;
    estate.world.control.connect_create(&ben, wish).await
}

async fn owner(estate: &Estate, token: &str, account: &str, protocol: &str, source: IpAddr) -> Result<Identity, Error> {
    let token = SecretText::new(token.to_owned());
    estate.world.control.connect_token_owner(&token, &reference(account), protocol, source).await
}

#[tokio::test]
async fn a_token_opens_what_it_was_made_for_and_nothing_else() {
    let (estate, _) = estate().await;
    let ticket = made(&estate, wish("app@orders")).await.unwrap();
    assert_eq!((ticket.host.as_str(), ticket.port), ("gate.example.test", 5433));
    let there =
        |account: &'static str, protocol: &'static str| owner(&estate, &ticket.token, account, protocol, SOURCE);
    assert_eq!(there("app@orders", "postgresql").await.unwrap().name.as_str(), "ben");
    assert!(there("app@orders", "postgresql").await.is_ok(), "as often as it is shown");
    assert!(there("admin@orders", "postgresql").await.is_err(), "another account");
    assert!(there("app@orders", "mysql").await.is_err(), "another protocol");
    assert!(owner(&estate, "pst_api_x", "app@orders", "postgresql", SOURCE).await.is_err(), "no such token");
    estate.world.clock.advance(Duration::from_secs(301));
    assert!(there("app@orders", "postgresql").await.is_err(), "too late");
    let events = estate.world.events("connect_token.create").await;
    assert!(!serde_json::to_string(&events).unwrap().contains(&ticket.token), "no token in the ledger");
}

#[tokio::test]
async fn a_token_can_be_bound_to_an_address_and_ends_with_its_login() {
    let (estate, _) = estate().await;
    let ticket = made(&estate, ConnectWanted { bind_source: true, ..wish("app@orders") }).await.unwrap();
    let elsewhere = "192.0.2.99".parse().unwrap();
    assert!(owner(&estate, &ticket.token, "app@orders", "postgresql", elsewhere).await.is_err());
    assert!(owner(&estate, &ticket.token, "app@orders", "postgresql", SOURCE).await.is_ok());
    let ben = estate.world.caller("ben").await;
    estate.world.control.login_end_all(&ben).await.unwrap();
    assert!(owner(&estate, &ticket.token, "app@orders", "postgresql", SOURCE).await.is_err());
}

#[tokio::test]
async fn policy_and_the_second_factor_decide_on_the_token_too() {
    let (estate, _) = estate().await;
    let stale = estate.world.caller("ben").await;
    estate.world.clock.advance(Duration::from_secs(2 * 3600));
    let answer = estate.world.control.connect_create(&stale, wish("app@orders")).await;
    assert!(matches!(answer, Err(Error::StepUp { max_age_seconds: 3600 })));
    let cy = estate.world.caller("cy").await;
    assert!(matches!(estate.world.control.connect_create(&cy, wish("app@orders")).await, Err(Error::Refused(_))));
    assert!(matches!(made(&estate, wish("root@web-1")).await, Err(Error::Invalid { .. })), "reached by ssh");
    assert!(matches!(made(&estate, wish("nobody@orders")).await, Err(Error::NotFound { .. })));
    let odd = ConnectWanted { expires_in_seconds: Some(5), ..wish("app@orders") };
    assert!(matches!(made(&estate, odd).await, Err(Error::Invalid { .. })));
}

#[tokio::test]
async fn where_each_session_wants_a_factor_the_token_is_made_with_one_and_works_once() {
    let (estate, bea) = estate().await;
    assert!(matches!(made(&estate, wish("admin@orders")).await, Err(Error::StepUp { max_age_seconds: 0 })));
    let caller = estate.world.caller("bea").await;
    estate.world.clock.advance(Duration::from_secs(60));
    let code = bea.code(estate.world.now());
    let wanted = ConnectWanted { code: Some(code), ..wish("admin@orders") };
    let ticket = estate.world.control.connect_create(&caller, wanted).await.unwrap();
    let first = owner(&estate, &ticket.token, "admin@orders", "postgresql", SOURCE).await.unwrap();
    assert_eq!(first.factor_at, Some(estate.world.now()));
    assert!(owner(&estate, &ticket.token, "admin@orders", "postgresql", SOURCE).await.is_err(), "once");
}
