//! Processes that do not outlive the harness.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{ChildStdin, Command, ExitStatus, Stdio};

use anyhow::Context as _;

/// A process of ours. It is killed when this is dropped, and also when the harness itself is killed:
/// a guard waits for the end of its standard input.
pub struct Child {
    process: std::process::Child,
    guard: Option<(std::process::Child, ChildStdin)>,
}

impl Child {
    /// Starts it, in a process group of its own.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(command: &mut Command) -> anyhow::Result<Self> {
        let shown = format!("{command:?}");
        let process = command.process_group(0).spawn().with_context(|| format!("cannot start {shown}"))?;
        let mut guard = Command::new("sh")
            .args(["-c", "read go; [ -n \"$go\" ] || kill -9 -$0", &process.id().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let line = guard.stdin.take();
        Ok(Self { process, guard: line.map(|line| (guard, line)) })
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What its standard streams are, where they are pipes.
    pub fn process(&mut self) -> &mut std::process::Child {
        &mut self.process
    }

    /// Sends it a signal by name.
    ///
    /// # Errors
    /// When it cannot be sent.
    pub fn signal(&self, name: &str) -> anyhow::Result<()> {
        Command::new("kill").args(["-s", name, &self.id().to_string()]).status()?;
        Ok(())
    }

    /// Whether it has ended, and how.
    ///
    /// # Errors
    /// When that cannot be found out.
    pub fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.process.try_wait()?)
    }

    /// Kills it and whatever it started, as `kill -9` does.
    pub fn kill(&mut self) {
        if let Ok(None) = self.process.try_wait() {
            let group = format!("-{}", self.process.id());
            let _ = Command::new("kill").args(["-s", "KILL", "--", &group]).stderr(Stdio::null()).status();
            let _ = self.process.wait();
        }
        if let Some((mut guard, mut line)) = self.guard.take() {
            let _ = line.write_all(b"done\n");
            drop(line);
            let _ = guard.wait();
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}
