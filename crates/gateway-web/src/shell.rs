//! The shell of a tab: bytes between its terminal and the target.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use postern_domain::capability::Capability;
use postern_gateway::RecorderFailed;
use postern_ssh_target::inbox::{Exit, Item};
use postern_ssh_target::request::Size;
use postern_ssh_target::side::{Gone, Side};
use postern_wire::recording::{ExitStatus, FrameKind};
use russh::client;

use crate::message::ToBrowser;
use crate::tab::{Input, Tab};

/// The shell's channel, as the recording numbers it.
const CHANNEL: u32 = 0;

/// Why a shell stopped.
enum Stop {
    /// It is over, or the connection is.
    Gone,
    /// It cannot be recorded; whoever governs the session waits for the same failure.
    Recorder,
    /// Policy or the target refuses it.
    Refused(String),
}

impl From<Gone> for Stop {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl From<russh::Error> for Stop {
    fn from(_: russh::Error) -> Self {
        Self::Gone
    }
}

impl From<RecorderFailed> for Stop {
    fn from(_: RecorderFailed) -> Self {
        Self::Recorder
    }
}

/// Runs the shell to its end.
pub(crate) async fn run(tab: Arc<Tab>, term: String, size: Size) {
    let mut allowed = true;
    if let Err(Stop::Refused(text)) = start(&tab, &term, size, &mut allowed).await {
        tab.tell(ToBrowser::Refused { what: "shell", text });
    }
    tab.shell_over.cancel();
    // Without a right to a shell the tab is for files; with one, it is over when the shell is.
    if allowed {
        tab.closing.cancel();
    }
}

async fn start(tab: &Tab, term: &str, size: Size, allowed: &mut bool) -> Result<(), Stop> {
    if let Err(refused) = tab.authorize(Capability::Shell).await? {
        *allowed = false;
        return Err(Stop::Refused(refused.to_string()));
    }
    let channel = tab.target.channel_open_session().await;
    let channel = channel.map_err(|error| Stop::Refused(format!("the target opens no channel: {error}")))?;
    let (_, write) = channel.split();
    let id = write.id();
    let target = Side::new(write, tab.inboxes.add(id), tab.limits.window);
    let Size { columns, rows, width, height } = size;
    let frame = FrameKind::Terminal { channel: CHANNEL, term: term.into(), cols: columns, rows };
    tab.recorder.record(frame).await?;
    target.write.request_pty(true, term, columns, rows, width, height, &[]).await?;
    target.write.request_shell(true).await?;
    let (up, down) = tokio::join!(
        async {
            let ended = pump_up(tab, &target).await;
            target.close().await;
            ended
        },
        async {
            let ended = pump_down(tab, &target).await;
            target.close().await;
            ended
        },
    );
    tab.inboxes.remove(id);
    match (up, down) {
        (refused @ Err(Stop::Refused(_)), _) | (_, refused @ Err(Stop::Refused(_))) => refused,
        _ => Ok(()),
    }
}

async fn pump_up(tab: &Tab, target: &Side<client::Msg>) -> Result<(), Stop> {
    loop {
        let input = tokio::select! {
            input = tab.next_input() => input,
            () = target.inbox.gone() => return Ok(()),
        };
        match input {
            // What is typed while it is held goes nowhere.
            Input::Typed(_) if tab.held.is_held() => {}
            Input::Typed(data) => {
                tab.typing(None).await?;
                send(tab, target, data).await?;
            }
            Input::Guest(user, data) => {
                tab.typing(Some(&user)).await?;
                send(tab, target, data).await?;
            }
            Input::Resize(Size { columns, rows, width, height }) => {
                let frame = FrameKind::Resize { channel: CHANNEL, cols: columns, rows };
                tab.recorder.record(frame).await?;
                target.write.window_change(columns, rows, width, height).await?;
            }
        }
    }
}

async fn send(tab: &Tab, target: &Side<client::Msg>, data: Bytes) -> Result<(), Stop> {
    tab.recorder.record(FrameKind::input(CHANNEL, &data)).await?;
    Ok(target.send(data).await?)
}

async fn pump_down(tab: &Tab, target: &Side<client::Msg>) -> Result<(), Stop> {
    let mut awaited = VecDeque::from(["a terminal", "a shell"]);
    loop {
        match target.inbox.next().await {
            Item::Data(data) => {
                tab.recorder.record(FrameKind::output(CHANNEL, &data)).await?;
                tab.show(&data).await;
                target.passed_on(data.len()).await?;
            }
            Item::Extended(_, data) => {
                tab.recorder.record(FrameKind::error_output(CHANNEL, &data)).await?;
                tab.show(&data).await;
                target.passed_on(data.len()).await?;
            }
            Item::Reply(yes) => {
                let what = awaited.pop_front();
                if let (false, Some(what)) = (yes, what) {
                    return Err(Stop::Refused(format!("the target refuses {what}")));
                }
            }
            Item::Exit(exit) => exited(tab, exit).await?,
            Item::Eof | Item::Request(_) | Item::Answers | Item::Typed { .. } => {}
            Item::Close => return Ok(()),
        }
    }
}

async fn exited(tab: &Tab, exit: Exit) -> Result<(), Stop> {
    let (frame, told) = match exit {
        Exit::Status(status) => (ExitStatus::Code(status), ToBrowser::Exit { status: Some(status), signal: None }),
        Exit::Signal { signal, .. } => {
            let name = match signal {
                russh::Sig::Custom(name) => name,
                known => format!("{known:?}"),
            };
            (ExitStatus::Signal(name.clone().into()), ToBrowser::Exit { status: None, signal: Some(name) })
        }
    };
    tab.recorder.record(FrameKind::Exit { channel: CHANNEL, status: frame }).await?;
    tab.tell(told);
    Ok(())
}
