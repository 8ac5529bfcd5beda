//! What governs a live session: inputs and the time go in, effects come out. Bytes never pass
//! through it, and it does nothing itself.

use std::fmt;
use std::time::Duration;

use super::EndReason;
use crate::name::{AccountRef, UserName};
use crate::policy::Reason;
use crate::time::Timestamp;

/// How long before the end the person is told.
const END_WARNINGS: [Duration; 2] = [Duration::from_secs(300), Duration::from_secs(60)];
/// How long before an end for lack of input the person is told.
const IDLE_WARNING: Duration = Duration::from_secs(60);

/// Something that happened to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The target has been signed in to.
    TargetReady,
    /// The target could not be reached, proved or signed in to; the text is for the person.
    TargetFailed(String),
    /// The client went away or its last channel closed.
    ClientClosed,
    /// The target closed the connection.
    TargetClosed,
    /// The person typed or sent something.
    Activity,
    /// Time has passed; wanted at `poll_timeout` at the latest.
    Tick,
    /// The grant was revoked.
    GrantRevoked {
        /// What the one who revoked it said.
        reason: Option<String>,
    },
    /// Somebody terminated the session.
    Killed {
        /// Who.
        by: UserName,
    },
    /// Policy, or what it rests on, changed: what `policy::reconsider` answered.
    PolicyChanged(Result<Timestamp, Vec<Reason>>),
    /// The user was disabled.
    UserDisabled,
    /// The recorder failed.
    RecorderFailed,
    /// Postern is being stopped.
    Shutdown,
}

/// Something that the shell around the machine must do now, in the order given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Show the person this line and go on.
    Warn(String),
    /// Close client and target, showing the person this line.
    Hangup {
        /// Why.
        reason: EndReason,
        /// The cause and, where there is one, the next step.
        message: String,
    },
    /// Finish the recording and write the outcome. Follows every hang-up, once.
    Seal,
}

/// Where a session stands, named for what it awaits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Decided and written down; the target is being dialled.
    AwaitingTarget,
    /// Awaits its end.
    Live(Live),
    /// Over; nothing changes it any more.
    Ended {
        /// Why.
        reason: EndReason,
        /// When.
        at: Timestamp,
    },
}

/// What is known of a live session only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live {
    active_at: Timestamp,
    end_warned: Duration,
    idle_warned: bool,
}

/// The limits of a session, fixed when it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// On what; for the messages.
    pub account: AccountRef,
    /// When it must end at the latest.
    pub until: Timestamp,
    /// After how long without activity it ends.
    pub idle: Option<Duration>,
}

/// A session's state machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    limits: Limits,
    state: State,
    clock: Clock,
}

/// Time that only advances. After the caller's clock was set back it goes on from where it was, so
/// that it is never behind the caller's and no limit is reached later than it would have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Clock {
    given: Timestamp,
    passed: Timestamp,
}

impl Clock {
    fn advance(&mut self, now: Timestamp) {
        self.passed = self.passed.after(now.since(self.given));
        self.given = now;
    }

    /// When the caller's clock will show what this one calls `at`.
    fn as_given(&self, at: Timestamp) -> Timestamp {
        self.given.after(at.since(self.passed))
    }
}

impl Machine {
    /// A session that was permitted at `now` and whose target is about to be dialled.
    #[must_use]
    pub const fn new(limits: Limits, now: Timestamp) -> Self {
        Self { limits, state: State::AwaitingTarget, clock: Clock { given: now, passed: now } }
    }

    /// Where the session stands.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// When it must end at the latest, as decided last.
    #[must_use]
    pub const fn until(&self) -> Timestamp {
        self.limits.until
    }

    /// Takes in what happened at `now`; what is due by then is done first, whatever happened.
    #[must_use]
    pub fn handle(mut self, input: Input, now: Timestamp) -> (Self, Vec<Effect>) {
        if matches!(self.state, State::Ended { .. }) {
            return (self, Vec::new());
        }
        self.clock.advance(now);
        if let Some((reason, message)) = self.due() {
            return self.end(reason, message);
        }
        if let Some((reason, message)) = self.take(input) {
            return self.end(reason, message);
        }
        if let Some((reason, message)) = self.due() {
            return self.end(reason, message);
        }
        let warnings = self.warnings();
        (self, warnings)
    }

    /// When a `Tick` is wanted at the latest, by the caller's clock; none once it has ended.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let until = self.limits.until;
        let wanted = match &self.state {
            State::Ended { .. } => return None,
            State::AwaitingTarget => until,
            State::Live(live) => {
                let next_warning = END_WARNINGS.into_iter().find(|warning| *warning < live.end_warned);
                let idle_end = self.limits.idle.map(|idle| live.active_at.after(idle));
                let idle_warning = idle_end.filter(|_| !live.idle_warned).map(|end| end.before(IDLE_WARNING));
                [next_warning.map(|warning| until.before(warning)), idle_end, idle_warning]
                    .into_iter()
                    .flatten()
                    .fold(until, Ord::min)
            }
        };
        Some(self.clock.as_given(wanted))
    }

    /// Why the session must end by now, if it must.
    fn due(&self) -> Option<(EndReason, String)> {
        let now = self.clock.passed;
        if now >= self.limits.until {
            let next = format!("for more time: postern request {} --for 1h --reason \"...\"", self.limits.account);
            return Some((EndReason::Expired, format!("the time for this session is over; {next}")));
        }
        match (&self.state, self.limits.idle) {
            (State::Live(live), Some(idle)) if now >= live.active_at.after(idle) => {
                Some((EndReason::Idle, format!("nothing was typed for {}", Rounded(idle))))
            }
            _ => None,
        }
    }

    /// Applies an input; answers with the end that it brings, if it does.
    fn take(&mut self, input: Input) -> Option<(EndReason, String)> {
        let now = self.clock.passed;
        let awaiting = matches!(self.state, State::AwaitingTarget);
        match input {
            Input::Tick => None,
            Input::TargetReady if awaiting => {
                let left = self.limits.until.since(now);
                let idle_warned = self.limits.idle.is_some_and(|idle| idle <= IDLE_WARNING * 2);
                // Who has just been given three minutes need not be told that three are left.
                let end_warned = if left <= END_WARNINGS[0] { left } else { Duration::MAX };
                self.state = State::Live(Live { active_at: now, end_warned, idle_warned });
                None
            }
            Input::TargetReady => None,
            Input::Activity => {
                if let State::Live(live) = &mut self.state {
                    live.active_at = now;
                    live.idle_warned = self.limits.idle.is_some_and(|idle| idle <= IDLE_WARNING * 2);
                }
                None
            }
            Input::PolicyChanged(Ok(until)) => {
                if until != self.limits.until {
                    self.limits.until = until;
                    if let State::Live(live) = &mut self.state {
                        live.end_warned = Duration::MAX;
                    }
                }
                None
            }
            Input::PolicyChanged(Err(reasons)) => {
                let why = reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
                Some((EndReason::PolicyChanged, format!("policy has changed: {why}")))
            }
            Input::TargetFailed(message) => Some((EndReason::TargetFailed, message)),
            Input::TargetClosed if awaiting => {
                Some((EndReason::TargetFailed, "the target closed the connection before sign-in".to_owned()))
            }
            Input::TargetClosed => Some((EndReason::TargetClosed, "the target closed the connection".to_owned())),
            Input::ClientClosed => Some((EndReason::ClientClosed, "the client closed the connection".to_owned())),
            Input::GrantRevoked { reason } => {
                let why = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
                Some((EndReason::Revoked, format!("the grant was revoked{why}")))
            }
            Input::Killed { by } => Some((EndReason::Killed, format!("{by} terminated this session"))),
            Input::UserDisabled => Some((EndReason::UserDisabled, "the user was disabled".to_owned())),
            Input::RecorderFailed => Some((
                EndReason::RecorderFailed,
                "this session cannot be recorded any more; tell whoever runs postern".to_owned(),
            )),
            Input::Shutdown => Some((EndReason::Shutdown, "postern is being stopped; connect again".to_owned())),
        }
    }

    /// What the person must be told by now and has not been.
    fn warnings(&mut self) -> Vec<Effect> {
        let now = self.clock.passed;
        let State::Live(live) = &mut self.state else { return Vec::new() };
        let mut warnings = Vec::new();
        let left = self.limits.until.since(now);
        let reached = END_WARNINGS.into_iter().rfind(|warning| left <= *warning && *warning < live.end_warned);
        if let Some(warning) = reached {
            live.end_warned = warning;
            warnings.push(Effect::Warn(format!("this session ends in {}", Rounded(left))));
        }
        if let Some(idle) = self.limits.idle
            && !live.idle_warned
        {
            let left = live.active_at.after(idle).since(now);
            if left <= IDLE_WARNING {
                live.idle_warned = true;
                warnings.push(Effect::Warn(format!("without input this session ends in {}", Rounded(left))));
            }
        }
        warnings
    }

    fn end(mut self, reason: EndReason, message: String) -> (Self, Vec<Effect>) {
        self.state = State::Ended { reason, at: self.clock.passed };
        (self, vec![Effect::Hangup { reason, message }, Effect::Seal])
    }
}

/// A span as a person says it: seconds below a minute and a half, then whole minutes.
struct Rounded(Duration);

impl fmt::Display for Rounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_millis().div_ceil(1000);
        let (count, unit) = if seconds < 90 { (seconds, "second") } else { ((seconds + 30) / 60, "minute") };
        write!(f, "{count} {unit}{}", if count == 1 { "" } else { "s" })
    }
}

#[cfg(test)]
mod tests;
