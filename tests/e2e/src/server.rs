//! A real server of one of `scripts/*-target.sh`.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use crate::child::Child;
use crate::ran::{Ran, run};
use crate::target::repository;
use crate::wait::{free_port, until};

/// A server with a folder and a port of its own, gone when dropped.
pub struct Server {
    folder: TempDir,
    port: u16,
    // Ends with this.
    _child: Child,
}

impl Server {
    /// Starts a script with these files in its folder. `address` is what the script takes between the
    /// folder and the port; it is up when the file `ready` is there and it listens.
    ///
    /// # Errors
    /// When it does not come up, with what it wrote.
    pub fn start(script: &str, files: &[(&str, &str)], address: &[&str], ready: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        for (name, content) in files {
            fs::write(folder.path().join(name), content)?;
        }
        let port = free_port()?;
        let mut command = Command::new("bash");
        command.arg(repository().join("scripts").join(script)).arg(folder.path()).args(address).arg(port.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = Child::start(&mut command)?;
        until(script, || match child.ended()? {
            Some(status) => bail!("{script}: {status}\n{}", logs(folder.path())),
            None if !folder.path().join(ready).exists() => Ok(None),
            None => Ok(TcpStream::connect((std::net::Ipv4Addr::LOCALHOST, port)).ok().map(drop)),
        })
        .with_context(|| logs(folder.path()))?;
        Ok(Self { folder, port, _child: child })
    }

    /// A Unix-like server with sudo; `setup` runs on it as root before it starts. It trusts certificates of
    /// the authority that is in its `user_ca.pub`.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn unix(setup: &str) -> anyhow::Result<Self> {
        let files = [("setup", setup), ("sshd_config", "TrustedUserCAKeys /mnt/user_ca.pub\n"), ("user_ca.pub", "")];
        Self::start("unix-target.sh", &files, &["127.0.0.1"], "ready")
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `127.0.0.1:port`
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A file of its folder.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self, name: &str) -> anyhow::Result<String> {
        Ok(fs::read_to_string(self.folder.path().join(name))?)
    }

    /// OpenSSH's client, straight to an account on it, with a password.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn ssh_by_password(&self, account: &str, password: &str, command: &str) -> anyhow::Result<Ran> {
        let ask = self.folder.path().join("askpass");
        fs::write(&ask, "#!/bin/sh\nprintf '%s\\n' \"$POSTERN_ANSWER\"\n")?;
        fs::set_permissions(&ask, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        let mut ssh = self.ssh();
        ssh.args(["-o", "PubkeyAuthentication=no", "-o", "NumberOfPasswordPrompts=1"]);
        ssh.arg(format!("{account}@127.0.0.1")).arg(command);
        ssh.env("SSH_ASKPASS", &ask).env("SSH_ASKPASS_REQUIRE", "force").env("POSTERN_ANSWER", password);
        run(&mut ssh)
    }

    /// The same with a private key.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn ssh_by_key(&self, account: &str, key: &str, command: &str) -> anyhow::Result<Ran> {
        let file = tempfile::NamedTempFile::new()?;
        fs::write(file.path(), format!("{}\n", key.trim_end()))?;
        fs::set_permissions(file.path(), std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        let mut ssh = self.ssh();
        ssh.args(["-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-i"]).arg(file.path());
        ssh.arg(format!("{account}@127.0.0.1")).arg(command);
        run(&mut ssh)
    }

    fn ssh(&self) -> Command {
        let mut ssh = Command::new("ssh");
        ssh.args(["-F", "none", "-o", "StrictHostKeyChecking=accept-new", "-o", "LogLevel=ERROR", "-o"]);
        ssh.arg(format!("UserKnownHostsFile={}", self.folder.path().join("known_hosts").display()));
        ssh.args(["-p", &self.port.to_string()]);
        ssh
    }
}

/// The ends of all logs in a folder.
fn logs(folder: &Path) -> String {
    let mut told = String::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "log") {
            let text = fs::read_to_string(entry.path()).unwrap_or_default();
            let lines: Vec<_> = text.lines().collect();
            let last = lines.get(lines.len().saturating_sub(30)..).unwrap_or_default().join("\n");
            told.push_str(&format!("{}:\n{last}\n", entry.path().display()));
        }
    }
    told
}
