//! `docs/reference/recording-format.md` says what is true: its example and its program are tried here.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::process::Command;
use std::sync::Arc;

use postern_wire::recording::{
    Batch, ChunkReader, ChunkWriter, DataKey, FrameKind, Header, Packer, Sha256, Verdict, digest_of,
};

const REFERENCE: &str = include_str!("../../../docs/reference/recording-format.md");

fn key() -> Arc<DataKey> {
    let bytes: Vec<u8> = (0..32).collect();
    Arc::new(DataKey::new(&bytes).unwrap())
}

/// The recording that the example describes.
fn written() -> Vec<u8> {
    let header = Header { session: "ses_1".to_owned(), sealed_key: vec![0xaa, 0xbb], nonce_prefix: [1, 2, 3, 4] };
    let (mut writer, mut out) = ChunkWriter::new(&header, key()).unwrap();
    let mut batch = Batch::default();
    batch.push(5, &FrameKind::note("hi")).unwrap();
    writer.seal(&batch, &mut Packer::new().unwrap(), &mut out).unwrap();
    writer.finish(&mut out).unwrap();
    out
}

/// The block of the page that begins with this line.
fn block(fence: &str) -> &'static str {
    REFERENCE.split_once(fence).and_then(|(_, rest)| rest.split_once("```")).unwrap().0
}

fn hex(bytes: &[u8]) -> String {
    let lines: Vec<String> = bytes
        .chunks(16)
        .map(|line| line.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" "))
        .collect();
    lines.join("\n") + "\n"
}

#[test]
fn the_example_is_what_is_written_and_read() {
    let bytes = written();
    assert_eq!(block("```text\n"), hex(&bytes));
    let digest = Sha256(digest_of(&bytes).unwrap().digest);
    assert!(REFERENCE.contains(&format!("Its digest is `{digest}`.")), "{digest}");
    let mut reader = ChunkReader::new(key()).unwrap();
    reader.push(&bytes);
    let chunk = reader.next_chunk().unwrap().unwrap();
    let frame = chunk.frames().next().unwrap().unwrap();
    assert_eq!((frame.at_us, frame.kind.clone()), (5, FrameKind::note("hi")));
    assert!(reader.next_chunk().unwrap().is_none());
    assert_eq!(reader.finish().unwrap().verdict, Verdict::Complete);
}

#[test]
fn the_program_computes_the_digest() {
    let folder = tempfile::tempdir().unwrap();
    let (program, file) = (folder.path().join("digest.py"), folder.path().join("recording"));
    std::fs::write(&program, block("```python\n")).unwrap();
    let run = |bytes: &[u8]| {
        std::fs::write(&file, bytes).unwrap();
        Command::new("python3").arg(&program).arg(&file).output()
    };
    let bytes = written();
    for (len, word) in [(bytes.len(), "complete"), (bytes.len() - 1, "incomplete")] {
        let Ok(output) = run(&bytes[..len]) else {
            eprintln!("SKIPPED: there is no python3");
            return;
        };
        let digest = Sha256(digest_of(&bytes[..len]).unwrap().digest);
        assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{digest} {word}\n"));
    }
}
