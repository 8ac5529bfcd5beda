//! Spans of time as people write them: `30m`, `8h`, `1h30m`, `2d`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::shown;

/// The longest span accepted, in seconds: ten years.
pub const PERIOD_SECONDS_MAX: u64 = 3_650 * 86_400;
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Why a text is not a span of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not a duration: write days, hours, minutes and seconds, for example 30m, 8h, 1h30m or 2d")]
pub struct InvalidPeriod {
    /// The text as given, shortened and with control characters removed.
    pub given: String,
}

/// A span of time with a precision of seconds, written `1h30m`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period(u64);

impl Period {
    /// From seconds; at most ten years.
    #[must_use]
    pub fn from_seconds(seconds: u64) -> Self {
        Self(seconds.min(PERIOD_SECONDS_MAX))
    }

    /// From seconds that are known when this is compiled and are less than ten years.
    #[must_use]
    pub(crate) const fn from_const_seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// How many seconds it lasts.
    #[must_use]
    pub const fn seconds(self) -> u64 {
        self.0
    }

    /// The same as a duration.
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut left = self.0;
        for (unit, seconds) in UNITS {
            if left >= seconds {
                write!(f, "{}{unit}", left / seconds)?;
                left %= seconds;
            }
        }
        Ok(())
    }
}

impl FromStr for Period {
    type Err = InvalidPeriod;

    fn from_str(text: &str) -> Result<Self, InvalidPeriod> {
        parse(text).map(Self).ok_or_else(|| InvalidPeriod { given: shown(text) })
    }
}

/// Numbers with units, each unit once and the larger before the smaller.
fn parse(text: &str) -> Option<u64> {
    if text.is_empty() || text.len() > 40 {
        return None;
    }
    let mut rest = text;
    let mut total = 0_u64;
    let mut larger = u64::MAX;
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let mut letters = after.chars();
        let unit = letters.next()?;
        let (_, seconds) = UNITS.into_iter().find(|(letter, _)| *letter == unit)?;
        if seconds >= larger {
            return None;
        }
        larger = seconds;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(seconds)?)?;
        rest = letters.as_str();
    }
    (total <= PERIOD_SECONDS_MAX).then_some(total)
}

impl TryFrom<String> for Period {
    type Error = InvalidPeriod;

    fn try_from(text: String) -> Result<Self, InvalidPeriod> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

impl JsonSchema for Period {
    fn schema_name() -> Cow<'static, str> {
        "Period".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A span of time as days, hours, minutes and seconds: `30m`, `8h`, `1h30m`, `2d`.",
            "pattern": "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn people_write_them_in_many_ways() {
        for (text, seconds, canonical) in [
            ("30m", 1_800, "30m"),
            ("90m", 5_400, "1h30m"),
            ("1h30m", 5_400, "1h30m"),
            ("0s", 0, "0s"),
            ("24h", 86_400, "1d"),
            ("1d1s", 86_401, "1d1s"),
        ] {
            let period: Period = text.parse().unwrap();
            assert_eq!((period.seconds(), period.to_string().as_str()), (seconds, canonical));
        }
    }

    #[test]
    fn what_could_be_misread_is_refused() {
        for text in ["", "30", "m", "1m1h", "1h1h", "1.5h", "-1h", "1 h", "1H", "１h", "99999999999999999999s", "4000d"]
        {
            assert!(text.parse::<Period>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn display_reads_back(seconds in 0..=PERIOD_SECONDS_MAX) {
            let period = Period::from_seconds(seconds);
            prop_assert_eq!(period.to_string().parse::<Period>().unwrap(), period);
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = text.parse::<Period>();
        }
    }
}
