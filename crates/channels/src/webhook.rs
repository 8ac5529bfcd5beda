//! Webhooks: one POST for each parcel, signed so that its receiver can tell who sent it.

use aws_lc_rs::hmac;
use postern_domain::{SecretText, Timestamp};
use serde::Serialize;

use crate::config::{Webhook, is_here, signing_key};
use crate::{Notice, Numbered, Parcel, chain, told};

/// The header that holds when it was signed and the signature: `t=SECONDS,v1=HEX`.
const SIGNATURE: &str = "postern-signature";

pub(crate) struct Sender {
    http: reqwest::Client,
    url: reqwest::Url,
    key: SecretText,
}

/// What is sent.
#[derive(Serialize)]
struct Body<'a> {
    channel: &'a str,
    server: &'a str,
    sent_at: String,
    ledger: Head<'a>,
    events: Vec<Told<'a>>,
}

/// What is sent of a notice.
#[derive(Serialize)]
struct NoticeBody<'a> {
    channel: &'a str,
    server: &'a str,
    sent_at: String,
    /// As it would be in a mail.
    text: String,
    notice: &'a Notice,
}

#[derive(Serialize)]
struct Head<'a> {
    size: u64,
    root: &'a str,
}

#[derive(Serialize)]
struct Told<'a> {
    /// In one line, for what shows it as it is.
    text: String,
    #[serde(flatten)]
    numbered: &'a Numbered,
}

impl Sender {
    pub(crate) fn new(config: &Webhook) -> Result<Self, String> {
        let url: reqwest::Url = config.url.parse().map_err(|error| format!("url: {error}"))?;
        match (url.scheme(), url.host_str()) {
            ("https", Some(_)) => {}
            ("http", Some(host)) if is_here(host) => {}
            _ => return Err("url: https://..., or http:// on this machine".to_owned()),
        }
        let key = signing_key(&config.secret_file)?;
        let http = crate::http(config.authority.as_deref())?;
        Ok(Self { http, url, key })
    }

    pub(crate) async fn deliver(&self, channel: &str, parcel: &Parcel) -> Result<(), String> {
        let events = parcel.events.iter().map(|numbered| Told { text: told(&numbered.event), numbered });
        let body = Body {
            channel,
            server: &parcel.server,
            sent_at: parcel.at.to_string(),
            ledger: Head { size: parcel.ledger_size, root: &parcel.ledger_root },
            events: events.collect(),
        };
        self.post(parcel.at, &body).await
    }

    pub(crate) async fn notify(
        &self,
        channel: &str,
        server: &str,
        at: Timestamp,
        notice: &Notice,
    ) -> Result<(), String> {
        self.post(at, &NoticeBody { channel, server, sent_at: at.to_string(), text: notice.text(), notice }).await
    }

    async fn post(&self, at: Timestamp, body: &impl Serialize) -> Result<(), String> {
        let body = serde_json::to_vec(body).map_err(|error| error.to_string())?;
        let signature = sign(&self.key, at.as_millis() / 1000, &body);
        let request = self.http.post(self.url.clone()).header("content-type", "application/json");
        let sent = request.header(SIGNATURE, signature).body(body).send().await;
        let status = sent.map_err(|error| chain(&error.without_url()))?.status();
        if status.is_success() { Ok(()) } else { Err(format!("the receiver answered {status}")) }
    }
}

/// The signature of `body`: HMAC-SHA256 over the seconds, a dot and the body.
fn sign(key: &SecretText, seconds: i64, body: &[u8]) -> String {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key.expose().as_bytes()));
    context.update(format!("{seconds}.").as_bytes());
    context.update(body);
    format!("t={seconds},v1={}", hex::encode(context.sign().as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_one_that_the_reference_shows() {
        let key = SecretText::new("0123456789abcdef".to_owned());
        // printf '1700000000.{}' | openssl dgst -sha256 -hmac 0123456789abcdef
        let expected = "t=1700000000,v1=e4f8e2ecae2295b2ddb2f0b5584c8275e226c0ebe9b3b819e70156bb67122e3e";
        assert_eq!(sign(&key, 1_700_000_000, b"{}"), expected);
    }

    #[test]
    fn only_this_machine_is_spoken_to_in_the_clear() {
        let scratch = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(scratch.path(), "0123456789abcdef\n").unwrap();
        let sender = |url: &str, key: &std::path::Path| {
            Sender::new(&Webhook { url: url.to_owned(), secret_file: key.to_owned(), authority: None }).err()
        };
        assert_eq!(sender("https://hooks.example/x", scratch.path()), None);
        assert_eq!(sender("http://127.0.0.1:9/x", scratch.path()), None);
        assert!(sender("http://hooks.example/x", scratch.path()).unwrap().starts_with("url: https://"));
        std::fs::write(scratch.path(), "short\n").unwrap();
        assert!(sender("https://hooks.example/x", scratch.path()).unwrap().starts_with("secret_file: "));
    }
}
