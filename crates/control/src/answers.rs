//! Who can do what, exactly: the decision of the door, asked for everybody.

use std::net::IpAddr;

use postern_domain::document::{Document, PolicyDocument};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::policy::{Action, Answer, Estate, Holding, Policy, Reason, Resident};
use postern_domain::risk::RiskLevel;
use postern_domain::{AccountRef, GrantId, PolicyName, ScopePath, Timestamp, UserName};
use postern_store::{Page, Person, ReadTx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::apply::checked;
use crate::draft::set;
use crate::facts::risk_of;
use crate::{AccessFilter, Caller, Control, Error, visible};

/// The most accounts that one question can be about.
const ACCOUNTS_MAX: usize = 1_000;
/// The most answers on a page, and how many unless asked otherwise.
const ANSWERS_MAX: usize = 5_000;

/// What somebody may do to an account, and by what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WhoCan {
    /// Who.
    pub user: UserName,
    /// On which account.
    pub account: AccountRef,
    /// Whether they may, in one word.
    pub answer: Answer,
    /// The policy that gives it, or that it can be asked for under.
    pub policy: Option<PolicyName>,
    /// The grant that it rests on.
    pub grant: Option<GrantId>,
    /// Until when, where it is allowed.
    pub until: Option<Timestamp>,
    /// Why it is not allowed now, for people to read.
    pub messages: Vec<String>,
    /// The same for programs.
    pub reasons: Vec<Reason>,
}

/// What is asked about.
#[derive(Clone, Debug)]
pub struct WhoCanWanted {
    /// To do what.
    pub action: Action,
    /// With which account; none where accounts are chosen by a filter.
    pub account: Option<AccountRef>,
    /// With which accounts, where none is named.
    pub filter: AccessFilter,
    /// From which address people would come; one's own unless given.
    pub source: Option<IpAddr>,
    /// Whether those are told too whom a policy concerns and who are refused all the same.
    pub refused: bool,
    /// A policy that is not saved: everything is as if it were.
    pub draft: Option<PolicyDocument>,
}

impl Control {
    /// Who can do something with an account, or with each account that a filter chooses: everybody to whom a
    /// policy gives it, now or for the asking, as if with a factor just proved.
    ///
    /// # Errors
    /// `NotFound` where the caller may not know of the account; `Invalid` where more than a thousand
    /// accounts are chosen.
    pub async fn who_can(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        wanted: &WhoCanWanted,
        cursor: Option<&str>,
        limit: Option<u32>,
    ) -> Result<Page<WhoCan>, Error> {
        let now = self.now();
        let mut rows = self.store().read().await?;
        let holdings = self.chosen(&mut rows, caller, permit, wanted).await?;
        let mut policies = rows.policies_reaching(&ScopePath::root()).await?;
        if let Some(draft) = &wanted.draft
            && let Document::Policy(draft) = checked(Document::Policy(draft.clone()))?
        {
            set(&mut policies, &draft, now);
        }
        let people = residents(rows.people().await?);
        let estate = estate_on(&mut rows, &policies, &holdings, &people, now).await?;
        let source = wanted.source.unwrap_or(caller.source);
        let skip = match cursor {
            None => 0,
            Some(text) => text.parse::<usize>().map_err(|_| Error::invalid("cursor", "is not one of ours"))?,
        };
        let limit = limit.map_or(ANSWERS_MAX, |limit| usize::try_from(limit).unwrap_or(ANSWERS_MAX));
        let limit = limit.clamp(1, ANSWERS_MAX);
        let answers = {
            let told = |holding: &Holding| {
                let who = estate.who_can(&people, holding, wanted.action, source, now);
                let named = who.into_iter().map(|(resident, answered)| WhoCan {
                    user: resident.user.name.clone(),
                    account: holding.reference(),
                    answer: answered.answer,
                    policy: answered.policy,
                    grant: answered.grant,
                    until: answered.until,
                    messages: answered.reasons.iter().map(ToString::to_string).collect(),
                    reasons: answered.reasons,
                });
                named.filter(|answer| wanted.refused || answer.answer != Answer::Refused).collect::<Vec<_>>()
            };
            holdings.iter().flat_map(told).skip(skip).take(limit + 1).collect::<Vec<_>>()
        };
        let more = answers.len() > limit;
        let items: Vec<_> = answers.into_iter().take(limit).collect();
        let next = more.then(|| (skip + items.len()).to_string());
        Ok(Page { items, next })
    }

    async fn chosen(
        &self,
        rows: &mut ReadTx,
        caller: &Caller,
        permit: &Permit<Manage>,
        wanted: &WhoCanWanted,
    ) -> Result<Vec<Holding>, Error> {
        if let Some(reference) = &wanted.account {
            let (account, asset) = visible::account(rows, caller, reference, &permit.action().scopes).await?;
            return Ok(vec![Holding { account, asset }]);
        }
        let AccessFilter { q, labels } = &wanted.filter;
        if labels.is_empty() && q.is_none() {
            return Err(Error::invalid("account", "say which account, or choose some by a label"));
        }
        let mut found = holdings(rows, &permit.action().scopes).await?;
        found.retain(|holding| {
            let named = |q: &String| holding.reference().to_string().to_lowercase().contains(&q.to_lowercase());
            labels.iter().all(|(label, value)| holding.asset.labels.get(label) == Some(value))
                && q.as_ref().is_none_or(named)
        });
        if found.len() > ACCOUNTS_MAX {
            let message = format!("chooses {} accounts: choose at most {ACCOUNTS_MAX}", found.len());
            return Err(Error::invalid("label", message));
        }
        Ok(found)
    }
}

/// Everybody, as reports look at them.
pub(crate) fn residents(people: Vec<Person>) -> Vec<Resident> {
    people.into_iter().map(|Person { user, groups }| Resident { user, groups }).collect()
}

/// The accounts in `scopes`, as reports look at them.
pub(crate) async fn holdings(rows: &mut ReadTx, scopes: &[ScopePath]) -> Result<Vec<Holding>, Error> {
    Ok(rows.holdings(scopes).await?.into_iter().map(|(account, asset)| Holding { account, asset }).collect())
}

/// An estate with what everybody has going on these accounts.
async fn estate_on<'a>(
    rows: &mut ReadTx,
    policies: &'a [Policy],
    holdings: &[Holding],
    people: &[Resident],
    now: Timestamp,
) -> Result<Estate<'a>, Error> {
    let mut estate = Estate::new(policies);
    for holding in holdings {
        let account = &holding.account.id;
        for grant in rows.grants_on(account, now).await? {
            estate.add_grant(account, grant);
        }
        for (user, count) in rows.sessions_open_on(account).await? {
            estate.set_live_sessions(&user, account, count);
        }
        for (user, level) in risks(rows, policies, holding, people, now).await? {
            estate.set_risk(&user, account, level);
        }
    }
    Ok(estate)
}

/// How risky it is that these people use an account, of those to whom a condition on that matters.
async fn risks(
    rows: &mut ReadTx,
    policies: &[Policy],
    holding: &Holding,
    people: &[Resident],
    now: Timestamp,
) -> Result<Vec<(UserName, RiskLevel)>, Error> {
    let asking: Vec<_> = policies.iter().filter(|policy| policy.conditions.risk.is_some()).cloned().collect();
    let mut found = Vec::new();
    for resident in people.iter().filter(|_| !asking.is_empty()) {
        let user = resident.seen_in(&holding.asset.scope);
        let risk = risk_of(rows, &asking, &user, (&holding.account, &holding.asset), now, now).await?;
        found.extend(risk.map(|risk| (user.name, risk.level)));
    }
    Ok(found)
}

/// Whether the caller may see requests in `scope`.
pub(crate) fn sees_requests(caller: &Caller, scope: &ScopePath) -> bool {
    caller.authority.covers(Permission::RequestRead, scope)
}

#[cfg(test)]
mod tests;
