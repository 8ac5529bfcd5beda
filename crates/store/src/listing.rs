//! Listings: pages of one noun, filtered and sorted by the database, each read from an index from where
//! the last one ended.

use postern_domain::{ScopePath, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};

use crate::db::ReadTx;
use crate::error::Error;
use crate::page::PageRequest;
use crate::row;

/// How far rows are counted; more are "more than this".
pub const COUNT_MAX: u64 = 10_000;

/// Which page of a listing is wanted, sorted how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Which page.
    pub page: PageRequest,
    /// By what, `name`, or `-name` for the other way round; by what is usual unless given.
    pub sort: Option<String>,
    /// Whether all that match are to be counted.
    pub count: bool,
}

impl From<PageRequest> for Listing {
    fn from(page: PageRequest) -> Self {
        Self { page, ..Self::default() }
    }
}

/// A page of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Where the next page begins; none when this is the last.
    pub next: Option<String>,
    /// How many match; none when that was not asked for, or there are more than are counted.
    pub total: Option<u64>,
}

impl<T> Listed<T> {
    /// The same page of something else.
    #[must_use]
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Listed<U> {
        Listed { items: self.items.into_iter().map(convert).collect(), next: self.next, total: self.total }
    }
}

/// How a noun is listed.
pub(crate) struct Plan {
    /// What is selected.
    pub(crate) columns: &'static str,
    /// From which tables, with what always holds.
    pub(crate) from: &'static str,
    /// The column that tells rows apart.
    pub(crate) id: &'static str,
    /// What it can be sorted by: the name, and the SQL, for which there is an index together with the id.
    /// The first is the usual one, with a minus where the other way round is usual.
    pub(crate) keys: &'static [(&'static str, &'static str)],
}

impl Plan {
    fn key(&self, wanted: &str) -> Result<(&'static str, bool), Error> {
        let (name, descending) = wanted.strip_prefix('-').map_or((wanted, false), |name| (name, true));
        let plain = |given: &str| given.trim_start_matches('-').to_owned();
        let found = self.keys.iter().find(|(key, _)| key.trim_start_matches('-') == name);
        let accepted = || self.keys.iter().map(|(key, _)| plain(key)).collect::<Vec<_>>().join(", ");
        found.map(|(_, sql)| (*sql, descending)).ok_or_else(|| Error::Sort { accepted: accepted() })
    }

    fn usual(&self) -> &'static str {
        self.keys.first().map_or("", |(key, _)| key)
    }
}

/// A listing that is being put together.
pub(crate) struct Query {
    builder: QueryBuilder<Sqlite>,
    /// How it ends; none where rows are counted.
    ending: Option<String>,
    sort: String,
    limit: i64,
}

impl Query {
    /// The rows of one page, to be narrowed further.
    pub(crate) fn page(plan: &Plan, listing: &Listing) -> Result<Self, Error> {
        let sort = listing.sort.clone().unwrap_or_else(|| plan.usual().to_owned());
        let (key, descending) = plan.key(&sort)?;
        let Plan { columns, from, id, .. } = plan;
        let mut builder =
            QueryBuilder::new(format!("select {columns}, {key} as sort_key, {id} as sort_id from {from}"));
        if let Some(cursor) = &listing.page.cursor {
            let (sorted, value, last) = decode(cursor)?;
            if sorted != sort {
                return Err(Error::Cursor);
            }
            builder.push(format!(" and ({key}, {id}) {} (", if descending { "<" } else { ">" }));
            match value {
                Key::Number(number) => builder.push_bind(number),
                Key::Text(text) => builder.push_bind(text),
            };
            builder.push(", ").push_bind(last).push(")");
        }
        let way = if descending { " desc" } else { "" };
        let limit = listing.page.limit();
        let ending = Some(format!(" order by {key}{way}, {id}{way} limit {}", limit + 1));
        Ok(Self { builder, ending, sort, limit })
    }

    /// Rows that are not shown page by page, to be narrowed further and ordered by whoever asks.
    pub(crate) fn bare(plan: &Plan) -> Self {
        let builder = QueryBuilder::new(format!("select {} from {}", plan.columns, plan.from));
        Self { builder, ending: None, sort: String::new(), limit: 0 }
    }

    /// All of its rows.
    pub(crate) async fn all(mut self, tx: &mut ReadTx) -> Result<Vec<SqliteRow>, Error> {
        Ok(self.builder.build().fetch_all(tx.connection()).await?)
    }

    /// The count of rows, to be narrowed further.
    pub(crate) fn count(plan: &Plan) -> Self {
        let builder = QueryBuilder::new(format!("select count(*) from (select 1 from {}", plan.from));
        Self { builder, ending: None, sort: String::new(), limit: 0 }
    }

    /// To narrow it: each condition begins with ` and `.
    pub(crate) fn sql(&mut self) -> &mut QueryBuilder<Sqlite> {
        &mut self.builder
    }

    /// Only what lies in one of `scopes`.
    pub(crate) fn within(&mut self, column: &str, scopes: &[ScopePath]) {
        if !scopes.contains(&ScopePath::root()) {
            self.builder.push(" and ");
            self.push_within(column, scopes);
        }
    }

    /// SQL that is true for what lies in one of `scopes`.
    pub(crate) fn push_within(&mut self, column: &str, scopes: &[ScopePath]) {
        self.builder.push("exists (select 1 from json_each(").push_bind(row::scopes_json(scopes));
        self.builder.push(format!(
            ") s where s.value = '/' or s.value = {column} or substr({column}, 1, length(s.value) + 1) = s.value || '/')"
        ));
    }

    /// Only what has a part of `text` in one of `columns`, which are lower case.
    pub(crate) fn containing(&mut self, columns: &[&str], text: Option<&str>) {
        let Some(text) = text else { return };
        let text = text.to_lowercase();
        for (index, column) in columns.iter().enumerate() {
            self.builder.push(if index == 0 { " and (" } else { " or " });
            self.builder.push(format!("instr({column}, ")).push_bind(text.clone()).push(") > 0");
        }
        self.builder.push(")");
    }

    /// Only what has this value in `column`.
    pub(crate) fn equal(&mut self, column: &str, value: Option<String>) {
        if let Some(value) = value {
            self.builder.push(format!(" and {column} = ")).push_bind(value);
        }
    }

    /// Only what happened at `from` or later, and before `until`.
    pub(crate) fn during(&mut self, column: &str, from: Option<Timestamp>, until: Option<Timestamp>) {
        if let Some(from) = from {
            self.builder.push(format!(" and {column} >= ")).push_bind(from.as_millis());
        }
        if let Some(until) = until {
            self.builder.push(format!(" and {column} < ")).push_bind(until.as_millis());
        }
    }

    /// The rows, and where the next page begins.
    pub(crate) async fn rows(mut self, tx: &mut ReadTx) -> Result<(Vec<SqliteRow>, Option<String>), Error> {
        self.builder.push(self.ending.take().unwrap_or_default());
        let mut rows = self.builder.build().fetch_all(tx.connection()).await?;
        let limit = usize::try_from(self.limit).unwrap_or(0);
        if rows.len() <= limit {
            return Ok((rows, None));
        }
        rows.truncate(limit);
        let next = rows.last().map(|last| encode(&self.sort, last)).transpose()?;
        Ok((rows, next))
    }

    /// How many rows there are; none when there are more than are counted.
    pub(crate) async fn total(mut self, tx: &mut ReadTx) -> Result<Option<u64>, Error> {
        self.builder.push(format!(" limit {})", COUNT_MAX + 1));
        let count: i64 = self.builder.build_query_scalar().fetch_one(tx.connection()).await?;
        Ok(u64::try_from(count).ok().filter(|count| *count <= COUNT_MAX))
    }

    /// How the database goes about it, what belongs to a row apart, for tests.
    #[cfg(test)]
    pub(crate) async fn plan(mut self, tx: &mut ReadTx) -> Vec<String> {
        self.builder.push(self.ending.take().unwrap_or_default());
        let explained = format!("explain query plan {}", self.builder.sql().as_str());
        let rows = sqlx::query(sqlx::AssertSqlSafe(explained)).fetch_all(tx.connection()).await.unwrap();
        rows.iter().filter(|row| row.get::<i64, _>("parent") == 0).map(|row| row.get("detail")).collect()
    }
}

enum Key {
    Number(i64),
    Text(String),
}

/// A cursor: how it is sorted, and the last row's key and id; hex, so that it needs no quoting anywhere.
fn encode(sort: &str, row: &SqliteRow) -> Result<String, Error> {
    let key = match row.try_get::<i64, _>("sort_key") {
        Ok(number) => serde_json::Value::from(number),
        Err(_) => serde_json::Value::from(row.try_get::<String, _>("sort_key")?),
    };
    cursor(sort, &key, &row.try_get::<String, _>("sort_id")?)
}

/// The cursor after a row with this key and id.
pub(crate) fn cursor(sort: &str, key: &serde_json::Value, id: &str) -> Result<String, Error> {
    let text = row::to_json(&(sort, key, id), "cursor")?;
    Ok(text.bytes().map(|byte| format!("{byte:02x}")).collect())
}

fn decode(cursor: &str) -> Result<(String, Key, String), Error> {
    let digits = cursor.as_bytes();
    let byte = |pair: &[u8]| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let bytes: Option<Vec<u8>> = digits.chunks(2).map(byte).collect();
    let bytes = bytes.filter(|_| digits.len().is_multiple_of(2)).ok_or(Error::Cursor)?;
    let (sort, key, id): (String, serde_json::Value, String) =
        serde_json::from_slice(&bytes).map_err(|_| Error::Cursor)?;
    let key = match key {
        serde_json::Value::Number(number) => Key::Number(number.as_i64().ok_or(Error::Cursor)?),
        serde_json::Value::String(text) => Key::Text(text),
        _ => return Err(Error::Cursor),
    };
    Ok((sort, key, id))
}

#[cfg(test)]
mod tests;
