//! The project's own automation: `cargo xtask <what>`.

mod bench;
mod ci;
mod console;
mod crash_points;
mod drill;
mod driver_suites;
mod duties;
mod estate;
mod faults;
mod fuzz;
mod run;
mod scenarios;
mod siem;
mod statements;
mod tamper;
mod tidy;
mod verifier;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask <what>

  ci [--fast]   everything that CI runs; --fast leaves out what takes minutes
  tidy          the rules of the tree that no compiler checks
  tamper        edits the ledger and recordings on disk: is everything noticed?
  faults        bad input and faults, each a real trial on the built product
  fuzz [SECONDS [TARGET...]]  runs the fuzz targets, each for so long: does anything break?
  driver-suites  suites that others wrote, against databases and through the gate: is there a difference?
  drill         break-glass in all its tiers, with Postern stopped for the last: does each open?
  duties        ways in which people could let themselves do more: does any succeed?
  scenarios     attacks and ordinary work through the built product: is each attack caught in time, and nothing else?
  siem          events to real receivers in every format, through interruptions: does each arrive as documented?
  statements    rules on SQL: is every statement of the table decided as it must be?
  static        postern-verify built static: does it run alone, and check what the product wrote?
  estate        accounts and findings planted on over 200 real servers against those found
  bench discovery  accounts discovered a second, on one server and on many
  crash-points  stops rotations and provisioning everywhere: is a secret lost, an account locked?
  bench policy  decisions and who-can over 10,000 people, 10,000 accounts and 1,000 policies
  bench search  recordings indexed and searched, on a release build: sessions and megabytes, 10000 of each
  bench ssh     speed beside direct and `ssh -J`, on a release build
  bench database  speed beside direct and pgbouncer, on a release build
  bench rotation  rotations a second against real servers, and how soon many are planned
  console-e2e   people's flows through the console: real Chromium, real server, real sshd
  pictures      every page of the console, both themes, two widths: target/pictures/
  weigh         the compressed size of the sign-in page's first load
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["ci"] => ci::run(ci::Extent::Full),
        ["ci", "--fast"] => ci::run(ci::Extent::Fast),
        ["bench", "discovery"] => estate::bench(),
        ["bench", "policy"] => bench::policy(),
        ["bench", "search", size @ ..] => bench::search(size),
        ["bench", what @ ..] => bench::run(what),
        ["console-e2e", part @ ..] => console::flows(part),
        ["static"] => verifier::run(),
        ["statements"] => statements::run(),
        ["driver-suites"] => driver_suites::run(),
        ["drill"] => drill::run(),
        ["duties"] => duties::run(),
        ["estate"] => estate::run(),
        ["faults"] => faults::run(),
        ["fuzz", rest @ ..] => fuzz::run(rest),
        ["pictures", part @ ..] => console::pictures(part),
        ["crash-points"] => crash_points::run(),
        ["scenarios"] => scenarios::run(),
        ["siem"] => siem::run(),
        ["tidy"] => tidy::run(),
        ["tamper"] => tamper::run(),
        ["weigh"] => console::weigh(),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
