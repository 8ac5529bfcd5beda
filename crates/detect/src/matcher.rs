//! Whether a rule's conditions hold for one observation.

use std::collections::BTreeMap;

use postern_domain::event::{Event, Outcome};
use postern_understand::{Command, Deed, DeedKind};
use regex::{Regex, RegexBuilder};

use crate::observation::{Observation, Seen};
use crate::rule::{Invalid, Match, On};

/// The largest expression, compiled, in bytes.
const EXPRESSION_LEN_MAX: usize = 1024 * 1024;

/// A rule's conditions, ready to be asked.
#[derive(Clone, Debug)]
pub(crate) struct Matcher {
    on: Vec<On>,
    wanted: Match,
    text: Option<Regex>,
    unless: Option<Regex>,
    path: Option<Regex>,
    host: Option<Regex>,
    verb: Option<Regex>,
    table: Option<Regex>,
    account: Option<Regex>,
    detail: BTreeMap<String, Regex>,
}

/// What an observation offers to be matched.
#[derive(Debug, Default)]
pub(crate) struct Facts<'a> {
    pub(crate) on: Option<On>,
    pub(crate) text: &'a str,
    pub(crate) programs: &'a [String],
    pub(crate) paths: Vec<&'a str>,
    pub(crate) hosts: Vec<&'a str>,
    pub(crate) op: &'a str,
    pub(crate) verb: &'a str,
    pub(crate) tables: &'a [String],
    pub(crate) action: &'a str,
    pub(crate) target: &'a str,
    pub(crate) outcome: &'a str,
    pub(crate) details: Option<&'a BTreeMap<String, serde_json::Value>>,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) allowed: Option<bool>,
}

impl Matcher {
    pub(crate) fn new(on: &[On], wanted: &Match) -> Result<Self, Invalid> {
        let one = |source: &Option<String>| source.as_deref().map(compiled).transpose();
        let detail = wanted.detail.iter().map(|(name, source)| Ok((name.clone(), compiled(source)?)));
        Ok(Self {
            on: on.to_vec(),
            text: one(&wanted.text)?,
            unless: one(&wanted.unless)?,
            path: one(&wanted.path)?,
            host: one(&wanted.host)?,
            verb: one(&wanted.verb)?,
            table: one(&wanted.table)?,
            account: one(&wanted.account)?,
            detail: detail.collect::<Result<_, Invalid>>()?,
            wanted: wanted.clone(),
        })
    }

    /// Whether all of the conditions hold. `Detector::ignores` relies on it to look at nothing that changes while a
    /// session lasts: neither at the time nor at what was before.
    pub(crate) fn holds(&self, seen: &Observation<'_>, facts: &Facts<'_>) -> bool {
        let wanted = &self.wanted;
        let is = |expression: &Option<Regex>, text: &str| expression.as_ref().is_none_or(|it| it.is_match(text));
        let among = |list: &[String], word: &str| list.is_empty() || list.iter().any(|one| one == word);
        facts.on.is_some_and(|on| self.on.contains(&on))
            && among(&wanted.op, facts.op)
            && among(&wanted.action, facts.action)
            && among(&wanted.outcome, facts.outcome)
            && wanted.rows.is_none_or(|least| facts.rows >= least)
            && wanted.bytes.is_none_or(|least| facts.bytes >= least)
            && wanted.allowed.is_none_or(|allowed| facts.allowed == Some(allowed))
            && (wanted.program.is_empty() || facts.programs.iter().any(|program| wanted.program.contains(program)))
            && is(&self.text, facts.text)
            && self.unless.as_ref().is_none_or(|it| !it.is_match(facts.text))
            && is(&self.verb, facts.verb)
            && is(&self.account, seen.account)
            && self.path.as_ref().is_none_or(|it| facts.paths.iter().any(|path| it.is_match(path)))
            && self.host.as_ref().is_none_or(|it| facts.hosts.iter().any(|host| it.is_match(host)))
            && self.table.as_ref().is_none_or(|it| facts.tables.iter().any(|table| it.is_match(table)))
            && self.detail.iter().all(|(name, it)| {
                let value = facts.details.and_then(|details| details.get(name));
                value.is_some_and(|value| match value {
                    serde_json::Value::String(text) => it.is_match(text),
                    other => it.is_match(&other.to_string()),
                })
            })
    }
}

fn compiled(source: &str) -> Result<Regex, Invalid> {
    RegexBuilder::new(source)
        .case_insensitive(true)
        .size_limit(EXPRESSION_LEN_MAX)
        .build()
        .map_err(|error| Invalid(format!("`{source}` is no expression: {error}")))
}

/// What an observation offers.
pub(crate) fn facts<'a>(seen: &Observation<'a>) -> Facts<'a> {
    match seen.seen {
        Seen::Deed(deed) => of_deed(deed),
        Seen::Event(event) => of_event(event),
    }
}

fn of_event(event: &Event) -> Facts<'_> {
    let outcome = match event.outcome {
        Outcome::Intent => "intent",
        Outcome::Done => "done",
        Outcome::Failed => "failed",
        Outcome::Refused => "refused",
        Outcome::Unknown => "unknown",
    };
    Facts {
        on: Some(On::Event),
        action: &event.action,
        target: &event.target,
        text: &event.target,
        outcome,
        details: Some(&event.details),
        ..Facts::default()
    }
}

fn of_command(on: On, command: &Command) -> Facts<'_> {
    Facts {
        on: Some(on),
        text: &command.text,
        programs: &command.programs,
        paths: command.files.iter().map(String::as_str).collect(),
        hosts: command.hosts.iter().map(String::as_str).collect(),
        ..Facts::default()
    }
}

fn of_deed(deed: &Deed) -> Facts<'_> {
    let nothing = Facts::default();
    match &deed.kind {
        DeedKind::Command(command) => of_command(On::Command, command),
        DeedKind::Exec(command) => of_command(On::Exec, command),
        DeedKind::Unseen { prompt } => Facts { on: Some(On::Unseen), text: prompt, ..nothing },
        DeedKind::File { op, path, path2, bytes, ok } => Facts {
            on: Some(On::File),
            op,
            text: path,
            paths: std::iter::once(path.as_str()).chain(path2.as_deref()).collect(),
            bytes: *bytes,
            allowed: Some(*ok),
            ..nothing
        },
        DeedKind::Forward { forward, host, moved, .. } => Facts {
            on: Some(On::Forward),
            op: forward,
            text: host,
            hosts: vec![host],
            bytes: moved.bytes_in.max(moved.bytes_out),
            ..nothing
        },
        DeedKind::Statement { text, verb, tables, .. } => {
            Facts { on: Some(On::Statement), text, verb, tables, ..nothing }
        }
        DeedKind::StatementEnd(done) => Facts {
            on: Some(On::StatementEnd),
            text: &done.tag,
            outcome: &done.outcome,
            rows: done.rows,
            bytes: done.moved.bytes_out,
            ..nothing
        },
        DeedKind::Moved(moved) => Facts { on: Some(On::Moved), bytes: moved.bytes_out, ..nothing },
        DeedKind::Capability { name, allowed } => {
            Facts { on: Some(On::Capability), op: name, text: name, allowed: Some(*allowed), ..nothing }
        }
        DeedKind::Unread => Facts { on: Some(On::Unread), ..nothing },
        DeedKind::Exit { .. } => nothing,
    }
}
