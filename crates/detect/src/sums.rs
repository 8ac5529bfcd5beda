//! Ends of statements that went well come by the ten thousands a second, and rules mostly want to know how
//! much there was in all. Where no rule tells one from another, those that came together are shown as one.

use crate::rule::{Match, On, Rule, Unusual};

/// How a statement ended that went well: those are what `postern_understand::Ends::Summed` sums up.
const WELL: &str = "done";

/// Whether the rule finds in many ends of statements that went well what it finds in one with the sums of
/// their rows and bytes.
pub(crate) fn only_sums(rule: &Rule) -> bool {
    let outcomes = &rule.matches.outcome;
    if !rule.on.contains(&On::StatementEnd) || !outcomes.is_empty() && !outcomes.iter().any(|outcome| outcome == WELL) {
        return true;
    }
    let of_them_all = Match { account: None, outcome: Vec::new(), ..rule.matches.clone() } == Match::default();
    let sums = match &rule.within {
        Some(within) => within.sum.is_some() && within.distinct.is_none(),
        None => rule.unusual == Some(Unusual::Volume),
    };
    of_them_all && sums
}

#[cfg(test)]
mod tests {
    use postern_understand::{Deed, DeedKind, Moved, StatementDone};
    use proptest::prelude::*;

    use super::*;
    use crate::detector::Detector;
    use crate::observation::{Observation, Seen};
    use crate::shipped::shipped;

    fn end(outcome: &str, rows: u64, bytes_out: u64) -> StatementDone {
        let moved = Moved { bytes_in: 0, bytes_out };
        let (outcome, tag) = (outcome.to_owned().into(), "SELECT".to_owned());
        StatementDone { outcome, rows, moved, tag, ..StatementDone::default() }
    }

    /// Those that went well as one.
    fn summed(lot: &[StatementDone]) -> Vec<StatementDone> {
        let (well, others): (Vec<_>, Vec<_>) = lot.iter().cloned().partition(|done| done.outcome == WELL);
        let sum = well
            .into_iter()
            .reduce(|sum, next| end(WELL, sum.rows + next.rows, sum.moved.bytes_out + next.moved.bytes_out));
        others.into_iter().chain(sum).collect()
    }

    #[test]
    fn rules_that_look_at_single_ends_are_seen() {
        let one: Rule = shipped().into_iter().find(|rule| rule.id == "database.rows").unwrap();
        assert!(only_sums(&one) && shipped().iter().all(only_sums));
        let single = Rule { matches: Match { rows: Some(10), ..Match::default() }, within: None, ..one.clone() };
        assert!(!only_sums(&single));
        let counted = Rule { within: one.within.clone().map(|within| crate::Within { sum: None, ..within }), ..one };
        assert!(!only_sums(&counted));
    }

    /// Which rules find something in which of the lots.
    fn found(lots: &[Vec<StatementDone>]) -> Vec<(usize, String)> {
        let rules = shipped().into_iter().filter(|rule| rule.on.contains(&On::StatementEnd));
        let mut detector = Detector::new(rules.collect()).unwrap();
        assert_eq!(detector.ends(), postern_understand::Ends::Summed);
        let mut all = Vec::new();
        for (number, lot) in lots.iter().enumerate() {
            for done in lot {
                let deed = Deed { at: 0, channel: None, kind: DeedKind::StatementEnd(done.clone()) };
                let seen = Observation {
                    at: 1_000_000 + i64::try_from(number).unwrap(),
                    user: "ben",
                    source: "10.0.0.1",
                    account: "app@orders",
                    session: "ses_1",
                    seen: Seen::Deed(&deed),
                };
                all.extend(detector.observe(&seen).into_iter().map(|found| (number, found.rule.id)));
            }
        }
        all.sort();
        all.dedup();
        all
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn what_is_found_is_the_same(
            lots in prop::collection::vec(
                prop::collection::vec((0..3_usize, 0..9_000_u64, 0..9_000_000_u64), 0..20), 0..12),
        ) {
            let ends = |lot: Vec<_>| {
                lot.into_iter().map(|(how, rows, bytes)| end(["done", "failed", "refused"][how], rows, bytes)).collect()
            };
            let lots: Vec<Vec<StatementDone>> = lots.into_iter().map(ends).collect();
            let sums: Vec<_> = lots.iter().map(|lot| summed(lot)).collect();
            // A window begins anew once there was enough: what is left over of a lot counts for the next one.
            let (single, summed) = (found(&lots), found(&sums));
            prop_assert_eq!(single.first(), summed.first());
        }
    }
}
