//! How often something was seen in the last seconds.

use std::collections::{BTreeMap, VecDeque};

use crate::matcher::Facts;
use crate::observation::Observation;
use crate::rule::Within;

/// How many windows are kept for a rule; the one that was quiet longest makes room.
const WINDOWS_MAX: usize = 4096;
/// How many different things one window holds.
const DISTINCT_MAX: usize = 4096;
/// What is counted is kept by this part of a window's length, so that a window stays small however much
/// happens in it.
const STEPS: i64 = 512;

/// The windows of one rule.
#[derive(Clone, Debug, Default)]
pub(crate) struct Windows {
    windows: BTreeMap<String, Window>,
}

#[derive(Clone, Debug, Default)]
struct Window {
    sightings: VecDeque<Sighting>,
    total: u128,
}

/// What was seen in a step, or one of different things.
#[derive(Clone, Debug)]
struct Sighting {
    /// When it was seen last.
    at: i64,
    /// When the step is over.
    step_ends: i64,
    amount: u64,
    /// Empty where different things are not told apart.
    what: String,
}

impl Windows {
    /// Counts an observation in; says how much there is when that is enough, and begins anew then.
    pub(crate) fn count(&mut self, within: &Within, seen: &Observation<'_>, facts: &Facts<'_>) -> Option<u64> {
        let mut key = String::new();
        for name in &within.by {
            key.push_str(value(name, seen, facts));
            key.push('\n');
        }
        let window = self.window(key);
        let amount = match within.sum.as_deref() {
            Some("rows") => facts.rows,
            Some(_) => facts.bytes,
            None => 1,
        };
        let length = i64::from(within.seconds) * 1000;
        window.forget(seen.at - length);
        match &within.distinct {
            Some(name) => window.add_new(seen.at, amount, value(name, seen, facts)),
            None => window.add(seen.at, amount, length / STEPS),
        }
        let total = u64::try_from(window.total).unwrap_or(u64::MAX);
        let enough = total >= within.count;
        if enough {
            *window = Window::default();
        }
        enough.then_some(total)
    }

    /// The window that the key names.
    fn window(&mut self, key: String) -> &mut Window {
        if !self.windows.contains_key(&key) && self.windows.len() >= WINDOWS_MAX {
            let last = |window: &Window| window.sightings.back().map(|sighting| sighting.at);
            let quiet = self.windows.iter().min_by_key(|(_, window)| last(window));
            if let Some(quiet) = quiet.map(|(key, _)| key.clone()) {
                self.windows.remove(&quiet);
            }
        }
        self.windows.entry(key).or_default()
    }
}

impl Window {
    /// Leaves out what was before.
    fn forget(&mut self, since: i64) {
        while self.sightings.front().is_some_and(|sighting| sighting.at < since) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some(sighting) = self.sightings.pop_front() {
            self.total = self.total.saturating_sub(u128::from(sighting.amount));
        }
    }

    fn add(&mut self, at: i64, amount: u64, step: i64) {
        self.total = self.total.saturating_add(u128::from(amount));
        match self.sightings.back_mut().filter(|last| at < last.step_ends) {
            Some(last) => {
                last.at = at;
                last.amount = last.amount.saturating_add(amount);
            }
            None => {
                self.sightings.push_back(Sighting { at, step_ends: at + step, amount, what: String::new() });
            }
        }
    }

    fn add_new(&mut self, at: i64, amount: u64, what: &str) {
        if self.sightings.iter().any(|sighting| sighting.what == what) {
            return;
        }
        if self.sightings.len() >= DISTINCT_MAX {
            self.forget_first();
        }
        self.total = self.total.saturating_add(u128::from(amount));
        self.sightings.push_back(Sighting { at, step_ends: at, amount, what: what.to_owned() });
    }
}

fn value<'a>(name: &str, seen: &Observation<'a>, facts: &Facts<'a>) -> &'a str {
    match name {
        "user" => seen.user,
        "source" => seen.source,
        "account" => seen.account,
        "session" => seen.session,
        "target" => facts.target,
        "host" => facts.hosts.first().copied().unwrap_or_default(),
        "path" => facts.paths.first().copied().unwrap_or_default(),
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use postern_understand::{Deed, DeedKind};

    use super::*;
    use crate::observation::Seen;

    fn within(text: &str) -> Within {
        serde_json::from_str(text).expect("a window")
    }

    /// Counts a row at so many milliseconds for somebody.
    fn count(windows: &mut Windows, within: &Within, at: i64, user: &str) -> Option<u64> {
        let deed = Deed { at: 0, channel: None, kind: DeedKind::Unread };
        let seen = Observation { at, user, source: "", account: "", session: "", seen: Seen::Deed(&deed) };
        windows.count(within, &seen, &Facts { rows: 1, ..Facts::default() })
    }

    #[test]
    fn what_comes_one_by_one_is_counted_however_much_it_is() {
        let within = within(r#"{"seconds": 600, "count": 100000, "by": ["user"], "sum": "rows"}"#);
        let mut windows = Windows::default();
        for at in 0..99_999 {
            assert_eq!(count(&mut windows, &within, at, "ada"), None);
            assert_eq!(count(&mut windows, &within, at, if at % 2 == 0 { "ben" } else { "eve" }), None);
        }
        assert_eq!(count(&mut windows, &within, 99_999, "ada"), Some(100_000));
        assert_eq!(count(&mut windows, &within, 99_999, "ada"), None, "it begins anew");
        assert!(windows.windows.values().all(|window| window.sightings.len() <= 513));
    }

    #[test]
    fn what_is_too_old_does_not_count() {
        let within = within(r#"{"seconds": 60, "count": 3, "by": []}"#);
        let mut windows = Windows::default();
        assert_eq!(count(&mut windows, &within, 0, ""), None);
        assert_eq!(count(&mut windows, &within, 59_000, ""), None);
        assert_eq!(count(&mut windows, &within, 61_000, ""), None, "the first was more than a minute ago");
        assert_eq!(count(&mut windows, &within, 62_000, ""), Some(3));
    }

    #[test]
    fn the_same_twice_is_one_of_different_ones() {
        let within = within(r#"{"seconds": 60, "count": 2, "by": [], "distinct": "user"}"#);
        let mut windows = Windows::default();
        assert_eq!(count(&mut windows, &within, 0, "ada"), None);
        assert_eq!(count(&mut windows, &within, 1, "ada"), None);
        assert_eq!(count(&mut windows, &within, 2, "ben"), Some(2));
    }
}
