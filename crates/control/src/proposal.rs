//! Changes of policies that let somebody do more: proposed by one person, approved by another.

use postern_domain::document::PolicyDocument;
use postern_domain::event::{Event, Outcome};
use postern_domain::permit::{Manage, Permit};
use postern_domain::policy::{Effect, Policy, Reason, blocks};
use postern_domain::proposal::{Judge, Proposal, ProposalState, may_approve_proposal};
use postern_domain::user::{User, UserState};
use postern_domain::{ProposalId, ScopePath};
use postern_store::{ReadTx, RevisedBy, WriteTx};
use postern_vault::random;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answers::{holdings, residents};
use crate::draft::{DraftDiff, diff_of, set};
use crate::request::REASON_LEN_MAX;
use crate::{Caller, Control, Error, policy, shared, text, visible};

/// A proposal, and for whom it changes what as things stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProposalView {
    /// The proposal.
    #[serde(flatten)]
    pub proposal: Proposal,
    /// For whom it changes what; none once it is answered.
    pub diff: Option<DraftDiff>,
}

impl Control {
    /// The newest proposals in the permit's scopes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn proposal_list(
        &self,
        permit: &Permit<Manage>,
        state: Option<ProposalState>,
    ) -> Result<Vec<Proposal>, Error> {
        Ok(self.store().read().await?.proposals(&permit.action().scopes, state).await?)
    }

    /// One proposal, with the people and accounts for whom it changes anything.
    ///
    /// # Errors
    /// `NotFound` also where the caller may not know of it.
    pub async fn proposal_show(&self, permit: &Permit<Manage>, id: &ProposalId) -> Result<ProposalView, Error> {
        let mut rows = self.store().read().await?;
        let proposal = seen(&mut rows, permit, id).await?;
        let diff = match proposal.state {
            ProposalState::Waiting => Some(diff(&mut rows, &proposal, &permit.action().scopes).await?),
            ProposalState::Approved | ProposalState::Refused | ProposalState::Withdrawn => None,
        };
        Ok(ProposalView { proposal, diff })
    }

    /// Says yes to a proposal, which puts it into force.
    ///
    /// # Errors
    /// `Refused` when the caller may not; `Conflict` when the policy has changed since it was proposed.
    pub async fn proposal_approve(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        id: &ProposalId,
    ) -> Result<Proposal, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let proposal = seen(&mut tx, permit, id).await?;
        let author = tx.user_by_name(&proposal.author).await?;
        let judge = Judge {
            user: &caller.user,
            author: author.as_ref().map_or(&proposal.author, User::person),
            holds_permission: permit.covers(&proposal.scope),
            gains: gains(&mut tx, caller, &proposal).await?,
            made_by_author: shared::made_by(&mut tx, &proposal.author, &caller.user, self.now()).await?,
        };
        if let Err(reason) = may_approve_proposal(judge, &proposal) {
            drop(tx);
            return Err(self.refuse_proposal(caller, &proposal, reason).await);
        }
        if !author.is_some_and(|author| author.state == UserState::Active) {
            return Err(Error::Conflict(format!("{}, who proposed it, is not active any more", proposal.author)));
        }
        let current = tx.policy_in_tenant(&proposal.scope.tenant(), &proposal.policy).await?;
        if current.as_ref().map_or(0, |policy| policy.revision) != proposal.base_revision {
            let message = format!("policy {} has changed since this was proposed: propose it again", proposal.policy);
            return Err(Error::Conflict(message));
        }
        let by = RevisedBy { author: &proposal.author, approved_by: Some(&caller.user.name) };
        let mut events = vec![event_of(&tx, caller, "policy.approve", &proposal)];
        match &proposal.document {
            Some(document) => {
                events.extend(visible::ensure_scope(&mut tx, caller, &document.scope).await?);
                events.push(policy::write(&mut tx, &caller.actor(), document, current.as_ref(), by).await?);
            }
            None => {
                if let Some(current) = &current {
                    events.extend(policy::remove(&mut tx, &caller.actor(), current).await?);
                }
            }
        }
        tx.proposal_close(id, ProposalState::Approved, &caller.user.id, None).await?;
        let answered = tx.proposal(id).await?.ok_or_else(|| Error::not_found("proposal", id))?;
        self.commit(tx, &events).await?;
        Ok(answered)
    }

    /// Says no to a proposal; its author takes it back by that.
    ///
    /// # Errors
    /// `Invalid` without a reason; `Conflict` when it was answered already.
    pub async fn proposal_refuse(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        id: &ProposalId,
        reason: &str,
    ) -> Result<Proposal, Error> {
        let reason = text::words("reason", reason, REASON_LEN_MAX)?;
        let mut tx = self.store().write(self.now()).await?;
        let proposal = seen(&mut tx, permit, id).await?;
        visible::within(permit, &proposal.scope)?;
        if proposal.state != ProposalState::Waiting {
            return Err(Error::Conflict(format!("proposal {id} was answered already")));
        }
        let own = proposal.author == caller.user.name;
        if reason.is_empty() && !own {
            return Err(Error::invalid("reason", "say why not: who proposed it will read it"));
        }
        let (state, verb) = match own {
            true => (ProposalState::Withdrawn, "policy.withdraw"),
            false => (ProposalState::Refused, "policy.refuse"),
        };
        tx.proposal_close(id, state, &caller.user.id, Some(reason.as_str()).filter(|reason| !reason.is_empty()))
            .await?;
        let event = event_of(&tx, caller, verb, &proposal).with("reason", reason.as_str());
        let answered = tx.proposal(id).await?.ok_or_else(|| Error::not_found("proposal", id))?;
        self.commit(tx, &[event]).await?;
        Ok(answered)
    }

    async fn refuse_proposal(&self, caller: &Caller, proposal: &Proposal, reason: Reason) -> Error {
        let event =
            Event::done(self.now(), caller.actor(), "policy.approve", proposal.id.as_str(), proposal.scope.clone())
                .outcome(Outcome::Refused)
                .with("policy", proposal.policy.as_str())
                .with("reasons", vec![reason.to_string()]);
        match self.note(event).await {
            Ok(()) => Error::Refused(vec![reason]),
            Err(error) => error,
        }
    }
}

/// Proposes a change, when it lets somebody do more and somebody else can be asked; none where it can be
/// made at once. What it is proposed in place of is withdrawn.
pub(crate) async fn propose(
    tx: &mut WriteTx,
    caller: &Caller,
    current: Option<&Policy>,
    document: Option<&PolicyDocument>,
) -> Result<Option<(Proposal, Vec<Event>)>, Error> {
    let named = document.map(|document| (&document.name, &document.scope));
    let Some((name, scope)) = named.or(current.map(|policy| (&policy.name, &policy.scope))) else { return Ok(None) };
    let proposal = Proposal {
        id: ProposalId::generate(tx.now(), random::bytes()),
        policy: name.clone(),
        scope: scope.clone(),
        author: caller.user.name.clone(),
        document: document.cloned(),
        base_revision: current.map_or(0, |policy| policy.revision),
        state: ProposalState::Waiting,
        created_at: tx.now(),
        decided_by: None,
        decided_at: None,
        reason: None,
    };
    if !shared::is_shared(tx, scope).await? {
        return Ok(None);
    }
    let diff = diff(tx, &proposal, std::slice::from_ref(scope)).await?;
    if !diff.widens {
        return Ok(None);
    }
    let mut events = Vec::new();
    for earlier in tx.proposals_waiting(&scope.tenant(), name).await? {
        if earlier.author != caller.user.name {
            let message = format!("{} waits for an answer about policy {name} already", earlier.id);
            return Err(Error::Conflict(message));
        }
        if earlier.document == proposal.document && earlier.base_revision == proposal.base_revision {
            return Ok(Some((earlier, events)));
        }
        tx.proposal_close(&earlier.id, ProposalState::Withdrawn, &caller.user.id, None).await?;
        events.push(event_of(tx, caller, "policy.withdraw", &earlier));
    }
    tx.proposal_insert(&proposal, &caller.user.id).await?;
    let text = serde_json::to_value(&proposal.document).unwrap_or_default();
    let told = event_of(tx, caller, "policy.propose", &proposal).with("text", text);
    events.push(told.with("people_widened", diff.people_widened));
    Ok(Some((proposal, events)))
}

/// For whom a proposal changes what, of the accounts in `scopes`.
async fn diff(rows: &mut ReadTx, proposal: &Proposal, scopes: &[ScopePath]) -> Result<DraftDiff, Error> {
    let (before, after) = policies(rows, proposal).await?;
    let people = residents(rows.people().await?);
    let holdings = holdings(rows, scopes).await?;
    Ok(diff_of(&people, &holdings, &before, &after))
}

/// The policies as they are, and as they were with the proposal.
async fn policies(rows: &mut ReadTx, proposal: &Proposal) -> Result<(Vec<Policy>, Vec<Policy>), Error> {
    let before = rows.policies_reaching(&ScopePath::root()).await?;
    let mut after = before.clone();
    match &proposal.document {
        Some(document) => set(&mut after, document, proposal.created_at),
        None => {
            after.retain(|policy| policy.name != proposal.policy || policy.scope.tenant() != proposal.scope.tenant());
        }
    }
    Ok((before, after))
}

/// Whether somebody could do more themselves with it, as whichever of their users.
async fn gains(rows: &mut ReadTx, caller: &Caller, proposal: &Proposal) -> Result<bool, Error> {
    let (before, after) = policies(rows, proposal).await?;
    let own = residents(rows.users_of_person(&caller.user.id).await?);
    let scopes: Vec<_> = own.iter().map(|resident| resident.user.scope.clone()).collect();
    let holdings = holdings(rows, &scopes).await?;
    // Whom it names, or a group of theirs, gains by it with the next account that it reaches.
    let names = |document: &PolicyDocument| {
        document.effect == Effect::Allow && own.iter().any(|resident| document.subjects.include(&resident.user))
    };
    let will = proposal.document.as_ref().is_some_and(names) && diff_of(&[], &[], &before, &after).widens;
    Ok(will || blocks(&own, &holdings, &before, &after).iter().any(|block| block.shift.widened))
}

async fn seen(rows: &mut ReadTx, permit: &Permit<Manage>, id: &ProposalId) -> Result<Proposal, Error> {
    let proposal = rows.proposal(id).await?.filter(|proposal| permit.covers(&proposal.scope));
    proposal.ok_or_else(|| Error::not_found("proposal", id))
}

fn event_of(tx: &WriteTx, caller: &Caller, action: &str, proposal: &Proposal) -> Event {
    Event::done(tx.now(), caller.actor(), action, proposal.policy.as_str(), proposal.scope.clone())
        .with("proposal", proposal.id.as_str())
        .with("author", proposal.author.as_str())
}

#[cfg(test)]
mod tests;
