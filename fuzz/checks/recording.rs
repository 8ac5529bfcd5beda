//! What must hold for the recording format, whatever the bytes. Shared by the fuzz target and by the
//! test that replays its corpus.

#![allow(clippy::expect_used, reason = "a broken expectation is what both are looking for")]

use std::sync::Arc;

use postern_wire::recording::{
    Batch, CHUNK_PLAIN_LEN_MAX, CastWriter, ChunkReader, ChunkWriter, DataKey, Error, Frame, Frames, Header, Packer,
    Summary, TerminalPick, TextWriter, Verdict, digest_of, json_line,
};

/// The key of the recordings in the corpus.
const KEY: [u8; 32] = [7; 32];

/// Takes `bytes` for a recording, and for the frames within one.
pub(crate) fn check(bytes: &[u8]) {
    check_recording(bytes);
    check_frames(bytes);
}

fn key() -> Arc<DataKey> {
    Arc::new(DataKey::new(&KEY).expect("32 bytes are a key"))
}

/// Portions make no difference, and reading with and without the key agree.
fn check_recording(bytes: &[u8]) {
    let whole = read(bytes, usize::MAX);
    assert_eq!(whole, read(bytes, 97));
    let chain = digest_of(bytes);
    let Ok((_, summary)) = whole else {
        assert_eq!(whole.err(), chain.err());
        return;
    };
    let chain = chain.expect("both read the same header");
    assert!(chain.bytes <= bytes.len() as u64 && summary.bytes <= chain.bytes);
    match summary.verdict {
        Verdict::Complete => {
            assert!(chain.complete);
            assert_eq!((chain.digest, chain.bytes), (summary.digest.0, bytes.len() as u64));
        }
        Verdict::Cut { at } => {
            assert!(!chain.complete);
            assert_eq!((chain.digest, chain.bytes), (summary.digest.0, at));
        }
        Verdict::Altered { chunk, at } => assert!(chunk <= chain.chunks && at <= chain.bytes),
    }
}

fn read(bytes: &[u8], portion: usize) -> Result<(Vec<u8>, Summary), Error> {
    let mut reader = ChunkReader::new(key())?;
    let mut plain = Vec::new();
    for portion in bytes.chunks(portion.min(bytes.len()).max(1)) {
        reader.push(portion);
        while let Some(chunk) = reader.next_chunk()? {
            let chunk = chunk.into_plain();
            assert!(chunk.len() <= CHUNK_PLAIN_LEN_MAX);
            plain.extend_from_slice(&chunk);
        }
    }
    Ok((plain, reader.finish()?))
}

/// A frame has one encoding, every frame can be exported, and what is recorded is read back.
fn check_frames(bytes: &[u8]) {
    let frames: Vec<Frame<'_>> = Frames::new(bytes).map_while(Result::ok).collect();
    let mut again = Vec::new();
    for frame in &frames {
        frame.encode(&mut again).expect("what was decoded is not too large");
    }
    assert_eq!(Some(again.as_slice()), bytes.get(..again.len()));
    export(&frames);
    record(&frames);
}

fn export(frames: &[Frame<'_>]) {
    let mut pick = TerminalPick::default();
    for frame in frames {
        pick.look(frame);
    }
    let (mut cast, mut text) = (CastWriter::new(pick.channel().unwrap_or(0)), TextWriter::new(None));
    let (mut lines, mut plain, mut json) = (String::new(), String::new(), String::new());
    for frame in frames {
        cast.frame(frame, &mut lines);
        text.frame(frame, &mut plain);
        json_line(frame, &mut json);
    }
    cast.finish(&mut lines);
    assert!(lines.starts_with("{\"version\":3,"));
    assert_eq!(json.lines().count(), frames.len());
    assert!(plain.chars().all(|char| !char.is_control() || matches!(char, '\n' | '\t')));
}

fn record(frames: &[Frame<'_>]) {
    let header = Header { session: "ses_0123456789abcdef".to_owned(), sealed_key: vec![1], nonce_prefix: [2; 4] };
    let (mut writer, mut out) = ChunkWriter::new(&header, key()).expect("the header is within its limits");
    let (mut batch, mut packer) = (Batch::default(), Packer::new().expect("a compressor can be made"));
    let mut count = 0;
    for frame in frames {
        if batch.push(frame.at_us, &frame.kind).is_err() {
            break;
        }
        count += 1;
    }
    writer.seal(&batch, &mut packer, &mut out).expect("a batch fits into a chunk");
    writer.finish(&mut out).expect("the footer comes once");
    let (plain, summary) = read(&out, 4096).expect("it begins with a header");
    assert_eq!(summary.verdict, Verdict::Complete);
    assert!(
        Frames::new(&plain).map(|frame| frame.expect("it was just written")).eq(frames.iter().take(count).cloned())
    );
}
