//! Moves a session's bytes until it ends: one task for both directions.

use std::collections::VecDeque;
use std::future::Future;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use postern_domain::SessionId;
use postern_domain::policy::StatementAction;
use postern_domain::session::EndReason;
use postern_gateway::{BrokerError, Control, StatementAnswer, StatementEvent};
use postern_wire::pg::{back, front};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::cancel::Canceller;
use super::relay::{Answer, Relay, Stop};
use super::report;
use crate::govern::{Activity, Order};
use crate::side::Side;
use crate::text::plain;

/// How long the last words to a peer may take.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How many messages to the person may wait for a place between two of the target's.
const NOTICES_MAX: usize = 8;

/// How a session ended, and what the person is told.
pub(crate) type End = (EndReason, String);

/// What came of a question on a statement.
enum Settled {
    Answer(Answer),
    End(String),
}

/// A session that is live.
pub(crate) struct Pump {
    pub(crate) client: Side,
    pub(crate) target: Side,
    pub(crate) relay: Relay,
    pub(crate) orders: mpsc::Receiver<Order>,
    pub(crate) activity: Arc<Activity>,
    pub(crate) canceller: Canceller,
    pub(crate) control: Control,
    pub(crate) session: SessionId,
    asking: Option<Pin<Box<dyn Future<Output = Settled> + Send>>>,
    notices: VecDeque<String>,
}

/// What there is to do.
enum Wake {
    Order(Option<Order>),
    Settled(Settled),
    Client,
    Target,
    Flush,
}

/// What a pump is made of.
pub(crate) struct Parts {
    pub(crate) client: Side,
    pub(crate) target: Side,
    pub(crate) relay: Relay,
    pub(crate) orders: mpsc::Receiver<Order>,
    pub(crate) activity: Arc<Activity>,
    pub(crate) canceller: Canceller,
    pub(crate) control: Control,
    pub(crate) session: SessionId,
}

impl Pump {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { client, target, relay, orders, activity, canceller, control, session } = parts;
        let notices = VecDeque::new();
        Self { client, target, relay, orders, activity, canceller, control, session, asking: None, notices }
    }

    /// Moves bytes until the session ends; both sides are closed then.
    pub(crate) async fn run(mut self) -> End {
        let (reason, message) = loop {
            match self.turn().await {
                Ok(None) => {}
                Ok(Some(end)) => break end,
                Err(stop) => break stopped(stop),
            }
        };
        self.finish(reason, &message).await;
        (reason, message)
    }

    async fn turn(&mut self) -> Result<Option<End>, Stop> {
        match self.wait().await {
            Wake::Flush => {}
            Wake::Order(order) => {
                if let Some(end) = self.obey(order)? {
                    return Ok(Some(end));
                }
            }
            Wake::Settled(Settled::End(why)) => return Ok(Some((EndReason::Killed, why))),
            Wake::Settled(Settled::Answer(answer)) => {
                self.asking = None;
                let Self { relay, target, .. } = self;
                relay.answered(answer, &mut |bytes| target.put(bytes))?;
            }
            Wake::Client => {
                self.activity.mark();
                let Self { client, target, relay, .. } = self;
                let open = client.receive(|chunk| relay.take_client(chunk, &mut |bytes| target.put(bytes)));
                match open {
                    Ok(true) => {}
                    Ok(false) | Err(Stop::Io(_)) => {
                        return Ok(Some((EndReason::ClientClosed, "the client closed the connection".to_owned())));
                    }
                    Err(stop) => return Err(stop),
                }
            }
            Wake::Target => {
                let Self { client, target, relay, .. } = self;
                let open = target.receive(|chunk| relay.take_target(chunk, &mut |bytes| client.put(bytes)));
                match open {
                    Ok(true) => relay.resume(&mut |bytes| target.put(bytes))?,
                    Ok(false) | Err(Stop::Io(_)) => {
                        return Ok(Some((EndReason::TargetClosed, "the target closed the connection".to_owned())));
                    }
                    Err(stop) => return Err(stop),
                }
            }
        }
        self.settle().await?;
        if self.client.flush().is_err() {
            return Ok(Some((EndReason::ClientClosed, "the client closed the connection".to_owned())));
        }
        if self.target.flush().is_err() {
            return Ok(Some((EndReason::TargetClosed, "the target closed the connection".to_owned())));
        }
        Ok(None)
    }

    /// Waits for something to do. Nothing is read from one side that the other does not take.
    async fn wait(&mut self) -> Wake {
        let Self { client, target, relay, orders, asking, .. } = self;
        poll_fn(|cx| {
            if let Poll::Ready(order) = orders.poll_recv(cx) {
                return Poll::Ready(Wake::Order(order));
            }
            if let Some(asking) = asking.as_mut()
                && let Poll::Ready(settled) = asking.as_mut().poll(cx)
            {
                return Poll::Ready(Wake::Settled(settled));
            }
            let (client_behind, target_behind) = (client.is_behind(), target.is_behind());
            if client_behind && client.poll_writable(cx).is_ready()
                || target_behind && target.poll_writable(cx).is_ready()
            {
                return Poll::Ready(Wake::Flush);
            }
            if !client_behind && target.poll_readable(cx).is_ready() {
                return Poll::Ready(Wake::Target);
            }
            if !target_behind && relay.has_room() && client.poll_readable(cx).is_ready() {
                return Poll::Ready(Wake::Client);
            }
            Poll::Pending
        })
        .await
    }

    /// Does what follows from what has passed, before it is sent.
    async fn settle(&mut self) -> Result<(), Stop> {
        if self.relay.journal.is_behind() {
            self.relay.journal.caught_up().await?;
        }
        if !self.relay.to_target.is_empty() {
            self.target.put(&self.relay.to_target)?;
            self.relay.to_target.clear();
        }
        if std::mem::take(&mut self.relay.wants_cancel) {
            self.cancel();
        }
        if let Some(event) = self.relay.take_question() {
            let (control, session) = (self.control.clone(), self.session.clone());
            self.asking = Some(Box::pin(settle(control, session, event)));
        }
        while self.relay.at_boundary()
            && let Some(text) = self.notices.pop_front()
        {
            self.relay.journal.note(&text)?;
            let mut notice = Vec::new();
            back::put_notice(&mut notice, &report("NOTICE", "00000", &text));
            self.client.put(&notice)?;
        }
        Ok(())
    }

    fn obey(&mut self, order: Option<Order>) -> Result<Option<End>, Stop> {
        match order {
            Some(Order::Say(text)) => {
                if self.notices.len() < NOTICES_MAX {
                    self.notices.push_back(text);
                }
            }
            Some(Order::End(reason, message)) => return Ok(Some((reason, message))),
            Some(Order::Cancel) if self.asking.take().is_some() => {
                let Self { relay, target, .. } = self;
                let refused = Answer::Refuse("canceled while it waited".to_owned());
                relay.answered(refused, &mut |bytes| target.put(bytes))?;
            }
            Some(Order::Cancel) if self.relay.is_busy() => self.cancel(),
            Some(Order::Cancel) => {}
            None => {
                let message = "postern does not govern this session any more; connect again".to_owned();
                return Ok(Some((EndReason::Shutdown, message)));
            }
        }
        Ok(None)
    }

    fn cancel(&self) {
        tokio::spawn(self.canceller.clone().cancel());
    }

    /// Says the last words to both sides.
    async fn finish(&mut self, reason: EndReason, message: &str) {
        if self.relay.is_busy() && reason != EndReason::TargetClosed {
            self.canceller.clone().cancel().await;
        }
        // A recorder that has failed has nothing more to take.
        let _ = self.relay.end();
        if reason != EndReason::ClientClosed {
            let _ = self.relay.journal.note(message);
            if reason != EndReason::TargetClosed && self.relay.at_boundary() {
                let mut told = Vec::new();
                back::put_error(&mut told, &report("FATAL", "57P01", message));
                let _ = self.client.put(&told);
            }
        }
        let _ = self.relay.journal.caught_up().await;
        let _ = timeout(LAST_WORDS, self.client.flushed()).await;
        self.client.close();
        let mut goodbye = Vec::new();
        front::put_terminate(&mut goodbye);
        let _ = self.target.put(&goodbye);
        let _ = timeout(LAST_WORDS, self.target.flushed()).await;
        self.target.close();
    }
}

fn stopped(stop: Stop) -> End {
    match stop {
        Stop::Io(error) => (EndReason::TargetClosed, plain(&error.to_string(), 200)),
        Stop::Client(error) => (EndReason::Killed, format!("the client broke the protocol: {error}")),
        Stop::Target(error) => (EndReason::TargetFailed, format!("the target broke the protocol: {error}")),
        Stop::Recorder(failed) => (EndReason::RecorderFailed, failed.to_string()),
        Stop::Ended(reason, message) => (reason, message),
    }
}

/// Writes down, or asks, and says what follows for the statement.
async fn settle(control: Control, session: SessionId, event: StatementEvent) -> Settled {
    let (action, rule) = (event.action, event.rule.clone());
    let broker = control.broker();
    let refused = |why: String| Settled::Answer(Answer::Refuse(why));
    let unavailable = |error: BrokerError| Settled::Answer(Answer::Refuse(plain(&error.to_string(), 300)));
    match action {
        StatementAction::Allow => Settled::Answer(Answer::Run),
        StatementAction::Alert => match broker.statement_event(&session, event).await {
            Ok(()) => Settled::Answer(Answer::Run),
            Err(error) => unavailable(error),
        },
        StatementAction::Ask => match broker.statement_ask(&session, event).await {
            Ok(StatementAnswer::Approved { .. }) => Settled::Answer(Answer::Run),
            Ok(StatementAnswer::Denied(why)) => {
                refused(format!("this statement was not approved (rule `{rule}`): {}", plain(&why, 600)))
            }
            Err(error) => unavailable(error),
        },
        StatementAction::Block => match broker.statement_event(&session, event).await {
            Ok(()) => refused(format!("this statement is refused by the rule `{rule}`")),
            Err(error) => unavailable(error),
        },
        StatementAction::Terminate => {
            let why = format!("this session is ended by the rule `{rule}`");
            if let Err(error) = broker.statement_event(&session, event).await {
                tracing::error!(%error, %session, "a refused statement could not be written down");
            }
            Settled::End(why)
        }
    }
}
