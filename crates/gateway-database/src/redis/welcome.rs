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
use postern_wire::redis::request;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::{PROTOCOL, put_error};
use crate::between::SignIn;
use crate::server::Gate;
use crate::side::Side;
use crate::text::plain;

/// The most bytes that are read before a client has signed in.
const INPUT_LEN_MAX: usize = 64 * 1024;
/// The longest token that is read.
const TOKEN_LEN_MAX: usize = 1024;
/// How many commands a client may send before it has signed in.
const TRIES_MAX: usize = 20;

/// What a client said with `HELLO`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    /// Whether it is version 3 of the protocol.
    pub(crate) three: bool,
    /// What it calls itself.
    pub(crate) name: Option<Vec<u8>>,
}

impl Hello {
    /// The version as it is written.
    pub(crate) fn version(&self) -> &'static [u8] {
        if self.three { b"3" } else { b"2" }
    }
}

/// A client that is known.
pub(crate) struct Client {
    pub(crate) side: Side,
    pub(crate) identity: Identity,
    pub(crate) account: AccountRef,
    /// Whether it has signed in by `HELLO`.
    pub(crate) hello: Option<Hello>,
    /// What it has sent since.
    pub(crate) input: Vec<u8>,
}

/// A wish to sign in, in words of a command.
pub(crate) struct Wish {
    pub(crate) sign_in: SignIn,
    pub(crate) hello: Option<Hello>,
}

/// What a command wants, if it wants to sign in.
///
/// # Errors
/// Says what is wrong with it.
pub(crate) fn wish(words: &[&[u8]]) -> Option<Result<Wish, String>> {
    let is = |at: usize, word: &[u8]| words.get(at).is_some_and(|found: &&[u8]| found.eq_ignore_ascii_case(word));
    if is(0, b"AUTH") {
        return Some(match words {
            [_, user, token] => credentials(user, token).map(|sign_in| Wish { sign_in, hello: None }),
            _ => Err("write AUTH account@asset token".to_owned()),
        });
    }
    let auth = is(0, b"HELLO").then(|| words.iter().position(|word| word.eq_ignore_ascii_case(b"AUTH")))??;
    let three = match words.get(1) {
        Some(&b"3") => true,
        Some(&b"2") => false,
        _ => return Some(Err("HELLO knows the versions 2 and 3".to_owned())),
    };
    let (mut at, mut name) = (2, None);
    while at < words.len() {
        if at == auth {
            at += 3;
        } else if is(at, b"SETNAME") && words.len() > at + 1 {
            name = words.get(at + 1).map(|name| name.to_vec());
            at += 2;
        } else {
            return Some(Err("write HELLO 3 AUTH account@asset token".to_owned()));
        }
    }
    let (user, token) = (words.get(auth + 1), words.get(auth + 2));
    Some(match (user, token) {
        (Some(user), Some(token)) => {
            credentials(user, token).map(|sign_in| Wish { sign_in, hello: Some(Hello { three, name }) })
        }
        _ => Err("write HELLO 3 AUTH account@asset token".to_owned()),
    })
}

fn credentials(user: &[u8], token: &[u8]) -> Result<SignIn, String> {
    let user = String::from_utf8_lossy(user);
    let login = user.parse::<GateLogin>().map_err(|_| {
        let shown = plain(&user, 60);
        format!(
            "`{shown}` does not say what to sign in to\nwrite account@asset as the user name, for example app@cache"
        )
    })?;
    let token = str::from_utf8(token).ok().filter(|token| token.len() <= TOKEN_LEN_MAX);
    let token = token.ok_or_else(|| "the token is none".to_owned())?;
    Ok(SignIn { login, token: SecretText::new(token.to_owned()) })
}

/// Talks to a client until it is known; none when that is over for another reason.
pub(crate) async fn welcome(gate: &Arc<Gate>, stream: TcpStream, source: IpAddr) -> io::Result<Option<Client>> {
    let Some(mut side) = secure(gate, stream).await? else { return Ok(None) };
    let (mut input, mut tries) = (Vec::new(), 0);
    loop {
        let (wish, length) = match request(&input) {
            Ok(Some(request)) => {
                let quits = request.words.first().is_some_and(|word| word.eq_ignore_ascii_case(b"QUIT"));
                if quits {
                    side.send(b"+OK\r\n").await?;
                    side.close();
                    return Ok(None);
                }
                (wish(&request.words).filter(|_| !request.words.is_empty()), request.length)
            }
            Ok(None) if input.len() > INPUT_LEN_MAX => return refuse(&mut side, "ERR", "sign in first").await,
            Ok(None) => {
                if !side.more(&mut input).await? {
                    return Ok(None);
                }
                continue;
            }
            Err(error) => return refuse(&mut side, "ERR", &error.to_string()).await,
        };
        input.drain(..length);
        let mut out = Vec::new();
        match wish {
            None => put_error(&mut out, "NOAUTH", "sign in first: AUTH account@asset token"),
            Some(Err(why)) => put_error(&mut out, "WRONGPASS", &why),
            Some(Ok(Wish { sign_in: SignIn { login, token }, hello })) => {
                let GateLogin { user, account } = login;
                match gate.control.broker().user_by_token(token, &account, PROTOCOL, source).await {
                    Ok(identity) if user.is_none_or(|user| user == identity.name) => {
                        return Ok(Some(Client { side, identity, account, hello, input }));
                    }
                    _ => put_error(&mut out, "WRONGPASS", &not_valid(&account)),
                }
            }
        }
        tries += 1;
        side.send(&out).await?;
        if tries >= TRIES_MAX {
            side.close();
            return Ok(None);
        }
    }
}

/// What is told about a token that is not valid.
fn not_valid(account: &AccountRef) -> String {
    format!("the token is not valid for {account} from here\nget one with: postern connect {account} --print")
}

/// Takes up TLS, with which a client begins at once.
async fn secure(gate: &Arc<Gate>, mut stream: TcpStream) -> io::Result<Option<Side>> {
    let mut first = [0];
    // Only looked at: what belongs to TLS stays where TLS reads it.
    if stream.peek(&mut first).await? == 0 {
        return Ok(None);
    }
    if first != [0x16] {
        let mut out = Vec::new();
        put_error(&mut out, "ERR", "without TLS nobody is let in\nconnect with rediss://, or by postern connect");
        stream.write_all(&out).await?;
        return Ok(None);
    }
    Side::accept(stream, gate.tls.clone()).await.map(Some)
}

/// Tells a client why it is not let in.
pub(crate) async fn refuse<T>(side: &mut Side, code: &str, why: &str) -> io::Result<Option<T>> {
    let mut out = Vec::new();
    put_error(&mut out, code, why);
    side.send(&out).await?;
    side.close();
    Ok(None)
}
