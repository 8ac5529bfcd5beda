//! Makers of frames and recordings for the tests beside this file.

use std::borrow::Cow;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;

mod container;
mod exports;
mod frames;

pub(super) const KEY: [u8; 32] = [7; 32];
pub(super) const SESSION: &str = "ses_0123456789abcdef";

pub(super) fn key() -> Arc<DataKey> {
    Arc::new(DataKey::new(&KEY).unwrap())
}

pub(super) fn header() -> Header {
    Header { session: SESSION.to_owned(), sealed_key: vec![1, 2, 3, 4, 5], nonce_prefix: [9, 8, 7, 6] }
}

/// A recording with one chunk for each group of frames.
pub(super) fn recording(groups: &[Vec<Frame<'_>>], complete: bool) -> Vec<u8> {
    let (mut writer, mut out) = ChunkWriter::new(&header(), key()).unwrap();
    let mut packer = Packer::new().unwrap();
    for group in groups {
        let mut batch = Batch::default();
        for frame in group {
            batch.push(frame.at_us, &frame.kind).unwrap();
        }
        writer.seal(&batch, &mut packer, &mut out).unwrap();
    }
    if complete {
        writer.finish(&mut out).unwrap();
    }
    assert_eq!(writer.bytes(), out.len() as u64);
    assert_eq!(writer.digest(), digest_of(&out).unwrap().digest);
    out
}

/// All that can be read of `bytes`, which arrive in portions of `portion`.
pub(super) fn read(bytes: &[u8], portion: usize) -> Result<(Vec<Frame<'static>>, Summary), Error> {
    let mut reader = ChunkReader::new(key())?;
    let mut frames = Vec::new();
    for portion in bytes.chunks(portion) {
        reader.push(portion);
        while let Some(chunk) = reader.next_chunk()? {
            for frame in chunk.frames() {
                frames.push(frame?.into_owned());
            }
        }
    }
    Ok((frames, reader.finish()?))
}

/// A short session with a frame of every kind, in four chunks.
pub(super) fn sample() -> Vec<Vec<Frame<'static>>> {
    let frame = |at_us, kind| Frame { at_us, kind };
    vec![
        vec![
            frame(
                0,
                FrameKind::Start {
                    session: SESSION.into(),
                    user: "ben".into(),
                    account: "root".into(),
                    asset: "web-1".into(),
                    protocol: "ssh".into(),
                    source: "192.0.2.7".into(),
                    started_at_ms: 1_790_000_000_123,
                    until_ms: 1_790_000_900_123,
                    capabilities: vec!["shell".into(), "exec".into()],
                },
            ),
            frame(900, FrameKind::Capability { name: "shell".into(), allowed: true }),
            frame(1_000, FrameKind::Terminal { channel: 0, term: "xterm-256color".into(), cols: 80, rows: 24 }),
            frame(1_100, FrameKind::Env { channel: 0, name: "LANG".into(), value: b"C".to_vec().into() }),
        ],
        vec![
            frame(250_000, FrameKind::output(0, b"\x1b[1mroot\x1b[0m# ")),
            frame(300_000, FrameKind::input(0, b"l")),
            frame(1_300_400, FrameKind::Resize { channel: 0, cols: 100, rows: 30 }),
            frame(1_300_900, FrameKind::output(0, &[b'a'; 300])),
            frame(1_400_000, FrameKind::error_output(0, b"no such file\r\n")),
        ],
        commands_and_files(),
        vec![
            frame(3_000_000, FrameKind::Exit { channel: 0, status: ExitStatus::Code(3) }),
            frame(3_000_001, FrameKind::note("goodbye")),
            frame(3_000_002, FrameKind::End { reason: "client_closed".into() }),
        ],
    ]
}

fn commands_and_files() -> Vec<Frame<'static>> {
    let sum = |data: &[u8]| {
        let mut digest = StreamDigest::new();
        digest.update(data);
        digest.finish()
    };
    let frame = |at_us, kind| Frame { at_us, kind };
    vec![
        frame(2_000_000, FrameKind::Exec { channel: 1, command: b"cat \xff".to_vec().into() }),
        frame(
            2_100_000,
            FrameKind::ExecDigest { channel: 1, input: sum(b""), output: sum(b"abc"), error_output: sum(b"") },
        ),
        frame(2_150_000, FrameKind::Exit { channel: 1, status: ExitStatus::Signal("TERM".into()) }),
        frame(
            2_200_000,
            FrameKind::Sftp {
                channel: 2,
                op: "rename".into(),
                path: b"/a".to_vec().into(),
                path2: Some(b"/b".to_vec().into()),
                bytes: 0,
                sha256: Some(Sha256([3; 32])),
                ok: true,
            },
        ),
        frame(
            2_300_000,
            FrameKind::Forward {
                channel: 3,
                kind: ForwardKind::Local,
                host: "db".into(),
                port: 5432,
                bytes_in: 10,
                bytes_out: 20,
                phase: ForwardPhase::Closed,
            },
        ),
    ]
}

/// Any frame that can be written.
pub(super) fn any_frame() -> impl Strategy<Value = Frame<'static>> {
    (any::<u64>(), any_kind()).prop_map(|(at_us, kind)| Frame { at_us, kind })
}

fn any_kind() -> impl Strategy<Value = FrameKind<'static>> {
    let sum =
        || (any::<u64>(), any::<[u8; 32]>()).prop_map(|(bytes, blake3)| StreamSum { bytes, blake3: Blake3(blake3) });
    let channel = any::<u32>();
    prop_oneof![
        any_start(),
        (channel, text(), any::<u32>(), any::<u32>()).prop_map(|(channel, term, cols, rows)| FrameKind::Terminal {
            channel,
            term,
            cols,
            rows
        }),
        (channel, data()).prop_map(|(channel, data)| FrameKind::Output { channel, data }),
        (channel, data()).prop_map(|(channel, data)| FrameKind::ErrorOutput { channel, data }),
        (channel, data()).prop_map(|(channel, data)| FrameKind::Input { channel, data }),
        (channel, any::<u32>(), any::<u32>()).prop_map(|(channel, cols, rows)| FrameKind::Resize {
            channel,
            cols,
            rows
        }),
        (channel, data()).prop_map(|(channel, command)| FrameKind::Exec { channel, command }),
        (channel, sum(), sum(), sum()).prop_map(|(channel, input, output, error_output)| FrameKind::ExecDigest {
            channel,
            input,
            output,
            error_output
        }),
        (channel, any::<u32>()).prop_map(|(channel, code)| FrameKind::Exit { channel, status: ExitStatus::Code(code) }),
        (channel, text()).prop_map(|(channel, name)| FrameKind::Exit { channel, status: ExitStatus::Signal(name) }),
        any_sftp(),
        any_forward(),
        (channel, text(), data()).prop_map(|(channel, name, value)| FrameKind::Env { channel, name, value }),
        (text(), any::<bool>()).prop_map(|(name, allowed)| FrameKind::Capability { name, allowed }),
        text().prop_map(|text| FrameKind::Note { text }),
        text().prop_map(|reason| FrameKind::End { reason }),
        any_statement(),
        (any::<u64>(), data())
            .prop_map(|(statement, text)| { FrameKind::StatementText(StatementText { statement, text }) }),
        any_statement_row(),
        any_statement_end(),
    ]
}

fn any_start() -> impl Strategy<Value = FrameKind<'static>> {
    (
        (text(), text(), text(), text(), text(), text()),
        (any::<u64>(), any::<u64>(), proptest::collection::vec(text(), 0..5)),
    )
        .prop_map(
            |((session, user, account, asset, protocol, source), (started_at_ms, until_ms, capabilities))| {
                FrameKind::Start {
                    session,
                    user,
                    account,
                    asset,
                    protocol,
                    source,
                    started_at_ms,
                    until_ms,
                    capabilities,
                }
            },
        )
}

fn any_sftp() -> impl Strategy<Value = FrameKind<'static>> {
    (any::<u32>(), text(), data(), proptest::option::of(data()), any::<u64>(), any::<Option<[u8; 32]>>(), any::<bool>())
        .prop_map(|(channel, op, path, path2, bytes, sha256, ok)| FrameKind::Sftp {
            channel,
            op,
            path,
            path2,
            bytes,
            sha256: sha256.map(Sha256),
            ok,
        })
}

fn any_forward() -> impl Strategy<Value = FrameKind<'static>> {
    (
        any::<u32>(),
        proptest::sample::select(vec![
            ForwardKind::Local,
            ForwardKind::Remote,
            ForwardKind::Agent,
            ForwardKind::X11,
            ForwardKind::LocalSocket,
            ForwardKind::RemoteSocket,
        ]),
        (text(), any::<u32>(), any::<u64>(), any::<u64>()),
        proptest::sample::select(vec![ForwardPhase::Opened, ForwardPhase::Closed]),
    )
        .prop_map(|(channel, kind, (host, port, bytes_in, bytes_out), phase)| FrameKind::Forward {
            channel,
            kind,
            host,
            port,
            bytes_in,
            bytes_out,
            phase,
        })
}

fn any_statement() -> impl Strategy<Value = FrameKind<'static>> {
    let parameter = (any::<u64>(), any::<bool>(), proptest::option::of(data()))
        .prop_map(|(bytes, binary, value)| Parameter { bytes, binary, value });
    (any::<u64>(), any::<u64>(), data(), proptest::collection::vec(parameter, 0..4)).prop_map(
        |(statement, text_bytes, text, parameters)| {
            FrameKind::Statement(Statement { statement, text_bytes, text, parameters })
        },
    )
}

fn any_statement_row() -> impl Strategy<Value = FrameKind<'static>> {
    let value = (any::<u64>(), any::<bool>(), proptest::option::of(data()))
        .prop_map(|(bytes, binary, value)| Parameter { bytes, binary, value });
    let (names, values) = (proptest::collection::vec(text(), 0..3), proptest::collection::vec(value, 0..4));
    (any::<u64>(), names, values)
        .prop_map(|(statement, names, values)| FrameKind::StatementRow(StatementRow { statement, names, values }))
}

fn any_statement_end() -> impl Strategy<Value = FrameKind<'static>> {
    let outcome = proptest::sample::select(vec![
        StatementOutcome::Done,
        StatementOutcome::Failed,
        StatementOutcome::Refused,
        StatementOutcome::Skipped,
        StatementOutcome::Unknown,
    ]);
    let state = vec![TransactionState::None, TransactionState::Open, TransactionState::Failed];
    (any::<[u64; 5]>(), outcome, proptest::sample::select(state), (text(), text(), text())).prop_map(
        |([statement, duration_us, rows, bytes_in, bytes_out], outcome, transaction, (tag, code, error))| {
            FrameKind::StatementEnd(StatementEnd {
                statement,
                outcome,
                duration_us,
                rows,
                bytes_in,
                bytes_out,
                transaction,
                tag,
                code,
                error,
            })
        },
    )
}

fn text() -> impl Strategy<Value = Cow<'static, str>> {
    ".{0,20}".prop_map(Cow::Owned)
}

fn data() -> impl Strategy<Value = Cow<'static, [u8]>> {
    proptest::collection::vec(any::<u8>(), 0..300).prop_map(Cow::Owned)
}
