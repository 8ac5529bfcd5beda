//! What a policy gives that nobody has used, and the narrower policy that would do.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::capability::Capability;
use crate::document::PolicyDocument;
use crate::id::AccountId;
use crate::name::{AccountName, AccountRef, AssetName, GroupName, UserName};
use crate::policy::{Access, Holding, Policy, Resident, Subjects, Workloads};
use crate::review::Use;
use crate::user::{Group, UserState};

/// Whoever uses something less often in the time that is looked at can ask for it each time.
const RARE: u64 = 5;
/// How many names are told at most.
const NAMED_MAX: usize = 200;

/// How a policy was used: by whom, of which account, doing what.
#[derive(Clone, Debug, Default)]
pub struct PolicyUse {
    /// By person and account.
    pub by: BTreeMap<(UserName, AccountId), Use>,
    /// What its sessions did; none where that is not known of every one of them.
    pub capabilities: Option<BTreeSet<Capability>>,
}

/// What a policy gives and what was used of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RightSize {
    /// How it gives what it gives.
    pub access: Access,
    /// How often it was used in the time that was looked at.
    pub uses: u64,
    /// How many people it is about, and how many of them used it.
    pub people: u64,
    /// See `people`.
    pub people_used: u64,
    /// How many accounts it reaches, and how many of them were used.
    pub accounts: u64,
    /// See `accounts`.
    pub accounts_used: u64,
    /// People named in it who did not use it.
    pub unused_users: Vec<UserName>,
    /// Groups named in it of which nobody used it.
    pub unused_groups: Vec<GroupName>,
    /// Workloads that it names, or that it is about where it is about all, which did not use it; at most 200.
    #[serde(default)]
    pub unused_workloads: Vec<UserName>,
    /// Whether it chooses people by attributes of whom nobody used it.
    #[serde(default)]
    pub unused_attributes: bool,
    /// Members of its groups who did not use it; at most 200.
    pub unused_members: Vec<UserName>,
    /// Accounts that nobody used by it; at most 200.
    pub unused_accounts: Vec<AccountRef>,
    /// Capabilities that no session used; none where that is not known.
    pub unused_capabilities: Option<BTreeSet<Capability>>,
    /// What would be narrower and what each part rests on, for people to read.
    pub changes: Vec<String>,
    /// The narrower policy; none where it fits, or where nothing of it was used: then it can be deleted.
    pub proposed: Option<PolicyDocument>,
    /// Whether nothing of it was used at all.
    pub unused: bool,
}

/// How many rights a policy gives: each person that it is about, on each account that it reaches.
#[must_use]
pub fn rights(policy: &Policy, people: &[Resident], holdings: &[Holding]) -> u64 {
    let reach = holdings.iter().filter(|holding| reaches(policy, holding)).count();
    count(about(policy, people).len()).saturating_mul(count(reach))
}

/// What a policy gives and what was used of it, and the narrower policy that would have done.
#[must_use]
pub fn right_size(
    policy: &Policy,
    people: &[Resident],
    groups: &[Group],
    holdings: &[Holding],
    used: &PolicyUse,
) -> RightSize {
    let reach: Vec<_> = holdings.iter().filter(|holding| reaches(policy, holding)).collect();
    let about = about(policy, people);
    let users: BTreeSet<&UserName> =
        used.by.iter().filter(|(_, used)| used.count > 0).map(|((user, _), _)| user).collect();
    let touched: BTreeSet<&AccountId> =
        used.by.iter().filter(|(_, used)| used.count > 0).map(|((_, account), _)| account).collect();
    let of_group = |group: &&GroupName| -> Vec<&UserName> {
        groups.iter().filter(|known| known.name == **group).flat_map(|known| &known.members).collect()
    };
    let uses = used.by.values().map(|used| used.count).sum();
    let idle = |group: &&GroupName| !of_group(group).iter().any(|member| users.contains(member));
    let unused_groups: Vec<_> = policy.subjects.groups.iter().filter(idle).cloned().collect();
    let members = policy.subjects.groups.iter().flat_map(|group| of_group(&group));
    let unused_members: BTreeSet<_> = members.filter(|member| !users.contains(member)).cloned().collect();
    let chosen = by_attributes(policy, people);
    let programs = programs(policy, people);
    let unused_accounts = reach.iter().filter(|holding| !touched.contains(&holding.account.id));
    let known = used.capabilities.as_ref();
    let mut told = RightSize {
        access: policy.access,
        uses,
        people: count(about.len()),
        people_used: count(about.iter().filter(|name| users.contains(*name)).count()),
        accounts: count(reach.len()),
        accounts_used: count(reach.iter().filter(|holding| touched.contains(&holding.account.id)).count()),
        unused_users: policy.subjects.users.iter().filter(|user| !users.contains(user)).cloned().collect(),
        unused_groups,
        unused_workloads: programs.iter().filter(|name| !users.contains(name)).take(NAMED_MAX).cloned().collect(),
        unused_attributes: !policy.subjects.attributes.is_empty() && !chosen.iter().any(|name| users.contains(name)),
        unused_members: unused_members.into_iter().take(NAMED_MAX).collect(),
        unused_accounts: unused_accounts.map(|holding| holding.reference()).take(NAMED_MAX).collect(),
        unused_capabilities: known.map(|known| policy.obligations.capabilities.difference(known).copied().collect()),
        changes: Vec::new(),
        proposed: None,
        unused: uses == 0,
    };
    if !told.unused && policy.allows() {
        let used_accounts: Vec<_> = reach.into_iter().filter(|holding| touched.contains(&holding.account.id)).collect();
        let used_programs = programs.into_iter().filter(|name| users.contains(name)).collect();
        propose(&mut told, policy, used_programs, &used_accounts);
    }
    told
}

fn propose(told: &mut RightSize, policy: &Policy, programs: BTreeSet<UserName>, used: &[&Holding]) {
    let mut narrow = policy.clone();
    let words = |names: Vec<String>| names.join(", ");
    if !told.unused_users.is_empty() {
        narrow.subjects.users.retain(|user| !told.unused_users.contains(user));
        let names = words(told.unused_users.iter().map(ToString::to_string).collect());
        told.changes.push(format!("without {names}: they did not use it"));
    }
    if !told.unused_groups.is_empty() {
        narrow.subjects.groups.retain(|group| !told.unused_groups.contains(group));
        let names = words(told.unused_groups.iter().map(ToString::to_string).collect());
        told.changes.push(format!("without the groups {names}: nobody in them used it"));
    }
    if told.unused_attributes {
        narrow.subjects.attributes.clear();
        told.changes.push("for nobody by attributes: of whoever has them nobody used it".to_owned());
    }
    if !told.unused_workloads.is_empty() {
        let names = words(told.unused_workloads.iter().map(ToString::to_string).collect());
        told.changes.push(format!("without the workloads {names}: they did not use it"));
        narrow.subjects.workloads = Workloads::Named(programs);
    }
    if let Some(unused) = told.unused_capabilities.as_ref().filter(|unused| !unused.is_empty()) {
        narrow.obligations.capabilities.retain(|capability| !unused.contains(capability));
        let names = words(unused.iter().map(ToString::to_string).collect());
        told.changes.push(format!("without {names}: no session used it"));
    }
    accounts(told, &mut narrow, used);
    // A program does not ask.
    let asks = narrow.subjects.workloads.is_none();
    if asks && narrow.access == Access::Standing && told.uses < RARE.saturating_mul(told.people_used.max(1)) {
        narrow.access = Access::Request;
        told.changes.push("for the asking only: whoever used it used it less than five times".to_owned());
    }
    told.proposed = (narrow != *policy).then(|| document(&narrow)).flatten();
}

/// Names accounts where fewer were used than it reaches.
fn accounts(told: &mut RightSize, narrow: &mut Policy, used: &[&Holding]) {
    if told.accounts_used >= told.accounts || used.is_empty() {
        return;
    }
    let assets: BTreeSet<AssetName> = used.iter().map(|holding| holding.asset.name.clone()).collect();
    let names: BTreeSet<AccountName> = used.iter().map(|holding| holding.account.name.clone()).collect();
    if assets.len() > NAMED_MAX {
        return;
    }
    let (were_assets, were_names) = (narrow.accounts.assets.clone(), narrow.accounts.names.clone());
    narrow.accounts.assets = assets;
    if names.len() <= NAMED_MAX {
        narrow.accounts.names = names;
    }
    if narrow.accounts.assets != were_assets || narrow.accounts.names != were_names {
        let (some, all) = (told.accounts_used, told.accounts);
        told.changes.push(format!("for the accounts that were used only, {some} of {all}"));
    }
}

fn document(policy: &Policy) -> Option<PolicyDocument> {
    match crate::document::Document::from(policy) {
        crate::document::Document::Policy(document) => Some(document),
        _ => None,
    }
}

fn about<'a>(policy: &Policy, people: &'a [Resident]) -> BTreeSet<&'a UserName> {
    people
        .iter()
        .filter(|resident| resident.user.state != UserState::Disabled)
        .filter(|resident| policy.subjects.include(&resident.seen_in(&policy.scope)))
        .map(|resident| &resident.user.name)
        .collect()
}

/// Those whom it chooses by attributes.
fn by_attributes(policy: &Policy, people: &[Resident]) -> Vec<UserName> {
    let chosen = Subjects { attributes: policy.subjects.attributes.clone(), ..Subjects::default() };
    let there = |resident: &&Resident| resident.user.state != UserState::Disabled && chosen.include(&resident.user);
    people.iter().filter(there).map(|resident| resident.user.name.clone()).collect()
}

/// The programs that it is about.
fn programs(policy: &Policy, people: &[Resident]) -> Vec<UserName> {
    let there = |resident: &&Resident| {
        let user = &resident.user;
        user.state != UserState::Disabled && user.is_workload() && policy.subjects.workloads.include(&user.name)
    };
    people.iter().filter(there).map(|resident| resident.user.name.clone()).collect()
}

fn reaches(policy: &Policy, holding: &Holding) -> bool {
    policy.scope.contains(&holding.asset.scope) && policy.accounts.include(&holding.account, &holding.asset)
}

fn count(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
