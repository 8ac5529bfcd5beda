//! Sessions: looking at them, ending them, and keeping them to what policy says now.

use std::collections::BTreeSet;

use postern_domain::event::{Event, Outcome};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::policy::{Join, Obligations};
use postern_domain::session::{EndReason, Session, SessionState};
use postern_domain::user::User;
use postern_domain::{AccountId, Capability, SessionId, UserId, UserName};
use postern_gateway::{Directive, Guest, Joined};
use postern_store::{Listed, Listing, SessionEnd, SessionFilter, WriteTx};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Caller, Control, Error, provision};

/// The longest message that can be shown to somebody in a session, in characters.
const MESSAGE_LEN_MAX: usize = 500;

/// Somebody who has joined a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionGuest {
    /// Who.
    pub user: UserName,
    /// Whether they type too.
    pub control: bool,
}

/// What goes on in a live session beside its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionLive {
    /// By whom its input is held.
    pub paused_by: Option<UserName>,
    /// Who has joined.
    pub guests: Vec<SessionGuest>,
    /// What those who join may do.
    pub join: Join,
    /// What the session may do.
    pub capabilities: BTreeSet<Capability>,
}

impl Control {
    /// The caller's own sessions, and those in the scopes where they hold `session:read`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session_list(
        &self,
        caller: &Caller,
        filter: &SessionFilter,
        listing: &Listing,
    ) -> Result<Listed<Session>, Error> {
        let scopes = caller.authority.scopes(Permission::SessionRead);
        Ok(self.store().read().await?.sessions(&scopes, &caller.user.id, filter, listing).await?)
    }

    /// One session that the caller may see.
    ///
    /// # Errors
    /// `NotFound` also when it is not theirs to see.
    pub async fn session_show(&self, caller: &Caller, id: &SessionId) -> Result<Session, Error> {
        self.session_visible(caller, id, Permission::SessionRead).await
    }

    /// The session when it is the caller's own or lies where they hold `permission`; whoever sponsors a vendor
    /// looks on in their sessions.
    pub(crate) async fn session_visible(
        &self,
        caller: &Caller,
        id: &SessionId,
        permission: Permission,
    ) -> Result<Session, Error> {
        let mut rows = self.store().read().await?;
        let session = rows.session(id).await?.ok_or_else(|| Error::not_found("session", id))?;
        if session.user == caller.user.name || caller.authority.covers(permission, &session.scope) {
            return Ok(session);
        }
        let sponsors = |user: User| user.vendor().is_some_and(|vendor| vendor.sponsor == caller.user.name);
        let looks_on = matches!(permission, Permission::SessionRead | Permission::RecordingRead);
        match looks_on && rows.user_by_name(&session.user).await?.is_some_and(sponsors) {
            true => Ok(session),
            false => Err(Error::not_found("session", id)),
        }
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

    /// Holds the input of a live session, or lets it flow again. Whoever works in it is told.
    ///
    /// # Errors
    /// As [`Self::session_kill`]; `Conflict` also when it is so already.
    pub async fn session_hold(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        id: &SessionId,
        hold: bool,
        reason: Option<&str>,
    ) -> Result<(), Error> {
        let reason = reason.map(|reason| text("reason", reason)).transpose()?;
        let session = self.session_in(permit, id).await?;
        let sessions = self.0.sessions.get().ok_or_else(|| not_live(id))?;
        if sessions.held_by(id).is_some() == hold {
            let state = if hold { "paused already" } else { "not paused" };
            return Err(Error::Conflict(format!("session {id} is {state}")));
        }
        let (action, done) =
            if hold { ("session.pause", "has paused this session") } else { ("session.resume", "lets you go on") };
        let mut event = Event::done(self.now(), caller.actor(), action, id.as_str(), session.scope)
            .with("account", session.account.to_string())
            .with("user", session.user.as_str());
        if let Some(reason) = reason {
            event = event.with("reason", reason);
        }
        self.note(event).await?;
        let by = hold.then(|| caller.user.name.clone());
        sessions.hold(id, by).map_err(|error| Error::Conflict(error.to_string()))?;
        let why = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        let held = if hold { "; what you type goes nowhere until it is resumed" } else { "" };
        self.live().order(id, Directive::Message(format!("{} {done}{why}{held}", caller.user.name)));
        Ok(())
    }

    /// What goes on in a live session beside its bytes.
    ///
    /// # Errors
    /// `NotFound` when it is not theirs to see, `Conflict` when it is not live.
    pub async fn session_live(&self, caller: &Caller, id: &SessionId) -> Result<SessionLive, Error> {
        self.session_visible(caller, id, Permission::SessionRead).await?;
        let live = self.live().get(id).ok_or_else(|| not_live(id))?;
        let sessions = self.0.sessions.get().ok_or_else(|| not_live(id))?;
        Ok(SessionLive {
            paused_by: sessions.held_by(id),
            guests: sessions
                .guests(id)
                .into_iter()
                .map(|guest| SessionGuest { user: guest.user, control: guest.control })
                .collect(),
            join: live.obligations.join,
            capabilities: live.obligations.capabilities,
        })
    }

    /// Joins a live session, so that whoever works in it knows. With `control` the caller types too.
    ///
    /// # Errors
    /// `NotFound` when it is not theirs to watch; `Forbidden` when they or the session's policy do not
    /// let them type; `Conflict` when it is not live.
    pub async fn session_join(&self, caller: &Caller, id: &SessionId, control: bool) -> Result<Joined, Error> {
        let session = self.session_visible(caller, id, Permission::RecordingRead).await?;
        let live = self.live().get(id).ok_or_else(|| not_live(id))?;
        if control && !caller.authority.covers(Permission::SessionJoin, &session.scope) {
            self.note_forbidden(caller, "session_join").await?;
            let permission = Permission::SessionJoin.as_str();
            return Err(Error::Forbidden(format!("this needs the permission {permission}; ask an administrator")));
        }
        if control && live.obligations.join != Join::Control {
            let why = "the policy of this session lets nobody else type in it (obligation `join`)";
            return Err(Error::Forbidden(why.to_owned()));
        }
        let own = session.person() == caller.user.person();
        let event = Event::done(self.now(), caller.actor(), "session.join", id.as_str(), session.scope)
            .with("account", session.account.to_string())
            .with("user", session.user.as_str())
            .with("control", control);
        self.note(event).await?;
        let sessions = self.0.sessions.get().ok_or_else(|| not_live(id))?;
        let guest = Guest { user: caller.user.name.clone(), control, own };
        sessions.join(id, guest).await.map_err(|error| Error::Conflict(error.to_string()))
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
        // The data folder is this process's alone: whoever worked before is gone.
        let mut tx = self.store().write(self.now()).await?;
        tx.leases_released().await?;
        tx.commit_upkeep().await?;
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
            tx.session_end(
                &session.id,
                &SessionEnd { at: now, reason: EndReason::Unknown, recording, capabilities: Default::default() },
            )
            .await?;
            events.push(event);
            provision::session_over(&mut tx, &session.id).await?;
            if let Some((account, obligations)) = obliged(&mut tx, session).await? {
                events.extend(self.after_use(&mut tx, &account, &obligations).await?);
            }
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

fn not_live(id: &SessionId) -> Error {
    Error::Conflict(format!("session {id} is not live"))
}

/// What a session was bound to, and its account.
async fn obliged(tx: &mut WriteTx, session: &Session) -> Result<Option<(AccountId, Obligations)>, Error> {
    let now = tx.now();
    let Some(account) = tx.session_account(&session.id).await? else { return Ok(None) };
    let granted = match &session.grant {
        Some(grant) => tx.grant(grant, now).await?.map(|grant| grant.obligations),
        None => None,
    };
    let obligations = match granted {
        Some(obligations) => Some(obligations),
        None => {
            let policies = tx.policies_over(&session.scope).await?;
            policies.into_iter().find(|policy| policy.id == session.policy).map(|policy| policy.obligations)
        }
    };
    Ok(Some((account, obligations.unwrap_or_default())))
}

/// A text that people will read: one line, not empty, bounded.
fn text<'a>(field: &str, text: &'a str) -> Result<&'a str, Error> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > MESSAGE_LEN_MAX || text.chars().any(char::is_control) {
        return Err(Error::invalid(field, format!("give one line of at most {MESSAGE_LEN_MAX} characters")));
    }
    Ok(text)
}
