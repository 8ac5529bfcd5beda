//! Reading columns into the nouns' types, and back.

use std::str::FromStr;

use postern_domain::{ScopePath, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::error::Error;

/// A column whose text parses as `T`.
pub(crate) fn text<T: FromStr>(row: &SqliteRow, column: &'static str) -> Result<T, Error> {
    row.try_get::<String, _>(column)?.parse().map_err(|_| Error::Corrupt { what: column })
}

/// The same where the column may be null.
pub(crate) fn text_opt<T: FromStr>(row: &SqliteRow, column: &'static str) -> Result<Option<T>, Error> {
    row.try_get::<Option<String>, _>(column)?
        .map(|value| value.parse().map_err(|_| Error::Corrupt { what: column }))
        .transpose()
}

/// A column of time.
pub(crate) fn time(row: &SqliteRow, column: &'static str) -> Result<Timestamp, Error> {
    Ok(Timestamp::from_millis(row.try_get(column)?))
}

/// The same where the column may be null.
pub(crate) fn time_opt(row: &SqliteRow, column: &'static str) -> Result<Option<Timestamp>, Error> {
    Ok(row.try_get::<Option<i64>, _>(column)?.map(Timestamp::from_millis))
}

/// A column of JSON.
pub(crate) fn json<T: DeserializeOwned>(row: &SqliteRow, column: &'static str) -> Result<T, Error> {
    serde_json::from_str(&row.try_get::<String, _>(column)?).map_err(|_| Error::Corrupt { what: column })
}

/// The same where the column may be null.
pub(crate) fn json_opt<T: DeserializeOwned>(row: &SqliteRow, column: &'static str) -> Result<Option<T>, Error> {
    row.try_get::<Option<String>, _>(column)?
        .map(|value| serde_json::from_str(&value).map_err(|_| Error::Corrupt { what: column }))
        .transpose()
}

/// A value as JSON text.
pub(crate) fn to_json<T: Serialize>(value: &T, what: &'static str) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|_| Error::Corrupt { what })
}

/// A unit enum as the word that it serialises to, for a text column.
pub(crate) fn word<T: Serialize>(value: &T, what: &'static str) -> Result<String, Error> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        _ => Err(Error::Corrupt { what }),
    }
}

/// A unit enum from its word.
pub(crate) fn from_word<T: DeserializeOwned>(row: &SqliteRow, column: &'static str) -> Result<T, Error> {
    let word: String = row.try_get(column)?;
    serde_json::from_value(serde_json::Value::String(word)).map_err(|_| Error::Corrupt { what: column })
}

/// A JSON array of scope paths, to be matched with [`scope_clause`].
pub(crate) fn scopes_json(scopes: &[ScopePath]) -> String {
    serde_json::to_string(scopes).unwrap_or_else(|_| "[]".to_owned())
}

/// SQL that is true where `column` lies in one of the scopes bound (as [`scopes_json`]) to `parameter`.
pub(crate) fn scope_clause(column: &str, parameter: &str) -> String {
    format!(
        "exists (select 1 from json_each({parameter}) s where s.value = '/' or s.value = {column} \
         or substr({column}, 1, length(s.value) + 1) = s.value || '/')"
    )
}

/// SQL that is true where the JSON object in `column` has every entry of the one bound to `parameter`.
pub(crate) fn labels_clause(column: &str, parameter: &str) -> String {
    format!(
        "not exists (select 1 from json_each({parameter}) w where not exists \
         (select 1 from json_each({column}) l where l.key = w.key and l.value = w.value))"
    )
}
