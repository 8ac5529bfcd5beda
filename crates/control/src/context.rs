//! What an approver wants to know of a request beside what it says.

use std::time::Duration;

use postern_domain::RequestId;
use postern_domain::request::{Request, RequestState};
use postern_domain::risk::{Risk, WeighedRequest, weigh};
use postern_domain::session::Session;
use postern_store::{PageRequest, ReadTx, SessionFilter, StoredRequest};
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

/// What is known of a request beside what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequestContext {
    /// Their latest sessions on the account.
    pub sessions: Vec<Session>,
    /// How many there were in the last 90 days; counted up to 100.
    pub sessions_count: usize,
    /// Their latest other requests for it.
    pub requests: Vec<Request>,
    /// How much there is to think about before one says yes; not for who asks.
    pub risk: Option<Risk>,
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
        let own = request.user == caller.user.name;
        let risk = if own { None } else { Some(risk(&mut rows, &stored).await?) };
        let sessions_count = sessions.len();
        sessions.truncate(SHOWN_MAX);
        Ok(RequestContext { sessions, sessions_count, requests: others.into_iter().take(SHOWN_MAX).collect(), risk })
    }

    /// These requests, which the caller has been shown, each with its risk where it waits and is not their own.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn request_weigh(&self, caller: &Caller, requests: Vec<Request>) -> Result<Vec<WeighedRequest>, Error> {
        let mut rows = self.store().read().await?;
        let mut weighed = Vec::with_capacity(requests.len());
        for request in requests {
            let waits = request.state == RequestState::Pending && request.user != caller.user.name;
            let stored = if waits { rows.request(&request.id).await? } else { None };
            let risk = match &stored {
                Some(stored) => Some(risk(&mut rows, stored).await?),
                None => None,
            };
            weighed.push(WeighedRequest { request, risk });
        }
        Ok(weighed)
    }
}

async fn risk(rows: &mut ReadTx, stored: &StoredRequest) -> Result<Risk, Error> {
    let StoredRequest { request, user, account, obligations } = stored;
    let begins = request.starts_at.unwrap_or(request.created_at);
    let mut facts = rows.risk_facts(user, account, request.created_at, begins).await?;
    facts.max_duration_seconds = obligations.max_duration_seconds;
    Ok(weigh(request, &facts))
}

#[cfg(test)]
mod tests;
