//! What is true of the decisions in every small estate, not only in those that we thought of.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use proptest::collection::{btree_set, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;

use super::fixture::{Estate, NOON, grant, id, minutes, name, policy, word};
use super::*;
use crate::account::AccountState;
use crate::asset::Platform;
use crate::grant::Grant;
use crate::permit::Connect;
use crate::risk::RiskLevel;
use crate::time::Timestamp;
use crate::user::{UserKind, UserState};

const SCOPES: [&str; 6] = ["/", "/emea", "/emea/prod", "/emea/prod/eu", "/emea/test", "/apac"];
const GROUPS: [&str; 3] = ["sre", "dba", "ops"];
const PEOPLE: [&str; 3] = ["ben", "cyd", "eve"];

/// `usual` mostly, so that the chances of a permit do not vanish, and sometimes one of `all`.
fn mostly<T: Clone + std::fmt::Debug + 'static>(usual: T, all: &'static [T]) -> impl Strategy<Value = T> {
    prop_oneof![3 => Just(usual), 1 => select(all)]
}

fn any_scope(usual: &'static str) -> impl Strategy<Value = ScopePath> {
    mostly(usual, &SCOPES).prop_map(name)
}

fn any_time() -> impl Strategy<Value = Timestamp> {
    (-90i64..90).prop_map(|m| Timestamp::from_millis(NOON.as_millis() + m * 60_000))
}

/// A level of risk that a policy of `effect` may name.
fn any_risk(effect: Effect) -> impl Strategy<Value = Option<RiskCondition>> {
    let of_effect = move |level| match effect {
        Effect::Allow => RiskCondition::AtMost(level),
        Effect::Deny => RiskCondition::AtLeast(level),
    };
    of(select(&RiskLevel::ALL[..]).prop_map(of_effect))
}

fn any_conditions(effect: Effect) -> impl Strategy<Value = Conditions> {
    let network = select(&["10.0.0.0/8", "192.168.0.0/16", "::/0"][..]).prop_map(name);
    let hours = select(&[("08:00", "18:00"), ("18:00", "08:00"), ("never", "ever")][..]).prop_map(|(from, to)| Hours {
        days: BTreeSet::new(),
        from: from.to_owned(),
        to: to.to_owned(),
        zone: "UTC".to_owned(),
        except: BTreeSet::new(),
    });
    let clients = btree_set(select(&Client::ALL[..]), 0..3);
    let states = btree_set(select(&["Implement", "implement", "review"][..]).prop_map(str::to_owned), 1..3);
    let ticket = of(states.prop_map(|states| TicketCondition { states }));
    let narrow = (vec(network, 0..2), vec(hours, 0..2), clients, ticket, any_risk(effect))
        .prop_map(|(networks, hours, clients, ticket, risk)| Conditions { networks, hours, clients, ticket, risk });
    prop_oneof![2 => Just(Conditions::default()), 1 => narrow]
}

fn any_obligations() -> impl Strategy<Value = Obligations> {
    let limits = (mostly(43_200, &[0u64, 600]), mostly(7_200, &[0u64, 60]), of(1u32..4));
    (
        btree_set(select(&Capability::ALL[..]), 0..4),
        limits,
        any::<bool>(),
        mostly(None, &[Some("T-[0-9]+"), Some("T-[")]),
    )
        .prop_map(
            |(
                capabilities,
                (mfa_max_age_seconds, max_duration_seconds, concurrent_sessions),
                reason_required,
                pattern,
            )| {
                Obligations {
                    capabilities,
                    mfa_max_age_seconds,
                    max_duration_seconds,
                    concurrent_sessions,
                    reason_required,
                    ticket_pattern: pattern.map(str::to_owned),
                    ..Obligations::default()
                }
            },
        )
}

pub(super) fn any_policy() -> impl Strategy<Value = Policy> {
    let programs = prop_oneof![4 => Just(Workloads::default()), 1 => Just(Workloads::All(true))];
    let people = (btree_set(select(&PEOPLE[..]), 0..2), btree_set(mostly("sre", &GROUPS), 0..3));
    let who = (people, mostly(None, &[Some("pumps"), Some("web")]), programs);
    let what = (btree_set(mostly("root", &["app"]), 0..2), mostly(None, &[Some("prod"), Some("test")]));
    let kind = prop_oneof![
        6 => Just((Effect::Allow, Access::Request)),
        4 => Just((Effect::Allow, Access::Standing)),
        1 => Just((Effect::Deny, Access::Request)),
    ];
    (
        0u32..1_000,
        select(&["a", "b", "c"][..]),
        any_scope("/emea"),
        kind.prop_flat_map(|(effect, access)| (Just(effect), Just(access), any_conditions(effect))),
        who,
        what,
        any_obligations(),
    )
        .prop_map(
            |(
                number,
                called,
                scope,
                (effect, access, conditions),
                ((users, groups), team, workloads),
                (names, env),
                obligations,
            )| {
                Policy {
                    scope,
                    subjects: Subjects {
                        users: users.into_iter().map(name).collect(),
                        groups: groups.into_iter().map(name).collect(),
                        attributes: team.map(|team| ("team".to_owned(), team.to_owned())).into_iter().collect(),
                        workloads,
                    },
                    accounts: Accounts {
                        names: names.into_iter().map(name).collect(),
                        labels: env.map(|env| ("env".to_owned(), env.to_owned())).into_iter().collect(),
                        ..Accounts::default()
                    },
                    conditions,
                    obligations,
                    ..policy(number, called, effect, access)
                }
            },
        )
}

fn any_grant() -> impl Strategy<Value = (usize, Grant)> {
    let active = Just((NOON.before(minutes(30)), NOON.after(minutes(30)), None));
    let window = prop_oneof![1 => active, 1 => (any_time(), any_time(), of(any_time()))];
    (0usize..6, 0u32..1_000, prop_oneof![5 => Just("ben"), 1 => Just("cyd")], window, any_obligations()).prop_map(
        |(under, number, user, (starts_at, ends_at, revoked_at), obligations)| {
            let base = grant(number, &policy(0, "x", Effect::Allow, Access::Request));
            (under, Grant { user: name(user), starts_at, ends_at, revoked_at, obligations, ..base })
        },
    )
}

pub(super) fn any_estate() -> impl Strategy<Value = Estate> {
    let user = (
        prop_oneof![12 => Just(UserState::Active), 1 => Just(UserState::Disabled)],
        mostly("/emea", &SCOPES),
        btree_set(mostly("sre", &GROUPS), 1..3),
        (of(Just("pumps")), prop_oneof![9 => Just(UserKind::Person), 1 => Just(UserKind::Workload)]),
        (of(select(&Client::ALL[..])), mostly(RiskLevel::Low, &RiskLevel::ALL)),
    );
    let source = select(&["10.1.2.3", "::ffff:10.1.2.3", "192.168.7.7", "2001:db8::1"][..]);
    let asset = (mostly("/emea/prod", &SCOPES), mostly("prod", &["test"]));
    let state = prop_oneof![12 => Just(AccountState::Managed), 1 => Just(AccountState::Disabled)];
    let wish = (mostly(3_600, &[0u64, 60, 90_000]), any::<bool>(), of(Just("T-1".to_owned())));
    let rights = (vec(any_policy(), 0..7), vec(any_grant(), 0..5));
    let factor = prop_oneof![2 => Just(Some(NOON.before(minutes(1)))), 1 => of(any_time())];
    (user, source, asset, state, factor, 0u32..3, wish, rights).prop_map(
        |(
            (user_state, user_scope, groups, (team, kind), (client, risk)),
            source,
            (scope, env),
            state,
            mfa_at,
            live,
            wish,
            (mut policies, grants),
        )| {
            let mut numbers = BTreeMap::new();
            for (index, policy) in policies.iter_mut().enumerate() {
                if numbers.insert(policy.id.clone(), ()).is_some() {
                    policy.id = id("pol", 1_000 + u32::try_from(index).unwrap());
                }
            }
            let grants = grants
                .into_iter()
                .filter_map(|(under, grant)| {
                    let policy = policies.get(under)?.id.clone();
                    Some(Grant { policy, scope: name(scope), ..grant })
                })
                .collect();
            Estate::new().with(|e| {
                e.user.state = user_state;
                e.user.scope = name(user_scope);
                e.user.groups = groups.into_iter().map(name).collect();
                e.user.profile.kind = kind;
                e.user.profile.attributes.extend(team.map(|team| ("team".to_owned(), team.to_owned())));
                (e.client, e.risk) = (client, risk);
                e.source = name::<IpAddr>(source);
                e.asset.scope = name(scope);
                e.account.scope = name(scope);
                e.asset.labels.insert("env".to_owned(), env.to_owned());
                e.asset.platform = Platform::Linux;
                e.account.state = state;
                e.mfa_at = mfa_at;
                e.live_sessions = live;
                (e.duration_seconds, e.ticket) = (wish.0, wish.2);
                if wish.1 {
                    e.reason.clear();
                }
                e.policies = policies;
                e.grants = grants;
            })
        },
    )
}

/// Whether a policy of `effect` speaks about the estate's wish now, said again in other words.
fn speaks(policy: &Policy, estate: &Estate, effect: Effect) -> bool {
    let (asset, user) = (&estate.asset, &estate.user);
    let below = |scope: &ScopePath| {
        let prefix = format!("{}/", scope.as_str().trim_end_matches('/'));
        format!("{}/", asset.scope.as_str().trim_end_matches('/')).starts_with(&prefix)
    };
    let clients = &policy.conditions.clients;
    let by = clients.is_empty()
        || estate.client.map_or(effect == Effect::Allow, |client| clients.iter().any(|named| *named == client));
    let person = policy.subjects.users.iter().any(|u| *u == user.name)
        || user.groups.iter().any(|group| policy.subjects.groups.contains(group))
        || policy.subjects.attributes.get("team").is_some_and(|team| user.profile.attributes.get("team") == Some(team));
    let named = if user.is_workload() { policy.subjects.workloads.include(&user.name) } else { person };
    let account = policy.accounts.names.is_empty() || policy.accounts.names.contains(&estate.account.name);
    let label = policy.accounts.labels.get("env").is_none_or(|env| asset.labels.get("env") == Some(env));
    let now = policy.conditions.hold(estate.source, estate.now).unwrap_or(effect == Effect::Deny) && by;
    let borne = match policy.conditions.risk {
        Some(RiskCondition::AtMost(most)) => estate.risk as u8 <= most as u8,
        Some(RiskCondition::AtLeast(least)) => estate.risk as u8 >= least as u8,
        None => true,
    };
    let now = now && borne;
    policy.effect == effect && below(&policy.scope) && below(&user.scope) && named && account && label && now
}

fn connected(estate: &Estate, look: impl FnOnce(&Connect) -> Result<(), TestCaseError>) -> Result<(), TestCaseError> {
    match estate.connect() {
        Decision::Permit(permit) => look(permit.action()),
        Decision::StepUp { .. } | Decision::Deny(_) => Ok(()),
    }
}

fn said(estate: &Estate) -> String {
    format!("{:?} {:?} {:?}", estate.connect(), estate.ask(), estate.approve())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_deny_always_wins(estate in any_estate()) {
        let denied = estate.policies.iter().any(|policy| speaks(policy, &estate, Effect::Deny));
        if denied {
            for decided in [word(&estate.connect()), word(&estate.ask())] {
                let expected = if estate.user.state == UserState::Active { "denied_by" } else { "user_inactive" };
                prop_assert!(decided.starts_with(expected), "{}", decided);
            }
        }
    }

    #[test]
    fn another_deny_never_permits_more(estate in any_estate(), more in any_policy()) {
        let stricter = estate.clone().with(|e| e.policies.push(Policy { effect: Effect::Deny, id: id("pol", 5_000), ..more }));
        for (before, after) in [
            (word(&estate.connect()), word(&stricter.connect())),
            (word(&estate.ask()), word(&stricter.ask())),
        ] {
            prop_assert!(after == before || after.starts_with("denied_by"), "{} became {}", before, after);
        }
    }

    #[test]
    fn more_risk_never_gives_more(estate in any_estate()) {
        let given = |decided: &str| match decided {
            "permit" => 2,
            "step_up" => 1,
            _ => 0,
        };
        let at = |level| estate.clone().with(|e| e.risk = level);
        for (less, more) in [(RiskLevel::Low, RiskLevel::Elevated), (RiskLevel::Elevated, RiskLevel::High)] {
            prop_assert!(given(&word(&at(less).ask())) >= given(&word(&at(more).ask())));
            let opens = |level| word(&at(level).connect());
            // Another policy may ask for a fresher factor, or for none: what is refused stays refused.
            prop_assert!(given(&opens(less)) > 0 || given(&opens(more)) == 0);
        }
    }

    #[test]
    fn a_permit_rests_on_one_policy_that_allows(estate in any_estate()) {
        connected(&estate, |connect| {
            let found: Vec<_> = estate.policies.iter().filter(|policy| policy.id == connect.policy).collect();
            prop_assert_eq!(found.len(), 1);
            prop_assert!(speaks(found[0], &estate, Effect::Allow));
            prop_assert_eq!(&found[0].name, &connect.policy_name);
            prop_assert_eq!(estate.account.state, AccountState::Managed);
            prop_assert_eq!(estate.user.state, UserState::Active);
            prop_assert!(connect.until > estate.now);
            prop_assert!(connect.until <= estate.now.after(std::time::Duration::from_secs(connect.obligations.max_duration_seconds)));
            let mut at = estate.now;
            while at < connect.until {
                prop_assert!(speaks(found[0], &estate.clone().with(|e| e.now = at), Effect::Allow));
                prop_assert!(!estate.policies.iter().any(|p| speaks(p, &estate.clone().with(|e| e.now = at), Effect::Deny)));
                at = at.after(minutes(7)).min(connect.until.before(std::time::Duration::from_millis(1))).max(at.after(minutes(1)));
            }
            prop_assert!(connect.obligations.concurrent_sessions.is_none_or(|limit| estate.live_sessions < limit));
            prop_assert!(estate.user.is_workload() || estate.mfa_at.is_some_and(|at| at <= estate.now.after(minutes(1))));
            let granted = connect.grant.as_ref().map(|id| {
                estate.grants.iter().filter(|grant| grant.id == *id && grant.obligations == connect.obligations).any(|grant| {
                    grant.user == estate.user.name
                        && grant.policy == connect.policy
                        && grant.revoked_at.is_none()
                        && grant.starts_at <= estate.now
                        && connect.until <= grant.ends_at
                })
            });
            match granted {
                Some(is_granted) => prop_assert!(is_granted),
                None => {
                    prop_assert_eq!(found[0].access, Access::Standing);
                    prop_assert_eq!(&found[0].obligations, &connect.obligations);
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn what_may_be_asked_for_rests_on_one_policy_too(estate in any_estate()) {
        if let Decision::Permit(permit) = estate.ask() {
            let ask = permit.action();
            let found: Vec<_> = estate.policies.iter().filter(|policy| policy.id == ask.policy).collect();
            prop_assert_eq!(found.len(), 1);
            prop_assert!(speaks(found[0], &estate, Effect::Allow));
            prop_assert_eq!(found[0].access, Access::Request);
            prop_assert_eq!(&found[0].obligations, &ask.obligations);
            prop_assert!((1..=ask.obligations.max_duration_seconds).contains(&estate.duration_seconds));
        }
    }

    #[test]
    fn the_order_of_what_is_known_does_not_matter(
        (estate, policies, grants) in any_estate().prop_flat_map(|estate| {
            let (policies, grants) = (estate.policies.clone(), estate.grants.clone());
            (Just(estate), Just(policies).prop_shuffle(), Just(grants).prop_shuffle())
        })
    ) {
        let mut ids: Vec<_> = estate.grants.iter().map(|grant| &grant.id).collect();
        ids.sort();
        ids.dedup();
        prop_assume!(ids.len() == estate.grants.len());
        let shuffled = estate.clone().with(|e| (e.policies, e.grants) = (policies, grants));
        prop_assert_eq!(said(&estate), said(&shuffled));
    }

    #[test]
    fn nothing_reaches_across_tenants(estate in any_estate(), more in vec(any_policy(), 1..4)) {
        let foreign = |scope: &ScopePath| scope.tenant() != estate.asset.scope.tenant() && *scope != ScopePath::root();
        let with_more = estate.clone().with(|e| {
            e.policies.extend(more.into_iter().enumerate().filter(|(_, policy)| foreign(&policy.scope)).map(|(n, policy)| {
                Policy { id: id("pol", 6_000 + u32::try_from(n).unwrap()), ..policy }
            }));
        });
        prop_assert_eq!(said(&estate), said(&with_more));
        if foreign(&estate.user.scope) && estate.user.state == UserState::Active {
            prop_assert_eq!(word(&estate.connect()), "no_policy");
            prop_assert_eq!(word(&estate.ask()), "no_policy");
        }
    }

    #[test]
    fn what_was_just_permitted_may_go_on(estate in any_estate()) {
        connected(&estate, |connect| {
            let opened = OpenedUnder {
                policy: &connect.policy,
                grant: connect.grant.as_ref(),
                obligations: &connect.obligations,
                started_at: estate.now,
            };
            prop_assert_eq!(reconsider(&estate.connect_facts(), &opened, estate.now), Ok(connect.until));
            Ok(())
        })?;
    }

    #[test]
    fn nobody_answers_their_own_request(estate in any_estate()) {
        let own = estate.with(|e| e.request.user = e.user.name.clone());
        prop_assert_ne!(word(&own.approve()), "permit");
    }
}

#[test]
fn the_estates_reach_every_outcome() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = BTreeSet::new();
    for _ in 0..500 {
        let estate = any_estate().new_tree(&mut runner).unwrap().current();
        let decision = estate.connect();
        let granted = matches!(&decision, Decision::Permit(permit) if permit.action().grant.is_some());
        seen.insert(if granted { "permit by grant".to_owned() } else { word(&decision) });
    }
    for outcome in
        ["permit", "permit by grant", "step_up", "needs_request", "denied_by", "outside_conditions", "no_policy"]
    {
        assert!(seen.contains(outcome), "{outcome}");
    }
}
