//! Channels that the target opens to the client: what `-R`, agent and X11 forwarding come to.

use std::sync::Arc;

use postern_domain::Capability;
use postern_ssh_target::upstream::{Reverse, TakesChannels};
use postern_wire::recording::ForwardKind;
use russh::client::{ChannelOpenHandle, Msg};
use russh::{Channel, ChannelOpenFailure, server};

use crate::connection::{ChannelPlace, Connection};
use crate::forward::{Recorded, prohibited};
use crate::link::{Gift, Link};
use postern_ssh_target::inbox::Inbox;
use postern_ssh_target::side::Side;

impl TakesChannels for Connection {
    /// Takes in a channel that the target opens, and answers it in a task of its own.
    fn take(self: Arc<Self>, channel: Channel<Msg>, inbox: Arc<Inbox>, reply: ChannelOpenHandle, what: Reverse) {
        let Some(place) = self.channel_place() else { return };
        let tasks = self.tasks.clone();
        tasks.spawn(async move { self.run_reverse(place, channel, inbox, reply, what).await });
    }
}

impl Connection {
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
                    recorded(&what, &link, client_id.number()).relay(&client, &target, || link.activity.mark()).await;
                    self.inboxes.remove(client_id);
                }
                Err(failure) => reply.reject(failure).await,
            }
            link.inboxes.remove(id);
        }
        drop(place);
    }

    async fn open_to_client(&self, link: &Link, what: &Reverse) -> Result<Channel<server::Msg>, ChannelOpenFailure> {
        let (gift, capability) = needs(what);
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

fn needs(what: &Reverse) -> (Gift, Capability) {
    match what {
        Reverse::Forwarded { address, port, .. } => (Gift::Listener(address.clone(), *port), Capability::RemoteForward),
        Reverse::Agent => (Gift::Agent, Capability::Agent),
        Reverse::X11 { .. } => (Gift::X11, Capability::X11),
    }
}

fn recorded(what: &Reverse, link: &Link, channel: u32) -> Recorded {
    let (kind, host, port) = match what {
        Reverse::Forwarded { originator, originator_port, .. } => {
            (ForwardKind::Remote, originator.clone(), *originator_port)
        }
        Reverse::Agent => (ForwardKind::Agent, String::new(), 0),
        Reverse::X11 { originator, originator_port } => (ForwardKind::X11, originator.clone(), *originator_port),
    };
    Recorded { recorder: link.recorder.clone(), channel, kind, host, port }
}
