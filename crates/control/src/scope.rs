//! Scopes: the tree that everything belongs to.

use postern_domain::ScopePath;
use postern_domain::event::Event;
use postern_domain::permit::{Manage, Permit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::login::visible_scopes;
use crate::{Caller, Control, Error, Listed, Listing};

/// A scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScopeBody {
    /// Its path: `/emea/payments`.
    pub path: ScopePath,
}

impl Control {
    /// The scopes that the caller can see something of.
    ///
    /// # Errors
    /// When it cannot be sorted by that, or the cursor is not one of ours.
    pub async fn scope_list(
        &self,
        caller: &Caller,
        q: Option<&str>,
        listing: &Listing,
    ) -> Result<Listed<ScopePath>, Error> {
        Ok(self.store().read().await?.scopes_listed(&visible_scopes(caller), q, listing).await?)
    }

    /// Makes a scope below one that exists and that the permit reaches.
    ///
    /// # Errors
    /// `NotFound` when the one above is not the caller's to see; `Conflict` when it exists.
    pub async fn scope_create(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        path: &ScopePath,
    ) -> Result<ScopeBody, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let above = path
            .ancestors()
            .into_iter()
            .rev()
            .nth(1)
            .ok_or_else(|| Error::Conflict("the scope / exists always".to_owned()))?;
        crate::user::reachable(&mut tx, permit, &above).await?;
        tx.scope_create(path).await?;
        let event = Event::done(tx.now(), caller.actor(), "scope.create", path.as_str(), path.clone());
        self.commit(tx, &[event]).await?;
        Ok(ScopeBody { path: path.clone() })
    }
}
