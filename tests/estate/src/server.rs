//! One server of `scripts/*-target.sh` on an address of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use postern_connectors::{Limits, Login, Settings, Target, Trust};
use postern_domain::asset::Platform;

/// A server to be started.
pub(crate) struct Plan {
    /// The asset's name.
    pub(crate) asset: String,
    pub(crate) platform: Platform,
    pub(crate) script: &'static str,
    pub(crate) address: String,
    pub(crate) port: u16,
    /// What lies in its folder.
    pub(crate) files: Vec<(String, String)>,
    pub(crate) settings: Settings,
    /// Who discovers.
    pub(crate) login: Login,
}

/// A running server; gone when dropped.
pub(crate) struct Server {
    pub(crate) asset: String,
    pub(crate) platform: Platform,
    pub(crate) target: Target,
    pub(crate) login: Login,
    /// Held, for the server lives in it.
    _folder: tempfile::TempDir,
    child: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

impl Plan {
    /// Starts it and waits until it listens. Blocks.
    pub(crate) fn start(self) -> anyhow::Result<Server> {
        let folder = tempfile::tempdir()?;
        for (name, content) in &self.files {
            std::fs::write(folder.path().join(name), content)?;
        }
        let port = self.port.to_string();
        let mut command = Command::new(repository().join("scripts").join(self.script));
        command.arg(folder.path());
        // PostgreSQL's script listens on 127.0.0.1 only.
        if self.script != "pg-target.sh" {
            command.arg(&self.address);
        }
        command.arg(&port);
        if self.script == "unix-target.sh" {
            command.arg(&self.asset);
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        let until = Instant::now() + Duration::from_secs(180);
        let ready = ["ready", "cluster/ready"].map(|name| folder.path().join(name));
        while !(ready.iter().any(|file| file.exists())
            && std::net::TcpStream::connect((self.address.as_str(), self.port)).is_ok())
        {
            if child.try_wait()?.is_some() || Instant::now() > until {
                let log = std::fs::read_to_string(folder.path().join("sshd.log")).unwrap_or_default();
                bail!("{} did not start: {log}", self.asset);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap_or_default();
        let certificates = [read("cert.pem"), read("cluster/server.crt")].concat();
        let target = Target {
            host: self.address,
            port: self.port,
            trust: Trust { host_keys: read("host_key.pub").lines().map(str::to_owned).collect(), certificates },
            settings: self.settings,
            limits: Limits { connect: Duration::from_secs(60), step: Duration::from_secs(120), ..Limits::default() },
        };
        Ok(Server { asset: self.asset, platform: self.platform, target, login: self.login, _folder: folder, child })
    }
}

/// Starts them all, a few at a time.
pub(crate) async fn start_all(plans: Vec<Plan>) -> anyhow::Result<Vec<Server>> {
    use futures::stream::{StreamExt as _, TryStreamExt as _};
    futures::stream::iter(plans)
        .map(|plan| async { tokio::task::spawn_blocking(|| plan.start()).await.context("starting a server")? })
        .buffer_unordered(STARTING_MAX)
        .try_collect()
        .await
}

const STARTING_MAX: usize = 6;
