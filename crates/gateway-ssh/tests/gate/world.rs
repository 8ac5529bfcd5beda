//! A target, the gate before it, and somebody who wants through.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;

use postern_domain::{Capability, SecretBytes};
use postern_gateway::{Sessions, SessionsOptions, StoredRecording};
use postern_gateway_ssh::{Config, Gateway, Limits};
use postern_wire::recording::FrameKind;
use russh::keys::{HashAlg, PrivateKey};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use crate::broker::{DATA_KEY, FakeBroker, Wishes};

pub(crate) struct World {
    pub(crate) broker: Arc<FakeBroker>,
    pub(crate) folder: TempDir,
    pub(crate) gate: SocketAddr,
    pub(crate) shutdown: CancellationToken,
    mounted: Option<PathBuf>,
    _sshd: Child,
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(at) = &self.mounted {
            let _ = std::process::Command::new("umount").arg("--lazy").arg(at).status();
        }
    }
}

/// What a command did.
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) out: Vec<u8>,
    pub(crate) err: String,
}

impl World {
    /// A world in which everything is allowed.
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}, |_| {}).await
    }

    /// A world in which only this is allowed.
    pub(crate) async fn allowing(capabilities: &[&str]) -> Self {
        let allowed =
            Capability::ALL.into_iter().filter(|capability| capabilities.contains(&capability.as_str())).collect();
        Self::with(|wishes| wishes.capabilities = allowed, |_| {}).await
    }

    /// Puts the recordings on a disk of 512 KiB; false where mounting is not allowed.
    pub(crate) fn shrink_disk(&mut self) -> bool {
        let at = self.path("recordings");
        let mount =
            std::process::Command::new("mount").args(["-t", "tmpfs", "-o", "size=512k", "postern"]).arg(&at).output();
        let mounted = mount.is_ok_and(|mount| mount.status.success());
        self.mounted = mounted.then_some(at);
        mounted
    }

    pub(crate) async fn with(wish: impl FnOnce(&mut Wishes), limit: impl FnOnce(&mut Limits)) -> Self {
        let folder = tempfile::Builder::new().prefix("postern-gate").tempdir().unwrap();
        let at = folder.path();
        fs::set_permissions(at, fs::Permissions::from_mode(0o700)).unwrap();
        fs::create_dir(at.join("recordings")).unwrap();
        let host_key = key(at, "host_key");
        let target_key = key(at, "target_key");
        let ben_key = key(at, "ben");
        let gate_key = key(at, "gate_key");
        key(at, "stranger");
        let gate_public = gate_key.public_key().to_openssh().unwrap();
        fs::copy(at.join("target_key.pub"), at.join("authorized_keys")).unwrap();
        let (sshd, port) = sshd(at).await;
        let mut wishes = Wishes {
            capabilities: Capability::ALL.into(),
            idle_seconds: None,
            refuse: None,
            factor: None,
            lasts_millis: 3_600_000,
            port,
            target_key: target_key.to_openssh(russh::keys::ssh_key::LineEnding::LF).unwrap().to_string(),
            account_password: None,
            pinned: host_key.public_key().to_openssh().unwrap(),
            fingerprint: ben_key.public_key().fingerprint(HashAlg::Sha256).to_string(),
        };
        wish(&mut wishes);
        let mut limits = Limits::default();
        limit(&mut limits);
        let broker = Arc::new(FakeBroker::new(wishes, at.join("recordings")));
        let sessions = Sessions::new(broker.clone(), SessionsOptions::default()).unwrap();
        let config = Config { host_keys: vec![gate_key], banner: None, limits };
        let gateway = Gateway::new(sessions, config).unwrap();
        let listener = Gateway::bind((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
        let gate = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        tokio::spawn(gateway.serve(listener, shutdown.clone()));
        let host_line = gate_public.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        fs::write(at.join("known_hosts"), format!("[127.0.0.1]:{} {host_line}\n", gate.port())).unwrap();
        fs::write(at.join("ssh_config"), ssh_config(at, gate, "ben")).unwrap();
        fs::write(at.join("strange_config"), ssh_config(at, gate, "stranger")).unwrap();
        Self { broker, folder, gate, shutdown, mounted: None, _sshd: sshd }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// One of OpenSSH's programs or one that uses it, set up to go through the gate. The host is `web`.
    pub(crate) fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        if matches!(program, "ssh" | "scp" | "sftp") {
            command.arg("-F").arg(self.path("ssh_config"));
        }
        command
            .args(args)
            .env_remove("SSH_AUTH_SOCK")
            .env_remove("DISPLAY")
            .env("GIT_SSH_COMMAND", format!("ssh -F {}", self.path("ssh_config").display()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    pub(crate) async fn run(&self, program: &str, args: &[&str]) -> Done {
        let output = self.command(program, args).output().await.unwrap();
        Done::from(output)
    }

    pub(crate) async fn ssh(&self, args: &[&str]) -> Done {
        self.run("ssh", args).await
    }

    /// Runs with this on its standard input.
    pub(crate) async fn run_with(&self, program: &str, args: &[&str], input: Vec<u8>) -> Done {
        let mut child = self.command(program, args).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let feed = tokio::spawn(async move {
            let _ = stdin.write_all(&input).await;
        });
        let output = child.wait_with_output().await.unwrap();
        feed.await.unwrap();
        Done::from(output)
    }

    /// What was recorded of the session with this number, after so many have ended.
    pub(crate) async fn frames(&self, number: u32) -> Vec<FrameKind<'static>> {
        self.broker.ended(number as usize + 1).await;
        let recording = StoredRecording::open(&self.broker.recording(number)).unwrap();
        let frames = recording.frames(&SecretBytes::new(DATA_KEY.to_vec())).unwrap();
        frames.map(|frame| frame.unwrap().into_owned().kind).collect()
    }
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: output.stdout,
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// What was recorded of a stream, pieced together.
pub(crate) fn text_of(frames: &[FrameKind<'_>], pick: impl Fn(&FrameKind<'_>) -> Option<Vec<u8>>) -> String {
    String::from_utf8_lossy(&frames.iter().filter_map(pick).flatten().collect::<Vec<_>>()).into_owned()
}

pub(crate) fn output_of(frames: &[FrameKind<'_>]) -> String {
    text_of(frames, |frame| match frame {
        FrameKind::Output { data, .. } => Some(data.to_vec()),
        _ => None,
    })
}

/// Reads until `wanted` has come.
pub(crate) async fn read_until(from: &mut (impl tokio::io::AsyncRead + Unpin), wanted: &str) -> String {
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = from.read(&mut buffer).await.unwrap();
        seen.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&seen);
        if text.contains(wanted) {
            return text.into_owned();
        }
        assert!(read > 0, "ended before {wanted:?}: {text}");
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Makes a key pair `name` and `name.pub`.
pub(crate) fn key(at: &Path, name: &str) -> PrivateKey {
    let path = at.join(name);
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"])
        .arg(&path)
        .status()
        .unwrap();
    assert!(made.success());
    PrivateKey::from_openssh(fs::read_to_string(path).unwrap()).unwrap()
}

async fn sshd(at: &Path) -> (Child, u16) {
    // Debian's sshd refuses to start as root without it.
    fs::create_dir_all("/run/sshd").unwrap();
    let port = free_port();
    let at_text = at.display();
    let config = format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {at_text}/host_key\nPidFile none\n\
         AuthorizedKeysFile {at_text}/authorized_keys\nStrictModes no\nUsePAM no\nPermitRootLogin yes\n\
         PasswordAuthentication no\nKbdInteractiveAuthentication no\nAcceptEnv LANG LC_* POSTERN_*\n\
         AllowTcpForwarding yes\nAllowAgentForwarding yes\nX11Forwarding yes\nMaxSessions 100\n\
         MaxStartups 200\nPrintMotd no\nPrintLastLog no\nSubsystem sftp internal-sftp\nLogLevel ERROR\n"
    );
    fs::write(at.join("sshd_config"), config).unwrap();
    let mut child = Command::new("/usr/sbin/sshd")
        .args(["-D", "-e", "-f"])
        .arg(at.join("sshd_config"))
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    loop {
        if tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_ok() {
            break;
        }
        if let Some(status) = child.try_wait().unwrap() {
            let mut text = String::new();
            let _ = stderr.read_line(&mut text).await;
            panic!("sshd ended with {status}: {text}");
        }
        tokio::task::yield_now().await;
    }
    (child, port)
}

fn ssh_config(at: &Path, gate: SocketAddr, identity: &str) -> String {
    let at = at.display();
    format!(
        "Host web\n  HostName 127.0.0.1\n  User root@web-1\nHost *\n  Port {}\n  IdentityFile {at}/{identity}\n\
         IdentitiesOnly yes\n  UserKnownHostsFile {at}/known_hosts\n  StrictHostKeyChecking yes\n\
         LogLevel INFO\n  ConnectTimeout 20\n  PreferredAuthentications publickey,keyboard-interactive\n\
         SendEnv POSTERN_*\n",
        gate.port()
    )
}

/// Bytes that no compressor shortens.
pub(crate) fn random_bytes(count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    std::io::Read::read_exact(&mut fs::File::open("/dev/urandom").unwrap(), &mut bytes).unwrap();
    bytes
}
