//! What ends a live session, apart from its own two ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use postern_domain::Timestamp;
use postern_domain::session::{Effect, EndReason, Input, Machine};
use postern_gateway::{Directive, Directives, Recorder};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How many orders may wait for a session.
const ORDERS_MAX: usize = 8;
/// How often the clock is looked at though nothing is due.
const CLOCK_CHECK: Duration = Duration::from_secs(20);

/// Something that a session must do now.
#[derive(Debug)]
pub(crate) enum Order {
    /// Show the person this text and go on.
    Say(String),
    /// End, showing the person this text.
    End(EndReason, String),
    /// Cancel what runs; what is given is let go of once the target has been asked to, or nothing runs.
    Cancel(Option<oneshot::Sender<()>>),
}

/// When the client last sent something, in milliseconds since the Unix epoch; 0 for never.
#[derive(Debug, Default)]
pub(crate) struct Activity(AtomicI64);

impl Activity {
    /// The client has sent something.
    pub(crate) fn mark(&self) {
        self.0.store(now().as_millis(), Ordering::Relaxed);
    }

    fn last(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// The way of orders to a session.
pub(crate) fn orders() -> (mpsc::Sender<Order>, mpsc::Receiver<Order>) {
    mpsc::channel(ORDERS_MAX)
}

/// What a session is governed by.
pub(crate) struct Governor {
    pub(crate) machine: Machine,
    pub(crate) directives: Directives,
    pub(crate) recorder: Recorder,
    pub(crate) activity: Arc<Activity>,
    pub(crate) orders: mpsc::Sender<Order>,
    pub(crate) shutdown: CancellationToken,
}

impl Governor {
    /// Governs until the session has been told to end, or has ended by itself.
    pub(crate) async fn run(mut self) {
        let mut input = Input::TargetReady;
        let mut seen = now();
        loop {
            let last = self.activity.last();
            if last > seen {
                seen = last;
                if self.step(Input::Activity, last).await {
                    return;
                }
            }
            if self.step(input, now()).await {
                return;
            }
            let wait = self.wait();
            input = tokio::select! {
                biased;
                order = self.directives.recv() => match order {
                    Some(Directive::Message(text)) => {
                        let _ = self.orders.send(Order::Say(text)).await;
                        Input::Tick
                    }
                    Some(Directive::Until(until)) => Input::PolicyChanged(Ok(until)),
                    Some(Directive::End { reason, message }) => return self.end(reason, message).await,
                    None => {
                        let message = "postern does not govern this session any more; connect again".to_owned();
                        return self.end(EndReason::Shutdown, message).await;
                    }
                },
                _ = self.recorder.failed() => Input::RecorderFailed,
                () = self.shutdown.cancelled() => Input::Shutdown,
                () = self.orders.closed() => return,
                () = sleep(wait) => Input::Tick,
            };
        }
    }

    fn wait(&self) -> Duration {
        // The clock on the wall can be set while this sleeps; look at it now and then.
        self.machine.poll_timeout().map_or(CLOCK_CHECK, |at| at.since(now())).min(CLOCK_CHECK)
    }

    /// Whether that was the end.
    async fn step(&mut self, input: Input, at: Timestamp) -> bool {
        let (machine, effects) = self.machine.clone().handle(input, at);
        self.machine = machine;
        for effect in effects {
            match effect {
                Effect::Warn(text) => drop(self.orders.send(Order::Say(text)).await),
                Effect::Hangup { reason, message } => {
                    self.end(reason, message).await;
                    return true;
                }
                Effect::Seal => {}
            }
        }
        false
    }

    async fn end(&self, reason: EndReason, message: String) {
        // A session that does not take orders any more has ended.
        let _ = self.orders.send(Order::End(reason, message)).await;
    }
}

/// The time.
pub(crate) fn now() -> Timestamp {
    let millis = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}
