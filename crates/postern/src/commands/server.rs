//! `postern setup` and `postern serve`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use postern_control::Opening;
use postern_domain::UserName;
use serde::Serialize;

use crate::exit::{DONE, Failure};
use crate::output::{self, Format};
use crate::{serve, terminal};

/// Prepare a data folder and its first administrator, offline.
#[derive(Args)]
pub(crate) struct Setup {
    /// The data folder; made when it does not exist.
    #[arg(long)]
    data: PathBuf,
    /// The first administrator's sign-in name.
    #[arg(long)]
    admin: UserName,
    /// Read the administrator's password from standard input.
    #[arg(long)]
    password_stdin: bool,
}

/// What is shown once and kept nowhere in clear.
#[derive(Serialize)]
struct Shown {
    admin: String,
    totp_secret: String,
    otpauth_uri: String,
    recovery_codes: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    vault_recovery_shares: Vec<String>,
}

impl Setup {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let password = terminal::password(self.password_stdin, "Password for the first administrator")?;
        let settings = serve::offline_settings(self.data)?;
        let options = Opening { key_file: Some(settings.key_file.clone()), start_sealed: false };
        let opened = postern_control::open(settings, options).await?;
        let enrolled = opened.control.setup_offline(self.admin, password).await?;
        opened.control.publish_all().await?;
        opened.control.close().await;
        let shares = opened.shares.unwrap_or_default();
        let shown = Shown {
            admin: enrolled.user.name.to_string(),
            totp_secret: enrolled.totp_secret,
            otpauth_uri: enrolled.otpauth_uri,
            recovery_codes: enrolled.recovery_codes,
            vault_recovery_shares: shares.iter().map(|share| share.expose().to_owned()).collect(),
        };
        if format == Format::Table {
            output::line("Shown only now: keep the codes and the shares apart from this machine.")?;
        }
        output::one(format, &shown)?;
        Ok(DONE)
    }
}

/// Run the server.
#[derive(Args)]
pub(crate) struct Serve {
    /// The data folder; prepared when it is new.
    #[arg(long)]
    data: PathBuf,
    /// The configuration file.
    #[arg(long)]
    config: Option<PathBuf>,
    /// Where the console and the API listen [default: 127.0.0.1:8443].
    #[arg(long)]
    https: Option<SocketAddr>,
    /// Where the SSH gateway listens [default: 127.0.0.1:2222].
    #[arg(long)]
    ssh: Option<SocketAddr>,
    /// Where the PostgreSQL gateway listens; off unless given here or in the configuration.
    #[arg(long)]
    pg: Option<SocketAddr>,
    /// Where the MySQL and MariaDB gateway listens; off unless given here or in the configuration.
    #[arg(long)]
    mysql: Option<SocketAddr>,
    /// Where the Redis gateway listens; off unless given here or in the configuration.
    #[arg(long)]
    redis: Option<SocketAddr>,
}

impl Serve {
    pub(crate) async fn run(self) -> Result<u8, Failure> {
        let Self { data, config, https, ssh, pg, mysql, redis } = self;
        serve::run(serve::Wanted { data, config, https, ssh, pg, mysql, redis }).await
    }
}
