use super::*;
use crate::testing::{FakeBroker, request};
use crate::{Sessions, SessionsOptions};

fn ada(control: bool) -> Guest {
    Guest { user: "ada".parse().unwrap(), control, own: false }
}

async fn open() -> (tempfile::TempDir, Sessions, crate::LiveSession) {
    let folder = tempfile::tempdir().unwrap();
    let sessions = Sessions::new(FakeBroker::new(folder.path()), SessionsOptions::default()).unwrap();
    let live = sessions.open(request()).await.unwrap();
    (folder, sessions, live)
}

#[tokio::test]
async fn whoever_is_in_the_session_learns_who_comes_types_and_goes() {
    let (_folder, sessions, live) = open().await;
    let mut guests = live.take_guests().unwrap();
    let joined = sessions.join(live.id(), ada(true)).await.unwrap();
    assert_eq!(guests.next().await, GuestEvent::Joined(ada(true)));
    assert_eq!(sessions.guests(live.id()), [ada(true)]);
    joined.type_in(Bytes::from_static(b"ls\r")).await.unwrap();
    let typed = GuestEvent::Typed { user: "ada".parse().unwrap(), data: Bytes::from_static(b"ls\r") };
    assert_eq!(guests.next().await, typed);
    drop(joined);
    assert_eq!(guests.next().await, GuestEvent::Left(ada(true)));
    assert_eq!(sessions.guests(live.id()), []);
}

#[tokio::test]
async fn who_only_looks_on_types_nothing() {
    let (_folder, sessions, live) = open().await;
    let mut guests = live.take_guests().unwrap();
    let joined = sessions.join(live.id(), ada(false)).await.unwrap();
    joined.type_in(Bytes::from_static(b"ls\r")).await.unwrap();
    drop(joined);
    assert_eq!(guests.next().await, GuestEvent::Joined(ada(false)));
    assert_eq!(guests.next().await, GuestEvent::Left(ada(false)));
}

#[tokio::test]
async fn nobody_joins_where_nobody_could_be_told() {
    let (_folder, sessions, live) = open().await;
    assert_eq!(sessions.join(live.id(), ada(false)).await.err(), Some(JoinError::Unsupported));
    assert_eq!(sessions.hold(live.id(), Some("ada".parse().unwrap())), Err(JoinError::Unsupported));
    let id = live.id().clone();
    live.finish(postern_domain::session::EndReason::ClientClosed, None).await;
    assert_eq!(sessions.join(&id, ada(false)).await.err(), Some(JoinError::NotLive));
}

#[tokio::test]
async fn input_is_held_and_let_go() {
    let (_folder, sessions, live) = open().await;
    let guests = live.take_guests().unwrap();
    let mut held = guests.held();
    assert_eq!(sessions.hold(live.id(), Some("ada".parse().unwrap())), Ok(true));
    assert_eq!(held.changed().await, Some("ada".parse().unwrap()));
    assert_eq!(sessions.hold(live.id(), Some("olga".parse().unwrap())), Ok(false), "it is held already");
    assert_eq!(held.by(), Some("ada".parse().unwrap()));
    assert_eq!(sessions.hold(live.id(), None), Ok(true));
    held.released().await;
    assert!(!held.is_held());
}
