//! How soon a live session is cut off when its right ends: by a revocation, by the clock, and because its user is
//! disabled.

use std::io::Read as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use postern_e2e::{Person, until};
use serde_json::Value;

use crate::figures::{Figures, median};
use crate::route::Roads;

/// Times that each is tried.
const ROUNDS: usize = 5;
/// A window that closes while its session is live.
const SHORT: Duration = Duration::from_secs(10);

/// How soon somebody who is disabled must be out, in milliseconds.
const DISABLED_MAX_MS: f64 = 2000.0;

/// Measures them; each figure begins before the command or at the end of the window, and so holds what
/// the command line and the client take too.
pub(crate) fn measure(roads: &Roads, figures: &mut Figures) -> anyhow::Result<()> {
    let (ben, lee) = (roads.world.person("ben", &["sre"])?, roads.world.person("lee", &["leads"])?);
    let mut revoked = Vec::new();
    let mut expired = Vec::new();
    for round in 0..ROUNDS {
        let (grant, _) = granted(&ben, &lee, "30m")?;
        if round == 0 {
            ben.prove_factor(&roads.world.gate, "root@web-1")?;
        }
        let mut session = Live::open(roads, &ben)?;
        let begun = Instant::now();
        roads.world.ada.cli(&["revoke", &grant, "--reason", "measured"])?.ok()?;
        session.ended()?;
        revoked.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    for _ in 0..ROUNDS {
        let (_, since) = granted(&ben, &lee, &format!("{}s", SHORT.as_secs()))?;
        Live::open(roads, &ben)?.ended()?;
        expired.push((since.elapsed().as_secs_f64() - SHORT.as_secs_f64()) * 1000.0);
    }
    let mut disabled = Vec::new();
    for round in 0..ROUNDS {
        let name = format!("leaver-{round}");
        let leaver = roads.world.person(&name, &["sre"])?;
        granted(&leaver, &lee, "30m")?;
        leaver.prove_factor(&roads.world.gate, "root@web-1")?;
        let mut session = Live::open(roads, &leaver)?;
        let begun = Instant::now();
        roads.world.ada.cli(&["user", "disable", &name])?.ok()?;
        session.ended()?;
        disabled.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    figures.plain("revoked_cut_ms", median(&revoked));
    figures.at_most("revoked_cut_worst_ms", worst(&revoked), 1000.0);
    figures.plain("expired_cut_ms", median(&expired));
    figures.at_most("expired_cut_worst_ms", worst(&expired), 1000.0);
    figures.plain("disabled_cut_ms", median(&disabled));
    figures.at_most("disabled_cut_worst_ms", worst(&disabled), DISABLED_MAX_MS);
    Ok(())
}

fn worst(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

/// A grant, and a moment that is certainly not after its beginning.
fn granted(ben: &Person, lee: &Person, duration: &str) -> anyhow::Result<(String, Instant)> {
    let wish = ["request", "root@web-1", "--for", duration, "--reason", "measured", "--ticket", "CHG-1", "-o", "json"];
    let asked: Value = serde_json::from_slice(&ben.cli(&wish)?.ended(4)?.stdout)?;
    let id = asked.get("id").and_then(Value::as_str).context("no request")?;
    let since = Instant::now();
    let given = lee.cli(&["approve", id, "-o", "json"])?.json()?;
    let grant = given.get("grant").and_then(Value::as_str).context("no grant")?;
    Ok((grant.to_owned(), since))
}

/// A session that would stay for long.
struct Live(Child);

impl Live {
    fn open(roads: &Roads, ben: &Person) -> anyhow::Result<Self> {
        let mut command = ben.ssh(&roads.world.gate, "root@web-1");
        command.arg("echo up; exec sleep 100000");
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut line = [0; 3];
        let open = child.stdout.as_mut().context("no output")?.read_exact(&mut line);
        let live = Self(child);
        open.context("the session did not open")?;
        Ok(live)
    }

    fn ended(&mut self) -> anyhow::Result<()> {
        until("the session to be cut off", || Ok(self.0.try_wait()?.map(|_| ())))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
