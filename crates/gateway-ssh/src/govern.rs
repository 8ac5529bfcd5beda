//! What ends a live session, and what its end looks like to those in it.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use postern_domain::session::{Effect, EndReason, Input, Machine};
use postern_gateway::{Directive, Directives, GuestEvent, Guests, LiveSession};
use postern_wire::recording::FrameKind;
use russh::Disconnect;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::connection::Connection;
use crate::link::Link;
use postern_ssh_target::activity::{now, until};
use postern_ssh_target::text::plain;

/// What governs a session.
pub(crate) struct Governed {
    pub(crate) live: LiveSession,
    pub(crate) directives: Directives,
    pub(crate) guests: Guests,
    pub(crate) machine: Machine,
    pub(crate) target_gone: CancellationToken,
}

/// Governs until the session has ended, and ends it.
pub(crate) async fn run(connection: Arc<Connection>, link: Arc<Link>, governed: Governed) {
    let Governed { live, mut directives, mut guests, mut machine, target_gone } = governed;
    let (mut effects, mut ended);
    (machine, effects) = machine.handle(Input::TargetReady, now());
    let recorder = live.recorder();
    loop {
        ended = apply(&connection, &link, effects).await;
        if ended.is_some() {
            break;
        }
        let input = tokio::select! {
            biased;
            order = directives.recv() => match order {
                Some(Directive::Message(text)) => {
                    say(&connection, &link, &text).await;
                    effects = Vec::new();
                    continue;
                }
                Some(Directive::Until(until)) => Input::PolicyChanged(Ok(until)),
                other => {
                    ended = Some(Directive::end_of(other));
                    break;
                }
            },
            event = guests.next() => {
                guest(&connection, &link, event).await;
                effects = Vec::new();
                continue;
            }
            _ = recorder.failed() => Input::RecorderFailed,
            () = connection.client_gone.cancelled() => Input::ClientClosed,
            () = target_gone.cancelled() => Input::TargetClosed,
            () = connection.gate.shutdown.cancelled() => Input::Shutdown,
            () = link.activity.noticed() => Input::Activity,
            () = sleep(until(&machine)) => Input::Tick,
        };
        (machine, effects) = machine.handle(input, now());
    }
    let (reason, message) = ended.unwrap_or((EndReason::Unknown, String::new()));
    hang_up(&connection, &link, reason, &message).await;
    connection.gate.control.finish(live, reason, Some(message)).await;
}

/// Tells everybody who comes and goes, and passes on what guests type.
async fn guest(connection: &Connection, link: &Link, event: GuestEvent) {
    match event {
        GuestEvent::Typed { user, data } => {
            if let Some(program) = connection.running().into_iter().find(|program| program.is_terminal()) {
                program.type_in(user, data);
            }
        }
        GuestEvent::Joined(guest) => {
            let does = if guest.control { "looks on and can type" } else { "looks on" };
            say(connection, link, &format!("{} has joined this session: {does}", guest.user)).await;
        }
        GuestEvent::Left(guest) => say(connection, link, &format!("{} has left this session", guest.user)).await,
    }
}

async fn apply(connection: &Connection, link: &Link, effects: Vec<Effect>) -> Option<(EndReason, String)> {
    for effect in effects {
        match effect {
            Effect::Warn(text) => say(connection, link, &text).await,
            Effect::Hangup { reason, message } => return Some((reason, message)),
            Effect::Seal => {}
        }
    }
    None
}

/// Tells everybody in the session something.
async fn say(connection: &Connection, link: &Link, text: &str) {
    // A recorder that fails ends the session by itself.
    let _ = link.recorder.record(FrameKind::note(text)).await;
    let programs = connection.running();
    join_all(programs.iter().map(|program| timeout(TELL_TIME, program.tell(text)))).await;
}

/// Tells everybody why, closes what is open, and cuts what does not close.
async fn hang_up(connection: &Connection, link: &Link, reason: EndReason, message: &str) {
    if reason == EndReason::TargetClosed {
        // What the target said last is still on its way to the client.
        let _ = timeout(DRAIN_TIME, idle(connection)).await;
    }
    if reason != EndReason::ClientClosed {
        let _ = link.recorder.record(FrameKind::note(message)).await;
        let programs = connection.running();
        // What cannot be recorded is not passed on any more, so that there is time to say why.
        let recorder_failed = reason == EndReason::RecorderFailed;
        if recorder_failed {
            let _ = timeout(DRAIN_TIME, idle(connection)).await;
        }
        let patience = if recorder_failed { DRAIN_TIME } else { END_TIME };
        let told = join_all(programs.iter().map(|program| timeout(patience, program.end(message)))).await;
        let listens = told.iter().all(Result::is_ok);
        // A client whose last program has ended goes by itself, with the program's exit status; one that
        // is told to go reports a broken connection instead.
        let gone = listens && timeout(LEAVE_TIME, connection.client_gone.cancelled()).await.is_ok();
        if let Some(client) = connection.client.get().filter(|_| !gone) {
            let text = plain(message, 400);
            let goodbye = client.disconnect(Disconnect::ByApplication, text, String::new());
            let _ = timeout(TELL_TIME, goodbye).await;
            if listens {
                let _ = timeout(TELL_TIME, connection.client_gone.cancelled()).await;
            }
        }
    }
    connection.inboxes.close_all();
    link.inboxes.close_all();
    connection.tasks.close();
    if timeout(TELL_TIME, connection.tasks.wait()).await.is_err() {
        connection.cut.cancel();
        let _ = timeout(DRAIN_TIME, connection.tasks.wait()).await;
    }
    connection.cut.cancel();
}

/// Waits until no program runs.
async fn idle(connection: &Connection) {
    for program in connection.running() {
        program.over().await;
    }
}

/// How long each step of telling a client may take.
const TELL_TIME: Duration = Duration::from_millis(200);
/// How long a program's last words may take.
const END_TIME: Duration = Duration::from_millis(400);
/// How long a client has to leave by itself.
const LEAVE_TIME: Duration = Duration::from_millis(300);
/// How long a client is waited for to take what is left.
const DRAIN_TIME: Duration = Duration::from_secs(2);
