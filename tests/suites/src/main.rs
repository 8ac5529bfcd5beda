//! Test suites that were not written here, run against a database itself and through the gate: the same
//! tests must end the same way. Every difference is printed, with its reason where there is one.
//!
//! `scripts/driver-suites.sh` lays the suites. Ends in one line of figures, and fails where a difference
//! has no reason.

mod go;
mod known;
mod mysql;
mod postgres;

use std::collections::BTreeMap;
use std::process::ExitCode;

/// How each test of a suite ended, in the suite's own words.
type Outcomes = BTreeMap<String, String>;

/// A suite, run both ways.
struct Suite {
    name: &'static str,
    direct: Outcomes,
    gate: Outcomes,
}

/// Runs a suite both ways.
type Run = fn() -> anyhow::Result<Suite>;

/// All of them; names on the command line choose some.
const SUITES: [(&str, Run); 5] = [
    ("psycopg2", postgres::run),
    ("mariadb-client-test", mysql::run),
    ("pq", go::pq),
    ("pgx", go::pgx),
    ("go-mysql", go::mysql),
];

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let chosen = SUITES.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|word| word == name));
    match chosen.map(|(_, run)| run()).collect::<anyhow::Result<Vec<_>>>() {
        Ok(suites) if report(&suites) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("postern-suites: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn report(suites: &[Suite]) -> bool {
    let (mut tests, mut passed, mut differences, mut unexplained) = (0, 0, 0, 0);
    for suite in suites {
        let names = suite.direct.keys().chain(suite.gate.keys().filter(|name| !suite.direct.contains_key(*name)));
        for name in names {
            let of = |outcomes: &Outcomes| outcomes.get(name).map_or("not run", String::as_str).to_owned();
            let (direct, gate) = (of(&suite.direct), of(&suite.gate));
            tests += 1;
            passed += u32::from(gate == PASSED);
            let reason = known::reason(suite.name, name);
            if direct != gate {
                differences += 1;
                unexplained += u32::from(reason.is_none());
                let reason = reason.unwrap_or("UNEXPLAINED");
                println!("{}: {name}: {direct} directly, {gate} through the gate: {reason}", suite.name);
            }
        }
    }
    println!(
        "suites={} tests={tests} passed={passed} differences={differences} unexplained={unexplained}",
        suites.len()
    );
    unexplained == 0 && tests > 0
}

/// The word for a test that ended well.
const PASSED: &str = "passed";
