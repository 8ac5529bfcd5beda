//! Access reviews.

use axum::body::Body;
use axum::http::Method;
use postern_control::{
    Caller, Control, EvidenceFormat, ReviewAnswer, ReviewAnswered, ReviewInput, ReviewItemFilter, ReviewItemState,
    ReviewItemsWanted, ReviewStarted,
};
use postern_domain::ReviewId;
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::review::{Decision, Review, ReviewItem, ReviewState, RightKind};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::input::{self, Input, Nothing};
use crate::page::Page;
use crate::problem::Problem;
use crate::reply::{Bytes, Created, Found};
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    routes
        .signed_in(
            (Method::GET, "/v1/reviews", "review_list", "Access reviews that one may see or is asked in, newest first"),
            list,
        )
        .holding(
            Permission::ReviewWrite,
            (Method::POST, "/v1/reviews", "review_start", "Start an access review of what there is now"),
            start,
        )
        .signed_in((Method::GET, "/v1/reviews/{id}", "review_show", "One access review"), show)
        .signed_in(
            (Method::GET, "/v1/reviews/{id}/items", "review_items", "Rights in an access review, with what is known"),
            items,
        )
        .signed_in(
            (Method::POST, "/v1/reviews/{id}/decide", "review_decide", "Keep rights, reduce them or take them away"),
            decide,
        )
        .holding(
            Permission::ReviewWrite,
            (Method::POST, "/v1/reviews/{id}/close", "review_close", "Close an access review before it is due"),
            close,
        )
        .holding(
            Permission::ReviewWrite,
            (Method::POST, "/v1/reviews/{id}/stop", "review_stop", "Have an access review start again no more"),
            stop,
        )
        .holding(
            Permission::ReviewRead,
            (
                Method::GET,
                "/v1/reviews/{id}/evidence",
                "review_evidence",
                "What was known and decided in an access review, with a signed note over it",
            ),
            evidence,
        )
}

/// A review in the path.
#[derive(Deserialize, JsonSchema)]
struct Named {
    /// The review.
    id: ReviewId,
}

/// Which reviews are wanted.
#[derive(Default, Deserialize, JsonSchema)]
struct InState {
    /// Those in this state only.
    state: Option<ReviewState>,
}

/// Which rights are wanted; everything given must match.
#[derive(Default, Deserialize, JsonSchema)]
struct Wanted {
    /// How it stands.
    state: Option<ReviewItemState>,
    /// Of which kind.
    kind: Option<RightKind>,
    /// With which advice.
    advice: Option<Decision>,
    /// A part of whose it is, or of what it is.
    q: Option<String>,
    /// Those only that one may answer for.
    #[serde(default)]
    mine: bool,
    /// Where to go on.
    cursor: Option<String>,
    /// How many at most.
    limit: Option<u32>,
    /// By what to sort, with a minus for the other way round.
    sort: Option<String>,
    /// Whether to count all that match.
    #[serde(default)]
    count: bool,
}

/// Which part of the evidence is wanted.
#[derive(Default, Deserialize, JsonSchema)]
struct Part {
    /// `json` and `csv` hold everything; `note` is signed with the ledger's key and holds the digests of both.
    #[serde(default)]
    format: EvidenceFormat,
}

async fn list(
    control: Control,
    caller: Caller,
    input: Input<Nothing, InState>,
) -> Result<Found<Page<Review>>, Problem> {
    Ok(Found(Page::whole(control.review_list(&caller, input.query.state).await?)))
}

async fn start(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, Nothing, ReviewInput>,
) -> Result<Created<ReviewStarted>, Problem> {
    Ok(Created(control.review_start(&caller, &permit, input.body).await?))
}

async fn show(control: Control, caller: Caller, input: Input<Named>) -> Result<Found<Review>, Problem> {
    Ok(Found(control.review_show(&caller, &input.path.id).await?))
}

async fn items(
    control: Control,
    caller: Caller,
    input: Input<Named, Wanted>,
) -> Result<Found<Page<ReviewItem>>, Problem> {
    let Wanted { state, kind, advice, q, mine, cursor, limit, sort, count } = input.query;
    let filter = ReviewItemFilter { state, kind, advice, q, ..ReviewItemFilter::default() };
    let listing = input::listing(cursor, limit, sort, count);
    let wanted = ReviewItemsWanted { filter, mine };
    Ok(Found(control.review_items(&caller, &input.path.id, &wanted, &listing).await?.into()))
}

async fn decide(
    control: Control,
    caller: Caller,
    input: Input<Named, Nothing, ReviewAnswer>,
) -> Result<Found<ReviewAnswered>, Problem> {
    Ok(Found(control.review_decide(&caller, &input.path.id, &input.body).await?))
}

async fn close(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named>,
) -> Result<Found<Review>, Problem> {
    Ok(Found(control.review_close(&caller, &permit, &input.path.id).await?))
}

async fn stop(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named>,
) -> Result<Found<Review>, Problem> {
    Ok(Found(control.review_stop(&caller, &permit, &input.path.id).await?))
}

async fn evidence(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named, Part>,
) -> Result<Bytes, Problem> {
    let format = input.query.format;
    let bytes = control.review_evidence(&caller, &permit, &input.path.id, format).await?;
    let (media, ending) = match format {
        EvidenceFormat::Json => ("application/json", "json"),
        EvidenceFormat::Csv => ("text/csv; charset=utf-8", "csv"),
        EvidenceFormat::Note => ("text/plain; charset=utf-8", "note"),
    };
    let name = format!("attachment; filename=\"{}.{ending}\"", input.path.id);
    let headers = axum::http::HeaderValue::try_from(name).map(|name| (axum::http::header::CONTENT_DISPOSITION, name));
    Ok(Bytes { media, headers: headers.into_iter().collect(), body: Body::from(bytes) })
}
