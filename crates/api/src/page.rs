//! A page of a listing, as JSON.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A page of a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Page_of_{T}")]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// The cursor of the next page; none when this is the last.
    pub next: Option<String>,
    /// How many there are in all; absent when that was not asked for, or there are more than 10,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

impl<T> Page<T> {
    /// All there is, on one page.
    pub(crate) fn whole(items: Vec<T>) -> Self {
        Self { items, next: None, total: None }
    }
}

impl<T> From<postern_control::Page<T>> for Page<T> {
    fn from(page: postern_control::Page<T>) -> Self {
        Self { items: page.items, next: page.next, total: None }
    }
}

impl<T> From<postern_control::Listed<T>> for Page<T> {
    fn from(listed: postern_control::Listed<T>) -> Self {
        let postern_control::Listed { items, next, total } = listed;
        Self { items, next, total }
    }
}

/// The query of a listing that takes nothing but paging.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct PageQuery {
    /// Where to go on.
    cursor: Option<String>,
    /// How many at most.
    limit: Option<u32>,
}

impl From<PageQuery> for postern_control::PageRequest {
    fn from(query: PageQuery) -> Self {
        Self { cursor: query.cursor, limit: query.limit }
    }
}
