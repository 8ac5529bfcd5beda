//! A report on paper: what it says in sum, each control, what stands out, what it rests on, and the rows.

use postern_domain::account::AccountState;
use postern_domain::report::{Report, ReportFacts};

use super::paper::{BLACK, Cell, GREY, INNER, Ink, PALE, Paper, Weight};
use super::word;
use crate::table::{Table, TableId, minute};
use crate::{Assessment, Error, Finding, Verdict, verdict};

const GOOD: Ink = (22, 122, 84);
const BAD: Ink = (180, 45, 45);
const DIM: Ink = (150, 158, 170);
/// How many rows of a table are printed; all are in the files for programs.
const PRINTED_MAX: usize = 1_000;
/// How many exceptions of a finding are named.
const NAMED_MAX: usize = 12;
/// How high a heading is with what follows it at once: a sentence, the names of columns and a row.
const WITH_HEADING: f32 = 120.0;
/// How many lines a cell of a table has at most.
const LINES_MAX: usize = 4;

const fn ink(verdict: Verdict) -> Ink {
    match verdict {
        Verdict::Met => GOOD,
        Verdict::Exceptions => BAD,
        Verdict::Empty | Verdict::NotCovered => DIM,
    }
}

pub(crate) fn pdf(
    report: &Report,
    facts: &ReportFacts,
    assessment: &Assessment,
    tables: &[Table],
) -> Result<Vec<u8>, Error> {
    let mut paper = Paper::new()?;
    head(&mut paper, report);
    sums(&mut paper, report, facts, assessment);
    if assessment.controls.is_empty() {
        heading(&mut paper, "What was looked at");
        findings(&mut paper, &assessment.findings);
    } else {
        controls(&mut paper, assessment);
    }
    exceptions(&mut paper, facts);
    ledger(&mut paper, report, facts);
    for table in tables {
        rows(&mut paper, table);
    }
    let title = format!("{} – {}", report.kind.title(), report.scope);
    let foot = format!("{title} – {} – {} to {}", report.id, minute(report.since), minute(report.until));
    paper.print(&title, report.id.as_str(), &foot, report.made_at)
}

fn head(paper: &mut Paper, report: &Report) {
    paper.text(report.kind.title(), 22.0, Weight::Bold, BLACK);
    paper.gap(2.0);
    let by = match &report.schedule {
        Some(schedule) => format!("by schedule {schedule} of {}", report.made_by),
        None => format!("by {}", report.made_by),
    };
    let said = [
        format!("Scope {}, from {} to {} UTC.", report.scope, minute(report.since), minute(report.until)),
        format!("Report {}, made at {} UTC {by}.", report.id, minute(report.made_at)),
        "Made and signed by Postern; `postern-verify report` checks the signed note over this file, its rows as CSV \
         and JSON. Whoever reviews it signs a note of their own."
            .to_owned(),
    ];
    said.iter().for_each(|line| paper.text(line, 9.0, Weight::Regular, GREY));
    paper.gap(8.0);
    paper.rule();
    paper.gap(6.0);
}

#[allow(clippy::cast_precision_loss, reason = "parts of a bar")]
fn sums(paper: &mut Paper, report: &Report, facts: &ReportFacts, assessment: &Assessment) {
    let counts = report.counts;
    let total = (counts.met + counts.exceptions + counts.empty + counts.not_covered).max(1) as f32;
    let part = |count: u32, ink: Ink| (count as f32 / total, ink);
    let noun = if assessment.controls.is_empty() { "Checks" } else { "Controls" };
    let mut said =
        format!("{} met, {} with exceptions, {} with nothing to look at", counts.met, counts.exceptions, counts.empty);
    if !assessment.controls.is_empty() {
        said.push_str(&format!(", {} not covered", counts.not_covered));
    }
    let parts = [part(counts.met, GOOD), part(counts.exceptions, BAD), part(counts.empty, DIM)];
    paper.bar(noun, &format!("{} of {total}", counts.met), &parts);
    let share = |good: u64, total: u64| (good as f32 / total.max(1) as f32, GOOD);
    paper.bar(
        "Privileged accounts governed, of those found",
        &format!("{} of {}", counts.managed, counts.found),
        &[share(counts.managed, counts.found)],
    );
    let hosts = facts.hosts;
    paper.bar(
        "Hosts known as assets, of those found",
        &format!("{} of {}", hosts.known, hosts.found),
        &[share(hosts.known, hosts.found)],
    );
    paper.bar(
        "Assets looked into in the last 30 days",
        &format!("{} of {}", hosts.discovered, hosts.assets),
        &[share(hosts.discovered, hosts.assets)],
    );
    paper.gap(4.0);
    paper.text(&format!("{noun}: {said}."), 9.0, Weight::Regular, BLACK);
    let not_governed: Vec<_> = facts.accounts.iter().filter(|row| row.state != AccountState::Managed).collect();
    if !not_governed.is_empty() {
        let disabled = not_governed.iter().filter(|row| row.state == AccountState::Disabled).count();
        let rest = not_governed.len() - disabled;
        paper.text(
            &format!("The difference between accounts found and governed: {rest} found and not taken in, {disabled} disabled."),
            9.0,
            Weight::Regular,
            BLACK,
        );
    }
}

fn heading(paper: &mut Paper, text: &str) {
    heading_with(paper, text, WITH_HEADING);
}

/// A heading, on the next page where it does not fit on this one with what has to stand with it: so much in all.
fn heading_with(paper: &mut Paper, text: &str, high: f32) {
    paper.room(high);
    paper.gap(14.0);
    paper.text(text, 13.0, Weight::Bold, BLACK);
    paper.gap(4.0);
}

fn cell(text: impl Into<String>, width: f32, weight: Weight, ink: Ink) -> Cell {
    Cell { text: text.into(), width, weight, ink }
}

/// A row, again on the next page where it did not fit on this one, below what stands above each page's rows.
fn row(paper: &mut Paper, above: &[Cell], cells: &[Cell], size: f32, lines_max: usize) {
    row_or(paper, above, cells, cells, size, lines_max);
}

/// The same; `first` is drawn instead of the row where it is the first of a page.
fn row_or(paper: &mut Paper, above: &[Cell], cells: &[Cell], first: &[Cell], size: f32, lines_max: usize) {
    if paper.row(cells, size, lines_max, None) {
        paper.row(above, size, 2, Some(PALE));
        paper.row(first, size, lines_max, None);
    }
}

fn controls(paper: &mut Paper, assessment: &Assessment) {
    heading(paper, "Controls");
    paper.text(
        "A control is met as far as Postern sees: each verdict is counted over rows of this report. What Postern \
         cannot show stands in grey. Titles are in our words; the framework's own text is what counts.",
        8.5,
        Weight::Regular,
        GREY,
    );
    paper.gap(4.0);
    let widths = [96.0, 160.0, 82.0, INNER - 338.0];
    let head = ["Control", "Wants", "Verdict", "Evidence"];
    let above: Vec<_> = head.iter().zip(widths).map(|(text, width)| cell(*text, width, Weight::Bold, BLACK)).collect();
    paper.row(&above, 8.5, 2, Some(PALE));
    for control in &assessment.controls {
        let [id, wants, stands, evidence] = widths;
        let said: Vec<_> = control.findings.iter().map(sentence).collect();
        let first = said.first().cloned().or_else(|| control.not_covered.map(str::to_owned)).unwrap_or_default();
        let first_ink = control.findings.first().map_or(GREY, finding_ink);
        let cells = [
            cell(control.id, id, Weight::Bold, BLACK),
            cell(control.title, wants, Weight::Regular, BLACK),
            cell(word(control.verdict), stands, Weight::Bold, ink(control.verdict)),
            cell(first, evidence, Weight::Regular, first_ink),
        ];
        row(paper, &above, &cells, 8.5, usize::MAX);
        let more =
            control.findings.iter().zip(&said).skip(1).map(|(finding, said)| (said.clone(), finding_ink(finding)));
        let rest = control.not_covered.filter(|_| !said.is_empty()).map(|rest| (format!("Not covered: {rest}"), GREY));
        for (text, ink) in more.chain(rest) {
            let cells = |named: &str| {
                let blank = |width| cell("", width, Weight::Regular, BLACK);
                let named = cell(named, id, Weight::Regular, GREY);
                [named, blank(wants), blank(stands), cell(text.as_str(), evidence, Weight::Regular, ink)]
            };
            row_or(paper, &above, &cells(""), &cells(&format!("{} …", control.id)), 8.5, usize::MAX);
        }
    }
}

fn finding_ink(finding: &Finding) -> Ink {
    match verdict(std::slice::from_ref(finding)) {
        Verdict::Exceptions => BAD,
        Verdict::Met => BLACK,
        Verdict::Empty | Verdict::NotCovered => GREY,
    }
}

/// A finding in a sentence, with who stands out.
fn sentence(finding: &Finding) -> String {
    let Finding { says, total, good, exceptions, evidence, .. } = finding;
    if *total == 0 {
        return format!("{says}: nothing to look at.");
    }
    let counted = format!("{says}: {good} of {total} [{}]", evidence.as_str());
    if exceptions.is_empty() {
        return format!("{counted}.");
    }
    let named: Vec<_> = exceptions.iter().take(NAMED_MAX).map(String::as_str).collect();
    let more = exceptions.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 { format!(", and {more} more in the rows") } else { String::new() };
    format!("{counted}. Exceptions: {}{more}.", named.join("; "))
}

fn findings(paper: &mut Paper, findings: &[Finding]) {
    let widths = [104.0, INNER - 104.0];
    let above: Vec<_> = ["Verdict", "Finding"]
        .iter()
        .zip(widths)
        .map(|(text, width)| cell(*text, width, Weight::Bold, BLACK))
        .collect();
    paper.row(&above, 8.5, 2, Some(PALE));
    for finding in findings {
        let stands = verdict(std::slice::from_ref(finding));
        let [first, second] = widths;
        let cells = [
            cell(word(stands), first, Weight::Bold, ink(stands)),
            cell(sentence(finding), second, Weight::Regular, finding_ink(finding)),
        ];
        row(paper, &above, &cells, 8.5, usize::MAX);
    }
}

fn exceptions(paper: &mut Paper, facts: &ReportFacts) {
    if facts.exceptions.is_empty() {
        return;
    }
    heading(paper, "Exceptions that somebody has accepted");
    let widths = [150.0, 110.0, 80.0, 90.0, 100.0, INNER - 530.0];
    let head = ["On what", "What", "Severity", "Owner", "Until", "Why"];
    let above: Vec<_> = head.iter().zip(widths).map(|(text, width)| cell(*text, width, Weight::Bold, BLACK)).collect();
    paper.row(&above, 8.5, 2, Some(PALE));
    for accepted in facts.exceptions.iter().take(PRINTED_MAX) {
        let texts = [
            accepted.target.clone(),
            accepted.kind.replace('_', " "),
            accepted.severity.clone(),
            accepted.owner.clone().unwrap_or_else(|| "nobody".to_owned()),
            accepted.until.map_or_else(|| "no end".to_owned(), minute),
            accepted.note.clone().unwrap_or_default(),
        ];
        let cells: Vec<_> =
            texts.into_iter().zip(widths).map(|(text, width)| cell(text, width, Weight::Regular, BLACK)).collect();
        row(paper, &above, &cells, 8.5, LINES_MAX);
    }
}

fn ledger(paper: &mut Paper, report: &Report, facts: &ReportFacts) {
    heading(paper, "What this rests on");
    let range = &facts.ledger;
    let said = if range.events == 0 {
        vec!["The log has no event in this period.".to_owned()]
    } else {
        vec![
            format!(
                "Events {} to {} of the log lie in the period: {} in all, without a gap.",
                range.first, range.last, range.events
            ),
            match range.from_size {
                0 => "The log begins in the period: there is nothing before it.".to_owned(),
                some => format!("The log had {some} leaves before it, with the root {}.", range.from_root),
            },
            format!("The signed log had {} leaves when this was made, with the root {}.", range.size, range.root),
            if range.proven && range.from_size == 0 {
                "All of the signed log is what was appended since; the signed checkpoint is in the JSON.".to_owned()
            } else if range.proven {
                format!(
                    "The one is the beginning of the other: shown by a consistency proof of {} hashes (RFC 6962), which is in the JSON with the signed checkpoint.",
                    range.consistency.len()
                )
            } else {
                "No proof could be made that the one is the beginning of the other.".to_owned()
            },
        ]
    };
    said.iter().for_each(|line| paper.text(line, 8.5, Weight::Regular, BLACK));
    paper.gap(4.0);
    paper.text(
        &format!(
            "Rows on accounts, people, duties, accepted findings and channels, and rights that are no grants, tell how things were at {} UTC; the others are those of the period. Every row of scope {} is counted, whether it is printed or not.",
            minute(report.made_at),
            report.scope
        ),
        8.5,
        Weight::Regular,
        GREY,
    );
}

fn rows(paper: &mut Paper, table: &Table) {
    let high = if table.rows.is_empty() { WITH_HEADING / 2.0 } else { WITH_HEADING };
    heading_with(paper, &format!("{} [{}]", table.id.title(), table.id.as_str()), high);
    let of = match table.id {
        TableId::Access => "(grants of the period; what stands and roles as of when the report was made)",
        id if id.is_of_period() => "of the period",
        _ => "as of when the report was made",
    };
    let count = table.rows.len();
    let more = if count > PRINTED_MAX {
        format!("; the first {PRINTED_MAX} are printed, all are in the CSV and JSON")
    } else {
        String::new()
    };
    paper.text(&format!("{count} {} {of}{more}.", if count == 1 { "row" } else { "rows" }), 8.5, Weight::Regular, GREY);
    if table.rows.is_empty() {
        return;
    }
    paper.gap(4.0);
    let total: u16 = table.columns.iter().map(|column| column.weight).sum();
    let width = |weight: u16| INNER * f32::from(weight) / f32::from(total.max(1));
    let printed = || table.columns.iter().enumerate().filter(|(_, column)| column.weight > 0);
    let above: Vec<_> =
        printed().map(|(_, column)| cell(column.heading, width(column.weight), Weight::Bold, BLACK)).collect();
    paper.row(&above, 7.0, 2, Some(PALE));
    for values in table.rows.iter().take(PRINTED_MAX) {
        let text = |at: usize| values.get(at).map(String::as_str).unwrap_or_default();
        let cells: Vec<_> =
            printed().map(|(at, column)| cell(plain(text(at)), width(column.weight), Weight::Regular, BLACK)).collect();
        row(paper, &above, &cells, 7.0, LINES_MAX);
    }
}

/// A time to the minute where a cell is one; else as it is.
fn plain(text: &str) -> String {
    let is_time = text.len() == 24 && text.ends_with('Z') && text.get(10..11) == Some("T");
    match text.parse().ok().filter(|_| is_time) {
        Some(at) => minute(at),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wherever_a_table_begins_its_columns_are_named_above_its_rows() {
        let channel =
            |number: u64| [format!("row-{number}"), number.to_string(), String::new(), String::new()].to_vec();
        let facts = ReportFacts::default();
        let mut table = TableId::Channels.fill(&facts).expect("a table");
        table.rows = (0..40).map(channel).collect();
        for lines in 0..50 {
            let mut paper = Paper::new().expect("paper");
            (0..lines).for_each(|_| paper.text("above", 8.5, Weight::Regular, BLACK));
            rows(&mut paper, &table);
            for page in paper.texts() {
                let first = page.iter().position(|text| text.starts_with("row-"));
                let named = page.iter().position(|text| *text == "Behind");
                assert!(first.is_none_or(|first| named.is_some_and(|named| named < first)), "{lines}: {page:?}");
                assert!(first.is_some() || named.is_none(), "{lines}: columns and no row: {page:?}");
            }
        }
    }
}
