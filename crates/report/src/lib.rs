//! Reports: the controls of frameworks mapped to evidence, and how they are written.
//!
//! **Pure**: rows go in, files come out. Who may have a report, where rows come from and how files are signed is
//! for `control`. Nothing here says that a control is met because it is named: each verdict is counted over rows
//! that are in the report, and what Postern cannot show is said.

mod check;
mod framework;
mod table;
mod write;

use postern_domain::account::AccountState;
use postern_domain::report::{Report, ReportCounts, ReportFacts};
use serde::Serialize;

pub use check::{Check, Finding};
pub use table::TableId;

/// Why a report cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A row cannot be written as JSON.
    #[error("the rows cannot be written")]
    Rows(#[from] serde_json::Error),
    /// The PDF cannot be made.
    #[error("the PDF cannot be made: {0}")]
    Pdf(String),
}

/// How a control stands, as far as Postern sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All that was looked at is as it should be.
    Met,
    /// Something stands out.
    Exceptions,
    /// There was nothing to look at.
    Empty,
    /// Postern has no evidence for it.
    NotCovered,
}

/// A control with what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Assessed {
    /// Its number in the framework.
    pub id: &'static str,
    /// What it wants.
    pub title: &'static str,
    /// How it stands.
    pub verdict: Verdict,
    /// What was looked at.
    pub findings: Vec<Finding>,
    /// What Postern does not show.
    pub not_covered: Option<&'static str>,
}

/// A report, worked out and not yet written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assessment {
    /// The controls, for a framework.
    pub controls: Vec<Assessed>,
    /// What was looked at, for a report on one subject.
    pub findings: Vec<Finding>,
}

/// Works out what a report says.
#[must_use]
pub fn assess(report: &Report, facts: &ReportFacts) -> Assessment {
    let look = |checks: &'static [Check]| -> Vec<Finding> {
        checks.iter().map(|check| check.look(facts, report.made_at)).collect()
    };
    let controls = framework::controls(report.kind).iter().map(|control| {
        let findings = look(control.checks);
        Assessed {
            id: control.id,
            title: control.title,
            verdict: verdict(&findings),
            findings,
            not_covered: control.not_covered,
        }
    });
    Assessment { controls: controls.collect(), findings: look(framework::checks(report.kind)) }
}

fn verdict(findings: &[Finding]) -> Verdict {
    if findings.is_empty() {
        Verdict::NotCovered
    } else if findings.iter().any(|finding| !finding.exceptions.is_empty()) {
        Verdict::Exceptions
    } else if findings.iter().all(Finding::is_empty) {
        Verdict::Empty
    } else {
        Verdict::Met
    }
}

impl Assessment {
    /// The report in sum.
    #[must_use]
    pub fn counts(&self, facts: &ReportFacts) -> ReportCounts {
        let verdicts: Vec<_> = if self.controls.is_empty() {
            self.findings.iter().map(|finding| verdict(std::slice::from_ref(finding))).collect()
        } else {
            self.controls.iter().map(|control| control.verdict).collect()
        };
        let count = |wanted| u32::try_from(verdicts.iter().filter(|verdict| **verdict == wanted).count()).unwrap_or(0);
        let managed = facts.accounts.iter().filter(|row| row.state == AccountState::Managed).count();
        ReportCounts {
            met: count(Verdict::Met),
            exceptions: count(Verdict::Exceptions),
            empty: count(Verdict::Empty),
            not_covered: count(Verdict::NotCovered),
            found: facts.accounts.len() as u64,
            managed: managed as u64,
        }
    }
}

/// The files of a report.
pub struct Written {
    /// To be read and printed.
    pub pdf: Vec<u8>,
    /// Every row.
    pub csv: Vec<u8>,
    /// Everything.
    pub json: Vec<u8>,
}

/// Writes a report. The same report over the same rows is the same, byte for byte.
///
/// # Errors
/// When a file cannot be made.
pub fn write(report: &Report, facts: &ReportFacts, assessment: &Assessment) -> Result<Written, Error> {
    let tables: Vec<_> = TableId::of(report.kind).into_iter().map(|id| id.fill(facts)).collect::<Result<_, _>>()?;
    Ok(Written {
        pdf: write::pdf(report, facts, assessment, &tables)?,
        csv: write::csv(report, assessment, &tables),
        json: write::json(report, facts, assessment)?,
    })
}

#[cfg(test)]
mod tests;
