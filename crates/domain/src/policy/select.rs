//! Whom and which accounts a policy is about.

use super::{Accounts, Effect, InvalidHours, Policy, Reason, RiskCondition, Subject, Subjects};
use crate::account::Account;
use crate::asset::Asset;
use crate::risk::RiskLevel;
use crate::time::Timestamp;
use crate::user::User;

impl Subjects {
    /// Whether `user` is named, in a named group or has all that is asked of them; a program, whether it is
    /// among the workloads. Where nobody is named, nobody matches.
    #[must_use]
    pub fn include(&self, user: &User) -> bool {
        if user.is_workload() {
            return self.workloads.include(&user.name);
        }
        self.users.contains(&user.name)
            || user.groups.iter().any(|group| self.groups.contains(group))
            || (!self.attributes.is_empty()
                && self.attributes.iter().all(|(name, value)| user.profile.attributes.get(name) == Some(value)))
    }

    /// Whether nobody can match.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && self.groups.is_empty() && self.attributes.is_empty() && self.workloads.is_none()
    }
}

impl Accounts {
    /// Whether `account` on `asset` matches every field that is given.
    #[must_use]
    pub fn include(&self, account: &Account, asset: &Asset) -> bool {
        (self.names.is_empty() || self.names.contains(&account.name))
            && (self.assets.is_empty() || self.assets.contains(&asset.name))
            && (self.platforms.is_empty() || self.platforms.contains(&asset.platform))
            && (self.kinds.is_empty() || self.kinds.contains(&account.credential))
            && self.labels.iter().all(|(label, value)| asset.labels.get(label) == Some(value))
    }
}

impl Policy {
    /// Whether the policy is about `user` and `account` at all, leaving conditions aside.
    #[must_use]
    pub fn concerns(&self, user: &User, account: &Account, asset: &Asset) -> bool {
        self.scope.contains(&asset.scope)
            && user.scope.contains(&asset.scope)
            && account.asset == asset.name
            && self.subjects.include(user)
            && self.accounts.include(account, asset)
    }

    /// Whether it applies to `subject` at `now`. Where it is not known by which client they come, one that gives
    /// counts for any client that it names, and one that takes away does not.
    ///
    /// # Errors
    /// When hours cannot be understood and no others hold.
    pub fn applies(&self, subject: &Subject<'_>, now: Timestamp) -> Result<bool, InvalidHours> {
        let clients = &self.conditions.clients;
        let by = match subject.client {
            Some(client) => clients.is_empty() || clients.contains(&client),
            None => clients.is_empty() || self.allows(),
        };
        if by && self.bears(subject.risk) { self.conditions.hold(subject.source, now) } else { Ok(false) }
    }

    /// Whether its condition on risk holds at `level`.
    fn bears(&self, level: RiskLevel) -> bool {
        self.conditions.risk.is_none_or(|condition| condition.holds(level))
    }

    /// Why it gives nothing to `subject` at `now`, who would have to come otherwise; none where it applies.
    pub(super) fn outside(&self, subject: &Subject<'_>, now: Timestamp) -> Option<Reason> {
        if self.applies(subject, now).unwrap_or(false) {
            return None;
        }
        // At the level at which it holds, if at any.
        let calm = |condition: RiskCondition| RiskLevel::ALL.into_iter().find(|level| condition.holds(*level));
        let calm = self.conditions.risk.and_then(calm).unwrap_or(subject.risk);
        Some(match self.conditions.risk {
            Some(RiskCondition::AtMost(at_most))
                if !self.bears(subject.risk)
                    && self.applies(&Subject { risk: calm, ..*subject }, now).unwrap_or(false) =>
            {
                Reason::TooRisky { level: subject.risk, at_most, policy: self.name.clone() }
            }
            _ => Reason::OutsideConditions { policy: self.name.clone() },
        })
    }

    /// Whether it gives in an emergency only.
    #[must_use]
    pub fn is_break_glass(&self) -> bool {
        self.obligations.break_glass.is_some()
    }

    /// Whether the policy gives.
    #[must_use]
    pub fn allows(&self) -> bool {
        self.effect == Effect::Allow
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Estate, name, policy, word};
    use super::super::{Access, Client, Workloads};
    use super::*;
    use crate::user::UserKind;

    fn estate(subjects: Subjects) -> Estate {
        let policy = Policy { subjects, ..policy(1, "p", Effect::Allow, Access::Standing) };
        Estate::new().with(|e| e.policies = vec![policy])
    }

    #[test]
    fn people_are_chosen_by_all_attributes_that_are_asked_of_them() {
        let asked = [("team", "pumps"), ("site", "berlin")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let asked = estate(Subjects { attributes: asked.clone().into(), ..Subjects::default() });
        let has = |attributes: &[(&str, &str)]| {
            let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            asked.clone().with(|e| e.user.profile.attributes = attributes.collect())
        };
        assert_eq!(word(&has(&[("team", "pumps"), ("site", "berlin"), ("x", "y")]).connect()), "permit");
        assert_eq!(word(&has(&[("team", "pumps")]).connect()), "no_policy");
        assert_eq!(word(&has(&[("team", "pumps"), ("site", "rome")]).connect()), "no_policy");
        let nobody = estate(Subjects::default());
        assert_eq!(word(&nobody.connect()), "no_policy", "no attribute is no wish for anybody");
    }

    #[test]
    fn a_program_is_chosen_as_a_workload_only_and_has_no_factor_to_prove() {
        let program = |subjects| {
            estate(subjects).with(|e| {
                e.user.profile.kind = UserKind::Workload;
                e.mfa_at = None;
            })
        };
        let named = Workloads::Named([name("ben")].into());
        let workloads = |workloads| Subjects { workloads, ..Subjects::default() };
        assert_eq!(word(&program(workloads(named.clone())).connect()), "permit");
        assert_eq!(word(&program(workloads(Workloads::All(true))).connect()), "permit");
        assert_eq!(word(&program(workloads(Workloads::All(false))).connect()), "no_policy");
        let as_person = Subjects { users: [name("ben")].into(), groups: [name("sre")].into(), ..Subjects::default() };
        assert_eq!(word(&program(as_person).connect()), "no_policy");
        assert_eq!(word(&estate(workloads(named)).connect()), "no_policy", "and a person is none");
    }

    #[test]
    fn a_policy_for_some_clients_counts_by_these() {
        let sre = Subjects { groups: [name("sre")].into(), ..Subjects::default() };
        let estate = estate(sre).with(|e| e.policies[0].conditions.clients = [Client::Terminal].into());
        let by = |client| estate.clone().with(|e| e.client = client);
        assert_eq!(word(&by(Some(Client::Terminal)).connect()), "permit");
        assert_eq!(word(&by(Some(Client::Ssh)).connect()), "outside_conditions");
        assert_eq!(word(&by(None).connect()), "permit", "some client would do");
        let denied = |client| by(client).with(|e| e.policies[0].effect = Effect::Deny);
        assert_eq!(word(&denied(Some(Client::Terminal)).connect()), "denied_by");
        assert_eq!(word(&denied(None).connect()), "no_policy");
    }
}
