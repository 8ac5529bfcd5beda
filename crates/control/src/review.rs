//! Access reviews: started, answered, closed, and what is kept as evidence.
//!
//! A review takes away only what its author could take away when it started, and nothing whose loss would let
//! anybody do more.

use std::collections::BTreeSet;
use std::time::Duration;

use postern_domain::event::{Actor, Event, Outcome};
use postern_domain::permission::{Authority, Permission};
use postern_domain::permit::{Manage, Permit};
use postern_domain::review::{
    Decision, ItemEffect, LOOKED_BACK, MayNot, Review, ReviewCounts, ReviewItem, ReviewPlan, ReviewState, Reviewed,
    Reviewer, Right, RightKind, World, may_decide, rights,
};
use postern_domain::user::{Group, User};
use postern_domain::{ReviewId, ScopePath, Timestamp};
use postern_store::{Listed, Listing, ReadTx, ReviewItemFilter, WriteTx};
use postern_vault::random;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answers::{holdings, residents};
use crate::request::REASON_LEN_MAX;
use crate::user::reachable;
use crate::{Caller, Control, Error, authenticate, text, visible};

mod close;
mod evidence;
mod narrow;

pub use evidence::{EvidenceFormat, EvidenceVerified, verify_evidence};

const NAME_LEN_MAX: usize = 120;
/// How many rights one review can be about.
const ITEMS_MAX: usize = 50_000;
/// How many can be answered at once.
const ANSWERS_MAX: usize = 500;
/// For how long a review can be answered, in seconds: a minute to a year.
const SECONDS_MIN: u64 = 60;
const SECONDS_MAX: u64 = 366 * 86_400;
const DAYS_MAX: u32 = 3 * 366;
const DAY_SECONDS: u64 = 86_400;
/// How many of each thing a plan may name.
const NAMED_MAX: usize = 500;

/// A review that is to start.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewInput {
    /// What it is called.
    pub name: String,
    /// What lies here and below is reviewed; the caller's own scope unless given.
    #[serde(default)]
    pub scope: Option<ScopePath>,
    /// What is reviewed, by whom, and how often.
    pub plan: ReviewPlan,
}

/// A review that has started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReviewStarted {
    /// The review.
    #[serde(flatten)]
    pub review: Review,
    /// How many rights of the plan are not in it, since its author could not take them away.
    pub left_out: u64,
}

/// An answer for one or more rights.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewAnswer {
    /// Their numbers in the review; at most 500.
    pub items: BTreeSet<u32>,
    /// What becomes of them.
    pub decision: Decision,
    /// Why.
    pub reason: String,
}

/// What came of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReviewAnswered {
    /// How far the review has come.
    pub counts: ReviewCounts,
    /// What came of each of the rights that were answered for.
    pub items: Vec<ReviewOutcome>,
}

/// What came of an answer for one right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReviewOutcome {
    /// Its number in the review.
    pub number: u32,
    /// Who holds it.
    pub holder: String,
    /// What it is.
    pub right: String,
    /// Whether what was decided has been done; none where there was nothing to do.
    pub effect: Option<ItemEffect>,
    /// What was done, or why not.
    pub effect_detail: Option<String>,
}

/// Whose items of a review are wanted.
#[derive(Clone, Debug, Default)]
pub struct ReviewItemsWanted {
    /// Which.
    pub filter: ReviewItemFilter,
    /// Those only that the caller may answer for.
    pub mine: bool,
}

impl Control {
    /// The newest reviews that the caller may see: where they hold `review:read`, and those in which they are
    /// asked.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn review_list(&self, caller: &Caller, state: Option<ReviewState>) -> Result<Vec<Review>, Error> {
        let mut rows = self.store().read().await?;
        let mut found = Vec::new();
        for review in rows.reviews(state).await? {
            if reads(caller, &review) || asked(&mut rows, caller, &review).await?.is_some() {
                found.push(review);
            }
        }
        Ok(found)
    }

    /// One review that the caller may see.
    ///
    /// # Errors
    /// `NotFound` also when it is not theirs to see.
    pub async fn review_show(&self, caller: &Caller, id: &ReviewId) -> Result<Review, Error> {
        let mut rows = self.store().read().await?;
        Ok(seen(&mut rows, caller, id).await?.0)
    }

    /// Items of a review: all of them for who holds `review:read`, otherwise those that the caller is asked
    /// about. That they looked is noted, for how quickly they answer.
    ///
    /// # Errors
    /// `NotFound` also when it is not theirs to see; `Invalid` when it cannot be sorted by that.
    pub async fn review_items(
        &self,
        caller: &Caller,
        id: &ReviewId,
        wanted: &ReviewItemsWanted,
        listing: &Listing,
    ) -> Result<Listed<ReviewItem>, Error> {
        let mut rows = self.store().read().await?;
        let (review, asked) = seen(&mut rows, caller, id).await?;
        let mut filter = wanted.filter.clone();
        if wanted.mine || !reads(caller, &review) {
            // Who is not asked has nothing of their own in it.
            let Some(asked) = asked else { return Ok(Listed { items: Vec::new(), next: None, total: Some(0) }) };
            filter.owner = (asked == Asked::AsOwner).then(|| caller.user.name.clone());
        }
        if wanted.mine {
            filter.not_of = Some(caller.user.name.clone());
        }
        let found = rows.review_items(id, &filter, listing).await?;
        drop(rows);
        if asked.is_some() && review.state == ReviewState::Open {
            let mut tx = self.store().write(self.now()).await?;
            tx.review_look(id, &caller.user.id).await?;
            tx.commit_upkeep().await?;
        }
        Ok(found)
    }

    /// Starts a review of what there is now.
    ///
    /// # Errors
    /// `Invalid` when the plan is not acceptable or there is nothing to review.
    pub async fn review_start(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        input: ReviewInput,
    ) -> Result<ReviewStarted, Error> {
        let name = text::line("name", &input.name, NAME_LEN_MAX)?;
        let scope = input.scope.unwrap_or_else(|| caller.user.scope.clone());
        let mut tx = self.store().write(self.now()).await?;
        reachable(&mut tx, permit, &scope).await?;
        acceptable(&mut tx, &input.plan, &scope).await?;
        let by = Author { user: &caller.user, authority: &caller.authority, actor: caller.actor() };
        let (started, event) = start(&mut tx, &by, name, scope, input.plan).await?;
        let started = started.ok_or_else(|| {
            Error::invalid("plan", "there is nothing in it that you could take away: nothing to review")
        })?;
        self.commit(tx, &[event]).await?;
        Ok(started)
    }

    /// Answers for rights in a review. What is taken away is taken away at once.
    ///
    /// # Errors
    /// `Forbidden` when one of them is not the caller's to answer for: then nothing is answered. `Conflict`
    /// when the review is over or a right was taken away already.
    pub async fn review_decide(
        &self,
        caller: &Caller,
        id: &ReviewId,
        answer: &ReviewAnswer,
    ) -> Result<ReviewAnswered, Error> {
        let reason = text::words("reason", &answer.reason, REASON_LEN_MAX)?;
        if reason.is_empty() {
            return Err(Error::invalid("reason", "say why: the evidence keeps it"));
        }
        if answer.items.is_empty() || answer.items.len() > ANSWERS_MAX {
            return Err(Error::invalid("items", format!("give 1 to {ANSWERS_MAX} at once")));
        }
        let mut tx = self.store().write(self.now()).await?;
        let (review, _) = seen(&mut tx, caller, id).await?;
        let numbers: Vec<u32> = answer.items.iter().copied().collect();
        let items = tx.review_items_numbered(id, &numbers).await?;
        if let Some(missing) = numbers.iter().find(|number| !items.iter().any(|item| item.number == **number)) {
            return Err(Error::not_found("review item", missing));
        }
        if let Err(error) = may_all(&mut tx, caller, &review, &items, answer.decision, self.now()).await {
            drop(tx);
            return Err(self.refuse_review(caller, &review, error).await);
        }
        tx.review_look(id, &caller.user.id).await?;
        let decided = narrow::Decided {
            decision: answer.decision,
            reason: &reason,
            by: Some(&caller.user.name),
            actor: caller.actor(),
        };
        let events = narrow::carry_out(&mut tx, &review, &items, &decided).await?;
        let outcome = |item: ReviewItem| ReviewOutcome {
            number: item.number,
            holder: item.right.holder(),
            right: item.right.words(),
            effect: item.effect,
            effect_detail: item.effect_detail,
        };
        let items = tx.review_items_numbered(id, &numbers).await?.into_iter().map(outcome).collect();
        let review = tx.review(id).await?.ok_or_else(|| Error::not_found("review", id))?;
        self.commit(tx, &events).await?;
        Ok(ReviewAnswered { counts: review.counts, items })
    }

    async fn refuse_review(&self, caller: &Caller, review: &Review, error: Error) -> Error {
        let event = Event::done(self.now(), caller.actor(), "review.decide", review.id.as_str(), review.scope.clone())
            .outcome(Outcome::Refused)
            .with("reasons", vec![error.to_string()]);
        match self.note(event).await {
            Ok(()) => error,
            Err(failed) => failed,
        }
    }
}

/// Whether somebody holds the right to read a review.
fn reads(caller: &Caller, review: &Review) -> bool {
    caller.authority.covers(Permission::ReviewRead, &review.scope)
        || caller.authority.covers(Permission::ReviewWrite, &review.scope)
}

/// As what somebody is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// About everything.
    ByName,
    /// About what reaches accounts that they answer for.
    AsOwner,
}

/// As what somebody is asked in a review; none when they are not.
async fn asked(rows: &mut ReadTx, caller: &Caller, review: &Review) -> Result<Option<Asked>, Error> {
    let reviewers = &review.plan.reviewers;
    let user = as_seen(rows, caller, &review.scope).await?;
    if reviewers.users.contains(&user.name) || user.groups.iter().any(|group| reviewers.groups.contains(group)) {
        return Ok(Some(Asked::ByName));
    }
    if !reviewers.owners {
        return Ok(None);
    }
    let owned = ReviewItemFilter { owner: Some(user.name), ..ReviewItemFilter::default() };
    let page = postern_store::PageRequest { cursor: None, limit: Some(1) };
    let any = !rows.review_items(&review.id, &owned, &page.into()).await?.items.is_empty();
    Ok(any.then_some(Asked::AsOwner))
}

/// The caller with the groups that count in `scope`.
async fn as_seen(rows: &mut ReadTx, caller: &Caller, scope: &ScopePath) -> Result<User, Error> {
    let user = visible::subject(rows, &caller.user.id, &scope.tenant()).await?;
    user.ok_or_else(|| Error::not_found("user", &caller.user.name))
}

async fn seen(rows: &mut ReadTx, caller: &Caller, id: &ReviewId) -> Result<(Review, Option<Asked>), Error> {
    let unknown = || Error::not_found("review", id);
    let review = rows.review(id).await?.ok_or_else(unknown)?;
    let asked = asked(rows, caller, &review).await?;
    if reads(caller, &review) || asked.is_some() { Ok((review, asked)) } else { Err(unknown()) }
}

/// That the caller may answer for each of `items` in this way.
async fn may_all(
    rows: &mut ReadTx,
    caller: &Caller,
    review: &Review,
    items: &[ReviewItem],
    decision: Decision,
    now: Timestamp,
) -> Result<(), Error> {
    let user = as_seen(rows, caller, &review.scope).await?;
    let selves = rows.users_of_person(&user.id).await?;
    let own: BTreeSet<_> = selves.iter().map(|own| own.user.name.clone()).collect();
    let groups = rows.groups_all().await?;
    for item in items {
        let in_group = groups
            .iter()
            .filter(|group| item.right.group.as_ref() == Some(&group.name))
            .any(|group| group.members.iter().any(|member| own.contains(member)))
            || selves.iter().any(|own| item.right.chooses(&own.user));
        let reviewer = Reviewer { user: &user, own: &own, in_group };
        if let Err(why) = may_decide(reviewer, review, item, decision, now) {
            let message = format!("item {}, {} of {}: {why}", item.number, item.right.words(), item.right.holder());
            return Err(match why {
                MayNot::Inactive | MayNot::NotAsked | MayNot::Own => Error::Forbidden(message),
                MayNot::Over | MayNot::Done => Error::Conflict(message),
                MayNot::NotReducible => Error::invalid("decision", message),
            });
        }
    }
    Ok(())
}

/// Who starts a review, with what they may do.
struct Author<'a> {
    user: &'a User,
    authority: &'a Authority,
    actor: Actor,
}

/// Writes a review down; none where there is nothing to review.
async fn start(
    tx: &mut WriteTx,
    by: &Author<'_>,
    name: String,
    scope: ScopePath,
    plan: ReviewPlan,
) -> Result<(Option<ReviewStarted>, Event), Error> {
    let now = tx.now();
    let mut items = gather(tx, &scope, &plan).await?;
    let all = items.len();
    let roles = authenticate::roles(tx).await?;
    let groups = tx.groups_all().await?;
    items.retain(|item| takes_away(by.authority, &roles, &groups, &item.right));
    let left_out = u64::try_from(all - items.len()).unwrap_or(u64::MAX);
    if items.len() > ITEMS_MAX {
        let message = format!("is about {} rights: narrow it to at most {ITEMS_MAX}", items.len());
        return Err(Error::invalid("plan", message));
    }
    let review = Review {
        id: ReviewId::generate(now, random::bytes()),
        name,
        due_at: now.after(Duration::from_secs(plan.seconds)),
        next_at: plan.every_days.map(|days| now.after(Duration::from_secs(u64::from(days) * DAY_SECONDS))),
        scope,
        plan,
        state: ReviewState::Open,
        author: by.user.name.clone(),
        started_at: now,
        closed_at: None,
        counts: ReviewCounts::default(),
        paces: Vec::new(),
    };
    let event = Event::done(now, by.actor.clone(), "review.start", review.id.as_str(), review.scope.clone())
        .with("name", review.name.as_str())
        .with("plan", serde_json::to_value(&review.plan).unwrap_or_default())
        .with("items", items.len())
        .with("left_out", left_out)
        .with("due_at", review.due_at.to_string());
    if items.is_empty() {
        return Ok((None, event));
    }
    tx.review_insert(&review, &by.user.id, &items).await?;
    let review = tx.review(&review.id).await?.ok_or_else(|| Error::not_found("review", &review.id))?;
    Ok((Some(ReviewStarted { review, left_out }), event))
}

/// Every right of the plan, as things stand.
async fn gather(rows: &mut WriteTx, scope: &ScopePath, plan: &ReviewPlan) -> Result<Vec<Reviewed>, Error> {
    let now = rows.now();
    let scopes = std::slice::from_ref(scope);
    let people = residents(rows.people().await?);
    let roles = rows.roles_direct().await?;
    let groups = rows.groups_all().await?;
    let policies = rows.policies_reaching(scope).await?;
    let holdings = holdings(rows, scopes).await?;
    let mut grants = Vec::new();
    for policy in policies.iter().filter(|policy| scope.contains(&policy.scope)) {
        grants.extend(rows.grants_under(&policy.id, now).await?);
    }
    let findings = rows.findings_by_account(scopes).await?;
    let uses = rows.uses(now.before(LOOKED_BACK)).await?;
    let world = World {
        people: &people,
        roles: &roles,
        groups: &groups,
        policies: &policies,
        holdings: &holdings,
        grants: &grants,
        findings: &findings,
        uses: &uses,
        now,
    };
    Ok(rights(&world, scope, plan))
}

/// Whether somebody could take a right away by themselves.
fn takes_away(
    authority: &Authority,
    roles: &[postern_domain::permission::Role],
    groups: &[Group],
    right: &Right,
) -> bool {
    let delegates = |held: &postern_domain::permission::RoleAssignment| {
        authority.covers(Permission::RoleWrite, &held.scope)
            && roles.iter().any(|role| role.name == held.role && authority.may_delegate(role, &held.scope))
    };
    let brings = || {
        let named = groups.iter().find(|group| right.group.as_ref() == Some(&group.name) && group.scope == right.scope);
        named.is_some_and(|group| group.roles.iter().all(delegates))
    };
    match right.kind {
        RightKind::PolicyUser | RightKind::PolicyGroup | RightKind::PolicyAttributes | RightKind::PolicyWorkload => {
            authority.covers(Permission::PolicyWrite, &right.scope)
        }
        RightKind::Attribute => authority.covers(Permission::UserWrite, &right.scope),
        RightKind::Membership => authority.covers(Permission::GroupWrite, &right.scope) && brings(),
        RightKind::Role => right.role.as_ref().is_some_and(delegates),
        RightKind::Grant => authority.covers(Permission::GrantRevoke, &right.scope),
    }
}

/// That a plan says what can be done, and by people whom there are.
async fn acceptable(rows: &mut ReadTx, plan: &ReviewPlan, scope: &ScopePath) -> Result<(), Error> {
    if !(SECONDS_MIN..=SECONDS_MAX).contains(&plan.seconds) {
        return Err(Error::invalid("plan.seconds", "give a minute to a year for the answers"));
    }
    if let Some(days) = plan.every_days
        && (!(1..=DAYS_MAX).contains(&days) || u64::from(days) * DAY_SECONDS < plan.seconds)
    {
        let message = "give at least as many days as there are for the answers, and at most three years";
        return Err(Error::invalid("plan.every_days", message));
    }
    let reviewers = &plan.reviewers;
    let named =
        [plan.labels.len(), plan.policies.len(), plan.groups.len(), reviewers.users.len(), reviewers.groups.len()];
    if named.iter().any(|count| *count > NAMED_MAX) {
        return Err(Error::invalid("plan", format!("name at most {NAMED_MAX} of each")));
    }
    if reviewers.users.is_empty() && reviewers.groups.is_empty() && !reviewers.owners {
        return Err(Error::invalid("plan.reviewers", "say who is asked: people, groups, or the accounts' owners"));
    }
    for name in &reviewers.users {
        if !rows.user_by_name(name).await?.is_some_and(|user| user.scope.contains(scope) || scope.contains(&user.scope))
        {
            return Err(Error::invalid("plan.reviewers.users", format!("user `{name}` does not exist")));
        }
    }
    let tenant = scope.tenant();
    for name in &reviewers.groups {
        let counts = |group: &Group| group.scope.tenant() == ScopePath::root() || group.scope.tenant() == tenant;
        if !rows.groups_by_name(name).await?.iter().any(counts) {
            return Err(Error::invalid("plan.reviewers.groups", format!("group `{name}` does not exist")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
