//! Separation of duties: what is declared, who holds it together all the same, and what is refused for it.
//!
//! What keeps less apart takes two people, as what lets somebody do more does: the change waits until somebody
//! else makes it too.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use postern_domain::document::{Action, Change, Document};
use postern_domain::duties::{DutiesDocument, DutiesViolation, Held, SeparationOfDuties, WaitingDuties};
use postern_domain::event::Event;
use postern_domain::permit::{Manage, Permit};
use postern_domain::policy::{Policy, Reason};
use postern_domain::report::DutiesRow;
use postern_domain::user::{User, UserState};
use postern_domain::{DutiesId, DutiesName, ScopePath, UserName};
use postern_store::{Person, ReadTx, WriteTx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::apply::{changed, event_of};
use crate::{Caller, Control, Error, shared, visible};

/// How long a change that keeps less apart waits for somebody else.
const WAIT_MAX: Duration = Duration::from_secs(7 * 86_400);

/// A separation of duties, and who holds together what it keeps apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DutiesView {
    /// What is declared.
    #[serde(flatten)]
    pub duties: SeparationOfDuties,
    /// Who holds it together, from before it was declared.
    pub violations: Vec<DutiesViolation>,
}

impl Control {
    /// The separations in the permit's scopes, with who holds together what they keep apart.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn duties_list(&self, permit: &Permit<Manage>) -> Result<Vec<DutiesView>, Error> {
        let mut rows = self.store().read().await?;
        let estate = Everybody::of(&mut rows).await?;
        let mut found = Vec::new();
        for duties in rows.duties().await?.into_iter().filter(|duties| permit.covers(&duties.declared.scope)) {
            let violations = estate.violations(&duties.declared);
            found.push(DutiesView { duties, violations });
        }
        Ok(found)
    }

    /// Takes a separation away: at once where one person may, else when somebody else does so too.
    ///
    /// # Errors
    /// `NotFound` also where the caller may not know of it.
    pub async fn duties_delete(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        name: &DutiesName,
        scope: &ScopePath,
    ) -> Result<Option<WaitingDuties>, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let found = tx.duties_named(&scope.tenant(), name).await?.filter(|one| permit.covers(&one.declared.scope));
        let current = found.ok_or_else(|| Error::not_found("separation of duties", name))?;
        let (now, place) = (tx.now(), current.declared.scope.clone());
        if let Some(waiting) = waits(&mut tx, caller, &current, None).await? {
            let event = Event::done(now, caller.actor(), "duties.propose", name.as_str(), place).with("delete", true);
            tx.duties_put(&SeparationOfDuties { waiting: Some(waiting.clone()), ..current }).await?;
            self.commit(tx, &[event]).await?;
            return Ok(Some(waiting));
        }
        tx.duties_delete(&current.id).await?;
        let mut event = Event::done(now, caller.actor(), "duties.delete", name.as_str(), place);
        if let Some(waiting) = &current.waiting {
            event = event.with("author", waiting.author.as_str());
        }
        self.commit(tx, &[event]).await?;
        Ok(None)
    }
}

/// Makes a separation what the document says.
pub(crate) async fn apply(
    tx: &mut WriteTx,
    caller: &Caller,
    permit: &Permit<Manage>,
    document: &DutiesDocument,
) -> Result<(Change, Vec<Event>), Error> {
    visible::within(permit, &document.scope)?;
    let current = tx.duties_named(&document.scope.tenant(), &document.name).await?;
    if let Some(current) = &current {
        visible::within(permit, &current.declared.scope)?;
    }
    let of = |declared: &DutiesDocument| Document::SeparationOfDuties(declared.clone());
    let change = changed(&of(document), current.as_ref().map(|current| of(&current.declared)));
    if change.action == Action::Unchanged {
        return Ok((change, Vec::new()));
    }
    let now = tx.now();
    let mut events = visible::ensure_scope(tx, caller, &document.scope).await?;
    if let Some(current) = &current
        && !document.keeps(&current.declared)
        && let Some(waiting) = waits(tx, caller, current, Some(document)).await?
    {
        tx.duties_put(&SeparationOfDuties { waiting: Some(waiting), ..current.clone() }).await?;
        let change = Change { action: Action::Propose, ..change };
        events.push(event_of(now, caller.actor(), "duties", &change, &document.scope));
        return Ok((change, events));
    }
    let duties = SeparationOfDuties {
        id: current
            .as_ref()
            .map_or_else(|| DutiesId::generate(now, postern_vault::random::bytes()), |one| one.id.clone()),
        declared: document.clone(),
        waiting: None,
        created_at: current.as_ref().map_or(now, |one| one.created_at),
    };
    tx.duties_put(&duties).await?;
    let mut event = event_of(now, caller.actor(), "duties", &change, &document.scope);
    if let Some(waiting) = current.and_then(|current| current.waiting) {
        event = event.with("author", waiting.author.as_str());
    }
    events.push(event);
    Ok((change, events))
}

/// A change that keeps less apart, as it waits; none where it may be made now: by somebody who alone may change
/// policies there, or because somebody else has made the same change before.
async fn waits(
    tx: &mut WriteTx,
    caller: &Caller,
    current: &SeparationOfDuties,
    declared: Option<&DutiesDocument>,
) -> Result<Option<WaitingDuties>, Error> {
    if !shared::is_shared(tx, &current.declared.scope).await? {
        return Ok(None);
    }
    let now = tx.now();
    let same = |waiting: &&WaitingDuties| waiting.declared.as_ref() == declared && now.since(waiting.at) < WAIT_MAX;
    if let Some(waiting) = current.waiting.as_ref().filter(same)
        && shared::is_another(tx, &waiting.author, caller).await?
    {
        return Ok(None);
    }
    Ok(Some(WaitingDuties { declared: declared.cloned(), author: caller.user.name.clone(), at: now }))
}

/// The separations that hold in a scope, each with who of it holds together what it keeps apart, for reports.
pub(crate) async fn rows_of(rows: &mut ReadTx, scope: &ScopePath) -> Result<Vec<DutiesRow>, Error> {
    let estate = Everybody::of(rows).await?;
    let mut found = Vec::new();
    for duties in rows.duties().await?.into_iter().filter(|duties| duties.declared.scope.meet(scope).is_some()) {
        let row = |user, one, other| DutiesRow {
            name: duties.declared.name.to_string(),
            scope: duties.declared.scope.clone(),
            user,
            one,
            other,
        };
        let seen = |users: &&Vec<Person>| users.iter().any(|user| scope.contains(&user.user.scope));
        let held = |users: &Vec<Person>| violation(users, &estate.policies, &duties.declared);
        let violations: Vec<_> = estate.people.iter().filter(seen).filter_map(held).collect();
        if violations.is_empty() {
            found.push(row(None, None, None));
        }
        found.extend(violations.into_iter().map(|one| row(Some(one.user.to_string()), Some(one.one), Some(one.other))));
    }
    Ok(found)
}

/// Everybody who may act, and what they hold.
pub(crate) struct Everybody {
    /// The users of each person, who holds what any of them does.
    people: Vec<Vec<Person>>,
    policies: Vec<Policy>,
}

impl Everybody {
    pub(crate) async fn of(rows: &mut ReadTx) -> Result<Self, Error> {
        let mut people: BTreeMap<UserName, Vec<Person>> = BTreeMap::new();
        for user in rows.people().await? {
            if user.user.state != UserState::Disabled {
                people.entry(user.user.person().clone()).or_default().push(user);
            }
        }
        Ok(Self { people: people.into_values().collect(), policies: rows.policies_reaching(&ScopePath::root()).await? })
    }

    pub(crate) fn violations(&self, duties: &DutiesDocument) -> Vec<DutiesViolation> {
        self.people.iter().filter_map(|users| violation(users, &self.policies, duties)).collect()
    }
}

/// What a person holds together that `duties` keeps apart, by one of their users or by several.
fn violation(users: &[Person], policies: &[Policy], duties: &DutiesDocument) -> Option<DutiesViolation> {
    let tenant = duties.scope.tenant();
    let root = ScopePath::root();
    let counts = |scope: &ScopePath| tenant == root || *scope == root || scope.tenant() == tenant;
    let gives = |policy: &Policy, user: &Person| {
        let seen = visible::seen_by(user, &policy.scope.tenant());
        counts(&policy.scope) && policy.scope.meet(&user.user.scope).is_some() && policy.subjects.include(&seen)
    };
    let groups = users.iter().flat_map(|user| &user.groups);
    let held = Held {
        groups: groups.filter(|(_, scope)| counts(scope)).map(|(name, _)| name).collect(),
        roles: users.iter().flat_map(|user| &user.user.roles).collect(),
        policies: policies.iter().filter(|policy| users.iter().any(|user| gives(policy, user))).collect(),
    };
    duties.violation(users.first()?.user.person(), &held)
}

/// Makes sure that a change lets nobody hold together what is kept apart; who held it before goes on to do so.
pub(crate) struct KeptApart {
    rules: Vec<DutiesDocument>,
    before: BTreeSet<(DutiesName, ScopePath, UserName)>,
}

impl KeptApart {
    /// To be asked before the change.
    pub(crate) async fn before(rows: &mut ReadTx) -> Result<Self, Error> {
        let rules: Vec<_> = rows.duties().await?.into_iter().map(|duties| duties.declared).collect();
        let mut before = BTreeSet::new();
        if !rules.is_empty() {
            let estate = Everybody::of(rows).await?;
            for rule in &rules {
                before.extend(estate.violations(rule).into_iter().map(|found| key(rule, &found)));
            }
        }
        Ok(Self { rules, before })
    }

    /// To be asked after it.
    pub(crate) async fn after(self, rows: &mut ReadTx) -> Result<(), Error> {
        if self.rules.is_empty() {
            return Ok(());
        }
        let estate = Everybody::of(rows).await?;
        for rule in &self.rules {
            if let Some(found) =
                estate.violations(rule).into_iter().find(|found| !self.before.contains(&key(rule, found)))
            {
                let DutiesViolation { user, one, other } = found;
                let name = &rule.name;
                return Err(Error::Forbidden(format!(
                    "{user} would hold both {one} and {other}, which `{name}` keeps apart: take one away first"
                )));
            }
        }
        Ok(())
    }
}

fn key(rule: &DutiesDocument, found: &DutiesViolation) -> (DutiesName, ScopePath, UserName) {
    (rule.name.clone(), rule.scope.clone(), found.user.clone())
}

/// Why somebody may not ask under a policy: they hold together what is kept apart, and it is a part of that.
pub(crate) async fn kept_apart(rows: &mut ReadTx, user: &User, policy: &Policy) -> Result<Vec<Reason>, Error> {
    let rules: Vec<_> = rows.duties().await?.into_iter().map(|duties| duties.declared).collect();
    let touching: Vec<_> = rules.iter().filter(|rule| rule.touches(policy)).collect();
    if touching.is_empty() {
        return Ok(Vec::new());
    }
    let mut users = rows.users_of_person(&user.id).await?;
    users.retain(|own| own.user.state != UserState::Disabled);
    let policies = rows.policies_reaching(&ScopePath::root()).await?;
    let found = touching.into_iter().filter_map(|rule| {
        let DutiesViolation { one, other, .. } = violation(&users, &policies, rule)?;
        Some(Reason::KeptApart { duties: rule.name.clone(), one, other })
    });
    Ok(found.collect())
}

#[cfg(test)]
mod tests;
