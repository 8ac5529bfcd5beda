//! What was planted against what is found.

use std::collections::BTreeSet;

use postern_connectors::{Shell, ShellError};
use postern_domain::Timestamp;
use postern_domain::finding::{Facts, FindingKind, Known, Sharing, findings};

use crate::look::{self, Seen};
use crate::plant::{self, Place, Planted};
use crate::server::{Server, start_all};

/// How many servers are looked at at a time.
pub(crate) const AT_ONCE: usize = 16;

type Findings = BTreeSet<(String, String, FindingKind)>;

pub(crate) async fn run() -> anyhow::Result<bool> {
    let (plans, mut planted) = plant::estate()?;
    let servers = start_all(plans).await?;
    println!("{} servers run", servers.len());
    let first_at = look::now();
    let first = look::all(&servers, AT_ONCE).await?;
    let raised = raise(&first, None, &planted);
    let mut faults = compare(&planted.accounts, &first.keys().cloned().collect(), "account");
    faults += compare(&planted.findings, &raised, "finding");

    change(&servers, &mut planted).await?;
    let second = look::all(&servers, AT_ONCE).await?;
    let raised = raise(&second, Some((&first, first_at)), &planted);
    let found: BTreeSet<Place> = second.keys().cloned().collect();
    faults += compare(&planted.accounts, &found, "account");
    faults += compare(&planted.findings, &raised, "finding");

    let invented = found.difference(&planted.accounts).count();
    let wrong = raised.difference(&planted.findings).count();
    println!(
        "targets={} planted={} found={} invented={invented} findings_planted={} raised={} false={wrong}",
        servers.len(),
        planted.accounts.len(),
        found.intersection(&planted.accounts).count(),
        planted.findings.len(),
        raised.intersection(&planted.findings).count(),
    );
    Ok(faults == 0 && servers.len() >= 200)
}

/// Says what is missing and what was made up; how many of both.
fn compare<T: Ord + std::fmt::Debug>(planted: &BTreeSet<T>, found: &BTreeSet<T>, what: &str) -> usize {
    for missing in planted.difference(found).take(20) {
        println!("{what} not found: {missing:?}");
    }
    for invented in found.difference(planted).take(20) {
        println!("{what} made up: {invented:?}");
    }
    planted.symmetric_difference(found).count()
}

fn raise(seen: &Seen, before: Option<(&Seen, Timestamp)>, planted: &Planted) -> Findings {
    let mut sharing = Sharing::default();
    for ((asset, _), observation) in seen {
        sharing.add(asset, observation);
    }
    let mut raised = Findings::new();
    for (place, observation) in seen {
        let known = Known {
            is_managed: planted.managed.contains(place),
            owner: planted.orphaned.contains(place).then(|| ("somebody".to_owned(), false)),
            ..Known::default()
        };
        let facts = Facts {
            seen: observation,
            before: before.map(|(before, _)| before.get(place)),
            before_at: before.map(|(_, at)| at),
            known: &known,
            shared: &sharing,
            asset: &place.0,
            now: look::now(),
        };
        raised.extend(findings(facts).into_iter().map(|raised| (place.0.clone(), place.1.clone(), raised.kind)));
    }
    // That the discovery account has power is known and wanted.
    raised.retain(|(_, name, kind)| !(name == "audit" && *kind == FindingKind::StandingPrivilege));
    raised
}

/// Changes behind Postern's back what changes between the runs.
async fn change(servers: &[Server], planted: &mut Planted) -> anyhow::Result<()> {
    for (index, server) in servers.iter().filter_map(|server| Some((index(&server.asset)?, server))) {
        if let Some(script) = plant::later(index, planted) {
            let shell = Shell::open(&server.target, &server.login).await.map_err(ShellError::failure)?;
            let done = shell.run_as_root(&["sh", "-s"], script.as_bytes()).await.map_err(ShellError::failure)?;
            anyhow::ensure!(done.status == Some(0), "{}: {}", server.asset, done.stderr);
        }
    }
    Ok(())
}

fn index(asset: &str) -> Option<usize> {
    asset.strip_prefix("unix-")?.parse().ok()
}
