//! What taking a right away makes of a policy, and whether anybody could do more by it.

use std::collections::BTreeSet;

use super::{Right, RightKind};
use crate::id::PolicyId;
use crate::name::PolicyName;
use crate::policy::{Access, Holding, Policy, Resident, Subjects, Workloads, shift};
use crate::scope::ScopePath;

const NAME_LEN_MAX: usize = 63;

/// The policy without whom the right names; where nobody is left, it is about nobody.
#[must_use]
pub fn without(policy: &Policy, right: &Right) -> Policy {
    let mut after = policy.clone();
    match right.kind {
        RightKind::PolicyUser => after.subjects.users.retain(|user| right.user.as_ref() != Some(user)),
        RightKind::PolicyGroup => after.subjects.groups.retain(|group| right.group.as_ref() != Some(group)),
        RightKind::PolicyAttributes => after.subjects.attributes.clear(),
        RightKind::PolicyWorkload => match (&right.user, &mut after.subjects.workloads) {
            (Some(name), Workloads::Named(names)) => {
                names.remove(name);
            }
            (None, all @ Workloads::All(_)) => *all = Workloads::default(),
            (Some(_), Workloads::All(_)) | (None, Workloads::Named(_)) => {}
        },
        RightKind::Attribute | RightKind::Membership | RightKind::Role | RightKind::Grant => {}
    }
    after
}

/// A policy that gives whom the right names the same for the asking; of the first revision.
#[must_use]
pub fn reduced(policy: &Policy, right: &Right, id: PolicyId, name: PolicyName) -> Policy {
    let subjects = match right.kind {
        RightKind::PolicyUser => Subjects { users: right.user.iter().cloned().collect(), ..Subjects::default() },
        RightKind::PolicyAttributes => Subjects { attributes: right.attributes.clone(), ..Subjects::default() },
        _ => Subjects { groups: right.group.iter().cloned().collect(), ..Subjects::default() },
    };
    let description = format!("What {} gave at any time, for the asking.", policy.name);
    Policy { id, name, description, subjects, access: Access::Request, revision: 1, ..policy.clone() }
}

/// What that policy is called: `prod-root.ben.reduced`, cut to the length of a name. None where that is no name.
#[must_use]
pub fn reduced_name(policy: &PolicyName, right: &Right) -> Option<PolicyName> {
    let whom = match right.kind {
        RightKind::PolicyUser => right.user.as_ref()?.to_string(),
        RightKind::PolicyAttributes => right.attributes.values().cloned().collect::<Vec<_>>().join("."),
        _ => right.group.as_ref()?.to_string(),
    };
    let plain =
        |text: &str| text.chars().filter(|c| c.is_ascii_alphanumeric() || ".-_".contains(*c)).collect::<String>();
    let end = format!(".{}.reduced", plain(&whom));
    let end: String = end.chars().take(NAME_LEN_MAX - 1).collect();
    let begin: String = policy.as_str().chars().take(NAME_LEN_MAX - end.len()).collect();
    format!("{begin}{end}").parse().ok()
}

/// Which policies lie over accounts together: what has to be looked at to see whether a change of who a policy
/// is about lets anybody do more.
#[derive(Clone, Debug, Default)]
pub struct Ground {
    over: BTreeSet<(ScopePath, Vec<PolicyId>)>,
}

impl Ground {
    /// Of these accounts under these policies.
    #[must_use]
    pub fn of(holdings: &[Holding], policies: &[Policy]) -> Self {
        let over = |holding: &Holding| {
            let scope = &holding.asset.scope;
            let over = |policy: &&Policy| {
                policy.scope.contains(scope) && policy.accounts.include(&holding.account, &holding.asset)
            };
            (scope.clone(), policies.iter().filter(over).map(|policy| policy.id.clone()).collect())
        };
        Self { over: holdings.iter().map(over).collect() }
    }

    /// The same with a policy that is about the same accounts as another.
    pub fn add(&mut self, new: &PolicyId, like: &PolicyId) {
        let with = |(scope, mut ids): (ScopePath, Vec<PolicyId>)| {
            if ids.contains(like) {
                ids.push(new.clone());
            }
            (scope, ids)
        };
        self.over = std::mem::take(&mut self.over).into_iter().map(with).collect();
    }

    /// Whether somebody could do more on any account once they are `after`, under `later`, than as `before`
    /// under `earlier`. A policy that is new later is about the same accounts as the one it `follows`.
    #[must_use]
    pub fn gains(
        &self,
        (before, earlier): (&Resident, &[Policy]),
        (after, later): (&Resident, &[Policy]),
        follows: Option<(&PolicyId, &PolicyId)>,
    ) -> bool {
        self.over.iter().any(|(scope, ids)| {
            let mut then = ids.clone();
            then.extend(follows.filter(|(_, old)| ids.contains(old)).map(|(new, _)| new.clone()));
            let was = about(before, scope, ids, earlier);
            let is = about(after, scope, &then, later);
            shift(&was, &is).widened
        })
    }
}

fn about<'p>(resident: &Resident, scope: &ScopePath, ids: &[PolicyId], policies: &'p [Policy]) -> Vec<&'p Policy> {
    if !resident.user.scope.contains(scope) {
        return Vec::new();
    }
    let user = resident.seen_in(scope);
    policies.iter().filter(|policy| ids.contains(&policy.id) && policy.subjects.include(&user)).collect()
}
