//! Programs that were run to their end.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::child::Child;
use crate::target::repository;
use crate::wait::within;

/// No program of a test takes longer.
const RUN_MAX: Duration = Duration::from_secs(120);

/// How a program ended and what it said.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The command line.
    pub shown: String,
    /// Its exit code; 128 and more stand for a signal.
    pub code: i32,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: String,
}

/// Runs a program without input.
///
/// # Errors
/// When it cannot be run or does not end.
pub fn run(command: &mut Command) -> anyhow::Result<Ran> {
    run_with_input(command, b"")
}

/// Runs a program with `input` on its standard input.
///
/// # Errors
/// When it cannot be run or does not end.
pub fn run_with_input(command: &mut Command, input: &[u8]) -> anyhow::Result<Ran> {
    let shown = shown(command);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Child::start(command)?;
    let process = child.process();
    let (stdin, stdout, stderr) = (process.stdin.take(), process.stdout.take(), process.stderr.take());
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // A program need not read its input to the end.
        let _ = stdin.map(|mut stdin| stdin.write_all(&input));
    });
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stdout.map(|mut stdout| stdout.read_to_end(&mut bytes));
        bytes
    });
    let errors = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stderr.map(|mut stderr| stderr.read_to_end(&mut bytes));
        bytes
    });
    let status = within(&format!("the end of {shown}"), RUN_MAX, || child.ended())?;
    let _ = writer.join();
    let code =
        status.code().unwrap_or_else(|| 128 + std::os::unix::process::ExitStatusExt::signal(&status).unwrap_or(0));
    let stdout = reader.join().unwrap_or_default();
    let stderr = String::from_utf8_lossy(&errors.join().unwrap_or_default()).into_owned();
    Ok(Ran { shown, code, stdout, stderr })
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

impl Ran {
    /// Its standard output, for people.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Everything that it said.
    #[must_use]
    pub fn said(&self) -> String {
        format!("{}{}", self.text(), self.stderr)
    }

    /// Itself, when it ended with this code.
    ///
    /// # Errors
    /// When it ended otherwise, with all that it said.
    pub fn ended(self, code: i32) -> anyhow::Result<Self> {
        if self.code != code {
            bail!("`{}` ended with {} instead of {code}:\n{}", self.shown, self.code, self.said());
        }
        Ok(self)
    }

    /// Itself, when it did what it was asked for.
    ///
    /// # Errors
    /// When it did not.
    pub fn ok(self) -> anyhow::Result<Self> {
        self.ended(0)
    }

    /// Its standard output as JSON, when it did what it was asked for.
    ///
    /// # Errors
    /// When it did not, or said no JSON.
    pub fn json(self) -> anyhow::Result<Value> {
        let ran = self.ok()?;
        serde_json::from_slice(&ran.stdout).with_context(|| format!("`{}` said no JSON: {}", ran.shown, ran.said()))
    }
}

/// Python with a driver of databases; none, with a word about it, where there is no such driver.
#[must_use]
pub fn python_with(driver: &str) -> Option<Command> {
    let own = repository().join("target/drivers/bin/python");
    let program = if own.exists() { own } else { "python3".into() };
    let imported = run(Command::new(&program).args(["-c", &format!("import {driver}")]));
    if imported.is_ok_and(|ran| ran.code == 0) {
        return Some(Command::new(program));
    }
    eprintln!("SKIPPED: there is no {driver} for Python (scripts/python-drivers.sh)");
    None
}
