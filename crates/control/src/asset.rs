//! Assets.

use std::collections::{BTreeMap, BTreeSet};

use postern_domain::asset::{Asset, ColumnTags, Platform};
use postern_domain::document::{Action, AssetDocument, Change, Document};
use postern_domain::event::Event;
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::rotation::RotationSetting;
use postern_domain::{AssetId, AssetName, ScopePath};
use postern_store::{AssetFilter, Listed, Listing, WriteTx};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::apply::{changed, checked, event_of};
use crate::shared::OwnRights;
use crate::{Caller, Control, Error, host_key, visible};

/// What an asset is to be.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssetInput {
    /// The scope; where it is left out, an existing asset stays where it is and a new one goes where
    /// the caller belongs.
    pub scope: Option<ScopePath>,
    /// What kind of system it is.
    pub platform: Platform,
    /// `host:port`.
    pub address: String,
    /// Free labels that policies select by.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// The host keys that it is known by, in OpenSSH's one-line form; where they are left out, those
    /// stay that are pinned.
    pub host_keys: Option<BTreeSet<String>>,
    /// How the secrets of its accounts are looked after, and its reconcile accounts; where it is left out,
    /// that stays as it is. Needs `rotation:write`.
    #[serde(default)]
    pub rotation: Option<RotationSetting>,
    /// The certificates, in PEM, that its TLS is verified by: of authorities, or its own.
    #[serde(default)]
    pub server_ca: Option<String>,
    /// What columns of a database hold: tags, each with names of columns; for Redis, with patterns of keys.
    /// Where it is left out, that stays as it is.
    #[serde(default)]
    pub column_tags: Option<ColumnTags>,
}

impl Control {
    /// Assets in the permit's scopes.
    ///
    /// # Errors
    /// When the cursor is not one of ours.
    pub async fn asset_list(
        &self,
        permit: &Permit<Manage>,
        filter: &AssetFilter,
        listing: &Listing,
    ) -> Result<Listed<Asset>, Error> {
        Ok(self.store().read().await?.assets(&permit.action().scopes, filter, listing).await?)
    }

    /// One asset.
    ///
    /// # Errors
    /// `NotFound` also where the caller may not know of it.
    pub async fn asset_show(&self, caller: &Caller, permit: &Permit<Manage>, name: &AssetName) -> Result<Asset, Error> {
        visible::asset(&mut self.store().read().await?, caller, name, &permit.action().scopes).await
    }

    /// Creates an asset, or changes it.
    ///
    /// # Errors
    /// When a field is not acceptable or its scope lies outside the permit.
    pub async fn asset_put(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        name: &AssetName,
        input: AssetInput,
    ) -> Result<Asset, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let scope = match input.scope {
            Some(scope) => scope,
            None => {
                let scopes = visible::readable(caller, permit, Permission::AssetRead);
                match visible::asset(&mut tx, caller, name, &scopes).await {
                    Ok(asset) => asset.scope,
                    Err(Error::NotFound { .. }) => caller.user.scope.clone(),
                    Err(error) => return Err(error),
                }
            }
        };
        let document = AssetDocument {
            name: name.clone(),
            scope,
            platform: input.platform,
            address: input.address,
            labels: input.labels,
            host_keys: input.host_keys,
            rotation: input.rotation,
            server_ca: input.server_ca,
            column_tags: input.column_tags,
        };
        let document = match checked(Document::Asset(document))? {
            Document::Asset(document) => document,
            _ => return Err(Error::not_found("asset", name)),
        };
        let (change, events) = apply(&mut tx, caller, permit, &document).await?;
        let asset = tx.asset_in_tenant(&document.scope.tenant(), name).await?;
        if change.action != Action::Unchanged {
            self.commit(tx, &events).await?;
        }
        asset.ok_or_else(|| Error::not_found("asset", name))
    }
}

/// The tags that are given, or those that the asset has; none where it is of another kind now, on which they
/// would mean something else or nothing.
fn tags(document: &AssetDocument, current: Option<&Asset>) -> ColumnTags {
    let same = |asset: &&Asset| asset.platform == document.platform;
    let kept = || current.filter(same).map(|asset| &asset.column_tags);
    document.column_tags.as_ref().or_else(kept).cloned().unwrap_or_default()
}

/// Makes the asset what the document says.
pub(crate) async fn apply(
    tx: &mut WriteTx,
    caller: &Caller,
    permit: &Permit<Manage>,
    document: &AssetDocument,
) -> Result<(Change, Vec<Event>), Error> {
    visible::within(permit, &document.scope)?;
    let current = tx.asset_in_tenant(&document.scope.tenant(), &document.name).await?;
    let mut keys = Vec::new();
    let mut rotation = RotationSetting::default();
    if let Some(current) = &current {
        if !permit.covers(&current.scope) && !caller.authority.covers(Permission::AssetRead, &current.scope) {
            return Err(Error::Conflict("an asset of this name exists already".to_owned()));
        }
        visible::within(permit, &current.scope)?;
        keys = tx.host_keys(&current.id).await?;
        rotation = tx.asset_rotation(&current.id).await?;
    }
    let before = current.as_ref().map(|asset| Document::Asset(AssetDocument::of(asset, &keys, &rotation)));
    let change = changed(&Document::Asset(document.clone()), before);
    if change.action == Action::Unchanged {
        return Ok((change, Vec::new()));
    }
    let mut events = visible::ensure_scope(tx, caller, &document.scope).await?;
    let asset = Asset {
        id: current
            .as_ref()
            .map_or_else(|| AssetId::generate(tx.now(), postern_vault::random::bytes()), |a| a.id.clone()),
        name: document.name.clone(),
        scope: document.scope.clone(),
        platform: document.platform,
        address: document.address.clone(),
        labels: document.labels.clone(),
        server_ca: document.server_ca.clone(),
        column_tags: tags(document, current.as_ref()),
        created_at: current.as_ref().map_or(tx.now(), |asset| asset.created_at),
    };
    // Whoever can move an asset's address must not be able to say by themselves what it is known by.
    let trusted = current.as_ref().and_then(|asset| asset.server_ca.as_ref());
    if asset.server_ca.is_some()
        && asset.server_ca.as_ref() != trusted
        && !caller.authority.covers(Permission::HostKeyWrite, &asset.scope)
    {
        let message = format!("server_ca needs the permission host_key:write in {}", asset.scope);
        return Err(Error::Forbidden(message));
    }
    match &current {
        None => tx.asset_insert(&asset).await?,
        Some(_) => {
            let own = OwnRights::before(tx, caller).await?;
            tx.asset_update(&asset).await?;
            own.after(tx, caller, &asset.scope).await?;
        }
    }
    events.push(event_of(tx.now(), caller.actor(), "asset", &change, &asset.scope));
    if let Some(setting) = document.rotation.as_ref().filter(|setting| **setting != rotation) {
        if !caller.authority.covers(Permission::RotationWrite, &asset.scope) {
            let scope = &asset.scope;
            return Err(Error::Forbidden(format!("this needs the permission rotation:write in {scope}")));
        }
        tx.asset_rotation_set(&asset.id, setting).await?;
    }
    if let Some(declared) = &document.host_keys {
        events.extend(host_key::declare(tx, caller, &asset, &keys, declared).await?);
    }
    Ok((change, events))
}

#[cfg(test)]
mod tests;
