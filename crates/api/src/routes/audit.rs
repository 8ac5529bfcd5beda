//! The ledger.

use axum::body::Body;
use axum::http::Method;
use futures::StreamExt as _;
use postern_control::{AuditEntry, Caller, Control, InclusionProof, LeafFilter};
use postern_domain::Timestamp;
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::input::{Input, Nothing};
use crate::page::Page;
use crate::problem::Problem;
use crate::reply::{Bytes, Found};
use crate::route::Routes;

pub(crate) fn declare(routes: Routes) -> Routes {
    let read = Permission::AuditRead;
    routes
        .holding(read, (Method::GET, "/v1/audit", "audit_list", "Events, newest first"), list)
        .holding(
            read,
            (Method::GET, "/v1/audit/checkpoint", "audit_checkpoint", "The newest signed checkpoint"),
            checkpoint,
        )
        .holding(
            read,
            (Method::GET, "/v1/audit/export", "audit_export", "Events, oldest first, a JSON line each"),
            export,
        )
        .holding(read, (Method::GET, "/v1/audit/{index}", "audit_show", "One event"), show)
        .holding(
            read,
            (Method::GET, "/v1/audit/{index}/proof", "audit_proof", "Proof that it is in the signed log"),
            proof,
        )
}

/// An event's place in the path.
#[derive(Deserialize, JsonSchema)]
struct Place {
    /// Its place in the log, from 0.
    index: String,
}

impl Place {
    fn index(&self) -> Result<u64, Problem> {
        self.index.parse().map_err(|_| Problem::invalid("index", "give the event's number in the log, from 0"))
    }
}

/// Which events are wanted.
#[derive(Default, Deserialize, JsonSchema)]
struct Wanted {
    /// By this person, or `system`, `console`, `unknown`.
    actor: Option<String>,
    /// This action, `session.open`, or all of a noun, `session`.
    action: Option<String>,
    /// On this thing.
    target: Option<String>,
    /// With this outcome: `intent`, `done`, `failed`, `refused`, `unknown`.
    outcome: Option<String>,
    /// Not before.
    from: Option<Timestamp>,
    /// Before.
    until: Option<Timestamp>,
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

/// Which events are exported.
#[derive(Default, Deserialize, JsonSchema)]
struct Exported {
    /// By this person, or `system`, `console`, `unknown`.
    actor: Option<String>,
    /// This action, `session.open`, or all of a noun, `session`.
    action: Option<String>,
    /// On this thing.
    target: Option<String>,
    /// With this outcome: `intent`, `done`, `failed`, `refused`, `unknown`.
    outcome: Option<String>,
    /// Not before.
    from: Option<Timestamp>,
    /// Before.
    until: Option<Timestamp>,
    /// From this place in the log on.
    #[serde(default)]
    first: u64,
    /// Whether each comes with the proof that it is in the signed log; the first line is the checkpoint
    /// then.
    #[serde(default)]
    proof: bool,
}

async fn list(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, Wanted>,
) -> Result<Found<Page<AuditEntry>>, Problem> {
    let Wanted { actor, action, target, outcome, from, until, cursor, limit, sort, count } = input.query;
    let filter = LeafFilter { actor, action, target, outcome, from, until };
    let listing = crate::input::listing(cursor, limit, sort, count);
    Ok(Found(control.audit_list(&permit, &filter, &listing).await?.into()))
}

async fn show(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    input: Input<Place>,
) -> Result<Found<AuditEntry>, Problem> {
    Ok(Found(control.audit_show(&permit, input.path.index()?).await?))
}

async fn proof(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    input: Input<Place>,
) -> Result<Found<InclusionProof>, Problem> {
    Ok(Found(control.audit_proof(&permit, input.path.index()?).await?))
}

async fn checkpoint(control: Control, _: Caller, _: Permit<Manage>, _: Input) -> Result<Bytes, Problem> {
    let note = control.audit_checkpoint()?;
    Ok(Bytes { media: "text/plain; charset=utf-8", headers: Vec::new(), body: Body::from(note) })
}

async fn export(
    control: Control,
    _: Caller,
    permit: Permit<Manage>,
    input: Input<Nothing, Exported>,
) -> Result<Bytes, Problem> {
    let Exported { actor, action, target, outcome, from, until, first, proof } = input.query;
    let filter = LeafFilter { actor, action, target, outcome, from, until };
    let export = control.audit_export(&permit, filter, first, proof).await?;
    let batches = futures::stream::unfold((control, Some(export)), |(control, export)| async move {
        let mut export = export?;
        match control.audit_export_next(&mut export).await {
            Ok(lines) => Some((Ok(lines?), (control, Some(export)))),
            Err(error) => Some((Err(std::io::Error::other(error)), (control, None))),
        }
    });
    Ok(Bytes { media: "application/x-ndjson", headers: Vec::new(), body: Body::from_stream(batches.boxed()) })
}
