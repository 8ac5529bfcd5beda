//! The console as people see it: its pictures, its weight, its flows in a real browser.

use crate::run::{cargo, root, show};

/// Every page, in both themes and at two widths, into `target/pictures`; arguments choose a part of it.
pub(crate) fn pictures(arguments: &[&str]) -> anyhow::Result<()> {
    prepare()?;
    npm(&[&["run", "--silent", "pictures", "--"], arguments].concat())
}

/// The compressed bytes that a browser fetches before the sign-in page can be used.
pub(crate) fn weigh() -> anyhow::Result<()> {
    prepare()?;
    npm(&["run", "--silent", "weigh"])
}

/// The flows of people in real Chromium against the real server, and axe on the pages they come by;
/// arguments choose a part of them.
pub(crate) fn flows(arguments: &[&str]) -> anyhow::Result<()> {
    prepare()?;
    npm(&[&["run", "--silent", "e2e", "--"], arguments].concat())
}

/// Builds what all of them look at: the console, and the server, which reads it from its folder as
/// long as it is not built for release.
fn prepare() -> anyhow::Result<()> {
    if !root().join("web/node_modules").exists() {
        npm(&["ci", "--no-audit", "--no-fund", "--loglevel=error"])?;
    }
    npm(&["run", "--silent", "build"])?;
    show(&cargo(), &["build", "--locked", "--quiet", "--package", "postern"], &root(), &mut |_| {})
}

fn npm(arguments: &[&str]) -> anyhow::Result<()> {
    show("npm", arguments, &root().join("web"), &mut |_| {})
}
