//! Findings about what users hold in Postern itself: power of everyday users, and what is to be kept apart.

use std::collections::BTreeMap;

use postern_domain::finding::{PersonHolds, of_person};
use postern_domain::policy::{Access, Holding, Policy, Resident};
use postern_domain::user::UserState;
use postern_domain::{FindingId, PolicyName, ScopePath, UserName};
use postern_store::{Person, ReadTx};
use postern_vault::random;

use crate::answers::{holdings, residents};
use crate::discovery::judge::raised;
use crate::duties::Everybody;
use crate::{Control, Error, authenticate};

impl Control {
    /// Raises what is wrong with what users hold, and resolves what is so no longer.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn people_judge(&self) -> Result<(), Error> {
        let mut rows = self.store().read().await?;
        let people = rows.people().await?;
        let holds = held(&mut rows, &people).await?;
        let roles = authenticate::roles(&mut rows).await?;
        let unresolved = rows.findings_about_users().await?;
        drop(rows);
        if holds.is_empty() && unresolved.is_empty() {
            return Ok(());
        }
        let mut tx = self.store().write(self.now()).await?;
        let mut news = Vec::new();
        for Person { user, .. } in &people {
            let raises = holds.get(&user.name).map(|holds| of_person(holds, &roles)).unwrap_or_default();
            for finding in unresolved.iter().filter(|finding| finding.user.as_ref() == Some(&user.name)) {
                if raises.iter().all(|one| one.kind != finding.kind) {
                    tx.finding_resolve(&finding.id).await?;
                }
            }
            for one in &raises {
                let id = FindingId::generate(tx.now(), random::bytes());
                if tx.finding_raise_user(&id, &user.id, one).await? {
                    news.push(raised(tx.now(), user.name.as_str(), &user.scope, one));
                }
            }
        }
        if news.is_empty() {
            return Ok(tx.commit_upkeep().await?);
        }
        self.commit(tx, &news).await?;
        Ok(())
    }
}

/// What those hold of whom there may be something to say.
async fn held(rows: &mut ReadTx, people: &[Person]) -> Result<BTreeMap<UserName, PersonHolds>, Error> {
    let everyday =
        |person: &&Person| person.user.state == UserState::Active && !person.user.profile.privileged_users.is_empty();
    let everyday: Vec<_> = people.iter().filter(everyday).cloned().collect();
    let mut found = of_everyday(rows, everyday).await?;
    let duties = rows.duties().await?;
    if !duties.is_empty() {
        let estate = Everybody::of(rows).await?;
        for duties in duties.into_iter().map(|duties| duties.declared) {
            for violation in estate.violations(&duties) {
                let holds = found.entry(violation.user.clone()).or_default();
                holds.apart.push((duties.name.clone(), violation));
            }
        }
    }
    Ok(found)
}

/// What people's everyday users hold.
async fn of_everyday(rows: &mut ReadTx, users: Vec<Person>) -> Result<BTreeMap<UserName, PersonHolds>, Error> {
    if users.is_empty() {
        return Ok(BTreeMap::new());
    }
    let root = ScopePath::root();
    let mut standing = rows.policies_reaching(&root).await?;
    standing.retain(|policy| policy.allows() && policy.access == Access::Standing);
    let holdings = if standing.is_empty() { Vec::new() } else { holdings(rows, std::slice::from_ref(&root)).await? };
    let hold = move || {
        let hold = |resident: Resident| {
            let holds = PersonHolds {
                privileged_users: resident.user.profile.privileged_users.clone(),
                roles: resident.user.roles.clone(),
                standing: reached(&resident, &standing, &holdings),
                apart: Vec::new(),
            };
            (resident.user.name, holds)
        };
        residents(users).into_iter().map(hold).collect()
    };
    // Many people on many accounts: not on a thread that others wait for.
    let held = tokio::task::spawn_blocking(hold).await;
    held.map_err(|_| Error::Unavailable("looking at what users hold was cut off".to_owned()))
}

/// By which of these policies somebody reaches how many of these accounts.
fn reached(resident: &Resident, policies: &[Policy], holdings: &[Holding]) -> Vec<(PolicyName, usize)> {
    let reach = |policy: &Policy| {
        let seen = resident.seen_in(&policy.scope);
        let given = holdings.iter().filter(|holding| policy.concerns(&seen, &holding.account, &holding.asset));
        (policy.name.clone(), given.count())
    };
    policies.iter().map(reach).filter(|(_, accounts)| *accounts > 0).collect()
}

#[cfg(test)]
mod tests;
