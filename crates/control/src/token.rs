//! API tokens: a part of somebody's rights, for programs, for a time.

use std::collections::BTreeSet;
use std::time::Duration;

use postern_domain::event::Event;
use postern_domain::permission::Permission;
use postern_domain::user::ApiToken;
use postern_domain::{ScopePath, TokenId, UserName};
use postern_store::{Listed, Listing};
use postern_vault::random;
use postern_vault::token::{self, Purpose};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::waiting::Made;
use crate::{Caller, Control, Error, text, workload};

const NAME_LEN_MAX: usize = 100;
/// How many tokens one person may have that work.
const TOKENS_MAX: i64 = 100;
const LASTS_MIN: Duration = Duration::from_secs(60);
const LASTS_MAX: Duration = Duration::from_secs(366 * 24 * 3600);

/// A token to be made.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenCreate {
    /// What it is for.
    pub name: String,
    /// What it allows; each must be held by the caller.
    pub permissions: BTreeSet<Permission>,
    /// Where it works; the caller's own scope unless given.
    #[serde(default)]
    pub scope: Option<ScopePath>,
    /// How long it works: a minute to a year.
    pub expires_in_seconds: u64,
    /// The workload that it is for; one's own unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserName>,
}

/// A token that has just been made. It carries a secret and has no `Debug`.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct TokenCreated {
    /// The bearer token, shown once.
    pub token: String,
    /// Its description.
    pub api_token: ApiToken,
}

impl Control {
    /// The caller's tokens.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn token_list(&self, caller: &Caller, listing: &Listing) -> Result<Listed<ApiToken>, Error> {
        Ok(self.store().read().await?.tokens(&caller.user.id, listing).await?)
    }

    /// Makes a token. One for a workload that may do more than the caller works once somebody else has confirmed
    /// it.
    ///
    /// # Errors
    /// `Forbidden` when it would allow more than the caller may do, or the caller is a token itself.
    pub async fn token_create(&self, caller: &Caller, wish: TokenCreate) -> Result<TokenCreated, Error> {
        caller.login()?;
        let name = text::line("name", &wish.name, NAME_LEN_MAX)?;
        let lasts = Duration::from_secs(wish.expires_in_seconds);
        if !(LASTS_MIN..=LASTS_MAX).contains(&lasts) {
            return Err(Error::invalid("expires_in_seconds", "give 60 (a minute) to 31622400 (a year)"));
        }
        if wish.permissions.is_empty() {
            return Err(Error::invalid("permissions", "name at least one, for example asset:read"));
        }
        let mut tx = self.store().write(self.now()).await?;
        let (owner, authority) = workload::owner(&mut tx, caller, wish.user.as_ref()).await?;
        let scope = wish.scope.unwrap_or_else(|| owner.scope.clone());
        if let Some(lacking) = wish.permissions.iter().find(|held| !authority.covers(**held, &scope)) {
            let (who, whose) = if owner.id == caller.user.id { ("you do", "yours") } else { ("it does", "its") };
            let message = format!("{who} not hold {} in {scope}, so that a token of {whose} cannot", lacking.as_str());
            return Err(Error::Forbidden(message));
        }
        if !tx.scope_exists(&scope).await? {
            return Err(Error::not_found("scope", &scope));
        }
        let now = tx.now();
        if tx.tokens_alive(&owner.id, now).await? >= TOKENS_MAX {
            return Err(Error::Conflict(format!("you have {TOKENS_MAX} tokens; revoke some first")));
        }
        let made = Made::by(&mut tx, caller, &owner).await?;
        let token = token::generate(Purpose::Api);
        let api_token = ApiToken {
            id: TokenId::generate(now, random::bytes()),
            user: owner.name.clone(),
            name,
            permissions: wish.permissions.into_iter().collect(),
            scope,
            created_at: now,
            expires_at: now.after(lasts),
            last_used_at: None,
            awaits: made.awaits,
            works_from: made.works_from,
        };
        tx.token_create(&api_token, &owner.id, made.made_by.as_ref(), &token.hash.to_string()).await?;
        let permissions: Vec<_> = api_token.permissions.iter().map(|permission| permission.as_str()).collect();
        let event = Event::done(now, caller.actor(), "token.create", api_token.id.as_str(), api_token.scope.clone())
            .with("name", api_token.name.as_str())
            .with("user", owner.name.as_str())
            .with("permissions", permissions)
            .with("expires_at", api_token.expires_at.to_string());
        self.commit(tx, &[made.told(event)]).await?;
        Ok(TokenCreated { token: token.text.expose().to_owned(), api_token })
    }

    /// Revokes one of the caller's tokens, or of a workload that they may change.
    ///
    /// # Errors
    /// `NotFound` also when it is somebody else's.
    pub async fn token_revoke(&self, caller: &Caller, id: &TokenId) -> Result<(), Error> {
        caller.login()?;
        let mut tx = self.store().write(self.now()).await?;
        let unknown = || Error::not_found("API token", id);
        let stored = tx.token(id).await?.filter(|stored| stored.revoked_at.is_none()).ok_or_else(unknown)?;
        workload::owned(&mut tx, caller, &stored.user).await?.ok_or_else(unknown)?;
        tx.token_revoke(id).await?;
        let event = Event::done(tx.now(), caller.actor(), "token.revoke", id.as_str(), stored.token.scope)
            .with("name", stored.token.name);
        self.commit(tx, &[event]).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
