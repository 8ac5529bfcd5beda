//! Running programs on a server, as oneself or as root. Values travel by standard input only.

use postern_domain::SecretText;
use zeroize::Zeroizing;

use crate::login::{Login, Secret};
use crate::outcome::{Cause, Failure, Outcome, SignInError};
use crate::ssh::{Output, RunError, Ssh, quote};
use crate::target::Target;

/// Why a program has no result.
#[derive(Debug, thiserror::Error)]
pub enum ShellError {
    /// It was certainly not begun: not reached, not let in, not allowed.
    #[error(transparent)]
    NotBegun(Failure),
    /// It may have been, in part or as a whole.
    #[error("{0}")]
    Lost(Failure),
}

impl ShellError {
    /// What went wrong.
    #[must_use]
    pub fn failure(self) -> Failure {
        match self {
            Self::NotBegun(failure) | Self::Lost(failure) => failure,
        }
    }

    /// As the outcome of a change.
    pub fn outcome<T>(self) -> Outcome<T> {
        match self {
            Self::NotBegun(failure) => Outcome::NotApplied(failure),
            Self::Lost(failure) => Outcome::Unknown(failure),
        }
    }
}

impl From<RunError> for ShellError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::NotBegun(failure) => Self::NotBegun(failure),
            RunError::Lost(failure) => Self::Lost(failure),
        }
    }
}

impl From<SignInError> for ShellError {
    fn from(error: SignInError) -> Self {
        Self::NotBegun(error.failure())
    }
}

/// What a program gave back.
pub struct ShellOutput {
    /// Its exit status; None when a signal ended it.
    pub status: Option<u32>,
    /// What it wrote, wiped when dropped.
    pub stdout: Zeroizing<Vec<u8>>,
    /// What it complained of.
    pub stderr: String,
}

/// A signed-in connection to a server on which programs are run. The connection ends when it is dropped.
pub struct Shell {
    ssh: Ssh,
    is_root: bool,
    /// For sudo, where it asks.
    password: Option<SecretText>,
}

impl Shell {
    /// Signs in.
    ///
    /// # Errors
    /// When the target cannot be reached, is not the one it is known as, or does not take the secret.
    pub async fn open(target: &Target, by: &Login) -> Result<Self, ShellError> {
        Ok(Self::enter(target, by).await?)
    }

    /// As [`Shell::open`], telling a refused secret from everything else.
    pub(crate) async fn enter(target: &Target, by: &Login) -> Result<Self, SignInError> {
        let ssh = Ssh::sign_in(target, &by.account, &by.secret, false).await?;
        let password = by.elevate.clone().or_else(|| match &by.secret {
            Secret::Password(password) => Some(password.clone()),
            _ => None,
        });
        Ok(Self { ssh, is_root: by.account.as_str() == "root", password })
    }

    /// Runs a program as the account that signed in. Nothing in `argv` may be secret.
    ///
    /// # Errors
    /// When it was not run, or it is not known what became of it.
    pub async fn run(&self, argv: &[&str], stdin: &[u8]) -> Result<ShellOutput, ShellError> {
        Ok(self.plain(argv, stdin).await?.into())
    }

    /// Runs a program as root: directly, or by sudo, which is given the password only when it asks.
    /// Nothing in `argv` may be secret.
    ///
    /// # Errors
    /// When it was not run, or it is not known what became of it.
    pub async fn run_as_root(&self, argv: &[&str], stdin: &[u8]) -> Result<ShellOutput, ShellError> {
        Ok(self.root(argv, stdin).await?.into())
    }

    /// Puts a file in the place of another or of none, as root: written beside it, flushed, renamed.
    /// Gives back what the file held before; None when there was none.
    ///
    /// # Errors
    /// As [`Shell::run_as_root`], and when the file cannot be written.
    pub async fn put_file(
        &self,
        path: &str,
        owner: &str,
        group: &str,
        mode: u32,
        content: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>, ShellError> {
        let before = self.root(&["sh", "-c", READ_FILE, "sh", path], &[]).await?;
        let before = match before.status {
            Some(0) => Some(before.stdout),
            Some(NO_FILE) => None,
            _ => return Err(ShellError::NotBegun(Failure::new(Cause::Forbidden, before.complaint()))),
        };
        let mode = format!("{mode:04o}");
        let done = self.root(&["sh", "-c", WRITE_FILE, "sh", path, owner, group, &mode], content).await?;
        match done.status {
            Some(0) => Ok(before),
            Some(_) => Err(ShellError::NotBegun(Failure::new(Cause::Forbidden, done.complaint()))),
            None => Err(ShellError::Lost(Failure::new(Cause::Protocol, "writing the file was interrupted"))),
        }
    }

    /// Takes a file away, as root. One that is not there is gone already.
    ///
    /// # Errors
    /// As [`Shell::run_as_root`].
    pub async fn remove_file(&self, path: &str) -> Result<(), ShellError> {
        let done = self.root(&["rm", "-f", "--", path], &[]).await?;
        if done.succeeded() {
            Ok(())
        } else {
            Err(ShellError::NotBegun(Failure::new(Cause::Forbidden, done.complaint())))
        }
    }

    pub(crate) async fn plain(&self, argv: &[&str], stdin: &[u8]) -> Result<Output, RunError> {
        self.ssh.run(&line(argv), stdin).await
    }

    pub(crate) async fn root(&self, argv: &[&str], stdin: &[u8]) -> Result<Output, RunError> {
        if self.is_root {
            return self.plain(argv, stdin).await;
        }
        let command = line(argv);
        let first = self.ssh.run(&format!("sudo -n -- {command}"), stdin).await?;
        if !refused_by_sudo(&first) {
            return Ok(first);
        }
        let Some(password) = &self.password else {
            return Err(RunError::NotBegun(Failure::new(Cause::Forbidden, first.complaint())));
        };
        // A program that sudo did not refuse a moment ago reads everything; sudo takes its own line first.
        let mut input = Zeroizing::new(Vec::with_capacity(password.expose().len() + 1 + stdin.len()));
        input.extend_from_slice(password.expose().as_bytes());
        input.push(b'\n');
        input.extend_from_slice(stdin);
        let second = self.ssh.run(&format!("sudo -k -S -p '' -- {command}"), &input).await?;
        if refused_by_sudo(&second) {
            return Err(RunError::NotBegun(Failure::new(Cause::Forbidden, second.complaint())));
        }
        Ok(second)
    }

    pub(crate) async fn close(self) {
        self.ssh.close().await;
    }
}

impl From<Output> for ShellOutput {
    fn from(output: Output) -> Self {
        let Output { status, stdout, stderr } = output;
        Self { status, stdout, stderr }
    }
}

fn line(argv: &[&str]) -> String {
    argv.iter().map(|argument| quote(argument)).collect::<Vec<_>>().join(" ")
}

/// Whether it was sudo that said no, before it ran anything. Its words depend on the language, what it
/// begins them with does not; whether somebody may run the program at all is said without its name.
fn refused_by_sudo(output: &Output) -> bool {
    output.status == Some(1)
        && output.stdout.is_empty()
        && output
            .stderr
            .lines()
            .any(|line| line.starts_with("sudo:") || line.starts_with("Sorry, ") || line.contains("sudoers"))
}

const NO_FILE: u32 = 44;
const READ_FILE: &str = r#"[ -e "$1" ] || exit 44; exec cat -- "$1""#;
const WRITE_FILE: &str = r#"set -e; umask 077
new=$1.postern-new
rm -f -- "$new"
cat >"$new"
chown -- "$2:$3" "$new"
chmod -- "$4" "$new"
sync "$new" 2>/dev/null || sync
mv -f -- "$new" "$1""#;
