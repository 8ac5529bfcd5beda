//! Discovery: which assets are looked at, by whom, how far it is, and what it leaves.
//!
//! A run is rows: the assets that still wait are what is left of it, so that it goes on after a crash
//! where it was. Each asset is looked at with its own time limit, a bounded number at once, and what was
//! seen of it is written with the findings in one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::StreamExt as _;
use postern_connectors::{Connector, Coverage, Failure, Login, Survey, Target};
use postern_domain::asset::Asset;
use postern_domain::discovery::{DiscoveryRun, DiscoveryTarget, Observation, Plan, RunState, TargetState};
use postern_domain::event::{Event, Outcome};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::{AccountName, AccountRef, AssetId, AssetName, DiscoveryId, ScopePath, SecretBytes};
use postern_store::{AssetConnector, AssetFilter, Listed, Listing, PageRequest, ReadTx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{Caller, Control, Error, visible};

pub(crate) mod judge;
pub(crate) mod source;
mod sweep;

pub use source::HostAdoption;

/// What a connector needs to know of an asset besides its address.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectorInput {
    /// The platform's settings, by name.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// PEM certificates that the asset is known by: its own, or authorities'.
    #[serde(default)]
    pub certificates: String,
    /// As which of its accounts it is discovered.
    pub discovery_account: Option<AccountName>,
    /// Whether passwords that everybody knows may be tried on its accounts, each at most once.
    #[serde(default)]
    pub try_default_passwords: bool,
    /// How often it is discovered, in seconds; only on demand when left out.
    pub every_seconds: Option<u32>,
}

/// What is to be discovered; all assets that have a discovery account when nothing is said.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscoveryInput {
    /// These assets.
    #[serde(default)]
    pub assets: Vec<AssetName>,
    /// Those with these labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// A run with its assets.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DiscoveryView {
    /// The run.
    #[serde(flatten)]
    pub run: DiscoveryRun,
    /// Its assets; none where it looks for the hosts of a source.
    pub assets: Vec<DiscoveryTarget>,
    /// What of a source could not be looked at, and why; the first hundred.
    #[serde(default)]
    pub gaps: Vec<String>,
}

impl Control {
    /// What a connector is told of an asset.
    ///
    /// # Errors
    /// `NotFound` also where the caller may not know of it.
    pub async fn connector_show(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        name: &AssetName,
    ) -> Result<ConnectorInput, Error> {
        let mut rows = self.store().read().await?;
        let asset = visible::asset(&mut rows, caller, name, &permit.action().scopes).await?;
        let stored = rows.asset_connector(&asset.id).await?;
        Ok(ConnectorInput {
            settings: stored.settings,
            certificates: stored.certificates,
            discovery_account: stored.discovery_account,
            try_default_passwords: stored.try_default_passwords,
            every_seconds: stored.every_seconds,
        })
    }

    /// Says what a connector needs to know of an asset. What it is known by is part of it, so that this
    /// takes the permission to decide on host keys.
    ///
    /// # Errors
    /// When a setting is not the platform's, or the asset lies outside the permit.
    pub async fn connector_put(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        name: &AssetName,
        input: ConnectorInput,
    ) -> Result<ConnectorInput, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let scopes = visible::readable(caller, permit, Permission::AssetRead);
        let asset = visible::asset(&mut tx, caller, name, &scopes).await?;
        visible::within(permit, &asset.scope)?;
        let settings = postern_connectors::Settings(input.settings.clone());
        self.connector_of(&asset)?
            .check_settings(&settings)
            .map_err(|error| Error::invalid(&format!("settings.{}", error.name), error.remedy))?;
        if input.certificates.len() > CERTIFICATES_LEN_MAX {
            return Err(Error::invalid("certificates", format!("use at most {CERTIFICATES_LEN_MAX} bytes")));
        }
        if input.every_seconds.is_some_and(|seconds| seconds < EVERY_SECONDS_MIN) {
            return Err(Error::invalid("every_seconds", format!("use at least {EVERY_SECONDS_MIN}")));
        }
        let stored = AssetConnector {
            settings: input.settings.clone(),
            certificates: input.certificates.clone(),
            discovery_account: input.discovery_account.clone(),
            try_default_passwords: input.try_default_passwords,
            every_seconds: input.every_seconds,
            next_at: input.every_seconds.map(|_| tx.now()),
        };
        tx.asset_connector_set(&asset.id, &stored).await?;
        let event = Event::done(tx.now(), caller.actor(), "asset.connect", asset.name.as_str(), asset.scope)
            .with("discovery_account", input.discovery_account.as_ref().map(|name| name.as_str().to_owned()))
            .with("try_default_passwords", input.try_default_passwords)
            .with("every_seconds", input.every_seconds);
        self.commit(tx, &[event]).await?;
        Ok(input)
    }

    /// Begins a run over the assets wanted that lie in the permit's scopes.
    ///
    /// # Errors
    /// When there are none, or one named cannot be discovered.
    pub async fn discovery_start(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        input: DiscoveryInput,
    ) -> Result<DiscoveryRun, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let mut assets = Vec::new();
        for name in &input.assets {
            let scopes = visible::readable(caller, permit, Permission::AssetRead);
            let asset = visible::asset(&mut tx, caller, name, &scopes).await?;
            visible::within(permit, &asset.scope)?;
            if tx.asset_connector(&asset.id).await?.discovery_account.is_none() {
                let text = format!("{name} has no discovery account: postern discover set {name} --account NAME");
                return Err(Error::invalid("assets", text));
            }
            assets.push(asset);
        }
        if input.assets.is_empty() {
            assets = candidates(&mut tx, &permit.action().scopes, &input.labels).await?;
        }
        if assets.is_empty() {
            return Err(Error::invalid("assets", "no asset that can be discovered matches".to_owned()));
        }
        let id = DiscoveryId::generate(tx.now(), postern_vault::random::bytes());
        let scope = caller.user.scope.clone();
        tx.discovery_begin(&id, &scope, caller.user.name.as_str(), &assets).await?;
        let count = u64::try_from(assets.len()).unwrap_or(u64::MAX);
        let event =
            Event::done(tx.now(), caller.actor(), "discovery.start", id.to_string(), scope).with("assets", count);
        let run = tx.discovery_run(&id).await?.ok_or_else(|| Error::not_found("discovery", &id))?;
        self.commit(tx, &[event]).await?;
        self.discovery_go_on(id);
        Ok(run)
    }

    /// Runs, newest first.
    ///
    /// # Errors
    /// When it cannot be sorted by that, or the cursor is not one of ours.
    pub async fn discovery_list(
        &self,
        permit: &Permit<Manage>,
        listing: &Listing,
    ) -> Result<Listed<DiscoveryRun>, Error> {
        let runs = self.store().read().await?.discovery_runs(&permit.action().scopes, listing).await?;
        let now = self.now();
        Ok(runs.map(|run| run.estimated(now)))
    }

    /// One run, with what became of each asset.
    ///
    /// # Errors
    /// `NotFound` also where the caller may not know of it.
    pub async fn discovery_show(&self, permit: &Permit<Manage>, id: &DiscoveryId) -> Result<DiscoveryView, Error> {
        let mut rows = self.store().read().await?;
        let run = rows.discovery_run(id).await?.filter(|run| permit.covers(&run.scope));
        let run = run.ok_or_else(|| Error::not_found("discovery", id))?;
        let assets = rows.discovery_targets(id).await?;
        let source = rows.source_run(id).await?;
        let mut run = run.estimated(self.now());
        if let Some(source) = source.as_ref().filter(|_| run.state == RunState::Running && run.looked_at == 0) {
            run.expected_at = Some(run.created_at.after(Plan::of(&source.declared).shortest()));
        }
        Ok(DiscoveryView { run, assets, gaps: source.map(|source| source.gaps).unwrap_or_default() })
    }

    /// Ends a run: what is being looked at is still finished, what waits is not begun.
    ///
    /// # Errors
    /// `NotFound` also where the caller may not know of it.
    pub async fn discovery_cancel(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        id: &DiscoveryId,
    ) -> Result<DiscoveryRun, Error> {
        let mut tx = self.store().write(self.now()).await?;
        let run = tx.discovery_run(id).await?.ok_or_else(|| Error::not_found("discovery", id))?;
        visible::within(permit, &run.scope)?;
        if tx.discovery_end(id, RunState::Cancelled).await? {
            let event = Event::done(tx.now(), caller.actor(), "discovery.cancel", id.to_string(), run.scope);
            self.commit(tx, &[event]).await?;
        }
        let run = self.store().read().await?.discovery_run(id).await?;
        run.ok_or_else(|| Error::not_found("discovery", id))
    }

    /// Begins what is due and goes on with what a crash cut off, every `tick`, until `stop`.
    pub async fn keep_discovering(self, tick: Duration, stop: CancellationToken) {
        let cut_off = match self.store().read().await {
            Ok(mut rows) => rows.discovery_running().await.unwrap_or_default(),
            Err(_) => Vec::new(),
        };
        for run in cut_off {
            self.discovery_go_on(run);
        }
        let mut ticks = tokio::time::interval(tick);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            if let Err(error) = self.sources_due().await {
                tracing::error!(error = &error as &dyn std::error::Error, "due sources cannot be looked at");
            }
            if let Err(error) = self.discover_due().await {
                tracing::error!(error = &error as &dyn std::error::Error, "due discoveries cannot be begun");
            }
        }
    }

    /// Begins a run over the assets that are due, and says when they are due next.
    async fn discover_due(&self) -> Result<(), Error> {
        let due = self.store().read().await?.discovery_due(self.now(), DUE_AT_ONCE).await?;
        if due.is_empty() || self.vault().status().sealed {
            return Ok(());
        }
        let mut tx = self.store().write(self.now()).await?;
        let mut assets = Vec::new();
        for (id, _) in due {
            let mut stored = tx.asset_connector(&id).await?;
            let every = Duration::from_secs(u64::from(stored.every_seconds.unwrap_or(EVERY_SECONDS_MIN)));
            stored.next_at = Some(tx.now().after(every));
            tx.asset_connector_set(&id, &stored).await?;
            assets.extend(tx.asset(&id).await?);
        }
        let id = DiscoveryId::generate(tx.now(), postern_vault::random::bytes());
        tx.discovery_begin(&id, &ScopePath::root(), "schedule", &assets).await?;
        let event = Event::done(tx.now(), Self::system(), "discovery.start", id.to_string(), ScopePath::root())
            .with("assets", u64::try_from(assets.len()).unwrap_or(u64::MAX));
        self.commit(tx, &[event]).await?;
        self.discovery_go_on(id);
        Ok(())
    }

    /// Works on a run in the background until nothing waits in it.
    fn discovery_go_on(&self, run: DiscoveryId) {
        let control = self.clone();
        tokio::spawn(async move {
            if let Err(error) = control.work_on(&run).await {
                tracing::error!(error = &error as &dyn std::error::Error, run = run.as_str(), "a discovery broke off");
            }
        });
    }

    async fn work_on(&self, run: &DiscoveryId) -> Result<(), Error> {
        let source = self.store().read().await?.source_run(run).await?;
        match source {
            Some(source) => self.sweep(run, source).await?,
            None => self.look_at_waiting(run).await?,
        }
        let mut tx = self.store().write(self.now()).await?;
        if tx.discovery_end(run, RunState::Done).await? {
            let ended = tx.discovery_run(run).await?.ok_or_else(|| Error::not_found("discovery", run))?;
            let event = Event::done(tx.now(), Self::system(), "discovery.end", run.to_string(), ended.scope)
                .with("accounts", ended.accounts)
                .with("hosts", ended.hosts)
                .with("failed", ended.failed);
            self.commit(tx, &[event]).await?;
        } else {
            tx.commit_upkeep().await?;
        }
        Ok(())
    }

    async fn look_at_waiting(&self, run: &DiscoveryId) -> Result<(), Error> {
        loop {
            let waiting = self.store().read().await?.discovery_waiting(run, WAITING_AT_ONCE).await?;
            if waiting.is_empty() {
                break;
            }
            let looked: Vec<Result<(), Error>> = futures::stream::iter(waiting)
                .map(|asset| async move { self.look_at(run, &asset).await })
                .buffer_unordered(ASSETS_AT_ONCE)
                .collect()
                .await;
            // An asset whose end cannot be written would be looked at for ever.
            looked.into_iter().collect::<Result<Vec<()>, _>>()?;
        }
        Ok(())
    }

    /// Looks at one asset, unless the run was ended meanwhile.
    async fn look_at(&self, run: &DiscoveryId, asset: &AssetId) -> Result<(), Error> {
        let mut rows = self.store().read().await?;
        let is_running = rows.discovery_run(run).await?.is_some_and(|run| run.state == RunState::Running);
        let Some(asset) = rows.asset(asset).await?.filter(|_| is_running) else { return Ok(()) };
        drop(rows);
        let begun = self.now();
        let intent = Event::done(begun, Self::system(), "discovery.look", asset.name.as_str(), asset.scope.clone())
            .outcome(Outcome::Intent);
        self.note(intent).await?;
        let seen = self.observe(&asset).await;
        let millis = u32::try_from(self.now().since(begun).as_millis()).ok();
        let mut ended = DiscoveryTarget {
            asset: asset.name.clone(),
            state: TargetState::Done,
            accounts: None,
            gaps: Vec::new(),
            failure: None,
            millis,
        };
        match seen {
            Ok((way, observations, coverage)) => {
                ended.accounts = u32::try_from(observations.len()).ok();
                ended.gaps = coverage.gaps.iter().map(|gap| format!("{}: {}", gap.what, gap.why)).collect();
                self.judge(&asset, &observations, &coverage).await?;
                if way.try_default_passwords {
                    self.try_default_passwords(&asset, &way, &observations).await?;
                }
                self.end_target(run, &asset, &ended, Outcome::Done).await
            }
            Err(text) => {
                ended.state = TargetState::Failed;
                ended.failure = Some(text);
                self.end_target(run, &asset, &ended, Outcome::Failed).await
            }
        }
    }

    async fn end_target(
        &self,
        run: &DiscoveryId,
        asset: &Asset,
        ended: &DiscoveryTarget,
        outcome: Outcome,
    ) -> Result<(), Error> {
        let mut tx = self.store().write(self.now()).await?;
        tx.discovery_target_end(run, &asset.id, ended).await?;
        let mut event =
            Event::done(tx.now(), Self::system(), "discovery.look", asset.name.as_str(), asset.scope.clone())
                .outcome(outcome)
                .with("accounts", ended.accounts);
        if let Some(failure) = &ended.failure {
            event = event.with("failure", failure.as_str());
        }
        self.commit(tx, &[event]).await?;
        Ok(())
    }

    /// What the connector sees on an asset; the text is for people.
    async fn observe(&self, asset: &Asset) -> Result<(Way, Vec<Observation>, Coverage), String> {
        let way = self.way_to(asset).await.map_err(|error| error.to_string())?;
        let survey = Survey { accounts_max: ACCOUNTS_MAX, digest_key: way.digest_key.clone(), now: self.now() };
        let (tx, mut rx) = mpsc::channel(OBSERVATIONS_WAITING);
        let collect = async {
            let mut all = Vec::new();
            while let Some(observation) = rx.recv().await {
                all.push(observation);
            }
            all
        };
        let look = async {
            let coverage = way.connector.discover(&way.target, &way.login, &survey, &tx).await;
            drop(tx);
            coverage
        };
        let both = tokio::time::timeout(ASSET_TIME_MAX, async { tokio::join!(look, collect) }).await;
        match both {
            Err(_) => Err(format!("it was not done within {} seconds", ASSET_TIME_MAX.as_secs())),
            Ok((Err(Failure { detail, .. }), _)) => Err(detail),
            Ok((Ok(coverage), all)) => Ok((way, all, coverage)),
        }
    }

    /// How an asset is discovered, and as whom.
    pub(crate) async fn way_to(&self, asset: &Asset) -> Result<Way, Error> {
        let mut rows = self.store().read().await?;
        let stored = rows.asset_connector(&asset.id).await?;
        let missing = || Error::Unavailable(format!("{} has no discovery account", asset.name));
        let name = stored.discovery_account.clone().ok_or_else(missing)?;
        let reference = AccountRef { account: name, asset: asset.name.clone() };
        let account = rows.account_on(&asset.id, &reference.account).await?;
        let account = account.ok_or_else(|| Error::not_found("account", &reference))?;
        let target = self.target_of(&mut rows, asset).await?;
        let login = self.login_of(&mut rows, &account).await?;
        drop(rows);
        Ok(Way {
            connector: self.connector_of(asset)?,
            target,
            login,
            digest_key: self.digest_key().await?,
            try_default_passwords: stored.try_default_passwords,
        })
    }

    /// The key of the digests by which equal hashes are recognised: one for the installation.
    async fn digest_key(&self) -> Result<SecretBytes, Error> {
        let mut rows = self.store().read().await?;
        if let Some(text) = rows.setting(DIGEST_KEY).await? {
            return unhex(&text).ok_or_else(|| Error::Unavailable("a setting is damaged".to_owned()));
        }
        drop(rows);
        let made: [u8; 32] = postern_vault::random::bytes();
        let mut tx = self.store().write(self.now()).await?;
        if tx.setting(DIGEST_KEY).await?.is_none() {
            tx.setting_set(DIGEST_KEY, &hex::encode(made)).await?;
        }
        let text = tx.setting(DIGEST_KEY).await?.unwrap_or_default();
        tx.commit_upkeep().await?;
        unhex(&text).ok_or_else(|| Error::Unavailable("a setting is damaged".to_owned()))
    }
}

/// How an asset is discovered.
pub(crate) struct Way {
    pub(crate) connector: Arc<dyn Connector>,
    pub(crate) target: Target,
    pub(crate) login: Login,
    digest_key: SecretBytes,
    try_default_passwords: bool,
}

/// The assets in `scopes` that have these labels and a discovery account.
async fn candidates(
    rows: &mut ReadTx,
    scopes: &[ScopePath],
    labels: &BTreeMap<String, String>,
) -> Result<Vec<Asset>, Error> {
    let filter = AssetFilter { labels: labels.clone(), ..AssetFilter::default() };
    let mut found = Vec::new();
    let mut page = PageRequest { cursor: None, limit: Some(ASSETS_PAGE) };
    loop {
        let listed = rows.assets(scopes, &filter, &page.clone().into()).await?;
        for asset in listed.items {
            if rows.asset_connector(&asset.id).await?.discovery_account.is_some() {
                found.push(asset);
            }
        }
        match listed.next {
            Some(cursor) if found.len() < ASSETS_MAX => page.cursor = Some(cursor),
            _ => return Ok(found),
        }
    }
}

fn unhex(text: &str) -> Option<SecretBytes> {
    hex::decode(text).ok().map(SecretBytes::new)
}

/// The setting that holds the key of digests.
const DIGEST_KEY: &str = "discovery.digest_key";
/// How many assets are looked at at once.
const ASSETS_AT_ONCE: usize = 16;
/// How long one asset may take.
const ASSET_TIME_MAX: Duration = Duration::from_secs(600);
/// The most accounts that are kept of one asset.
const ACCOUNTS_MAX: usize = 20_000;
/// The most assets of one run.
const ASSETS_MAX: usize = 100_000;
const ASSETS_PAGE: u32 = 200;
const WAITING_AT_ONCE: u32 = 256;
const DUE_AT_ONCE: u32 = 1000;
const OBSERVATIONS_WAITING: usize = 64;
const EVERY_SECONDS_MIN: u32 = 300;
const CERTIFICATES_LEN_MAX: usize = 256 * 1024;

#[cfg(test)]
mod tests;
