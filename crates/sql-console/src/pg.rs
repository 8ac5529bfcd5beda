//! A client of PostgreSQL's gateway: the simple protocol, as psql uses it.

use std::io;

use postern_wire::pg::back::{self, Authentication};
use postern_wire::pg::startup::{CancelKey, session_request, tls_request};
use postern_wire::pg::{Handling, Piece, SHORT_LEN_MAX, Splitter, Transaction, body, front};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use zeroize::Zeroizing;

use crate::client::{Gone, ROW_LEN_MAX, Report, Said};
use crate::line::{Line, SignIn};
use crate::message::Column;
use crate::value::Value;

/// What the session is said to be used by.
const APPLICATION: &str = "postern console";
/// Why nothing is copied in.
const NO_COPY: &str = "the console has no file to copy in";
/// Types whose values are numbers: int8, int2, int4, oid, float4, float8, money, numeric.
const NUMBERS: [u32; 8] = [20, 21, 23, 26, 700, 701, 790, 1700];

/// A client that has signed in.
pub(crate) struct Postgres {
    line: Line,
    splitter: Splitter,
    key: CancelKey,
    /// Why the gateway ends the session, once it has said so.
    fatal: Option<String>,
}

impl Postgres {
    /// Signs in on a fresh connection.
    pub(crate) async fn sign_in(mut stream: TcpStream, wanted: &SignIn<'_>) -> Result<Self, Gone> {
        stream.write_all(&tls_request()).await?;
        if stream.read_u8().await? != b'S' {
            return Err(Gone::odd("it does not speak TLS"));
        }
        let line = Line::secure(stream, wanted.tls.clone()).await?;
        let mut client =
            Self { line, splitter: Splitter::default(), key: CancelKey { process: 0, secret: 0 }, fatal: None };
        let user = wanted.account.to_string();
        let mut parameters =
            vec![("user", user.as_str()), ("application_name", APPLICATION), ("client_encoding", "UTF8")];
        parameters.extend(wanted.database.map(|database| ("database", database)));
        client.line.send(&session_request(parameters)).await?;
        loop {
            let Some((tag, message)) = client.message()? else {
                client.fill().await?;
                continue;
            };
            let message = body(&message);
            match tag {
                b'R' => match back::authentication(message).map_err(Gone::odd)? {
                    Authentication::Ok => {}
                    Authentication::Cleartext => client.prove(wanted).await?,
                    _ => return Err(Gone::odd("it asks for another proof than a token")),
                },
                b'K' => client.key = back::key_data(message).map_err(Gone::odd)?,
                b'E' => return Err(Gone::Told(told(&report(message)?))),
                b'Z' => return Ok(client),
                _ => {}
            }
        }
    }

    async fn prove(&mut self, wanted: &SignIn<'_>) -> Result<(), Gone> {
        let mut answer = Zeroizing::new(wanted.token.expose().as_bytes().to_vec());
        answer.push(0);
        let mut out = Zeroizing::new(Vec::with_capacity(answer.len() + 8));
        front::put_answer(&mut out, &answer);
        Ok(self.line.send(&out).await?)
    }

    pub(crate) fn key(&self) -> CancelKey {
        self.key
    }

    pub(crate) async fn run(&mut self, text: &str) -> Result<(), Gone> {
        let mut out = Vec::with_capacity(text.len() + 8);
        front::put_query(&mut out, text);
        Ok(self.line.send(&out).await?)
    }

    pub(crate) async fn fill(&mut self) -> Result<(), Gone> {
        self.line.fill().await.map_err(|error| match self.fatal.take() {
            Some(why) if error.kind() == io::ErrorKind::UnexpectedEof => Gone::Told(why),
            _ => Gone::Broke(error),
        })
    }

    pub(crate) async fn leave(&mut self) -> Result<(), Gone> {
        let mut out = Vec::new();
        front::put_terminate(&mut out);
        Ok(self.line.send(&out).await?)
    }

    pub(crate) fn said(&mut self) -> Result<Option<Said>, Gone> {
        while let Some((tag, message)) = self.message()? {
            let message = body(&message);
            let said = match tag {
                b'T' => Said::Columns(columns(message)?),
                b'D' if message.is_empty() => {
                    Said::Row(vec![Value::Text("(a row that is too long to be shown)".to_owned())])
                }
                b'D' => Said::Row(back::values(message).map_err(Gone::odd)?.into_iter().map(Value::of).collect()),
                b'C' => Said::Done(
                    String::from_utf8_lossy(back::command_complete(message).map_err(Gone::odd)?).into_owned(),
                ),
                b'I' => Said::Done(String::new()),
                b'N' => Said::Notice(told(&report(message)?)),
                b'E' => {
                    let report = report(message)?;
                    self.fatal = Some(told(&report));
                    Said::Failed(report)
                }
                b'Z' => {
                    self.fatal = None;
                    Said::Ready(back::ready(message).map_err(Gone::odd)? != Transaction::Idle)
                }
                // What is copied out is shown line by line.
                b'H' => Said::Columns(vec![Column { name: "copy".to_owned(), is_number: false }]),
                b'd' => Said::Row(vec![Value::of(Some(message.strip_suffix(b"\n").unwrap_or(message)))]),
                b'G' => {
                    front::put_copy_fail(&mut self.line.owed, NO_COPY);
                    continue;
                }
                _ => continue,
            };
            return Ok(Some(said));
        }
        Ok(None)
    }

    /// The next message, whole; a row that is too long to be read comes without its body.
    fn message(&mut self) -> Result<Option<(u8, Vec<u8>)>, Gone> {
        loop {
            let long = self.line.input.get(1..5).and_then(|length| length.try_into().ok()).map(u32::from_be_bytes);
            let long = long.is_some_and(|length| usize::try_from(length).is_ok_and(|length| length >= ROW_LEN_MAX));
            let handling = |tag| match tag {
                b'D' | b'd' if long => Some(Handling::Pass),
                b'D' | b'd' => Some(Handling::Whole(ROW_LEN_MAX)),
                b'T' | b'A' | b'N' | b'E' => Some(Handling::Whole(4 * SHORT_LEN_MAX)),
                _ => Some(Handling::Whole(SHORT_LEN_MAX)),
            };
            match self.splitter.next(&self.line.input, handling).map_err(Gone::odd)? {
                None => return Ok(None),
                Some(Piece::Whole { tag, total }) => {
                    return Ok(Some((tag, self.line.input.drain(..total).collect())));
                }
                Some(Piece::Pass { tag, here, .. }) => {
                    self.line.input.drain(..here);
                    return Ok(Some((tag, Vec::new())));
                }
                Some(Piece::More(here)) => drop(self.line.input.drain(..here)),
            }
        }
    }
}

fn columns(message: &[u8]) -> Result<Vec<Column>, Gone> {
    let columns = back::columns(message).map_err(Gone::odd)?;
    let column = |column: back::Column<'_>| Column {
        name: String::from_utf8_lossy(column.name).into_owned(),
        is_number: NUMBERS.contains(&column.kind),
    };
    Ok(columns.into_iter().map(column).collect())
}

fn report(message: &[u8]) -> Result<Report, Gone> {
    let report = back::report(message).map_err(Gone::odd)?;
    Ok(Report {
        code: report.code.into_owned(),
        message: report.message.into_owned(),
        more: [report.detail, report.hint].into_iter().flatten().map(std::borrow::Cow::into_owned).collect(),
    })
}

/// The same as one text of several lines.
fn told(report: &Report) -> String {
    let mut lines = vec![report.message.clone()];
    lines.extend(report.more.iter().cloned());
    lines.join("\n")
}
