//! When rotations and looks at secrets are due, and how many at once are spread out.

use std::collections::HashMap;
use std::time::Duration;

use crate::id::{AccountId, AssetId};
use crate::time::Timestamp;

/// Something due on one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The account.
    pub account: AccountId,
    /// Its asset.
    pub asset: AssetId,
}

/// How much is begun at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The time between two on one asset.
    pub per_asset: Duration,
    /// The time between two anywhere.
    pub overall: Duration,
}

/// When each of `due` may begin: in their order, no two on one asset and no two anywhere closer than
/// `pace` says.
#[must_use]
pub fn stagger(due: &[Due], pace: Pace, now: Timestamp) -> Vec<Timestamp> {
    let mut free: HashMap<&AssetId, Timestamp> = HashMap::new();
    let mut next = now;
    due.iter()
        .map(|one| {
            let asset_free = free.get(&one.asset).copied().unwrap_or(now);
            let at = next.max(asset_free);
            free.insert(&one.asset, at.after(pace.per_asset));
            next = next.after(pace.overall);
            at
        })
        .collect()
}

/// A point in `every` that is an account's own, so that what falls due together is spread out.
#[must_use]
pub fn offset(account: &AccountId, every: Duration) -> Duration {
    // FNV-1a: spread, nothing more.
    let hash = account
        .as_str()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let every = u64::try_from(every.as_millis()).unwrap_or(u64::MAX).max(1);
    Duration::from_millis(hash % every)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn due(account: u32, asset: u8) -> Due {
        let at = Timestamp::from_millis(1);
        Due { account: AccountId::generate(at, account.to_be_bytes()), asset: AssetId::generate(at, [0, 0, 0, asset]) }
    }

    proptest! {
        #[test]
        fn neither_an_asset_nor_the_estate_is_overrun(assets in proptest::collection::vec(0..5_u8, 0..60)) {
            let pace = Pace { per_asset: Duration::from_secs(5), overall: Duration::from_secs(1) };
            let due: Vec<_> = assets.iter().zip(0..).map(|(asset, account)| due(account, *asset)).collect();
            let at = stagger(&due, pace, Timestamp::from_millis(1_000));
            prop_assert_eq!(at.len(), due.len());
            for (index, one) in due.iter().enumerate() {
                for (other, later) in due.iter().enumerate().skip(index + 1) {
                    if one.asset == later.asset {
                        prop_assert!(at[other].since(at[index]) >= pace.per_asset);
                    }
                }
            }
        }

        #[test]
        fn offsets_lie_within(account: u32, seconds in 1..1_000_000_u64) {
            let every = Duration::from_secs(seconds);
            prop_assert!(offset(&due(account, 0).account, every) < every);
        }
    }
}
