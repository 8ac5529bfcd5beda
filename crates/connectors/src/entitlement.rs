//! What a grant can give on a target for a while, in place of a vaulted account.
//!
//! Everything that is provisioned bears a name made from the grant's id, so that what was left behind
//! can be recognised on the target and traced back to its grant by anybody.

use postern_domain::{AccountName, GrantId, InvalidName, Timestamp};

use crate::login::Secret;

/// What begins the name of everything that Postern provisions.
const PREFIX: &str = "pst-";

/// The name that a grant's provisioned account, rule or marker has on a target: 20 characters.
///
/// # Errors
/// Never for an id of ours; the type of account names checks again.
pub fn grant_name(grant: &GrantId) -> Result<AccountName, InvalidName> {
    let id = grant.as_str();
    let bare = id.strip_prefix(GrantId::PREFIX).and_then(|rest| rest.strip_prefix('_')).unwrap_or(id);
    format!("{PREFIX}{bare}").parse()
}

/// The grant that a name on a target belongs to, if it is one that Postern gave.
#[must_use]
pub fn grant_of_name(name: &str) -> Option<GrantId> {
    format!("{}_{}", GrantId::PREFIX, name.strip_prefix(PREFIX)?).parse().ok()
}

/// A right to run programs as another account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SudoRule {
    /// As whom; `root` or `ALL`.
    pub run_as: String,
    /// Absolute paths of programs with their arguments, or `ALL`.
    pub commands: Vec<String>,
}

/// What is given.
#[derive(Clone)]
pub enum Entitlement {
    /// An ephemeral account (Unix account, database role, directory entry) of the grant's name.
    Account {
        /// What proves it: a password, or a private key whose public half is installed.
        secret: Secret,
        /// Groups or roles that it is a member of.
        member_of: Vec<String>,
        /// What it may run as others.
        sudo: Option<SudoRule>,
    },
    /// A sudo rule for an account that exists.
    Sudo {
        /// Whose.
        account: AccountName,
        /// The rule.
        rule: SudoRule,
    },
    /// Membership of a group or role for an account that exists.
    Membership {
        /// Whose.
        account: AccountName,
        /// Of what.
        group: String,
    },
}

/// What is to be provisioned.
#[derive(Clone)]
pub struct Provision {
    /// Under which grant.
    pub grant: GrantId,
    /// What.
    pub what: Entitlement,
    /// When it ends. Where the platform can, the target ends it then by itself.
    pub expires_at: Timestamp,
}

impl Provision {
    /// What it is once it is there.
    #[must_use]
    pub fn placed(&self, expires_at: Option<Timestamp>) -> Provisioned {
        let (account, group) = match &self.what {
            Entitlement::Account { .. } => (None, None),
            Entitlement::Sudo { account, .. } => (Some(account.clone()), None),
            Entitlement::Membership { account, group } => (Some(account.clone()), Some(group.clone())),
        };
        Provisioned { grant: self.grant.clone(), account, group, expires_at }
    }
}

/// What is, or may be, on a target under a grant: enough to take it back without the grant at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provisioned {
    /// The grant.
    pub grant: GrantId,
    /// The existing account that was given something; None for an ephemeral account.
    pub account: Option<AccountName>,
    /// The group or role that it was made a member of; None for a sudo rule or an ephemeral account.
    pub group: Option<String>,
    /// When the target ends it by itself; None where it does not.
    pub expires_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests;
