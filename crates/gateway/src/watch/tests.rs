//! Following live sessions.

use std::sync::Arc;

use postern_domain::session::EndReason;
use postern_domain::{SessionId, Timestamp};
use postern_wire::recording::DATA_LEN_MAX;

use super::*;
use crate::broker::Broker;
use crate::sessions::{Sessions, SessionsOptions};
use crate::testing::{FakeBroker, request};

fn sessions(broker: &Arc<FakeBroker>) -> Sessions {
    Sessions::new(Arc::clone(broker) as Arc<dyn Broker>, SessionsOptions::default()).unwrap()
}

fn terminal() -> FrameKind<'static> {
    FrameKind::Terminal { channel: 0, term: "xterm".into(), cols: 80, rows: 24 }
}

async fn next(watch: &mut Watch) -> Option<FrameKind<'static>> {
    match watch.next().await {
        Some(Watched::Frame(frame)) => Some(frame.kind),
        Some(Watched::Lagged(missed)) => panic!("missed {missed}"),
        None => None,
    }
}

#[tokio::test]
async fn a_watcher_sees_what_was_and_what_happens() {
    let folder = tempfile::tempdir().unwrap();
    let broker = FakeBroker::new(folder.path());
    let sessions = sessions(&broker);
    let live = sessions.open(request()).await.unwrap();
    let recorder = live.recorder();
    recorder.record(terminal()).await.unwrap();
    recorder.record(FrameKind::output(0, b"before")).await.unwrap();
    let mut watch = sessions.watch(live.id()).await.unwrap();
    recorder.record(FrameKind::output(0, b"after")).await.unwrap();
    assert!(matches!(next(&mut watch).await, Some(FrameKind::Start { .. })));
    assert_eq!(next(&mut watch).await, Some(terminal()));
    assert_eq!(next(&mut watch).await, Some(FrameKind::output(0, b"before")));
    assert_eq!(next(&mut watch).await, Some(FrameKind::output(0, b"after")));
    live.finish(EndReason::Killed, None).await;
    assert_eq!(next(&mut watch).await, Some(FrameKind::End { reason: "killed".into() }));
    assert_eq!(next(&mut watch).await, None);
}

#[tokio::test]
async fn nobody_watches_what_is_not_live() {
    let folder = tempfile::tempdir().unwrap();
    let broker = FakeBroker::new(folder.path());
    let sessions = sessions(&broker);
    assert!(sessions.watch(&SessionId::generate(Timestamp::from_millis(1), [9; 4])).await.is_none());
    let live = sessions.open(request()).await.unwrap();
    let id = live.id().clone();
    live.finish(EndReason::ClientClosed, None).await;
    assert!(sessions.watch(&id).await.is_none());
}

#[tokio::test]
async fn a_slow_watcher_is_told_what_it_missed_and_holds_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let broker = FakeBroker::new(folder.path());
    let sessions = sessions(&broker);
    let live = sessions.open(request()).await.unwrap();
    let mut watch = sessions.watch(live.id()).await.unwrap();
    let recorder = live.recorder();
    for number in 0..300u32 {
        recorder.record(FrameKind::output(0, &number.to_be_bytes())).await.unwrap();
    }
    assert!(matches!(next(&mut watch).await, Some(FrameKind::Start { .. })));
    assert_eq!(watch.next().await, Some(Watched::Lagged(300 - 256)));
    assert_eq!(next(&mut watch).await, Some(FrameKind::output(0, &44u32.to_be_bytes())));
    live.finish(EndReason::ClientClosed, None).await;
}

#[tokio::test]
async fn a_long_session_is_replayed_from_near_its_end_at_its_present_size() {
    let folder = tempfile::tempdir().unwrap();
    let broker = FakeBroker::new(folder.path());
    let sessions = sessions(&broker);
    let live = sessions.open(request()).await.unwrap();
    let recorder = live.recorder();
    recorder.record(terminal()).await.unwrap();
    recorder.record(FrameKind::Resize { channel: 0, cols: 132, rows: 50 }).await.unwrap();
    let part = vec![b'x'; DATA_LEN_MAX];
    for _ in 0..40 {
        recorder.record(FrameKind::output(0, &part)).await.unwrap();
    }
    let mut watch = sessions.watch(live.id()).await.unwrap();
    assert!(matches!(next(&mut watch).await, Some(FrameKind::Start { .. })));
    assert_eq!(
        next(&mut watch).await,
        Some(FrameKind::Terminal { channel: 0, term: "xterm".into(), cols: 132, rows: 50 })
    );
    live.finish(EndReason::ClientClosed, None).await;
    let mut replayed = 0;
    while let Some(kind) = next(&mut watch).await {
        if let FrameKind::Output { data, .. } = kind {
            replayed += data.len();
        }
    }
    assert_eq!(replayed, REPLAY_LEN_MAX);
}

#[tokio::test]
async fn when_the_last_watcher_has_gone_nothing_is_kept_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let broker = FakeBroker::new(folder.path());
    let sessions = sessions(&broker);
    let live = sessions.open(request()).await.unwrap();
    drop(sessions.watch(live.id()).await.unwrap());
    live.recorder().record(FrameKind::note("alone")).await.unwrap();
    let mut watch = sessions.watch(live.id()).await.unwrap();
    assert!(matches!(next(&mut watch).await, Some(FrameKind::Start { .. })));
    assert_eq!(next(&mut watch).await, Some(FrameKind::note("alone")));
    live.finish(EndReason::ClientClosed, None).await;
}
