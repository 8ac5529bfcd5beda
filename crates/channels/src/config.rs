//! How channels are configured: `[[channels]]` in `postern.toml`.

use std::path::{Path, PathBuf};

use postern_domain::{SecretText, period::Period};
use serde::Deserialize;

use crate::format::Format;

/// The longest name.
const NAME_LEN_MAX: usize = 63;
/// The largest file with a key, a password or certificates.
const FILE_LEN_MAX: u64 = 1 << 20;
/// The shortest key that signs webhooks, in bytes.
const KEY_LEN_MIN: usize = 16;

/// One way out.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ChannelConfig {
    /// What it is called, unique among the channels.
    pub name: String,
    /// What it is told of.
    #[serde(default)]
    pub carries: Carries,
    /// How often it is told that all is well when nothing happens: each time with the ledger's size and
    /// root, so that the other side notices a gap. Never unless given.
    #[serde(default)]
    pub heartbeat: Option<Period>,
    /// How it delivers.
    #[serde(flatten)]
    pub kind: ChannelKind,
}

/// What a channel is told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Carries {
    /// What somebody should look at now: every use of break-glass, lost secrets, the vault's seal.
    #[default]
    Urgent,
    /// Every event of the ledger.
    Everything,
    /// Nothing by itself: it takes notices of requests to the people whom they concern. For mail and webhooks.
    Requests,
}

impl Carries {
    /// As it is written after `carries =`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::Everything => "everything",
            Self::Requests => "requests",
        }
    }
}

/// How a channel delivers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ChannelKind {
    /// Signed HTTP.
    Webhook(Webhook),
    /// Mail by SMTP.
    Mail(Mail),
    /// RFC 5424.
    Syslog(Syslog),
    /// The HTTP event collector.
    Collector(Collector),
}

impl ChannelKind {
    /// As it is written after `kind =`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Mail(_) => "mail",
            Self::Syslog(_) => "syslog",
            Self::Collector(_) => "collector",
        }
    }
}

/// HTTP: JSON, signed with HMAC-SHA256.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where to: `https://...`; `http://` is for this machine only.
    pub url: String,
    /// A file with the key that both sides share, at least 16 bytes; a newline at its end does not count.
    pub secret_file: PathBuf,
    /// The authorities that the receiver's certificate is trusted by, PEM; the public ones unless given.
    pub authority: Option<PathBuf>,
}

/// SMTP.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// The mail server.
    pub host: String,
    /// Its port: 465 for `implicit`, 587 for `starttls`, 25 for `none` unless given.
    pub port: Option<u16>,
    /// How it is protected.
    #[serde(default)]
    pub tls: MailTls,
    /// Who it is from.
    pub from: String,
    /// Who gets it; nobody is named where it carries notices of requests, which go to whom they concern.
    #[serde(default)]
    pub to: Vec<String>,
    /// Who signs in at the mail server; nobody unless given.
    pub user: Option<String>,
    /// A file with that user's password.
    pub password_file: Option<PathBuf>,
    /// The authorities that the server's certificate is trusted by, PEM; the public ones unless given.
    pub authority: Option<PathBuf>,
}

/// How mail is protected on its way to the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailTls {
    /// TLS from the first byte.
    #[default]
    Implicit,
    /// TLS after `STARTTLS`, without which nothing is sent.
    Starttls,
    /// None: for a mail server on this machine.
    None,
}

/// An HTTP event collector.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collector {
    /// Where to, path included: `https://.../services/collector/event`; `http://` is for this machine only.
    pub url: String,
    /// A file with the token that it gives to those who may send.
    pub token_file: PathBuf,
    /// What is in the message: `json` or `ocsf`.
    #[serde(default)]
    pub format: Format,
    /// The index that it is to be kept in; the token's own unless given.
    pub index: Option<String>,
    /// What it is to be called: `postern:event` or `postern:ocsf` unless given.
    pub source_type: Option<String>,
    /// The authorities that the receiver's certificate is trusted by, PEM; the public ones unless given.
    pub authority: Option<PathBuf>,
}

/// A log server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Syslog {
    /// `host:port`.
    pub address: String,
    /// How it is spoken.
    #[serde(default)]
    pub transport: Transport,
    /// What is in the message.
    #[serde(default)]
    pub format: Format,
    /// The authorities that the server's certificate is trusted by, PEM; the public ones unless given.
    pub authority: Option<PathBuf>,
    /// The certificate that is shown to a server that asks for one, PEM, with those it was signed by.
    pub certificate: Option<PathBuf>,
    /// A file with that certificate's private key, PEM.
    pub key_file: Option<PathBuf>,
}

/// How syslog is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// TLS with counted frames (RFC 5425).
    #[default]
    Tls,
    /// TCP with counted frames (RFC 6587), in the clear.
    Tcp,
    /// RELP over TLS: each message is answered.
    Relp,
    /// RELP in the clear.
    RelpTcp,
    /// One datagram for each event (RFC 5426), in the clear and without an answer.
    Udp,
}

impl ChannelConfig {
    /// What is wrong with it, in words that say what would do.
    pub(crate) fn check(&self) -> Result<(), String> {
        let sound = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
        if self.name.is_empty() || self.name.len() > NAME_LEN_MAX || !self.name.chars().all(sound) {
            return Err(format!("name: `{}` must be 1 to 63 of a-z 0-9 . _ -", self.name));
        }
        if self.carries == Carries::Requests {
            if !matches!(self.kind, ChannelKind::Mail(_) | ChannelKind::Webhook(_)) {
                return Err(format!("carries: `requests` is for mail and webhooks, not for {}", self.kind.as_str()));
            }
            if self.heartbeat.is_some() {
                return Err("heartbeat: not with `requests`, which tells people".to_owned());
            }
        }
        match self.heartbeat {
            Some(every) if every.seconds() < 10 => Err("heartbeat: at least 10s".to_owned()),
            _ => Ok(()),
        }
    }
}

/// What is in a file, without a newline at its end. The error names the field.
pub(crate) fn secret(field: &str, path: &Path) -> Result<SecretText, String> {
    let text = file(field, path)?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(SecretText::new(text.strip_suffix('\r').unwrap_or(text).to_owned()))
}

/// The key that signs webhooks.
pub(crate) fn signing_key(path: &Path) -> Result<SecretText, String> {
    let key = secret("secret_file", path)?;
    if key.expose().len() < KEY_LEN_MIN {
        return Err(format!("secret_file: {} holds less than {KEY_LEN_MIN} bytes", path.display()));
    }
    Ok(key)
}

/// What is in a file.
pub(crate) fn file(field: &str, path: &Path) -> Result<String, String> {
    let shown = path.display();
    let told = |error: std::io::Error| format!("{field}: {shown}: {error}");
    if std::fs::metadata(path).map_err(told)?.len() > FILE_LEN_MAX {
        return Err(format!("{field}: {shown} is larger than {FILE_LEN_MAX} bytes: is it the right file?"));
    }
    std::fs::read_to_string(path).map_err(told)
}

/// The roots that a receiver's certificate is trusted by.
pub(crate) fn roots(authority: Option<&Path>) -> Result<rustls::RootCertStore, String> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;

    let mut roots = rustls::RootCertStore::empty();
    let Some(path) = authority else {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        return Ok(roots);
    };
    let pem = file("authority", path)?;
    let certificates = CertificateDer::pem_slice_iter(pem.as_bytes()).flatten();
    if roots.add_parsable_certificates(certificates).0 == 0 {
        return Err(format!("authority: {} holds no certificate in PEM", path.display()));
    }
    Ok(roots)
}

/// Whether a host is this machine: the only one that is spoken to in the clear.
pub(crate) fn is_here(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
