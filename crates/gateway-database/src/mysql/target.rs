//! The way to a session's target: dial, prove it, sign in to it.

use postern_wire::mysql::handshake::{Hello, greeting, put_hello, put_tls_request, switch};
use postern_wire::mysql::{SIGN_IN_LEN_MAX, auth, capability, message, put, result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use zeroize::Zeroizing;

use super::welcome::Asked;
use crate::side::Side;
use crate::text::plain;
use crate::way::{TargetError, Way};

/// How often a target may ask for another proof.
const ROUNDS_MAX: usize = 6;

/// A target that has been signed in to.
pub(crate) struct Target {
    pub(crate) side: Side,
    /// The number of the connection there.
    pub(crate) connection: u32,
    /// What both sides can do.
    pub(crate) capabilities: u64,
    /// Where its session stands: whether every statement commits, for one.
    pub(crate) status: u16,
}

fn protocol(way: &Way, cause: &str) -> TargetError {
    TargetError::Protocol { address: way.address.to_string(), protocol: "MySQL", cause: plain(cause, 300) }
}

fn refused(way: &Way, content: &[u8]) -> TargetError {
    let (code, text) = result::error(content)
        .map_or((0, String::new()), |(code, _, text)| (code, String::from_utf8_lossy(text).into_owned()));
    let cause = format!("{} ({code})", plain(&text, 300));
    TargetError::Refused { address: way.address.to_string(), account: way.account.clone(), cause }
}

/// Connects and signs in, able to do what the client can.
pub(crate) async fn reach(way: &Way, asked: &Asked) -> Result<Target, TargetError> {
    let gone = |error: std::io::Error| way.address.unreachable(&error);
    let mut stream = way.address.dial().await.map_err(gone)?;
    let mut first = Vec::new();
    let said = loop {
        match message(&first, SIGN_IN_LEN_MAX).map_err(|error| protocol(way, &error.to_string()))? {
            Some(said) => break said,
            None => {
                if stream.read_buf(&mut first).await.map_err(gone)? == 0 {
                    return Err(protocol(way, "it closed the connection"));
                }
            }
        }
    };
    if said.length != first.len() {
        return Err(too_much(way));
    }
    if said.content.first() == Some(&0xFF) {
        return Err(refused(way, &said.content));
    }
    let greeting = greeting(&said.content).map_err(|error| protocol(way, &error.to_string()))?;
    if greeting.capabilities & capability::SSL == 0 {
        return Err(protocol(way, "it does not offer TLS: give it a certificate"));
    }
    let capabilities = asked.capabilities & greeting.capabilities & capability::RELAYED
        | capability::LONG_PASSWORD
        | capability::PROTOCOL_41
        | capability::SECURE_CONNECTION
        | capability::PLUGIN_AUTH
        | capability::TRANSACTIONS
        | if asked.database.is_some() { capability::CONNECT_WITH_DB } else { 0 };
    let mut content = Vec::new();
    put_tls_request(&mut content, capabilities, asked.packet_len_max, asked.charset);
    let mut out = Vec::new();
    put(&mut out, 1, &content);
    stream.write_all(&out).await.map_err(gone)?;
    let mut side = way.address.secure(stream, way.tls.clone()).await.map_err(gone)?;

    let password = way.password.expose().as_bytes();
    // A proof by a plugin that the account does not use is of no use to anybody: the target asks again.
    let known = [auth::NATIVE, auth::CACHING].contains(&greeting.plugin.as_str());
    let plugin = if known { greeting.plugin.as_str() } else { auth::NATIVE };
    let proof = if known { auth::proof(plugin, password, &greeting.seed) } else { None }.unwrap_or_default();
    let hello = Hello {
        capabilities,
        packet_len_max: asked.packet_len_max,
        charset: asked.charset,
        user: Some(way.account.as_bytes()),
        database: asked.database.as_deref().map(str::as_bytes),
        proves: true,
        plugin: plugin.as_bytes(),
    };
    let mut content = Zeroizing::new(Vec::new());
    put_hello(&mut content, &hello, &proof);
    send(way, &mut side, 2, &content).await?;
    let status = prove(way, &mut side).await?;
    Ok(Target { side, connection: greeting.connection, capabilities, status })
}

async fn send(way: &Way, side: &mut Side, number: u8, content: &[u8]) -> Result<(), TargetError> {
    let mut out = Zeroizing::new(Vec::new());
    put(&mut out, number, content);
    side.send(&out).await.map_err(|error| way.address.unreachable(&error))
}

/// The next message; its number and its content. What follows it stays in `input`.
async fn next(way: &Way, side: &mut Side, input: &mut Vec<u8>) -> Result<(u8, Vec<u8>), TargetError> {
    loop {
        match message(input, SIGN_IN_LEN_MAX).map_err(|error| protocol(way, &error.to_string()))? {
            Some(said) => {
                input.drain(..said.length);
                return Ok((said.number, said.content));
            }
            None => {
                if !side.more(input).await.map_err(|error| way.address.unreachable(&error))? {
                    return Err(protocol(way, "it closed the connection"));
                }
            }
        }
    }
}

fn too_much(way: &Way) -> TargetError {
    protocol(way, "it says more than it was asked")
}

/// Proves the account, in the way that the target asks for; gives where the session stands then.
async fn prove(way: &Way, side: &mut Side) -> Result<u16, TargetError> {
    let password = way.password.expose().as_bytes();
    let mut input = Vec::new();
    for _ in 0..ROUNDS_MAX {
        let (number, content) = next(way, side, &mut input).await?;
        // That it knows the proof and that the account is in come one after the other, unasked.
        if content == auth::KNOWN {
            continue;
        }
        if !input.is_empty() {
            return Err(too_much(way));
        }
        match content.first() {
            Some(0x00) => {
                return Ok(result::done(&content).map_err(|error| protocol(way, &error.to_string()))?.status);
            }
            Some(0xFF) => return Err(refused(way, &content)),
            Some(0xFE) => {
                let (plugin, seed) = switch(&content).map_err(|error| protocol(way, &error.to_string()))?;
                let plugin = String::from_utf8_lossy(plugin).into_owned();
                let proof = auth::proof(&plugin, password, seed).ok_or_else(|| {
                    protocol(way, &format!("the account is proved by `{plugin}`, which is no password"))
                })?;
                send(way, side, number.wrapping_add(1), &proof).await?;
            }
            Some(0x01) if content == auth::WANTS_PASSWORD => {
                send(way, side, number.wrapping_add(1), &auth::clear(password)).await?;
            }
            _ => return Err(protocol(way, "an unexpected packet at sign-in")),
        }
    }
    Err(protocol(way, "it asks for proofs without end"))
}

/// Runs a statement of ours that gives no rows.
pub(crate) async fn ask(way: &Way, side: &mut Side, text: &str) -> Result<u16, TargetError> {
    send(way, side, 0, &[&[postern_wire::mysql::command::QUERY][..], text.as_bytes()].concat()).await?;
    let mut input = Vec::new();
    let (_, content) = next(way, side, &mut input).await?;
    if !input.is_empty() {
        return Err(too_much(way));
    }
    match content.first() {
        Some(0x00) => Ok(result::done(&content).map_err(|error| protocol(way, &error.to_string()))?.status),
        Some(0xFF) => Err(refused(way, &content)),
        _ => Err(protocol(way, "an unexpected answer to a statement")),
    }
}

/// Asks for one value, as text.
pub(crate) async fn ask_value(way: &Way, side: &mut Side, text: &str) -> Result<String, TargetError> {
    send(way, side, 0, &[&[postern_wire::mysql::command::QUERY][..], text.as_bytes()].concat()).await?;
    let (mut input, mut messages) = (Vec::new(), Vec::new());
    // How many columns, the column, the end of columns, the row, the end of rows.
    while messages.len() < 5 {
        match message(&input, SIGN_IN_LEN_MAX).map_err(|error| protocol(way, &error.to_string()))? {
            Some(said) if said.content.first() == Some(&0xFF) => return Err(refused(way, &said.content)),
            Some(said) => {
                input.drain(..said.length);
                messages.push(said.content);
            }
            None => {
                if !side.more(&mut input).await.map_err(|error| way.address.unreachable(&error))? {
                    return Err(protocol(way, "it closed the connection"));
                }
            }
        }
    }
    let row = messages.get(3).and_then(|row| result::text_row(row, 1).ok());
    let value = row.and_then(|row| row.first().copied().flatten());
    value.map(|value| String::from_utf8_lossy(value).into_owned()).ok_or_else(|| protocol(way, "an unexpected row"))
}
