//! What a client says, authorized and handed on to whoever waits for it. Nothing in here waits for
//! the target, but for the answer to a request for a listener, which the protocol wants in order; the
//! target's side never waits for this one, so that no circle can close.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use postern_domain::{Capability, SecretText};
use russh::keys::Certificate;
use russh::server::{Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Response, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId, ChannelOpenFailure, ChannelWriteHalf, MethodKind, MethodSet, Pty, Sig};
use tokio::time::timeout;

use crate::connection::{ChannelPlace, Connection};
use crate::forward::{self, Destination, prohibited};
use crate::link::Gift;
use crate::program;
use crate::sign_in::{Answer, SignIn};
use postern_gateway::Waiting;
use postern_ssh_target::inbox::{Flooded, Inbox, Item};
use postern_ssh_target::request::{Request, Size};
use postern_ssh_target::socket::Allowance;
use postern_ssh_target::text::plain;

/// Why the connection to a client ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// It sent more than anybody would.
    #[error(transparent)]
    Flooded(#[from] Flooded),
    /// It broke the protocol, or the connection broke.
    #[error(transparent)]
    Ssh(#[from] russh::Error),
}

/// The client's side of one connection.
pub(crate) struct Client {
    pub(crate) connection: Arc<Connection>,
    pub(crate) sign_in: SignIn,
    /// Its place among those who have not signed in.
    pub(crate) waiting: Option<Waiting>,
    /// How much it may send before it has.
    pub(crate) allowance: Arc<Allowance>,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.connection.inboxes.close_all();
        self.connection.client_gone.cancel();
    }
}

impl Client {
    fn answer(&self, answer: Answer) -> Auth {
        match answer {
            Answer::Welcome => Auth::Accept,
            Answer::No => Auth::Reject { proceed_with_methods: Some(methods()), partial_success: false },
            Answer::Never => Auth::Reject { proceed_with_methods: Some(MethodSet::empty()), partial_success: false },
            Answer::KeyAccepted => Auth::Reject {
                proceed_with_methods: Some(MethodSet::from(&[MethodKind::KeyboardInteractive][..])),
                partial_success: true,
            },
            Answer::Ask { instructions, prompts } => Auth::Partial {
                name: Cow::Borrowed(""),
                instructions: Cow::Owned(instructions),
                prompts: prompts.into_iter().map(|(prompt, echo)| (Cow::Owned(prompt), echo)).collect(),
            },
        }
    }

    /// Takes in a request on a channel: passes it on where policy allows it, and answers it here,
    /// because the library keeps one outstanding answer for a channel and clients do not wait for it.
    fn request(&mut self, id: ChannelId, request: Request, session: &mut Session) -> Result<(), ClientError> {
        let Some(inbox) = self.connection.inboxes.get(id) else {
            return Ok(session.channel_failure(id)?);
        };
        let refusal = match self.connection.link_now() {
            Some(Ok(link)) => link.may_any(request.needs()).err(),
            // The session was refused; whoever runs the channel says so.
            Some(Err(_)) => None,
            None => Some("not yet".to_owned()),
        };
        let Some(refusal) = refusal else {
            self.give(&request);
            inbox.push(Item::Request(request))?;
            return Ok(session.channel_success(id)?);
        };
        if let (Some(Ok(link)), Some(capability)) = (self.connection.link_now(), request.needs().first()) {
            let (link, capability) = (link.clone(), *capability);
            self.connection.tasks.spawn(async move { link.record_refused(capability).await });
        }
        if request.starts() {
            // Clients say nothing but that it failed when told so; this way the person learns why.
            inbox.push(Item::Request(Request::Denied(refusal)))?;
            return Ok(session.channel_success(id)?);
        }
        Ok(session.channel_failure(id)?)
    }

    fn give(&self, request: &Request) {
        if let Some(Ok(link)) = self.connection.link_now() {
            match request {
                Request::Agent => link.give(Gift::Agent),
                Request::X11 { .. } => link.give(Gift::X11),
                _ => {}
            }
        }
    }

    /// What every channel that a client opens begins with.
    fn open(&mut self, channel: Channel<Msg>, session: &Session) -> Option<Opened> {
        let place = self.connection.channel_place()?;
        self.connection.client.get_or_init(|| session.handle());
        let (_, write) = channel.split();
        let inbox = self.connection.inboxes.add(write.id());
        Some((place, write, inbox))
    }
}

type Opened = (ChannelPlace, ChannelWriteHalf<Msg>, Arc<Inbox>);

impl Handler for Client {
    type Error = ClientError;

    async fn authentication_banner(&mut self) -> Result<Option<String>, ClientError> {
        Ok(self.connection.gate.banner.clone())
    }

    async fn auth_none(&mut self, _: &str) -> Result<Auth, ClientError> {
        Ok(Auth::Reject { proceed_with_methods: Some(methods()), partial_success: false })
    }

    async fn auth_publickey_offered(&mut self, user: &str, offer: PublicKeyOffer<'_>) -> Result<Auth, ClientError> {
        let answer = if self.sign_in.offer_key(user, offer.public_key).await { Answer::Welcome } else { Answer::No };
        Ok(self.answer(answer))
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, ClientError> {
        let answer = self.sign_in.prove_key(user, key.public_key).await;
        Ok(self.answer(answer))
    }

    async fn auth_openssh_certificate(&mut self, _: &str, _: &Certificate) -> Result<Auth, ClientError> {
        Ok(self.answer(Answer::No))
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        user: &str,
        _: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, ClientError> {
        let answer = match response {
            None => self.sign_in.questions(user),
            Some(response) => {
                let answers = response
                    .take(ANSWERS_MAX)
                    .map(|answer| SecretText::new(String::from_utf8_lossy(&answer).into_owned()))
                    .collect();
                self.sign_in.answers(user, answers).await
            }
        };
        Ok(self.answer(answer))
    }

    async fn auth_succeeded(&mut self, session: &mut Session) -> Result<(), ClientError> {
        if let Some((identity, account)) = self.sign_in.known() {
            self.connection.signed_in.get_or_init(|| (identity.clone(), account.clone()));
        }
        self.connection.client.get_or_init(|| session.handle());
        self.connection.in_time.cancel();
        self.waiting = None;
        self.allowance.lift();
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        session: &mut Session,
    ) -> Result<(), ClientError> {
        let Some((place, write, inbox)) = self.open(channel, session) else {
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
            return Ok(());
        };
        let connection = self.connection.clone();
        self.connection.tasks.spawn(program::run(connection, place, write, inbox, reply));
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        originator: &str,
        originator_port: u32,
        reply: ChannelOpenHandle,
        session: &mut Session,
    ) -> Result<(), ClientError> {
        let Some((place, write, inbox)) = self.open(channel, session) else {
            reply.reject(ChannelOpenFailure::ResourceShortage).await;
            return Ok(());
        };
        let to = Destination { host: plain(host, 255), port, originator: plain(originator, 255), originator_port };
        let connection = self.connection.clone();
        self.connection.tasks.spawn(forward::run(connection, place, write, inbox, reply, to));
        Ok(())
    }

    async fn channel_open_direct_streamlocal(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), ClientError> {
        reply.reject(prohibited("connections to Unix sockets are not forwarded")).await;
        Ok(())
    }

    async fn channel_open_confirmation(
        &mut self,
        id: ChannelId,
        _: u32,
        _: u32,
        _: &mut Session,
    ) -> Result<(), ClientError> {
        // Data can follow at once, before whoever opened the channel has been scheduled.
        self.connection.inboxes.add(id);
        Ok(())
    }

    async fn channel_close(&mut self, channel: ChannelId, _: &mut Session) -> Result<(), ClientError> {
        self.connection.inboxes.remove(channel);
        Ok(())
    }

    async fn channel_eof(&mut self, channel: ChannelId, _: &mut Session) -> Result<(), ClientError> {
        if let Some(inbox) = self.connection.inboxes.get(channel) {
            inbox.push(Item::Eof)?;
        }
        Ok(())
    }

    async fn data(&mut self, channel: ChannelId, data: &[u8], _: &mut Session) -> Result<(), ClientError> {
        if let Some(inbox) = self.connection.inboxes.get(channel) {
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
    ) -> Result<(), ClientError> {
        if let Some(inbox) = self.connection.inboxes.get(channel) {
            inbox.push_data(Some(code), data);
        }
        Ok(())
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        term: &str,
        columns: u32,
        rows: u32,
        width: u32,
        height: u32,
        modes: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), ClientError> {
        let size = Size { columns, rows, width, height };
        let request = Request::Pty { term: plain(term, 64), size, modes: modes.to_vec() };
        self.request(channel, request, session)
    }

    async fn x11_request(
        &mut self,
        channel: ChannelId,
        single: bool,
        protocol: &str,
        cookie: &str,
        screen: u32,
        session: &mut Session,
    ) -> Result<(), ClientError> {
        let request = Request::X11 { single, protocol: plain(protocol, 64), cookie: plain(cookie, 256), screen };
        self.request(channel, request, session)
    }

    async fn env_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        value: &str,
        session: &mut Session,
    ) -> Result<(), ClientError> {
        if name.len() + value.len() > ENV_LEN_MAX {
            return Ok(session.channel_failure(channel)?);
        }
        let request = Request::Env { name: name.to_owned(), value: value.to_owned() };
        self.request(channel, request, session)
    }

    async fn shell_request(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), ClientError> {
        self.request(channel, Request::Shell, session)
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), ClientError> {
        self.request(channel, Request::Exec(command.to_vec()), session)
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        session: &mut Session,
    ) -> Result<(), ClientError> {
        if name == "sftp" {
            self.request(channel, Request::Sftp, session)
        } else {
            Ok(session.channel_failure(channel)?)
        }
    }

    async fn window_change_request(
        &mut self,
        channel: ChannelId,
        columns: u32,
        rows: u32,
        width: u32,
        height: u32,
        session: &mut Session,
    ) -> Result<(), ClientError> {
        self.request(channel, Request::Resize(Size { columns, rows, width, height }), session)
    }

    async fn agent_request(&mut self, channel: ChannelId, session: &mut Session) -> Result<bool, ClientError> {
        self.request(channel, Request::Agent, session)?;
        // Answered above; the library finds nothing left to answer.
        Ok(true)
    }

    async fn signal(&mut self, channel: ChannelId, signal: Sig, session: &mut Session) -> Result<(), ClientError> {
        self.request(channel, Request::Signal(signal), session)
    }

    async fn tcpip_forward(
        &mut self,
        address: &str,
        port: &mut u32,
        session: &mut Session,
    ) -> Result<bool, ClientError> {
        self.connection.client.get_or_init(|| session.handle());
        let address = plain(address, 255);
        let listening = timeout(LISTEN_TIME, self.connection.listen(address, *port)).await;
        match listening {
            Ok(Some(bound)) => {
                *port = bound;
                Ok(true)
            }
            Ok(None) | Err(_) => Ok(false),
        }
    }

    async fn cancel_tcpip_forward(&mut self, address: &str, port: u32, _: &mut Session) -> Result<bool, ClientError> {
        let stopping = timeout(LISTEN_TIME, self.connection.stop_listening(plain(address, 255), port)).await;
        Ok(stopping.unwrap_or(false))
    }
}

impl Connection {
    /// Has the target listen for the client; the port it listens on, or none when it is refused.
    async fn listen(self: &Arc<Self>, address: String, port: u32) -> Option<u32> {
        let link = self.link().await.ok()?;
        if link.listeners() >= LISTENERS_MAX || link.authorize(&[Capability::RemoteForward]).await != Ok(Ok(())) {
            return None;
        }
        // Before it listens, so that a connection that comes in at once finds its listener known.
        link.give(Gift::Listener(address.clone(), port));
        match link.target.tcpip_forward(address.clone(), port).await {
            Ok(chosen) if port == 0 => {
                link.take_back(&address, 0);
                link.give(Gift::Listener(address, chosen));
                Some(chosen)
            }
            Ok(_) => Some(port),
            Err(_) => {
                link.take_back(&address, port);
                None
            }
        }
    }

    async fn stop_listening(self: &Arc<Self>, address: String, port: u32) -> bool {
        let Some(Ok(link)) = self.link_now() else { return false };
        link.take_back(&address, port);
        link.target.cancel_tcpip_forward(address, port).await.is_ok()
    }
}

fn methods() -> MethodSet {
    MethodSet::from(&[MethodKind::PublicKey, MethodKind::KeyboardInteractive][..])
}

/// How many answers are taken at once; no more than three questions are ever put.
const ANSWERS_MAX: usize = 4;
/// The longest environment variable passed on, name and value.
const ENV_LEN_MAX: usize = 32 * 1024;
/// How many listeners a client may have.
const LISTENERS_MAX: usize = 32;
/// How long opening a session and asking its target to listen may take.
const LISTEN_TIME: Duration = Duration::from_secs(40);
