//! Reading along with live sessions.

use std::sync::Arc;

use postern_domain::session::EndReason;
use postern_wire::recording::FrameKind;

use super::*;
use crate::broker::Broker;
use crate::sessions::{Sessions, SessionsOptions};
use crate::testing::{FakeBroker, request};

fn sessions(broker: &Arc<FakeBroker>) -> Sessions {
    Sessions::new(Arc::clone(broker) as Arc<dyn Broker>, SessionsOptions::default()).unwrap()
}

/// The numbers in a portion's output.
fn numbers(portion: &Portion) -> Vec<u32> {
    let mut numbers = Vec::new();
    portion.each(|frame| {
        if let FrameKind::Output { data, .. } = &frame.kind {
            numbers.push(u32::from_be_bytes(data[..4].try_into().unwrap()));
        }
    });
    numbers
}

/// The kinds of a portion's frames.
fn kinds(portion: &Portion) -> Vec<FrameKind<'static>> {
    let mut kinds = Vec::new();
    portion.each(|frame| kinds.push(frame.kind.clone().into_owned()));
    kinds
}

async fn record(recorder: &crate::Recorder, numbers: std::ops::Range<u32>, padding: usize) {
    for number in numbers {
        let mut data = number.to_be_bytes().to_vec();
        data.resize(4 + padding, 0);
        recorder.record(FrameKind::output(0, &data)).await.unwrap();
    }
}

#[tokio::test]
async fn what_was_before_and_what_happens_is_read_to_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let broker = FakeBroker::new(folder.path());
    let sessions = sessions(&broker);
    let live = sessions.open(request()).await.unwrap();
    record(&live.recorder(), 0..3, 0).await;
    let mut tap = sessions.tap(live.id()).unwrap();
    let before = tap.next().await.unwrap();
    assert!(matches!(kinds(&before).first(), Some(FrameKind::Start { .. })));
    assert_eq!(numbers(&before), [0, 1, 2]);
    record(&live.recorder(), 3..5, 0).await;
    assert_eq!(numbers(&tap.next().await.unwrap()), [3, 4]);
    live.finish(EndReason::ClientClosed, None).await;
    let last = tap.next().await.unwrap();
    assert!(matches!(kinds(&last).last(), Some(FrameKind::End { .. })));
    assert!(tap.next().await.is_none());
}

#[tokio::test]
async fn who_waits_is_woken_by_a_frame_and_by_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let broker = FakeBroker::new(folder.path());
    let sessions = sessions(&broker);
    let live = sessions.open(request()).await.unwrap();
    let mut tap = sessions.tap(live.id()).unwrap();
    tap.next().await.unwrap();
    let reading = tokio::spawn(async move {
        let mut all = Vec::new();
        while let Some(portion) = tap.next().await {
            all.extend(numbers(&portion));
        }
        all
    });
    tokio::task::yield_now().await;
    record(&live.recorder(), 0..1, 0).await;
    tokio::task::yield_now().await;
    live.finish(EndReason::ClientClosed, None).await;
    assert_eq!(reading.await.unwrap(), [0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_much_to_be_gathered_is_read_from_the_file_and_nothing_is_missed() {
    const COUNT: u32 = 3000;
    let folder = tempfile::tempdir().unwrap();
    let broker = FakeBroker::new(folder.path());
    let sessions = sessions(&broker);
    let live = sessions.open(request()).await.unwrap();
    let mut tap = sessions.tap(live.id()).unwrap();
    let mut all = numbers(&tap.next().await.unwrap());
    // Ten times what is gathered, twice, with a look between.
    for part in [0..COUNT, COUNT..2 * COUNT] {
        record(&live.recorder(), part, GATHERED_LEN_MAX / 300).await;
        all.extend(numbers(&tap.next().await.unwrap()));
        assert!(tap.place.is_some() || all.is_empty(), "it was read from the file");
    }
    live.finish(EndReason::ClientClosed, None).await;
    while let Some(portion) = tap.next().await {
        all.extend(numbers(&portion));
    }
    assert!(all == (0..2 * COUNT).collect::<Vec<_>>(), "{} of {}", all.len(), 2 * COUNT);
}
