//! Break-glass: access in an emergency, given without waiting, loud, and reviewed afterwards.
//!
//! Three tiers. `fast`: a policy gives it at once to who is on call and names an incident. `degraded`: a
//! policy wants a quorum, and passkeys that depend on nobody else. `offline`: Postern itself is dead, and
//! a bundle sealed to some of several people is opened without it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{BreakGlassUseId, GrantId};
use crate::name::{GroupName, UserName};
use crate::period::Period;
use crate::person;
use crate::policy::Reason;
use crate::request::ApprovalRule;
use crate::scope::ScopePath;
use crate::time::Timestamp;
use crate::user::{User, UserState};

/// How old the factor may be that somebody proves for break-glass, in seconds.
pub const FACTOR_SECONDS_MAX: u64 = 300;
/// How long a use may wait for its review unless a policy says otherwise.
const REVIEW_HOURS: u64 = 24;

/// What makes a policy one of break-glass. Such a policy is asked under with the incident as the ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BreakGlassRule {
    /// Whether who asks and who approves must have proved a passkey, within the last five minutes. It is
    /// checked by Postern alone, so that it works while an identity provider does not.
    pub passkey: bool,
    /// The groups whose members review each use; anybody who holds `request:approve` in the scope when
    /// empty. Nobody reviews their own.
    pub review_by: Vec<GroupName>,
    /// Within what time of the use.
    pub review_within: Period,
}

impl Default for BreakGlassRule {
    fn default() -> Self {
        Self { passkey: false, review_by: Vec::new(), review_within: Period::from_seconds(REVIEW_HOURS * 3600) }
    }
}

/// How far things are broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BreakGlassTier {
    /// Postern works: granted at once.
    Fast,
    /// What Postern relies on does not: granted by a quorum.
    Degraded,
    /// Postern does not work: a bundle was opened.
    Offline,
}

impl BreakGlassTier {
    /// The tier of a policy with this demand for approval.
    #[must_use]
    pub const fn of(approval: Option<&ApprovalRule>) -> Self {
        if approval.is_some() { Self::Degraded } else { Self::Fast }
    }
}

/// What somebody found who looked at a use afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BreakGlassReview {
    /// Who.
    pub by: UserName,
    /// When.
    pub at: Timestamp,
    /// Whether it was an emergency, and what was done in it was called for.
    pub justified: bool,
    /// What they found.
    pub text: String,
}

/// One use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BreakGlassUse {
    /// Identifier.
    pub id: BreakGlassUseId,
    /// How far things were broken.
    pub tier: BreakGlassTier,
    /// Who used it; for a bundle, who declared that it was opened.
    pub user: UserName,
    /// Their everyday user, where they used it as another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<UserName>,
    /// What: `root@web-1`, or what was opened of a bundle.
    pub target: String,
    /// The scope, which is the asset's.
    pub scope: ScopePath,
    /// The grant that it gave; none for a bundle.
    pub grant: Option<GrantId>,
    /// The incident.
    pub incident: String,
    /// Why.
    pub reason: String,
    /// The groups that review it; anybody who holds `request:approve` in the scope when empty.
    pub review_by: Vec<GroupName>,
    /// When.
    pub at: Timestamp,
    /// Until when it has to be reviewed.
    pub review_until: Timestamp,
    /// The review; none while it waits for one.
    pub review: Option<BreakGlassReview>,
}

impl BreakGlassUse {
    /// The person who used it.
    #[must_use]
    pub fn person(&self) -> &UserName {
        person::of(&self.user, self.identity.as_ref())
    }

    /// Whether nobody has reviewed it in time.
    #[must_use]
    pub fn overdue(&self, now: Timestamp) -> bool {
        self.review.is_none() && now >= self.review_until
    }
}

/// A factor that somebody proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactorProved {
    /// When; none when never.
    pub at: Option<Timestamp>,
    /// Whether it was a passkey.
    pub passkey: bool,
}

/// Why a factor is not enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactorMissing {
    /// It is too old.
    Fresh,
    /// It is none that counts.
    Passkey,
}

impl BreakGlassRule {
    /// Whether the factor is enough, for who asks as for who approves.
    ///
    /// # Errors
    /// What is missing.
    pub fn satisfied(&self, factor: FactorProved, now: Timestamp) -> Result<(), FactorMissing> {
        let oldest = now.before(std::time::Duration::from_secs(FACTOR_SECONDS_MAX));
        match factor.at {
            Some(at) if at >= oldest && (factor.passkey || !self.passkey) => Ok(()),
            _ if self.passkey => Err(FactorMissing::Passkey),
            _ => Err(FactorMissing::Fresh),
        }
    }
}

/// Whether `reviewer`, who comes with the groups that count in the scope of the use, may review it.
/// `holds_permission` says whether they hold `request:approve` there.
///
/// # Errors
/// Why not.
pub fn may_review(reviewer: &User, holds_permission: bool, used: &BreakGlassUse) -> Result<(), Reason> {
    let named = used.review_by.iter().any(|group| reviewer.groups.contains(group));
    if reviewer.state != UserState::Active {
        Err(Reason::UserInactive)
    } else if reviewer.person() == used.person() {
        Err(Reason::OwnUse)
    } else if used.review.is_some() {
        Err(Reason::ReviewedAlready)
    } else if named || (used.review_by.is_empty() && holds_permission) {
        Ok(())
    } else {
        Err(Reason::NotReviewer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::fixture::user;
    use std::time::Duration;

    fn used(review_by: &[&str]) -> BreakGlassUse {
        let now = Timestamp::from_millis(1_790_000_000_000);
        BreakGlassUse {
            id: BreakGlassUseId::generate(now, [0; 4]),
            tier: BreakGlassTier::Fast,
            user: "ben".parse().unwrap(),
            identity: None,
            target: "root@web-1".to_owned(),
            scope: ScopePath::root(),
            grant: None,
            incident: "INC-1".to_owned(),
            reason: "down".to_owned(),
            review_by: review_by.iter().map(|group| group.parse().unwrap()).collect(),
            at: now,
            review_until: now.after(Duration::from_secs(86_400)),
            review: None,
        }
    }

    #[test]
    fn nobody_reviews_their_own_use_and_nobody_reviews_twice() {
        let (ada, ben) = (user("ada", &["risk"], "/"), user("ben", &["risk"], "/"));
        assert_eq!(may_review(&ada, false, &used(&["risk"])), Ok(()));
        assert_eq!(may_review(&ben, true, &used(&["risk"])), Err(Reason::OwnUse));
        assert_eq!(may_review(&user("cyd", &[], "/"), true, &used(&["risk"])), Err(Reason::NotReviewer));
        assert_eq!(may_review(&user("cyd", &[], "/"), true, &used(&[])), Ok(()));
        assert_eq!(may_review(&user("cyd", &[], "/"), false, &used(&[])), Err(Reason::NotReviewer));
        let mut reviewed = used(&[]);
        let (by, at) = (ada.name.clone(), reviewed.at);
        reviewed.review = Some(BreakGlassReview { by, at, justified: true, text: String::new() });
        assert_eq!(may_review(&ada, true, &reviewed), Err(Reason::ReviewedAlready));
        let gone = User { state: UserState::Disabled, ..ada };
        assert_eq!(may_review(&gone, true, &used(&[])), Err(Reason::UserInactive));
    }

    #[test]
    fn a_factor_is_fresh_and_of_the_kind_that_is_wanted() {
        let now = Timestamp::from_millis(1_790_000_000_000);
        let factor = |seconds, passkey| FactorProved { at: Some(now.before(Duration::from_secs(seconds))), passkey };
        let (any, passkey) = (BreakGlassRule::default(), BreakGlassRule { passkey: true, ..BreakGlassRule::default() });
        assert_eq!(any.satisfied(factor(300, false), now), Ok(()));
        assert_eq!(any.satisfied(factor(301, true), now), Err(FactorMissing::Fresh));
        assert_eq!(any.satisfied(FactorProved { at: None, passkey: false }, now), Err(FactorMissing::Fresh));
        assert_eq!(passkey.satisfied(factor(10, true), now), Ok(()));
        assert_eq!(passkey.satisfied(factor(10, false), now), Err(FactorMissing::Passkey));
        assert_eq!(passkey.satisfied(factor(301, true), now), Err(FactorMissing::Passkey));
    }
}
