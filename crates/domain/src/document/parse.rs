//! From the text of a file to its documents, and back.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_saphyr::budget::BudgetBreach;

use super::check::check;
use super::node::{Node, Position, Step, Value, dotted};
use super::read::{Reading, read};
use super::{Document, Kind, SCHEMA_PATH};
use crate::name::shown;

/// The longest text accepted, in bytes.
pub const TEXT_LEN_MAX: usize = 4 << 20;
/// The most documents accepted in one text.
pub const DOCUMENTS_MAX: usize = 10_000;
const DEPTH_MAX: usize = 16;
const NODES_MAX: usize = 500_000;
const PROBLEMS_MAX: usize = 200;

/// One thing that is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "TextProblem")]
pub struct Problem {
    /// The file, as the caller named it.
    pub file: String,
    /// Which document of the file, from 1; 0 when the text as a whole is meant.
    pub document: usize,
    /// The line, from 1.
    pub line: u64,
    /// The column in characters, from 1.
    pub column: u64,
    /// The field, with its kind: `Policy.obligations.max_duration`; empty when no field is meant.
    pub field: String,
    /// What is wrong and what would be accepted.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file, self.line, self.column)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        write!(f, "{}; see {SCHEMA_PATH}", self.message)
    }
}

/// Everything that is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(.problems))]
pub struct Invalid {
    /// In the order of the text; at least one.
    pub problems: Vec<Problem>,
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// A document and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// The document.
    pub document: Document,
    /// Which one of the file it is, from 1.
    pub number: usize,
    /// Where it begins.
    pub position: Position,
}

/// Reads every document of `text`. `file` is only named in problems.
///
/// # Errors
/// With everything that is wrong, in the order of the text. After a mistake in the YAML itself the
/// rest of the text cannot be read and is not judged.
pub fn parse(file: &str, text: &str) -> Result<Vec<Located>, Invalid> {
    let mut parser = Parser { file, located: Vec::new(), problems: Vec::new(), seen: BTreeMap::new() };
    if text.len() > TEXT_LEN_MAX {
        parser.problem(
            0,
            Position { line: 1, column: 1 },
            String::new(),
            format!("the text is longer than {TEXT_LEN_MAX} bytes"),
        );
        return parser.finish();
    }
    let mut bytes = text.as_bytes();
    for (index, node) in serde_saphyr::read_with_options::<_, Node>(&mut bytes, options()).enumerate() {
        let number = index + 1;
        if number > DOCUMENTS_MAX {
            let at = node.as_ref().map_or(Position { line: 1, column: 1 }, |node| node.at);
            parser.problem(number, at, String::new(), format!("there are more than {DOCUMENTS_MAX} documents"));
            break;
        }
        match node {
            Ok(node) => parser.document(number, node),
            Err(error) => {
                let at = error.location().map_or(Position { line: 1, column: 1 }, Position::from);
                parser.problem(number, at, String::new(), message_of(&error));
            }
        }
        if parser.problems.len() >= PROBLEMS_MAX {
            break;
        }
    }
    parser.finish()
}

/// Writes `documents` as one text, which `parse` reads back as the same.
///
/// # Errors
/// When a value cannot be written as YAML; none of ours is such.
pub fn to_yaml(documents: &[Document]) -> Result<String, serde_saphyr::SerializeError> {
    let options = serde_saphyr::ser_options! { yaml_12: false, prefer_block_scalars: false };
    let texts: Result<Vec<_>, _> =
        documents.iter().map(|document| serde_saphyr::to_string_with_options(document, options.clone())).collect();
    Ok(texts?.join("---\n"))
}

/// Bounds that no honest file meets; references within the text are refused, since a few of them
/// can stand for a great deal.
fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_reader_input_bytes: Some(TEXT_LEN_MAX),
            max_documents: DOCUMENTS_MAX + 1,
            max_depth: DEPTH_MAX,
            flow_nesting_limit: DEPTH_MAX,
            max_nodes: NODES_MAX,
            max_events: NODES_MAX * 3,
            max_total_scalar_bytes: TEXT_LEN_MAX,
            max_anchors: 0,
            max_aliases: 0,
            max_merge_keys: 0,
        },
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        merge_keys: serde_saphyr::MergeKeyPolicy::Error,
        strict_booleans: true,
        with_snippet: false,
    }
}

/// The cause in one line, without the place, which is told before it.
fn message_of(error: &serde_saphyr::Error) -> String {
    match error.without_snippet() {
        serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("`{}` is given twice", shown(key))
        }
        serde_saphyr::Error::Budget { breach: BudgetBreach::Anchors { .. } | BudgetBreach::Aliases { .. }, .. } => {
            "anchors and aliases are not accepted: write the value out".to_owned()
        }
        serde_saphyr::Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => {
            format!("is nested more than {DEPTH_MAX} levels deep")
        }
        serde_saphyr::Error::Budget { .. } => "the text has more values than are accepted: split it".to_owned(),
        other => {
            let text = other.to_string();
            let line = text.lines().next().unwrap_or_default();
            let cause = line.split(" at line ").next().unwrap_or_default();
            format!("not YAML that can be read: {}", cause.strip_prefix("error: ").unwrap_or(cause))
        }
    }
}

struct Parser<'a> {
    file: &'a str,
    located: Vec<Located>,
    problems: Vec<Problem>,
    seen: BTreeMap<(Kind, Option<crate::ScopePath>, String), u64>,
}

impl Parser<'_> {
    fn problem(&mut self, document: usize, at: Position, field: String, message: String) {
        self.problems.push(Problem {
            file: self.file.to_owned(),
            document,
            line: at.line,
            column: at.column,
            field,
            message,
        });
    }

    fn document(&mut self, number: usize, mut node: Node) {
        let Some(kind) = self.kind(number, &node) else { return };
        let whole = node.clone();
        node.remove(&[Step::Key("kind".to_owned())]);
        let reading = match kind {
            Kind::Asset => read_as(node, Document::Asset),
            Kind::Account => read_as(node, Document::Account),
            Kind::Group => read_as(node, Document::Group),
            Kind::Policy => read_as(node, Document::Policy),
            Kind::Role => read_as(node, Document::Role),
            Kind::DiscoverySource => read_as(node, Document::DiscoverySource),
            Kind::SeparationOfDuties => read_as(node, Document::SeparationOfDuties),
        };
        let mut found: Vec<(Position, Vec<Step>, String)> = reading
            .mismatches
            .into_iter()
            .map(|mismatch| {
                let path = mismatch.path();
                (mismatch.at.unwrap_or(whole.at), path, mismatch.message)
            })
            .collect();
        if let Some(document) = reading.value {
            let unread: Vec<_> = found.iter().map(|(_, path, _)| path.clone()).collect();
            let faults = check(&document).into_iter().filter(|fault| {
                !unread.iter().any(|path| path.starts_with(&fault.path) || fault.path.starts_with(path))
            });
            found.extend(faults.map(|fault| (whole.position(&fault.path), fault.path, fault.message)));
            let identity = ["name", "account", "scope"].map(|field| vec![Step::Key(field.to_owned())]);
            if !unread.iter().any(|path| identity.contains(path)) {
                found.extend(self.repetition(&document, &whole));
            }
            if found.is_empty() {
                self.located.push(Located { document: document.canonical(), number, position: whole.at });
            }
        }
        found.sort_by_key(|(at, ..)| *at);
        for (at, path, message) in found {
            self.problem(number, at, field_of(kind, &path), message);
        }
    }

    /// Notes where `document` stands; answers with what is wrong when its thing stood somewhere before.
    fn repetition(&mut self, document: &Document, whole: &Node) -> Option<(Position, Vec<Step>, String)> {
        let Some(first) = self.seen.get(&document.key()) else {
            self.seen.insert(document.key(), whole.at.line);
            return None;
        };
        let field = if document.kind() == Kind::Account { "account" } else { "name" };
        let path = vec![Step::Key(field.to_owned())];
        let message = format!("`{}` is declared already at line {first}", document.name());
        Some((whole.position(&path), path, message))
    }

    /// The kind that a document says it is of; notes a problem where it says none that there is.
    fn kind(&mut self, number: usize, node: &Node) -> Option<Kind> {
        let names = Kind::ALL.map(Kind::as_str).join(", ");
        let Value::Map(_) = &node.value else {
            self.problem(number, node.at, String::new(), format!("a document is a map that begins with kind: {names}"));
            return None;
        };
        let Some(said) = node.get("kind") else {
            self.problem(number, node.at, "kind".to_owned(), format!("is missing: say one of {names}"));
            return None;
        };
        let kind = match &said.value {
            Value::Text(text) => Kind::ALL.into_iter().find(|kind| kind.as_str() == text),
            _ => None,
        };
        if kind.is_none() {
            self.problem(number, said.at, "kind".to_owned(), format!("say one of {names}"));
        }
        kind
    }

    fn finish(mut self) -> Result<Vec<Located>, Invalid> {
        if self.problems.is_empty() {
            Ok(self.located)
        } else {
            self.problems.sort_by_key(|problem| (problem.line, problem.column));
            Err(Invalid { problems: self.problems })
        }
    }
}

fn read_as<T: DeserializeOwned>(node: Node, wrap: fn(T) -> Document) -> Reading<Document> {
    let Reading { value, mismatches } = read::<T>(node);
    Reading { value: value.map(wrap), mismatches }
}

fn field_of(kind: Kind, path: &[Step]) -> String {
    if path.is_empty() { kind.to_string() } else { format!("{kind}.{}", dotted(path)) }
}
