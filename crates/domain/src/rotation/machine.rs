//! One rotation, as a state machine that neither reads a clock nor does anything.
//!
//! `handle` takes in what happened and answers with the one thing to do next. Whoever runs it writes
//! the machine down **before** doing that thing, so that after a crash `Input::Resume` on what was
//! written down goes on as if the answer had been lost. What follows from that:
//!
//! - The candidate is durable before the target hears of it: only `Input::Sealed`, which is given with
//!   the commit that stored it, leads on to `Effect::Apply`.
//! - There is one candidate. Setting it again is harmless, so that attempts that arrive late or twice
//!   are; it is given up only on evidence: the old secret opens the account, the candidate does not,
//!   and no attempt is still under way.
//! - Answers carry the ticket of the question. One that was given twice or too late is not listened to.
//! - Log-ins that may fail are counted before they are tried, and there are never enough of them to
//!   lock an account.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RotationState as State, Ways};
use crate::time::Timestamp;

/// How long the target may take to change a secret. Nothing is sent to it later than that.
pub const CHANGE_MAX: Duration = Duration::from_secs(60);
/// How often the target is told without an answer that helps, before the old secret is kept.
const CHANGES_MAX: u32 = 6;
/// How often the reconcile account sets the candidate before a person is called.
const RECONCILES_MAX: u32 = 3;
/// How many log-ins may fail in any [`FAILURE_WINDOW`], a change's own aside. Targets lock accounts after
/// five or more.
const FAILURES_MAX: usize = 3;
/// The time in which targets count failed log-ins.
const FAILURE_WINDOW: Duration = Duration::from_secs(15 * 60);
/// The first and the longest pause between looks at a target that gives no clear answer.
const PAUSE_MIN: Duration = Duration::from_secs(2);
const PAUSE_MAX: Duration = Duration::from_secs(3600);

/// By whom a secret is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// By the account itself.
    Itself,
    /// By the asset's reconcile account, which is another one.
    Reconcile,
}

/// Which secret is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// The new one.
    Candidate,
    /// The one before.
    Current,
}

/// How a log-in came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// The target let it in.
    Accepted,
    /// The target said that the secret is wrong.
    Rejected,
    /// The target gave no answer that says anything about the secret; it may count as a failed one there.
    Unclear(String),
    /// The secret never reached the target.
    NotTried(String),
}

/// How a change came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The target said that it is done.
    Done,
    /// The target said no, and nothing was changed.
    Refused(String),
    /// It never reached the target.
    NotTried(String),
    /// Nobody knows.
    Unclear(String),
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Taken up: at the beginning, after a pause or by another worker after a crash.
    Resume,
    /// The candidate has been committed, under this version.
    Sealed {
        /// The version.
        version: u32,
    },
    /// The target answered, or did not in time.
    Changed {
        /// The question's ticket.
        ticket: u32,
        /// The answer.
        change: Change,
    },
    /// A log-in came out.
    LoggedIn {
        /// The question's ticket.
        ticket: u32,
        /// The answer.
        login: Login,
    },
    /// The candidate has been committed as the account's secret.
    Promoted,
    /// What the old secret was known by has been removed from the target, or not.
    Retired {
        /// The question's ticket.
        ticket: u32,
        /// The answer.
        change: Change,
    },
    /// Somebody stopped it.
    Cancel,
    /// A person has seen to what was broken.
    Retry,
}

/// The one thing to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Make a new secret and commit it, then say `Sealed`.
    Seal,
    /// Tell the target, before `until` and never after.
    Apply {
        /// By whom.
        by: By,
        /// Until when.
        until: Timestamp,
        /// To be given back.
        ticket: u32,
    },
    /// Log in afresh with one secret, once.
    Login {
        /// With which.
        which: Which,
        /// To be given back.
        ticket: u32,
    },
    /// Commit the candidate as the account's secret, with what follows from it, then say `Promoted`.
    Promote,
    /// Remove from the target what the old secret is known by.
    Retire {
        /// Until when.
        until: Timestamp,
        /// To be given back.
        ticket: u32,
    },
    /// Give the candidate up: it never was the account's secret. Committed with the machine.
    GiveUp,
    /// Call a person: no known secret opens the account. Committed with the machine.
    Alarm,
    /// Nothing before this time.
    Wait(Timestamp),
    /// Nothing more.
    End,
}

/// One rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    state: State,
    ways: Ways,
    /// Whether the new secret is added beside the old one, which is removed at the end.
    additive: bool,
    /// Whether there was a secret before.
    has_current: bool,
    candidate: Option<u32>,
    /// Counts the questions; the last one's number is its ticket.
    ticket: u32,
    asked: Asked,
    changes: u32,
    reconciles: u32,
    /// By whom the last change was made.
    by: By,
    /// Until when the change that is under way may take effect.
    under_way_until: Option<Timestamp>,
    /// Until when changes that were never answered may take effect.
    unanswered_until: Option<Timestamp>,
    /// When the target last refused to let the candidate in, since it was last told; the old one is tried then.
    not_candidate_at: Option<Timestamp>,
    /// Why the target would not take the candidate.
    refusal: Option<String>,
    /// When log-ins were tried that failed or may have, since the last one that succeeded.
    failures: Vec<Timestamp>,
    pauses: u32,
    retired: bool,
    note: Option<String>,
}

/// What an answer is awaited to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Asked {
    Nothing,
    Change,
    Login(Which),
    Retire,
}

impl Machine {
    /// A rotation that is due. `additive` where the target holds several secrets of an account at once,
    /// such as SSH keys; `has_current` where the vault holds one that opens it so far.
    #[must_use]
    pub const fn new(ways: Ways, additive: bool, has_current: bool) -> Self {
        Self {
            state: State::Planned,
            ways,
            additive,
            has_current,
            candidate: None,
            ticket: 0,
            asked: Asked::Nothing,
            changes: 0,
            reconciles: 0,
            by: By::Itself,
            under_way_until: None,
            unanswered_until: None,
            not_candidate_at: None,
            refusal: None,
            failures: Vec::new(),
            pauses: 0,
            retired: false,
            note: None,
        }
    }

    /// Where it stands.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// The version of the candidate, once it is durable.
    #[must_use]
    pub const fn candidate(&self) -> Option<u32> {
        self.candidate
    }

    /// How often the target was told.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.changes
    }

    /// What went wrong last.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Whether a change that was never answered may still take effect or may have.
    #[must_use]
    pub const fn in_doubt(&self) -> bool {
        self.unanswered_until.is_some()
    }

    /// The same, saying why.
    #[must_use]
    pub fn noting(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// The same, ended because a person stored a secret by hand.
    #[must_use]
    pub fn superseded(mut self) -> Self {
        self.state = State::Superseded;
        self
    }

    /// Whether it is over.
    #[must_use]
    pub const fn ended(&self) -> bool {
        match self.state {
            State::Current => self.retired,
            State::Refused | State::Cancelled | State::Superseded => true,
            _ => false,
        }
    }

    /// Takes in what happened at `now`; gives the machine to be written down, and what to do after.
    #[must_use]
    pub fn handle(mut self, input: Input, now: Timestamp) -> (Self, Effect) {
        let effect = match input {
            Input::Resume => self.resume(now),
            Input::Sealed { version } if self.state == State::Planned => {
                self.candidate = Some(version);
                self.state = State::CandidateSealed;
                Effect::Wait(now)
            }
            Input::Changed { ticket, change } if self.awaits(ticket, Asked::Change) => self.changed(change, now),
            Input::LoggedIn { ticket, login } if self.ticket == ticket => match self.asked {
                Asked::Login(which) => self.logged_in(which, login, now),
                Asked::Nothing | Asked::Change | Asked::Retire => Effect::Wait(now),
            },
            Input::Promoted if self.state == State::Verified => {
                self.state = State::Current;
                self.note = None;
                self.retired = !self.additive || !self.has_current;
                self.finish(now)
            }
            Input::Retired { ticket, change } if self.awaits(ticket, Asked::Retire) => self.taken_away(change, now),
            Input::Cancel if !self.state.touched() && self.changes == 0 => {
                self.state = State::Cancelled;
                Effect::GiveUp
            }
            Input::Retry if self.state == State::Broken => {
                (self.changes, self.reconciles, self.pauses) = (0, 0, 0);
                self.not_candidate_at = None;
                self.probe(now)
            }
            // Given twice, too late, or to another question.
            _ => Effect::Wait(now),
        };
        (self, effect)
    }

    fn awaits(&self, ticket: u32, asked: Asked) -> bool {
        self.ticket == ticket && self.asked == asked
    }

    fn ask(&mut self, asked: Asked) -> u32 {
        self.asked = asked;
        self.ticket = self.ticket.wrapping_add(1);
        self.ticket
    }

    fn resume(&mut self, now: Timestamp) -> Effect {
        match self.state {
            State::Planned => Effect::Seal,
            State::CandidateSealed => self.apply(now),
            State::Applying | State::Reconcile => {
                self.never_answered();
                self.note = Some("stopped while the target was being told".to_owned());
                self.probe(now)
            }
            State::Applied => self.login(Which::Candidate, now),
            State::Probe => self.probe(now),
            State::Verified => Effect::Promote,
            State::Current => self.finish(now),
            State::Broken | State::Refused | State::Cancelled | State::Superseded => Effect::End,
        }
    }

    /// The change that is under way may take effect until its time is over.
    fn never_answered(&mut self) {
        self.unanswered_until = self.unanswered_until.max(self.under_way_until.take());
    }

    fn apply(&mut self, now: Timestamp) -> Effect {
        match self.ways.first(self.has_current) {
            Some(by) => self.apply_by(by, State::Applying, now),
            None => self.give_in("nothing can change this account's secret"),
        }
    }

    fn apply_by(&mut self, by: By, state: State, now: Timestamp) -> Effect {
        let until = now.after(CHANGE_MAX);
        self.state = state;
        self.by = by;
        self.changes += 1;
        self.not_candidate_at = None;
        self.under_way_until = Some(until);
        let ticket = self.ask(Asked::Change);
        Effect::Apply { by, until, ticket }
    }

    fn changed(&mut self, change: Change, now: Timestamp) -> Effect {
        match change {
            Change::Done => {
                self.under_way_until = None;
                self.refusal = None;
                self.note = None;
                self.state = State::Applied;
                self.login(Which::Candidate, now)
            }
            Change::Refused(why) => {
                self.under_way_until = None;
                self.note = Some(why.clone());
                self.refusal = Some(why);
                if self.by == By::Itself {
                    // It may have been its log-in that was refused.
                    self.failures.push(now);
                }
                // What was refused at once cannot have arrived: trying it would be a failed log-in for nothing.
                if self.changes == 1 && self.unanswered_until.is_none() && self.has_current {
                    self.not_candidate_at = Some(now);
                }
                self.probe(now)
            }
            Change::NotTried(why) => {
                self.under_way_until = None;
                self.note = Some(why);
                self.changes -= 1;
                if self.state == State::Reconcile {
                    self.reconciles = self.reconciles.saturating_sub(1);
                }
                let untouched = self.changes == 0 && self.unanswered_until.is_none();
                self.state = if untouched { State::CandidateSealed } else { State::Probe };
                self.pause(now)
            }
            Change::Unclear(why) => {
                self.never_answered();
                self.note = Some(why);
                self.probe(now)
            }
        }
    }

    /// Asks for a log-in, unless too many have failed of late. It counts as failed until it succeeds.
    fn login(&mut self, which: Which, now: Timestamp) -> Effect {
        self.failures.retain(|at| at.after(FAILURE_WINDOW) > now);
        if let Some(over) = self.failures.len().checked_sub(FAILURES_MAX)
            && let Some(freed_by) = self.failures.get(over)
        {
            self.asked = Asked::Nothing;
            return Effect::Wait(freed_by.after(FAILURE_WINDOW));
        }
        self.failures.push(now);
        let ticket = self.ask(Asked::Login(which));
        Effect::Login { which, ticket }
    }

    fn logged_in(&mut self, which: Which, login: Login, now: Timestamp) -> Effect {
        self.asked = Asked::Nothing;
        match (login, which) {
            (Login::Accepted, Which::Candidate) => {
                self.failures.clear();
                self.state = State::Verified;
                Effect::Promote
            }
            (Login::Accepted, Which::Current) => {
                self.failures.clear();
                self.old_one_holds(now)
            }
            (Login::Rejected, Which::Candidate) => {
                self.not_candidate_at = Some(now);
                if self.has_current { self.probe(now) } else { self.neither_holds(now) }
            }
            (Login::Rejected, Which::Current) => self.neither_holds(now),
            (Login::Unclear(why), _) => {
                self.note = Some(why);
                self.pause(now)
            }
            (Login::NotTried(why), _) => {
                self.failures.pop();
                self.note = Some(why);
                self.pause(now)
            }
        }
    }

    fn pause(&mut self, now: Timestamp) -> Effect {
        let pause = PAUSE_MIN.saturating_mul(1_u32.checked_shl(self.pauses.min(16)).unwrap_or(u32::MAX)).min(PAUSE_MAX);
        self.pauses = self.pauses.saturating_add(1);
        Effect::Wait(now.after(pause))
    }

    /// Tries the candidate, and the old one once the candidate was refused.
    fn probe(&mut self, now: Timestamp) -> Effect {
        self.state = State::Probe;
        let which = if self.not_candidate_at.is_some() { Which::Current } else { Which::Candidate };
        self.login(which, now)
    }

    /// What is done before anything is concluded from a refused candidate: until nothing that was sent can
    /// take effect any more, it is waited, and what was seen before then is looked at again.
    fn unsettled(&mut self, now: Timestamp) -> Option<Effect> {
        let until = self.unanswered_until?;
        if self.not_candidate_at.is_some_and(|at| at > until) {
            return None;
        }
        self.state = State::Probe;
        self.not_candidate_at = None;
        // One moment later than the latest at which it may take effect.
        let settled = until.after(Duration::from_millis(1));
        Some(if settled > now { Effect::Wait(settled) } else { self.probe(now) })
    }

    fn old_one_holds(&mut self, now: Timestamp) -> Effect {
        self.state = State::Probe;
        if let Some(effect) = self.unsettled(now) {
            return effect;
        }
        let refused_itself = self.refusal.is_some() && self.by == By::Itself;
        if refused_itself && self.ways.reconcile && self.reconciles < RECONCILES_MAX {
            self.refusal = None;
            self.reconciles += 1;
            return self.apply_by(By::Reconcile, State::Applying, now);
        }
        if self.refusal.is_some() || self.changes >= CHANGES_MAX {
            self.state = State::Refused;
            return Effect::GiveUp;
        }
        self.apply(now)
    }

    fn neither_holds(&mut self, now: Timestamp) -> Effect {
        self.state = State::Probe;
        if let Some(effect) = self.unsettled(now) {
            return effect;
        }
        if !self.ways.reconcile {
            return self.give_in("no secret in the vault opens it, and there is no reconcile account");
        }
        if self.reconciles >= RECONCILES_MAX {
            return self.give_in("no secret in the vault opens it, and the reconcile account did not help");
        }
        self.reconciles += 1;
        self.apply_by(By::Reconcile, State::Reconcile, now)
    }

    fn give_in(&mut self, why: &str) -> Effect {
        let last = self.note.take().map(|note| format!(" (last: {note})")).unwrap_or_default();
        self.note = Some(format!("{why}{last}"));
        self.state = State::Broken;
        Effect::Alarm
    }

    /// What is left to do once the candidate is the account's secret.
    fn finish(&mut self, now: Timestamp) -> Effect {
        if self.retired {
            return Effect::End;
        }
        let ticket = self.ask(Asked::Retire);
        Effect::Retire { until: now.after(CHANGE_MAX), ticket }
    }

    fn taken_away(&mut self, change: Change, now: Timestamp) -> Effect {
        self.asked = Asked::Nothing;
        match change {
            Change::Done => {
                self.retired = true;
                self.note = None;
                Effect::End
            }
            Change::Refused(why) | Change::NotTried(why) | Change::Unclear(why) => {
                self.note = Some(format!("the old one is not removed yet: {why}"));
                self.pause(now)
            }
        }
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
