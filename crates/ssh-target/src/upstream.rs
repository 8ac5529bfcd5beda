//! What a target says, handed on to whoever waits for it. Nothing in here waits for another peer.

use std::sync::{Arc, Weak};

use postern_gateway::BrokerError;
use russh::client::{self, ChannelOpenHandle, DisconnectReason, Msg, Session};
use russh::keys::PublicKey;
use russh::keys::PublicKeyOrCertificate;
use russh::{Channel, ChannelId, Sig};
use tokio_util::sync::CancellationToken;

use crate::channels::Inboxes;
use crate::inbox::{Exit, Flooded, Inbox, Item};
use crate::target::HostKeys;
use crate::text::plain;

/// Why the connection to a target ended.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// It is not the one that the asset is known by.
    #[error("host key: {0}")]
    HostKey(String),
    /// Postern could not judge the host key.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// It sent more than anybody would.
    #[error(transparent)]
    Flooded(#[from] Flooded),
    /// It broke the protocol, or the connection broke.
    #[error(transparent)]
    Ssh(#[from] russh::Error),
}

/// What the target opens a channel for.
#[derive(Clone, Debug)]
pub enum Reverse {
    /// A connection that came in at a listener.
    Forwarded {
        /// Where it listens.
        address: String,
        /// At which port.
        port: u32,
        /// Where the connection comes from.
        originator: String,
        /// From which port.
        originator_port: u32,
    },
    /// The client's agent is wanted.
    Agent,
    /// The client's display is wanted.
    X11 {
        /// Where the connection comes from.
        originator: String,
        /// From which port.
        originator_port: u32,
    },
}

/// Takes in the channels that a target opens. It must not wait for another peer.
pub trait TakesChannels: Send + Sync + 'static {
    /// A channel; rejected when `reply` is dropped.
    fn take(self: Arc<Self>, channel: Channel<Msg>, inbox: Arc<Inbox>, reply: ChannelOpenHandle, what: Reverse);
}

/// The target's side of one session.
pub struct Upstream {
    /// What the target has sent, by channel.
    pub inboxes: Arc<Inboxes>,
    /// Judges its host key.
    pub host_keys: HostKeys,
    /// Takes in the channels that it opens; where there is nobody, all are rejected.
    pub channels: Option<Weak<dyn TakesChannels>>,
    /// Cancelled when the target is gone.
    pub gone: CancellationToken,
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.inboxes.close_all();
        self.gone.cancel();
    }
}

impl Upstream {
    fn push(&self, channel: ChannelId, item: Item) -> Result<(), UpstreamError> {
        match self.inboxes.get(channel) {
            Some(inbox) => Ok(inbox.push(item)?),
            None => Ok(()),
        }
    }

    /// A channel that the target opens. Rejected when the handle is dropped.
    fn reverse(&self, channel: Channel<Msg>, reply: ChannelOpenHandle, what: Reverse) {
        if let Some(taker) = self.channels.as_ref().and_then(Weak::upgrade) {
            let inbox = self.inboxes.add(channel.id());
            taker.take(channel, inbox, reply, what);
        }
    }
}

impl client::Handler for Upstream {
    type Error = UpstreamError;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, UpstreamError> {
        let key = match key {
            PublicKeyOrCertificate::PublicKey { key, .. } => key.clone(),
            // Not offered, so that only a target that breaks the protocol presents one.
            PublicKeyOrCertificate::Certificate(certificate) => PublicKey::new(certificate.public_key().clone(), ""),
        };
        self.host_keys.judge(&key).await?;
        Ok(true)
    }

    async fn channel_open_confirmation(
        &mut self,
        id: ChannelId,
        _: u32,
        _: u32,
        _: &mut Session,
    ) -> Result<(), UpstreamError> {
        // Data can follow at once, before whoever opened the channel has been scheduled.
        self.inboxes.add(id);
        Ok(())
    }

    async fn channel_success(&mut self, channel: ChannelId, _: &mut Session) -> Result<(), UpstreamError> {
        self.push(channel, Item::Reply(true))
    }

    async fn channel_failure(&mut self, channel: ChannelId, _: &mut Session) -> Result<(), UpstreamError> {
        self.push(channel, Item::Reply(false))
    }

    async fn channel_close(&mut self, channel: ChannelId, _: &mut Session) -> Result<(), UpstreamError> {
        self.inboxes.remove(channel);
        Ok(())
    }

    async fn channel_eof(&mut self, channel: ChannelId, _: &mut Session) -> Result<(), UpstreamError> {
        self.push(channel, Item::Eof)
    }

    async fn data(&mut self, channel: ChannelId, data: &[u8], _: &mut Session) -> Result<(), UpstreamError> {
        if let Some(inbox) = self.inboxes.get(channel) {
            inbox.push_data(None, data);
        }
        Ok(())
    }

    async fn extended_data(
        &mut self,
        channel: ChannelId,
        code: u32,
        data: &[u8],
        _: &mut Session,
    ) -> Result<(), UpstreamError> {
        if let Some(inbox) = self.inboxes.get(channel) {
            inbox.push_data(Some(code), data);
        }
        Ok(())
    }

    async fn exit_status(&mut self, channel: ChannelId, status: u32, _: &mut Session) -> Result<(), UpstreamError> {
        self.push(channel, Item::Exit(Exit::Status(status)))
    }

    async fn exit_signal(
        &mut self,
        channel: ChannelId,
        signal: Sig,
        core_dumped: bool,
        message: &str,
        _: &str,
        _: &mut Session,
    ) -> Result<(), UpstreamError> {
        let exit = Exit::Signal { signal, core_dumped, message: plain(message, 200) };
        self.push(channel, Item::Exit(exit))
    }

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        channel: Channel<Msg>,
        address: &str,
        port: u32,
        originator: &str,
        originator_port: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), UpstreamError> {
        let what = Reverse::Forwarded {
            address: plain(address, 255),
            port,
            originator: plain(originator, 255),
            originator_port,
        };
        self.reverse(channel, reply, what);
        Ok(())
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), UpstreamError> {
        self.reverse(channel, reply, Reverse::Agent);
        Ok(())
    }

    async fn server_channel_open_x11(
        &mut self,
        channel: Channel<Msg>,
        originator: &str,
        originator_port: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), UpstreamError> {
        self.reverse(channel, reply, Reverse::X11 { originator: plain(originator, 255), originator_port });
        Ok(())
    }

    // The library accepts the following by itself; a target has no business opening them.

    async fn server_channel_open_session(
        &mut self,
        _: Channel<Msg>,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), UpstreamError> {
        Ok(())
    }

    async fn server_channel_open_direct_tcpip(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), UpstreamError> {
        Ok(())
    }

    async fn server_channel_open_direct_streamlocal(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), UpstreamError> {
        Ok(())
    }

    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), UpstreamError> {
        Ok(())
    }

    async fn disconnected(&mut self, reason: DisconnectReason<UpstreamError>) -> Result<(), UpstreamError> {
        match reason {
            DisconnectReason::ReceivedDisconnect(_) => Ok(()),
            DisconnectReason::Error(error) => {
                tracing::debug!(%error, session = %self.host_keys.session, "target connection ended");
                Err(error)
            }
        }
    }
}
