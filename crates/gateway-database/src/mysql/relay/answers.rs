//! What the target answers.

use postern_domain::session::EndReason;
use postern_wire::mysql::result::{
    AUTOCOMMIT, CURSOR, IN_TRANSACTION, MORE_RESULTS, PROGRESS, column, columns, done, end, error, is_end, prepared,
    put_error as put_target_error,
};
use postern_wire::mysql::{Error, HEAD_LEN, MESSAGE_LEN_MAX, PART_LEN, head, message, put};
use postern_wire::recording::{StatementOutcome, TransactionState};

use super::super::mask::Mask;
use super::{Relay, Sink, State, Stop, put_error};
use crate::told;

/// Errors whose words are about the statement's text and what may be done with it: no database, unknown database,
/// table, column or function, syntax, not allowed, interrupted, waited too long.
const ABOUT_THE_TEXT: [u16; 17] =
    [1044, 1046, 1049, 1050, 1051, 1054, 1064, 1109, 1142, 1143, 1146, 1205, 1213, 1305, 1317, 1370, 1969];

/// What the target is to send next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expect {
    /// One packet, whatever it is.
    Simple,
    /// Columns up to their end.
    Fields,
    /// How a result begins.
    First,
    /// So many columns of a result, and their end.
    Columns(u64),
    /// Rows up to their end.
    Rows,
    /// That a statement is prepared.
    Prepare,
    /// So many parameters, then so many columns, each with an end where there are any.
    Prepared { parameters: u32, columns: u32 },
}

impl Expect {
    /// Of a statement.
    pub(super) const fn first() -> Self {
        Self::First
    }

    /// Of one that is prepared.
    pub(super) const fn prepare() -> Self {
        Self::Prepare
    }
}

/// What is done with a packet.
enum Fate {
    Pass,
    Drop,
    Replace(Vec<u8>),
}

impl Relay {
    /// Deals with the target's packets; gives how many bytes of them.
    pub(super) fn target_messages(&mut self, input: &[u8], forward: Sink<'_>) -> Result<usize, Stop> {
        // Bytes from `run` to `at` pass; they go in one piece.
        let (mut run, mut at) = (0, 0);
        loop {
            let rest = input.get(at..).unwrap_or_default();
            let (length, fate) = if self.passing > 0 {
                let here = self.passing.min(rest.len());
                self.passing -= here;
                (here, if self.dropping { Fate::Drop } else { Fate::Pass })
            } else {
                match self.packet(rest)? {
                    Some(packet) => packet,
                    None => break,
                }
            };
            if length == 0 {
                break;
            }
            if !matches!(fate, Fate::Pass) {
                forward(input.get(run..at).unwrap_or_default())?;
                run = at + length;
            }
            if let Fate::Replace(instead) = fate {
                forward(&instead)?;
            }
            at += length;
        }
        if run < at {
            forward(input.get(run..at).unwrap_or_default())?;
        }
        Ok(at)
    }

    /// The packet at the front: how much of it is dealt with, and how; none while more bytes are needed.
    fn packet(&mut self, rest: &[u8]) -> Result<Option<(usize, Fate)>, Stop> {
        let Some(head) = head(rest) else { return Ok(None) };
        let State::Answer(expected) = self.state else { return Err(Stop::Target(Error::Unasked)) };
        if self.continued {
            self.continued = head.length == PART_LEN;
            return Ok(Some(self.pass(head.length, head.number, rest, self.dropping)));
        }
        let first = match (head.length, rest.get(HEAD_LEN)) {
            (0, _) => 0,
            (_, Some(first)) => *first,
            (_, None) => return Ok(None),
        };
        let is_row = expected == Expect::Rows && first != 0xFF && !is_end(first, head.length);
        if is_row && (self.rules.mask().is_none() || self.current.cut) {
            self.continued = head.length == PART_LEN;
            if let Some(told) = self.row(head.length) {
                // Begins to be dropped with the one that is too many.
                let (length, _) = self.pass(head.length, head.number, rest, true);
                return Ok(Some((length, Fate::Replace(told))));
            }
            return Ok(Some(self.pass(head.length, head.number, rest, self.current.cut)));
        }
        let max = if is_row { PART_LEN - 1 } else { MESSAGE_LEN_MAX };
        let Some(said) = message(rest, max).map_err(Stop::Target)? else { return Ok(None) };
        let fate = if is_row {
            self.masked(said.number, &said.content)?
        } else {
            match self.answer(expected, first, &said.content)? {
                Fate::Pass if first == 0xFF => self.shown_error(said.number, &said.content)?,
                fate => fate,
            }
        };
        let is_error = first == 0xFF && !is_row;
        let passes = matches!(fate, Fate::Pass) || is_error;
        let fate = if self.current.cut && passes { Fate::Drop } else { fate };
        if !matches!(fate, Fate::Drop) {
            self.current.sent = said.number;
        }
        self.over_if_ready();
        Ok(Some((said.length, fate)))
    }

    /// A packet passes, or is dropped, without being read.
    fn pass(&mut self, length: usize, number: u8, rest: &[u8], drops: bool) -> (usize, Fate) {
        let here = (HEAD_LEN + length).min(rest.len());
        self.passing = HEAD_LEN + length - here;
        self.dropping = drops;
        if !drops {
            self.current.sent = number;
        }
        (here, if drops { Fate::Drop } else { Fate::Pass })
    }

    /// A row has come; what the client is told where it is one too many.
    fn row(&mut self, length: usize) -> Option<Vec<u8>> {
        let bytes = u64::try_from(length).unwrap_or(u64::MAX);
        self.current.rows += 1;
        self.current.bytes = self.current.bytes.saturating_add(bytes);
        self.spent.add(1, bytes);
        if let Some(running) = &mut self.current.running {
            running.seen += 1;
            running.bytes_out = running.bytes_out.saturating_add(bytes);
        }
        if self.current.cut {
            return None;
        }
        let why = self.spent.beyond(self.rules.budgets(), self.current.rows, self.current.bytes)?;
        (self.current.cut, self.wants_cancel) = (true, true);
        if let Some(running) = &mut self.current.running {
            running.failed("54000", why);
        }
        let mut told = Vec::new();
        put_error(&mut told, self.current.sent.wrapping_add(1), 1317, "70100", why);
        Some(told)
    }

    /// A row in which something may be hidden.
    fn masked(&mut self, number: u8, content: &[u8]) -> Result<Fate, Stop> {
        if let Some(told) = self.row(content.len()) {
            return Ok(Fate::Replace(told));
        }
        let (Some(mask), Some(plan)) = (self.rules.mask(), &self.current.plan) else {
            // What has not been described cannot be shown.
            return Err(Stop::Target(Error::Unasked));
        };
        let row = mask.row(content, self.current.binary, plan).map_err(Stop::Target)?;
        if let Some(running) = &mut self.current.running
            && self.journal.keeps_row(running)
        {
            let values = Mask::values(&row, self.current.binary, plan).map_err(Stop::Target)?;
            let values = values.iter().map(|(binary, value)| (*binary, value.as_deref()));
            self.journal.row(running, Mask::names(plan), values)?;
        }
        let mut shown = Vec::with_capacity(row.len() + HEAD_LEN);
        put(&mut shown, number, &row);
        Ok(Fate::Replace(shown))
    }

    fn answer(&mut self, expected: Expect, first: u8, content: &[u8]) -> Result<Fate, Stop> {
        if first == 0xFF && !matches!(expected, Expect::Columns(_) | Expect::Prepared { .. }) {
            return self.failed(content);
        }
        let next = match expected {
            Expect::Simple => {
                if let Ok(done) = done(content)
                    && first == 0x00
                {
                    self.status(done.status);
                }
                None
            }
            Expect::Fields => (!is_end(first, content.len())).then_some(Expect::Fields),
            Expect::First => return self.begun(first, content),
            Expect::Columns(0) => {
                let status = end(content).map_err(Stop::Target)?;
                self.describe();
                // With a cursor there are no rows yet.
                if status & CURSOR == 0 { Some(Expect::Rows) } else { self.more(status) }
            }
            Expect::Columns(left) => {
                let column = column(content).map_err(Stop::Target)?;
                if self.rules.mask().is_some() {
                    self.current.columns.push(column);
                }
                Some(Expect::Columns(left - 1))
            }
            Expect::Rows => {
                let status = end(content).map_err(Stop::Target)?;
                self.status(status);
                self.more(status)
            }
            Expect::Prepare => {
                let (number, columns, parameters) = prepared(content).map_err(Stop::Target)?;
                if let Some((text, judged)) = self.current.preparing.take() {
                    self.names.add(number, text, judged, parameters);
                }
                described(parameters, columns)
            }
            Expect::Prepared { parameters, columns } => match (parameters, columns, is_end(first, content.len())) {
                // The end of the parameters, then that of the columns.
                (1, columns, true) if columns > 0 => Some(Expect::Prepared { parameters: 0, columns }),
                (1, _, true) | (0, 1, true) => None,
                (2.., columns, false) => Some(Expect::Prepared { parameters: parameters - 1, columns }),
                (0, 2.., false) => Some(Expect::Prepared { parameters, columns: columns - 1 }),
                _ => return Err(Stop::Target(Error::Malformed("a prepared statement"))),
            },
        };
        self.expects(next)?;
        Ok(Fate::Pass)
    }

    /// How a result begins: it is done, it has columns, or a file is wanted.
    fn begun(&mut self, first: u8, content: &[u8]) -> Result<Fate, Stop> {
        let next = match first {
            0x00 => {
                let done = done(content).map_err(Stop::Target)?;
                if let Some(running) = &mut self.current.running {
                    running.completed(b"OK", Some(done.rows));
                }
                self.status(done.status);
                self.more(done.status)
            }
            0xFB if !self.may_load => {
                let told = "copy_in is not allowed by the policy of this session".to_owned();
                return Err(Stop::Ended(EndReason::Killed, told));
            }
            0xFB => {
                self.state = State::Loading;
                return Ok(Fate::Pass);
            }
            _ => {
                self.current.columns.clear();
                Some(Expect::Columns(columns(content).map_err(Stop::Target)?))
            }
        };
        self.expects(next)?;
        Ok(Fate::Pass)
    }

    /// The columns are known: what is hidden in rows is too.
    fn describe(&mut self) {
        if let Some(mask) = self.rules.mask() {
            let facts = self.current.judged.as_ref().map(|judged| judged.facts.as_slice()).unwrap_or_default();
            self.current.plan = Some(mask.plan(&self.current.columns, facts));
            if let Some(running) = &mut self.current.running {
                running.described();
            }
        }
    }

    fn more(&self, status: u16) -> Option<Expect> {
        (status & MORE_RESULTS != 0).then_some(Expect::First)
    }

    fn status(&mut self, status: u16) {
        self.standing = status & (AUTOCOMMIT | IN_TRANSACTION);
        self.transaction = if status & IN_TRANSACTION == 0 { TransactionState::None } else { TransactionState::Open };
    }

    /// The words of an error as they are told and recorded: where something is hidden, they may hold that.
    fn words(&self, code: u16, text: &[u8]) -> String {
        let text = String::from_utf8_lossy(text);
        let Some(mask) = self.rules.mask().filter(|mask| mask.hides()) else { return text.into_owned() };
        let facts = self.current.judged.as_ref().map(|judged| judged.facts.as_slice()).unwrap_or_default();
        if ABOUT_THE_TEXT.contains(&code) && !told::says_what_it_likes(facts) {
            return mask.words(&text);
        }
        told::veiled(&format!("says {code}"))
    }

    /// An error as it is told.
    fn shown_error(&self, number: u8, content: &[u8]) -> Result<Fate, Stop> {
        let (code, state, text) = error(content).map_err(Stop::Target)?;
        if !self.rules.mask().is_some_and(Mask::hides) || code == PROGRESS {
            return Ok(Fate::Pass);
        }
        let mut told = Vec::new();
        put_target_error(&mut told, number, code, &String::from_utf8_lossy(state), &self.words(code, text));
        Ok(Fate::Replace(told))
    }

    fn failed(&mut self, content: &[u8]) -> Result<Fate, Stop> {
        let (code, state, text) = error(content).map_err(Stop::Target)?;
        if code == PROGRESS && self.tells_progress {
            return Ok(Fate::Pass);
        }
        let told = (format!("{code} {}", String::from_utf8_lossy(state)), self.words(code, text));
        if let Some((text, _)) = self.current.preparing.take() {
            self.names.forget_last();
            // It never ran; what it was is told nowhere else.
            self.current.running = Some(self.journal.begin_with(&text, Vec::new(), self.transaction)?);
        }
        if let Some(running) = &mut self.current.running {
            running.failed(&told.0, &told.1);
        }
        self.current.database = None;
        self.expects(None)?;
        Ok(Fate::Pass)
    }

    /// This comes next, or the answer is over.
    fn expects(&mut self, next: Option<Expect>) -> Result<(), Stop> {
        if let Some(next) = next {
            self.state = State::Answer(next);
            return Ok(());
        }
        if let Some(running) = self.current.running.take() {
            self.journal.end(&running, StatementOutcome::Done)?;
        }
        if let Some(database) = self.current.database.take() {
            self.database = Some(database);
        }
        self.state = State::Ready;
        Ok(())
    }

    /// What was cut off is over with the answer.
    fn over_if_ready(&mut self) {
        if matches!(self.state, State::Ready) {
            self.current.cut = false;
        }
    }
}

/// What follows after a statement is prepared; a one more than there are stands for the end.
fn described(parameters: u16, columns: u16) -> Option<Expect> {
    let and_end = |count: u16| if count == 0 { 0 } else { u32::from(count) + 1 };
    (parameters > 0 || columns > 0)
        .then(|| Expect::Prepared { parameters: and_end(parameters), columns: and_end(columns) })
}
