//! Policies.

use std::collections::BTreeSet;

use postern_domain::document::{Action, Change, Document, ObligationsDocument, PolicyDocument};
use postern_domain::event::{Actor, Event};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::policy::{Access, Accounts, Conditions, Effect, Obligations, Policy, Subjects};
use postern_domain::proposal::Proposal;
use postern_domain::request::ApprovalRule;
use postern_domain::{GroupName, PolicyId, PolicyName, ScopePath, Timestamp};
use postern_store::{Listed, Listing, PolicyFilter, ReadTx, RevisedBy, WriteTx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::apply::{changed, checked, event_of};
use crate::duties::KeptApart;
use crate::{Caller, Control, Error, grant, proposal, visible};

/// What a policy is to say.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyInput {
    /// The scope; where it is left out, an existing policy stays where it is and a new one goes where
    /// the caller belongs.
    pub scope: Option<ScopePath>,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Gives or takes away.
    pub effect: Effect,
    /// Who.
    pub subjects: Subjects,
    /// Which accounts.
    #[serde(default)]
    pub accounts: Accounts,
    /// When and from where.
    #[serde(default)]
    pub conditions: Conditions,
    /// How one comes to a session.
    pub access: Access,
    /// What sessions are bound to.
    #[serde(default)]
    pub obligations: Obligations,
}

/// A policy after somebody wanted to change it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyPut {
    /// The policy as it is in force; as proposed, in revision 0, where there is none yet.
    #[serde(flatten)]
    pub policy: Policy,
    /// The change, where it lets somebody do more and waits for the yes of somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<Proposal>,
}

/// What became of a policy that somebody wanted to take out of use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyDeleted {
    /// The change, where it lets somebody do more and waits for the yes of somebody else; none where it is done.
    pub proposal: Option<Proposal>,
}

/// One revision of a policy, and who answers for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyRevision {
    /// What it said.
    #[serde(flatten)]
    pub policy: Policy,
    /// Who made it; none of revisions of which that was not kept.
    pub author: Option<String>,
    /// Who said yes, where it let somebody do more.
    pub approved_by: Option<String>,
    /// When it came into force.
    pub changed_at: Timestamp,
}

impl Control {
    /// Policies in the permit's scopes.
    ///
    /// # Errors
    /// When the cursor is not one of ours.
    pub async fn policy_list(
        &self,
        permit: &Permit<Manage>,
        filter: &PolicyFilter,
        listing: &Listing,
    ) -> Result<Listed<Policy>, Error> {
        Ok(self.store().read().await?.policies(&permit.action().scopes, filter, listing).await?)
    }

    /// One policy.
    ///
    /// # Errors
    /// `NotFound` also where the caller may not know of it.
    pub async fn policy_show(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        name: &PolicyName,
    ) -> Result<Policy, Error> {
        visible::policy(&mut self.store().read().await?, caller, name, &permit.action().scopes).await
    }

    /// What a policy said in each of its revisions, oldest first.
    ///
    /// # Errors
    /// As [`Self::policy_show`].
    pub async fn policy_revisions(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        name: &PolicyName,
    ) -> Result<Vec<PolicyRevision>, Error> {
        let mut rows = self.store().read().await?;
        let policy = visible::policy(&mut rows, caller, name, &permit.action().scopes).await?;
        let revisions = rows.policy_history(&policy.id).await?.into_iter().map(|revised| PolicyRevision {
            policy: revised.policy,
            author: revised.author,
            approved_by: revised.approved_by,
            changed_at: revised.changed_at,
        });
        Ok(revisions.filter(|revision| permit.covers(&revision.policy.scope)).collect())
    }

    /// Makes a policy say again what it said in an earlier revision: a change like any other.
    ///
    /// # Errors
    /// `NotFound` where there is no such revision; as [`Self::policy_put`].
    pub async fn policy_rollback(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        name: &PolicyName,
        revision: u32,
    ) -> Result<PolicyPut, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let scopes = visible::readable(caller, permit, Permission::PolicyRead);
        let current = visible::policy(&mut tx, caller, name, &scopes).await?;
        let earlier = tx.policy_revisions(&current.id).await?.into_iter().find(|policy| policy.revision == revision);
        let earlier = earlier.ok_or_else(|| Error::not_found("revision", revision))?;
        let Document::Policy(document) = Document::from(&earlier) else { return Err(Error::not_found("policy", name)) };
        self.put(tx, caller, permit, document).await
    }

    /// Creates a policy, or changes it to its next revision.
    ///
    /// # Errors
    /// When a field is not acceptable or its scope lies outside the permit.
    pub async fn policy_put(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        name: &PolicyName,
        input: PolicyInput,
    ) -> Result<PolicyPut, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let scope = match input.scope {
            Some(scope) => scope,
            None => {
                let scopes = visible::readable(caller, permit, Permission::PolicyRead);
                match visible::policy(&mut tx, caller, name, &scopes).await {
                    Ok(policy) => policy.scope,
                    Err(Error::NotFound { .. }) => caller.user.scope.clone(),
                    Err(error) => return Err(error),
                }
            }
        };
        let document = Document::Policy(PolicyDocument {
            name: name.clone(),
            scope,
            description: input.description,
            effect: input.effect,
            subjects: input.subjects,
            accounts: input.accounts,
            conditions: input.conditions,
            access: input.access,
            obligations: ObligationsDocument::from(&input.obligations),
        });
        let Document::Policy(document) = checked(document)? else { return Err(Error::not_found("policy", name)) };
        self.put(tx, caller, permit, document).await
    }

    async fn put(
        &self,
        mut tx: WriteTx,
        caller: &Caller,
        permit: &Permit<Manage>,
        document: PolicyDocument,
    ) -> Result<PolicyPut, Error> {
        let (change, events) = apply(&mut tx, caller, permit, &document).await?;
        let tenant = document.scope.tenant();
        let policy = tx.policy_in_tenant(&tenant, &document.name).await?;
        let proposal = match change.action {
            Action::Propose => tx.proposals_waiting(&tenant, &document.name).await?.pop(),
            Action::Create | Action::Update | Action::Unchanged => None,
        };
        let policy = policy
            .unwrap_or_else(|| document.to_policy(PolicyId::generate(tx.now(), postern_vault::random::bytes()), 0));
        if change.action != Action::Unchanged {
            self.commit(tx, &events).await?;
        }
        Ok(PolicyPut { policy, proposal })
    }

    /// Takes a policy out of use. Grants given under it end with it.
    ///
    /// # Errors
    /// When it is not known or lies outside the permit.
    pub async fn policy_delete(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        name: &PolicyName,
    ) -> Result<PolicyDeleted, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let scopes = visible::readable(caller, permit, Permission::PolicyRead);
        let policy = visible::policy(&mut tx, caller, name, &scopes).await?;
        visible::within(permit, &policy.scope)?;
        let (proposal, events) = match proposal::propose(&mut tx, caller, Some(&policy), None).await? {
            Some((proposal, events)) => (Some(proposal), events),
            None => (None, remove(&mut tx, &caller.actor(), &policy).await?),
        };
        self.commit(tx, &events).await?;
        Ok(PolicyDeleted { proposal })
    }
}

/// Takes a policy out of use, with the grants given under it.
pub(crate) async fn remove(tx: &mut WriteTx, actor: &Actor, policy: &Policy) -> Result<Vec<Event>, Error> {
    tx.policy_delete(&policy.id).await?;
    let (now, name) = (tx.now(), &policy.name);
    let mut events = vec![
        Event::done(now, actor.clone(), "policy.delete", name.as_str(), policy.scope.clone())
            .with("revision", policy.revision),
    ];
    for grant in tx.grants_under(&policy.id, now).await? {
        let event = grant::revoke(tx, &grant, &format!("policy {name} was deleted")).await?;
        events.push(Event { actor: actor.clone(), ..event });
    }
    Ok(events)
}

/// Makes the policy what the document says.
pub(crate) async fn apply(
    tx: &mut WriteTx,
    caller: &Caller,
    permit: &Permit<Manage>,
    document: &PolicyDocument,
) -> Result<(Change, Vec<Event>), Error> {
    visible::within(permit, &document.scope)?;
    let current = tx.policy_in_tenant(&document.scope.tenant(), &document.name).await?;
    if let Some(current) = &current {
        if !permit.covers(&current.scope) && !caller.authority.covers(Permission::PolicyRead, &current.scope) {
            return Err(Error::Conflict("a policy of this name exists already".to_owned()));
        }
        visible::within(permit, &current.scope)?;
    }
    let change = changed(&Document::Policy(document.clone()), current.as_ref().map(Document::from));
    if change.action == Action::Unchanged {
        return Ok((change, Vec::new()));
    }
    people(tx, document).await?;
    if let Some((_, events)) = proposal::propose(tx, caller, current.as_ref(), Some(document)).await? {
        return Ok((Change { action: Action::Propose, ..change }, events));
    }
    let mut events = visible::ensure_scope(tx, caller, &document.scope).await?;
    let by = RevisedBy { author: &caller.user.name, approved_by: None };
    events.push(write(tx, &caller.actor(), document, current.as_ref(), by).await?);
    Ok((change, events))
}

/// Writes a policy down in its next revision.
pub(crate) async fn write(
    tx: &mut WriteTx,
    actor: &Actor,
    document: &PolicyDocument,
    current: Option<&Policy>,
    by: RevisedBy<'_>,
) -> Result<Event, Error> {
    let change = changed(&Document::Policy(document.clone()), current.map(Document::from));
    let policy = match current {
        None => document.to_policy(PolicyId::generate(tx.now(), postern_vault::random::bytes()), 1),
        Some(current) => document.to_policy(current.id.clone(), current.revision.saturating_add(1)),
    };
    let apart = KeptApart::before(tx).await?;
    match current {
        None => tx.policy_insert(&policy, by).await?,
        Some(_) => tx.policy_update(&policy, by).await?,
    }
    apart.after(tx).await?;
    let text = serde_json::to_value(document).unwrap_or_default();
    let event = event_of(tx.now(), actor.clone(), "policy", &change, &policy.scope);
    Ok(event.with("revision", policy.revision).with("text", text))
}

/// Refuses a policy about somebody who does not exist: whoever is later given that name would have
/// the access without anybody having meant it.
async fn people(rows: &mut ReadTx, document: &PolicyDocument) -> Result<(), Error> {
    for name in &document.subjects.users {
        let user = rows.user_by_name(name).await?;
        let reaches = |scope: &ScopePath| scope.contains(&document.scope) || document.scope.contains(scope);
        if !user.is_some_and(|user| reaches(&user.scope)) {
            return Err(Error::invalid("subjects.users", format!("user `{name}` does not exist")));
        }
    }
    for name in document.subjects.workloads.names() {
        if !rows.user_by_name(name).await?.is_some_and(|user| user.is_workload()) {
            return Err(Error::invalid("subjects.workloads", format!("workload `{name}` does not exist")));
        }
    }
    let rule = || document.obligations.approval.iter();
    let escalated = rule().flat_map(|rule| &rule.escalate).flat_map(|more| &more.groups);
    let approvers = rule().flat_map(ApprovalRule::stages).flat_map(|(_, groups)| groups).chain(escalated);
    let named: [(&str, BTreeSet<&GroupName>); 2] = [
        ("subjects.groups", document.subjects.groups.iter().collect()),
        ("obligations.approval.groups", approvers.collect()),
    ];
    for (field, groups) in named {
        for name in groups {
            if !group_exists(rows, name, &document.scope).await? {
                return Err(Error::invalid(field, format!("group `{name}` does not exist")));
            }
        }
    }
    Ok(())
}

/// Whether a policy in `scope` can mean a group of this name: one of its tenant or of the root; a
/// policy over everything also one of any tenant.
async fn group_exists(rows: &mut ReadTx, name: &GroupName, scope: &ScopePath) -> Result<bool, Error> {
    let found = rows.groups_by_name(name).await?;
    let root = ScopePath::root();
    Ok(found.iter().any(|group| {
        let tenant = group.scope.tenant();
        *scope == root || tenant == root || tenant == scope.tenant()
    }))
}
