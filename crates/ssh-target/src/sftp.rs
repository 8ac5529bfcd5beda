//! File transfer, looked at from between: what is not allowed is answered here and never reaches the
//! target, and what happens to which file is recorded when its outcome is known.

use std::borrow::Cow;
use std::collections::HashMap;

use bytes::{Bytes, BytesMut};
use postern_domain::Capability;
use postern_wire::recording::{FileDigest, FrameKind};
use postern_wire::sftp::{self, OpenFlags, Reply, Request, Splitter, Status};

/// One file transfer channel.
pub struct Sftp {
    channel: u32,
    read: Result<(), String>,
    write: Result<(), String>,
    from_client: Splitter,
    from_target: Splitter,
    /// Answers given here that the client has not been sent yet.
    answers: BytesMut,
    awaited: HashMap<u32, Awaited>,
    open: HashMap<Vec<u8>, Open>,
}

/// What came of a piece of a stream.
#[derive(Default)]
pub struct Step {
    /// To be passed on.
    pub forward: Bytes,
    /// To be recorded.
    pub frames: Vec<FrameKind<'static>>,
    /// Whether there are answers for the client, and none were waiting before.
    pub answered: bool,
}

/// It is not file transfer, or more of it than anybody would do at once.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// It is no stream of packets.
    #[error("{who} does not speak file transfer as it should: {cause}")]
    Stream {
        /// Which side.
        who: &'static str,
        /// In what way.
        cause: sftp::Error,
    },
    /// A packet is cut short.
    #[error("{0} does not speak file transfer as it should: a packet is cut short")]
    Short(&'static str),
    /// More is outstanding than anybody would leave.
    #[error("too many requests are outstanding")]
    TooMuch,
}

/// A request whose answer matters.
enum Awaited {
    Open { path: Vec<u8>, kind: OpenKind },
    Close { handle: Vec<u8> },
    Read { handle: Vec<u8>, offset: u64 },
    Write { handle: Vec<u8> },
    Change { op: &'static str, path: Vec<u8>, path2: Option<Vec<u8>> },
}

#[derive(Clone, Copy)]
enum OpenKind {
    Directory,
    File(OpenFlags),
}

/// An open file or directory.
struct Open {
    path: Vec<u8>,
    kind: OpenKind,
    read: Content,
    written: Content,
    failed: bool,
}

/// Content that is moved.
struct Content {
    digest: FileDigest,
    bytes: u64,
    next: u64,
    /// Whether all of it came from the beginning on and in order.
    whole: bool,
}

impl Sftp {
    /// A transfer that may do what `read` and `write` say; their errors are for the person.
    pub fn new(channel: u32, read: Result<(), String>, write: Result<(), String>) -> Self {
        Self {
            channel,
            read,
            write,
            from_client: Splitter::default(),
            from_target: Splitter::default(),
            answers: BytesMut::new(),
            awaited: HashMap::new(),
            open: HashMap::new(),
        }
    }

    /// Takes what the client sent.
    ///
    /// # Errors
    /// When it is not file transfer, or too much of it.
    pub fn requests(&mut self, data: &[u8]) -> Result<Step, Broken> {
        let (mut forward, mut frames, mut broken) = (BytesMut::with_capacity(data.len()), Vec::new(), None);
        let answered_before = self.answers.len();
        let mut splitter = std::mem::take(&mut self.from_client);
        let split = splitter.split(data, |packet| {
            if broken.is_none() {
                match self.request(packet, &mut frames) {
                    Ok(true) => forward.extend_from_slice(packet),
                    Ok(false) => {}
                    Err(error) => broken = Some(error),
                }
            }
        });
        self.from_client = splitter;
        split.map_err(|cause| Broken::Stream { who: "the client", cause })?;
        match broken {
            Some(error) => Err(error),
            None => {
                let answered = answered_before == 0 && !self.answers.is_empty();
                Ok(Step { forward: forward.freeze(), frames, answered })
            }
        }
    }

    /// Takes what the target sent.
    ///
    /// # Errors
    /// When it is not file transfer.
    pub fn replies(&mut self, data: &[u8]) -> Result<Step, Broken> {
        let (mut forward, mut frames, mut short) = (BytesMut::with_capacity(data.len()), Vec::new(), false);
        let mut splitter = std::mem::take(&mut self.from_target);
        let split = splitter.split(data, |packet| match Reply::read(packet) {
            Some(reply) => {
                self.reply(&reply, &mut frames);
                forward.extend_from_slice(packet);
            }
            None => short = true,
        });
        self.from_target = splitter;
        split.map_err(|cause| Broken::Stream { who: "the target", cause })?;
        if short {
            return Err(Broken::Short("the target"));
        }
        Ok(Step { forward: forward.freeze(), frames, answered: false })
    }

    /// The answers given here, to be sent between two of the target's packets. What is passed on ends
    /// with a whole packet, so that any moment is between two.
    pub fn answers(&mut self) -> Bytes {
        self.answers.split().freeze()
    }

    /// The channel is over: what was still open was not moved whole.
    pub fn finish(mut self) -> Vec<FrameKind<'static>> {
        let mut frames = Vec::new();
        for (_, open) in std::mem::take(&mut self.open) {
            frames.extend(open.frames(self.channel, false));
        }
        frames
    }

    /// Judges a request; whether it is passed on.
    fn request(&mut self, packet: &[u8], frames: &mut Vec<FrameKind<'static>>) -> Result<bool, Broken> {
        let request = Request::read(packet).ok_or(Broken::Short("the client"))?;
        if self.awaited.len() >= AWAITED_MAX || self.answers.len() >= ANSWERS_LEN_MAX {
            return Err(Broken::TooMuch);
        }
        if let Request::Unknown { id } = request {
            self.answer(id, Status::Unsupported, "postern passes on no such request");
            return Ok(false);
        }
        if let (Some(id), Some((capability, text))) = (request.id(), self.refusal(&request)) {
            frames.push(FrameKind::Capability { name: Cow::Borrowed(capability.as_str()), allowed: false });
            frames.extend(self.refused_frame(&request));
            self.answer(id, Status::PermissionDenied, &text);
            return Ok(false);
        }
        if let Request::Open { id, .. } | Request::OpenDir { id, .. } = request
            && self.open.len() >= OPEN_MAX
        {
            self.answer(id, Status::Failure, "too many files are open");
            return Ok(false);
        }
        self.note(&request);
        Ok(true)
    }

    /// What a request needs and does not have.
    fn refusal(&self, request: &Request<'_>) -> Option<(Capability, String)> {
        let (reads, writes) = match request {
            Request::Init | Request::Look { .. } | Request::Close { .. } | Request::Unknown { .. } => (false, false),
            Request::Open { flags, .. } => (flags.reads(), flags.writes()),
            Request::Read { .. } | Request::OpenDir { .. } | Request::List { .. } => (true, false),
            Request::Write { .. } | Request::Change { .. } => (false, true),
            // What is added to the list later is not allowed until it is thought about.
            _ => (true, true),
        };
        let of = |wanted: bool, allowed: &Result<(), String>, capability| match allowed {
            Err(text) if wanted => Some((capability, text.clone())),
            _ => None,
        };
        of(reads, &self.read, Capability::SftpRead).or_else(|| of(writes, &self.write, Capability::SftpWrite))
    }

    fn refused_frame(&self, request: &Request<'_>) -> Option<FrameKind<'static>> {
        let (op, path, path2) = match request {
            Request::Open { path, flags, .. } => (if flags.writes() { "write" } else { "read" }, *path, None),
            Request::OpenDir { path, .. } => ("list", *path, None),
            Request::Change { op, path, path2, by_handle: false, .. } => (*op, *path, *path2),
            _ => return None,
        };
        Some(operation(self.channel, op, path.to_vec(), path2.map(<[u8]>::to_vec), false))
    }

    /// Remembers what the answer will be about.
    fn note(&mut self, request: &Request<'_>) {
        let awaited = match *request {
            Request::Open { id, path, flags } => {
                (id, Awaited::Open { path: path.to_vec(), kind: OpenKind::File(flags) })
            }
            Request::OpenDir { id, path } => (id, Awaited::Open { path: path.to_vec(), kind: OpenKind::Directory }),
            Request::Close { id, handle } => (id, Awaited::Close { handle: handle.to_vec() }),
            Request::Read { id, handle, offset } => (id, Awaited::Read { handle: handle.to_vec(), offset }),
            Request::Write { id, handle, offset, data } => {
                if let Some(open) = self.open.get_mut(handle) {
                    let appends = matches!(open.kind, OpenKind::File(flags) if flags.appends());
                    open.written.take(if appends { open.written.next } else { offset }, data);
                }
                (id, Awaited::Write { handle: handle.to_vec() })
            }
            Request::Change { id, op, path, path2, by_handle } => {
                let named = self.open.get(path).filter(|_| by_handle).map_or(path, |open| &open.path);
                let (path, path2) = (named.to_vec(), path2.map(<[u8]>::to_vec));
                (id, Awaited::Change { op, path, path2 })
            }
            _ => return,
        };
        self.awaited.insert(awaited.0, awaited.1);
    }

    fn reply(&mut self, reply: &Reply<'_>, frames: &mut Vec<FrameKind<'static>>) {
        let (id, ok, handle, data) = match *reply {
            Reply::Status { id, code } => (id, code == 0, None, None),
            Reply::Handle { id, handle } => (id, true, Some(handle), None),
            Reply::Data { id, data } => (id, true, None, Some(data)),
            Reply::Other { id } => (id, true, None, None),
            _ => return,
        };
        match self.awaited.remove(&id) {
            Some(Awaited::Open { path, kind }) => match handle {
                Some(handle) => {
                    self.open.insert(handle.to_vec(), Open::new(path, kind));
                }
                None => frames.push(operation(self.channel, kind.op(), path, None, false)),
            },
            Some(Awaited::Close { handle }) => {
                if let Some(open) = self.open.remove(&handle) {
                    frames.extend(open.frames(self.channel, ok));
                }
            }
            Some(Awaited::Read { handle, offset }) => {
                if let (Some(open), Some(data)) = (self.open.get_mut(&handle), data) {
                    open.read.take(offset, data);
                }
            }
            Some(Awaited::Write { handle }) => {
                if let (Some(open), false) = (self.open.get_mut(&handle), ok) {
                    open.failed = true;
                }
            }
            Some(Awaited::Change { op, path, path2 }) => {
                frames.push(operation(self.channel, op, path, path2, ok));
            }
            None => {}
        }
    }

    fn answer(&mut self, id: u32, status: Status, text: &str) {
        self.answers.extend_from_slice(&sftp::answer(id, status, text));
    }
}

impl OpenKind {
    fn op(self) -> &'static str {
        match self {
            Self::Directory => "list",
            Self::File(flags) if flags.writes() => "write",
            Self::File(_) => "read",
        }
    }
}

impl Open {
    fn new(path: Vec<u8>, kind: OpenKind) -> Self {
        Self { path, kind, read: Content::new(), written: Content::new(), failed: false }
    }

    /// What became of it; one frame for each direction in which it was used.
    fn frames(self, channel: u32, closed: bool) -> Vec<FrameKind<'static>> {
        let ok = closed && !self.failed;
        let OpenKind::File(flags) = self.kind else {
            return vec![operation(channel, "list", self.path, None, ok)];
        };
        let mut frames = Vec::new();
        if flags.writes() {
            frames.push(self.written.frame(channel, "write", self.path.clone(), ok));
        }
        if !flags.writes() || self.read.bytes > 0 {
            frames.push(self.read.frame(channel, "read", self.path, ok));
        }
        frames
    }
}

impl Content {
    fn new() -> Self {
        Self { digest: FileDigest::new(), bytes: 0, next: 0, whole: true }
    }

    fn take(&mut self, offset: u64, data: &[u8]) {
        let len = u64::try_from(data.len()).unwrap_or(u64::MAX);
        self.bytes = self.bytes.saturating_add(len);
        self.whole = self.whole && offset == self.next;
        if self.whole {
            self.digest.update(data);
            self.next = self.next.saturating_add(len);
        }
    }

    fn frame(self, channel: u32, op: &'static str, path: Vec<u8>, ok: bool) -> FrameKind<'static> {
        let sha256 = self.whole.then(|| self.digest.finish());
        FrameKind::Sftp { channel, op: op.into(), path: path.into(), path2: None, bytes: self.bytes, sha256, ok }
    }
}

fn operation(channel: u32, op: &'static str, path: Vec<u8>, path2: Option<Vec<u8>>, ok: bool) -> FrameKind<'static> {
    FrameKind::Sftp {
        channel,
        op: op.into(),
        path: path.into(),
        path2: path2.map(Cow::from),
        bytes: 0,
        sha256: None,
        ok,
    }
}

/// How many requests may be outstanding. OpenSSH has 64 in flight unless told otherwise.
const AWAITED_MAX: usize = 4096;
/// How many bytes of answers given here may wait for the client to take them.
const ANSWERS_LEN_MAX: usize = 64 * 1024;
/// How many files and directories may be open.
const OPEN_MAX: usize = 512;
