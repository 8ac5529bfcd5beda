//! What is usual: for a person the hours, addresses and accounts, for an account the people and how much
//! a session moves.

use std::collections::BTreeMap;

use crate::observation::Observation;
use crate::rule::Unusual;

/// How many sessions must be known before anything is called unusual.
pub(crate) const KNOWN_MIN: u64 = 20;
/// How many people and accounts are known, and how many things of each.
const PROFILES_MAX: usize = 20_000;
const VALUES_MAX: usize = 256;
/// How much more than the mean a session must move, at least, and from how many bytes on.
pub(crate) const VOLUME_TIMES: u64 = 10;
pub(crate) const VOLUME_MIN: u64 = 10 * 1024 * 1024;

/// What is usual for whom.
#[derive(Clone, Debug, Default)]
pub struct Baselines {
    people: BTreeMap<String, Profile>,
    accounts: BTreeMap<String, Profile>,
    /// What each session has moved so far.
    moved: BTreeMap<String, u64>,
}

#[derive(Clone, Debug, Default)]
struct Profile {
    sessions: u64,
    hours: [u64; 24],
    sources: BTreeMap<String, u64>,
    others: BTreeMap<String, u64>,
    volumes: u64,
    volume: u64,
}

impl Profile {
    fn learn(&mut self, hour: usize, source: &str, other: &str) {
        self.sessions += 1;
        if let Some(count) = self.hours.get_mut(hour) {
            *count += 1;
        }
        add(&mut self.sources, source);
        add(&mut self.others, other);
    }
}

fn add(counts: &mut BTreeMap<String, u64>, value: &str) {
    if counts.len() < VALUES_MAX || counts.contains_key(value) {
        *counts.entry(value.to_owned()).or_default() += 1;
    }
}

impl Baselines {
    /// A session was opened; it counts as usual from now on.
    pub fn opened(&mut self, seen: &Observation<'_>) {
        let hour = hour(seen.at);
        let full = |profiles: &BTreeMap<String, Profile>, name: &str| {
            name.is_empty() || (profiles.len() >= PROFILES_MAX && !profiles.contains_key(name))
        };
        if !full(&self.people, seen.user) {
            self.people.entry(seen.user.to_owned()).or_default().learn(hour, seen.source, seen.account);
        }
        if !full(&self.accounts, seen.account) {
            self.accounts.entry(seen.account.to_owned()).or_default().learn(hour, seen.source, seen.user);
        }
    }

    /// A session moved so many bytes out; says why, the first time that this is unusual.
    pub(crate) fn moved(&mut self, seen: &Observation<'_>, bytes: u64) -> Option<String> {
        let usual = self.accounts.get(seen.account).filter(|profile| profile.volumes >= KNOWN_MIN);
        let (before, now) = match self.moved.get_mut(seen.session) {
            Some(moved) => {
                let before = *moved;
                *moved = before.saturating_add(bytes);
                (before, *moved)
            }
            None => {
                if self.moved.len() < PROFILES_MAX {
                    self.moved.insert(seen.session.to_owned(), bytes);
                }
                (0, bytes)
            }
        };
        let mean = usual.map(|profile| profile.volume / profile.volumes)?;
        let limit = mean.saturating_mul(VOLUME_TIMES).max(VOLUME_MIN);
        (before < limit && now >= limit).then(|| {
            format!(
                "this session has moved {now} bytes out of {}; sessions there move {mean} in the mean",
                seen.account
            )
        })
    }

    /// A session is over; what it moved counts from now on.
    pub fn ended(&mut self, account: &str, session: &str) {
        let bytes = self.moved.remove(session).unwrap_or(0);
        if let Some(profile) = self.accounts.get_mut(account) {
            profile.volumes += 1;
            profile.volume = profile.volume.saturating_add(bytes);
        }
    }

    /// Why opening this session is unusual, in words; none where it is usual or too little is known.
    #[must_use]
    pub fn unusual(&self, what: Unusual, seen: &Observation<'_>) -> Option<String> {
        let person = || self.people.get(seen.user).filter(|profile| profile.sessions >= KNOWN_MIN);
        match what {
            Unusual::Hour => {
                let (profile, hour) = (person()?, hour(seen.at));
                let near =
                    [hour + 23, hour, hour + 1].iter().filter_map(|hour| profile.hours.get(hour % 24)).sum::<u64>();
                (near == 0).then(|| {
                    format!(
                        "{} opened a session at {hour}:00 UTC; none of {} sessions before was within an hour of that",
                        seen.user, profile.sessions
                    )
                })
            }
            Unusual::Source => {
                let profile = person()?;
                let is_new = !profile.sources.contains_key(seen.source);
                is_new.then(|| {
                    format!(
                        "{} came from {}, never seen in {} sessions; {} addresses are usual",
                        seen.user,
                        seen.source,
                        profile.sessions,
                        profile.sources.len()
                    )
                })
            }
            Unusual::Target => {
                let profile = person()?;
                let is_new = !profile.others.contains_key(seen.account) && profile.others.len() < VALUES_MAX;
                is_new.then(|| {
                    format!(
                        "{} used {} for the first time in {} sessions; {} accounts are usual",
                        seen.user,
                        seen.account,
                        profile.sessions,
                        profile.others.len()
                    )
                })
            }
            Unusual::User => {
                let profile = self.accounts.get(seen.account).filter(|profile| profile.sessions >= KNOWN_MIN)?;
                let is_new = !profile.others.contains_key(seen.user) && profile.others.len() < VALUES_MAX;
                is_new.then(|| {
                    format!(
                        "{} was used by {} for the first time in {} sessions; {} people use it",
                        seen.account,
                        seen.user,
                        profile.sessions,
                        profile.others.len()
                    )
                })
            }
            Unusual::Volume => None,
        }
    }
}

fn hour(at: i64) -> usize {
    usize::try_from(at.rem_euclid(86_400_000) / 3_600_000).unwrap_or(0)
}
