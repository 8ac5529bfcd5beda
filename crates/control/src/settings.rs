//! How this server is set, for people to read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use postern_domain::permit::{Manage, Permit};

use crate::{Control, login, request};

/// How the server is set. What is set in the configuration file can only be changed there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SettingsView {
    /// Postern's version.
    pub version: String,
    /// How people reach the console.
    pub public_url: String,
    /// Whether the certificate of the console and the gateways is signed by Postern's own authority.
    pub own_authority: bool,
    /// How people reach the SSH gateway; none when it is off.
    pub ssh_address: Option<String>,
    /// From where targets see Postern come: certificates for them are good from there only; from anywhere
    /// when empty.
    pub ssh_sources: Vec<String>,
    /// How people reach the PostgreSQL gateway; none when it is off.
    pub postgresql_address: Option<String>,
    /// How people reach the MySQL gateway; none when it is off.
    pub mysql_address: Option<String>,
    /// How people reach the Redis gateway; none when it is off.
    pub redis_address: Option<String>,
    /// The name by which passkeys know this Postern; none where its public address is no name, so that
    /// there can be no passkeys.
    pub passkey_party: Option<String>,
    /// How long a sign-in lasts at most, in seconds.
    pub login_seconds: u64,
    /// How long the console may lie unused, in seconds.
    pub console_idle_seconds: u64,
    /// How long a request waits for its answers, in seconds.
    pub request_wait_seconds: u64,
    /// How far ahead a window may be asked for, in seconds.
    pub request_ahead_seconds: u64,
}

impl Control {
    /// How the server is set.
    #[must_use]
    pub fn settings_view(&self, _: &Permit<Manage>) -> SettingsView {
        let settings = self.settings();
        SettingsView {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            public_url: settings.public_url.clone(),
            own_authority: settings.authority.is_some(),
            ssh_sources: settings.ssh_sources.clone(),
            postgresql_address: settings.postgresql_address.clone(),
            mysql_address: settings.mysql_address.clone(),
            redis_address: settings.redis_address.clone(),
            ssh_address: settings.ssh_address.clone(),
            passkey_party: self.passkey_party(),
            login_seconds: login::LOGIN_LASTS.as_secs(),
            console_idle_seconds: login::CONSOLE_IDLE_MAX.as_secs(),
            request_wait_seconds: request::WAIT_MAX.as_secs(),
            request_ahead_seconds: request::AHEAD_MAX.as_secs(),
        }
    }
}
