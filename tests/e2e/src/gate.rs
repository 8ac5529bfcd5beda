//! Postern itself, as a process with a data folder of its own.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc;

use anyhow::{Context as _, bail};
use serde_json::Value;
use tempfile::TempDir;

use crate::child::Child;
use crate::ran::{Ran, run, run_with_input};
use crate::target::repository;
use crate::wait::until;

/// Postern with its data folder, whether it runs or not.
pub struct Gate {
    folder: TempDir,
    child: Option<Child>,
    /// `127.0.0.1:port` of the console and the API; kept over restarts.
    https: String,
    /// The same of the SSH gateway.
    ssh: String,
    /// The same of the PostgreSQL gateway.
    pg: String,
    /// The same of the MySQL gateway.
    mysql: String,
    /// The same of the Redis gateway.
    redis: String,
}

/// The binary under test: `$POSTERN_BIN`, else the one beside this program, which is built first so
/// that it is the tree's.
///
/// # Errors
/// When it cannot be built.
pub fn binary() -> anyhow::Result<PathBuf> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    if let Some(path) = std::env::var_os("POSTERN_BIN") {
        return Ok(PathBuf::from(path));
    }
    if let Some(path) = BUILT.get() {
        return Ok(path.clone());
    }
    let here = std::env::current_exe()?;
    let folder = here.ancestors().skip(1).find(|folder| !folder.ends_with("deps")).context("no folder")?;
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["build", "--quiet", "--locked", "--package", "postern"]).current_dir(repository());
    if folder.ends_with("release") {
        build.arg("--release");
    }
    if !build.status()?.success() {
        bail!("postern cannot be built");
    }
    Ok(BUILT.get_or_init(|| folder.join("postern")).clone())
}

impl Gate {
    fn nowhere() -> anyhow::Result<Self> {
        let open = || "127.0.0.1:0".to_owned();
        Ok(Self {
            folder: tempfile::tempdir()?,
            child: None,
            https: open(),
            ssh: open(),
            pg: open(),
            redis: open(),
            mysql: open(),
        })
    }

    /// Prepares a data folder with its first administrator; gives what was shown.
    ///
    /// # Errors
    /// When `postern setup` does not do it.
    pub fn set_up(admin: &str, password: &str) -> anyhow::Result<(Self, Value)> {
        let gate = Self::nowhere()?;
        let mut command = Command::new(binary()?);
        command.args(["setup", "--data"]).arg(gate.data()).args(["--admin", admin, "--password-stdin", "-o", "json"]);
        let shown = run_with_input(&mut command, password.as_bytes())?.json()?;
        Ok((gate, shown))
    }

    /// A gate over a data folder that another one made.
    ///
    /// # Errors
    /// When there is no room for another folder.
    pub fn empty() -> anyhow::Result<Self> {
        Self::nowhere()
    }

    /// Starts it and waits until it says where it listens.
    ///
    /// # Errors
    /// When it does not come up, with what it said.
    pub fn start(&mut self) -> anyhow::Result<()> {
        self.start_under(&[])
    }

    /// Starts it by a program that becomes it, given with its arguments: with another clock, say.
    ///
    /// # Errors
    /// When it does not come up, with what it said.
    pub fn start_under(&mut self, program: &[&str]) -> anyhow::Result<()> {
        let log = File::options().create(true).append(true).open(self.log_path())?;
        let mut words: Vec<OsString> = program.iter().map(OsString::from).collect();
        words.extend([binary()?.into(), "serve".into(), "--data".into(), self.data().into()]);
        words.extend(
            [
                "--https",
                &self.https,
                "--ssh",
                &self.ssh,
                "--pg",
                &self.pg,
                "--redis",
                &self.redis,
                "--mysql",
                &self.mysql,
            ]
            .map(OsString::from),
        );
        if self.config().exists() {
            words.extend(["--config".into(), self.config().into()]);
        }
        let (first, rest) = words.split_first().context("no program")?;
        let mut command = Command::new(first);
        command.args(rest).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = Child::start(&mut command)?;
        let stdout = child.process().stdout.take().context("its output is not piped")?;
        let (lines, said) = mpsc::channel();
        std::thread::spawn(move || {
            // Read to the end, so that it never waits for us.
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = lines.send(line);
            }
        });
        let (mut https, mut ssh, mut pg, mut redis, mut mysql) = (None, None, None, None, None);
        until("postern to come up", || {
            while let Ok(line) = said.try_recv() {
                let mut words = line.split_ascii_whitespace();
                match (words.next(), words.next()) {
                    (Some("console"), Some(url)) => https = Some(url.trim_start_matches("https://").to_owned()),
                    (Some("ssh"), Some(address)) => ssh = Some(address.to_owned()),
                    (Some("pg"), Some(address)) => pg = Some(address.to_owned()),
                    (Some("mysql"), Some(address)) => mysql = Some(address.to_owned()),
                    (Some("redis"), Some(address)) => redis = Some(address.to_owned()),
                    _ => {}
                }
            }
            if let Some(status) = child.ended()? {
                bail!("postern ended at once: {status}\n{}", self.log());
            }
            let ready = https.is_some() && ssh.is_some() && pg.is_some() && redis.is_some() && mysql.is_some();
            Ok((ready && is_ready(https.as_deref().unwrap_or_default())).then_some(()))
        })
        .with_context(|| self.log())?;
        self.https = https.unwrap_or_default();
        self.ssh = ssh.unwrap_or_default();
        self.pg = pg.unwrap_or_default();
        self.redis = redis.unwrap_or_default();
        self.mysql = mysql.unwrap_or_default();
        self.child = Some(child);
        Ok(())
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        self.child = None;
    }

    /// Asks it to end and waits until it has.
    ///
    /// # Errors
    /// When it does not end, or not cleanly.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        child.signal("TERM")?;
        let status = until("postern to stop", || child.ended())?;
        if !status.success() {
            bail!("postern stopped with {status}\n{}", self.log());
        }
        Ok(())
    }

    /// Its process; 0 while it does not run.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// KiB of memory that it occupies.
    ///
    /// # Errors
    /// When it does not run.
    pub fn resident_kib(&self) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
        Ok(line.split_ascii_whitespace().next().unwrap_or_default().parse()?)
    }

    /// Its data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Its configuration file, which it is started with where there is one.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("postern.toml")
    }

    /// A folder beside the data folder, for whatever a test needs.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        self.folder.path()
    }

    /// `https://127.0.0.1:port`
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.https)
    }

    /// The port of the SSH gateway.
    #[must_use]
    pub fn ssh_port(&self) -> &str {
        self.ssh.rsplit(':').next().unwrap_or_default()
    }

    /// The port of the PostgreSQL gateway.
    #[must_use]
    pub fn pg_port(&self) -> &str {
        self.pg.rsplit(':').next().unwrap_or_default()
    }

    /// The port of the MySQL gateway.
    #[must_use]
    pub fn mysql_port(&self) -> &str {
        self.mysql.rsplit(':').next().unwrap_or_default()
    }

    /// The port of the Redis gateway.
    #[must_use]
    pub fn redis_port(&self) -> &str {
        self.redis.rsplit(':').next().unwrap_or_default()
    }

    /// The certificate authority that it proves itself by.
    #[must_use]
    pub fn ca(&self) -> PathBuf {
        self.data().join("ca.pem")
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("postern.log")
    }

    /// What it logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Runs the binary on the data folder, without a server: `audit verify`, `backup`.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn offline(&self, arguments: &[&str]) -> anyhow::Result<Ran> {
        run(Command::new(binary()?).args(arguments).arg("--data").arg(self.data()))
    }

    /// Calls the API as anybody can, with curl.
    ///
    /// # Errors
    /// When the answer is a failure, or no JSON.
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let mut command = self.curl(path);
        command.args(["--fail-with-body", "-X", method]);
        let mut input = Vec::new();
        if let Some(body) = body {
            command.args(["-H", "Content-Type: application/json", "--data-binary", "@-"]);
            input = serde_json::to_vec(body)?;
        }
        run_with_input(&mut command, &input)?.json()
    }

    /// curl, silent, for a path of the API.
    #[must_use]
    pub fn curl(&self, path: &str) -> Command {
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--max-time", "60", "--cacert"]).arg(self.ca());
        command.arg(format!("{}{path}", self.url()));
        command
    }
}

fn is_ready(address: &str) -> bool {
    std::net::TcpStream::connect(address).is_ok()
}
