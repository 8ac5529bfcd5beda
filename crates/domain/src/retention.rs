//! How long recordings are kept: until their time is over, unless a hold keeps them longer.
//!
//! What is taken away is the recording. What the ledger says of it (who, when, its digest) stays, and so does the
//! proof that it was taken away because this said so.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{AccountId, AssetId, HoldId, SessionId, UserId};
use crate::name::{AccountRef, AssetName, UserName};
use crate::period::{InvalidPeriod, Period};
use crate::scope::ScopePath;
use crate::time::Timestamp;

/// How that is written that nothing is ever taken away.
const FOREVER: &str = "forever";
/// How long a changed retention waits unless said otherwise: a day.
const WAIT: Period = Period::from_const_seconds(86_400);
/// How many places may have a retention of their own.
const PLACES_MAX: usize = 1_000;

/// How long something is kept: `forever`, or a period such as `400d`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum Keep {
    /// It is never taken away.
    #[default]
    Forever,
    /// It is taken away when it is older.
    For(Period),
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forever => f.write_str(FOREVER),
            Self::For(period) => period.fmt(f),
        }
    }
}

impl FromStr for Keep {
    type Err = InvalidPeriod;

    fn from_str(text: &str) -> Result<Self, InvalidPeriod> {
        if text == FOREVER { Ok(Self::Forever) } else { text.parse().map(Self::For) }
    }
}

impl TryFrom<String> for Keep {
    type Error = InvalidPeriod;

    fn try_from(text: String) -> Result<Self, InvalidPeriod> {
        text.parse()
    }
}

impl From<Keep> for String {
    fn from(keep: Keep) -> Self {
        keep.to_string()
    }
}

/// `[[retention.places]]`: how long the recordings of one place are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceRetention {
    /// The place, with everything below it that has no retention of its own.
    pub scope: ScopePath,
    /// How long recordings of sessions there are kept after these ended.
    pub recordings: Keep,
}

/// `[retention]`: how long recordings are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// How long recordings are kept after their session ended; for ever unless given.
    pub recordings: Keep,
    /// How long nothing is taken away after this was changed, so that a mistake can be mended; a day unless given.
    pub wait: Period,
    /// Places that have a retention of their own; the deepest that holds a session counts.
    pub places: Vec<PlaceRetention>,
}

impl Default for Retention {
    fn default() -> Self {
        Self { recordings: Keep::Forever, wait: WAIT, places: Vec::new() }
    }
}

/// Why a retention cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRetention {
    /// Everything would be taken away as soon as it is there.
    #[error("retention of recordings in {0} is no time at all: give a period such as 400d, or `forever`")]
    Nothing(ScopePath),
    /// Which of the two counts cannot be said.
    #[error("retention of recordings in {0} is given twice: keep one of the two")]
    Twice(ScopePath),
    /// There are too many.
    #[error("retention names more than {PLACES_MAX} places: name the ones above them")]
    Places,
}

impl Retention {
    /// Whether it can be followed.
    ///
    /// # Errors
    /// When a period is empty, a place is named twice, or there are too many places.
    pub fn check(&self) -> Result<(), InvalidRetention> {
        if self.places.len() > PLACES_MAX {
            return Err(InvalidRetention::Places);
        }
        let empty = Keep::For(Period::from_const_seconds(0));
        if self.recordings == empty {
            return Err(InvalidRetention::Nothing(ScopePath::root()));
        }
        for (at, place) in self.places.iter().enumerate() {
            if place.recordings == empty {
                return Err(InvalidRetention::Nothing(place.scope.clone()));
            }
            if self.places.iter().take(at).any(|other| other.scope == place.scope) {
                return Err(InvalidRetention::Twice(place.scope.clone()));
            }
        }
        Ok(())
    }

    /// How long recordings of sessions in `scope` are kept: as the deepest place that holds it says.
    #[must_use]
    pub fn of(&self, scope: &ScopePath) -> Keep {
        let holding = self.places.iter().filter(|place| place.scope.contains(scope));
        let deepest = holding.max_by_key(|place| place.scope.depth());
        deepest.map_or(self.recordings, |place| place.recordings)
    }

    /// The shortest time that anything is kept; none where all is kept for ever.
    #[must_use]
    pub fn shortest(&self) -> Option<Period> {
        let all = std::iter::once(self.recordings).chain(self.places.iter().map(|place| place.recordings));
        let periods = all.filter_map(|keep| match keep {
            Keep::For(period) => Some(period),
            Keep::Forever => None,
        });
        periods.min_by_key(|period| period.seconds())
    }
}

/// What a hold is on: everything that is given must match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldOn {
    /// Sessions in this place and below.
    pub scope: ScopePath,
    /// Of this person.
    pub user: Option<UserId>,
    /// On this asset.
    pub asset: Option<AssetId>,
    /// On this account.
    pub account: Option<AccountId>,
    /// This session only.
    pub session: Option<SessionId>,
    /// That were not over before this.
    pub from: Option<Timestamp>,
    /// That had begun before this.
    pub until: Option<Timestamp>,
}

/// A session that is over and whose recording is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The session.
    pub session: SessionId,
    /// Whose.
    pub user: UserId,
    /// On which account.
    pub account: AccountId,
    /// On which asset.
    pub asset: AssetId,
    /// Where.
    pub scope: ScopePath,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
}

impl HoldOn {
    /// Whether a session's recording is kept by it.
    #[must_use]
    pub fn covers(&self, recorded: &Recorded) -> bool {
        fn is<T: PartialEq>(wanted: Option<&T>, given: &T) -> bool {
            wanted.is_none_or(|wanted| wanted == given)
        }
        self.scope.contains(&recorded.scope)
            && is(self.user.as_ref(), &recorded.user)
            && is(self.asset.as_ref(), &recorded.asset)
            && is(self.account.as_ref(), &recorded.account)
            && is(self.session.as_ref(), &recorded.session)
            && self.from.is_none_or(|from| recorded.ended_at >= from)
            && self.until.is_none_or(|until| recorded.started_at < until)
    }
}

/// Somebody wants a hold released; somebody else has to agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReleaseAsked {
    /// Who.
    pub by: UserName,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// That a hold was released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Released {
    /// Who agreed.
    pub by: UserName,
    /// When.
    pub at: Timestamp,
}

/// An order to keep recordings whatever their age: for a lawsuit, an inquiry, an audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hold {
    /// Identifier.
    pub id: HoldId,
    /// Sessions in this place and below are held.
    pub scope: ScopePath,
    /// Of this person.
    pub user: Option<UserName>,
    /// On this asset.
    pub asset: Option<AssetName>,
    /// On this account.
    pub account: Option<AccountRef>,
    /// This session only.
    pub session: Option<SessionId>,
    /// That were not over before this.
    pub from: Option<Timestamp>,
    /// That had begun before this.
    pub until: Option<Timestamp>,
    /// Why: the matter that it is for.
    pub reason: String,
    /// Who placed it.
    pub placed_by: UserName,
    /// When.
    pub placed_at: Timestamp,
    /// Who wants it released, if anybody does.
    pub release_asked: Option<ReleaseAsked>,
    /// That it was released, if it was.
    pub released: Option<Released>,
}

/// What becomes of a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "fate", rename_all = "snake_case")]
pub enum Fate {
    /// It is kept for ever.
    Forever,
    /// It is kept until its time is over.
    Until {
        /// When that is.
        until: Timestamp,
    },
    /// Its time may be over: holds keep it.
    Held {
        /// Which.
        holds: Vec<HoldId>,
    },
    /// Its time is over.
    Due {
        /// Since when.
        since: Timestamp,
    },
}

/// What becomes of a recording at `now`. A hold in force always wins.
#[must_use]
pub fn fate(recorded: &Recorded, retention: &Retention, holds: &[(HoldId, HoldOn)], now: Timestamp) -> Fate {
    let holding: Vec<_> = holds.iter().filter(|(_, on)| on.covers(recorded)).map(|(id, _)| id.clone()).collect();
    if !holding.is_empty() {
        return Fate::Held { holds: holding };
    }
    match retention.of(&recorded.scope) {
        Keep::Forever => Fate::Forever,
        Keep::For(period) => {
            let until = recorded.ended_at.after(period.duration());
            if until > now { Fate::Until { until } } else { Fate::Due { since: until } }
        }
    }
}

#[cfg(test)]
mod tests;
