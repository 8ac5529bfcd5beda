use proptest::prelude::*;

use super::*;

fn table(text: &str) -> TableName {
    match text.split_once('.') {
        Some((schema, name)) => TableName { schema: Some(schema.to_owned()), name: name.to_owned() },
        None => TableName { schema: None, name: text.to_owned() },
    }
}

fn facts(accesses: &[(StatementClass, &str)]) -> StatementFacts {
    let accesses = accesses.iter().map(|(class, name)| StatementAccess {
        class: *class,
        table: (!name.is_empty()).then(|| table(name)),
        without_where: false,
    });
    StatementFacts { accesses: accesses.collect(), ..StatementFacts::default() }
}

fn rule(action: StatementAction, classes: &[StatementClass], tables: &[&str]) -> StatementRule {
    StatementRule {
        name: format!("{action:?}"),
        classes: classes.iter().copied().collect(),
        tables: tables.iter().map(|table| (*table).to_owned()).collect(),
        action,
        ..StatementRule::default()
    }
}

fn action(statements: &Statements, facts: StatementFacts) -> StatementAction {
    statements.decide(&Ok(vec![facts])).action
}

use StatementAction::{Alert, Allow, Ask, Block};
use StatementClass::{Delete, Insert, Read, Transaction};

#[test]
fn the_strictest_rule_wins_and_is_named() {
    let rules = vec![rule(Alert, &[Read], &[]), rule(Ask, &[Delete], &[]), rule(Alert, &[Delete], &[])];
    let statements = Statements { rules, ..Statements::default() };
    assert_eq!(action(&statements, facts(&[(Read, "a")])), Alert);
    assert_eq!(action(&statements, facts(&[(Insert, "a")])), Allow);
    let verdict = statements.decide(&Ok(vec![facts(&[(Read, "a"), (Delete, "a")])]));
    assert_eq!(verdict, StatementVerdict { action: Ask, rule: "Ask".to_owned() });
}

#[test]
fn what_is_allowed_must_cover_everything_that_is_done() {
    let rules = vec![rule(Allow, &[Read], &["orders", "public.items"])];
    let statements = Statements { rules, otherwise: Block, ..Statements::default() };
    assert_eq!(action(&statements, facts(&[(Read, "orders")])), Allow);
    assert_eq!(action(&statements, facts(&[(Read, "sales.orders")])), Allow, "any schema");
    assert_eq!(action(&statements, facts(&[(Read, "orders"), (Read, "secret")])), Block);
    assert_eq!(action(&statements, facts(&[(Read, "orders"), (Delete, "orders")])), Block);
    assert_eq!(action(&statements, facts(&[(Read, "")])), Block, "no table at all");
    assert_eq!(action(&statements, facts(&[(Read, "public.items")])), Allow);
    assert_eq!(action(&statements, facts(&[(Read, "items")])), Block, "it may lie in another schema");
}

#[test]
fn what_is_forbidden_matches_where_the_schema_is_left_open() {
    let rules = vec![rule(Block, &[], &["payroll.salary", "hr.*"])];
    let statements = Statements { rules, ..Statements::default() };
    assert_eq!(action(&statements, facts(&[(Read, "payroll.salary")])), Block);
    assert_eq!(action(&statements, facts(&[(Read, "salary")])), Block);
    assert_eq!(action(&statements, facts(&[(Read, "public.salary")])), Allow);
    assert_eq!(action(&statements, facts(&[(Read, "hr.people")])), Block);
    assert_eq!(action(&statements, facts(&[(Read, "people")])), Allow, "that is public.people");
    let mut set = facts(&[(StatementClass::Session, "")]);
    set.settings.insert("search_path".to_owned());
    assert_eq!(action(&statements, set), Block, "it would be hr.people then");
}

#[test]
fn one_of_several_statements_is_enough() {
    let statements = Statements { rules: vec![rule(Block, &[Delete], &[])], ..Statements::default() };
    let both = Ok(vec![facts(&[(Read, "a")]), facts(&[(Delete, "a")])]);
    assert_eq!(statements.decide(&both).action, Block);
    assert_eq!(statements.decide(&Ok(Vec::new())).action, Allow, "an empty query");
    assert_eq!(statements.decide(&Err(NotUnderstood("x".to_owned()))).action, Block);
}

#[test]
fn read_only_leaves_nothing_that_changes() {
    let statements = Statements { read_only: true, ..Statements::default() };
    for class in [Read, StatementClass::Session, StatementClass::CopyOut, Transaction] {
        assert_eq!(action(&statements, facts(&[(class, "")])), Allow, "{class}");
    }
    for class in [Insert, Delete, StatementClass::Dynamic, StatementClass::Maintenance, StatementClass::Privilege] {
        assert_eq!(action(&statements, facts(&[(class, "")])), Block, "{class}");
    }
    let open = StatementFacts { read_write: true, ..facts(&[(Transaction, "")]) };
    assert_eq!(action(&statements, open), Block);
    let sneaky = Ok(vec![facts(&[(Read, "a")]), facts(&[(Transaction, "")]), facts(&[(Read, "a")])]);
    assert_eq!(statements.decide(&sneaky).action, Block);
}

#[test]
fn guarded_settings_and_functions_by_name() {
    let statements = Statements { rules: vec![rule(Alert, &[Delete], &[])], ..Statements::default() };
    let mut set = facts(&[(StatementClass::Session, "")]);
    set.settings.insert("standard_conforming_strings".to_owned());
    assert_eq!(action(&statements, set), Block);
    let mut call = facts(&[(Read, "")]);
    call.names.insert("pg_sleep".to_owned());
    assert_eq!(action(&statements, call.clone()), Allow);
    let sleepless =
        StatementRule { functions: ["PG_SLEEP".to_owned()].into(), action: Block, ..StatementRule::default() };
    let statements = Statements { rules: vec![sleepless], ..Statements::default() };
    assert_eq!(action(&statements, call), Block);
}

#[test]
fn stars_stand_for_any_text() {
    for (pattern, text, matches) in [
        ("*", "", true),
        ("a*", "abc", true),
        ("*c", "abc", true),
        ("a*c", "ac", true),
        ("a*b*c", "aXbYc", true),
        ("a*b*c", "acb", false),
        ("abc", "abcd", false),
        ("*bc*", "abcd", true),
        ("a*a", "a", false),
    ] {
        assert_eq!(like(pattern, text), matches, "{pattern} {text}");
    }
}

proptest! {
    #[test]
    fn more_to_do_is_never_judged_more_mildly(
        actions in proptest::collection::vec(0_usize..5, 1..5),
        done in proptest::collection::vec((0_usize..4, 0_usize..3), 1..5),
        more in (0_usize..4, 0_usize..3),
    ) {
        let all = [Allow, Alert, Ask, Block, StatementAction::Terminate];
        let classes = [Read, Insert, StatementClass::Update, Delete];
        let tables = ["a", "b", ""];
        let rules = actions.iter().enumerate().map(|(n, a)| rule(all[*a], &[classes[n % 4]], &[])).collect();
        let statements = Statements { rules, otherwise: Alert, ..Statements::default() };
        let first: Vec<_> = done.iter().map(|(class, table)| (classes[*class], tables[*table])).collect();
        let mut second = first.clone();
        second.push((classes[more.0], tables[more.1]));
        prop_assert!(action(&statements, facts(&second)) >= action(&statements, facts(&first)));
    }
}

#[test]
fn a_pattern_of_keys_may_mean_what_a_rule_speaks_of() {
    let reads = |pattern: &str| {
        let table = Some(TableName::keys(pattern.to_owned()));
        let access = StatementAccess { class: Read, table, without_where: false };
        StatementFacts { accesses: [access].into(), ..StatementFacts::default() }
    };
    let blocked = Statements { rules: vec![rule(Block, &[], &["secret:*:pin"])], ..Statements::default() };
    for pattern in ["secret:*:pin", "*", "s*", "*pin", "secret:7:pin*", "*:7:*"] {
        assert_eq!(action(&blocked, reads(pattern)), Block, "{pattern}");
    }
    for pattern in ["", "open:*", "secret:*:name", "*pins", "secret:pin"] {
        assert_eq!(action(&blocked, reads(pattern)), Allow, "{pattern}");
    }
    let allowed = Statements { rules: vec![rule(Allow, &[], &["*"])], otherwise: Block, ..Statements::default() };
    assert_eq!(action(&allowed, reads("open:*")), Block, "an allow has to be sure");
}

#[test]
fn what_hides_columns_by_tag_reads_statements_and_less_hidden_lets_more_pass() {
    let hiding = |tags: &[&str]| {
        let tags = tags.iter().map(|tag| tag.parse().unwrap()).collect();
        Statements { masking: Some(Masking { tags, ..Masking::default() }), ..Statements::default() }
    };
    assert!(hiding(&["pii"]).reads_statements());
    assert!(!hiding(&[]).reads_statements());
    let (less, more) = (hiding(&["pii"]), hiding(&["payment", "pii"]));
    assert!(less.covers(&more) && less.covers(&less) && !more.covers(&less));
    assert!(Statements::default().covers(&less) && !less.covers(&Statements::default()));
    let other = Statements { read_only: true, ..more };
    assert!(!less.covers(&other), "what else differs counts as less");
}
