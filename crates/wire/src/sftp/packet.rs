//! What is in a packet.

/// What a client asks for. Paths and handles are as the client wrote them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Request<'a> {
    /// To begin.
    Init,
    /// To open a file.
    Open {
        /// The request's number.
        id: u32,
        /// The file.
        path: &'a [u8],
        /// What for.
        flags: OpenFlags,
    },
    /// To close a file or directory.
    Close {
        /// The request's number.
        id: u32,
        /// Which.
        handle: &'a [u8],
    },
    /// To read from a file.
    Read {
        /// The request's number.
        id: u32,
        /// Which.
        handle: &'a [u8],
        /// From where.
        offset: u64,
    },
    /// To write to a file.
    Write {
        /// The request's number.
        id: u32,
        /// Which.
        handle: &'a [u8],
        /// Where.
        offset: u64,
        /// What.
        data: &'a [u8],
    },
    /// To open a directory.
    OpenDir {
        /// The request's number.
        id: u32,
        /// Which.
        path: &'a [u8],
    },
    /// To be told something that leaves everything as it is and tells no content.
    Look {
        /// The request's number.
        id: u32,
    },
    /// To be told the names in a directory, or where a link leads.
    List {
        /// The request's number.
        id: u32,
    },
    /// To change something.
    Change {
        /// The request's number.
        id: u32,
        /// What is done, as recordings name it.
        op: &'static str,
        /// To what; a handle where `by_handle`.
        path: &'a [u8],
        /// The second path, of a rename or a link.
        path2: Option<&'a [u8]>,
        /// Whether `path` is a handle.
        by_handle: bool,
    },
    /// Something that is not understood.
    Unknown {
        /// The request's number.
        id: u32,
    },
}

/// What a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reply<'a> {
    /// To the beginning.
    Version,
    /// Whether it was done.
    Status {
        /// The request's number.
        id: u32,
        /// How it went.
        code: u32,
    },
    /// It is open.
    Handle {
        /// The request's number.
        id: u32,
        /// By this name from now on.
        handle: &'a [u8],
    },
    /// What was read.
    Data {
        /// The request's number.
        id: u32,
        /// The bytes.
        data: &'a [u8],
    },
    /// Anything else that was asked for.
    Other {
        /// The request's number.
        id: u32,
    },
}

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenFlags(pub u32);

impl OpenFlags {
    /// Whether content can be read through it.
    #[must_use]
    pub fn reads(self) -> bool {
        self.0 & READ != 0 || !self.writes()
    }

    /// Whether something can be changed through it, or is by opening it.
    #[must_use]
    pub fn writes(self) -> bool {
        self.0 & !READ != 0
    }

    /// Whether writes go to the end, wherever they say.
    #[must_use]
    pub fn appends(self) -> bool {
        self.0 & APPEND != 0
    }
}

/// The answers that are given in a server's stead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not allowed.
    PermissionDenied,
    /// Did not work.
    Failure,
    /// Not known here.
    Unsupported,
}

/// A server's whole packet that answers request `id`.
#[must_use]
pub fn answer(id: u32, status: Status, text: &str) -> Vec<u8> {
    let code: u32 = match status {
        Status::PermissionDenied => 3,
        Status::Failure => 4,
        Status::Unsupported => 8,
    };
    let text: String = text.chars().take(ANSWER_TEXT_MAX).collect();
    let mut body = vec![STATUS];
    body.extend_from_slice(&id.to_be_bytes());
    body.extend_from_slice(&code.to_be_bytes());
    put(&mut body, text.as_bytes());
    put(&mut body, b"en");
    let mut packet = Vec::with_capacity(body.len() + 4);
    put(&mut packet, &body);
    packet
}

pub(super) fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(0).to_be_bytes());
    out.extend_from_slice(bytes);
}

impl<'a> Request<'a> {
    /// Reads a client's packet, with its length field; none when it is cut short.
    #[must_use]
    pub fn read(packet: &'a [u8]) -> Option<Self> {
        let mut from = Fields(packet.get(4..)?);
        let kind = from.byte()?;
        if kind == INIT {
            return Some(Self::Init);
        }
        let id = from.number()?;
        let change = |op, path, path2| Self::Change { id, op, path, path2, by_handle: false };
        Some(match kind {
            OPEN => Self::Open { id, path: from.bytes()?, flags: OpenFlags(from.number()?) },
            CLOSE => Self::Close { id, handle: from.bytes()? },
            READ_FILE => Self::Read { id, handle: from.bytes()?, offset: from.long()? },
            WRITE => Self::Write { id, handle: from.bytes()?, offset: from.long()?, data: from.bytes()? },
            LSTAT | FSTAT | STAT | REALPATH => Self::Look { id },
            READDIR | READLINK => Self::List { id },
            OPENDIR => Self::OpenDir { id, path: from.bytes()? },
            SETSTAT => change("attributes", from.bytes()?, None),
            FSETSTAT => Self::Change { id, op: "attributes", path: from.bytes()?, path2: None, by_handle: true },
            REMOVE => change("remove", from.bytes()?, None),
            MKDIR => change("mkdir", from.bytes()?, None),
            RMDIR => change("rmdir", from.bytes()?, None),
            RENAME => change("rename", from.bytes()?, Some(from.bytes()?)),
            // OpenSSH has the target first, whatever the draft says.
            SYMLINK => change("symlink", from.bytes()?, Some(from.bytes()?)),
            EXTENDED => Self::extended(id, &mut from)?,
            _ => Self::Unknown { id },
        })
    }

    fn extended(id: u32, from: &mut Fields<'a>) -> Option<Self> {
        let change = |op, path, path2| Self::Change { id, op, path, path2, by_handle: false };
        Some(match from.bytes()? {
            b"posix-rename@openssh.com" => change("rename", from.bytes()?, Some(from.bytes()?)),
            b"hardlink@openssh.com" => change("link", from.bytes()?, Some(from.bytes()?)),
            b"lsetstat@openssh.com" => change("attributes", from.bytes()?, None),
            b"fsync@openssh.com" => Self::Change { id, op: "sync", path: from.bytes()?, path2: None, by_handle: true },
            b"statvfs@openssh.com"
            | b"fstatvfs@openssh.com"
            | b"limits@openssh.com"
            | b"expand-path@openssh.com"
            | b"home-directory"
            | b"users-groups-by-id@openssh.com" => Self::Look { id },
            // Copying on the server would move content past whoever digests it.
            _ => Self::Unknown { id },
        })
    }

    /// The request's number, where it has one.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        match self {
            Self::Init => None,
            Self::Open { id, .. }
            | Self::Close { id, .. }
            | Self::Read { id, .. }
            | Self::Write { id, .. }
            | Self::OpenDir { id, .. }
            | Self::Look { id }
            | Self::List { id }
            | Self::Change { id, .. }
            | Self::Unknown { id } => Some(*id),
        }
    }
}

impl<'a> Reply<'a> {
    /// Reads a server's packet, with its length field; none when it is cut short.
    #[must_use]
    pub fn read(packet: &'a [u8]) -> Option<Self> {
        let mut from = Fields(packet.get(4..)?);
        let kind = from.byte()?;
        if kind == VERSION {
            return Some(Self::Version);
        }
        let id = from.number()?;
        Some(match kind {
            STATUS => Self::Status { id, code: from.number()? },
            HANDLE => Self::Handle { id, handle: from.bytes()? },
            DATA => Self::Data { id, data: from.bytes()? },
            _ => Self::Other { id },
        })
    }
}

/// A packet's fields, one after the other.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    pub(super) fn number(&mut self) -> Option<u32> {
        self.take().map(u32::from_be_bytes)
    }

    pub(super) fn long(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }

    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.number()?).ok()?;
        let (field, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(field)
    }
}

/// The longest text of an answer, in characters.
const ANSWER_TEXT_MAX: usize = 400;

pub(super) const READ: u32 = 1;
pub(super) const APPEND: u32 = 4;

pub(super) const INIT: u8 = 1;
pub(super) const VERSION: u8 = 2;
pub(super) const OPEN: u8 = 3;
pub(super) const CLOSE: u8 = 4;
pub(super) const READ_FILE: u8 = 5;
pub(super) const WRITE: u8 = 6;
pub(super) const LSTAT: u8 = 7;
pub(super) const FSTAT: u8 = 8;
pub(super) const SETSTAT: u8 = 9;
pub(super) const FSETSTAT: u8 = 10;
pub(super) const OPENDIR: u8 = 11;
pub(super) const READDIR: u8 = 12;
pub(super) const REMOVE: u8 = 13;
pub(super) const MKDIR: u8 = 14;
pub(super) const RMDIR: u8 = 15;
pub(super) const REALPATH: u8 = 16;
pub(super) const STAT: u8 = 17;
pub(super) const RENAME: u8 = 18;
pub(super) const READLINK: u8 = 19;
pub(super) const SYMLINK: u8 = 20;
pub(super) const STATUS: u8 = 101;
pub(super) const HANDLE: u8 = 102;
pub(super) const DATA: u8 = 103;
pub(super) const NAME: u8 = 104;
pub(super) const ATTRS: u8 = 105;
pub(super) const EXTENDED: u8 = 200;
