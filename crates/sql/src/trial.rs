//! The table of statements with what must happen to each, and the trial of it. `cargo xtask
//! statements` runs it too.
//!
//! A line of `statements.txt`, which is PostgreSQL's, and of those of the other databases, is a policy, an action and a statement, in which `\n`, `\r`, `\t` and
//! `\xNN` stand for bytes. Lines that begin with `#` are headings.

use postern_domain::policy::{StatementAction, StatementRule, Statements};
use postern_domain::statement::{NotUnderstood, StatementClass as Class, StatementFacts};

/// How a statement is understood.
type Understand = fn(&[u8]) -> Result<Vec<StatementFacts>, NotUnderstood>;

/// The tables: of which database, the lines, and how its statements are understood.
const TABLES: [(&str, &str, Understand); 3] = [
    ("postgresql", include_str!("../statements.txt"), crate::postgresql),
    ("mysql", include_str!("../statements-mysql.txt"), mysql),
    ("redis", include_str!("../statements-redis.txt"), redis),
];

/// A statement that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Whose statement it is.
    pub database: &'static str,
    /// The line of the table.
    pub line: usize,
    /// The line's text.
    pub text: String,
    /// What was decided.
    pub decided: StatementAction,
    /// What must be.
    pub expected: StatementAction,
    /// The rule that decided.
    pub rule: String,
}

/// Tries every statement of the table; lines that cannot be read are returned as errors.
#[must_use]
pub fn run() -> Vec<Result<Tried, String>> {
    let of_table = |(database, table, understand): (&'static str, &'static str, Understand)| {
        let lines = table.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        lines.map(move |(index, line)| {
            let tried = try_line(index + 1, line, database, understand);
            tried.ok_or_else(|| format!("{database}, line {}: {line}", index + 1))
        })
    };
    TABLES.into_iter().flat_map(of_table).collect()
}

/// Statements of MySQL in the database `public`.
fn mysql(text: &[u8]) -> Result<Vec<StatementFacts>, NotUnderstood> {
    crate::mysql(text, Some("public"))
}

/// A command of Redis whose words are separated by single blanks.
fn redis(text: &[u8]) -> Result<Vec<StatementFacts>, NotUnderstood> {
    let words: Vec<&[u8]> = text.split(|byte| *byte == b' ').collect();
    crate::redis::judged(&words)
}

fn try_line(line: usize, text: &str, database: &'static str, understand: Understand) -> Option<Tried> {
    let (policy, rest) = text.split_once(' ')?;
    let (action, statement) = rest.trim_start().split_once(' ').unwrap_or((rest.trim_start(), ""));
    let expected = match action {
        "allow" => StatementAction::Allow,
        "alert" => StatementAction::Alert,
        "ask" => StatementAction::Ask,
        "block" => StatementAction::Block,
        "terminate" => StatementAction::Terminate,
        _ => return None,
    };
    let statements = match policy {
        "rules" => rules(),
        "reader" => Statements { read_only: true, ..Statements::default() },
        "orders" => orders_only(),
        _ => return None,
    };
    let verdict = statements.decide(&understand(&unescaped(statement)?));
    Some(Tried { database, line, text: text.to_owned(), decided: verdict.action, expected, rule: verdict.rule })
}

/// Rules of every kind: what most people would want for production.
fn rules() -> Statements {
    let rule = |name: &str, action, classes: &[Class]| StatementRule {
        name: name.to_owned(),
        classes: classes.iter().copied().collect(),
        action,
        ..StatementRule::default()
    };
    let tables = ["secret", "payroll.*", "hr.salary", "Mixed"].map(str::to_owned).into();
    let functions = ["pg_sleep", "crypt"].map(str::to_owned).into();
    Statements {
        rules: vec![
            rule("no-ddl", StatementAction::Block, &[Class::Ddl]),
            rule("no-privileges", StatementAction::Terminate, &[Class::Privilege]),
            rule("ask-to-delete", StatementAction::Ask, &[Class::Delete]),
            rule("watch-updates", StatementAction::Alert, &[Class::Update]),
            rule(
                "not-the-server",
                StatementAction::Block,
                &[Class::File, Class::Program, Class::Admin, Class::Dynamic, Class::Truncate],
            ),
            StatementRule {
                without_where: true,
                ..rule("where", StatementAction::Block, &[Class::Update, Class::Delete])
            },
            StatementRule { tables, ..rule("secret-tables", StatementAction::Block, &[]) },
            StatementRule { functions, ..rule("no-sleeping", StatementAction::Block, &[]) },
        ],
        ..Statements::default()
    }
}

/// An allow-list: reading two tables and nothing else.
fn orders_only() -> Statements {
    let rule = StatementRule {
        name: "orders".to_owned(),
        classes: [Class::Read].into(),
        tables: ["orders", "public.items"].map(str::to_owned).into(),
        ..StatementRule::default()
    };
    Statements { rules: vec![rule], otherwise: StatementAction::Block, ..Statements::default() }
}

fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.extend_from_slice(before.as_bytes());
        let mut length = 1;
        match after.chars().next()? {
            'n' => out.push(b'\n'),
            'r' => out.push(b'\r'),
            't' => out.push(b'\t'),
            '\\' => out.push(b'\\'),
            'x' => {
                out.push(u8::from_str_radix(after.get(1..3)?, 16).ok()?);
                length = 3;
            }
            _ => return None,
        }
        rest = after.get(length..)?;
    }
    out.extend_from_slice(rest.as_bytes());
    Some(out)
}
