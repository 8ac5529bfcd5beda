//! `postern apply`: access as text.

use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;
use postern_api::Problem;
use postern_control::{Applied, DocumentProblem};
use postern_domain::document::{self, Action, Change, Document, Position, TEXT_LEN_MAX};
use serde_json::{Value, json};

use crate::client::Client;
use crate::exit::{DONE, Failure};
use crate::output::{self, Format};

/// Make true what documents declare: assets, accounts, groups, policies, roles. All of it or nothing.
#[derive(Args)]
pub(crate) struct Apply {
    /// The file, or - for standard input; may be repeated.
    #[arg(short, long = "file", value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Show what would change, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Where a document stands.
pub(super) struct Place {
    file: String,
    position: Position,
}

impl Apply {
    pub(crate) async fn run(self, format: Format) -> Result<u8, Failure> {
        let (documents, places) = read_all(&self.files)?;
        let body = json!({ "documents": documents, "dry_run": self.dry_run });
        let answer: Result<Applied, Failure> = Client::signed_in()?.post("/v1/apply", &body).await;
        let applied = answer.map_err(|failure| placed(failure, &places))?;
        if format != Format::Table {
            output::one(format, &applied)?;
            return Ok(DONE);
        }
        let paint = Paint(std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none());
        for change in &applied.changes {
            for line in lines(change, paint) {
                output::line(&line)?;
            }
        }
        output::line(&summary(&applied))?;
        if applied.changes.iter().any(|change| change.action == Action::Propose) {
            output::line("what lets somebody do more waits for the yes of somebody else: postern policy proposals")?;
        }
        Ok(DONE)
    }
}

/// Every document of the files; or everything that is wrong with any of them.
pub(super) fn read_all(files: &[PathBuf]) -> Result<(Vec<Document>, Vec<Place>), Failure> {
    let (mut documents, mut places, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    for file in files {
        let name = if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() };
        match document::parse(&name, &text_of(file)?) {
            Ok(found) => {
                for located in found {
                    documents.push(located.document);
                    places.push(Place { file: name.clone(), position: located.position });
                }
            }
            Err(invalid) => problems.push(invalid.to_string()),
        }
    }
    if problems.is_empty() {
        Ok((documents, places))
    } else {
        Err(Failure::Failed(anyhow::anyhow!(problems.join("\n"))))
    }
}

fn text_of(file: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    // One byte more than is accepted, so that a longer text is refused and not cut.
    let limit = u64::try_from(TEXT_LEN_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(limit).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|opened| opened.take(limit).read_to_string(&mut text))
    };
    read.map_err(|error| anyhow::anyhow!("cannot read {}: {error}", file.display()))?;
    Ok(text)
}

/// The failure with the file and line of each document that it is about.
fn placed(failure: Failure, places: &[Place]) -> Failure {
    match failure {
        Failure::Problem(problem) if !problem.problems.is_empty() => {
            let lines: Vec<_> = problem.problems.iter().map(|problem| line_of(problem, places)).collect();
            let detail = format!("nothing was applied\n{}", lines.join("\n"));
            Failure::Problem(Box::new(Problem { detail, ..*problem }))
        }
        other => other,
    }
}

fn line_of(problem: &DocumentProblem, places: &[Place]) -> String {
    let place = problem.document.checked_sub(1).and_then(|index| places.get(index));
    let at = place
        .map_or_else(String::new, |Place { file, position }| format!("{file}:{}:{}: ", position.line, position.column));
    let field = problem.field.as_ref().map_or_else(String::new, |field| format!("{field}: "));
    format!("{at}{} {}: {field}{}", problem.kind, problem.name, problem.message)
}

/// Colours, where somebody looks at them.
#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn with(self, colour: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

const GREEN: &str = "32";
const RED: &str = "31";
const YELLOW: &str = "33";
const DIM: &str = "2";

fn lines(change: &Change, paint: Paint) -> Vec<String> {
    let (sign, colour) = match change.action {
        Action::Create => ("+", GREEN),
        Action::Update => ("~", YELLOW),
        Action::Unchanged => ("=", DIM),
        Action::Propose => ("?", YELLOW),
    };
    let mut lines = vec![paint.with(colour, &format!("{sign} {} {}", change.kind, change.name))];
    // What names the thing stands in the line above.
    for field in change.fields.iter().filter(|field| !matches!(field.field.as_str(), "name" | "account")) {
        if let Some(old) = &field.old {
            lines.push(paint.with(RED, &format!("    - {}: {}", field.field, shown(old))));
        }
        if let Some(new) = &field.new {
            lines.push(paint.with(GREEN, &format!("    + {}: {}", field.field, shown(new))));
        }
    }
    lines
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn summary(applied: &Applied) -> String {
    let count = |action| applied.changes.iter().filter(|change| change.action == action).count();
    let (created, updated, unchanged) = (count(Action::Create), count(Action::Update), count(Action::Unchanged));
    let proposed = match count(Action::Propose) {
        0 => String::new(),
        proposed if applied.applied => format!(", {proposed} proposed"),
        proposed => format!(", {proposed} to propose"),
    };
    if applied.applied {
        format!("{created} created, {updated} updated, {unchanged} unchanged{proposed}")
    } else {
        format!("{created} to create, {updated} to update, {unchanged} unchanged{proposed}; nothing was changed")
    }
}

#[cfg(test)]
mod tests {
    use postern_domain::document::{FieldChange, Kind};

    use super::*;

    fn change() -> Change {
        let field = |field: &str, old: Option<Value>, new| FieldChange { field: field.to_owned(), old, new };
        Change {
            kind: Kind::Asset,
            name: "web-1".to_owned(),
            action: Action::Update,
            fields: vec![
                field("address", Some(json!("a:22")), Some(json!("b:22"))),
                field("labels.env", None, Some(json!("prod"))),
            ],
        }
    }

    #[test]
    fn a_change_is_shown_field_by_field() {
        let shown = lines(&change(), Paint(false)).join("\n");
        assert_eq!(shown, "~ Asset web-1\n    - address: a:22\n    + address: b:22\n    + labels.env: prod");
        assert!(
            lines(&change(), Paint(true)).iter().all(|line| line.starts_with("\x1b[") && line.ends_with("\x1b[0m"))
        );
    }

    #[test]
    fn a_problem_names_its_file_and_line() {
        let places = [Place { file: "access.yaml".to_owned(), position: Position { line: 7, column: 1 } }];
        let problem = DocumentProblem {
            document: 1,
            kind: Kind::Group,
            name: "dba".to_owned(),
            code: "not_found".to_owned(),
            field: None,
            message: "user `ghost` does not exist".to_owned(),
        };
        assert_eq!(line_of(&problem, &places), "access.yaml:7:1: Group dba: user `ghost` does not exist");
    }

    #[test]
    fn a_dry_run_says_that_nothing_was_changed() {
        let applied = Applied { changes: vec![change()], applied: false };
        assert_eq!(summary(&applied), "0 to create, 1 to update, 0 unchanged; nothing was changed");
    }
}
