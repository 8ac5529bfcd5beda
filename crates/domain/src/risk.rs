//! How much an approver should think before saying yes: signals from what is known of a request, each of
//! which can be said in a sentence, and a level that follows from them by a rule that people can check.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::request::Request;

/// How long somebody is new, in seconds.
const NEW_USER_SECONDS: u64 = 7 * 24 * 3600;
/// How long a way to sign in is new, in seconds.
const NEW_FACTOR_SECONDS: u64 = 24 * 3600;
/// Fewer sessions than these say nothing of somebody's hours.
const HABIT_MIN: u64 = 20;
/// How many refusals are many.
const DENIED_MANY: u64 = 2;
/// How many requests within ten minutes are many.
const AT_ONCE_MANY: u64 = 5;

/// Something that an approver should notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// Several of their requests for it were denied lately.
    DeniedLately,
    /// There are open findings on the account, and at least one is high or critical.
    SeriousFindings,
    /// They became a user in the last seven days.
    NewUser,
    /// They got a passkey or an SSH key in the last day.
    NewFactor,
    /// They made five or more requests within ten minutes.
    ManyAtOnce,
    /// An alert about them is open that is high or critical.
    OpenAlert,
    /// They have not used the account in the last 90 days.
    FirstUse,
    /// They have not used the asset at all in the last 90 days.
    FirstOnAsset,
    /// It is to begin at an hour of the day in which they have not worked in the last 90 days.
    UnusualHour,
    /// They ask for as long as the policy gives.
    LongestAllowed,
    /// There is no ticket.
    NoTicket,
    /// Nobody would have to say yes to this under the policy as it was when it was asked.
    NoApproval,
}

/// How much a signal counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    Heavy,
    Light,
    /// It is said and counts for nothing.
    Remark,
}

impl Signal {
    fn weight(self) -> Weight {
        match self {
            Self::DeniedLately
            | Self::SeriousFindings
            | Self::NewUser
            | Self::NewFactor
            | Self::ManyAtOnce
            | Self::OpenAlert => Weight::Heavy,
            Self::FirstUse | Self::FirstOnAsset | Self::UnusualHour | Self::LongestAllowed => Weight::Light,
            Self::NoTicket | Self::NoApproval => Weight::Remark,
        }
    }
}

/// How much an approver should think.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RiskLevel {
    /// Nothing out of the ordinary, or one light signal.
    Low,
    /// One heavy signal, or two light ones.
    Elevated,
    /// Two heavy signals, or a heavy one and two light ones.
    High,
}

impl RiskLevel {
    /// All of them, from the least on.
    pub const ALL: [Self; 3] = [Self::Low, Self::Elevated, Self::High];

    /// As people and documents call it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Elevated => "elevated",
            Self::High => "high",
        }
    }
}

/// The risk of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Risk {
    /// The level.
    pub level: RiskLevel,
    /// What it follows from, the weightiest first.
    pub signals: Vec<Signal>,
}

/// A request beside its risk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WeighedRequest {
    /// The request.
    #[serde(flatten)]
    pub request: Request,
    /// Its risk, while it waits; not for who asks.
    pub risk: Option<Risk>,
}

/// What is known when a request was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RiskFacts {
    /// Their sessions on the account in the 90 days before.
    pub account_uses: u64,
    /// Their sessions on the asset in the 90 days before.
    pub asset_uses: u64,
    /// All of their sessions in the 90 days before.
    pub uses: u64,
    /// Those of them that began within an hour of the time of day at which this is to begin, in UTC.
    pub uses_at_that_hour: u64,
    /// Their requests for the account that were denied in the 90 days before.
    pub denied: u64,
    /// Their requests in the ten minutes before, this one included.
    pub at_once: u64,
    /// Open findings on the account that are high or critical.
    pub serious_findings: u64,
    /// Open alerts about them that are high or critical.
    pub open_alerts: u64,
    /// For how long they had been a user, in seconds.
    pub user_seconds: u64,
    /// How long ago they got their newest passkey or SSH key, in seconds; none where they have none.
    pub factor_seconds: Option<u64>,
    /// The policy's limit, in seconds.
    pub max_duration_seconds: u64,
}

/// Weighs a request.
#[must_use]
pub fn weigh(request: &Request, facts: &RiskFacts) -> Risk {
    let asked = [
        (request.duration_seconds >= facts.max_duration_seconds, Signal::LongestAllowed),
        (request.ticket.is_none(), Signal::NoTicket),
        (request.approval.is_none(), Signal::NoApproval),
    ];
    risk(of_use(facts).into_iter().chain(asked))
}

/// Weighs that somebody uses an account, whatever a request says: what conditions on risk are about.
#[must_use]
pub fn weigh_use(facts: &RiskFacts) -> Risk {
    risk(of_use(facts))
}

fn of_use(facts: &RiskFacts) -> [(bool, Signal); 9] {
    [
        (facts.denied >= DENIED_MANY, Signal::DeniedLately),
        (facts.serious_findings > 0, Signal::SeriousFindings),
        (facts.user_seconds < NEW_USER_SECONDS, Signal::NewUser),
        (facts.factor_seconds.is_some_and(|age| age < NEW_FACTOR_SECONDS), Signal::NewFactor),
        (facts.at_once >= AT_ONCE_MANY, Signal::ManyAtOnce),
        (facts.open_alerts > 0, Signal::OpenAlert),
        (facts.account_uses == 0, Signal::FirstUse),
        (facts.asset_uses == 0, Signal::FirstOnAsset),
        (facts.uses >= HABIT_MIN && facts.uses_at_that_hour == 0, Signal::UnusualHour),
    ]
}

fn risk(signals: impl IntoIterator<Item = (bool, Signal)>) -> Risk {
    let signals: Vec<_> = signals.into_iter().filter(|(holds, _)| *holds).map(|(_, signal)| signal).collect();
    Risk { level: level(&signals), signals }
}

fn level(signals: &[Signal]) -> RiskLevel {
    let count = |weight| signals.iter().filter(|signal| signal.weight() == weight).count();
    match (count(Weight::Heavy), count(Weight::Light)) {
        (2.., _) | (1, 2..) => RiskLevel::High,
        (1, _) | (0, 2..) => RiskLevel::Elevated,
        _ => RiskLevel::Low,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Signal; 12] = [
        Signal::DeniedLately,
        Signal::SeriousFindings,
        Signal::NewUser,
        Signal::NewFactor,
        Signal::ManyAtOnce,
        Signal::OpenAlert,
        Signal::FirstUse,
        Signal::FirstOnAsset,
        Signal::UnusualHour,
        Signal::LongestAllowed,
        Signal::NoTicket,
        Signal::NoApproval,
    ];

    #[test]
    fn one_more_signal_never_lowers_the_level() {
        for bits in 0..1_u32 << ALL.len() {
            let of = |bits: u32| {
                ALL.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, s)| *s).collect::<Vec<_>>()
            };
            for at in 0..ALL.len() {
                assert!(level(&of(bits)) <= level(&of(bits | 1 << at)));
            }
        }
    }

    #[test]
    fn levels_follow_from_what_is_heavy_and_what_is_light() {
        for (signals, expected) in [
            (&[][..], RiskLevel::Low),
            (&[Signal::FirstUse, Signal::NoTicket, Signal::NoApproval], RiskLevel::Low),
            (&[Signal::FirstUse, Signal::UnusualHour], RiskLevel::Elevated),
            (&[Signal::NewFactor], RiskLevel::Elevated),
            (&[Signal::NewFactor, Signal::FirstUse], RiskLevel::Elevated),
            (&[Signal::NewFactor, Signal::FirstUse, Signal::FirstOnAsset], RiskLevel::High),
            (&[Signal::DeniedLately, Signal::SeriousFindings], RiskLevel::High),
        ] {
            assert_eq!(level(signals), expected, "{signals:?}");
        }
    }
}
