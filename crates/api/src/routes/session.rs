//! Sessions and their recordings.

use axum::body::Body;
use axum::extract::Request;
use axum::http::Method;
use axum::response::Response;
use futures::StreamExt as _;
use postern_control::{
    Caller, Control, Integrity, RecordingFormat, RecordingMarks, RecordingSearch, SessionFilter, SessionLive,
    watched_line,
};
use postern_domain::permission::Permission;
use postern_domain::permit::{Manage, Permit};
use postern_domain::session::Session;
use postern_domain::{AccountRef, SessionId, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::input::{Input, Nothing};
use crate::page::Page;
use crate::problem::Problem;
use crate::reply::{Bytes, Done, Found};
use crate::route::{Routes, Streamed};
use crate::server::App;
use crate::socket::{Heard, Upgrade};

pub(crate) fn declare(routes: Routes) -> Routes {
    routes
        .signed_in((Method::GET, "/v1/sessions", "session_list", "Sessions: one's own, and those one may see"), list)
        .signed_in((Method::GET, "/v1/sessions/{id}", "session_show", "One session"), show)
        .holding(
            Permission::SessionKill,
            (Method::POST, "/v1/sessions/{id}/kill", "session_kill", "Terminate a live session"),
            kill,
        )
        .holding(
            Permission::SessionKill,
            (Method::POST, "/v1/sessions/{id}/message", "session_message", "Show a message to whoever works in it"),
            message,
        )
        .holding(
            Permission::SessionKill,
            (Method::POST, "/v1/sessions/{id}/pause", "session_pause", "Hold the input of a live session"),
            pause,
        )
        .holding(
            Permission::SessionKill,
            (Method::POST, "/v1/sessions/{id}/resume", "session_resume", "Let the input of a session flow again"),
            resume,
        )
        .signed_in(
            (Method::GET, "/v1/sessions/{id}/live", "session_live", "Who has joined a live session, and who holds it"),
            live,
        )
        .streaming(
            (Method::GET, "/v1/sessions/{id}/join", "session_join", "Join a live session, as a WebSocket"),
            Streamed::SOCKET,
            join,
        )
        .signed_in(
            (Method::GET, "/v1/sessions/{id}/recording/search", "recording_search", "Lines of it that contain a text"),
            search,
        )
        .signed_in(
            (Method::GET, "/v1/sessions/{id}/recording/marks", "recording_marks", "Points in it to jump to"),
            marks,
        )
        .signed_in(
            (Method::GET, "/v1/sessions/{id}/recording", "recording_show", "The recording, as it is asked for"),
            recording,
        )
        .signed_in(
            (Method::GET, "/v1/sessions/{id}/integrity", "recording_integrity", "Whether it is what was written"),
            integrity,
        )
        .signed_in(
            (Method::GET, "/v1/sessions/{id}/watch", "session_watch", "Follow a live session, a JSON line a frame"),
            watch,
        )
}

/// A session's id in the path.
#[derive(Deserialize, JsonSchema)]
struct Named {
    /// The session.
    id: SessionId,
}

/// Which sessions are wanted.
#[derive(Default, Deserialize, JsonSchema)]
struct Wanted {
    /// Live ones only.
    #[serde(default)]
    live: bool,
    /// Of this person.
    user: Option<String>,
    /// On this account, `root@web-1`.
    account: Option<AccountRef>,
    /// That came this way: `ssh`, `web`.
    protocol: Option<String>,
    /// Begun not before.
    from: Option<Timestamp>,
    /// Begun before.
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

/// Why.
#[derive(Deserialize, JsonSchema)]
struct Why {
    /// One line that the person is shown and the ledger keeps.
    reason: String,
}

/// Why, if there is something to say.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HoldRemark {
    /// One line that the person is shown and the ledger keeps.
    #[serde(default)]
    reason: Option<String>,
}

/// How somebody joins.
#[derive(Default, Deserialize, JsonSchema)]
struct Joining {
    /// Whether they type too.
    #[serde(default)]
    control: bool,
}

/// What is searched for.
#[derive(Deserialize, JsonSchema)]
struct Sought {
    /// A part of a line, whatever its case.
    q: String,
}

/// What to say.
#[derive(Deserialize, JsonSchema)]
struct Said {
    /// One line.
    text: String,
}

/// How the recording is wanted.
#[derive(Default, Deserialize, JsonSchema)]
struct Form {
    /// As what.
    #[serde(default)]
    format: RecordingFormat,
}

async fn list(
    control: Control,
    caller: Caller,
    input: Input<Nothing, Wanted>,
) -> Result<Found<Page<Session>>, Problem> {
    let Wanted { live, user, account, protocol, from, until, cursor, limit, sort, count } = input.query;
    let filter = SessionFilter { live, user, account, asset: None, protocol, from, until };
    let page = crate::input::listing(cursor, limit, sort, count);
    Ok(Found(control.session_list(&caller, &filter, &page).await?.into()))
}

async fn show(control: Control, caller: Caller, input: Input<Named>) -> Result<Found<Session>, Problem> {
    Ok(Found(control.session_show(&caller, &input.path.id).await?))
}

async fn kill(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named, Nothing, Why>,
) -> Result<Found<Session>, Problem> {
    Ok(Found(control.session_kill(&caller, &permit, &input.path.id, &input.body.reason).await?))
}

async fn message(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named, Nothing, Said>,
) -> Result<Done, Problem> {
    control.session_message(&caller, &permit, &input.path.id, &input.body.text).await?;
    Ok(Done)
}

async fn pause(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named, Nothing, HoldRemark>,
) -> Result<Done, Problem> {
    control.session_hold(&caller, &permit, &input.path.id, true, input.body.reason.as_deref()).await?;
    Ok(Done)
}

async fn resume(
    control: Control,
    caller: Caller,
    permit: Permit<Manage>,
    input: Input<Named, Nothing, HoldRemark>,
) -> Result<Done, Problem> {
    control.session_hold(&caller, &permit, &input.path.id, false, input.body.reason.as_deref()).await?;
    Ok(Done)
}

async fn live(control: Control, caller: Caller, input: Input<Named>) -> Result<Found<SessionLive>, Problem> {
    Ok(Found(control.session_live(&caller, &input.path.id).await?))
}

async fn join(app: App, caller: Caller, path: Named, query: Joining, request: Request) -> Result<Response, Problem> {
    let socket = Upgrade::of(&app, request, "postern.join.v1").await?;
    let stop = app.control.stop().clone();
    let mut joined = app.control.session_join(&caller, &path.id, query.control).await?;
    Ok(socket.serve(async move |mut socket| {
        loop {
            tokio::select! {
                seen = joined.next() => {
                    let Some(seen) = seen else { break };
                    if socket.say(watched_line(&seen)).await.is_err() {
                        return;
                    }
                }
                heard = socket.hear() => match heard {
                    Heard::Bytes(data) => {
                        if joined.type_in(data).await.is_err() {
                            break;
                        }
                    }
                    Heard::Text(_) => {}
                    Heard::Nothing => return,
                },
                () = stop.cancelled() => break,
            }
        }
        let _ = socket.say(serde_json::json!({ "kind": "ended" }).to_string()).await;
        socket.close(1000, "").await;
    }))
}

async fn search(
    control: Control,
    caller: Caller,
    input: Input<Named, Sought>,
) -> Result<Found<RecordingSearch>, Problem> {
    Ok(Found(control.recording_search(&caller, &input.path.id, &input.query.q).await?))
}

async fn marks(control: Control, caller: Caller, input: Input<Named>) -> Result<Found<RecordingMarks>, Problem> {
    Ok(Found(control.recording_marks(&caller, &input.path.id).await?))
}

async fn recording(control: Control, caller: Caller, input: Input<Named, Form>) -> Result<Bytes, Problem> {
    let format = input.query.format;
    let portions = control.recording_export(&caller, &input.path.id, format).await?;
    let media = match format {
        RecordingFormat::Asciicast => "application/x-asciicast",
        RecordingFormat::Text => "text/plain; charset=utf-8",
        RecordingFormat::Json => "application/x-ndjson",
    };
    let stream = futures::stream::unfold(portions, |mut portions| async move {
        portions.recv().await.map(|portion| (portion, portions))
    });
    Ok(Bytes { media, headers: Vec::new(), body: Body::from_stream(stream) })
}

async fn integrity(control: Control, caller: Caller, input: Input<Named>) -> Result<Found<Integrity>, Problem> {
    Ok(Found(control.recording_integrity(&caller, &input.path.id).await?))
}

async fn watch(control: Control, caller: Caller, input: Input<Named>) -> Result<Bytes, Problem> {
    let stop = control.stop().clone().cancelled_owned();
    let watch = control.session_watch(&caller, &input.path.id).await?;
    let lines = futures::stream::unfold(watch, |mut watch| async move {
        let seen = watch.next().await?;
        Some((Ok::<_, std::convert::Infallible>(watched_line(&seen)), watch))
    });
    Ok(Bytes {
        media: "application/x-ndjson",
        headers: Vec::new(),
        body: Body::from_stream(lines.take_until(stop).boxed()),
    })
}
