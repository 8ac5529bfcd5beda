//! A run over a source: who listens at its addresses, within its networks and at its pace.
//!
//! The plan of a run follows from what was declared when it began, so that a number says how far it is.
//! What a batch found is written together with that number: a run that was cut off goes on there.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures::stream::StreamExt as _;
use postern_connectors::Sight;
use postern_domain::asset::{Asset, split_address};
use postern_domain::discovery::{Batch, Host, Plan, PortHint, RunState, SourceDocument};
use postern_domain::event::Event;
use postern_domain::finding::unknown_host;
use postern_domain::{AssetId, DiscoveryId, FindingId, HostId, ScopePath};
use postern_store::{AssetFilter, PageRequest, SeenHost, SourceRun};
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

use crate::{Control, Error};

/// Who was seen at an address, and the name that stood for it.
type Seen = (SocketAddr, Option<String>, Sight);

impl Control {
    /// Looks at what is left of a run, unless it is ended meanwhile.
    pub(super) async fn sweep(&self, run: &DiscoveryId, mut source: SourceRun) -> Result<(), Error> {
        let plan = Plan::of(&source.declared);
        let named = self.assets_by_name(&source.declared.scope.tenant()).await?;
        let mut pace = interval(Duration::from_secs(1) / source.declared.rate.max(1));
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while let Some(batch) = plan.batch(source.cursor, source.declared.rate.clamp(BATCH_MIN, BATCH_MAX)) {
            let running = self.store().read().await?.discovery_run(run).await?;
            if running.is_none_or(|run| run.state != RunState::Running) {
                return Ok(());
            }
            let addresses = addresses(&source.declared, &batch, &mut source.gaps).await;
            let seen = look_at(&source.declared, batch.port, addresses, &mut pace).await;
            source.cursor = batch.next;
            self.note_seen(run, &source, seen, &named).await?;
        }
        let mut tx = self.store().write(self.now()).await?;
        if let Some(ended) = tx.discovery_run(run).await?.filter(|run| run.state == RunState::Running) {
            tx.hosts_gone(&source.source, ended.created_at).await?;
        }
        tx.commit_upkeep().await?;
        Ok(())
    }

    /// Writes down who was seen, what is wrong with that, and how far the run is.
    async fn note_seen(
        &self,
        run: &DiscoveryId,
        source: &SourceRun,
        seen: Vec<Seen>,
        named: &HashMap<SocketAddr, AssetId>,
    ) -> Result<(), Error> {
        let mut tx = self.store().write(self.now()).await?;
        let scope = &source.declared.scope;
        let count = u32::try_from(seen.len()).unwrap_or(u32::MAX);
        let mut news = Vec::new();
        for (address, name, sight) in seen {
            let declared = tx.asset_at(&scope.tenant(), &address.to_string()).await?;
            let Sight { platform, is_recognised, banner, host_key } = sight;
            let asset = declared.or_else(|| named.get(&address).cloned());
            let address = address.to_string();
            let is_known = asset.is_some();
            let seen = SeenHost { address, name, platform, is_recognised, banner, host_key, asset };
            let fresh = HostId::generate(tx.now(), postern_vault::random::bytes());
            let id = tx.host_put(&fresh, &source.source, &seen).await?;
            if id == fresh {
                let found = Event::done(tx.now(), Self::system(), "host.find", seen.address.as_str(), scope.clone())
                    .with("source", source.declared.name.as_str())
                    .with("run", run.as_str());
                news.push(found);
            }
            if is_known {
                tx.findings_resolve_host(&id).await?;
                continue;
            }
            let Some(host) = tx.host(&id).await? else { continue };
            let raised = unknown_host(&host);
            let finding = FindingId::generate(tx.now(), postern_vault::random::bytes());
            if tx.finding_raise_host(&finding, &id, &raised).await? {
                news.push(super::judge::raised(tx.now(), &host.address, scope, &raised));
            }
        }
        tx.source_run_advance(run, source.cursor, count, &source.gaps).await?;
        match news.is_empty() {
            true => tx.commit_upkeep().await?,
            false => {
                self.commit(tx, &news).await?;
            }
        }
        Ok(())
    }

    /// The addresses that the host names of a tenant's assets stand for now.
    async fn assets_by_name(&self, tenant: &ScopePath) -> Result<HashMap<SocketAddr, AssetId>, Error> {
        let mut rows = self.store().read().await?;
        let mut named = Vec::new();
        let mut page = PageRequest { cursor: None, limit: Some(super::ASSETS_PAGE) };
        loop {
            let listed =
                rows.assets(std::slice::from_ref(tenant), &AssetFilter::default(), &page.clone().into()).await?;
            named.extend(listed.items.into_iter().filter(|asset| asset.scope.tenant() == *tenant).filter_map(named_of));
            match listed.next {
                Some(cursor) if named.len() < super::ASSETS_MAX => page.cursor = Some(cursor),
                _ => break,
            }
        }
        drop(rows);
        let resolved = futures::stream::iter(named)
            .map(|(asset, name, port)| async move { (asset, resolve(&name).await, port) })
            .buffer_unordered(NAMES_AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        let places = resolved.into_iter().flat_map(|(asset, addresses, port)| {
            addresses.into_iter().map(move |address| (SocketAddr::new(address, port), asset.clone()))
        });
        Ok(places.collect())
    }
}

/// The asset with its host name and port, where it is declared by a name.
fn named_of(asset: Asset) -> Option<(AssetId, String, u16)> {
    let (host, port) = split_address(&asset.address).ok()?;
    host.parse::<IpAddr>().is_err().then(|| (asset.id.clone(), host.to_owned(), port))
}

/// What a name stands for now; nothing where that cannot be found out in time.
async fn resolve(name: &str) -> Vec<IpAddr> {
    let looked = timeout(RESOLVE_MAX, tokio::net::lookup_host((name, 0))).await;
    let Ok(Ok(found)) = looked else { return Vec::new() };
    found.map(|address| address.ip().to_canonical()).take(ADDRESSES_OF_NAME_MAX).collect()
}

/// The addresses of a batch, each once, with the names that stand for them. Names are resolved here and
/// what they stand for is held against the networks: what is connected to is this address and no name.
async fn addresses(
    declared: &SourceDocument,
    batch: &Batch,
    gaps: &mut Vec<String>,
) -> BTreeMap<IpAddr, Option<String>> {
    let mut found = BTreeMap::new();
    for host in &batch.hosts {
        match host {
            Host::Address(address) => {
                found.entry(*address).or_insert(None);
            }
            Host::Name(name) => {
                let resolved = resolve(name).await;
                if resolved.is_empty() {
                    gap(gaps, format!("{name}: stands for no address"));
                }
                for address in resolved {
                    if declared.allows(address) {
                        found.insert(address, Some(name.clone()));
                    } else {
                        gap(gaps, format!("{name}: stands for {address}, outside the declared networks"));
                    }
                }
            }
        }
    }
    found
}

fn gap(gaps: &mut Vec<String>, text: String) {
    if gaps.len() < GAPS_MAX && !gaps.contains(&text) {
        gaps.push(text);
    }
}

/// Connects to each address once, at the pace and with the concurrency that are declared.
async fn look_at(
    declared: &SourceDocument,
    hint: PortHint,
    addresses: BTreeMap<IpAddr, Option<String>>,
    pace: &mut Interval,
) -> Vec<Seen> {
    let at_once = usize::try_from(declared.concurrency).unwrap_or(1).max(1);
    let mut looking: JoinSet<Option<Seen>> = JoinSet::new();
    let mut seen = Vec::new();
    for (address, name) in addresses {
        if !declared.allows(address) {
            continue;
        }
        pace.tick().await;
        while looking.len() >= at_once {
            seen.extend(looking.join_next().await.and_then(Result::ok).flatten());
        }
        let address = SocketAddr::new(address, hint.port);
        looking.spawn(async move {
            postern_connectors::look(address, hint.platform).await.map(|sight| (address, name, sight))
        });
    }
    while let Some(looked) = looking.join_next().await {
        seen.extend(looked.ok().flatten());
    }
    seen
}

/// How many addresses are looked at between two writings: about as many as are in a second.
const BATCH_MIN: u32 = 16;
const BATCH_MAX: u32 = 256;
const RESOLVE_MAX: Duration = Duration::from_secs(3);
const NAMES_AT_ONCE: usize = 16;
const ADDRESSES_OF_NAME_MAX: usize = 16;
const GAPS_MAX: usize = 100;
