//! When and from where a policy applies.

use std::net::IpAddr;
use std::sync::LazyLock;

use ipnet::{IpNet, Ipv4Net};
use jiff::civil::{Date, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Deserializer};

use super::{Conditions, Day, Hours};
use crate::name::shown;
use crate::time::Timestamp;

const MINUTES_PER_DAY: u16 = 24 * 60;

// The zones that were compiled in: the machine's own files could change a decision unseen.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Why hours cannot be understood. A policy with such hours never allows and always denies.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHours {
    /// Not a time of day.
    #[error("`{given}` is not a time of day: write HH:MM, for example 08:30")]
    Time {
        /// The text as given, shortened.
        given: String,
    },
    /// The window is empty.
    #[error("hours that begin and end at {at} are empty: for a whole day write 00:00 to 24:00")]
    Empty {
        /// Both ends.
        at: String,
    },
    /// Not a date.
    #[error("`{given}` is not a date: write YYYY-MM-DD, for example 2026-12-25")]
    Date {
        /// The text as given, shortened.
        given: String,
    },
    /// Not a time zone.
    #[error("`{given}` is not a time zone: write an IANA name, for example Europe/Berlin")]
    Zone {
        /// The text as given, shortened.
        given: String,
    },
}

impl Conditions {
    /// Whether they hold for somebody who comes from `source` at `now`.
    ///
    /// # Errors
    /// When hours cannot be understood and no others hold.
    pub fn hold(&self, source: IpAddr, now: Timestamp) -> Result<bool, InvalidHours> {
        if reached(&self.networks, source) { within(&self.hours, now) } else { Ok(false) }
    }
}

/// Whether `source` lies in one of the networks; where none is given, it may be any.
pub(crate) fn reached(networks: &[IpNet], source: IpAddr) -> bool {
    networks.is_empty() || networks.iter().any(|network| reaches(network, source))
}

/// Whether one of the hours holds at `now`; where none are given, it may be any time.
///
/// # Errors
/// When hours cannot be understood and no others hold.
pub(crate) fn within(hours: &[Hours], now: Timestamp) -> Result<bool, InvalidHours> {
    if hours.is_empty() {
        return Ok(true);
    }
    let mut invalid = None;
    for hours in hours {
        match hours.hold(now) {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            Err(error) => invalid = Some(error),
        }
    }
    invalid.map_or(Ok(false), Err)
}

impl Hours {
    /// Whether `now` lies within them, by the wall clock of their zone. The first minute counts,
    /// the last does not.
    ///
    /// # Errors
    /// When a time or the zone cannot be understood.
    pub fn hold(&self, now: Timestamp) -> Result<bool, InvalidHours> {
        let (from, to, zone) = self.parse()?;
        let local = zone.to_datetime(now.to_jiff());
        let minute = u16::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).unwrap_or(0);
        let today = self.includes(local.date());
        Ok(if from < to {
            today && (from..to).contains(&minute)
        } else {
            let yesterday = local.date().yesterday().is_ok_and(|day| self.includes(day));
            (today && minute >= from) || (yesterday && minute < to)
        })
    }

    /// The instants in `(from, to]` at which `hold` may change its answer; none where the hours cannot
    /// be understood, since the answer never changes then.
    pub(super) fn boundaries(&self, from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
        let Ok((begin, end, zone)) = self.parse() else { return Vec::new() };
        let inside = |at: &Timestamp| from < *at && *at <= to;
        // The days on both sides are looked at too, because 24:00 belongs to the next one.
        let mut day = zone.to_datetime(from.to_jiff()).date().yesterday().ok();
        let last = zone.to_datetime(to.to_jiff()).date();
        let mut found = Vec::new();
        while let Some(today) = day.filter(|today| *today <= last) {
            for minute in [begin, end] {
                let (date, minute) = match minute {
                    MINUTES_PER_DAY => (today.tomorrow().ok(), 0),
                    minute => (Some(today), minute),
                };
                let at = i8::try_from(minute / 60).ok().zip(i8::try_from(minute % 60).ok());
                if let Some((date, (hour, minute))) = date.zip(at) {
                    // An hour that the clock shows twice has its boundary twice.
                    let local = zone.to_ambiguous_timestamp(date.at(hour, minute, 0, 0));
                    let instants = [local.earlier(), local.later()].into_iter().flatten();
                    found.extend(instants.map(|at| Timestamp::from_millis(at.as_millisecond())));
                }
            }
            day = today.tomorrow().ok();
        }
        // Where the clock is put forward or back, wall time jumps over an end or falls behind a beginning.
        let jumps =
            zone.following(from.to_jiff()).map(|jump| Timestamp::from_millis(jump.timestamp().as_millisecond()));
        found.extend(jumps.take_while(|at| *at <= to));
        found.retain(inside);
        found
    }

    /// The first window that ends after `now`, which may have begun; none where they cannot be understood.
    pub(crate) fn next_window(&self, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let (begin, end, zone) = self.parse().ok()?;
        let instant = |day: Date, minute: u16| {
            let (day, minute) = if minute == MINUTES_PER_DAY { (day.tomorrow().ok()?, 0) } else { (day, minute) };
            let (hour, minute) = (i8::try_from(minute / 60).ok()?, i8::try_from(minute % 60).ok()?);
            let at = zone.to_ambiguous_timestamp(day.at(hour, minute, 0, 0)).compatible().ok()?;
            Some(Timestamp::from_millis(at.as_millisecond()))
        };
        let mut day = zone.to_datetime(now.to_jiff()).date().yesterday().ok()?;
        // Yesterday's may go on past midnight; every day of the week comes within the next seven, or after holidays.
        for _ in 0..9 + 7 * self.except.len() {
            let ends_on = if begin < end { day } else { day.tomorrow().ok()? };
            let (from, to) = (instant(day, begin)?, instant(ends_on, end)?);
            // Where the clock is put forward, a short window may vanish.
            if self.includes(day) && to > now && from < to {
                return Some((from, to));
            }
            day = day.tomorrow().ok()?;
        }
        None
    }

    /// How long they last by the wall clock, in seconds; 0 where they cannot be understood.
    pub(crate) fn seconds(&self) -> u64 {
        let Ok((from, to, _)) = self.parse() else { return 0 };
        let minutes = if from < to { to - from } else { MINUTES_PER_DAY - from + to };
        u64::from(minutes) * 60
    }

    /// Checks that the times and the zone can be understood.
    ///
    /// # Errors
    /// Says what cannot.
    pub fn check(&self) -> Result<(), InvalidHours> {
        self.parse().map(|_| ())
    }

    /// The minutes of the day at which they begin and end; none where they cannot be understood.
    pub(super) fn minutes(&self) -> Option<(usize, usize)> {
        self.parse().ok().map(|(from, to, _)| (usize::from(from), usize::from(to)))
    }

    fn parse(&self) -> Result<(u16, u16, TimeZone), InvalidHours> {
        let (from, to) = (minute_of_day(&self.from)?, minute_of_day(&self.to)?);
        if from == MINUTES_PER_DAY {
            return Err(InvalidHours::Time { given: self.from.clone() });
        }
        if from == to {
            return Err(InvalidHours::Empty { at: self.from.clone() });
        }
        if let Some(given) = self.except.iter().find(|day| !is_date(day)) {
            return Err(InvalidHours::Date { given: shown(given) });
        }
        let zone = match self.zone.as_str() {
            "UTC" => TimeZone::UTC,
            name => ZONES.get(name).map_err(|_| InvalidHours::Zone { given: shown(name) })?,
        };
        Ok((from, to, zone))
    }

    fn includes(&self, day: Date) -> bool {
        (self.days.is_empty() || self.days.contains(&Day::from(day.weekday())))
            && !self.except.contains(&day.to_string())
    }
}

impl From<Weekday> for Day {
    fn from(day: Weekday) -> Self {
        match day {
            Weekday::Monday => Self::Mon,
            Weekday::Tuesday => Self::Tue,
            Weekday::Wednesday => Self::Wed,
            Weekday::Thursday => Self::Thu,
            Weekday::Friday => Self::Fri,
            Weekday::Saturday => Self::Sat,
            Weekday::Sunday => Self::Sun,
        }
    }
}

/// A date in the one spelling that can be compared.
fn is_date(text: &str) -> bool {
    text.parse::<Date>().is_ok_and(|date| date.to_string() == text)
}

/// `HH:MM`, `24:00` included, as minutes since midnight.
fn minute_of_day(text: &str) -> Result<u16, InvalidHours> {
    let two_digits = |part: &str| {
        (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse::<u16>().ok()).flatten()
    };
    text.split_once(':')
        .and_then(|(hour, minute)| Some((two_digits(hour)?, two_digits(minute)?)))
        .filter(|(hour, minute)| (*hour < 24 && *minute < 60) || (*hour, *minute) == (24, 0))
        .map(|(hour, minute)| hour * 60 + minute)
        .ok_or_else(|| InvalidHours::Time { given: shown(text) })
}

/// Reads networks, saying what one looks like where something is none.
pub(crate) fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    Vec::<Network>::deserialize(deserializer).map(|list| list.into_iter().map(|network| network.0).collect())
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Network(IpNet);

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| {
            let given = shown(&text);
            format!("`{given}` is not a network: write it with its length, for example 10.0.0.0/8 or 192.0.2.7/32")
        })
    }
}

/// Whether `source` lies in `network`; IPv4 addresses written as IPv6 are the same address.
fn reaches(network: &IpNet, source: IpAddr) -> bool {
    canonical(network).contains(&source.to_canonical())
}

/// A network of IPv4 addresses written as IPv6 in its own form.
pub(super) fn canonical(network: &IpNet) -> IpNet {
    match network {
        IpNet::V6(six) => six
            .addr()
            .to_ipv4_mapped()
            .and_then(|four| Ipv4Net::new(four, six.prefix_len().checked_sub(96)?).ok())
            .map_or(*network, IpNet::V4),
        IpNet::V4(_) => *network,
    }
}

#[cfg(test)]
mod tests;
