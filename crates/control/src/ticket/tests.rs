use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use postern_domain::grant::GrantState;
use postern_domain::policy::Reason;
use postern_domain::{GrantId, Period};
use postern_tickets::TicketSettings;

use super::*;
use crate::estate::{ACCESS, Estate, wish};

const MINUTE: Duration = Duration::from_secs(60);

/// What the ticket system answers: the state of every ticket, all of which name web-1; none when it is down.
type System = Arc<Mutex<Option<&'static str>>>;

fn system() -> (System, TicketSettings) {
    let state: System = Arc::new(Mutex::new(Some("open")));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/{{ticket}}", listener.local_addr().unwrap());
    let answers = state.clone();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut asked = [0; 2048];
            let read = stream.read(&mut asked).unwrap_or(0);
            let asked = String::from_utf8_lossy(&asked[..read]).into_owned();
            let ticket = asked.split(['/', ' ']).nth(2).unwrap_or_default().to_owned();
            let Some(state) = *answers.lock().unwrap() else { continue };
            let body = format!("{{\"key\":\"{ticket}\",\"state\":\"{state}\",\"about\":\"the disk of web-1\"}}");
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    let settings = TicketSettings {
        url,
        ca: None,
        secret_header: "Authorization".to_owned(),
        secret_file: None,
        ticket_at: "/key".to_owned(),
        state_at: "/state".to_owned(),
        open: vec!["open".to_owned()],
        asset_at: vec!["/about".to_owned()],
        timeout: Period::from_seconds(5),
        recheck: Period::from_seconds(60),
        patience: Period::from_seconds(600),
    };
    (state, settings)
}

async fn estate() -> Estate {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let estate = Estate::new().await;
    let text = ACCESS.split("---").nth(4).unwrap();
    let checked = text.replace("  approval: {count: 2, groups: [leads]}\n", "  ticket_checked: true\n");
    estate.apply("ada", &checked).await.unwrap();
    estate
}

async fn state(estate: &Estate, grant: &GrantId) -> (GrantState, Option<String>) {
    let ben = estate.world.caller("ben").await;
    let grant = estate.world.control.grant_show(&ben, grant).await.unwrap();
    (grant.state, grant.revoked_reason)
}

#[tokio::test]
async fn without_a_ticket_system_no_ticket_is_good() {
    let estate = estate().await;
    let refused = estate.ask("ben", &wish("root@web-1")).await;
    assert!(matches!(refused, Err(Error::Refused(reasons)) if matches!(reasons[..], [Reason::TicketNotGood { .. }])));
    estate.ask("ben", &wish("root@dev-1")).await.unwrap();
}

#[tokio::test]
async fn access_lasts_as_long_as_its_ticket_is_open() {
    let estate = estate().await;
    let (system, settings) = system();
    let control = estate.world.control.clone();
    control.attach_tickets(Tickets::new(settings).ok().unwrap());
    let grant = estate.ask("ben", &wish("root@web-1")).await.unwrap().grant.unwrap();
    assert!(!control.tickets_recheck().await.unwrap());
    estate.world.clock.advance(MINUTE);
    control.tickets_recheck().await.unwrap();
    assert_eq!(state(&estate, &grant).await.0, GrantState::Active);
    *system.lock().unwrap() = Some("done");
    control.tickets_recheck().await.unwrap();
    assert_eq!(state(&estate, &grant).await.0, GrantState::Active, "not before its time");
    estate.world.clock.advance(MINUTE);
    control.tickets_recheck().await.unwrap();
    let (state, why) = state(&estate, &grant).await;
    assert_eq!((state, why.as_deref()), (GrantState::Revoked, Some("CHG-7 is not open: it is `done`")));
    let refused =
        estate.ask("ben", &crate::RequestInput { ticket: Some("CHG-8".to_owned()), ..wish("root@web-1") }).await;
    assert!(refused.unwrap_err().to_string().contains("CHG-8 is not open"));
}

#[tokio::test]
async fn access_lasts_as_long_as_its_ticket_stands_as_the_policy_wants() {
    let estate = Estate::new().await;
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let text = ACCESS.split("---").nth(4).unwrap().replace("  approval: {count: 2, groups: [leads]}\n", "");
    let wants = |states: &str| format!("{text}\nconditions: {{ ticket: {{ states: {states} }} }}\n");
    estate.apply("ada", &wants("[Implement, Review]")).await.unwrap();
    let (system, settings) = system();
    let control = estate.world.control.clone();
    let none = estate.ask("ben", &wish("root@web-1")).await.unwrap_err().to_string();
    assert!(none.contains("wants one that is Implement, Review"), "{none}");
    control.attach_tickets(Tickets::new(settings).ok().unwrap());
    let other = estate.ask("ben", &wish("root@web-1")).await.unwrap_err().to_string();
    assert!(other.contains("it is `open`"), "{other}");
    *system.lock().unwrap() = Some("implement");
    let grant = estate.ask("ben", &wish("root@web-1")).await.unwrap().grant.unwrap();
    *system.lock().unwrap() = Some("REVIEW");
    estate.world.clock.advance(MINUTE);
    control.tickets_recheck().await.unwrap();
    assert_eq!(state(&estate, &grant).await.0, GrantState::Active, "one of the two");
    estate.apply("ada", &wants("[Implement]")).await.unwrap();
    estate.world.clock.advance(MINUTE);
    control.tickets_recheck().await.unwrap();
    let (state, why) = state(&estate, &grant).await;
    let why = why.unwrap_or_default();
    assert!(
        state == GrantState::Revoked && why.contains("is `REVIEW`, and its policy wants one that is Implement"),
        "{why}"
    );
}

#[tokio::test]
async fn a_system_that_does_not_answer_is_waited_for_and_not_for_ever() {
    let estate = estate().await;
    let (system, settings) = system();
    let control = estate.world.control.clone();
    control.attach_tickets(Tickets::new(settings).ok().unwrap());
    let grant = estate.ask("ben", &wish("root@web-1")).await.unwrap().grant.unwrap();
    control.tickets_recheck().await.unwrap();
    *system.lock().unwrap() = None;
    estate.world.clock.advance(MINUTE * 5);
    control.tickets_recheck().await.unwrap();
    assert_eq!(state(&estate, &grant).await.0, GrantState::Active);
    estate.world.clock.advance(MINUTE * 5);
    control.tickets_recheck().await.unwrap();
    assert_eq!(state(&estate, &grant).await.0, GrantState::Revoked);
}
