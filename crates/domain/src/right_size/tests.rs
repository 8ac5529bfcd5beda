use super::*;
use crate::account::Account;
use crate::asset::Asset;
use crate::policy::fixture::{self, NOON, id, name, user};
use crate::policy::{Effect, Policy, Subjects};
use crate::user::UserKind;

fn holding(number: u32, asset: &str) -> Holding {
    let estate = fixture::Estate::new();
    let account = Account { id: id("acc", number), asset: name(asset), ..estate.account };
    Holding { account, asset: Asset { id: id("ast", number), name: name(asset), ..estate.asset } }
}

fn resident(named: &str, groups: &[&str]) -> Resident {
    let groups_held = groups.iter().map(|group| (name(group), name("/"))).collect();
    Resident { user: user(named, groups, "/"), groups: groups_held }
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

fn policy() -> Policy {
    Policy {
        id: id("pol", 1),
        name: name("prod"),
        scope: name("/"),
        description: String::new(),
        effect: Effect::Allow,
        subjects: Subjects {
            users: [name("ada")].into(),
            groups: [name("sre"), name("dba")].into(),
            ..Subjects::default()
        },
        accounts: Default::default(),
        conditions: Default::default(),
        access: Access::Standing,
        obligations: Default::default(),
        revision: 1,
    }
}

fn sized(used: &PolicyUse) -> RightSize {
    let people =
        [resident("ada", &[]), resident("ben", &["sre"]), resident("cyd", &["sre"]), resident("dan", &["dba"])];
    let groups = [group(1, "sre", &["ben", "cyd"]), group(2, "dba", &["dan"])];
    right_size(&policy(), &people, &groups, &[holding(1, "web-1"), holding(2, "web-2")], used)
}

fn used(count: u64, capabilities: Option<&[Capability]>) -> PolicyUse {
    let by = [((name("ben"), id("acc", 1)), Use { last_at: Some(NOON), count })].into();
    PolicyUse { by, capabilities: capabilities.map(|used| used.iter().copied().collect()) }
}

#[test]
fn what_was_used_stays_and_the_rest_goes() {
    let told = sized(&used(20, Some(&[Capability::Shell])));
    assert_eq!((told.people, told.people_used, told.accounts, told.accounts_used), (4, 1, 2, 1));
    let proposed = told.proposed.expect("a narrower policy");
    assert!(proposed.subjects.users.is_empty());
    assert_eq!(proposed.subjects.groups, [name("sre")].into());
    assert_eq!(proposed.accounts.assets, [name("web-1")].into());
    assert_eq!(proposed.obligations.capabilities, [Capability::Shell].into());
    assert_eq!(proposed.access, Access::Standing, "it is used often");
    assert_eq!(told.unused_members, [name("cyd"), name("dan")]);
    assert_eq!(told.changes.len(), 4);
}

#[test]
fn what_is_rarely_used_is_for_the_asking() {
    let proposed = sized(&used(2, None)).proposed.expect("a narrower policy");
    assert_eq!(proposed.access, Access::Request);
    assert_eq!(proposed.obligations.capabilities.len(), 2, "what sessions did is not known");
}

#[test]
fn what_nobody_used_is_to_be_deleted_not_narrowed() {
    let told = sized(&PolicyUse::default());
    assert!(told.unused && told.proposed.is_none());
}

#[test]
fn what_is_proposed_is_never_wider() {
    for count in [1, 4, 5, 100] {
        for capabilities in [None, Some(&[][..]), Some(&[Capability::Exec][..])] {
            let proposed = sized(&used(count, capabilities)).proposed.expect("a narrower policy");
            let after = proposed.to_policy(id("pol", 1), 2);
            assert!(!crate::policy::widens(Some(&policy()), Some(&after)), "{after:?}");
        }
    }
}

#[test]
fn programs_and_attributes_that_were_not_used_go_too() {
    let program = |named: &str| {
        let mut resident = resident(named, &[]);
        resident.user.profile.kind = UserKind::Workload;
        resident
    };
    let mut ada = resident("ada", &[]);
    ada.user.profile.attributes.insert("team".to_owned(), "pumps".to_owned());
    let people = [program("backup"), program("deploy"), ada];
    let subjects = |workloads| Subjects {
        attributes: [("team".to_owned(), "pumps".to_owned())].into(),
        workloads,
        ..Subjects::default()
    };
    let by = [((name("deploy"), id("acc", 1)), Use { last_at: Some(NOON), count: 2 })].into();
    let used = PolicyUse { by, capabilities: None };
    let named = Workloads::Named([name("backup"), name("deploy")].into());
    for workloads in [Workloads::All(true), named] {
        let policy = Policy { subjects: subjects(workloads), ..policy() };
        let told = right_size(&policy, &people, &[], &[holding(1, "web-1")], &used);
        assert_eq!((told.people, told.people_used), (3, 1));
        assert_eq!((told.unused_workloads, told.unused_attributes), (vec![name("backup")], true));
        let proposed = told.proposed.expect("a narrower policy");
        assert_eq!(proposed.subjects.workloads, Workloads::Named([name("deploy")].into()));
        assert!(proposed.subjects.attributes.is_empty());
        assert_eq!(proposed.access, Access::Standing, "a program does not ask");
        assert!(!crate::policy::widens(Some(&policy), Some(&proposed.to_policy(id("pol", 1), 2))));
    }
}
