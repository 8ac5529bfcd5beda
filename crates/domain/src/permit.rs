//! Proof that a decision was made. A permit can be constructed only in this crate, by a decision;
//! what needs one in its signature cannot be reached without.

use std::net::IpAddr;

use crate::id::{AccountId, AssetId, GrantId, PolicyId, UserId};
use crate::name::PolicyName;
use crate::permission::Permission;
use crate::policy::Obligations;
use crate::scope::ScopePath;
use crate::time::Timestamp;

/// The right to do `A`, once decided. There is no `Clone`: it is spent where it is used.
#[derive(Debug)]
pub struct Permit<A> {
    action: A,
}

impl<A> Permit<A> {
    pub(crate) const fn new(action: A) -> Self {
        Self { action }
    }

    /// What is permitted.
    #[must_use]
    pub const fn action(&self) -> &A {
        &self.action
    }
}

/// Administration of Postern itself.
#[derive(Debug, PartialEq, Eq)]
pub struct Manage {
    /// The permission that is used.
    pub permission: Permission,
    /// Where it holds, with everything below.
    pub scopes: Vec<ScopePath>,
}

impl Permit<Manage> {
    /// Whether the permit reaches `scope`.
    #[must_use]
    pub fn covers(&self, scope: &ScopePath) -> bool {
        self.action.scopes.iter().any(|held| held.contains(scope))
    }
}

/// Asking for access that policy says can be asked for.
#[derive(Debug, PartialEq, Eq)]
pub struct AskAccess {
    /// The account.
    pub account: AccountId,
    /// Who asks.
    pub user: UserId,
    /// The policy that allows it.
    pub policy: PolicyId,
    /// Its name.
    pub policy_name: PolicyName,
    /// What comes with it.
    pub obligations: Obligations,
}

/// Deciding on somebody else's request.
#[derive(Debug, PartialEq, Eq)]
pub struct Approve {
    /// Who decides.
    pub user: UserId,
}

/// One session to an account: the secret may be opened and the target dialled.
#[derive(Debug, PartialEq, Eq)]
pub struct Connect {
    /// Who connects.
    pub user: UserId,
    /// From where.
    pub source: IpAddr,
    /// The account.
    pub account: AccountId,
    /// Its asset.
    pub asset: AssetId,
    /// The policy that decided.
    pub policy: PolicyId,
    /// Its name.
    pub policy_name: PolicyName,
    /// The grant that is used; none where the policy gives standing access.
    pub grant: Option<GrantId>,
    /// What the session is bound to.
    pub obligations: Obligations,
    /// When it must end at the latest.
    pub until: Timestamp,
}

/// One reveal of an account's secret.
#[derive(Debug, PartialEq, Eq)]
pub struct Reveal {
    /// Who will see it.
    pub user: UserId,
    /// From where they asked.
    pub source: IpAddr,
    /// The account.
    pub account: AccountId,
    /// The policy that decided.
    pub policy: PolicyId,
    /// Its name.
    pub policy_name: PolicyName,
    /// The grant that is used; none where the policy gives standing access.
    pub grant: Option<GrantId>,
    /// When it must be back at the latest.
    pub until: Timestamp,
}
