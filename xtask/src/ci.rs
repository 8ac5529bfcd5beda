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
    let Totals { passed, failed: tests_failed, ignored, console, flows } = totals;
    println!(
        "tests_passed={} rust={passed} console={console} flows={flows} failed={tests_failed} ignored={ignored} steps_failed={} seconds={seconds}",
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
    let mut count = |line: &str| count_rust(line, totals);
    let mut done = show(&cargo(), &["build", "--locked", "--quiet", "--package", "postern"], &root(), &mut |_| {});
    for which in [&["--exclude", "postern-e2e", "--workspace"][..], &["--package", "postern-e2e"][..]] {
        let arguments = [&["test", "--locked", "--quiet", "--no-fail-fast"], which].concat();
        done = done.and(show(&cargo(), &arguments, &root(), &mut count));
    }
    done
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
