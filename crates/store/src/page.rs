//! Cursor paging: a page says where the next one begins.

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The most rows in one page.
pub const PAGE_LIMIT_MAX: u32 = 500;
/// The rows in one page unless asked otherwise.
pub const PAGE_LIMIT_DEFAULT: u32 = 50;

/// Which page is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// What the previous page gave as `next`; none for the first.
    pub cursor: Option<String>,
    /// How many rows at most.
    pub limit: Option<u32>,
}

impl PageRequest {
    /// The number of rows to give, within the bounds.
    #[must_use]
    pub fn limit(&self) -> i64 {
        i64::from(self.limit.unwrap_or(PAGE_LIMIT_DEFAULT).clamp(1, PAGE_LIMIT_MAX))
    }

    /// The cursor of a listing that is ordered by several columns, taken apart; empty texts for the
    /// first page.
    pub(crate) fn keys<const N: usize>(&self) -> Result<[&str; N], Error> {
        match self.after() {
            "" => Ok([""; N]),
            cursor => cursor.split('~').collect::<Vec<_>>().try_into().map_err(|_| Error::Cursor),
        }
    }

    /// The cursor as the key of the last row given; empty for the first page.
    #[must_use]
    pub fn after(&self) -> &str {
        self.cursor.as_deref().unwrap_or_default()
    }
}

/// One page of rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page begins; none when this is the last.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// The cursor of a listing that is ordered by several columns. No name or id contains a tilde.
    pub(crate) fn cursor(keys: &[&str]) -> String {
        keys.join("~")
    }

    /// A page from up to `limit + 1` rows: the one too many says that there is a next page, which
    /// begins after the key of the last row given.
    #[must_use]
    pub fn from_rows(mut items: Vec<T>, limit: i64, key: impl Fn(&T) -> String) -> Self {
        let limit = usize::try_from(limit).unwrap_or(0);
        let next = (items.len() > limit).then(|| {
            items.truncate(limit);
            items.last().map(&key)
        });
        Self { items, next: next.flatten() }
    }

    /// The same page of something else.
    #[must_use]
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(convert).collect(), next: self.next }
    }
}
