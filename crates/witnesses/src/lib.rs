//! Shows the ledger's checkpoints to witnesses (C2SP `tlog-witness`), who check that it grew from what they saw
//! before and say when they saw it.

use std::sync::Arc;
use std::time::Duration;

use postern_ledger::Hash;
use postern_ledger::note;
use reqwest::StatusCode;
use serde::Deserialize;

/// The longest answer that is read, in bytes.
const ANSWER_LEN_MAX: usize = 16 * 1024;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// What an answer that tells the size that is known is called.
const SIZE: &str = "text/x.tlog.size";

/// One witness: `[[witnesses]]` in `postern.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessConfig {
    /// Where it answers, without `/add-checkpoint`. What is shown to it is signed and no secret, so that
    /// `http://` will do as well as `https://`.
    pub url: String,
    /// Its public key, one line of text: `name+hex+base64`.
    pub key: String,
}

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("witnesses: {0}")]
pub struct ConfigError(String);

/// Why a checkpoint was not cosigned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It knows another size than was said: ask again from there.
    #[error("the witness knows the ledger at {0} leaves")]
    Known(u64),
    /// It has seen another history, or does not know this ledger: somebody must look.
    #[error("THE WITNESS REFUSES: {0}")]
    Refused(String),
    /// It cannot be reached, or says nothing that can be understood.
    #[error("{0}")]
    Unavailable(String),
}

/// A witness that can be asked.
pub struct Witness {
    key: note::Witness,
    url: reqwest::Url,
    http: reqwest::Client,
}

impl Witness {
    /// Checks what is configured; connects to nothing.
    ///
    /// # Errors
    /// With what is wrong.
    pub fn new(config: &WitnessConfig) -> Result<Self, ConfigError> {
        let wrong = |why: String| ConfigError(format!("{}: {why}", config.url));
        let key = config.key.trim().parse().map_err(|error| wrong(format!("key: {error}")))?;
        let url = format!("{}/add-checkpoint", config.url.trim_end_matches('/'));
        let url: reqwest::Url = url.parse().map_err(|error| wrong(format!("url: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(wrong("url: write https://... or http://...".to_owned()));
        }
        let mut roots = rustls::RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| wrong(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .user_agent(concat!("postern/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| wrong(error.to_string()))?;
        Ok(Self { key, url, http })
    }

    /// Its public key.
    #[must_use]
    pub const fn key(&self) -> &note::Witness {
        &self.key
    }

    /// Where it answers.
    #[must_use]
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Shows it a checkpoint, with the proof that the ledger grew to it from `old` leaves. Gives the note with
    /// the witness's signature under it, which was found to be good, and when it saw it, in seconds since 1970.
    ///
    /// # Errors
    /// Why it did not cosign.
    pub async fn show(&self, old: u64, proof: &[Hash], note: &str) -> Result<(String, u64), Error> {
        let lines: String = proof.iter().map(|hash| format!("{}\n", hash.to_base64())).collect();
        let body = format!("old {old}\n{lines}\n{note}");
        let told = |error: reqwest::Error| Error::Unavailable(error.without_url().to_string());
        let mut answer = self.http.post(self.url.clone()).body(body).send().await.map_err(told)?;
        let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let tells_size = kind == SIZE;
        let mut read = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(told)? {
            if read.len() + part.len() > ANSWER_LEN_MAX {
                return Err(Error::Unavailable("the witness's answer is too long".to_owned()));
            }
            read.extend_from_slice(&part);
        }
        self.judge(answer.status(), tells_size, &String::from_utf8_lossy(&read), note)
    }

    fn judge(&self, status: StatusCode, tells_size: bool, text: &str, note: &str) -> Result<(String, u64), Error> {
        let said: String = text.chars().filter(|c| !c.is_control()).take(300).collect();
        match status {
            StatusCode::OK => {
                let cosigned = format!("{note}{text}");
                match self.key.seen(cosigned.as_bytes()) {
                    Ok(Some(time)) => Ok((cosigned, time)),
                    Ok(None) => Err(Error::Unavailable("the answer is not signed by the witness's key".to_owned())),
                    Err(error) => Err(Error::Unavailable(format!("the witness's answer: {error}"))),
                }
            }
            StatusCode::CONFLICT if tells_size => match text.trim().parse() {
                Ok(size) => Err(Error::Known(size)),
                Err(_) => Err(Error::Unavailable("the witness tells no size".to_owned())),
            },
            StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY | StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => {
                Err(Error::Refused(format!("{status}: {said}")))
            }
            other => Err(Error::Unavailable(format!("the witness answered {other}: {said}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use postern_ledger::note::{Signer, WitnessSigner, sign};

    use super::*;

    #[test]
    fn only_a_good_signature_of_the_witness_counts() {
        let signer = WitnessSigner::from_seed("witness.test", &[2; 32]).unwrap();
        let config = WitnessConfig { url: "https://witness.test/".to_owned(), key: signer.witness().to_string() };
        let witness = Witness::new(&config).unwrap();
        assert_eq!(witness.url(), "https://witness.test/add-checkpoint");
        let log = Signer::from_seed("log.test", &[1; 32]).unwrap();
        let note = sign("log.test\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", &log).unwrap();
        let line = signer.cosign(note.as_bytes(), 7).unwrap();
        let judge = |status: StatusCode, tells: bool, text: &str| witness.judge(status, tells, text, &note);
        assert_eq!(judge(StatusCode::OK, false, &line), Ok((format!("{note}{line}"), 7)));
        assert!(matches!(judge(StatusCode::OK, false, ""), Err(Error::Unavailable(_))));
        assert!(matches!(judge(StatusCode::OK, false, "what?\n"), Err(Error::Unavailable(_))));
        assert_eq!(judge(StatusCode::CONFLICT, true, "42\n"), Err(Error::Known(42)));
        assert!(matches!(judge(StatusCode::CONFLICT, false, "no"), Err(Error::Refused(_))));
        assert!(matches!(judge(StatusCode::UNPROCESSABLE_ENTITY, false, "forked"), Err(Error::Refused(_))));
        assert!(matches!(judge(StatusCode::BAD_GATEWAY, false, ""), Err(Error::Unavailable(_))));
        for (url, key) in [("ftp://witness.test", config.key.as_str()), ("https://witness.test", "key")] {
            assert!(Witness::new(&WitnessConfig { url: url.to_owned(), key: key.to_owned() }).is_err());
        }
    }
}
