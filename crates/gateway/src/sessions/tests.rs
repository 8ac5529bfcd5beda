//! Sessions from their opening to their end.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use postern_domain::session::EndReason;
use postern_wire::recording::FrameKind;
use tokio::time::Instant;

use super::*;
use crate::stored::chain_of;
use crate::testing::{FakeBroker, request};

fn sessions(broker: &Arc<FakeBroker>) -> Sessions {
    Sessions::new(Arc::clone(broker) as Arc<dyn Broker>, SessionsOptions::default()).unwrap()
}

#[tokio::test]
async fn a_session_is_recorded_and_its_outcome_written() {
    let folder = tempfile::tempdir().unwrap();
    let broker = FakeBroker::new(folder.path());
    let sessions = sessions(&broker);
    let mut live = sessions.open(request()).await.unwrap();
    let id = live.id().clone();
    assert_eq!(sessions.live(), std::slice::from_ref(&id));
    assert_eq!((live.host(), live.port(), live.account().as_str()), ("127.0.0.1", 22, "root"));
    assert!(live.take_credential().is_some());
    assert!(live.take_credential().is_none());
    let recorder = live.recorder();
    recorder.record(FrameKind::output(0, b"hello")).await.unwrap();
    live.finish(EndReason::TargetClosed, Some("bye".to_owned())).await;

    let ended = broker.ended();
    assert_eq!(ended.len(), 1);
    assert_eq!((ended[0].reason, ended[0].detail.as_deref()), (EndReason::TargetClosed, Some("bye")));
    let path = broker.path(&id);
    let recorded = ended[0].recorded.clone().unwrap();
    let chain = chain_of(&path).unwrap();
    assert!(chain.complete);
    assert_eq!((recorded.digest, recorded.bytes), (chain.digest, chain.bytes));
    let metadata = std::fs::metadata(&path).unwrap();
    assert_eq!(metadata.len(), recorded.bytes);
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert!(sessions.live().is_empty());
    assert_eq!(recorder.record(FrameKind::note("late")).await.unwrap_err().reason, "the recording is closed");
}

#[tokio::test]
async fn without_a_recorder_there_is_no_session() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("taken");
    std::fs::write(&taken, b"somebody else's").unwrap();
    for path in [taken.clone(), folder.path().join("missing/folder"), "/dev/full".into()] {
        let broker = FakeBroker::writing_to(folder.path(), Some(path));
        let sessions = sessions(&broker);
        let refused = sessions.open(request()).await.err();
        assert!(matches!(refused, Some(BrokerError::Unavailable(_))), "{refused:?}");
        let ended = broker.ended();
        assert_eq!((ended.len(), ended[0].reason), (1, EndReason::RecorderFailed));
        assert_eq!(ended[0].recorded, None);
        assert!(sessions.live().is_empty());
    }
    assert_eq!(std::fs::read(&taken).unwrap(), b"somebody else's");
}

#[tokio::test]
async fn a_session_that_is_dropped_ends_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let broker = FakeBroker::new(folder.path());
    let sessions = sessions(&broker);
    let live = sessions.open(request()).await.unwrap();
    let path = broker.path(live.id());
    drop(live);
    let ended = broker.wait_ended(1).await;
    assert_eq!(ended[0].reason, EndReason::ClientClosed);
    assert!(chain_of(&path).unwrap().complete);
}

#[tokio::test]
async fn an_end_goes_on_when_nobody_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let broker = FakeBroker::new(folder.path());
    let sessions = sessions(&broker);
    let live = sessions.open(request()).await.unwrap();
    {
        let mut finish = std::pin::pin!(live.finish(EndReason::Idle, None));
        let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(finish.as_mut().poll(cx).is_pending()));
        assert!(polled.await);
    }
    let ended = broker.wait_ended(1).await;
    assert_eq!(ended[0].reason, EndReason::Idle);
}

#[tokio::test]
async fn orders_arrive_and_their_end_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let broker = FakeBroker::new(folder.path());
    let sessions = sessions(&broker);
    let mut live = sessions.open(request()).await.unwrap();
    let mut directives = live.take_directives().unwrap();
    assert!(live.take_directives().is_none());
    broker.order(0, Directive::Message("five minutes left".to_owned())).await;
    assert_eq!(directives.recv().await, Some(Directive::Message("five minutes left".to_owned())));
    broker.abandon();
    assert_eq!(directives.recv().await, None);
    live.finish(EndReason::Unknown, None).await;
}

#[tokio::test]
async fn a_drain_ends_those_who_obey_and_those_who_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let broker = FakeBroker::new(folder.path());
    let sessions = sessions(&broker);
    let mut obeying = sessions.open(request()).await.unwrap();
    let deaf = sessions.open(request()).await.unwrap();
    let (obeying_id, deaf_id) = (obeying.id().clone(), deaf.id().clone());
    let gateway = tokio::spawn(async move {
        let order = obeying.take_directives().unwrap().recv().await;
        let Some(Directive::End { reason, message }) = order else { panic!("{order:?}") };
        assert_eq!(message, DRAIN_MESSAGE);
        obeying.finish(reason, Some("obeyed".to_owned())).await;
    });
    sessions.drain(Instant::now() + Duration::from_millis(200)).await;
    gateway.await.unwrap();
    assert!(sessions.live().is_empty());
    let ended = broker.ended();
    assert_eq!(ended.iter().map(|ended| &ended.session).collect::<Vec<_>>(), [&obeying_id, &deaf_id]);
    assert!(ended.iter().all(|ended| ended.reason == EndReason::Shutdown));
    assert!(chain_of(&broker.path(&deaf_id)).unwrap().complete);
    assert!(deaf.recorder().record(FrameKind::note("still here")).await.is_err());
    drop(deaf);
    assert!(matches!(sessions.open(request()).await.err(), Some(BrokerError::Unavailable(_))));
    assert_eq!(broker.ended().len(), 2);
}
