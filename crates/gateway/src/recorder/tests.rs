//! Recording under load, behind a slow disk, and onto a full one.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use postern_domain::SecretBytes;
use postern_domain::session::EndReason;
use postern_wire::recording::{FRAME_LEN_MAX, Frame, FrameKind, Verdict};

use super::*;
use crate::broker::Broker;
use crate::sessions::{Sessions, SessionsOptions};
use crate::stored::{StoredRecording, chain_of};
use crate::testing::{FakeBroker, KEY, request};

fn sessions(broker: &Arc<FakeBroker>) -> Sessions {
    Sessions::new(Arc::clone(broker) as Arc<dyn Broker>, SessionsOptions::default()).unwrap()
}

/// Everything that can be read of a recording.
fn read(path: &Path) -> (Vec<Frame<'static>>, Verdict) {
    let stored = StoredRecording::open(path).unwrap();
    let mut frames = stored.frames(&SecretBytes::new(KEY.to_vec())).unwrap();
    let all = frames.by_ref().map(|frame| frame.unwrap()).collect();
    (all, frames.summary().unwrap().verdict)
}

/// Bytes that do not compress.
fn noise(len: usize, mut seed: u64) -> Vec<u8> {
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33).to_le_bytes()[0]
    };
    (0..len).map(|_| next()).collect()
}

#[tokio::test]
async fn what_is_recorded_is_on_the_disk_soon_without_more_happening() {
    let folder = tempfile::tempdir().unwrap();
    let broker = FakeBroker::new(folder.path());
    let sessions = sessions(&broker);
    let live = sessions.open(request()).await.unwrap();
    let path = broker.path(live.id());
    live.recorder().record(FrameKind::output(0, b"hello")).await.unwrap();
    while read(&path).0.len() < 2 {
        tokio::task::yield_now().await;
    }
    let (frames, verdict) = read(&path);
    assert_eq!(frames[1].kind, FrameKind::output(0, b"hello"));
    assert!(matches!(verdict, Verdict::Cut { .. }), "{verdict:?}");
    live.finish(EndReason::ClientClosed, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_are_recorded_whole_and_in_order() {
    const PARTS: u64 = 200;
    let folder = tempfile::tempdir().unwrap();
    let broker = FakeBroker::new(folder.path());
    let sessions = sessions(&broker);
    let live = sessions.open(request()).await.unwrap();
    let tasks: Vec<_> = (0..4u32)
        .map(|channel| {
            let recorder = live.recorder();
            tokio::spawn(async move {
                for part in 0..PARTS {
                    let data = noise(10_000, u64::from(channel) * PARTS + part);
                    recorder.record(FrameKind::output(channel, &data)).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let path = broker.path(live.id());
    live.finish(EndReason::ClientClosed, None).await;
    let (frames, verdict) = read(&path);
    assert_eq!(verdict, Verdict::Complete);
    assert!(frames.is_sorted_by_key(|frame| frame.at_us));
    let mut next = [0; 4];
    for frame in &frames {
        if let FrameKind::Output { channel, data } = &frame.kind {
            let part = &mut next[*channel as usize];
            assert_eq!(**data, noise(10_000, u64::from(*channel) * PARTS + *part));
            *part += 1;
        }
    }
    assert_eq!(next, [PARTS; 4]);
    assert!(matches!(&frames[frames.len() - 1].kind, FrameKind::End { reason } if reason == "client_closed"));
}

#[tokio::test]
async fn data_of_any_length_is_recorded_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let broker = FakeBroker::new(folder.path());
    let sessions = sessions(&broker);
    let live = sessions.open(request()).await.unwrap();
    let data = noise(1_000_000, 1);
    let recorder = live.recorder();
    recorder.record(FrameKind::input(3, &data)).await.unwrap();
    recorder.record(FrameKind::error_output(3, &data)).await.unwrap();
    let path = broker.path(live.id());
    live.finish(EndReason::ClientClosed, None).await;
    let (mut input, mut error_output) = (Vec::new(), Vec::new());
    for frame in read(&path).0 {
        match frame.kind {
            FrameKind::Input { data, .. } => input.extend_from_slice(&data),
            FrameKind::ErrorOutput { data, .. } => error_output.extend_from_slice(&data),
            _ => {}
        }
    }
    assert!(input == data && error_output == data);
}

#[test]
fn a_slow_disk_makes_recording_wait_and_memory_stays_bounded() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let broker = FakeBroker::new(folder.path());
    let (sessions, live) = runtime.block_on(async {
        let sessions = sessions(&broker);
        let live = sessions.open(request()).await.unwrap();
        (sessions, live)
    });
    let recorder = live.recorder();
    let data = noise(20_000, 3);
    let mut count = 0u64;
    // The same again and again, until one has to wait; its future comes back with it.
    let mut waiting = {
        let _disk = recorder.track.stall();
        loop {
            let mut record = Box::pin(async { recorder.record(FrameKind::output(0, &data)).await });
            let pending = runtime.block_on(std::future::poll_fn(|cx| {
                std::task::Poll::Ready(record.as_mut().poll(cx).map(|done| done.unwrap()).is_pending())
            }));
            assert!(recorder.track.pending_len() <= PENDING_LEN_MAX + 21_000);
            if pending {
                break record;
            }
            count += 1;
        }
    };
    assert!(count >= PENDING_LEN_MAX as u64 / 20_100, "{count}");
    runtime.block_on(waiting.as_mut()).unwrap();
    drop(waiting);
    let path = broker.path(live.id());
    runtime.block_on(live.finish(EndReason::ClientClosed, None));
    drop(sessions);
    let (frames, verdict) = read(&path);
    assert_eq!(verdict, Verdict::Complete);
    assert_eq!(frames.iter().filter(|frame| frame.kind.channel() == Some(0)).count() as u64, count + 1);
}

#[tokio::test]
async fn an_idle_session_holds_no_buffer() {
    let folder = tempfile::tempdir().unwrap();
    let broker = FakeBroker::new(folder.path());
    let sessions = sessions(&broker);
    let live = sessions.open(request()).await.unwrap();
    let recorder = live.recorder();
    recorder.record(FrameKind::output(0, &noise(100_000, 4))).await.unwrap();
    while recorder.track.pending_capacity() > 0 {
        tokio::task::yield_now().await;
    }
    live.finish(EndReason::ClientClosed, None).await;
}

#[tokio::test]
async fn a_file_that_is_removed_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let broker = FakeBroker::new(folder.path());
    let sessions = sessions(&broker);
    let live = sessions.open(request()).await.unwrap();
    std::fs::remove_file(broker.path(live.id())).unwrap();
    live.recorder().record(FrameKind::note("still here")).await.unwrap();
    live.finish(EndReason::Killed, None).await;
    assert_eq!(broker.ended()[0].reason, EndReason::Killed);
}

/// Where the process that is to be killed puts its recording.
const VICTIM_FOLDER: &str = "POSTERN_TEST_VICTIM_FOLDER";

/// Records numbers until it is killed; does nothing unless it was started for that.
#[tokio::test]
async fn victim() {
    let Ok(folder) = std::env::var(VICTIM_FOLDER) else { return };
    let broker = FakeBroker::writing_to(&folder, Some(Path::new(&folder).join("recording")));
    let sessions = sessions(&broker);
    let live = sessions.open(request()).await.unwrap();
    let recorder = live.recorder();
    for number in 0..5_000_000u32 {
        recorder.record(FrameKind::output(0, &number.to_be_bytes())).await.unwrap();
    }
}

#[test]
fn after_a_kill_everything_written_is_read_without_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recording");
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "recorder::tests::victim"])
        .env(VICTIM_FOLDER, folder.path())
        .spawn()
        .unwrap();
    while !chain_of(&path).is_ok_and(|chain| chain.chunks >= 3) {
        assert_eq!(victim.try_wait().unwrap(), None, "it must live until it is killed");
        std::thread::yield_now();
    }
    victim.kill().unwrap();
    victim.wait().unwrap();
    let (frames, verdict) = read(&path);
    assert_eq!(verdict, Verdict::Cut { at: chain_of(&path).unwrap().bytes });
    for (number, frame) in (0u32..).zip(&frames[1..]) {
        assert_eq!(frame.kind, FrameKind::output(0, &number.to_be_bytes()));
    }
    assert!(frames.len() > 1000, "{}", frames.len());
}

#[tokio::test]
async fn what_cannot_be_recorded_fails_the_recording_and_not_only_the_call() {
    let folder = tempfile::tempdir().unwrap();
    let broker = FakeBroker::new(folder.path());
    let sessions = sessions(&broker);
    let live = sessions.open(request()).await.unwrap();
    let recorder = live.recorder();
    let command = vec![b'x'; FRAME_LEN_MAX + 1];
    let failure = recorder.record(FrameKind::Exec { channel: 0, command: command.into() }).await.unwrap_err();
    assert_eq!(recorder.failed().await, failure);
    assert_eq!(recorder.record(FrameKind::note("after")).await, Err(failure));
    live.finish(EndReason::ClientClosed, None).await;
    assert_eq!(broker.ended()[0].reason, EndReason::RecorderFailed);
}

/// A file system of 512 KiB, unmounted when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None` where mounting is not allowed.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=512k", "postern-test"]).arg(folder.path());
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        mounted.then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_ends_the_session_and_says_so() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("SKIPPED: mounting a small file system needs root");
        return;
    };
    let broker = FakeBroker::new(disk.0.path());
    let sessions = sessions(&broker);
    let live = sessions.open(request()).await.unwrap();
    let recorder = live.recorder();
    let watcher = tokio::spawn({
        let recorder = recorder.clone();
        async move { recorder.failed().await }
    });
    let data = noise(30_000, 5);
    let failure = loop {
        if let Err(failure) = recorder.record(FrameKind::output(0, &data)).await {
            break failure;
        }
    };
    assert!(failure.reason.contains("No space left on device"), "{failure}");
    assert_eq!(watcher.await.unwrap(), failure);
    assert_eq!(recorder.failure(), Some(failure.clone()));
    let path = broker.path(live.id());
    live.finish(EndReason::ClientClosed, None).await;

    let ended = broker.ended();
    assert_eq!(ended[0].reason, EndReason::RecorderFailed);
    assert_eq!(ended[0].detail.as_deref(), Some(failure.to_string().as_str()));
    let chain = chain_of(&path).unwrap();
    let recorded = ended[0].recorded.clone().unwrap();
    assert_eq!((recorded.digest, recorded.bytes), (chain.digest, chain.bytes));
    let (frames, verdict) = read(&path);
    assert!(frames.len() > 2);
    assert_eq!(verdict, Verdict::Cut { at: std::fs::metadata(&path).unwrap().len() });
    assert!(sessions.live().is_empty());
}
