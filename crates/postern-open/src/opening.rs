//! Showing a secret, and the record of that.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{anyhow, bail};
use postern_domain::Timestamp;
use postern_vault::offline::{self, Contents, Entry};
use serde_json::json;

use crate::OpenArgs;
use crate::bundle::{Read, read, unseal};
use crate::holder::write_private;

/// Opens a bundle and shows one account's secret. The record is written before anything is shown.
pub(crate) fn open(args: &OpenArgs) -> anyhow::Result<()> {
    if args.incident.trim().is_empty() || args.reason.trim().is_empty() {
        bail!("say for which incident, and why: whoever reviews this reads it");
    }
    let read = read(&args.file)?;
    let (contents, holders) = unseal(&read, &args.opened)?;
    let entry = contents.entries.iter().find(|entry| entry.account == args.account);
    let entry = entry.ok_or_else(|| {
        let names: Vec<_> = contents.entries.iter().map(|entry| entry.account.as_str()).collect();
        anyhow!("{} is not in this bundle; there are: {}", args.account, names.join(", "))
    })?;
    let secret = args.number.checked_sub(1).and_then(|at| entry.secrets.get(at));
    let secret = secret.ok_or_else(|| anyhow!("{} has {} secrets in it", entry.account, entry.secrets.len()))?;
    record(args, &read, &contents, &holders)?;
    reach(entry);
    eprintln!(
        "secret    {} of {} ({}, version {}, {})",
        args.number,
        entry.secrets.len(),
        secret.kind,
        secret.version,
        secret.state
    );
    if args.number < entry.secrets.len() {
        eprintln!("          where it is refused: --try {}", args.number + 1);
    }
    match &args.out {
        Some(path) => write_private(path, secret.value.expose().as_bytes())?,
        None => println!("{}", secret.value.expose().trim_end_matches('\n')),
    }
    Ok(())
}

/// How the account is reached, and what its asset is known by.
fn reach(entry: &Entry) {
    eprintln!("account   {} ({}) at {}", entry.account, entry.platform, entry.address);
    let (host, port) = entry.address.rsplit_once(':').unwrap_or((&entry.address, ""));
    for known in &entry.known_by {
        match (known.lines().count(), port) {
            (1, "22") => eprintln!("known by  {host} {known}"),
            (1, _) => eprintln!("known by  [{}]:{port} {known}", host.trim_matches(['[', ']'])),
            _ => eprintln!("known by\n{known}"),
        }
    }
}

fn record(args: &OpenArgs, read: &Read, contents: &Contents, holders: &[String]) -> anyhow::Result<()> {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX));
    let opening = json!({
        "serial": read.bundle.facts().serial,
        "digest": read.digest,
        "opened_at": now.to_string(),
        "holders": holders,
        "accounts": [args.account],
        "incident": args.incident,
        "reason": args.reason,
    })
    .to_string();
    let mac = offline::record_mac(&contents.record_key, opening.as_bytes())?;
    let file = serde_json::to_vec_pretty(&json!({ "opening": opening, "mac": mac }))?;
    write_private(&args.record, &file)?;
    let path = args.record.display();
    eprintln!("recorded  {path}: once Postern lives again, postern break-glass opened --record {path}");
    Ok(())
}
