//! The sessions that are live in this process, and the orders that reach them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use postern_domain::permit::Connect;
use postern_domain::policy::{Client, Obligations};
use postern_domain::session::EndReason;
use postern_domain::user::User;
use postern_domain::{
    AccountId, AccountRef, AssetId, GrantId, PolicyId, ScopePath, SessionId, Timestamp, UserId, UserName,
};
use postern_gateway::Directive;
use tokio::sync::mpsc;

/// Orders that may wait for a gateway; more would mean that it no longer listens.
const DIRECTIVES_MAX: usize = 8;

/// What is known of a live session without asking the database.
#[derive(Clone, Debug)]
pub(crate) struct LiveSession {
    pub(crate) user: UserId,
    pub(crate) user_name: UserName,
    /// Their everyday user, where this is another.
    pub(crate) identity: Option<UserName>,
    pub(crate) account_ref: AccountRef,
    pub(crate) account: AccountId,
    pub(crate) asset: AssetId,
    pub(crate) scope: ScopePath,
    pub(crate) source: IpAddr,
    pub(crate) opened_at: Timestamp,
    /// Until when it may go on, as was decided last.
    pub(crate) until: Timestamp,
    /// The right that it was opened by.
    pub(crate) policy: PolicyId,
    pub(crate) grant: Option<GrantId>,
    pub(crate) obligations: Obligations,
    pub(crate) client: Client,
    directives: mpsc::Sender<Directive>,
}

impl LiveSession {
    /// A session that is being opened by `right`, and the end of its orders that goes to its gateway.
    pub(crate) fn new(
        right: &Connect,
        user: &User,
        account_ref: AccountRef,
        scope: ScopePath,
        opened_at: Timestamp,
    ) -> (Self, mpsc::Receiver<Directive>) {
        let (directives, receiver) = mpsc::channel(DIRECTIVES_MAX);
        let session = Self {
            user: right.user.clone(),
            user_name: user.name.clone(),
            identity: user.profile.identity.clone(),
            account_ref,
            account: right.account.clone(),
            asset: right.asset.clone(),
            scope,
            source: right.source,
            opened_at,
            until: right.until,
            policy: right.policy.clone(),
            grant: right.grant.clone(),
            obligations: right.obligations.clone(),
            client: Client::Api,
            directives,
        };
        (session, receiver)
    }

    /// The same, opened by this kind of client.
    pub(crate) fn by(self, client: Client) -> Self {
        Self { client, ..self }
    }
}

/// The live sessions of this process. The lock is held for a look-up only, never across an await.
#[derive(Default)]
pub(crate) struct LiveSessions {
    sessions: Mutex<HashMap<SessionId, LiveSession>>,
}

impl LiveSessions {
    fn sessions(&self) -> std::sync::MutexGuard<'_, HashMap<SessionId, LiveSession>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a session up: from here on orders reach it.
    pub(crate) fn add(&self, id: SessionId, session: LiveSession) {
        self.sessions().insert(id, session);
    }

    pub(crate) fn remove(&self, id: &SessionId) -> Option<LiveSession> {
        self.sessions().remove(id)
    }

    pub(crate) fn get(&self, id: &SessionId) -> Option<LiveSession> {
        self.sessions().get(id).cloned()
    }

    /// All of them, as they are now.
    pub(crate) fn all(&self) -> Vec<(SessionId, LiveSession)> {
        self.sessions().iter().map(|(id, session)| (id.clone(), session.clone())).collect()
    }

    /// Gives an order. One that does not fit any more means that the gateway is stuck: its channel
    /// is closed instead, which ends the session.
    pub(crate) fn order(&self, id: &SessionId, directive: Directive) -> bool {
        let Some(session) = self.get(id) else { return false };
        if session.directives.try_send(directive).is_err() {
            self.remove(id);
        }
        true
    }

    /// Lets a session go on until then at the latest.
    pub(crate) fn until(&self, id: &SessionId, until: Timestamp) {
        if let Some(session) = self.sessions().get_mut(id) {
            session.until = until;
        }
        self.order(id, Directive::Until(until));
    }

    /// Ends a session.
    pub(crate) fn end(&self, id: &SessionId, reason: EndReason, message: &str) -> bool {
        self.order(id, Directive::End { reason, message: message.to_owned() })
    }
}
