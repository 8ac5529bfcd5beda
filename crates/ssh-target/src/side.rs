//! One end of a channel, as the pump sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use russh::{ChannelId, ChannelMsg, ChannelWriteHalf};

use crate::inbox::Inbox;

/// The peer has closed the channel, or the connection has ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Gone;

impl From<russh::Error> for Gone {
    fn from(_: russh::Error) -> Self {
        Self
    }
}

/// A channel's end: what is written to its peer, and what its peer has written.
pub struct Side<M: From<(ChannelId, ChannelMsg)>> {
    /// To the peer. Data goes through `send`, which notices when the peer is gone.
    pub write: ChannelWriteHalf<M>,
    /// From the peer.
    pub inbox: Arc<Inbox>,
    uncredited: AtomicU32,
    credit_at: u32,
}

impl<M: From<(ChannelId, ChannelMsg)> + Send + Sync + 'static> Side<M> {
    /// The end of a channel whose peer may have `window` bytes outstanding.
    pub fn new(write: ChannelWriteHalf<M>, inbox: Arc<Inbox>, window: u32) -> Self {
        Self { write, inbox, uncredited: AtomicU32::new(0), credit_at: window / 4 }
    }

    /// Sends data, waiting for the peer to make room.
    pub async fn send(&self, data: Bytes) -> Result<(), Gone> {
        tokio::select! {
            biased;
            sent = self.write.data_bytes(data) => Ok(sent?),
            () = self.inbox.gone() => Err(Gone),
        }
    }

    /// Sends data of another stream, waiting for the peer to make room.
    pub async fn send_extended(&self, code: u32, data: Bytes) -> Result<(), Gone> {
        tokio::select! {
            biased;
            sent = self.write.extended_data_bytes(code, data) => Ok(sent?),
            () = self.inbox.gone() => Err(Gone),
        }
    }

    /// Lets the peer send as much again as has been passed on, once that is worth a message.
    pub async fn passed_on(&self, bytes: usize) -> Result<(), Gone> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let due = self.uncredited.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if due >= self.credit_at {
            self.uncredited.store(0, Ordering::Relaxed);
            self.write.credit(due).await?;
        }
        Ok(())
    }

    /// Closes the channel towards the peer and waits for nothing more from it.
    pub async fn close(&self) {
        // An error says that the connection has ended, and the channel with it.
        let _ = self.write.close().await;
        self.inbox.close();
    }
}
