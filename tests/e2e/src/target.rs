//! A real OpenSSH server on a small machine of its own.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use crate::child::Child;
use crate::ran::run;
use crate::wait::{free_port, until};

/// The account with a password on every target, and that password.
const PASSWORD_ACCOUNT: (&str, &str) = ("deploy", "Horse:battery staple 9");

/// A small machine with an OpenSSH server. Its accounts are `root` and `build`, which have no password,
/// and `deploy`, which has one; all can be signed in to with [`Self::key`].
pub struct SshTarget {
    folder: TempDir,
    port: u16,
    name: String,
    child: Option<Child>,
}

impl SshTarget {
    /// Starts one.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start(name: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = folder.path();
        fs::write(path.join("accounts"), format!("root:\nbuild:\n{}:{}\n", PASSWORD_ACCOUNT.0, PASSWORD_ACCOUNT.1))?;
        run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path.join("key")))?.ok()?;
        fs::copy(path.join("key.pub"), path.join("authorized_keys"))?;
        let mut target = Self { folder, port: free_port()?, name: name.to_owned(), child: None };
        target.resume()?;
        Ok(target)
    }

    /// Starts it again on the same port.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn resume(&mut self) -> anyhow::Result<()> {
        let script = repository().join("scripts/ssh-target.sh");
        let mut command = Command::new("bash");
        command.arg(script).arg(self.folder.path()).arg(self.port.to_string()).arg(&self.name);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = Child::start(&mut command)?;
        let address = (std::net::Ipv4Addr::LOCALHOST, self.port);
        let up = until("the SSH target", || match child.ended()? {
            Some(status) => bail!("scripts/ssh-target.sh: {status}"),
            None => Ok(TcpStream::connect(address).ok()),
        });
        if up.is_err() {
            let log = fs::read_to_string(self.folder.path().join("sshd.log")).unwrap_or_default();
            up.with_context(|| log)?;
        }
        self.child = Some(child);
        Ok(())
    }

    /// Takes it down, and waits until nothing listens any more: the kernel ends what was in its
    /// namespaces a moment after the process that held them.
    pub fn stop(&mut self) {
        self.child = None;
        let address = (std::net::Ipv4Addr::LOCALHOST, self.port);
        let _ = until("the SSH target to be gone", || Ok(TcpStream::connect(address).is_err().then_some(())));
    }

    /// The process that everything on it hangs on; 0 while it is down.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// The password of `deploy`.
    #[must_use]
    pub fn password(&self) -> &'static str {
        PASSWORD_ACCOUNT.1
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

    /// A private key that opens its accounts directly.
    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("key")
    }

    /// Its host key, one line.
    ///
    /// # Errors
    /// When it has none.
    pub fn host_key(&self) -> anyhow::Result<String> {
        Ok(fs::read_to_string(self.folder.path().join("host_key.pub"))?.trim().to_owned())
    }

    /// Gives it another host key; to be called while it is down.
    ///
    /// # Errors
    /// When the old one cannot be removed.
    pub fn forget_host_key(&self) -> anyhow::Result<()> {
        fs::remove_file(self.folder.path().join("host_key"))?;
        fs::remove_file(self.folder.path().join("host_key.pub"))?;
        Ok(())
    }

    /// Lets it trust the user certificates that this authority signs.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn trust(&self, authority: &str) -> anyhow::Result<()> {
        Ok(fs::write(self.folder.path().join("user_ca.pub"), authority)?)
    }

    /// What its SSH server said.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("sshd.log")).unwrap_or_default()
    }

    /// OpenSSH's client, straight to an account on it.
    #[must_use]
    pub fn ssh(&self, account: &str) -> Command {
        let mut command = Command::new("ssh");
        command.args(["-F", "none", "-o", "StrictHostKeyChecking=accept-new", "-o", "BatchMode=yes"]);
        command.args(["-o", "IdentitiesOnly=yes", "-o", "LogLevel=ERROR", "-i"]).arg(self.key());
        command.arg("-o").arg(format!("UserKnownHostsFile={}", self.folder.path().join("known_hosts").display()));
        command.args(["-p", &self.port.to_string(), &format!("{account}@127.0.0.1")]);
        command
    }
}

/// The root of the checkout.
#[must_use]
pub fn repository() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here)
}
