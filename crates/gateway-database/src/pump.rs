//! Moves a session's bytes until it ends: one task for both directions.

use std::collections::VecDeque;
use std::future::Future;
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use postern_domain::policy::StatementAction;
use postern_domain::session::EndReason;
use postern_domain::{AccountRef, SessionId};
use postern_gateway::{BrokerError, Control, Identity, StatementAnswer, StatementEvent};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::between::{Answer, Between, Cancel, Question, SignIn, Stop};
use crate::govern::{Activity, Order};
use crate::side::Side;
use crate::text::plain;

/// How long the last words to a peer may take.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// How many messages to the person may wait for a place between two of the target's.
const NOTICES_MAX: usize = 8;

/// How a session ended, and what the person is told.
pub(crate) type End = (EndReason, String);

/// How a conversation ended.
pub(crate) enum Outcome<B> {
    /// With the session; both sides are closed.
    Ended(End),
    /// The client has signed in anew, to what the new session is for; the target's side is closed.
    Switched(Box<Switch<B>>),
}

/// A client that has signed in anew.
pub(crate) struct Switch<B> {
    pub(crate) client: Side,
    pub(crate) relay: B,
    pub(crate) identity: Identity,
    pub(crate) account: AccountRef,
}

/// What came of a question.
enum Settled {
    Answer(Answer),
    End(String),
    SignedIn(Box<(Identity, AccountRef)>),
}

/// What a pump is made of.
pub(crate) struct Parts<B, C> {
    pub(crate) client: Side,
    /// What the client has sent already.
    pub(crate) first: Vec<u8>,
    pub(crate) target: Side,
    pub(crate) relay: B,
    pub(crate) orders: mpsc::Receiver<Order>,
    pub(crate) activity: Arc<Activity>,
    pub(crate) canceller: C,
    pub(crate) control: Control,
    pub(crate) session: SessionId,
    pub(crate) protocol: &'static str,
    pub(crate) source: IpAddr,
}

/// A session that is live.
pub(crate) struct Pump<B, C> {
    parts: Box<Parts<B, C>>,
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

/// What a turn came to.
enum Turn {
    GoOn,
    End(End),
    Switch(Box<(Identity, AccountRef)>),
}

fn client_closed() -> Turn {
    Turn::End((EndReason::ClientClosed, "the client closed the connection".to_owned()))
}

fn target_closed() -> Turn {
    Turn::End((EndReason::TargetClosed, "the target closed the connection".to_owned()))
}

impl<B: Between, C: Cancel> Pump<B, C> {
    pub(crate) fn new(parts: Parts<B, C>) -> Self {
        Self { parts: Box::new(parts), asking: None, notices: VecDeque::new() }
    }

    /// Moves bytes until the session ends.
    pub(crate) async fn run(mut self) -> Outcome<B> {
        let mut begun = false;
        let (reason, message) = loop {
            let turn = if begun { self.turn().await } else { self.begin().await };
            begun = true;
            match turn {
                Ok(Turn::GoOn) => {}
                Ok(Turn::End(end)) => break end,
                Ok(Turn::Switch(signed_in)) => {
                    self.leave_target(true).await;
                    let Parts { client, relay, .. } = *self.parts;
                    let (identity, account) = *signed_in;
                    return Outcome::Switched(Box::new(Switch { client, relay, identity, account }));
                }
                Err(stop) => break stopped(stop),
            }
        };
        self.finish(reason, &message).await;
        Outcome::Ended((reason, message))
    }

    /// Takes what the client has sent before everything was ready.
    async fn begin(&mut self) -> Result<Turn, Stop<B::Error>> {
        let Parts { first, target, relay, .. } = &mut *self.parts;
        if !first.is_empty() {
            let first = std::mem::take(first);
            relay.take_client(&first, &mut |bytes| target.put(bytes))?;
        }
        relay.resume(&mut |bytes| target.put(bytes))?;
        self.settle_and_send().await
    }

    async fn turn(&mut self) -> Result<Turn, Stop<B::Error>> {
        let wake = self.wait().await;
        self.parts.relay.journal().look_at_clock();
        match wake {
            Wake::Flush => {}
            Wake::Order(order) => {
                if let Some(end) = self.obey(order)? {
                    return Ok(Turn::End(end));
                }
            }
            Wake::Settled(Settled::End(why)) => return Ok(Turn::End((EndReason::Killed, why))),
            Wake::Settled(Settled::SignedIn(signed_in)) => return Ok(Turn::Switch(signed_in)),
            Wake::Settled(Settled::Answer(answer)) => {
                self.asking = None;
                let Parts { relay, target, .. } = &mut *self.parts;
                relay.answered(answer, &mut |bytes| target.put(bytes))?;
            }
            Wake::Client => {
                self.parts.activity.mark();
                let Parts { client, target, relay, .. } = &mut *self.parts;
                let open = client.receive(|chunk| relay.take_client(chunk, &mut |bytes| target.put(bytes)));
                match open {
                    Ok(true) => {}
                    Ok(false) | Err(Stop::Io(_)) => return Ok(client_closed()),
                    Err(stop) => return Err(stop),
                }
            }
            Wake::Target => {
                let Parts { client, target, relay, .. } = &mut *self.parts;
                let open = target.receive(|chunk| relay.take_target(chunk, &mut |bytes| client.put(bytes)));
                match open {
                    Ok(true) => relay.resume(&mut |bytes| target.put(bytes))?,
                    Ok(false) | Err(Stop::Io(_)) => return Ok(target_closed()),
                    Err(stop) => return Err(stop),
                }
            }
        }
        self.settle_and_send().await
    }

    async fn settle_and_send(&mut self) -> Result<Turn, Stop<B::Error>> {
        self.settle().await?;
        if self.parts.client.flush().is_err() {
            return Ok(client_closed());
        }
        if self.parts.target.flush().is_err() {
            return Ok(target_closed());
        }
        Ok(Turn::GoOn)
    }

    /// Waits for something to do. Nothing is read from one side that the other does not take.
    async fn wait(&mut self) -> Wake {
        let Self { parts, asking, .. } = self;
        let Parts { client, target, relay, orders, .. } = &mut **parts;
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
    async fn settle(&mut self) -> Result<(), Stop<B::Error>> {
        let Parts { client, target, relay, control, session, protocol, source, .. } = &mut *self.parts;
        if relay.journal().is_behind() {
            relay.journal().caught_up().await?;
        }
        let ours = relay.take_ours();
        if !ours.is_empty() {
            target.put(&ours)?;
        }
        let theirs = relay.take_theirs();
        if !theirs.is_empty() {
            client.put(&theirs)?;
        }
        if let Some(question) = relay.take_question() {
            let (control, session) = (control.clone(), session.clone());
            self.asking = Some(match question {
                Question::Statement(event) => Box::pin(settle(control, session, event)),
                Question::SignIn(wish) => Box::pin(sign_in(control, wish, protocol, *source)),
            });
        }
        while relay.at_boundary()
            && let Some(text) = self.notices.pop_front()
        {
            relay.journal().note(&text)?;
            if let Some(notice) = relay.notice(&text) {
                client.put(&notice)?;
            }
        }
        if relay.take_cancel() {
            self.cancel(None);
        }
        Ok(())
    }

    fn obey(&mut self, order: Option<Order>) -> Result<Option<End>, Stop<B::Error>> {
        match order {
            Some(Order::Say(text)) => {
                if self.notices.len() < NOTICES_MAX {
                    self.notices.push_back(text);
                }
            }
            Some(Order::End(reason, message)) => return Ok(Some((reason, message))),
            Some(Order::Cancel(_)) if self.asking.take().is_some() => {
                let Parts { relay, target, .. } = &mut *self.parts;
                let refused = Answer::Refuse("canceled while it waited".to_owned());
                relay.answered(refused, &mut |bytes| target.put(bytes))?;
            }
            Some(Order::Cancel(told)) if self.parts.relay.is_busy() => self.cancel(told),
            Some(Order::Cancel(_)) => {}
            None => {
                let message = "postern does not govern this session any more; connect again".to_owned();
                return Ok(Some((EndReason::Shutdown, message)));
            }
        }
        Ok(None)
    }

    /// Asks the target to cancel what runs, and lets go of `told` then.
    fn cancel(&self, told: Option<oneshot::Sender<()>>) {
        let cancelling = self.parts.canceller.clone().cancel();
        tokio::spawn(async move {
            cancelling.await;
            drop(told);
        });
    }

    /// Says the last words to both sides.
    async fn finish(&mut self, reason: EndReason, message: &str) {
        let Parts { client, relay, canceller, .. } = &mut *self.parts;
        if relay.is_busy() && reason != EndReason::TargetClosed {
            canceller.clone().cancel().await;
        }
        relay.journal().look_at_clock();
        // A recorder that has failed has nothing more to take.
        let _ = relay.end();
        if reason != EndReason::ClientClosed {
            let _ = relay.journal().note(message);
            if reason != EndReason::TargetClosed && relay.at_boundary() {
                let _ = client.put(&relay.farewell(message));
            }
        }
        let _ = relay.journal().caught_up().await;
        let _ = timeout(LAST_WORDS, client.flushed()).await;
        client.close();
        self.leave_target(false).await;
    }

    /// Closes the target's side; what was recorded of it is complete.
    async fn leave_target(&mut self, records: bool) {
        let Parts { target, relay, .. } = &mut *self.parts;
        if records {
            let _ = relay.end();
            let _ = relay.journal().caught_up().await;
        }
        let _ = target.put(&relay.goodbye());
        let _ = timeout(LAST_WORDS, target.flushed()).await;
        target.close();
    }
}

fn stopped<E: std::error::Error>(stop: Stop<E>) -> End {
    match stop {
        Stop::Io(error) => (EndReason::TargetClosed, plain(&error.to_string(), 200)),
        Stop::Client(error) => (EndReason::Killed, format!("the client broke the protocol: {error}")),
        Stop::Target(error) => (EndReason::TargetFailed, format!("the target broke the protocol: {error}")),
        Stop::Recorder(failed) => (EndReason::RecorderFailed, failed.to_string()),
        Stop::Ended(reason, message) => (reason, message),
    }
}

/// Asks whether somebody may sign in anew.
async fn sign_in(control: Control, wish: SignIn, protocol: &'static str, source: IpAddr) -> Settled {
    let SignIn { login, token } = wish;
    match control.broker().user_by_token(token, &login.account, protocol, source).await {
        Ok(identity) if login.user.as_ref().is_none_or(|user| *user == identity.name) => {
            Settled::SignedIn(Box::new((identity, login.account)))
        }
        _ => Settled::Answer(Answer::Refuse(format!("the token is not valid for {} from here", login.account))),
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
