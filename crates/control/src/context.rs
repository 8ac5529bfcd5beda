//! What an approver wants to know of a request beside what it says.

use std::time::Duration;

use postern_domain::RequestId;
use postern_domain::request::{Request, RequestState};
use postern_domain::session::Session;
use postern_store::{PageRequest, SessionFilter};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::request::seen;
use crate::{Caller, Control, Error};

/// How far back is looked.
const LOOKED_BACK: Duration = Duration::from_secs(90 * 24 * 3600);
/// How many of each are shown.
const SHOWN_MAX: usize = 5;
/// How many sessions are counted.
const COUNTED_MAX: u32 = 100;
/// How many refusals are many.
const REFUSALS_MANY: usize = 2;

/// Something that an approver should notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// They have not used the account in the last 90 days.
    FirstUse,
    /// They ask for as long as the policy gives.
    LongestAllowed,
    /// There is no ticket.
    NoTicket,
    /// Several of their requests for it were denied lately.
    DeniedLately,
    /// Nobody would have to say yes to this under the policy as it was when it was asked.
    NoApproval,
}

/// What is known of a request beside what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequestContext {
    /// Their latest sessions on the account.
    pub sessions: Vec<Session>,
    /// How many there were in the last 90 days; counted up to 100.
    pub sessions_count: usize,
    /// Their latest other requests for it.
    pub requests: Vec<Request>,
    /// What to notice.
    pub signals: Vec<Signal>,
}

impl Control {
    /// What is known of a request that the caller may see, beside what it says.
    ///
    /// # Errors
    /// `NotFound` also when it is not theirs to see.
    pub async fn request_context(&self, caller: &Caller, id: &RequestId) -> Result<RequestContext, Error> {
        let mut rows = self.store().read().await?;
        let stored = seen(&mut rows, caller, id).await?;
        let request = &stored.request;
        let since = request.created_at.before(LOOKED_BACK);
        let filter = SessionFilter {
            user: Some(request.user.to_string()),
            account: Some(request.account.clone()),
            from: Some(since),
            ..SessionFilter::default()
        };
        let page = PageRequest { cursor: None, limit: Some(COUNTED_MAX) };
        let scopes = std::slice::from_ref(&request.scope);
        let mut sessions = rows.sessions(scopes, &stored.user, &filter, &page.into()).await?.items;
        let others = rows.requests_for(&stored.user, &stored.account, since).await?;
        let others: Vec<_> = others.into_iter().map(|stored| stored.request).filter(|other| other.id != *id).collect();
        let denied = others.iter().filter(|other| other.state == RequestState::Denied).count();
        let signals = [
            (sessions.is_empty(), Signal::FirstUse),
            (request.duration_seconds >= stored.obligations.max_duration_seconds, Signal::LongestAllowed),
            (request.ticket.is_none(), Signal::NoTicket),
            (denied >= REFUSALS_MANY, Signal::DeniedLately),
            (request.approval.is_none(), Signal::NoApproval),
        ];
        let sessions_count = sessions.len();
        sessions.truncate(SHOWN_MAX);
        Ok(RequestContext {
            sessions,
            sessions_count,
            requests: others.into_iter().take(SHOWN_MAX).collect(),
            signals: signals.into_iter().filter(|(holds, _)| *holds).map(|(_, signal)| signal).collect(),
        })
    }
}

#[cfg(test)]
mod tests;
