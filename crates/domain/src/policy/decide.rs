//! The decision.
//!
//! The order is fixed, so that a person can predict it: the user must be active; the asset must lie
//! in their scope; no deny may hold; then, of the allow policies that concern them, the one that can
//! be used right now is taken, by a grant before standing; otherwise the one that is nearest to it
//! gives the refusal. Among equals the deepest scope wins, then the name.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::time::Duration;

use super::compare::covers_statements;
use super::{
    Access, AskFacts, Clipboard, ConnectFacts, Decision, Obligations, Policies, Policy, Reason, Subject, Target,
    TicketStands, ticket,
};
use crate::account::AccountState;
use crate::asset::Asset;
use crate::break_glass::{FACTOR_SECONDS_MAX, FactorMissing, FactorProved};
use crate::grant::{Grant, GrantState};
use crate::id::{GrantId, PolicyId};
use crate::name::{GroupName, PolicyName};
use crate::permit::{Approve, AskAccess, Connect, Permit, Reveal};
use crate::request::{Approval, Request, RequestState};
use crate::time::Timestamp;
use crate::user::{User, UserState};
use crate::vendor::{self, Vendor};

/// How far an `mfa_at` may lie ahead of `now`: clocks differ, but not by more.
const SKEW_MAX: Duration = Duration::from_secs(60);
/// How far ahead hours are looked at: they repeat every week.
const HOURS_AHEAD: Duration = Duration::from_secs(8 * 86_400);
/// How old a factor may be where the policy asks for one at every session.
const EVERY_SESSION_AGE: Duration = Duration::from_secs(60);

/// What a session is opened under: one policy, used directly or through one grant.
#[derive(Clone, Copy)]
pub(super) struct Usable<'a> {
    pub(super) policy: &'a Policy,
    pub(super) grant: Option<&'a Grant>,
}

impl<'a> Usable<'a> {
    pub(super) fn obligations(&self) -> &'a Obligations {
        self.grant.map_or(&self.policy.obligations, |grant| &grant.obligations)
    }

    /// What binds a session of `user` by it, to an account on `asset`.
    fn binding(&self, user: &User, asset: &Asset) -> Obligations {
        binding(self.obligations(), user).into_owned().on(asset)
    }

    /// When its grant or its longest duration is over, for a session of `started_at`.
    fn over_at(&self, started_at: Timestamp) -> Timestamp {
        let counted = self.grant.and_then(|grant| grant.extended_at).map_or(started_at, |at| at.max(started_at));
        let longest = counted.after(Duration::from_secs(self.obligations().max_duration_seconds));
        self.grant.map_or(longest, |grant| longest.min(grant.ends_at))
    }

    /// When a session of `started_at` must end: with the grant, after the longest duration, or at
    /// the first hour at which it could not be opened any more.
    fn until(&self, open: &Open<'_>, subject: &Subject<'_>, started_at: Timestamp, now: Timestamp) -> Timestamp {
        let over_at = self.over_at(started_at);
        let over_at = open.vendor.map_or(over_at, |vendor| over_at.min(vendor.ends_at));
        let horizon = over_at.min(now.after(HOURS_AHEAD));
        let taking = || open.dormant.iter().copied();
        let hours = taking().chain([self.policy]).flat_map(|policy| &policy.conditions.hours);
        let hours = hours.chain(open.vendor.iter().flat_map(|vendor| &vendor.hours));
        let mut boundaries: Vec<_> = hours.flat_map(|hours| hours.boundaries(now, horizon)).collect();
        boundaries.sort();
        boundaries.dedup();
        let may_run = |at: &Timestamp| {
            self.policy.applies(subject, *at).unwrap_or(false)
                && open.vendor.is_none_or(|vendor| vendor.admit(subject.source, *at).is_ok())
                && taking().all(|policy| !policy.applies(subject, *at).unwrap_or(true))
        };
        boundaries.into_iter().find(|at| !may_run(at)).unwrap_or(over_at)
    }
}

/// What is left of the policies once nothing forbids the wish outright.
pub(super) struct Open<'a> {
    /// The vendor's terms, where one wishes.
    vendor: Option<&'a Vendor>,
    /// Those that allow and concern it, whether their conditions hold or not.
    pub(super) allowing: Vec<&'a Policy>,
    /// Those that would deny it, but not now and not from there.
    dormant: Vec<&'a Policy>,
}

/// What one allow policy says to a wish to connect.
pub(super) enum Offer<'a> {
    Open(Usable<'a>),
    StepUp(Usable<'a>),
    Refuse(Reason),
}

impl Offer<'_> {
    /// How near it is to a session; the least is taken.
    fn rank(&self) -> u8 {
        match self {
            Self::Open(usable) | Self::StepUp(usable) => u8::from(usable.grant.is_none()),
            Self::Refuse(Reason::TooManySessions { .. } | Reason::NoCheckout { .. }) => 2,
            Self::Refuse(Reason::NotYet { .. }) => 3,
            Self::Refuse(Reason::NeedsRequest { .. }) => 4,
            Self::Refuse(Reason::EmergencyOnly { .. }) => 5,
            Self::Refuse(Reason::OutsideConditions { .. } | Reason::TooRisky { .. }) => 6,
            Self::Refuse(_) => 7,
        }
    }
}

/// Decides on opening a session. `mfa_at` counts when it is at most the policy's age old at `now`;
/// for policies that ask at every session the caller passes the instant of a factor proved on this
/// very connection.
#[must_use]
pub fn connect(facts: &ConnectFacts<'_>, now: Timestamp) -> Decision<Connect> {
    let open = match gate(facts.subject, facts.target, facts.policies, now) {
        Ok(open) => open,
        Err(reasons) => return Decision::Deny(reasons),
    };
    let best = open
        .allowing
        .iter()
        .map(|policy| (policy, offer(facts, policy, now)))
        .min_by_key(|(policy, offer)| (offer.rank(), order(policy)));
    match best {
        None => Decision::Deny(vec![Reason::NoPolicy]),
        Some((_, Offer::Refuse(reason))) => Decision::Deny(vec![reason]),
        Some((policy, Offer::StepUp(usable))) => Decision::StepUp {
            max_age_seconds: usable.obligations().mfa_max_age_seconds,
            policy: policy.id.clone(),
            policy_name: policy.name.clone(),
        },
        Some((policy, Offer::Open(usable))) => Decision::Permit(Permit::new(Connect {
            user: facts.subject.user.id.clone(),
            source: facts.subject.source.to_canonical(),
            account: facts.target.account.id.clone(),
            asset: facts.target.asset.id.clone(),
            policy: policy.id.clone(),
            policy_name: policy.name.clone(),
            grant: usable.grant.map(|grant| grant.id.clone()),
            obligations: usable.binding(facts.subject.user, facts.target.asset),
            until: usable.until(&open, &facts.subject, now, now),
        })),
    }
}

/// Decides on checking an account's secret out: by a right to open a session to it whose policy lets
/// the secret be seen. `mfa_at` counts as for [`connect`].
#[must_use]
pub fn checkout(facts: &ConnectFacts<'_>, now: Timestamp) -> Decision<Reveal> {
    let open = match gate(facts.subject, facts.target, facts.policies, now) {
        Ok(open) => open,
        Err(reasons) => return Decision::Deny(reasons),
    };
    if facts.subject.user.vendor().is_some() {
        return Decision::Deny(vec![Reason::VendorSecret]);
    }
    let best = open
        .allowing
        .iter()
        .map(|policy| match offer(facts, policy, now) {
            Offer::Open(usable) | Offer::StepUp(usable) if usable.obligations().checkout_seconds.is_none() => {
                (policy, Offer::Refuse(Reason::NoCheckout { policy: policy.name.clone() }))
            }
            offer => (policy, offer),
        })
        .min_by_key(|(policy, offer)| (offer.rank(), order(policy)));
    match best {
        None => Decision::Deny(vec![Reason::NoPolicy]),
        Some((_, Offer::Refuse(reason))) => Decision::Deny(vec![reason]),
        Some((policy, Offer::StepUp(usable))) => Decision::StepUp {
            max_age_seconds: usable.obligations().mfa_max_age_seconds,
            policy: policy.id.clone(),
            policy_name: policy.name.clone(),
        },
        Some((policy, Offer::Open(usable))) => {
            let longest = Duration::from_secs(usable.obligations().checkout_seconds.unwrap_or(0));
            Decision::Permit(Permit::new(Reveal {
                user: facts.subject.user.id.clone(),
                source: facts.subject.source.to_canonical(),
                account: facts.target.account.id.clone(),
                policy: policy.id.clone(),
                policy_name: policy.name.clone(),
                grant: usable.grant.map(|grant| grant.id.clone()),
                until: usable.until(&open, &facts.subject, now, now).min(now.after(longest)),
            }))
        }
    }
}

/// What a live session was opened under.
#[derive(Clone, Copy, Debug)]
pub struct OpenedUnder<'a> {
    /// The policy that decided.
    pub policy: &'a PolicyId,
    /// The grant that was used; none where the policy gave standing access.
    pub grant: Option<&'a GrantId>,
    /// What the session was bound to.
    pub obligations: &'a Obligations,
    /// When it was decided.
    pub started_at: Timestamp,
}

/// Decides whether a live session may go on, and until when. It stands on the policy and the grant
/// that it was opened under: others are for a new session. The second factor and the number of
/// sessions were judged when it was opened and are not judged again.
///
/// # Errors
/// The reasons for which it must end now.
pub fn reconsider(
    facts: &ConnectFacts<'_>,
    opened: &OpenedUnder<'_>,
    now: Timestamp,
) -> Result<Timestamp, Vec<Reason>> {
    let open = gate(facts.subject, facts.target, facts.policies, now)?;
    let policy =
        open.allowing.iter().find(|policy| policy.id == *opened.policy).ok_or_else(|| vec![Reason::NoPolicy])?;
    let usable = use_of(facts, policy, Route::As(opened.grant), now).map_err(|reason| vec![reason])?;
    if gives_less(&usable.binding(facts.subject.user, facts.target.asset), opened.obligations) {
        return Err(vec![Reason::ObligationsChanged { policy: policy.name.clone() }]);
    }
    Ok(usable.until(&open, &facts.subject, opened.started_at, now))
}

/// Whether what is obliged `now` leaves a session less than what it was opened with.
fn gives_less(now: &Obligations, opened: &Obligations) -> bool {
    let idle = |obligations: &Obligations| obligations.idle_seconds.unwrap_or(u64::MAX);
    let paste = |obligations: &Obligations| match obligations.clipboard {
        Clipboard { paste: false, .. } => 0,
        Clipboard { paste_bytes_max, .. } => paste_bytes_max.map_or(u64::MAX, u64::from),
    };
    !now.capabilities.is_superset(&opened.capabilities)
        || idle(now) < idle(opened)
        || paste(now) < paste(opened)
        || (opened.clipboard.copy && !now.clipboard.copy)
        || (now.watched && !opened.watched)
        || !covers_statements(now.statements.as_ref(), opened.statements.as_ref())
}

/// What binds `user` where `given` is said: more, where they are a vendor.
pub(super) fn binding<'a>(given: &'a Obligations, user: &User) -> Cow<'a, Obligations> {
    match user.vendor() {
        Some(_) => Cow::Owned(vendor::bound(given)),
        None => Cow::Borrowed(given),
    }
}

/// Whether `policy` gives `user` nothing but for the asking: vendors ask each time, whatever it says.
#[must_use]
pub fn is_asked(policy: &Policy, user: &User) -> bool {
    policy.access == Access::Request || user.vendor().is_some()
}

/// What must be met to be given something under `policy`, by `user`.
#[must_use]
pub fn asked_of<'a>(policy: &'a Policy, user: &User) -> Cow<'a, Obligations> {
    binding(&policy.obligations, user)
}

/// Decides on asking for access.
#[must_use]
pub fn ask(facts: &AskFacts<'_>, now: Timestamp) -> Decision<AskAccess> {
    let allowing = match gate(facts.subject, facts.target, facts.policies, now) {
        Ok(open) => open.allowing,
        Err(reasons) => return Decision::Deny(reasons),
    };
    let best = allowing
        .iter()
        .filter(|policy| is_asked(policy, facts.subject.user) && policy.is_break_glass() == facts.emergency)
        .map(|policy| (*policy, unmet(facts, policy, now)))
        .min_by_key(|(policy, unmet)| {
            let outside =
                unmet.iter().any(|reason| matches!(reason, Reason::OutsideConditions { .. } | Reason::TooRisky { .. }));
            (outside, unmet.len(), order(policy))
        });
    match best {
        None if facts.emergency => Decision::Deny(vec![Reason::NoBreakGlass]),
        None => Decision::Deny(vec![without_request(facts, allowing, now)]),
        Some((policy, unmet)) if unmet.is_empty() => asked(facts, policy, now),
        Some((_, unmet)) => Decision::Deny(unmet),
    }
}

/// The answer to a request that meets what `policy` demands of its text: break-glass wants to know again
/// who asks.
fn asked(facts: &AskFacts<'_>, policy: &Policy, now: Timestamp) -> Decision<AskAccess> {
    let factor = FactorProved { at: facts.subject.mfa_at, passkey: facts.passkey };
    match policy.obligations.break_glass.as_ref().map_or(Ok(()), |rule| rule.satisfied(factor, now)) {
        Err(FactorMissing::Fresh) => Decision::StepUp {
            max_age_seconds: FACTOR_SECONDS_MAX,
            policy: policy.id.clone(),
            policy_name: policy.name.clone(),
        },
        Err(FactorMissing::Passkey) => Decision::Deny(vec![Reason::PasskeyRequired { policy: policy.name.clone() }]),
        Ok(()) => Decision::Permit(Permit::new(AskAccess {
            account: facts.target.account.id.clone(),
            user: facts.subject.user.id.clone(),
            policy: policy.id.clone(),
            policy_name: policy.name.clone(),
            obligations: asked_of(policy, facts.subject.user).into_owned(),
        })),
    }
}

/// The policy under which somebody who asks in the least demanding way is given the account: for the
/// shortest time, with a reason, and with a ticket where one is wanted.
///
/// # Errors
/// The reasons for which they cannot ask.
pub(super) fn asked_under<'a>(facts: &ConnectFacts<'a>, now: Timestamp) -> Result<&'a Policy, Vec<Reason>> {
    let open = gate(facts.subject, facts.target, facts.policies, now)?;
    let asked = || open.allowing.iter().copied().filter(|policy| is_asked(policy, facts.subject.user));
    let usable = |policy: &&Policy| {
        policy.applies(&facts.subject, now).unwrap_or(false) && policy.obligations.max_duration_seconds > 0
    };
    asked().filter(usable).min_by_key(|policy| (policy.is_break_glass(), order(policy))).ok_or_else(|| {
        let first = asked().min_by_key(|policy| order(policy));
        let outside = first.map(|policy| {
            let somehow = || Reason::OutsideConditions { policy: policy.name.clone() };
            policy.outside(&facts.subject, now).unwrap_or_else(somehow)
        });
        let standing = || open.allowing.iter().min_by_key(|policy| order(policy));
        let needless = || standing().map(|policy| Reason::NoRequestNeeded { policy: policy.name.clone() });
        vec![outside.or_else(needless).unwrap_or(Reason::NoPolicy)]
    })
}

/// What is said where every policy that allows it does so without a request, or in an emergency only.
fn without_request(facts: &AskFacts<'_>, mut allowing: Vec<&Policy>, now: Timestamp) -> Reason {
    let emergency =
        allowing.iter().filter(|policy| policy.is_break_glass()).min_by_key(|policy| order(policy)).copied();
    allowing.retain(|policy| !is_asked(policy, facts.subject.user));
    if let (Some(policy), true) = (emergency, allowing.is_empty()) {
        return needs_request(facts.target, policy);
    }
    allowing
        .into_iter()
        .map(|policy| (policy, policy.outside(&facts.subject, now)))
        .min_by_key(|(policy, outside)| (outside.is_some(), order(policy)))
        .map_or(Reason::NoPolicy, |(policy, outside)| {
            outside.unwrap_or_else(|| Reason::NoRequestNeeded { policy: policy.name.clone() })
        })
}

/// The demands of `policy` that a request does not meet.
fn unmet(facts: &AskFacts<'_>, policy: &Policy, now: Timestamp) -> Vec<Reason> {
    let name = || policy.name.clone();
    let demands = &policy.obligations;
    let mut unmet = Vec::new();
    unmet.extend(policy.outside(&facts.subject, now));
    if facts.duration_seconds == 0 {
        unmet.push(Reason::TooShort);
    } else if facts.duration_seconds > demands.max_duration_seconds {
        unmet.push(Reason::TooLong { max_seconds: demands.max_duration_seconds, policy: name() });
    }
    if demands.reason_required && facts.reason.trim().is_empty() {
        unmet.push(Reason::ReasonRequired { policy: name() });
    }
    if let Some(pattern) = &demands.ticket_pattern
        && !facts.ticket.is_some_and(|ticket| ticket::fits(pattern, ticket))
    {
        unmet.push(Reason::TicketRequired { pattern: pattern.clone(), policy: name() });
    } else if demands.ticket_checked
        && let Some(problem) = facts.ticket_problem
    {
        unmet.push(Reason::TicketNotGood { problem: problem.to_owned(), policy: name() });
    }
    unmet.extend(ticket_stands_otherwise(facts, policy));
    unmet
}

/// That the ticket does not stand as `policy` wants it; none where it does.
fn ticket_stands_otherwise(facts: &AskFacts<'_>, policy: &Policy) -> Option<Reason> {
    let wanted = policy.conditions.ticket.as_ref().filter(|wanted| !wanted.holds(facts.ticket_stands))?;
    let problem = match (facts.ticket_stands, facts.ticket_problem) {
        (TicketStands::In(state), _) => format!("it is `{state}`"),
        (_, Some(problem)) => problem.to_owned(),
        (_, None) => "none was given".to_owned(),
    };
    Some(Reason::TicketState { wanted: wanted.words(), problem, policy: policy.name.clone() })
}

/// Decides whether `approver` may answer `request` at `now`: never their own, once only, while it is
/// pending, and from the groups that its rule names. `holds_permission` says whether they hold
/// `request:approve` in its scope; `approver` comes with the groups of its tenant and of the root.
#[must_use]
pub fn may_approve(approver: &User, holds_permission: bool, request: &Request, now: Timestamp) -> Decision<Approve> {
    let refusal = if approver.state != UserState::Active {
        Some(Reason::UserInactive)
    } else if approver.person() == request.person() {
        Some(Reason::OwnRequest)
    } else if !holds_permission || !approver.scope.contains(&request.scope) {
        Some(Reason::NotApprover)
    } else if request.state != RequestState::Pending || now >= request.expires_at {
        Some(Reason::NotPending)
    } else if has_answered(request, approver) {
        Some(Reason::AnsweredAlready)
    } else {
        not_asked(approver, request)
    };
    match refusal {
        None => Decision::Permit(Permit::new(Approve { user: approver.id.clone() })),
        Some(reason) => Decision::Deny(vec![reason]),
    }
}

/// Whether they have answered, as whichever of their users, or somebody in their place.
fn has_answered(request: &Request, user: &User) -> bool {
    request.approvals.iter().flat_map(Approval::people).any(|person| person == user.person())
}

/// Why the stage that waits does not ask `approver`; none where it does.
fn not_asked(approver: &User, request: &Request) -> Option<Reason> {
    let (Some(rule), Some(awaited)) = (&request.approval, request.awaited()) else { return Some(Reason::NotPending) };
    let is_in = |groups: &[GroupName]| groups.iter().any(|group| approver.groups.contains(group));
    if awaited.groups.is_empty() || is_in(awaited.groups) || request.sponsor.as_ref() == Some(&approver.name) {
        return None;
    }
    if request.is_escalated(awaited.stage) && rule.escalate.as_ref().is_some_and(|more| is_in(&more.groups)) {
        return None;
    }
    let later = rule.stages().skip(awaited.stage).any(|(_, groups)| groups.is_empty() || is_in(groups));
    Some(if later { Reason::EarlierStage } else { Reason::NotApprover })
}

/// Decides whether `stand_in` may answer `request` at `now` in the place of `absent`, who named them for that
/// time: what the one who is away may answer themselves, never the own request of either of them, and once only.
/// `absent_holds` says whether the one who is away holds `request:approve` in its scope; both come with the groups
/// of its tenant and of the root.
#[must_use]
pub fn may_stand_in(
    stand_in: &User,
    absent: &User,
    absent_holds: bool,
    request: &Request,
    now: Timestamp,
) -> Decision<Approve> {
    let refusal = if stand_in.state != UserState::Active {
        Some(Reason::UserInactive)
    } else if stand_in.person() == request.person() {
        Some(Reason::OwnRequest)
    } else if stand_in.is_same_person(absent) || !stand_in.scope.contains(&request.scope) {
        Some(Reason::NotApprover)
    } else if has_answered(request, stand_in) {
        Some(Reason::AnsweredAlready)
    } else {
        None
    };
    match refusal {
        Some(reason) => Decision::Deny(vec![reason]),
        None => match may_approve(absent, absent_holds, request, now) {
            Decision::Permit(_) => Decision::Permit(Permit::new(Approve { user: stand_in.id.clone() })),
            refused => refused,
        },
    }
}

/// The allow policies that concern the subject and the target, once nothing forbids it outright.
pub(super) fn gate<'a>(
    subject: Subject<'a>,
    target: Target<'_>,
    policies: Policies<'a>,
    now: Timestamp,
) -> Result<Open<'a>, Vec<Reason>> {
    if subject.user.state != UserState::Active {
        return Err(vec![Reason::UserInactive]);
    }
    let vendor = subject.user.vendor();
    if let Some(Err(reason)) = vendor.map(|vendor| vendor.admit(subject.source, now)) {
        return Err(vec![reason]);
    }
    let (mut allowing, taking): (Vec<_>, Vec<_>) = policies
        .iter()
        .filter(|policy| policy.concerns(subject.user, target.account, target.asset))
        .partition(|policy| policy.allows());
    let (mut denying, dormant): (Vec<_>, Vec<_>) =
        taking.into_iter().partition(|policy| policy.applies(&subject, now).unwrap_or(true));
    denying.sort_by_key(|policy| order(policy));
    if !denying.is_empty() {
        return Err(denying.into_iter().map(|policy| Reason::DeniedBy { policy: policy.name.clone() }).collect());
    }
    // Nobody says yes beforehand to break-glass, and to each session of a vendor somebody does.
    allowing.retain(|policy| vendor.is_none() || !policy.is_break_glass());
    if allowing.is_empty() {
        return Err(vec![Reason::NoPolicy]);
    }
    if target.account.state != AccountState::Managed {
        return Err(vec![Reason::AccountInactive]);
    }
    Ok(Open { vendor, allowing, dormant })
}

/// What `policy`, which allows, says to the wish.
pub(super) fn offer<'a>(facts: &ConnectFacts<'a>, policy: &'a Policy, now: Timestamp) -> Offer<'a> {
    let best = Route::Best { once: facts.subject.user.vendor().is_some() };
    let usable = match use_of(facts, policy, best, now) {
        Ok(usable) => usable,
        Err(reason) => return Offer::Refuse(reason),
    };
    let obligations = usable.obligations();
    match obligations.concurrent_sessions {
        Some(limit) if facts.live_sessions >= limit => {
            return Offer::Refuse(Reason::TooManySessions { limit, policy: policy.name.clone() });
        }
        _ => {}
    }
    // A program has no second factor: what it came with was made for it, and a policy says that it may.
    if facts.subject.user.is_workload() || is_fresh(facts.subject.mfa_at, obligations.mfa_max_age_seconds, now) {
        Offer::Open(usable)
    } else {
        Offer::StepUp(usable)
    }
}

/// By which right a policy is to be used.
#[derive(Clone, Copy)]
enum Route<'a> {
    /// By the active grant that lasts longest, else directly where it gives standing access.
    Best {
        /// Whether a grant is good for one session.
        once: bool,
    },
    /// As a session was opened: by this grant and no other, or directly.
    As(Option<&'a GrantId>),
}

impl Route<'_> {
    fn takes(self, grant: &Grant) -> bool {
        match self {
            Self::Best { once } => !(once && grant.used),
            Self::As(opened) => opened == Some(&grant.id),
        }
    }

    const fn takes_standing(self) -> bool {
        matches!(self, Self::Best { .. } | Self::As(None))
    }
}

/// How `policy` can be used now, by `route`.
fn use_of<'a>(
    facts: &ConnectFacts<'a>,
    policy: &'a Policy,
    route: Route<'_>,
    now: Timestamp,
) -> Result<Usable<'a>, Reason> {
    if let Some(outside) = policy.outside(&facts.subject, now) {
        return Err(outside);
    }
    let grants = || facts.grants.iter().filter(|grant| is_for(grant, facts, policy));
    let active = grants()
        .filter(|grant| grant.state_at(now) == GrantState::Active && route.takes(grant))
        .max_by_key(|grant| (grant.ends_at, Reverse(&grant.id)));
    let usable = if let Some(grant) = active {
        Usable { policy, grant: Some(grant) }
    } else if !is_asked(policy, facts.subject.user) && route.takes_standing() {
        // Who asks for nothing gives no ticket.
        if policy.conditions.ticket.is_some() {
            return Err(Reason::OutsideConditions { policy: policy.name.clone() });
        }
        Usable { policy, grant: None }
    } else {
        let begins = grants().filter(|g| g.state_at(now) == GrantState::Scheduled).map(|g| g.starts_at).min();
        return Err(match begins {
            Some(at) => Reason::NotYet { at, policy: policy.name.clone() },
            None => needs_request(facts.target, policy),
        });
    };
    if usable.over_at(now) <= now {
        let max_seconds = usable.obligations().max_duration_seconds;
        return Err(Reason::TooLong { max_seconds, policy: policy.name.clone() });
    }
    Ok(usable)
}

fn is_for(grant: &Grant, facts: &ConnectFacts<'_>, policy: &Policy) -> bool {
    grant.policy == policy.id
        && grant.user == facts.subject.user.name
        && grant.account.account == facts.target.account.name
        && grant.account.asset == facts.target.asset.name
        && grant.scope.tenant() == facts.target.asset.scope.tenant()
}

fn needs_request(target: Target<'_>, policy: &Policy) -> Reason {
    if policy.is_break_glass() {
        return Reason::EmergencyOnly { account: target.reference(), policy: policy.name.clone() };
    }
    Reason::NeedsRequest { account: target.reference(), policy: policy.name.clone() }
}

/// Deepest scope first, then by name; the identifier settles what is left.
pub(super) fn order(policy: &Policy) -> (Reverse<usize>, PolicyName, PolicyId) {
    (Reverse(policy.scope.depth()), policy.name.clone(), policy.id.clone())
}

/// Whether a factor proved at `mfa_at` counts at `now`. One that lies ahead counts only within the
/// skew of two clocks: a clock that was set back makes nothing fresh.
fn is_fresh(mfa_at: Option<Timestamp>, max_age_seconds: u64, now: Timestamp) -> bool {
    let max_age = match max_age_seconds {
        0 => EVERY_SESSION_AGE,
        seconds => Duration::from_secs(seconds),
    };
    mfa_at.is_some_and(|at| at.since(now) <= SKEW_MAX && now.since(at) <= max_age)
}

#[cfg(test)]
mod tests;
