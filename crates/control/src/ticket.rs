//! Tickets: looked at when access is asked for, and again and again while it lasts. Where there is no ticket system,
//! or it does not answer, no ticket is good.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use postern_domain::event::Event;
use postern_domain::policy::{Policy, TicketCondition, TicketStands};
use postern_domain::{AccountRef, AssetName};
use postern_store::TicketedGrant;
use postern_tickets::{Refusal, Standing, Tickets};

use crate::facts::Facts;
use crate::{Caller, Control, Error, grant};

/// How many grants are looked at before their number is looked at again.
const BATCH_MAX: u32 = 20;

/// What the ticket system says of one ticket, by asset: none where it is good.
#[derive(Clone, Debug, Default)]
pub(crate) struct TicketLook {
    found: BTreeMap<AssetName, Result<Standing, Refusal>>,
    ticket: String,
}

impl TicketLook {
    /// Why the ticket is not good for an asset; none where it is.
    pub(crate) fn problem(&self, asset: &AssetName) -> Option<String> {
        match self.found.get(asset) {
            Some(Ok(standing)) => standing.opened(&self.ticket).err().map(|refusal| refusal.to_string()),
            Some(Err(refusal)) => Some(refusal.to_string()),
            None => Some("it was not looked at: ask again".to_owned()),
        }
    }

    /// How it stands, where it exists and names the asset.
    pub(crate) fn stands(&self, asset: &AssetName) -> TicketStands<'_> {
        match self.found.get(asset) {
            Some(Ok(standing)) => TicketStands::In(&standing.state),
            Some(Err(_)) | None => TicketStands::Unknown,
        }
    }
}

impl Control {
    /// Asks this ticket system. Once only.
    pub fn attach_tickets(&self, tickets: Tickets) {
        let _ = self.0.tickets.set(tickets);
    }

    /// Looks a ticket up for those of the accounts that a policy which has tickets checked is about. Outside of any
    /// transaction: the ticket system may take its time.
    pub(crate) async fn ticket_look<'a>(
        &self,
        caller: &Caller,
        accounts: impl Iterator<Item = &'a AccountRef>,
        ticket: &str,
    ) -> Result<TicketLook, Error> {
        let mut look = TicketLook { ticket: ticket.to_owned(), ..TicketLook::default() };
        let mut assets = BTreeSet::new();
        let mut rows = self.store().read().await?;
        for account in accounts {
            if let Some(facts) = Facts::of_reference(&mut rows, &caller.user.id, account, self.now()).await?
                && facts.policies.iter().any(|policy| checks(policy, &facts))
            {
                assets.insert(facts.asset.name);
            }
        }
        drop(rows);
        for asset in assets {
            let found = self.ticket_standing(ticket, &asset).await;
            look.found.insert(asset, found);
        }
        Ok(look)
    }

    async fn ticket_standing(&self, ticket: &str, asset: &AssetName) -> Result<Standing, Refusal> {
        match self.0.tickets.get() {
            Some(tickets) => tickets.look(ticket, asset).await,
            None => Err(Refusal::Unavailable(
                "none is configured: an administrator adds [tickets] to postern.toml".to_owned(),
            )),
        }
    }

    /// Looks again at the tickets of access that lasts, and ends what has none that is good; gives whether there may
    /// be more to look at.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn tickets_recheck(&self) -> Result<bool, Error> {
        let settings = self.0.tickets.get().map(Tickets::settings);
        let every = settings.map_or(Duration::ZERO, |settings| settings.recheck.duration());
        let patience = settings.map_or(Duration::ZERO, |settings| settings.patience.duration());
        let now = self.now();
        let due = self.store().read().await?.grants_ticketed(now, now.before(every), BATCH_MAX).await?;
        for ticketed in &due {
            let ticket = ticketed.ticket.as_deref().unwrap_or_default();
            let looked = self.ticket_standing(ticket, &ticketed.grant.account.asset).await;
            self.ticket_looked(ticketed, looked, patience).await?;
        }
        Ok(due.len() >= BATCH_MAX as usize)
    }

    async fn ticket_looked(
        &self,
        ticketed: &TicketedGrant,
        looked: Result<Standing, Refusal>,
        patience: Duration,
    ) -> Result<(), Error> {
        let mut tx = self.store().write(self.now()).await?;
        let now = tx.now();
        let id = &ticketed.grant.id;
        let Some(current) = tx.grant(id, now).await?.filter(|grant| grant.revoked_at.is_none()) else { return Ok(()) };
        let ticket = ticketed.ticket.as_deref().unwrap_or_default();
        let policy = tx.policy(&current.policy).await?;
        let wanted = policy.as_ref().and_then(|policy| policy.conditions.ticket.as_ref());
        tx.grant_ticket_looked(id, looked.is_ok()).await?;
        let why = match looked {
            Ok(standing) => ended(&standing, ticket, current.obligations.ticket_checked, wanted),
            Err(Refusal::Unavailable(_)) if now.since(ticketed.good_at) < patience => None,
            Err(refusal) => Some(refusal.to_string()),
        };
        match why {
            None => tx.commit_upkeep().await?,
            Some(why) => {
                let event: Event = grant::revoke(&mut tx, &current, &why).await?;
                let event = event.with("ticket", ticket);
                self.commit(tx, &[event]).await?;
            }
        }
        Ok(())
    }
}

/// Why access does not go on with a ticket that stands so; none where it does.
fn ended(standing: &Standing, ticket: &str, checked: bool, wanted: Option<&TicketCondition>) -> Option<String> {
    if checked && let Err(refusal) = standing.opened(ticket) {
        return Some(refusal.to_string());
    }
    let otherwise = wanted.filter(|wanted| !wanted.holds(TicketStands::In(&standing.state)))?;
    Some(format!("{ticket} is `{}`, and its policy wants one that is {}", standing.state, otherwise.words()))
}

fn checks(policy: &Policy, facts: &Facts) -> bool {
    let looks = policy.obligations.ticket_checked || policy.conditions.ticket.is_some();
    policy.allows() && looks && policy.concerns(&facts.user, &facts.account, &facts.asset)
}

#[cfg(test)]
mod tests;
