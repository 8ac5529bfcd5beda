//! What is wrong with what a user holds in Postern itself.

use super::{FindingKind, Raised, Severity};
use crate::duties::DutiesViolation;
use crate::name::{DutiesName, PolicyName, UserName};
use crate::permission::{Permission, Role, RoleAssignment};

/// What is known of a user.
#[derive(Clone, Debug, Default)]
pub struct PersonHolds {
    /// The person's users for privileged work, where it is their everyday one.
    pub privileged_users: Vec<UserName>,
    /// The roles that it holds, by whichever way.
    pub roles: Vec<RoleAssignment>,
    /// The policies by which it reaches accounts at any time, and how many.
    pub standing: Vec<(PolicyName, usize)>,
    /// What the person holds together, against what is declared; said of the everyday user.
    pub apart: Vec<(DutiesName, DutiesViolation)>,
}

/// What is wrong with what a user holds, where `roles` are all that there are.
#[must_use]
pub fn of_person(holds: &PersonHolds, roles: &[Role]) -> Vec<Raised> {
    everyday_privilege(holds, roles).into_iter().chain(kept_apart(holds)).collect()
}

/// Whether somebody may change what others have by it; asking and answering are everyday work.
fn is_power(role: &Role) -> bool {
    let everyday = [Permission::RequestCreate, Permission::RequestApprove];
    role.permissions.iter().any(|permission| permission.changes() && !everyday.contains(permission))
}

fn everyday_privilege(holds: &PersonHolds, roles: &[Role]) -> Option<Raised> {
    if holds.privileged_users.is_empty() {
        return None;
    }
    let power = |held: &&RoleAssignment| roles.iter().find(|role| role.name == held.role).is_none_or(is_power);
    let powers: Vec<_> = holds.roles.iter().filter(power).collect();
    if powers.is_empty() && holds.standing.is_empty() {
        return None;
    }
    let mut evidence: Vec<_> =
        powers.iter().map(|held| format!("it holds the role {} in {}", held.role, held.scope)).collect();
    evidence.extend(holds.standing.iter().map(|(policy, accounts)| {
        format!(
            "policy {policy} gives it {accounts} {} at any time",
            if *accounts == 1 { "account" } else { "accounts" }
        )
    }));
    let others: Vec<_> = holds.privileged_users.iter().map(ToString::to_string).collect();
    evidence.push(format!("for privileged work there is {}", others.join(", ")));
    let severity = if powers.is_empty() { Severity::Medium } else { Severity::High };
    Some(Raised { kind: FindingKind::EverydayPrivilege, severity, evidence })
}

fn kept_apart(holds: &PersonHolds) -> Option<Raised> {
    let words = |(duties, DutiesViolation { one, other, .. }): &(DutiesName, DutiesViolation)| {
        format!("{duties} keeps apart {one} and {other}, and both are held")
    };
    let evidence: Vec<_> = holds.apart.iter().map(words).collect();
    (!evidence.is_empty()).then_some(Raised { kind: FindingKind::KeptApart, severity: Severity::High, evidence })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::permission::built_in_roles;
    use crate::policy::fixture::name;

    fn holds(role: &str) -> PersonHolds {
        let roles = vec![RoleAssignment { role: name(role), scope: name("/emea") }];
        PersonHolds { privileged_users: vec![name("ben-adm")], roles, ..PersonHolds::default() }
    }

    fn kinds(holds: &PersonHolds) -> Vec<(FindingKind, Severity)> {
        of_person(holds, &built_in_roles()).into_iter().map(|raised| (raised.kind, raised.severity)).collect()
    }

    #[test]
    fn who_has_another_user_for_it_holds_no_power_in_postern_either() {
        use FindingKind::EverydayPrivilege;
        for (role, expected) in [
            ("administrator", &[(EverydayPrivilege, Severity::High)][..]),
            ("operator", &[(EverydayPrivilege, Severity::High)]),
            ("of-nobody", &[(EverydayPrivilege, Severity::High)]),
            ("approver", &[]),
            ("auditor", &[]),
            ("user", &[]),
        ] {
            assert_eq!(kinds(&holds(role)), expected, "{role}");
        }
        let alone = PersonHolds { privileged_users: Vec::new(), ..holds("administrator") };
        assert_eq!(kinds(&alone), [], "there is no other user for it");
        let standing = PersonHolds { standing: vec![(name("prod"), 3)], ..holds("user") };
        assert_eq!(kinds(&standing), [(EverydayPrivilege, Severity::Medium)]);
        let said = of_person(&standing, &built_in_roles());
        let expected = ["policy prod gives it 3 accounts at any time", "for privileged work there is ben-adm"];
        assert_eq!(said.first().unwrap().evidence, expected);
    }

    #[test]
    fn what_is_held_together_is_told() {
        let violation = DutiesViolation { user: name("ben"), one: "group a".to_owned(), other: "group b".to_owned() };
        let apart = PersonHolds { apart: vec![(name("pay"), violation)], ..PersonHolds::default() };
        assert_eq!(kinds(&apart), [(FindingKind::KeptApart, Severity::High)]);
    }
}
