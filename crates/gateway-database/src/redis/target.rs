//! The way to a session's target: dial, prove it, sign in to it.

use postern_wire::redis::{Piece, Replies, encode};

use super::welcome::Hello;
use crate::between::Cancel;
use crate::side::Side;
use crate::text::plain;
use crate::way::{TargetError, Way};

/// The most bytes that a target may send before the account is signed in.
const SIGN_IN_LEN_MAX: usize = 256 * 1024;

/// A target that has been signed in to.
pub(crate) struct Target {
    pub(crate) side: Side,
    /// What it said to that, which is the answer to the client's own words.
    pub(crate) greeting: Vec<u8>,
}

/// What runs on Redis is not cancelled: a command that waits ends with its connection.
#[derive(Clone)]
pub(crate) struct NoCancel;

impl Cancel for NoCancel {
    async fn cancel(self) {}
}

/// Connects, and signs in by the words that the client has used.
pub(crate) async fn reach(way: &Way, hello: Option<&Hello>) -> Result<Target, TargetError> {
    let unreachable = |error: std::io::Error| way.address.unreachable(&error);
    let protocol = |cause: &str| TargetError::Protocol {
        address: way.address.to_string(),
        protocol: "Redis",
        cause: plain(cause, 300),
    };
    let stream = way.address.dial().await.map_err(unreachable)?;
    let mut side = way.address.secure(stream, way.tls.clone()).await.map_err(unreachable)?;
    let mut words: Vec<&[u8]> = Vec::new();
    if let Some(hello) = hello {
        words.extend([&b"HELLO"[..], hello.version()]);
    }
    words.extend([&b"AUTH"[..], way.account.as_bytes(), way.password.expose().as_bytes()]);
    if let Some(name) = hello.and_then(|hello| hello.name.as_deref()) {
        words.extend([&b"SETNAME"[..], name]);
    }
    let mut out = Vec::new();
    encode(&mut out, words.iter().copied());
    side.send(&out).await.map_err(unreachable)?;
    let (mut input, mut replies, mut at) = (Vec::new(), Replies::default(), 0);
    loop {
        match replies.next(input.get(at..).unwrap_or_default()).map_err(|error| protocol(&error.to_string()))? {
            Some(Piece::Line { kind: b'-', text, first: true, .. }) => {
                let (address, account) = (way.address.to_string(), way.account.clone());
                let cause = plain(&String::from_utf8_lossy(text), 300);
                return Err(TargetError::Refused { address, account, cause });
            }
            Some(piece) => {
                at += piece.length();
                if let Piece::Line { last: true, .. } | Piece::Data { last: true, .. } = piece {
                    break;
                }
            }
            None if input.len() > SIGN_IN_LEN_MAX => return Err(protocol("too much is said at sign-in")),
            None => {
                if !side.more(&mut input).await.map_err(unreachable)? {
                    return Err(protocol("it closed the connection"));
                }
            }
        }
    }
    if at != input.len() {
        return Err(protocol("it says more than it was asked"));
    }
    Ok(Target { side, greeting: input })
}
