//! Connections through the session: `-L`, `-J` and `-D` from the client, and the plain relay that
//! every forwarded connection is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use postern_domain::Capability;
use postern_gateway::{Recorder, RecorderFailed};
use postern_wire::recording::{ForwardKind, ForwardPhase, FrameKind};
use russh::server::ChannelOpenHandle;
use russh::{ChannelId, ChannelMsg, ChannelOpenFailure, ChannelWriteHalf, server};

use crate::connection::{ChannelPlace, Connection};
use postern_ssh_target::inbox::{Inbox, Item};
use postern_ssh_target::side::{Gone, Side};
use postern_ssh_target::text::plain;

/// Where a client wants to be connected to.
#[derive(Clone, Debug)]
pub(crate) struct Destination {
    pub(crate) host: String,
    pub(crate) port: u32,
    pub(crate) originator: String,
    pub(crate) originator_port: u32,
}

/// Runs a connection that a client has asked for, to its end.
pub(crate) async fn run(
    connection: Arc<Connection>,
    place: ChannelPlace,
    write: ChannelWriteHalf<server::Msg>,
    inbox: Arc<Inbox>,
    reply: ChannelOpenHandle,
    to: Destination,
) {
    let id = write.id();
    match open(&connection, &to).await {
        Ok((link, channel)) => {
            reply.accept().await;
            let window = connection.gate.limits.window;
            let (_, target) = channel.split();
            let target_id = target.id();
            let client = Side::new(write, inbox, window);
            let target = Side::new(target, link.inboxes.add(target_id), window);
            let what = Recorded {
                recorder: link.recorder.clone(),
                channel: id.number(),
                kind: ForwardKind::Local,
                host: to.host,
                port: to.port,
            };
            what.relay(&client, &target, || link.activity.mark()).await;
            link.inboxes.remove(target_id);
        }
        Err(failure) => reply.reject(failure).await,
    }
    connection.inboxes.remove(id);
    drop(place);
}

type Opened = (Arc<crate::link::Link>, russh::Channel<russh::client::Msg>);

async fn open(connection: &Arc<Connection>, to: &Destination) -> Result<Opened, ChannelOpenFailure> {
    let link = connection.link().await.map_err(|no| prohibited(&no.text))?;
    let wanted: &[Capability] = link.destination(&to.host, to.port);
    match link.authorize(wanted).await {
        Ok(Ok(())) => {}
        Ok(Err(refused)) => return Err(prohibited(&refused)),
        Err(failed) => return Err(prohibited(&failed.to_string())),
    }
    let opening =
        link.target.channel_open_direct_tcpip(to.host.clone(), to.port, to.originator.clone(), to.originator_port);
    match opening.await {
        Ok(channel) => Ok((link, channel)),
        Err(russh::Error::ChannelOpenFailure(failure)) => Err(ChannelOpenFailure::Other {
            code: failure.code(),
            reason: plain(&format!("the target says: {}", failure.description()), 200),
        }),
        Err(_) => Err(ChannelOpenFailure::ConnectFailed),
    }
}

/// Policy's or Postern's no. Clients show the text.
pub(crate) fn prohibited(text: &str) -> ChannelOpenFailure {
    let code = ChannelOpenFailure::AdministrativelyProhibited.code();
    ChannelOpenFailure::Other { code, reason: plain(text, 400) }
}

/// A forwarded connection, as it is recorded.
pub(crate) struct Recorded {
    pub(crate) recorder: Recorder,
    pub(crate) channel: u32,
    pub(crate) kind: ForwardKind,
    pub(crate) host: String,
    pub(crate) port: u32,
}

impl Recorded {
    /// Relays until both sides are done. `active` is called for what comes from the client.
    pub(crate) async fn relay<A, B>(&self, client: &Side<A>, target: &Side<B>, active: impl Fn())
    where
        A: From<(ChannelId, ChannelMsg)> + Send + Sync + 'static,
        B: From<(ChannelId, ChannelMsg)> + Send + Sync + 'static,
    {
        let (bytes_in, bytes_out) = (AtomicU64::new(0), AtomicU64::new(0));
        if self.record(ForwardPhase::Opened, 0, 0).await.is_ok() {
            tokio::join!(
                pump(client, target, |len| {
                    active();
                    bytes_in.fetch_add(len, Ordering::Relaxed);
                }),
                pump(target, client, |len| {
                    bytes_out.fetch_add(len, Ordering::Relaxed);
                }),
            );
        } else {
            client.close().await;
            target.close().await;
        }
        // Whoever governs the session waits for the same failure.
        let _ = self.record(ForwardPhase::Closed, bytes_in.into_inner(), bytes_out.into_inner()).await;
    }

    async fn record(&self, phase: ForwardPhase, bytes_in: u64, bytes_out: u64) -> Result<(), RecorderFailed> {
        let (channel, kind, host, port) = (self.channel, self.kind, self.host.as_str().into(), self.port);
        self.recorder.record(FrameKind::Forward { channel, kind, host, port, bytes_in, bytes_out, phase }).await
    }
}

async fn pump<A, B>(from: &Side<A>, to: &Side<B>, passed: impl Fn(u64))
where
    A: From<(ChannelId, ChannelMsg)> + Send + Sync + 'static,
    B: From<(ChannelId, ChannelMsg)> + Send + Sync + 'static,
{
    // Whichever side is gone, the other one is told by closing its channel.
    let _ = pass_all(from, to, passed).await;
    to.close().await;
    from.inbox.close();
}

async fn pass_all<A, B>(from: &Side<A>, to: &Side<B>, passed: impl Fn(u64)) -> Result<(), Gone>
where
    A: From<(ChannelId, ChannelMsg)> + Send + Sync + 'static,
    B: From<(ChannelId, ChannelMsg)> + Send + Sync + 'static,
{
    loop {
        match from.inbox.next().await {
            Item::Data(data) => {
                let len = data.len();
                passed(u64::try_from(len).unwrap_or(u64::MAX));
                to.send(data).await?;
                from.passed_on(len).await?;
            }
            Item::Extended(_, data) => from.passed_on(data.len()).await?,
            Item::Eof => to.write.eof().await?,
            Item::Request(_) | Item::Typed { .. } | Item::Reply(_) | Item::Answers | Item::Exit(_) => {}
            Item::Close => return Ok(()),
        }
    }
}
