//! Sessions: looking at them, ending them, and keeping them to what policy says now.

use postern_domain::event::{Event, Outcome};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::session::{EndReason, Session, SessionState};
use postern_domain::{SessionId, UserId};
use postern_gateway::Directive;
use postern_store::{Page, PageRequest, SessionEnd, SessionFilter};

use crate::{Caller, Control, Error};

/// The longest message that can be shown to somebody in a session, in characters.
const MESSAGE_LEN_MAX: usize = 500;

impl Control {
    /// The caller's own sessions, and those in the scopes where they hold `session:read`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session_list(
        &self,
        caller: &Caller,
        filter: &SessionFilter,
        page: &PageRequest,
    ) -> Result<Page<Session>, Error> {
        let scopes = caller.authority.scopes(Permission::SessionRead);
        Ok(self.store().read().await?.sessions(&scopes, &caller.user.id, filter, page).await?)
    }

    /// One session that the caller may see.
    ///
    /// # Errors
    /// `NotFound` also when it is not theirs to see.
    pub async fn session_show(&self, caller: &Caller, id: &SessionId) -> Result<Session, Error> {
        self.session_visible(caller, id, Permission::SessionRead).await
    }

    /// The session when it is the caller's own or lies where they hold `permission`.
    pub(crate) async fn session_visible(
        &self,
        caller: &Caller,
        id: &SessionId,
        permission: Permission,
    ) -> Result<Session, Error> {
        let session = self.store().read().await?.session(id).await?;
        session
            .filter(|session| session.user == caller.user.name || caller.authority.covers(permission, &session.scope))
            .ok_or_else(|| Error::not_found("session", id))
    }

    /// Terminates a live session.
    ///
    /// # Errors
    /// `NotFound` when it does not lie in the permit's scopes, `Conflict` when it is over.
    pub async fn session_kill(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        id: &SessionId,
        reason: &str,
    ) -> Result<Session, Error> {
        let reason = text("reason", reason)?;
        let session = self.session_in(permit, id).await?;
        if session.state == SessionState::Ended {
            return Err(Error::Conflict(format!("session {id} is over already")));
        }
        let event = Event::done(self.now(), caller.actor(), "session.kill", id.as_str(), session.scope.clone())
            .with("account", session.account.to_string())
            .with("user", session.user.as_str())
            .with("reason", reason);
        self.note(event).await?;
        let message = format!("this session was terminated by {}: {reason}", caller.user.name);
        self.live().end(id, EndReason::Killed, &message);
        Ok(session)
    }

    /// Shows a message to whoever works in a live session.
    ///
    /// # Errors
    /// As [`Self::session_kill`].
    pub async fn session_message(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        id: &SessionId,
        message: &str,
    ) -> Result<(), Error> {
        let message = text("text", message)?;
        let session = self.session_in(permit, id).await?;
        let event = Event::done(self.now(), caller.actor(), "session.message", id.as_str(), session.scope)
            .with("text", message);
        self.note(event).await?;
        let shown = Directive::Message(format!("{} says: {message}", caller.user.name));
        if self.live().order(id, shown) { Ok(()) } else { Err(Error::Conflict(format!("session {id} is not live"))) }
    }

    async fn session_in(&self, permit: &Permit<Manage>, id: &SessionId) -> Result<Session, Error> {
        let session = self.store().read().await?.session(id).await?;
        session.filter(|session| permit.covers(&session.scope)).ok_or_else(|| Error::not_found("session", id))
    }

    /// Ends every live session of a person.
    pub(crate) fn sessions_end_for_user(&self, user: &UserId) {
        for (id, session) in self.live().all() {
            if session.user == *user {
                self.live().end(&id, EndReason::UserDisabled, "your access to postern has been switched off");
            }
        }
    }

    /// Closes what a stop in mid-flight left open: sessions and intents whose outcome nobody saw.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn recover(&self) -> Result<usize, Error> {
        let mut rows = self.store().read().await?;
        let (sessions, intents) = (rows.sessions_not_ended().await?, rows.intents_open().await?);
        drop(rows);
        let closed = sessions.len() + intents.len();
        if closed == 0 {
            return Ok(0);
        }
        let now = self.now();
        let mut tx = self.store().write(now).await?;
        let mut events = Vec::new();
        for session in &sessions {
            let recording = self.recording_on_disk(&session.id).await;
            let mut event = Event::done(now, Self::system(), "session.end", session.id.as_str(), session.scope.clone())
                .outcome(Outcome::Unknown)
                .with("user", session.user.as_str())
                .with("account", session.account.to_string())
                .with("reason", "unknown");
            if let Some((bytes, digest)) = &recording {
                event = event.with("recording_bytes", *bytes).with("recording_digest", digest.as_str());
            }
            tx.session_end(&session.id, &SessionEnd { at: now, reason: EndReason::Unknown, recording }).await?;
            events.push(event);
        }
        for intent in &intents {
            tx.intent_resolve(&intent.action, &intent.target, "unknown").await?;
            events.push(
                Event::done(now, Self::system(), &intent.action, intent.target.as_str(), intent.scope.clone())
                    .outcome(Outcome::Unknown),
            );
        }
        self.commit(tx, &events).await?;
        tracing::warn!(sessions = sessions.len(), intents = intents.len(), "closed what an earlier stop left open");
        Ok(closed)
    }
}

/// A text that people will read: one line, not empty, bounded.
fn text<'a>(field: &str, text: &'a str) -> Result<&'a str, Error> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > MESSAGE_LEN_MAX || text.chars().any(char::is_control) {
        return Err(Error::invalid(field, format!("give one line of at most {MESSAGE_LEN_MAX} characters")));
    }
    Ok(text)
}
