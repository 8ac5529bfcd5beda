//! A real PostgreSQL.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use crate::child::Child;
use crate::ran::{Ran, run};
use crate::target::repository;
use crate::wait::{free_port, until};

/// The password of `app_admin`, and of `postgres`.
const PASSWORDS: [(&str, &str); 2] = [("app_admin", "Horse:battery staple 9"), ("postgres", "tr0ub4dor&3")];

/// A PostgreSQL with a database `shop`, in which `app_admin` owns a table `customer`.
pub struct PgTarget {
    folder: TempDir,
    port: u16,
    child: Option<Child>,
}

impl PgTarget {
    /// Starts one.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let lines: Vec<String> = PASSWORDS.iter().map(|(role, password)| format!("{role}:{password}\n")).collect();
        fs::write(folder.path().join("passwords"), lines.concat())?;
        let mut target = Self { folder, port: free_port()?, child: None };
        target.resume()?;
        Ok(target)
    }

    /// Starts it again on the same port.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn resume(&mut self) -> anyhow::Result<()> {
        let mut command = Command::new("bash");
        command.arg(repository().join("scripts/pg-target.sh")).arg(self.folder.path()).arg(self.port.to_string());
        command.env("DIE_WITH_PARENT", "1").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(Child::start(&mut command)?);
        until("PostgreSQL to come up", || {
            if let Some(status) = self.child.as_mut().map(Child::ended).transpose()?.flatten() {
                bail!("scripts/pg-target.sh: {status}");
            }
            if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
                return Ok(None);
            }
            Ok(self.sql("select 1").is_ok().then_some(()))
        })
        .with_context(|| fs::read_to_string(self.folder.path().join("pg.log")).unwrap_or_default())
    }

    /// Takes it down at once.
    pub fn stop(&mut self) {
        self.child = None;
    }

    /// The password of `app_admin`.
    #[must_use]
    pub fn password(&self) -> &'static str {
        PASSWORDS[0].1
    }

    /// The password of `postgres`.
    #[must_use]
    pub fn superuser_password(&self) -> &'static str {
        PASSWORDS[1].1
    }

    /// `127.0.0.1:port`
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The certificate that it is known by, in PEM.
    ///
    /// # Errors
    /// When it has none.
    pub fn certificate(&self) -> anyhow::Result<String> {
        Ok(fs::read_to_string(self.folder.path().join("cluster/server.crt"))?)
    }

    /// What it logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("pg.log")).unwrap_or_default()
    }

    /// A client's words for connecting straight to it as `app_admin`.
    #[must_use]
    pub fn direct(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("PGHOST", "127.0.0.1").env("PGPORT", self.port.to_string()).env("PGUSER", "app_admin");
        command.env("PGPASSWORD", self.password()).env("PGDATABASE", "shop").env("PGSSLMODE", "require");
        command
    }

    /// Runs SQL straight on it as the superuser; gives the rows without decoration.
    ///
    /// # Errors
    /// When it fails.
    pub fn sql(&self, text: &str) -> anyhow::Result<String> {
        let mut command = self.direct("psql");
        command.env("PGUSER", "postgres").env("PGPASSWORD", PASSWORDS[1].1);
        let ran: Ran = run(command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", text]))?.ok()?;
        Ok(ran.text().trim().to_owned())
    }
}
