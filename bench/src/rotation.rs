//! Rotations each second, against one target and against several, and how long it takes to plan many.
//!
//! The targets are real OpenSSH servers with sudo; every rotation changes a password with `passwd`, logs in
//! afresh with the new one and commits it. One rotation at a time touches a target, so that one target
//! is bound by what `sshd` and `passwd` take there; several are bound by this machine's processors.

use std::fmt::Write as _;
use std::fs;
use std::time::Instant;

use anyhow::Context as _;
use postern_e2e::{Gate, Person, Server};
use serde_json::Value;

/// How much is measured.
pub(crate) struct Extent {
    targets: usize,
    accounts: usize,
    planned: usize,
}

/// How long planning may take.
const PLAN_SECONDS_MAX: f64 = 1.0;
const ASSETS_PLANNED: usize = 100;

impl Extent {
    /// From the command line: `--targets N`, `--accounts N` on each, `--planned N`.
    pub(crate) fn of(arguments: &[String]) -> anyhow::Result<Self> {
        let mut extent = Self { targets: 4, accounts: 10, planned: 9_800 };
        for pair in arguments.chunks(2) {
            let [name, value] = pair else { anyhow::bail!("{pair:?}: give a number") };
            let value: usize = value.parse().with_context(|| format!("{name} {value}"))?;
            match name.as_str() {
                "--targets" => extent.targets = value,
                "--accounts" => extent.accounts = value,
                "--planned" => extent.planned = value,
                _ => anyhow::bail!("{name}: --targets, --accounts or --planned"),
            }
        }
        Ok(extent)
    }
}

/// Measures, and says whether planning was as quick as it must be.
pub(crate) fn run(extent: &Extent) -> anyhow::Result<bool> {
    let (mut gate, shown) = Gate::set_up("ada", "correct horse battery staple")?;
    let ada = Person::of_setup("ada", "correct horse battery staple", &shown)?;
    gate.start()?;
    ada.sign_in(&gate)?;
    let mut setup = String::new();
    for account in 0..extent.accounts {
        writeln!(setup, "useradd -m user{account}; echo user{account}:Start-Pass.1 | chpasswd")?;
    }
    let servers = (0..extent.targets).map(|_| Server::unix(&setup)).collect::<anyhow::Result<Vec<_>>>()?;
    for (number, server) in servers.iter().enumerate() {
        let kind = if number == 0 { "one" } else { "many" };
        known(&gate, &ada, server, &format!("unix-{number}"), kind, extent.accounts)?;
    }
    let one = rotated(&ada, "bench=one")?;
    println!("one target: {one:.2} rotations/s");
    let many = rotated(&ada, "bench=many")?;
    println!("{} targets: {many:.2} rotations/s", extent.targets.saturating_sub(1));
    let (planned, seconds) = planned(&gate, &ada, extent.planned)?;
    println!("planned {planned} in {seconds:.3} s");
    println!("one_per_second={one:.2} many_per_second={many:.2} planned={planned} plan_seconds={seconds:.3}");
    Ok(seconds < PLAN_SECONDS_MAX)
}

fn apply(gate: &Gate, ada: &Person, documents: &str) -> anyhow::Result<()> {
    let file = gate.scratch().join("bench.yaml");
    fs::write(&file, documents)?;
    ada.cli(&["apply", "-f", &file.display().to_string()])?.ok()?;
    Ok(())
}

fn known(gate: &Gate, ada: &Person, server: &Server, name: &str, kind: &str, accounts: usize) -> anyhow::Result<()> {
    let host_key = server.read("host_key.pub")?;
    let mut documents = format!(
        "kind: Asset\nname: {name}\nplatform: linux\naddress: {}\nlabels: {{bench: {kind}}}\nhost_keys: [\"{}\"]\n",
        server.address(),
        host_key.trim()
    );
    for account in 0..accounts {
        write!(documents, "---\nkind: Account\naccount: user{account}@{name}\ncredential: password\n")?;
    }
    apply(gate, ada, &documents)?;
    for account in 0..accounts {
        let account = format!("user{account}@{name}");
        ada.cli_with(&["account", "set-secret", &account, "--password-stdin"], "Start-Pass.1")?.ok()?;
    }
    Ok(())
}

/// Rotates all of a label; gives how many a second.
fn rotated(ada: &Person, label: &str) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let arguments = ["rotate", "--label", label, "--concurrency", "8", "--failures-max", "1", "-o", "json"];
    let run = ada.cli(&arguments)?.ok()?.json()?;
    let done = run.pointer("/tally/current").and_then(Value::as_f64).context("nothing was rotated")?;
    Ok(done / begun.elapsed().as_secs_f64())
}

/// Plans rotations of many accounts, durably; gives how many, and how long the command took.
fn planned(gate: &Gate, ada: &Person, count: usize) -> anyhow::Result<(u64, f64)> {
    let mut documents = Vec::new();
    for asset in 0..ASSETS_PLANNED {
        documents.push(format!(
            "kind: Asset\nname: plan-{asset}\nplatform: linux\naddress: 127.0.0.1:1\nlabels: {{bench: plan}}\n\
             rotation: {{reconcile: [root]}}\n---\nkind: Account\naccount: root@plan-{asset}\n\
             credential: ssh_certificate\n"
        ));
    }
    for account in 0..count {
        let asset = account % ASSETS_PLANNED;
        documents.push(format!("kind: Account\naccount: user{account}@plan-{asset}\ncredential: password\n"));
    }
    apply(gate, ada, &documents.join("---\n"))?;
    let begun = Instant::now();
    let shown = ada.cli(&["rotate", "--label", "bench=plan", "--no-wait", "-o", "json"])?.ok()?.json()?;
    let seconds = begun.elapsed().as_secs_f64();
    let tally = shown.pointer("/tally").and_then(Value::as_object).context("no tally")?;
    let planned = tally.values().filter_map(Value::as_u64).sum();
    let id = shown.pointer("/id").and_then(Value::as_str).context("no run")?;
    ada.cli(&["rotation", "stop", id])?.ok()?;
    Ok((planned, seconds))
}
