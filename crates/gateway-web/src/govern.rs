//! What ends a tab's session, and what its end looks like in the browser.

use std::sync::Arc;
use std::time::Duration;

use postern_domain::session::{Effect, EndReason, Input, Machine};
use postern_gateway::{Directive, Directives, GuestEvent, Guests, LiveSession};
use postern_ssh_target::activity::{now, until};
use postern_wire::recording::FrameKind;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::message::ToBrowser;
use crate::tab::{self, Tab};

/// How long what the target said last has to reach the screen.
const DRAIN_TIME: Duration = Duration::from_secs(2);
/// How long what still runs has to end by itself.
const END_TIME: Duration = Duration::from_millis(400);

/// What governs a tab.
pub(crate) struct Governed {
    pub(crate) live: LiveSession,
    pub(crate) directives: Directives,
    pub(crate) guests: Guests,
    pub(crate) machine: Machine,
    pub(crate) target_gone: CancellationToken,
}

/// Governs until the session has ended, and ends it.
pub(crate) async fn run(tab: Arc<Tab>, governed: Governed) {
    let Governed { live, mut directives, mut guests, mut machine, target_gone } = governed;
    let mut held = guests.held();
    let (mut effects, mut ended);
    (machine, effects) = machine.handle(Input::TargetReady, now());
    loop {
        ended = apply(&tab, effects).await;
        if ended.is_some() {
            break;
        }
        let input = tokio::select! {
            biased;
            order = directives.recv() => match order {
                Some(Directive::Message(text)) => {
                    say(&tab, &text).await;
                    None
                }
                Some(Directive::Until(until)) => Some(Input::PolicyChanged(Ok(until))),
                other => {
                    ended = Some(Directive::end_of(other));
                    break;
                }
            },
            event = guests.next() => {
                guest(&tab, event).await;
                None
            }
            by = held.changed() => {
                tab.tell(by.map_or(ToBrowser::Resumed {}, |by| ToBrowser::Paused { by }));
                None
            }
            _ = tab.recorder.failed() => Some(Input::RecorderFailed),
            () = tab.closing.cancelled() => Some(Input::ClientClosed),
            () = tab.forsaken(tab.limits.kept) => Some(Input::ClientClosed),
            () = target_gone.cancelled() => Some(Input::TargetClosed),
            () = tab.activity.noticed() => Some(Input::Activity),
            () = sleep(until(&machine)) => Some(Input::Tick),
        };
        effects = Vec::new();
        if let Some(input) = input {
            (machine, effects) = machine.handle(input, now());
        }
    }
    let (reason, message) = ended.unwrap_or((EndReason::Unknown, String::new()));
    hang_up(&tab, reason, &message).await;
    live.finish(reason, Some(message)).await;
}

async fn apply(tab: &Tab, effects: Vec<Effect>) -> Option<(EndReason, String)> {
    for effect in effects {
        match effect {
            Effect::Warn(text) => say(tab, &text).await,
            Effect::Hangup { reason, message } => return Some((reason, message)),
            Effect::Seal => {}
        }
    }
    None
}

/// Tells the person something.
async fn say(tab: &Tab, text: &str) {
    // A recorder that fails ends the session by itself.
    let _ = tab.recorder.record(FrameKind::note(text)).await;
    tab.tell(ToBrowser::Notice { text: text.to_owned() });
}

/// Tells the person who comes and goes, and passes on what guests type.
async fn guest(tab: &Tab, event: GuestEvent) {
    let (guest, joined, note) = match event {
        GuestEvent::Typed { user, data } => {
            if tab.push(tab::Input::Guest(user, data)).is_err() {
                tracing::debug!("a guest typed more than the session takes; it was dropped");
            }
            return;
        }
        GuestEvent::Joined(guest) => {
            let does = if guest.control { "looks on and can type" } else { "looks on" };
            let note = format!("{} has joined this session: {does}", guest.user);
            (guest, true, note)
        }
        GuestEvent::Left(guest) => {
            let note = format!("{} has left this session", guest.user);
            (guest, false, note)
        }
    };
    // A recorder that fails ends the session by itself.
    let _ = tab.recorder.record(FrameKind::note(&note)).await;
    tab.guest(guest, joined);
}

/// Closes what is open, cuts what does not close, and says why.
async fn hang_up(tab: &Tab, reason: EndReason, message: &str) {
    if matches!(reason, EndReason::TargetClosed | EndReason::ClientClosed) {
        // What the target said last is still on its way to the screen.
        let running = tab.state().is_shell_started();
        if running && reason == EndReason::TargetClosed {
            let _ = timeout(DRAIN_TIME, tab.shell_over.cancelled()).await;
        }
    } else {
        let _ = tab.recorder.record(FrameKind::note(message)).await;
    }
    tab.inboxes.close_all();
    tab.tasks.close();
    if timeout(END_TIME, tab.tasks.wait()).await.is_err() {
        tab.cut.cancel();
        let _ = timeout(DRAIN_TIME, tab.tasks.wait()).await;
    }
    tab.cut.cancel();
    tab.end(reason, message);
}
