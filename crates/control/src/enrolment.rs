//! New enrolment links for users who exist already. Whoever uses one becomes that user: it takes two people, from
//! the moment there are two.

use postern_domain::event::Event;
use postern_domain::link::{CredentialMade, LinkFacts, LinkWorks, NOTICE, WaitingCredential, works};
use postern_domain::permission::{Authority, Permission};
use postern_domain::permit::{Manage, Permit};
use postern_domain::user::{User, UserState};
use postern_domain::{ScopePath, Timestamp, UserName};
use postern_store::{LeafFilter, Link, LinkPurpose, Person, ReadTx};

use crate::link::{ENROL_LASTS, LinkIssued};
use crate::user::{governed, visible};
use crate::waiting::confirmation;
use crate::{Caller, Control, Error, authenticate, shared};

impl Control {
    /// A new enrolment link for a user: using it replaces their password, generator and recovery codes. Where
    /// somebody else could be asked, it works once they have confirmed it.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` when they hold more than the caller; `Conflict` when they are disabled.
    pub async fn user_link(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        name: &UserName,
    ) -> Result<LinkIssued, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let user = governed(&mut tx, caller, permit, name).await?;
        if user.state == UserState::Disabled {
            return Err(Error::Conflict(format!("user `{name}` is disabled; enable them first")));
        }
        if user.is_workload() {
            return Err(Error::Conflict(format!(
                "{name} is a workload, which enrols nothing: make it a token or a key"
            )));
        }
        let facts = LinkFacts {
            own: user.id == caller.user.id
                || (user.state == UserState::Invited && made_first(&mut tx, caller, &user).await?),
            others: others(&mut tx, caller, &user).await?,
            shared: shared::is_shared(&mut tx, &user.scope).await?,
        };
        let (works, now) = (works(facts), tx.now());
        tx.links_end(&user.id).await?;
        let works_from = (works == LinkWorks::Later).then(|| now.after(NOTICE));
        let link = Link {
            made_by: Some(caller.user.id.clone()),
            awaits: works == LinkWorks::Confirmed,
            works_from,
            expires_at: works_from.unwrap_or(now).after(ENROL_LASTS),
            ..Self::link_blank(now, LinkPurpose::Enrol, Some(&user.id))
        };
        let issued = self.link_keep(&mut tx, &link).await?;
        let mut event = Event::done(now, caller.actor(), "user.link", user.name.as_str(), user.scope)
            .with("link", link.id.as_str())
            .with("works", works.as_str());
        if let Some(from) = works_from {
            event = event.with("works_from", from.to_string());
        }
        self.commit(tx, &[event]).await?;
        Ok(issued)
    }

    /// Confirms the link that waits for a user, which works from then on, for a day.
    ///
    /// # Errors
    /// As for [`Self::credential_confirm`]; `Conflict` where none waits.
    pub async fn user_link_confirm(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        name: &UserName,
    ) -> Result<WaitingCredential, Error> {
        let mut rows = self.store().read().await?;
        let user = visible(&mut rows, permit, name).await?;
        let waiting = waiting(&mut rows, &user, self.now()).await?;
        drop(rows);
        self.credential_confirm(caller, permit, CredentialMade::Link, &waiting.id).await
    }

    /// Ends the link that waits for a user; its maker takes it back by that.
    ///
    /// # Errors
    /// `Conflict` where none waits.
    pub async fn user_link_refuse(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        name: &UserName,
    ) -> Result<(), Error> {
        let mut tx = self.store().write(self.now()).await?;
        let user = visible(&mut tx, permit, name).await?;
        let now = tx.now();
        let waiting = waiting(&mut tx, &user, now).await?;
        tx.links_end(&user.id).await?;
        let event = confirmation(now, caller, "user.link_refuse", &waiting);
        self.commit(tx, &[event]).await?;
        Ok(())
    }
}

async fn waiting(rows: &mut ReadTx, user: &User, now: Timestamp) -> Result<WaitingCredential, Error> {
    let found = rows.credentials_waiting(std::slice::from_ref(&user.scope), now).await?;
    let mut links = found.into_iter().filter(|waiting| waiting.kind == CredentialMade::Link);
    let none = || Error::Conflict(format!("no link waits for {}", user.name));
    links.find(|link| link.user == user.name).ok_or_else(none)
}

/// Whether the caller made the user, as whichever of their own users.
async fn made_first(rows: &mut ReadTx, caller: &Caller, user: &User) -> Result<bool, Error> {
    for own in rows.users_of_person(&caller.user.id).await? {
        let made = LeafFilter {
            actor: Some(own.user.name.to_string()),
            action: Some("user.create".to_owned()),
            target: Some(user.name.to_string()),
            ..LeafFilter::default()
        };
        if !rows.leaves_matching(&[ScopePath::root()], &made, 0, 1).await?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether there is somebody else who could confirm what is made for `user`: neither the caller nor the user
/// themselves.
pub(crate) async fn others(rows: &mut ReadTx, caller: &Caller, user: &User) -> Result<bool, Error> {
    let roles = authenticate::roles(rows).await?;
    let as_active = User { state: UserState::Active, ..user.clone() };
    let theirs = authenticate::authority(rows, &as_active).await?;
    let could = |Person { user: other, .. }: &Person| {
        let authority = Authority::of(&other.roles, &roles);
        other.state == UserState::Active
            && !other.is_workload()
            && !other.is_same_person(&caller.user)
            && !other.is_same_person(user)
            && authority.covers(Permission::UserWrite, &user.scope)
            && theirs.held.iter().all(|(permission, scope)| authority.covers(*permission, scope))
    };
    Ok(rows.people().await?.iter().any(could))
}

#[cfg(test)]
mod tests;
