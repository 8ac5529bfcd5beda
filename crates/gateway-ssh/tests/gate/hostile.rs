//! Peers that mean no good.

use std::net::Ipv4Addr;
use std::time::Duration;

use postern_domain::session::EndReason;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::world::{World, read_until};

/// This process's resident memory, in KiB: the gate's, the test's and no one else's.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_takes_nothing_costs_no_more_than_its_windows() {
    let world = World::new().await;
    assert_eq!(world.ssh(&["web", "true"]).await.code, Some(0));
    let before = resident_kib();
    let mut stalled = Vec::new();
    for _ in 0..4 {
        let mut child = world.command("ssh", &["web", "cat /dev/zero"]).spawn().unwrap();
        let mut some = [0; 100];
        child.stdout.as_mut().unwrap().read_exact(&mut some).await.unwrap();
        stalled.push(child);
    }
    // Until the target has been stopped by its window there is always a read that finds more.
    let most = settled(resident_kib).await;
    println!("stalled_clients=4 rss_before_kib={before} rss_most_kib={most}");
    assert!(most.saturating_sub(before) < 64 * 1024, "{before} KiB before, {most} KiB at most");
    assert_eq!(world.ssh(&["web", "true"]).await.code, Some(0), "others are served");
}

/// The most that was seen until it stopped growing.
async fn settled(measure: impl Fn() -> u64) -> u64 {
    let (mut most, mut same) = (0, 0);
    while same < 20 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let now = measure();
        same = if now > most + 64 { 0 } else { same + 1 };
        most = most.max(now);
    }
    most
}

#[tokio::test(flavor = "multi_thread")]
async fn one_stalled_channel_does_not_stop_another() {
    let world = World::new().await;
    let control = format!("ControlPath={}", world.path("mux").display());
    let mut first =
        world.command("ssh", &["-o", &control, "-o", "ControlMaster=yes", "web", "cat /dev/zero"]).spawn().unwrap();
    let mut some = [0; 100];
    first.stdout.as_mut().unwrap().read_exact(&mut some).await.unwrap();
    let second = world.ssh(&["-o", &control, "web", "head -c 20000000 /dev/zero"]).await;
    assert_eq!(second.out.len(), 20_000_000, "{}", second.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_speaks_garbage_is_told_of() {
    for says in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], &[0xff; 5000], b"SSH-2.0-x\r\n\0\0\0\x01\xff\xff", b""] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let world = World::new().await;
        world.broker.wishes.lock().unwrap().port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.write_all(says).await;
                let _ = stream.shutdown().await;
            }
        });
        let done = world.ssh(&["web", "true"]).await;
        assert_eq!(done.code, Some(1), "{}", done.err);
        assert!(done.err.contains("does not speak SSH as it should"), "{}", done.err);
        assert_eq!(world.broker.ended(1).await[0].0, EndReason::TargetFailed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let world = World::with(|_| {}, |limits| limits.target_time = Duration::from_secs(1)).await;
    world.broker.wishes.lock().unwrap().port = listener.local_addr().unwrap().port();
    let done = world.ssh(&["web", "true"]).await;
    assert_eq!(done.code, Some(1));
    assert!(done.err.contains("did not exchange keys within 1 seconds"), "{}", done.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_sign_in_is_shown_out() {
    let world = World::with(|_| {}, |limits| limits.sign_in_time = Duration::from_secs(1)).await;
    let mut silent = TcpStream::connect(world.gate).await.unwrap();
    let mut said = Vec::new();
    silent.read_to_end(&mut said).await.unwrap_or_default();
    let mut half = TcpStream::connect(world.gate).await.unwrap();
    half.write_all(b"SSH-2.0-x\r\n").await.unwrap();
    half.read_to_end(&mut said).await.unwrap_or_default();
}

#[tokio::test(flavor = "multi_thread")]
async fn floods_before_signing_in_are_cut_short() {
    let world = World::with(|_| {}, |limits| limits.sign_in_bytes = 20_000).await;
    let before = resident_kib();
    let mut stream = TcpStream::connect(world.gate).await.unwrap();
    stream.write_all(b"SSH-2.0-x\r\n").await.unwrap();
    let garbage = vec![0x41; 10_000_000];
    let flooded = stream.write_all(&garbage).await;
    let mut rest = Vec::new();
    let ended = stream.read_to_end(&mut rest).await;
    assert!(flooded.is_err() || ended.is_err() || rest.len() < 10_000);
    assert!(resident_kib().saturating_sub(before) < 32 * 1024);
    assert_eq!(world.ssh(&["web", "true"]).await.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_at_the_door_are_turned_away() {
    let world = World::with(|_| {}, |limits| limits.unauthenticated_per_source_max = 2).await;
    let (mut one, mut two) =
        (TcpStream::connect(world.gate).await.unwrap(), TcpStream::connect(world.gate).await.unwrap());
    read_until(&mut one, "SSH-2.0-Postern").await;
    read_until(&mut two, "SSH-2.0-Postern").await;
    let mut three = TcpStream::connect(world.gate).await.unwrap();
    let mut said = Vec::new();
    three.read_to_end(&mut said).await.unwrap_or_default();
    assert!(said.is_empty());
    drop((one, two));
    loop {
        if world.ssh(&["web", "true"]).await.code == Some(0) {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_ends_the_session_and_says_so() {
    let mut world = World::new().await;
    if !world.shrink_disk() {
        eprintln!("SKIPPED: mounting a small file system needs root");
        return;
    }
    let done = world.ssh(&["-tt", "web", "base64 /dev/urandom"]).await;
    let told = done.err + &String::from_utf8_lossy(&done.out[done.out.len().saturating_sub(4000)..]);
    assert!(told.contains("cannot be recorded any more"), "{told}");
    assert_ne!(done.code, Some(0));
    assert_eq!(world.broker.ended(1).await[0].0, EndReason::RecorderFailed);
}
