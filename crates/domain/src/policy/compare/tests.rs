use proptest::prelude::*;

use super::super::fixture::{Estate, name, policy, word};
use super::super::properties::{any_estate, any_policy};
use super::super::{Decision, Effect, Masking, Policy};
use super::*;
use crate::capability::Capability;
use crate::request::{ApprovalStage, Escalation};

fn hours(from: &str, to: &str, days: &[Day]) -> Hours {
    let days = days.iter().copied().collect();
    Hours { days, from: from.to_owned(), to: to.to_owned(), zone: "UTC".to_owned(), except: [].into() }
}

#[test]
fn hours_are_compared_minute_by_minute() {
    let office = [hours("08:00", "12:00", &[]), hours("11:00", "18:00", &[])];
    assert!(covers_hours(&office, &[hours("09:00", "17:00", &[Day::Mon])]));
    assert!(!covers_hours(&office, &[hours("09:00", "18:01", &[Day::Mon])]));
    assert!(!covers_hours(&office, &[]) && covers_hours(&[], &office));
    let night = [hours("22:00", "06:00", &[Day::Sun])];
    assert!(covers_hours(&night, &[hours("01:00", "02:00", &[Day::Mon])]));
    assert!(!covers_hours(&night, &[hours("01:00", "02:00", &[Day::Sun])]));
    assert!(!covers_hours(&office, &[hours("never", "ever", &[])]));
}

#[test]
fn a_policy_is_widened_by_each_of_its_fields() {
    let base = || {
        let mut policy = policy(1, "a", Effect::Allow, Access::Request);
        policy.conditions.networks = vec![name("10.0.0.0/8")];
        policy.conditions.hours = vec![hours("08:00", "18:00", &[])];
        policy.accounts.labels.insert("env".to_owned(), "prod".to_owned());
        policy.obligations.approval = Some(ApprovalRule::of(2, vec![name("leads")]));
        policy.obligations.ticket_pattern = Some("T-1".to_owned());
        policy.obligations.ticket_checked = true;
        policy.accounts.kinds.insert(crate::account::CredentialKind::SshKey);
        policy.conditions.hours[0].except.insert("2026-12-25".to_owned());
        policy.obligations.idle_seconds = Some(600);
        policy.obligations.concurrent_sessions = Some(1);
        policy.obligations.rotate_after_use = true;
        let masking = Some(Masking { tags: [name("pii"), name("payment")].into(), ..Masking::default() });
        policy.obligations.statements = Some(Statements { masking, ..Statements::default() });
        policy
    };
    type Edit = fn(&mut Policy);
    let wider: &[(&str, Edit)] = &[
        ("scope", |p| p.scope = name("/")),
        ("users", |p| {
            let _ = p.subjects.users.insert(name("eve"));
        }),
        ("groups", |p| {
            let _ = p.subjects.groups.insert(name("dba"));
        }),
        ("labels", |p| p.accounts.labels.clear()),
        ("other label", |p| {
            let _ = p.accounts.labels.insert("env".to_owned(), "test".to_owned());
        }),
        ("networks", |p| p.conditions.networks = vec![name("10.0.0.0/7")]),
        ("any network", |p| p.conditions.networks.clear()),
        ("hours", |p| p.conditions.hours = vec![hours("08:00", "18:01", &[])]),
        ("kinds", |p| p.accounts.kinds.clear()),
        ("another day", |p| p.conditions.hours[0].except.clear()),
        ("zone", |p| p.conditions.hours[0].zone = "Europe/Berlin".to_owned()),
        ("standing", |p| p.access = Access::Standing),
        ("no approval", |p| p.obligations.approval = None),
        ("one approval", |p| p.obligations.approval = Some(ApprovalRule::of(1, vec![name("leads")]))),
        ("anybody approves", |p| p.obligations.approval = Some(ApprovalRule::of(2, vec![]))),
        ("escalated", |p| {
            let more = Escalation { after: crate::Period::from_seconds(60), groups: vec![name("heads")] };
            p.obligations.approval.as_mut().unwrap().escalate = Some(more);
        }),
        ("capability", |p| {
            let _ = p.obligations.capabilities.insert(Capability::Agent);
        }),
        ("older factor", |p| p.obligations.mfa_max_age_seconds += 1),
        ("no reason", |p| p.obligations.reason_required = false),
        ("other ticket", |p| p.obligations.ticket_pattern = Some(".*".to_owned())),
        ("unchecked ticket", |p| p.obligations.ticket_checked = false),
        ("longer", |p| p.obligations.max_duration_seconds += 1),
        ("idle", |p| p.obligations.idle_seconds = None),
        ("sessions", |p| p.obligations.concurrent_sessions = Some(2)),
        ("join", |p| p.obligations.join = Join::Control),
        ("checkout", |p| p.obligations.checkout_seconds = Some(60)),
        ("less hidden", |p| {
            let _ = p.obligations.statements.as_mut().unwrap().masking.as_mut().unwrap().tags.pop_first();
        }),
        ("no rules on statements", |p| p.obligations.statements = None),
        ("kept secret", |p| p.obligations.rotate_after_use = false),
    ];
    for (what, change) in wider {
        let mut changed = base();
        change(&mut changed);
        assert!(widens(Some(&base()), Some(&changed)), "{what}");
        let beside = ["other label", "other ticket", "zone"].contains(what);
        assert!(beside || !widens(Some(&changed), Some(&base())), "{what} taken back");
    }
    let deny = Policy { effect: Effect::Deny, ..base() };
    assert!(!widens(None, Some(&deny)) && widens(Some(&deny), None) && widens(Some(&deny), Some(&base())));
    assert!(widens(None, Some(&base())) && !widens(Some(&base()), None) && !widens(Some(&base()), Some(&deny)));
    let narrower = Policy { subjects: Default::default(), ..deny.clone() };
    assert!(widens(Some(&deny), Some(&narrower)) && !widens(Some(&narrower), Some(&deny)));
}

fn concerning<'a>(estate: &Estate, policies: &'a [Policy]) -> Vec<&'a Policy> {
    policies.iter().filter(|policy| policy.concerns(&estate.user, &estate.account, &estate.asset)).collect()
}

/// What a session could do that is opened now; none when none is.
fn permitted(estate: &Estate) -> Option<BTreeSet<Capability>> {
    match estate.connect() {
        Decision::Permit(permit) => Some(permit.action().obligations.capabilities.clone()),
        Decision::StepUp { .. } | Decision::Deny(_) => None,
    }
}

/// A policy like one of `before`, changed a little, or another one.
fn any_change(before: Vec<Policy>) -> impl Strategy<Value = Vec<Policy>> {
    let each = (0usize..6, any_policy(), 0u8..6);
    proptest::collection::vec(each, 0..3).prop_map(move |changes| {
        let mut after = before.clone();
        for (at, other, how) in changes {
            let Some(policy) = after.get_mut(at) else { continue };
            match how {
                0 => drop(after.remove(at)),
                1 => policy.obligations = other.obligations,
                2 => policy.conditions = other.conditions,
                3 => policy.effect = Effect::Deny,
                4 => policy.obligations.max_duration_seconds /= 2,
                _ => *policy = Policy { id: policy.id.clone(), ..other },
            }
        }
        after
    })
}

fn any_two() -> impl Strategy<Value = (Estate, Vec<Policy>)> {
    any_estate().prop_flat_map(|estate| {
        let after = any_change(estate.policies.clone());
        (Just(estate), after)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_not_called_wider_permits_nothing_new((estate, after) in any_two()) {
        // A grant is given under a policy that concerns the person and the account.
        let estate = estate.with(|e| {
            let known: Vec<_> = concerning(e, &e.policies).into_iter().map(|policy| policy.id.clone()).collect();
            e.grants.retain(|grant| known.contains(&grant.policy));
        });
        let changed = estate.clone().with(|e| e.policies = after);
        let told = shift(&concerning(&estate, &estate.policies), &concerning(&changed, &changed.policies));
        if !told.widened {
            if let Some(now) = permitted(&changed) {
                let earlier = permitted(&estate);
                prop_assert!(earlier.is_some(), "{} before", word(&estate.connect()));
                prop_assert!(earlier.is_none_or(|earlier| earlier.is_superset(&now)));
            }
            if word(&changed.ask()) == "permit" {
                let before = word(&estate.ask());
                // What needs no request any more than it did was open without one.
                prop_assert!(before == "permit" || before == "no_request_needed", "{} before", before);
            }
        }
    }

    #[test]
    fn a_change_taken_back_is_the_other_way_round((estate, after) in any_two()) {
        let (before, after) = (concerning(&estate, &estate.policies), concerning(&estate, &after));
        let (there, back) = (shift(&before, &after), shift(&after, &before));
        prop_assert_eq!((there.widened, there.narrowed), (back.narrowed, back.widened));
        prop_assert!(!shift(&before, &before).any());
    }
}

#[test]
fn a_stage_less_is_wider_and_a_stage_more_is_not() {
    let stage = |count, group: &str| ApprovalStage { count, groups: vec![name(group)] };
    let rule =
        |then: &[ApprovalStage]| ApprovalRule { next: then.to_vec(), ..ApprovalRule::of(1, vec![name("leads")]) };
    let (one, two) = (rule(&[]), rule(&[stage(2, "security")]));
    assert!(covers_approval(Some(&one), Some(&two)) && !covers_approval(Some(&two), Some(&one)));
    let security = ApprovalRule::of(2, vec![name("security")]);
    assert!(covers_approval(Some(&security), Some(&two)), "the second stage alone asks for less");
    let turned = ApprovalRule { next: vec![stage(1, "leads")], ..security };
    assert!(!covers_approval(Some(&turned), Some(&two)), "another order is not the same");
    assert!(!covers_approval(Some(&two), Some(&rule(&[stage(1, "security")]))));
    assert!(covers_approval(Some(&rule(&[stage(1, "security")])), Some(&two)));
}
