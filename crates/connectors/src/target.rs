//! How a target is reached, and what it is known by.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::connector::SettingSpec;
use crate::outcome::{Cause, Failure};

/// What a target is known by. With nothing in it no target is trusted.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// Pinned SSH host keys, in OpenSSH's one-line form.
    pub host_keys: Vec<String>,
    /// PEM certificates: authorities that sign the target's certificate, or the certificate itself.
    pub certificates: String,
}

/// How long each step may take; whoever calls bounds the whole.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Until the connection is there and is trusted.
    pub connect: Duration,
    /// For one question and its answer. Where the target can be told, it gives up by itself by then.
    pub step: Duration,
    /// The most bytes that are read in one answer.
    pub answer_len_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), step: Duration::from_secs(30), answer_len_max: 16 * 1024 * 1024 }
    }
}

/// A setting that a platform does not accept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("setting `{name}`: {remedy}")]
pub struct InvalidSetting {
    /// Which.
    pub name: String,
    /// What would be accepted.
    pub remedy: String,
}

/// What the address alone does not tell of a target: a directory's base, a device's model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings(pub BTreeMap<String, String>);

impl Settings {
    /// A setting's value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A setting that the platform cannot do without.
    ///
    /// # Errors
    /// When it is missing.
    pub fn require(&self, name: &str) -> Result<&str, Failure> {
        self.get(name)
            .ok_or_else(|| Failure::new(Cause::Setting, format_args!("the asset's setting `{name}` is missing")))
    }

    /// Checks names and presence.
    ///
    /// # Errors
    /// Names the first setting that is unknown, missing or too long.
    pub fn check(&self, known: &[SettingSpec]) -> Result<(), InvalidSetting> {
        let fault = |name: &str, remedy: String| Err(InvalidSetting { name: name.to_owned(), remedy });
        for (name, value) in &self.0 {
            if !known.iter().any(|spec| spec.name == name) {
                let names: Vec<_> = known.iter().map(|spec| spec.name).collect();
                let remedy = match names.as_slice() {
                    [] => "this platform has no settings".to_owned(),
                    names => format!("this platform has {}", names.join(", ")),
                };
                return fault(name, remedy);
            }
            if value.len() > SETTING_LEN_MAX || value.chars().any(char::is_control) {
                return fault(name, format!("use at most {SETTING_LEN_MAX} characters and no control characters"));
            }
        }
        match known.iter().find(|spec| spec.required && !self.0.contains_key(spec.name)) {
            Some(spec) => fault(spec.name, format!("is needed: {}", spec.about)),
            None => Ok(()),
        }
    }
}

/// A target.
#[derive(Clone, Debug)]
pub struct Target {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// What it is known by.
    pub trust: Trust,
    /// What its platform needs to know besides.
    pub settings: Settings,
    /// How long each step may take; whoever calls bounds the whole.
    pub limits: Limits,
}

impl Target {
    /// A connection to it, not trusted yet.
    ///
    /// # Errors
    /// When nobody answers, or not in time.
    pub async fn dial(&self) -> Result<TcpStream, Failure> {
        let (host, port) = (&self.host, self.port);
        let stream = timeout(self.limits.connect, TcpStream::connect((host.as_str(), port)))
            .await
            .map_err(|_| {
                let seconds = self.limits.connect.as_secs();
                Failure::new(Cause::Timeout, format_args!("{host}:{port} did not answer within {seconds} seconds"))
            })?
            .map_err(|error| {
                Failure::new(Cause::Unreachable, format_args!("{host}:{port} cannot be reached: {error}"))
            })?;
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }
}

/// The longest value of a setting, in bytes.
const SETTING_LEN_MAX: usize = 1024;

#[cfg(test)]
mod tests;
