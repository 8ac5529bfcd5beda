//! Reports on access: who can reach an account, what somebody can reach, and why a decision is as it is.

use std::collections::BTreeSet;
use std::net::IpAddr;

use postern_domain::document::{Document, PolicyDocument};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::policy::{Action, Answered, Client, Explanation, Policy, Workloads, answer, explain};
use postern_domain::risk::Risk;
use postern_domain::{AccountRef, PolicyId, ScopePath, Timestamp, UserName};
use postern_store::{Among, Listed, Page, PageRequest};
use postern_vault::random;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::{Looker, Somebody};
use crate::apply::checked;
use crate::authenticate::authority;
use crate::facts::Facts;
use crate::{AccessFilter, AccessItem, Caller, Control, Error, visible};

/// Somebody who can reach an account or ask for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReachItem {
    /// Who.
    pub user: UserName,
    /// How they stand towards it, and under which policy.
    pub access: AccessItem,
}

/// A decision on a session, with its grounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccessExplained {
    /// Who.
    pub user: UserName,
    /// On what.
    pub account: AccountRef,
    /// What they want to do.
    pub action: Action,
    /// Whether they may, or may for the asking.
    pub answered: Answered,
    /// What is decided on a session, and what each policy says.
    pub explanation: Explanation,
    /// The reasons of a refusal, for people to read.
    pub messages: Vec<String>,
    /// How risky it is, where a policy that concerns it asks, and from what that follows; not for oneself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
}

/// As what reports look at access.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReachAs {
    /// From which address; one's own unless given.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub source: Option<IpAddr>,
    /// A policy that is not saved: everything is as if it were, in place of the one of its name.
    #[serde(default)]
    pub draft: Option<PolicyDocument>,
    /// To do what; to open a session unless given.
    #[serde(default)]
    pub action: Option<Action>,
    /// By which kind of client; whichever takes them farthest unless given.
    #[serde(default)]
    pub client: Option<Client>,
}

impl Control {
    /// Who can reach an account or ask for it, by name: people whom a policy over it is about. As if they
    /// came from `source`, with a factor just proved.
    ///
    /// # Errors
    /// `NotFound` also where the caller may not know of it.
    pub async fn account_reach(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        account: &AccountRef,
        wanted: ReachAs,
        page: &PageRequest,
    ) -> Result<Page<ReachItem>, Error> {
        let mut rows = self.store().read().await?;
        let (account, asset) = visible::account(&mut rows, caller, account, &permit.action().scopes).await?;
        let ReachAs { source, draft, .. } = wanted;
        let policies = drafted(rows.policies_over(&asset.scope).await?, draft, &asset.scope, self.now())?;
        let allowing: Vec<_> = policies.iter().filter(|policy| policy.allows()).collect();
        let subjects = || allowing.iter().map(|policy| &policy.subjects);
        let names = subjects().flat_map(|subjects| subjects.users.iter().chain(subjects.workloads.names()));
        let names: BTreeSet<_> = names.collect();
        let attributes: Vec<_> =
            subjects().map(|subjects| &subjects.attributes).filter(|attributes| !attributes.is_empty()).collect();
        let workloads = subjects().any(|subjects| matches!(subjects.workloads, Workloads::All(true)));
        let groups: BTreeSet<_> = allowing.iter().flat_map(|policy| &policy.subjects.groups).collect();
        let (names, groups) = (names.into_iter().collect::<Vec<_>>(), groups.into_iter().collect::<Vec<_>>());
        let people = rows
            .users_among(
                &Among { names: &names, groups: &groups, attributes: &attributes, workloads },
                &asset.scope.tenant(),
                page,
            )
            .await?;
        let mut items = Vec::new();
        for user in &people.items {
            let authority = authority(&mut rows, user).await?;
            let somebody = Somebody { user, authority: &authority, source: source.unwrap_or(caller.source) };
            let access = Looker::new(self, somebody, &policies).look(&mut rows, &account, &asset).await?;
            items.extend(access.map(|access| ReachItem { user: user.name.clone(), access }));
        }
        Ok(Page { items, next: people.next })
    }

    /// What somebody can reach or ask for, of what lies in the permit's scopes.
    ///
    /// # Errors
    /// `NotFound` also where the caller may not know of them.
    pub async fn user_reach(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        name: &UserName,
        filter: &AccessFilter,
        page: &PageRequest,
    ) -> Result<Listed<AccessItem>, Error> {
        let mut rows = self.store().read().await?;
        let unknown = || Error::not_found("user", name);
        let user = rows.user_by_name(name).await?.ok_or_else(unknown)?;
        if user.id != caller.user.id && !caller.authority.covers(Permission::UserRead, &user.scope) {
            return Err(unknown());
        }
        let authority = authority(&mut rows, &user).await?;
        let somebody = Somebody { user: &user, authority: &authority, source: caller.source };
        self.access_of(&mut rows, somebody, filter, &page.clone().into(), &|scope| permit.covers(scope)).await
    }

    /// Why somebody can or cannot open a session: the caller themselves, as they are signed in; or
    /// somebody else, as if with a factor just proved, for those who may see the policies over the asset.
    ///
    /// # Errors
    /// `NotFound` where the caller may not know of the person or the account.
    pub async fn access_explain(
        &self,
        caller: &Caller,
        user: Option<&UserName>,
        account: &AccountRef,
        wanted: ReachAs,
    ) -> Result<AccessExplained, Error> {
        let now = self.now();
        let mut rows = self.store().read().await?;
        let name = user.unwrap_or(&caller.user.name);
        let own = *name == caller.user.name;
        let unknown = || Error::not_found("account", account);
        let person = rows.user_by_name(name).await?.ok_or_else(|| Error::not_found("user", name))?;
        if !own && !caller.authority.covers(Permission::UserRead, &person.scope) {
            return Err(Error::not_found("user", name));
        }
        let mut facts = Facts::of_reference(&mut rows, &person.id, account, now).await?.ok_or_else(unknown)?;
        let reads = caller.authority.covers(Permission::PolicyRead, &facts.asset.scope);
        let given = facts.policies.iter().any(|policy| policy.concerns(&facts.user, &facts.account, &facts.asset));
        // One's own access is explained where a policy gives it; that something else exists is not told.
        if !(reads || own && given) {
            return Err(unknown());
        }
        let ReachAs { source, draft, action, client } = wanted;
        if draft.is_some() && !reads {
            return Err(unknown());
        }
        facts.policies = drafted(facts.policies, draft, &facts.asset.scope, now)?;
        facts.weigh(&mut rows, now, now).await?;
        let (source, mfa_at) =
            if own { (caller.source, caller.mfa_at) } else { (source.unwrap_or(caller.source), Some(now)) };
        let action = action.unwrap_or(Action::Connect);
        let known = facts.connect(source, mfa_at);
        let known = client.map_or(known, |client| known.by(client));
        let answered = answer(&known, action, now);
        let mut explanation = explain(&known, now);
        if !reads {
            use postern_domain::policy::Verdict;
            explanation.policies.retain(|policy| {
                !matches!(policy.verdict, Verdict::OtherScope | Verdict::OtherSubject | Verdict::OtherAccount)
            });
        }
        let messages = answered.reasons.iter().map(ToString::to_string).collect();
        let account = facts.reference();
        // What is noticed about somebody is not for them to see.
        let risk = facts.risk.filter(|_| reads && !own);
        Ok(AccessExplained { user: person.name, account, action, answered, explanation, messages, risk })
    }
}

/// The policies over `scope` as they were if the draft were saved.
fn drafted(
    mut policies: Vec<Policy>,
    draft: Option<PolicyDocument>,
    scope: &ScopePath,
    now: Timestamp,
) -> Result<Vec<Policy>, Error> {
    let Some(draft) = draft else { return Ok(policies) };
    let Document::Policy(draft) = checked(Document::Policy(draft))? else { return Ok(policies) };
    let same = |policy: &Policy| policy.name == draft.name && policy.scope.tenant() == draft.scope.tenant();
    // Grants given under the one that it would replace are looked at as given under it.
    let replaced = policies.iter().position(same).map(|index| policies.remove(index));
    if draft.scope.contains(scope) {
        let (id, revision) = replaced.map_or_else(
            || (PolicyId::generate(now, random::bytes()), 1),
            |policy| (policy.id, policy.revision.saturating_add(1)),
        );
        policies.push(draft.to_policy(id, revision));
    }
    Ok(policies)
}

#[cfg(test)]
mod tests;
