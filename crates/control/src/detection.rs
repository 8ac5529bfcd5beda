//! Detection while it happens: deeds of live sessions and events of the ledger are shown to the rules, and
//! what is found is written down and answered.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use postern_detect::{Detector, Found, Observation, Respond, Rule, Seen, Severity};
use postern_domain::event::{Event, Outcome};
use postern_domain::session::EndReason;
use postern_domain::user::UserState;
use postern_domain::{AlertId, ScopePath, SessionId, Timestamp};
use postern_gateway::{Directive, Tap};
use postern_store::{Alert, StoredRule};
use postern_understand::{Deed, Understanding};
use postern_vault::random;
use tokio_util::sync::CancellationToken;

use crate::ledger::event_in;
use crate::live::LiveSession;
use crate::{Control, Error};

/// How long the same of the same person on the same account is one alert.
const SAME: Duration = Duration::from_secs(600);
/// How many alerts a rule raises in an hour; what is more is counted in the newest.
const PER_HOUR: u64 = 60;
/// How many events are looked at in one go, and how many teach what is usual when Postern starts.
const LOOKED_MAX: u32 = 500;
const TAUGHT_MAX: u64 = 50_000;
/// How many deeds are shown to the rules in one go, while everybody else who shows them something waits.
const TOGETHER_MAX: usize = 64;
/// After how many events it is written down how far the ledger was looked at.
const KEPT_EVERY: u64 = 500;
/// How long a held session waits for its second factor, and how often it is looked whether that came.
const FACTOR_WAIT: Duration = Duration::from_secs(600);
const FACTOR_LOOK: Duration = Duration::from_millis(500);
/// What holds a session, as those in it are told.
const HOLDER: &str = "postern";

/// The rules that are on, and what they have counted.
#[derive(Clone, Default)]
pub(crate) struct Detection(Arc<Mutex<Detector>>);

impl Detection {
    fn with<T>(&self, ask: impl FnOnce(&mut Detector) -> T) -> T {
        // Each question leaves the detector as it must be.
        ask(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// How far the ledger was looked at, and how far that is written down.
#[derive(Clone, Copy)]
struct Looked {
    next: u64,
    kept: u64,
}

/// Where something was found.
struct Place<'a> {
    scope: ScopePath,
    session: Option<(&'a SessionId, &'a LiveSession)>,
    user: String,
    account: String,
    source: String,
    deed_at: Option<u64>,
    passed: Passed,
}

/// A live session, and what rules are told of it.
struct Followed {
    id: SessionId,
    user: String,
    account: String,
    source: String,
    live: LiveSession,
    began: Instant,
}

impl Followed {
    fn observation<'a>(&'a self, at: i64, deed: &'a Deed) -> Observation<'a> {
        let Self { id, user, account, source, .. } = self;
        Observation { at, user, source, account, session: id.as_str(), seen: Seen::Deed(deed) }
    }
}

/// What the time that an answer takes is counted from.
#[derive(Clone, Copy)]
enum Passed {
    /// A deed, so many milliseconds after its recording began.
    Deed(Instant, u64),
    /// An event of the ledger.
    Event(Timestamp),
}

impl Passed {
    /// How many milliseconds it is ago at `now`.
    fn at(self, now: Timestamp) -> u64 {
        let passed = match self {
            Self::Deed(began, at) => began.elapsed().saturating_sub(Duration::from_millis(at)),
            Self::Event(at) => now.since(at),
        };
        u64::try_from(passed.as_millis()).unwrap_or(u64::MAX)
    }
}

impl Control {
    /// Follows a live session until it is over, and shows the rules what is done in it.
    pub(crate) fn watch_deeds(&self, id: &SessionId) {
        let Some(live) = self.live().get(id) else { return };
        let Some(tap) = self.0.sessions.get().and_then(|sessions| sessions.tap(id)) else { return };
        tokio::spawn(self.clone().follow_deeds(id.clone(), live, tap));
    }

    async fn follow_deeds(self, id: SessionId, live: LiveSession, mut tap: Tap) {
        let followed = Followed {
            id,
            user: live.user_name.to_string(),
            account: live.account_ref.to_string(),
            source: live.source.to_string(),
            live,
            began: tap.began(),
        };
        let mut understanding = Understanding::new();
        let mut rules = None;
        while let Some(portion) = tap.next().await {
            let (changes, ends) = self.0.detection.with(|detector| (detector.changes(), detector.ends()));
            // A rule that comes while this portion is in hand may see its ends as one.
            if rules.replace(changes) != Some(changes) {
                understanding.tell_ends(ends);
                understanding.nothing_is_dull();
            }
            let at = self.now().as_millis();
            let mut dull =
                |deed: &Deed| self.0.detection.with(|detector| detector.ignores(&followed.observation(at, deed)));
            let mut deeds = Vec::new();
            portion.each(|frame| {
                understanding.frame_unless(frame, &mut dull, &mut |deed| deeds.push(deed));
            });
            deeds.extend(understanding.summed());
            self.deeds(&followed, &deeds).await;
        }
        let mut deeds = Vec::new();
        understanding.finish(&mut |deed| deeds.push(deed));
        self.deeds(&followed, &deeds).await;
    }

    async fn deeds(&self, followed: &Followed, deeds: &[Deed]) {
        for deeds in deeds.chunks(TOGETHER_MAX) {
            let at = self.now().as_millis();
            let found = self.0.detection.with(|detector| {
                let found = deeds.iter().flat_map(|deed| {
                    detector.observe(&followed.observation(at, deed)).into_iter().map(|it| (deed.at, it))
                });
                found.collect::<Vec<_>>()
            });
            for (deed_at, found) in found {
                let place = Place {
                    scope: followed.live.scope.clone(),
                    session: Some((&followed.id, &followed.live)),
                    user: followed.user.clone(),
                    account: followed.account.clone(),
                    source: followed.source.clone(),
                    deed_at: Some(deed_at),
                    passed: Passed::Deed(followed.began, deed_at),
                };
                // Rare, and much larger than all else that is kept for a session that is followed.
                Box::pin(self.detected(found, place)).await;
            }
        }
    }

    /// Loads the rules, before the first session is let in.
    ///
    /// # Errors
    /// When the database fails, or a stored rule cannot be read.
    pub async fn begin_detecting(&self) -> Result<(), Error> {
        // Whoever needs this before it is there waits for it.
        tokio::task::spawn_blocking(postern_understand::prepare);
        self.detection_reload().await
    }

    /// Shows the rules what the ledger says, until `stop`.
    pub async fn keep_detecting(self, stop: CancellationToken) {
        let mut changes = self.changes();
        let mut place = match self.teach().await {
            Ok(next) => Looked { next, kept: next },
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "what is usual cannot be told from the ledger"
                );
                return;
            }
        };
        loop {
            match self.look_at_events(&mut place).await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "the ledger cannot be looked at by rules"
                    );
                }
            }
            tokio::select! {
                () = stop.cancelled() => break,
                _ = changes.recv() => while changes.try_recv().is_ok() {},
                () = tokio::time::sleep(Duration::from_secs(10)) => {}
            }
        }
        if let Err(error) = self.keep_place(&mut place).await {
            tracing::warn!(%error, "some events will be shown to the rules once more at the next start");
        }
    }

    /// Tells the rules from the ledger what is usual.
    async fn teach(&self) -> Result<u64, Error> {
        let mut rows = self.store().read().await?;
        let size = rows.ledger_tree().await?.size();
        let place = rows.detection_place().await?.unwrap_or(size);
        let mut next = place.saturating_sub(TAUGHT_MAX);
        while next < place {
            let leaves = rows.leaves_from(next, LOOKED_MAX).await?;
            let Some(last) = leaves.last().map(|leaf| leaf.index) else { break };
            for leaf in leaves.iter().filter(|leaf| leaf.index < place) {
                let event = event_in(&leaf.body);
                if event.action == "session.open" && event.outcome == Outcome::Intent {
                    self.0.detection.with(|detector| detector.baselines().opened(&Observation::of_event(&event)));
                }
            }
            next = last + 1;
        }
        drop(rows);
        let mut tx = self.store().write(self.now()).await?;
        tx.detection_place_put(place).await?;
        tx.commit_upkeep().await?;
        Ok(place)
    }

    /// Makes the rules what the store says.
    pub(crate) async fn detection_reload(&self) -> Result<(), Error> {
        let stored = self.store().read().await?.detection_rules().await?;
        let rules = all_rules(&stored)?;
        let on = rules.into_iter().filter(|(_, enabled)| *enabled).map(|(rule, _)| rule).collect();
        self.0.detection.with(|detector| detector.set(on)).map_err(|error| Error::invalid("rule", error.to_string()))
    }

    /// Looks at the next events; true when there may be more. How far that is, is written down now and then
    /// only, so that an event does not cost two commits.
    async fn look_at_events(&self, place: &mut Looked) -> Result<bool, Error> {
        let leaves = self.store().read().await?.leaves_from(place.next, LOOKED_MAX).await?;
        let more = !leaves.is_empty();
        for leaf in leaves {
            let event = event_in(&leaf.body);
            if !event.action.starts_with("alert.") {
                self.show_event(&event).await;
            }
            place.next = leaf.index + 1;
        }
        if place.next - place.kept >= KEPT_EVERY {
            self.keep_place(place).await?;
        }
        Ok(more)
    }

    async fn keep_place(&self, place: &mut Looked) -> Result<(), Error> {
        let mut tx = self.store().write(self.now()).await?;
        tx.detection_place_put(place.next).await?;
        tx.commit_upkeep().await?;
        place.kept = place.next;
        Ok(())
    }

    async fn show_event(&self, event: &Event) {
        let seen = Observation::of_event(event);
        for found in self.0.detection.with(|detector| detector.observe(&seen)) {
            let id = seen.session.parse::<SessionId>().ok();
            let live = id.as_ref().and_then(|id| self.live().get(id));
            let place = Place {
                scope: event.scope.clone(),
                session: id.as_ref().zip(live.as_ref()),
                user: seen.user.to_owned(),
                account: seen.account.to_owned(),
                source: seen.source.to_owned(),
                deed_at: None,
                passed: Passed::Event(event.at),
            };
            self.detected(found, place).await;
        }
    }

    /// Answers what was found, then writes it down: an attack is not let go on while the database is busy.
    async fn detected(&self, found: Found, place: Place<'_>) {
        let done = self.respond(&found, &place).await;
        if let Err(error) = self.alert_raise(&found, &place, done).await {
            tracing::error!(
                rule = found.rule.id,
                error = &error as &dyn std::error::Error,
                "an alert cannot be written"
            );
        }
    }

    async fn alert_raise(&self, found: &Found, place: &Place<'_>, done: Respond) -> Result<(), Error> {
        let rule = &found.rule;
        let mut tx = self.store().write(self.now()).await?;
        let now = tx.now();
        let same = tx.alert_same(&rule.id, &place.user, &place.account, now.before(SAME)).await?;
        if let Some(same) = same.filter(|_| done <= Respond::Alert) {
            tx.alert_again(&same).await?;
            tx.commit_upkeep().await?;
            return Ok(());
        }
        if done <= Respond::Alert && tx.alerts_since(&rule.id, now.before(Duration::from_secs(3600))).await? >= PER_HOUR
        {
            return Ok(());
        }
        let alert = Alert {
            id: AlertId::generate(now, random::bytes()),
            scope: place.scope.clone(),
            rule: rule.id.clone(),
            title: rule.title.clone(),
            severity: severity(rule.severity).to_owned(),
            attack: rule.attack.clone(),
            response: response(done).to_owned(),
            state: if done == Respond::Note { "noted" } else { "open" }.to_owned(),
            session: place.session.map(|(id, _)| id.clone()),
            user: place.user.clone(),
            account: place.account.clone(),
            source: place.source.clone(),
            deed_at: place.deed_at,
            answered_ms: Some(place.passed.at(self.now())),
            evidence: found.evidence.clone(),
            why: found.why.clone(),
            times: 1,
            raised_at: now,
            last_at: now,
            assignee: None,
            closed_at: None,
            closed_by: None,
            verdict: None,
            comment: None,
        };
        tx.alert_put(&alert).await?;
        self.commit(tx, &[raised(&alert, now)]).await?;
        Ok(())
    }

    /// Does what the rule says, or the next harder thing that can be done; says what was done.
    async fn respond(&self, found: &Found, place: &Place<'_>) -> Respond {
        let wanted = found.rule.respond;
        let Some((id, live)) = place.session else {
            // There is no session to hold or end; somebody is told.
            if wanted == Respond::Lock && !place.user.is_empty() {
                return self.lock_out(&place.user).await;
            }
            return wanted.min(Respond::Alert);
        };
        let title = &found.rule.title;
        match wanted {
            Respond::Note | Respond::Alert => wanted,
            Respond::Factor => self.hold_for_factor(id, live, title).await,
            Respond::Pause => self.hold(id, title),
            Respond::Terminate => self.terminate(id, title),
            Respond::Lock => {
                self.terminate(id, title);
                self.lock_out(live.user_name.as_str()).await
            }
        }
    }

    fn terminate(&self, id: &SessionId, title: &str) -> Respond {
        self.live().end(id, EndReason::Killed, &format!("this session was ended by a detection rule: {title}"));
        Respond::Terminate
    }

    fn hold(&self, id: &SessionId, title: &str) -> Respond {
        let held = HOLDER.parse().ok().zip(self.0.sessions.get()).map(|(by, sessions)| sessions.hold(id, Some(by)));
        match held {
            Some(Ok(_)) => {
                let text = format!(
                    "a detection rule has paused this session: {title}; what you type goes nowhere until somebody has looked"
                );
                self.live().order(id, Directive::Message(text));
                Respond::Pause
            }
            // A gateway that cannot hold the input ends the session.
            Some(Err(_)) | None => self.terminate(id, title),
        }
    }

    async fn hold_for_factor(&self, id: &SessionId, live: &LiveSession, title: &str) -> Respond {
        if self.hold(id, title) != Respond::Pause {
            return Respond::Terminate;
        }
        let link = match self.factor_link(&live.user, live.source, "").await {
            Ok(link) => link,
            Err(error) => {
                tracing::error!(session = %id, error = &error as &dyn std::error::Error, "no second factor can be asked for");
                return Respond::Pause;
            }
        };
        let text = format!("to go on, confirm that it is you: {}", link.url);
        self.live().order(id, Directive::Message(text));
        let (control, id) = (self.clone(), id.clone());
        tokio::spawn(async move { control.wait_for_factor(&id, &link.token).await });
        Respond::Factor
    }

    async fn wait_for_factor(&self, id: &SessionId, token: &postern_domain::SecretText) {
        let until = tokio::time::Instant::now() + FACTOR_WAIT;
        while self.live().get(id).is_some() {
            match self.factor_link_confirmed(token).await {
                Ok(Some(_)) => {
                    if let Some(sessions) = self.0.sessions.get() {
                        // It may be over in the meantime.
                        let _ = sessions.hold(id, None);
                    }
                    self.live().order(id, Directive::Message("it is you: this session goes on".to_owned()));
                    return;
                }
                _ if tokio::time::Instant::now() >= until => {
                    self.live().end(id, EndReason::Killed, "nobody confirmed in time that it is you");
                    return;
                }
                _ => tokio::time::sleep(FACTOR_LOOK).await,
            }
        }
    }

    /// Locks a person out; the last administrator is not, who could not be let in again.
    async fn lock_out(&self, name: &str) -> Respond {
        match self.try_lock_out(name).await {
            Ok(true) => Respond::Lock,
            Ok(false) => Respond::Alert,
            Err(error) => {
                tracing::error!(user = name, error = &error as &dyn std::error::Error, "somebody cannot be locked out");
                Respond::Alert
            }
        }
    }

    async fn try_lock_out(&self, name: &str) -> Result<bool, Error> {
        let Ok(name) = name.parse() else { return Ok(false) };
        let mut tx = self.store().write(self.now()).await?;
        let Some(user) = tx.user_by_name(&name).await?.filter(|user| user.state != UserState::Disabled) else {
            return Ok(false);
        };
        let guard = crate::user::Administrators::before(&mut tx).await?;
        tx.user_change(&user.id, user.email.as_deref(), &user.scope, UserState::Disabled).await?;
        tx.user_cut_off(&user.id, "a detection rule locked the user out").await?;
        guard.after(&mut tx).await?;
        let event = Event::done(tx.now(), Self::system(), "user.disable", name.as_str(), user.scope.clone());
        self.commit(tx, &[event.with("by", "detection")]).await?;
        self.sessions_end_for_user(&user.id);
        Ok(true)
    }
}

/// The shipped rules and the estate's own, with whether each is on.
pub(crate) fn all_rules(stored: &[StoredRule]) -> Result<Vec<(Rule, bool)>, Error> {
    let changed = |id: &str| stored.iter().find(|one| one.id == id);
    let mut rules = Vec::new();
    let shipped = postern_detect::shipped();
    let known: Vec<_> = shipped.iter().map(|rule| rule.id.clone()).collect();
    for rule in shipped {
        match changed(&rule.id) {
            Some(StoredRule { enabled, body: None, .. }) => rules.push((rule, *enabled)),
            Some(StoredRule { enabled, body: Some(body), .. }) => rules.push((one(body)?, *enabled)),
            None => rules.push((rule, true)),
        }
    }
    for own in stored.iter().filter(|own| !known.contains(&own.id)) {
        if let Some(body) = &own.body {
            rules.push((one(body)?, own.enabled));
        }
    }
    Ok(rules)
}

fn one(body: &str) -> Result<Rule, Error> {
    serde_json::from_str(body).map_err(|error| Error::Unavailable(format!("a stored rule cannot be read: {error}")))
}

/// The event that channels carry.
fn raised(alert: &Alert, now: Timestamp) -> Event {
    let mut event = Event::done(now, Control::system(), "alert.raise", alert.id.as_str(), alert.scope.clone())
        .with("rule", alert.rule.as_str())
        .with("title", alert.title.as_str())
        .with("severity", alert.severity.as_str())
        .with("attack", alert.attack.as_str())
        .with("response", alert.response.as_str())
        .with("evidence", alert.evidence.as_str())
        .with("why", alert.why.as_str());
    for (name, value) in [("user", &alert.user), ("account", &alert.account), ("source", &alert.source)] {
        if !value.is_empty() {
            event = event.with(name, value.as_str());
        }
    }
    if let Some(session) = &alert.session {
        event = event.with("session", session.as_str());
    }
    if let Some(at) = alert.deed_at {
        event = event.with("at_ms", at);
    }
    event
}

pub(crate) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

pub(crate) fn response(respond: Respond) -> &'static str {
    match respond {
        Respond::Note => "note",
        Respond::Alert => "alert",
        Respond::Factor => "factor",
        Respond::Pause => "pause",
        Respond::Terminate => "terminate",
        Respond::Lock => "lock",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_task<A, B, C, D, F>(_: impl Fn(A, B, C, D) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn following_a_session_takes_little_memory() {
        let size = size_of_task(Control::follow_deeds);
        assert!(size <= 4 * 1024, "{size}");
    }
}
