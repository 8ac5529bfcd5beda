//! `cargo xtask fuzz`: runs the fuzz targets, each for a while.
//!
//! What cargo-fuzz does, with nothing but a nightly compiler: instrumented builds of `fuzz/`, run with the
//! committed corpus. What is found new is kept under `target/fuzz`, and so is what breaks a target.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};

use crate::run::root;

/// How long each target runs unless told otherwise.
const SECONDS: u64 = 60;
/// What the instrumentation consists of, as cargo-fuzz has it.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
                     -Cllvm-args=-sanitizer-coverage-trace-compares -Zsanitizer=address -Ccodegen-units=1";
/// Memory that one input may take, in MiB, and how long it may take, in seconds.
const LIMITS: [&str; 2] = ["-rss_limit_mb=2048", "-timeout=20"];

/// Runs targets, given after how many seconds each may take; all of them unless some are named.
pub(crate) fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let (seconds, named) = match arguments.split_first() {
        Some((first, rest)) => (first.parse().with_context(|| format!("{first} is no number of seconds"))?, rest),
        None => (SECONDS, &[][..]),
    };
    let known = targets()?;
    if let Some(unknown) = named.iter().find(|name| !known.iter().any(|known| known == *name)) {
        bail!("there is no target {unknown}; there are {}", known.join(", "));
    }
    let wanted: Vec<_> = known.iter().filter(|known| named.is_empty() || named.contains(&known.as_str())).collect();
    let binaries = build()?;
    let (mut executions, mut broken) = (0, Vec::new());
    for target in &wanted {
        let ran = fuzz(&binaries, target, seconds)?;
        println!("{target}: {} executions{}", ran.executions, if ran.held { "" } else { ", BROKEN" });
        executions += ran.executions;
        if !ran.held {
            broken.push(target.as_str());
        }
    }
    println!("targets={} seconds_each={seconds} executions={executions} broken={}", wanted.len(), broken.len());
    ensure!(broken.is_empty(), "broken: {}; see target/fuzz/found", broken.join(", "));
    Ok(())
}

/// The names of all targets.
fn targets() -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root().join("fuzz/fuzz_targets"))? {
        names.extend(entry?.path().file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

/// Builds all targets; gives the folder that they are in.
fn build() -> anyhow::Result<std::path::PathBuf> {
    let version = Command::new("rustc").args(["+nightly", "-vV"]).output().context("cannot run rustup's rustc")?;
    let said = String::from_utf8_lossy(&version.stdout).into_owned();
    let machine = said.lines().find_map(|line| line.strip_prefix("host: "));
    let machine = machine.context("no nightly compiler: rustup toolchain install nightly")?;
    let folder = root().join("target/fuzz");
    let mut build = Command::new("cargo");
    // With the machine named, only what runs there is instrumented, and no build script.
    build.args(["+nightly", "build", "--release", "--locked", "--bins", "--target", machine]);
    build.current_dir(root().join("fuzz")).env("CARGO_TARGET_DIR", &folder).env("RUSTFLAGS", FLAGS);
    // The compiler that runs this is another one.
    for name in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN"] {
        build.env_remove(name);
    }
    ensure!(build.status()?.success(), "the fuzz targets cannot be built");
    Ok(folder.join(machine).join("release"))
}

struct Fuzzed {
    executions: u64,
    held: bool,
}

fn fuzz(binaries: &Path, target: &str, seconds: u64) -> anyhow::Result<Fuzzed> {
    let (found, broke) =
        (root().join("target/fuzz/corpus").join(target), root().join("target/fuzz/found").join(target));
    fs::create_dir_all(&found)?;
    fs::create_dir_all(&broke)?;
    let mut command = Command::new(binaries.join(target));
    command.arg(format!("-max_total_time={seconds}")).arg("-print_final_stats=1").args(LIMITS);
    command.arg(format!("-artifact_prefix={}/", broke.display()));
    command.arg(&found).arg(root().join("fuzz/corpus").join(target));
    let ran = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {target}"))?;
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    if !ran.status.success() {
        let lines: Vec<_> = said.lines().collect();
        eprintln!("{}", lines.get(lines.len().saturating_sub(40)..).unwrap_or_default().join("\n"));
    }
    let count = said.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    let executions = count.and_then(|count| count.trim().parse().ok()).unwrap_or(0);
    Ok(Fuzzed { executions, held: ran.status.success() })
}
