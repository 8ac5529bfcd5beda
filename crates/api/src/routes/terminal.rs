//! Terminals in the browser: opening one, attaching to it, closing it.

use std::time::Duration;

use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use postern_control::Caller;
use postern_domain::capability::Capability;
use postern_domain::policy::Clipboard;
use postern_domain::{AccountRef, LoginId, SessionId, Timestamp};
use postern_gateway_web::{AttachError, Attachment, Event, FromBrowser, OpenError, Terminals, ToBrowser, Wish};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::input::{Input, Nothing};
use crate::problem::{Problem, Why};
use crate::reply::{CreatedOnce, Done};
use crate::route::{Routes, Streamed};
use crate::server::App;
use crate::socket::{Heard, Socket, Upgrade};

/// What passes on the socket.
const PROTOCOL: &str = "postern.terminal.v1";
/// How long a browser has to say which tab it is.
const ATTACH_MAX: Duration = Duration::from_secs(10);
/// How often it is looked at whether the sign-in goes on.
const SIGN_IN_CHECK: Duration = Duration::from_secs(15);

pub(crate) fn declare(routes: Routes) -> Routes {
    routes
        .signed_in_at((Method::POST, "/v1/terminals", "terminal_open", "Open a session for a terminal"), open)
        .signed_in_at((Method::DELETE, "/v1/terminals/{session}", "terminal_close", "End one's terminal"), close)
        .streaming(
            (Method::GET, "/v1/terminals/{session}/socket", "terminal_socket", "Attach to a terminal, as a WebSocket"),
            Streamed::SOCKET,
            attach,
        )
}

/// A terminal in the path.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Named {
    /// Its session.
    pub(super) session: SessionId,
}

/// What for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TerminalWish {
    /// The account: `root@web-1`.
    account: AccountRef,
}

/// A terminal that has been opened. It carries a secret and has no `Debug`.
#[derive(Serialize, Deserialize, JsonSchema)]
struct TerminalOpened {
    /// Its session.
    session: SessionId,
    /// What attaches to it, in this sign-in only; shown once.
    ticket: String,
    /// On what.
    account: AccountRef,
    /// When it must end at the latest.
    until: Timestamp,
    /// What it may do.
    capabilities: Vec<Capability>,
    /// What may be copied and pasted.
    clipboard: Clipboard,
    /// How long it lives while nobody is attached, in seconds.
    kept_seconds: u64,
}

/// The terminals, where there are any.
pub(super) fn terminals(app: &App) -> Result<&Terminals, Problem> {
    let none = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "no sessions are run here");
    app.terminals.as_ref().ok_or_else(none)
}

async fn open(
    app: App,
    caller: Caller,
    input: Input<Nothing, Nothing, TerminalWish>,
) -> Result<CreatedOnce<TerminalOpened>, Problem> {
    let account = input.body.account;
    let terminals = terminals(&app)?;
    let login = app.control.terminal_login(&caller, &account, terminals.spent(caller.login()?)).await?;
    let wish = Wish {
        user: caller.user.id.clone(),
        name: caller.user.name.clone(),
        factor_at: caller.mfa_at,
        login,
        account: account.clone(),
        source: caller.source,
    };
    let opened = terminals.open(wish).await.map_err(refused)?;
    Ok(CreatedOnce(TerminalOpened {
        session: opened.session,
        ticket: opened.ticket.expose().to_owned(),
        account,
        until: opened.until,
        capabilities: opened.obligations.capabilities.into_iter().collect(),
        clipboard: opened.obligations.clipboard,
        kept_seconds: opened.kept.as_secs(),
    }))
}

async fn close(app: App, caller: Caller, input: Input<Named>) -> Result<Done, Problem> {
    if terminals(&app)?.close(&input.path.session, caller.login()?) {
        Ok(Done)
    } else {
        Err(Problem::new(StatusCode::NOT_FOUND, "not_found", AttachError::Unknown.to_string()))
    }
}

async fn attach(app: App, caller: Caller, path: Named, _: Nothing, request: Request) -> Result<Response, Problem> {
    let login = caller.login()?.clone();
    let terminals = terminals(&app)?.clone();
    let socket = Upgrade::of(&app, request, PROTOCOL).await?;
    Ok(socket.serve(async move |mut socket| {
        let Ok(Heard::Text(text)) = tokio::time::timeout(ATTACH_MAX, socket.hear()).await else {
            return socket.close(1008, "begin with attach").await;
        };
        let Ok(FromBrowser::Attach(wish)) = FromBrowser::read(&text) else {
            return socket.close(1008, "begin with attach").await;
        };
        match terminals.attach(&path.session, &login, &wish) {
            Ok(attachment) => serve(app, login, attachment, socket).await,
            Err(AttachError::Unknown) => socket.close(4404, "there is no such terminal").await,
            Err(AttachError::Ticket) => socket.close(4401, "not the ticket of this terminal").await,
        }
    }))
}

/// Passes on what the browser and the tab have for each other, until either is gone.
async fn serve(app: App, login: LoginId, mut attachment: Attachment, mut socket: Socket) {
    let mut checks = tokio::time::interval(SIGN_IN_CHECK);
    checks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut used = true;
    loop {
        tokio::select! {
            biased;
            _ = checks.tick() => match app.control.login_goes_on(&login, std::mem::take(&mut used)).await {
                Ok(true) => {}
                // What has ended is told as every end is.
                Ok(false) => attachment.sign_in_over(),
                Err(error) => tracing::warn!(%error, "cannot look at whether a sign-in goes on"),
            },
            heard = socket.hear() => match heard {
                Heard::Bytes(data) => {
                    used = true;
                    attachment.typed(data);
                }
                Heard::Text(text) => match FromBrowser::read(&text) {
                    Ok(message) => {
                        used |= !matches!(message, FromBrowser::Ack { .. });
                        attachment.take(message);
                    }
                    Err(_) => return socket.close(1008, "a message that is not known").await,
                },
                Heard::Nothing => return,
            },
            event = attachment.next() => {
                let sent = match event {
                    Event::Output(data) => socket.pass(data).await,
                    Event::Message(message) => {
                        let last = matches!(message, ToBrowser::Ended { .. } | ToBrowser::Detached {});
                        let said = socket.say(message.to_json()).await;
                        if last {
                            return socket.close(1000, "").await;
                        }
                        said
                    }
                    Event::Over => return socket.close(1000, "").await,
                };
                if sent.is_err() {
                    return;
                }
            }
        }
    }
}

fn refused(error: OpenError) -> Problem {
    let detail = error.to_string();
    match error {
        OpenError::Refused(refusal) => {
            let why = |reason: postern_domain::policy::Reason| Why { message: reason.to_string(), reason };
            let reasons = refusal.reasons.into_iter().map(why).collect();
            Problem { reasons, ..Problem::new(StatusCode::FORBIDDEN, "refused", detail) }
        }
        OpenError::Target(_) => Problem::new(StatusCode::BAD_GATEWAY, "target_failed", detail),
        OpenError::Unavailable(_) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail),
        OpenError::TooMany(_) => Problem::new(StatusCode::CONFLICT, "conflict", detail),
    }
}
