//! How an account's secret is looked after, as documents and the API say.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::AccountName;
use crate::period::Period;

/// How secrets are looked after: of an account, or of all accounts of an asset that do not say otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RotationSetting {
    /// How old a secret may become; `0s` for any age. An account that does not say takes its asset's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<Period>,
    /// Whether it is changed after each session that used it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_use: Option<bool>,
    /// How often it is tried whether the vaulted secret still opens the account; `0s` for never, a day
    /// unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<Period>,
    /// On an asset: its accounts that repair others, the preferred one first. No account repairs itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reconcile: Vec<AccountName>,
}

/// How often a secret is tried unless said otherwise.
pub const HEARTBEAT_DEFAULT: Period = Period::from_const_seconds(86_400);
/// Secrets are neither changed nor tried more often than this by themselves.
pub const PERIOD_SECONDS_MIN: u64 = 3_600;
/// How many reconcile accounts an asset may have.
pub const RECONCILE_MAX: usize = 4;

impl RotationSetting {
    /// What holds for an account that says `self` on an asset that says `asset`.
    #[must_use]
    pub fn over(&self, asset: &Self) -> Self {
        Self {
            every: self.every.or(asset.every),
            after_use: self.after_use.or(asset.after_use),
            heartbeat: Some(self.heartbeat.or(asset.heartbeat).unwrap_or(HEARTBEAT_DEFAULT)),
            reconcile: asset.reconcile.clone(),
        }
    }

    /// What is not acceptable: the field and why. `on_asset` says whether it is an asset's.
    #[must_use]
    pub fn faults(&self, on_asset: bool) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        for (field, period) in [("every", self.every), ("heartbeat", self.heartbeat)] {
            if period.is_some_and(|period| (1..PERIOD_SECONDS_MIN).contains(&period.seconds())) {
                faults.push((field, "is less than 1h: give 0s for never, or at least 1h".to_owned()));
            }
        }
        if !on_asset && !self.reconcile.is_empty() {
            faults.push(("reconcile", "belongs to the asset: name its reconcile accounts there".to_owned()));
        }
        if self.reconcile.len() > RECONCILE_MAX {
            faults.push(("reconcile", format!("names more than {RECONCILE_MAX} accounts")));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(text: &str) -> Option<Period> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn an_account_wins_over_its_asset() {
        let asset = RotationSetting {
            every: period("30d"),
            after_use: Some(true),
            heartbeat: None,
            reconcile: vec!["root".parse().unwrap()],
        };
        let account = RotationSetting { every: period("0s"), ..RotationSetting::default() };
        let both = account.over(&asset);
        assert_eq!((both.every, both.after_use), (period("0s"), Some(true)));
        assert_eq!(both.heartbeat, Some(HEARTBEAT_DEFAULT));
        assert_eq!(both.reconcile, asset.reconcile);
    }

    #[test]
    fn what_would_wear_an_account_out_is_refused() {
        let hasty = RotationSetting { every: period("5m"), heartbeat: period("0s"), ..RotationSetting::default() };
        assert_eq!(hasty.faults(true).len(), 1);
        let misplaced = RotationSetting { reconcile: vec!["root".parse().unwrap()], ..RotationSetting::default() };
        assert_eq!((misplaced.faults(false).len(), misplaced.faults(true).len()), (1, 0));
    }
}
