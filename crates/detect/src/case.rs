//! A rule's own test cases.

use postern_domain::event::{Actor, Event, Outcome};
use postern_domain::{ScopePath, Timestamp};
use postern_understand::{Command, Deed, DeedKind, Moved, StatementDone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::detector::Detector;
use crate::observation::{Observation, Seen};
use crate::rule::Rule;

/// Something that a rule must find, or must not. A text alone is a command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Case {
    /// A command at a terminal.
    Command(String),
    /// Anything else.
    Other(Box<Other>),
}

/// What is seen, how often, and by whom. `{n}` stands for the number of the time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct Other {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exec: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unseen: Option<String>,
    /// `write /etc/passwd`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// `local db-1`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forward: Option<String>,
    /// `agent_forward refused`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capability: Option<String>,
    /// `login.create refused`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    pub details: std::collections::BTreeMap<String, serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    pub unread: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// So often; once unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// So many seconds apart; one unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<u32>,
    /// At this hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hour: Option<i64>,
    /// After so many ordinary sessions: ada on app@web-1, from 10.0.0.1, at nine in the morning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<u32>,
}

/// A case that does not come out as it says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CaseFault(pub String);

impl Rule {
    /// Tries all of its cases.
    ///
    /// # Errors
    /// With the first that does not come out as it says.
    pub fn try_cases(&self) -> Result<(), CaseFault> {
        for (cases, wanted) in [(&self.hits, true), (&self.misses, false)] {
            for case in cases {
                let mut detector = Detector::new(vec![self.clone()]).map_err(|error| CaseFault(error.to_string()))?;
                if case.play(&mut detector) != wanted {
                    let told = if wanted { "does not find" } else { "finds" };
                    return Err(CaseFault(format!("{} {told} {case:?}", self.id)));
                }
            }
        }
        Ok(())
    }
}

impl Case {
    /// Whether anything is found.
    fn play(&self, detector: &mut Detector) -> bool {
        let other = match self {
            Self::Command(command) => &Other { command: Some(command.clone()), ..Other::default() },
            Self::Other(other) => other.as_ref(),
        };
        let day = 86_400_000_i64;
        for session in 0..other.after.unwrap_or(0) {
            let seen = Observation {
                at: i64::from(session) * day + 9 * 3_600_000,
                user: "ada",
                source: "10.0.0.1",
                account: "app@web-1",
                session: "",
                seen: Seen::Event(&Event::done(
                    Timestamp::from_millis(0),
                    Actor::System,
                    "session.open",
                    "",
                    ScopePath::root(),
                )),
            };
            detector.baselines().opened(&seen);
            detector.baselines().ended("app@web-1", "");
        }
        let begin = 1000 * day + other.hour.unwrap_or(9) * 3_600_000;
        let mut found = false;
        for time in 0..other.times.unwrap_or(1) {
            let at = begin + i64::from(time) * i64::from(other.every.unwrap_or(1)) * 1000;
            found |= other.once(time, at, detector);
        }
        found
    }
}

impl Other {
    fn once(&self, time: u32, at: i64, detector: &mut Detector) -> bool {
        let fill = |text: &str| text.replace("{n}", &time.to_string());
        let of = |text: &Option<String>, usual: &str| text.as_deref().map_or_else(|| usual.to_owned(), fill);
        let (user, source) = (of(&self.user, "ada"), of(&self.source, "10.0.0.1"));
        let account = of(&self.account, "app@web-1");
        let pair = |text: &str| {
            let text = fill(text);
            text.split_once(' ').map_or((text.clone(), String::new()), |(a, b)| (a.to_owned(), b.to_owned()))
        };
        let mut seen = |seen: Seen<'_>| {
            let session = "ses_1";
            let seen = Observation { at, user: &user, source: &source, account: &account, session, seen };
            !detector.observe(&seen).is_empty()
        };
        if let Some(event) = &self.event {
            let (action, rest) = pair(event);
            let (outcome, target) = rest.split_once(' ').unwrap_or((&rest, ""));
            let outcome = match outcome {
                "refused" => Outcome::Refused,
                "failed" => Outcome::Failed,
                "intent" => Outcome::Intent,
                "unknown" => Outcome::Unknown,
                _ => Outcome::Done,
            };
            let mut event = Event::done(Timestamp::from_millis(at), Actor::System, &action, target, ScopePath::root())
                .outcome(outcome);
            event.details = self.details.clone();
            return seen(Seen::Event(&event));
        }
        seen(Seen::Deed(&Deed { at: 0, channel: None, kind: self.deed(&fill, &pair) }))
    }

    fn deed(&self, fill: &dyn Fn(&str) -> String, pair: &dyn Fn(&str) -> (String, String)) -> DeedKind {
        let command = |text: &str| {
            let text = postern_understand::mask(&fill(text)).into_owned();
            let parsed = postern_understand::parse(&text);
            Command { text, programs: parsed.programs, files: parsed.files, hosts: parsed.hosts, prompted: true }
        };
        if let Some(text) = &self.command {
            return DeedKind::Command(command(text));
        }
        if let Some(text) = &self.exec {
            return DeedKind::Exec(command(text));
        }
        if let Some(text) = &self.statement {
            return postern_understand::statement(&fill(text));
        }
        if let Some(prompt) = &self.unseen {
            return DeedKind::Unseen { prompt: prompt.clone() };
        }
        if let Some(file) = &self.file {
            let (op, path) = pair(file);
            return DeedKind::File { op, path, path2: None, bytes: self.bytes.unwrap_or(0), ok: true };
        }
        if let Some(forward) = &self.forward {
            let (forward, host) = pair(forward);
            let moved = Moved { bytes_in: self.bytes.unwrap_or(0), bytes_out: 0 };
            return DeedKind::Forward { forward, host, port: 22, moved, ended: false };
        }
        if let Some(capability) = &self.capability {
            let (name, verdict) = pair(capability);
            return DeedKind::Capability { name, allowed: verdict != "refused" };
        }
        if self.unread {
            return DeedKind::Unread;
        }
        if let Some(rows) = self.rows {
            let moved = Moved { bytes_in: 0, bytes_out: self.bytes.unwrap_or(0) };
            let (outcome, tag) = ("done".into(), "SELECT".to_owned());
            return DeedKind::StatementEnd(StatementDone { number: 1, outcome, rows, moved, tag, code: String::new() });
        }
        DeedKind::Moved(Moved { bytes_in: 0, bytes_out: self.bytes.unwrap_or(0) })
    }
}
