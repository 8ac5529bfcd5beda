//! How this server is set, for people to read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use postern_domain::permit::{Manage, Permit};

use crate::{Control, login};

/// How the server is set. What is set in the configuration file can only be changed there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SettingsView {
    /// Postern's version.
    pub version: String,
    /// How people reach the console.
    pub public_url: String,
    /// How people reach the SSH gateway; none when it is off.
    pub ssh_address: Option<String>,
    /// The name by which passkeys know this Postern; none where its public address is no name, so that
    /// there can be no passkeys.
    pub passkey_party: Option<String>,
    /// How long a sign-in lasts at most, in seconds.
    pub login_seconds: u64,
    /// How long the console may lie unused, in seconds.
    pub console_idle_seconds: u64,
}

impl Control {
    /// How the server is set.
    #[must_use]
    pub fn settings_view(&self, _: &Permit<Manage>) -> SettingsView {
        let settings = self.settings();
        SettingsView {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            public_url: settings.public_url.clone(),
            ssh_address: settings.ssh_address.clone(),
            passkey_party: self.passkey_party(),
            login_seconds: login::LOGIN_LASTS.as_secs(),
            console_idle_seconds: login::CONSOLE_IDLE_MAX.as_secs(),
        }
    }
}
