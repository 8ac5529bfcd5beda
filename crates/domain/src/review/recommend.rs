//! What is advised for a right, and why: from what is known about it and nothing else.

use std::time::Duration;

use super::{Decision, Right, RightFacts, RightKind};
use crate::finding::Severity;
use crate::policy::Access;
use crate::time::Timestamp;

/// How far back use counts: 90 days.
pub const LOOKED_BACK: Duration = Duration::from_secs(90 * 86_400);
/// Whoever came later than this cannot have used everything yet: 30 days.
const NEW: Duration = Duration::from_secs(30 * 86_400);
/// Whoever uses something less often in 90 days can ask for it each time.
const RARE: u64 = 5;
/// The fewest peers that say anything.
const PEERS_MIN: u64 = 4;
const DAY_SECONDS: u64 = 86_400;

/// What is advised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recommendation {
    /// What to do.
    pub advice: Decision,
    /// Why, the deciding reason first.
    pub reasons: Vec<String>,
}

/// What is advised for a right at `now`.
#[must_use]
pub fn recommend(right: &Right, facts: &RightFacts, now: Timestamp) -> Recommendation {
    let (advice, why) = decide(right, facts, now);
    let mut reasons = vec![why];
    reasons.extend(findings(facts));
    reasons.extend(peers(right, facts));
    Recommendation { advice, reasons }
}

fn decide(right: &Right, facts: &RightFacts, now: Timestamp) -> (Decision, String) {
    let standing = facts.access == Some(Access::Standing);
    let reducible = standing && right.kind.may_be_reduced();
    let unused = facts.last_used_at.is_none_or(|last| now.since(last) > LOOKED_BACK);
    let serious = facts.worst.is_some_and(|worst| worst >= Severity::High);
    if facts.disabled {
        return (Decision::Revoke, "the person is disabled".to_owned());
    }
    if unused && right.user.is_some() && facts.since.is_some_and(|since| now.since(since) < NEW) {
        return (Decision::Keep, "not used yet, and not 30 days old".to_owned());
    }
    match right.kind {
        RightKind::Role if right.user.is_none() => (Decision::Keep, format!("{} people are in the group", facts.peers)),
        RightKind::Role if unused => (Decision::Revoke, last(facts, now, "the person was not here")),
        RightKind::Role => (Decision::Keep, last(facts, now, "the person was here")),
        RightKind::Membership if unused && facts.policies.is_empty() => {
            (Decision::Keep, "it brings a role, of which use is not counted".to_owned())
        }
        _ if unused => (Decision::Revoke, last(facts, now, "not used")),
        _ if reducible && facts.uses < RARE => {
            (Decision::Reduce, format!("used {} times in 90 days: asking for it each time would do", facts.uses))
        }
        _ if reducible && serious => {
            (Decision::Reduce, "it reaches accounts with serious findings at any time".to_owned())
        }
        _ => (Decision::Keep, last(facts, now, &format!("used {} times in 90 days", facts.uses))),
    }
}

fn last(facts: &RightFacts, now: Timestamp, what: &str) -> String {
    match facts.last_used_at {
        None => format!("{what}, never"),
        Some(last) => format!("{what}, last {} days ago", now.since(last).as_secs() / DAY_SECONDS),
    }
}

fn findings(facts: &RightFacts) -> Option<String> {
    let worst = facts.worst?;
    let how = match worst {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
    };
    Some(format!("{} findings are open on accounts that it reaches, the worst {how}", facts.findings))
}

fn peers(right: &Right, facts: &RightFacts) -> Option<String> {
    let RightFacts { peers, peers_with, .. } = facts;
    if right.user.is_none() {
        let of = match right.kind {
            RightKind::Role => return None,
            RightKind::PolicyAttributes => "people who have that",
            RightKind::PolicyWorkload => "workloads",
            _ => "people in the group",
        };
        return Some(format!("{peers_with} of {peers} {of} have used it in 90 days"));
    }
    if *peers < PEERS_MIN {
        return None;
    }
    Some(match peers_with {
        0 => format!("none of {peers} people in the same groups has it"),
        with => format!("{with} of {peers} people in the same groups have it"),
    })
}
