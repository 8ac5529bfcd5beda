//! Who is there? The conversation before a client is known, whatever its outcome.
//!
//! Nothing here tells whether a user, an account or an asset exists: wrong tokens of every kind look
//! alike.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use postern_domain::name::GateLogin;
use postern_domain::{AccountRef, SecretText};
use postern_gateway::Identity;
use postern_wire::pg::startup::{First, first, is_tls};
use postern_wire::pg::{Handling, Piece, Splitter, back, body, front};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::parameters::{Wanted, wanted};
use super::{PROTOCOL, report};
use crate::server::Gate;
use crate::side::Side;
use crate::text::plain;

/// The longest password that is read.
const PASSWORD_LEN_MAX: usize = 1024;
/// How often a client may ask for encryption before it says what it wants.
const REQUESTS_MAX: usize = 3;

/// A client that is known.
pub(crate) struct Client {
    pub(crate) side: Side,
    pub(crate) identity: Identity,
    pub(crate) account: AccountRef,
    pub(crate) wanted: Wanted,
}

/// Talks to a client until it is known; none when that is over for another reason.
pub(crate) async fn welcome(gate: &Arc<Gate>, stream: TcpStream, source: IpAddr) -> io::Result<Option<Client>> {
    let Some(mut side) = secure(gate, stream).await? else { return Ok(None) };
    let mut input = Vec::new();
    let startup = loop {
        match first(&input) {
            Ok(Some((First::Session(startup), length))) => {
                input.drain(..length);
                break startup;
            }
            Ok(Some((First::Cancel(key), _))) => {
                gate.cancels.cancel(key).await;
                side.close();
                return Ok(None);
            }
            Ok(Some(_)) | Err(_) => {
                return refuse(&mut side, "08P01", "this is not a first packet of protocol 3").await;
            }
            Ok(None) => {
                if !side.more(&mut input).await? {
                    return Ok(None);
                }
            }
        }
    };
    let wanted = match wanted(&startup) {
        Ok(wanted) => wanted,
        Err(why) => return refuse(&mut side, "0A000", &why).await,
    };
    let mut out = Vec::new();
    if startup.minor > 0 || !wanted.unknown.is_empty() {
        back::put_negotiate(&mut out, wanted.unknown.iter().map(String::as_str));
    }
    back::put_ask_password(&mut out);
    side.send(&out).await?;
    let Some(password) = password(&mut side, &mut input).await? else {
        return refuse(&mut side, "08P01", "a password was expected").await;
    };
    let Ok(GateLogin { user, account }) = wanted.user.parse() else {
        let told = format!(
            "`{}` does not say what to sign in to\nwrite account@asset as the user name, for example app@orders",
            plain(&wanted.user, 60)
        );
        return refuse(&mut side, "28000", &told).await;
    };
    let answer = gate.control.broker().user_by_token(password, &account, PROTOCOL, source).await;
    match answer {
        Ok(identity) if user.is_none_or(|user| user == identity.name) => {
            Ok(Some(Client { side, identity, account, wanted }))
        }
        other => {
            if let Err(error) = &other {
                tracing::debug!(%error, %source, "a connect token was not accepted");
            }
            let told = format!(
                "the token is not valid for {account} from here\nget one with: postern connect {account} --print"
            );
            refuse(&mut side, "28P01", &told).await
        }
    }
}

/// Takes up TLS as the client begins it. Without TLS only a cancelling is taken, which is how most
/// clients send it, and which carries no secret but its own.
async fn secure(gate: &Arc<Gate>, mut stream: TcpStream) -> io::Result<Option<Side>> {
    let mut input = Vec::new();
    for _ in 0..REQUESTS_MAX {
        let wish = loop {
            stream.readable().await?;
            let mut seen = [0; 8];
            // Only looked at: what belongs to TLS stays where TLS reads it.
            let there = stream.peek(&mut seen).await?;
            let seen = seen.get(..there).unwrap_or_default();
            if there == 0 {
                return Ok(None);
            }
            if input.is_empty() && is_tls(seen) {
                return Side::accept(stream, gate.pg_tls.clone()).await.map(Some);
            }
            let mut part = vec![0; missing(&input)];
            let read = match stream.try_read(&mut part) {
                Ok(0) => return Ok(None),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error),
            };
            input.extend_from_slice(part.get(..read).unwrap_or_default());
            match first(&input) {
                Ok(Some((wish, _))) => break wish,
                Ok(None) => {}
                Err(_) => return Ok(None),
            }
        };
        input.clear();
        match wish {
            First::Tls => {
                stream.write_all(b"S").await?;
                return Side::accept(stream, gate.pg_tls.clone()).await.map(Some);
            }
            First::Gss => stream.write_all(b"N").await?,
            First::Cancel(key) => {
                gate.cancels.cancel(key).await;
                return Ok(None);
            }
            First::Session(_) => {
                let mut out = Vec::new();
                let told = "without TLS nobody is let in\nconnect with sslmode=verify-full, or by postern connect";
                back::put_error(&mut out, &report("FATAL", "28000", told));
                stream.write_all(&out).await?;
                return Ok(None);
            }
        }
    }
    Ok(None)
}

/// How many bytes of the first packet can be read without reading what follows it.
fn missing(input: &[u8]) -> usize {
    match input.split_first_chunk::<4>() {
        None => 4 - input.len(),
        Some((length, _)) => {
            let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(0);
            length.clamp(input.len() + 1, postern_wire::pg::STARTUP_LEN_MAX) - input.len()
        }
    }
}

async fn password(side: &mut Side, input: &mut Vec<u8>) -> io::Result<Option<SecretText>> {
    let mut splitter = Splitter::default();
    loop {
        match splitter.next(input, |tag| (tag == b'p').then_some(Handling::Whole(PASSWORD_LEN_MAX))) {
            Ok(Some(Piece::Whole { total, .. })) => {
                let message: Vec<u8> = input.drain(..total).collect();
                let text = front::password(body(&message)).ok().map(str::to_owned);
                // Nothing may follow before the answer.
                return Ok(text.filter(|_| input.is_empty()).map(SecretText::new));
            }
            Ok(None) => {
                if !side.more(input).await? {
                    return Ok(None);
                }
            }
            Ok(Some(_)) | Err(_) => return Ok(None),
        }
    }
}

/// Tells a client why it is not let in.
pub(crate) async fn refuse<T>(side: &mut Side, code: &'static str, why: &str) -> io::Result<Option<T>> {
    let mut out = Vec::new();
    back::put_error(&mut out, &report("FATAL", code, why));
    side.send(&out).await?;
    side.close();
    Ok(None)
}
