//! Who is there? The conversation before a client is known, whatever its outcome.
//!
//! Clients are asked for a proof by `caching_sha2_password`, which everybody knows, and then for the
//! token itself, as a server does that does not know the password yet: within TLS, clients send it.
//! Nothing here tells whether a user, an account or an asset exists.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use aws_lc_rs::rand;
use postern_domain::name::GateLogin;
use postern_domain::{AccountRef, SecretText};
use postern_gateway::Identity;
use postern_wire::mysql::handshake::{Greeting, hello, put_greeting, put_switch};
use postern_wire::mysql::result::put_done;
use postern_wire::mysql::{HEAD_LEN, SIGN_IN_LEN_MAX, auth, capability, head, message, put};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use zeroize::Zeroizing;

use super::packed::Pack;
use super::{PROTOCOL, put_error};
use crate::between::SignIn;
use crate::server::Gate;
use crate::side::Side;
use crate::text::plain;

/// The longest token that is read.
const TOKEN_LEN_MAX: usize = 1024;
/// Character sets in whose letters a byte can look like a backslash: big5, sjis, gbk, cp932, gb18030; and two
/// in which letters have several bytes each.
const CHARSETS_REFUSED: [u8; 13] = [1, 13, 28, 35, 54, 84, 87, 88, 95, 96, 248, 249, 250];

/// What a client asks for besides an account.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// What it can do.
    pub(crate) capabilities: u64,
    pub(crate) packet_len_max: u32,
    pub(crate) charset: u8,
    pub(crate) database: Option<String>,
}

impl Default for Asked {
    fn default() -> Self {
        Self { capabilities: 0, packet_len_max: 0x0100_0000, charset: 45, database: None }
    }
}

/// A client that is known.
pub(crate) struct Client {
    pub(crate) side: Side,
    pub(crate) identity: Identity,
    pub(crate) account: AccountRef,
    pub(crate) asked: Asked,
    /// The number of its connection.
    pub(crate) connection: u32,
    /// How it is spoken to, where that is compressed already.
    pub(crate) pack: Option<Pack>,
    /// The number of the packet that answers its sign-in.
    pub(crate) number: u8,
    /// What it has sent since.
    pub(crate) input: Vec<u8>,
}

/// Twenty bytes that are no zero.
pub(crate) fn seed() -> io::Result<Vec<u8>> {
    let mut seed = [0; 20];
    rand::fill(&mut seed).map_err(|_| io::Error::other("no random bytes"))?;
    Ok(seed.iter().map(|byte| byte % 127 + 1).collect())
}

/// What the gate says that it can do, being a server that calls its version so.
fn offered(version: &str) -> u64 {
    let relayed = if version.contains("MariaDB") {
        capability::RELAYED & !capability::LONG_PASSWORD
    } else {
        capability::RELAYED & !capability::OF_MARIADB
    };
    relayed
        | capability::COMPRESS
        | capability::SSL
        | capability::CONNECT_WITH_DB
        | capability::CONNECT_ATTRS
        | capability::PLUGIN_AUTH_LENENC
        | capability::EXPIRED_PASSWORDS
}

/// What a name and a token want.
///
/// # Errors
/// Says what is wrong with them.
pub(crate) fn wish(user: &[u8], token: &[u8]) -> Result<SignIn, String> {
    let user = String::from_utf8_lossy(user);
    let login = user.parse::<GateLogin>().map_err(|_| {
        let shown = plain(&user, 60);
        format!("`{shown}` does not say what to sign in to\nwrite account@asset as the user name, for example app@shop")
    })?;
    let token = token.strip_suffix(&[0]).unwrap_or(token);
    let token = str::from_utf8(token).ok().filter(|token| token.len() <= TOKEN_LEN_MAX);
    let token = token.ok_or_else(|| "the token is none".to_owned())?;
    Ok(SignIn { login, token: SecretText::new(token.to_owned()) })
}

/// Talks to a client until it is known; none when that is over for another reason.
pub(crate) async fn welcome(gate: &Arc<Gate>, mut stream: TcpStream, source: IpAddr) -> io::Result<Option<Client>> {
    let mut content = Vec::new();
    let greeting = Greeting {
        version: gate.mysql_version.clone(),
        connection: gate.next_connection(),
        seed: seed()?,
        capabilities: offered(&gate.mysql_version),
        plugin: auth::CACHING.to_owned(),
    };
    put_greeting(&mut content, &greeting);
    let mut out = Vec::new();
    put(&mut out, 0, &content);
    stream.write_all(&out).await?;
    if !asks_for_tls(&mut stream).await? {
        return Ok(None);
    }
    let mut side = Side::accept(stream, gate.tls.clone()).await?;
    let mut input = Vec::new();
    let Some((mut number, first)) = next(&mut side, &mut input).await? else { return Ok(None) };
    let Ok(said) = hello(&first) else {
        return refuse(&mut side, number, 1043, "08S01", "this is no first packet of version 4.1").await;
    };
    let database = match said.database.map(|name| String::from_utf8(name.to_vec())) {
        Some(Err(_)) => return refuse(&mut side, number, 1049, "42000", "the database's name is no UTF-8").await,
        Some(Ok(name)) => Some(name),
        None => None,
    };
    if CHARSETS_REFUSED.contains(&said.charset) {
        return refuse(&mut side, number, 1231, "42000", "this character set is not spoken here: use utf8mb4").await;
    }
    let asked =
        Asked { capabilities: said.capabilities, packet_len_max: said.packet_len_max, charset: said.charset, database };
    let user = said.user.unwrap_or_default().to_vec();
    if said.plugin != auth::CACHING.as_bytes() {
        let mut content = Vec::new();
        put_switch(&mut content, auth::CACHING, &greeting.seed);
        answer(&mut side, number, &content).await?;
        let Some((after, _)) = next(&mut side, &mut input).await? else { return Ok(None) };
        number = after;
    }
    answer(&mut side, number, &auth::WANTS_PASSWORD).await?;
    let Some((number, token)) = next(&mut side, &mut input).await? else { return Ok(None) };
    let token = Zeroizing::new(token);
    let SignIn { login, token } = match wish(&user, &token) {
        Ok(wish) => wish,
        Err(why) => return refuse(&mut side, number, 1045, "28000", &why).await,
    };
    let GateLogin { user, account } = login;
    match gate.control.broker().user_by_token(token, &account, PROTOCOL, source).await {
        Ok(identity) if user.is_none_or(|user| user == identity.name) => {
            let number = number.wrapping_add(1);
            let connection = greeting.connection;
            Ok(Some(Client { side, identity, account, asked, connection, pack: None, number, input }))
        }
        _ => {
            let told = format!(
                "the token is not valid for {account} from here\nget one with: postern connect {account} --print"
            );
            refuse(&mut side, number, 1045, "28000", &told).await
        }
    }
}

/// Reads the request for TLS and nothing of what follows it; false where the client wants none, which it
/// is told.
async fn asks_for_tls(stream: &mut TcpStream) -> io::Result<bool> {
    let mut packet = vec![0; HEAD_LEN];
    stream.read_exact(&mut packet).await?;
    let Some(head) = head(&packet).filter(|head| head.length <= SIGN_IN_LEN_MAX) else { return Ok(false) };
    let mut content = vec![0; head.length];
    stream.read_exact(&mut content).await?;
    let wants = hello(&content).is_ok_and(|hello| hello.user.is_none() && hello.capabilities & capability::SSL != 0);
    if wants {
        return Ok(true);
    }
    let mut out = Vec::new();
    let told = "without TLS nobody is let in\nconnect with TLS, or by postern connect";
    put_error(&mut out, head.number.wrapping_add(1), 3159, "HY000", told);
    stream.write_all(&out).await?;
    Ok(false)
}

/// The next message, and its number.
async fn next(side: &mut Side, input: &mut Vec<u8>) -> io::Result<Option<(u8, Vec<u8>)>> {
    loop {
        match message(input, SIGN_IN_LEN_MAX) {
            Ok(Some(said)) => {
                input.drain(..said.length);
                return Ok(Some((said.number, said.content)));
            }
            Ok(None) => {
                if !side.more(input).await? {
                    return Ok(None);
                }
            }
            Err(error) => return Err(io::Error::other(error)),
        }
    }
}

/// Sends what follows the client's message of this number.
async fn answer(side: &mut Side, number: u8, content: &[u8]) -> io::Result<()> {
    let mut out = Vec::new();
    put(&mut out, number.wrapping_add(1), content);
    side.send(&out).await
}

impl Client {
    /// Says that it is signed in, to a session that stands so; from here on it is spoken to as it has asked for.
    pub(crate) async fn let_in(&mut self, status: u16) -> io::Result<()> {
        let mut out = Vec::new();
        put_done(&mut out, self.number, status);
        self.answer(&out).await?;
        if self.asked.capabilities & capability::COMPRESS != 0 {
            self.pack.get_or_insert_default();
        }
        Ok(())
    }

    /// Tells it, in answer to its sign-in, why it is not let in.
    pub(crate) async fn refuse(&mut self, code: u16, why: &str) -> io::Result<()> {
        let mut out = Vec::new();
        let state = if code == 1045 { "28000" } else { "HY000" };
        put_error(&mut out, self.number, code, state, why);
        self.answer(&out).await?;
        self.side.close();
        Ok(())
    }

    async fn answer(&mut self, packets: &[u8]) -> io::Result<()> {
        match &mut self.pack {
            Some(pack) => self.side.send(&pack.pack(packets.to_vec())).await,
            None => self.side.send(packets).await,
        }
    }
}

/// Tells a client, after its message of this number, why it is not let in.
async fn refuse<T>(side: &mut Side, number: u8, code: u16, state: &str, why: &str) -> io::Result<Option<T>> {
    let mut out = Vec::new();
    put_error(&mut out, number.wrapping_add(1), code, state, why);
    side.send(&out).await?;
    side.close();
    Ok(None)
}
