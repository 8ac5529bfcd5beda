//! `-L`, `-R`, `-D`, `-J`, agent forwarding.

use std::net::Ipv4Addr;
use std::process::Stdio;

use postern_wire::recording::{ForwardKind, ForwardPhase, FrameKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Child;

use crate::world::{World, free_port, random_bytes};

/// Answers every connection with what it says.
async fn echo() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
                let _ = write.shutdown().await;
            });
        }
    });
    port
}

async fn connected(port: u16) -> TcpStream {
    loop {
        if let Ok(stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
            return stream;
        }
        tokio::task::yield_now().await;
    }
}

/// Sends and gets back; what comes back.
async fn through(mut stream: TcpStream, sent: &[u8]) -> Vec<u8> {
    let (mut read, mut write) = stream.split();
    let mut back = Vec::new();
    let sending = async {
        let _ = write.write_all(sent).await;
        let _ = write.shutdown().await;
    };
    let ((), _) = tokio::join!(sending, read.read_to_end(&mut back));
    back
}

fn background(world: &World, args: &[&str]) -> Child {
    world.command("ssh", args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_forward_carries_and_is_recorded() {
    let world = World::allowing(&["local_forward"]).await;
    let (echo, port) = (echo().await, free_port());
    let mut ssh = background(&world, &["-N", "-L", &format!("{port}:127.0.0.1:{echo}"), "web"]);
    let sent = random_bytes(3_000_000);
    assert!(through(connected(port).await, &sent).await == sent);
    ssh.kill().await.unwrap();
    let frames = world.frames(0).await;
    assert!(frames.iter().any(|frame| matches!(
        frame,
        FrameKind::Forward {
            kind: ForwardKind::Local,
            phase: ForwardPhase::Closed,
            bytes_in: 3_000_000,
            bytes_out: 3_000_000,
            ..
        }
    )));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_forward_is_refused() {
    let world = World::allowing(&["shell", "exec"]).await;
    let (echo, port) = (echo().await, free_port());
    let _ssh = background(&world, &["-N", "-L", &format!("{port}:127.0.0.1:{echo}"), "web"]);
    assert!(through(connected(port).await, b"hello").await.is_empty());
    let done = world.ssh(&["-W", &format!("127.0.0.1:{echo}"), "web"]).await;
    assert_ne!(done.code, Some(0));
    assert!(done.err.contains("local_forward is not allowed"), "{}", done.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_destination_is_a_dynamic_forward() {
    for (allowed, goes) in [(&["local_forward"][..], false), (&["local_forward", "dynamic_forward"][..], true)] {
        let world = World::allowing(allowed).await;
        let (one, two, port) = (echo().await, echo().await, free_port());
        let _ssh = background(&world, &["-N", "-D", &port.to_string(), "web"]);
        for (echo, wanted) in [(one, true), (one, true), (two, goes)] {
            let back = through_socks(connected(port).await, echo).await;
            assert_eq!(back == b"hello", wanted, "{allowed:?}");
        }
    }
}

async fn through_socks(mut stream: TcpStream, port: u16) -> Vec<u8> {
    stream.write_all(&[5, 1, 0]).await.unwrap();
    let mut greeting = [0; 2];
    stream.read_exact(&mut greeting).await.unwrap();
    let mut wish = vec![5, 1, 0, 1, 127, 0, 0, 1];
    wish.extend_from_slice(&port.to_be_bytes());
    stream.write_all(&wish).await.unwrap();
    let mut answer = [0; 10];
    if stream.read_exact(&mut answer).await.is_err() || answer[1] != 0 {
        return Vec::new();
    }
    through(stream, b"hello").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jump_goes_on_to_another_server() {
    let world = World::allowing(&["local_forward"]).await;
    let port = world.broker.wishes.lock().unwrap().port;
    let proxy = format!("ProxyCommand=ssh -F {} -W 127.0.0.1:{port} web", world.path("ssh_config").display());
    let key = world.path("target_key");
    let args = [
        "-o",
        &proxy,
        "-i",
        key.to_str().unwrap(),
        "-p",
        &port.to_string(),
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        "UserKnownHostsFile=/dev/null",
        "root@beyond",
        "echo arrived",
    ];
    let done = world.ssh(&args).await;
    assert_eq!(done.out, b"arrived\n", "{}", done.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_forward_comes_back() {
    let world = World::allowing(&["remote_forward", "exec"]).await;
    let (echo, port) = (echo().await, free_port());
    let forward = format!("{port}:127.0.0.1:{echo}");
    let mut ssh = background(&world, &["-o", "ExitOnForwardFailure=yes", "-N", "-R", &forward, "web"]);
    let sent = random_bytes(3_000_000);
    assert!(through(connected(port).await, &sent).await == sent);
    ssh.kill().await.unwrap();
    let frames = world.frames(0).await;
    assert!(frames.iter().any(|frame| matches!(frame, FrameKind::Forward { kind: ForwardKind::Remote, .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_forward_is_refused() {
    let world = World::allowing(&["exec"]).await;
    let forward = format!("{}:127.0.0.1:9", free_port());
    let done = world.ssh(&["-o", "ExitOnForwardFailure=yes", "-R", &forward, "web", "true"]).await;
    assert_eq!(done.code, Some(255));
    let frames = world.frames(0).await;
    assert!(frames.contains(&FrameKind::Capability { name: "remote_forward".into(), allowed: false }));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_is_forwarded_where_policy_says_so() {
    for (allowed, goes) in [(&["exec", "agent"][..], true), (&["exec"][..], false)] {
        let world = World::allowing(allowed).await;
        let socket = world.path("agent");
        let mut agent =
            world.command("ssh-agent", &["-D", "-a", socket.to_str().unwrap()]).stdout(Stdio::null()).spawn().unwrap();
        while !socket.exists() {
            tokio::task::yield_now().await;
        }
        let key = world.path("stranger");
        // Its socket is there a moment before it listens.
        loop {
            let mut adding = world.command("ssh-add", &["-q", key.to_str().unwrap()]);
            if adding.env("SSH_AUTH_SOCK", &socket).status().await.unwrap().success() {
                break;
            }
        }
        let listed = world.command("ssh", &["-A", "web", "ssh-add -l"]).env("SSH_AUTH_SOCK", &socket).output().await;
        let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
        assert_eq!(listed.contains("stranger"), goes, "{listed}");
        agent.kill().await.unwrap();
    }
}
