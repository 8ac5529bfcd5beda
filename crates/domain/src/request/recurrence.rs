//! Windows that come again: every weekday from eight to ten, until a date.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::{Hours, InvalidHours};
use crate::time::Timestamp;

/// Windows that come again, on one approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recurrence {
    /// On which days, from when to when, in which time zone.
    pub hours: Hours,
    /// No window begins at this time or later; at most 90 days ahead.
    pub until: Timestamp,
}

/// One of the windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// When it begins.
    pub from: Timestamp,
    /// When it ends.
    pub to: Timestamp,
}

/// Why windows cannot come again so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRecurrence {
    /// The hours cannot be understood.
    #[error(transparent)]
    Hours(#[from] InvalidHours),
    /// No window begins before it ends.
    #[error("no window lies between now and its end: give a later `until`")]
    Never,
}

impl Recurrence {
    /// The first window that has not ended at `now`, which may have begun.
    ///
    /// # Errors
    /// When the hours cannot be understood, or no window is left.
    pub fn window(&self, now: Timestamp) -> Result<Window, InvalidRecurrence> {
        self.hours.check()?;
        let (from, to) = self.hours.next_window(now).ok_or(InvalidRecurrence::Never)?;
        if from.max(now) >= self.until {
            return Err(InvalidRecurrence::Never);
        }
        Ok(Window { from, to })
    }

    /// How long each window lasts by the wall clock, in seconds; 0 where the hours cannot be understood.
    #[must_use]
    pub fn seconds(&self) -> u64 {
        self.hours.seconds()
    }
}
