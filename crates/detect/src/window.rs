//! How often something was seen in the last seconds.

use std::collections::{BTreeMap, VecDeque};

use crate::matcher::Facts;
use crate::observation::Observation;
use crate::rule::Within;

/// How many windows are kept for a rule; the one that was quiet longest makes room.
const WINDOWS_MAX: usize = 4096;
/// How many sightings one window holds.
const SEEN_MAX: usize = 4096;

/// The windows of one rule.
#[derive(Clone, Debug, Default)]
pub(crate) struct Windows {
    windows: BTreeMap<String, VecDeque<(i64, u64, String)>>,
}

impl Windows {
    /// Counts an observation in; says how much there is when that is enough, and begins anew then.
    pub(crate) fn count(&mut self, within: &Within, seen: &Observation<'_>, facts: &Facts<'_>) -> Option<u64> {
        let key: Vec<&str> = within.by.iter().map(|name| value(name, seen, facts)).collect();
        let key = key.join("\n");
        if !self.windows.contains_key(&key) && self.windows.len() >= WINDOWS_MAX {
            let quiet = self.windows.iter().min_by_key(|(_, window)| window.back().map(|(at, ..)| *at));
            if let Some(quiet) = quiet.map(|(key, _)| key.clone()) {
                self.windows.remove(&quiet);
            }
        }
        let window = self.windows.entry(key).or_default();
        let since = seen.at - i64::from(within.seconds) * 1000;
        while window.front().is_some_and(|(at, ..)| *at < since) || window.len() >= SEEN_MAX {
            window.pop_front();
        }
        let amount = match within.sum.as_deref() {
            Some("rows") => facts.rows,
            Some(_) => facts.bytes,
            None => 1,
        };
        let what = within.distinct.as_deref().map(|name| value(name, seen, facts).to_owned()).unwrap_or_default();
        if within.distinct.is_none() || !window.iter().any(|(.., other)| *other == what) {
            window.push_back((seen.at, amount, what));
        }
        let total = window.iter().fold(0_u64, |sum, (_, amount, _)| sum.saturating_add(*amount));
        let enough = total >= within.count;
        if enough {
            window.clear();
        }
        enough.then_some(total)
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
