//! `postern discover ...`, `postern accounts`, `postern findings ...`.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use postern_domain::asset::{Asset, Platform};
use postern_domain::discovery::{DiscoveryRun, DiscoverySource, DiscoveryTarget, FoundHost, Inventory, RunState};
use postern_domain::finding::{Finding, words};
use postern_domain::{AccountName, AssetName, DiscoveryId, FindingId, HostId, SourceName, Timestamp, UserName};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use crate::client::{Client, segment};
use crate::exit::{DONE, FAILED, Failure};
use crate::output::{self, Columns, Format};

const SOURCES: &str = "/v1/discovery-sources";
/// How often a run is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// Discoveries.
#[derive(Subcommand)]
pub(crate) enum DiscoverCommand {
    /// Look at assets; at all that have a discovery account when none is named.
    Run {
        /// The assets.
        assets: Vec<AssetName>,
        /// Those with this label, key=value; may be given more than once.
        #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
        label: Vec<(String, String)>,
        /// Look for the hosts of this source instead of at assets.
        #[arg(long, conflicts_with_all = ["assets", "label"])]
        source: Option<SourceName>,
        /// Come back at once instead of waiting until it is done.
        #[arg(long)]
        no_wait: bool,
    },
    /// List discovery sources: where hosts are looked for. They are made and changed with `postern apply`.
    Sources,
    /// Take a discovery source out of use.
    DeleteSource {
        /// The source.
        source: SourceName,
    },
    /// List hosts that sources found.
    Hosts {
        /// Found by this source.
        #[arg(long)]
        source: Option<SourceName>,
        /// Only those that no asset names and that still answer.
        #[arg(long)]
        unknown: bool,
    },
    /// Make a found host an asset, in the scope of its source.
    Adopt {
        /// The host: hst_... or address:port.
        host: String,
        /// The asset's name.
        #[arg(long)]
        name: AssetName,
        /// What kind of system it is, where it is not what it seems to be.
        #[arg(long, value_parser = platform)]
        platform: Option<Platform>,
    },
    /// List discoveries, newest first.
    List,
    /// Show one discovery and what became of each asset.
    Show {
        /// The discovery, dis_...
        id: DiscoveryId,
    },
    /// Look at no more assets of a discovery.
    Cancel {
        /// The discovery, dis_...
        id: DiscoveryId,
    },
    /// Say how an asset is discovered, and what it is known by.
    Set {
        /// The asset.
        asset: AssetName,
        /// As which of its accounts.
        #[arg(long)]
        account: Option<AccountName>,
        /// A setting of its platform, name=value; may be given more than once.
        #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
        setting: Vec<(String, String)>,
        /// A file of PEM certificates that it is known by.
        #[arg(long, value_name = "FILE")]
        certificates: Option<PathBuf>,
        /// How often, in seconds.
        #[arg(long, value_name = "SECONDS")]
        every: Option<u32>,
        /// Try passwords that everybody knows on its accounts, each once.
        #[arg(long)]
        try_default_passwords: bool,
    },
}

fn platform(text: &str) -> Result<Platform, String> {
    let word = serde_json::Value::String(text.to_owned());
    serde_json::from_value(word).map_err(|error| error.to_string())
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it as key=value")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// A run with its assets.
#[derive(Deserialize, serde::Serialize)]
struct Shown {
    #[serde(flatten)]
    run: DiscoveryRun,
    assets: Vec<DiscoveryTarget>,
    #[serde(default)]
    gaps: Vec<String>,
}

impl Columns for DiscoveryRun {
    const HEADINGS: &'static [&'static str] =
        &["ID", "SOURCE", "BY", "STATE", "DONE", "FAILED", "OF", "ACCOUNTS", "HOSTS", "BEGUN", "ENDS"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            output::or_dash(self.source.as_ref()),
            self.requested_by.clone(),
            output::word(&self.state),
            self.looked_at.to_string(),
            self.failed.to_string(),
            self.targets.to_string(),
            self.accounts.to_string(),
            self.hosts.to_string(),
            output::time(self.created_at),
            output::or_dash(self.ended_at.or(self.expected_at).map(output::time)),
        ]
    }
}

impl Columns for DiscoveryTarget {
    const HEADINGS: &'static [&'static str] = &["ASSET", "STATE", "ACCOUNTS", "MS", "NOT SEEN, OR WHY IT FAILED"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.asset.to_string(),
            output::word(&self.state),
            output::or_dash(self.accounts),
            output::or_dash(self.millis),
            self.failure.clone().unwrap_or_else(|| self.gaps.join("; ")),
        ]
    }
}

impl Columns for Inventory {
    const HEADINGS: &'static [&'static str] =
        &["ACCOUNT", "USE", "MANAGED", "OWNER", "LAST SIGN-IN", "PRIVILEGED BECAUSE"];

    fn cells(&self) -> Vec<String> {
        let why: Vec<String> = self.seen.privileges.iter().map(words).collect();
        vec![
            format!("{}@{}", self.seen.name, self.asset),
            output::word(&self.seen.usage),
            if self.is_managed { "yes" } else { "no" }.to_owned(),
            output::or_dash(self.owner.as_ref()),
            output::or_dash(self.seen.last_sign_in_at.map(output::time)),
            if why.is_empty() { "-".to_owned() } else { why.join("; ") },
        ]
    }
}

impl Columns for Finding {
    const HEADINGS: &'static [&'static str] = &["ID", "SEVERITY", "KIND", "ABOUT", "STATE", "RAISED", "EVIDENCE"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            output::word(&self.severity),
            output::word(&self.kind),
            self.subject(),
            output::word(&self.state),
            output::time(self.raised_at),
            self.evidence.join("; "),
        ]
    }
}

impl Columns for DiscoverySource {
    const HEADINGS: &'static [&'static str] =
        &["NAME", "SCOPE", "NETWORKS", "ADDRESSES", "PORTS", "RATE", "EVERY", "NEXT"];

    fn cells(&self) -> Vec<String> {
        let joined = |texts: Vec<String>| texts.join(",");
        let declared = &self.declared;
        vec![
            declared.name.to_string(),
            declared.scope.to_string(),
            joined(declared.networks.iter().map(ToString::to_string).collect()),
            joined(declared.addresses.iter().map(ToString::to_string).collect()),
            joined(declared.ports.iter().map(|hint| hint.port.to_string()).collect()),
            declared.rate.to_string(),
            output::or_dash(declared.every),
            output::or_dash(self.next_at.map(output::time)),
        ]
    }
}

impl Columns for FoundHost {
    const HEADINGS: &'static [&'static str] =
        &["ID", "ADDRESS", "NAME", "PLATFORM", "ASSET", "SOURCE", "SEEN", "HOST KEY", "SAYS"];

    fn cells(&self) -> Vec<String> {
        let seen = output::time(self.seen_at);
        vec![
            self.id.to_string(),
            self.address.clone(),
            output::or_dash(self.name.as_ref()),
            output::word(&self.platform) + if self.is_recognised { "" } else { "?" },
            output::or_dash(self.asset.as_ref()),
            self.source.to_string(),
            if self.gone_at.is_some() { format!("{seen}, gone") } else { seen },
            output::or_dash(self.host_key.as_ref()),
            output::or_dash(self.banner.as_ref()),
        ]
    }
}

impl DiscoverCommand {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let client = Client::signed_in()?;
        match self {
            Self::Run { assets, label, source, no_wait } => {
                let labels: BTreeMap<_, _> = label.into_iter().collect();
                let run: DiscoveryRun = match source {
                    Some(source) => client.post(&format!("{SOURCES}/{source}/run"), &json!({})).await?,
                    None => client.post("/v1/discoveries", &json!({ "assets": assets, "labels": labels })).await?,
                };
                if no_wait {
                    output::one(format, &run)?;
                    return Ok(DONE);
                }
                let run = wait(&client, run).await?;
                output::one(format, &run)?;
                return Ok(if run.failed == 0 { DONE } else { FAILED });
            }
            Self::Sources => {
                let sources: Vec<DiscoverySource> = client.all(SOURCES, &[]).await?;
                output::list(format, &sources)?;
            }
            Self::DeleteSource { source } => {
                client.delete(&format!("{SOURCES}/{source}")).await?;
                output::line(&format!("discovery source {source} deleted"))?;
            }
            Self::Hosts { source, unknown } => hosts(&client, source, unknown, format).await?,
            Self::Adopt { host, name, platform } => adopt(&client, host, &name, platform, format).await?,
            Self::List => {
                let runs: Vec<DiscoveryRun> = client.all("/v1/discoveries", &[]).await?;
                output::list(format, &runs)?;
            }
            Self::Show { id } => {
                let shown: Shown = client.get(&path_of(&id)).await?;
                match format {
                    Format::Table => {
                        output::list(format, &[shown.run])?;
                        output::line("")?;
                        output::list(format, &shown.assets)?;
                        shown.gaps.iter().try_for_each(|gap| output::line(gap))?;
                    }
                    Format::Json | Format::Yaml => output::one(format, &shown)?,
                }
            }
            Self::Cancel { id } => {
                let run: DiscoveryRun = client.post(&format!("{}/cancel", path_of(&id)), &json!({})).await?;
                output::one(format, &run)?;
            }
            Self::Set { asset, account, setting, certificates, every, try_default_passwords } => {
                let certificates = certificates.as_deref().map(certificates_of).transpose()?.unwrap_or_default();
                let settings: BTreeMap<_, _> = setting.into_iter().collect();
                let body = json!({
                    "settings": settings,
                    "certificates": certificates,
                    "discovery_account": account,
                    "try_default_passwords": try_default_passwords,
                    "every_seconds": every,
                });
                client.tell(Method::PUT, &format!("/v1/assets/{}/connector", segment(asset.as_str())), &body).await?;
                output::line(&format!("how {asset} is discovered is stored"))?;
            }
        }
        Ok(DONE)
    }
}

fn certificates_of(file: &Path) -> Result<String, Failure> {
    Ok(std::fs::read_to_string(file).map_err(|error| anyhow::anyhow!("cannot read {}: {error}", file.display()))?)
}

async fn hosts(client: &Client, source: Option<SourceName>, unknown: bool, format: Format) -> Result<(), Failure> {
    let source = source.map(|source| source.to_string());
    let query = [("source", source), ("unknown", unknown.then(|| "true".to_owned()))];
    let hosts: Vec<FoundHost> = client.all("/v1/hosts", &query).await?;
    output::list(format, &hosts)?;
    Ok(())
}

async fn adopt(
    client: &Client,
    host: String,
    name: &AssetName,
    platform: Option<Platform>,
    format: Format,
) -> Result<(), Failure> {
    let id = host_id(client, host).await?;
    let body = json!({ "name": name, "platform": platform });
    let asset: Asset = client.post(&format!("/v1/hosts/{id}/adopt"), &body).await?;
    output::one(format, &asset)?;
    Ok(())
}

/// The id of a host that is given by its id or its address.
async fn host_id(client: &Client, host: String) -> Result<HostId, Failure> {
    if let Ok(id) = host.parse() {
        return Ok(id);
    }
    let found: Vec<FoundHost> = client.all("/v1/hosts", &[("address", Some(host.clone()))]).await?;
    match found.as_slice() {
        [one] => Ok(one.id.clone()),
        [] => Err(anyhow::anyhow!("no source found a host at `{host}`: postern discover hosts").into()),
        _ => Err(anyhow::anyhow!("several sources found `{host}`: give its id, hst_...").into()),
    }
}

fn path_of(id: &DiscoveryId) -> String {
    format!("/v1/discoveries/{id}")
}

/// Waits until a run is over, with a bar for people.
async fn wait(client: &Client, begun: DiscoveryRun) -> Result<DiscoveryRun, Failure> {
    let bar = if std::io::stderr().is_terminal() {
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} looked at, {msg} found, {eta} left");
        ProgressBar::new(u64::from(begun.targets)).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    } else {
        ProgressBar::hidden()
    };
    let mut run = begun;
    while run.state == RunState::Running {
        tokio::time::sleep(LOOK_EVERY).await;
        let shown: Shown = client.get(&path_of(&run.id)).await?;
        run = shown.run;
        bar.set_position(u64::from(run.looked_at));
        bar.set_message(run.accounts.max(run.hosts).to_string());
    }
    bar.finish_and_clear();
    Ok(run)
}

/// List accounts that discovery has seen.
#[derive(Args)]
pub(crate) struct Accounts {
    /// On this asset.
    #[arg(long)]
    asset: Option<AssetName>,
    /// Only privileged ones.
    #[arg(long)]
    privileged: bool,
}

impl Accounts {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let client = Client::signed_in()?;
        let query = [("asset", self.asset.map(|asset| asset.to_string()))];
        let mut accounts: Vec<Inventory> = client.all("/v1/inventory", &query).await?;
        accounts.retain(|account| !self.privileged || account.seen.is_privileged());
        output::list(format, &accounts)?;
        Ok(DONE)
    }
}

/// Findings.
#[derive(Args)]
pub(crate) struct Findings {
    #[command(subcommand)]
    action: Option<FindingCommand>,
    /// On this asset.
    #[arg(long)]
    asset: Option<AssetName>,
    /// Of this kind: unmanaged, orphaned, stale, shared, default_password, empty_password, weak_key,
    /// standing_privilege, everyday_privilege, privilege_gained, secret_changed, used_outside, unknown_host, kept_apart.
    #[arg(long)]
    kind: Option<String>,
    /// In this state: open, accepted, resolved.
    #[arg(long)]
    state: Option<String>,
}

/// What is done about a finding.
#[derive(Subcommand)]
pub(crate) enum FindingCommand {
    /// Govern the account from now on.
    Adopt {
        /// The finding, fnd_...
        id: FindingId,
        /// Who answers for it.
        #[arg(long)]
        owner: Option<UserName>,
    },
    /// Say who answers for the account.
    Own {
        /// The finding, fnd_...
        id: FindingId,
        /// The person.
        owner: UserName,
    },
    /// Lock the account on its target.
    Disable {
        /// The finding, fnd_...
        id: FindingId,
    },
    /// Take the account away on its target.
    Remove {
        /// The finding, fnd_...
        id: FindingId,
    },
    /// Accept it for a time.
    Accept {
        /// The finding, fnd_...
        id: FindingId,
        /// Until when: 2027-01-31T00:00:00Z.
        #[arg(long)]
        until: Timestamp,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

impl Findings {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let client = Client::signed_in()?;
        let Some(action) = self.action else {
            let asset = self.asset.map(|asset| asset.to_string());
            let query = [("asset", asset), ("kind", self.kind), ("state", self.state)];
            let findings: Vec<Finding> = client.all("/v1/findings", &query).await?;
            output::list(format, &findings)?;
            return Ok(DONE);
        };
        let (id, verb, body) = match action {
            FindingCommand::Adopt { id, owner } => (id, "adopt", json!({ "owner": owner })),
            FindingCommand::Own { id, owner } => (id, "own", json!({ "owner": owner })),
            FindingCommand::Disable { id } => (id, "disable", json!({})),
            FindingCommand::Remove { id } => (id, "remove", json!({})),
            FindingCommand::Accept { id, until, reason } => (id, "accept", json!({ "until": until, "reason": reason })),
        };
        let finding: Finding = client.post(&format!("/v1/findings/{id}/{verb}"), &body).await?;
        output::one(format, &finding)?;
        Ok(DONE)
    }
}
