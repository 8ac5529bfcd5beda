//! Ends of statements that went well come by the ten thousands a second, and rules mostly want to know how
//! much there was in all. Where no rule tells one from another, those that came together are shown as one.

use postern_understand::{Deed, DeedKind, StatementDone};

use crate::rule::{Match, On, Rule, Unusual};

/// How a statement ended that went well.
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

/// Puts the ends of statements that went well together in the first of them.
pub(crate) fn fold(deeds: &mut Vec<Deed>) {
    let mut first: Option<(usize, StatementDone)> = None;
    let mut kept = 0;
    deeds.retain_mut(|deed| {
        let goes_on = match (&mut deed.kind, &mut first) {
            (DeedKind::StatementEnd(done), _) if done.outcome != WELL => false,
            (DeedKind::StatementEnd(done), Some((_, sums))) => {
                sums.rows = sums.rows.saturating_add(done.rows);
                sums.moved.bytes_in = sums.moved.bytes_in.saturating_add(done.moved.bytes_in);
                sums.moved.bytes_out = sums.moved.bytes_out.saturating_add(done.moved.bytes_out);
                true
            }
            (DeedKind::StatementEnd(done), none) => {
                *none = Some((kept, std::mem::take(done)));
                false
            }
            _ => false,
        };
        kept += usize::from(!goes_on);
        !goes_on
    });
    if let Some((at, sums)) = first
        && let Some(deed) = deeds.get_mut(at)
    {
        deed.kind = DeedKind::StatementEnd(sums);
    }
}

#[cfg(test)]
mod tests {
    use postern_understand::Moved;
    use proptest::prelude::*;

    use super::*;
    use crate::detector::Detector;
    use crate::observation::{Observation, Seen};
    use crate::shipped::shipped;

    fn end(at: u64, outcome: &str, rows: u64, bytes_out: u64) -> Deed {
        let moved = Moved { bytes_in: 0, bytes_out };
        let outcome = outcome.to_owned().into();
        let done = StatementDone { outcome, rows, moved, tag: "SELECT".to_owned(), ..StatementDone::default() };
        Deed { at, channel: None, kind: DeedKind::StatementEnd(done) }
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
    fn found(lots: &[Vec<Deed>], folds: bool) -> Vec<(usize, String)> {
        let rules = shipped().into_iter().filter(|rule| rule.on.contains(&On::StatementEnd));
        let mut detector = Detector::new(rules.collect()).unwrap();
        let mut all = Vec::new();
        for (number, lot) in lots.iter().enumerate() {
            let mut deeds = lot.clone();
            if folds {
                detector.fold(&mut deeds);
            }
            for deed in &deeds {
                let seen = Observation {
                    at: 1_000_000 + i64::try_from(number).unwrap(),
                    user: "ben",
                    source: "10.0.0.1",
                    account: "app@orders",
                    session: "ses_1",
                    seen: Seen::Deed(deed),
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
            let lots: Vec<Vec<Deed>> = lots
                .into_iter()
                .map(|lot| lot.into_iter().map(|(how, rows, bytes)| end(0, ["done", "failed", "refused"][how], rows, bytes)))
                .map(Iterator::collect)
                .collect();
            // A window begins anew once there was enough: what is left over of a lot counts for the next one.
            let (single, folded) = (found(&lots, false), found(&lots, true));
            prop_assert_eq!(single.first(), folded.first());
        }
    }
}
