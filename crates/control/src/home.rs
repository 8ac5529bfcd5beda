//! What somebody sees first: what they can reach, what waits, what is live, and how the estate is.

use postern_domain::ScopePath;
use postern_domain::grant::{Grant, GrantState};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::policy::Access;
use postern_domain::request::{Request, RequestState};
use postern_domain::right_size::rights;
use postern_domain::session::Session;
use postern_store::{DayFigures, EstateFigures, PageRequest, SessionFilter};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answers::{holdings, residents};
use crate::{AccessFilter, AccessItem, AccessState, Caller, Control, Error, GrantWanted, RequestWanted, Status};

/// How many of each are shown.
const SHOWN_MAX: usize = 8;
/// How many accounts are looked at.
const LOOKED_MAX: u32 = 200;
/// Counts go no further: more is shown as "more than this".
const COUNT_MAX: u32 = 100;
/// How many days are looked back unless asked otherwise, and at most.
const HISTORY_DAYS: u32 = 30;
const HISTORY_DAYS_MAX: u32 = 366;

/// What somebody sees first.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Home {
    /// Accounts that can be connected to now.
    pub ready: Vec<AccessItem>,
    /// Accounts that can be asked for.
    pub askable: Vec<AccessItem>,
    /// Requests that wait for one's own answer.
    pub waiting: Vec<Request>,
    /// One's own requests that wait.
    pub mine: Vec<Request>,
    /// One's own grants that can be used.
    pub grants: Vec<Grant>,
    /// Live sessions: one's own, and those one may see.
    pub live: Vec<Session>,
    /// How many of each there are.
    pub counts: Counts,
    /// The state of the estate, for those who hold `status:read` over everything.
    pub estate: Option<Estate>,
}

/// How much there is of what somebody looks after. No count goes beyond 100.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Requests that wait for one's own answer.
    pub waiting: usize,
    /// Statements of database sessions that wait for one's own answer.
    pub statements: usize,
    /// One's own requests that wait.
    pub mine: usize,
    /// One's own grants that can be used.
    pub grants: usize,
    /// Live sessions: one's own, and those one may see.
    pub live: usize,
    /// Uses of break-glass that wait for one's review.
    pub break_glass: usize,
}

/// The state of the estate.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Estate {
    /// Figures, each counted now.
    pub figures: EstateFigures,
    /// The server, its vault and its ledger.
    pub status: Status,
}

impl Control {
    /// What the caller sees first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn home(&self, caller: &Caller) -> Result<Home, Error> {
        let looked = PageRequest { cursor: None, limit: Some(LOOKED_MAX) };
        let access = self.access_list(caller, &AccessFilter::default(), &looked.into()).await?.items;
        let of = |state| access.iter().filter(move |item| item.state == state).take(SHOWN_MAX).cloned().collect();
        let found = self.found(caller).await?;
        let estate = match caller.permit(Permission::StatusRead) {
            Some(permit) if permit.covers(&ScopePath::root()) => {
                let figures = self.store().read().await?.estate_figures(self.now()).await?;
                Some(Estate { figures, status: self.status(&permit).await? })
            }
            _ => None,
        };
        Ok(Home {
            ready: of(AccessState::Ready),
            askable: of(AccessState::Request),
            counts: found.counts(),
            waiting: first(found.waiting),
            mine: first(found.mine),
            grants: first(found.grants),
            live: first(found.live),
            estate,
        })
    }

    /// What has happened on each of the last days, today included and the oldest first: 30 unless asked
    /// otherwise, at most 366.
    ///
    /// # Errors
    /// When the permit does not cover everything, or the database fails.
    pub async fn history(&self, permit: &Permit<Manage>, days: Option<u32>) -> Result<Vec<DayFigures>, Error> {
        if !permit.covers(&ScopePath::root()) {
            return Err(Error::Forbidden("what happened everywhere is for those who may see everything".to_owned()));
        }
        let days = days.unwrap_or(HISTORY_DAYS);
        if !(1..=HISTORY_DAYS_MAX).contains(&days) {
            return Err(Error::invalid("days", format!("is {days}, not between 1 and {HISTORY_DAYS_MAX}")));
        }
        Ok(self.store().read().await?.history(self.now(), days).await?)
    }

    /// Keeps what stands now as the figures of today.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn day_figures_keep(&self) -> Result<(), Error> {
        let mut rows = self.store().read().await?;
        let root = ScopePath::root();
        let mut policies = rows.policies_reaching(&root).await?;
        policies.retain(|policy| policy.allows() && policy.access == Access::Standing);
        let people = residents(rows.people().await?);
        let holdings = holdings(&mut rows, std::slice::from_ref(&root)).await?;
        drop(rows);
        // Everybody on every account, over a large estate: not on a thread that others wait for.
        let standing = tokio::task::spawn_blocking(move || {
            policies.iter().map(|policy| rights(policy, &people, &holdings)).fold(0, u64::saturating_add)
        });
        let standing = standing.await.map_err(|_| Error::Unavailable("counting rights was cut off".to_owned()))?;
        let mut tx = self.store().write(self.now()).await?;
        tx.day_figures_keep(standing).await?;
        Ok(tx.commit_upkeep().await?)
    }

    /// How much there is of what the caller looks after.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn counts(&self, caller: &Caller) -> Result<Counts, Error> {
        Ok(self.found(caller).await?.counts())
    }

    async fn found(&self, caller: &Caller) -> Result<Found, Error> {
        let page = PageRequest { cursor: None, limit: Some(COUNT_MAX) };
        let waiting = RequestWanted { waiting: true, ..RequestWanted::default() };
        let mine = RequestWanted { mine: true, state: Some(RequestState::Pending), ..RequestWanted::default() };
        let active = GrantWanted { state: Some(GrantState::Active), mine: true, q: None };
        let live = SessionFilter { live: true, ..SessionFilter::default() };
        let waiting = if caller.permit(Permission::RequestApprove).is_some() {
            self.request_list(caller, &waiting, &page.clone().into()).await?.items
        } else {
            Vec::new()
        };
        Ok(Found {
            waiting,
            statements: self.statements_to_decide(caller).min(COUNT_MAX as usize),
            mine: self.request_list(caller, &mine, &page.clone().into()).await?.items,
            grants: self.grant_list(caller, &active, &page.clone().into()).await?.items,
            live: self.session_list(caller, &live, &page.into()).await?.items,
            break_glass: self.break_glass_to_review(caller, COUNT_MAX).await?,
        })
    }
}

struct Found {
    waiting: Vec<Request>,
    statements: usize,
    mine: Vec<Request>,
    grants: Vec<Grant>,
    live: Vec<Session>,
    break_glass: usize,
}

impl Found {
    fn counts(&self) -> Counts {
        let Self { waiting, statements, mine, grants, live, break_glass } = self;
        Counts {
            waiting: waiting.len(),
            statements: *statements,
            mine: mine.len(),
            grants: grants.len(),
            live: live.len(),
            break_glass: *break_glass,
        }
    }
}

fn first<T>(mut items: Vec<T>) -> Vec<T> {
    items.truncate(SHOWN_MAX);
    items
}

#[cfg(test)]
mod tests;
