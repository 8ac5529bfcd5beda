//! Discovery sources, the hosts that they found, and hosts that become assets.

use postern_domain::asset::{Asset, Platform};
use postern_domain::discovery::{DiscoveryRun, DiscoverySource, FoundHost, Plan, RunState, SourceDocument};
use postern_domain::document::{Action, AssetDocument, Change, Document};
use postern_domain::event::{Actor, Event};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::{AssetName, DiscoveryId, HostId, Period, ScopePath, SourceName, Timestamp};
use postern_store::{HostFilter, Page, PageRequest, ReadTx, WriteTx};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::apply::{changed, checked, event_of};
use crate::{Caller, Control, Error, asset, visible};

/// As what a found host is adopted.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostAdoption {
    /// The name of the asset that it becomes.
    pub name: AssetName,
    /// What kind of system it is; what it seems to be when left out.
    pub platform: Option<Platform>,
}

impl Control {
    /// Sources in the permit's scopes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn source_list(&self, permit: &Permit<Manage>) -> Result<Vec<DiscoverySource>, Error> {
        Ok(self.store().read().await?.sources(&permit.action().scopes, None).await?)
    }

    /// One source.
    ///
    /// # Errors
    /// `NotFound` also where the caller may not know of it.
    pub async fn source_show(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        name: &SourceName,
    ) -> Result<DiscoverySource, Error> {
        find(&mut self.store().read().await?, caller, name, &permit.action().scopes).await
    }

    /// Declares a source, or changes it. Runs over it that are under way end: they look at what was
    /// declared before.
    ///
    /// # Errors
    /// When a field is not acceptable or its scope lies outside the permit.
    pub async fn source_put(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        name: &SourceName,
        declared: SourceDocument,
    ) -> Result<DiscoverySource, Error> {
        if declared.name != *name {
            return Err(Error::invalid("name", format!("is not the `{name}` of the path")));
        }
        let Document::DiscoverySource(declared) = checked(Document::DiscoverySource(declared))? else {
            return Err(Error::not_found("discovery source", name));
        };
        let mut tx = self.store().write(self.now()).await?;
        let (change, events) = apply(&mut tx, caller, permit, &declared).await?;
        let source = tx.source_in_tenant(&declared.scope.tenant(), name).await?;
        if change.action != Action::Unchanged {
            self.commit(tx, &events).await?;
        }
        source.ok_or_else(|| Error::not_found("discovery source", name))
    }

    /// Takes a source out of use. Runs over it end, and what is open about its hosts is resolved.
    ///
    /// # Errors
    /// When it is not known or lies outside the permit.
    pub async fn source_delete(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        name: &SourceName,
    ) -> Result<(), Error> {
        let mut tx = self.store().write(self.now()).await?;
        let source = changeable(&mut tx, caller, permit, name).await?;
        let scope = source.declared.scope.clone();
        let mut events = end_runs(&mut tx, &source, caller.actor()).await?;
        tx.source_delete(&source.id).await?;
        events.push(Event::done(tx.now(), caller.actor(), "source.delete", name.as_str(), scope));
        self.commit(tx, &events).await?;
        Ok(())
    }

    /// Begins a run over a source.
    ///
    /// # Errors
    /// When one is under way, or the source is not known or lies outside the permit.
    pub async fn source_start(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        name: &SourceName,
    ) -> Result<DiscoveryRun, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let source = changeable(&mut tx, caller, permit, name).await?;
        if let Some(run) = tx.source_running(&source.id).await?.first() {
            return Err(Error::Conflict(format!("{run} looks at it already: postern discover cancel {run}")));
        }
        let (id, event) = begin(&mut tx, &source, caller.user.name.as_str(), caller.actor()).await?;
        let run = tx.discovery_run(&id).await?.ok_or_else(|| Error::not_found("discovery", &id))?;
        self.commit(tx, &[event]).await?;
        self.discovery_go_on(id);
        let now = self.now();
        Ok(DiscoveryRun { expected_at: Some(now.after(Plan::of(&source.declared).shortest())), ..run })
    }

    /// Begins runs over the sources that are due, and says when they are due next. One that is still being
    /// looked at is not begun again.
    pub(super) async fn sources_due(&self) -> Result<(), Error> {
        let due = self.store().read().await?.sources_due(self.now(), super::DUE_AT_ONCE).await?;
        for source in due {
            let mut tx = self.store().write(self.now()).await?;
            let next_at = next_at(&source.declared, tx.now());
            tx.source_put(&DiscoverySource { next_at, ..source.clone() }).await?;
            if !tx.source_running(&source.id).await?.is_empty() {
                tx.commit_upkeep().await?;
                continue;
            }
            let (id, event) = begin(&mut tx, &source, "schedule", Self::system()).await?;
            self.commit(tx, &[event]).await?;
            self.discovery_go_on(id);
        }
        Ok(())
    }

    /// Found hosts in the permit's scopes.
    ///
    /// # Errors
    /// When the cursor is not one of ours.
    pub async fn host_list(
        &self,
        permit: &Permit<Manage>,
        filter: &HostFilter,
        page: &PageRequest,
    ) -> Result<Page<FoundHost>, Error> {
        Ok(self.store().read().await?.hosts(&permit.action().scopes, filter, page).await?)
    }

    /// Makes a found host an asset in the scope of its source. Which host key it is known by stays to be
    /// decided.
    ///
    /// # Errors
    /// When it is an asset already, there is one of this name, or it lies outside the permit.
    pub async fn host_adopt(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        id: &HostId,
        input: HostAdoption,
    ) -> Result<Asset, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let host = tx.host(id).await?.ok_or_else(|| Error::not_found("found host", id))?;
        visible::within(permit, &host.scope)?;
        if let Some(asset) = &host.asset {
            return Err(Error::Conflict(format!("{} is the asset {asset} already", host.address)));
        }
        let tenant = host.scope.tenant();
        if tx.asset_in_tenant(&tenant, &input.name).await?.is_some() {
            return Err(Error::Conflict("an asset of this name exists already".to_owned()));
        }
        let document = AssetDocument {
            name: input.name.clone(),
            scope: host.scope.clone(),
            platform: input.platform.unwrap_or(host.platform),
            address: host.address.clone(),
            labels: std::collections::BTreeMap::new(),
            host_keys: None,
            rotation: None,
            server_ca: None,
            column_tags: None,
        };
        let (_, mut events) = asset::apply(&mut tx, caller, permit, &document).await?;
        let missing = || Error::not_found("asset", &input.name);
        let asset = tx.asset_in_tenant(&tenant, &input.name).await?.ok_or_else(missing)?;
        tx.host_adopt(id, &asset.id).await?;
        tx.findings_resolve_host(id).await?;
        let event = Event::done(tx.now(), caller.actor(), "host.adopt", host.address.as_str(), host.scope)
            .with("asset", asset.name.as_str())
            .with("source", host.source.as_str());
        events.push(event);
        self.commit(tx, &events).await?;
        Ok(asset)
    }
}

/// Makes the source what the document says.
pub(crate) async fn apply(
    tx: &mut WriteTx,
    caller: &Caller,
    permit: &Permit<Manage>,
    declared: &SourceDocument,
) -> Result<(Change, Vec<Event>), Error> {
    visible::within(permit, &declared.scope)?;
    let current = tx.source_in_tenant(&declared.scope.tenant(), &declared.name).await?;
    if let Some(current) = &current {
        let scope = &current.declared.scope;
        if !permit.covers(scope) && !caller.authority.covers(Permission::AssetRead, scope) {
            return Err(Error::Conflict("a discovery source of this name exists already".to_owned()));
        }
        visible::within(permit, scope)?;
    }
    let before = current.as_ref().map(|source| Document::DiscoverySource(source.declared.clone()));
    let change = changed(&Document::DiscoverySource(declared.clone()), before);
    if change.action == Action::Unchanged {
        return Ok((change, Vec::new()));
    }
    let mut events = visible::ensure_scope(tx, caller, &declared.scope).await?;
    if let Some(current) = &current {
        events.extend(end_runs(tx, current, caller.actor()).await?);
    }
    let fresh = || postern_domain::SourceId::generate(tx.now(), postern_vault::random::bytes());
    let source = DiscoverySource {
        id: current.as_ref().map_or_else(fresh, |source| source.id.clone()),
        declared: declared.clone(),
        next_at: declared.every.map(|_| tx.now()),
        created_at: current.as_ref().map_or(tx.now(), |source| source.created_at),
    };
    tx.source_put(&source).await?;
    events.push(event_of(tx.now(), caller.actor(), "source", &change, &declared.scope));
    Ok((change, events))
}

/// The source of this name that lies in `scopes`: the one of the caller's own tenant, else the only one.
async fn find(
    rows: &mut ReadTx,
    caller: &Caller,
    name: &SourceName,
    scopes: &[ScopePath],
) -> Result<DiscoverySource, Error> {
    let found = rows.sources(scopes, Some(name)).await?;
    visible::one_of(found, |source| &source.declared.scope, &caller.user, "discovery source", name.as_str())
}

async fn changeable(
    tx: &mut WriteTx,
    caller: &Caller,
    permit: &Permit<Manage>,
    name: &SourceName,
) -> Result<DiscoverySource, Error> {
    let scopes = visible::readable(caller, permit, Permission::AssetRead);
    let source = find(tx, caller, name, &scopes).await?;
    visible::within(permit, &source.declared.scope)?;
    Ok(source)
}

/// A new run, with the event that tells what it may touch before anything is touched.
async fn begin(
    tx: &mut WriteTx,
    source: &DiscoverySource,
    requested_by: &str,
    actor: Actor,
) -> Result<(DiscoveryId, Event), Error> {
    let id = DiscoveryId::generate(tx.now(), postern_vault::random::bytes());
    let targets = Plan::of(&source.declared).targets();
    tx.source_run_begin(&id, source, requested_by, targets).await?;
    let networks: Vec<_> = source.declared.networks.iter().map(ToString::to_string).collect();
    let event = Event::done(tx.now(), actor, "discovery.start", id.to_string(), source.declared.scope.clone())
        .with("source", source.declared.name.as_str())
        .with("networks", networks)
        .with("targets", targets);
    Ok((id, event))
}

/// Ends what looks at a source.
async fn end_runs(tx: &mut WriteTx, source: &DiscoverySource, actor: Actor) -> Result<Vec<Event>, Error> {
    let mut events = Vec::new();
    for run in tx.source_running(&source.id).await? {
        if tx.discovery_end(&run, RunState::Cancelled).await? {
            let scope = source.declared.scope.clone();
            events.push(Event::done(tx.now(), actor.clone(), "discovery.cancel", run.to_string(), scope));
        }
    }
    Ok(events)
}

fn next_at(declared: &SourceDocument, now: Timestamp) -> Option<Timestamp> {
    declared.every.map(Period::duration).map(|every| now.after(every))
}
