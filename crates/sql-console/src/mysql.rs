//! A client of MySQL's gateway: statements as text, as mariadb sends them.

use postern_wire::mysql::handshake::{Hello, greeting, put_hello, put_tls_request};
use postern_wire::mysql::result::{self, MORE_RESULTS};
use postern_wire::mysql::{SIGN_IN_LEN_MAX, auth, capability, command, message, put};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use zeroize::Zeroizing;

use crate::client::{Gone, ROW_LEN_MAX, Report, Said};
use crate::line::{Line, SignIn};
use crate::message::Column;
use crate::value::Value;

/// How often the gateway may ask for a proof.
const ROUNDS_MAX: usize = 4;
/// utf8mb4.
const CHARSET: u8 = 45;
const PACKET_LEN_MAX: u32 = 0x0100_0000;
/// The most columns of a result.
const COLUMNS_MAX: u64 = 4096;
const CAPABILITIES: u64 = capability::LONG_PASSWORD
    | capability::PROTOCOL_41
    | capability::SECURE_CONNECTION
    | capability::PLUGIN_AUTH
    | capability::TRANSACTIONS
    | capability::MULTI_STATEMENTS
    | capability::MULTI_RESULTS;

/// What comes next.
enum Awaits {
    /// The beginning of an answer.
    Answer,
    /// So many columns more, and those that have come.
    Columns(u64, Vec<Column>),
    /// Where the columns end.
    ColumnsEnd(Vec<Column>),
    /// Rows of so many values; how many have come.
    Rows(usize, u64),
}

/// A client that has signed in.
pub(crate) struct Mysql {
    line: Line,
    connection: u32,
    awaits: Awaits,
    /// Whether a transaction is open, as far as has been said.
    is_open: bool,
    /// Nothing more comes of what was sent.
    is_over: bool,
}

impl Mysql {
    /// Signs in on a fresh connection.
    pub(crate) async fn sign_in(mut stream: TcpStream, wanted: &SignIn<'_>) -> Result<Self, Gone> {
        let mut first = Vec::new();
        let said = loop {
            match message(&first, SIGN_IN_LEN_MAX).map_err(Gone::odd)? {
                Some(said) => break said.content,
                None if stream.read_buf(&mut first).await? == 0 => return Err(Gone::odd("it does not greet")),
                None => {}
            }
        };
        if said.first() == Some(&0xFF) {
            return Err(Gone::Told(report(&said)?.message));
        }
        let greeting = greeting(&said).map_err(Gone::odd)?;
        let mut content = Vec::new();
        put_tls_request(&mut content, CAPABILITIES, PACKET_LEN_MAX, CHARSET);
        let mut out = Vec::new();
        put(&mut out, 1, &content);
        stream.write_all(&out).await?;
        let line = Line::secure(stream, wanted.tls.clone()).await?;
        let mut client =
            Self { line, connection: greeting.connection, awaits: Awaits::Answer, is_open: false, is_over: false };
        let user = wanted.account.to_string();
        let hello = Hello {
            capabilities: CAPABILITIES,
            packet_len_max: PACKET_LEN_MAX,
            charset: CHARSET,
            user: Some(user.as_bytes()),
            database: wanted.database.map(str::as_bytes),
            proves: false,
            plugin: auth::CACHING.as_bytes(),
        };
        let mut content = Vec::new();
        put_hello(&mut content, &hello, &[]);
        client.send(2, &content).await?;
        client.prove(wanted).await?;
        Ok(client)
    }

    async fn prove(&mut self, wanted: &SignIn<'_>) -> Result<(), Gone> {
        for _ in 0..ROUNDS_MAX {
            let (number, content) = loop {
                match message(&self.line.input, SIGN_IN_LEN_MAX).map_err(Gone::odd)? {
                    Some(said) => {
                        self.line.input.drain(..said.length);
                        break (said.number, said.content);
                    }
                    None => self.line.fill().await?,
                }
            };
            match content.first() {
                Some(0x00) => return Ok(()),
                Some(0xFF) => return Err(Gone::Told(report(&content)?.message)),
                Some(0x01) if content == auth::WANTS_PASSWORD => {
                    let token = auth::clear(wanted.token.expose().as_bytes());
                    self.send(number.wrapping_add(1), &token).await?;
                }
                // The seed of another proof; the token itself is asked for next.
                Some(0xFE) => self.send(number.wrapping_add(1), &[]).await?,
                _ => return Err(Gone::odd("an unexpected packet at sign-in")),
            }
        }
        Err(Gone::odd("it asks for proofs without end"))
    }

    async fn send(&mut self, number: u8, content: &[u8]) -> Result<(), Gone> {
        let mut out = Zeroizing::new(Vec::with_capacity(content.len() + 8));
        put(&mut out, number, content);
        Ok(self.line.send(&out).await?)
    }

    pub(crate) fn connection(&self) -> u32 {
        self.connection
    }

    pub(crate) async fn run(&mut self, text: &str) -> Result<(), Gone> {
        self.awaits = Awaits::Answer;
        self.send(0, &[&[command::QUERY][..], text.as_bytes()].concat()).await
    }

    pub(crate) async fn fill(&mut self) -> Result<(), Gone> {
        Ok(self.line.fill().await?)
    }

    pub(crate) async fn leave(&mut self) -> Result<(), Gone> {
        self.send(0, &[command::QUIT]).await
    }

    pub(crate) fn said(&mut self) -> Result<Option<Said>, Gone> {
        if std::mem::take(&mut self.is_over) {
            return Ok(Some(Said::Ready(self.is_open)));
        }
        while let Some(said) = message(&self.line.input, ROW_LEN_MAX).map_err(Gone::odd)? {
            self.line.input.drain(..said.length);
            if let Some(said) = self.take(&said.content)? {
                return Ok(Some(said));
            }
        }
        Ok(None)
    }

    fn take(&mut self, content: &[u8]) -> Result<Option<Said>, Gone> {
        let first = *content.first().ok_or_else(|| Gone::odd("an empty packet"))?;
        if first == 0xFF {
            self.awaits = Awaits::Answer;
            // What an error leaves of a transaction is not said; the next answer says it.
            self.is_over = true;
            return Ok(Some(Said::Failed(report(content)?)));
        }
        match std::mem::replace(&mut self.awaits, Awaits::Answer) {
            Awaits::Answer if first == 0x00 => {
                let done = result::done(content).map_err(Gone::odd)?;
                self.after(done.status);
                Ok(Some(Said::Done(rows("changed", done.rows))))
            }
            Awaits::Answer if first == 0xFB => Err(Gone::odd("it asks for a file")),
            Awaits::Answer => {
                let count = result::columns(content).map_err(Gone::odd)?;
                if count > COLUMNS_MAX {
                    return Err(Gone::odd("too many columns"));
                }
                self.awaits = Awaits::Columns(count, Vec::new());
                Ok(None)
            }
            Awaits::Columns(left, mut columns) => {
                let column = result::column(content).map_err(Gone::odd)?;
                let name = String::from_utf8_lossy(&column.name).into_owned();
                columns
                    .push(Column { name, is_number: matches!(column.kind, 0x00..=0x05 | 0x08 | 0x09 | 0x0D | 0xF6) });
                self.awaits = if left > 1 { Awaits::Columns(left - 1, columns) } else { Awaits::ColumnsEnd(columns) };
                Ok(None)
            }
            Awaits::ColumnsEnd(columns) => {
                self.awaits = Awaits::Rows(columns.len(), 0);
                Ok(Some(Said::Columns(columns)))
            }
            Awaits::Rows(_, count) if result::is_end(first, content.len()) => {
                self.after(result::end(content).map_err(Gone::odd)?);
                Ok(Some(Said::Done(rows("rows", count))))
            }
            Awaits::Rows(width, count) => {
                let values = result::text_row(content, width).map_err(Gone::odd)?;
                self.awaits = Awaits::Rows(width, count + 1);
                Ok(Some(Said::Row(values.into_iter().map(Value::of).collect())))
            }
        }
    }

    /// What follows a result that ended so.
    fn after(&mut self, status: u16) {
        self.is_open = status & result::IN_TRANSACTION != 0;
        self.is_over = status & MORE_RESULTS == 0;
    }
}

fn rows(what: &str, count: u64) -> String {
    format!("{what} {count}")
}

fn report(content: &[u8]) -> Result<Report, Gone> {
    let (code, state, text) = result::error(content).map_err(Gone::odd)?;
    let text = String::from_utf8_lossy(text);
    let mut lines = text.lines().map(str::to_owned);
    let message = lines.next().unwrap_or_default();
    Ok(Report { code: format!("{code} {}", String::from_utf8_lossy(state)), message, more: lines.collect() })
}
