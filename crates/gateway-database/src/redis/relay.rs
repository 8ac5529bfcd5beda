//! What passes between a client and its target: which commands, in which order. Moves bytes from slices
//! to sinks and does no I/O of its own.
//!
//! Commands pass as they are, and in one piece with their neighbours; each is recorded first, and what a
//! rule speaks of waits, with everything behind it. A command that must not run is replaced by one that
//! no server knows: the target's error then takes its place in the order of replies and its effect on a
//! transaction, and the client is shown why.

use std::collections::VecDeque;

use postern_domain::policy::{StatementAction, StatementVerdict};
use postern_gateway::RecorderFailed;
use postern_wire::recording::{StatementOutcome, TransactionState};
use postern_wire::redis::{Error, OWED_MAX, Replies, encode, request};

use super::put_error;
use super::rules::Rules;
use super::welcome::{Hello, Wish, wish};
use super::wording::{self, Wording};
use crate::between::{Answer, Between, Question, Sink};
use crate::budget::Spent;
use crate::journal::{Journal, Running, parameters};
use crate::told;

mod replies;

/// Why a session cannot go on.
pub(crate) type Stop = crate::between::Stop<Error>;

/// What the target is sent in place of a command that must not run.
const REFUSED: &[u8] = b"*1\r\n$15\r\nPOSTERN.REFUSED\r\n";
/// How much that waits is kept; nothing is read beyond.
const KEPT_MAX: usize = 64 * 1024;
/// What a command is to the relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    /// It changes the version of the protocol to this.
    Hello {
        three: bool,
    },
    /// It is answered by so many confirmations about subscriptions.
    Subscriptions {
        left: u64,
    },
    /// The target closes the connection after its reply.
    Quit,
    /// What is told is which commands there are, which `redis-cli` asks first: no data, and in no budget.
    Commands,
}

/// What is kept of a command until it is answered.
#[derive(Debug)]
struct Entry {
    kind: Kind,
    running: Running,
    /// What it gives is hidden.
    hides: bool,
    /// It was refused; what the client is told.
    refused: Option<Box<str>>,
}

/// Why nothing more is taken from the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pause {
    /// Until the target has answered everything.
    Answers,
    /// Until somebody has answered a question.
    Question,
}

/// What is done with a command.
enum Fate {
    /// It passes.
    Pass,
    /// It stays where it is until the pause is over.
    Wait,
    /// This passes in its place.
    Replace(Vec<u8>),
}

/// One session's relay.
pub(crate) struct Relay {
    rules: Rules,
    journal: Journal,
    owed: VecDeque<Entry>,
    replies: Replies,
    client_kept: Vec<u8>,
    target_kept: Vec<u8>,
    pause: Option<Pause>,
    question: Option<Question>,
    answer: Option<Answer>,
    /// The question is whether the client may sign in anew.
    signs_in: bool,
    theirs: Vec<u8>,
    /// Version 3 of the protocol is spoken.
    three: bool,
    in_multi: bool,
    /// What the transaction gives is hidden.
    hides_multi: bool,
    /// How many subscriptions of each kind there are.
    subscribed: [u64; 3],
    spent: Spent,
    /// The reply that is being taken.
    current: replies::Current,
}

impl Relay {
    pub(crate) fn new(rules: Rules, journal: Journal, three: bool) -> Self {
        Self {
            rules,
            journal,
            owed: VecDeque::new(),
            replies: Replies::default(),
            client_kept: Vec::new(),
            target_kept: Vec::new(),
            pause: None,
            question: None,
            answer: None,
            signs_in: false,
            theirs: Vec::new(),
            three,
            in_multi: false,
            hides_multi: false,
            subscribed: [0; 3],
            spent: Spent::default(),
            current: replies::Current::default(),
        }
    }

    /// How the client has signed in anew, and what it has sent after that.
    pub(crate) fn into_rest(mut self) -> (Option<Hello>, Vec<u8>) {
        let (hello, used) = match request(&self.client_kept) {
            Ok(Some(request)) => {
                let hello = wish(&request.words).and_then(Result::ok).and_then(|wish| wish.hello);
                (hello, request.length)
            }
            _ => (None, 0),
        };
        self.client_kept.drain(..used);
        (hello, self.client_kept)
    }

    /// Deals with the client's commands; gives how many bytes of them.
    fn client_commands(&mut self, input: &[u8], forward: Sink<'_>) -> Result<usize, Stop> {
        // Bytes from `run` to `at` pass; they go in one piece.
        let (mut run, mut at) = (0, 0);
        while self.pause.is_none() {
            if self.owed.len() >= OWED_MAX {
                self.pause = Some(Pause::Answers);
                break;
            }
            let rest = input.get(at..).unwrap_or_default();
            let Some(request) = request(rest).map_err(Stop::Client)? else { break };
            let fate = if request.words.is_empty() {
                Fate::Replace(Vec::new())
            } else {
                match self.client_command(&request.words)? {
                    Fate::Pass if request.inline => {
                        let mut instead = Vec::new();
                        encode(&mut instead, request.words.iter().copied());
                        Fate::Replace(instead)
                    }
                    fate => fate,
                }
            };
            match fate {
                Fate::Pass => at += request.length,
                Fate::Wait => break,
                Fate::Replace(instead) => {
                    forward(input.get(run..at).unwrap_or_default())?;
                    forward(&instead)?;
                    at += request.length;
                    run = at;
                }
            }
        }
        if run < at {
            forward(input.get(run..at).unwrap_or_default())?;
        }
        Ok(at)
    }

    fn client_command(&mut self, words: &[&[u8]]) -> Result<Fate, Stop> {
        if let Some(wish) = wish(words) {
            return self.sign_in(wish);
        }
        let command = match postern_sql::redis::command(words) {
            Ok(command) => command,
            Err(why) => {
                let verdict = block(format!("not understood: {why}"));
                return self.decided(&verdict, &wording::unknown(words), None, words);
            }
        };
        let hides = self.rules.hides(&command, words);
        let wording = wording::of(&command, words, &self.rules, hides);
        let verdict = match self.unfit(command.name) {
            Some(why) => block(why),
            None => self.rules.judge(&command, words),
        };
        if verdict.action != StatementAction::Allow {
            return self.decided(&verdict, &wording, Some((command.name, hides)), words);
        }
        self.runs(command.name, hides, &wording, words)
    }

    /// Why a command cannot be passed on at all, or not now, if so.
    fn unfit(&self, name: &str) -> Option<String> {
        let shown = || name.replace('|', " ").to_uppercase();
        if let Some(why) = never(name) {
            return Some(format!("{} is never passed on: {why}", shown()));
        }
        let is_of_session = subscription(name).is_some() || name == "hello" || name == "quit";
        (self.in_multi && is_of_session).then(|| format!("{} is not passed on within MULTI", shown()))
    }

    /// What follows from what a rule says, once it has been asked about.
    fn decided(
        &mut self,
        verdict: &StatementVerdict,
        wording: &Wording<'_>,
        known: Option<(&'static str, bool)>,
        words: &[&[u8]],
    ) -> Result<Fate, Stop> {
        match self.answer.take() {
            None => {
                let shape = wording::shape(wording, known.map(|(name, _)| name), words);
                let event = told::event(verdict, Some(shape), &wording.text, wording.values());
                self.question = Some(Question::Statement(event));
                self.pause = Some(Pause::Question);
                Ok(Fate::Wait)
            }
            Some(Answer::Refuse(why)) => {
                let mut running = self.begin(wording)?;
                running.failed("NOPERM", &why);
                let refused = Some(why.into_boxed_str());
                self.owed.push_back(Entry { kind: Kind::Plain, running, hides: false, refused });
                Ok(Fate::Replace(REFUSED.to_vec()))
            }
            Some(Answer::Run) => match known {
                Some((name, hides)) => self.runs(name, hides, wording, words),
                // What is not known cannot be relayed, whoever says yes.
                None => {
                    self.answer = Some(Answer::Refuse("it is not known here".to_owned()));
                    self.decided(verdict, wording, None, words)
                }
            },
        }
    }

    fn begin(&mut self, wording: &Wording<'_>) -> Result<Running, RecorderFailed> {
        let transaction = if self.in_multi { TransactionState::Open } else { TransactionState::None };
        self.journal.begin_with(wording.text.as_bytes(), parameters(wording.values()), transaction)
    }

    /// The command is passed on.
    fn runs(&mut self, name: &'static str, hides: bool, wording: &Wording<'_>, words: &[&[u8]]) -> Result<Fate, Stop> {
        let kind = match subscription(name) {
            // What a subscription changes must be known before the next command.
            Some(_) if !self.owed.is_empty() => {
                self.pause = Some(Pause::Answers);
                // Decided already.
                self.answer = self.rules_spoke(name, words).then_some(Answer::Run);
                return Ok(Fate::Wait);
            }
            Some((gives_up, which)) => {
                self.pause = Some(Pause::Answers);
                let named = u64::try_from(words.len() - 1).unwrap_or(1);
                let all = self.subscribed.get(which).copied().unwrap_or(0);
                Kind::Subscriptions { left: if gives_up && named == 0 { all.max(1) } else { named.max(1) } }
            }
            None if name == "quit" => Kind::Quit,
            None if name == "hello" && words.len() > 1 => {
                self.pause = Some(Pause::Answers);
                Kind::Hello { three: words.get(1) == Some(&&b"3"[..]) }
            }
            None if name == "command" || name.starts_with("command|") => Kind::Commands,
            None => Kind::Plain,
        };
        let running = self.begin(wording)?;
        let hides = match name {
            "multi" => {
                (self.in_multi, self.hides_multi) = (true, false);
                false
            }
            "exec" | "discard" => {
                self.in_multi = false;
                self.hides_multi
            }
            _ => hides,
        };
        self.hides_multi |= hides && self.in_multi;
        self.owed.push_back(Entry { kind, running, hides, refused: None });
        Ok(Fate::Pass)
    }

    /// Whether a rule speaks of the command, so that it has been asked about.
    fn rules_spoke(&self, name: &str, words: &[&[u8]]) -> bool {
        postern_sql::redis::command(words).is_ok_and(|command| {
            command.name == name && self.rules.judge(&command, words).action != StatementAction::Allow
        })
    }

    /// Signing in anew waits until everything before it is answered, and then for the answer.
    fn sign_in(&mut self, wish: Result<Wish, String>) -> Result<Fate, Stop> {
        if !self.owed.is_empty() {
            self.pause = Some(Pause::Answers);
            return Ok(Fate::Wait);
        }
        let refused = match (self.answer.take(), wish) {
            (Some(Answer::Refuse(why)), _) | (_, Err(why)) => why,
            (Some(Answer::Run), Ok(_)) => return Ok(Fate::Wait),
            (None, Ok(_)) if self.in_multi => "AUTH is not passed on within MULTI".to_owned(),
            (None, Ok(wish)) => {
                self.question = Some(Question::SignIn(wish.sign_in));
                (self.pause, self.signs_in) = (Some(Pause::Question), true);
                return Ok(Fate::Wait);
            }
        };
        self.signs_in = false;
        let mut running = self.journal.begin_with(b"AUTH", Vec::new(), TransactionState::None)?;
        running.failed("WRONGPASS", &refused);
        self.journal.end(&running, StatementOutcome::Refused)?;
        put_error(&mut self.theirs, "WRONGPASS", &refused);
        Ok(Fate::Replace(Vec::new()))
    }
}

fn block(rule: String) -> StatementVerdict {
    StatementVerdict { action: StatementAction::Block, rule }
}

/// Why a command is never passed on, if so.
fn never(name: &str) -> Option<&'static str> {
    Some(match name {
        "monitor" => "what others do is not shown here",
        "sync" | "psync" | "replconf" => "replication is not relayed",
        "reset" => "connect again instead",
        "client|reply" => "every command has its reply here",
        "script|debug" => "a debugger is not relayed",
        "restore-asking" => "it is for servers among themselves",
        _ => return None,
    })
}

/// Whether a command gives subscriptions up rather than makes them, and of which kind: to channels, to
/// patterns, to channels of a shard.
fn subscription(name: &str) -> Option<(bool, usize)> {
    Some(match name {
        "subscribe" => (false, 0),
        "psubscribe" => (false, 1),
        "ssubscribe" => (false, 2),
        "unsubscribe" => (true, 0),
        "punsubscribe" => (true, 1),
        "sunsubscribe" => (true, 2),
        _ => return None,
    })
}

impl Between for Relay {
    type Error = Error;

    fn take_client(&mut self, chunk: &[u8], forward: Sink<'_>) -> Result<(), Stop> {
        if self.client_kept.is_empty() && self.pause.is_none() {
            let used = self.client_commands(chunk, forward)?;
            self.client_kept.extend_from_slice(chunk.get(used..).unwrap_or_default());
            return Ok(());
        }
        self.client_kept.extend_from_slice(chunk);
        self.resume(forward)
    }

    fn take_target(&mut self, chunk: &[u8], forward: Sink<'_>) -> Result<(), Stop> {
        if self.target_kept.is_empty() {
            let used = self.target_replies(chunk, forward)?;
            self.target_kept.extend_from_slice(chunk.get(used..).unwrap_or_default());
            return Ok(());
        }
        self.target_kept.extend_from_slice(chunk);
        let mut kept = std::mem::take(&mut self.target_kept);
        let used = self.target_replies(&kept, forward)?;
        kept.drain(..used);
        self.target_kept = kept;
        Ok(())
    }

    fn resume(&mut self, forward: Sink<'_>) -> Result<(), Stop> {
        if self.pause.is_some() || self.client_kept.is_empty() {
            return Ok(());
        }
        let mut kept = std::mem::take(&mut self.client_kept);
        let used = self.client_commands(&kept, forward)?;
        kept.drain(..used);
        if kept.is_empty() && kept.capacity() > KEPT_MAX {
            // What was needed once for a long command is not held on to.
            kept = Vec::new();
        }
        self.client_kept = kept;
        Ok(())
    }

    fn answered(&mut self, answer: Answer, forward: Sink<'_>) -> Result<(), Stop> {
        self.answer = Some(answer);
        self.pause = None;
        self.resume(forward)
    }

    fn take_question(&mut self) -> Option<Question> {
        self.question.take()
    }

    fn has_room(&self) -> bool {
        self.pause.is_none() || self.client_kept.len() < KEPT_MAX
    }

    fn is_busy(&self) -> bool {
        !self.owed.is_empty()
    }

    fn at_boundary(&self) -> bool {
        self.replies.at_boundary()
    }

    fn journal(&mut self) -> &mut Journal {
        &mut self.journal
    }

    fn take_ours(&mut self) -> Vec<u8> {
        Vec::new()
    }

    fn take_theirs(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.theirs)
    }

    fn take_cancel(&mut self) -> bool {
        false
    }

    /// There is no place for messages that nobody asked for.
    fn notice(&self, _: &str) -> Option<Vec<u8>> {
        None
    }

    fn farewell(&self, text: &str) -> Vec<u8> {
        let mut told = Vec::new();
        put_error(&mut told, "ERR", text);
        told
    }

    fn goodbye(&self) -> Vec<u8> {
        b"*1\r\n$4\r\nQUIT\r\n".to_vec()
    }

    fn end(&mut self) -> Result<(), RecorderFailed> {
        for entry in self.owed.drain(..) {
            let outcome = if entry.refused.is_some() { StatementOutcome::Refused } else { StatementOutcome::Unknown };
            self.journal.end(&entry.running, outcome)?;
        }
        Ok(())
    }
}
