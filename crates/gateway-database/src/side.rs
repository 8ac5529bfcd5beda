//! One TLS connection, client's or target's, whose bytes are moved without a copy more than needed.

use std::cell::RefCell;
use std::io::{self, BufRead as _, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection};
use tokio::io::{AsyncRead as _, ReadBuf};
use tokio::net::TcpStream;

/// How much is read from a socket at once.
const READ_LEN: usize = 64 * 1024;

thread_local! {
    /// Where a thread reads to; what is read is dealt with before anything else reads.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_LEN]);
}

/// One TLS connection.
pub(crate) struct Side {
    io: TcpStream,
    /// Large, and moved from phase to phase of a session, each of which has a place for it.
    tls: Box<Connection>,
}

/// A socket as blocking code sees it, which never blocks.
struct Now<'a>(&'a TcpStream);

impl Read for Now<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(into)
    }
}

impl Write for Now<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, bytes: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn tls_error(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

impl Side {
    /// Takes up TLS as the server; nothing has been read from the client but what it sent before TLS.
    pub(crate) async fn accept(io: TcpStream, config: Arc<ServerConfig>) -> io::Result<Self> {
        let tls = ServerConnection::new(config).map_err(tls_error)?;
        Self::shake_hands(io, Box::new(tls.into())).await
    }

    /// Takes up TLS as the client of the server with this name.
    pub(crate) async fn connect(
        io: TcpStream,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> io::Result<Self> {
        let tls = ClientConnection::new(config, name).map_err(tls_error)?;
        Self::shake_hands(io, Box::new(tls.into())).await
    }

    async fn shake_hands(io: TcpStream, mut tls: Box<Connection>) -> io::Result<Self> {
        // What waits to be sent is bounded by whoever reads, not here: a record cannot be cut.
        tls.set_buffer_limit(None);
        let mut side = Self { io, tls };
        while side.tls.is_handshaking() {
            side.flushed().await?;
            if !side.tls.is_handshaking() {
                break;
            }
            side.io.readable().await?;
            match side.tls.read_tls(&mut Now(&side.io)) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => {
                    if let Err(error) = side.tls.process_new_packets() {
                        // The peer is told why.
                        let _ = side.flush();
                        return Err(tls_error(error));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        side.flushed().await?;
        Ok(side)
    }

    /// The certificate that the peer presented.
    pub(crate) fn peer_certificate(&self) -> Option<&CertificateDer<'static>> {
        self.tls.peer_certificates().and_then(<[_]>::first)
    }

    /// Hands what has arrived to `take`, in order; `false` when the peer will send no more.
    pub(crate) fn receive<E: From<io::Error>>(
        &mut self,
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<bool, E> {
        SCRATCH.with_borrow_mut(|scratch| {
            // What was decrypted with the handshake's last bytes.
            self.drain(&mut take)?;
            let read = match self.read_now(scratch) {
                Poll::Ready(Ok(0)) => return Ok(false),
                Poll::Ready(Ok(read)) => read,
                Poll::Pending => return Ok(true),
                Poll::Ready(Err(error)) => return Err(error.into()),
            };
            let mut raw = scratch.get(..read).unwrap_or_default();
            while !raw.is_empty() {
                self.tls.read_tls(&mut raw)?;
                let state = self.tls.process_new_packets().map_err(tls_error)?;
                self.drain(&mut take)?;
                if state.peer_has_closed() {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }

    /// Reads what is there. Unlike `try_read`, a read that did not fill its room also says that nothing is
    /// left, which spares the call that would only find that out; whoever waits asks `poll_readable`.
    fn read_now(&mut self, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut room = ReadBuf::new(into);
        let polled = Pin::new(&mut self.io).poll_read(&mut Context::from_waker(Waker::noop()), &mut room);
        polled.map_ok(|()| room.filled().len())
    }

    fn drain<E: From<io::Error>>(&mut self, take: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        loop {
            let mut reader = self.tls.reader();
            let used = match reader.fill_buf() {
                Ok([]) => return Ok(()),
                Ok(chunk) => {
                    take(chunk)?;
                    chunk.len()
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                // Closed without the word that says so; the socket tells.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            reader.consume(used);
        }
    }

    /// Encrypts bytes to be sent.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.tls.writer().write_all(bytes)
    }

    /// Whether something waits to be sent.
    pub(crate) fn is_behind(&self) -> bool {
        self.tls.wants_write()
    }

    /// Sends what can be sent now.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut Now(&self.io)) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits until everything has been sent.
    pub(crate) async fn flushed(&mut self) -> io::Result<()> {
        loop {
            self.flush()?;
            if !self.is_behind() {
                return Ok(());
            }
            self.io.writable().await?;
        }
    }

    /// Encrypts and sends bytes, and waits until they are gone.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.put(bytes)?;
        self.flushed().await
    }

    /// Adds what arrives next to `input`; `false` when the peer will send no more.
    pub(crate) async fn more(&mut self, input: &mut Vec<u8>) -> io::Result<bool> {
        loop {
            let before = input.len();
            let open = self.receive(|chunk| {
                input.extend_from_slice(chunk);
                Ok::<_, io::Error>(())
            })?;
            if input.len() > before {
                return Ok(true);
            }
            if !open {
                return Ok(false);
            }
            self.io.readable().await?;
        }
    }

    /// Says goodbye to the peer, as far as it listens.
    pub(crate) fn close(&mut self) {
        self.tls.send_close_notify();
        let _ = self.flush();
    }

    /// Whether bytes can be read.
    pub(crate) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        // What is wrong is found by reading.
        self.io.poll_read_ready(cx).map(drop)
    }

    /// Whether bytes can be sent.
    pub(crate) fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.io.poll_write_ready(cx).map(drop)
    }
}
