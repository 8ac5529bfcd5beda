//! Redis: redis-benchmark with sixteen commands on the way, beside a direct connection, with TLS on every
//! way.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};
use postern_e2e::{RedisWorld, run};

use crate::database::Extent;
use crate::figures::{Figures, median};
use crate::process::cpu_seconds;

const OF_DIRECT_MIN: f64 = 0.6;
const COMMANDS: [&str; 2] = ["set", "get"];
/// As many a second as keeps a round about as long as it is asked to be.
const PER_SECOND: u32 = 200_000;

/// Commands a second.
fn rate(ca: &Path, port: &str, (user, password): (&str, &str), (command, count): (&str, u32)) -> anyhow::Result<f64> {
    let mut benchmark = Command::new("redis-benchmark");
    benchmark.args(["--tls", "--cacert"]).arg(ca).args(["-h", "127.0.0.1", "-p", port, "--user", user, "-a", password]);
    let ran = run(benchmark.args(["-P", "16", "-t", command, "--csv", "-n"]).arg(count.to_string()))?;
    if ran.code != 0 {
        bail!("redis-benchmark: {}", ran.said().replace(password, "***"));
    }
    let text = ran.text();
    let line = text.lines().find(|line| line.to_lowercase().starts_with(&format!("\"{command}\"")));
    let rate = line.and_then(|line| line.split('"').nth(3)).with_context(|| format!("no figure in {text}"))?;
    Ok(rate.parse()?)
}

/// Measures writing and reading.
pub(crate) fn measure(extent: &Extent, figures: &mut Figures) -> anyhow::Result<()> {
    let world = RedisWorld::start()?;
    let ben = world.declared.person("ben", "dba")?;
    let uri = world.uri(&ben, "app@cache")?;
    let token = uri.split([':', '@']).nth(2).context("no token")?;
    let process = world.declared.gate.id();
    let count = extent.seconds() * PER_SECOND;
    for command in COMMANDS {
        let (mut without, mut through, mut cpu) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..extent.rounds() {
            let ca = world.target.folder().join("cert.pem");
            let port = world.target.port().to_string();
            without.push(rate(&ca, &port, ("app", RedisWorld::PASSWORD), (command, count))?);
            let before = cpu_seconds(process)?;
            let (ca, port) = (world.declared.gate.ca(), world.declared.gate.redis_port());
            through.push(rate(&ca, port, ("app@cache", token), (command, count))?);
            cpu.push((cpu_seconds(process)? - before) * 1e6 / f64::from(count));
        }
        let name = format!("redis_{command}_pipelined");
        figures.plain(&format!("{name}_per_second"), median(&through));
        figures.at_least(&format!("{name}_of_direct"), median(&through) / median(&without), OF_DIRECT_MIN);
        figures.plain(&format!("{name}_gate_cpu_us"), median(&cpu));
    }
    Ok(())
}
