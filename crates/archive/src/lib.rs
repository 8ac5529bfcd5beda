//! Object storage that is written once: what was put there can be neither changed nor taken away until the day
//! that it was put there with (S3 object lock).

mod config;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_domain::Timestamp;
use reqwest::{Body, StatusCode, Url};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rusty_s3::{Credentials, Method, S3Action, UrlStyle};
use tokio::io::AsyncReadExt as _;

pub use config::{ArchiveConfig, Lock};
use config::{file, secret};

/// How long a signed request is good for.
const SIGNED_FOR: Duration = Duration::from_secs(300);
/// How long the storage may be silent.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much of a file is read at once.
const READ_LEN: usize = 256 * 1024;
/// How much of an answer is read, in bytes.
const ANSWER_LEN_MAX: usize = 64 * 1024;
/// The largest object that is put in one go, as the storage's interface has it.
const OBJECT_LEN_MAX: u64 = 5 << 30;

/// Why something is not in the archive.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration cannot be used.
    #[error("archive: {0}")]
    Config(String),
    /// The bucket does not lock what is put into it.
    #[error("the bucket `{0}` has no object lock: make one that has")]
    Unlocked(String),
    /// It could not be written.
    #[error("{0}")]
    Unwritten(String),
}

/// The archive, ready to be written to. Has no `Debug`: it holds keys.
pub struct Archive {
    config: ArchiveConfig,
    bucket: rusty_s3::Bucket,
    credentials: Credentials,
    http: reqwest::Client,
}

impl Archive {
    /// Reads what the configuration names; connects to nothing.
    ///
    /// # Errors
    /// With what is wrong.
    pub fn new(config: ArchiveConfig) -> Result<Self, Error> {
        Self::of(config).map_err(Error::Config)
    }

    fn of(config: ArchiveConfig) -> Result<Self, String> {
        config.check()?;
        let url: Url = config.url.parse().map_err(|error| format!("url: {error}"))?;
        let here = |host: &str| {
            let bare = host.trim_start_matches('[').trim_end_matches(']');
            bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        };
        match (url.scheme(), url.host_str()) {
            ("https", Some(_)) => {}
            ("http", Some(host)) if here(host) => {}
            _ => return Err("url: https://..., or http:// on this machine".to_owned()),
        }
        let style = if config.path_style { UrlStyle::Path } else { UrlStyle::VirtualHost };
        let bucket = rusty_s3::Bucket::new(url, style, config.bucket.clone(), config.region.clone())
            .map_err(|error| format!("bucket: {error}"))?;
        let key = secret("access_key_file", &config.access_key_file)?;
        let secret = secret("secret_key_file", &config.secret_key_file)?;
        let credentials = Credentials::new(key.expose(), secret.expose());
        let http = http(config.authority.as_deref())?;
        Ok(Self { config, bucket, credentials, http })
    }

    /// How it was configured.
    #[must_use]
    pub const fn config(&self) -> &ArchiveConfig {
        &self.config
    }

    /// Whether the bucket is there and locks what is put into it.
    ///
    /// # Errors
    /// `Unlocked` when it does not, `Unwritten` when it cannot be asked.
    pub async fn check(&self) -> Result<(), Error> {
        // rusty-s3 knows no such action: it is a GET of the bucket itself with one parameter.
        let mut get = self.bucket.get_object(Some(&self.credentials), "");
        get.query_mut().insert("object-lock", "");
        let answer = self.send(get.sign(SIGNED_FOR), Method::Get, None, &[]).await?;
        match answer {
            (StatusCode::OK, text) if text.contains("<ObjectLockEnabled>Enabled</ObjectLockEnabled>") => Ok(()),
            (StatusCode::OK | StatusCode::NOT_FOUND, text) if !text.contains("NoSuchBucket") => {
                Err(Error::Unlocked(self.config.bucket.clone()))
            }
            (status, text) => Err(refused(status, &text)),
        }
    }

    /// Puts bytes under a name, locked until `keep` after `now`.
    ///
    /// # Errors
    /// `Unwritten`; whether it was written is then unknown, and it is to be put again.
    pub async fn put(&self, name: &str, bytes: Vec<u8>, now: Timestamp) -> Result<(), Error> {
        let mut digest = Context::new(&SHA256);
        digest.update(&bytes);
        let sum = STANDARD.encode(digest.finish());
        let len = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.put_body(Object { name, len, sum, held: false }, Body::from(bytes), now).await
    }

    /// Puts a file under a name, locked until `keep` after `now`, and held beyond that where it is `held`. The file
    /// must not change meanwhile: what arrives is compared with what was read first.
    ///
    /// # Errors
    /// `Unwritten`, likewise.
    pub async fn put_file(&self, name: &str, path: &Path, now: Timestamp, held: bool) -> Result<(), Error> {
        let told = |error: std::io::Error| Error::Unwritten(format!("{name}: {error}"));
        let mut file = tokio::fs::File::open(path).await.map_err(told)?;
        let (mut digest, mut buffer, mut len) = (Context::new(&SHA256), vec![0; READ_LEN], 0u64);
        loop {
            let read = file.read(&mut buffer).await.map_err(told)?;
            let Some(part @ [_, ..]) = buffer.get(..read) else { break };
            digest.update(part);
            len += u64::try_from(read).unwrap_or(0);
        }
        if len > OBJECT_LEN_MAX {
            return Err(Error::Unwritten(format!("{name}: is larger than {OBJECT_LEN_MAX} bytes")));
        }
        let file = tokio::fs::File::open(path).await.map_err(told)?;
        let stream = tokio_util::io::ReaderStream::with_capacity(file.take(len), READ_LEN);
        let object = Object { name, len, sum: STANDARD.encode(digest.finish()), held };
        self.put_body(object, Body::wrap_stream(stream), now).await
    }

    /// Holds what lies under a name, beyond its lock and until it is no longer held; says whether it is there.
    ///
    /// # Errors
    /// `Unwritten`; whether it is held is then unknown.
    pub async fn hold(&self, name: &str, held: bool) -> Result<bool, Error> {
        let name = format!("{}{name}", self.config.prefix);
        let body = format!(
            "<LegalHold xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Status>{}</Status></LegalHold>",
            held_word(held)
        );
        let mut digest = Context::new(&SHA256);
        digest.update(body.as_bytes());
        let headers = [
            ("x-amz-checksum-sha256", STANDARD.encode(digest.finish())),
            ("x-amz-sdk-checksum-algorithm", "SHA256".to_owned()),
        ];
        // rusty-s3 knows no such action: it is a PUT of the object with one parameter.
        let mut put = self.bucket.put_object(Some(&self.credentials), &name);
        put.query_mut().insert("legal-hold", "");
        for (header, value) in &headers {
            put.headers_mut().insert(*header, value.clone());
        }
        let len = u64::try_from(body.len()).unwrap_or(u64::MAX);
        let url = put.sign(SIGNED_FOR);
        match self.send(url, Method::Put, Some((Body::from(body), len)), &headers).await? {
            (status, _) if status.is_success() => Ok(true),
            (StatusCode::NOT_FOUND, text) if text.contains("NoSuchKey") => Ok(false),
            (status, text) => Err(refused(status, &text)),
        }
    }

    async fn put_body(&self, object: Object<'_>, body: Body, now: Timestamp) -> Result<(), Error> {
        let Object { name, len, sum, held } = object;
        let name = format!("{}{name}", self.config.prefix);
        let keep = i64::try_from(self.config.keep.seconds()).unwrap_or(i64::MAX / 2000);
        let until = Timestamp::from_millis(now.as_millis().saturating_add(keep.saturating_mul(1000))).to_string();
        let mut headers = vec![
            ("x-amz-object-lock-mode", self.config.lock.as_str().to_owned()),
            ("x-amz-object-lock-retain-until-date", until),
            ("x-amz-checksum-sha256", sum),
            ("x-amz-sdk-checksum-algorithm", "SHA256".to_owned()),
        ];
        if held {
            headers.push(("x-amz-object-lock-legal-hold", held_word(held).to_owned()));
        }
        let mut put = self.bucket.put_object(Some(&self.credentials), &name);
        for (header, value) in &headers {
            put.headers_mut().insert(*header, value.clone());
        }
        let url = put.sign(SIGNED_FOR);
        match self.send(url, Method::Put, Some((body, len)), &headers).await? {
            (status, _) if status.is_success() => Ok(()),
            (status, text) => Err(refused(status, &text)),
        }
    }

    async fn send(
        &self,
        url: Url,
        method: Method,
        body: Option<(Body, u64)>,
        headers: &[(&str, String)],
    ) -> Result<(StatusCode, String), Error> {
        let told = |error: reqwest::Error| Error::Unwritten(chain(&error.without_url()));
        let mut request = match method {
            Method::Put => self.http.put(url),
            _ => self.http.get(url),
        };
        for (header, value) in headers {
            request = request.header(*header, value);
        }
        if let Some((body, len)) = body {
            request = request.header("content-length", len).body(body);
        }
        let mut answer = request.send().await.map_err(told)?;
        let mut read = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(told)? {
            if read.len() + part.len() > ANSWER_LEN_MAX {
                break;
            }
            read.extend_from_slice(&part);
        }
        Ok((answer.status(), String::from_utf8_lossy(&read).into_owned()))
    }
}

/// Something that is put into the storage.
struct Object<'a> {
    name: &'a str,
    /// In bytes.
    len: u64,
    /// The SHA-256 of what it holds, in base64.
    sum: String,
    /// Whether it is held beyond its lock.
    held: bool,
}

const fn held_word(held: bool) -> &'static str {
    if held { "ON" } else { "OFF" }
}

/// What the storage said, in a line.
fn refused(status: StatusCode, text: &str) -> Error {
    let part = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(value, _)| value)
    };
    let said = part("Message").or_else(|| part("Code")).unwrap_or_default();
    let said: String = said.chars().filter(|c| !c.is_control()).take(300).collect();
    Error::Unwritten(format!("the storage answered {status}: {said}"))
}

fn http(authority: Option<&Path>) -> Result<reqwest::Client, String> {
    let mut roots = rustls::RootCertStore::empty();
    match authority {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let pem = file("authority", path)?;
            let certificates = CertificateDer::pem_slice_iter(pem.as_bytes()).flatten();
            if roots.add_parsable_certificates(certificates).0 == 0 {
                return Err(format!("authority: {} holds no certificate in PEM", path.display()));
            }
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .read_timeout(PATIENCE)
        .connect_timeout(PATIENCE)
        .user_agent(concat!("postern/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| error.to_string())
}

/// What an error and everything behind it says.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(folder: &Path) -> ArchiveConfig {
        for name in ["id", "secret"] {
            std::fs::write(folder.join(name), "AKIAEXAMPLE\n").unwrap();
        }
        ArchiveConfig {
            url: "https://s3.example.test".to_owned(),
            region: "eu-central-1".to_owned(),
            bucket: "postern-archive".to_owned(),
            prefix: "gate-1/".to_owned(),
            path_style: true,
            access_key_file: folder.join("id"),
            secret_key_file: folder.join("secret"),
            lock: Lock::Compliance,
            keep: "365d".parse().unwrap(),
            authority: None,
        }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let sound = config(folder.path());
        let wrong =
            |config: ArchiveConfig| Archive::new(config).err().map(|error| error.to_string()).unwrap_or_default();
        assert_eq!(wrong(sound.clone()), "");
        assert!(wrong(ArchiveConfig { url: "http://s3.example.test".to_owned(), ..sound.clone() }).contains("url: "));
        assert!(wrong(ArchiveConfig { prefix: "/x".to_owned(), ..sound.clone() }).contains("prefix: "));
        assert!(wrong(ArchiveConfig { keep: "1s".parse().unwrap(), ..sound.clone() }).contains("keep: "));
        std::fs::write(folder.path().join("id"), " \n").unwrap();
        assert!(wrong(sound).contains("access_key_file: "));
    }

    #[test]
    fn a_refusal_is_told_in_a_line() {
        let text = "<Error><Code>AccessDenied</Code><Message>Access\nDenied</Message></Error>";
        let told = refused(StatusCode::FORBIDDEN, text).to_string();
        assert_eq!(told, "the storage answered 403 Forbidden: AccessDenied");
    }
}
