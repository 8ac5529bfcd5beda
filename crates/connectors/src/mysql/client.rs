//! One connection: handshake, TLS, sign-in, statements.

use postern_domain::{AccountName, SecretText};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use zeroize::Zeroizing;

use super::packet::{self, Greeting, Reader};
use crate::login::Secret;
use crate::outcome::{Cause, Failure, SignInError};
use crate::target::{Limits, Target};
use crate::tls;

/// A row's values, as text.
pub(super) type Row = Vec<Option<String>>;

/// What a statement gave back.
#[derive(Debug)]
pub(super) enum Answer {
    /// It was done.
    Done,
    /// Columns' names in lower case, and rows.
    Rows(Vec<String>, Vec<Row>),
}

impl Answer {
    pub(super) fn rows(self) -> Vec<Row> {
        match self {
            Self::Done => Vec::new(),
            Self::Rows(_, rows) => rows,
        }
    }
}

/// A signed-in connection.
pub(super) struct Client {
    stream: TlsStream<TcpStream>,
    limits: Limits,
    version: String,
}

impl Client {
    pub(super) async fn open(target: &Target, account: &AccountName, secret: &Secret) -> Result<Self, SignInError> {
        let Secret::Password(password) = secret else {
            return Err(SignInError::Failed(Failure::unsupported("sign accounts in with keys")));
        };
        let mut stream = target.dial().await.map_err(SignInError::Failed)?;
        let shaking = async {
            let (_, first) = read(&mut stream, GREETING_LEN_MAX).await?;
            if let Some((0xff, rest)) = first.split_first().map(|(kind, rest)| (*kind, rest)) {
                return Err(failure(&packet::error(rest)));
            }
            let greeting = packet::greeting(&first).ok_or_else(|| odd("its greeting is not understood"))?;
            if greeting.capabilities & packet::SSL == 0 {
                return Err(Failure::new(Cause::Untrusted, "the server does not speak TLS"));
            }
            write(&mut stream, 1, &head()).await?;
            Ok(greeting)
        };
        let greeting = timeout(target.limits.connect, shaking)
            .await
            .unwrap_or_else(|_| Err(late()))
            .map_err(SignInError::Failed)?;
        let stream = tls::secure(target, stream).await.map_err(SignInError::Failed)?;
        let mut client = Self { stream, limits: target.limits, version: greeting.version.clone() };
        let signing = client.sign_in(&greeting, account, password);
        timeout(target.limits.step, signing).await.unwrap_or_else(|_| Err(SignInError::Failed(late())))?;
        client.prepare().await.map_err(SignInError::Failed)?;
        Ok(client)
    }

    pub(super) fn is_mariadb(&self) -> bool {
        self.version.contains("MariaDB")
    }

    async fn sign_in(
        &mut self,
        greeting: &Greeting,
        account: &AccountName,
        password: &SecretText,
    ) -> Result<(), SignInError> {
        let broken = SignInError::Failed;
        let secret = password.expose().as_bytes();
        let known = packet::proof(&greeting.plugin, secret, &greeting.seed);
        // What is sent to a plugin that the account does not use is of no use to anybody: the server asks again.
        let (plugin, proof) = match known {
            Some(proof) if greeting.plugin.ends_with("_password") && !greeting.plugin.contains("clear") => {
                (greeting.plugin.as_str(), proof)
            }
            _ => ("mysql_native_password", Zeroizing::default()),
        };
        let mut hello = Zeroizing::new(head().to_vec());
        hello.extend_from_slice(account.as_str().as_bytes());
        hello.push(0);
        hello.push(u8::try_from(proof.len()).unwrap_or(0));
        hello.extend_from_slice(&proof);
        hello.extend_from_slice(plugin.as_bytes());
        hello.push(0);
        write(&mut self.stream, 2, &hello).await.map_err(broken)?;
        let mut seed = greeting.seed.clone();
        for _ in 0..ROUNDS_MAX {
            let (number, bytes) = read(&mut self.stream, PACKET_LEN_MAX).await.map_err(broken)?;
            let Some((kind, rest)) = bytes.split_first() else { return Err(broken(odd("an empty packet"))) };
            match kind {
                0x00 => return Ok(()),
                0xff => return Err(judge(&packet::error(rest))),
                0xfe => {
                    let mut reader = Reader(rest);
                    let plugin = String::from_utf8_lossy(reader.text()).into_owned();
                    seed = reader.0.to_vec();
                    let Some(proof) = packet::proof(&plugin, secret, &seed) else {
                        let text = format!("the account is proved by `{plugin}`, which is not a password");
                        return Err(broken(Failure::new(Cause::Unsupported, text)));
                    };
                    write(&mut self.stream, number.wrapping_add(1), &proof).await.map_err(broken)?;
                }
                // caching_sha2_password: 3 is taken from the cache, 4 asks for the value, which TLS covers.
                0x01 if rest.first() == Some(&4) => {
                    let clear = packet::proof("mysql_clear_password", secret, &seed).unwrap_or_default();
                    write(&mut self.stream, number.wrapping_add(1), &clear).await.map_err(broken)?;
                }
                0x01 => {}
                _ => return Err(broken(odd("its answer to the sign-in"))),
            }
        }
        Err(broken(odd("it asks without end")))
    }

    /// The time is UTC, and the server gives up by itself.
    async fn prepare(&mut self) -> Result<(), Failure> {
        self.ask("set time_zone = '+00:00'").await.map(|_| ())?;
        let millis = self.limits.step.as_millis();
        let seconds = self.limits.step.as_secs().max(1);
        let limit = if self.is_mariadb() {
            format!("set max_statement_time = {seconds}, lock_wait_timeout = {seconds}")
        } else {
            format!("set max_execution_time = {millis}, lock_wait_timeout = {seconds}")
        };
        self.ask(&limit).await.map(|_| ())
    }

    /// Whether events run.
    pub(super) async fn scheduler(&mut self) -> bool {
        let answer = self.ask("select @@event_scheduler").await.map(Answer::rows).unwrap_or_default();
        answer.first().and_then(|row| row.first()).and_then(|value| value.as_deref()) == Some("ON")
    }

    /// Runs one statement.
    ///
    /// # Errors
    /// `Protocol` and `Timeout` when it is not known what became of it; anything else is the server's no.
    pub(super) async fn ask(&mut self, sql: &str) -> Result<Answer, Failure> {
        let step = self.limits.step;
        timeout(step, self.statement(sql)).await.unwrap_or_else(|_| Err(late()))
    }

    async fn statement(&mut self, sql: &str) -> Result<Answer, Failure> {
        let mut command = Zeroizing::new(Vec::with_capacity(sql.len() + 1));
        command.push(0x03);
        command.extend_from_slice(sql.as_bytes());
        write(&mut self.stream, 0, &command).await?;
        let (_, first) = read(&mut self.stream, PACKET_LEN_MAX).await?;
        let columns = match first.split_first() {
            Some((0x00, _)) => return Ok(Answer::Done),
            Some((0xff, rest)) => return Err(failure(&packet::error(rest))),
            Some((0xfb, _)) | None => return Err(odd("its answer to a statement")),
            Some(_) => Reader(&first).length().filter(|columns| *columns <= COLUMNS_MAX),
        };
        let columns = columns.ok_or_else(|| odd("it answers with too many columns"))?;
        let mut names = Vec::new();
        for _ in 0..columns {
            let (_, definition) = read(&mut self.stream, PACKET_LEN_MAX).await?;
            let mut reader = Reader(&definition);
            // Catalogue, schema, table, original table, name.
            let name = (0..5).map(|_| reader.value()).last().flatten().flatten().unwrap_or_default();
            names.push(name.to_ascii_lowercase());
        }
        self.end().await?;
        let mut rows = Vec::new();
        let mut room = self.limits.answer_len_max;
        loop {
            let (_, bytes) = read(&mut self.stream, PACKET_LEN_MAX).await?;
            match bytes.split_first() {
                Some((0xfe, _)) if bytes.len() < 9 => return Ok(Answer::Rows(names, rows)),
                Some((0xff, rest)) => return Err(failure(&packet::error(rest))),
                _ => {}
            }
            room = room.checked_sub(bytes.len() + 16).ok_or_else(|| odd("it answers without end"))?;
            let mut reader = Reader(&bytes);
            let row: Option<Row> = names.iter().map(|_| reader.value()).collect();
            rows.push(row.ok_or_else(|| odd("a row is cut off"))?);
        }
    }

    /// The packet that ends a list of columns.
    async fn end(&mut self) -> Result<(), Failure> {
        let (_, bytes) = read(&mut self.stream, PACKET_LEN_MAX).await?;
        if bytes.first() == Some(&0xfe) && bytes.len() < 9 { Ok(()) } else { Err(odd("columns do not end")) }
    }
}

/// What a client says of itself, in an SSL request and in its hello.
fn head() -> [u8; 32] {
    let capabilities = packet::LONG_PASSWORD
        | packet::PROTOCOL_41
        | packet::SSL
        | packet::TRANSACTIONS
        | packet::SECURE_CONNECTION
        | packet::PLUGIN_AUTH;
    let mut head = [0; 32];
    let fields = capabilities.to_le_bytes().into_iter().chain(PACKET_LEN_MAX_WIRE.to_le_bytes()).chain([UTF8MB4]);
    for (place, byte) in head.iter_mut().zip(fields) {
        *place = byte;
    }
    head
}

async fn read<S: AsyncRead + Unpin>(stream: &mut S, len_max: usize) -> Result<(u8, Zeroizing<Vec<u8>>), Failure> {
    let mut header = [0; 4];
    stream.read_exact(&mut header).await.map_err(|error| broken(&error))?;
    let [a, b, c, number] = header;
    let length = usize::from(a) | usize::from(b) << 8 | usize::from(c) << 16;
    if length > len_max {
        return Err(odd("a packet is too long"));
    }
    let mut bytes = Zeroizing::new(vec![0; length]);
    stream.read_exact(&mut bytes).await.map_err(|error| broken(&error))?;
    Ok((number, bytes))
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, number: u8, bytes: &[u8]) -> Result<(), Failure> {
    let length = u32::try_from(bytes.len()).ok().filter(|length| *length < 0xff_ffff).ok_or_else(|| odd("too long"))?;
    let [a, b, c, _] = length.to_le_bytes();
    let mut packet = Zeroizing::new(Vec::with_capacity(bytes.len() + 4));
    packet.extend_from_slice(&[a, b, c, number]);
    packet.extend_from_slice(bytes);
    stream.write_all(&packet).await.map_err(|error| broken(&error))?;
    stream.flush().await.map_err(|error| broken(&error))
}

fn broken(error: &std::io::Error) -> Failure {
    Failure::new(Cause::Protocol, format_args!("the connection broke: {error}"))
}

fn odd(what: &str) -> Failure {
    Failure::new(Cause::Protocol, format_args!("the server does not speak as it should: {what}"))
}

fn late() -> Failure {
    Failure::new(Cause::Timeout, "the server did not answer in time")
}

fn judge(error: &(u16, String)) -> SignInError {
    match error.0 {
        1045 | 1698 => SignInError::Refused(failure(error)),
        _ => SignInError::Failed(failure(error)),
    }
}

fn failure((code, text): &(u16, String)) -> Failure {
    let cause = match code {
        1045 | 1698 => Cause::Refused,
        1820 | 1862 | 3118 | 4151 | 1040 | 1129 => Cause::Locked,
        1044 | 1130 | 1142 | 1143 | 1227 | 1370 | 1410 => Cause::Forbidden,
        1819 | 1372 | 1827 | 3638 => Cause::Rejected,
        1396 | 1133 => Cause::NoSuchAccount,
        1205 | 1213 | 1969 | 3024 => Cause::Locked,
        1064 | 1231 | 1193 => Cause::Unsupported,
        1053 | 2000..=2100 => Cause::Protocol,
        _ => Cause::Conflict,
    };
    Failure::new(cause, format_args!("{text} (error {code})"))
}

const GREETING_LEN_MAX: usize = 4096;
const PACKET_LEN_MAX: usize = 4 * 1024 * 1024;
/// The same, as it is told to the server.
const PACKET_LEN_MAX_WIRE: u32 = 4 * 1024 * 1024;
const COLUMNS_MAX: u64 = 1024;
const ROUNDS_MAX: usize = 8;
const UTF8MB4: u8 = 45;
