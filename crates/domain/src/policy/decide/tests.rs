use std::collections::BTreeSet;

use super::super::fixture::{Estate, NOON, grant, id, minutes, name, policy};
use super::super::{Capability, Effect, Hours, Masking, Statements};
use super::*;

fn standing(number: u32, called: &str) -> Policy {
    policy(number, called, Effect::Allow, Access::Standing)
}

fn on_request(number: u32, called: &str) -> Policy {
    policy(number, called, Effect::Allow, Access::Request)
}

fn changed<T>(mut value: T, change: impl FnOnce(&mut T)) -> T {
    change(&mut value);
    value
}

fn permitted(estate: &Estate) -> Connect {
    match estate.connect() {
        Decision::Permit(permit) => {
            let Connect { user, source, account, asset, policy, policy_name, grant, obligations, until } =
                permit.action();
            Connect {
                user: user.clone(),
                source: *source,
                account: account.clone(),
                asset: asset.clone(),
                policy: policy.clone(),
                policy_name: policy_name.clone(),
                grant: grant.clone(),
                obligations: obligations.clone(),
                until: *until,
            }
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_permit_says_everything_about_the_session() {
    let policy = on_request(1, "web-admins");
    let estate = Estate::new().with(|e| {
        e.grants = vec![grant(7, &policy)];
        e.policies = vec![policy.clone()];
        e.source = name("::ffff:10.1.2.3");
    });
    let expected = Connect {
        user: id("usr", 1),
        source: name("10.1.2.3"),
        account: id("acc", 1),
        asset: id("ast", 1),
        policy: id("pol", 1),
        policy_name: name("web-admins"),
        grant: Some(id("gra", 7)),
        obligations: policy.obligations,
        until: NOON.after(minutes(30)),
    };
    assert_eq!(permitted(&estate), expected);
}

#[test]
fn a_grant_keeps_what_it_was_granted_with() {
    let before = changed(on_request(1, "a"), |p| {
        p.obligations.capabilities.insert(Capability::SftpWrite);
    });
    let estate = Estate::new().with(|e| {
        e.grants = vec![grant(1, &before)];
        e.policies = vec![on_request(1, "a")];
    });
    assert_eq!(permitted(&estate).obligations, before.obligations);
}

#[test]
fn a_session_ends_with_its_grant_or_its_longest_duration() {
    let short = changed(on_request(1, "a"), |p| p.obligations.max_duration_seconds = 60);
    let estate = Estate::new().with(|e| {
        e.grants = vec![grant(1, &short)];
        e.policies = vec![short.clone()];
    });
    assert_eq!(permitted(&estate).until, NOON.after(minutes(1)));
    let estate = Estate::new().with(|e| e.policies = vec![standing(1, "a")]);
    assert_eq!(permitted(&estate).until, NOON.after(minutes(480)));
}

#[test]
fn a_session_ends_with_the_hours_of_its_policy_and_at_those_of_a_deny() {
    let hours = |from: &str, to: &str, zone: &str| Hours {
        days: [].into(),
        from: from.to_owned(),
        to: to.to_owned(),
        zone: zone.to_owned(),
        except: [].into(),
    };
    let until = |policies: Vec<Policy>| permitted(&Estate::new().with(|e| e.policies = policies)).until;
    let within = |policy: Policy, hours: Vec<Hours>| changed(policy, |p| p.conditions.hours = hours);
    let deny = || policy(2, "no", Effect::Deny, Access::Request);
    let (day, late) = (hours("08:00", "14:00", "UTC"), hours("14:00", "15:30", "UTC"));
    assert_eq!(until(vec![within(standing(1, "a"), vec![day.clone()])]), NOON.after(minutes(120)));
    assert_eq!(until(vec![within(standing(1, "a"), vec![day.clone(), late.clone()])]), NOON.after(minutes(210)));
    assert_eq!(until(vec![within(standing(1, "a"), vec![hours("00:00", "24:00", "UTC")])]), NOON.after(minutes(480)));
    assert_eq!(
        until(vec![within(standing(1, "a"), vec![hours("08:00", "14:00", "Europe/Berlin")])]),
        NOON.after(minutes(60))
    );
    assert_eq!(until(vec![standing(1, "a"), within(deny(), vec![late])]), NOON.after(minutes(120)));
    let elsewhere = changed(within(deny(), vec![hours("14:00", "15:30", "UTC")]), |p| {
        p.conditions.networks = vec![name("192.168.0.0/16")];
    });
    assert_eq!(until(vec![standing(1, "a"), elsewhere]), NOON.after(minutes(480)));
}

#[test]
fn a_grant_comes_before_standing_and_the_deepest_scope_and_the_name_decide_the_rest() {
    let policies = vec![
        standing(1, "a"),
        changed(standing(2, "z"), |p| p.scope = name("/emea/prod")),
        changed(standing(3, "y"), |p| p.scope = name("/emea/prod")),
        on_request(4, "x"),
    ];
    let mut estate = Estate::new().with(|e| e.policies = policies);
    assert_eq!(permitted(&estate).policy_name, name("y"));
    estate.grants = vec![grant(1, &estate.policies[3])];
    assert_eq!(permitted(&estate).policy_name, name("x"));
    estate.grants.push(changed(grant(2, &estate.policies[3]), |g| g.ends_at = NOON.after(minutes(40))));
    assert_eq!(permitted(&estate).grant, Some(id("gra", 2)), "the grant that lasts longest");
}

#[test]
fn standing_is_used_where_the_grant_has_no_session_left() {
    let one = changed(on_request(1, "one"), |p| p.obligations.concurrent_sessions = Some(1));
    let estate = Estate::new().with(|e| {
        e.grants = vec![grant(1, &one)];
        e.policies = vec![one, standing(2, "any")];
        e.live_sessions = 1;
    });
    assert_eq!(permitted(&estate).policy_name, name("any"));
}

#[test]
fn the_nearest_policy_gives_the_refusal() {
    let asleep = changed(standing(1, "a-asleep"), |p| p.conditions.networks = vec![name("192.168.0.0/16")]);
    let mut estate = Estate::new().with(|e| e.policies = vec![asleep]);
    assert_eq!(estate.connect().reasons(), [Reason::OutsideConditions { policy: name("a-asleep") }]);
    estate.policies.push(on_request(2, "b"));
    let needs = Reason::NeedsRequest { account: name("root@web-1"), policy: name("b") };
    assert_eq!(estate.connect().reasons(), [needs]);
    estate.grants = vec![changed(grant(1, &estate.policies[1]), |g| g.starts_at = NOON.after(minutes(5)))];
    let at = NOON.after(minutes(5));
    assert_eq!(estate.connect().reasons(), [Reason::NotYet { at, policy: name("b") }]);
}

#[test]
fn every_deny_is_named() {
    let deny = |number, called| policy(number, called, Effect::Deny, Access::Request);
    let estate = Estate::new().with(|e| {
        e.policies =
            vec![deny(1, "b"), standing(2, "c"), changed(deny(3, "z"), |p| p.scope = name("/emea/prod")), deny(4, "a")];
    });
    let named: Vec<_> = ["z", "a", "b"].map(|policy| Reason::DeniedBy { policy: name(policy) }).into();
    assert_eq!(estate.connect().reasons(), named);
    assert_eq!(estate.ask().reasons(), named);
}

#[test]
fn a_request_is_made_under_the_first_policy_whose_demands_it_meets() {
    let ticketed = changed(on_request(1, "a"), |p| p.obligations.ticket_pattern = Some("CHG-[0-9]+".to_owned()));
    let short = changed(on_request(2, "b"), |p| p.obligations.max_duration_seconds = 60);
    let mut estate = Estate::new().with(|e| e.policies = vec![short, ticketed, on_request(3, "c")]);
    let asked = |estate: &Estate| match estate.ask() {
        Decision::Permit(permit) => permit.action().policy_name.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(asked(&estate), "c");
    estate.ticket = Some("CHG-7".to_owned());
    assert_eq!(asked(&estate), "a");
    estate.duration_seconds = 60;
    estate.ticket = None;
    assert_eq!(asked(&estate), "b");
    estate.duration_seconds = 9 * 3_600;
    let reasons = estate.ask().reasons().to_vec();
    assert_eq!(reasons, [Reason::TooLong { max_seconds: 60, policy: name("b") }], "the nearest miss, by name");
}

mod reconsidering {
    use super::*;

    fn opened<'a>(connect: &'a Connect, minutes_ago: u64) -> OpenedUnder<'a> {
        OpenedUnder {
            policy: &connect.policy,
            grant: connect.grant.as_ref(),
            obligations: &connect.obligations,
            started_at: NOON.before(minutes(minutes_ago)),
        }
    }

    fn granted() -> (Estate, Connect) {
        let policy = on_request(1, "a");
        let estate = Estate::new().with(|e| {
            e.grants = vec![grant(1, &policy)];
            e.policies = vec![policy];
        });
        let connect = permitted(&estate);
        (estate, connect)
    }

    #[test]
    fn nothing_changed_means_nothing_changes() {
        let (mut estate, connect) = granted();
        estate.mfa_at = None;
        estate.live_sessions = 9;
        assert_eq!(reconsider(&estate.connect_facts(), &opened(&connect, 5), NOON), Ok(connect.until));
    }

    #[test]
    fn the_longest_duration_counts_from_the_start() {
        let estate = Estate::new().with(|e| e.policies = vec![standing(1, "a")]);
        let connect = permitted(&estate);
        let until = reconsider(&estate.connect_facts(), &opened(&connect, 20), NOON);
        assert_eq!(until, Ok(NOON.after(minutes(460))));
    }

    #[test]
    fn an_extended_grant_carries_its_session_on() {
        let (mut estate, connect) = granted();
        estate.grants[0].obligations.max_duration_seconds = 3_600;
        estate.grants[0].ends_at = NOON.after(minutes(50));
        estate.grants[0].extended_at = Some(NOON);
        let until = reconsider(&estate.connect_facts(), &opened(&connect, 55), NOON);
        assert_eq!(until, Ok(NOON.after(minutes(50))));
        estate.grants[0].extended_at = None;
        let until = reconsider(&estate.connect_facts(), &opened(&connect, 55), NOON);
        assert_eq!(until, Ok(NOON.after(minutes(5))), "without, the longest session counts from its start");
    }

    #[test]
    fn other_rights_do_not_carry_a_session_on() {
        let (mut estate, connect) = granted();
        estate.policies.push(standing(2, "b"));
        estate.grants[0].revoked_at = Some(NOON);
        assert_eq!(permitted(&estate).policy_name, name("b"), "a new session could be opened");
        let ended = reconsider(&estate.connect_facts(), &opened(&connect, 5), NOON);
        assert_eq!(ended, Err(vec![Reason::NeedsRequest { account: name("root@web-1"), policy: name("a") }]));
        estate.policies.remove(0);
        let ended = reconsider(&estate.connect_facts(), &opened(&connect, 5), NOON);
        assert_eq!(ended, Err(vec![Reason::NoPolicy]));
    }

    #[test]
    fn a_session_stays_with_the_right_that_it_was_opened_by() {
        let mut estate = Estate::new().with(|e| e.policies = vec![standing(1, "a")]);
        let direct = permitted(&estate);
        estate.grants = vec![grant(1, &estate.policies[0])];
        let until = reconsider(&estate.connect_facts(), &opened(&direct, 5), NOON);
        assert_eq!(until, Ok(NOON.after(minutes(475))), "a grant that came later does not shorten it");
        let by_grant = permitted(&estate);
        assert_eq!(by_grant.grant, Some(id("gra", 1)));
        estate.grants.push(grant(2, &estate.policies[0]));
        estate.grants[0].revoked_at = Some(NOON);
        let ended = reconsider(&estate.connect_facts(), &opened(&by_grant, 5), NOON);
        assert_eq!(ended, Err(vec![Reason::NeedsRequest { account: name("root@web-1"), policy: name("a") }]));
    }

    #[test]
    fn a_deny_and_a_narrower_policy_end_it() {
        let (mut estate, connect) = granted();
        estate.policies[0].conditions.networks = vec![name("192.168.0.0/16")];
        let ended = reconsider(&estate.connect_facts(), &opened(&connect, 5), NOON);
        assert_eq!(ended, Err(vec![Reason::OutsideConditions { policy: name("a") }]));
        estate.policies.push(policy(2, "no", Effect::Deny, Access::Request));
        let ended = reconsider(&estate.connect_facts(), &opened(&connect, 5), NOON);
        assert_eq!(ended, Err(vec![Reason::DeniedBy { policy: name("no") }]));
    }

    #[test]
    fn standing_that_gives_less_ends_it_and_more_does_not() {
        let mut estate = Estate::new().with(|e| e.policies = vec![standing(1, "a")]);
        let connect = permitted(&estate);
        estate.policies[0].obligations.capabilities.insert(Capability::Env);
        assert!(reconsider(&estate.connect_facts(), &opened(&connect, 5), NOON).is_ok());
        estate.policies[0].obligations.idle_seconds = Some(60);
        let ended = reconsider(&estate.connect_facts(), &opened(&connect, 5), NOON);
        assert_eq!(ended, Err(vec![Reason::ObligationsChanged { policy: name("a") }]));
        estate.policies[0].obligations =
            Obligations { capabilities: [Capability::Shell].into(), ..connect.obligations.clone() };
        let ended = reconsider(&estate.connect_facts(), &opened(&connect, 5), NOON);
        assert_eq!(ended, Err(vec![Reason::ObligationsChanged { policy: name("a") }]));
    }

    #[test]
    fn a_session_sees_columns_and_ends_where_more_is_to_be_hidden() {
        let hiding = |tags: &[&str]| {
            let tags = tags.iter().map(|tag| name(tag)).collect();
            let masking = Some(Masking { tags, ..Masking::default() });
            Some(Statements { masking, ..Statements::default() })
        };
        let tagged = |columns: &[&str]| [(name("pii"), columns.iter().map(|&column| column.to_owned()).collect())];
        let mut policy = standing(1, "a");
        policy.obligations.statements = hiding(&["pii"]);
        let mut estate = Estate::new().with(|e| e.policies = vec![policy]);
        estate.asset.column_tags = tagged(&["email"]).into();
        let connect = permitted(&estate);
        let masking = connect.obligations.statements.as_ref().and_then(|statements| statements.masking.clone());
        let columns: BTreeSet<_> = ["email".to_owned()].into();
        assert_eq!(masking, Some(Masking { columns, ..Masking::default() }));
        let ended = Err(vec![Reason::ObligationsChanged { policy: name("a") }]);
        let now = |estate: &Estate| reconsider(&estate.connect_facts(), &opened(&connect, 5), NOON);
        assert!(now(&estate).is_ok());
        estate.asset.column_tags = tagged(&["email", "phone"]).into();
        assert_eq!(now(&estate), ended, "a column more");
        estate.asset.column_tags.clear();
        assert!(now(&estate).is_ok(), "nothing more is hidden");
        estate.asset.column_tags = tagged(&["email"]).into();
        estate.policies[0].obligations.statements = None;
        assert!(now(&estate).is_ok());
        estate.policies[0].obligations.statements = hiding(&["pii", "payment"]);
        assert!(now(&estate).is_ok(), "a tag that the asset does not have hides nothing");
        let read_only = Statements { read_only: true, ..hiding(&["pii"]).unwrap() };
        estate.policies[0].obligations.statements = Some(read_only);
        assert_eq!(now(&estate), ended, "another rule");
    }
}
