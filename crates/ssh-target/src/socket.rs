//! A TCP connection that can be cut from elsewhere, and that reads little before it is trusted.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// How much more may be read; lifted once the peer has signed in.
#[derive(Debug)]
pub struct Allowance(AtomicI64);

impl Allowance {
    /// Allows `bytes`.
    pub fn of(bytes: u32) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(i64::from(bytes))))
    }

    /// Allows any number.
    pub fn lift(&self) {
        self.0.store(i64::MAX, Ordering::Relaxed);
    }

    /// Allows any number from the start.
    pub fn unlimited() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(i64::MAX)))
    }

    /// Takes `bytes` off; false when that was more than is left.
    fn take(&self, bytes: usize) -> bool {
        if self.0.load(Ordering::Relaxed) == i64::MAX {
            return true;
        }
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.0.fetch_sub(bytes, Ordering::Relaxed) >= bytes
    }
}

/// The connection.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    token: CancellationToken,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    allowance: Arc<Allowance>,
}

impl Socket {
    /// `cut` ends it at once, whatever its peer does.
    pub fn new(stream: TcpStream, cut: CancellationToken, allowance: Arc<Allowance>) -> Self {
        // Without this a keystroke waits for the acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        Self { stream, token: cut.clone(), cut: Box::pin(cut.cancelled_owned()), allowance }
    }

    fn poll_cut(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        self.cut.as_mut().poll(cx).map(|()| io::ErrorKind::ConnectionAborted.into())
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // A peer that never stops sending must not outrun the cut.
        if self.token.is_cancelled() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let before = buf.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buf) {
            Poll::Ready(Ok(())) if !self.allowance.take(buf.filled().len() - before) => {
                Poll::Ready(Err(io::ErrorKind::QuotaExceeded.into()))
            }
            Poll::Pending => self.poll_cut(cx).map(Err),
            ready => ready,
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.token.is_cancelled() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        match Pin::new(&mut self.stream).poll_write(cx, buf) {
            Poll::Pending => self.poll_cut(cx).map(Err),
            ready => ready,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
