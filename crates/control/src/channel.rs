//! Channels: what the ledger holds, told to the world outside, from a place in it that each keeps.
//!
//! The ledger is the queue. A channel that cannot deliver falls behind, which is seen, and blocks
//! nothing; once it can, it is told everything that it missed, in order.

use std::time::Duration;

use postern_channels::{Carries, Channel, Numbered, Parcel};
use postern_domain::event::Event;
use postern_domain::permit::{Manage, Permit};
use postern_domain::{ScopePath, Timestamp};
use postern_ledger::Tree;
use postern_store::ChannelPlace;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::ledger::event_in;
use crate::notice::Allowance;
use crate::{Caller, Control, Error};

/// How many events of the ledger are looked at before a place is kept.
const LOOKED_MAX: u32 = 500;
/// How many are told at once.
const TOLD_MAX: usize = 100;
/// How often a channel is looked at when nobody says that there is something.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long events wait for company, so that a burst is told at once.
const GATHER: Duration = Duration::from_millis(100);
/// How many events that do not concern a channel are passed by before its place is kept: each keeping is a
/// write of its own.
const PASSED_MAX: u64 = 200;
/// How long a channel waits after failures: doubled each time, up to this.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// How long a reason is kept, in characters.
const FAILURE_LEN_MAX: usize = 500;

/// What is known of a channel while it is used.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    name: String,
    kind: &'static str,
    carries: Carries,
}

/// A channel, and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelView {
    /// Its name in the configuration file.
    pub name: String,
    /// How it delivers: `webhook`, `mail`, `syslog`.
    pub kind: String,
    /// What it is told: `everything`, `urgent`, what somebody should look at now, or `requests`: notices of them,
    /// to the people whom they concern.
    pub carries: String,
    /// The index of the event that it is told next.
    pub next: u64,
    /// How many events of the ledger it has yet to look at; 0 for one that is not told everything and works.
    pub behind: u64,
    /// When something was delivered last.
    pub delivered_at: Option<Timestamp>,
    /// Since when nothing can be delivered; none while it can.
    pub failed_at: Option<Timestamp>,
    /// Why not, the last time it was tried.
    pub failure: Option<String>,
    /// How often in a row it was tried in vain.
    pub failures: u32,
}

impl Control {
    /// Uses these channels and no others. Once only, before [`Control::keep_channels`].
    pub fn attach_channels(&self, channels: &[Channel]) {
        let known = channels.iter().map(|channel| {
            let config = channel.config();
            Known { name: config.name.clone(), kind: config.kind.as_str(), carries: config.carries }
        });
        let _ = self.0.channels.set(known.collect());
    }

    fn known_channels(&self) -> &[Known] {
        self.0.channels.get().map(Vec::as_slice).unwrap_or_default()
    }

    /// Tells the channels what is committed, until `stop`.
    pub async fn keep_channels(self, channels: Vec<Channel>, stop: CancellationToken) {
        let mut tasks = tokio::task::JoinSet::new();
        for channel in channels {
            tasks.spawn(self.clone().keep_channel(channel, stop.clone()));
        }
        while tasks.join_next().await.is_some() {}
    }

    async fn keep_channel(self, mut channel: Channel, stop: CancellationToken) {
        let mut changes = self.changes();
        let (mut heard, mut allowance) = (tokio::time::Instant::now(), Allowance::default());
        let mut failures = 0;
        loop {
            let done = tokio::select! {
                () = stop.cancelled() => return,
                done = self.tell_through(&mut channel, &mut heard, &mut allowance) => done,
            };
            let pause = match done {
                Ok(true) => {
                    failures = 0;
                    continue;
                }
                Ok(false) => {
                    failures = 0;
                    LOOK_EVERY
                }
                Err(error) => {
                    let name = &channel.config().name;
                    tracing::warn!(
                        channel = name,
                        error = &error as &dyn std::error::Error,
                        "a channel does not deliver"
                    );
                    failures = (failures + 1).min(6);
                    PAUSE_MAX.min(Duration::from_secs(1 << failures))
                }
            };
            let waiting = tokio::time::sleep(pause);
            tokio::select! {
                () = stop.cancelled() => return,
                () = waiting => {}
                // What is committed is told at once, except to a channel that has just failed.
                _ = changes.recv(), if failures == 0 => tokio::time::sleep(GATHER).await,
            }
        }
    }

    async fn tell_through(
        &self,
        channel: &mut Channel,
        heard: &mut tokio::time::Instant,
        allowance: &mut Allowance,
    ) -> Result<bool, Error> {
        match channel.config().carries {
            Carries::Requests => self.tell_people(channel, allowance).await,
            Carries::Urgent | Carries::Everything => self.tell_channel(channel, heard).await,
        }
    }

    /// Where a channel stands, and the ledger; none where it has only now been begun.
    pub(crate) async fn channel_place(&self, name: &str) -> Result<Option<(ChannelPlace, Tree)>, Error> {
        let mut rows = self.store().read().await?;
        let tree = rows.ledger_tree().await?;
        if let Some(place) = rows.channel(name).await? {
            return Ok(Some((place, tree)));
        }
        drop(rows);
        // What happened before there was a channel is not news.
        let mut tx = self.store().write(self.now()).await?;
        tx.channel_place(name, tree.size()).await?;
        tx.commit_upkeep().await?;
        Ok(None)
    }

    /// By which ways people get notices.
    pub(crate) fn notice_ways(&self) -> Vec<String> {
        let tells = |known: &&Known| known.carries == Carries::Requests;
        self.known_channels().iter().filter(tells).map(|known| known.kind.to_owned()).collect()
    }

    /// Tells the next portion; says whether there may be more.
    async fn tell_channel(&self, channel: &mut Channel, heard: &mut tokio::time::Instant) -> Result<bool, Error> {
        let name = channel.config().name.clone();
        let Some((place, tree)) = self.channel_place(&name).await? else { return Ok(true) };
        let mut rows = self.store().read().await?;
        let leaves = rows.leaves_from(place.next, LOOKED_MAX).await?;
        drop(rows);
        let parcel = |events| Parcel {
            at: self.now(),
            server: self.settings().public_url.clone(),
            ledger_size: tree.size(),
            ledger_root: hex::encode(tree.root().0),
            events,
        };
        let (mut next, mut events) = (place.next, Vec::new());
        for leaf in leaves {
            next = leaf.index + 1;
            let event = event_in(&leaf.body);
            if channel.carries(&event) {
                events.push(Numbered { index: leaf.index, event });
            }
            if events.len() >= TOLD_MAX {
                break;
            }
        }
        let due = channel.config().heartbeat.is_some_and(|every| heard.elapsed().as_secs() >= every.seconds());
        let told = !events.is_empty() || (due && next == place.next);
        if told {
            if let Err(error) = channel.deliver(&parcel(events)).await {
                return Err(self.channel_fails(&name, &error).await?);
            }
            *heard = tokio::time::Instant::now();
        } else if let Err(error) = channel.settle().await {
            return Err(self.channel_fails(&name, &error).await?);
        }
        if told || next - place.next >= PASSED_MAX {
            let mut tx = self.store().write(self.now()).await?;
            tx.channel_delivered(&name, place.next, next, told).await?;
            tx.commit_upkeep().await?;
            return Ok(next < tree.size());
        }
        Ok(false)
    }

    pub(crate) async fn channel_fails(&self, name: &str, error: &postern_channels::Error) -> Result<Error, Error> {
        let why: String = error.to_string().chars().take(FAILURE_LEN_MAX).collect();
        let mut tx = self.store().write(self.now()).await?;
        tx.channel_failed(name, &why).await?;
        tx.commit_upkeep().await?;
        Ok(Error::Unavailable(why))
    }

    /// The channels, as configured.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn channel_list(&self, _: &Permit<Manage>) -> Result<Vec<ChannelView>, Error> {
        self.channel_views().await
    }

    /// How the channels stand.
    pub(crate) async fn channel_views(&self) -> Result<Vec<ChannelView>, Error> {
        let mut rows = self.store().read().await?;
        let size = rows.ledger_tree().await?.size();
        let mut views = Vec::new();
        for known in self.known_channels() {
            let place = rows.channel(&known.name).await?.unwrap_or(ChannelPlace { next: size, ..Default::default() });
            views.push(ChannelView {
                name: known.name.clone(),
                kind: known.kind.to_owned(),
                carries: known.carries.as_str().to_owned(),
                next: place.next,
                behind: if known.carries == Carries::Everything || place.failed_at.is_some() {
                    size.saturating_sub(place.next)
                } else {
                    0
                },
                delivered_at: place.delivered_at,
                failed_at: place.failed_at,
                failure: place.failure,
                failures: place.failures,
            });
        }
        Ok(views)
    }

    /// Writes an event that every channel carries, so that somebody can see whether it arrives.
    ///
    /// # Errors
    /// `NotFound` when there is no such channel.
    pub async fn channel_test(&self, caller: &Caller, permit: &Permit<Manage>, name: &str) -> Result<(), Error> {
        self.channel_known(permit, name)?;
        self.note(Event::done(self.now(), caller.actor(), "channel.test", name, ScopePath::root())).await
    }

    /// Has a channel told again what it was told already, from the event of this index on.
    ///
    /// # Errors
    /// `NotFound` when there is no such channel; `Invalid` where the ledger does not reach that far.
    pub async fn channel_replay(
        &self,
        caller: &Caller,
        permit: &Permit<Manage>,
        name: &str,
        from: u64,
    ) -> Result<(), Error> {
        self.channel_known(permit, name)?;
        let mut tx = self.store().write(self.now()).await?;
        let size = tx.ledger_tree().await?.size();
        if from > size {
            return Err(Error::invalid("from", format!("the ledger holds {size} events")));
        }
        tx.channel_place(name, from).await?;
        let event = Event::done(tx.now(), caller.actor(), "channel.replay", name, ScopePath::root());
        self.commit(tx, &[event.with("from", from)]).await?;
        Ok(())
    }

    fn channel_known(&self, permit: &Permit<Manage>, name: &str) -> Result<&Known, Error> {
        if !permit.covers(&ScopePath::root()) {
            return Err(Error::Forbidden("channels are for those who look after everything".to_owned()));
        }
        let known = self.known_channels().iter().find(|known| known.name == name);
        known.ok_or_else(|| Error::not_found("channel", name))
    }
}

/// The channels of a configuration, ready to be used, their names all different.
///
/// # Errors
/// With the first that cannot be used.
pub fn channels(configs: Vec<postern_channels::ChannelConfig>) -> Result<Vec<Channel>, Error> {
    let mut names = std::collections::BTreeSet::new();
    let told = |error: postern_channels::Error| Error::invalid("channels", error.to_string());
    let twice = |name: &str| Error::invalid("channels", format!("two are called `{name}`"));
    configs
        .into_iter()
        .map(|config| {
            if !names.insert(config.name.clone()) {
                return Err(twice(&config.name));
            }
            Channel::new(config).map_err(told)
        })
        .collect()
}

#[cfg(test)]
mod tests;
