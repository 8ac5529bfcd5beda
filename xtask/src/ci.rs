//! What CI runs, step by step. A failed step does not hide what the later ones have to say.

use std::time::Instant;

use anyhow::bail;

use crate::run::{cargo, root, show};

/// How much is run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Everything.
    Full,
    /// What takes seconds once built: format, lints, the tree, the console's types.
    Fast,
}

/// What the test runners reported.
#[derive(Default)]
struct Totals {
    passed: u64,
    failed: u64,
    ignored: u64,
    console: u64,
    flows: u64,
    /// Failed among the others and passed when run again by itself.
    flaky: u64,
}

struct Step {
    name: &'static str,
    slow: bool,
    run: fn(&mut Totals) -> anyhow::Result<()>,
}

const STEPS: [Step; 10] = [
    Step { name: "format", slow: false, run: |_| cargo_step(&["fmt", "--all", "--check"]) },
    Step { name: "tidy", slow: false, run: |_| crate::tidy::run() },
    Step { name: "console: types and lints", slow: false, run: |_| npm_step("check") },
    Step { name: "console: types are those of openapi.json", slow: false, run: |_| api_types() },
    Step { name: "console: tests", slow: true, run: console_tests },
    Step { name: "console: build", slow: true, run: |_| npm_step("build") },
    Step {
        name: "lints",
        slow: false,
        run: |_| cargo_step(&["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "-D", "warnings"]),
    },
    Step { name: "tests", slow: true, run: tests },
    Step { name: "console: flows", slow: true, run: console_flows },
    Step { name: "tamper", slow: true, run: |_| crate::tamper::run() },
];

/// Runs the steps.
pub(crate) fn run(extent: Extent) -> anyhow::Result<()> {
    let begun = Instant::now();
    let mut totals = Totals::default();
    let mut failed = Vec::new();
    for step in STEPS.iter().filter(|step| extent == Extent::Full || !step.slow) {
        println!("== {}", step.name);
        let step_begun = Instant::now();
        if let Err(error) = (step.run)(&mut totals) {
            println!("xtask: {}: {error:#}", step.name);
            failed.push(step.name);
        }
        println!("== {} took {} s", step.name, step_begun.elapsed().as_secs());
    }
    let seconds = begun.elapsed().as_secs();
    let Totals { passed, failed: tests_failed, ignored, console, flows, flaky } = totals;
    println!(
        "tests_passed={} rust={passed} console={console} flows={flows} failed={tests_failed} flaky={flaky} ignored={ignored} steps_failed={} seconds={seconds}",
        passed + console + flows,
        failed.len()
    );
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

fn cargo_step(arguments: &[&str]) -> anyhow::Result<()> {
    show(&cargo(), arguments, &root(), &mut |_| {})
}

fn npm_step(script: &str) -> anyhow::Result<()> {
    show("npm", &["run", "--silent", script], &root().join("web"), &mut |_| {})
}

/// What the console knows of the API is generated; openapi.json itself is held fresh by a test.
fn api_types() -> anyhow::Result<()> {
    let web = root().join("web");
    let fresh = tempfile::NamedTempFile::new()?;
    let path = fresh.path().display().to_string();
    show("npx", &["--no-install", "openapi-typescript", "../openapi.json", "-o", &path], &web, &mut |_| {})?;
    if std::fs::read(fresh.path())? != std::fs::read(web.join("src/api/types.ts"))? {
        bail!("web/src/api/types.ts is stale: cd web && npm run api");
    }
    Ok(())
}

/// The unit tests, then the end-to-end ones, which need the binary.
fn tests(totals: &mut Totals) -> anyhow::Result<()> {
    let mut done = show(&cargo(), &["build", "--locked", "--quiet", "--package", "postern"], &root(), &mut |_| {});
    for which in [&["--exclude", "postern-e2e", "--workspace"][..], &["--package", "postern-e2e"][..]] {
        done = done.and(tests_of(which, totals));
    }
    done
}

/// Runs the tests of some packages. A few that fail are run again, one by one: what passes then waited
/// for something that a busy machine did not give it in time. It is named and counted, not hidden.
fn tests_of(which: &[&str], totals: &mut Totals) -> anyhow::Result<()> {
    let arguments = [&["test", "--locked", "--quiet", "--no-fail-fast"], which].concat();
    let mut failures = Failures::default();
    let done = show(&cargo(), &arguments, &root(), &mut |line| {
        count_rust(line, totals);
        failures.hear(line);
    });
    if done.is_ok() || failures.names.is_empty() || failures.names.len() > FLAKY_MAX {
        return done;
    }
    let names: Vec<&str> = failures.names.iter().map(String::as_str).collect();
    println!("== again, one by one: {}", names.join(" "));
    let again = [&arguments[..], &["--", "--exact", "--test-threads=1"], &names].concat();
    let mut second = Totals::default();
    show(&cargo(), &again, &root(), &mut |line| count_rust(line, &mut second))?;
    let flaky = u64::try_from(names.len())?;
    if second.passed < flaky {
        return done;
    }
    println!("xtask: flaky: {}", names.join(" "));
    totals.passed += flaky;
    totals.failed = totals.failed.saturating_sub(flaky);
    totals.flaky += flaky;
    Ok(())
}

/// As many failures as may be somebody else's fault.
const FLAKY_MAX: usize = 4;

/// The names of the tests that failed, from the lists at the ends of a run's output.
#[derive(Default)]
struct Failures {
    listing: bool,
    names: Vec<String>,
}

impl Failures {
    fn hear(&mut self, line: &str) {
        match line.strip_prefix("    ") {
            Some(name) if self.listing && !name.contains(' ') => self.names.push(name.to_owned()),
            _ if line.is_empty() => {}
            _ => self.listing = line == "failures:",
        }
    }
}

/// `test result: ok. 12 passed; 0 failed; 1 ignored; ...`
fn count_rust(line: &str, totals: &mut Totals) {
    let Some(result) = line.trim_start().strip_prefix("test result:") else { return };
    let number = |word: &str| {
        let before = result.split(word).next().unwrap_or_default();
        before.split_ascii_whitespace().last().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0)
    };
    totals.passed += number(" passed");
    totals.failed += number(" failed");
    totals.ignored += number(" ignored");
}

fn console_tests(totals: &mut Totals) -> anyhow::Result<()> {
    let arguments = ["run", "--silent", "test", "--", "--reporter=default", "--color=false"];
    let mut count = |line: &str| {
        let passed = count_vitest(line, totals);
        totals.console += passed;
    };
    show("npm", &arguments, &root().join("web"), &mut count)
}

/// The flows need the console and the binary, which earlier steps have built.
fn console_flows(totals: &mut Totals) -> anyhow::Result<()> {
    let arguments = ["run", "--silent", "e2e", "--", "--color=false"];
    let mut count = |line: &str| {
        let passed = count_vitest(line, totals);
        totals.flows += passed;
    };
    show("npm", &arguments, &root().join("web"), &mut count)
}

/// `      Tests  1 failed | 44 passed (45)`: adds what failed and was left out, gives what passed.
fn count_vitest(line: &str, totals: &mut Totals) -> u64 {
    let Some(counts) = line.trim_start().strip_prefix("Tests ") else { return 0 };
    let mut passed = 0;
    for part in counts.split('|') {
        let mut words = part.split_ascii_whitespace();
        match (words.next().and_then(|text| text.parse::<u64>().ok()), words.next()) {
            (Some(number), Some("passed")) => passed += number,
            (Some(number), Some("failed")) => totals.failed += number,
            (Some(number), Some("skipped" | "todo")) => totals.ignored += number,
            _ => {}
        }
    }
    passed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_tests_are_named_once() {
        let mut failures = Failures::default();
        let output = "running 3 tests\n\nfailures:\n\n---- a::b stdout ----\nit broke\n    at line 3\n\n\n\
                      failures:\n    a::b\n    c\n\ntest result: FAILED. 1 passed; 2 failed\n    d";
        output.lines().for_each(|line| failures.hear(line));
        assert_eq!(failures.names, ["a::b", "c"]);
    }

    #[test]
    fn results_are_added_up() {
        let mut totals = Totals::default();
        count_rust(
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.0s",
            &mut totals,
        );
        count_rust("test result: FAILED. 2 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out", &mut totals);
        count_rust("running 3 tests", &mut totals);
        assert_eq!(count_vitest("      Tests  1 failed | 44 passed (45)", &mut totals), 44);
        assert_eq!((totals.passed, totals.failed, totals.ignored), (14, 5, 1));
    }
}
