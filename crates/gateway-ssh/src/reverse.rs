//! Channels that the target opens to the client: what `-R`, agent and X11 forwarding come to.

use std::sync::Arc;

use postern_domain::Capability;
use postern_wire::recording::ForwardKind;
use russh::client::{ChannelOpenHandle, Msg};
use russh::{Channel, ChannelOpenFailure, server};

use crate::connection::{ChannelPlace, Connection};
use crate::forward::{Recorded, prohibited};
use crate::inbox::Inbox;
use crate::link::{Gift, Link};
use crate::side::Side;

/// What the target opens a channel for.
#[derive(Clone, Debug)]
pub(crate) enum Reverse {
    /// A connection that came in at a listener.
    Forwarded { address: String, port: u32, originator: String, originator_port: u32 },
    /// The client's agent is wanted.
    Agent,
    /// The client's display is wanted.
    X11 { originator: String, originator_port: u32 },
}

impl Connection {
    /// Takes in a channel that the target opens, and answers it in a task of its own.
    pub(crate) fn reverse(
        self: Arc<Self>,
        channel: Channel<Msg>,
        inbox: Arc<Inbox>,
        reply: ChannelOpenHandle,
        what: Reverse,
    ) {
        let Some(place) = self.channel_place() else { return };
        let tasks = self.tasks.clone();
        tasks.spawn(async move { self.run_reverse(place, channel, inbox, reply, what).await });
    }

    async fn run_reverse(
        self: Arc<Self>,
        place: ChannelPlace,
        channel: Channel<Msg>,
        inbox: Arc<Inbox>,
        reply: ChannelOpenHandle,
        what: Reverse,
    ) {
        let (_, write) = channel.split();
        let id = write.id();
        let link = self.link_now().and_then(|link| link.as_ref().ok()).cloned();
        if let Some(link) = link {
            match self.open_to_client(&link, &what).await {
                Ok(to_client) => {
                    reply.accept().await;
                    let (_, to_client) = to_client.split();
                    let client_id = to_client.id();
                    let window = self.gate.limits.window;
                    let client = Side::new(to_client, self.inboxes.add(client_id), window);
                    let target = Side::new(write, inbox, window);
                    what.recorded(&link, client_id.number()).relay(&client, &target, || link.activity.mark()).await;
                    self.inboxes.remove(client_id);
                }
                Err(failure) => reply.reject(failure).await,
            }
            link.inboxes.remove(id);
        }
        drop(place);
    }

    async fn open_to_client(&self, link: &Link, what: &Reverse) -> Result<Channel<server::Msg>, ChannelOpenFailure> {
        let (gift, capability) = what.needs();
        if !link.has(&gift) {
            return Err(prohibited("the client has not asked for this"));
        }
        match link.authorize(&[capability]).await {
            Ok(Ok(())) => {}
            Ok(Err(refused)) => return Err(prohibited(&refused)),
            Err(failed) => return Err(prohibited(&failed.to_string())),
        }
        let client = self.client.get().ok_or(ChannelOpenFailure::ConnectFailed)?;
        let opened = match what {
            Reverse::Forwarded { address, port, originator, originator_port } => {
                client.channel_open_forwarded_tcpip(address, *port, originator, *originator_port).await
            }
            Reverse::Agent => client.channel_open_agent().await,
            Reverse::X11 { originator, originator_port } => client.channel_open_x11(originator, *originator_port).await,
        };
        opened.map_err(|error| match error {
            russh::Error::ChannelOpenFailure(failure) => failure,
            _ => ChannelOpenFailure::ConnectFailed,
        })
    }
}

impl Reverse {
    fn needs(&self) -> (Gift, Capability) {
        match self {
            Self::Forwarded { address, port, .. } => {
                (Gift::Listener(address.clone(), *port), Capability::RemoteForward)
            }
            Self::Agent => (Gift::Agent, Capability::Agent),
            Self::X11 { .. } => (Gift::X11, Capability::X11),
        }
    }

    fn recorded(&self, link: &Link, channel: u32) -> Recorded {
        let (kind, host, port) = match self {
            Self::Forwarded { originator, originator_port, .. } => {
                (ForwardKind::Remote, originator.clone(), *originator_port)
            }
            Self::Agent => (ForwardKind::Agent, String::new(), 0),
            Self::X11 { originator, originator_port } => (ForwardKind::X11, originator.clone(), *originator_port),
        };
        Recorded { recorder: link.recorder.clone(), channel, kind, host, port }
    }
}
