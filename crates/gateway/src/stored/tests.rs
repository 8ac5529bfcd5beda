//! Stored recordings: exports, digests, damage.

use std::sync::Arc;

use postern_domain::session::EndReason;
use postern_wire::recording::{FrameKind, Verdict};

use super::*;
use crate::broker::Broker;
use crate::sessions::{Sessions, SessionsOptions};
use crate::testing::{FakeBroker, KEY, request};

fn key() -> SecretBytes {
    SecretBytes::new(KEY.to_vec())
}

/// A recording of a short session, in a folder that must be kept.
async fn recording() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let broker = FakeBroker::new(folder.path());
    let sessions = Sessions::new(Arc::clone(&broker) as Arc<dyn Broker>, SessionsOptions::default()).unwrap();
    let live = sessions.open(request()).await.unwrap();
    let path = broker.path(live.id());
    let recorder = live.recorder();
    for kind in [
        FrameKind::Exec { channel: 0, command: b"uptime".to_vec().into() },
        FrameKind::output(0, b"up 3 days\n"),
        FrameKind::Terminal { channel: 1, term: "xterm".into(), cols: 90, rows: 20 },
        FrameKind::output(1, b"\x1b[1m# \x1b[0m"),
        FrameKind::input(1, b"exit\r"),
    ] {
        recorder.record(kind).await.unwrap();
    }
    live.finish(EndReason::ClientClosed, None).await;
    (folder, path)
}

fn export(path: &Path, format: ExportFormat) -> (String, Verdict) {
    let mut out = Vec::new();
    let summary = StoredRecording::open(path).unwrap().export(&key(), format, &mut out).unwrap();
    (String::from_utf8(out).unwrap(), summary.verdict)
}

#[tokio::test]
async fn a_recording_is_exported_in_every_form() {
    let (_folder, path) = recording().await;
    let (cast, verdict) = export(&path, ExportFormat::Asciicast { channel: None });
    assert_eq!(verdict, Verdict::Complete);
    assert!(cast.starts_with(r#"{"version":3,"term":{"cols":90,"rows":20,"type":"xterm"},"#), "{cast}");
    assert!(cast.contains(r#""o", "\u001b[1m# \u001b[0m"]"#), "{cast}");
    let (cast, _) = export(&path, ExportFormat::Asciicast { channel: Some(0) });
    assert!(cast.contains("up 3 days"), "{cast}");
    assert_eq!(export(&path, ExportFormat::Text { channel: Some(1) }).0, "# ");
    assert_eq!(export(&path, ExportFormat::Text { channel: None }).0, "up 3 days\n# ");
    let (json, _) = export(&path, ExportFormat::Json);
    assert_eq!(json.lines().count(), 7);
}

#[tokio::test]
async fn the_header_names_the_session_and_holds_the_sealed_key() {
    let (_folder, path) = recording().await;
    let stored = StoredRecording::open(&path).unwrap();
    assert_eq!(path.file_name().unwrap().to_str(), Some(stored.header().session.as_str()));
    assert_eq!(stored.header().sealed_key, [1, 2, 3]);
}

#[tokio::test]
async fn damage_is_found_with_and_without_the_key() {
    let (_folder, path) = recording().await;
    let whole = std::fs::read(&path).unwrap();
    let genuine = chain_of(&path).unwrap();
    assert!(genuine.complete);

    std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    let cut = chain_of(&path).unwrap();
    assert!(!cut.complete && cut.digest != genuine.digest);
    let (json, verdict) = export(&path, ExportFormat::Json);
    assert_eq!((json.lines().count(), verdict), (7, Verdict::Cut { at: cut.bytes }));

    let mut altered = whole.clone();
    altered[whole.len() / 2] ^= 1;
    std::fs::write(&path, &altered).unwrap();
    assert_ne!(chain_of(&path).unwrap().digest, genuine.digest);
    assert!(matches!(export(&path, ExportFormat::Json).1, Verdict::Altered { .. }));

    std::fs::write(&path, b"POST").unwrap();
    assert!(matches!(StoredRecording::open(&path).err(), Some(ReadError::Format(Error::Truncated("header")))));
    std::fs::write(&path, b"hello").unwrap();
    assert!(matches!(chain_of(&path).err(), Some(ReadError::Format(Error::NotARecording))));
}

#[tokio::test]
async fn another_key_opens_nothing() {
    let (_folder, path) = recording().await;
    let stored = StoredRecording::open(&path).unwrap();
    let mut frames = stored.frames(&SecretBytes::new(vec![6; 32])).unwrap();
    assert!(frames.next().is_none());
    assert!(matches!(frames.summary().unwrap().verdict, Verdict::Altered { chunk: 0, .. }));
    assert!(stored.frames(&SecretBytes::new(vec![6; 5])).is_err());
}
