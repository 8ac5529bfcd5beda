//! Addresses of a discovery source: networks, ranges, single addresses and host names.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::asset::is_host;
use crate::name::{InvalidName, shown};

/// Addresses as they are declared: `10.1.2.0/24`, `10.1.3.5-10.1.3.99`, `10.1.2.3`, `web-7.example.com`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum Addresses {
    /// Every host of a network: without its own address and its broadcast address, where it has them.
    Network(IpNet),
    /// From one address to another of the same family, both included.
    Range(IpAddr, IpAddr),
    /// What a name stands for at the time of the run.
    Name(String),
}

/// Addresses of one family without a gap, as numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    pub(super) is_v6: bool,
    pub(super) first: u128,
    pub(super) last: u128,
}

impl Span {
    fn of(first: IpAddr, last: IpAddr) -> Self {
        Self { is_v6: first.is_ipv6(), first: number(first), last: number(last) }
    }

    /// How many addresses there are.
    pub(super) const fn count(self) -> u128 {
        (self.last - self.first).saturating_add(1)
    }

    /// The address that is `index` after the first one; none behind the last one.
    pub(super) fn nth(self, index: u128) -> Option<IpAddr> {
        let number = self.first.checked_add(index).filter(|number| *number <= self.last)?;
        if self.is_v6 {
            return Some(IpAddr::V6(Ipv6Addr::from(number)));
        }
        u32::try_from(number).ok().map(|number| IpAddr::V4(Ipv4Addr::from(number)))
    }

    /// The same addresses, each once, in order.
    pub(super) fn merged(mut spans: Vec<Self>) -> Vec<Self> {
        spans.sort();
        let mut merged: Vec<Self> = Vec::new();
        for span in spans {
            match merged.last_mut() {
                Some(before) if before.is_v6 == span.is_v6 && span.first <= before.last.saturating_add(1) => {
                    before.last = before.last.max(span.last);
                }
                _ => merged.push(span),
            }
        }
        merged
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(four) => u128::from(u32::from(four)),
        IpAddr::V6(six) => u128::from(six),
    }
}

impl Addresses {
    /// The addresses as numbers; none for a name.
    pub(super) fn span(&self) -> Option<Span> {
        match self {
            Self::Network(network) => {
                let whole = Span::of(network.network(), network.broadcast());
                let has_own = !whole.is_v6 && network.prefix_len() < 31;
                let inner = Span { first: whole.first + 1, last: whole.last.saturating_sub(1), ..whole };
                Some(if has_own { inner } else { whole })
            }
            Self::Range(first, last) => Some(Span::of(*first, *last)),
            Self::Name(_) => None,
        }
    }

    /// Whether one of `networks` holds all of them. What a name stands for is not known yet.
    pub(super) fn are_within(&self, networks: &[IpNet]) -> bool {
        match self {
            Self::Network(network) => networks.iter().any(|wide| wide.contains(network)),
            Self::Range(first, last) => networks.iter().any(|wide| wide.contains(first) && wide.contains(last)),
            Self::Name(_) => true,
        }
    }
}

impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(network) if network.prefix_len() == network.max_prefix_len() => network.addr().fmt(f),
            Self::Network(network) => network.fmt(f),
            Self::Range(first, last) => write!(f, "{first}-{last}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl FromStr for Addresses {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let parsed = Some(text).filter(|text| text.len() <= ADDRESSES_LEN_MAX).and_then(|text| {
            if text.contains('/') {
                let network = text.parse::<IpNet>().ok()?;
                return (network.trunc() == network).then_some(Self::Network(network));
            }
            if let Ok(address) = text.parse::<IpAddr>() {
                return Some(Self::Network(IpNet::from(address)));
            }
            let ends = text.split_once('-').map(|(first, last)| (first.trim().parse(), last.trim().parse()));
            if let Some((Ok(first), Ok(last))) = ends {
                let (first, last): (IpAddr, IpAddr) = (first, last);
                return (first.is_ipv4() == last.is_ipv4() && first <= last).then_some(Self::Range(first, last));
            }
            // What ends in a number is an address that was mistyped: no name does.
            let top = text.trim_end_matches('.').rsplit('.').next()?;
            (is_host(text) && !top.bytes().all(|b| b.is_ascii_digit())).then(|| Self::Name(text.to_ascii_lowercase()))
        });
        parsed.ok_or_else(|| InvalidName {
            field: "addresses",
            given: shown(text),
            remedy: "write a network 10.1.2.0/24, a range 10.1.3.5-10.1.3.99, an address or a host name",
        })
    }
}

impl TryFrom<String> for Addresses {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl From<Addresses> for String {
    fn from(addresses: Addresses) -> Self {
        addresses.to_string()
    }
}

const ADDRESSES_LEN_MAX: usize = 253;
