//! What the target answers.

use std::sync::Arc;

use postern_domain::Capability;
use postern_domain::session::EndReason;
use postern_wire::pg::back::Report;
use postern_wire::pg::{Error as WireError, Owed, Piece, Transaction, Turn, back, body};
use postern_wire::recording::StatementOutcome;

use super::super::mask::Mask;
use super::{Entry, Look, Pause, Relay, Sink, Stop, Wording, report};
use crate::told;

/// The longest row that is rewritten.
const ROW_LEN_MAX: usize = 16 * 1024 * 1024;

/// What is done with a message of the target's.
enum Fate {
    Pass,
    Drop,
    Replace(Vec<u8>),
}

impl Relay {
    /// The target has sent this.
    pub(crate) fn take_target(&mut self, chunk: &[u8], forward: Sink<'_>) -> Result<(), Stop> {
        if self.target.kept.is_empty() {
            let used = self.target_messages(chunk, forward)?;
            self.target.kept.extend_from_slice(chunk.get(used..).unwrap_or_default());
            return Ok(());
        }
        self.target.kept.extend_from_slice(chunk);
        let kept = std::mem::take(&mut self.target.kept);
        let used = self.target_messages(&kept, forward)?;
        self.target.keep(kept, used);
        Ok(())
    }

    /// Deals with the target's messages; gives how many bytes of them.
    fn target_messages(&mut self, input: &[u8], forward: Sink<'_>) -> Result<usize, Stop> {
        // Bytes from `run` to `at` pass; they go in one piece.
        let (mut run, mut at) = (0, 0);
        let looks = self.rules.mask().is_some();
        let replicating = self.rules.replicates() && !self.rules.hides();
        loop {
            let rest = input.get(at..).unwrap_or_default();
            let handling = |tag| {
                if looks {
                    back::handling_rows(tag, replicating, ROW_LEN_MAX)
                } else {
                    back::handling(tag, replicating)
                }
            };
            let Some(piece) = self.target.splitter.next(rest, handling).map_err(Stop::Target)? else { break };
            let (length, fate) = match piece {
                Piece::More(here) => (here, if self.dropping { Fate::Drop } else { Fate::Pass }),
                Piece::Pass { tag, total, here } => {
                    let fate = self.passing(tag, total)?;
                    self.dropping = matches!(fate, Fate::Drop);
                    (here, fate)
                }
                Piece::Whole { tag, total } => {
                    (total, self.target_message(tag, rest.get(..total).unwrap_or_default())?)
                }
            };
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

    /// A message that passes however long it is: a row, copy data, a notice.
    #[inline]
    fn passing(&mut self, tag: u8, total: usize) -> Result<Fate, Stop> {
        if !matches!(tag, b'D' | b'd') {
            // Functions say what they like in them.
            if self.rules.hides() && matches!(tag, b'N' | b'A') {
                return Ok(Fate::Drop);
            }
            self.pipeline.answered(tag).map_err(Stop::Target)?;
            return Ok(if self.cut && tag == b'V' { Fate::Drop } else { Fate::Pass });
        }
        let Some((_, Entry::Running(running, _))) = self.pipeline.front_mut() else {
            return Err(Stop::Target(WireError::Unasked(tag)));
        };
        let bytes = u64::try_from(total.saturating_sub(5)).unwrap_or(u64::MAX);
        running.seen += 1;
        running.bytes_out = running.bytes_out.saturating_add(bytes);
        let (rows, statement_bytes) = (running.seen, running.bytes_out);
        self.session_rows += 1;
        self.session_bytes = self.session_bytes.saturating_add(bytes);
        if self.cut {
            return Ok(Fate::Drop);
        }
        match self.beyond(rows, statement_bytes) {
            Some(why) => Ok(self.cut_off(why)),
            None => Ok(Fate::Pass),
        }
    }

    /// Which budget is used up, if one is.
    #[inline]
    fn beyond(&self, rows: u64, bytes: u64) -> Option<&'static str> {
        let budgets = self.rules.budgets();
        let over = |budget: Option<u64>, used: u64| budget.is_some_and(|budget| used > budget);
        if over(budgets.statement_rows, rows) {
            Some("more rows than the policy gives one statement")
        } else if over(budgets.statement_bytes, bytes) {
            Some("more bytes than the policy gives one statement")
        } else if over(budgets.session_rows, self.session_rows) {
            Some("more rows than the policy gives one session")
        } else if over(budgets.session_bytes, self.session_bytes) {
            Some("more bytes than the policy gives one session")
        } else {
            None
        }
    }

    /// Shows the client an error, cancels what runs, and drops what still comes of it.
    fn cut_off(&mut self, why: &'static str) -> Fate {
        (self.cut, self.wants_cancel) = (true, true);
        if let Some((_, Entry::Running(running, _))) = self.pipeline.front_mut() {
            running.failed("54000", why);
        }
        let mut told = Vec::new();
        back::put_error(&mut told, &report("ERROR", "54000", why));
        Fate::Replace(told)
    }

    fn target_message(&mut self, tag: u8, message: &[u8]) -> Result<Fate, Stop> {
        let content = body(message);
        match tag {
            b'E' => return self.error(content),
            b'D' => return self.row(message),
            b'S' => self.setting(content)?,
            b'C' => self.completed(content)?,
            b'G' => {
                self.need(Capability::CopyIn)?;
                (self.copying, self.target_copies) = (true, true);
            }
            b'H' => {
                self.need(Capability::CopyOut)?;
                if self.rules.hides() {
                    let told = "copying out is not allowed where results are masked".to_owned();
                    return Err(Stop::Ended(EndReason::Killed, told));
                }
            }
            b'W' => {
                self.need(Capability::Replication)?;
                (self.copying, self.target_copies) = (true, true);
            }
            b'T' if self.rules.mask().is_some() => self.described(content)?,
            b'Z' => self.transaction = back::ready(content).map_err(Stop::Target)?,
            _ => {}
        }
        let fate = match self.pipeline.answered(tag).map_err(Stop::Target)? {
            Turn::Over(owed, entry) => self.over(owed, entry)?,
            Turn::Inside | Turn::Failed { .. } => Fate::Pass,
        };
        if tag == b'Z' {
            self.cut = false;
            if self.transaction == Transaction::Idle {
                self.names.transaction_over();
            }
        }
        self.go_on();
        Ok(if self.cut && tag != b'S' { Fate::Drop } else { fate })
    }

    /// A pause that waits for answers is over when there are none to wait for, and when the target waits itself, for
    /// copy data.
    fn go_on(&mut self) {
        if self.pause == Some(Pause::Answers) && (self.pipeline.is_empty() || self.copying && self.target_copies) {
            self.pause = None;
        }
    }

    fn over(&mut self, owed: Owed, entry: Entry) -> Result<Fate, Stop> {
        match entry {
            Entry::Plain => {}
            Entry::Parse => self.names.parsed(),
            Entry::Bind => self.names.bound(),
            Entry::OwnDescribe(_) => return Ok(Fate::Drop),
            Entry::CloseStatement(name) => self.names.statement_closed(&name),
            Entry::ClosePortal(name) => self.names.portal_closed(&name),
            Entry::Running(running, _) => self.journal.end(&running, StatementOutcome::Done)?,
            // It cannot succeed, but for a query, whose end comes after its error.
            Entry::Refused(_) if owed == Owed::Query => {}
            Entry::Refused(_) => return Err(Stop::Target(WireError::Unasked(b'1'))),
        }
        Ok(Fate::Pass)
    }

    /// The target has done a statement, or one of several.
    fn completed(&mut self, content: &[u8]) -> Result<(), Stop> {
        let tag = back::command_complete(content).map_err(Stop::Target)?;
        self.target_copies = false;
        if tag.starts_with(b"DEALLOCATE") || tag == b"PREPARE" || tag == b"DISCARD ALL" {
            self.names.changed_in_sql();
        }
        if let Some((_, Entry::Running(running, _))) = self.pipeline.front_mut() {
            running.completed(tag, back::rows_of(tag));
        }
        Ok(())
    }

    /// A setting has changed; some must not, where rules hold.
    fn setting(&self, content: &[u8]) -> Result<(), Stop> {
        let (name, value) = back::parameter_status(content).map_err(Stop::Target)?;
        let (name, value) = (String::from_utf8_lossy(name), String::from_utf8_lossy(value));
        match self.rules.guards(&name, &value) {
            Some(why) => Err(Stop::Ended(EndReason::Killed, why)),
            None => Ok(()),
        }
    }

    /// What is told and recorded instead of an error of the target's where something is hidden, which its words
    /// may hold: `invalid input syntax for type integer: "..."`.
    fn veiled(&mut self, said: &Report<'_>) -> Option<Report<'static>> {
        let mask = self.rules.mask().filter(|mask| mask.hides())?;
        let says_what_it_likes = match self.pipeline.front_mut() {
            Some((_, Entry::Running(_, Look::Query(facts, _)))) => told::says_what_it_likes(facts),
            Some((_, Entry::Running(..))) => true,
            _ => false,
        };
        let code = &said.code;
        // Those of class 42 are about the text of the statement, which has not run.
        let message = if code.starts_with("42") && !says_what_it_likes {
            mask.words(&said.message)
        } else {
            told::veiled(&format!("says {code}"))
        };
        let (severity, code) = (said.severity.to_string().into(), code.to_string().into());
        Some(Report { severity, code, message: message.into(), detail: None, hint: None })
    }

    fn error(&mut self, content: &[u8]) -> Result<Fate, Stop> {
        let said = back::report(content).map_err(Stop::Target)?;
        self.target_copies = false;
        let mut fate = Fate::Pass;
        let said = match self.veiled(&said) {
            Some(veiled) => {
                fate = replaced(&veiled);
                veiled
            }
            None => said,
        };
        match self.pipeline.front_mut() {
            Some((Owed::Query | Owed::Call, Entry::Running(running, _))) => running.failed(&said.code, &said.message),
            Some((Owed::Query, Entry::Refused(refused))) => {
                let (running, told) = &mut **refused;
                running.failed(&told.code, &told.message);
                fate = replaced(told);
                self.journal.end(running, StatementOutcome::Refused)?;
            }
            _ => {}
        }
        if let Turn::Failed { entry, skipped, .. } = self.pipeline.answered(b'E').map_err(Stop::Target)? {
            if let Entry::Running(mut running, _) = entry {
                running.failed(&said.code, &said.message);
                self.journal.end(&running, StatementOutcome::Done)?;
            } else if let Entry::Refused(refused) = entry {
                let (mut running, told) = *refused;
                running.failed(&told.code, &told.message);
                fate = replaced(&told);
                self.journal.end(&running, StatementOutcome::Refused)?;
            } else if let Entry::Parse = entry {
                // It never ran; what it was is told nowhere else.
                if let Some(prepared) = self.names.not_parsed() {
                    let wording = Wording { text: &prepared.text, prefix: "", bind: None };
                    let mut running = self.journal.begin(wording, self.transaction)?;
                    running.failed(&said.code, &said.message);
                    self.journal.end(&running, StatementOutcome::Done)?;
                }
            } else {
                self.left_out(entry)?;
            }
            for entry in skipped {
                self.left_out(entry)?;
            }
        }
        self.go_on();
        Ok(if self.cut { Fate::Drop } else { fate })
    }

    /// The target will not do what it was asked for.
    fn left_out(&mut self, entry: Entry) -> Result<(), Stop> {
        match entry {
            Entry::Parse => drop(self.names.not_parsed()),
            Entry::Bind => self.names.not_bound(),
            Entry::Running(running, _) => self.journal.end(&running, StatementOutcome::Skipped)?,
            Entry::Refused(refused) => self.journal.end(&refused.0, StatementOutcome::Refused)?,
            Entry::Plain | Entry::OwnDescribe(_) | Entry::CloseStatement(_) | Entry::ClosePortal(_) => {}
        }
        Ok(())
    }

    /// The columns of a result are described: what is hidden in them is known from now on.
    fn described(&mut self, content: &[u8]) -> Result<(), Stop> {
        let Some(mask) = self.rules.mask() else { return Ok(()) };
        match self.pipeline.front_mut() {
            Some((Owed::Query, Entry::Running(running, Look::Query(facts, plan)))) => {
                running.described();
                *plan = Some(Arc::new(mask.plan(content, facts).map_err(Stop::Target)?));
            }
            Some((Owed::Describe, Entry::OwnDescribe(name))) => {
                let name = name.clone();
                let portal = self.names.portal(&name);
                let prepared = portal.and_then(|portal| portal.prepared.as_ref());
                let facts = prepared.map(|prepared| prepared.facts.as_slice()).unwrap_or_default();
                let plan = Arc::new(mask.plan(content, facts).map_err(Stop::Target)?);
                self.names.plan(&name, &plan);
            }
            _ => {}
        }
        Ok(())
    }

    /// A row in which something may be hidden.
    fn row(&mut self, message: &[u8]) -> Result<Fate, Stop> {
        let fate = self.passing(b'D', message.len())?;
        let Fate::Pass = fate else { return Ok(fate) };
        let Some(mask) = self.rules.mask() else { return Ok(fate) };
        let plan = match self.pipeline.front_mut() {
            Some((_, Entry::Running(_, Look::Query(_, plan)))) => plan.clone(),
            Some((_, Entry::Running(_, Look::Portal(name, plan)))) => {
                if plan.is_none() {
                    *plan = self.names.portal(name).and_then(|portal| portal.plan.clone());
                }
                plan.clone()
            }
            _ => None,
        };
        // What has not been described cannot be shown.
        let plan = plan.ok_or(Stop::Target(WireError::Unasked(b'D')))?;
        let mut shown = Vec::with_capacity(message.len());
        mask.row(message, &plan, &mut shown).map_err(Stop::Target)?;
        if let Some((_, Entry::Running(running, _))) = self.pipeline.front_mut()
            && self.journal.keeps_row(running)
        {
            let values = Mask::values(&shown, &plan).map_err(Stop::Target)?;
            self.journal.row(running, Mask::names(&plan), values)?;
        }
        Ok(Fate::Replace(shown))
    }
}

fn replaced(told: &Report<'_>) -> Fate {
    let mut instead = Vec::new();
    back::put_error(&mut instead, told);
    Fate::Replace(instead)
}
