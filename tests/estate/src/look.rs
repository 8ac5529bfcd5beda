//! Discovery of many servers, a bounded number at a time.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, anyhow};
use futures::stream::{StreamExt as _, TryStreamExt as _};
use postern_connectors::{Connectors, Survey};
use postern_domain::discovery::Observation;
use postern_domain::{SecretBytes, Timestamp};
use tokio::sync::mpsc;

use crate::server::Server;

/// What was seen, by asset and account.
pub(crate) type Seen = BTreeMap<(String, String), Observation>;

pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Timestamp::from_millis(0).after(since)
}

/// Discovers one server.
pub(crate) async fn one(connectors: &Connectors, server: &Server) -> anyhow::Result<Vec<Observation>> {
    let connector = connectors.of(server.platform).ok_or_else(|| anyhow!("{:?} has no connector", server.platform))?;
    let survey = Survey { accounts_max: 100_000, digest_key: SecretBytes::new(vec![7; 32]), now: now() };
    let (tx, mut rx) = mpsc::channel(64);
    let collect = async {
        let mut all = Vec::new();
        while let Some(observation) = rx.recv().await {
            all.push(observation);
        }
        all
    };
    let look = async {
        let coverage = connector.discover(&server.target, &server.login, &survey, &tx).await;
        drop(tx);
        coverage
    };
    let (coverage, all) = tokio::join!(look, collect);
    let coverage = coverage.with_context(|| format!("discovering {}", server.asset))?;
    anyhow::ensure!(coverage.is_complete() && coverage.gaps.is_empty(), "{}: {coverage:?}", server.asset);
    Ok(all)
}

/// Discovers them all.
pub(crate) async fn all(servers: &[Server], at_once: usize) -> anyhow::Result<Seen> {
    let connectors = Connectors::all();
    let connectors = &connectors;
    let found: Vec<_> = futures::stream::iter(servers)
        .map(|server| async move { Ok::<_, anyhow::Error>((server, one(connectors, server).await?)) })
        .buffer_unordered(at_once)
        .try_collect()
        .await?;
    let mut seen = Seen::new();
    for (server, observations) in found {
        for observation in observations {
            let place = (server.asset.clone(), observation.name.clone());
            anyhow::ensure!(seen.insert(place.clone(), observation).is_none(), "{place:?} was reported twice");
        }
    }
    Ok(seen)
}
