//! What the gateway is told when it is made.

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;

/// How the gateway presents and protects itself.
pub struct Config {
    /// The certificate that clients see, and how TLS is spoken to them.
    pub tls: Arc<ServerConfig>,
    /// The limits.
    pub limits: Limits,
    /// What MySQL's clients are told to be the version, before it is known which server they want.
    pub mysql_version: String,
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
    /// How long a target has to be reached and to take the credential.
    pub target_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 8192,
            unauthenticated_max: 512,
            unauthenticated_per_source_max: 128,
            sign_in_time: Duration::from_secs(30),
            target_time: Duration::from_secs(15),
        }
    }
}
