//! Somebody signed in with a browser, as far as the server can tell: calls and WebSockets with a cookie
//! and an origin.

use std::io::Write as _;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocket;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::gate::Gate;
use crate::person::Person;

/// How long an answer on a socket is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Somebody signed in with a browser.
pub struct Browser {
    url: String,
    ca: std::path::PathBuf,
    cookie: String,
}

/// What came on a socket.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// Bytes.
    Output(Vec<u8>),
    /// A message.
    Message(Value),
    /// It was closed, with this code.
    Closed(u16),
}

/// A WebSocket. Output is acknowledged as it is read.
pub struct Socket {
    socket: WebSocket<StreamOwned<ClientConnection, TcpStream>>,
    /// The number of the next byte of output.
    pub offset: u64,
    /// All output so far.
    pub output: String,
    /// All messages so far.
    pub messages: Vec<Value>,
}

impl Browser {
    /// Signs in with password and code, keeping the cookie.
    ///
    /// # Errors
    /// When it is refused.
    pub fn sign_in(gate: &Gate, person: &Person) -> anyhow::Result<Self> {
        let body = json!({ "user": person.name, "password": person.password, "code": person.code()?, "cookie": true });
        let mut command = gate.curl("/v1/login");
        command.args(["--fail-with-body", "--include", "-X", "POST", "--data-binary", "@-"]);
        let answer = fed(&mut command, body.to_string().as_bytes())?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let cookie = answer
            .lines()
            .find_map(|line| line.to_ascii_lowercase().starts_with("set-cookie:").then(|| line.get(11..))?)
            .and_then(|cookie| cookie.split(';').next())
            .with_context(|| format!("no cookie: {answer}"))?;
        Ok(Self { url: gate.url(), ca: gate.ca(), cookie: cookie.trim().to_owned() })
    }

    /// Calls the API; the status and the body.
    ///
    /// # Errors
    /// When the call does not come about.
    pub fn call(&self, method: &str, path: &str, body: &[u8]) -> anyhow::Result<(u16, Vec<u8>)> {
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--max-time", "60", "--cacert"]).arg(&self.ca);
        command.args(["-X", method, "--cookie", &self.cookie, "-H", &format!("Origin: {}", self.url)]);
        command.args(["-H", "Expect:", "--write-out", "\n%{http_code}", "--data-binary", "@-"]);
        command.arg(format!("{}{path}", self.url));
        let mut answer = fed(&mut command, body)?;
        let at = answer.iter().rposition(|byte| *byte == b'\n').context("no status")?;
        let status = String::from_utf8_lossy(answer.get(at + 1..).unwrap_or_default()).parse()?;
        answer.truncate(at);
        Ok((status, answer))
    }

    /// The same with JSON.
    ///
    /// # Errors
    /// When the call does not come about.
    pub fn json(&self, method: &str, path: &str, body: &Value) -> anyhow::Result<(u16, Value)> {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let (status, answer) = self.call(method, path, text.as_bytes())?;
        Ok((status, serde_json::from_slice(&answer).unwrap_or(Value::Null)))
    }

    /// curl, for a path of the API whose answer goes on and on.
    #[must_use]
    pub fn follow(&self, path: &str) -> Command {
        let mut command = Command::new("curl");
        command.args(["--silent", "--no-buffer", "--cacert"]).arg(&self.ca);
        command.args(["--cookie", &self.cookie]).arg(format!("{}{path}", self.url));
        command
    }

    /// Opens a WebSocket, as a page of `origin` would; of the console's own where that is none.
    ///
    /// # Errors
    /// When it is refused.
    pub fn socket(&self, path: &str, protocol: &str, origin: Option<&str>) -> anyhow::Result<Socket> {
        let (_, address) = self.url.split_once("://").context("no address")?;
        let mut request = format!("wss://{address}{path}").into_client_request()?;
        let headers = request.headers_mut();
        headers.insert("cookie", self.cookie.parse()?);
        headers.insert("origin", origin.unwrap_or(&self.url).parse()?);
        headers.insert("sec-websocket-protocol", protocol.parse()?);
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&self.ca)?)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host).to_owned();
        let connection = ClientConnection::new(Arc::new(config), ServerName::try_from(host)?)?;
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let stream = StreamOwned::new(connection, stream);
        let (socket, _) = tungstenite::client(request, stream).map_err(|error| anyhow!("no socket: {error}"))?;
        Ok(Socket { socket, offset: 0, output: String::new(), messages: Vec::new() })
    }

    /// Opens a terminal: its session and ticket.
    ///
    /// # Errors
    /// When it is refused.
    pub fn open(&self, account: &str) -> anyhow::Result<(String, String)> {
        let (status, opened) = self.json("POST", "/v1/terminals", &json!({ "account": account }))?;
        let text = |field| opened.get(field).and_then(Value::as_str).map(str::to_owned);
        match (status, text("session"), text("ticket")) {
            (201, Some(session), Some(ticket)) => Ok((session, ticket)),
            _ => bail!("no terminal: {status} {opened}"),
        }
    }

    /// Attaches to a terminal, having seen `from` bytes of it.
    ///
    /// # Errors
    /// When it is refused.
    pub fn attach(&self, session: &str, ticket: &str, from: Option<u64>) -> anyhow::Result<Socket> {
        let mut socket = self.socket(&format!("/v1/terminals/{session}/socket"), "postern.terminal.v1", None)?;
        let mut attach = json!({ "type": "attach", "ticket": ticket, "cols": 80, "rows": 24 });
        if let (Some(from), Value::Object(fields)) = (from, &mut attach) {
            fields.insert("from".to_owned(), from.into());
        }
        socket.say(&attach)?;
        Ok(socket)
    }
}

impl Socket {
    /// Sends a message.
    ///
    /// # Errors
    /// When the other side is gone.
    pub fn say(&mut self, message: &Value) -> anyhow::Result<()> {
        Ok(self.socket.send(Message::Text(message.to_string().into()))?)
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// When the other side is gone.
    pub fn type_in(&mut self, text: &str) -> anyhow::Result<()> {
        Ok(self.socket.send(Message::Binary(text.as_bytes().to_vec().into()))?)
    }

    /// What comes next.
    ///
    /// # Errors
    /// When nothing comes.
    pub fn hear(&mut self) -> anyhow::Result<Seen> {
        let begun = Instant::now();
        loop {
            if begun.elapsed() > PATIENCE {
                bail!("nothing came but signs of life; seen so far: {} {:?}", self.output, self.messages);
            }
            match self.socket.read() {
                Ok(Message::Binary(data)) => {
                    self.offset += u64::try_from(data.len())?;
                    self.output.push_str(&String::from_utf8_lossy(&data));
                    // A server that is about to close reads no more, but what it said is still to be heard.
                    let _ = self.say(&json!({ "type": "ack", "bytes": self.offset }));
                    return Ok(Seen::Output(data.to_vec()));
                }
                Ok(Message::Text(text)) => {
                    let message: Value = serde_json::from_str(&text)?;
                    if let Some(offset) = message.get("offset").and_then(Value::as_u64) {
                        self.offset = offset;
                    }
                    self.messages.push(message.clone());
                    return Ok(Seen::Message(message));
                }
                Ok(Message::Close(frame)) => return Ok(Seen::Closed(frame.map_or(1005, |frame| frame.code.into()))),
                Ok(_) => {}
                Err(error) => bail!("{error}; seen so far: {} {:?}", self.output, self.messages),
            }
        }
    }

    /// Reads until the output contains `text`.
    ///
    /// # Errors
    /// When it does not come.
    pub fn until_output(&mut self, text: &str) -> anyhow::Result<()> {
        while !self.output.contains(text) {
            if let Seen::Closed(code) = self.hear()? {
                bail!("closed with {code} before `{text}`: {} {:?}", self.output, self.messages);
            }
        }
        Ok(())
    }

    /// Reads until a message of this type has come, and gives it; each counts once.
    ///
    /// # Errors
    /// When it does not come.
    pub fn until_message(&mut self, kind: &str) -> anyhow::Result<Value> {
        loop {
            let of =
                |message: &Value| message.get("type").or(message.get("kind")).and_then(Value::as_str) == Some(kind);
            if let Some(index) = self.messages.iter().position(of) {
                return Ok(self.messages.remove(index));
            }
            if let Seen::Closed(code) = self.hear()? {
                bail!("closed with {code} before `{kind}`: {} {:?}", self.output, self.messages);
            }
        }
    }
}

/// Runs a command with `input`; its standard output.
fn fed(command: &mut Command, input: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take().context("no standard input")?;
    let input = input.to_vec();
    let feeding = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output()?;
    // Who has answered need not have read everything.
    let _ = feeding.join();
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stdout));
    }
    Ok(output.stdout)
}
