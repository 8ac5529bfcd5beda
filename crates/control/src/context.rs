//! What an approver wants to know of a request beside what it says.

use std::cmp::Reverse;
use std::time::Duration;

use postern_domain::permission::{Authority, Permission};
use postern_domain::policy::{self, Decision};
use postern_domain::request::{Request, RequestState};
use postern_domain::risk::{Risk, WeighedRequest, weigh};
use postern_domain::session::Session;
use postern_domain::user::User;
use postern_domain::{PolicyName, RequestId, Timestamp, UserName};
use postern_store::{Among, PageRequest, ReadTx, SessionFilter, StoredRequest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::request::seen;
use crate::{Caller, Control, Error, authenticate, visible};

/// How far back is looked.
const LOOKED_BACK: Duration = Duration::from_secs(90 * 24 * 3600);
/// How many of each are shown.
const SHOWN_MAX: usize = 5;
/// How many of those who may answer are shown.
const APPROVERS_MAX: usize = 10;
/// How many people of the groups that are asked are looked at.
const LOOKED_AT_MAX: u32 = 200;
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
    /// Some of those who may answer it, the likeliest first: who is not away, and has answered the like before.
    #[serde(default)]
    pub approvers: Vec<SuggestedApprover>,
    /// What the policy is called that it was made under; none when it has been deleted for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyName>,
    /// Whether it is for an emergency, under a policy of break-glass; with it, whether passkeys must be proved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub break_glass: Option<EmergencyAsked>,
}

/// What an emergency asks of who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EmergencyAsked {
    /// Whether a passkey must have been proved in the last five minutes.
    pub passkey: bool,
}

/// Somebody who may answer a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SuggestedApprover {
    /// Who.
    pub user: UserName,
    /// How many requests for the account they have answered in the last 90 days.
    pub answered: u64,
    /// When they were last seen.
    pub last_seen_at: Option<Timestamp>,
    /// Whether they are away.
    pub away: bool,
    /// Who stands in for them while they are away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stand_in: Option<UserName>,
}

impl Control {
    /// What is known of a request that the caller may see, beside what it says.
    ///
    /// # Errors
    /// `NotFound` also when it is not theirs to see.
    pub async fn request_context(&self, caller: &Caller, id: &RequestId) -> Result<RequestContext, Error> {
        let mut rows = self.store().read().await?;
        let stored = seen(&mut rows, caller, id, self.now()).await?;
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
        let own = request.person() == caller.user.person();
        let risk = if own { None } else { Some(risk(&mut rows, &stored).await?) };
        let approvers = approvers(&mut rows, &stored, self.now()).await?;
        let sessions_count = sessions.len();
        sessions.truncate(SHOWN_MAX);
        let requests = others.into_iter().take(SHOWN_MAX).collect();
        let break_glass = stored.obligations.break_glass.as_ref().map(|rule| EmergencyAsked { passkey: rule.passkey });
        let policy = rows.policy(&request.policy).await?.map(|policy| policy.name);
        Ok(RequestContext { sessions, sessions_count, requests, risk, approvers, policy, break_glass })
    }

    /// These requests, which the caller has been shown, each with its risk where it waits and is not their own.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn request_weigh(&self, caller: &Caller, requests: Vec<Request>) -> Result<Vec<WeighedRequest>, Error> {
        let mut rows = self.store().read().await?;
        let mut weighed = Vec::with_capacity(requests.len());
        for request in requests {
            let waits = request.state == RequestState::Pending && request.person() != caller.user.person();
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

/// Those who may answer a request, for themselves, in no order; none where it does not wait.
pub(crate) async fn able_to_answer(rows: &mut ReadTx, request: &Request, now: Timestamp) -> Result<Vec<User>, Error> {
    if request.state != RequestState::Pending {
        return Ok(Vec::new());
    }
    let tenant = request.scope.tenant();
    let groups = request.asked_groups();
    let people: Vec<User> = if groups.is_empty() {
        rows.people().await?.iter().map(|person| visible::seen_by(person, &tenant)).collect()
    } else {
        let page = PageRequest { cursor: None, limit: Some(LOOKED_AT_MAX) };
        let found = rows.users_among(&Among { groups: &groups, ..Among::default() }, &tenant, &page).await?.items;
        let mut people = Vec::with_capacity(found.len());
        for user in found {
            people.extend(visible::subject(rows, &user.id, &tenant).await?);
        }
        people
    };
    let roles = authenticate::roles(rows).await?;
    let may = |user: &User| {
        let holds = Authority::of(&user.roles, &roles).covers(Permission::RequestApprove, &request.scope);
        matches!(policy::may_approve(user, holds, request, now), Decision::Permit(_))
    };
    Ok(people.into_iter().filter(may).collect())
}

/// Those who may answer a request that waits, the likeliest first.
async fn approvers(rows: &mut ReadTx, stored: &StoredRequest, now: Timestamp) -> Result<Vec<SuggestedApprover>, Error> {
    let people = able_to_answer(rows, &stored.request, now).await?;
    let answered = rows.answers_for(&stored.account, now.before(LOOKED_BACK)).await?;
    let away = rows.stand_ins_now(now).await?;
    let suggested = people.into_iter().map(|user| {
        let absent = away.iter().find(|named| named.user == user.name);
        SuggestedApprover {
            answered: answered.get(&user.name).copied().unwrap_or(0),
            last_seen_at: user.last_seen_at,
            away: absent.is_some(),
            stand_in: absent.map(|named| named.stand_in.clone()),
            user: user.name,
        }
    });
    let mut found: Vec<_> = suggested.collect();
    found.sort_by_key(|one| (one.away, Reverse(one.answered), Reverse(one.last_seen_at), one.user.clone()));
    found.truncate(APPROVERS_MAX);
    Ok(found)
}

async fn risk(rows: &mut ReadTx, stored: &StoredRequest) -> Result<Risk, Error> {
    let StoredRequest { request, user, account, obligations, .. } = stored;
    let begins = request.starts_at.unwrap_or(request.created_at);
    let mut facts = rows.risk_facts(user, account, request.created_at, begins).await?;
    facts.max_duration_seconds = obligations.max_duration_seconds;
    Ok(weigh(request, &facts))
}

#[cfg(test)]
mod tests;
