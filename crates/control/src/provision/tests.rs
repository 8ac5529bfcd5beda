use std::time::Duration;

use postern_domain::ScopePath;
use postern_domain::session::EndReason;
use postern_gateway::{Broker, ConnectRequest, Identity, Lease};

use super::*;
use crate::estate::reference;
use crate::rotation::tests::crash::stopped_at;
use crate::rotation::tests::{FIRST_PORT, Fleet};
use crate::testing::{Fault, SOURCE};

const POLICY: &str = r#"
kind: Policy
name: no-standing-root
scope: /emea
subjects: {groups: [sre]}
accounts: {names: [root], labels: {fleet: a}}
access: standing
obligations:
  provision: {kind: account, member_of: [adm], sudo: [ALL]}
"#;

async fn fleet(count: u16) -> Fleet {
    let fleet = Fleet::new(count, true).await;
    fleet.estate.apply("ada", POLICY).await.unwrap();
    fleet
}

async fn wish(fleet: &Fleet, account: &str) -> ConnectRequest {
    let caller = fleet.estate.world.caller("ben").await;
    let now = Some(fleet.estate.world.now());
    let user = Identity {
        id: caller.user.id,
        name: caller.user.name,
        key: None,
        factor_at: now,
        token_factor_at: None,
        console: false,
    };
    ConnectRequest { user, account: reference(account), source: SOURCE, protocol: "ssh" }
}

fn there(fleet: &Fleet, number: u16) -> usize {
    fleet.hosts.at(FIRST_PORT + number, |host| host.provisioned.len())
}

/// Takes away what is to be, for a day.
async fn a_day_passes(fleet: &Fleet) {
    for _ in 0..12 {
        while fleet.control().provision_take_away().await.unwrap() {}
        fleet.estate.world.clock.advance(Duration::from_secs(7200));
    }
}

async fn live(fleet: &Fleet) -> usize {
    let page = PageRequest { cursor: None, limit: Some(500) };
    let mut rows = fleet.control().store().read().await.unwrap();
    rows.provisions(&[ScopePath::root()], true, &page).await.unwrap().items.len()
}

#[tokio::test]
async fn a_session_gets_an_account_of_its_own_that_goes_with_it() {
    let fleet = fleet(1).await;
    let lease: Lease = fleet.control().open(wish(&fleet, "root@host-0").await).await.unwrap();
    assert!(lease.account.as_str().starts_with("pst-"), "{}", lease.account);
    assert_eq!((there(&fleet, 0), live(&fleet).await), (1, 1));
    let made = fleet.estate.world.events("provision.make").await;
    assert_eq!(made.iter().map(|event| event.outcome).collect::<Vec<_>>(), [Outcome::Intent, Outcome::Done]);
    fleet.control().ended(&lease.session, EndReason::ClientClosed, None, None).await;
    while fleet.control().provision_take_away().await.unwrap() {}
    assert_eq!((there(&fleet, 0), live(&fleet).await), (0, 0));
    assert_eq!(fleet.estate.world.events("provision.revoke").await.len(), 1);
}

#[tokio::test]
async fn a_target_that_is_away_for_hours_is_asked_until_it_answers() {
    let fleet = fleet(1).await;
    let lease = fleet.control().open(wish(&fleet, "root@host-0").await).await.unwrap();
    fleet.hosts.at(FIRST_PORT, |host| host.faults = std::iter::repeat_n(Fault::Unreachable, 8).collect());
    fleet.control().ended(&lease.session, EndReason::ClientClosed, None, None).await;
    while fleet.control().provision_take_away().await.unwrap() {}
    assert_eq!(there(&fleet, 0), 1);
    a_day_passes(&fleet).await;
    assert_eq!((there(&fleet, 0), live(&fleet).await), (0, 0));
    assert_eq!(fleet.estate.world.events("provision.revoke").await.len(), 2, "the first failure, and the end");
}

/// Opening a session and ending it, stopped at every await in turn, with answers lost and late: what was
/// made is gone after the next inventory.
#[tokio::test]
async fn nothing_that_was_made_survives_the_next_inventory() {
    use Fault::{AnswerLost, Late, None as Fine, Refused, RequestLost, Twice, Unreachable};
    let plans: [&[Fault]; 9] = [
        &[],
        &[AnswerLost],
        &[RequestLost],
        &[Late],
        &[Twice],
        &[Refused],
        &[Unreachable],
        &[Fine, AnswerLost],
        &[Late, RequestLost, RequestLost],
    ];
    let fleet = fleet(0).await;
    let (mut points, mut left_over, mut number) = (0, 0, 0);
    for faults in plans {
        for awaits in 0.. {
            fleet.host(number, true).await;
            fleet.hosts.at(FIRST_PORT + number, |host| host.faults = faults.iter().copied().collect());
            let wish = wish(&fleet, &format!("root@host-{number}")).await;
            let control = fleet.control();
            let use_it = async {
                if let Ok(lease) = control.open(wish).await {
                    control.ended(&lease.session, EndReason::ClientClosed, None, None).await;
                }
                control.provision_take_away().await
            };
            let through = stopped_at(use_it, awaits).await.is_some();
            points += 1;
            // Postern starts again, and what was late arrives.
            control.recover().await.unwrap();
            fleet.estate.world.clock.advance(Duration::from_secs(600));
            a_day_passes(&fleet).await;
            let name = format!("host-{number}").parse().unwrap();
            let mut rows = control.store().read().await.unwrap();
            let asset = rows.assets_named(&name, &[ScopePath::root()]).await.unwrap().remove(0).id;
            drop(rows);
            control.inventory(&asset).await.unwrap();
            while control.provision_take_away().await.unwrap() {}
            left_over += there(&fleet, number);
            assert_eq!((there(&fleet, number), live(&fleet).await), (0, 0), "{faults:?} at {awaits}");
            number += 1;
            if through {
                break;
            }
        }
    }
    println!("points={points} left_over={left_over} kind=provision");
    assert!(points >= 100 && left_over == 0);
}
