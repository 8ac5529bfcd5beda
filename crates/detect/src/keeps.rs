//! Whether a rule that is to take another's place finds and answers no less.

use crate::rule::{Match, Rule, Within};

impl Rule {
    /// Whether this surely finds everything that `other` finds, calls it at least as bad and answers at least as
    /// hard. Expressions are not compared: another one may find less. Cases and words do not count.
    #[must_use]
    pub fn keeps(&self, other: &Self) -> bool {
        let Self { id: _, title: _, severity, attack: _, respond, on, matches, within, unusual, hits: _, misses: _ } =
            self;
        *severity >= other.severity
            && *respond >= other.respond
            && other.on.iter().all(|each| on.contains(each))
            && matches.keeps(&other.matches)
            && Within::keeps(within.as_ref(), other.within.as_ref())
            && (unusual.is_none() || *unusual == other.unusual)
    }
}

impl Match {
    /// Whether this holds wherever `other` does: each condition is the same, wider, or not made.
    fn keeps(&self, other: &Self) -> bool {
        let Self { text, unless, program, path, host, op, verb, table, .. } = self;
        let Self { action, outcome, detail, account, rows, bytes, allowed, .. } = self;
        let texts = [
            (text, &other.text),
            (unless, &other.unless),
            (path, &other.path),
            (host, &other.host),
            (verb, &other.verb),
            (table, &other.table),
            (account, &other.account),
        ];
        let lists = [(program, &other.program), (op, &other.op), (action, &other.action), (outcome, &other.outcome)];
        let least =
            |own: &Option<u64>, other: &Option<u64>| own.is_none_or(|own| other.is_some_and(|other| own <= other));
        texts.iter().all(|(own, other)| own.is_none() || own == other)
            && lists.iter().all(|(own, other)| {
                own.is_empty() || (!other.is_empty() && other.iter().all(|each| own.contains(each)))
            })
            && detail.iter().all(|(name, value)| other.detail.get(name) == Some(value))
            && least(rows, &other.rows)
            && least(bytes, &other.bytes)
            && (allowed.is_none() || *allowed == other.allowed)
    }
}

impl Within {
    /// Whether what is counted by `own` is complete no later than by `other`.
    fn keeps(own: Option<&Self>, other: Option<&Self>) -> bool {
        let Some(Self { seconds, count, by, distinct, sum }) = own else { return true };
        other.is_some_and(|other| {
            *seconds >= other.seconds
                && *count <= other.count
                && *by == other.by
                && *distinct == other.distinct
                && *sum == other.sum
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{On, Respond, Severity};

    const RULE: &str = "
- id: payroll.read
  title: The payroll was read
  severity: high
  attack: T1005
  respond: alert
  on: [command, exec]
  match: {path: '^/srv/payroll/', program: [cat, less], rows: 100}
  within: {seconds: 60, count: 5, by: [user]}
  hits: [{exec: 'cat /srv/payroll/a', times: 5}]
  misses: ['ls /srv']
";

    fn rule() -> Rule {
        crate::parse(RULE).expect("a rule").remove(0)
    }

    /// Whether the rule, changed so, keeps what it did.
    fn keeps(change: impl FnOnce(&mut Rule)) -> bool {
        let mut changed = rule();
        change(&mut changed);
        changed.keeps(&rule())
    }

    #[test]
    fn what_finds_as_much_or_more_keeps() {
        assert!(keeps(|_| ()));
        assert!(keeps(|rule| rule.title = "Another word for it".into()));
        assert!(keeps(|rule| (rule.severity, rule.respond) = (Severity::Critical, Respond::Pause)));
        assert!(keeps(|rule| rule.on.push(On::File)));
        assert!(keeps(|rule| rule.matches.path = None));
        assert!(keeps(|rule| rule.matches.program.push("more".into())));
        assert!(keeps(|rule| (rule.matches.rows, rule.within) = (Some(10), None)));
    }

    #[test]
    fn what_may_find_less_does_not() {
        assert!(!keeps(|rule| rule.severity = Severity::Low));
        assert!(!keeps(|rule| rule.respond = Respond::Note));
        assert!(!keeps(|rule| rule.on = vec![On::Exec]));
        assert!(!keeps(|rule| rule.matches.path = Some("^/srv/".into())), "expressions are not compared");
        assert!(!keeps(|rule| rule.matches.unless = Some("backup".into())));
        assert!(!keeps(|rule| rule.matches.host = Some("web".into())));
        assert!(!keeps(|rule| rule.matches.program = vec!["cat".into()]));
        assert!(!keeps(|rule| rule.matches.op = vec!["read".into()]));
        assert!(!keeps(|rule| rule.matches.rows = Some(1_000)));
        assert!(!keeps(|rule| rule.matches.allowed = Some(true)));
        assert!(!keeps(|rule| rule.unusual = Some(crate::Unusual::Hour)));
        let within = |seconds, count| Within { seconds, count, by: vec!["user".into()], distinct: None, sum: None };
        assert!(!keeps(|rule| rule.within = Some(within(60, 6))));
        assert!(!keeps(|rule| rule.within = Some(within(30, 5))));
        assert!(keeps(|rule| rule.within = Some(within(120, 4))));
    }
}
