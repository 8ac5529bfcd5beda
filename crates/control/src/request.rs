//! Requests for access: asking, looking, taking back.

use std::time::Duration;

use postern_domain::event::{Actor, Event, Outcome};
use postern_domain::grant::{Grant, GrantState};
use postern_domain::permission::Permission;
use postern_domain::permit::{AskAccess, Manage, Permit};
use postern_domain::policy::{self, AskFacts, Decision, Reason, Subject, Target, ticket::TICKET_LEN_MAX};
use postern_domain::request::{Recurrence, Request, RequestState};
use postern_domain::{AccountRef, GrantId, RequestId, ScopePath, Timestamp};
use postern_store::{COUNT_MAX, Listed, Listing, PageRequest, ReadTx, RequestFilter, StoredRequest, WriteTx};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::approval::Approver;
use crate::facts::Facts;
use crate::ticket::TicketLook;
use crate::{Caller, Control, Error, break_glass, duties, extension, recurrence, text};

/// How long a request waits for its answers.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(24 * 3600);
/// How far ahead a window may be asked for.
pub(crate) const AHEAD_MAX: Duration = Duration::from_secs(90 * 24 * 3600);
/// How late a wish for a window that begins now may arrive.
const LATE_MAX: Duration = Duration::from_secs(300);
/// The longest reason, in characters.
pub(crate) const REASON_LEN_MAX: usize = 500;
/// How long the same wish of the same person counts as the same click.
const SAME_CLICK_MAX: Duration = Duration::from_secs(30);
/// How many requests of one person for one account may wait at once.
const WAITING_MAX: usize = 10;
/// How many more accounts one request may name.
const ALSO_MAX: usize = 20;
/// How many portions of rows a listing looks through before it gives what it has.
const PORTIONS_MAX: usize = 20;

/// A wish.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestInput {
    /// What for: `root@web-1`.
    pub account: AccountRef,
    /// How long, in seconds, from the moment it is granted or begins.
    #[serde(default)]
    pub duration_seconds: u64,
    /// When the window begins at the earliest, at most 90 days ahead; none means when it is granted.
    #[serde(default)]
    pub starts_at: Option<Timestamp>,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
    /// The ticket that it belongs to; the incident, where it is break-glass.
    #[serde(default)]
    pub ticket: Option<String>,
    /// More accounts, at most 20, for the same task: they are answered as one, and each gets its own grant.
    #[serde(default)]
    pub also: Vec<AccountRef>,
    /// Windows that come again, each as long as its hours: `duration_seconds` and `starts_at` are left out then.
    #[serde(default)]
    pub recurs: Option<Recurrence>,
    /// Whether this is an emergency: policies of break-glass count then, and no others.
    #[serde(default)]
    pub break_glass: bool,
}

/// Which requests are wanted.
#[derive(Clone, Debug, Default)]
pub struct RequestWanted {
    /// In this state only.
    pub state: Option<RequestState>,
    /// The caller's own only.
    pub mine: bool,
    /// Those only that wait for the caller's answer.
    pub waiting: bool,
    /// A part of the account's name with its asset's, or of who asks.
    pub q: Option<String>,
}

impl Control {
    /// Asks for access. Where the policy wants no approval, the grant is given at once.
    ///
    /// # Errors
    /// `Refused` with the reasons, which are written down; an account that does not exist or that
    /// the caller may not know of is refused as one that no policy gives.
    pub async fn request_create(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        input: &RequestInput,
    ) -> Result<Request, Error> {
        let reason = text::words("reason", input.reason.as_deref().unwrap_or_default(), REASON_LEN_MAX)?;
        let ticket = text::words("ticket", input.ticket.as_deref().unwrap_or_default(), TICKET_LEN_MAX)?;
        let ticket = Some(ticket).filter(|ticket| !ticket.is_empty());
        if input.also.len() > ALSO_MAX {
            return Err(Error::invalid("also", format!("names more than {ALSO_MAX} more accounts")));
        }
        let accounts = std::iter::once(&input.account).chain(&input.also);
        let looked = self.ticket_look(caller, accounts, ticket.as_deref().unwrap_or_default()).await?;
        let mut tx = self.store().write(self.now()).await?;
        let now = tx.now();
        let starts_at = begin(input.starts_at, now)?;
        let seconds = match &input.recurs {
            Some(recurs) => recurring(input, recurs, now)?,
            None => input.duration_seconds,
        };
        let (recurs, emergency) = (input.recurs.clone(), input.break_glass);
        let wish = Wish { seconds, starts_at, reason, ticket, recurs, extends: None, emergency, looked };
        let mut asked: Vec<(Facts, Permit<AskAccess>)> = Vec::new();
        for (place, account) in std::iter::once(&input.account).chain(&input.also).enumerate() {
            let facts = Facts::of_reference(&mut tx, &caller.user.id, account, now).await?;
            let decided = match facts.filter(|facts| permit.covers(&facts.asset.scope)) {
                Some(facts) => decide(&mut tx, &wish, caller, facts).await?,
                None => Err((caller.user.scope.clone(), vec![Reason::NoPolicy])),
            };
            match decided {
                Ok((facts, _)) if asked.iter().any(|(other, _)| other.account.id == facts.account.id) => {
                    return Err(Error::invalid("also", format!("{account} stands there twice")));
                }
                Ok(one) => asked.push(one),
                Err((scope, reasons)) => {
                    drop(tx);
                    let refused = self.refuse(caller, input, account, &scope, reasons).await;
                    return Err(if place == 0 && input.also.is_empty() {
                        refused
                    } else {
                        of_several(account, refused)
                    });
                }
            }
        }
        if input.recurs.is_some() && caller.user.vendor().is_some() {
            return Err(Error::invalid("recurs", "a vendor asks for each session"));
        }
        answered_alike(&asked)?;
        if let Some((facts, _)) = asked.first()
            && let Some(same) = same_click(&mut tx, facts, &wish, asked.len()).await?
        {
            return Ok(same);
        }
        let bundle = (asked.len() > 1).then(|| RequestId::generate(now, postern_vault::random::bytes()));
        let (mut first, mut events) = (None, Vec::new());
        for (facts, access) in &asked {
            let id = match (&first, &bundle) {
                (None, Some(bundle)) => bundle.clone(),
                _ => RequestId::generate(now, postern_vault::random::bytes()),
            };
            events.extend(open(&mut tx, caller, facts, &wish, access, &id, bundle.as_ref()).await?);
            first.get_or_insert(id);
        }
        let id = first.ok_or_else(|| Error::invalid("account", "name one"))?;
        let request = tx.request(&id).await?.ok_or_else(|| Error::not_found("request", &id))?.request;
        self.commit(tx, &events).await?;
        Ok(request)
    }

    /// Requests that the caller may see, newest first: their own, those that wait for their answer,
    /// and all in the scopes where they hold `request:read`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn request_list(
        &self,
        caller: &Caller,
        wanted: &RequestWanted,
        listing: &Listing,
    ) -> Result<Listed<Request>, Error> {
        let mut rows = self.store().read().await?;
        let none = wanted.mine || wanted.waiting;
        let approver = Approver::of(&mut rows, caller, self.now()).await?;
        let filter = RequestFilter {
            own: (wanted.mine || !wanted.waiting).then(|| caller.user.id.clone()),
            scopes: if none { Vec::new() } else { caller.authority.scopes(Permission::RequestRead) },
            pending_scopes: if wanted.mine { Vec::new() } else { approver.scopes() },
            state: if wanted.waiting { Some(RequestState::Pending) } else { wanted.state },
            q: wanted.q.clone(),
        };
        let mut sight = Sight { caller, wanted, filter, approver };
        let limit = usize::try_from(listing.page.limit()).unwrap_or(1);
        let mut found = sight.look(&mut rows, listing.page.cursor.clone(), &listing.sort, limit).await?;
        if listing.count {
            found.total = sight.count(&mut rows, &listing.sort).await?;
        }
        Ok(found)
    }

    /// One request that the caller may see.
    ///
    /// # Errors
    /// `NotFound` also when it is not theirs to see.
    pub async fn request_show(&self, caller: &Caller, id: &RequestId) -> Result<Request, Error> {
        let mut rows = self.store().read().await?;
        Ok(seen(&mut rows, caller, id, self.now()).await?.request)
    }

    /// Takes the caller's own request back while nobody has decided on it, with those made in the same breath; ends
    /// one whose windows come again, with the window that is open.
    ///
    /// # Errors
    /// `Conflict` when it has been decided on.
    pub async fn request_withdraw(&self, caller: &Caller, id: &RequestId) -> Result<Request, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let stored = seen(&mut tx, caller, id, self.now()).await?;
        let mut request = stored.request;
        if request.user != caller.user.name {
            return Err(Error::Forbidden("only who made a request can take it back: deny it instead".to_owned()));
        }
        if request.state == RequestState::Withdrawn {
            return Ok(request);
        }
        if request.state == RequestState::Granted && request.next_window_at.is_some() {
            let events = recurrence::end(&mut tx, caller.actor(), &request, "whoever asked ended it").await?;
            let request = tx.request(id).await?.ok_or_else(|| Error::not_found("request", id))?.request;
            self.commit(tx, &events).await?;
            return Ok(request);
        }
        if request.state != RequestState::Pending {
            return Err(Error::Conflict(format!("request {id} is no longer pending")));
        }
        let mut events = Vec::new();
        for other in together(&mut tx, &stored.bundle, &request).await? {
            tx.request_close(&other.id, RequestState::Withdrawn).await?;
            events.push(event_of(tx.now(), caller, "request.withdraw", &other));
        }
        request.state = RequestState::Withdrawn;
        self.commit(tx, &events).await?;
        Ok(request)
    }

    /// Writes a refused wish down; gives the refusal.
    async fn refuse(
        &self,
        caller: &Caller,
        input: &RequestInput,
        account: &AccountRef,
        scope: &ScopePath,
        reasons: Vec<Reason>,
    ) -> Error {
        let told: Vec<_> = reasons.iter().map(ToString::to_string).collect();
        let event = Event::done(self.now(), caller.actor(), "request.create", account.to_string(), scope.clone())
            .outcome(Outcome::Refused)
            .with("duration_seconds", input.duration_seconds)
            .with("reasons", told)
            .with("reason", input.reason.clone().unwrap_or_default());
        let event = if input.break_glass { event.with("break_glass", true) } else { event };
        let event = match &input.ticket {
            Some(ticket) => event.with("ticket", ticket.as_str()),
            None => event,
        };
        match self.note(event).await {
            Ok(()) => Error::Refused(reasons),
            Err(error) => error,
        }
    }
}

/// What is wished for, checked.
pub(crate) struct Wish {
    pub(crate) seconds: u64,
    pub(crate) starts_at: Option<Timestamp>,
    pub(crate) reason: String,
    pub(crate) ticket: Option<String>,
    pub(crate) recurs: Option<Recurrence>,
    pub(crate) extends: Option<GrantId>,
    pub(crate) emergency: bool,
    /// What the ticket system says.
    pub(crate) looked: TicketLook,
}

impl Wish {
    /// What policy is asked about it; `problem` is why the ticket is not good.
    pub(crate) fn facts<'a>(&'a self, caller: &Caller, facts: &'a Facts, problem: Option<&'a str>) -> AskFacts<'a> {
        AskFacts {
            subject: Subject {
                user: &facts.user,
                source: caller.source,
                mfa_at: caller.mfa_at,
                client: None,
                risk: facts.level(),
            },
            target: Target { account: &facts.account, asset: &facts.asset },
            policies: (&facts.policies).into(),
            duration_seconds: self.seconds,
            reason: &self.reason,
            ticket: self.ticket.as_deref(),
            emergency: self.emergency,
            passkey: caller.passkey,
            ticket_problem: problem,
            ticket_stands: self.looked.stands(&facts.asset.name),
        }
    }

    fn is_of(&self, request: &Request) -> bool {
        request.duration_seconds == self.seconds
            && request.starts_at == self.starts_at
            && request.reason == self.reason
            && request.ticket == self.ticket
            && request.recurs == self.recurs
            && request.extends == self.extends
    }
}

/// The reasons of a refusal, and the scope that it belongs to.
pub(crate) type Refusal = (ScopePath, Vec<Reason>);

/// Whether policy lets one account be asked for so.
pub(crate) async fn decide(
    tx: &mut WriteTx,
    wish: &Wish,
    caller: &Caller,
    mut facts: Facts,
) -> Result<Result<(Facts, Permit<AskAccess>), Refusal>, Error> {
    if let Some(begins) = wish.starts_at.filter(|_| facts.risk.is_some()) {
        let now = tx.now();
        facts.weigh(tx, now, begins).await?;
    }
    let problem = wish.looked.problem(&facts.asset.name);
    let decision = policy::ask(&wish.facts(caller, &facts, problem.as_deref()), tx.now());
    match decision {
        Decision::Permit(access) => {
            let mut apart = Vec::new();
            if let Some(policy) = facts.policies.iter().find(|policy| policy.id == access.action().policy) {
                apart = duties::kept_apart(tx, &facts.user, policy).await?;
            }
            Ok(if apart.is_empty() { Ok((facts, access)) } else { Err((facts.asset.scope, apart)) })
        }
        Decision::StepUp { max_age_seconds, .. } => Err(Error::StepUp { max_age_seconds }),
        Decision::Deny(reasons) => Ok(Err((facts.asset.scope, reasons))),
    }
}

/// How long each window lasts, in seconds, where windows that come again can be asked for so.
fn recurring(input: &RequestInput, recurs: &Recurrence, now: Timestamp) -> Result<u64, Error> {
    if input.break_glass {
        return Err(Error::invalid("recurs", "an emergency does not come again at set hours"));
    }
    if input.duration_seconds != 0 || input.starts_at.is_some() {
        return Err(Error::invalid("recurs", "says how long each window lasts and when it begins: leave those out"));
    }
    if recurs.until > now.after(AHEAD_MAX) {
        return Err(Error::invalid("recurs.until", "lies too far ahead: windows come for at most 90 days"));
    }
    recurs.window(now).map_err(|error| Error::invalid("recurs", error.to_string()))?;
    Ok(recurs.seconds())
}

/// A refusal of several accounts, which says of which one.
fn of_several(account: &AccountRef, refused: Error) -> Error {
    match refused {
        Error::Refused(_) => Error::Forbidden(format!("{account}: {refused}; nothing was asked for")),
        other => other,
    }
}

/// Several accounts are answered as one: the same people must be asked for each of them.
fn answered_alike(asked: &[(Facts, Permit<AskAccess>)]) -> Result<(), Error> {
    let Some((first, rest)) = asked.split_first() else { return Ok(()) };
    let rule = |asked: &(Facts, Permit<AskAccess>)| asked.1.action().obligations.approval.clone();
    let place = |asked: &(Facts, Permit<AskAccess>)| asked.0.asset.scope.tenant();
    match rest.iter().find(|other| rule(other) != rule(first) || place(other) != place(first)) {
        None => Ok(()),
        Some((facts, _)) => {
            let account = facts.reference();
            Err(Error::invalid("also", format!("{account} is approved by others: ask for it by itself")))
        }
    }
}

/// The request and those made in the same breath that still wait.
pub(crate) async fn together(
    tx: &mut WriteTx,
    bundle: &Option<RequestId>,
    request: &Request,
) -> Result<Vec<Request>, Error> {
    let Some(bundle) = bundle else { return Ok(vec![request.clone()]) };
    let all = tx.requests_together(bundle).await?.into_iter().map(|stored| stored.request);
    Ok(all.filter(|other| other.state == RequestState::Pending).collect())
}

/// When the window is to begin, where that lies ahead.
fn begin(wanted: Option<Timestamp>, now: Timestamp) -> Result<Option<Timestamp>, Error> {
    match wanted {
        Some(at) if at < now.before(LATE_MAX) => {
            Err(Error::invalid("starts_at", "lies in the past: leave it out to begin at once"))
        }
        Some(at) if at > now.after(AHEAD_MAX) => {
            Err(Error::invalid("starts_at", "lies too far ahead: a window begins within 90 days"))
        }
        wanted => Ok(wanted.filter(|at| *at > now)),
    }
}

/// The request that the same wish made already, a moment ago or still waiting.
pub(crate) async fn same_click(
    tx: &mut WriteTx,
    facts: &Facts,
    wish: &Wish,
    accounts: usize,
) -> Result<Option<Request>, Error> {
    let since = tx.now().before(SAME_CLICK_MAX);
    let earlier = tx.requests_for(&facts.user.id, &facts.account.id, since).await?;
    for StoredRequest { request, .. } in earlier.iter().filter(|stored| wish.is_of(&stored.request)) {
        if request.together.len() + 1 != accounts {
            continue;
        }
        if is_open(tx, request).await? {
            return Ok(Some(request.clone()));
        }
    }
    let waiting = earlier.iter().filter(|stored| stored.request.state == RequestState::Pending).count();
    if waiting >= WAITING_MAX {
        let account = &facts.reference();
        return Err(Error::Conflict(format!("{waiting} requests of yours for {account} are waiting already")));
    }
    Ok(None)
}

/// Whether a request still waits, or gave a right that is not over.
async fn is_open(tx: &mut WriteTx, request: &Request) -> Result<bool, Error> {
    let now = tx.now();
    Ok(match (request.state, &request.grant) {
        (RequestState::Pending, _) => true,
        (RequestState::Granted, None) => request.next_window_at.is_some(),
        (RequestState::Granted, Some(grant)) => {
            let grant = tx.grant(grant, now).await?.filter(|grant| !(grant.used && request.sponsor.is_some()));
            grant.is_some_and(|grant| matches!(grant.state, GrantState::Scheduled | GrantState::Active))
        }
        _ => false,
    })
}

/// Writes the request down, and the grant where no approval is wanted.
pub(crate) async fn open(
    tx: &mut WriteTx,
    caller: &Caller,
    facts: &Facts,
    wish: &Wish,
    access: &Permit<AskAccess>,
    id: &RequestId,
    bundle: Option<&RequestId>,
) -> Result<Vec<Event>, Error> {
    let now = tx.now();
    let AskAccess { policy, policy_name, obligations, .. } = access.action();
    let waits = obligations.approval.is_some();
    let request = Request {
        id: id.clone(),
        user: facts.user.name.clone(),
        identity: facts.user.profile.identity.clone(),
        sponsor: None,
        account: facts.reference(),
        scope: facts.asset.scope.clone(),
        duration_seconds: wish.seconds,
        starts_at: wish.starts_at,
        reason: wish.reason.clone(),
        ticket: wish.ticket.clone(),
        state: if waits { RequestState::Pending } else { RequestState::Granted },
        policy: policy.clone(),
        approval: obligations.approval.clone(),
        approvals: Vec::new(),
        notices: Vec::new(),
        extends: wish.extends.clone(),
        together: Vec::new(),
        recurs: wish.recurs.clone(),
        series: None,
        next_window_at: None,
        recurs_ended: None,
        grant: None,
        created_at: now,
        expires_at: now.after(WAIT_MAX).max(wish.starts_at.unwrap_or(now)),
    };
    let stored = StoredRequest {
        request,
        user: facts.user.id.clone(),
        account: facts.account.id.clone(),
        obligations: obligations.clone(),
        bundle: bundle.cloned(),
    };
    tx.request_insert(&stored).await?;
    let event = event_of(now, caller, "request.create", &stored.request).with("policy", policy_name.as_str());
    let mut events = vec![wished(event, wish, bundle)];
    if !waits {
        events.extend(give(tx, caller, &stored).await?);
    } else if obligations.break_glass.is_some() {
        // A quorum that hears of it an hour later is none.
        let asked = event_of(now, caller, "break_glass.ask", &stored.request).with("reason", wish.reason.as_str());
        events.push(asked.with("incident", wish.ticket.clone().unwrap_or_default()));
    }
    Ok(events)
}

/// The event with what is wished.
fn wished(event: Event, wish: &Wish, bundle: Option<&RequestId>) -> Event {
    let mut event = event.with("duration_seconds", wish.seconds).with("reason", wish.reason.as_str());
    if let Some(ticket) = &wish.ticket {
        event = event.with("ticket", ticket.as_str());
    }
    if let Some(bundle) = bundle {
        event = event.with("together", bundle.as_str());
    }
    if let Some(extends) = &wish.extends {
        event = event.with("extends", extends.as_str());
    }
    if let Some(recurs) = &wish.recurs {
        event = event.with("recurs", serde_json::to_value(recurs).unwrap_or_default());
    }
    event
}

/// Gives what a request asks for: a grant, a longer window of one, or windows that come again.
pub(crate) async fn give(tx: &mut WriteTx, caller: &Caller, stored: &StoredRequest) -> Result<Vec<Event>, Error> {
    match (&stored.request.extends, &stored.request.recurs) {
        (Some(extends), _) => Ok(vec![extension::extend(tx, caller, stored, extends).await?]),
        (None, Some(recurs)) => Ok(vec![recurrence::begin(tx, caller, stored, recurs).await?]),
        (None, None) => grant(tx, caller, stored).await,
    }
}

/// Gives the grant of a request; its window begins now, or later where that was asked for. Under a policy
/// of break-glass that is a use, which is told of and has to be reviewed.
async fn grant(tx: &mut WriteTx, caller: &Caller, stored: &StoredRequest) -> Result<Vec<Event>, Error> {
    let now = tx.now();
    let starts_at = stored.request.starts_at.map_or(now, |wanted| wanted.max(now));
    let ends_at = starts_at.after(Duration::from_secs(stored.request.duration_seconds));
    let (grant, event) = grant_window(tx, caller.actor(), stored, (starts_at, ends_at)).await?;
    Ok([event].into_iter().chain(break_glass::granted(tx, stored, &grant).await?).collect())
}

/// Gives a grant for a window.
pub(crate) async fn grant_window(
    tx: &mut WriteTx,
    actor: Actor,
    stored: &StoredRequest,
    (starts_at, ends_at): (Timestamp, Timestamp),
) -> Result<(Grant, Event), Error> {
    let now = tx.now();
    let request = &stored.request;
    let mut grant = Grant {
        id: GrantId::generate(now, postern_vault::random::bytes()),
        request: request.id.clone(),
        user: request.user.clone(),
        account: request.account.clone(),
        scope: request.scope.clone(),
        policy: request.policy.clone(),
        obligations: stored.obligations.clone(),
        starts_at,
        ends_at,
        extended_at: None,
        revoked_at: None,
        revoked_reason: None,
        used: false,
        state: GrantState::Active,
    };
    grant.state = grant.state_at(now);
    tx.grant_insert(&grant, &stored.user, &stored.account).await?;
    let event = Event::done(now, actor, "grant.create", grant.id.as_str(), grant.scope.clone())
        .with("request", request.id.as_str())
        .with("user", grant.user.as_str())
        .with("account", grant.account.to_string())
        .with("starts_at", grant.starts_at.to_string())
        .with("ends_at", grant.ends_at.to_string());
    Ok((grant, event))
}

/// The request, when the caller may see it: their own, one they may answer or have answered, or one
/// that lies where they hold `request:read`.
pub(crate) async fn seen(
    rows: &mut ReadTx,
    caller: &Caller,
    id: &RequestId,
    now: Timestamp,
) -> Result<StoredRequest, Error> {
    let unknown = || Error::not_found("request", id);
    let stored = rows.request(id).await?.ok_or_else(unknown)?;
    let request = &stored.request;
    let theirs = request.user == caller.user.name
        || covers(caller, &request.scope)
        || Approver::of(rows, caller, now).await?.scopes().iter().any(|scope| scope.contains(&request.scope));
    if theirs { Ok(stored) } else { Err(unknown()) }
}

/// Somebody looking through requests: what the database finds, and of that what is theirs to see.
struct Sight<'a> {
    caller: &'a Caller,
    wanted: &'a RequestWanted,
    filter: RequestFilter,
    approver: Approver<'a>,
}

impl Sight<'_> {
    async fn shows(&mut self, rows: &mut ReadTx, request: &Request) -> Result<bool, Error> {
        let own = request.user == self.caller.user.name;
        let shown = !self.wanted.waiting && (own || covers(self.caller, &request.scope));
        Ok(shown && (own || !self.wanted.mine) || self.approver.may_answer(rows, request).await?)
    }

    /// At most `limit` of them, from `cursor` on.
    async fn look(
        &mut self,
        rows: &mut ReadTx,
        cursor: Option<String>,
        sort: &Option<String>,
        limit: usize,
    ) -> Result<Listed<Request>, Error> {
        let mut found = Listed { items: Vec::new(), next: cursor, total: None };
        for _ in 0..PORTIONS_MAX {
            let page = PageRequest { cursor: found.next.take(), limit: Some(500) };
            let portion = Listing { page, sort: sort.clone(), count: false };
            let portion = rows.requests(&self.filter, &portion).await?;
            let mut more = portion.items.into_iter().peekable();
            while let Some(stored) = more.next() {
                if !self.shows(rows, &stored.request).await? {
                    continue;
                }
                let after = stored.cursor(sort.as_deref())?;
                found.items.push(stored.request);
                if found.items.len() >= limit {
                    found.next = Some(after).filter(|_| more.peek().is_some() || portion.next.is_some());
                    return Ok(found);
                }
            }
            found.next = portion.next;
            if found.next.is_none() {
                break;
            }
        }
        Ok(found)
    }

    /// How many there are. Whether somebody may answer is decided request by request; where that adds
    /// nothing to what the caller sees, the database counts.
    async fn count(&mut self, rows: &mut ReadTx, sort: &Option<String>) -> Result<Option<u64>, Error> {
        let RequestFilter { scopes, pending_scopes, .. } = &self.filter;
        if pending_scopes.iter().all(|pending| scopes.iter().any(|scope| scope.contains(pending))) {
            let page = PageRequest { cursor: None, limit: Some(1) };
            return Ok(rows.requests(&self.filter, &Listing { page, sort: None, count: true }).await?.total);
        }
        let all = self.look(rows, None, sort, COUNT_MAX as usize).await?;
        Ok(all.next.is_none().then_some(all.items.len() as u64))
    }
}

fn covers(caller: &Caller, scope: &ScopePath) -> bool {
    caller.authority.covers(Permission::RequestRead, scope)
}

pub(crate) fn event_of(now: Timestamp, caller: &Caller, action: &str, request: &Request) -> Event {
    Event::done(now, caller.actor(), action, request.id.as_str(), request.scope.clone())
        .with("user", request.user.as_str())
        .with("account", request.account.to_string())
}

#[cfg(test)]
mod tests;
