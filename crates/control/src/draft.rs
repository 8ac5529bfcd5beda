//! Policies that are not saved: for whom they would change what, and what they would have answered to the
//! requests of the past.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use postern_domain::document::{Document, PolicyDocument};
use postern_domain::event::{Actor, Event, Outcome};
use postern_domain::permit::{Manage, Permit};
use postern_domain::policy::{
    self, AskFacts, Block, Decision, Holding, Policy, Resident, Subject, Target, TicketStands, blocks, widens,
};
use postern_domain::risk::RiskLevel;
use postern_domain::user::User;
use postern_domain::{AccountRef, PolicyId, PolicyName, ScopePath, Timestamp, UserName};
use postern_store::{LeafFilter, ReadTx};
use postern_vault::random;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answers::{holdings, residents, sees_requests};
use crate::apply::checked;
use crate::facts::{level, risk_of};
use crate::{Caller, Control, Error};

/// The most documents in one draft.
const DOCUMENTS_MAX: usize = 1_000;
/// How far back the past is looked at, unless asked otherwise and at most.
const DAYS_DEFAULT: u32 = 90;
const DAYS_MAX: u32 = 365;
/// The most requests that are looked at; the newest.
const REQUESTS_MAX: u32 = 50_000;
/// How many leaves of the ledger are read at once.
const LEAVES_AT_ONCE: u32 = 500;
const DAY: Duration = Duration::from_secs(86_400);

/// Policies as they are meant to be.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DraftInput {
    /// Policies that are to be made or changed.
    #[serde(default)]
    pub policies: Vec<PolicyDocument>,
    /// Policies that are to be taken out of use, of the caller's tenant.
    #[serde(default)]
    pub delete: BTreeSet<PolicyName>,
    /// How many days back the past is looked at; 90 unless given.
    #[serde(default)]
    pub days: Option<u32>,
}

/// What a draft would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DraftDiff {
    /// Whether it could let anybody do more, whoever there will be: then somebody else must approve it.
    pub widens: bool,
    /// For whom it changes what, on which accounts: of those that there are now.
    pub blocks: Vec<Block>,
    /// How many people could do more.
    pub people_widened: usize,
    /// How many people could do less.
    pub people_narrowed: usize,
}

/// A request of the past that would be answered otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Replayed {
    /// When it was made.
    pub at: Timestamp,
    /// By whom.
    pub user: UserName,
    /// For what.
    pub account: AccountRef,
    /// For how long, in seconds.
    pub duration_seconds: u64,
    /// What is said now, and what would be.
    pub change: ReplayChange,
    /// The reasons of a refusal, for people to read.
    pub messages: Vec<String>,
}

/// How an answer would change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReplayChange {
    /// It can be asked for now, and would be refused.
    Refused,
    /// It is refused now, and could be asked for.
    Allowed,
    /// It would need approval, or more of it.
    MoreApproval,
    /// It would need less approval.
    LessApproval,
}

/// What a draft would have answered to the requests of the past.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Simulated {
    /// How many days were looked at.
    pub days: u32,
    /// How many requests, refused ones included, were asked again.
    pub requests: usize,
    /// How many could not be, since the person or the account is gone.
    pub gone: usize,
    /// Those that would be answered otherwise, newest first.
    pub changed: Vec<Replayed>,
}

/// A request of the past, as it can be asked again.
struct Past {
    at: Timestamp,
    user: UserName,
    account: AccountRef,
    scope: ScopePath,
    source: Option<IpAddr>,
    seconds: u64,
    reason: String,
    ticket: Option<String>,
    emergency: bool,
}

impl Control {
    /// For whom a draft changes what, of the accounts in the permit's scopes.
    ///
    /// # Errors
    /// `Invalid` with what is not acceptable in the draft; `NotFound` for a policy to delete.
    pub async fn policy_diff(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        input: &DraftInput,
    ) -> Result<DraftDiff, Error> {
        let mut rows = self.store().read().await?;
        let before = rows.policies_reaching(&ScopePath::root()).await?;
        let after = drafted(&before, caller, permit, input, self.now())?;
        let people = residents(rows.people().await?);
        let holdings = holdings(&mut rows, &permit.action().scopes).await?;
        Ok(diff_of(&people, &holdings, &before, &after))
    }

    /// Asks the requests of the past again, of the people and accounts that there are now: under the policies
    /// as they are and as they are drafted.
    ///
    /// # Errors
    /// As [`Self::policy_diff`].
    pub async fn policy_simulate(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        input: &DraftInput,
    ) -> Result<Simulated, Error> {
        let days = input.days.unwrap_or(DAYS_DEFAULT);
        if !(1..=DAYS_MAX).contains(&days) {
            return Err(Error::invalid("days", format!("say 1 to {DAYS_MAX}")));
        }
        let now = self.now();
        let mut rows = self.store().read().await?;
        let before = rows.policies_reaching(&ScopePath::root()).await?;
        let after = drafted(&before, caller, permit, input, now)?;
        let people = residents(rows.people().await?);
        let people: BTreeMap<_, _> = people.iter().map(|resident| (&resident.user.name, resident)).collect();
        let holdings = holdings(&mut rows, &permit.action().scopes).await?;
        let holdings: BTreeMap<_, _> = holdings
            .iter()
            .map(|holding| ((holding.asset.scope.tenant(), holding.reference().to_string()), holding))
            .collect();
        let mut past = past(&mut rows, &permit.action().scopes, now.before(DAY * days)).await?;
        past.retain(|request| sees_requests(caller, &request.scope));
        let mut told = Simulated { days, requests: 0, gone: 0, changed: Vec::new() };
        for request in past {
            let holding = holdings.get(&(request.scope.tenant(), request.account.to_string()));
            let (Some(resident), Some(holding)) = (people.get(&request.user), holding) else {
                told.gone += 1;
                continue;
            };
            told.requests += 1;
            let user = resident.seen_in(&holding.asset.scope);
            let on = (&holding.account, &holding.asset);
            let mut risk = risk_of(&mut rows, &before, &user, on, request.at, request.at).await?;
            if risk.is_none() {
                risk = risk_of(&mut rows, &after, &user, on, request.at, request.at).await?;
            }
            let level = level(risk.as_ref());
            told.changed.extend(replay(request, caller, &user, level, holding, (&before, &after)));
        }
        told.changed.sort_by_key(|replayed| std::cmp::Reverse(replayed.at));
        Ok(told)
    }
}

/// What turning `before` into `after` does, over these people and accounts.
pub(crate) fn diff_of(people: &[Resident], holdings: &[Holding], before: &[Policy], after: &[Policy]) -> DraftDiff {
    let blocks = blocks(people, holdings, before, after);
    let count = |of: fn(&Block) -> bool| {
        blocks.iter().filter(|block| of(block)).flat_map(|block| &block.people).collect::<BTreeSet<_>>().len()
    };
    let (people_widened, people_narrowed) = (count(|block| block.shift.widened), count(|block| block.shift.narrowed));
    let find = |among: &'_ [Policy], id: &PolicyId| among.iter().find(|policy| policy.id == *id).cloned();
    let ids: BTreeSet<_> = before.iter().chain(after).map(|policy| &policy.id).collect();
    let by_text = ids.into_iter().any(|id| {
        let (was, is) = (find(before, id), find(after, id));
        was != is && widens(was.as_ref(), is.as_ref())
    });
    DraftDiff { widens: by_text || people_widened > 0, blocks, people_widened, people_narrowed }
}

/// The policies as they were if the draft were saved. One that stays as it is keeps its revision.
fn drafted(
    before: &[Policy],
    caller: &Caller,
    permit: &Permit<Manage>,
    input: &DraftInput,
    now: Timestamp,
) -> Result<Vec<Policy>, Error> {
    if input.policies.len() > DOCUMENTS_MAX {
        return Err(Error::invalid("policies", format!("give at most {DOCUMENTS_MAX} at once")));
    }
    let mut after = before.to_vec();
    for name in &input.delete {
        let mine = |policy: &Policy| policy.name == *name && policy.scope.tenant() == caller.user.scope.tenant();
        let at = after.iter().position(|policy| mine(policy) && permit.covers(&policy.scope));
        after.remove(at.ok_or_else(|| Error::not_found("policy", name))?);
    }
    for document in &input.policies {
        let Document::Policy(document) = checked(Document::Policy(document.clone()))? else { continue };
        if !permit.covers(&document.scope) {
            return Err(Error::not_found("scope", &document.scope));
        }
        set(&mut after, &document, now);
    }
    Ok(after)
}

/// Puts what a document says into a list of policies.
pub(crate) fn set(policies: &mut Vec<Policy>, document: &PolicyDocument, now: Timestamp) {
    let same = |policy: &&mut Policy| policy.name == document.name && policy.scope.tenant() == document.scope.tenant();
    match policies.iter_mut().find(same) {
        Some(policy) => {
            let unchanged = document.to_policy(policy.id.clone(), policy.revision);
            if unchanged != *policy {
                *policy = document.to_policy(policy.id.clone(), policy.revision.saturating_add(1));
            }
        }
        None => policies.push(document.to_policy(PolicyId::generate(now, random::bytes()), 1)),
    }
}

/// The requests since `since` in `scopes`: those that were made, and those that were refused, which only the
/// ledger knows.
async fn past(rows: &mut ReadTx, scopes: &[ScopePath], since: Timestamp) -> Result<Vec<Past>, Error> {
    let filter = LeafFilter { action: Some("request.create".to_owned()), from: Some(since), ..LeafFilter::default() };
    let (mut sources, mut found, mut next) = (BTreeMap::new(), Vec::new(), 0);
    loop {
        let leaves = rows.leaves_matching(scopes, &filter, next, LEAVES_AT_ONCE).await?;
        let Some(last) = leaves.last() else { break };
        next = last.index + 1;
        for event in leaves.iter().filter_map(|leaf| serde_json::from_slice::<Event>(&leaf.body).ok()) {
            match event.outcome {
                Outcome::Refused => found.extend(refused(&event)),
                _ => {
                    sources.extend(source_of(&event).map(|source| (event.target.clone(), source)));
                }
            }
        }
    }
    for stored in rows.requests_since(scopes, since, REQUESTS_MAX).await? {
        let request = stored.request;
        found.push(Past {
            at: request.created_at,
            source: sources.get(request.id.as_str()).copied(),
            user: request.user,
            account: request.account,
            scope: request.scope,
            seconds: request.duration_seconds,
            reason: request.reason,
            ticket: request.ticket,
            emergency: stored.obligations.break_glass.is_some(),
        });
    }
    Ok(found)
}

fn source_of(event: &Event) -> Option<IpAddr> {
    match &event.actor {
        Actor::User { source, .. } => source.as_ref()?.parse().ok(),
        Actor::Unknown { .. } | Actor::System | Actor::Console => None,
    }
}

/// A refusal that the ledger tells of; none where it cannot be asked again.
fn refused(event: &Event) -> Option<Past> {
    let Actor::User { name, .. } = &event.actor else { return None };
    let text = |field: &str| event.details.get(field).and_then(serde_json::Value::as_str).map(str::to_owned);
    Some(Past {
        at: event.at,
        user: name.parse().ok()?,
        account: event.target.parse().ok()?,
        scope: event.scope.clone(),
        source: source_of(event),
        seconds: event.details.get("duration_seconds")?.as_u64()?,
        reason: text("reason").unwrap_or_default(),
        ticket: text("ticket"),
        emergency: event.details.get("break_glass").and_then(serde_json::Value::as_bool).unwrap_or(false),
    })
}

fn replay(
    past: Past,
    caller: &Caller,
    user: &User,
    risk: RiskLevel,
    holding: &Holding,
    (before, after): (&[Policy], &[Policy]),
) -> Option<Replayed> {
    let asked = |policies: &[Policy]| {
        let facts = AskFacts {
            emergency: past.emergency,
            passkey: true,
            // What the ticket system said then is not known any more.
            ticket_problem: None,
            ticket_stands: TicketStands::AsWanted,
            subject: Subject {
                user,
                risk,
                source: past.source.unwrap_or(caller.source),
                mfa_at: Some(past.at),
                client: None,
            },
            target: Target { account: &holding.account, asset: &holding.asset },
            policies: policies.into(),
            duration_seconds: past.seconds,
            reason: &past.reason,
            ticket: past.ticket.as_deref(),
        };
        match policy::ask(&facts, past.at) {
            Decision::Permit(access) => Ok(access.action().obligations.approval.as_ref().map_or(0, |rule| rule.count)),
            Decision::StepUp { .. } => Ok(0),
            Decision::Deny(reasons) => Err(reasons),
        }
    };
    let (change, messages) = match (asked(before), asked(after)) {
        (Ok(_), Err(reasons)) => (ReplayChange::Refused, reasons.iter().map(ToString::to_string).collect()),
        (Err(_), Ok(_)) => (ReplayChange::Allowed, Vec::new()),
        (Ok(was), Ok(is)) if is > was => (ReplayChange::MoreApproval, Vec::new()),
        (Ok(was), Ok(is)) if is < was => (ReplayChange::LessApproval, Vec::new()),
        (Ok(_), Ok(_)) | (Err(_), Err(_)) => return None,
    };
    let Past { at, user, account, seconds, .. } = past;
    Some(Replayed { at, user, account, duration_seconds: seconds, change, messages })
}

#[cfg(test)]
mod tests;
