//! Between access as text and access as forms: reading without applying, and writing.

use postern_domain::document::{Document, FieldProblem, Problem, parse, to_yaml};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Control, Error};

/// The longest text that is read, in bytes.
const TEXT_LEN_MAX: usize = 256 * 1024;
/// What the text is called in problems.
const FILE: &str = "text";

/// A text to be read.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentText {
    /// Documents of `access.yaml`.
    pub text: String,
}

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DocumentsRead {
    /// The documents; none where there are problems.
    pub documents: Vec<Document>,
    /// What is wrong, each with its line and column.
    pub problems: Vec<Problem>,
}

/// Documents to be written.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentsInput {
    /// The documents.
    pub documents: Vec<Document>,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DocumentsWritten {
    /// The text, which reads back as the same.
    pub text: String,
    /// What would be refused when it is applied, by field.
    pub problems: Vec<FieldProblem>,
}

impl Control {
    /// Reads documents, judging what can be judged of the text alone. Nothing is applied.
    ///
    /// # Errors
    /// `Invalid` when the text is too long.
    pub async fn documents_read(&self, input: DocumentText) -> Result<DocumentsRead, Error> {
        if input.text.len() > TEXT_LEN_MAX {
            return Err(Error::invalid("text", format!("at most {TEXT_LEN_MAX} bytes are read")));
        }
        let read = tokio::task::spawn_blocking(move || parse(FILE, &input.text)).await;
        match read.map_err(|_| Error::Unavailable("reading the text was cut off".to_owned()))? {
            Ok(located) => {
                let documents = located.into_iter().map(|located| located.document).collect();
                Ok(DocumentsRead { documents, problems: Vec::new() })
            }
            Err(invalid) => Ok(DocumentsRead { documents: Vec::new(), problems: invalid.problems }),
        }
    }

    /// Writes documents as text.
    ///
    /// # Errors
    /// When one cannot be written; none of ours is such.
    pub fn documents_write(&self, input: &DocumentsInput) -> Result<DocumentsWritten, Error> {
        let text = to_yaml(&input.documents)
            .map_err(|error| Error::invalid("documents", format!("cannot be written as text: {error}")))?;
        let problems =
            input.documents.iter().filter_map(|document| document.clone().checked().err()).flatten().collect();
        Ok(DocumentsWritten { text, problems })
    }
}

#[cfg(test)]
mod tests;
