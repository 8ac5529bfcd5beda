//! What has changed, as it changes, so that the console need not ask again and again.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Body;
use axum::http::Method;
use futures::StreamExt as _;
use postern_control::{Caller, Control};
use tokio::sync::broadcast::error::RecvError;

use crate::input::Input;
use crate::problem::Problem;
use crate::reply::Bytes;
use crate::route::Routes;

/// How long changes are gathered before they are told.
const GATHER: Duration = Duration::from_millis(100);
/// How often a line is sent that keeps proxies from closing the stream.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

pub(crate) fn declare(routes: Routes) -> Routes {
    routes.signed_in((Method::GET, "/v1/feed", "feed_show", "The nouns that change, as server-sent events"), show)
}

async fn show(control: Control, _: Caller, _: Input) -> Result<Bytes, Problem> {
    let events = futures::stream::unfold(control.changes(), |mut changes| async move {
        let mut nouns = BTreeSet::new();
        match tokio::time::timeout(KEEP_ALIVE, changes.recv()).await {
            Err(_) => return Some((Ok::<_, std::convert::Infallible>(": still here\n\n".to_owned()), changes)),
            Ok(Err(RecvError::Closed)) => return None,
            Ok(Err(RecvError::Lagged(_))) => {
                nouns.insert("other");
            }
            Ok(Ok(noun)) => {
                nouns.insert(noun);
            }
        }
        tokio::time::sleep(GATHER).await;
        while let Ok(noun) = changes.try_recv() {
            nouns.insert(noun);
        }
        let data = serde_json::json!({ "nouns": nouns });
        Some((Ok(format!("event: changed\ndata: {data}\n\n")), changes))
    });
    let hello = futures::stream::once(async { Ok(": hello\n\n".to_owned()) });
    Ok(Bytes { media: "text/event-stream", headers: Vec::new(), body: Body::from_stream(hello.chain(events).boxed()) })
}
