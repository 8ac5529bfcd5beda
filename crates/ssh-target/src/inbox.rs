//! What one peer has sent on one channel and the pump has not taken yet, in order.
//!
//! The session loops of the SSH library put in and never wait. What is in here is bounded all the
//! same: data by the channel's window, which is opened again only when the pump has passed the data
//! on, and everything else by a count. Small pieces are gathered, so that a peer that sends its
//! window byte by byte costs no more than one that sends it at once.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use postern_domain::UserName;
use russh::Sig;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::request::Request;

/// What a peer can do on a channel.
#[derive(Debug)]
pub enum Item {
    /// Data.
    Data(Bytes),
    /// Data of another stream; 1 is standard error.
    Extended(u32, Bytes),
    /// What somebody else than the client typed, who has joined the session.
    Typed {
        /// Who.
        user: UserName,
        /// What.
        data: Bytes,
    },
    /// A request that has been authorized, from a client.
    Request(Request),
    /// The target's answer to the oldest request that awaits one.
    Reply(bool),
    /// There are answers to be sent in the target's stead.
    Answers,
    /// The program's end.
    Exit(Exit),
    /// No more data.
    Eof,
    /// The channel is closed. Nothing follows.
    Close,
}

/// How a program ended.
#[derive(Clone, Debug)]
pub enum Exit {
    /// With a status.
    Status(u32),
    /// By a signal.
    Signal {
        /// Which.
        signal: Sig,
        /// Whether a core was dumped.
        core_dumped: bool,
        /// What the target says about it.
        message: String,
    },
}

/// The peer sent more requests than anybody would before the first of them was handled.
#[derive(Debug, thiserror::Error)]
#[error("too many requests outstanding on a channel")]
pub struct Flooded;

/// The queue. One side puts in, one task takes out.
#[derive(Debug, Default)]
pub struct Inbox {
    state: Mutex<State>,
    filled: Notify,
    gone: CancellationToken,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Entry>,
    /// How many entries are not data.
    controls: usize,
    closed: bool,
}

#[derive(Debug)]
enum Entry {
    Data { stream: Option<u32>, bytes: BytesMut },
    Control(Item),
}

impl Inbox {
    /// Puts in data that arrived on `stream` (none for the ordinary one).
    pub fn push_data(&self, stream: Option<u32>, data: &[u8]) {
        if data.is_empty() {
            return;
        }
        let mut state = self.lock();
        if state.closed {
            return;
        }
        if let Some(Entry::Data { stream: last, bytes }) = state.queue.back_mut()
            && *last == stream
            && bytes.capacity() - bytes.len() >= data.len()
        {
            bytes.extend_from_slice(data);
            return;
        }
        let backlog = !state.queue.is_empty();
        let capacity = if backlog { data.len().max(GATHERED) } else { data.len() };
        let mut bytes = BytesMut::with_capacity(capacity);
        bytes.extend_from_slice(data);
        state.queue.push_back(Entry::Data { stream, bytes });
        drop(state);
        self.filled.notify_one();
    }

    /// Puts in anything but data.
    pub fn push(&self, item: Item) -> Result<(), Flooded> {
        let closing = matches!(item, Item::Close);
        let mut state = self.lock();
        if state.closed {
            return Ok(());
        }
        if state.controls >= CONTROLS_MAX && !closing {
            return Err(Flooded);
        }
        state.controls += 1;
        state.closed = closing;
        state.queue.push_back(Entry::Control(item));
        drop(state);
        self.filled.notify_one();
        if closing {
            self.gone.cancel();
        }
        Ok(())
    }

    /// Marks the channel closed from this side, so that nothing waits for its peer any longer.
    pub fn close(&self) {
        // Refused only while the item is not `Close`.
        let _ = self.push(Item::Close);
    }

    /// Takes the next item, waiting for one. After `Close` it is `Close` for ever.
    pub async fn next(&self) -> Item {
        loop {
            {
                let mut state = self.lock();
                match state.queue.pop_front() {
                    Some(Entry::Data { stream, bytes }) => {
                        return match stream {
                            None => Item::Data(bytes.freeze()),
                            Some(code) => Item::Extended(code, bytes.freeze()),
                        };
                    }
                    Some(Entry::Control(item)) => {
                        state.controls -= 1;
                        return item;
                    }
                    None if state.closed => return Item::Close,
                    None => {}
                }
            }
            self.filled.notified().await;
        }
    }

    /// Waits until the peer has closed the channel; what it sent before may still be in here.
    pub async fn gone(&self) {
        self.gone.cancelled().await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change under the lock is complete before anything that could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Pieces are gathered into buffers of this many bytes once the pump is behind.
const GATHERED: usize = 16 * 1024;

/// How many items other than data may wait.
const CONTROLS_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn drained(inbox: &Inbox) -> Vec<Entry> {
        inbox.lock().queue.drain(..).collect()
    }

    #[tokio::test]
    async fn items_come_out_in_order() {
        let inbox = Inbox::default();
        inbox.push_data(None, b"one");
        inbox.push_data(Some(1), b"err");
        inbox.push(Item::Eof).unwrap();
        inbox.close();
        inbox.push_data(None, b"after the end");
        assert!(matches!(inbox.next().await, Item::Data(b) if b == "one"));
        assert!(matches!(inbox.next().await, Item::Extended(1, b) if b == "err"));
        assert!(matches!(inbox.next().await, Item::Eof));
        assert!(matches!(inbox.next().await, Item::Close));
        assert!(matches!(inbox.next().await, Item::Close));
        inbox.gone().await;
    }

    #[test]
    fn single_bytes_are_gathered() {
        let inbox = Inbox::default();
        for _ in 0..1_000_000 {
            inbox.push_data(None, b"x");
        }
        let held: usize = drained(&inbox)
            .iter()
            .map(|entry| match entry {
                Entry::Data { bytes, .. } => bytes.capacity() + size_of::<Entry>(),
                Entry::Control(_) => 0,
            })
            .sum();
        assert!(held < 1_100_000, "{held} bytes held for a million");
    }

    #[test]
    fn requests_are_counted() {
        let inbox = Inbox::default();
        for _ in 0..CONTROLS_MAX {
            inbox.push(Item::Reply(true)).unwrap();
        }
        assert!(inbox.push(Item::Reply(true)).is_err());
        inbox.close();
    }
}
