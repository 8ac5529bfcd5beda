//! Whom and which accounts a policy is about.

use super::{Accounts, Effect, Policy, Subjects};
use crate::account::Account;
use crate::asset::Asset;
use crate::user::User;

impl Subjects {
    /// Whether `user` is named or in a named group. Where nobody is named, nobody matches.
    #[must_use]
    pub fn include(&self, user: &User) -> bool {
        self.users.contains(&user.name) || user.groups.iter().any(|group| self.groups.contains(group))
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
