//! Starting servers, and short ways to say what a test says often.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use postern_connectors::{Connector, Coverage, Limits, Login, Secret, Settings, Survey, Target, Trust};
use postern_domain::discovery::{Observation, Privilege};
use postern_domain::{AccountName, GrantId, SecretBytes, SecretText, Timestamp};
use tokio::sync::mpsc;

/// A server of one of `scripts/*-target.sh`, gone when dropped.
pub(crate) struct Server {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) port: u16,
    child: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Server {
    /// Starts `scripts/SCRIPT DIR 127.0.0.1 PORT` with these files in DIR, and waits until it says that
    /// it is ready and listens.
    pub(crate) fn start(script: &str, files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            std::fs::write(dir.path().join(name), content).unwrap();
        }
        Self::spawn(script, dir, &["127.0.0.1"], "ready")
    }

    /// Starts PostgreSQL with `postgres` (`Pg-Super.1`) and `app_admin` (`App-Start.1`).
    pub(crate) fn postgres() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("passwords"), "postgres:Pg-Super.1\napp_admin:App-Start.1\n").unwrap();
        let server = Self::spawn("pg-target.sh", dir, &[], "cluster/ready");
        std::fs::copy(server.dir.path().join("cluster/server.crt"), server.dir.path().join("cert.pem")).unwrap();
        server
    }

    fn spawn(script: &str, dir: tempfile::TempDir, address: &[&str], ready: &str) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new(root().join("scripts").join(script))
            .arg(dir.path())
            .args(address)
            .arg(port.to_string())
            .env("DIE_WITH_PARENT", "1")
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut server = Self { dir, port, child };
        let until = Instant::now() + Duration::from_secs(60);
        while !(server.dir.path().join(ready).exists() && std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()) {
            let ended = server.child.try_wait().unwrap();
            let is_over = ended.is_some() || Instant::now() > until;
            assert!(!is_over, "{script} did not start: {ended:?}\n{}", server.logs());
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    /// Runs SQL as `postgres`, by the server's own client.
    pub(crate) fn psql(&self, database: &str, sql: &str) {
        let port = self.port.to_string();
        let mut psql = Command::new("psql");
        psql.args(["-qX", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "postgres", "-p", &port, "-d", database]);
        for statement in sql.split(';') {
            psql.args(["-c", statement]);
        }
        let output = psql.env("PGPASSWORD", "Pg-Super.1").env("PGSSLMODE", "require").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Runs SQL as `root`, by the server's own client.
    pub(crate) fn mariadb(&self, sql: &str) {
        let mut client = Command::new("mariadb");
        client.args([
            "--no-defaults",
            "-h",
            "127.0.0.1",
            "-u",
            "root",
            "--ssl",
            "-P",
            &self.port.to_string(),
            "-e",
            sql,
        ]);
        let output = client.env("MYSQL_PWD", "Maria-Super.1").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.path().join(name)).unwrap_or_default()
    }

    /// All that the server logged.
    pub(crate) fn logs(&self) -> String {
        let files = std::fs::read_dir(self.dir.path()).unwrap().flatten();
        let logs = files.filter(|file| file.path().extension().is_some_and(|end| end == "log"));
        logs.map(|file| std::fs::read_to_string(file.path()).unwrap_or_default()).collect()
    }

    pub(crate) fn target(&self) -> Target {
        let host_keys = self.read("host_key.pub").lines().map(str::to_owned).collect();
        Target {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            trust: Trust { host_keys, certificates: self.read("cert.pem") },
            settings: Settings::default(),
            limits: Limits { connect: Duration::from_secs(20), ..Limits::default() },
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

pub(crate) fn name(text: &str) -> AccountName {
    text.parse().unwrap()
}

pub(crate) fn password(text: &str) -> Secret {
    Secret::Password(SecretText::new(text.to_owned()))
}

pub(crate) fn login(account: &str, text: &str) -> Login {
    Login::new(name(account), password(text))
}

pub(crate) fn grant(n: u8) -> GrantId {
    GrantId::generate(Timestamp::from_millis(1_764_000_000_000), [0, 0, 0, n])
}

/// A new key pair: the private key, and the public one on a line.
pub(crate) fn key_pair() -> (Secret, String) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    let made =
        Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"]).arg(&file).status();
    assert!(made.unwrap().success());
    let text = std::fs::read_to_string(&file).unwrap();
    let public = std::fs::read_to_string(file.with_extension("pub")).unwrap();
    (Secret::SshKey(SecretText::new(text)), public.trim().to_owned())
}

pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
}

pub(crate) fn survey() -> Survey {
    Survey { accounts_max: 10_000, digest_key: SecretBytes::new(vec![7; 32]), now: now() }
}

/// All that is found, by name.
pub(crate) async fn discover(connector: &dyn Connector, target: &Target, by: &Login) -> (Vec<Observation>, Coverage) {
    let (tx, mut rx) = mpsc::channel(4);
    let survey = survey();
    let collect = async {
        let mut all = Vec::new();
        while let Some(observation) = rx.recv().await {
            all.push(observation);
        }
        all.sort_by(|a: &Observation, b| a.name.cmp(&b.name));
        all
    };
    let look = async {
        let coverage = connector.discover(target, by, &survey, &tx).await;
        drop(tx);
        coverage
    };
    let (coverage, all) = tokio::join!(look, collect);
    (all, coverage.unwrap())
}

pub(crate) fn names(all: &[Observation]) -> Vec<&str> {
    all.iter().map(|observation| observation.name.as_str()).collect()
}

pub(crate) fn of<'a>(all: &'a [Observation], name: &str) -> &'a Observation {
    all.iter().find(|observation| observation.name == name).unwrap_or_else(|| panic!("{name} was not found"))
}

pub(crate) fn is_privileged_by(all: &[Observation], name: &str, why: impl Fn(&Privilege) -> bool) -> bool {
    of(all, name).privileges.iter().any(why)
}
