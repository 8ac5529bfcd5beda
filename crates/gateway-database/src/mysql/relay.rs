//! What passes between a client and its target: which commands, one after the other. Moves bytes from
//! slices to sinks and does no I/O of its own.
//!
//! A command is recorded, and held to rules, before it passes; the next one is looked at when it has been
//! answered. What is refused is answered here: to MySQL an error ends a statement and nothing else.

use postern_domain::policy::StatementAction;
use postern_domain::session::EndReason;
use postern_gateway::RecorderFailed;
use postern_wire::mysql::handshake::put_switch;
use postern_wire::mysql::result::put_done;
use postern_wire::mysql::{
    Error, HEAD_LEN, MESSAGE_LEN_MAX, Message, PART_LEN, auth, capability, command, head, message, put,
};
use postern_wire::recording::{StatementOutcome, TransactionState};

use super::mask::Plan;
use super::peers::{Place, is_ours};
use super::prepared::{Bound, Registry};
use super::put_error;
use super::rules::{Judged, Rules};
use super::target::Target;
use super::welcome::{Asked, seed, wish};
use crate::between::{Answer, Between, Question, Sink};
use crate::budget::Spent;
use crate::journal::{Journal, Running, parameters};
use crate::told;

mod answers;

use answers::Expect;

/// Why a session cannot go on.
pub(crate) type Stop = crate::between::Stop<Error>;

/// How much that waits is kept; nothing is read beyond.
const KEPT_MAX: usize = 64 * 1024;

/// Where a prepared statement's number is in a packet.
const NUMBER_AT: usize = HEAD_LEN + 1;

/// What comes next.
#[derive(Debug)]
enum State {
    /// A command.
    Ready,
    /// The target's answer.
    Answer(Expect),
    /// A file of the client's, up to an empty packet.
    Loading,
    /// The client's proofs for signing in anew.
    ChangeUser { user: Vec<u8>, database: Option<String>, proved: bool },
}

/// What runs.
#[derive(Default)]
struct Current {
    running: Option<Running>,
    /// What is known of it, for what is hidden in its rows.
    judged: Option<Judged>,
    columns: Vec<postern_wire::mysql::result::Column>,
    plan: Option<Plan>,
    /// Its rows are in binary form.
    binary: bool,
    /// The database that names are in once it is done.
    database: Option<String>,
    /// What is prepared once it is done.
    preparing: Option<(Vec<u8>, Judged)>,
    /// Rows and bytes of it that have passed.
    rows: u64,
    bytes: u64,
    /// The client has had enough; what still comes of it is dropped.
    cut: bool,
    /// The number of the last packet that the client was sent.
    sent: u8,
}

/// What is done with a command.
enum Fate {
    /// It passes, and this is expected.
    Pass(Option<Expect>),
    /// It stays where it is until the pause is over.
    Wait,
    /// It does not pass.
    Drop,
}

/// One session's relay.
pub(crate) struct Relay {
    rules: Rules,
    journal: Journal,
    names: Registry,
    place: Place,
    may_load: bool,
    may_bulk: bool,
    tells_progress: bool,
    database: Option<String>,
    state: State,
    current: Current,
    transaction: TransactionState,
    /// What the target said last of where its session stands.
    standing: u16,
    client_kept: Vec<u8>,
    target_kept: Vec<u8>,
    /// How much of a packet of the target's that passes is still to come, and whether it is dropped.
    passing: usize,
    dropping: bool,
    /// The next packet of the target's, or of the client's file, continues one.
    continued: bool,
    /// How much of a packet of the client's file is still to come.
    loading: usize,
    paused: bool,
    question: Option<Question>,
    answer: Option<Answer>,
    theirs: Vec<u8>,
    wants_cancel: bool,
    spent: Spent,
}

/// The statement that says what the message of the same meaning does.
fn kill(body: &[u8]) -> Vec<u8> {
    format!("KILL {}", body.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))).into_bytes()
}

/// The statement that says what a command to refresh does, for people: the command passes as it is.
fn refresh(body: &[u8]) -> Vec<u8> {
    const PARTS: [&str; 6] = ["PRIVILEGES", "LOGS", "TABLES", "HOSTS", "STATUS", "THREADS"];
    let bits = body.first().copied().unwrap_or(0);
    let parts = PARTS.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, part)| *part);
    let mut parts: Vec<&str> = parts.collect();
    if bits & 0xC0 != 0 {
        parts.push("REPLICATION");
    }
    format!("FLUSH {}", parts.join(", ")).into_bytes()
}

impl Relay {
    /// A relay for what the client has asked for, with a target that can do this.
    pub(crate) fn new(rules: Rules, journal: Journal, (asked, target): (&Asked, &Target), place: Place) -> Self {
        Self {
            may_load: rules.may_load() && target.capabilities & capability::LOCAL_FILES != 0,
            may_bulk: target.capabilities & capability::BULK != 0,
            tells_progress: target.capabilities & capability::PROGRESS != 0,
            rules,
            journal,
            names: Registry::default(),
            place,
            database: asked.database.clone(),
            state: State::Ready,
            current: Current::default(),
            transaction: TransactionState::None,
            standing: target.status,
            client_kept: Vec::new(),
            target_kept: Vec::new(),
            passing: 0,
            dropping: false,
            continued: false,
            loading: 0,
            paused: false,
            question: None,
            answer: None,
            theirs: Vec::new(),
            wants_cancel: false,
            spent: Spent::default(),
        }
    }

    /// It, with what the client has sent already.
    pub(crate) fn with_input(mut self, input: Vec<u8>) -> Self {
        self.client_kept = input;
        self
    }

    /// The database that the client has asked for in signing in anew, the number of the packet that
    /// answers that, and what it has sent since.
    pub(crate) fn into_rest(mut self) -> (Option<String>, u8, Vec<u8>) {
        let database = match &mut self.state {
            State::ChangeUser { database, .. } => database.take(),
            _ => None,
        };
        let mut number = 1;
        if let Ok(Some(proof)) = message(&self.client_kept, MESSAGE_LEN_MAX) {
            number = proof.number.wrapping_add(1);
            self.client_kept.drain(..proof.length);
        }
        (database, number, self.client_kept)
    }

    /// Deals with what the client has sent; gives how many bytes of it.
    fn client_messages(&mut self, input: &[u8], forward: Sink<'_>) -> Result<usize, Stop> {
        let mut at = 0;
        while !self.paused {
            let rest = input.get(at..).unwrap_or_default();
            match &self.state {
                State::Answer(_) => break,
                State::Loading => {
                    let used = self.load(rest, forward)?;
                    if used == 0 {
                        break;
                    }
                    at += used;
                }
                State::Ready | State::ChangeUser { .. } => {
                    let Some(mut said) = message(rest, MESSAGE_LEN_MAX).map_err(Stop::Client)? else { break };
                    let renamed = self.say_which(&mut said);
                    let fate = match self.state {
                        State::Ready => self.command(&said)?,
                        _ => self.proof(&said)?,
                    };
                    match fate {
                        Fate::Wait => break,
                        Fate::Drop => {}
                        Fate::Pass(expected) => {
                            let whole = rest.get(..said.length).unwrap_or_default();
                            match whole.split_at_checked(NUMBER_AT).zip(renamed) {
                                Some(((head, number_and_rest), renamed)) => {
                                    forward(head)?;
                                    forward(&renamed)?;
                                    forward(number_and_rest.get(renamed.len()..).unwrap_or_default())?;
                                }
                                None => forward(whole)?,
                            }
                            if let Some(expected) = expected {
                                self.state = State::Answer(expected);
                                self.current.sent = said.number;
                            }
                        }
                    }
                    at += said.length;
                }
            }
        }
        Ok(at)
    }

    /// Passes a part of a file on.
    fn load(&mut self, rest: &[u8], forward: Sink<'_>) -> Result<usize, Stop> {
        let mut length = self.loading.min(rest.len());
        if self.loading == 0 {
            let Some(head) = head(rest) else { return Ok(0) };
            if head.length == 0 && !self.continued {
                self.state = State::Answer(Expect::first());
            }
            self.current.sent = head.number;
            self.continued = head.length == PART_LEN;
            self.loading = head.length;
            length = HEAD_LEN;
        } else {
            self.loading -= length;
            if let Some(running) = &mut self.current.running {
                running.bytes_in += u64::try_from(length).unwrap_or(0);
            }
        }
        forward(rest.get(..length).unwrap_or_default())?;
        Ok(length)
    }

    fn command(&mut self, said: &Message) -> Result<Fate, Stop> {
        let content = said.content.as_slice();
        let code = content.first().copied().unwrap_or(0xFF);
        let body = content.get(1..).unwrap_or_default();
        if !command::is_known(code) || code == command::BULK && !self.may_bulk {
            self.tell(said, 1047, "08S01", &Error::NotAllowed(code).to_string());
            return Ok(Fate::Drop);
        }
        match code {
            command::QUIT => Err(Stop::Ended(EndReason::ClientClosed, "the client said goodbye".to_owned())),
            command::QUERY => self.query(said, body),
            command::INIT_DB => {
                let name = String::from_utf8_lossy(body).into_owned();
                let text = format!("USE `{}`", name.replace('`', "``"));
                let fate = self.statement(said, text.as_bytes(), Judged::allowed(), Vec::new(), Expect::Simple)?;
                self.current.database = Some(name);
                Ok(fate)
            }
            command::FIELD_LIST => {
                let table = body.split(|byte| *byte == 0).next().unwrap_or_default();
                let text = format!("SHOW COLUMNS FROM `{}`", String::from_utf8_lossy(table).replace('`', "``"));
                let looked = format!("DESCRIBE `{}`", String::from_utf8_lossy(table).replace('`', "``"));
                let judged = self.rules.judge(looked.as_bytes(), self.database.as_deref());
                self.statement(said, text.as_bytes(), judged, Vec::new(), Expect::Fields)
            }
            command::PROCESS_KILL => self.query(said, &kill(body)),
            command::PREPARE => self.prepare(said, body),
            command::REFRESH | command::SHUTDOWN | command::DEBUG => self.administer(said, code, body),
            command::PROCESS_INFO => self.query(said, b"SHOW PROCESSLIST"),
            command::EXECUTE | command::BULK => self.execute(said, code),
            command::LONG_DATA => {
                let (number, parameter, part) = command::long_data(content).map_err(Stop::Client)?;
                self.names.long_data(number, parameter, part);
                Ok(Fate::Pass(None))
            }
            command::CLOSE => {
                self.names.close(command::statement(content).map_err(Stop::Client)?.0);
                Ok(Fate::Pass(None))
            }
            command::RESET => {
                self.names.forget_long(command::statement(content).map_err(Stop::Client)?.0);
                Ok(Fate::Pass(Some(Expect::Simple)))
            }
            command::FETCH => {
                self.current = Current { binary: true, plan: self.current.plan.take(), ..Current::default() };
                Ok(Fate::Pass(Some(Expect::Rows)))
            }
            command::CHANGE_USER => self.change_user(said),
            command::RESET_CONNECTION if self.rules.are_strict() => {
                self.tell(said, 1047, "08S01", "the session is not reset where rules hold: connect again");
                Ok(Fate::Drop)
            }
            command::RESET_CONNECTION => {
                self.names.clear();
                self.transaction = TransactionState::None;
                Ok(Fate::Pass(Some(Expect::Simple)))
            }
            _ => {
                self.current = Current::default();
                Ok(Fate::Pass(Some(Expect::Simple)))
            }
        }
    }

    /// What is a statement by another name.
    fn administer(&mut self, said: &Message, code: u8, body: &[u8]) -> Result<Fate, Stop> {
        let (judged, text) = match code {
            command::REFRESH => (&b"FLUSH TABLES"[..], refresh(body)),
            command::SHUTDOWN => (&b"SHUTDOWN"[..], b"SHUTDOWN".to_vec()),
            _ => (&b"DEBUG"[..], b"DEBUG".to_vec()),
        };
        let judged = self.rules.judge(judged, self.database.as_deref());
        self.statement(said, &text, judged, Vec::new(), Expect::Simple)
    }

    fn query(&mut self, said: &Message, text: &[u8]) -> Result<Fate, Stop> {
        if let Some((number, query)) = postern_sql::mysql_kill(text)
            && is_ours(number)
        {
            return self.stop_peer(said, text, (number, !query));
        }
        let judged = self.rules.judge(text, self.database.as_deref());
        let database = if self.rules.are_strict() { postern_sql::mysql_use(text) } else { None };
        let fate = self.statement(said, text, judged, Vec::new(), Expect::first())?;
        self.current.database = database;
        Ok(fate)
    }

    /// Stops what runs in another session of the same person, as a target does it on the word of the same
    /// account: no rule is asked, as with the cancelling of other protocols.
    fn stop_peer(&mut self, said: &Message, text: &[u8], (number, ends): (u32, bool)) -> Result<Fate, Stop> {
        let mut running = self.journal.begin_with(text, Vec::new(), self.transaction)?;
        if self.place.is(number) {
            running.failed("1317 70100", "it stopped itself");
            self.tell(said, 1317, "70100", "the statement stopped itself");
            if ends {
                self.place.stop(number, true);
            }
        } else if self.place.stop(number, ends) {
            running.completed(b"OK", None);
            put_done(&mut self.theirs, said.number.wrapping_add(1), self.standing);
        } else {
            let told = format!("there is no connection {number} of yours to this account");
            running.failed("1094 HY000", &told);
            self.tell(said, 1094, "HY000", &told);
        }
        self.journal.end(&running, StatementOutcome::Done)?;
        Ok(Fate::Drop)
    }

    /// Records a statement and lets it pass, unless a rule speaks of it.
    fn statement(
        &mut self,
        said: &Message,
        text: &[u8],
        judged: Judged,
        bound: Vec<Bound>,
        expected: Expect,
    ) -> Result<Fate, Stop> {
        let redacted = redacted(text);
        let text = redacted.as_deref().unwrap_or(text);
        let values = || bound.iter().map(|(binary, value)| (*binary, value.as_deref()));
        let refused = match self.answer.take() {
            Some(Answer::Refuse(why)) => Some(why),
            Some(Answer::Run) => None,
            None if judged.verdict.action == StatementAction::Allow => None,
            None => {
                let shown = String::from_utf8_lossy(text);
                let event = told::event(&judged.verdict, postern_sql::mysql_shape(&shown), &shown, values());
                self.question = Some(Question::Statement(event));
                self.paused = true;
                return Ok(Fate::Wait);
            }
        };
        let mut running = self.journal.begin_with(text, parameters(values()), self.transaction)?;
        if let Some(why) = refused {
            running.failed("42000", &why);
            self.journal.end(&running, StatementOutcome::Refused)?;
            self.tell(said, 1227, "42000", &why);
            return Ok(Fate::Drop);
        }
        self.current = Current { running: Some(running), judged: Some(judged), ..Current::default() };
        Ok(Fate::Pass(Some(expected)))
    }

    fn prepare(&mut self, said: &Message, text: &[u8]) -> Result<Fate, Stop> {
        let judged = self.rules.judge(text, self.database.as_deref());
        let full =
            (!self.names.has_room(text.len())).then(|| "too many statements are prepared: close some".to_owned());
        // What is watched or waits does so when it is run.
        if judged.verdict.action >= StatementAction::Block || full.is_some() {
            if let Some(why) = full {
                self.answer = Some(Answer::Refuse(why));
            }
            return self.statement(said, text, judged, Vec::new(), Expect::prepare());
        }
        let kept = redacted(text).unwrap_or_else(|| text.to_vec());
        self.current = Current { preparing: Some((kept, judged)), ..Current::default() };
        Ok(Fate::Pass(Some(Expect::prepare())))
    }

    fn execute(&mut self, said: &Message, code: u8) -> Result<Fate, Stop> {
        let number = command::statement(&said.content).map_err(Stop::Client)?.0;
        let Some((text, judged)) =
            self.names.get(number).map(|prepared| (prepared.text.clone(), prepared.judged.clone()))
        else {
            // What is not known here is not known to have been looked at.
            self.tell(said, 1243, "HY000", &format!("statement {number} is not prepared"));
            return Ok(Fate::Drop);
        };
        let bound = if code == command::BULK {
            self.names.bound_rows(number, &said.content)
        } else {
            self.names.bound(number, &said.content)
        };
        let bound = match bound {
            Ok(bound) => bound,
            Err(error) => {
                self.tell(said, 1210, "HY000", &error.to_string());
                return Ok(Fate::Drop);
            }
        };
        let fate = self.statement(said, &text, judged, bound, Expect::first())?;
        if let Fate::Pass(_) = fate {
            self.names.forget_long(number);
            self.current.binary = true;
        }
        Ok(fate)
    }

    /// Puts the number of the statement that was prepared last where a client only says that it means that
    /// one: the target must not understand another than was looked at. Gives what stands there now.
    fn say_which(&self, said: &mut Message) -> Option<[u8; 4]> {
        let code = said.content.first().copied()?;
        if !matches!(self.state, State::Ready) || !command::names_statement(code) {
            return None;
        }
        let (number, _) = command::statement(&said.content).ok()?;
        let meant = self.names.meant(number).filter(|meant| *meant != number)?.to_le_bytes();
        said.content.get_mut(NUMBER_AT - HEAD_LEN..NUMBER_AT)?.copy_from_slice(&meant);
        Some(meant)
    }

    /// Answers a command with an error of ours.
    fn tell(&mut self, said: &Message, code: u16, state: &str, why: &str) {
        put_error(&mut self.theirs, said.number.wrapping_add(1), code, state, why);
    }

    /// Asks for the proofs that signing in anew takes.
    fn change_user(&mut self, said: &Message) -> Result<Fate, Stop> {
        let (user, database) = command::change_user(&said.content).map_err(Stop::Client)?;
        let database = database.map(|name| String::from_utf8_lossy(name).into_owned());
        self.state = State::ChangeUser { user: user.to_vec(), database, proved: false };
        let mut content = Vec::new();
        put_switch(&mut content, auth::CACHING, &seed()?);
        put(&mut self.theirs, said.number.wrapping_add(1), &content);
        Ok(Fate::Drop)
    }

    /// A proof of the client's: first one of no use, then the token.
    fn proof(&mut self, said: &Message) -> Result<Fate, Stop> {
        let State::ChangeUser { user, proved, .. } = &mut self.state else { return Ok(Fate::Drop) };
        if !*proved {
            *proved = true;
            put(&mut self.theirs, said.number.wrapping_add(1), &auth::WANTS_PASSWORD);
            return Ok(Fate::Drop);
        }
        self.current.sent = said.number;
        let why = match (self.answer.take(), wish(user, &said.content)) {
            (Some(Answer::Refuse(why)), _) | (_, Err(why)) => why,
            (Some(Answer::Run), _) => return Ok(Fate::Wait),
            (None, Ok(wish)) => {
                self.question = Some(Question::SignIn(wish));
                self.paused = true;
                return Ok(Fate::Wait);
            }
        };
        // As a server does it: who fails to sign in anew is out.
        Err(Stop::Ended(EndReason::Killed, why))
    }
}

/// The text without the passwords in it, where there are any.
fn redacted(text: &[u8]) -> Option<Vec<u8>> {
    if !postern_sql::mentions(text, b"password") && !postern_sql::mentions(text, b"identified") {
        return None;
    }
    match str::from_utf8(text) {
        Ok(text) => postern_sql::mysql_redacted(text).map(String::into_bytes),
        Err(_) => Some(b"-- a text that is no UTF-8 and mentions a password".to_vec()),
    }
}

impl Between for Relay {
    type Error = Error;

    fn take_client(&mut self, chunk: &[u8], forward: Sink<'_>) -> Result<(), Stop> {
        self.client_kept.extend_from_slice(chunk);
        self.resume(forward)
    }

    fn take_target(&mut self, chunk: &[u8], forward: Sink<'_>) -> Result<(), Stop> {
        if self.target_kept.is_empty() {
            let used = self.target_messages(chunk, forward)?;
            self.target_kept.extend_from_slice(chunk.get(used..).unwrap_or_default());
            return Ok(());
        }
        self.target_kept.extend_from_slice(chunk);
        let mut kept = std::mem::take(&mut self.target_kept);
        let used = self.target_messages(&kept, forward)?;
        kept.drain(..used);
        self.target_kept = kept;
        Ok(())
    }

    fn resume(&mut self, forward: Sink<'_>) -> Result<(), Stop> {
        if self.paused || self.client_kept.is_empty() {
            return Ok(());
        }
        let mut kept = std::mem::take(&mut self.client_kept);
        let used = self.client_messages(&kept, forward)?;
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
        self.paused = false;
        self.resume(forward)
    }

    fn take_question(&mut self) -> Option<Question> {
        self.question.take()
    }

    fn has_room(&self) -> bool {
        let waits = self.paused || matches!(self.state, State::Answer(_));
        !waits || self.client_kept.len() < KEPT_MAX
    }

    fn is_busy(&self) -> bool {
        matches!(self.state, State::Answer(_) | State::Loading)
    }

    fn at_boundary(&self) -> bool {
        self.passing == 0 && !self.continued
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
        std::mem::take(&mut self.wants_cancel)
    }

    /// There is no place for messages that nobody asked for.
    fn notice(&self, _: &str) -> Option<Vec<u8>> {
        None
    }

    fn farewell(&self, text: &str) -> Vec<u8> {
        let mut told = Vec::new();
        let number =
            if matches!(self.state, State::Ready) && !self.paused { 0 } else { self.current.sent.wrapping_add(1) };
        put_error(&mut told, number, 1927, "70100", text);
        told
    }

    fn goodbye(&self) -> Vec<u8> {
        vec![1, 0, 0, 0, command::QUIT]
    }

    fn end(&mut self) -> Result<(), RecorderFailed> {
        match self.current.running.take() {
            Some(running) => self.journal.end(&running, StatementOutcome::Unknown),
            None => Ok(()),
        }
    }
}
