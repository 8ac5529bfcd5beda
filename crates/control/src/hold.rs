//! Holds: orders to keep recordings whatever their age. Anybody who may place one can; to release it takes two.

use postern_domain::event::Event;
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::retention::{Hold, HoldOn};
use postern_domain::{AccountRef, AssetName, HoldId, ScopePath, SessionId, Timestamp, UserId, UserName};
use postern_store::{NewHold, ReadTx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Caller, Control, Error, text, visible};

/// The longest reason, in characters.
const REASON_LEN_MAX: usize = 500;
/// How many holds may be in force.
const HOLDS_MAX: usize = 1_000;

/// A hold that is to be placed: sessions are held that match everything given.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HoldInput {
    /// Sessions in this place and below; the caller's own scope unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<ScopePath>,
    /// Of this person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<UserName>,
    /// On this asset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset: Option<AssetName>,
    /// On this account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountRef>,
    /// This session only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// That were not over before this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// That had begun before this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Why: the matter that it is for.
    pub reason: String,
}

impl Control {
    /// The holds in the permit's scopes: those in force first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn hold_list(&self, permit: &Permit<Manage>) -> Result<Vec<Hold>, Error> {
        Ok(self.store().read().await?.holds(&permit.action().scopes).await?)
    }

    /// Places a hold, from now on.
    ///
    /// # Errors
    /// `Invalid` when what it names is not there; `Forbidden` outside the permit.
    pub async fn hold_place(&self, caller: &Caller, permit: &Permit<Manage>, input: HoldInput) -> Result<Hold, Error> {
        let reason = text::line("reason", &input.reason, REASON_LEN_MAX)?;
        let scope = input.scope.clone().unwrap_or_else(|| caller.user.scope.clone());
        visible::within(permit, &scope)?;
        if input.from.is_some_and(|from| input.until.is_some_and(|until| from >= until)) {
            return Err(Error::invalid("until", "lies after `from`"));
        }
        let mut tx = self.store().write(self.now()).await?;
        if tx.holds_in_force().await?.len() >= HOLDS_MAX {
            return Err(Error::Conflict(format!("{HOLDS_MAX} holds are in force: release some that are not needed")));
        }
        let on = on(&mut tx, caller, permit, scope, &input).await?;
        let id = HoldId::generate(tx.now(), postern_vault::random::bytes());
        tx.hold_insert(&NewHold { id: id.clone(), on, reason, by: caller.user.id.clone() }).await?;
        let (hold, _) = tx.hold(&id).await?.ok_or_else(|| Error::not_found("hold", &id))?;
        let event = event_of(tx.now(), caller, "hold.place", &hold).with("reason", hold.reason.as_str());
        self.commit(tx, &[event]).await?;
        Ok(hold)
    }

    /// Asks that a hold be released, or agrees to what somebody else asked; only then is it.
    ///
    /// # Errors
    /// `NotFound` outside the permit; `Conflict` when it was released, or the caller asked already.
    pub async fn hold_release(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        id: &HoldId,
        reason: &str,
    ) -> Result<Hold, Error> {
        let reason = text::line("reason", reason, REASON_LEN_MAX)?;
        let mut tx = self.store().write(self.now()).await?;
        let (hold, asked_by) = in_force(&mut tx, permit, id).await?;
        let action = match asked_by {
            None => {
                tx.hold_release_ask(id, &caller.user.id, &reason).await?;
                "hold.release_ask"
            }
            Some(asked_by) if one_person(&mut tx, caller, &asked_by).await? => {
                return Err(Error::Conflict(
                    "you asked for this yourself: somebody else who may place holds has to agree".to_owned(),
                ));
            }
            Some(_) => {
                tx.hold_release(id, &caller.user.id).await?;
                "hold.release"
            }
        };
        let asked = hold.release_asked.map(|asked| asked.by);
        let (hold, _) = tx.hold(id).await?.ok_or_else(|| Error::not_found("hold", id))?;
        let mut event = event_of(tx.now(), caller, action, &hold).with("reason", reason);
        if let Some(asked) = asked {
            event = event.with("asked_by", asked.as_str());
        }
        self.commit(tx, &[event]).await?;
        Ok(hold)
    }

    /// Says no to the release of a hold that somebody asked for; it stays.
    ///
    /// # Errors
    /// `NotFound` outside the permit; `Conflict` when nobody asked.
    pub async fn hold_keep(&self, caller: &Caller, permit: &Permit<Manage>, id: &HoldId) -> Result<Hold, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let (hold, _) = in_force(&mut tx, permit, id).await?;
        let Some(asked) = hold.release_asked else {
            return Err(Error::Conflict(format!("nobody asked that hold {id} be released")));
        };
        tx.hold_release_drop(id).await?;
        let (hold, _) = tx.hold(id).await?.ok_or_else(|| Error::not_found("hold", id))?;
        let event = event_of(tx.now(), caller, "hold.keep", &hold).with("asked_by", asked.by.as_str());
        self.commit(tx, &[event]).await?;
        Ok(hold)
    }
}

/// Whether a user is the caller, or another of the caller's own.
async fn one_person(rows: &mut ReadTx, caller: &Caller, id: &UserId) -> Result<bool, Error> {
    let asker = rows.user(id).await?;
    Ok(*id == caller.user.id || asker.is_some_and(|asker| asker.is_same_person(&caller.user)))
}

/// The hold, where it lies in the permit's scopes and is in force.
async fn in_force(rows: &mut ReadTx, permit: &Permit<Manage>, id: &HoldId) -> Result<(Hold, Option<UserId>), Error> {
    let found = rows.hold(id).await?.filter(|(hold, _)| permit.covers(&hold.scope));
    let (hold, asked_by) = found.ok_or_else(|| Error::not_found("hold", id))?;
    match &hold.released {
        Some(released) => Err(Error::Conflict(format!("hold {id} was released by {} already", released.by))),
        None => Ok((hold, asked_by)),
    }
}

/// What a hold is on, by identifier: names may change.
async fn on(
    rows: &mut ReadTx,
    caller: &Caller,
    permit: &Permit<Manage>,
    scope: ScopePath,
    input: &HoldInput,
) -> Result<HoldOn, Error> {
    let scopes = visible::readable(caller, permit, Permission::AssetRead);
    let user = match &input.user {
        Some(name) => {
            let user = rows.user_by_name(name).await?;
            Some(user.ok_or_else(|| Error::invalid("user", format!("there is no user `{name}`")))?.id)
        }
        None => None,
    };
    let asset = match &input.asset {
        Some(name) => Some(visible::asset(rows, caller, name, &scopes).await?.id),
        None => None,
    };
    let account = match &input.account {
        Some(account) => Some(visible::account(rows, caller, account, &scopes).await?.0.id),
        None => None,
    };
    if let Some(id) = &input.session {
        let session = rows.session(id).await?.filter(|session| permit.covers(&session.scope));
        session.ok_or_else(|| Error::not_found("session", id))?;
    }
    let session = input.session.clone();
    Ok(HoldOn { scope, user, asset, account, session, from: input.from, until: input.until })
}

fn event_of(now: Timestamp, caller: &Caller, action: &str, hold: &Hold) -> Event {
    let mut event = Event::done(now, caller.actor(), action, hold.id.as_str(), hold.scope.clone());
    let on = [
        ("user", hold.user.as_ref().map(ToString::to_string)),
        ("asset", hold.asset.as_ref().map(ToString::to_string)),
        ("account", hold.account.as_ref().map(ToString::to_string)),
        ("session", hold.session.as_ref().map(ToString::to_string)),
        ("from", hold.from.map(|from| from.to_string())),
        ("until", hold.until.map(|until| until.to_string())),
    ];
    for (name, value) in on {
        if let Some(value) = value {
            event = event.with(name, value);
        }
    }
    event
}

#[cfg(test)]
mod tests;
