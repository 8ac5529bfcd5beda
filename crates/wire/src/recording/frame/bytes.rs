//! Frames as bytes.

use std::borrow::Cow;

use super::{Blake3, ExitStatus, ForwardKind, ForwardPhase, FrameKind, Sha256};
use crate::recording::codec::{Cursor, put_bytes, put_varint};
use crate::recording::digest::StreamSum;
use crate::recording::statement::{Statement, StatementEnd, StatementRow, StatementText};
use crate::recording::{CAPABILITIES_MAX, Error, FRAME_LEN_MAX};

/// The byte that stands for the kind.
fn tag(kind: &FrameKind<'_>) -> u8 {
    match kind {
        FrameKind::Start { .. } => 1,
        FrameKind::Terminal { .. } => 2,
        FrameKind::Output { .. } => 3,
        FrameKind::ErrorOutput { .. } => 4,
        FrameKind::Input { .. } => 5,
        FrameKind::Resize { .. } => 6,
        FrameKind::Exec { .. } => 7,
        FrameKind::ExecDigest { .. } => 8,
        FrameKind::Exit { .. } => 9,
        FrameKind::Sftp { .. } => 10,
        FrameKind::Forward { .. } => 11,
        FrameKind::Env { .. } => 12,
        FrameKind::Capability { .. } => 13,
        FrameKind::Note { .. } => 14,
        FrameKind::End { .. } => 15,
        FrameKind::Statement(_) => 32,
        FrameKind::StatementText(_) => 33,
        FrameKind::StatementEnd(_) => 34,
        FrameKind::StatementRow(_) => 35,
    }
}

/// Appends a frame: its length in four bytes, the kind's byte, the time, the fields.
pub(in crate::recording) fn encode(at_us: u64, kind: &FrameKind<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.push(tag(kind));
    put_varint(out, at_us);
    encode_fields(kind, out);
    let len = out.len() - start - 4;
    let field = u32::try_from(len).ok().filter(|_| len <= FRAME_LEN_MAX).map(u32::to_be_bytes);
    match (field, out.get_mut(start..start + 4)) {
        (Some(field), Some(place)) => {
            place.copy_from_slice(&field);
            Ok(())
        }
        _ => {
            out.truncate(start);
            Err(Error::TooLarge("frame"))
        }
    }
}

fn encode_fields(kind: &FrameKind<'_>, out: &mut Vec<u8>) {
    if let Some(channel) = kind.channel() {
        put_varint(out, u64::from(channel));
    }
    match kind {
        FrameKind::Start { session, user, account, asset, protocol, source, started_at_ms, until_ms, capabilities } => {
            for field in [session, user, account, asset, protocol, source] {
                put_bytes(out, field.as_bytes());
            }
            put_varint(out, *started_at_ms);
            put_varint(out, *until_ms);
            put_names(out, capabilities);
        }
        FrameKind::Terminal { term, cols, rows, .. } => {
            put_bytes(out, term.as_bytes());
            put_varint(out, u64::from(*cols));
            put_varint(out, u64::from(*rows));
        }
        FrameKind::Output { data, .. } | FrameKind::ErrorOutput { data, .. } | FrameKind::Input { data, .. } => {
            put_bytes(out, data);
        }
        FrameKind::Resize { cols, rows, .. } => {
            put_varint(out, u64::from(*cols));
            put_varint(out, u64::from(*rows));
        }
        FrameKind::Exec { command, .. } => put_bytes(out, command),
        FrameKind::ExecDigest { input, output, error_output, .. } => {
            [input, output, error_output].into_iter().for_each(|sum| put_sum(out, sum));
        }
        FrameKind::Exit { status: ExitStatus::Code(code), .. } => {
            out.push(0);
            put_varint(out, u64::from(*code));
        }
        FrameKind::Exit { status: ExitStatus::Signal(name), .. } => {
            out.push(1);
            put_bytes(out, name.as_bytes());
        }
        FrameKind::Sftp { op, path, path2, bytes, sha256, ok, .. } => {
            put_bytes(out, op.as_bytes());
            put_bytes(out, path);
            put_optional(out, path2.as_deref(), put_bytes);
            put_varint(out, *bytes);
            put_optional(out, sha256.as_ref(), |out, digest| out.extend_from_slice(&digest.0));
            out.push(u8::from(*ok));
        }
        FrameKind::Forward { kind, host, port, bytes_in, bytes_out, phase, .. } => {
            out.push(*kind as u8);
            put_bytes(out, host.as_bytes());
            put_varint(out, u64::from(*port));
            put_varint(out, *bytes_in);
            put_varint(out, *bytes_out);
            out.push(*phase as u8);
        }
        FrameKind::Env { name, value, .. } => {
            put_bytes(out, name.as_bytes());
            put_bytes(out, value);
        }
        FrameKind::Capability { name, allowed } => {
            put_bytes(out, name.as_bytes());
            out.push(u8::from(*allowed));
        }
        FrameKind::Note { text } => put_bytes(out, text.as_bytes()),
        FrameKind::Statement(statement) => statement.encode(out),
        FrameKind::StatementText(more) => more.encode(out),
        FrameKind::StatementEnd(end) => end.encode(out),
        FrameKind::StatementRow(row) => row.encode(out),
        FrameKind::End { reason } => put_bytes(out, reason.as_bytes()),
    }
}

fn put_names(out: &mut Vec<u8>, names: &[Cow<'_, str>]) {
    let named = names.get(..CAPABILITIES_MAX).unwrap_or(names);
    put_varint(out, u64::try_from(named.len()).unwrap_or(0));
    named.iter().for_each(|name| put_bytes(out, name.as_bytes()));
}

fn put_sum(out: &mut Vec<u8>, sum: &StreamSum) {
    put_varint(out, sum.bytes);
    out.extend_from_slice(&sum.blake3.0);
}

fn put_optional<T: ?Sized>(out: &mut Vec<u8>, value: Option<&T>, put: impl FnOnce(&mut Vec<u8>, &T)) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        put(out, value);
    }
}

/// Reads the time and the kind that `body`, without its length field, holds.
#[inline]
pub(super) fn decode(body: &[u8]) -> Result<(u64, FrameKind<'_>), Error> {
    if body.len() > FRAME_LEN_MAX {
        return Err(Error::TooLarge("frame"));
    }
    let mut cursor = Cursor::new(body, "frame");
    let tag = cursor.byte()?;
    let at_us = cursor.varint()?;
    let kind = decode_kind(tag, &mut cursor)?;
    cursor.end()?;
    Ok((at_us, kind))
}

fn decode_kind<'a>(tag: u8, from: &mut Cursor<'a>) -> Result<FrameKind<'a>, Error> {
    let channel = match tag {
        2..=12 => from.number()?,
        _ => 0,
    };
    Ok(match tag {
        1 => decode_start(from)?,
        2 => FrameKind::Terminal {
            channel,
            term: Cow::Borrowed(from.text()?),
            cols: from.number()?,
            rows: from.number()?,
        },
        3 => FrameKind::output(channel, from.bytes()?),
        4 => FrameKind::error_output(channel, from.bytes()?),
        5 => FrameKind::input(channel, from.bytes()?),
        6 => FrameKind::Resize { channel, cols: from.number()?, rows: from.number()? },
        7 => FrameKind::Exec { channel, command: Cow::Borrowed(from.bytes()?) },
        8 => FrameKind::ExecDigest {
            channel,
            input: decode_sum(from)?,
            output: decode_sum(from)?,
            error_output: decode_sum(from)?,
        },
        9 => FrameKind::Exit {
            channel,
            status: if from.flag()? {
                ExitStatus::Signal(Cow::Borrowed(from.text()?))
            } else {
                ExitStatus::Code(from.number()?)
            },
        },
        10 => decode_sftp(channel, from)?,
        11 => decode_forward(channel, from)?,
        12 => FrameKind::Env { channel, name: Cow::Borrowed(from.text()?), value: Cow::Borrowed(from.bytes()?) },
        13 => FrameKind::Capability { name: Cow::Borrowed(from.text()?), allowed: from.flag()? },
        14 => FrameKind::note(from.text()?),
        15 => FrameKind::End { reason: Cow::Borrowed(from.text()?) },
        32 => FrameKind::Statement(Statement::decode(from)?),
        33 => FrameKind::StatementText(StatementText::decode(from)?),
        34 => FrameKind::StatementEnd(StatementEnd::decode(from)?),
        35 => FrameKind::StatementRow(StatementRow::decode(from)?),
        _ => return Err(Error::Malformed("frame")),
    })
}

fn decode_start<'a>(from: &mut Cursor<'a>) -> Result<FrameKind<'a>, Error> {
    let mut field = || from.text().map(Cow::Borrowed);
    let (session, user, account) = (field()?, field()?, field()?);
    let (asset, protocol, source) = (field()?, field()?, field()?);
    let (started_at_ms, until_ms) = (from.varint()?, from.varint()?);
    let count = usize::try_from(from.varint()?).unwrap_or(usize::MAX);
    if count > CAPABILITIES_MAX {
        return Err(Error::TooLarge("frame"));
    }
    let capabilities = (0..count).map(|_| from.text().map(Cow::Borrowed)).collect::<Result<_, _>>()?;
    Ok(FrameKind::Start { session, user, account, asset, protocol, source, started_at_ms, until_ms, capabilities })
}

fn decode_sum(from: &mut Cursor<'_>) -> Result<StreamSum, Error> {
    Ok(StreamSum { bytes: from.varint()?, blake3: Blake3(from.array()?) })
}

fn decode_sftp<'a>(channel: u32, from: &mut Cursor<'a>) -> Result<FrameKind<'a>, Error> {
    Ok(FrameKind::Sftp {
        channel,
        op: Cow::Borrowed(from.text()?),
        path: Cow::Borrowed(from.bytes()?),
        path2: if from.flag()? { Some(Cow::Borrowed(from.bytes()?)) } else { None },
        bytes: from.varint()?,
        sha256: if from.flag()? { Some(Sha256(from.array()?)) } else { None },
        ok: from.flag()?,
    })
}

fn decode_forward<'a>(channel: u32, from: &mut Cursor<'a>) -> Result<FrameKind<'a>, Error> {
    Ok(FrameKind::Forward {
        channel,
        kind: match from.byte()? {
            1 => ForwardKind::Local,
            2 => ForwardKind::Remote,
            3 => ForwardKind::Agent,
            4 => ForwardKind::X11,
            5 => ForwardKind::LocalSocket,
            6 => ForwardKind::RemoteSocket,
            _ => return Err(Error::Malformed("frame")),
        },
        host: Cow::Borrowed(from.text()?),
        port: from.number()?,
        bytes_in: from.varint()?,
        bytes_out: from.varint()?,
        phase: match from.byte()? {
            1 => ForwardPhase::Opened,
            2 => ForwardPhase::Closed,
            _ => return Err(Error::Malformed("frame")),
        },
    })
}
