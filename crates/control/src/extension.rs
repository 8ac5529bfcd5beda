//! More time for a grant that is open: asked for like a request, and approved like one.

use std::time::Duration;

use postern_domain::GrantId;
use postern_domain::RequestId;
use postern_domain::event::Event;
use postern_domain::grant::GrantState;
use postern_domain::permit::{Manage, Permit};
use postern_domain::policy::{Effect, ticket::TICKET_LEN_MAX};
use postern_domain::request::Request;
use postern_store::{StoredRequest, WriteTx};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::facts::Facts;
use crate::request::{REASON_LEN_MAX, Wish, decide, open, same_click};
use crate::{Caller, Control, Error, text};

/// How much longer.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtensionInput {
    /// How long, in seconds, from the moment it is granted: the policy's longest window counts anew.
    pub duration_seconds: u64,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
    /// The ticket that it belongs to.
    #[serde(default)]
    pub ticket: Option<String>,
}

impl Control {
    /// Asks for a longer window of the caller's own grant, under the policy that gave it. Its sessions go on.
    ///
    /// # Errors
    /// `NotFound` when it is not theirs; `Conflict` when it is not open; `Refused` with the reasons of the policy.
    pub async fn grant_extend(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        id: &GrantId,
        input: &ExtensionInput,
    ) -> Result<Request, Error> {
        let reason = text::words("reason", input.reason.as_deref().unwrap_or_default(), REASON_LEN_MAX)?;
        let ticket = text::words("ticket", input.ticket.as_deref().unwrap_or_default(), TICKET_LEN_MAX)?;
        let unknown = || Error::not_found("grant", id);
        let account = self.store().read().await?.grant(id, self.now()).await?.map(|grant| grant.account);
        let looked = self.ticket_look(caller, account.iter(), &ticket).await?;
        let mut tx = self.store().write(self.now()).await?;
        let now = tx.now();
        let grant = tx.grant(id, now).await?.filter(|grant| grant.user == caller.user.name).ok_or_else(unknown)?;
        if grant.state != GrantState::Active {
            return Err(Error::Conflict(format!("grant {id} is not open: ask for a new one")));
        }
        if now.after(Duration::from_secs(input.duration_seconds)) <= grant.ends_at {
            let message = format!("it would end no later than it does, at {}: ask for longer", grant.ends_at);
            return Err(Error::invalid("duration_seconds", message));
        }
        let original = tx.request(&grant.request).await?.ok_or_else(unknown)?;
        let facts = Facts::of_account(&mut tx, &caller.user.id, &original.account, now).await?;
        let mut facts = facts.filter(|facts| permit.covers(&facts.asset.scope)).ok_or_else(unknown)?;
        // No other policy that allows it gives more time: those that deny still do.
        facts.policies.retain(|policy| policy.id == grant.policy || policy.effect == Effect::Deny);
        let wish = Wish {
            seconds: input.duration_seconds,
            starts_at: None,
            reason,
            ticket: Some(ticket).filter(|ticket| !ticket.is_empty()),
            recurs: None,
            extends: Some(id.clone()),
            emergency: grant.obligations.break_glass.is_some(),
            looked,
        };
        let (facts, access) = match decide(&mut tx, &wish, caller, facts).await? {
            Ok(asked) => asked,
            Err((scope, reasons)) => {
                drop(tx);
                return Err(self.refuse_extension(caller, &grant, scope, reasons).await);
            }
        };
        if let Some(same) = same_click(&mut tx, &facts, &wish, 1).await? {
            return Ok(same);
        }
        let request = RequestId::generate(now, postern_vault::random::bytes());
        let events = open(&mut tx, caller, &facts, &wish, &access, &request, None).await?;
        let asked = tx.request(&request).await?.ok_or_else(unknown)?.request;
        self.commit(tx, &events).await?;
        Ok(asked)
    }

    async fn refuse_extension(
        &self,
        caller: &Caller,
        grant: &postern_domain::grant::Grant,
        scope: postern_domain::ScopePath,
        reasons: Vec<postern_domain::policy::Reason>,
    ) -> Error {
        let told: Vec<_> = reasons.iter().map(ToString::to_string).collect();
        let event = Event::done(self.now(), caller.actor(), "request.create", grant.account.to_string(), scope)
            .outcome(postern_domain::event::Outcome::Refused)
            .with("extends", grant.id.as_str())
            .with("reasons", told);
        match self.note(event).await {
            Ok(()) => Error::Refused(reasons),
            Err(error) => error,
        }
    }
}

/// Makes the window of a grant longer, as its request wishes; the store refuses where it is over.
pub(crate) async fn extend(
    tx: &mut WriteTx,
    caller: &Caller,
    stored: &StoredRequest,
    id: &GrantId,
) -> Result<Event, Error> {
    let now = tx.now();
    let ends_at = now.after(Duration::from_secs(stored.request.duration_seconds));
    tx.grant_extend(id, ends_at, &stored.obligations).await?;
    let event = Event::done(now, caller.actor(), "grant.extend", id.as_str(), stored.request.scope.clone())
        .with("request", stored.request.id.as_str())
        .with("user", stored.request.user.as_str())
        .with("account", stored.request.account.to_string())
        .with("ends_at", ends_at.to_string());
    Ok(if stored.obligations.break_glass.is_some() { event.with("break_glass", true) } else { event })
}

#[cfg(test)]
mod tests;
