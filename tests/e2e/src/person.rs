//! Somebody who works with Postern through the clients that they have.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, anyhow};
use serde_json::{Value, json};
use tempfile::TempDir;
use totp_rs::{Algorithm, Builder, Secret};

use crate::gate::{Gate, binary};
use crate::ran::{Ran, run, run_with_input};
use crate::wait::until;

const STEP_SECONDS: u64 = 30;
/// How long a code is on its way at most.
const LATE_SECONDS: u64 = 10;

/// A person with a password, a generator of one-time codes, an SSH key, and a command line.
pub struct Person {
    /// Sign-in name.
    pub name: String,
    /// Password.
    pub password: String,
    folder: TempDir,
    secret: String,
    /// The step of the code that was used last: no code counts twice.
    used: Mutex<u64>,
}

impl Person {
    /// The first administrator, of what `postern setup` showed.
    ///
    /// # Errors
    /// When no secret was shown.
    pub fn of_setup(name: &str, password: &str, shown: &Value) -> anyhow::Result<Self> {
        let secret = shown.get("totp_secret").and_then(Value::as_str).context("no TOTP secret was shown")?;
        Self::new(name, password, secret, 0)
    }

    /// Enrols by a one-time link, as its page in the console does.
    ///
    /// # Errors
    /// When the link does not work.
    pub fn enrol(gate: &Gate, name: &str, link: &str) -> anyhow::Result<Self> {
        let token = link.rsplit('/').next().unwrap_or_default();
        let path = format!("/v1/links/{token}");
        let offered = gate.call("GET", &path, None)?;
        let secret = offered.pointer("/totp/secret").and_then(Value::as_str).context("the link offers no secret")?;
        let person = Self::new(name, &format!("{name} likes long passwords"), secret, 0)?;
        let body = json!({ "password": person.password, "code": person.code()? });
        gate.call("POST", &path, Some(&body))?;
        Ok(person)
    }

    fn new(name: &str, password: &str, secret: &str, used: u64) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let key = folder.path().join("key");
        run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(&key))?.ok()?;
        let (name, password, secret) = (name.to_owned(), password.to_owned(), secret.to_owned());
        Ok(Self { name, password, folder, secret, used: Mutex::new(used) })
    }

    /// A one-time code that counts: of a step not used yet, and of now, just before or just after.
    ///
    /// # Errors
    /// When the secret is none.
    pub fn code(&self) -> anyhow::Result<String> {
        let mut used = self.used.lock().map_err(|_| anyhow!("poisoned"))?;
        let step = until("a fresh one-time code", || {
            let seconds = seconds_now()?;
            // The code of the step before is taken as long as it counts for some time yet.
            let step = (*used + 1).max(seconds.saturating_sub(STEP_SECONDS - LATE_SECONDS) / STEP_SECONDS);
            Ok((step <= seconds / STEP_SECONDS + 1).then_some(step))
        })?;
        *used = step;
        self.code_of(step)
    }

    /// The code that was given last, which must not count again.
    ///
    /// # Errors
    /// When the secret is none.
    pub fn used_code(&self) -> anyhow::Result<String> {
        let used = *self.used.lock().map_err(|_| anyhow!("poisoned"))?;
        self.code_of(used)
    }

    /// The code of a step that is long over or far ahead, counted from now.
    ///
    /// # Errors
    /// When the secret is none.
    pub fn code_at(&self, steps: i64) -> anyhow::Result<String> {
        self.code_of(step_now()?.saturating_add_signed(steps))
    }

    fn code_of(&self, step: u64) -> anyhow::Result<String> {
        let secret = Secret::try_from_base32(&self.secret).map_err(|error| anyhow!("the secret: {error}"))?;
        let generator = Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(6)
            .with_step_duration(STEP_SECONDS)
            .with_secret(secret)
            .build()
            .map_err(|error| anyhow!("the generator: {error}"))?;
        Ok(generator.generate(step * STEP_SECONDS).to_string())
    }

    /// Where this person keeps files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Their private SSH key; the public one lies beside it.
    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("key")
    }

    /// Runs the command line as this person.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn cli(&self, arguments: &[&str]) -> anyhow::Result<Ran> {
        self.cli_with(arguments, "")
    }

    /// Runs the command line as this person with something on its standard input.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn cli_with(&self, arguments: &[&str], input: &str) -> anyhow::Result<Ran> {
        run_with_input(&mut self.command(arguments)?, input.as_bytes())
    }

    /// The command line of this person, to be started.
    ///
    /// # Errors
    /// When there is no binary.
    pub fn command(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        let mut command = Command::new(binary()?);
        command.args(arguments).env("POSTERN_CONFIG_DIR", self.folder.path().join("config"));
        Ok(command)
    }

    /// Signs in at the command line.
    ///
    /// # Errors
    /// When it is refused.
    pub fn sign_in(&self, gate: &Gate) -> anyhow::Result<()> {
        let (url, ca) = (gate.url(), gate.ca().display().to_string());
        let code = self.code()?;
        let arguments =
            ["login", "--server", &url, "--ca", &ca, "--user", &self.name, "--password-stdin", "--otp", &code];
        self.cli_with(&arguments, &self.password)?.ok()?;
        Ok(())
    }

    /// Registers their SSH key; they are signed in.
    ///
    /// # Errors
    /// When it is refused.
    pub fn register_key(&self) -> anyhow::Result<()> {
        let public = self.key().with_extension("pub").display().to_string();
        self.cli(&["ssh-key", "add", &public])?.ok()?;
        Ok(())
    }

    /// OpenSSH's options for going through the gate with this person's key: `ssh`, `scp` and `sftp`
    /// take them. It never asks anything.
    #[must_use]
    pub fn options(&self) -> Vec<String> {
        let known = self.folder.path().join("known_hosts");
        let mut options = vec!["-F".to_owned(), "none".to_owned(), "-i".to_owned(), self.key().display().to_string()];
        let settings = [
            "IdentitiesOnly=yes".to_owned(),
            "StrictHostKeyChecking=accept-new".to_owned(),
            format!("UserKnownHostsFile={}", known.display()),
            "BatchMode=yes".to_owned(),
            "LogLevel=ERROR".to_owned(),
            "ControlPath=none".to_owned(),
        ];
        options.extend(settings.into_iter().flat_map(|setting| ["-o".to_owned(), setting]));
        options
    }

    /// OpenSSH's client on its way to an account: `root@web-1`.
    #[must_use]
    pub fn ssh(&self, gate: &Gate, account: &str) -> Command {
        let mut command = Command::new("ssh");
        command.args(self.options()).args(["-p", gate.ssh_port(), &format!("{account}@127.0.0.1")]);
        command
    }

    /// The same, with somebody at the keyboard who answers every question with `answer`.
    ///
    /// # Errors
    /// When the answer cannot be prepared.
    pub fn ssh_answering(&self, gate: &Gate, account: &str, answer: &str) -> anyhow::Result<Command> {
        let ask = self.folder.path().join("askpass");
        fs::write(&ask, "#!/bin/sh\nprintf '%s\\n' \"$POSTERN_ANSWER\"\n")?;
        fs::set_permissions(&ask, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        let mut command = Command::new("ssh");
        command.args(["-o", "BatchMode=no", "-o", "NumberOfPasswordPrompts=1"]);
        command.args(self.options()).args(["-p", gate.ssh_port(), &format!("{account}@127.0.0.1")]);
        command.env("SSH_ASKPASS", &ask).env("SSH_ASKPASS_REQUIRE", "force").env("POSTERN_ANSWER", answer);
        Ok(command)
    }

    /// Proves a second factor over SSH, so that sessions with this key go on without being asked for
    /// as long as policy allows.
    ///
    /// # Errors
    /// When it is refused.
    pub fn prove_factor(&self, gate: &Gate, account: &str) -> anyhow::Result<()> {
        let code = self.code()?;
        run(self.ssh_answering(gate, account, &code)?.arg("true"))?.ok()?;
        Ok(())
    }
}

fn step_now() -> anyhow::Result<u64> {
    Ok(seconds_now()? / STEP_SECONDS)
}

fn seconds_now() -> anyhow::Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())
}
