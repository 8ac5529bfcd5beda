//! Being away: who answers requests in one's place, and for how long.

use std::time::Duration;

use postern_domain::event::Event;
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::stand_in::StandIn;
use postern_domain::user::{User, UserState};
use postern_domain::{ScopePath, StandInId, Timestamp, UserName};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{Caller, Control, Error, authenticate, text};

/// The longest reason, in characters.
const REASON_LEN_MAX: usize = 500;
/// How long somebody may be away, and how far ahead they may say so.
const AWAY_MAX: Duration = Duration::from_secs(90 * 24 * 3600);
/// How many of one person may lie ahead.
const OPEN_MAX: usize = 20;

/// Who is to answer in one's place.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StandInInput {
    /// Who.
    pub stand_in: UserName,
    /// From when; at once unless given.
    #[serde(default)]
    pub starts_at: Option<Timestamp>,
    /// Until when, at most 90 days later.
    pub ends_at: Timestamp,
    /// Why, for others to read.
    #[serde(default)]
    pub reason: Option<String>,
}

impl Control {
    /// The caller names who answers requests in their place for a window.
    ///
    /// # Errors
    /// `Invalid` when nobody of that name may answer requests, or the window is none.
    pub async fn stand_in_create(
        &self,
        caller: &Caller,
        _: &Permit<Manage>,
        input: &StandInInput,
    ) -> Result<StandIn, Error> {
        let reason = text::words("reason", input.reason.as_deref().unwrap_or_default(), REASON_LEN_MAX)?;
        let mut tx = self.store().write(self.now()).await?;
        let now = tx.now();
        let starts_at = input.starts_at.unwrap_or(now).max(now);
        if input.ends_at <= starts_at || input.ends_at > starts_at.after(AWAY_MAX) || starts_at > now.after(AWAY_MAX) {
            return Err(Error::invalid(
                "ends_at",
                "lies after the beginning, at most 90 days, and within 90 days of now",
            ));
        }
        let unknown = || Error::invalid("stand_in", "name somebody else who may answer requests");
        let other = tx.user_by_name(&input.stand_in).await?.ok_or_else(unknown)?;
        let authority = authenticate::authority(&mut tx, &other).await?;
        let may = other.state == UserState::Active && !authority.scopes(Permission::RequestApprove).is_empty();
        if other.is_same_person(&caller.user) || !may {
            return Err(unknown());
        }
        let ahead = tx.stand_ins(&caller.user.id, &[]).await?;
        let ahead =
            ahead.iter().filter(|one| one.user == caller.user.name && one.ended_at.is_none() && one.ends_at > now);
        if ahead.count() >= OPEN_MAX {
            return Err(Error::Conflict(format!("{OPEN_MAX} stand-ins of yours lie ahead already: end one first")));
        }
        let named = StandIn {
            id: StandInId::generate(now, postern_vault::random::bytes()),
            user: caller.user.name.clone(),
            stand_in: other.name.clone(),
            starts_at,
            ends_at: input.ends_at,
            reason,
            ended_at: None,
            created_at: now,
        };
        tx.stand_in_insert(&named, &caller.user.id, &other.id).await?;
        let event =
            event_of(now, caller, "stand_in.create", &named, &caller.user.scope).with("reason", named.reason.as_str());
        self.commit(tx, &[event]).await?;
        Ok(named)
    }

    /// Those that concern the caller, on either side, and those of people in scopes where they hold `user:read`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn stand_in_list(&self, caller: &Caller) -> Result<Vec<StandIn>, Error> {
        let scopes = caller.authority.scopes(Permission::UserRead);
        Ok(self.store().read().await?.stand_ins(&caller.user.id, &scopes).await?)
    }

    /// Ends one early: the caller's own, on either side, or one of somebody in a scope where they hold `user:write`.
    ///
    /// # Errors
    /// `NotFound` also when it is not theirs to end; `Conflict` when it has ended.
    pub async fn stand_in_end(&self, caller: &Caller, id: &StandInId) -> Result<StandIn, Error> {
        let unknown = || Error::not_found("stand-in", id);
        let mut tx = self.store().write(self.now()).await?;
        let named = tx.stand_in(id).await?.ok_or_else(unknown)?;
        let away: User = tx.user_by_name(&named.user).await?.ok_or_else(unknown)?;
        let own = [&named.user, &named.stand_in].contains(&&caller.user.name);
        if !own && !caller.authority.covers(Permission::UserWrite, &away.scope) {
            return Err(unknown());
        }
        tx.stand_in_end(id).await?;
        let event = event_of(tx.now(), caller, "stand_in.end", &named, &away.scope);
        let ended = tx.stand_in(id).await?.ok_or_else(unknown)?;
        self.commit(tx, &[event]).await?;
        Ok(ended)
    }
}

fn event_of(now: Timestamp, caller: &Caller, action: &str, named: &StandIn, scope: &ScopePath) -> Event {
    Event::done(now, caller.actor(), action, named.id.as_str(), scope.clone())
        .with("user", named.user.as_str())
        .with("stand_in", named.stand_in.as_str())
        .with("starts_at", named.starts_at.to_string())
        .with("ends_at", named.ends_at.to_string())
}

#[cfg(test)]
mod tests;
