//! Discovery sources: where hosts are looked for, and in which order.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::address::{Addresses, Span};
use crate::asset::Platform;
use crate::id::{HostId, SourceId};
use crate::name::{AssetName, SourceName};
use crate::period::Period;
use crate::scope::ScopePath;
use crate::time::Timestamp;

/// Where hosts are looked for. Nothing outside its networks is ever connected to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceDocument {
    /// Name, unique within the tenant: 1 to 63 of a-z 0-9 . _ -
    pub name: SourceName,
    /// The scope it belongs to, where hosts that are adopted go; `/` unless given.
    #[serde(default)]
    pub scope: ScopePath,
    /// The networks that may be touched.
    #[schemars(with = "Vec<String>")]
    #[serde(deserialize_with = "crate::policy::conditions::networks")]
    pub networks: Vec<IpNet>,
    /// What is looked at in them: networks, ranges, addresses, host names; at most 65,536 addresses.
    pub addresses: Vec<Addresses>,
    /// The ports that are tried, each with what it suggests; the usual ones unless given.
    #[serde(default = "usual_ports")]
    pub ports: Vec<PortHint>,
    /// The most connections that are begun in a second; 50 unless given.
    #[serde(default = "usual_rate")]
    pub rate: u32,
    /// The most connections at once, to each address one; 32 unless given.
    #[serde(default = "usual_concurrency")]
    pub concurrency: u32,
    /// How often it is looked by itself; only on demand where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Period>,
}

/// A port, and what listens there where the server does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PortHint {
    /// The port.
    pub port: u16,
    /// What it suggests.
    pub platform: Platform,
}

/// A discovery source as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiscoverySource {
    /// Identifier.
    pub id: SourceId,
    /// What was declared.
    pub declared: SourceDocument,
    /// When it is looked next by itself.
    pub next_at: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A host that a run over a source found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FoundHost {
    /// Identifier.
    pub id: HostId,
    /// The source.
    pub source: SourceName,
    /// The scope, which is the source's.
    pub scope: ScopePath,
    /// `address:port`
    pub address: String,
    /// The host name that stood for the address, where the source names one.
    pub name: Option<String>,
    /// What it seems to be.
    pub platform: Platform,
    /// Whether the server said so; the port suggests it otherwise.
    pub is_recognised: bool,
    /// What the server said, for people: at most 200 characters, none of them a control character.
    pub banner: Option<String>,
    /// The fingerprint of the SSH host key that it presented. Nobody decided on it.
    pub host_key: Option<String>,
    /// The asset that is at this address, as of the newest run.
    pub asset: Option<AssetName>,
    /// When it was first seen.
    pub first_seen_at: Timestamp,
    /// When it was last seen.
    pub seen_at: Timestamp,
    /// Since when it answers no more.
    pub gone_at: Option<Timestamp>,
}

impl SourceDocument {
    /// What is not true of it beyond the types of its fields, by field.
    #[must_use]
    pub fn faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        let mut counted = |field, count: usize, max: usize| {
            if count == 0 || count > max {
                faults.push((field, format!("give 1 to {max}")));
            }
        };
        counted("networks", self.networks.len(), NETWORKS_MAX);
        counted("addresses", self.addresses.len(), ENTRIES_MAX);
        counted("ports", self.ports.len(), PORTS_MAX);
        for network in self.networks.iter().filter(|network| network.trunc() != **network) {
            let meant = network.trunc();
            faults.push(("networks", format!("`{network}` is an address within a network: did you mean {meant}?")));
        }
        for addresses in self.addresses.iter().filter(|addresses| !addresses.are_within(&self.networks)) {
            faults.push(("addresses", format!("`{addresses}` is not within one of the networks")));
        }
        if Plan::count(&self.spans(), &self.names()) > u128::from(ADDRESSES_MAX) {
            faults.push(("addresses", format!("are more than {ADDRESSES_MAX}: make several sources of them")));
        }
        for (index, hint) in self.ports.iter().enumerate() {
            if hint.port == 0 || self.ports.iter().take(index).any(|earlier| earlier.port == hint.port) {
                faults.push(("ports", format!("port {} is 0 or stands there twice", hint.port)));
            }
        }
        if !(1..=RATE_MAX).contains(&self.rate) {
            faults.push(("rate", format!("give 1 to {RATE_MAX} connections per second")));
        }
        if !(1..=CONCURRENCY_MAX).contains(&self.concurrency) {
            faults.push(("concurrency", format!("give 1 to {CONCURRENCY_MAX}")));
        }
        if self.every.is_some_and(|every| every.seconds() < EVERY_SECONDS_MIN) {
            faults.push(("every", format!("is less than {EVERY_SECONDS_MIN}s")));
        }
        faults
    }

    /// Whether an address may be connected to.
    #[must_use]
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }

    fn spans(&self) -> Vec<Span> {
        Span::merged(self.addresses.iter().filter_map(Addresses::span).collect())
    }

    fn names(&self) -> Vec<String> {
        let name = |addresses: &Addresses| match addresses {
            Addresses::Name(name) => Some(name.clone()),
            Addresses::Network(_) | Addresses::Range(..) => None,
        };
        let mut names: Vec<_> = self.addresses.iter().filter_map(name).collect();
        names.sort();
        names.dedup();
        names
    }
}

/// A host to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// By its address.
    Address(IpAddr),
    /// By what a name stands for.
    Name(String),
}

/// Hosts that are looked at together, all at one port, so that each gets one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The port.
    pub port: PortHint,
    /// The hosts, each once.
    pub hosts: Vec<Host>,
    /// How far the plan is when this is done.
    pub next: u32,
}

/// What a run looks at, in an order that depends on the declaration alone: port by port over all hosts,
/// so that no host is looked at in a row, and a number says how far the run is.
#[derive(Clone, Debug)]
pub struct Plan {
    spans: Vec<Span>,
    names: Vec<String>,
    ports: Vec<PortHint>,
    hosts: u32,
    rate: u32,
}

impl Plan {
    /// The plan of a declaration without faults; of one with too many addresses it is the first of them.
    #[must_use]
    pub fn of(source: &SourceDocument) -> Self {
        let (spans, names) = (source.spans(), source.names());
        let hosts = u32::try_from(Self::count(&spans, &names)).unwrap_or(u32::MAX).min(ADDRESSES_MAX);
        let ports = source.ports.iter().copied().take(PORTS_MAX).collect();
        Self { spans, names, ports, hosts, rate: source.rate.max(1) }
    }

    fn count(spans: &[Span], names: &[String]) -> u128 {
        let addresses = spans.iter().fold(0_u128, |sum, span| sum.saturating_add(span.count()));
        addresses.saturating_add(u128::try_from(names.len()).unwrap_or(u128::MAX))
    }

    /// How many connections it is: hosts times ports.
    #[must_use]
    pub fn targets(&self) -> u32 {
        self.hosts.saturating_mul(u32::try_from(self.ports.len()).unwrap_or(u32::MAX))
    }

    /// The shortest time that a whole run can take, which its rate allows.
    #[must_use]
    pub fn shortest(&self) -> Duration {
        Duration::from_secs(u64::from(self.targets().div_ceil(self.rate)))
    }

    /// What comes after the first `done` connections, at most `max` of them; none at the end.
    #[must_use]
    pub fn batch(&self, done: u32, max: u32) -> Option<Batch> {
        let port = *self.ports.get(usize::try_from(done.checked_div(self.hosts)?).ok()?)?;
        let first = done.checked_rem(self.hosts)?;
        let end = self.hosts.min(first.saturating_add(max.max(1)));
        let hosts: Vec<_> = (first..end).filter_map(|index| self.host(index)).collect();
        Some(Batch { port, hosts, next: done.saturating_add(end.saturating_sub(first)) })
    }

    fn host(&self, index: u32) -> Option<Host> {
        let mut index = u128::from(index);
        for span in &self.spans {
            match index.checked_sub(span.count()) {
                Some(behind) => index = behind,
                None => return span.nth(index).map(Host::Address),
            }
        }
        self.names.get(usize::try_from(index).ok()?).cloned().map(Host::Name)
    }
}

fn usual_ports() -> Vec<PortHint> {
    let hint = |port, platform| PortHint { port, platform };
    vec![
        hint(22, Platform::Linux),
        hint(389, Platform::Ldap),
        hint(636, Platform::Ldap),
        hint(3306, Platform::Mysql),
        hint(5432, Platform::Postgresql),
        hint(6379, Platform::Redis),
    ]
}

const fn usual_rate() -> u32 {
    50
}

const fn usual_concurrency() -> u32 {
    32
}

/// The most addresses of one source.
pub const ADDRESSES_MAX: u32 = 65_536;
const NETWORKS_MAX: usize = 256;
const ENTRIES_MAX: usize = 1024;
const PORTS_MAX: usize = 32;
const RATE_MAX: u32 = 1000;
const CONCURRENCY_MAX: u32 = 256;
const EVERY_SECONDS_MIN: u64 = 300;

#[cfg(test)]
mod tests;
