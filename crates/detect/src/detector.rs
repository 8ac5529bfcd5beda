//! Asking the rules.

use postern_understand::Ends;

use crate::baseline::Baselines;
use crate::matcher::{Facts, Matcher, facts};
use crate::observation::{Observation, Seen};
use crate::rule::{Invalid, On, Rule, Unusual};
use crate::sieve::Sieves;
use crate::sums::only_sums;
use crate::window::Windows;

/// The longest evidence, in characters.
const EVIDENCE_LEN_MAX: usize = 500;

/// Something that a rule found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The rule.
    pub rule: Rule,
    /// What was seen, without secrets: the command, the statement, the event.
    pub evidence: String,
    /// Why that is something, in words.
    pub why: String,
}

/// The rules that are on, with what they have counted.
#[derive(Clone, Debug, Default)]
pub struct Detector {
    rules: Vec<(Rule, Matcher, Windows)>,
    sieves: Sieves,
    baselines: Baselines,
    /// There are rules that look at single ends of statements that went well.
    look_at_ends: bool,
    /// How often the rules have changed.
    changes: u64,
}

impl Detector {
    /// A detector with these rules.
    ///
    /// # Errors
    /// When one of them has an expression that is none.
    pub fn new(rules: Vec<Rule>) -> Result<Self, Invalid> {
        let mut detector = Self::default();
        detector.set(rules)?;
        Ok(detector)
    }

    /// Other rules from now on; what is usual stays known.
    ///
    /// # Errors
    /// As [`Self::new`]; nothing has changed then.
    pub fn set(&mut self, rules: Vec<Rule>) -> Result<(), Invalid> {
        let ready = rules.into_iter().map(|rule| {
            let matcher =
                Matcher::new(&rule.on, &rule.matches).map_err(|error| Invalid(format!("{}: {error}", rule.id)))?;
            Ok((rule, matcher, Windows::default()))
        });
        let rules = ready.collect::<Result<Vec<_>, Invalid>>()?;
        self.sieves = Sieves::new(rules.iter().map(|(rule, ..)| rule))?;
        self.look_at_ends = !rules.iter().all(|(rule, ..)| only_sums(rule));
        self.rules = rules;
        self.changes += 1;
        Ok(())
    }

    /// The rules that are on.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().map(|(rule, ..)| rule)
    }

    /// What is usual, to be taught.
    pub fn baselines(&mut self) -> &mut Baselines {
        &mut self.baselines
    }

    /// How often the rules have changed: what [`Self::ends`] and [`Self::ignores`] say is true until they do.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// How ends of statements that came together are told to the rules.
    #[must_use]
    pub fn ends(&self) -> Ends {
        if self.look_at_ends { Ends::Each } else { Ends::Summed }
    }

    /// Whether no rule has anything to say of this statement, whenever it comes in this session.
    #[must_use]
    pub fn ignores(&self, seen: &Observation<'_>) -> bool {
        let facts = facts(seen);
        let holds = |number: &usize| self.rules.get(*number).is_some_and(|(_, matcher, _)| matcher.holds(seen, &facts));
        facts.on == Some(On::Statement)
            && !self.sieves.candidates(On::Statement, facts.text, facts.verb).iter().any(holds)
    }

    /// Takes what was seen next, and gives what the rules find in it.
    pub fn observe(&mut self, seen: &Observation<'_>) -> Vec<Found> {
        let facts = facts(seen);
        let Some(on) = facts.on else { return Vec::new() };
        let mut unusual_volume = None;
        if matches!(on, On::Moved | On::File | On::StatementEnd) && !seen.session.is_empty() {
            unusual_volume = self.baselines.moved(seen, facts.bytes);
        }
        let mut found = Vec::new();
        for &number in &*self.sieves.candidates(on, facts.text, facts.verb) {
            let Some((rule, matcher, windows)) = self.rules.get_mut(number) else { continue };
            if !matcher.holds(seen, &facts) {
                continue;
            }
            let mut why = rule.title.clone();
            if let Some(unusual) = rule.unusual {
                let told = match unusual {
                    Unusual::Volume => unusual_volume.clone(),
                    other => self.baselines.unusual(other, seen),
                };
                let Some(told) = told else { continue };
                why = told;
            }
            if let Some(within) = &rule.within {
                let Some(total) = windows.count(within, seen, &facts) else { continue };
                let of = within.sum.as_deref().unwrap_or("times");
                why = format!("{why}: {total} {of} within {} seconds", within.seconds);
            }
            found.push(Found { rule: rule.clone(), evidence: evidence(seen, &facts), why });
        }
        self.learn(seen, &facts);
        found
    }

    fn learn(&mut self, seen: &Observation<'_>, facts: &Facts<'_>) {
        match (facts.action, facts.outcome) {
            ("session.open", "intent") => self.baselines.opened(seen),
            ("session.end", _) => self.baselines.ended(seen.account, seen.session),
            _ => {}
        }
    }
}

fn evidence(seen: &Observation<'_>, facts: &Facts<'_>) -> String {
    let text = match seen.seen {
        Seen::Event(event) => format!("{} {} ({})", event.action, event.target, facts.outcome),
        Seen::Deed(_) if facts.bytes > 0 || facts.rows > 0 => {
            let parts = [facts.op, facts.text].join(" ");
            format!("{} {} bytes, {} rows", parts.trim(), facts.bytes, facts.rows)
        }
        Seen::Deed(_) => [facts.op, facts.text].join(" "),
    };
    text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(EVIDENCE_LEN_MAX).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use postern_understand::{Deed, statement};
    use proptest::prelude::*;

    use super::*;
    use crate::case::Case;
    use crate::shipped::shipped;

    fn deed(text: &str) -> Deed {
        Deed { at: 0, channel: None, kind: statement(text) }
    }

    fn seen(at: i64, deed: &Deed) -> Observation<'_> {
        let (user, source, account) = ("ben", "10.0.0.1", "app@orders");
        Observation { at, user, source, account, session: "ses_1", seen: Seen::Deed(deed) }
    }

    /// Rules that look at a table, at nothing, at how often, at what is unusual: at what a statement says besides text.
    fn odd() -> Vec<Rule> {
        let rule = |id: &str, more: &str| {
            serde_json::from_str::<Rule>(&format!(
                r#"{{"id":"{id}","title":"x","severity":"low","attack":"T1","on":["statement"],"hits":[],"misses":[],{more}}}"#
            ))
            .unwrap()
        };
        vec![
            rule("table", r#""match":{"table":"^salary$"}"#),
            rule("often", r#""match":{"verb":"^drop"},"within":{"seconds":60,"count":3,"by":["session"]}"#),
            rule("account", r#""match":{"account":"^root@"}"#),
            rule("hour", r#""match":{"table":"^audit$"},"unusual":"hour""#),
            rule("unless", r#""match":{"verb":"^lock","unless":"scratch"}"#),
        ]
    }

    static DETECTOR: LazyLock<Detector> = LazyLock::new(|| Detector::new([shipped(), odd()].concat()).unwrap());

    proptest! {
        #[test]
        fn what_is_ignored_is_never_found(
            texts in prop::collection::vec(
                "(select|drop table|truncate|grant|copy|lock table) (all on )?(salary|audit|scratch|pg_shadow|t)( from x| to program 'sh')?", 1..30),
        ) {
            let mut detector = DETECTOR.clone();
            for (at, text) in (0..).zip(&texts) {
                let deed = deed(text);
                let ignored = detector.ignores(&seen(at, &deed));
                for hour in 0..24 {
                    let found = detector.observe(&seen(at + hour * 3_600_000, &deed));
                    prop_assert!(!ignored || found.is_empty(), "{}: {:?}", text, found);
                }
            }
        }
    }

    #[test]
    fn nothing_is_ignored_that_a_rule_looks_at() {
        let detector = &*DETECTOR;
        let ignores = |text: &str| detector.ignores(&seen(0, &deed(text)));
        for rule in shipped().iter().filter(|rule| rule.matches.account.is_none()) {
            for case in &rule.hits {
                if let Case::Other(other) = case
                    && let Some(text) = &other.statement
                {
                    assert!(!ignores(text), "{}: {text}", rule.id);
                }
            }
        }
        assert!(ignores("select 1") && ignores("lock table scratch") && !ignores("lock table t"));
        assert!(!ignores("select * from salary") && !ignores("drop table t") && !ignores("select 1 from audit"));
        let mut others = Detector::new(Vec::new()).unwrap();
        let before = others.changes();
        others.set(odd()).unwrap();
        assert!(others.changes() > before);
    }
}
