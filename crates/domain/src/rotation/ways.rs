//! By whom an account's secret can be changed, and by whom repaired. No account depends on itself alone.

use serde::{Deserialize, Serialize};

use super::By;
use crate::id::AccountId;

/// By whom a secret is changed and repaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ways {
    /// The account can do it itself.
    pub itself: bool,
    /// Another account can do it.
    pub reconcile: bool,
}

/// What is known of an account that is to be rotated.
#[derive(Clone, Copy, Debug)]
pub struct WaysFacts<'a> {
    /// The account.
    pub account: &'a AccountId,
    /// Whether its platform lets an account change its own secret, and the vault holds one that it does
    /// so with.
    pub can_itself: bool,
    /// The asset's reconcile accounts that can be used now, the preferred one first.
    pub reconcile: &'a [AccountId],
    /// Whether it is itself one of the asset's reconcile accounts.
    pub repairs_others: bool,
    /// Whether the old secret goes on opening the account until the new one has.
    pub additive: bool,
}

/// Why an account cannot be rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoWay {
    /// Nothing can change it.
    #[error(
        "nothing can change its secret: store the present one with `postern account set-secret`, or name a reconcile \
         account of its asset"
    )]
    Nothing,
    /// It repairs others and nothing would repair it.
    #[error(
        "it is the reconcile account of its asset and nothing could repair it: name a second reconcile account first"
    )]
    Alone,
}

impl Ways {
    /// The ways, and the account that repairs: never the account itself.
    ///
    /// # Errors
    /// When there is none, or when it is what others depend on and would depend on itself alone.
    pub fn of<'a>(facts: &WaysFacts<'a>) -> Result<(Self, Option<&'a AccountId>), NoWay> {
        let repair = facts.reconcile.iter().find(|candidate| *candidate != facts.account);
        let ways = Self { itself: facts.can_itself, reconcile: repair.is_some() };
        if ways.first(facts.can_itself).is_none() {
            return Err(NoWay::Nothing);
        }
        if facts.repairs_others && repair.is_none() && !facts.additive {
            return Err(NoWay::Alone);
        }
        Ok((ways, repair))
    }

    /// By whom it is tried first; `has_current` where the vault holds a secret that opens it so far.
    #[must_use]
    pub const fn first(self, has_current: bool) -> Option<By> {
        if self.itself && has_current {
            Some(By::Itself)
        } else if self.reconcile {
            Some(By::Reconcile)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::Timestamp;

    fn id(number: u8) -> AccountId {
        AccountId::generate(Timestamp::from_millis(1), [0, 0, 0, number])
    }

    proptest! {
        #[test]
        fn nothing_repairs_itself(
            account in 0..4_u8,
            reconcile in proptest::collection::vec(0..4_u8, 0..4),
            can_itself: bool,
            additive: bool,
        ) {
            let account = id(account);
            let reconcile: Vec<_> = reconcile.into_iter().map(id).collect();
            let repairs_others = reconcile.contains(&account);
            let facts = WaysFacts { account: &account, can_itself, reconcile: &reconcile, repairs_others, additive };
            match Ways::of(&facts) {
                Ok((ways, repair)) => {
                    prop_assert_ne!(repair, Some(&account));
                    prop_assert_eq!(ways.reconcile, repair.is_some());
                    prop_assert!(ways.first(can_itself).is_some());
                    prop_assert!(!repairs_others || repair.is_some() || additive, "depends on itself alone");
                }
                Err(NoWay::Nothing) => prop_assert!(!can_itself && reconcile.iter().all(|one| *one == account)),
                Err(NoWay::Alone) => prop_assert!(repairs_others && !additive),
            }
        }
    }
}
