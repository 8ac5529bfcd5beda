//! Messages over a connection that nobody answers on: TLS or TCP with counted frames.
//!
//! What a log server has taken off the wire it may yet lose when it stops, and it never says. So what was
//! sent within the last half minute before a connection broke is sent again over the next.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{Stream, Way};

/// How long before the end of a connection something may have been sent and not kept.
const DOUBT: Duration = Duration::from_secs(30);
/// How much of what is in doubt is kept, in bytes: the oldest goes first.
const DOUBTED_LEN_MAX: usize = 4 << 20;
/// How long the end of a connection may take to be heard after something was sent.
const ECHO: Duration = Duration::from_millis(20);

#[derive(Default)]
pub(super) struct Streamed {
    connection: Option<Connection>,
    sent: Doubted,
}

/// What was sent of late, and when.
#[derive(Default)]
struct Doubted {
    frames: VecDeque<(Instant, Vec<u8>)>,
    bytes: usize,
}

struct Connection {
    write: WriteHalf<Box<dyn Stream>>,
    /// When the other side hung up.
    ended: watch::Receiver<Option<Instant>>,
    reading: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

impl Streamed {
    /// Sends the messages, after those that a connection's end left in doubt.
    pub(super) async fn send(&mut self, way: &Way, messages: &[String]) -> Result<(), String> {
        self.settle(way).await?;
        let frames = messages.iter().map(|message| format!("{} {message}", message.len())).collect::<String>();
        let connection = match &mut self.connection {
            Some(connection) => connection,
            None => self.connection.insert(Connection::open(way).await?),
        };
        if let Err(error) = connection.write(frames.as_bytes()).await {
            self.connection = None;
            return Err(format!("{}: {error}", way.address));
        }
        self.sent.push(frames.into_bytes());
        Ok(())
    }

    /// Sends again what a connection's end left in doubt; does nothing while the connection stands.
    pub(super) async fn settle(&mut self, way: &Way) -> Result<(), String> {
        let ended = self.connection.as_ref().and_then(Connection::ended_at);
        if let Some(ended) = ended {
            self.connection = None;
            self.sent.forget_before(ended.checked_sub(DOUBT));
        } else if self.connection.is_some() {
            self.sent.forget_before(Instant::now().checked_sub(DOUBT));
            return Ok(());
        }
        if self.sent.frames.is_empty() {
            return Ok(());
        }
        let mut connection = Connection::open(way).await?;
        for (at, frames) in &mut self.sent.frames {
            connection.write(frames).await.map_err(|error| format!("{}: {error}", way.address))?;
            *at = Instant::now();
        }
        self.connection = Some(connection);
        Ok(())
    }
}

impl Doubted {
    fn push(&mut self, frames: Vec<u8>) {
        self.bytes += frames.len();
        self.frames.push_back((Instant::now(), frames));
        while self.bytes > DOUBTED_LEN_MAX && self.frames.len() > 1 {
            self.pop();
        }
    }

    fn pop(&mut self) {
        if let Some((_, frames)) = self.frames.pop_front() {
            self.bytes -= frames.len();
        }
    }

    fn forget_before(&mut self, time: Option<Instant>) {
        while let (Some((at, _)), Some(time)) = (self.frames.front(), time) {
            if *at >= time {
                return;
            }
            self.pop();
        }
    }
}

impl Connection {
    async fn open(way: &Way) -> Result<Self, String> {
        let (read, write) = tokio::io::split(way.connect().await?);
        let (told, ended) = watch::channel(None);
        let reading = tokio::spawn(wait_for_end(read, told));
        Ok(Self { write, ended, reading })
    }

    fn ended_at(&self) -> Option<Instant> {
        *self.ended.borrow()
    }

    /// Writes all of it; an error too when the other side is heard to hang up meanwhile or just after.
    async fn write(&mut self, frames: &[u8]) -> std::io::Result<()> {
        self.write.write_all(frames).await?;
        self.write.flush().await?;
        let ended = self.ended.wait_for(Option::is_some);
        match tokio::time::timeout(ECHO, ended).await {
            Err(_) => Ok(()),
            Ok(_) => Err(std::io::Error::other("the log server hung up")),
        }
    }
}

/// A log server says nothing: what can be read is the end.
async fn wait_for_end(mut read: ReadHalf<Box<dyn Stream>>, told: watch::Sender<Option<Instant>>) {
    let mut part = [0; 256];
    while let Ok(1..) = read.read(&mut part).await {}
    told.send_replace(Some(Instant::now()));
}
