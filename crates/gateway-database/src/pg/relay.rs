//! What passes between a client and its target: which messages, which statements, in which order.
//! Moves bytes from slices to sinks and does no I/O of its own.
//!
//! Messages pass as they are, and in one piece with their neighbours. Those that say what is to be run
//! are read; what runs is recorded first, and what a rule speaks of waits, with everything behind it,
//! until the session around has the answer. A statement that must not run is replaced by one that
//! cannot: the target's error then takes its place in the order of answers and its effect on the
//! transaction, and the client is shown why.

use std::sync::Arc;

use postern_domain::Capability;
use postern_domain::policy::StatementAction;
use postern_domain::session::EndReason;
use postern_gateway::{RecorderFailed, StatementEvent};
use postern_wire::pg::back::Report;
use postern_wire::pg::{Error as WireError, OWED_MAX, Owed, Piece, Pipeline, Splitter, Transaction, body, front};
use postern_wire::recording::StatementOutcome;

use super::journal::{Journal, Running, Wording};
use super::mask::Plan;
use super::prepared::{Prepared, Registry};
use super::report;
use super::rules::{Judged, Rules, event};

mod answers;

pub(crate) use crate::between::{Answer, Sink};

/// Why a session cannot go on.
pub(crate) type Stop = crate::between::Stop<WireError>;

/// What the target is sent in place of a statement that must not run: no statement at all.
const REFUSED: &str = "postern: this statement was refused";
/// How much that waits is kept; nothing is read beyond.
const KEPT_MAX: usize = 64 * 1024;

/// What is kept with a message that is not answered yet.
#[derive(Debug)]
enum Entry {
    Plain,
    Parse,
    Bind,
    /// `Describe` of ours, of this portal; its answer is not the client's.
    OwnDescribe(Box<[u8]>),
    CloseStatement(Box<[u8]>),
    ClosePortal(Box<[u8]>),
    Running(Running, Look),
    Refused(Box<(Running, Report<'static>)>),
}

/// Where it is known from what is hidden in the rows of a statement.
#[derive(Debug, Default)]
enum Look {
    /// Nothing is hidden.
    #[default]
    Open,
    /// From its own description, which depends on what it does.
    Query(Vec<postern_domain::statement::StatementFacts>, Option<Arc<Plan>>),
    /// From its portal's.
    Portal(Box<[u8]>, Option<Arc<Plan>>),
}

/// Why nothing more is taken from the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pause {
    /// Until the target has answered everything.
    Answers,
    /// Until somebody has answered a question.
    Question,
}

/// What is done with a message.
enum Fate {
    /// It passes.
    Pass,
    /// It stays where it is until the pause is over.
    Wait,
    /// This passes in its place.
    Replace(Vec<u8>),
}

/// A side's bytes that could not be dealt with yet.
#[derive(Default)]
struct Inlet {
    splitter: Splitter,
    kept: Vec<u8>,
}

impl Inlet {
    fn keep(&mut self, rest: Vec<u8>, used: usize) {
        if used >= rest.len() {
            // What was needed once for a long message is not held on to.
            self.kept = if rest.capacity() > KEPT_MAX { Vec::new() } else { rest };
            self.kept.clear();
        } else {
            self.kept = rest;
            self.kept.drain(..used);
        }
    }
}

/// One session's relay.
pub(crate) struct Relay {
    rules: Rules,
    pub(crate) journal: Journal,
    pipeline: Pipeline<Entry>,
    names: Registry,
    client: Inlet,
    target: Inlet,
    transaction: Transaction,
    /// What comes up to the next `Sync` is left out, since something before it was refused.
    doomed: bool,
    /// The client may send copy data.
    copying: bool,
    /// The rest of the client's message is left out.
    ignoring: bool,
    /// The target reads copy data, as far as is known.
    target_copies: bool,
    pause: Option<Pause>,
    question: Option<StatementEvent>,
    answer: Option<Answer>,
    /// What we say to the target ourselves.
    pub(crate) to_target: Vec<u8>,
    /// The client has had enough; what comes up to `ReadyForQuery` is dropped.
    cut: bool,
    /// The rest of the message that passes is dropped.
    dropping: bool,
    /// What runs on the target is to be cancelled.
    pub(crate) wants_cancel: bool,
    session_rows: u64,
    session_bytes: u64,
}

impl Relay {
    pub(crate) fn new(rules: Rules, journal: Journal) -> Self {
        Self {
            rules,
            journal,
            pipeline: Pipeline::default(),
            names: Registry::default(),
            client: Inlet::default(),
            target: Inlet::default(),
            transaction: Transaction::Idle,
            doomed: false,
            copying: false,
            ignoring: false,
            target_copies: false,
            pause: None,
            question: None,
            answer: None,
            to_target: Vec::new(),
            cut: false,
            dropping: false,
            wants_cancel: false,
            session_rows: 0,
            session_bytes: 0,
        }
    }

    /// Whether the client may send more.
    pub(crate) fn has_room(&self) -> bool {
        self.pause.is_none() || self.client.kept.len() < KEPT_MAX
    }

    /// Whether something runs on the target.
    pub(crate) fn is_busy(&self) -> bool {
        !self.pipeline.is_empty()
    }

    /// A question that somebody has to answer before anything goes on; given out once.
    pub(crate) fn take_question(&mut self) -> Option<StatementEvent> {
        self.question.take()
    }

    /// The answer to the question.
    pub(crate) fn answered(&mut self, answer: Answer, forward: Sink<'_>) -> Result<(), Stop> {
        self.answer = Some(answer);
        self.pause = None;
        self.resume(forward)
    }

    /// Whether something of ours can be said to the client now.
    pub(crate) fn at_boundary(&self) -> bool {
        self.target.splitter.at_boundary()
    }

    /// The session is over: records what has not ended.
    pub(crate) fn end(&mut self) -> Result<(), RecorderFailed> {
        for entry in self.pipeline.drain() {
            if let Entry::Running(running, _) = entry {
                self.journal.end(&running, StatementOutcome::Unknown)?;
            }
        }
        Ok(())
    }

    /// The client has sent this.
    pub(crate) fn take_client(&mut self, chunk: &[u8], forward: Sink<'_>) -> Result<(), Stop> {
        if self.client.kept.is_empty() && self.pause.is_none() {
            let used = self.client_messages(chunk, forward)?;
            self.client.kept.extend_from_slice(chunk.get(used..).unwrap_or_default());
            return Ok(());
        }
        self.client.kept.extend_from_slice(chunk);
        self.resume(forward)
    }

    /// Goes on with what was kept, if nothing speaks against it.
    pub(crate) fn resume(&mut self, forward: Sink<'_>) -> Result<(), Stop> {
        if self.pause.is_some() || self.client.kept.is_empty() {
            return Ok(());
        }
        let kept = std::mem::take(&mut self.client.kept);
        let used = self.client_messages(&kept, forward)?;
        self.client.keep(kept, used);
        Ok(())
    }

    /// Deals with the client's messages; gives how many bytes of them.
    fn client_messages(&mut self, input: &[u8], forward: Sink<'_>) -> Result<usize, Stop> {
        // Bytes from `run` to `at` pass; they go in one piece.
        let (mut run, mut at) = (0, 0);
        while self.pause.is_none() {
            if self.pipeline.len() >= OWED_MAX {
                self.wait_for_answers();
                break;
            }
            let rest = input.get(at..).unwrap_or_default();
            if self.is_early(rest) {
                self.wait_for_answers();
                break;
            }
            let piece = self.client.splitter.next(rest, front::handling).map_err(Stop::Client)?;
            match piece {
                None => break,
                Some(Piece::More(here)) if self.ignoring => {
                    forward(input.get(run..at).unwrap_or_default())?;
                    at += here;
                    run = at;
                }
                Some(Piece::More(here)) => at += here,
                // As a server does it; and no target gets data before it is known to be allowed to copy.
                Some(Piece::Pass { here, .. }) if !self.copying => {
                    self.ignoring = true;
                    forward(input.get(run..at).unwrap_or_default())?;
                    at += here;
                    run = at;
                }
                Some(Piece::Pass { total, here, .. }) => {
                    self.ignoring = false;
                    if let Some((_, Entry::Running(running, _))) = self.pipeline.front_mut() {
                        running.bytes_in += u64::try_from(total.saturating_sub(5)).unwrap_or(0);
                    }
                    at += here;
                }
                Some(Piece::Whole { tag, total }) => {
                    let message = rest.get(..total).unwrap_or_default();
                    match self.client_message(tag, message)? {
                        Fate::Pass => at += total,
                        Fate::Wait => break,
                        Fate::Replace(instead) => {
                            forward(input.get(run..at).unwrap_or_default())?;
                            forward(&instead)?;
                            at += total;
                            run = at;
                        }
                    }
                }
            }
        }
        if run < at {
            forward(input.get(run..at).unwrap_or_default())?;
        }
        Ok(at)
    }

    /// Whether a message about copy data is next, and the target has yet to say whether it reads any.
    fn is_early(&self, rest: &[u8]) -> bool {
        let about_data = self.client.splitter.at_boundary() && matches!(rest.first(), Some(b'd' | b'c' | b'f'));
        about_data && !self.copying && !self.doomed && !self.pipeline.is_skipping() && !self.pipeline.is_empty()
    }

    /// Takes nothing more until the target has answered; it is asked not to keep answers back.
    fn wait_for_answers(&mut self) {
        if self.pipeline.is_empty() {
            return;
        }
        self.pause = Some(Pause::Answers);
        front::put_flush(&mut self.to_target);
    }

    fn client_message(&mut self, tag: u8, message: &[u8]) -> Result<Fate, Stop> {
        if tag == b'S' {
            self.doomed = false;
        }
        if (self.doomed || self.pipeline.is_skipping()) && !matches!(tag, b'S' | b'X') {
            // The target leaves it out.
            return Ok(Fate::Pass);
        }
        let content = body(message);
        match tag {
            b'c' | b'f' if !self.copying => return Ok(Fate::Replace(Vec::new())),
            b'c' | b'f' => {
                (self.copying, self.target_copies) = (false, false);
                if self.rules.are_strict() {
                    self.wait_for_answers();
                }
                return Ok(Fate::Pass);
            }
            b'H' | b'X' => return Ok(Fate::Pass),
            b'S' if self.target_copies => return Ok(Fate::Pass),
            _ => self.copying = false,
        }
        match tag {
            b'Q' => self.query(content),
            b'P' => self.parse(content),
            b'B' => self.bind(content),
            b'E' => self.execute(content, message),
            b'F' => self.call(content),
            b'C' => {
                let entry = match front::named(content).map_err(Stop::Client)? {
                    front::Named::Statement(name) => Entry::CloseStatement(name.into()),
                    front::Named::Portal(name) => Entry::ClosePortal(name.into()),
                };
                self.ask(Owed::Close, entry)
            }
            b'D' => {
                front::named(content).map_err(Stop::Client)?;
                self.ask(Owed::Describe, Entry::Plain)
            }
            b'S' => {
                self.ask(Owed::Sync, Entry::Plain)?;
                self.pause_when_strict();
                Ok(Fate::Pass)
            }
            other => Err(Stop::Client(WireError::NotAllowed(other))),
        }
    }

    fn ask(&mut self, owed: Owed, entry: Entry) -> Result<Fate, Stop> {
        self.pipeline.push(owed, entry);
        Ok(Fate::Pass)
    }

    /// Where statements are read, what one has changed must be known before the next is read.
    fn pause_when_strict(&mut self) {
        if self.rules.are_strict() {
            self.pause = Some(Pause::Answers);
        }
    }

    fn query(&mut self, content: &[u8]) -> Result<Fate, Stop> {
        let text = front::query(content).map_err(Stop::Client)?;
        let redacted = redacted(text);
        let shown = redacted.as_deref().unwrap_or(text);
        let mut facts = Vec::new();
        let refused = match self.answer.take() {
            Some(Answer::Refuse(why)) => Some(why),
            given => {
                let judged = self.rules.judge(text);
                if given.is_none() && judged.verdict.action != StatementAction::Allow {
                    return Ok(self.question(event(&judged.verdict, shown, None)));
                }
                facts = judged.facts;
                None
            }
        };
        let running = self.journal.begin(Wording { text: shown, prefix: "", bind: None }, self.transaction)?;
        if let Some(why) = refused {
            return Ok(self.refuse(Owed::Query, running, &why));
        }
        let look = if self.rules.mask().is_some() { Look::Query(facts, None) } else { Look::Open };
        self.pipeline.push(Owed::Query, Entry::Running(running, look));
        self.pause_when_strict();
        Ok(Fate::Pass)
    }

    fn question(&mut self, event: StatementEvent) -> Fate {
        self.question = Some(event);
        self.pause = Some(Pause::Question);
        Fate::Wait
    }

    /// Lets the target fail in place of the message, and keeps what the client is told then.
    fn refuse(&mut self, owed: Owed, running: Running, why: &str) -> Fate {
        let told = report("ERROR", "42501", why);
        let mut instead = Vec::new();
        match owed {
            Owed::Query | Owed::Call => {
                front::put_query(&mut instead, REFUSED);
                self.pipeline.push(Owed::Query, Entry::Refused(Box::new((running, told))));
                self.pause_when_strict();
            }
            _ => {
                front::put_parse(&mut instead, REFUSED);
                self.doomed = true;
                self.pipeline.push(Owed::Parse, Entry::Refused(Box::new((running, told))));
            }
        }
        Fate::Replace(instead)
    }

    fn parse(&mut self, content: &[u8]) -> Result<Fate, Stop> {
        let parse = front::parse(content).map_err(Stop::Client)?;
        if !parse.name.is_empty() && self.names.statement(parse.name).is_some() && !self.pipeline.is_empty() {
            self.wait_for_answers();
            return Ok(Fate::Wait);
        }
        let redacted = redacted(parse.text);
        let shown = redacted.as_deref().unwrap_or(parse.text);
        let answer = self.answer.take();
        let Judged { verdict, facts } = self.rules.judge(parse.text);
        // What is watched or waits does so when it is run.
        if answer.is_none() && verdict.action >= StatementAction::Block {
            return Ok(self.question(event(&verdict, shown, None)));
        }
        let refused = match answer {
            Some(Answer::Refuse(why)) => Some(why),
            _ => None,
        };
        let prepared = Prepared { text: shown.into(), verdict, facts };
        let refused = refused.or_else(|| {
            let kept = self.names.parse(parse.name, Arc::new(prepared));
            (!kept).then(|| "too many statements are prepared: close some".to_owned())
        });
        if let Some(why) = refused {
            let running = self.journal.begin(Wording { text: shown, prefix: "", bind: None }, self.transaction)?;
            return Ok(self.refuse(Owed::Parse, running, &why));
        }
        self.ask(Owed::Parse, Entry::Parse)
    }

    fn bind(&mut self, content: &[u8]) -> Result<Fate, Stop> {
        let bind = front::bind(content).map_err(Stop::Client)?;
        if !bind.portal.is_empty() && self.names.portal(bind.portal).is_some() && !self.pipeline.is_empty() {
            self.wait_for_answers();
            return Ok(Fate::Wait);
        }
        if !self.names.bind(content, &bind) {
            let text = Wording { text: b"-- bind", prefix: "", bind: None };
            let running = self.journal.begin(text, self.transaction)?;
            return Ok(self.refuse(Owed::Bind, running, "too many portals are open: close some"));
        }
        self.ask(Owed::Bind, Entry::Bind)
    }

    fn execute(&mut self, content: &[u8], message: &[u8]) -> Result<Fate, Stop> {
        let name = front::execute(content).map_err(Stop::Client)?;
        let portal = self.names.portal(name);
        let prepared = portal.and_then(|portal| portal.prepared.clone());
        let bind = portal.and_then(super::prepared::Portal::parameters);
        let unknown = prepared.is_none().then(|| {
            let statement = portal.map_or(name, |portal| &portal.name);
            format!("-- made in SQL by the name {}", String::from_utf8_lossy(statement))
        });
        let text: &[u8] = match (&prepared, &unknown) {
            (Some(prepared), _) => &prepared.text,
            (None, Some(unknown)) => unknown.as_bytes(),
            (None, None) => b"",
        };
        let action = prepared.as_ref().map_or(StatementAction::Allow, |prepared| prepared.verdict.action);
        let refused = match self.answer.take() {
            Some(Answer::Refuse(why)) => Some(why),
            Some(Answer::Run) => None,
            None if action == StatementAction::Allow => None,
            None => {
                let verdict = prepared.as_ref().map(|prepared| prepared.verdict.clone());
                let asked = verdict.map(|verdict| event(&verdict, text, bind));
                return Ok(asked.map_or(Fate::Wait, |asked| self.question(asked)));
            }
        };
        let prefix = if prepared.is_some() && self.names.is_doubtful() {
            "/* as prepared; PREPARE or DEALLOCATE may have changed its name since */ "
        } else {
            ""
        };
        let running = self.journal.begin(Wording { text, prefix, bind }, self.transaction)?;
        if let Some(why) = refused {
            return Ok(self.refuse(Owed::Execute, running, &why));
        }
        if self.rules.mask().is_none() {
            return self.ask(Owed::Execute, Entry::Running(running, Look::Open));
        }
        let (plan, name): (_, Box<[u8]>) = (portal.and_then(|portal| portal.plan.clone()), name.into());
        let described = plan.is_some();
        if !described {
            self.pipeline.push(Owed::Describe, Entry::OwnDescribe(name.clone()));
        }
        let mut instead = Vec::new();
        if !described {
            front::put_describe_portal(&mut instead, &name);
        }
        instead.extend_from_slice(message);
        self.pipeline.push(Owed::Execute, Entry::Running(running, Look::Portal(name, plan)));
        Ok(Fate::Replace(instead))
    }

    fn call(&mut self, content: &[u8]) -> Result<Fate, Stop> {
        let function = front::function_call(content).map_err(Stop::Client)?;
        let text = format!("-- function {function}, called by its number");
        let refused = match self.answer.take() {
            Some(Answer::Refuse(why)) => Some(why),
            Some(Answer::Run) => None,
            None => {
                let verdict = self.rules.judge_call();
                if verdict.action != StatementAction::Allow {
                    return Ok(self.question(event(&verdict, text.as_bytes(), None)));
                }
                None
            }
        };
        let wording = Wording { text: text.as_bytes(), prefix: "", bind: None };
        let running = self.journal.begin(wording, self.transaction)?;
        if let Some(why) = refused {
            return Ok(self.refuse(Owed::Call, running, &why));
        }
        self.pipeline.push(Owed::Call, Entry::Running(running, Look::Open));
        self.pause_when_strict();
        Ok(Fate::Pass)
    }

    /// Ends the session where the policy does not let it do what the target has begun.
    fn need(&self, capability: Capability) -> Result<(), Stop> {
        if self.rules.may(capability) {
            return Ok(());
        }
        let told = format!("{capability} is not allowed by the policy of this session");
        Err(Stop::Ended(EndReason::Killed, told))
    }
}

/// The text without the passwords in it, where there are any.
fn redacted(text: &[u8]) -> Option<Vec<u8>> {
    if !postern_sql::mentions(text, b"password") {
        return None;
    }
    match str::from_utf8(text) {
        Ok(text) => postern_sql::redacted(text).map(String::into_bytes),
        Err(_) => Some(b"-- a text that is no UTF-8 and mentions a password".to_vec()),
    }
}
