//! What policies give that nobody has used.

use std::collections::BTreeMap;
use std::time::Duration;

use postern_domain::PolicyName;
use postern_domain::permit::{Manage, Permit};
use postern_domain::policy::Policy;
use postern_domain::right_size::{PolicyUse, RightSize, right_size};
use postern_domain::user::Group;
use postern_store::ReadTx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answers::{holdings, residents};
use crate::{Caller, Control, DraftDiff, DraftInput, Error, Simulated, visible};

/// How many days are looked back, unless asked otherwise, and at most.
const DAYS_DEFAULT: u32 = 90;
const DAYS_MAX: u32 = 365;
const DAY: Duration = Duration::from_secs(86_400);

/// A policy with what was used of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyRightSize {
    /// The policy.
    pub policy: PolicyName,
    /// How many days were looked at.
    pub days: u32,
    /// What was used of it.
    #[serde(flatten)]
    pub size: RightSize,
}

/// The same with what the narrower policy would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyRightSized {
    /// What was used of it.
    #[serde(flatten)]
    pub size: PolicyRightSize,
    /// For whom the narrower policy changes what; none where there is none.
    pub diff: Option<DraftDiff>,
    /// What it would have answered to the requests of these days.
    pub simulated: Option<Simulated>,
    /// How many sessions and check-outs of these days it would not have let begin: those of people, accounts
    /// and ways that it is without.
    pub uses_refused: u64,
}

impl Control {
    /// What was used of each policy in the permit's scopes that gives something, by name.
    ///
    /// # Errors
    /// `Invalid` for a time that cannot be looked at.
    pub async fn right_size_list(
        &self,
        permit: &Permit<Manage>,
        days: Option<u32>,
    ) -> Result<Vec<PolicyRightSize>, Error> {
        let days = checked(days)?;
        let mut rows = self.store().read().await?;
        let scopes = &permit.action().scopes;
        let mut policies = rows.policies_reaching(&postern_domain::ScopePath::root()).await?;
        policies.retain(|policy| policy.allows() && permit.covers(&policy.scope));
        policies.sort_by(|a, b| a.name.cmp(&b.name));
        let people = residents(rows.people().await?);
        let groups = rows.groups_all().await?;
        let holdings = holdings(&mut rows, scopes).await?;
        let mut found = Vec::with_capacity(policies.len());
        for policy in policies {
            let used = self.policy_use(&mut rows, &policy, days).await?;
            let size = right_size(&policy, &people, &means(&groups, &policy), &holdings, &used);
            found.push(PolicyRightSize { policy: policy.name, days, size });
        }
        Ok(found)
    }

    /// What was used of a policy, the narrower one that would have done, and what that would have refused.
    ///
    /// # Errors
    /// `NotFound` also where the caller may not know of it.
    pub async fn right_size_show(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        name: &PolicyName,
        days: Option<u32>,
    ) -> Result<PolicyRightSized, Error> {
        let days = checked(days)?;
        let mut rows = self.store().read().await?;
        let policy = visible::policy(&mut rows, caller, name, &permit.action().scopes).await?;
        let people = residents(rows.people().await?);
        let groups = rows.groups_all().await?;
        let holdings = holdings(&mut rows, &permit.action().scopes).await?;
        let used = self.policy_use(&mut rows, &policy, days).await?;
        drop(rows);
        let size = right_size(&policy, &people, &means(&groups, &policy), &holdings, &used);
        let uses_refused = size.proposed.as_ref().map_or(0, |proposed| {
            let after = proposed.to_policy(policy.id.clone(), policy.revision);
            let refused = |user: &postern_domain::UserName, account: &postern_domain::AccountId| {
                let resident = people.iter().find(|resident| resident.user.name == *user);
                let holding = holdings.iter().find(|holding| holding.account.id == *account);
                !resident.zip(holding).is_some_and(|(resident, holding)| {
                    after.concerns(&resident.seen_in(&holding.asset.scope), &holding.account, &holding.asset)
                })
            };
            used.by.iter().filter(|((user, account), _)| refused(user, account)).map(|(_, used)| used.count).sum()
        });
        let (diff, simulated) = match &size.proposed {
            None => (None, None),
            Some(proposed) => {
                let draft = DraftInput { policies: vec![proposed.clone()], days: Some(days), ..DraftInput::default() };
                let diff = self.policy_diff(caller, permit, &draft).await?;
                (Some(diff), Some(self.policy_simulate(caller, permit, &draft).await?))
            }
        };
        let size = PolicyRightSize { policy: policy.name, days, size };
        Ok(PolicyRightSized { size, diff, simulated, uses_refused })
    }

    async fn policy_use(&self, rows: &mut ReadTx, policy: &Policy, days: u32) -> Result<PolicyUse, Error> {
        let since = self.now().before(DAY * days);
        let by: BTreeMap<_, _> = rows
            .policy_uses(&policy.id, since)
            .await?
            .into_iter()
            .map(|each| ((each.user, each.account), each.used))
            .collect();
        let capabilities = rows.policy_capabilities(&policy.id, since).await?;
        Ok(PolicyUse { by, capabilities })
    }
}

fn checked(days: Option<u32>) -> Result<u32, Error> {
    let days = days.unwrap_or(DAYS_DEFAULT);
    if (1..=DAYS_MAX).contains(&days) { Ok(days) } else { Err(Error::invalid("days", format!("say 1 to {DAYS_MAX}"))) }
}

/// The groups that a policy can mean by a name: those of its tenant and of the root.
fn means(groups: &[Group], policy: &Policy) -> Vec<Group> {
    let (root, tenant) = (postern_domain::ScopePath::root(), policy.scope.tenant());
    let counts = |group: &&Group| {
        let own = group.scope.tenant();
        own == root || own == tenant || policy.scope == root
    };
    groups.iter().filter(counts).cloned().collect()
}

#[cfg(test)]
mod tests;
