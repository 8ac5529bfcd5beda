use super::*;
use crate::permit::Connect;
use crate::policy::fixture::{Estate, NOON, grant, minutes, name, policy, word};
use crate::policy::{Access, Decision, Effect, OpenedUnder, Policy, checkout, connect, may_approve, reconsider};

fn terms() -> Vendor {
    Vendor {
        sponsor: name("ada"),
        sponsored: true,
        company: "Pumps and Valves".to_owned(),
        ends_at: NOON.after(minutes(20)),
        networks: Vec::new(),
        hours: Vec::new(),
    }
}

fn estate(vendor: Vendor, policies: Vec<Policy>) -> Estate {
    Estate::new().with(|e| {
        e.user.profile.vendor = Some(vendor);
        e.policies = policies;
    })
}

fn standing() -> Policy {
    policy(1, "standing", Effect::Allow, Access::Standing)
}

#[test]
fn a_vendor_is_let_in_while_they_are_sponsored_at_their_hours_and_from_their_networks() {
    let source: IpAddr = "10.1.2.3".parse().unwrap();
    let from =
        |networks: &[&str]| Vendor { networks: networks.iter().map(|n| n.parse().unwrap()).collect(), ..terms() };
    let at = |from: &str, to: &str| Vendor {
        hours: vec![Hours {
            days: [].into(),
            from: from.to_owned(),
            to: to.to_owned(),
            zone: "UTC".to_owned(),
            except: [].into(),
        }],
        ..terms()
    };
    assert_eq!(terms().admit(source, NOON), Ok(()));
    assert_eq!(terms().admit(source, NOON.after(minutes(20))), Err(Reason::VendorEnded { at: terms().ends_at }));
    let alone = Vendor { sponsored: false, ..terms() };
    assert_eq!(alone.admit(source, NOON), Err(Reason::SponsorMissing { sponsor: name("ada") }));
    assert_eq!(from(&["10.1.0.0/16"]).admit(source, NOON), Ok(()));
    assert_eq!(from(&["192.0.2.0/24"]).admit(source, NOON), Err(Reason::VendorOutside));
    assert_eq!(at("03:00", "03:01").admit(source, NOON), Err(Reason::VendorOutside));
    assert_eq!(
        at("not", "hours").admit(source, NOON),
        Err(Reason::VendorOutside),
        "what is not understood lets in nobody"
    );
}

#[test]
fn what_stands_for_others_a_vendor_asks_for_each_time_and_is_watched_in() {
    let estate = estate(terms(), vec![standing()]);
    assert_eq!(word(&connect(&estate.connect_facts(), NOON)), "needs_request");
    let Decision::Permit(asked) = estate.ask() else { panic!("it can be asked for") };
    let bound = &asked.action().obligations;
    assert_eq!(bound.approval, Some(ApprovalRule::of(1, Vec::new())));
    assert!(bound.watched && bound.checkout_seconds.is_none());
    let granted = estate.clone().with(|e| {
        // Of a time at which they were no vendor.
        e.grants = vec![grant(1, &standing())];
    });
    let Decision::Permit(permit) = connect(&granted.connect_facts(), NOON) else { panic!("granted") };
    let Connect { obligations, until, .. } = permit.action();
    assert!(obligations.watched, "whatever the grant says");
    assert_eq!(*until, terms().ends_at, "and no longer than they are let in");
    let used = granted.clone().with(|e| e.grants[0].used = true);
    assert_eq!(word(&connect(&used.connect_facts(), NOON)), "needs_request", "a grant is good for one session");
    let opened = OpenedUnder { policy: &standing().id, grant: Some(&used.grants[0].id), obligations, started_at: NOON };
    assert_eq!(reconsider(&used.connect_facts(), &opened, NOON.after(minutes(1))), Ok(terms().ends_at));
    let alone = used.clone().with(|e| e.user.profile.vendor.as_mut().unwrap().sponsored = false);
    assert_eq!(
        reconsider(&alone.connect_facts(), &opened, NOON.after(minutes(1))),
        Err(vec![Reason::SponsorMissing { sponsor: name("ada") }]),
        "a live session ends with its sponsor"
    );
}

#[test]
fn a_vendor_is_told_no_secret_and_breaks_no_glass() {
    let mut shown = standing();
    shown.obligations.checkout_seconds = Some(600);
    let granted = estate(terms(), vec![shown.clone()]).with(|e| e.grants = vec![grant(1, &shown)]);
    assert_eq!(word(&checkout(&granted.connect_facts(), NOON)), "vendor_secret");
    let mut glass = policy(1, "glass", Effect::Allow, Access::Request);
    glass.obligations.break_glass = Some(serde_json::from_value(serde_json::json!({})).unwrap());
    let emergency = estate(terms(), vec![glass]).with(|e| e.emergency = true);
    assert_eq!(word(&emergency.ask()), "no_policy");
}

#[test]
fn a_sponsor_answers_whichever_groups_are_asked_and_nobody_else_does_for_it() {
    let asked = Estate::new().with(|e| {
        e.request.approval = Some(ApprovalRule::of(1, vec![name("heads")]));
        e.request.sponsor = Some(e.user.name.clone());
    });
    assert_eq!(word(&asked.approve()), "permit");
    let other = asked.clone().with(|e| e.request.sponsor = Some(name("eve")));
    assert_eq!(word(&other.approve()), "not_approver");
    let unheld = asked.clone().with(|e| e.may_approve = false);
    assert_eq!(word(&unheld.approve()), "not_approver");
    let own = asked.clone().with(|e| e.request.user = e.user.name.clone());
    assert_eq!(word(&may_approve(&own.user, true, &own.request, own.now)), "own_request");
}
