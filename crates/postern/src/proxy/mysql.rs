//! MySQL's part: the gate's greeting is passed on without TLS, and what the local client answers is said to
//! the gate with the token as its proof. From there on both number their packets alike.

use std::io;

use postern_control::ConnectTicket;
use postern_wire::mysql::handshake::{
    Greeting, Hello, greeting, hello, put_greeting, put_hello, put_switch, put_tls_request,
};
use postern_wire::mysql::{Message, SIGN_IN_LEN_MAX, auth, capability, message, put, result};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use zeroize::Zeroizing;

use super::Gate;

/// What a local client may ask for, and the gate takes.
const PASSED_ON: u64 = capability::RELAYED | capability::COMPRESS;
/// The version that a local client is told where the gate is not asked.
const VERSION: &str = "8.0.36-postern";

/// The first words of a local client, as it is spoken to.
struct Wish {
    content: Vec<u8>,
    /// The number of its last packet.
    number: u8,
}

impl Gate {
    /// Signs in to the gate in place of a local client of MySQL, which is told what is wrong if something is.
    pub(super) async fn begin_mysql(
        &self,
        local: &mut TcpStream,
        ticket: &ConnectTicket,
    ) -> io::Result<Option<TlsStream<TcpStream>>> {
        let mut remote = super::dial(ticket).await?;
        let Some(said) = next(&mut remote).await? else { return Ok(None) };
        let Ok(theirs) = greeting(&said.content) else {
            local.write_all(&packet(0, &said.content)).await?;
            return Ok(None);
        };
        let Some(wish) = wish(local, theirs).await? else { return Ok(None) };
        let Ok(said) = hello(&wish.content) else { return Ok(None) };
        let capabilities = said.capabilities & PASSED_ON | capability::PROTOCOL_41 | capability::PLUGIN_AUTH;
        let mut request = Vec::new();
        put_tls_request(&mut request, capabilities, said.packet_len_max, said.charset);
        remote.write_all(&packet(1, &request)).await?;
        let mut remote = self.secure(remote, ticket).await?;
        let account = ticket.account.to_string();
        let words = Hello { capabilities, user: Some(account.as_bytes()), plugin: auth::CACHING.as_bytes(), ..said };
        let mut content = Vec::new();
        // Any proof will do: the gate asks for the token itself.
        put_hello(&mut content, &words, &[1; 32]);
        remote.write_all(&packet(2, &content)).await?;
        let answer = loop {
            let Some(said) = next(&mut remote).await? else { return Ok(None) };
            if said.content == auth::WANTS_PASSWORD {
                let token = Zeroizing::new(packet(said.number.wrapping_add(1), &auth::clear(ticket.token.as_bytes())));
                remote.write_all(&token).await?;
                continue;
            }
            break said.content;
        };
        local.write_all(&packet(wish.number.wrapping_add(1), &answer)).await?;
        Ok((answer.first() == Some(&0)).then_some(remote))
    }
}

/// Greets a local client, which may prove itself as it likes, and gives what it wants.
async fn wish(local: &mut TcpStream, theirs: Greeting) -> io::Result<Option<Wish>> {
    let (capabilities, seed) = (theirs.capabilities & !capability::SSL, theirs.seed.clone());
    let mut content = Vec::new();
    put_greeting(&mut content, &Greeting { capabilities, plugin: auth::CACHING.to_owned(), ..theirs });
    local.write_all(&packet(0, &content)).await?;
    let Some(said) = next(local).await? else { return Ok(None) };
    let Ok(read) = hello(&said.content) else {
        refuse(local, said.number, "this is no first packet of version 4.1").await?;
        return Ok(None);
    };
    let (mut number, mut proves) = (said.number, read.proves);
    let plugin = if read.plugin == auth::NATIVE.as_bytes() { auth::NATIVE } else { auth::CACHING };
    // A client that prefers another way than it was greeted with sends no proof and waits to be asked for one.
    if read.plugin != auth::CACHING.as_bytes() && !(plugin == auth::NATIVE && proves) {
        let mut switch = Vec::new();
        put_switch(&mut switch, plugin, &seed);
        local.write_all(&packet(number.wrapping_add(1), &switch)).await?;
        let Some(proof) = next(local).await? else { return Ok(None) };
        (number, proves) = (proof.number, !matches!(proof.content.as_slice(), [] | [0]));
    }
    if plugin == auth::CACHING && proves {
        number = number.wrapping_add(1);
        local.write_all(&packet(number, &auth::KNOWN)).await?;
    }
    Ok(Some(Wish { content: said.content, number }))
}

/// Tells a local client why there is nothing for it.
pub(super) async fn turn_away(local: &mut TcpStream, why: &str) -> io::Result<()> {
    let greeting = Greeting {
        version: VERSION.to_owned(),
        connection: 1,
        seed: vec![1; 20],
        capabilities: PASSED_ON | capability::PLUGIN_AUTH_LENENC | capability::CONNECT_WITH_DB,
        plugin: auth::CACHING.to_owned(),
    };
    match wish(local, greeting).await? {
        Some(wish) => refuse(local, wish.number, why).await,
        None => Ok(()),
    }
}

async fn refuse(local: &mut TcpStream, number: u8, why: &str) -> io::Result<()> {
    let mut told = Vec::new();
    result::put_error(
        &mut told,
        number.wrapping_add(1),
        1045,
        "28000",
        &format!("postern: {}", why.replace('\n', "; ")),
    );
    local.write_all(&told).await
}

fn packet(number: u8, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, number, content);
    out
}

/// The next message, and nothing of what follows it; none where there is none any more.
async fn next(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Message>> {
    let mut input = Vec::new();
    loop {
        match message(&input, SIGN_IN_LEN_MAX).map_err(io::Error::other)? {
            Some(said) => return Ok(Some(said)),
            None => {
                // Byte by byte, so that what belongs to TLS stays where TLS reads it.
                let mut byte = [0];
                if stream.read(&mut byte).await? == 0 {
                    return Ok(None);
                }
                input.extend_from_slice(&byte);
            }
        }
    }
}
