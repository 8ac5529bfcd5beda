//! A session channel: a shell, a command or file transfer.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use postern_domain::{Capability, UserName};
use postern_gateway::RecorderFailed;
use postern_wire::recording::{ExitStatus, FrameKind, StreamDigest};
use russh::server::ChannelOpenHandle;
use russh::{ChannelId, ChannelMsg, ChannelWriteHalf, client, server};
use tokio_util::sync::CancellationToken;

use crate::connection::{ChannelPlace, Connection};
use crate::link::{Link, NoLink, STATUS_FAILED, STATUS_REFUSED};
use postern_ssh_target::inbox::{Exit, Inbox, Item};
use postern_ssh_target::request::{Request, Size};
use postern_ssh_target::sftp::{Broken, Sftp, Step};
use postern_ssh_target::side::{Gone, Side};
use postern_ssh_target::text::spoken;

/// The client's end of the channel.
pub(crate) struct Program {
    client: Side<server::Msg>,
    /// Whether there is a terminal.
    terminal: AtomicBool,
    over: CancellationToken,
}

impl Program {
    /// Shows the person something.
    pub(crate) async fn tell(&self, text: &str) {
        // A peer that is gone need not be told.
        let _ = self.show(text).await;
    }

    /// Shows the person why, and ends the program as far as they are concerned.
    pub(crate) async fn end(&self, text: &str) {
        self.finish(text, STATUS_REFUSED).await;
    }

    /// Whether a person works in it, so that another one can type too.
    pub(crate) fn is_terminal(&self) -> bool {
        self.terminal.load(Ordering::Relaxed)
    }

    /// Takes what somebody types who has joined the session.
    pub(crate) fn type_in(&self, user: UserName, data: Bytes) {
        if self.client.inbox.push(Item::Typed { user, data }).is_err() {
            tracing::debug!("a guest typed more than the session takes; it was dropped");
        }
    }

    /// Waits until all that the target said has been passed on.
    pub(crate) async fn over(&self) {
        self.over.cancelled().await;
    }

    async fn finish(&self, text: &str, status: u32) {
        if self.show(text).await.is_ok() {
            let _ = self.client.write.exit_status(status).await;
            let _ = self.client.write.eof().await;
        }
        self.client.close().await;
    }

    async fn show(&self, text: &str) -> Result<(), Gone> {
        let text = Bytes::from(spoken(text));
        if self.terminal.load(Ordering::Relaxed) {
            // Begin on a line of its own, whatever the program has drawn.
            self.client.send(Bytes::from_static(b"\r\n")).await?;
            self.client.send(text).await
        } else {
            self.client.send_extended(STDERR, text).await
        }
    }
}

/// Runs a channel that a client has opened, to its end.
pub(crate) async fn run(
    connection: Arc<Connection>,
    place: ChannelPlace,
    write: ChannelWriteHalf<server::Msg>,
    inbox: Arc<Inbox>,
    reply: ChannelOpenHandle,
) {
    let id = write.id();
    let client = Side::new(write, inbox, connection.gate.limits.window);
    let program = Arc::new(Program { client, terminal: AtomicBool::new(false), over: CancellationToken::new() });
    let link = connection.link().await;
    reply.accept().await;
    match link {
        Err(no) => refuse(&program, &no).await,
        Ok(link) => {
            connection.register(id, &program);
            match link.target.channel_open_session().await {
                Ok(channel) => relay(&connection, &link, &program, channel).await,
                Err(error) => {
                    let text = format!("the target opens no channel: {error}");
                    program.finish(&text, STATUS_FAILED).await;
                }
            }
            connection.unregister(id);
        }
    }
    program.client.close().await;
    program.over.cancel();
    connection.inboxes.remove(id);
    drop(place);
}

/// Waits for the client to start something, so that there is an exit status to be had, and says no.
async fn refuse(program: &Program, no: &NoLink) {
    loop {
        match program.client.inbox.next().await {
            Item::Request(Request::Pty { .. }) => program.terminal.store(true, Ordering::Relaxed),
            Item::Request(request) if request.starts() => break,
            Item::Close => return,
            _ => {}
        }
    }
    program.finish(&no.text, no.status).await;
}

/// Why a relay stopped before both sides were done.
enum Stop {
    Gone,
    Recorder,
    /// Policy or the target refuses what was asked; the text is for the person, the status for `ssh`.
    Refused(String, u32),
}

impl From<Gone> for Stop {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl From<russh::Error> for Stop {
    fn from(_: russh::Error) -> Self {
        Self::Gone
    }
}

impl From<Broken> for Stop {
    fn from(broken: Broken) -> Self {
        Self::Refused(broken.to_string(), STATUS_FAILED)
    }
}

impl From<RecorderFailed> for Stop {
    fn from(_: RecorderFailed) -> Self {
        // Whoever governs the session waits for the same failure.
        Self::Recorder
    }
}

/// What runs on the channel, once something does.
enum Kind {
    /// Something on a terminal, or a shell without one: recorded whole.
    Interactive,
    /// A command: the beginnings of its streams are recorded, all of them digested.
    Command(Box<[Mutex<StreamDigest>; 3]>),
    /// File transfer: its operations are recorded.
    Transfer(Box<Mutex<Sftp>>),
}

/// What a person is told whose session can no longer be recorded.
const UNRECORDED: &str = "this session cannot be recorded any more; tell whoever runs postern";

struct Relay<'a> {
    link: &'a Link,
    handle: server::Handle,
    program: &'a Program,
    target: Side<client::Msg>,
    channel: u32,
    kind: OnceLock<Kind>,
    /// What the target still owes an answer to.
    awaited: Mutex<VecDeque<&'static str>>,
    /// Whether the client has been told that no more output comes.
    output_over: AtomicBool,
}

async fn relay(connection: &Connection, link: &Link, program: &Program, channel: russh::Channel<client::Msg>) {
    let (_, write) = channel.split();
    let id = write.id();
    let inbox = link.inboxes.add(id);
    let Some(handle) = connection.client.get().cloned() else { return };
    let relay = Relay {
        link,
        handle,
        program,
        target: Side::new(write, inbox, connection.gate.limits.window),
        channel: program.client.write.id().number(),
        kind: OnceLock::new(),
        awaited: Mutex::default(),
        output_over: AtomicBool::new(false),
    };
    tokio::join!(relay.client_to_target(), relay.target_to_client());
    relay.finish().await;
    link.inboxes.remove(id);
}

impl Relay<'_> {
    async fn client_to_target(&self) {
        match self.pump_up().await {
            // A client may close as soon as nothing flows any more in either direction, and OpenSSH's
            // does; the exit status still comes, and the target closes by itself after it.
            Ok(()) if self.output_over.load(Ordering::Relaxed) && self.target.write.eof().await.is_ok() => return,
            Err(Stop::Refused(text, status)) => self.program.finish(&text, status).await,
            Ok(()) | Err(Stop::Gone | Stop::Recorder) => {}
        }
        self.target.close().await;
    }

    async fn target_to_client(&self) {
        match self.pump_down().await {
            Err(Stop::Refused(text, status)) => self.program.finish(&text, status).await,
            // Said here, since nobody can be told anything once this channel is closed.
            Err(Stop::Recorder) => self.program.finish(UNRECORDED, STATUS_REFUSED).await,
            Ok(()) | Err(Stop::Gone) => {}
        }
        self.program.client.close().await;
    }

    async fn pump_up(&self) -> Result<(), Stop> {
        let client = &self.program.client;
        loop {
            match client.inbox.next().await {
                Item::Data(data) => {
                    self.link.activity.mark();
                    let len = data.len();
                    if self.may_flow().await? {
                        self.take(data).await?;
                    }
                    client.passed_on(len).await?;
                }
                Item::Typed { user, data } => {
                    if self.program.is_terminal() {
                        self.link.typing(Some(&user)).await?;
                        self.record_input(&data).await?;
                        self.target.send(data).await?;
                    }
                }
                // A client has no second stream; what it sends there goes nowhere.
                Item::Extended(_, data) => client.passed_on(data.len()).await?,
                Item::Request(request) => self.pass_on(request).await?,
                Item::Eof => self.target.write.eof().await?,
                Item::Reply(_) | Item::Exit(_) | Item::Answers => {}
                Item::Close => return Ok(()),
            }
        }
    }

    /// Whether what came from the client is to be passed on. While the session's input is held, what
    /// is typed at a terminal goes nowhere, and everything else waits.
    async fn may_flow(&self) -> Result<bool, Stop> {
        if !self.link.held.is_held() {
            return Ok(true);
        }
        if self.program.is_terminal() && !matches!(self.kind.get(), Some(Kind::Transfer(_))) {
            return Ok(false);
        }
        tokio::select! {
            () = self.link.held.released() => Ok(true),
            () = self.program.client.inbox.gone() => Err(Stop::Gone),
        }
    }

    /// Passes on what came from the client.
    async fn take(&self, data: Bytes) -> Result<(), Stop> {
        if let Some(Kind::Transfer(sftp)) = self.kind.get() {
            let step = locked(sftp).requests(&data)?;
            return self.step(step, &self.target).await;
        }
        if self.program.is_terminal() {
            self.link.typing(None).await?;
        }
        self.record_input(&data).await?;
        Ok(self.target.send(data).await?)
    }

    /// Records and passes on what came of a piece of file transfer.
    async fn step<M>(&self, step: Step, to: &Side<M>) -> Result<(), Stop>
    where
        M: From<(ChannelId, ChannelMsg)> + Send + Sync + 'static,
    {
        for frame in step.frames {
            self.link.recorder.record(frame).await?;
        }
        if step.answered {
            self.target.inbox.push(Item::Answers).map_err(|_| Gone)?;
        }
        if !step.forward.is_empty() {
            to.send(step.forward).await?;
        }
        Ok(())
    }

    async fn pump_down(&self) -> Result<(), Stop> {
        let client = &self.program.client;
        loop {
            match self.target.inbox.next().await {
                Item::Data(data) => {
                    let len = data.len();
                    if let Some(Kind::Transfer(sftp)) = self.kind.get() {
                        let step = locked(sftp).replies(&data)?;
                        self.step(step, client).await?;
                    } else {
                        self.record_output(&data).await?;
                        client.send(data).await?;
                    }
                    self.target.passed_on(len).await?;
                }
                Item::Extended(code, data) => {
                    self.record_error_output(&data).await?;
                    let len = data.len();
                    client.send_extended(code, data).await?;
                    self.target.passed_on(len).await?;
                }
                Item::Reply(yes) => {
                    let what = self.awaited().pop_front();
                    if let (false, Some(what)) = (yes, what) {
                        return Err(Stop::Refused(format!("the target refuses {what}"), STATUS_FAILED));
                    }
                }
                Item::Answers => {
                    if let Some(Kind::Transfer(sftp)) = self.kind.get() {
                        let answers = locked(sftp).answers();
                        client.send(answers).await?;
                    }
                }
                Item::Exit(exit) => self.pass_on_exit(exit).await?,
                Item::Eof => {
                    self.output_over.store(true, Ordering::Relaxed);
                    client.write.eof().await?;
                }
                Item::Request(_) | Item::Typed { .. } => {}
                Item::Close => return Ok(()),
            }
        }
    }

    async fn pass_on(&self, request: Request) -> Result<(), Stop> {
        let (recorder, target, channel) = (&self.link.recorder, &self.target.write, self.channel);
        match request {
            Request::Pty { term, size, modes } => {
                self.program.terminal.store(true, Ordering::Relaxed);
                let Size { columns, rows, width, height } = size;
                recorder
                    .record(FrameKind::Terminal { channel, term: term.as_str().into(), cols: columns, rows })
                    .await?;
                self.awaited().push_back("a terminal");
                target.request_pty(true, &term, columns, rows, width, height, &modes).await?;
            }
            Request::Denied(text) => return Err(Stop::Refused(text, STATUS_REFUSED)),
            Request::Shell => {
                let _ = self.kind.set(Kind::Interactive);
                self.awaited().push_back("a shell");
                target.request_shell(true).await?;
            }
            Request::Exec(command) => {
                recorder.record(FrameKind::Exec { channel, command: command.as_slice().into() }).await?;
                let _ = self.kind.set(self.command());
                self.awaited().push_back("to run the command");
                target.exec(true, command).await?;
            }
            Request::Sftp => {
                let [read, write] = [Capability::SftpRead, Capability::SftpWrite].map(|one| self.link.may_any(&[one]));
                for (capability, verdict) in [(Capability::SftpRead, &read), (Capability::SftpWrite, &write)] {
                    let name = capability.as_str().into();
                    recorder.record(FrameKind::Capability { name, allowed: verdict.is_ok() }).await?;
                }
                let _ = self.kind.set(Kind::Transfer(Box::new(Mutex::new(Sftp::new(channel, read, write)))));
                self.awaited().push_back("file transfer");
                target.request_subsystem(true, "sftp").await?;
            }
            Request::Env { name, value } => {
                let frame = FrameKind::Env { channel, name: name.as_str().into(), value: value.as_bytes().into() };
                recorder.record(frame).await?;
                target.set_env(false, name, value).await?;
            }
            Request::Resize(size) => {
                recorder.record(FrameKind::Resize { channel, cols: size.columns, rows: size.rows }).await?;
                target.window_change(size.columns, size.rows, size.width, size.height).await?;
            }
            Request::Signal(signal) => target.signal(signal).await?,
            Request::Agent => target.agent_forward(false).await?,
            Request::X11 { single, protocol, cookie, screen } => {
                target.request_x11(false, single, protocol, cookie, screen).await?;
            }
        }
        Ok(())
    }

    async fn pass_on_exit(&self, exit: Exit) -> Result<(), Stop> {
        let (recorder, channel) = (&self.link.recorder, self.channel);
        let client = &self.program.client.write;
        match exit {
            Exit::Status(status) => {
                recorder.record(FrameKind::Exit { channel, status: ExitStatus::Code(status) }).await?;
                client.exit_status(status).await?;
            }
            Exit::Signal { signal, core_dumped, message } => {
                let name = signal_name(&signal);
                recorder.record(FrameKind::Exit { channel, status: ExitStatus::Signal(name.into()) }).await?;
                let id = client.id();
                let sent = self.handle.exit_signal_request(id, signal, core_dumped, message, String::new()).await;
                sent.map_err(|()| Gone)?;
            }
        }
        Ok(())
    }

    fn command(&self) -> Kind {
        if self.program.terminal.load(Ordering::Relaxed) { Kind::Interactive } else { Kind::Command(Box::default()) }
    }

    async fn record_input(&self, data: &[u8]) -> Result<(), RecorderFailed> {
        let head = self.head(0, data);
        if head.is_empty() { Ok(()) } else { self.link.recorder.record(FrameKind::input(self.channel, head)).await }
    }

    async fn record_output(&self, data: &[u8]) -> Result<(), RecorderFailed> {
        let head = self.head(1, data);
        if head.is_empty() { Ok(()) } else { self.link.recorder.record(FrameKind::output(self.channel, head)).await }
    }

    async fn record_error_output(&self, data: &[u8]) -> Result<(), RecorderFailed> {
        let head = self.head(2, data);
        let frame = FrameKind::error_output(self.channel, head);
        if head.is_empty() { Ok(()) } else { self.link.recorder.record(frame).await }
    }

    /// What of the next bytes of a stream is to be recorded as it is.
    fn head<'a>(&self, stream: usize, data: &'a [u8]) -> &'a [u8] {
        match self.kind.get() {
            Some(Kind::Command(digests)) => match digests.get(stream) {
                Some(digest) => locked(digest).update(data),
                None => data,
            },
            Some(Kind::Interactive | Kind::Transfer(_)) | None => data,
        }
    }

    async fn finish(self) {
        let frames = match self.kind.into_inner() {
            Some(Kind::Command(digests)) => {
                let [input, output, error_output] = digests.map(|digest| unlocked(digest).finish());
                vec![FrameKind::ExecDigest { channel: self.channel, input, output, error_output }]
            }
            Some(Kind::Transfer(sftp)) => unlocked(*sftp).finish(),
            Some(Kind::Interactive) | None => Vec::new(),
        };
        for frame in frames {
            // Whoever governs the session waits for the same failure.
            let _ = self.link.recorder.record(frame).await;
        }
    }

    fn awaited(&self) -> MutexGuard<'_, VecDeque<&'static str>> {
        locked(&self.awaited)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind these locks is changed by single calls that do not panic half way.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unlocked<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn signal_name(signal: &russh::Sig) -> String {
    match signal {
        russh::Sig::Custom(name) => name.clone(),
        known => format!("{known:?}"),
    }
}

/// The number of the second stream.
const STDERR: u32 = 1;
