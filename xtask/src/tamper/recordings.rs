//! A recording in which every byte is changed, that is cut at every length, and whose chunks are
//! dropped, doubled and exchanged.

use std::ops::Range;
use std::sync::Arc;

use anyhow::Context as _;
use postern_wire::recording::{Batch, ChunkReader, ChunkWriter, DataKey, FrameKind, Header, Packer, Sha256, Verdict};

use super::Tried;

const CHUNKS: u64 = 4;
const FRAMES: u64 = 8;

/// What the ledger keeps of a recording.
struct Kept {
    digest: Sha256,
    bytes: u64,
}

pub(super) fn run() -> anyhow::Result<Tried> {
    let key = Arc::new(DataKey::new(&[7; 32])?);
    let (sound, pieces) = make(&key)?;
    let kept = Kept { digest: read(&sound, &key).context("the sound one")?.1, bytes: sound.len() as u64 };
    anyhow::ensure!(!is_noticed(&sound, &kept, &key), "a false alarm about the sound recording");
    let mut tried = Tried::default();
    let mut check = |what: String, edited: &[u8]| {
        tried.tried += 1;
        if !is_noticed(edited, &kept, &key) {
            tried.undetected.push(format!("recording: {what}"));
        }
    };
    for at in 0..sound.len() {
        let mut edited = sound.clone();
        if let Some(byte) = edited.get_mut(at) {
            *byte ^= 1 << (at % 8);
        }
        check(format!("a bit of byte {at}"), &edited);
        check(format!("cut at byte {at}"), sound.get(..at).unwrap_or_default());
    }
    for (first, one) in pieces.iter().enumerate() {
        check(format!("without chunk {first}"), &joined(&sound, &[0..one.start, one.end..sound.len()]));
        check(format!("chunk {first} twice"), &joined(&sound, &[0..one.end, one.start..sound.len()]));
        for (second, other) in pieces.iter().enumerate().skip(first + 1) {
            let between = one.end..other.start;
            let parts = [0..one.start, other.clone(), between, one.clone(), other.end..sound.len()];
            check(format!("chunks {first} and {second} exchanged"), &joined(&sound, &parts));
        }
    }
    check("with a byte more".to_owned(), &[sound.as_slice(), b"x"].concat());
    Ok(tried)
}

/// A complete recording, and where its chunks lie.
fn make(key: &Arc<DataKey>) -> anyhow::Result<(Vec<u8>, Vec<Range<usize>>)> {
    let header = Header { session: "ses_0123456789abcdef".to_owned(), sealed_key: vec![1; 60], nonce_prefix: [9; 4] };
    let (mut writer, mut out) = ChunkWriter::new(&header, key.clone())?;
    let mut packer = Packer::new()?;
    let mut pieces = Vec::new();
    for chunk in 0..CHUNKS {
        let mut batch = Batch::default();
        for frame in 0..FRAMES {
            let text = format!("frame {frame} of chunk {chunk}\r\n");
            batch.push(chunk * FRAMES + frame, &FrameKind::output(0, text.as_bytes()))?;
        }
        let begin = out.len();
        writer.seal(&batch, &mut packer, &mut out)?;
        pieces.push(begin..out.len());
    }
    let begin = out.len();
    writer.finish(&mut out)?;
    pieces.push(begin..out.len());
    Ok((out, pieces))
}

fn joined(sound: &[u8], parts: &[Range<usize>]) -> Vec<u8> {
    parts.iter().flat_map(|part| sound.get(part.clone()).unwrap_or_default()).copied().collect()
}

fn is_noticed(edited: &[u8], kept: &Kept, key: &Arc<DataKey>) -> bool {
    match read(edited, key) {
        Ok((verdict, digest)) => {
            verdict != Verdict::Complete || digest != kept.digest || edited.len() as u64 != kept.bytes
        }
        Err(_) => true,
    }
}

fn read(bytes: &[u8], key: &Arc<DataKey>) -> anyhow::Result<(Verdict, Sha256)> {
    let mut reader = ChunkReader::new(key.clone())?;
    reader.push(bytes);
    while let Some(chunk) = reader.next_chunk()? {
        for frame in chunk.frames() {
            frame?;
        }
    }
    let summary = reader.finish()?;
    Ok((summary.verdict, summary.digest))
}
