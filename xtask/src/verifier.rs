//! `cargo xtask static`: `postern-verify` built so that it runs on any machine, and tried there: alone in an
//! empty root, and by the end-to-end tests on what the product itself wrote.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};

use crate::run::{cargo, output, root, show};

/// The tests that call it.
const TESTS: [&str; 2] = ["outside::", "reports::"];

/// Builds it with musl where Rust has that, else with glibc's static libraries; fails unless it is static and
/// works by itself.
pub(crate) fn run() -> anyhow::Result<()> {
    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    let folder = output("rustc", &["--print", "target-libdir", "--target", &target])?;
    let has_musl = Path::new(folder.trim()).exists();
    let target = if has_musl { target } else { format!("{}-unknown-linux-gnu", std::env::consts::ARCH) };
    let built = build(&target, has_musl)?;
    let path = built.display().to_string();
    ensure!(!output("readelf", &["-lW", &path])?.contains("INTERP"), "{path} wants a loader: it is not static");
    ensure!(!output("readelf", &["-dW", &path])?.contains("(NEEDED)"), "{path} wants libraries: it is not static");
    alone(&built)?;
    show(&cargo(), &["build", "--locked", "--quiet", "--package", "postern"], &root(), &mut |_| {})?;
    let mut tests = Command::new(cargo());
    tests.args(["test", "--locked", "--package", "postern-e2e", "--test", "e2e", "--"]).args(TESTS);
    let ended = tests.env("POSTERN_VERIFY_BIN", &built).current_dir(root()).status()?;
    ensure!(ended.success(), "a test of it failed");
    println!("static target={target} bytes={} ok=true", std::fs::metadata(&built)?.len());
    Ok(())
}

fn build(target: &str, has_musl: bool) -> anyhow::Result<PathBuf> {
    let mut build = Command::new(cargo());
    build.args(["build", "--release", "--locked", "--package", "postern-verify", "--target", target]);
    if !has_musl {
        build.env("RUSTFLAGS", "-C target-feature=+crt-static");
    }
    ensure!(build.current_dir(root()).status()?.success(), "postern-verify cannot be built for {target}");
    Ok(root().join("target").join(target).join("release/postern-verify"))
}

/// Has it make a key where there is nothing but itself: no library, no device, no configuration.
fn alone(built: &Path) -> anyhow::Result<()> {
    let empty = tempfile::tempdir()?;
    std::fs::copy(built, empty.path().join("postern-verify"))?;
    let mut command = Command::new("chroot");
    command.arg(empty.path()).args(["/postern-verify", "witness-key", "witness.example.test", "--out", "/key"]);
    let ended = command.output().context("cannot run chroot, which needs root")?;
    if !ended.status.success() {
        bail!("alone in an empty root: {}", String::from_utf8_lossy(&ended.stderr));
    }
    Ok(())
}
