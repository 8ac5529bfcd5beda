//! What somebody makes for a user that may do more than they: enrolment links, and tokens and keys of workloads. It
//! works once another person has confirmed it.

use postern_domain::event::{Event, Outcome};
use postern_domain::link::{Confirmer, CredentialMade, LinkFacts, LinkWorks, NOTICE, WaitingCredential};
use postern_domain::link::{may_confirm, works};
use postern_domain::permit::{Manage, Permit};
use postern_domain::user::User;
use postern_domain::{Timestamp, UserId};
use postern_store::WriteTx;

use crate::enrolment::others;
use crate::link::ENROL_LASTS;
use crate::user::governed;
use crate::{Caller, Control, Error, shared};

impl Control {
    /// What was made for users in the permit's scopes and does not work yet, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn credentials_waiting(&self, permit: &Permit<Manage>) -> Result<Vec<WaitingCredential>, Error> {
        Ok(self.store().read().await?.credentials_waiting(&permit.action().scopes, self.now()).await?)
    }

    /// Confirms what waits, which works from then on; a link for a day.
    ///
    /// # Errors
    /// `Refused` for who made it, and for whom they have made; `NotFound` where it does not wait; `Forbidden` where
    /// the user that it is for holds more than the caller, and for API tokens: a person confirms.
    pub async fn credential_confirm(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        kind: CredentialMade,
        id: &str,
    ) -> Result<WaitingCredential, Error> {
        caller.login()?;
        let mut tx = self.store().write(self.now()).await?;
        let now = tx.now();
        let waiting = tx.credentials_waiting(&permit.action().scopes, now).await?;
        let waiting = waiting.into_iter().find(|waiting| waiting.kind == kind && waiting.id == id);
        let waiting = waiting.ok_or_else(|| Error::not_found("waiting credential", id))?;
        governed(&mut tx, caller, permit, &waiting.user).await?;
        let unknown = || Error::not_found("user", &waiting.made_by);
        let maker = tx.user_by_name(&waiting.made_by).await?.ok_or_else(unknown)?;
        let made_by_maker = shared::made_by(&mut tx, &maker.name, &caller.user, now).await?;
        let confirmer = Confirmer { user: &caller.user, maker: maker.person(), made_by_maker };
        let action = match kind {
            CredentialMade::Link => "user.link_confirm",
            CredentialMade::Token => "token.confirm",
            CredentialMade::SshKey => "ssh_key.confirm",
        };
        let event = confirmation(now, caller, action, &waiting);
        if let Err(reason) = may_confirm(confirmer) {
            drop(tx);
            self.note(event.outcome(Outcome::Refused).with("reasons", vec![reason.to_string()])).await?;
            return Err(Error::Refused(vec![reason]));
        }
        let lasts = now.after(ENROL_LASTS);
        tx.credential_confirm(&waiting, lasts).await?;
        self.commit(tx, &[event]).await?;
        let expires_at = if kind == CredentialMade::Link { Some(lasts) } else { waiting.expires_at };
        Ok(WaitingCredential { works_from: None, expires_at, ..waiting })
    }
}

/// That somebody answered for what waits.
pub(crate) fn confirmation(now: Timestamp, caller: &Caller, action: &str, waiting: &WaitingCredential) -> Event {
    let target = match waiting.kind {
        CredentialMade::Link => waiting.user.as_str(),
        CredentialMade::Token | CredentialMade::SshKey => waiting.id.as_str(),
    };
    let event = Event::done(now, caller.actor(), action, target, waiting.scope.clone())
        .with("made_by", waiting.made_by.as_str());
    if waiting.kind == CredentialMade::Link { event } else { event.with("user", waiting.user.as_str()) }
}

/// From when a token or a key works that the caller makes.
pub(crate) struct Made {
    /// Who makes it, where it is for a workload.
    pub(crate) made_by: Option<UserId>,
    /// Whether somebody else has to confirm it.
    pub(crate) awaits: bool,
    /// From when it works without anybody's word.
    pub(crate) works_from: Option<Timestamp>,
    works: LinkWorks,
}

impl Made {
    /// What holds for a token or a key of `owner`: at once where it is the caller's own or that of a workload
    /// through which they can do no more than themselves; otherwise as for links.
    pub(crate) async fn by(tx: &mut WriteTx, caller: &Caller, owner: &User) -> Result<Self, Error> {
        if owner.id == caller.user.id {
            return Ok(Self { made_by: None, awaits: false, works_from: None, works: LinkWorks::AtOnce });
        }
        let facts = LinkFacts {
            own: !shared::exceeds(tx, caller, owner).await? || shared::alone(tx, caller, &owner.scope).await?,
            others: others(tx, caller, owner).await?,
            shared: shared::is_shared(tx, &owner.scope).await?,
        };
        let works = works(facts);
        Ok(Self {
            made_by: Some(caller.user.id.clone()),
            awaits: works == LinkWorks::Confirmed,
            works_from: (works == LinkWorks::Later).then(|| tx.now().after(NOTICE)),
            works,
        })
    }

    /// The event of making it, with from when it works.
    pub(crate) fn told(&self, event: Event) -> Event {
        if self.made_by.is_none() {
            return event;
        }
        let event = event.with("works", self.works.as_str());
        match self.works_from {
            Some(from) => event.with("works_from", from.to_string()),
            None => event,
        }
    }
}

#[cfg(test)]
mod tests;
