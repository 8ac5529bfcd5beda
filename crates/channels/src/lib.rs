//! Ways out for events: signed webhooks, mail, syslog and the HTTP event collector.
//!
//! A channel is told what the ledger holds, in its order, and answers only once somebody else has it:
//! whoever reads the ledger for it moves on after that and not before, so that everything arrives at
//! least once. It knows no database and decides nothing but how an event is written down.

mod collector;
mod config;
mod format;
mod mail;
mod notice;
mod syslog;
mod tell;
mod tls;
mod webhook;

use std::time::Duration;

use postern_domain::Timestamp;
use postern_domain::event::Event;
use serde::Serialize;

pub use config::{Carries, ChannelConfig, ChannelKind, Collector, Mail, MailTls, Syslog, Transport, Webhook};
pub use format::Format;
pub use notice::{Notice, Recipient, Unreachable};
pub use tell::{told, urgent};

/// How long one delivery may take.
const DELIVERY_MAX: Duration = Duration::from_secs(20);

/// An event with its place in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Numbered {
    /// Its place, from 0. A receiver that keeps the highest it has seen knows what comes twice.
    pub index: u64,
    /// What happened.
    pub event: Event,
}

/// What is delivered at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// When.
    pub at: Timestamp,
    /// The server that tells it, as people reach it.
    pub server: String,
    /// How many events the ledger holds: where a receiver's own count is behind, something is missing.
    pub ledger_size: u64,
    /// The ledger's root hash at that size, hex.
    pub ledger_root: String,
    /// What is told; none in a heartbeat.
    pub events: Vec<Numbered>,
}

/// Why something could not be delivered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration cannot be used.
    #[error("channel `{channel}`: {why}")]
    Config {
        /// Which channel.
        channel: String,
        /// What is wrong and what would do.
        why: String,
    },
    /// Nobody took it.
    #[error("{0}")]
    Undelivered(String),
}

/// A way out, ready to be used.
pub struct Channel {
    config: ChannelConfig,
    way: Way,
}

enum Way {
    Webhook(webhook::Sender),
    Mail(Box<mail::Sender>),
    Syslog(Box<syslog::Sender>),
    Collector(Box<collector::Sender>),
}

impl Channel {
    /// Reads what the configuration names: keys, passwords, authorities. Connects to nothing.
    ///
    /// # Errors
    /// `Config` with what is wrong.
    pub fn new(config: ChannelConfig) -> Result<Self, Error> {
        let told = |why: String| Error::Config { channel: config.name.clone(), why };
        config.check().map_err(told)?;
        let way = match &config.kind {
            ChannelKind::Webhook(webhook) => Way::Webhook(webhook::Sender::new(webhook).map_err(told)?),
            ChannelKind::Mail(mail) => Way::Mail(Box::new(mail::Sender::new(mail, config.carries).map_err(told)?)),
            ChannelKind::Syslog(syslog) => Way::Syslog(Box::new(syslog::Sender::new(syslog).map_err(told)?)),
            ChannelKind::Collector(collector) => {
                Way::Collector(Box::new(collector::Sender::new(collector).map_err(told)?))
            }
        };
        Ok(Self { config, way })
    }

    /// How it was configured.
    #[must_use]
    pub const fn config(&self) -> &ChannelConfig {
        &self.config
    }

    /// Whether it is told of `event`.
    #[must_use]
    pub fn carries(&self, event: &Event) -> bool {
        match self.config.carries {
            Carries::Everything => true,
            Carries::Urgent => urgent(event),
            Carries::Requests => false,
        }
    }

    /// Tells people something, each by a message of their own where it is mail; gives those whom the receiver will
    /// never take anything for. Whoever was told of it already is not told again.
    ///
    /// # Errors
    /// `Undelivered`; it is to be told again, and some may have been told already.
    pub async fn notify(&mut self, server: &str, at: Timestamp, notice: &Notice) -> Result<Vec<Unreachable>, Error> {
        let telling = async {
            match &mut self.way {
                Way::Webhook(sender) => sender.notify(&self.config.name, server, at, notice).await.map(|()| Vec::new()),
                Way::Mail(sender) => sender.notify(notice).await,
                Way::Syslog(_) | Way::Collector(_) => Err("carries no notices".to_owned()),
            }
        };
        in_time(telling).await
    }

    /// Delivers, and gives back once the receiver has it: a 2xx answer, a mail server's 250, RELP's 200, a
    /// log server's connection that took every byte.
    ///
    /// # Errors
    /// `Undelivered`; the same parcel is to be delivered again, and parts of it may arrive twice.
    pub async fn deliver(&mut self, parcel: &Parcel) -> Result<(), Error> {
        let delivering = async {
            match &mut self.way {
                Way::Webhook(sender) => sender.deliver(&self.config.name, parcel).await,
                Way::Mail(sender) => sender.deliver(parcel).await,
                Way::Syslog(sender) => sender.deliver(parcel).await,
                Way::Collector(sender) => sender.deliver(parcel).await,
            }
        };
        in_time(delivering).await
    }

    /// Delivers again what was delivered and may be lost, as is heard only later. To be called while there
    /// is nothing to deliver; does nothing unless something is in doubt.
    ///
    /// # Errors
    /// `Undelivered`; it is still in doubt then.
    pub async fn settle(&mut self) -> Result<(), Error> {
        match &mut self.way {
            Way::Syslog(sender) => in_time(sender.settle()).await,
            Way::Webhook(_) | Way::Mail(_) | Way::Collector(_) => Ok(()),
        }
    }
}

async fn in_time<T>(delivering: impl Future<Output = Result<T, String>>) -> Result<T, Error> {
    match tokio::time::timeout(DELIVERY_MAX, delivering).await {
        Ok(done) => done.map_err(Error::Undelivered),
        Err(_) => Err(Error::Undelivered(format!("no answer within {} s", DELIVERY_MAX.as_secs()))),
    }
}

/// A client for receivers that speak HTTP: it follows no redirection, since that would hand events to whom
/// nobody named.
fn http(authority: Option<&std::path::Path>) -> Result<reqwest::Client, String> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls::client(authority, None)?)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("postern/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| chain(&error))
}

/// The host of the server's address, `-` where it has none.
fn host(server: &str) -> String {
    let host = server.split_once("://").map_or(server, |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or_default();
    let host = token(host.rsplit_once(':').map_or(host, |(host, _)| host), 255);
    if host.is_empty() { "-".to_owned() } else { host }
}

/// The first `max` printable characters that are no blank.
fn token(text: &str, max: usize) -> String {
    text.chars().filter(char::is_ascii_graphic).take(max).collect()
}

/// What an error and everything behind it says.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod fixture;
