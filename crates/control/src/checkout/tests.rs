use std::time::Duration;

use super::*;
use crate::estate::reference;
use crate::rotation::tests::{Fleet, OLD};

const POLICY: &str = r#"
kind: Policy
name: may-see
scope: /emea
subjects: {groups: [sre]}
accounts: {names: [app]}
access: standing
obligations: {checkout: 30m}
"#;

async fn fleet() -> Fleet {
    let fleet = Fleet::new(1, false).await;
    fleet.estate.apply("ada", POLICY).await.unwrap();
    fleet
}

async fn check_out(fleet: &Fleet, who: &str, account: &str) -> Result<CheckedOut, Error> {
    let (caller, permit) = fleet.estate.caller(who, Permission::RequestCreate).await;
    let input = CheckoutInput { account: reference(account), reason: "the console is down".to_owned() };
    fleet.control().checkout(&caller, &permit, &input).await
}

#[tokio::test]
async fn a_secret_is_shown_to_one_at_a_time_and_is_another_one_afterwards() {
    let fleet = fleet().await;
    let first = check_out(&fleet, "ben", "app@host-0").await.unwrap();
    assert_eq!(first.secret, OLD);
    let second = check_out(&fleet, "ben", "app@host-0").await;
    assert!(matches!(&second, Err(Error::Conflict(why)) if why.contains("checked out by ben")), "exclusive");
    let caller = fleet.estate.world.caller("ben").await;
    let ended = fleet.control().checkin(&caller, &first.checkout.id).await.unwrap();
    assert_eq!(ended.state, CheckoutState::CheckedIn);
    assert!(ended.rotation.is_some(), "its end begins a rotation");
    fleet.settle().await;
    assert_ne!(fleet.vaulted("app@host-0").await, OLD);
    assert_eq!(fleet.opens(0, "app"), [fleet.vaulted("app@host-0").await]);
    assert_eq!(fleet.estate.world.events("checkout.open").await.len(), 1);
    assert!(!fleet.estate.ledger().await.contains(OLD));
}

#[tokio::test]
async fn a_check_out_ends_with_its_time_and_the_secret_with_it() {
    let fleet = fleet().await;
    check_out(&fleet, "ben", "app@host-0").await.unwrap();
    assert_eq!(fleet.control().expire_checkouts().await.unwrap(), 0);
    fleet.estate.world.clock.advance(Duration::from_secs(1_801));
    assert_eq!(fleet.control().expire_checkouts().await.unwrap(), 1);
    fleet.settle().await;
    assert_ne!(fleet.opens(0, "app"), [OLD]);
    assert_eq!(fleet.estate.world.events("checkout.expire").await.len(), 1);
}

#[tokio::test]
async fn whom_policy_does_not_let_sees_nothing_and_is_written_down() {
    let fleet = fleet().await;
    for (who, account) in [("cy", "app@host-0"), ("ben", "root@host-0"), ("ben", "nobody@host-0")] {
        let refused = check_out(&fleet, who, account).await;
        assert!(matches!(refused, Err(Error::Refused(_))), "{who} {account}");
    }
    let refusals = fleet.estate.world.events("checkout.open").await;
    assert!(refusals.len() == 3 && refusals.iter().all(|event| event.outcome == Outcome::Refused));
    let stale = fleet.estate.world.caller("ben").await;
    let stale = Caller { mfa_at: None, ..stale };
    let permit = stale.permit(Permission::RequestCreate).unwrap();
    let input = CheckoutInput { account: reference("app@host-0"), reason: "x".to_owned() };
    let answer = fleet.control().checkout(&stale, &permit, &input).await;
    assert!(matches!(answer, Err(Error::StepUp { .. })), "without a second factor");
}
