//! Whether somebody has looked at what they answered for.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Decision, STAMPED_MIN, STAMPED_SECONDS};
use crate::name::UserName;
use crate::time::Timestamp;

/// A longer pause is not counted as looking, in milliseconds: ten minutes.
const PAUSE_MAX_MS: i64 = 600_000;

/// An answer, as far as its pace goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whose.
    pub user: UserName,
    /// When.
    pub at: Timestamp,
    /// What.
    pub decision: Decision,
}

/// How somebody went about answering.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pace {
    /// Who.
    pub user: UserName,
    /// How many rights they answered for.
    pub answers: u64,
    /// How many of these they kept.
    pub kept: u64,
    /// How long they looked, in seconds: from when they first saw the review to their last answer, without
    /// what a pause takes longer than ten minutes.
    pub seconds: u64,
    /// Whether they kept everything without having had the time to look at it.
    pub rubber_stamped: bool,
}

/// How everybody went about their answers, by name. `first_seen` is when each of them first saw the review.
#[must_use]
pub fn paces(answers: &[Answer], first_seen: &BTreeMap<UserName, Timestamp>) -> Vec<Pace> {
    let mut by_user: BTreeMap<&UserName, Vec<&Answer>> = BTreeMap::new();
    answers.iter().for_each(|answer| by_user.entry(&answer.user).or_default().push(answer));
    by_user.into_iter().map(|(user, answers)| pace(user, &answers, first_seen.get(user))).collect()
}

fn pace(user: &UserName, answers: &[&Answer], first_seen: Option<&Timestamp>) -> Pace {
    let mut times: Vec<i64> = answers.iter().map(|answer| answer.at.as_millis()).collect();
    times.extend(first_seen.map(|seen| seen.as_millis()));
    times.sort_unstable();
    let gaps = times.iter().zip(times.iter().skip(1)).map(|(before, after)| (after - before).min(PAUSE_MAX_MS));
    let seconds = u64::try_from(gaps.sum::<i64>() / 1000).unwrap_or(0);
    let count = |of: fn(&&&Answer) -> bool| u64::try_from(answers.iter().filter(of).count()).unwrap_or(u64::MAX);
    let (all, kept) = (count(|_| true), count(|answer| answer.decision == Decision::Keep));
    let rubber_stamped = all >= STAMPED_MIN && kept == all && seconds < all.saturating_mul(STAMPED_SECONDS);
    Pace { user: user.clone(), answers: all, kept, seconds, rubber_stamped }
}
