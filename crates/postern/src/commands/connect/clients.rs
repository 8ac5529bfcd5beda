//! The clients that people have: how each is started, and what it takes as a URI.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::Command;

use anyhow::Context as _;
use postern_control::ConnectTicket;

use crate::client::segment;
use crate::exit::{FAILED, Failure};

/// A client that is about to be started.
pub(super) struct Started<'a> {
    pub(super) ticket: &'a ConnectTicket,
    /// The database that is wanted.
    pub(super) database: Option<&'a str>,
    /// The file with the authority that the gate is verified by, or `system`.
    pub(super) root: &'a str,
}

/// The words that start a client on a local port.
pub(super) fn local(ticket: &ConnectTicket, address: SocketAddr) -> String {
    let (host, port, account) = (address.ip(), address.port(), &ticket.account.account);
    match ticket.protocol.as_str() {
        "redis" => format!("redis-cli -h {host} -p {port}"),
        "mysql" => format!("mariadb -h {host} -P {port} -u {account}"),
        _ => format!("psql -h {host} -p {port} -U {account}"),
    }
}

impl Started<'_> {
    /// As the protocol's drivers take it.
    pub(super) fn uri(&self) -> Result<String, Failure> {
        let ConnectTicket { token, host, port, .. } = self.ticket;
        let user = segment(&self.ticket.account.to_string()).replace('@', "%40");
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let root = segment(self.root);
        Ok(match self.ticket.protocol.as_str() {
            "mysql" => {
                let database = segment(self.database.unwrap_or_default());
                let query = if self.root == "system" { String::new() } else { format!("?ssl-ca={root}") };
                format!("mysql://{user}:{token}@{host}:{port}/{database}{query}")
            }
            "redis" => {
                let number = self.number()?;
                let query = if self.root == "system" { String::new() } else { format!("?ssl_ca_certs={root}") };
                format!("rediss://{user}:{token}@{host}:{port}/{number}{query}")
            }
            _ => {
                let database = segment(&self.database());
                format!("postgresql://{user}:{token}@{host}:{port}/{database}?sslmode=verify-full&sslrootcert={root}")
            }
        })
    }

    /// Starts the client with these arguments more, and gives how it ended.
    pub(super) fn client(&self, arguments: &[String]) -> Result<u8, Failure> {
        match self.ticket.protocol.as_str() {
            "redis" => self.redis_cli(arguments),
            "mysql" => self.mysql(arguments),
            _ => psql(self.ticket, &self.database(), self.root, arguments),
        }
    }

    fn database(&self) -> String {
        self.database.map_or_else(|| self.ticket.account.account.to_string(), str::to_owned)
    }

    /// The number of the database, as Redis has it.
    fn number(&self) -> Result<u32, Failure> {
        self.database.map_or(Ok(0), |given| {
            given.parse().map_err(|_| Failure::usage(format!("`{given}` is no database of Redis: give a number")))
        })
    }

    /// Starts `mariadb` or `mysql`, whichever there is. The token goes by a file that only its owner can
    /// read and that is gone afterwards.
    fn mysql(&self, arguments: &[String]) -> Result<u8, Failure> {
        let ConnectTicket { token, host, port, account, .. } = self.ticket;
        let mut options = tempfile::NamedTempFile::new().context("cannot make a file for the token")?;
        writeln!(options, "[client]\nhost={host}\nport={port}\nuser={account}\npassword={token}\nprotocol=tcp")?;
        if self.root != "system" {
            writeln!(options, "ssl-ca={}", self.root)?;
        }
        options.flush()?;
        let start = |program: &str, verify: &str| {
            let mut command = Command::new(program);
            command.arg(format!("--defaults-file={}", options.path().display())).arg(verify);
            command.args(self.database).args(arguments).status()
        };
        let status = match start("mariadb", "--ssl-verify-server-cert") {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => start("mysql", "--ssl-mode=VERIFY_IDENTITY"),
            started => started,
        };
        let status =
            status.context("cannot start mariadb or mysql: install one, or give --print for another client")?;
        Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(FAILED))
    }

    /// Starts redis-cli. The token goes by the variable that it is made for, to this one process: it is
    /// no argument.
    fn redis_cli(&self, arguments: &[String]) -> Result<u8, Failure> {
        let ConnectTicket { token, host, port, account, .. } = self.ticket;
        let mut command = Command::new("redis-cli");
        command.env("REDISCLI_AUTH", token).args(["--tls", "-h", host, "-p", &port.to_string()]);
        command.args(["--user", &account.to_string(), "-n", &self.number()?.to_string()]);
        if self.root != "system" {
            command.args(["--cacert", self.root]);
        }
        let status = command
            .args(arguments)
            .status()
            .context("cannot start redis-cli: install it, or give --print for another client")?;
        Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(FAILED))
    }
}

/// Starts psql. The token goes by a file that only its owner can read and that is gone afterwards: it
/// is no argument and no environment variable.
fn psql(ticket: &ConnectTicket, database: &str, root: &str, arguments: &[String]) -> Result<u8, Failure> {
    let mut passwords = tempfile::NamedTempFile::new().context("cannot make a file for the token")?;
    writeln!(passwords, "*:*:*:*:{}", ticket.token)?;
    passwords.flush()?;
    let quoted = |text: &str| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
    let connection = format!(
        "host={} port={} user={} dbname={} sslmode=verify-full sslrootcert={} passfile={}",
        quoted(&ticket.host),
        ticket.port,
        quoted(&ticket.account.to_string()),
        quoted(database),
        quoted(root),
        quoted(&passwords.path().display().to_string()),
    );
    let status = Command::new("psql")
        .arg(connection)
        .args(arguments)
        .status()
        .context("cannot start psql: install it, or give --print for another client")?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(FAILED))
}
