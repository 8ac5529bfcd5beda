//! What the gateway is told when it is made.

use std::time::Duration;

use russh::keys::PrivateKey;

use crate::server::GatewayError;

/// How the gateway presents and protects itself.
pub struct Config {
    /// The host keys, most preferred first; at least one.
    pub host_keys: Vec<PrivateKey>,
    /// Shown to every client before it signs in.
    pub banner: Option<String>,
    /// The limits.
    pub limits: Limits,
}

impl Config {
    /// The defaults, known by one host key in OpenSSH's form.
    ///
    /// # Errors
    /// When it is not one.
    pub fn with_host_key(pem: &str) -> Result<Self, GatewayError> {
        let key = PrivateKey::from_openssh(pem).map_err(|_| GatewayError::HostKey)?;
        Ok(Self { host_keys: vec![key], banner: None, limits: Limits::default() })
    }
}

/// What one peer can make the gateway spend.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at once, in all.
    pub connections_max: usize,
    /// Connections at once that have not signed in yet, in all.
    pub unauthenticated_max: usize,
    /// Connections at once that have not signed in yet, from one address.
    pub unauthenticated_per_source_max: usize,
    /// How long a client has to sign in.
    pub sign_in_time: Duration,
    /// How many bytes a client may send before it has signed in.
    pub sign_in_bytes: u32,
    /// How many wrong passwords or codes are taken on one connection.
    pub sign_in_attempts: u32,
    /// How long the answer to a wrong password or code takes at least.
    pub wrong_answer_delay: Duration,
    /// Channels at once on one connection.
    pub channels_max: usize,
    /// How long a target has to be reached, to exchange keys, and to take the credential: each.
    pub target_time: Duration,
    /// How many bytes a peer may send on a channel before the other one has taken any of them.
    pub window: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 8192,
            unauthenticated_max: 256,
            unauthenticated_per_source_max: 32,
            sign_in_time: Duration::from_secs(60),
            sign_in_bytes: 256 * 1024,
            sign_in_attempts: 3,
            wrong_answer_delay: Duration::from_secs(1),
            channels_max: 64,
            target_time: Duration::from_secs(10),
            window: 2 * 1024 * 1024,
        }
    }
}
