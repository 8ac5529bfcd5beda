//! The protocol of Redis, version 2 (RESP), as a client needs it: bounded, over TLS, with buffers that
//! are wiped.

use postern_domain::AccountName;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::login::Secret;
use crate::outcome::{Cause, Failure, SignInError};
use crate::target::{Limits, Target};
use crate::tls;

/// An answer.
#[derive(Debug)]
pub(super) enum Reply {
    /// A line, a text, or a number as text.
    Text(String),
    /// The server says no.
    Error(String),
    /// Nothing.
    Nil,
    /// Several.
    List(Vec<Reply>),
}

impl Reply {
    /// A list of texts.
    pub(super) fn texts(self) -> Result<Vec<String>, Failure> {
        match self {
            Self::List(items) => Ok(items
                .into_iter()
                .filter_map(|item| if let Self::Text(text) = item { Some(text) } else { None })
                .collect()),
            Self::Error(text) => Err(failure(&text)),
            Self::Text(_) | Self::Nil => Err(odd("a list was expected")),
        }
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A signed-in connection.
pub(super) struct Session {
    stream: BufReader<Box<dyn Stream>>,
    limits: Limits,
}

impl Session {
    pub(super) async fn open(target: &Target, account: &AccountName, secret: &Secret) -> Result<Self, SignInError> {
        let Secret::Password(password) = secret else {
            return Err(SignInError::Failed(Failure::unsupported("sign users in with keys")));
        };
        let stream = target.dial().await.map_err(SignInError::Failed)?;
        let stream: Box<dyn Stream> = if target.settings.get(super::TLS) == Some("off") {
            Box::new(stream)
        } else {
            Box::new(tls::secure(target, stream).await.map_err(SignInError::Failed)?)
        };
        let mut session = Self { stream: BufReader::new(stream), limits: target.limits };
        let words: [&[u8]; 3] = [b"AUTH", account.as_str().as_bytes(), password.expose().as_bytes()];
        match session.ask(&words).await.map_err(SignInError::Failed)? {
            Reply::Text(text) if text == "OK" => Ok(session),
            Reply::Error(text) if text.starts_with("WRONGPASS") => Err(SignInError::Refused(failure(&text))),
            Reply::Error(text) => Err(SignInError::Failed(failure(&text))),
            _ => Err(SignInError::Failed(odd("an answer to AUTH was expected"))),
        }
    }

    /// Sends a command, and reads its answer.
    pub(super) async fn ask(&mut self, words: &[&[u8]]) -> Result<Reply, Failure> {
        let mut bytes =
            Zeroizing::new(Vec::with_capacity(words.iter().map(|word| word.len() + 16).sum::<usize>() + 16));
        bytes.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
        for word in words {
            bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            bytes.extend_from_slice(word);
            bytes.extend_from_slice(b"\r\n");
        }
        let step = self.limits.step;
        let asking = async {
            self.stream.write_all(&bytes).await.map_err(|error| broken(&error))?;
            self.stream.flush().await.map_err(|error| broken(&error))?;
            let mut room = self.limits.answer_len_max;
            self.reply(&mut room, 0).await
        };
        timeout(step, asking)
            .await
            .unwrap_or_else(|_| Err(Failure::new(Cause::Timeout, "the server did not answer in time")))
    }

    async fn reply(&mut self, room: &mut usize, depth: usize) -> Result<Reply, Failure> {
        let line = self.line(room).await?;
        let (kind, rest) = line.split_at_checked(1).ok_or_else(|| odd("an empty line"))?;
        let length = || rest.parse::<i64>().map_err(|_| odd("a length was expected"));
        match kind {
            "+" | ":" => Ok(Reply::Text(rest.to_owned())),
            "-" => Ok(Reply::Error(rest.to_owned())),
            "$" => match usize::try_from(length()?) {
                Err(_) => Ok(Reply::Nil),
                Ok(length) => {
                    *room = room.checked_sub(length + 2).ok_or_else(|| odd("it answers without end"))?;
                    let mut text = vec![0; length + 2];
                    self.stream.read_exact(&mut text).await.map_err(|error| broken(&error))?;
                    text.truncate(length);
                    Ok(Reply::Text(String::from_utf8_lossy(&text).into_owned()))
                }
            },
            "*" => match usize::try_from(length()?) {
                Err(_) => Ok(Reply::Nil),
                Ok(_) if depth >= DEPTH_MAX => Err(odd("it answers too deeply")),
                Ok(length) => {
                    let mut items = Vec::new();
                    for _ in 0..length {
                        *room = room.checked_sub(ITEM_LEN).ok_or_else(|| odd("it answers without end"))?;
                        items.push(Box::pin(self.reply(room, depth + 1)).await?);
                    }
                    Ok(Reply::List(items))
                }
            },
            _ => Err(odd("it does not speak RESP")),
        }
    }

    async fn line(&mut self, room: &mut usize) -> Result<String, Failure> {
        let mut line = Vec::new();
        let most = u64::try_from(LINE_LEN_MAX).unwrap_or(u64::MAX);
        let read = (&mut self.stream).take(most).read_until(b'\n', &mut line).await.map_err(|error| broken(&error))?;
        if !line.ends_with(b"\r\n") {
            return Err(odd(if read == 0 { "it hung up" } else { "a line does not end" }));
        }
        *room = room.checked_sub(read).ok_or_else(|| odd("it answers without end"))?;
        line.truncate(line.len() - 2);
        Ok(String::from_utf8_lossy(&line).into_owned())
    }
}

fn broken(error: &std::io::Error) -> Failure {
    Failure::new(Cause::Protocol, format_args!("the connection broke: {error}"))
}

fn odd(what: &str) -> Failure {
    Failure::new(Cause::Protocol, format_args!("the server's answer is not understood: {what}"))
}

/// What an error of the server means.
pub(super) fn failure(text: &str) -> Failure {
    let cause = match text.split(' ').next().unwrap_or_default() {
        "WRONGPASS" | "NOAUTH" => Cause::Refused,
        "NOPERM" => Cause::Forbidden,
        "LOADING" | "BUSY" | "MASTERDOWN" | "READONLY" => Cause::Locked,
        _ => Cause::Protocol,
    };
    Failure::new(cause, text)
}

/// The longest line, in bytes: of an error or a number.
const LINE_LEN_MAX: usize = 64 * 1024;
/// How deeply lists may lie in each other.
const DEPTH_MAX: usize = 8;
/// What an item of a list counts for at least, in bytes.
const ITEM_LEN: usize = 16;
