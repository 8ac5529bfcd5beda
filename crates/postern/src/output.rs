//! How answers are printed: a table for people, the API's own fields as JSON or YAML for programs.

use std::io::Write as _;

use clap::ValueEnum;
use comfy_table::Table;
use serde::Serialize;

use crate::exit::Failure;

/// The form of what is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Columns for people to read.
    Table,
    /// The API's fields as JSON.
    Json,
    /// The API's fields as YAML.
    Yaml,
}

/// Something that has a line in a table.
pub(crate) trait Columns {
    /// The headings.
    const HEADINGS: &'static [&'static str];
    /// The cells, as many as there are headings.
    fn cells(&self) -> Vec<String>;
}

/// Prints a list.
pub(crate) fn list<T: Columns + Serialize>(format: Format, items: &[T]) -> Result<(), Failure> {
    if format != Format::Table {
        return value(format, &items);
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_header(T::HEADINGS.to_vec());
    for item in items {
        table.add_row(item.cells());
    }
    let text: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    line(&text.join("\n"))
}

/// Prints one thing: its fields one to a line, or as JSON or YAML.
pub(crate) fn one<T: Serialize>(format: Format, item: &T) -> Result<(), Failure> {
    if format != Format::Table {
        return value(format, item);
    }
    let fields = serde_json::to_value(item)?;
    let Some(fields) = fields.as_object() else { return line(&fields.to_string()) };
    let width = fields.keys().map(String::len).max().unwrap_or(0);
    for (name, field) in fields {
        let text = match field {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Null => "-".to_owned(),
            serde_json::Value::Array(items) if items.iter().all(serde_json::Value::is_string) => {
                items.iter().filter_map(serde_json::Value::as_str).collect::<Vec<_>>().join(", ")
            }
            other => other.to_string(),
        };
        line(&format!("{name:width$}  {text}"))?;
    }
    Ok(())
}

/// Prints a value as JSON or YAML.
fn value<T: Serialize>(format: Format, item: &T) -> Result<(), Failure> {
    match format {
        Format::Yaml => line(serde_saphyr::to_string(item)?.trim_end()),
        Format::Table | Format::Json => line(&serde_json::to_string_pretty(item)?),
    }
}

/// Prints a line. A reader that went away is no failure.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// A time as people write it, in UTC.
pub(crate) fn time(at: postern_domain::Timestamp) -> String {
    let text = at.to_string();
    text.get(..19).map_or_else(|| text.clone(), |seconds| format!("{}Z", seconds.replace('T', " ")))
}

/// An optional thing, or a dash.
pub(crate) fn or_dash(item: Option<impl ToString>) -> String {
    item.map_or_else(|| "-".to_owned(), |item| item.to_string())
}

/// A choice as the word that it is in JSON.
pub(crate) fn word<T: Serialize>(choice: &T) -> String {
    match serde_json::to_value(choice) {
        Ok(serde_json::Value::String(word)) => word,
        _ => "-".to_owned(),
    }
}
