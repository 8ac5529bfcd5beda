//! Frames: the single things that happened in a session.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use super::digest::StreamSum;
use super::statement::{Statement, StatementEnd, StatementRow, StatementText};
use super::{Error, FRAME_LEN_MAX};

mod bytes;

pub(super) use bytes::encode;

/// Something that happened, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Frame<'a> {
    /// Microseconds since the session's start, on a clock that never goes back.
    pub at_us: u64,
    /// What happened.
    #[serde(flatten)]
    pub kind: FrameKind<'a>,
}

/// What can happen in a session. `channel` numbers the protocol's channels within the session, from
/// 0; a frame without one is about the session as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FrameKind<'a> {
    /// The first frame: who, on what, from where.
    Start {
        /// The session's id.
        session: Cow<'a, str>,
        /// The person.
        user: Cow<'a, str>,
        /// The account's name on the target.
        account: Cow<'a, str>,
        /// The asset.
        asset: Cow<'a, str>,
        /// `ssh`.
        protocol: Cow<'a, str>,
        /// The address the person came from.
        source: Cow<'a, str>,
        /// When, in milliseconds since the Unix epoch.
        started_at_ms: u64,
        /// When it had to end at the latest, in milliseconds since the Unix epoch.
        until_ms: u64,
        /// What it was allowed to do.
        capabilities: Vec<Cow<'a, str>>,
    },
    /// A terminal was asked for.
    Terminal {
        /// Where.
        channel: u32,
        /// The terminal's type, as `TERM` has it.
        term: Cow<'a, str>,
        /// Its width in characters.
        cols: u32,
        /// Its height in characters.
        rows: u32,
    },
    /// The target wrote to standard output.
    Output {
        /// Where.
        channel: u32,
        /// What.
        #[serde(serialize_with = "serialize_data")]
        data: Cow<'a, [u8]>,
    },
    /// The target wrote to standard error.
    ErrorOutput {
        /// Where.
        channel: u32,
        /// What.
        #[serde(serialize_with = "serialize_data")]
        data: Cow<'a, [u8]>,
    },
    /// The person typed or sent.
    Input {
        /// Where.
        channel: u32,
        /// What.
        #[serde(serialize_with = "serialize_data")]
        data: Cow<'a, [u8]>,
    },
    /// The terminal's size changed.
    Resize {
        /// Where.
        channel: u32,
        /// Its width in characters.
        cols: u32,
        /// Its height in characters.
        rows: u32,
    },
    /// A command was run without a shell's prompt.
    Exec {
        /// Where.
        channel: u32,
        /// The command line, as the client sent it.
        #[serde(serialize_with = "serialize_data")]
        command: Cow<'a, [u8]>,
    },
    /// What passed through a command's streams, of which only the beginning is recorded.
    ExecDigest {
        /// Where.
        channel: u32,
        /// From the person to the target.
        input: StreamSum,
        /// The target's standard output.
        output: StreamSum,
        /// The target's standard error.
        error_output: StreamSum,
    },
    /// A shell or command ended.
    Exit {
        /// Where.
        channel: u32,
        /// How.
        status: ExitStatus<'a>,
    },
    /// A file operation that is over.
    Sftp {
        /// Where.
        channel: u32,
        /// Which: `read`, `write`, `list`, `rename` and so on.
        op: Cow<'a, str>,
        /// On what.
        #[serde(serialize_with = "serialize_data")]
        path: Cow<'a, [u8]>,
        /// The second path of a rename or link.
        #[serde(serialize_with = "serialize_optional_data", skip_serializing_if = "Option::is_none")]
        path2: Option<Cow<'a, [u8]>>,
        /// Bytes of content that were moved.
        bytes: u64,
        /// SHA-256 of the content, where it was moved whole and in order.
        #[serde(skip_serializing_if = "Option::is_none")]
        sha256: Option<Sha256>,
        /// Whether the target did it.
        ok: bool,
    },
    /// A forwarded connection.
    Forward {
        /// Where.
        channel: u32,
        /// Of which kind.
        #[serde(rename = "forward")]
        kind: ForwardKind,
        /// To which host, or from which for `Remote`.
        host: Cow<'a, str>,
        /// The port there.
        port: u32,
        /// Bytes from the person's side.
        bytes_in: u64,
        /// Bytes to the person's side.
        bytes_out: u64,
        /// Whether it began or ended.
        phase: ForwardPhase,
    },
    /// An environment variable was set.
    Env {
        /// Where.
        channel: u32,
        /// Its name.
        name: Cow<'a, str>,
        /// Its value.
        #[serde(serialize_with = "serialize_data")]
        value: Cow<'a, [u8]>,
    },
    /// A capability was asked for.
    Capability {
        /// Which.
        name: Cow<'a, str>,
        /// Whether policy allowed it.
        allowed: bool,
    },
    /// Something the person was told, or that somebody joined or left.
    Note {
        /// The text.
        text: Cow<'a, str>,
    },
    /// A statement is about to run.
    Statement(Statement<'a>),
    /// More of its text.
    StatementText(StatementText<'a>),
    /// A row that it gave.
    StatementRow(StatementRow<'a>),
    /// How it ended.
    StatementEnd(StatementEnd<'a>),
    /// The last frame: why the session ended.
    End {
        /// The reason's name.
        reason: Cow<'a, str>,
    },
}

/// How a shell or command ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitStatus<'a> {
    /// It exited with this status.
    Code(u32),
    /// A signal ended it; the name without `SIG`.
    Signal(Cow<'a, str>),
}

/// Who opens a forwarded connection, and to where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum ForwardKind {
    /// The client, through the target.
    Local = 1,
    /// The target's side, to the client.
    Remote = 2,
    /// The target's side, to the client's agent.
    Agent = 3,
    /// The target's side, to the client's display.
    X11 = 4,
    /// The client, through the target, to a Unix socket; `host` is its path.
    LocalSocket = 5,
    /// The target's side, from a Unix socket, to the client.
    RemoteSocket = 6,
}

/// Whether a forwarded connection began or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum ForwardPhase {
    /// It began.
    Opened = 1,
    /// It ended.
    Closed = 2,
}

macro_rules! digests {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name(pub [u8; 32]);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )*};
}

digests! {
    /// A SHA-256 digest; hex in JSON.
    Sha256;
    /// A BLAKE3 digest of 32 bytes; hex in JSON.
    Blake3;
}

impl Sha256 {
    /// From the digest's bytes; all zero unless they are 32.
    pub(super) fn from_digest(bytes: &[u8]) -> Self {
        Self(bytes.try_into().unwrap_or_default())
    }
}

impl<'a> FrameKind<'a> {
    /// An `Output` frame that borrows its data.
    #[must_use]
    pub fn output(channel: u32, data: &'a [u8]) -> Self {
        Self::Output { channel, data: Cow::Borrowed(data) }
    }

    /// An `ErrorOutput` frame that borrows its data.
    #[must_use]
    pub fn error_output(channel: u32, data: &'a [u8]) -> Self {
        Self::ErrorOutput { channel, data: Cow::Borrowed(data) }
    }

    /// An `Input` frame that borrows its data.
    #[must_use]
    pub fn input(channel: u32, data: &'a [u8]) -> Self {
        Self::Input { channel, data: Cow::Borrowed(data) }
    }

    /// A `Note` frame that borrows its text.
    #[must_use]
    pub fn note(text: &'a str) -> Self {
        Self::Note { text: Cow::Borrowed(text) }
    }

    /// The channel that it is about, if it is about one.
    #[must_use]
    pub fn channel(&self) -> Option<u32> {
        match self {
            Self::Terminal { channel, .. }
            | Self::Output { channel, .. }
            | Self::ErrorOutput { channel, .. }
            | Self::Input { channel, .. }
            | Self::Resize { channel, .. }
            | Self::Exec { channel, .. }
            | Self::ExecDigest { channel, .. }
            | Self::Exit { channel, .. }
            | Self::Sftp { channel, .. }
            | Self::Forward { channel, .. }
            | Self::Env { channel, .. } => Some(*channel),
            Self::Start { .. }
            | Self::Capability { .. }
            | Self::Note { .. }
            | Self::Statement(_)
            | Self::StatementText(_)
            | Self::StatementRow(_)
            | Self::StatementEnd(_)
            | Self::End { .. } => None,
        }
    }

    /// The same, owning all of its data.
    #[must_use]
    pub fn into_owned(self) -> FrameKind<'static> {
        match self {
            Self::Start { session, user, account, asset, protocol, source, started_at_ms, until_ms, capabilities } => {
                FrameKind::Start {
                    session: text(session),
                    user: text(user),
                    account: text(account),
                    asset: text(asset),
                    protocol: text(protocol),
                    source: text(source),
                    started_at_ms,
                    until_ms,
                    capabilities: capabilities.into_iter().map(text).collect(),
                }
            }
            Self::Terminal { channel, term, cols, rows } => {
                FrameKind::Terminal { channel, term: text(term), cols, rows }
            }
            Self::Output { channel, data } => FrameKind::Output { channel, data: bytes(data) },
            Self::ErrorOutput { channel, data } => FrameKind::ErrorOutput { channel, data: bytes(data) },
            Self::Input { channel, data } => FrameKind::Input { channel, data: bytes(data) },
            Self::Resize { channel, cols, rows } => FrameKind::Resize { channel, cols, rows },
            Self::Exec { channel, command } => FrameKind::Exec { channel, command: bytes(command) },
            Self::ExecDigest { channel, input, output, error_output } => {
                FrameKind::ExecDigest { channel, input, output, error_output }
            }
            Self::Exit { channel, status } => FrameKind::Exit {
                channel,
                status: match status {
                    ExitStatus::Code(code) => ExitStatus::Code(code),
                    ExitStatus::Signal(name) => ExitStatus::Signal(text(name)),
                },
            },
            Self::Sftp { channel, op, path, path2, bytes: moved, sha256, ok } => FrameKind::Sftp {
                channel,
                op: text(op),
                path: bytes(path),
                path2: path2.map(bytes),
                bytes: moved,
                sha256,
                ok,
            },
            Self::Forward { channel, kind, host, port, bytes_in, bytes_out, phase } => {
                FrameKind::Forward { channel, kind, host: text(host), port, bytes_in, bytes_out, phase }
            }
            Self::Env { channel, name, value } => FrameKind::Env { channel, name: text(name), value: bytes(value) },
            Self::Capability { name, allowed } => FrameKind::Capability { name: text(name), allowed },
            Self::Note { text: note } => FrameKind::Note { text: text(note) },
            Self::Statement(statement) => FrameKind::Statement(statement.into_owned()),
            Self::StatementText(more) => FrameKind::StatementText(more.into_owned()),
            Self::StatementRow(row) => FrameKind::StatementRow(row.into_owned()),
            Self::StatementEnd(end) => FrameKind::StatementEnd(end.into_owned()),
            Self::End { reason } => FrameKind::End { reason: text(reason) },
        }
    }
}

fn text(borrowed: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(borrowed.into_owned())
}

fn bytes(borrowed: Cow<'_, [u8]>) -> Cow<'static, [u8]> {
    Cow::Owned(borrowed.into_owned())
}

impl<'a> Frame<'a> {
    /// The same, owning all of its data.
    #[must_use]
    pub fn into_owned(self) -> Frame<'static> {
        Frame { at_us: self.at_us, kind: self.kind.into_owned() }
    }

    /// Appends the frame to `out`; leaves `out` as it was when the frame is too large.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        encode(self.at_us, &self.kind, out)
    }

    /// Reads the frame that `body`, without its length field, holds.
    #[inline]
    pub fn decode(body: &'a [u8]) -> Result<Self, Error> {
        let (at_us, kind) = bytes::decode(body)?;
        Ok(Self { at_us, kind })
    }
}

/// The frames in a chunk's plain bytes, in order. After an error there is nothing more.
#[derive(Clone, Debug)]
pub struct Frames<'a> {
    rest: &'a [u8],
}

impl<'a> Frames<'a> {
    /// The frames in `plain`.
    #[must_use]
    pub fn new(plain: &'a [u8]) -> Self {
        Self { rest: plain }
    }

    /// How many bytes of frames are left.
    #[must_use]
    pub fn rest_len(&self) -> usize {
        self.rest.len()
    }

    #[inline]
    fn split(&mut self) -> Result<&'a [u8], Error> {
        let (len, rest) = self.rest.split_first_chunk().ok_or(Error::Truncated("frame"))?;
        let len = usize::try_from(u32::from_be_bytes(*len)).unwrap_or(usize::MAX);
        if len > FRAME_LEN_MAX {
            return Err(Error::TooLarge("frame"));
        }
        let (body, rest) = rest.split_at_checked(len).ok_or(Error::Truncated("frame"))?;
        self.rest = rest;
        Ok(body)
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, Error>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let frame = self.split().and_then(Frame::decode);
        if frame.is_err() {
            self.rest = &[];
        }
        Some(frame)
    }
}

/// Text as it is where the bytes are UTF-8, else an object with the bytes in base64.
pub(super) fn serialize_data<S: Serializer>(data: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    match str::from_utf8(data) {
        Ok(text) => serializer.serialize_str(text),
        Err(_) => {
            use base64::Engine;
            #[derive(Serialize)]
            struct Encoded {
                base64: String,
            }
            Encoded { base64: base64::engine::general_purpose::STANDARD.encode(data) }.serialize(serializer)
        }
    }
}

pub(super) fn serialize_optional_data<S: Serializer>(
    data: &Option<Cow<'_, [u8]>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match data {
        Some(data) => serialize_data(data, serializer),
        None => serializer.serialize_none(),
    }
}
