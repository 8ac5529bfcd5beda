//! What ends a session from outside.

use std::process::Stdio;
use std::time::Duration;

use postern_domain::session::EndReason;
use postern_gateway::Directive;
use tokio::io::AsyncReadExt;
use tokio::process::Child;

use crate::world::{World, read_until};

/// A session in which the target talks without end.
fn talking(world: &World) -> Child {
    world.command("ssh", &["-tt", "web", "yes"]).stdin(Stdio::piped()).spawn().unwrap()
}

/// The same, once it talks.
async fn busy(world: &World) -> Child {
    let mut child = talking(world);
    read_until(child.stdout.as_mut().unwrap(), "y\r\ny\r\n").await;
    child
}

async fn rest(mut child: Child) -> (Option<i32>, String) {
    let mut out = Vec::new();
    let mut err = String::new();
    child.stdout.take().unwrap().read_to_end(&mut out).await.unwrap();
    child.stderr.take().unwrap().read_to_string(&mut err).await.unwrap();
    let tail = out.len().saturating_sub(4000);
    (child.wait().await.unwrap().code(), String::from_utf8_lossy(&out[tail..]).into_owned() + &err)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_ends_a_busy_session() {
    let world = World::new().await;
    let child = busy(&world).await;
    let end = Directive::End { reason: EndReason::Killed, message: "ada terminated this session".to_owned() };
    world.broker.order(&end);
    let (code, told) = rest(child).await;
    assert!(told.contains("postern: ada terminated this session"), "{told}");
    assert_eq!(code, Some(3));
    assert_eq!(world.broker.ended(1).await[0].0, EndReason::Killed);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_ends_a_session_whose_client_takes_nothing() {
    let world = World::new().await;
    let mut child = world.command("ssh", &["web", "yes"]).spawn().unwrap();
    read_until(child.stdout.as_mut().unwrap(), "y\ny\n").await;
    let end = Directive::End { reason: EndReason::Revoked, message: "the grant was revoked".to_owned() };
    world.broker.order(&end);
    let ended = tokio::time::timeout(Duration::from_secs(5), world.broker.ended(1)).await.unwrap();
    assert_eq!(ended[0].0, EndReason::Revoked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_shown_and_the_session_goes_on() {
    let world = World::new().await;
    let mut child = world.command("ssh", &["-tt", "web"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    use tokio::io::AsyncWriteExt;
    stdin.write_all(b"echo ready$((1+1))\n").await.unwrap();
    read_until(&mut stdout, "ready2").await;
    world.broker.order(&Directive::Message("five minutes\x1b[31m left".to_owned()));
    let seen = read_until(&mut stdout, "postern: five minutes[31m left\r\n").await;
    assert!(!seen.contains("\x1b[31m left"));
    stdin.write_all(b"exit 4\n").await.unwrap();
    assert_eq!(child.wait().await.unwrap().code(), Some(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_window_s_end_ends_the_session() {
    let world = World::with(|wishes| wishes.lasts_millis = 1500, |_| {}).await;
    let (code, told) = rest(talking(&world)).await;
    assert_eq!(code, Some(3));
    assert!(told.contains("the time for this session is over"), "{told}");
    assert_eq!(world.broker.ended(1).await[0].0, EndReason::Expired);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_without_input_ends_however_much_its_target_says() {
    let world = World::with(|wishes| wishes.idle_seconds = Some(1), |_| {}).await;
    let (code, told) = rest(talking(&world)).await;
    assert_eq!(code, Some(3));
    assert!(told.contains("nothing was typed"), "{told}");
    assert_eq!(world.broker.ended(1).await[0].0, EndReason::Idle);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_the_gate_ends_its_sessions_and_says_so() {
    let world = World::new().await;
    let child = busy(&world).await;
    world.shutdown.cancel();
    let (_, told) = rest(child).await;
    assert!(told.contains("postern is being stopped"), "{told}");
    assert_eq!(world.broker.ended(1).await[0].0, EndReason::Shutdown);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_dies_takes_its_session_with_it() {
    let world = World::new().await;
    let child = world.command("ssh", &["-tt", "web", "kill -9 $PPID; sleep 60"]).stdin(Stdio::piped()).spawn().unwrap();
    let (code, _) = rest(child).await;
    assert_ne!(code, Some(0));
    assert_eq!(world.broker.ended(1).await[0].0, EndReason::TargetClosed);
}
