//! When nobody answers: those who are asked are reminded, and others are asked too.

use postern_domain::event::Event;
use postern_domain::request::{NoticeKind, Request, RequestNotice};
use postern_store::WriteTx;

use crate::{Control, Error};

/// How many are looked at in one transaction.
const BATCH_MAX: u32 = 100;

impl Control {
    /// Says what is due to be said about requests that nobody has answered; gives how much it said. To be called
    /// every second or so.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remind_approvers(&self) -> Result<usize, Error> {
        let now = self.now();
        if self.store().read().await?.requests_unanswered(now, 1).await?.is_empty() {
            return Ok(0);
        }
        let mut tx = self.store().write(now).await?;
        let mut events = Vec::new();
        for request in tx.requests_unanswered(now, BATCH_MAX).await? {
            events.extend(say_due(&mut tx, request).await?);
        }
        self.commit(tx, &events).await?;
        Ok(events.len())
    }
}

/// Says one thing about a request, where it is due, and notes when the next is.
async fn say_due(tx: &mut WriteTx, mut request: Request) -> Result<Option<Event>, Error> {
    let now = tx.now();
    let due = request.next_notice().filter(|(at, _)| *at <= now);
    let stage = request.awaited().map(|awaited| awaited.stage);
    let mut event = None;
    if let Some(((_, kind), stage)) = due.zip(stage) {
        let notice = RequestNotice { kind, stage, at: now };
        tx.request_notice_insert(&request.id, &notice).await?;
        request.notices.push(notice);
        let action = match kind {
            NoticeKind::Remind => "request.remind",
            NoticeKind::Escalate => "request.escalate",
        };
        let groups: Vec<_> = request.asked_groups().into_iter().map(ToString::to_string).collect();
        event = Some(
            Event::done(now, Control::system(), action, request.id.as_str(), request.scope.clone())
                .with("user", request.user.as_str())
                .with("account", request.account.to_string())
                .with("stage", stage)
                .with("groups", groups)
                .with("waiting_seconds", now.since(request.created_at).as_secs()),
        );
    }
    tx.request_notice_at(&request.id, request.next_notice().map(|(at, _)| at)).await?;
    Ok(event)
}

#[cfg(test)]
mod tests;
