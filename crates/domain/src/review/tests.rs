use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::grant::Grant;
use crate::policy::fixture::{self, NOON, id, name, user};
use crate::policy::{Effect, Holding, Policy, Resident};
use crate::user::Group;

fn days(count: u64) -> Duration {
    Duration::from_secs(count * 86_400)
}

fn resident(named: &str, groups: &[&str]) -> Resident {
    let mut person = user(named, groups, "/");
    person.created_at = NOON.before(days(400));
    let groups = groups.iter().map(|group| (name(group), name("/"))).collect();
    Resident { user: person, groups }
}

fn group(number: u32, named: &str, members: &[&str]) -> Group {
    let members = members.iter().map(|member| name(member)).collect();
    Group {
        id: id("grp", number),
        name: name(named),
        scope: name("/"),
        description: String::new(),
        members,
        roles: vec![],
    }
}

fn policy(number: u32, named: &str, users: &[&str], groups: &[&str], access: Access) -> Policy {
    Policy {
        id: id("pol", number),
        name: name(named),
        scope: name("/"),
        description: String::new(),
        effect: Effect::Allow,
        subjects: crate::policy::Subjects {
            users: users.iter().map(|user| name(user)).collect(),
            groups: groups.iter().map(|group| name(group)).collect(),
            ..crate::policy::Subjects::default()
        },
        accounts: Default::default(),
        conditions: Default::default(),
        access,
        obligations: Default::default(),
        revision: 1,
    }
}

struct Small {
    people: Vec<Resident>,
    groups: Vec<Group>,
    policies: Vec<Policy>,
    holdings: Vec<Holding>,
    grants: Vec<Grant>,
    uses: Uses,
}

impl Small {
    fn new() -> Self {
        let estate = fixture::Estate::new();
        let mut account = estate.account;
        account.owner = Some(name("olga"));
        Self {
            people: vec![resident("ben", &["sre"]), resident("cyd", &["sre"]), resident("olga", &[])],
            groups: vec![group(1, "sre", &["ben", "cyd"])],
            policies: vec![
                policy(1, "oncall", &["ben"], &[], Access::Standing),
                policy(2, "prod", &[], &["sre"], Access::Request),
            ],
            holdings: vec![Holding { account, asset: estate.asset }],
            grants: Vec::new(),
            uses: Uses::default(),
        }
    }

    fn rights(&self, plan: &ReviewPlan) -> Vec<Reviewed> {
        let world = World {
            people: &self.people,
            roles: &BTreeMap::from([(
                name("olga"),
                vec![RoleAssignment { role: name("administrator"), scope: name("/") }],
            )]),
            groups: &self.groups,
            policies: &self.policies,
            holdings: &self.holdings,
            grants: &self.grants,
            findings: &BTreeMap::from([(id("acc", 1), (2, Severity::High))]),
            uses: &self.uses,
            now: NOON,
        };
        rights(&world, &name("/"), plan)
    }

    fn ground(&self) -> Ground {
        Ground::of(&self.holdings, &self.policies)
    }
}

fn kinds(found: &[Reviewed]) -> Vec<(RightKind, String)> {
    found.iter().map(|each| (each.right.kind, each.right.holder())).collect()
}

fn item(reviewed: &Reviewed) -> ReviewItem {
    ReviewItem {
        number: 1,
        right: reviewed.right.clone(),
        facts: reviewed.facts.clone(),
        advice: reviewed.advice,
        reasons: reviewed.reasons.clone(),
        reducible: reviewed.reducible,
        owners: reviewed.owners.clone(),
        decision: None,
        reason: None,
        decided_by: None,
        decided_at: None,
        effect: None,
        effect_detail: None,
    }
}

fn review(reviewers: Reviewers) -> Review {
    Review {
        id: id("rev", 1),
        name: "Autumn".to_owned(),
        scope: name("/"),
        plan: ReviewPlan { reviewers, ..ReviewPlan::default() },
        state: ReviewState::Open,
        author: name("ada"),
        started_at: NOON,
        due_at: NOON.after(days(14)),
        closed_at: None,
        next_at: None,
        counts: ReviewCounts::default(),
        paces: Vec::new(),
    }
}

#[test]
fn everything_that_gives_access_is_reviewed_once() {
    let small = Small::new();
    let all = kinds(&small.rights(&ReviewPlan::default()));
    let expected = [
        (RightKind::PolicyUser, "ben"),
        (RightKind::PolicyGroup, "group sre"),
        (RightKind::Membership, "ben"),
        (RightKind::Membership, "cyd"),
        (RightKind::Role, "olga"),
    ];
    assert_eq!(all, expected.map(|(kind, holder)| (kind, holder.to_owned())));
    let of_group = ReviewPlan { groups: [name("sre")].into(), ..ReviewPlan::default() };
    assert_eq!(kinds(&small.rights(&of_group)).len(), 3, "not what ben has by name, nor olga's role");
    let labelled = ReviewPlan { labels: [("env".to_owned(), "dev".to_owned())].into(), ..ReviewPlan::default() };
    assert!(small.rights(&labelled).is_empty(), "no account has the label");
    let only = ReviewPlan { kinds: [RightKind::Role].into(), ..ReviewPlan::default() };
    assert_eq!(small.rights(&only).len(), 1);
}

#[test]
fn what_is_known_and_advised_follows_from_use() {
    let mut small = Small::new();
    let unused = small.rights(&ReviewPlan::default());
    let oncall = unused.first().unwrap();
    assert_eq!((oncall.advice, oncall.reasons.first().unwrap().as_str()), (Decision::Revoke, "not used, never"));
    assert_eq!((oncall.facts.findings, oncall.owners.as_slice()), (2, &[name("olga")][..]));
    let used = Use { last_at: Some(NOON.before(days(3))), count: 2 };
    small.uses.by_policy.insert((name("ben"), id("pol", 1)), used);
    small.uses.by_policy.insert((name("cyd"), id("pol", 2)), used);
    let found = small.rights(&ReviewPlan::default());
    let advice: Vec<_> = found.iter().map(|each| each.advice).collect();
    let (keep, revoke) = (Decision::Keep, Decision::Revoke);
    assert_eq!(advice, [Decision::Reduce, keep, revoke, keep, revoke], "{found:#?}");
    let by_group = found.get(1).unwrap();
    assert_eq!((by_group.facts.peers, by_group.facts.peers_with), (2, 1));
    assert!(by_group.reasons.iter().any(|reason| reason.contains("1 of 2 people in the group have used it")));
}

#[test]
fn somebody_new_is_given_time() {
    let mut small = Small::new();
    small.people.first_mut().unwrap().user.created_at = NOON.before(days(5));
    let found = small.rights(&ReviewPlan::default());
    assert_eq!(found.first().unwrap().advice, Decision::Keep);
    small.people.first_mut().unwrap().user.state = UserState::Disabled;
    assert_eq!(small.rights(&ReviewPlan::default()).first().unwrap().advice, Decision::Revoke);
}

#[test]
fn nobody_answers_for_a_right_of_their_own() {
    let small = Small::new();
    let found = small.rights(&ReviewPlan::default());
    let by_kind = |kind| item(found.iter().find(|each| each.right.kind == kind).unwrap());
    let all = ["ben", "cyd", "olga"].map(name);
    let asked = review(Reviewers { users: all.into(), ..Reviewers::default() });
    let (ben, cyd) = (user("ben", &["sre"], "/"), user("cyd", &["sre"], "/"));
    let decide = |user: &User, item: &ReviewItem, decision| {
        let in_group = item.right.group.as_ref() == Some(&name("sre"));
        may_decide(Reviewer { user, own: &[user.name.clone()].into(), in_group }, &asked, item, decision, NOON)
    };
    assert_eq!(decide(&ben, &by_kind(RightKind::PolicyUser), Decision::Keep), Err(MayNot::Own));
    assert_eq!(decide(&cyd, &by_kind(RightKind::PolicyUser), Decision::Keep), Ok(()));
    assert_eq!(decide(&cyd, &by_kind(RightKind::PolicyGroup), Decision::Revoke), Err(MayNot::Own), "their group's");
    assert_eq!(
        decide(&cyd, &by_kind(RightKind::Membership), Decision::Revoke),
        Ok(()),
        "ben's membership is not theirs"
    );
    let both = ["cyd", "ben"].map(name).into();
    let linked = Reviewer { user: &cyd, own: &both, in_group: false };
    let of_ben = by_kind(RightKind::PolicyUser);
    assert_eq!(may_decide(linked, &asked, &of_ben, Decision::Keep, NOON), Err(MayNot::Own), "another user of theirs");
    let revoked = ReviewItem { decision: Some(Decision::Revoke), ..by_kind(RightKind::PolicyUser) };
    assert_eq!(decide(&cyd, &revoked, Decision::Keep), Err(MayNot::Done));
    assert_eq!(decide(&cyd, &by_kind(RightKind::Membership), Decision::Reduce), Err(MayNot::NotReducible));
    let gone = User { state: UserState::Disabled, ..cyd.clone() };
    assert_eq!(decide(&gone, &by_kind(RightKind::PolicyUser), Decision::Keep), Err(MayNot::Inactive));
}

#[test]
fn owners_answer_for_what_reaches_their_accounts_and_nobody_after_the_end() {
    let small = Small::new();
    let found = small.rights(&ReviewPlan::default());
    let oncall = item(found.first().unwrap());
    let by_owners = review(Reviewers { owners: true, ..Reviewers::default() });
    let (olga, cyd) = (user("olga", &[], "/"), user("cyd", &[], "/"));
    let decide = |user: &User, review: &Review, now| {
        may_decide(
            Reviewer { user, own: &[user.name.clone()].into(), in_group: false },
            review,
            &oncall,
            Decision::Keep,
            now,
        )
    };
    assert_eq!(decide(&olga, &by_owners, NOON), Ok(()));
    assert_eq!(decide(&cyd, &by_owners, NOON), Err(MayNot::NotAsked));
    assert_eq!(decide(&olga, &by_owners, by_owners.due_at), Err(MayNot::Over));
    let closed = Review { state: ReviewState::Closed, ..by_owners };
    assert_eq!(decide(&olga, &closed, NOON), Err(MayNot::Over));
}

#[test]
fn who_keeps_everything_at_once_is_told() {
    let answers = |decisions: &[Decision], every_ms: i64| -> Vec<Answer> {
        let at = |number: usize| Timestamp::from_millis(NOON.as_millis() + i64::try_from(number).unwrap() * every_ms);
        let answer =
            |(number, decision): (usize, &Decision)| Answer { user: name("max"), at: at(number), decision: *decision };
        decisions.iter().enumerate().map(answer).collect()
    };
    let stamped = |answers: &[Answer], seen: Timestamp| {
        paces(answers, &BTreeMap::from([(name("max"), seen)])).pop().unwrap().rubber_stamped
    };
    let kept = [Decision::Keep; 20];
    assert!(stamped(&answers(&kept, 0), NOON.before(Duration::from_secs(30))), "all at once");
    assert!(stamped(&answers(&kept, 2_000), NOON), "one every two seconds");
    assert!(!stamped(&answers(&kept, 20_000), NOON), "one every twenty seconds");
    assert!(!stamped(&answers(&kept, 0), NOON.before(Duration::from_secs(300))), "all at once, having looked");
    assert!(!stamped(&answers(&[Decision::Keep; 9], 0), NOON), "too few to say");
    let mut one_taken = kept;
    one_taken[3] = Decision::Revoke;
    assert!(!stamped(&answers(&one_taken, 0), NOON), "they made a difference");
    let hundred = [Decision::Keep; 200];
    assert!(stamped(&answers(&hundred, 0), NOON.before(days(1))), "a long pause is no look");
}

#[test]
fn taking_a_right_away_that_uncovers_more_is_seen() {
    let mut small = Small::new();
    let right = small.rights(&ReviewPlan::default()).first().unwrap().right.clone();
    let oncall = small.policies.first().unwrap().clone();
    let ben = small.people.first().unwrap().clone();
    let after = |small: &Small| -> Vec<Policy> {
        small
            .policies
            .iter()
            .map(|policy| if policy.id == oncall.id { without(policy, &right) } else { policy.clone() })
            .collect()
    };
    let gains = |small: &Small| small.ground().gains((&ben, &small.policies), (&ben, &after(small)), None);
    assert!(!gains(&small), "what stands behind gives no more");
    small.policies.get_mut(1).unwrap().obligations.max_duration_seconds *= 2;
    assert!(gains(&small), "what stands behind gives longer sessions");
}

#[test]
fn a_reduced_right_gives_no_more_than_before() {
    let small = Small::new();
    let right = small.rights(&ReviewPlan::default()).first().unwrap().right.clone();
    let oncall = small.policies.first().unwrap();
    let named = reduced_name(&oncall.name, &right).unwrap();
    assert_eq!(named.as_str(), "oncall.ben.reduced");
    let new = reduced(oncall, &right, id("pol", 9), named);
    let mut after: Vec<Policy> = small.policies.clone();
    *after.first_mut().unwrap() = without(oncall, &right);
    after.push(new.clone());
    let ben = small.people.first().unwrap();
    assert!(!small.ground().gains((ben, &small.policies), (ben, &after), Some((&new.id, &oncall.id))));
    assert!(small.ground().gains((ben, &after), (ben, &small.policies), None), "the way back would give more");
}

proptest! {
    #[test]
    fn reduced_names_are_names(policy in "[a-z0-9][a-z0-9._-]{0,62}", whom in "[a-z0-9][a-z0-9._-]{0,62}") {
        let right = Right {
            kind: RightKind::PolicyUser,
            user: whom.parse().ok(),
            group: None,
            policy: policy.parse().ok(),
            role: None,
            grant: None,
            attributes: BTreeMap::new(),
            scope: name("/"),
        };
        if right.user.is_some() && let Some(policy) = &right.policy {
            prop_assert!(reduced_name(policy, &right).is_some());
        }
    }
}
