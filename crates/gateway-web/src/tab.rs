//! One tab: a session with its target, its screen and whoever is attached to it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use postern_domain::capability::Capability;
use postern_domain::policy::Obligations;
use postern_domain::session::{CapabilityRefused, EndReason, authorize};
use postern_domain::{AccountRef, LoginId, SecretText, SessionId, Timestamp, UserName};
use postern_gateway::{Guest, Held, Recorder, RecorderFailed};
use postern_ssh_target::activity::Activity;
use postern_ssh_target::channels::Inboxes;
use postern_ssh_target::request::Size;
use postern_ssh_target::upstream::Upstream;
use postern_wire::recording::FrameKind;
use russh::client;
use tokio::sync::{Notify, OnceCell};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::files::{FileError, Files};
use crate::message::{ToBrowser, Watcher};
use crate::screen::Screen;
use crate::terminals::Limits;

/// How many bytes of input may wait for the target.
const INPUT_LEN_MAX: usize = 1024 * 1024;
/// How many messages may wait for a browser.
const MESSAGES_MAX: usize = 256;
/// What comes in one message of more bytes was not typed.
const TYPED_LEN_MAX: usize = 64;

/// A tab.
pub(crate) struct Tab {
    pub(crate) id: SessionId,
    pub(crate) login: LoginId,
    pub(crate) account: AccountRef,
    pub(crate) obligations: Obligations,
    pub(crate) until: Timestamp,
    pub(crate) limits: Limits,
    pub(crate) recorder: Recorder,
    pub(crate) target: client::Handle<Upstream>,
    pub(crate) inboxes: Arc<Inboxes>,
    pub(crate) held: Held,
    pub(crate) activity: Activity,
    /// Ends the connection to the target at once.
    pub(crate) cut: CancellationToken,
    /// The person, or the end of their shell, wants the session to end.
    pub(crate) closing: CancellationToken,
    /// The shell has said its last.
    pub(crate) shell_over: CancellationToken,
    pub(crate) tasks: TaskTracker,
    ticket: [u8; 32],
    files: OnceCell<Arc<Files>>,
    state: Mutex<State>,
    /// Wakes whoever is attached.
    pub(crate) news: Notify,
    /// Wakes the pump that waits for output to be acknowledged.
    room: Notify,
    /// Wakes the pump that waits for input.
    typed: Notify,
    /// Wakes whoever waits for the tab to be forsaken.
    attendance: Notify,
}

/// What changes.
pub(crate) struct State {
    pub(crate) screen: Screen,
    /// Counts those who have attached; the last one is.
    pub(crate) generation: u64,
    pub(crate) messages: VecDeque<ToBrowser>,
    pub(crate) ended: Option<(EndReason, String)>,
    input: VecDeque<Input>,
    input_len: usize,
    /// Whether a shell has been started.
    shell: bool,
    guests: Vec<Guest>,
    /// Which guest typed last; nobody when the person did.
    typist: Option<UserName>,
    attendants: usize,
    left_at: Instant,
}

impl State {
    /// Whether a shell has been started.
    pub(crate) fn is_shell_started(&self) -> bool {
        self.shell
    }
}

/// Something for the shell.
#[derive(Debug)]
pub(crate) enum Input {
    /// The person typed.
    Typed(Bytes),
    /// Somebody typed who has joined.
    Guest(UserName, Bytes),
    /// The terminal has another size.
    Resize(Size),
}

/// What a tab is made of.
pub(crate) struct Parts {
    pub(crate) id: SessionId,
    pub(crate) login: LoginId,
    pub(crate) account: AccountRef,
    pub(crate) obligations: Obligations,
    pub(crate) until: Timestamp,
    pub(crate) limits: Limits,
    pub(crate) recorder: Recorder,
    pub(crate) target: client::Handle<Upstream>,
    pub(crate) inboxes: Arc<Inboxes>,
    pub(crate) held: Held,
    pub(crate) cut: CancellationToken,
}

impl Tab {
    /// A tab that nobody is attached to yet.
    pub(crate) fn new(parts: Parts, ticket: &SecretText) -> Arc<Self> {
        let Parts { id, login, account, obligations, until, limits, recorder, target, inboxes, held, cut } = parts;
        Arc::new(Self {
            id,
            login,
            account,
            obligations,
            until,
            limits,
            recorder,
            target,
            inboxes,
            held,
            cut,
            activity: Activity::default(),
            closing: CancellationToken::new(),
            shell_over: CancellationToken::new(),
            tasks: TaskTracker::new(),
            ticket: hashed(ticket),
            files: OnceCell::new(),
            state: Mutex::new(State {
                screen: Screen::default(),
                generation: 0,
                messages: VecDeque::new(),
                ended: None,
                input: VecDeque::new(),
                input_len: 0,
                shell: false,
                guests: Vec::new(),
                typist: None,
                attendants: 0,
                left_at: Instant::now(),
            }),
            news: Notify::new(),
            room: Notify::new(),
            typed: Notify::new(),
            attendance: Notify::new(),
        })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // Every change under the lock is complete before anything that could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this is the tab's ticket. Takes the same time whatever is given.
    pub(crate) fn is_ticket(&self, given: &SecretText) -> bool {
        verify_slices_are_equal(&self.ticket, &hashed(given)).is_ok()
    }

    /// The one place where the session is asked whether it may do something. The answer is recorded.
    pub(crate) async fn authorize(&self, wanted: Capability) -> Result<Result<(), CapabilityRefused>, RecorderFailed> {
        let verdict = authorize(&self.obligations, wanted);
        let name = wanted.as_str().into();
        self.recorder.record(FrameKind::Capability { name, allowed: verdict.is_ok() }).await?;
        Ok(verdict)
    }

    /// Says something to whoever is attached, or will be.
    pub(crate) fn tell(&self, message: ToBrowser) {
        let mut state = self.state();
        if state.messages.len() >= MESSAGES_MAX {
            state.messages.pop_front();
        }
        state.messages.push_back(message);
        drop(state);
        self.news.notify_waiters();
    }

    /// Takes output, then waits until there is room for more.
    pub(crate) async fn show(&self, data: &[u8]) {
        self.state().screen.push(data);
        self.news.notify_waiters();
        loop {
            let room = self.room.notified();
            tokio::pin!(room);
            room.as_mut().enable();
            if !self.state().screen.is_full() {
                return;
            }
            tokio::select! {
                () = room => {}
                () = self.cut.cancelled() => return,
            }
        }
    }

    /// Output has been shown.
    pub(crate) fn ack(&self, bytes: u64) {
        self.state().screen.ack(bytes);
        self.room.notify_waiters();
    }

    /// Takes what the person typed or pasted; why not, where it is not taken.
    pub(crate) fn type_in(&self, data: Bytes, pasted: bool) -> Result<(), String> {
        let clipboard = &self.obligations.clipboard;
        if (pasted || data.len() > TYPED_LEN_MAX) && !clipboard.takes(data.len()) {
            return Err(match clipboard.paste_bytes_max {
                Some(max) if clipboard.paste => {
                    format!("the policy of this session lets you paste at most {max} bytes at once")
                }
                _ => "the policy of this session lets you paste nothing".to_owned(),
            });
        }
        self.push(Input::Typed(data))
    }

    /// Takes something for the shell; why not, where it is not taken.
    pub(crate) fn push(&self, input: Input) -> Result<(), String> {
        let len = match &input {
            Input::Typed(data) | Input::Guest(_, data) => data.len(),
            Input::Resize(_) => 0,
        };
        let mut state = self.state();
        if let (Input::Resize(_), Some(Input::Resize(last))) = (&input, state.input.back_mut()) {
            // Only the latest size matters.
            if let Input::Resize(size) = input {
                *last = size;
            }
            return Ok(());
        }
        if state.input_len + len > INPUT_LEN_MAX || state.input.len() >= INPUT_LEN_MAX / 64 {
            return Err("the target does not take what you type as fast as it comes; this was dropped".to_owned());
        }
        state.input_len += len;
        state.input.push_back(input);
        drop(state);
        self.typed.notify_one();
        Ok(())
    }

    /// What was typed next; waits for it. May be cancelled without losing anything.
    pub(crate) async fn next_input(&self) -> Input {
        loop {
            let typed = self.typed.notified();
            {
                let mut state = self.state();
                if let Some(input) = state.input.pop_front() {
                    if let Input::Typed(data) | Input::Guest(_, data) = &input {
                        state.input_len -= data.len();
                    }
                    return input;
                }
            }
            typed.await;
        }
    }

    /// Who types now: a guest, or the person. Recorded when it changes.
    pub(crate) async fn typing(&self, guest: Option<&UserName>) -> Result<(), RecorderFailed> {
        let note = {
            let mut state = self.state();
            if state.typist.as_ref() == guest {
                return Ok(());
            }
            state.typist = guest.cloned();
            guest.map_or_else(|| "the person whose session it is types".to_owned(), |guest| format!("{guest} types"))
        };
        self.recorder.record(FrameKind::note(&note)).await
    }

    /// Whether a shell is to be started now; once.
    pub(crate) fn wants_shell(&self) -> bool {
        !std::mem::replace(&mut self.state().shell, true)
    }

    /// Somebody joined, or left.
    pub(crate) fn guest(&self, guest: Guest, joined: bool) {
        let mut state = self.state();
        if joined {
            state.guests.push(guest.clone());
        } else if let Some(index) = state.guests.iter().position(|other| *other == guest) {
            state.guests.swap_remove(index);
        }
        drop(state);
        let watcher = Watcher { user: guest.user, control: guest.control };
        self.tell(if joined { ToBrowser::Joined(watcher) } else { ToBrowser::Left(watcher) });
    }

    /// Who has joined.
    pub(crate) fn watchers(&self) -> Vec<Watcher> {
        let state = self.state();
        state.guests.iter().map(|guest| Watcher { user: guest.user.clone(), control: guest.control }).collect()
    }

    /// The file transfer of this session, begun when first wanted.
    pub(crate) async fn files(self: &Arc<Self>) -> Result<Arc<Files>, FileError> {
        self.files.get_or_try_init(|| Files::begin(self)).await.cloned()
    }

    /// The session is over; whoever is attached is told.
    pub(crate) fn end(&self, reason: EndReason, message: &str) {
        self.state().ended.get_or_insert((reason, message.to_owned()));
        self.closing.cancel();
        self.news.notify_waiters();
        self.attendance.notify_waiters();
    }

    /// Waits until nobody has been attached and nothing has been moved for `kept`.
    pub(crate) async fn forsaken(&self, kept: Duration) {
        loop {
            let changed = self.attendance.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let left_at = {
                let state = self.state();
                (state.attendants == 0).then_some(state.left_at)
            };
            match left_at {
                None => changed.await,
                Some(at) => tokio::select! {
                    () = sleep_until(at + kept) => return,
                    () = changed => {}
                },
            }
        }
    }
}

/// Somebody who is there: attached, or moving a file. The tab is not forsaken while they are.
pub(crate) struct Attends(Arc<Tab>);

impl Attends {
    pub(crate) fn new(tab: &Arc<Tab>) -> Self {
        tab.state().attendants += 1;
        tab.attendance.notify_waiters();
        Self(Arc::clone(tab))
    }
}

impl Drop for Attends {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.attendants -= 1;
        state.left_at = Instant::now();
        drop(state);
        self.0.attendance.notify_waiters();
    }
}

fn hashed(ticket: &SecretText) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, ticket.expose().as_bytes()).as_ref());
    hash
}
