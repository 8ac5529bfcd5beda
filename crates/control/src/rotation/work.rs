//! The workers: each takes up one rotation after the other and does what its machine says.
//!
//! The order is always the same: the machine is committed, then its effect is done, then the answer goes
//! into the machine. A worker that has lost its lease cannot commit, and so does nothing more.

use std::time::Duration;

use postern_connectors::{Cause, Failure, Outcome as Became, Verdict};
use postern_domain::event::{Event, Outcome};
use postern_domain::rotation::{
    By, Change, Effect, Input, Login, Machine, RotationRunState, RotationState, VersionState, Which,
};
use postern_domain::{IntentId, RotationRunId, Timestamp};
use postern_store::{Claimed, Intent, Saved, WriteTx};
use postern_vault::random;
use tokio_util::sync::CancellationToken;

use super::candidate::{self, Durable};
use super::ways;
use crate::acting::Acting;
use crate::{Control, Error};

/// The action under which a target is told of a new secret.
const APPLY: &str = "rotation.apply";
/// How long a worker may be about anything but a change, and how much longer than a change.
const LEASE: Duration = Duration::from_secs(90);
/// How much longer a lease lasts than what is done under it.
const LEASE_MARGIN: Duration = Duration::from_secs(15);
/// How long a log-in may take.
const LOGIN_MAX: Duration = Duration::from_secs(45);
/// How often the workers look for something to do when nobody tells them.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a rotation that failed for a reason of Postern's own is left alone.
const FAILED_PAUSE: Duration = Duration::from_secs(60);

/// Works on rotations.
#[derive(Clone)]
pub struct Worker {
    control: Control,
}

impl Worker {
    /// One that works for `control`.
    #[must_use]
    pub const fn new(control: Control) -> Self {
        Self { control }
    }

    /// Works until `stop`; what is under way then is gone on with by whoever comes next.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            let worked = tokio::select! {
                () = stop.cancelled() => return,
                worked = self.work_once() => worked,
            };
            match worked {
                Ok(true) => continue,
                Ok(false) => {}
                Err(Error::Sealed) => tracing::debug!("rotations wait for the vault to be unsealed"),
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "rotations cannot be worked on");
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.control.0.work.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Takes up one rotation and goes on with it until it is over or has to wait. Gives whether there was
    /// one.
    ///
    /// # Errors
    /// When the database fails or the vault is sealed.
    pub async fn work_once(&self) -> Result<bool, Error> {
        let control = &self.control;
        if control.vault().status().sealed {
            return Err(Error::Sealed);
        }
        let now = control.now();
        let mut tx = control.store().write(now).await?;
        let Some(claimed) = tx.rotation_claim(now.after(LEASE)).await? else { return Ok(false) };
        tx.commit_upkeep().await?;
        let id = claimed.id.clone();
        let mut step = Step { control, claimed };
        if let Err(error) = step.go_on().await {
            if matches!(error, Error::Sealed) {
                return Err(error);
            }
            tracing::warn!(rotation = %id, error = &error as &dyn std::error::Error, "a rotation is put off");
            step.put_off(&error.to_string()).await?;
        }
        Ok(true)
    }
}

/// What became of writing the machine down.
enum Written {
    /// Go on with the effect.
    GoOn,
    /// Nothing more is to be done now.
    Over,
}

/// One rotation in one worker's hand.
struct Step<'a> {
    control: &'a Control,
    claimed: Claimed,
}

impl Step<'_> {
    async fn go_on(&mut self) -> Result<(), Error> {
        let Some(acting) = self.acting().await? else { return Ok(()) };
        self.ways_are_current(&acting);
        let mut input = Input::Resume;
        loop {
            let before = self.claimed.machine.state();
            let (machine, effect) = self.claimed.machine.clone().handle(input, self.control.now());
            self.claimed.machine = machine;
            input = match effect {
                Effect::Seal => match self.seal(&acting).await? {
                    Some(input) => input,
                    None => return Ok(()),
                },
                Effect::Promote => match self.promote(&acting).await? {
                    Some(input) => input,
                    None => return Ok(()),
                },
                effect => {
                    if let (Effect::Apply { .. }, Some(version)) = (&effect, self.claimed.machine.candidate()) {
                        self.control.bundled_before_change(&self.claimed.account, version).await?;
                    }
                    if matches!(self.write(&acting, before, &effect).await?, Written::Over) {
                        return Ok(());
                    }
                    self.perform(&acting, effect).await?
                }
            };
        }
    }

    async fn acting(&self) -> Result<Option<Acting>, Error> {
        let mut rows = self.control.store().read().await?;
        self.control.acting(&mut rows, &self.claimed.account).await
    }

    /// Before anything was done, what is set now counts, not what was set when it was planned.
    fn ways_are_current(&mut self, acting: &Acting) {
        if self.claimed.machine.state() != RotationState::Planned {
            return;
        }
        let can = acting.connector.capabilities();
        self.claimed.machine = match ways(&acting.account, &acting.setting, &acting.repairers, can) {
            Ok(ways) => Machine::new(ways, super::additive(acting.account.credential), acting.account.ready),
            Err(why) => self.claimed.machine.clone().handle(Input::Cancel, self.control.now()).0.noting(why),
        };
    }

    /// Makes the candidate durable, in a transaction of its own.
    async fn seal(&mut self, acting: &Acting) -> Result<Option<Input>, Error> {
        let now = self.control.now();
        let mut tx = self.control.store().write(now).await?;
        let version = candidate::seal(self.control, &mut tx, acting).await?;
        let (machine, _) = self.claimed.machine.clone().handle(Input::Sealed { version }, now);
        let saved = Saved { machine: &machine, next_at: Some(now), lease_until: Some(now.after(LEASE)) };
        if !tx.rotation_save(&self.claimed.id, self.claimed.fence, &saved).await? {
            return Ok(None);
        }
        tx.commit_upkeep().await?;
        self.claimed.machine = machine;
        Ok(Some(Input::Resume))
    }

    /// Commits the candidate as the account's secret, together with what has yet to be told of it, the
    /// ledger's event and where the rotation stands.
    async fn promote(&mut self, acting: &Acting) -> Result<Option<Input>, Error> {
        let now = self.control.now();
        let mut tx = self.control.store().write(now).await?;
        let Some(version) = self.claimed.machine.candidate() else { return Ok(None) };
        if !tx.secret_promote(&self.claimed.account, version).await? {
            return Err(Error::Unavailable(format!("version {version} is not a candidate")));
        }
        let (machine, effect) = self.claimed.machine.clone().handle(Input::Promoted, now);
        if !self.save(&mut tx, &machine, &effect).await? {
            return Ok(None);
        }
        tx.dependents_pending(&self.claimed.account, &acting.account.rotation.dependents, version).await?;
        tx.heartbeat_forgotten(&self.claimed.account).await?;
        tx.intent_resolve(APPLY, self.claimed.id.as_str(), "done").await?;
        let mut events = vec![
            self.event(acting, "rotation.current", now).with("version", version).with("attempts", machine.attempts()),
        ];
        self.claimed.machine = machine;
        self.account_for(&mut tx, &mut events).await?;
        self.control.commit(tx, &events).await?;
        self.control.0.work.notify_one();
        match effect {
            Effect::End => Ok(None),
            effect => Ok(Some(self.perform(acting, effect).await?)),
        }
    }

    /// Commits the machine before its effect is done, with what the ledger has to know.
    async fn write(&self, acting: &Acting, before: RotationState, effect: &Effect) -> Result<Written, Error> {
        let now = self.control.now();
        let machine = &self.claimed.machine;
        let mut tx = self.control.store().write(now).await?;
        if !self.save(&mut tx, machine, effect).await? {
            tracing::info!(rotation = %self.claimed.id, "taken up by another worker");
            return Ok(Written::Over);
        }
        let mut events = Vec::new();
        if matches!(before, RotationState::Applying | RotationState::Reconcile)
            && !matches!(effect, Effect::Apply { .. })
        {
            events.push(self.outcome(&mut tx, acting).await?);
        }
        match effect {
            Effect::Apply { by, .. } => {
                tx.intent_insert(&Intent {
                    id: IntentId::generate(now, random::bytes()),
                    action: APPLY.to_owned(),
                    target: self.claimed.id.to_string(),
                    scope: self.claimed.scope.clone(),
                })
                .await?;
                let event = self.event(acting, APPLY, now).outcome(Outcome::Intent);
                let event = event.with("version", machine.candidate()).with("by", serde_json::json!(by));
                events.insert(0, event.with("attempt", machine.attempts()));
            }
            Effect::GiveUp => {
                tx.secret_candidate_dropped(&self.claimed.account, VersionState::Rejected).await?;
                let verb = if machine.state() == RotationState::Refused { "refused" } else { "cancelled" };
                let outcome = if verb == "refused" { Outcome::Failed } else { Outcome::Done };
                let event = self.event(acting, &format!("rotation.{verb}"), now).outcome(outcome);
                events.push(event.with("detail", machine.note().unwrap_or_default()));
            }
            Effect::Alarm => {
                let detail = machine.note().unwrap_or_default();
                tracing::error!(account = acting.reference(), detail, "NO SECRET IN THE VAULT OPENS AN ACCOUNT");
                let event = self.event(acting, "rotation.broken", now).outcome(Outcome::Failed);
                events.push(event.with("detail", detail));
            }
            Effect::Seal
            | Effect::Promote
            | Effect::Login { .. }
            | Effect::Retire { .. }
            | Effect::Wait(_)
            | Effect::End => {}
        }
        if matches!(effect, Effect::GiveUp | Effect::Alarm | Effect::End) {
            self.account_for(&mut tx, &mut events).await?;
        }
        match events.as_slice() {
            [] => tx.commit_upkeep().await?,
            events => {
                self.control.commit(tx, events).await?;
            }
        }
        let over = match effect {
            Effect::GiveUp | Effect::Alarm | Effect::End => true,
            Effect::Wait(until) => *until > now,
            _ => false,
        };
        Ok(if over { Written::Over } else { Written::GoOn })
    }

    /// How a change came out, as the machine has understood it.
    async fn outcome(&self, tx: &mut WriteTx, acting: &Acting) -> Result<Event, Error> {
        let machine = &self.claimed.machine;
        let (outcome, word) = match machine.state() {
            RotationState::Applied => (Outcome::Done, "done"),
            _ if machine.in_doubt() => (Outcome::Unknown, "unknown"),
            _ => (Outcome::Failed, "failed"),
        };
        tx.intent_resolve(APPLY, self.claimed.id.as_str(), word).await?;
        let mut event = self.event(acting, APPLY, tx.now()).outcome(outcome).with("version", machine.candidate());
        if let Some(note) = machine.note() {
            event = event.with("detail", note);
        }
        Ok(event)
    }

    async fn save(&self, tx: &mut WriteTx, machine: &Machine, effect: &Effect) -> Result<bool, Error> {
        let now = tx.now();
        let (next_at, lease_until) = match effect {
            Effect::Wait(until) if *until > now => (Some(*until), None),
            Effect::Alarm | Effect::GiveUp | Effect::End => (None, None),
            Effect::Apply { until, .. } | Effect::Retire { until, .. } => (Some(now), Some(until.after(LEASE_MARGIN))),
            _ => (Some(now), Some(now.after(LEASE))),
        };
        Ok(tx.rotation_save(&self.claimed.id, self.claimed.fence, &Saved { machine, next_at, lease_until }).await?)
    }

    /// Counts what is over in the run that it belongs to, which ends with its last rotation or with one
    /// failure too many.
    async fn account_for(&self, tx: &mut WriteTx, events: &mut Vec<Event>) -> Result<(), Error> {
        let Some(id) = &self.claimed.run else { return Ok(()) };
        events.extend(account_for(tx, id).await?);
        Ok(())
    }

    async fn perform(&self, acting: &Acting, effect: Effect) -> Result<Input, Error> {
        Ok(match effect {
            Effect::Apply { by, until, ticket } => {
                Input::Changed { ticket, change: self.apply(acting, by, until).await? }
            }
            Effect::Login { which, ticket } => Input::LoggedIn { ticket, login: self.login(acting, which).await? },
            Effect::Retire { until, ticket } => Input::Retired { ticket, change: self.retire(acting, until).await? },
            Effect::Seal | Effect::Promote | Effect::GiveUp | Effect::Alarm | Effect::Wait(_) | Effect::End => {
                Input::Resume
            }
        })
    }

    /// Tells the target.
    async fn apply(&self, acting: &Acting, by: By, until: Timestamp) -> Result<Change, Error> {
        let control = self.control;
        let account = &acting.account;
        let mut rows = control.store().read().await?;
        let candidate = self.candidate(&mut rows).await?;
        let time = until.since(control.now());
        let became = match by {
            By::Itself => {
                let login = match control.login_of(&mut rows, account).await {
                    Err(Error::Unavailable(why)) => return Ok(Change::Refused(why)),
                    login => login?,
                };
                drop(rows);
                let (old, candidate) = (Some(&login.secret), candidate.secret());
                let change = postern_connectors::Change { account: &account.name, old, candidate };
                tokio::time::timeout(time, acting.connector.change(&acting.target, &login, change)).await
            }
            By::Reconcile => {
                let Some(repairer) = acting.repairer() else {
                    return Ok(Change::Refused("its reconcile account cannot be used".to_owned()));
                };
                let login = control.login_of(&mut rows, repairer).await?;
                drop(rows);
                let (target, secret) = (&acting.target, candidate.secret());
                tokio::time::timeout(time, acting.connector.reconcile(target, &login, &account.name, secret)).await
            }
        };
        Ok(became.map_or_else(|_| Change::Unclear("the target did not answer in time".to_owned()), change_of))
    }

    async fn login(&self, acting: &Acting, which: Which) -> Result<Login, Error> {
        let mut rows = self.control.store().read().await?;
        let secret = match which {
            Which::Candidate => self.candidate(&mut rows).await?.secret().clone(),
            Which::Current => {
                let current = rows.secret_current(&self.claimed.account).await?;
                match current {
                    Some(current) => self.control.secret_of(&current)?,
                    None => return Ok(Login::Rejected),
                }
            }
        };
        drop(rows);
        let verdict = acting.connector.verify(&acting.target, &acting.account.name, &secret);
        Ok(tokio::time::timeout(LOGIN_MAX, verdict)
            .await
            .map_or_else(|_| Login::Unclear("the target did not answer in time".to_owned()), login_of))
    }

    /// Removes what older versions are known by, as the account itself with the new one.
    async fn retire(&self, acting: &Acting, until: Timestamp) -> Result<Change, Error> {
        let control = self.control;
        let mut rows = control.store().read().await?;
        let current = self.candidate(&mut rows).await?;
        let versions = rows.secret_versions(&self.claimed.account).await?;
        let last = versions.iter().find(|version| version.state == VersionState::Previous).map(|one| one.version);
        let older: Vec<_> = versions
            .iter()
            .filter(|one| one.version != current.version() && last.is_none_or(|last| one.version >= last))
            .map(|one| control.secret_of(one))
            .collect::<Result<_, _>>()?;
        drop(rows);
        let login = postern_connectors::Login::new(acting.account.name.clone(), current.secret().clone());
        for old in older {
            let time = until.since(control.now());
            let retired = acting.connector.retire(&acting.target, &login, &acting.account.name, &old, current.secret());
            let change = tokio::time::timeout(time, retired)
                .await
                .map_or_else(|_| Change::Unclear("the target did not answer in time".to_owned()), change_of);
            if change != Change::Done {
                return Ok(change);
            }
        }
        Ok(Change::Done)
    }

    async fn candidate(&self, rows: &mut postern_store::ReadTx) -> Result<Durable, Error> {
        let version = self.claimed.machine.candidate();
        let version = version.ok_or_else(|| Error::Unavailable("there is no candidate".to_owned()))?;
        Durable::read(self.control, rows, &self.claimed.account, version).await
    }

    fn event(&self, acting: &Acting, action: &str, at: Timestamp) -> Event {
        Event::done(at, Control::system(), action, acting.reference(), self.claimed.scope.clone())
            .with("rotation", self.claimed.id.as_str())
    }

    /// Lets go for a while, when Postern itself could not go on.
    async fn put_off(&self, why: &str) -> Result<(), Error> {
        let now = self.control.now();
        let mut rows = self.control.store().read().await?;
        // What was written down last counts, not what this worker had in hand.
        let Some((open, machine)) = rows.rotation_open(&self.claimed.account).await? else { return Ok(()) };
        drop(rows);
        if open.id != self.claimed.id {
            return Ok(());
        }
        let machine = machine.noting(why);
        let mut tx = self.control.store().write(now).await?;
        let saved = Saved { machine: &machine, next_at: Some(now.after(FAILED_PAUSE)), lease_until: None };
        tx.rotation_save(&self.claimed.id, self.claimed.fence, &saved).await?;
        Ok(tx.commit_upkeep().await?)
    }
}

/// Ends a run with its last rotation, or with one failure too many; gives the event that tells of it.
async fn account_for(tx: &mut WriteTx, id: &RotationRunId) -> Result<Option<Event>, Error> {
    let Some((run, scope)) = tx.rotation_run(id).await? else { return Ok(None) };
    if run.state != RotationRunState::Running {
        return Ok(None);
    }
    let event = |action: &str, now| {
        Event::done(now, Control::system(), action, id.as_str(), scope.clone())
            .with("tally", serde_json::json!(run.tally))
    };
    if run.over() == run.total() {
        tx.rotation_run_end(id, RotationRunState::Done, None).await?;
        return Ok(Some(event("rotation.run_done", tx.now())));
    }
    if run.failed() >= run.failures_max {
        let why = format!("{} of its rotations failed", run.failed());
        tx.rotation_run_end(id, RotationRunState::Stopped, Some(&why)).await?;
        tracing::error!(run = %id, why, "a run of rotations has stopped itself");
        return Ok(Some(event("rotation.run_stopped", tx.now()).outcome(Outcome::Failed).with("reason", why)));
    }
    Ok(None)
}

/// Whether what happened happened before the target was asked anything.
fn never_asked(failure: &Failure) -> bool {
    matches!(failure.cause, Cause::Unreachable | Cause::Untrusted)
}

fn change_of(became: Became) -> Change {
    match became {
        Became::Applied(()) => Change::Done,
        Became::NotApplied(failure) if never_asked(&failure) || failure.cause == Cause::Timeout => {
            Change::NotTried(failure.detail)
        }
        Became::NotApplied(failure) => Change::Refused(failure.detail),
        Became::Unknown(failure) => Change::Unclear(failure.detail),
    }
}

fn login_of(verdict: Verdict) -> Login {
    match verdict {
        Verdict::Works => Login::Accepted,
        Verdict::Refused(_) => Login::Rejected,
        Verdict::Unknown(failure) if never_asked(&failure) => Login::NotTried(failure.detail),
        Verdict::Unknown(failure) => Login::Unclear(failure.detail),
    }
}
