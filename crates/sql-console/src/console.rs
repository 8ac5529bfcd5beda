//! One console: what is sent, and what of the answers is passed on.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use postern_domain::{AccountRef, LoginId};
use postern_wire::pg::startup::cancel_request;
use tokio::io::AsyncWriteExt as _;

use crate::client::{Cancel, Client, Gone, Said};
use crate::consoles::Place;
use crate::line::{Door, Protocol};
use crate::message::{FromBrowser, ToBrowser};
use crate::value::Value;

/// How many rows come before more are asked for.
const PAGE_ROWS: u64 = 500;
/// How many rows of one run are passed on; what comes after is cancelled.
const RUN_ROWS_MAX: u64 = 50_000;
/// How much may come in one message, in rows and in bytes.
const BATCH_ROWS_MAX: usize = 250;
const BATCH_LEN_MAX: usize = 128 * 1024;
/// How long the gateway may take to take a message.
const SEND_MAX: Duration = Duration::from_secs(10);
/// How often what nobody looks at is cancelled, and how long it may take to end.
const CANCEL_AGAIN: Duration = Duration::from_millis(500);
const CANCEL_MAX: Duration = Duration::from_secs(10);

/// What happens with the rows that come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rows {
    /// They are passed on.
    Passed,
    /// They wait in the gateway until more are asked for.
    Wait,
    /// Nobody wants them.
    Dropped,
}

/// Statements that are being run.
struct Run {
    number: u32,
    began: Instant,
    rows: Rows,
    /// How many come before more have to be asked for.
    page: u64,
    /// How many have come.
    count: u64,
    is_cut: bool,
    batch: Vec<Vec<Value>>,
    batch_len: usize,
}

/// A console. It ends with its session, when it is left, and when it is dropped.
pub struct Console {
    pub(crate) place: Place,
    pub(crate) account: AccountRef,
    pub(crate) protocol: Protocol,
    pub(crate) may_export: bool,
    client: Client,
    door: Arc<dyn Door>,
    source: IpAddr,
    run: Option<Run>,
    in_transaction: bool,
    is_over: bool,
    out: VecDeque<ToBrowser>,
}

impl Console {
    pub(crate) fn new(
        (place, account, may_export): (Place, AccountRef, bool),
        client: Client,
        (door, source): (Arc<dyn Door>, IpAddr),
    ) -> Self {
        let protocol = match client {
            Client::Postgres(_) => Protocol::Postgresql,
            Client::Mysql(_) => Protocol::Mysql,
        };
        Self {
            place,
            account,
            protocol,
            may_export,
            client,
            door,
            source,
            run: None,
            in_transaction: false,
            is_over: false,
            out: VecDeque::new(),
        }
    }

    /// The login that it belongs to.
    #[must_use]
    pub fn login(&self) -> &LoginId {
        &self.place.login
    }

    /// Whether its session is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// What somebody who attaches is told first.
    pub(crate) fn greet(&mut self) {
        self.out.clear();
        let protocol = match self.protocol {
            Protocol::Postgresql => "postgresql",
            Protocol::Mysql => "mysql",
        };
        let (account, export, transaction) = (self.account.clone(), self.may_export, self.in_transaction);
        self.out.push_back(ToBrowser::Attached { account, protocol, export, transaction });
    }

    /// What comes next for the browser. May be cancelled without losing anything.
    pub async fn next(&mut self) -> ToBrowser {
        loop {
            if let Some(message) = self.out.pop_front() {
                return message;
            }
            if self.is_over || self.run.as_ref().is_some_and(|run| run.rows == Rows::Wait) {
                // What is not read waits in the gateway.
                std::future::pending::<()>().await;
            }
            match self.client.said() {
                Ok(Some(said)) => self.hear(said),
                Ok(None) if self.flush() => {}
                Ok(None) => {
                    if let Err(gone) = self.client.fill().await {
                        self.end(gone.to_string());
                    }
                }
                Err(gone) => self.end(gone.to_string()),
            }
        }
    }

    /// Does what the browser wants.
    pub async fn take(&mut self, message: FromBrowser) {
        match message {
            FromBrowser::Attach(_) => {}
            FromBrowser::Run { run, text } => self.start(run, &text).await,
            FromBrowser::More => {
                if let Some(run) = self.run.as_mut().filter(|run| run.rows == Rows::Wait) {
                    (run.rows, run.page) = (Rows::Passed, PAGE_ROWS);
                }
            }
            FromBrowser::Cancel => self.cancel(),
            FromBrowser::Close => {
                self.leave().await;
                self.end("you have closed it".to_owned());
            }
        }
    }

    /// Ends it, telling the browser why.
    pub async fn sign_in_over(&mut self) {
        self.leave().await;
        self.end("you have signed out".to_owned());
    }

    async fn start(&mut self, number: u32, text: &str) {
        if self.run.is_some() {
            self.out.push_back(ToBrowser::Notice { text: "something is being run already".to_owned() });
            return;
        }
        if text.contains('\0') {
            let message = "a statement has no zero byte in it".to_owned();
            self.out.push_back(ToBrowser::Failed { run: number, code: String::new(), message, more: Vec::new() });
            return;
        }
        let sent = tokio::time::timeout(SEND_MAX, self.client.run(text)).await;
        match sent.unwrap_or_else(|_| Err(Gone::odd("it takes nothing"))) {
            Ok(()) => {
                self.run = Some(Run {
                    number,
                    began: Instant::now(),
                    rows: Rows::Passed,
                    page: PAGE_ROWS,
                    count: 0,
                    is_cut: false,
                    batch: Vec::new(),
                    batch_len: 0,
                });
            }
            Err(gone) => self.end(gone.to_string()),
        }
    }

    fn hear(&mut self, said: Said) {
        if !matches!(said, Said::Row(_)) {
            self.flush();
        }
        let number = self.run.as_ref().map_or(0, |run| run.number);
        match said {
            Said::Row(values) => self.row(values),
            Said::Columns(columns) => self.out.push_back(ToBrowser::Columns { run: number, columns }),
            Said::Done(tag) => self.out.push_back(ToBrowser::Done { run: number, tag }),
            Said::Notice(text) => self.out.push_back(ToBrowser::Notice { text }),
            Said::Failed(report) => {
                let crate::client::Report { code, message, more } = report;
                self.out.push_back(ToBrowser::Failed { run: number, code, message, more });
            }
            Said::Ready(open) => {
                self.in_transaction = open;
                if let Some(run) = self.run.take() {
                    self.out.push_back(ToBrowser::Finished {
                        run: run.number,
                        millis: u64::try_from(run.began.elapsed().as_millis()).unwrap_or(u64::MAX),
                        transaction: open,
                        cut: run.is_cut,
                    });
                }
            }
        }
    }

    fn row(&mut self, values: Vec<Value>) {
        let Some(run) = self.run.as_mut().filter(|run| run.rows == Rows::Passed) else { return };
        run.batch_len += values.iter().map(Value::len).sum::<usize>();
        run.batch.push(values);
        run.count += 1;
        run.page = run.page.saturating_sub(1);
        let (is_cut, pauses) = (run.count >= RUN_ROWS_MAX, run.page == 0);
        let is_full = run.batch.len() >= BATCH_ROWS_MAX || run.batch_len >= BATCH_LEN_MAX;
        if is_full || is_cut || pauses {
            self.flush();
        }
        let Some(run) = self.run.as_mut() else { return };
        if is_cut {
            run.is_cut = true;
            self.cancel();
        } else if pauses {
            run.rows = Rows::Wait;
            let run = run.number;
            self.out.push_back(ToBrowser::Paused { run });
        }
    }

    /// Passes on the rows that have come; false where there are none.
    fn flush(&mut self) -> bool {
        let Some(run) = self.run.as_mut().filter(|run| !run.batch.is_empty()) else { return false };
        run.batch_len = 0;
        let rows = std::mem::take(&mut run.batch);
        self.out.push_back(ToBrowser::Rows { run: run.number, rows });
        true
    }

    /// Asks for what runs to be cancelled; what comes of it is an answer like others.
    fn cancel(&mut self) {
        let Some(run) = self.run.as_mut() else { return };
        run.rows = Rows::Dropped;
        let (door, source) = (Arc::clone(&self.door), self.source);
        match self.client.cancel() {
            Cancel::Connection(number) => door.cancel(number),
            Cancel::Key(key) => drop(tokio::spawn(async move {
                let sent = async {
                    let mut stream = door.enter(Protocol::Postgresql, source).await?;
                    stream.write_all(&cancel_request(key)).await
                };
                if let Err(error) = sent.await {
                    tracing::debug!(%error, "a console's statement was not cancelled");
                }
            })),
        }
    }

    fn end(&mut self, message: String) {
        self.flush();
        if !std::mem::replace(&mut self.is_over, true) {
            self.run = None;
            self.out.push_back(ToBrowser::Ended { message });
        }
    }

    /// Says goodbye to the gateway.
    pub(crate) async fn leave(&mut self) {
        if !self.is_over {
            let _ = tokio::time::timeout(SEND_MAX, self.client.leave()).await;
        }
    }

    /// Ends what runs, since nobody looks; false when the session does not outlive it.
    pub(crate) async fn quieten(&mut self) -> bool {
        let begun = Instant::now();
        while self.run.is_some() && !self.is_over && begun.elapsed() < CANCEL_MAX {
            // What has not begun there yet is not cancelled by one word.
            self.cancel();
            let _ = tokio::time::timeout(CANCEL_AGAIN, async {
                while self.run.is_some() && !self.is_over {
                    self.next().await;
                }
            })
            .await;
        }
        self.run.is_none() && !self.is_over
    }
}
