//! A target, a vault and a worker as simple as can be, to run the machine against everything that can
//! go wrong: answers that are lost, late or given twice, refusals, and crashes before and after each
//! thing that it does.

use super::*;

/// After how many failed log-ins the target locks the account.
const LOCKED_AFTER: usize = 5;

/// What goes wrong with one thing that the worker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing.
    None,
    /// The worker stops before it does it.
    CrashBefore,
    /// The worker stops after it did it, before it heard the answer.
    CrashAfter,
    /// It is done and the answer gets lost.
    AnswerLost,
    /// It is not done and there is no answer.
    RequestLost,
    /// There is no answer, and it is done at the latest time that it may be.
    Late,
    /// It is done and answered twice.
    Twice,
    /// The target says no.
    Refused,
    /// It never reaches the target.
    Unreachable,
}

impl Fault {
    pub(super) const ALL: [Self; 9] = [
        Self::None,
        Self::CrashBefore,
        Self::CrashAfter,
        Self::AnswerLost,
        Self::RequestLost,
        Self::Late,
        Self::Twice,
        Self::Refused,
        Self::Unreachable,
    ];
}

/// A secret: 1 is the one before, 2 the candidate, 99 what somebody else set.
type Secret = u32;
const OLD: Secret = 1;
pub(super) const FOREIGN: Secret = 99;

pub(super) struct World {
    pub(super) now: Timestamp,
    /// What was written down last.
    pub(super) machine: Machine,
    /// The versions in the vault.
    pub(super) vault: Vec<Secret>,
    /// The version that is the account's.
    pub(super) current: Option<Secret>,
    /// What opens the account on the target; several where secrets are added.
    pub(super) target: Vec<Secret>,
    late: Vec<(Timestamp, Secret)>,
    failed: Vec<Timestamp>,
    pub(super) locked: bool,
    /// Every secret that the target was ever told.
    pub(super) told: Vec<Secret>,
    pub(super) alarms: u32,
    additive: bool,
}

impl World {
    pub(super) fn new(ways: Ways, additive: bool, target: Secret) -> Self {
        Self {
            now: Timestamp::from_millis(1_000_000),
            machine: Machine::new(ways, additive, true),
            vault: vec![OLD],
            current: Some(OLD),
            target: vec![target],
            late: Vec::new(),
            failed: Vec::new(),
            locked: false,
            told: Vec::new(),
            alarms: 0,
            additive,
        }
    }

    /// Runs until it is over, waits for a person, or `steps` things have been done. Where `faults` are at
    /// an end, nothing goes wrong any more.
    pub(super) fn run(&mut self, mut faults: impl Iterator<Item = Fault>, steps: usize) {
        let mut input = Input::Resume;
        for _ in 0..steps {
            let (machine, effect) = self.machine.clone().handle(input, self.now);
            self.machine = machine;
            // These are committed together with the machine.
            match effect {
                Effect::Alarm => {
                    self.alarms += 1;
                    return;
                }
                Effect::GiveUp => return,
                _ => {}
            }
            let fault = faults.next().unwrap_or(Fault::None);
            if fault == Fault::CrashBefore {
                input = self.crash();
                continue;
            }
            let Some(answer) = self.perform(effect, fault) else { return };
            input = if fault == Fault::CrashAfter { self.crash() } else { answer.clone() };
            if fault == Fault::Twice && !matches!(answer, Input::Resume | Input::Promoted) {
                let (machine, effect) = self.machine.clone().handle(answer.clone(), self.now);
                self.machine = machine;
                let Some(second) = self.perform(effect, Fault::None) else { return };
                // The first answer again: it must not be listened to.
                let (after, effect) = self.machine.clone().handle(answer, self.now);
                assert_eq!((&after, matches!(effect, Effect::Wait(_))), (&self.machine, true), "heard twice");
                input = second;
            }
            self.check();
        }
    }

    /// Another worker takes over when the first one's lease is over, which outlasts what it may be doing.
    fn crash(&mut self) -> Input {
        self.pass(CHANGE_MAX.saturating_mul(2));
        Input::Resume
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now.after(time);
        self.arrive();
    }

    fn arrive(&mut self) {
        let now = self.now;
        let due: Vec<_> = self.late.extract_if(.., |(at, _)| *at <= now).map(|(_, secret)| secret).collect();
        for secret in due {
            self.set(secret);
        }
    }

    fn set(&mut self, secret: Secret) {
        if self.additive {
            self.target.push(secret);
        } else {
            self.target = vec![secret];
        }
    }

    /// Does it; gives the answer, or none when there is nothing more to do.
    fn perform(&mut self, effect: Effect, fault: Fault) -> Option<Input> {
        self.pass(Duration::from_millis(100));
        Some(match effect {
            Effect::Seal => {
                let version = self.vault.len() as Secret + 1;
                self.vault.push(version);
                // Committed with the machine's own state, so that both or neither are there.
                let (machine, effect) = self.machine.clone().handle(Input::Sealed { version }, self.now);
                assert_eq!((machine.state(), effect), (State::CandidateSealed, Effect::Wait(self.now)));
                self.machine = machine;
                Input::Resume
            }
            Effect::Apply { ticket, until, by } => {
                let secret = self.machine.candidate().expect("a durable candidate");
                assert!(self.vault.contains(&secret), "the candidate is durable before the target hears of it");
                self.told.push(secret);
                Input::Changed { ticket, change: self.change(secret, by, until, fault) }
            }
            Effect::Login { which, ticket } => Input::LoggedIn { ticket, login: self.login(which, fault) },
            Effect::Promote => {
                self.current = self.machine.candidate();
                Input::Promoted
            }
            Effect::Retire { ticket, until } => {
                let change = match fault {
                    Fault::RequestLost | Fault::Late | Fault::Unreachable => Change::Unclear("no answer".to_owned()),
                    Fault::Refused => Change::Refused("no".to_owned()),
                    _ => {
                        assert!(until > self.now);
                        self.target.retain(|secret| *secret != OLD);
                        Change::Done
                    }
                };
                Input::Retired { ticket, change }
            }
            Effect::Wait(until) => {
                self.pass(until.since(self.now));
                Input::Resume
            }
            Effect::Alarm => {
                self.alarms += 1;
                return None;
            }
            Effect::GiveUp | Effect::End => return None,
        })
    }

    fn change(&mut self, secret: Secret, by: By, until: Timestamp, fault: Fault) -> Change {
        // The old one no longer opens it, so that the account cannot change it itself.
        let opens = by == By::Reconcile || self.target.iter().any(|held| [OLD, secret].contains(held));
        if self.locked || !opens {
            self.failed.push(self.now);
            return Change::Refused("log-in refused".to_owned());
        }
        match fault {
            Fault::Refused => Change::Refused("too like the last one".to_owned()),
            Fault::RequestLost => Change::Unclear("no answer".to_owned()),
            Fault::Unreachable => Change::NotTried("nobody there".to_owned()),
            Fault::Late => {
                self.late.push((until, secret));
                Change::Unclear("no answer".to_owned())
            }
            Fault::AnswerLost => {
                self.set(secret);
                Change::Unclear("no answer".to_owned())
            }
            Fault::None | Fault::CrashBefore | Fault::CrashAfter | Fault::Twice => {
                self.set(secret);
                Change::Done
            }
        }
    }

    fn login(&mut self, which: Which, fault: Fault) -> Login {
        if matches!(fault, Fault::RequestLost | Fault::Late | Fault::Unreachable) {
            return Login::NotTried("no answer".to_owned());
        }
        let secret = match which {
            Which::Candidate => self.machine.candidate().expect("a candidate"),
            Which::Current => OLD,
        };
        let opens = !self.locked && self.target.contains(&secret);
        let since = self.now.before(FAILURE_WINDOW);
        self.failed.retain(|at| *at > since);
        if opens {
            self.failed.clear();
        } else {
            self.failed.push(self.now);
            self.locked |= self.failed.len() >= LOCKED_AFTER;
        }
        match (fault, opens) {
            (Fault::AnswerLost, _) => Login::Unclear("no answer".to_owned()),
            (_, true) => Login::Accepted,
            (_, false) => Login::Rejected,
        }
    }

    /// What must hold at every moment.
    fn check(&self) {
        assert!(!self.locked, "the account was locked: {:?}", self.machine);
        let known = |secret: &Secret| self.vault.contains(secret) || *secret == FOREIGN;
        assert!(self.target.iter().all(known), "the target holds what the vault does not");
        assert!(self.told.windows(2).all(|two| two[0] == two[1]), "there is one candidate");
    }
}
