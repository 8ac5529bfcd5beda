//! How many accounts are discovered a second: on one server, and on many at once.

use std::time::Instant;

use postern_connectors::Connectors;

use crate::server::start_all;
use crate::trial::AT_ONCE;
use crate::{look, plant};

/// Accounts that the one large server has besides its own.
const MANY: usize = 5_000;
/// How many servers stand for many.
const SERVERS: usize = 60;
/// Goals, in accounts a second, on two cores that the servers need as well.
const ONE_MIN: f64 = 500.0;
const MANY_MIN: f64 = 20.0;

pub(crate) async fn run() -> anyhow::Result<bool> {
    let (mut plans, _) = plant::estate()?;
    plans.truncate(SERVERS);
    if let Some((_, setup)) = plans.first_mut().and_then(|plan| plan.files.first_mut()) {
        setup.push_str(&format!(
            "for i in $(seq {MANY}); do echo \"u$i:x:$((20000 + i)):100::/home/u$i:/bin/bash\"; done >>/etc/passwd\n\
             for i in $(seq {MANY}); do echo \"u$i:\\$6\\$x\\$$i:20000:0:99999:7:::\"; done >>/etc/shadow\n"
        ));
    }
    let servers = start_all(plans).await?;
    let connectors = Connectors::all();
    let large = servers.iter().find(|server| server.asset == "unix-000");
    let mut one = 0.0;
    if let Some(large) = large {
        let begun = Instant::now();
        let found = look::one(&connectors, large).await?.len();
        one = rate(found, begun);
        println!("one server with {found} accounts: {:.2} s", begun.elapsed().as_secs_f64());
    }
    let small: Vec<_> = servers.into_iter().filter(|server| server.asset != "unix-000").collect();
    let mut best = 0.0_f64;
    for at_once in [1, 4, AT_ONCE] {
        let (begun, cpu) = (Instant::now(), own_cpu());
        let found = look::all(&small, at_once).await?.len();
        let (rate, seconds) = (rate(found, begun), begun.elapsed().as_secs_f64());
        let own = (own_cpu() - cpu) / seconds * 100.0;
        println!(
            "{} servers, {at_once} at once: {seconds:.2} s, {rate:.0} accounts a second, {:.0} ms a server; this process used {own:.0} % of one core",
            small.len(),
            seconds * 1000.0 / usize_to_f64(small.len())
        );
        best = best.max(rate);
    }
    println!(
        "one_target_accounts_per_second={one:.0} many_targets_accounts_per_second={best:.0} goal_one={ONE_MIN:.0} goal_many={MANY_MIN:.0}"
    );
    Ok(one >= ONE_MIN && best >= MANY_MIN)
}

fn rate(found: usize, begun: Instant) -> f64 {
    usize_to_f64(found) / begun.elapsed().as_secs_f64()
}

fn usize_to_f64(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// CPU time that this process has used, in seconds: proc(5), fields 14 and 15 of `stat`, in 1/100 s.
fn own_cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let rest = stat.rsplit(')').next().unwrap_or_default();
    let ticks = rest.split_ascii_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}
