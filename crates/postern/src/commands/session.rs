//! `postern sessions` and `postern session ...`.

use std::io::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand, ValueEnum};
use futures::StreamExt as _;
use postern_control::Integrity;
use postern_domain::session::Session;
use postern_domain::{AccountRef, SessionId};
use serde_json::{Value, json};

use crate::client::Client;
use crate::exit::{DONE, FAILED, Failure};
use crate::output::{self, Columns, Format};

/// A pause in a recording longer than this is cut short when it is played.
const IDLE_MAX: f64 = 2.0;
/// The longest line of a stream that is read.
const LINE_LEN_MAX: usize = 4 * 1024 * 1024;

/// List sessions: one's own, and those one may see.
#[derive(Args)]
pub(crate) struct Sessions {
    /// Live ones only.
    #[arg(long)]
    live: bool,
    /// Of this person.
    #[arg(long)]
    user: Option<String>,
    /// On this account, account@asset.
    #[arg(long)]
    account: Option<AccountRef>,
}

/// One session.
#[derive(Subcommand)]
pub(crate) enum SessionCommand {
    /// Show one session and whether its recording is what was written.
    Show {
        /// The session.
        id: SessionId,
    },
    /// Follow a live session.
    Watch {
        /// The session.
        id: SessionId,
    },
    /// Terminate a live session.
    Kill {
        /// The session.
        id: SessionId,
        /// Why; the person is shown it.
        #[arg(long)]
        reason: String,
    },
    /// Show a message to whoever works in it.
    Message {
        /// The session.
        id: SessionId,
        /// One line.
        text: String,
    },
    /// Play a recording in this terminal.
    Play {
        /// The session.
        id: SessionId,
        /// How fast: 2 is twice as fast.
        #[arg(long, default_value_t = 1.0)]
        speed: f64,
    },
    /// Write a recording to standard output.
    Export {
        /// The session.
        id: SessionId,
        /// As what.
        #[arg(long, value_enum, default_value_t = As::Asciicast)]
        format: As,
    },
}

/// The forms of an export.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum As {
    /// asciicast v3.
    Asciicast,
    /// Plain text.
    Text,
    /// Every frame as a line of JSON.
    Json,
}

impl As {
    fn name(self) -> String {
        match self {
            Self::Asciicast => "asciicast",
            Self::Text => "text",
            Self::Json => "json",
        }
        .to_owned()
    }
}

impl Columns for Session {
    const HEADINGS: &'static [&'static str] =
        &["ID", "USER", "ACCOUNT", "SOURCE", "STATE", "STARTED", "ENDED", "REASON"];

    fn cells(&self) -> Vec<String> {
        let word = |value: Value| value.as_str().unwrap_or("-").to_owned();
        vec![
            self.id.to_string(),
            super::user::called(&self.user, self.identity.as_ref()),
            self.account.to_string(),
            self.source.clone(),
            word(json!(self.state)),
            output::time(self.started_at),
            output::or_dash(self.ended_at.map(output::time)),
            word(json!(self.end_reason)),
        ]
    }
}

impl Sessions {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let query = [
            ("live", self.live.then(|| "true".to_owned())),
            ("user", self.user),
            ("account", self.account.map(|account| account.to_string())),
        ];
        let sessions: Vec<Session> = Client::signed_in()?.all("/v1/sessions", &query).await?;
        output::list(format, &sessions)?;
        Ok(DONE)
    }
}

impl SessionCommand {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let client = Client::signed_in()?;
        match self {
            Self::Show { id } => return show(&client, &id, format).await,
            Self::Watch { id } => watch(&client, &id).await?,
            Self::Kill { id, reason } => {
                let _: Session = client.post(&format!("/v1/sessions/{id}/kill"), &json!({ "reason": reason })).await?;
                output::line(&format!("{id} terminated"))?;
            }
            Self::Message { id, text } => {
                let body = json!({ "text": text });
                client.tell(reqwest::Method::POST, &format!("/v1/sessions/{id}/message"), &body).await?;
            }
            Self::Play { id, speed } => play(&client, &id, speed).await?,
            Self::Export { id, format } => export(&client, &id, format).await?,
        }
        Ok(DONE)
    }
}

async fn show(client: &Client, id: &SessionId, format: Format) -> Result<u8, Failure> {
    let session: Session = client.get(&format!("/v1/sessions/{id}")).await?;
    let integrity: Integrity = client.get(&format!("/v1/sessions/{id}/integrity")).await?;
    let mut both = serde_json::to_value(&session)?;
    if let Value::Object(fields) = &mut both {
        fields.insert("integrity".to_owned(), json!(integrity));
    }
    output::one(format, &both)?;
    let sound = !matches!(integrity.verdict, postern_control::IntegrityVerdict::Altered);
    Ok(if sound { DONE } else { FAILED })
}

/// Calls `each` with every line of a streamed answer.
async fn lines(
    client: &Client,
    path: &str,
    query: &[(&str, Option<String>)],
    mut each: impl AsyncFnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut body = client.stream(path, query).await?.bytes_stream();
    let mut rest: Vec<u8> = Vec::new();
    while let Some(portion) = body.next().await {
        rest.extend_from_slice(&portion?);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            each(&line).await?;
        }
        if rest.len() > LINE_LEN_MAX {
            return Err(Failure::Failed(anyhow::anyhow!("the server sent a line that is too long")));
        }
    }
    if rest.is_empty() { Ok(()) } else { each(&rest).await }
}

/// What was shown in the session goes to the terminal as it was; anything else is told on standard error.
async fn watch(client: &Client, id: &SessionId) -> Result<(), Failure> {
    lines(client, &format!("/v1/sessions/{id}/watch"), &[], async |line| {
        let frame: Value = serde_json::from_slice(line)?;
        let kind = frame.get("kind").and_then(Value::as_str).unwrap_or_default();
        match kind {
            "output" | "error_output" => {
                let data = bytes(frame.get("data"));
                let mut out = std::io::stdout().lock();
                out.write_all(&data)?;
                out.flush()?;
            }
            "input" | "resize" => {}
            "statement" | "statement_text" => {
                output::line(&shown(&String::from_utf8_lossy(&bytes(frame.get("text")))))?;
            }
            "statement_end" => output::line(&ended(&frame))?,
            other => eprintln!("[{other}] {}", String::from_utf8_lossy(line).trim_end()),
        }
        Ok(())
    })
    .await
}

/// A text from the target's side without what a terminal would obey.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

/// How a statement ended, as a comment.
fn ended(frame: &Value) -> String {
    let text = |name: &str| frame.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| frame.get(name).and_then(Value::as_u64).unwrap_or_default();
    let millis = number("duration_us") / 1000;
    match text("outcome") {
        "done" => {
            format!("-- {}, {} rows, {} bytes out, {millis} ms", text("tag"), number("rows"), number("bytes_out"))
        }
        outcome => shown(&format!("-- {outcome}: {} {}", text("code"), text("error"))),
    }
}

/// The bytes of a frame: text, or base64 where they are none.
fn bytes(data: Option<&Value>) -> Vec<u8> {
    match data {
        Some(Value::String(text)) => text.as_bytes().to_vec(),
        Some(Value::Object(fields)) => {
            let text = fields.get("base64").and_then(Value::as_str).unwrap_or_default();
            STANDARD.decode(text).unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

/// Plays an asciicast: each line after the header is an interval, a kind and data.
async fn play(client: &Client, id: &SessionId, speed: f64) -> Result<(), Failure> {
    if !(speed.is_finite() && speed > 0.0) {
        return Err(Failure::usage("--speed: give a number above 0"));
    }
    let query = [("format", Some("asciicast".to_owned()))];
    let mut header_seen = false;
    lines(client, &format!("/v1/sessions/{id}/recording"), &query, async |line| {
        if !std::mem::replace(&mut header_seen, true) {
            return Ok(());
        }
        let Ok((interval, kind, data)) = serde_json::from_slice::<(f64, String, String)>(line) else { return Ok(()) };
        let pause = (interval.clamp(0.0, IDLE_MAX) / speed).min(60.0);
        tokio::time::sleep(Duration::from_secs_f64(pause)).await;
        if kind == "o" {
            let mut out = std::io::stdout().lock();
            out.write_all(data.as_bytes())?;
            out.flush()?;
        }
        Ok(())
    })
    .await
}

async fn export(client: &Client, id: &SessionId, format: As) -> Result<(), Failure> {
    let query = [("format", Some(format.name()))];
    let mut body = client.stream(&format!("/v1/sessions/{id}/recording"), &query).await?.bytes_stream();
    let mut out = std::io::stdout().lock();
    while let Some(portion) = body.next().await {
        out.write_all(&portion?)?;
    }
    Ok(out.flush()?)
}
