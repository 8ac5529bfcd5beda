use proptest::prelude::*;

use super::*;
use crate::policy::fixture::{name, policy};
use crate::policy::{Access, Effect};

fn groups(names: &[&str]) -> DutySet {
    DutySet { groups: names.iter().map(|group| name(group)).collect(), ..DutySet::default() }
}

fn apart(sets: &[DutySet]) -> DutiesDocument {
    let description = String::new();
    DutiesDocument { name: name("pay"), scope: name("/emea"), description, sets: sets.to_vec() }
}

#[test]
fn holding_of_two_sets_is_told_and_of_one_is_not() {
    let (payers, approvers): (GroupName, GroupName) = (name("payers"), name("approvers"));
    let auditor = RoleAssignment { role: name("auditor"), scope: name("/emea/prod") };
    let elsewhere = RoleAssignment { role: name("auditor"), scope: name("/apac") };
    let pay = policy(1, "pay", Effect::Allow, Access::Request);
    let rule = apart(&[
        DutySet { policies: [name("pay")].into(), ..groups(&["payers"]) },
        DutySet { roles: [name("auditor")].into(), ..groups(&["approvers"]) },
    ]);
    let told = |held: Held<'_>| rule.violation(&name("ben"), &held).map(|found| (found.one, found.other));
    assert_eq!(told(Held { groups: vec![&payers], ..Held::default() }), None);
    assert_eq!(told(Held { groups: vec![&payers], policies: vec![&pay], ..Held::default() }), None, "one set");
    let both = told(Held { groups: vec![&payers, &approvers], ..Held::default() }).unwrap();
    assert_eq!(both, ("group payers".to_owned(), "group approvers".to_owned()));
    assert!(told(Held { policies: vec![&pay], roles: vec![&auditor], ..Held::default() }).is_some());
    assert!(told(Held { policies: vec![&pay], roles: vec![&elsewhere], ..Held::default() }).is_none());
    let deny = Policy { effect: Effect::Deny, ..pay.clone() };
    assert!(told(Held { policies: vec![&deny], roles: vec![&auditor], ..Held::default() }).is_none());
    assert!(rule.touches(&pay) && !rule.touches(&policy(2, "other", Effect::Allow, Access::Request)));
}

#[test]
fn what_keeps_less_apart_is_noticed() {
    let rule = apart(&[groups(&["a"]), groups(&["b"])]);
    let more = apart(&[groups(&["b", "x"]), groups(&["a"]), groups(&["c"])]);
    assert!(more.keeps(&rule) && !rule.keeps(&more) && rule.keeps(&rule));
    assert!(!apart(&[groups(&["a", "b"]), groups(&["c"])]).keeps(&rule), "both in one set");
    let lower = DutiesDocument { scope: name("/emea/prod"), ..rule.clone() };
    assert!(!lower.keeps(&rule) && rule.keeps(&lower));
    assert!(
        !apart(&[groups(&["a"])]).faults().is_empty() && !apart(&[groups(&["a"]), groups(&[])]).faults().is_empty()
    );
}

proptest! {
    #[test]
    fn whoever_is_kept_apart_stays_so_under_what_keeps_it(
        sets in proptest::collection::vec(proptest::collection::btree_set(0usize..6, 1..3), 2..4),
        more in proptest::collection::vec(proptest::collection::btree_set(0usize..6, 1..3), 2..5),
        held in proptest::collection::btree_set(0usize..6, 0..4),
    ) {
        const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
        let rule = |sets: &[BTreeSet<usize>]| {
            let set = |set: &BTreeSet<usize>| groups(&set.iter().map(|one| NAMES[*one]).collect::<Vec<_>>());
            apart(&sets.iter().map(set).collect::<Vec<_>>())
        };
        let (before, after) = (rule(&sets), rule(&more));
        let names: Vec<GroupName> = held.iter().map(|one| name(NAMES[*one])).collect();
        let held = Held { groups: names.iter().collect(), ..Held::default() };
        if after.keeps(&before) && before.violation(&name("ben"), &held).is_some() {
            prop_assert!(after.violation(&name("ben"), &held).is_some());
        }
    }
}
