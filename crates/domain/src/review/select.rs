//! What a review is about: every right of its plan, with what is known about each.

use std::collections::{BTreeMap, BTreeSet};

use super::{Decision, ReviewPlan, Right, RightFacts, RightKind, recommend};
use crate::finding::Severity;
use crate::grant::{Grant, GrantState};
use crate::id::{AccountId, GrantId, PolicyId};
use crate::name::{GroupName, UserName};
use crate::permission::RoleAssignment;
use crate::policy::{Access, Holding, Policy, Resident, Subjects, Workloads};
use crate::scope::ScopePath;
use crate::time::Timestamp;
use crate::user::{Group, User, UserState};

/// How many accounts are named as examples, and how many people as those who answer for them.
const NAMED_MAX: usize = 20;
/// Members of a larger group are no peers of one another.
const PEER_GROUP_MAX: usize = 200;

/// How something was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Use {
    /// When last.
    pub last_at: Option<Timestamp>,
    /// How often in the last 90 days.
    pub count: u64,
}

impl Use {
    fn and(self, other: Self) -> Self {
        Self { last_at: self.last_at.max(other.last_at), count: self.count.saturating_add(other.count) }
    }
}

/// How everything was used: sessions and check-outs.
#[derive(Clone, Debug, Default)]
pub struct Uses {
    /// By whom, under which policy.
    pub by_policy: BTreeMap<(UserName, PolicyId), Use>,
    /// Of which grant.
    pub by_grant: BTreeMap<GrantId, Use>,
}

/// Everybody and everything, as it is when a review starts.
pub struct World<'a> {
    /// People, in whichever state.
    pub people: &'a [Resident],
    /// The roles that each of them holds directly.
    pub roles: &'a BTreeMap<UserName, Vec<RoleAssignment>>,
    /// Groups.
    pub groups: &'a [Group],
    /// Policies.
    pub policies: &'a [Policy],
    /// Accounts in the review's scope.
    pub holdings: &'a [Holding],
    /// Grants that are not over.
    pub grants: &'a [Grant],
    /// Findings that are open, by account: how many, and the worst.
    pub findings: &'a BTreeMap<AccountId, (u64, Severity)>,
    /// How everything was used.
    pub uses: &'a Uses,
    /// The time.
    pub now: Timestamp,
}

/// A right with what is known about it and what is advised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reviewed {
    /// The right.
    pub right: Right,
    /// What is known.
    pub facts: RightFacts,
    /// What is advised.
    pub advice: Decision,
    /// Why.
    pub reasons: Vec<String>,
    /// Whether it can be reduced.
    pub reducible: bool,
    /// Who answers for the accounts that it reaches.
    pub owners: Vec<UserName>,
}

/// Every right of the plan in `scope`, by kind and holder.
#[must_use]
pub fn rights(world: &World<'_>, scope: &ScopePath, plan: &ReviewPlan) -> Vec<Reviewed> {
    let selection = Selection::new(world, scope, plan);
    let mut found = selection.of_policies();
    found.extend(selection.by_profile());
    found.extend(selection.attributes());
    found.extend(selection.memberships());
    found.extend(selection.roles());
    found.extend(selection.grants());
    found.retain(|(right, _, _)| plan.kinds.is_empty() || plan.kinds.contains(&right.kind));
    let reviewed = |(right, facts, owners): (Right, RightFacts, Vec<UserName>)| {
        let advised = recommend(&right, &facts, world.now);
        let reducible = right.kind.may_be_reduced() && facts.access == Some(Access::Standing);
        Reviewed { right, facts, advice: advised.advice, reasons: advised.reasons, reducible, owners }
    };
    let mut reviewed: Vec<_> = found.into_iter().map(reviewed).collect();
    reviewed.sort_by(|a, b| a.right.cmp(&b.right));
    reviewed
}

type Found = (Right, RightFacts, Vec<UserName>);

struct Selection<'a> {
    world: &'a World<'a>,
    scope: &'a ScopePath,
    plan: &'a ReviewPlan,
    /// The policies that are reviewed, each with the accounts that it reaches.
    policies: Vec<(&'a Policy, Vec<&'a Holding>)>,
    people: BTreeMap<&'a UserName, &'a Resident>,
    peers: BTreeMap<&'a UserName, BTreeSet<&'a UserName>>,
}

impl<'a> Selection<'a> {
    fn new(world: &'a World<'a>, scope: &'a ScopePath, plan: &'a ReviewPlan) -> Self {
        let labelled = |holding: &&Holding| {
            plan.labels.iter().all(|(label, value)| holding.asset.labels.get(label) == Some(value))
        };
        let holdings: Vec<_> = world.holdings.iter().filter(labelled).collect();
        let named = |policy: &&Policy| {
            policy.allows()
                && scope.contains(&policy.scope)
                && (plan.policies.is_empty() || plan.policies.contains(&policy.name))
        };
        let reach = |policy: &'a Policy| {
            let within = |holding: &&&Holding| {
                policy.scope.contains(&holding.asset.scope) && policy.accounts.include(&holding.account, &holding.asset)
            };
            (policy, holdings.iter().filter(within).copied().collect::<Vec<_>>())
        };
        let mut policies: Vec<_> = world.policies.iter().filter(named).map(reach).collect();
        policies.retain(|(_, reached)| plan.labels.is_empty() || !reached.is_empty());
        let people = world.people.iter().map(|resident| (&resident.user.name, resident)).collect();
        Self { world, scope, plan, policies, people, peers: peers(world) }
    }

    fn of_policies(&self) -> Vec<Found> {
        let mut found = Vec::new();
        for (policy, reached) in &self.policies {
            let right = |kind, user: Option<&UserName>, group: Option<&GroupName>| Right {
                kind,
                user: user.cloned(),
                group: group.cloned(),
                policy: Some(policy.name.clone()),
                role: None,
                grant: None,
                attributes: BTreeMap::new(),
                scope: policy.scope.clone(),
            };
            for user in policy.subjects.users.iter().filter(|_| self.plan.groups.is_empty()) {
                let (mut facts, owners) = self.reach(reached);
                facts.access = Some(policy.access);
                self.person(&mut facts, user, self.used(user, policy));
                facts.peers_with = self.peers_where(user, |peer| policy.subjects.include(&peer.seen_in(&policy.scope)));
                found.push((right(RightKind::PolicyUser, Some(user), None), facts, owners));
            }
            for name in &policy.subjects.groups {
                let Some(group) = self.group_of(policy, name).filter(|group| self.wanted(&group.name)) else {
                    continue;
                };
                let (mut facts, owners) = self.reach(reached);
                facts.access = Some(policy.access);
                let uses: Vec<_> = group.members.iter().map(|member| self.used(member, policy)).collect();
                let used = uses.iter().copied().fold(Use::default(), Use::and);
                (facts.last_used_at, facts.uses) = (used.last_at, used.count);
                facts.peers = count(group.members.len());
                facts.peers_with = count(uses.iter().filter(|used| used.count > 0).count());
                found.push((right(RightKind::PolicyGroup, None, Some(name)), facts, owners));
            }
        }
        found
    }

    /// What policies give to whoever has some attributes, and to programs.
    fn by_profile(&self) -> Vec<Found> {
        let mut found = Vec::new();
        for (policy, reached) in self.policies.iter().filter(|_| self.plan.groups.is_empty()) {
            let subjects = &policy.subjects;
            let (mut base, owners) = self.reach(reached);
            base.access = Some(policy.access);
            let right = |kind, user: Option<&UserName>| Right {
                kind,
                user: user.cloned(),
                group: None,
                policy: Some(policy.name.clone()),
                role: None,
                grant: None,
                attributes: BTreeMap::new(),
                scope: policy.scope.clone(),
            };
            let mut of_many = |right: Right, chosen: &dyn Fn(&User) -> bool| {
                let chosen = self.world.people.iter().filter(|resident| chosen(&resident.user));
                let uses: Vec<_> = chosen.map(|resident| self.used(&resident.user.name, policy)).collect();
                let used = uses.iter().copied().fold(Use::default(), Use::and);
                let mut facts = base.clone();
                (facts.last_used_at, facts.uses) = (used.last_at, used.count);
                facts.peers = count(uses.len());
                facts.peers_with = count(uses.iter().filter(|used| used.count > 0).count());
                found.push((right, facts, owners.clone()));
            };
            if !subjects.attributes.is_empty() {
                let kind = RightKind::PolicyAttributes;
                let right = Right { attributes: subjects.attributes.clone(), ..right(kind, None) };
                of_many(right.clone(), &|user| right.chooses(user));
            }
            if subjects.workloads == Workloads::All(true) {
                of_many(right(RightKind::PolicyWorkload, None), &User::is_workload);
            }
            for name in subjects.workloads.names() {
                let mut facts = base.clone();
                self.person(&mut facts, name, self.used(name, policy));
                facts.peers = 0;
                found.push((right(RightKind::PolicyWorkload, Some(name)), facts, owners.clone()));
            }
        }
        found
    }

    /// Of everybody, the attributes by which policies choose them.
    fn attributes(&self) -> Vec<Found> {
        let mut found = Vec::new();
        for resident in self.world.people.iter().filter(|_| self.plan.groups.is_empty()) {
            let user = &resident.user;
            for (name, value) in user.profile.attributes.iter().filter(|_| !user.is_workload()) {
                let chosen = |(policy, _): &&(&Policy, Vec<&Holding>)| {
                    let asked = &policy.subjects.attributes;
                    let asks = Subjects { attributes: asked.clone(), ..Subjects::default() };
                    asked.get(name) == Some(value) && asks.include(user)
                };
                let given: Vec<_> = self.policies.iter().filter(chosen).collect();
                if given.is_empty() {
                    continue;
                }
                let (mut facts, owners) = self.reach(&distinct(&given));
                facts.access = Some(widest(&given));
                facts.policies = given.iter().map(|(policy, _)| policy.name.clone()).collect();
                let used = given.iter().map(|(policy, _)| self.used(&user.name, policy));
                self.person(&mut facts, &user.name, used.fold(Use::default(), Use::and));
                let has = |peer: &Resident| peer.user.profile.attributes.get(name) == Some(value);
                facts.peers_with = self.peers_where(&user.name, has);
                let right = Right {
                    kind: RightKind::Attribute,
                    user: Some(user.name.clone()),
                    group: None,
                    policy: None,
                    role: None,
                    grant: None,
                    attributes: [(name.clone(), value.clone())].into(),
                    scope: user.scope.clone(),
                };
                found.push((right, facts, owners));
            }
        }
        found
    }

    fn memberships(&self) -> Vec<Found> {
        let mut found = Vec::new();
        for group in self.world.groups.iter().filter(|group| self.scope.contains(&group.scope)) {
            let gives = |(policy, _): &&(&Policy, Vec<&Holding>)| {
                policy.subjects.groups.contains(&group.name)
                    && self.group_of(policy, &group.name).is_some_and(|named| named.id == group.id)
            };
            let given: Vec<_> = self.policies.iter().filter(gives).collect();
            let roles = if self.only_policies() { Vec::new() } else { group.roles.clone() };
            if !self.wanted(&group.name) || (given.is_empty() && roles.is_empty()) {
                continue;
            }
            let (base, owners) = self.reach(&distinct(&given));
            for member in &group.members {
                let mut facts = base.clone();
                facts.access = (!given.is_empty()).then(|| widest(&given));
                facts.policies = given.iter().map(|(policy, _)| policy.name.clone()).collect();
                facts.roles.clone_from(&roles);
                let used = given.iter().map(|(policy, _)| self.used(member, policy));
                self.person(&mut facts, member, used.fold(Use::default(), Use::and));
                facts.peers_with = self.peers_where(member, |peer| group.members.contains(&peer.user.name));
                let right = Right {
                    kind: RightKind::Membership,
                    user: Some(member.clone()),
                    group: Some(group.name.clone()),
                    policy: None,
                    role: None,
                    grant: None,
                    attributes: BTreeMap::new(),
                    scope: group.scope.clone(),
                };
                found.push((right, facts, owners.clone()));
            }
        }
        found
    }

    fn roles(&self) -> Vec<Found> {
        if self.only_policies() {
            return Vec::new();
        }
        let right = |user: Option<&UserName>, group: Option<&GroupName>, role: &RoleAssignment| Right {
            kind: RightKind::Role,
            user: user.cloned(),
            group: group.cloned(),
            policy: None,
            role: Some(role.clone()),
            grant: None,
            attributes: BTreeMap::new(),
            scope: role.scope.clone(),
        };
        let here = |role: &&RoleAssignment| self.scope.contains(&role.scope);
        let mut found = Vec::new();
        for resident in self.world.people.iter().filter(|_| self.plan.groups.is_empty()) {
            let name = &resident.user.name;
            for role in self.world.roles.get(name).into_iter().flatten().filter(here) {
                let mut facts = RightFacts::default();
                self.person(&mut facts, name, Use { last_at: resident.user.last_seen_at, count: 0 });
                facts.peers_with = self.peers_where(name, |peer| peer.user.roles.contains(role));
                found.push((right(Some(name), None, role), facts, Vec::new()));
            }
        }
        let groups = self.world.groups.iter().filter(|group| self.scope.contains(&group.scope));
        for group in groups.filter(|group| self.wanted(&group.name)) {
            for role in group.roles.iter().filter(here) {
                let facts = RightFacts { peers: count(group.members.len()), ..RightFacts::default() };
                found.push((right(None, Some(&group.name), role), facts, Vec::new()));
            }
        }
        found
    }

    fn grants(&self) -> Vec<Found> {
        let mut found = Vec::new();
        let open = |grant: &&Grant| {
            matches!(grant.state_at(self.world.now), GrantState::Active | GrantState::Scheduled)
                && self.plan.groups.is_empty()
        };
        for grant in self.world.grants.iter().filter(open) {
            let Some((policy, reached)) = self.policies.iter().find(|(policy, _)| policy.id == grant.policy) else {
                continue;
            };
            let of_grant =
                |holding: &&&Holding| holding.reference() == grant.account && holding.asset.scope == grant.scope;
            let reached: Vec<_> = reached.iter().filter(of_grant).copied().collect();
            if reached.is_empty() {
                continue;
            }
            let (mut facts, owners) = self.reach(&reached);
            let used = self.world.uses.by_grant.get(&grant.id).copied().unwrap_or_default();
            self.person(&mut facts, &grant.user, used);
            facts.access = Some(Access::Request);
            (facts.since, facts.ends_at) = (Some(grant.starts_at), Some(grant.ends_at));
            let right = Right {
                kind: RightKind::Grant,
                user: Some(grant.user.clone()),
                group: None,
                policy: Some(policy.name.clone()),
                role: None,
                grant: Some(grant.id.clone()),
                attributes: BTreeMap::new(),
                scope: grant.scope.clone(),
            };
            found.push((right, facts, owners));
        }
        found
    }

    /// Whether only what policies give is reviewed, and no roles.
    fn only_policies(&self) -> bool {
        !self.plan.labels.is_empty() || !self.plan.policies.is_empty()
    }

    fn wanted(&self, group: &GroupName) -> bool {
        self.plan.groups.is_empty() || self.plan.groups.contains(group)
    }

    /// The group that a policy means by a name.
    fn group_of(&self, policy: &Policy, name: &GroupName) -> Option<&'a Group> {
        let (tenant, root) = (policy.scope.tenant(), ScopePath::root());
        let means = |group: &&Group| {
            let own = group.scope.tenant();
            group.name == *name && (own == root || own == tenant || policy.scope == root)
        };
        self.world.groups.iter().find(means)
    }

    fn used(&self, user: &UserName, policy: &Policy) -> Use {
        self.world.uses.by_policy.get(&(user.clone(), policy.id.clone())).copied().unwrap_or_default()
    }

    /// What is known of the accounts that a right reaches, and who answers for them.
    fn reach(&self, reached: &[&Holding]) -> (RightFacts, Vec<UserName>) {
        let mut facts = RightFacts { accounts: count(reached.len()), ..RightFacts::default() };
        facts.examples = reached.iter().take(NAMED_MAX).map(|holding| holding.reference()).collect();
        for (findings, worst) in reached.iter().filter_map(|holding| self.world.findings.get(&holding.account.id)) {
            facts.findings = facts.findings.saturating_add(*findings);
            facts.worst = facts.worst.max(Some(*worst));
        }
        let owners: BTreeSet<_> = reached.iter().filter_map(|holding| holding.account.owner.clone()).collect();
        (facts, owners.into_iter().take(NAMED_MAX).collect())
    }

    fn person(&self, facts: &mut RightFacts, user: &UserName, used: Use) {
        (facts.last_used_at, facts.uses) = (used.last_at, used.count);
        let Some(resident) = self.people.get(user) else { return };
        facts.since = Some(resident.user.created_at);
        facts.disabled = resident.user.state == UserState::Disabled;
        facts.peers = count(self.peers.get(user).map_or(0, BTreeSet::len));
    }

    fn peers_where(&self, user: &UserName, has: impl Fn(&Resident) -> bool) -> u64 {
        let peers = self.peers.get(user).into_iter().flatten();
        count(peers.filter(|peer| self.people.get(*peer).is_some_and(|resident| has(resident))).count())
    }
}

/// Policies, each with the accounts that it reaches.
type Given<'r, 'a> = [&'r (&'a Policy, Vec<&'a Holding>)];

/// The accounts that these policies reach, each once.
fn distinct<'a>(given: &Given<'_, 'a>) -> Vec<&'a Holding> {
    let reached = given.iter().flat_map(|(_, reached)| reached).map(|holding| (&holding.account.id, *holding));
    reached.collect::<BTreeMap<&AccountId, &Holding>>().into_values().collect()
}

/// At any time, where one of these policies gives it so.
fn widest(given: &Given<'_, '_>) -> Access {
    let standing = given.iter().any(|(policy, _)| policy.access == Access::Standing);
    if standing { Access::Standing } else { Access::Request }
}

/// For everybody, those who share a group with them.
fn peers<'a>(world: &World<'a>) -> BTreeMap<&'a UserName, BTreeSet<&'a UserName>> {
    let mut found: BTreeMap<&UserName, BTreeSet<&UserName>> = BTreeMap::new();
    for group in world.groups.iter().filter(|group| group.members.len() <= PEER_GROUP_MAX) {
        for member in &group.members {
            found.entry(member).or_default().extend(group.members.iter().filter(|other| *other != member));
        }
    }
    found
}

fn count(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}
