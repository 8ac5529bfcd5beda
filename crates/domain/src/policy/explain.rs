//! Why a decision on a session is what it is: what each policy said, and which of them decided.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decide::{Offer, gate, offer};
use super::{ConnectFacts, Decision, Effect, Policies, Policy, Reason, connect};
use crate::id::GrantId;
use crate::name::PolicyName;
use crate::scope::ScopePath;
use crate::time::Timestamp;

/// What was decided, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Decided")]
pub enum Outcome {
    /// Yes.
    Permit,
    /// Yes, once a second factor has been proved.
    StepUp,
    /// No.
    Deny,
}

/// What one policy said to the wish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Verdict {
    /// It lies in a scope that does not reach the asset, or the person's own scope does not.
    OtherScope,
    /// It is about other people.
    OtherSubject,
    /// It is about other accounts.
    OtherAccount,
    /// It denies, but at other hours or from other networks.
    DeniesElsewhere,
    /// It denies.
    Denies,
    /// It allows.
    Allows {
        /// By this grant; none where it gives standing access.
        grant: Option<GrantId>,
    },
    /// It allows once a second factor has been proved.
    StepUp {
        /// By this grant; none where it gives standing access.
        grant: Option<GrantId>,
    },
    /// It would allow, but not now or not like this.
    Refuses {
        /// Why.
        reason: Reason,
    },
}

/// One policy and what it said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Explained {
    /// The policy.
    pub policy: PolicyName,
    /// Its scope.
    pub scope: ScopePath,
    /// Whether it gives or takes away.
    pub effect: Effect,
    /// What it said.
    pub verdict: Verdict,
}

/// A decision with its grounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Explanation {
    /// What was decided.
    pub outcome: Outcome,
    /// The reasons of a refusal.
    pub reasons: Vec<Reason>,
    /// The policies that decided; empty where none did.
    pub decided_by: Vec<PolicyName>,
    /// What each policy said by itself, in the order given.
    pub policies: Vec<Explained>,
}

/// Explains what `connect` decides on the same facts. It opens nothing: there is no permit in it.
#[must_use]
pub fn explain(facts: &ConnectFacts<'_>, now: Timestamp) -> Explanation {
    let policies = facts
        .policies
        .iter()
        .map(|policy| Explained {
            policy: policy.name.clone(),
            scope: policy.scope.clone(),
            effect: policy.effect,
            verdict: verdict(facts, policy, now),
        })
        .collect();
    let (outcome, reasons, decided_by) = match connect(facts, now) {
        Decision::Permit(permit) => (Outcome::Permit, Vec::new(), vec![permit.action().policy_name.clone()]),
        Decision::StepUp { policy_name, .. } => (Outcome::StepUp, Vec::new(), vec![policy_name]),
        Decision::Deny(reasons) => {
            let named = reasons.iter().filter_map(Reason::policy).cloned().collect();
            (Outcome::Deny, reasons, named)
        }
    };
    Explanation { outcome, reasons, decided_by, policies }
}

fn verdict(facts: &ConnectFacts<'_>, policy: &Policy, now: Timestamp) -> Verdict {
    let (user, asset, account) = (facts.subject.user, facts.target.asset, facts.target.account);
    if !policy.scope.contains(&asset.scope) || !user.scope.contains(&asset.scope) {
        return Verdict::OtherScope;
    }
    if !policy.subjects.include(user) {
        return Verdict::OtherSubject;
    }
    if !policy.concerns(user, account, asset) {
        return Verdict::OtherAccount;
    }
    match gate(facts.subject, facts.target, Policies::All(std::slice::from_ref(policy)), now) {
        Err(_) if policy.effect == Effect::Deny => {
            let holds = policy.applies(&facts.subject, now).unwrap_or(true);
            if holds { Verdict::Denies } else { Verdict::DeniesElsewhere }
        }
        Err(reasons) => Verdict::Refuses { reason: reasons.into_iter().next().unwrap_or(Reason::NoPolicy) },
        Ok(_) => match offer(facts, policy, now) {
            Offer::Open(usable) => Verdict::Allows { grant: usable.grant.map(|grant| grant.id.clone()) },
            Offer::StepUp(usable) => Verdict::StepUp { grant: usable.grant.map(|grant| grant.id.clone()) },
            Offer::Refuse(reason) => Verdict::Refuses { reason },
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Estate, NOON, grant, id, name, policy};
    use super::super::{Access, Policy};
    use super::*;

    #[test]
    fn each_policy_is_heard() {
        let allow = |number, called| policy(number, called, Effect::Allow, Access::Request);
        let other = |number, called, change: fn(&mut Policy)| {
            let mut policy = allow(number, called);
            change(&mut policy);
            policy
        };
        let granted = allow(1, "granted");
        let mut estate = Estate::new().with(|e| {
            e.grants = vec![grant(7, &granted)];
            e.policies = vec![
                granted,
                allow(2, "asked"),
                other(3, "elsewhere", |p| p.scope = name("/apac")),
                other(4, "others", |p| p.subjects.groups = [name("dba")].into()),
                other(5, "app", |p| p.accounts.names = [name("app")].into()),
                other(6, "lan", |p| {
                    p.effect = Effect::Deny;
                    p.conditions.networks = vec![name("192.168.0.0/16")];
                }),
            ];
        });
        let explanation = explain(&estate.connect_facts(), NOON);
        assert_eq!((explanation.outcome, explanation.decided_by), (Outcome::Permit, vec![name("granted")]));
        let verdicts: Vec<_> = explanation.policies.into_iter().map(|explained| explained.verdict).collect();
        let needs = Reason::NeedsRequest { account: name("root@web-1"), policy: name("asked") };
        assert_eq!(
            verdicts,
            [
                Verdict::Allows { grant: Some(id("gra", 7)) },
                Verdict::Refuses { reason: needs },
                Verdict::OtherScope,
                Verdict::OtherSubject,
                Verdict::OtherAccount,
                Verdict::DeniesElsewhere,
            ]
        );
        estate.source = name("192.168.0.9");
        let explanation = explain(&estate.connect_facts(), NOON);
        assert_eq!((explanation.outcome, explanation.decided_by), (Outcome::Deny, vec![name("lan")]));
        assert_eq!(explanation.policies[5].verdict, Verdict::Denies);
    }
}
