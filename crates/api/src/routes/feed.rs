//! What has changed, as it changes, so that the console need not ask again and again.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Body;
use axum::http::Method;
use futures::StreamExt as _;
use postern_control::{Caller, Control, Counts};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::input::Input;
use crate::problem::Problem;
use crate::reply::Bytes;
use crate::route::Routes;

/// How long changes are gathered before they are told.
const GATHER: Duration = Duration::from_millis(100);
/// The nouns that the counts are of.
const COUNTED: [&str; 5] = ["request", "grant", "session", "statement", "other"];
/// How often a line is sent that keeps proxies from closing the stream.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

pub(crate) fn declare(routes: Routes) -> Routes {
    routes.signed_in(
        (
            Method::GET,
            "/v1/feed",
            "feed_show",
            "The nouns that change and the counts of what waits, as server-sent events",
        ),
        show,
    )
}

async fn show(control: Control, caller: Caller, _: Input) -> Result<Bytes, Problem> {
    let stop = control.stop().clone().cancelled_owned();
    let follower = Follower { changes: control.changes(), counts: None, control, caller };
    let events = futures::stream::unfold(follower, |mut follower| async move {
        let text = follower.next().await?;
        Some((Ok::<_, std::convert::Infallible>(text), follower))
    });
    let hello = futures::stream::once(async { Ok(": hello\n\n".to_owned()) });
    let events = hello.chain(events).take_until(stop);
    Ok(Bytes { media: "text/event-stream", headers: Vec::new(), body: Body::from_stream(events.boxed()) })
}

/// Somebody who follows what changes.
struct Follower {
    control: Control,
    caller: Caller,
    changes: Receiver<&'static str>,
    /// What they were told last.
    counts: Option<Counts>,
}

impl Follower {
    /// The next events; none when Postern stops.
    async fn next(&mut self) -> Option<String> {
        let mut nouns = BTreeSet::new();
        if self.counts.is_some() {
            match tokio::time::timeout(KEEP_ALIVE, self.changes.recv()).await {
                Err(_) => return Some(": still here\n\n".to_owned()),
                Ok(Err(RecvError::Closed)) => return None,
                Ok(Err(RecvError::Lagged(_))) => nouns.insert("other"),
                Ok(Ok(noun)) => nouns.insert(noun),
            };
            tokio::time::sleep(GATHER).await;
            while let Ok(noun) = self.changes.try_recv() {
                nouns.insert(noun);
            }
        }
        let mut text = String::new();
        if !nouns.is_empty() {
            let data = serde_json::json!({ "nouns": nouns });
            text.push_str(&format!("event: changed\ndata: {data}\n\n"));
        }
        if self.counts.is_none() || nouns.iter().any(|noun| COUNTED.contains(noun)) {
            text.push_str(&self.count().await);
        }
        Some(text)
    }

    /// The counts, where they are others than those told last.
    async fn count(&mut self) -> String {
        match self.control.counts(&self.caller).await {
            Ok(counts) if self.counts != Some(counts) => {
                self.counts = Some(counts);
                let data = serde_json::json!(counts);
                format!("event: counts\ndata: {data}\n\n")
            }
            Ok(_) => String::new(),
            Err(error) => {
                tracing::warn!(%error, "counts cannot be told");
                self.counts.get_or_insert_default();
                String::new()
            }
        }
    }
}
