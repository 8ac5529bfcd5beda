//! A client's side of SFTP version 3 (draft-ietf-secsh-filexfer-02), for transfers that Postern makes
//! itself: whole packets to be sent, and what is in the packets that come back.

use super::packet::{
    ATTRS, CLOSE, DATA, FSTAT, Fields, HANDLE, INIT, LSTAT, MKDIR, NAME, OPEN, OPENDIR, READ, READ_FILE, READDIR,
    REALPATH, REMOVE, RENAME, RMDIR, STATUS, VERSION, WRITE, put,
};

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenFor {
    /// Reading.
    Reading,
    /// Writing a file that does not exist yet.
    Creating,
    /// Writing a file anew, whether it exists or not.
    Replacing,
}

/// A request to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask<'a> {
    /// To open a file.
    Open(&'a [u8], OpenFor),
    /// To close a file or folder.
    Close(&'a [u8]),
    /// To read so many bytes of an open file from an offset.
    Read(&'a [u8], u64, u32),
    /// To write to an open file at an offset.
    Write(&'a [u8], u64, &'a [u8]),
    /// To be told of an open file.
    Fstat(&'a [u8]),
    /// To be told of what a path names, not following a link.
    Lstat(&'a [u8]),
    /// To open a folder.
    OpenDir(&'a [u8]),
    /// To be told the next names in an open folder.
    ReadDir(&'a [u8]),
    /// To remove a file or link.
    Remove(&'a [u8]),
    /// To make a folder.
    MkDir(&'a [u8]),
    /// To remove an empty folder.
    RmDir(&'a [u8]),
    /// To be told the absolute path.
    RealPath(&'a [u8]),
    /// To rename, not over something that exists.
    Rename(&'a [u8], &'a [u8]),
}

/// The first packet that a client sends.
#[must_use]
pub fn init() -> Vec<u8> {
    packet(|body| {
        body.push(INIT);
        body.extend_from_slice(&VERSION_SPOKEN.to_be_bytes());
    })
}

/// The packet of request `id`.
#[must_use]
pub fn ask(id: u32, what: Ask<'_>) -> Vec<u8> {
    packet(|body| {
        let mut head = |kind: u8, first: &[u8]| {
            body.push(kind);
            body.extend_from_slice(&id.to_be_bytes());
            put(body, first);
        };
        match what {
            Ask::Open(path, purpose) => {
                head(OPEN, path);
                let flags: u32 = match purpose {
                    OpenFor::Reading => READ,
                    OpenFor::Creating => WRITING | CREATING | EXCLUSIVE,
                    OpenFor::Replacing => WRITING | CREATING | TRUNCATING,
                };
                body.extend_from_slice(&flags.to_be_bytes());
                body.extend_from_slice(&NO_ATTRIBUTES);
            }
            Ask::Read(handle, offset, len) => {
                head(READ_FILE, handle);
                body.extend_from_slice(&offset.to_be_bytes());
                body.extend_from_slice(&len.to_be_bytes());
            }
            Ask::Write(handle, offset, data) => {
                head(WRITE, handle);
                body.extend_from_slice(&offset.to_be_bytes());
                put(body, data);
            }
            Ask::MkDir(path) => {
                head(MKDIR, path);
                body.extend_from_slice(&NO_ATTRIBUTES);
            }
            Ask::Rename(from, to) => {
                head(RENAME, from);
                put(body, to);
            }
            Ask::Close(handle) => head(CLOSE, handle),
            Ask::Fstat(handle) => head(FSTAT, handle),
            Ask::Lstat(path) => head(LSTAT, path),
            Ask::OpenDir(path) => head(OPENDIR, path),
            Ask::ReadDir(handle) => head(READDIR, handle),
            Ask::Remove(path) => head(REMOVE, path),
            Ask::RmDir(path) => head(RMDIR, path),
            Ask::RealPath(path) => head(REALPATH, path),
        }
    })
}

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It speaks this version.
    Version(u32),
    /// How it went.
    Status {
        /// The code.
        code: StatusCode,
        /// What the server says of it.
        text: String,
    },
    /// It is open, by this name from now on.
    Handle(Vec<u8>),
    /// What was read.
    Data(Vec<u8>),
    /// Names with their attributes.
    Names(Vec<Entry>),
    /// The attributes.
    Attributes(Attributes),
}

/// How a request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusCode {
    /// Done.
    Ok,
    /// There is no more.
    Eof,
    /// There is no such file.
    NoSuchFile,
    /// Not allowed.
    PermissionDenied,
    /// It did not work, for another reason.
    Failure,
}

/// A name in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name, without the folder.
    pub name: Vec<u8>,
    /// What is known of it.
    pub attributes: Attributes,
}

/// What is known of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Its length in bytes.
    pub bytes: Option<u64>,
    /// Its kind and permissions, as `st_mode` has them.
    pub mode: Option<u32>,
    /// When it was last changed, in seconds since the Unix epoch.
    pub modified_at: Option<u32>,
}

impl Answer {
    /// Reads a server's packet, with its length field, and the number of the request that it answers;
    /// none when it is cut short or of no kind that is known.
    #[must_use]
    pub fn read(packet: &[u8]) -> Option<(u32, Self)> {
        let mut from = Fields(packet.get(4..)?);
        let kind = from.byte()?;
        let id = from.number()?;
        let answer = match kind {
            VERSION => Self::Version(id),
            STATUS => {
                let code = match from.number()? {
                    0 => StatusCode::Ok,
                    1 => StatusCode::Eof,
                    2 => StatusCode::NoSuchFile,
                    3 => StatusCode::PermissionDenied,
                    _ => StatusCode::Failure,
                };
                let text = from.bytes().map(|text| String::from_utf8_lossy(text).into_owned()).unwrap_or_default();
                Self::Status { code, text }
            }
            HANDLE => Self::Handle(from.bytes()?.to_vec()),
            DATA => Self::Data(from.bytes()?.to_vec()),
            NAME => {
                let count = from.number()?;
                let mut entries = Vec::new();
                for _ in 0..count {
                    let name = from.bytes()?.to_vec();
                    from.bytes()?;
                    entries.push(Entry { name, attributes: attributes(&mut from)? });
                }
                Self::Names(entries)
            }
            ATTRS => Self::Attributes(attributes(&mut from)?),
            _ => return None,
        };
        Some((id, answer))
    }
}

fn attributes(from: &mut Fields<'_>) -> Option<Attributes> {
    let flags = from.number()?;
    let mut found = Attributes::default();
    if flags & 1 != 0 {
        found.bytes = Some(from.long()?);
    }
    if flags & 2 != 0 {
        from.long()?;
    }
    if flags & 4 != 0 {
        found.mode = Some(from.number()?);
    }
    if flags & 8 != 0 {
        from.number()?;
        found.modified_at = Some(from.number()?);
    }
    if flags & EXTENDED_ATTRIBUTES != 0 {
        for _ in 0..from.number()? {
            from.bytes()?;
            from.bytes()?;
        }
    }
    Some(found)
}

fn packet(fill: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut packet = vec![0; 4];
    fill(&mut packet);
    let len = u32::try_from(packet.len() - 4).unwrap_or(u32::MAX).to_be_bytes();
    if let Some((field, _)) = packet.split_first_chunk_mut() {
        *field = len;
    }
    packet
}

const VERSION_SPOKEN: u32 = 3;
const WRITING: u32 = 2;
const CREATING: u32 = 8;
const TRUNCATING: u32 = 16;
const EXCLUSIVE: u32 = 32;
/// Attributes of which none is given.
const NO_ATTRIBUTES: [u8; 4] = [0; 4];
const EXTENDED_ATTRIBUTES: u32 = 0x8000_0000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{OpenFlags, Request};
    use super::*;

    #[test]
    fn what_is_asked_is_understood_as_it_is_meant() {
        let read = |what| {
            let packet = ask(7, what);
            assert_eq!(packet.len(), 4 + usize::try_from(u32::from_be_bytes(packet[..4].try_into().unwrap())).unwrap());
            format!("{:?}", Request::read(&packet).unwrap())
        };
        let path: &[u8] = b"/a";
        let shown = |request: Request<'_>| format!("{request:?}");
        assert_eq!(read(Ask::Open(path, OpenFor::Reading)), shown(Request::Open { id: 7, path, flags: OpenFlags(1) }));
        assert_eq!(
            read(Ask::Open(path, OpenFor::Creating)),
            shown(Request::Open { id: 7, path, flags: OpenFlags(42) })
        );
        assert_eq!(
            read(Ask::Write(b"h", 9, b"data")),
            shown(Request::Write { id: 7, handle: b"h", offset: 9, data: b"data" })
        );
        let rename = Request::Change { id: 7, op: "rename", path, path2: Some(b"/b"), by_handle: false };
        assert_eq!(read(Ask::Rename(path, b"/b")), shown(rename));
        assert_eq!(Request::read(&init()), Some(Request::Init));
    }

    #[test]
    fn names_come_with_what_is_known_of_them() {
        let bytes = packet(|body| {
            body.push(NAME);
            body.extend_from_slice(&5u32.to_be_bytes());
            body.extend_from_slice(&1u32.to_be_bytes());
            put(body, b"file");
            put(body, b"-rw-r--r-- file");
            body.extend_from_slice(&13u32.to_be_bytes());
            body.extend_from_slice(&42u64.to_be_bytes());
            body.extend_from_slice(&0o100_644u32.to_be_bytes());
            body.extend_from_slice(&1u32.to_be_bytes());
            body.extend_from_slice(&2u32.to_be_bytes());
        });
        let attributes = Attributes { bytes: Some(42), mode: Some(0o100_644), modified_at: Some(2) };
        let entry = Entry { name: b"file".to_vec(), attributes };
        assert_eq!(Answer::read(&bytes), Some((5, Answer::Names(vec![entry]))));
    }

    proptest! {
        #[test]
        fn no_packet_panics(packet in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Answer::read(&packet);
        }

        #[test]
        fn a_count_allocates_nothing(count in any::<u32>()) {
            let bytes = packet(|body| {
                body.push(NAME);
                body.extend_from_slice(&1u32.to_be_bytes());
                body.extend_from_slice(&count.to_be_bytes());
            });
            prop_assert_eq!(Answer::read(&bytes).is_some(), count == 0);
        }
    }
}
