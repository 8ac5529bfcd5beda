//! A browser that is attached to a tab.

use std::sync::Arc;

use bytes::Bytes;
use postern_domain::session::EndReason;
use postern_ssh_target::request::Size;

use crate::message::{Attach, FromBrowser, ToBrowser};
use crate::shell;
use crate::tab::{Attends, Input, Tab};

/// How much output goes into one message.
const OUTPUT_LEN_MAX: usize = 32 * 1024;
/// The terminal's type where the browser says none.
const TERM_DEFAULT: &str = "xterm-256color";

/// Why a browser cannot attach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttachError {
    /// There is no such session, or it ended a while ago.
    #[error("there is no such terminal; it may have ended")]
    Unknown,
    /// It is another login's, or the ticket is another one's.
    #[error("this is not the ticket of this terminal and this sign-in")]
    Ticket,
}

/// What an attached browser is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Output.
    Output(Bytes),
    /// A message.
    Message(ToBrowser),
    /// Nothing more; the socket is to be closed.
    Over,
}

/// A browser that is attached. It is detached when this is dropped.
pub struct Attachment {
    tab: Arc<Tab>,
    generation: u64,
    sent: u64,
    greeting: Option<ToBrowser>,
    over: bool,
    _attends: Attends,
}

impl Attachment {
    /// Attaches, in the place of whoever was attached before. The first one starts the shell.
    pub(crate) fn new(tab: Arc<Tab>, wish: &Attach) -> Self {
        let attends = Attends::new(&tab);
        let size = Size { columns: wish.cols, rows: wish.rows, width: 0, height: 0 };
        let (generation, offset, gap) = {
            let mut state = tab.state();
            state.generation += 1;
            let (offset, gap) = state.screen.resume(wish.from);
            (state.generation, offset, gap)
        };
        // Whoever was attached is to notice.
        tab.news.notify_waiters();
        if tab.wants_shell() {
            let term = wish.term.clone().unwrap_or_else(|| TERM_DEFAULT.to_owned());
            tab.tasks.spawn(shell::run(Arc::clone(&tab), term, size));
        } else {
            // The newest size is taken in any case.
            let _ = tab.push(Input::Resize(size));
        }
        let greeting = ToBrowser::Attached {
            offset,
            gap,
            paused_by: tab.held.by(),
            watchers: tab.watchers(),
            account: tab.account.clone(),
            until: tab.until,
            capabilities: tab.obligations.capabilities.iter().copied().collect(),
            clipboard: tab.obligations.clipboard,
        };
        Self { tab, generation, sent: offset, greeting: Some(greeting), over: false, _attends: attends }
    }

    /// What is to be sent next; waits for it. May be cancelled without losing anything.
    pub async fn next(&mut self) -> Event {
        if let Some(greeting) = self.greeting.take() {
            return Event::Message(greeting);
        }
        let tab = Arc::clone(&self.tab);
        loop {
            let news = tab.news.notified();
            tokio::pin!(news);
            news.as_mut().enable();
            if let Some(event) = self.ready() {
                return event;
            }
            news.await;
        }
    }

    fn ready(&mut self) -> Option<Event> {
        if self.over {
            return Some(Event::Over);
        }
        let mut state = self.tab.state();
        if state.generation != self.generation {
            self.over = true;
            return Some(Event::Message(ToBrowser::Detached {}));
        }
        let output = state.screen.read(self.sent, OUTPUT_LEN_MAX);
        if !output.is_empty() {
            self.sent += u64::try_from(output.len()).unwrap_or(0);
            return Some(Event::Output(output));
        }
        if let Some(message) = state.messages.pop_front() {
            return Some(Event::Message(message));
        }
        let (reason, message) = state.ended.clone()?;
        self.over = true;
        Some(Event::Message(ToBrowser::Ended { reason, message }))
    }

    /// Takes what was typed. Never waits: what the target does not take is dropped, and said so.
    pub fn typed(&self, data: Bytes) {
        self.type_in(data, false);
    }

    /// Takes a message. Never waits.
    pub fn take(&self, message: FromBrowser) {
        match message {
            // It is attached already.
            FromBrowser::Attach(_) => {}
            FromBrowser::Paste { text } => self.type_in(Bytes::from(text), true),
            FromBrowser::Resize { cols, rows } => {
                let size = Size { columns: cols, rows, width: 0, height: 0 };
                // With more waiting than is taken, another size makes no difference.
                let _ = self.tab.push(Input::Resize(size));
            }
            FromBrowser::Ack { bytes } => self.tab.ack(bytes),
            FromBrowser::Close => self.tab.closing.cancel(),
        }
    }

    /// Ends the session because the sign-in that it was opened in is over.
    pub fn sign_in_over(&self) {
        self.tab.end(EndReason::ClientClosed, "you have signed out");
    }

    fn type_in(&self, data: Bytes, pasted: bool) {
        if data.is_empty() {
            return;
        }
        self.tab.activity.mark();
        if let Err(text) = self.tab.type_in(data, pasted) {
            self.tab.tell(ToBrowser::Refused { what: if pasted { "paste" } else { "input" }, text });
        }
    }
}
