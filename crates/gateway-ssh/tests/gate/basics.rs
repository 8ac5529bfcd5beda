//! Commands, shells, environment, exit codes.

use std::process::Stdio;

use postern_wire::recording::{ExitStatus, FrameKind};
use tokio::io::AsyncWriteExt;

use crate::world::{World, output_of, random_bytes, read_until};

#[tokio::test(flavor = "multi_thread")]
async fn a_command_runs_and_its_exit_code_comes_back() {
    let world = World::new().await;
    let done = world.ssh(&["web", "echo hello; echo oops >&2; exit 3"]).await;
    assert_eq!(done.err, "oops\n");
    assert_eq!(done.out, b"hello\n");
    assert_eq!(done.code, Some(3));
    let done = world.ssh(&["web", "true"]).await;
    assert_eq!(done.code, Some(0), "{}", done.err);
    let frames = world.frames(0).await;
    let exit = frames.iter().find_map(|frame| match frame {
        FrameKind::Exit { status, .. } => Some(status.clone()),
        _ => None,
    });
    assert_eq!(exit, Some(ExitStatus::Code(3)));
    assert_eq!(output_of(&frames), "hello\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_that_ends_a_command_is_told() {
    let world = World::new().await;
    let done = world.ssh(&["web", "kill -TERM $$"]).await;
    assert_eq!(done.code, Some(255));
    let frames = world.frames(0).await;
    assert!(frames.iter().any(|frame| matches!(
        frame,
        FrameKind::Exit { status: ExitStatus::Signal(name), .. } if name == "TERM"
    )));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_is_passed_on_and_recorded() {
    let world = World::new().await;
    let output = world.command("ssh", &["web", "echo $POSTERN_TEST"]).env("POSTERN_TEST", "so so").output().await;
    assert_eq!(output.unwrap().stdout, b"so so\n");
    let frames = world.frames(0).await;
    assert!(frames.iter().any(|frame| matches!(frame, FrameKind::Env { name, .. } if name == "POSTERN_TEST")));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_is_kept_back_where_policy_says_so() {
    let world = World::allowing(&["shell", "exec"]).await;
    let output = world.command("ssh", &["web", "echo [$POSTERN_TEST]"]).env("POSTERN_TEST", "so").output().await;
    assert_eq!(output.unwrap().stdout, b"[]\n");
    let frames = world.frames(0).await;
    let refused = FrameKind::Capability { name: "env".into(), allowed: false };
    assert!(frames.contains(&refused), "{frames:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_on_a_terminal_is_recorded_whole() {
    let world = World::new().await;
    let mut child = world.command("ssh", &["-tt", "web"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    stdin.write_all(b"echo forty$((1+1)); tty; stty size\n").await.unwrap();
    read_until(&mut stdout, "/dev/pts/").await;
    stdin.write_all(b"exit 5\n").await.unwrap();
    assert_eq!(child.wait().await.unwrap().code(), Some(5));
    let frames = world.frames(0).await;
    assert!(frames.iter().any(|frame| matches!(frame, FrameKind::Terminal { .. })));
    assert!(frames.iter().any(|frame| matches!(frame, FrameKind::Input { .. })));
    assert!(output_of(&frames).contains("forty2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn much_goes_up_and_down_unchanged() {
    let world = World::new().await;
    let file = world.path("big");
    let sent = random_bytes(50_000_000);
    let up = world.run_with("ssh", &["web", &format!("cat > {}", file.display())], sent.clone()).await;
    assert_eq!(up.code, Some(0), "{}", up.err);
    assert!(std::fs::read(&file).unwrap() == sent, "what went up is not what was sent");
    let down = world.ssh(&["web", &format!("cat {}", file.display())]).await;
    assert!(down.out == sent, "what came down is not what was kept");
    let frames = world.frames(1).await;
    let sums = frames.iter().find_map(|frame| match frame {
        FrameKind::ExecDigest { output, .. } => Some(*output),
        _ => None,
    });
    assert_eq!(sums.unwrap().bytes, 50_000_000);
    assert!(frames.iter().any(|frame| matches!(frame, FrameKind::Output { .. })), "the beginning is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_directions_flow_at_once() {
    let world = World::new().await;
    let sent = random_bytes(50_000_000);
    let done = world.run_with("ssh", &["web", "cat"], sent.clone()).await;
    assert_eq!(done.code, Some(0), "{}", done.err);
    assert!(done.out == sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exit_status_arrives_that_follows_the_end_of_output() {
    let world = World::new().await;
    let control = shared_connection(&world).await;
    // A client that shares its connection closes a channel once neither side has more to say on it,
    // here long before the program exits.
    let done = world.ssh(&["-n", "-o", &control, "web", "exec >&- 2>&-; sleep 0.3; exit 7"]).await;
    assert_eq!(done.code, Some(7), "{}", done.err);
    world.ssh(&["-o", &control, "-O", "exit", "web"]).await;
}

/// Opens a connection that later commands share; the option that says so.
async fn shared_connection(world: &World) -> String {
    let control = format!("ControlPath={}", world.path("mux").display());
    let master = ["-o", &control, "-o", "ControlMaster=yes", "-o", "ControlPersist=yes", "-Nf", "web"];
    let begun = world.command("ssh", &master).stdout(Stdio::null()).stderr(Stdio::null()).status().await.unwrap();
    assert!(begun.success());
    control
}

#[tokio::test(flavor = "multi_thread")]
async fn many_channels_share_one_connection() {
    let world = World::new().await;
    let control = shared_connection(&world).await;
    let runs = (0..16).map(|number| {
        let (world, control) = (&world, &control);
        async move {
            let command = format!("head -c 3000000 /dev/zero | tr '\\0' x; echo {number}");
            let done = world.ssh(&["-o", control, "web", &command]).await;
            assert_eq!(done.code, Some(0), "{}", done.err);
            assert_eq!(done.out.len(), 3_000_000 + number.to_string().len() + 1);
            assert!(done.out.ends_with(format!("x{number}\n").as_bytes()));
        }
    });
    futures::future::join_all(runs).await;
    world.ssh(&["-o", &control, "-O", "exit", "web"]).await;
    assert_eq!(world.broker.ended(1).await.len(), 1, "one session for all of them");
}
