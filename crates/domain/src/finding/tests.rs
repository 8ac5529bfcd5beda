use proptest::prelude::*;

use super::*;
use crate::discovery::KeySight;

const NOW: Timestamp = Timestamp::from_millis(1_764_000_000_000);

fn days_ago(days: u64) -> Timestamp {
    NOW.before(Duration::from_secs(days * 86_400))
}

fn privileged() -> Observation {
    Observation { privileges: vec![Privilege::Superuser], usage: AccountUse::Service, ..Observation::named("app") }
}

fn password(digest: &str) -> PasswordSight {
    PasswordSight::Set { scheme: "yescrypt".to_owned(), digest: Some(digest.to_owned()) }
}

fn key(algorithm: &str, bits: Option<u32>) -> KeySight {
    KeySight {
        fingerprint: format!("SHA256:{algorithm}"),
        algorithm: algorithm.to_owned(),
        bits,
        comment: String::new(),
        since: None,
    }
}

fn kinds(
    seen: &Observation,
    before: Option<Option<&Observation>>,
    known: &Known,
    shared: &Sharing,
) -> Vec<FindingKind> {
    let facts = Facts { seen, before, before_at: Some(days_ago(1)), known, shared, asset: "web-1", now: NOW };
    findings(facts).into_iter().map(|raised| raised.kind).collect()
}

fn alone(seen: &Observation, known: &Known) -> Vec<FindingKind> {
    kinds(seen, None, known, &Sharing::default())
}

fn managed() -> Known {
    Known { is_managed: true, ..Known::default() }
}

#[test]
fn each_rule_raises_what_it_is_for_and_nothing_else() {
    use FindingKind::*;
    let plain = Observation::named("ann");
    assert_eq!(alone(&plain, &Known::default()), []);
    assert_eq!(alone(&privileged(), &Known::default()), [Unmanaged]);
    assert_eq!(alone(&privileged(), &managed()), []);
    let gone = Known { owner: Some(("ben".to_owned(), false)), ..managed() };
    assert_eq!(alone(&plain, &gone), [Orphaned]);
    let unused = |days| Observation { last_sign_in_at: Some(days_ago(days)), ..plain.clone() };
    assert_eq!(alone(&unused(91), &managed()), [Stale]);
    assert_eq!(alone(&unused(89), &managed()), []);
    assert_eq!(alone(&Observation { password: PasswordSight::Empty, ..plain.clone() }, &managed()), [EmptyPassword]);
    assert_eq!(alone(&plain, &Known { has_default_password: true, ..managed() }), [DefaultPassword]);
    for (key, is_weak) in [
        (key("ssh-rsa", Some(1024)), true),
        (key("ssh-rsa", Some(2048)), false),
        (key("ssh-dss", None), true),
        (key("ssh-ed25519", None), false),
    ] {
        let seen = Observation { keys: vec![key], ..plain.clone() };
        assert_eq!(alone(&seen, &managed()) == [WeakKey], is_weak);
    }
    let sudo = Privilege::Sudo { rule: "(ALL) ALL".to_owned(), all: true, group: None };
    let person = Observation { privileges: vec![sudo.clone()], ..plain.clone() };
    assert_eq!(alone(&person, &managed()), [StandingPrivilege]);
    assert_eq!(alone(&Observation { expires_at: Some(NOW), ..person.clone() }, &managed()), []);
    assert_eq!(kinds(&person, Some(Some(&person)), &managed(), &Sharing::default()), [StandingPrivilege]);
    let gained = kinds(&person, Some(Some(&plain)), &managed(), &Sharing::default());
    assert_eq!(gained, [StandingPrivilege, PrivilegeGained]);
    assert_eq!(kinds(&privileged(), Some(None), &managed(), &Sharing::default()), [PrivilegeGained]);
}

#[test]
fn a_secret_that_postern_did_not_set_was_changed_outside() {
    let before = Observation { password: password("a"), ..Observation::named("app") };
    let now = Observation { password: password("b"), ..before.clone() };
    let raised = |known: &Known| kinds(&now, Some(Some(&before)), known, &Sharing::default());
    assert_eq!(raised(&managed()), [FindingKind::SecretChanged]);
    assert_eq!(raised(&Known { secret_set_at: Some(NOW), ..managed() }), []);
    assert_eq!(raised(&Known { secret_set_at: Some(days_ago(2)), ..managed() }), [FindingKind::SecretChanged]);
    assert_eq!(raised(&Known::default()), [], "nobody said that it is ours");
}

#[test]
fn a_secret_that_opens_several_accounts_is_shared_and_the_others_are_named() {
    let seen = Observation { password: password("a"), ..Observation::named("app") };
    let mut sharing = Sharing::default();
    sharing.add("web-1", &seen);
    sharing.add("web-1", &seen);
    assert_eq!(kinds(&seen, None, &managed(), &sharing), [], "an account does not share with itself");
    sharing.add("web-2", &seen);
    let facts = Facts {
        seen: &seen,
        before: None,
        before_at: None,
        known: &managed(),
        shared: &sharing,
        asset: "web-1",
        now: NOW,
    };
    let raised = findings(facts);
    assert_eq!(raised[0].kind, FindingKind::Shared);
    assert_eq!(raised[0].evidence, ["the same password hash opens app@web-2"]);
}

proptest! {
    #[test]
    fn what_postern_provisioned_raises_nothing(empty in any::<bool>(), days in 0_u64..400) {
        let mut seen = privileged();
        seen.last_sign_in_at = Some(days_ago(days));
        if empty {
            seen.password = PasswordSight::Empty;
        }
        prop_assert_eq!(alone(&seen, &Known { is_provisioned: true, ..Known::default() }), []);
    }
}

#[test]
fn who_has_another_user_for_it_holds_no_power_every_day() {
    let linked = Known { everyday: vec!["app-adm".parse().unwrap()], ..managed() };
    assert_eq!(alone(&privileged(), &linked), [FindingKind::EverydayPrivilege]);
    assert_eq!(alone(&privileged(), &managed()), []);
    assert_eq!(alone(&Observation::named("app"), &linked), []);
}

#[test]
fn a_sign_in_that_postern_knows_nothing_of_is_told_once() {
    let at = |days| Observation { last_sign_in_at: Some(days_ago(days)), ..privileged() };
    let look = |now: &Observation, before: &Observation, known: &Known| {
        kinds(now, Some(Some(before)), known, &Sharing::default()).contains(&FindingKind::UsedOutside)
    };
    // The run before was a day ago.
    assert!(look(&at(0), &at(5), &managed()));
    assert!(!look(&at(0), &at(5), &Known { used_at_sign_in: true, ..managed() }), "it was ours");
    assert!(!look(&at(0), &at(5), &Known::default()), "nobody governs it");
    assert!(!look(&at(2), &at(5), &managed()), "it was before the last look");
    assert!(!look(&at(0), &at(0), &managed()), "it was told already");
    assert_eq!(kinds(&at(0), None, &managed(), &Sharing::default()), []);
}
