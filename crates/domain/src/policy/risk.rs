//! How risky it may be to give somebody an account.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::risk::RiskLevel;

/// From which or up to which level something holds. What is weighed is who wants to use which account and when,
/// not what a request says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Bounds", into = "Bounds")]
#[schemars(with = "Bounds", rename = "RiskCondition")]
pub enum RiskCondition {
    /// Up to this level; for policies that allow.
    AtMost(RiskLevel),
    /// From this level on; for policies that deny.
    AtLeast(RiskLevel),
}

/// From which or up to which level something holds: one of the two. What is weighed is who wants to use which account
/// and when, not what a request says.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RiskCondition")]
struct Bounds {
    /// Up to this level; for policies that allow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at_most: Option<RiskLevel>,
    /// From this level on; for policies that deny.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at_least: Option<RiskLevel>,
}

impl TryFrom<Bounds> for RiskCondition {
    type Error = &'static str;

    fn try_from(bounds: Bounds) -> Result<Self, Self::Error> {
        match (bounds.at_most, bounds.at_least) {
            (Some(most), None) => Ok(Self::AtMost(most)),
            (None, Some(least)) => Ok(Self::AtLeast(least)),
            _ => Err("say `at_most`, in a policy that allows, or `at_least`, in one that denies"),
        }
    }
}

impl From<RiskCondition> for Bounds {
    fn from(condition: RiskCondition) -> Self {
        match condition {
            RiskCondition::AtMost(most) => Self { at_most: Some(most), at_least: None },
            RiskCondition::AtLeast(least) => Self { at_most: None, at_least: Some(least) },
        }
    }
}

impl RiskCondition {
    /// Whether it holds at `level`.
    #[must_use]
    pub fn holds(self, level: RiskLevel) -> bool {
        match self {
            Self::AtMost(most) => level <= most,
            Self::AtLeast(least) => level >= least,
        }
    }

    /// Whether at every level at which `narrow` holds, it holds too.
    #[must_use]
    pub fn covers(self, narrow: Self) -> bool {
        RiskLevel::ALL.into_iter().all(|level| self.holds(level) || !narrow.holds(level))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_covers_another_holds_wherever_it_does() {
        let all = || RiskLevel::ALL.into_iter().flat_map(|l| [RiskCondition::AtMost(l), RiskCondition::AtLeast(l)]);
        for (wide, narrow) in all().flat_map(|wide| all().map(move |narrow| (wide, narrow))) {
            let escaped = RiskLevel::ALL.into_iter().any(|level| narrow.holds(level) && !wide.holds(level));
            assert_eq!(wide.covers(narrow), !escaped, "{wide:?} {narrow:?}");
        }
        assert!(RiskCondition::AtMost(RiskLevel::Elevated).covers(RiskCondition::AtMost(RiskLevel::Low)));
        assert!(!RiskCondition::AtLeast(RiskLevel::High).covers(RiskCondition::AtLeast(RiskLevel::Elevated)));
    }
}
