use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;

use super::super::fixture::{NOON, grant, id, name, policy, user};
use super::super::properties::any_policy;
use super::super::{Access, Effect, fixture};
use super::*;
use crate::policy::{Answer, Reason};

fn resident(number: u32, called: &str, scope: &str, groups: &[(&str, &str)]) -> Resident {
    let mut user = user(called, &[], scope);
    user.id = id("usr", number);
    let groups: Vec<_> = groups.iter().map(|(group, scope)| (name(group), name(scope))).collect();
    user.groups = groups.iter().map(|(group, _): &(GroupName, ScopePath)| group.clone()).collect();
    Resident { user, groups }
}

fn holding(number: u32, account: &str, asset: &str, scope: &str, env: &str) -> Holding {
    let mut base = fixture::Estate::new();
    base.account.id = id("acc", number);
    base.account.name = name(account);
    base.account.asset = name(asset);
    base.account.scope = name(scope);
    base.asset.id = id("ast", number);
    base.asset.name = name(asset);
    base.asset.scope = name(scope);
    base.asset.labels.insert("env".to_owned(), env.to_owned());
    Holding { account: base.account, asset: base.asset }
}

fn any_people() -> impl Strategy<Value = Vec<Resident>> {
    let group = (select(&["sre", "dba", "ops"][..]), select(&["/", "/emea", "/apac"][..]));
    let one = (select(&["/", "/emea", "/emea/prod", "/apac"][..]), btree_set(group, 0..3));
    vec(one, 1..5).prop_map(|all| {
        let people = all.into_iter().zip(["ben", "cyd", "eve", "fay", "gus"]).zip(1..);
        people
            .map(|(((scope, groups), called), number)| {
                let mut made = resident(number, called, scope, &groups.into_iter().collect::<Vec<_>>());
                if number % 2 == 0 {
                    made.user.profile.attributes.insert("team".to_owned(), "pumps".to_owned());
                }
                if called == "gus" {
                    made.user.profile.kind = crate::user::UserKind::Workload;
                }
                made
            })
            .collect()
    })
}

fn any_holdings() -> impl Strategy<Value = Vec<Holding>> {
    let one = (
        select(&["root", "app"][..]),
        select(&["/emea", "/emea/prod", "/emea/test", "/apac"][..]),
        select(&["prod", "test"][..]),
    );
    vec(one, 1..5).prop_map(|all| {
        let named = all.into_iter().zip(["web-1", "web-2", "db-1", "db-2", "db-3"]).zip(1..);
        named.map(|(((account, scope, env), asset), number)| holding(number, account, asset, scope, env)).collect()
    })
}

fn any_policies() -> impl Strategy<Value = Vec<Policy>> {
    vec(any_policy(), 0..9).prop_map(numbered)
}

fn numbered(mut policies: Vec<Policy>) -> Vec<Policy> {
    for (policy, number) in policies.iter_mut().zip(1..) {
        policy.id = id("pol", number);
    }
    policies
}

/// The grants that the first person holds under the first policies, each for the first account.
fn granted(people: &[Resident], holdings: &[Holding], policies: &[Policy]) -> Vec<Grant> {
    let (Some(person), Some(holding)) = (people.first(), holdings.first()) else { return Vec::new() };
    let under = policies.iter().zip(1..).take(3);
    under
        .map(|(policy, number)| Grant {
            user: person.user.name.clone(),
            account: holding.reference(),
            scope: holding.asset.scope.clone(),
            ..grant(number, policy)
        })
        .collect()
}

/// A risk for each pair, all of them in every estate.
fn level(person: &Resident, holding: &Holding) -> RiskLevel {
    let text = format!("{}{}", person.user.name, holding.reference());
    let sum = text.bytes().map(usize::from).sum::<usize>();
    RiskLevel::ALL[sum % RiskLevel::ALL.len()]
}

/// Says the risks of all pairs, but for high ones: what is not said is high.
fn weighed(estate: &mut Estate<'_>, people: &[Resident], holdings: &[Holding]) {
    for (person, holding) in people.iter().flat_map(|person| holdings.iter().map(move |holding| (person, holding))) {
        if level(person, holding) != RiskLevel::High {
            estate.set_risk(&person.user.name, &holding.account.id, level(person, holding));
        }
    }
}

/// What is decided with every policy looked at, one after the other.
fn plainly(
    person: &Resident,
    holding: &Holding,
    policies: &[Policy],
    grants: &[Grant],
    action: Action,
    source: IpAddr,
) -> Answered {
    let user = person.seen_in(&holding.asset.scope);
    let theirs: Vec<_> = grants.iter().filter(|grant| grant.account == holding.reference()).cloned().collect();
    let facts = ConnectFacts {
        subject: Subject { user: &user, source, mfa_at: Some(NOON), client: None, risk: level(person, holding) },
        target: Target { account: &holding.account, asset: &holding.asset },
        policies: policies.into(),
        grants: &theirs,
        live_sessions: 0,
    };
    answer(&facts, action, NOON)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn reports_say_what_the_door_says(
        people in any_people(),
        holdings in any_holdings(),
        policies in any_policies(),
        action in select(Action::all().collect::<Vec<_>>()),
        source in select(&["10.1.2.3", "192.168.7.7"][..]),
    ) {
        let source: IpAddr = name(source);
        let grants = granted(&people, &holdings, &policies);
        let mut estate = Estate::new(&policies);
        for grant in &grants {
            estate.add_grant(&holdings[0].account.id, grant.clone());
        }
        weighed(&mut estate, &people, &holdings);
        for holding in &holdings {
            let who = estate.who_can(&people, holding, action, source, NOON);
            for person in &people {
                let plain = plainly(person, holding, &policies, &grants, action, source);
                prop_assert_eq!(&estate.answer(&person.seen_in(&holding.asset.scope), holding, action, source, NOON), &plain);
                let listed = who.iter().find(|(listed, _)| listed.user.id == person.user.id);
                match listed {
                    Some((_, answered)) => prop_assert_eq!(answered, &plain),
                    None => {
                        prop_assert_eq!(plain.answer, Answer::Refused);
                        let nothing = |reason: &Reason| matches!(reason, Reason::NoPolicy | Reason::DeniedBy { .. });
                        prop_assert!(plain.reasons.iter().all(nothing));
                    }
                }
                let what = estate.what_can(person, &holdings, action, source, NOON);
                let there = what.iter().find(|(there, _)| there.account.id == holding.account.id);
                match there {
                    Some((_, answered)) => prop_assert_eq!(answered, &plain),
                    None => prop_assert_eq!(plain.answer, Answer::Refused),
                }
            }
        }
    }

    #[test]
    fn blocks_say_of_each_pair_what_happens_to_it(
        people in any_people(),
        holdings in any_holdings(),
        before in any_policies(),
        after in any_policies(),
        kept in 0usize..9,
    ) {
        let mut after = after;
        after.splice(..kept.min(after.len()), before.iter().take(kept).cloned());
        let after = numbered(after);
        let told = blocks(&people, &holdings, &before, &after);
        for person in &people {
            for holding in &holdings {
                let user = person.seen_in(&holding.asset.scope);
                let concerning = |policies: &'_ [Policy]| -> Vec<Policy> {
                    policies.iter().filter(|p| p.concerns(&user, &holding.account, &holding.asset)).cloned().collect()
                };
                let (was, is) = (concerning(&before), concerning(&after));
                let expected = shift(&was.iter().collect::<Vec<_>>(), &is.iter().collect::<Vec<_>>());
                let found: Vec<_> = told
                    .iter()
                    .filter(|b| b.people.contains(&person.user.name) && b.accounts.contains(&holding.reference()))
                    .collect();
                prop_assert_eq!(found.len(), usize::from(expected.any()));
                prop_assert!(found.iter().all(|block| block.shift == expected));
            }
        }
    }
}

#[test]
fn a_block_names_whom_a_new_policy_is_about() {
    let people = [
        resident(1, "ben", "/emea", &[("sre", "/emea")]),
        resident(2, "cyd", "/emea", &[("dba", "/emea")]),
        resident(3, "eve", "/apac", &[("sre", "/apac")]),
    ];
    let holdings = [holding(1, "root", "web-1", "/emea", "prod"), holding(2, "app", "web-1", "/emea", "prod")];
    let new = [policy(1, "new", Effect::Allow, Access::Request)];
    let told = blocks(&people, &holdings, &[], &new);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].people, [name("ben")]);
    assert_eq!(told[0].accounts, [name("app@web-1"), name("root@web-1")]);
    assert_eq!((told[0].shift.widened, told[0].shift.narrowed), (true, false));
}
