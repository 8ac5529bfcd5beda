//! Windows that come again on one approval: each is granted as it begins, while policy still allows it.

use std::time::Duration;

use postern_domain::RequestId;
use postern_domain::event::{Actor, Event};
use postern_domain::request::{Recurrence, Request, RequestState};
use postern_store::{StoredRequest, WriteTx};

use crate::approval::still_asked;
use crate::request::grant_window;
use crate::{Caller, Control, Error, grant};

/// How many windows are begun in one transaction.
const BATCH_MAX: u32 = 50;

impl Control {
    /// Grants the windows of recurring requests that have begun, and ends those that policy no longer allows; gives
    /// how many it looked at. To be called every second or so.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn begin_windows(&self) -> Result<usize, Error> {
        let now = self.now();
        if self.store().read().await?.windows_due(now, 1).await?.is_empty() {
            return Ok(0);
        }
        let mut tx = self.store().write(now).await?;
        let due = tx.windows_due(now, BATCH_MAX).await?;
        let mut events = Vec::new();
        for series in &due {
            events.extend(begin_due(&mut tx, series).await?);
        }
        self.commit(tx, &events).await?;
        Ok(due.len())
    }
}

/// Lets windows come again: the first is granted when it begins.
pub(crate) async fn begin(
    tx: &mut WriteTx,
    caller: &Caller,
    stored: &StoredRequest,
    recurs: &Recurrence,
) -> Result<Event, Error> {
    let now = tx.now();
    let window = recurs.window(now).map_err(|error| Error::Conflict(error.to_string()))?;
    tx.request_window_next(&stored.request.id, Some(window.from.max(now)), None).await?;
    Ok(event_of(now, caller.actor(), "request.recur", &stored.request)
        .with("from", window.from.max(now).to_string())
        .with("until", recurs.until.to_string()))
}

/// Ends a recurring request, with the window that is open.
pub(crate) async fn end(tx: &mut WriteTx, actor: Actor, series: &Request, why: &str) -> Result<Vec<Event>, Error> {
    let now = tx.now();
    tx.request_window_next(&series.id, None, Some(why)).await?;
    let mut events = vec![event_of(now, actor.clone(), "request.recur_end", series).with("reason", why)];
    for open in tx.windows_open(&series.id, now).await? {
        let event = grant::revoke(tx, &open, why).await?;
        events.push(Event { actor: actor.clone(), ..event });
    }
    Ok(events)
}

async fn begin_due(tx: &mut WriteTx, series: &StoredRequest) -> Result<Vec<Event>, Error> {
    let (now, request) = (tx.now(), &series.request);
    let Some(recurs) = &request.recurs else { return Ok(Vec::new()) };
    let window = match recurs.window(now) {
        Ok(window) => window,
        Err(_) => return over(tx, request).await,
    };
    if window.from > now {
        // Postern was not running while one came and went.
        tx.request_window_next(&request.id, Some(window.from), None).await?;
        return Ok(Vec::new());
    }
    let current = match still_asked(tx, series).await {
        Ok(current) => current,
        Err(error @ (Error::Conflict(_) | Error::Refused(_))) => {
            return end(tx, Control::system(), request, &error.to_string()).await;
        }
        Err(error) => return Err(error),
    };
    let id = RequestId::generate(now, postern_vault::random::bytes());
    let of_window = Request {
        id,
        state: RequestState::Granted,
        recurs: None,
        series: Some(request.id.clone()),
        together: Vec::new(),
        next_window_at: None,
        created_at: now,
        expires_at: now,
        ..request.clone()
    };
    let stored =
        StoredRequest { request: of_window, obligations: current.obligations.clone(), bundle: None, ..series.clone() };
    tx.request_insert(&stored).await?;
    let longest = now.after(Duration::from_secs(current.obligations.max_duration_seconds));
    let ends_at = window.to.min(longest);
    let (_, granted) = grant_window(tx, Control::system(), &stored, (now, ends_at)).await?;
    let granted = granted.with("series", request.id.as_str());
    match recurs.window(window.to) {
        Ok(next) => tx.request_window_next(&request.id, Some(next.from), None).await?,
        Err(_) => tx.request_window_next(&request.id, None, None).await?,
    }
    Ok(vec![granted])
}

/// No window is left.
async fn over(tx: &mut WriteTx, series: &Request) -> Result<Vec<Event>, Error> {
    tx.request_window_next(&series.id, None, None).await?;
    Ok(vec![
        event_of(tx.now(), Control::system(), "request.recur_end", series).with("reason", "its last window is over"),
    ])
}

fn event_of(now: postern_domain::Timestamp, actor: Actor, action: &str, series: &Request) -> Event {
    Event::done(now, actor, action, series.id.as_str(), series.scope.clone())
        .with("user", series.user.as_str())
        .with("account", series.account.to_string())
}

#[cfg(test)]
mod tests;
