//! Zero standing privilege: what a session needs is made on the target for it and taken away after it.
//!
//! Its end is written down before it is made, is tried for ever, and where the platform can, the target
//! ends it by itself. What is left over nevertheless is found by name and taken away.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{GrantId, ProvisionId};
use crate::name::{AccountName, AccountRef};
use crate::scope::ScopePath;
use crate::time::Timestamp;

const LIST_MAX: usize = 32;
const TEXT_LEN_MAX: usize = 255;

/// What is made for a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ProvisionRule {
    /// An account of its own in place of the one asked for: a Unix account, a database role.
    Account {
        /// Groups or roles that it belongs to.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        member_of: Vec<String>,
        /// What it may run as root: absolute paths of programs with their arguments, or `ALL`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        sudo: Vec<String>,
    },
    /// A right of the account asked for to run programs as root.
    Sudo {
        /// Absolute paths of programs with their arguments, or `ALL`.
        commands: Vec<String>,
    },
    /// Membership of the account asked for.
    Membership {
        /// In this group or role.
        group: String,
    },
}

impl ProvisionRule {
    /// Whether the session is opened as an account that is made for it.
    #[must_use]
    pub const fn own_account(&self) -> bool {
        matches!(self, Self::Account { .. })
    }

    /// What is not acceptable: the field and why.
    #[must_use]
    pub fn faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        let (groups, commands): (Vec<&String>, &[String]) = match self {
            Self::Account { member_of, sudo } => (member_of.iter().collect(), sudo),
            Self::Sudo { commands } => (Vec::new(), commands),
            Self::Membership { group } => (vec![group], &[]),
        };
        let is_group = |text: &str| text.parse::<AccountName>().is_ok();
        if groups.len() > LIST_MAX || groups.iter().any(|group| !is_group(group)) {
            faults.push(("member_of", format!("give at most {LIST_MAX} names of groups or roles")));
        }
        if matches!(self, Self::Sudo { commands } if commands.is_empty()) {
            faults.push(("commands", "name at least one program, or ALL".to_owned()));
        }
        let is_command = |text: &str| {
            text == "ALL"
                || (text.starts_with('/')
                    && text.len() <= TEXT_LEN_MAX
                    && !text.chars().any(|c| c.is_control() || ",:=\\\"!#()".contains(c)))
        };
        if commands.len() > LIST_MAX || commands.iter().any(|command| !is_command(command)) {
            faults.push((
                "sudo",
                "give absolute paths of programs with plain arguments, or ALL; none of , : = \\ \" ! # ( )".to_owned(),
            ));
        }
        faults
    }
}

/// Where something that was made for sessions stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProvisionState {
    /// Being made; it may be there already.
    Provisioning,
    /// There.
    Active,
    /// To be taken away; it may be there still.
    Revoking,
    /// Gone.
    Revoked,
}

/// Something that was made on a target for sessions under one grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Provisioning {
    /// Identifier.
    pub id: ProvisionId,
    /// The account that was asked for.
    pub account: AccountRef,
    /// The scope, which is its asset's.
    pub scope: ScopePath,
    /// What names it on the target: the grant that it was made under, or what stands for one.
    pub grant: GrantId,
    /// What it is; none for what was found on the target and nobody knows of.
    pub rule: Option<ProvisionRule>,
    /// Where it stands.
    pub state: ProvisionState,
    /// When it is taken away at the latest.
    pub expires_at: Timestamp,
    /// How often it was tried to take it away.
    pub attempts: u32,
    /// What went wrong last.
    pub note: Option<String>,
    /// When it was written down.
    pub created_at: Timestamp,
    /// When it was gone.
    pub revoked_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_break_out_of_a_sudo_rule_is_refused() {
        let sudo = |command: &str| ProvisionRule::Sudo { commands: vec![command.to_owned()] };
        for fine in ["ALL", "/usr/bin/systemctl restart app"] {
            assert!(sudo(fine).faults().is_empty(), "{fine}");
        }
        for bad in ["systemctl", "/bin/a, ALL", "/bin/a\n/bin/b", "/bin/a\\", "!/bin/a"] {
            assert_eq!(sudo(bad).faults().len(), 1, "{bad}");
        }
        assert_eq!(ProvisionRule::Sudo { commands: Vec::new() }.faults().len(), 1);
        assert_eq!(ProvisionRule::Membership { group: "a b".to_owned() }.faults().len(), 1);
    }
}
