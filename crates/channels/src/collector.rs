//! The HTTP event collector, as Splunk defines it and others take it: one POST for each parcel, its events
//! one after another as JSON, a token in the header.
//!
//! Source: Splunk, "Format events for HTTP Event Collector" and "About HTTP Event Collector Indexer
//! Acknowledgment". Where the receiver answers with an `ackId`, the parcel counts as taken only once it
//! says that the events are kept.

use std::time::Duration;

use postern_domain::SecretText;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::{Collector, is_here, secret};
use crate::format::Format;
use crate::{Numbered, Parcel, chain, told};

/// The largest answer that is read, in bytes.
const ANSWER_LEN_MAX: usize = 16 * 1024;
/// How often it is asked whether events are kept.
const ASK_EVERY: Duration = Duration::from_millis(500);

pub(crate) struct Sender {
    http: reqwest::Client,
    url: reqwest::Url,
    token: SecretText,
    format: Format,
    index: Option<String>,
    source_type: String,
    /// Tells this server's requests from those of others where acknowledgments are counted.
    channel: String,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    code: i64,
    #[serde(default)]
    text: String,
    #[serde(rename = "ackId")]
    ack_id: Option<u64>,
}

#[derive(Deserialize)]
struct Acknowledged {
    acks: std::collections::BTreeMap<String, bool>,
}

impl Sender {
    pub(crate) fn new(config: &Collector) -> Result<Self, String> {
        let url: reqwest::Url = config.url.parse().map_err(|error| format!("url: {error}"))?;
        match (url.scheme(), url.host_str()) {
            ("https", Some(_)) => {}
            ("http", Some(host)) if is_here(host) => {}
            _ => return Err("url: https://..., or http:// on this machine".to_owned()),
        }
        if !matches!(config.format, Format::Json | Format::Ocsf) {
            return Err("format: a collector takes `json` or `ocsf`".to_owned());
        }
        let token = secret("token_file", &config.token_file)?;
        if token.expose().is_empty() || HeaderValue::from_str(token.expose()).is_err() {
            return Err(format!("token_file: {} holds no token", config.token_file.display()));
        }
        let kind = if config.format == Format::Ocsf { "postern:ocsf" } else { "postern:event" };
        Ok(Self {
            http: crate::http(config.authority.as_deref())?,
            url,
            token,
            format: config.format,
            index: config.index.clone(),
            source_type: config.source_type.clone().unwrap_or_else(|| kind.to_owned()),
            channel: channel()?,
        })
    }

    pub(crate) async fn deliver(&self, parcel: &Parcel) -> Result<(), String> {
        let body = match parcel.events.as_slice() {
            [] => self.wrapped(parcel, parcel.at.as_millis(), None, self.beat(parcel)).to_string(),
            events => events.iter().map(|numbered| self.event(parcel, numbered).to_string()).collect(),
        };
        let answer = self.post(self.url.clone(), body).await?;
        // A collector that is none of Splunk's may answer with anything, or with nothing.
        let Ok(answer) = serde_json::from_slice::<Answer>(&answer) else { return Ok(()) };
        if answer.code != 0 {
            let text: String = answer.text.chars().take(200).collect();
            return Err(format!("the collector answered with code {}: {text}", answer.code));
        }
        match answer.ack_id {
            Some(id) => self.kept(id).await,
            None => Ok(()),
        }
    }

    /// Returns once the collector says that it keeps what it has answered with this number.
    async fn kept(&self, id: u64) -> Result<(), String> {
        let mut url = self.url.clone();
        let path = url.path().strip_suffix("/event").unwrap_or(url.path()).to_owned();
        url.set_path(&format!("{path}/ack"));
        loop {
            let answer = self.post(url.clone(), json!({ "acks": [id] }).to_string()).await?;
            let told: Acknowledged =
                serde_json::from_slice(&answer).map_err(|error| format!("the collector's acknowledgment: {error}"))?;
            if told.acks.get(&id.to_string()) == Some(&true) {
                return Ok(());
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    /// What a 2xx answer says.
    async fn post(&self, url: reqwest::Url, body: String) -> Result<Vec<u8>, String> {
        let mut header = HeaderValue::from_str(&format!("Splunk {}", self.token.expose()))
            .map_err(|_| "token_file: holds no token".to_owned())?;
        header.set_sensitive(true);
        let request = self.http.post(url).header(AUTHORIZATION, header).header("content-type", "application/json");
        let request = request.header("x-splunk-request-channel", &self.channel).body(body);
        let mut answer = request.send().await.map_err(|error| chain(&error.without_url()))?;
        let mut read = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(|error| chain(&error.without_url()))? {
            if read.len() + part.len() > ANSWER_LEN_MAX {
                break;
            }
            read.extend_from_slice(&part);
        }
        let status = answer.status();
        if status.is_success() { Ok(read) } else { Err(format!("the collector answered {status}")) }
    }

    fn event(&self, parcel: &Parcel, numbered: &Numbered) -> Value {
        let Numbered { index, event } = numbered;
        let written = match self.format {
            Format::Ocsf => self.format.event(&parcel.server, numbered),
            _ => json!({ "index": index, "text": told(event), "event": event }).to_string(),
        };
        self.wrapped(parcel, event.at.as_millis(), Some(*index), written)
    }

    fn beat(&self, parcel: &Parcel) -> String {
        let Parcel { ledger_size, ledger_root, .. } = parcel;
        let plain = || json!({ "heartbeat": { "size": ledger_size, "root": ledger_root } }).to_string();
        self.format.heartbeat(parcel).unwrap_or_else(plain)
    }

    fn wrapped(&self, parcel: &Parcel, at: i64, index: Option<u64>, written: String) -> Value {
        let event: Value = serde_json::from_str(&written).unwrap_or(Value::String(written));
        let mut wrapped = json!({
            "time": format!("{}.{:03}", at.div_euclid(1000), at.rem_euclid(1000)),
            "host": crate::host(&parcel.server),
            "source": "postern",
            "sourcetype": self.source_type,
            "event": event,
        });
        if let Some(map) = wrapped.as_object_mut() {
            if let Some(to) = &self.index {
                map.insert("index".to_owned(), json!(to));
            }
            if let Some(index) = index {
                map.insert("fields".to_owned(), json!({ "ledger_index": index }));
            }
        }
        wrapped
    }
}

/// A random UUID (RFC 9562, version 4).
fn channel() -> Result<String, String> {
    let mut bytes = [0u8; 16];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|error| error.to_string())?;
    let [.., seventh, _, ninth, _, _, _, _, _, _, _] = &mut bytes;
    *seventh = (*seventh & 0x0f) | 0x40;
    *ninth = (*ninth & 0x3f) | 0x80;
    let hex = hex::encode(bytes);
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default().to_owned();
    Ok([part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{event, parcel};

    fn config(folder: &std::path::Path, format: Format) -> Collector {
        let token_file = folder.join("token");
        std::fs::write(&token_file, "11111111-2222\n").unwrap();
        let url = "https://collector.example:8088/services/collector/event".to_owned();
        Collector { url, token_file, format, index: Some("pam".to_owned()), source_type: None, authority: None }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let sound = config(folder.path(), Format::Json);
        let wrong = |config: &Collector| Sender::new(config).err().unwrap_or_default();
        assert_eq!(wrong(&sound), "");
        assert!(wrong(&Collector { format: Format::Cef, ..sound.clone() }).starts_with("format: "));
        assert!(wrong(&Collector { url: "http://collector.example".to_owned(), ..sound.clone() }).starts_with("url: "));
        std::fs::write(&sound.token_file, "\n").unwrap();
        assert!(wrong(&sound).starts_with("token_file: "));
    }

    #[test]
    fn events_are_wrapped_with_their_time_and_place() {
        let folder = tempfile::tempdir().unwrap();
        let sender = Sender::new(&config(folder.path(), Format::Json)).unwrap();
        let parcel = parcel(vec![event("session.open")]);
        let wrapped = sender.event(&parcel, parcel.events.first().unwrap());
        assert_eq!(wrapped["time"], "1790000000.123");
        assert_eq!((&wrapped["host"], &wrapped["index"]), (&json!("postern.example"), &json!("pam")));
        assert_eq!((&wrapped["fields"]["ledger_index"], &wrapped["event"]["index"]), (&json!(40), &json!(40)));
        assert_eq!(wrapped["event"]["event"]["action"], "session.open");
        assert_eq!(channel().unwrap().len(), 36);
    }
}
