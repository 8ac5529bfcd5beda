//! Who can do what, over many people and accounts at once.
//!
//! An index picks the policies that can concern somebody; `answer`, and so the same decision as at the
//! door, is asked about each of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Action, Answered, ConnectFacts, Policies, Policy, Shift, Subject, Target, answer, shift};
use crate::account::Account;
use crate::asset::Asset;
use crate::grant::Grant;
use crate::id::{AccountId, PolicyId};
use crate::name::{AccountRef, GroupName, PolicyName, UserName};
use crate::risk::RiskLevel;
use crate::scope::ScopePath;
use crate::time::Timestamp;
use crate::user::{User, UserState, groups_that_count};

/// A person, with the scope that each of their groups belongs to.
#[derive(Clone, Debug)]
pub struct Resident {
    /// The person.
    pub user: User,
    /// Their groups.
    pub groups: Vec<(GroupName, ScopePath)>,
}

impl Resident {
    /// As policies over `scope` see them.
    #[must_use]
    pub fn seen_in(&self, scope: &ScopePath) -> User {
        User { groups: groups_that_count(&self.groups, scope), ..self.user.clone() }
    }
}

/// An account with its asset.
#[derive(Clone, Debug)]
pub struct Holding {
    /// The account.
    pub account: Account,
    /// Its asset.
    pub asset: Asset,
}

impl Holding {
    /// What people call it.
    #[must_use]
    pub fn reference(&self) -> AccountRef {
        AccountRef { account: self.account.name.clone(), asset: self.asset.name.clone() }
    }
}

/// What somebody has going on an account.
#[derive(Clone, Debug)]
struct Dealings {
    grants: Vec<Grant>,
    live_sessions: u32,
    risk: RiskLevel,
}

impl Default for Dealings {
    fn default() -> Self {
        Self { grants: Vec::new(), live_sessions: 0, risk: RiskLevel::High }
    }
}

/// Policies and grants, indexed for many questions.
pub struct Estate<'a> {
    policies: &'a [Policy],
    by_user: HashMap<&'a UserName, Vec<usize>>,
    by_group: HashMap<&'a GroupName, Vec<usize>>,
    /// Policies that choose by attributes, or programs.
    by_profile: Vec<usize>,
    dealings: BTreeMap<(UserName, AccountId), Dealings>,
}

impl<'a> Estate<'a> {
    /// An estate under these policies, in which nobody has a grant.
    #[must_use]
    pub fn new(policies: &'a [Policy]) -> Self {
        let mut by_user: HashMap<_, Vec<_>> = HashMap::new();
        let mut by_group: HashMap<_, Vec<_>> = HashMap::new();
        let mut by_profile = Vec::new();
        for (index, policy) in policies.iter().enumerate() {
            if !policy.subjects.attributes.is_empty() || !policy.subjects.workloads.is_none() {
                by_profile.push(index);
            }
            policy.subjects.users.iter().for_each(|user| by_user.entry(user).or_default().push(index));
            policy.subjects.groups.iter().for_each(|group| by_group.entry(group).or_default().push(index));
        }
        Self { policies, by_user, by_group, by_profile, dealings: BTreeMap::new() }
    }

    /// Adds a grant that somebody holds for an account.
    pub fn add_grant(&mut self, account: &AccountId, grant: Grant) {
        self.dealings.entry((grant.user.clone(), account.clone())).or_default().grants.push(grant);
    }

    /// Says how many sessions of somebody to an account are live.
    pub fn set_live_sessions(&mut self, user: &UserName, account: &AccountId, count: u32) {
        self.dealings.entry((user.clone(), account.clone())).or_default().live_sessions = count;
    }

    /// Says how risky it is that somebody uses an account; where it is not said, it is high.
    pub fn set_risk(&mut self, user: &UserName, account: &AccountId, level: RiskLevel) {
        self.dealings.entry((user.clone(), account.clone())).or_default().risk = level;
    }

    /// The policies that are about somebody, in the order given.
    #[must_use]
    pub fn about(&self, user: &User) -> Vec<&'a Policy> {
        let named = self.by_user.get(&user.name).into_iter();
        let grouped = user.groups.iter().filter_map(|group| self.by_group.get(group));
        let mut found: Vec<usize> = match user.is_workload() {
            true => Vec::new(),
            false => named.chain(grouped).flatten().copied().collect(),
        };
        let includes = |index: &usize| self.policies.get(*index).is_some_and(|policy| policy.subjects.include(user));
        found.extend(self.by_profile.iter().copied().filter(includes));
        found.sort_unstable();
        found.dedup();
        found.into_iter().filter_map(|index| self.policies.get(index)).collect()
    }

    /// Whether somebody may, from `source` and as if a factor had just been proved.
    #[must_use]
    pub fn answer(&self, user: &User, holding: &Holding, action: Action, source: IpAddr, now: Timestamp) -> Answered {
        self.answer_under(&self.about(user), user, holding, action, source, now)
    }

    fn answer_under(
        &self,
        about: &[&Policy],
        user: &User,
        holding: &Holding,
        action: Action,
        source: IpAddr,
        now: Timestamp,
    ) -> Answered {
        let (account, asset) = (&holding.account, &holding.asset);
        let none = Dealings::default();
        let dealings = self.dealings.get(&(user.name.clone(), account.id.clone())).unwrap_or(&none);
        let facts = ConnectFacts {
            subject: Subject { user, source, mfa_at: Some(now), client: None, risk: dealings.risk },
            target: Target { account, asset },
            policies: Policies::Picked(about),
            grants: &dealings.grants,
            live_sessions: dealings.live_sessions,
        };
        answer(&facts, action, now)
    }

    /// Of `people`, those whom a policy gives the account, each with the answer, by their order. Whoever is
    /// left out is refused because no policy gives it.
    #[must_use]
    pub fn who_can<'p>(
        &self,
        people: &'p [Resident],
        holding: &Holding,
        action: Action,
        source: IpAddr,
        now: Timestamp,
    ) -> Vec<(&'p Resident, Answered)> {
        let over = |policy: &Policy| {
            policy.scope.contains(&holding.asset.scope) && policy.accounts.include(&holding.account, &holding.asset)
        };
        let over: Vec<Policy> = self.policies.iter().filter(|policy| over(policy)).cloned().collect();
        let narrowed = Estate::new(&over);
        let mut found = Vec::new();
        for resident in people.iter().filter(|resident| resident.user.scope.contains(&holding.asset.scope)) {
            let user = resident.seen_in(&holding.asset.scope);
            let about = narrowed.about(&user);
            if about.iter().any(|policy| policy.allows()) {
                found.push((resident, self.answer_under(&about, &user, holding, action, source, now)));
            }
        }
        found
    }

    /// Of `holdings`, those that a policy gives somebody, each with the answer, by their order.
    #[must_use]
    pub fn what_can<'h>(
        &self,
        resident: &Resident,
        holdings: &'h [Holding],
        action: Action,
        source: IpAddr,
        now: Timestamp,
    ) -> Vec<(&'h Holding, Answered)> {
        let mut seen: BTreeMap<ScopePath, (User, Vec<&Policy>)> = BTreeMap::new();
        let mut found = Vec::new();
        for holding in holdings {
            let (user, about) = seen.entry(holding.asset.scope.tenant()).or_insert_with(|| {
                let user = resident.seen_in(&holding.asset.scope);
                let about = self.about(&user);
                (user, about)
            });
            let concerns =
                |policy: &&Policy| policy.allows() && policy.concerns(user, &holding.account, &holding.asset);
            if about.iter().any(concerns) {
                found.push((holding, self.answer_under(about, user, holding, action, source, now)));
            }
        }
        found
    }
}

/// People for whom a change of policies does the same to the same accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Block {
    /// Who, by name.
    pub people: Vec<UserName>,
    /// On which accounts.
    pub accounts: Vec<AccountRef>,
    /// What it does to each of them on each of these.
    #[serde(flatten)]
    pub shift: Shift,
    /// The policies that change for them.
    pub policies: Vec<PolicyName>,
}

/// A scope, and the policies over an account in it before and after a change.
type Over<'a> = (&'a ScopePath, Vec<&'a PolicyId>, Vec<&'a PolicyId>);

/// For whom a change of policies does what: every pair of a person and an account for which it does
/// anything is in exactly one block. Somebody disabled has no rights and is in none.
#[must_use]
pub fn blocks(people: &[Resident], holdings: &[Holding], before: &[Policy], after: &[Policy]) -> Vec<Block> {
    let changed = changed(before, after);
    let touches = |policies: &[&Policy]| policies.iter().any(|policy| changed.contains(&policy.id));
    let mut kinds: BTreeMap<Over<'_>, Vec<&Holding>> = BTreeMap::new();
    for holding in holdings {
        let (earlier, later) = (over(before, holding), over(after, holding));
        if touches(&earlier) || touches(&later) {
            kinds.entry((&holding.asset.scope, ids(&earlier), ids(&later))).or_default().push(holding);
        }
    }
    let mut merged: BTreeMap<(Vec<UserName>, Shift, BTreeSet<PolicyName>), Vec<AccountRef>> = BTreeMap::new();
    for ((scope, ..), alike) in kinds {
        let Some(first) = alike.first() else { continue };
        let (earlier, later) = (over(before, first), over(after, first));
        for (names, was, is) in alike_people(people, scope, &earlier, &later) {
            let shift = shift(&was, &is);
            if shift.any() && (touches(&was) || touches(&is)) {
                let told = was.iter().chain(&is).filter(|policy| changed.contains(&policy.id));
                let told = told.map(|policy| policy.name.clone()).collect();
                let accounts = alike.iter().map(|holding| holding.reference());
                merged.entry((names, shift, told)).or_default().extend(accounts);
            }
        }
    }
    let block = |((people, shift, policies), mut accounts): ((Vec<_>, Shift, BTreeSet<_>), Vec<AccountRef>)| {
        accounts.sort_by_key(ToString::to_string);
        Block { people, accounts, shift, policies: policies.into_iter().collect() }
    };
    merged.into_iter().map(block).collect()
}

/// People whom the same policies are about, earlier and later, by name, with these policies.
type Alike<'p> = (Vec<UserName>, Vec<&'p Policy>, Vec<&'p Policy>);

fn alike_people<'p>(
    people: &[Resident],
    scope: &ScopePath,
    earlier: &[&'p Policy],
    later: &[&'p Policy],
) -> Vec<Alike<'p>> {
    let mut groups: BTreeMap<(Vec<&PolicyId>, Vec<&PolicyId>), Alike<'p>> = BTreeMap::new();
    let there =
        |resident: &&Resident| resident.user.state != UserState::Disabled && resident.user.scope.contains(scope);
    for resident in people.iter().filter(there) {
        let user = resident.seen_in(scope);
        let (was, is) = (including(earlier, &user), including(later, &user));
        let group = groups.entry((ids(&was), ids(&is))).or_insert_with(|| (Vec::new(), was.clone(), is.clone()));
        group.0.push(resident.user.name.clone());
    }
    let sorted = |(mut names, was, is): Alike<'p>| {
        names.sort();
        (names, was, is)
    };
    groups.into_values().map(sorted).collect()
}

fn including<'p>(policies: &[&'p Policy], user: &User) -> Vec<&'p Policy> {
    policies.iter().copied().filter(|policy| policy.subjects.include(user)).collect()
}

fn changed(before: &[Policy], after: &[Policy]) -> BTreeSet<PolicyId> {
    let index = |policies: &[Policy]| policies.iter().map(|p| (p.id.clone(), p.clone())).collect::<BTreeMap<_, _>>();
    let (earlier, later) = (index(before), index(after));
    let differs = |id: &&PolicyId| earlier.get(*id) != later.get(*id);
    earlier.keys().chain(later.keys()).filter(differs).cloned().collect()
}

fn over<'p>(policies: &'p [Policy], holding: &Holding) -> Vec<&'p Policy> {
    let reaches = |policy: &&Policy| {
        policy.scope.contains(&holding.asset.scope) && policy.accounts.include(&holding.account, &holding.asset)
    };
    policies.iter().filter(reaches).collect()
}

fn ids<'p>(policies: &[&'p Policy]) -> Vec<&'p PolicyId> {
    policies.iter().map(|policy| &policy.id).collect()
}

#[cfg(test)]
mod tests;
