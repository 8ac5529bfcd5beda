//! A ticket system, asked over HTTP whether a ticket exists, is open, and names the asset that it is given for.
//!
//! Which address is asked and where the answer says what is a matter of settings: anything that answers one GET with
//! JSON about one ticket will do. What cannot be understood is no good ticket.

use std::path::{Path, PathBuf};
use std::time::Duration;

use postern_domain::{AssetName, Period};
use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Client, StatusCode, Url, redirect};
use serde::Deserialize;
use serde_json::Value;

mod answer;

pub use answer::{Standing, judge};

/// The longest ticket that is asked for, in bytes.
const TICKET_LEN_MAX: usize = 64;
/// The largest answer that is read, in bytes.
const ANSWER_LEN_MAX: usize = 256 * 1024;
/// What stands for the ticket in the address.
const PLACE: &str = "{ticket}";

/// Where tickets are, and what makes one good.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TicketSettings {
    /// The address that answers with one ticket as JSON; `{ticket}` stands for the ticket. HTTPS, or HTTP to this
    /// very machine.
    pub url: String,
    /// The authority that its certificate is verified by, in PEM; those of the system unless given.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// The header that proves who asks; `Authorization` unless given.
    #[serde(default = "authorization")]
    pub secret_header: String,
    /// The file that holds the whole value of that header, for example `Bearer ...`.
    #[serde(default)]
    pub secret_file: Option<PathBuf>,
    /// Where the answer has the ticket itself, as a JSON pointer: `/key`. It must be the one that was asked for.
    pub ticket_at: String,
    /// Where the answer says how the ticket stands.
    pub state_at: String,
    /// How it stands while it is open: any of these, compared without case.
    pub open: Vec<String>,
    /// Where the answer has texts; one of them must name the asset.
    pub asset_at: Vec<String>,
    /// How long an answer may take.
    #[serde(default = "timeout")]
    pub timeout: Period,
    /// How often the tickets of access that lasts are looked at again.
    #[serde(default = "recheck")]
    pub recheck: Period,
    /// How long access lasts while the ticket system does not answer.
    #[serde(default = "patience")]
    pub patience: Period,
}

fn authorization() -> String {
    "Authorization".to_owned()
}

fn timeout() -> Period {
    Period::from_seconds(5)
}

fn recheck() -> Period {
    Period::from_seconds(60)
}

fn patience() -> Period {
    Period::from_seconds(600)
}

/// Why a ticket is not good enough.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It cannot be asked for.
    #[error("a ticket has 1 to {TICKET_LEN_MAX} of A-Z a-z 0-9 . _ -")]
    NoTicket,
    /// There is none such.
    #[error("{ticket} does not exist in the ticket system")]
    Missing {
        /// The ticket.
        ticket: String,
    },
    /// It is not open.
    #[error("{ticket} is not open: it is `{state}`")]
    Closed {
        /// The ticket.
        ticket: String,
        /// How it stands.
        state: String,
    },
    /// It is about something else.
    #[error("{ticket} does not name {asset}: name it there, or give another ticket")]
    OtherAsset {
        /// The ticket.
        ticket: String,
        /// The asset.
        asset: String,
    },
    /// The ticket system cannot be asked, or its answer cannot be understood.
    #[error("the ticket system cannot be asked: {0}")]
    Unavailable(String),
}

/// Why there is no ticket system.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A field is not as it must be.
    #[error("tickets.{field}: {message}")]
    Field {
        /// Which.
        field: &'static str,
        /// What is wrong and what would be accepted.
        message: String,
    },
}

/// A ticket system. Has no `Debug`: it holds a secret.
pub struct Tickets {
    settings: TicketSettings,
    http: Client,
}

impl Tickets {
    /// Reads the files that the settings name; asks nothing.
    ///
    /// # Errors
    /// When a field is not as it must be, or a file cannot be read.
    pub fn new(settings: TicketSettings) -> Result<Self, SettingsError> {
        let wrong = |field, message: String| SettingsError::Field { field, message };
        if !settings.url.contains(PLACE) {
            return Err(wrong("url", format!("write {PLACE} where the ticket belongs")));
        }
        address(&settings.url, "X-1").map_err(|message| wrong("url", message))?;
        for (field, pointer) in [("ticket_at", &settings.ticket_at), ("state_at", &settings.state_at)] {
            if !pointer.starts_with('/') {
                return Err(wrong(field, "write it as a JSON pointer, for example /fields/status/name".to_owned()));
            }
        }
        if settings.open.is_empty() || settings.asset_at.is_empty() {
            return Err(wrong("open", "say which states are open, and in asset_at where assets are named".to_owned()));
        }
        if settings.recheck.seconds() == 0 || settings.timeout.seconds() == 0 {
            return Err(wrong("recheck", "is 0s".to_owned()));
        }
        let mut headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        if let Some(path) = &settings.secret_file {
            let name = HeaderName::from_bytes(settings.secret_header.as_bytes())
                .map_err(|_| wrong("secret_header", "is not the name of a header".to_owned()))?;
            let text = read(path).map_err(|message| wrong("secret_file", message))?;
            let mut value = HeaderValue::from_str(text.trim())
                .map_err(|_| wrong("secret_file", "does not hold the value of a header".to_owned()))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let mut builder = Client::builder()
            .timeout(settings.timeout.duration())
            .connect_timeout(settings.timeout.duration().min(Duration::from_secs(10)))
            // Whoever is sent elsewhere would take the secret along.
            .redirect(redirect::Policy::none())
            .default_headers(headers)
            .user_agent(concat!("postern/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = &settings.ca {
            let pem = read(path).map_err(|message| wrong("ca", message))?;
            let authority = Certificate::from_pem(pem.as_bytes()).map_err(|_| wrong("ca", "is not PEM".to_owned()))?;
            builder = builder.tls_certs_only([authority]);
        }
        let http = builder.build().map_err(|error| wrong("url", error.to_string()))?;
        Ok(Self { settings, http })
    }

    /// What it was made from.
    #[must_use]
    pub const fn settings(&self) -> &TicketSettings {
        &self.settings
    }

    /// How a ticket stands that exists and names the asset, as its system says now.
    ///
    /// # Errors
    /// Why it is not good enough.
    pub async fn look(&self, ticket: &str, asset: &AssetName) -> Result<Standing, Refusal> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if ticket.is_empty() || ticket.len() > TICKET_LEN_MAX || !ticket.bytes().all(plain) || ticket.contains("..") {
            return Err(Refusal::NoTicket);
        }
        let url = address(&self.settings.url, ticket).map_err(Refusal::Unavailable)?;
        let answer = self.ask(url).await?.ok_or_else(|| Refusal::Missing { ticket: ticket.to_owned() })?;
        judge(&self.settings, ticket, asset, &answer)
    }

    /// The answer; none where there is no such ticket.
    async fn ask(&self, url: Url) -> Result<Option<Value>, Refusal> {
        // The address may hold what is nobody's business.
        let failed = |error: reqwest::Error| Refusal::Unavailable(error.without_url().to_string());
        let mut response = self.http.get(url).send().await.map_err(failed)?;
        match response.status() {
            StatusCode::NOT_FOUND => return Ok(None),
            StatusCode::OK => {}
            status => return Err(Refusal::Unavailable(format!("it answers {status}"))),
        }
        let mut bytes = Vec::new();
        while let Some(portion) = response.chunk().await.map_err(failed)? {
            if bytes.len() + portion.len() > ANSWER_LEN_MAX {
                return Err(Refusal::Unavailable(format!("it answers with more than {ANSWER_LEN_MAX} bytes")));
            }
            bytes.extend_from_slice(&portion);
        }
        serde_json::from_slice(&bytes).map(Some).map_err(|_| Refusal::Unavailable("its answer is not JSON".to_owned()))
    }
}

/// The address of a ticket, which is of letters that mean nothing in one.
fn address(template: &str, ticket: &str) -> Result<Url, String> {
    let url = Url::parse(&template.replace(PLACE, ticket)).map_err(|error| error.to_string())?;
    let here = url.host_str().is_some_and(|host| host == "localhost" || host.starts_with("127.") || host == "[::1]");
    if url.scheme() == "https" || (url.scheme() == "http" && here) {
        Ok(url)
    } else {
        Err("give an address that begins with https://".to_owned())
    }
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests;
