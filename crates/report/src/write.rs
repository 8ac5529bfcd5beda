//! How reports are written: for people, for spreadsheets and for programs.

use postern_domain::report::{Report, ReportFacts};
use serde::Serialize;

use crate::table::Table;
use crate::{Assessed, Assessment, Error, Finding, Verdict};

mod paper;
mod pdf;
mod type_face;

pub(crate) use pdf::pdf;

/// The word that a verdict is written as, on paper and in tables.
pub(crate) const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Met => "met",
        Verdict::Exceptions => "exceptions",
        Verdict::Empty => "nothing to look at",
        Verdict::NotCovered => "not covered",
    }
}

/// Everything, for programs.
#[derive(Serialize)]
struct Everything<'a> {
    format: &'static str,
    title: &'static str,
    report: &'a Report,
    controls: &'a [Assessed],
    findings: &'a [Finding],
    rows: &'a ReportFacts,
}

pub(crate) fn json(report: &Report, facts: &ReportFacts, assessment: &Assessment) -> Result<Vec<u8>, Error> {
    let of = crate::TableId::of(report.kind);
    // A report on one subject has its own rows and no others.
    let mut rows = facts.clone();
    for id in crate::TableId::ALL.into_iter().filter(|id| !of.contains(id)) {
        id.clear(&mut rows);
    }
    Ok(serde_json::to_vec(&Everything {
        format: "postern.report/1",
        title: report.kind.title(),
        report,
        controls: &assessment.controls,
        findings: &assessment.findings,
        rows: &rows,
    })?)
}

/// One table after the other (RFC 4180); the first cell of each row says which it belongs to.
pub(crate) fn csv(report: &Report, assessment: &Assessment, tables: &[Table]) -> Vec<u8> {
    let mut text = String::new();
    let own = |text: &str| text.to_owned();
    line(&mut text, ["table", "report", "title", "scope", "since", "until", "made_at", "made_by"].map(own));
    line(
        &mut text,
        [
            own("report"),
            report.id.to_string(),
            own(report.kind.title()),
            report.scope.to_string(),
            report.since.to_string(),
            report.until.to_string(),
            report.made_at.to_string(),
            report.made_by.to_string(),
        ],
    );
    text.push_str("\r\n");
    line(
        &mut text,
        ["table", "control", "title", "verdict", "check", "looked_at", "good", "exceptions", "not_covered"].map(own),
    );
    let plain = assessment
        .findings
        .iter()
        .map(|finding| ("", "", crate::verdict(std::slice::from_ref(finding)), Some(finding), None));
    let mapped = assessment.controls.iter().flat_map(|control| {
        let row = move |finding| (control.id, control.title, control.verdict, finding, control.not_covered);
        let none = control.findings.is_empty().then(|| row(None));
        control.findings.iter().map(move |finding| row(Some(finding))).chain(none)
    });
    for (id, title, verdict, finding, not_covered) in plain.chain(mapped) {
        let count = |value: Option<u64>| value.map(|count| count.to_string()).unwrap_or_default();
        line(
            &mut text,
            [
                own("controls"),
                own(id),
                own(title),
                own(word(verdict)),
                finding.map(|finding| own(finding.says)).unwrap_or_default(),
                count(finding.map(|finding| finding.total)),
                count(finding.map(|finding| finding.good)),
                finding.map(|finding| finding.exceptions.join("; ")).unwrap_or_default(),
                not_covered.map(own).unwrap_or_default(),
            ],
        );
    }
    for table in tables {
        text.push_str("\r\n");
        let headings = table.columns.iter().map(|column| own(column.field));
        line(&mut text, std::iter::once(own("table")).chain(headings));
        for row in &table.rows {
            line(&mut text, std::iter::once(own(table.id.as_str())).chain(row.iter().cloned()));
        }
    }
    text.into_bytes()
}

fn line(text: &mut String, cells: impl IntoIterator<Item = String>) {
    let cells: Vec<_> = cells.into_iter().map(|cell| quoted(&cell)).collect();
    text.push_str(&cells.join(","));
    text.push_str("\r\n");
}

/// A cell; what a spreadsheet would take for a formula is made a text.
fn quoted(cell: &str) -> String {
    let risky = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let cell = if risky { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}
