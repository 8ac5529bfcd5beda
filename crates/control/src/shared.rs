//! Who holds the right to change policies together with others, and what that forbids them alone.
//!
//! An installation begins with one person, who must be able to set it up. From the moment at which two
//! people may change policies somewhere, no change there that lets somebody do more is made by one of them
//! alone; that does not end when one of the two is gone, or taking rights away would be a way around it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use postern_domain::permission::{Authority, Permission};
use postern_domain::policy::{Holding, Policy, Resident, shift};
use postern_domain::user::{User, UserState};
use postern_domain::{AccountId, ScopePath, Timestamp, UserId, UserName};
use postern_store::{LeafFilter, Person, ReadTx, WriteTx};

use crate::answers::{holdings, residents};
use crate::{Caller, Error, authenticate};

/// Where it is kept in which scopes two people may change policies, or could.
const SETTING: &str = "policy.shared_scopes";
/// How long whoever made somebody's account, or gave them rights, is not approved by them.
const MADE_MAX: Duration = Duration::from_secs(86_400);
/// How many of the author's deeds are looked at.
const DEEDS_MAX: u32 = 500;

/// Notes in which scopes two active people may change policies.
pub(crate) async fn note(tx: &mut WriteTx) -> Result<BTreeSet<ScopePath>, Error> {
    let roles = authenticate::roles(tx).await?;
    let mut held: BTreeMap<UserName, Vec<ScopePath>> = BTreeMap::new();
    for Person { user, .. } in tx.people().await?.into_iter().filter(|one| one.user.state == UserState::Active) {
        let scopes = Authority::of(&user.roles, &roles).scopes(Permission::PolicyWrite);
        held.entry(user.person().clone()).or_default().extend(scopes);
    }
    let known: BTreeSet<ScopePath> = match tx.setting(SETTING).await? {
        Some(text) => {
            serde_json::from_str(&text).map_err(|_| Error::Unavailable(format!("the setting {SETTING} is damaged")))?
        }
        None => BTreeSet::new(),
    };
    let by_two = |scope: &&ScopePath| {
        held.values().filter(|scopes| scopes.iter().any(|held| held.contains(scope))).nth(1).is_some()
    };
    let mut shared = known.clone();
    shared.extend(held.values().flatten().filter(by_two).cloned());
    if shared != known {
        let text = serde_json::to_string(&shared).map_err(|error| Error::Unavailable(error.to_string()))?;
        tx.setting_set(SETTING, &text).await?;
    }
    Ok(shared)
}

/// Whether more than one person may change policies in `scope`, or could at some time.
pub(crate) async fn is_shared(tx: &mut WriteTx, scope: &ScopePath) -> Result<bool, Error> {
    Ok(note(tx).await?.iter().any(|shared| shared.contains(scope)))
}

/// Whether `author`, as whichever of their users, made the account of `other`, issued a link for it, or gave them
/// rights in the last day.
pub(crate) async fn made_by(rows: &mut ReadTx, author: &UserName, other: &User, now: Timestamp) -> Result<bool, Error> {
    let mut authors = vec![author.clone()];
    if let Some(author) = rows.user_by_name(author).await? {
        authors = rows.users_of_person(&author.id).await?.into_iter().map(|one| one.user.name).collect();
    }
    for author in authors {
        if made_as(rows, &author, other, now).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn made_as(rows: &mut ReadTx, author: &UserName, other: &User, now: Timestamp) -> Result<bool, Error> {
    let deeds = |action: &str| LeafFilter {
        actor: Some(author.to_string()),
        action: Some(action.to_owned()),
        from: Some(now.before(MADE_MAX)),
        ..LeafFilter::default()
    };
    let everywhere = [ScopePath::root()];
    let about = LeafFilter { target: Some(other.name.to_string()), ..deeds("user") };
    if !rows.leaves_matching(&everywhere, &about, 0, 1).await?.is_empty() {
        return Ok(true);
    }
    let joined = rows.leaves_matching(&everywhere, &deeds("group.put"), 0, DEEDS_MAX).await?;
    Ok(joined.iter().any(|leaf| {
        let event = serde_json::from_slice::<postern_domain::event::Event>(&leaf.body).ok();
        let names = event.and_then(|event| event.details.get("joined").cloned());
        names.is_some_and(|names| {
            names.as_array().is_some_and(|names| names.iter().any(|name| *name == other.name.as_str()))
        })
    }))
}

/// Whether the caller is somebody else than `author`, whichever users the two act as, and neither made the other's
/// account, or gave them rights, in the last day.
///
/// # Errors
/// `NotFound` when there is no such author.
pub(crate) async fn is_another(tx: &mut WriteTx, author: &UserName, caller: &Caller) -> Result<bool, Error> {
    let found = tx.user_by_name(author).await?.ok_or_else(|| Error::not_found("user", author))?;
    let now = tx.now();
    Ok(!found.is_same_person(&caller.user)
        && !made_by(tx, author, &caller.user, now).await?
        && !made_by(tx, &caller.user.name, &found, now).await?)
}

/// What the caller may do with each account, as any of their users, to be compared after a change that is not one
/// of policy: of groups, of assets, of themselves.
pub(crate) struct OwnRights {
    by_user: BTreeMap<UserId, BTreeMap<AccountId, Vec<Policy>>>,
}

impl OwnRights {
    /// To be asked before the change.
    pub(crate) async fn before(tx: &mut WriteTx, caller: &Caller) -> Result<Self, Error> {
        let mut by_user = BTreeMap::new();
        for own in tx.users_of_person(&caller.user.id).await? {
            let rights = concerning(tx, &own.user.id).await?;
            by_user.insert(own.user.id, rights);
        }
        Ok(Self { by_user })
    }

    /// To be asked after it: refuses a change by which the caller lets themselves do more, except where they
    /// alone may change policies and so could give it to themselves openly.
    pub(crate) async fn after(self, tx: &mut WriteTx, caller: &Caller, scope: &ScopePath) -> Result<(), Error> {
        let mut gained = false;
        for (user, before) in &self.by_user {
            let now = concerning(tx, user).await?;
            gained |= before.iter().any(|(account, was)| now.get(account).is_some_and(|is| is_wider(was, is)));
        }
        if !gained || alone(tx, caller, scope).await? {
            return Ok(());
        }
        let message = "this would let yourself do more with an account: somebody else has to do it, or ask for access";
        Err(Error::Forbidden(message.to_owned()))
    }
}

/// Whether the caller alone may change policies in `scope`, and so could give anything to themselves openly.
pub(crate) async fn alone(tx: &mut WriteTx, caller: &Caller, scope: &ScopePath) -> Result<bool, Error> {
    Ok(caller.authority.covers(Permission::PolicyWrite, scope) && !is_shared(tx, scope).await?)
}

/// What users whom the caller made, or made a link for, in the last day may do with each account: a second user
/// of one's own would be a way around [`OwnRights`].
pub(crate) struct MadeRights {
    users: Vec<(UserId, UserName, BTreeMap<AccountId, Vec<Policy>>)>,
}

impl MadeRights {
    /// To be asked before the change, of those whom it is about.
    pub(crate) async fn before(tx: &mut WriteTx, caller: &Caller, about: &[UserName]) -> Result<Self, Error> {
        let mut users = Vec::new();
        for name in about {
            let Some(user) = tx.user_by_name(name).await? else { continue };
            let now = tx.now();
            // One made in this very transaction is not in the ledger yet.
            if user.created_at == now || made_by(tx, &caller.user.name, &user, now).await? {
                let rights = concerning(tx, &user.id).await?;
                users.push((user.id, user.name, rights));
            }
        }
        Ok(Self { users })
    }

    /// To be asked after it: refuses a change by which one of them may do more than before, and more than the
    /// caller, except where the caller alone may change policies.
    pub(crate) async fn after(self, tx: &mut WriteTx, caller: &Caller, scope: &ScopePath) -> Result<(), Error> {
        if self.users.is_empty() || alone(tx, caller, scope).await? {
            return Ok(());
        }
        let own = concerning(tx, &caller.user.id).await?;
        for (id, name, before) in self.users {
            let now = concerning(tx, &id).await?;
            let more = |than: &BTreeMap<AccountId, Vec<Policy>>, account: &AccountId, is: &[Policy]| {
                is_wider(than.get(account).map(Vec::as_slice).unwrap_or_default(), is)
            };
            if now.iter().any(|(account, is)| more(&before, account, is) && more(&own, account, is)) {
                return Err(Error::Forbidden(format!(
                    "you have made the account of {name}, or a link for it, in the last day, and this would let it do \
                     more with an account than you may: somebody else has to do it"
                )));
            }
        }
        Ok(())
    }
}

/// Whether `other` may do more with any account than the caller.
pub(crate) async fn exceeds(tx: &mut WriteTx, caller: &Caller, other: &User) -> Result<bool, Error> {
    let own = concerning(tx, &caller.user.id).await?;
    let theirs = concerning(tx, &other.id).await?;
    let before = |account: &AccountId| own.get(account).map(Vec::as_slice).unwrap_or_default();
    Ok(theirs.iter().any(|(account, is)| is_wider(before(account), is)))
}

/// Whether these policies let somebody do more than those before.
fn is_wider(before: &[Policy], after: &[Policy]) -> bool {
    shift(&before.iter().collect::<Vec<_>>(), &after.iter().collect::<Vec<_>>()).widened
}

/// The policies that concern somebody, by account; of all accounts in their reach.
async fn concerning(tx: &mut WriteTx, id: &UserId) -> Result<BTreeMap<AccountId, Vec<Policy>>, Error> {
    let Some(person) = tx.person(id).await? else { return Ok(BTreeMap::new()) };
    let resident = residents(vec![person]).pop();
    let Some(Resident { user, .. }) = &resident else { return Ok(BTreeMap::new()) };
    let mut policies = tx.policies_reaching(&ScopePath::root()).await?;
    // Here with the groups of every tenant; each account is judged with those of its own.
    policies.retain(|policy| policy.subjects.include(user));
    let mut found = BTreeMap::new();
    for Holding { account, asset } in holdings(tx, std::slice::from_ref(&user.scope)).await? {
        let Some(seen) = resident.as_ref().map(|resident| resident.seen_in(&asset.scope)) else { continue };
        let about = policies.iter().filter(|policy| policy.concerns(&seen, &account, &asset)).cloned();
        // What an asset's tags hide is part of what may be done with it.
        let about = about.map(|policy| Policy { obligations: policy.obligations.clone().on(&asset), ..policy });
        let about: Vec<_> = about.collect();
        found.insert(account.id, about);
    }
    Ok(found)
}
