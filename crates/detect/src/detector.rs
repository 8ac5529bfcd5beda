//! Asking the rules.

use postern_understand::Deed;

use crate::baseline::Baselines;
use crate::fold::{fold, only_sums};
use crate::matcher::{Facts, Matcher, facts};
use crate::observation::{Observation, Seen};
use crate::rule::{Invalid, On, Rule, Unusual};
use crate::sieve::Sieves;
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

    /// Puts what rules do not tell apart together, of deeds of one session that came together.
    pub fn fold(&self, deeds: &mut Vec<Deed>) {
        if !self.look_at_ends {
            fold(deeds);
        }
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
