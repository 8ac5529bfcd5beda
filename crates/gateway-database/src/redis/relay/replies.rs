//! What the target answers.

use postern_domain::session::EndReason;
use postern_wire::recording::StatementOutcome;
use postern_wire::redis::{Count, Error, Piece, first_word, subscriptions};

use super::super::mask::values;
use super::{Entry, Kind, Pause, Relay, Sink, Stop, put_error};
use crate::told;

/// The longest reply that is held until it is complete.
const HELD_LEN_MAX: usize = 16 * 1024 * 1024;

/// Whose a reply is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Whose {
    /// The first command's that waits for one.
    #[default]
    Answer,
    /// A confirmation about this kind of subscription, after which there are so many in all.
    Confirmation { which: usize, total: u64 },
    /// Nobody's: it was not asked for.
    Push,
}

/// The reply that is being taken.
#[derive(Default)]
pub(super) struct Current {
    whose: Whose,
    /// It is not passed on before it is complete.
    held: Option<Vec<u8>>,
    /// What the client is told in its place.
    instead: Option<(&'static str, String)>,
    rows: u64,
    bytes: u64,
}

impl Relay {
    /// Deals with the target's replies; gives how many bytes of them.
    pub(super) fn target_replies(&mut self, input: &[u8], forward: Sink<'_>) -> Result<usize, Stop> {
        // Bytes from `run` to `at` pass; they go in one piece.
        let (mut run, mut at) = (0, 0);
        let mut over = None;
        while over.is_none() {
            let rest = input.get(at..).unwrap_or_default();
            if self.replies.at_boundary() && (rest.is_empty() || !self.begins(rest)?) {
                break;
            }
            let Some(piece) = self.replies.next(rest).map_err(Stop::Target)? else { break };
            let length = piece.length();
            self.piece(&piece)?;
            if self.current.instead.is_some() || self.current.held.is_some() {
                forward(input.get(run..at).unwrap_or_default())?;
                run = at + length;
                self.hold(rest.get(..length).unwrap_or_default());
            }
            at += length;
            if let Piece::Line { last: true, .. } | Piece::Data { last: true, .. } = piece {
                let shown = self.shown()?;
                if !shown.is_empty() {
                    forward(&shown)?;
                }
                over = self.over()?;
            }
        }
        if run < at {
            forward(input.get(run..at).unwrap_or_default())?;
        }
        over.map_or(Ok(at), Err)
    }

    /// Finds out whose the reply is that begins; false while more bytes are needed for that.
    fn begins(&mut self, rest: &[u8]) -> Result<bool, Stop> {
        let listens = self.subscribed != [0; 3] || self.is_subscribing();
        let could_be_push = match rest.first() {
            Some(b'>') => true,
            Some(b'*') => !self.three && listens,
            _ => false,
        };
        let mut whose = Whose::Answer;
        if could_be_push {
            let Some(word) = first_word(rest).map_err(Stop::Target)? else { return Ok(false) };
            let confirmed = match word {
                b"subscribe" | b"unsubscribe" => Some(0),
                b"psubscribe" | b"punsubscribe" => Some(1),
                b"ssubscribe" | b"sunsubscribe" => Some(2),
                _ => None,
            };
            if let Some(which) = confirmed {
                let Some(total) = subscriptions(rest).map_err(Stop::Target)? else { return Ok(false) };
                whose = Whose::Confirmation { which, total };
            } else if rest.first() == Some(&b'>') || matches!(word, b"message" | b"pmessage" | b"smessage") {
                whose = Whose::Push;
            }
        }
        if whose == Whose::Answer && self.owed.is_empty() {
            return Err(Stop::Target(Error::Unasked));
        }
        let held = self.rules.holds_replies().then(Vec::new);
        self.current = Current { whose, held, ..Current::default() };
        Ok(true)
    }

    fn is_subscribing(&self) -> bool {
        matches!(self.owed.front(), Some(Entry { kind: Kind::Subscriptions { .. }, .. }))
    }

    /// A piece of the reply has arrived.
    fn piece(&mut self, piece: &Piece<'_>) -> Result<(), Stop> {
        let bytes = u64::try_from(piece.length()).unwrap_or(u64::MAX);
        self.current.bytes = self.current.bytes.saturating_add(bytes);
        let mut rows = 0;
        if let Piece::Line { kind, text, count, first: true, .. } = piece {
            rows = match count {
                Count::One => 0,
                Count::Bytes(_) => 1,
                Count::Values(values) => *values,
            };
            self.current.rows = rows;
            if self.current.whose == Whose::Answer
                && let Some(entry) = self.owed.front_mut()
            {
                match (*kind, &entry.refused) {
                    (b'-', Some(told)) => self.current.instead = Some(("NOPERM", told.to_string())),
                    // What was refused cannot have been done.
                    (_, Some(_)) => return Err(Stop::Target(Error::Unasked)),
                    // A script says what it likes in its errors.
                    (b'-', None) if entry.hides => {
                        let veiled = told::veiled("says that it failed");
                        entry.running.failed("ERR", &veiled);
                        self.current.instead = Some(("ERR", veiled));
                    }
                    (b'-', None) => {
                        let text = String::from_utf8_lossy(text);
                        let (code, message) = text.split_once(' ').unwrap_or((&text, ""));
                        entry.running.failed(code, message);
                    }
                    (b'+', None) => entry.running.completed(text, None),
                    _ => {}
                }
            }
        }
        if let Some(entry) = self.owed.front_mut().filter(|_| self.current.whose == Whose::Answer) {
            entry.running.seen += rows;
            entry.running.bytes_out = entry.running.bytes_out.saturating_add(bytes);
            if entry.kind == Kind::Commands {
                return Ok(());
            }
        }
        self.spent.add(rows, bytes);
        if self.current.instead.is_none()
            && let Some(why) = self.spent.beyond(self.rules.budgets(), self.current.rows, self.current.bytes)
        {
            self.cut(why.to_owned());
        }
        Ok(())
    }

    /// The reply is not shown; this is.
    fn cut(&mut self, why: String) {
        if let Some(entry) = self.owed.front_mut().filter(|_| self.current.whose == Whose::Answer) {
            entry.running.failed("ERR", &why);
        }
        self.current.held = None;
        self.current.instead = Some(("ERR", why));
    }

    fn hold(&mut self, bytes: &[u8]) {
        let Some(held) = &mut self.current.held else { return };
        if held.len() + bytes.len() > HELD_LEN_MAX {
            self.cut(format!("a reply of more than {HELD_LEN_MAX} bytes cannot be looked into"));
            return;
        }
        held.extend_from_slice(bytes);
    }

    /// The reply is complete: what is shown of it beyond what has passed.
    fn shown(&mut self) -> Result<Vec<u8>, Stop> {
        if let Some((code, why)) = self.current.instead.take() {
            // Nobody waits for a message that was not asked for.
            let mut told = Vec::new();
            if self.current.whose == Whose::Answer {
                put_error(&mut told, code, &why);
            }
            return Ok(told);
        }
        let Some(held) = self.current.held.take() else { return Ok(Vec::new()) };
        let shown = match (self.rules.mask(), self.current.whose) {
            (Some(mask), Whose::Answer | Whose::Push) => {
                let hides = self.current.whose == Whose::Answer && self.owed.front().is_some_and(|entry| entry.hides);
                mask.reply(&held, hides).map_err(Stop::Target)?
            }
            _ => held,
        };
        if let Some(entry) = self.owed.front_mut().filter(|_| self.current.whose == Whose::Answer)
            && self.journal.keeps_row(&entry.running)
        {
            let values = values(&shown).map_err(Stop::Target)?;
            let told = values.iter().map(|value| (value.is_some_and(|value| str::from_utf8(value).is_err()), *value));
            self.journal.row(&mut entry.running, std::iter::empty(), told)?;
        }
        Ok(shown)
    }

    /// The reply is over; why the session is too, if so.
    fn over(&mut self) -> Result<Option<Stop>, Stop> {
        match self.current.whose {
            Whose::Push => return Ok(None),
            Whose::Confirmation { which, total } => {
                self.confirmed(which, total);
                let Some(Entry { kind: Kind::Subscriptions { left }, .. }) = self.owed.front_mut() else {
                    return Ok(None);
                };
                *left = left.saturating_sub(1);
                if *left > 0 {
                    return Ok(None);
                }
            }
            Whose::Answer => {}
        }
        let Some(entry) = self.owed.pop_front() else { return Err(Stop::Target(Error::Unasked)) };
        let failed = entry.running.has_failed();
        let outcome = if entry.refused.is_some() { StatementOutcome::Refused } else { StatementOutcome::Done };
        self.journal.end(&entry.running, outcome)?;
        if let Kind::Hello { three } = entry.kind
            && !failed
        {
            self.three = three;
        }
        if self.pause == Some(Pause::Answers) && self.owed.is_empty() {
            self.pause = None;
        }
        let closed = (EndReason::ClientClosed, "the client said goodbye".to_owned());
        Ok((entry.kind == Kind::Quit).then_some(Stop::Ended(closed.0, closed.1)))
    }

    /// There are `total` subscriptions of this kind, channels and patterns together.
    fn confirmed(&mut self, which: usize, total: u64) {
        let [channels, patterns, shards] = &mut self.subscribed;
        match which {
            0 => *channels = total.saturating_sub(*patterns),
            1 => *patterns = total.saturating_sub(*channels),
            _ => *shards = total,
        }
    }
}
