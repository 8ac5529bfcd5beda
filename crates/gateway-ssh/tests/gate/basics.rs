//! Commands, shells, environment, exit codes.

use postern_wire::recording::{ExitStatus, FrameKind};

use crate::world::{World, output_of};

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
    assert!(frames.contains(&FrameKind::Exit { channel: 2, status: ExitStatus::Code(3) }), "{frames:?}");
    assert_eq!(output_of(&frames), "hello\n");
}
