//! Search over everything recorded.

use axum::http::Method;
use postern_control::{Caller, Control, SearchFound};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::input::{Input, Nothing};
use crate::problem::Problem;
use crate::reply::Found;
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    routes.signed_in(
        (Method::GET, "/v1/search", "search", "Sessions whose recordings hold what is asked for, and where"),
        search,
    )
}

/// What is looked for.
#[derive(Deserialize, JsonSchema)]
struct Asked {
    /// Words, "phrases" and fields: `file:/etc/shadow user:ada since:7d`.
    q: String,
    /// Where to go on.
    cursor: Option<String>,
    /// How many sessions at most; 20, and never more than 50.
    limit: Option<u32>,
}

async fn search(control: Control, caller: Caller, input: Input<Nothing, Asked>) -> Result<Found<SearchFound>, Problem> {
    let Asked { q, cursor, limit } = input.query;
    Ok(Found(control.search(&caller, &q, cursor.as_deref(), limit).await?))
}
