//! Running other programs from the root of the tree.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// The cargo that runs this.
pub(crate) fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

/// Runs a program to its end and gives what it printed, line by line as it comes, to `see` as well as
/// to our own standard output.
pub(crate) fn show(program: &str, arguments: &[&str], folder: &Path, see: &mut dyn FnMut(&str)) -> anyhow::Result<()> {
    let shown = format!("{program} {}", arguments.join(" "));
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {shown}"))?;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            println!("{line}");
            see(&line);
        }
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("{shown}: {status}");
    }
    Ok(())
}

/// Builds `packages`, runs the end-to-end tests whose names begin with `tests`, and gives the line of what they
/// counted, which begins with `beginning`.
///
/// # Errors
/// When a test fails, after the line was printed; or when there is no such line.
pub(crate) fn counted(packages: &[&str], tests: &str, beginning: &str) -> anyhow::Result<String> {
    let mut build = vec!["build", "--locked", "--quiet"];
    build.extend(packages.iter().flat_map(|package| ["--package", package]));
    show(&cargo(), &build, &root(), &mut |_| {})?;
    let test = ["test", "--locked", "--package", "postern-e2e", "--test", "e2e", "--", "--nocapture", tests];
    let mut counted = None;
    let ended = show(&cargo(), &test, &root(), &mut |line| {
        if counted.is_none() {
            counted = line.find(beginning).and_then(|at| line.get(at..)).map(|line| line.trim_end().to_owned());
        }
    });
    let Some(line) = counted else {
        ended?;
        bail!("{tests}: nothing was counted");
    };
    println!("{line}");
    ensure!(ended.is_ok(), "{tests}: a test failed");
    Ok(line)
}

/// Runs a program to its end and gives its standard output.
pub(crate) fn output(program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let shown = format!("{program} {}", arguments.join(" "));
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run {shown}"))?;
    if !output.status.success() {
        bail!("{shown}: {}", output.status);
    }
    Ok(String::from_utf8(output.stdout)?)
}
