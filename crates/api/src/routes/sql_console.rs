//! SQL consoles in the browser: opening one, and the socket that its statements and rows pass on.

use std::time::Duration;

use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use postern_control::Caller;
use postern_domain::AccountRef;
use postern_sql_console::{AttachError, Console, Consoles, FromBrowser, OpenError, Protocol, ToBrowser, Wish};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::terminal::terminals;
use crate::input::{Input, Nothing};
use crate::problem::Problem;
use crate::reply::CreatedOnce;
use crate::route::{Routes, Streamed};
use crate::server::App;
use crate::socket::{Heard, Socket, Upgrade};

/// What passes on the socket.
const PROTOCOL: &str = "postern.sql.v1";
/// How long a browser has to say which console it is.
const ATTACH_MAX: Duration = Duration::from_secs(10);
/// How often it is looked at whether the sign-in goes on.
const SIGN_IN_CHECK: Duration = Duration::from_secs(15);
/// The longest name of a database.
const DATABASE_LEN_MAX: usize = 128;

pub(crate) fn declare(routes: Routes) -> Routes {
    routes
        .signed_in_at((Method::POST, "/v1/sql-consoles", "sql_console_open", "Open a session for an SQL console"), open)
        .streaming(
            (
                Method::GET,
                "/v1/sql-consoles/{console}/socket",
                "sql_console_socket",
                "Attach to an SQL console, as a WebSocket",
            ),
            Streamed::SOCKET,
            attach,
        )
}

/// A console in the path.
#[derive(Deserialize, JsonSchema)]
struct Named {
    /// What it is called.
    console: String,
}

/// What for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SqlConsoleWish {
    /// The account: `app_admin@orders`.
    account: AccountRef,
    /// The database to begin with; the one that is usual where none is named.
    #[serde(default)]
    database: Option<String>,
}

/// A console that has been opened. It carries a secret and has no `Debug`.
#[derive(Serialize, Deserialize, JsonSchema)]
struct SqlConsoleOpened {
    /// What it is called.
    console: String,
    /// What attaches to it, in this sign-in only; shown once.
    ticket: String,
    /// On what.
    account: AccountRef,
    /// What is spoken: `postgresql` or `mysql`.
    protocol: String,
    /// Whether what is shown may be kept as a file.
    export: bool,
    /// How long it lives while nobody is attached, in seconds.
    kept_seconds: u64,
}

fn consoles(app: &App) -> Result<&Consoles, Problem> {
    let none = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "no database gateway runs here");
    app.consoles.as_ref().ok_or_else(none)
}

async fn open(
    app: App,
    caller: Caller,
    input: Input<Nothing, Nothing, SqlConsoleWish>,
) -> Result<CreatedOnce<SqlConsoleOpened>, Problem> {
    let SqlConsoleWish { account, database } = input.body;
    let database = database.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    if database.as_ref().is_some_and(|name| name.len() > DATABASE_LEN_MAX || name.contains(char::is_control)) {
        return Err(Problem::invalid(
            "database",
            format!("at most {DATABASE_LEN_MAX} bytes, none of them a control character"),
        ));
    }
    let consoles = consoles(&app)?;
    let login = caller.login()?;
    let spent = [consoles.spent(login), terminals(&app).ok().and_then(|terminals| terminals.spent(login))];
    let spent = spent.into_iter().flatten().max();
    let made = app.control.console_create(&caller, &account, spent).await?;
    let wish = Wish {
        login: made.login,
        account: account.clone(),
        protocol: if made.protocol == "mysql" { Protocol::Mysql } else { Protocol::Postgresql },
        token: made.token,
        database,
        source: caller.source,
        may_export: made.may_export,
        spends: made.spends,
    };
    let opened = consoles.open(wish).await.map_err(refused)?;
    Ok(CreatedOnce(SqlConsoleOpened {
        console: opened.console,
        ticket: opened.ticket.expose().to_owned(),
        account,
        protocol: made.protocol.to_owned(),
        export: made.may_export,
        kept_seconds: opened.kept.as_secs(),
    }))
}

fn refused(error: OpenError) -> Problem {
    let detail = error.to_string();
    match error {
        OpenError::Told(_) => Problem::new(StatusCode::BAD_GATEWAY, "target_failed", detail),
        OpenError::Unavailable(_) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail),
        OpenError::TooMany(_) => Problem::new(StatusCode::CONFLICT, "conflict", detail),
    }
}

async fn attach(app: App, caller: Caller, path: Named, _: Nothing, request: Request) -> Result<Response, Problem> {
    let login = caller.login()?.clone();
    let consoles = consoles(&app)?.clone();
    let socket = Upgrade::of(&app, request, PROTOCOL).await?;
    Ok(socket.serve(async move |mut socket| {
        let Ok(Heard::Text(text)) = tokio::time::timeout(ATTACH_MAX, socket.hear()).await else {
            return socket.close(1008, "begin with attach").await;
        };
        let Ok(FromBrowser::Attach(wish)) = FromBrowser::read(&text) else {
            return socket.close(1008, "begin with attach").await;
        };
        match consoles.attach(&path.console, &login, &wish.ticket) {
            Ok(mut console) => {
                serve(&app, &mut console, socket).await;
                consoles.release(console).await;
            }
            Err(AttachError::Unknown) => socket.close(4404, "there is no such console").await,
            Err(AttachError::Ticket) => socket.close(4401, "not the ticket of this console").await,
            Err(AttachError::Taken) => socket.close(4409, "the console is open in another tab").await,
        }
    }))
}

/// Passes on what the browser and the console have for each other, until either is gone.
async fn serve(app: &App, console: &mut Console, mut socket: Socket) {
    let mut checks = tokio::time::interval(SIGN_IN_CHECK);
    checks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let login = console.login().clone();
    let mut used = true;
    loop {
        tokio::select! {
            biased;
            _ = checks.tick() => match app.control.login_goes_on(&login, std::mem::take(&mut used)).await {
                Ok(true) => {}
                // What has ended is told as every end is.
                Ok(false) => console.sign_in_over().await,
                Err(error) => tracing::warn!(%error, "cannot look at whether a sign-in goes on"),
            },
            heard = socket.hear() => match heard {
                Heard::Text(text) => match FromBrowser::read(&text) {
                    Ok(message) => {
                        used = true;
                        console.take(message).await;
                    }
                    Err(_) => return socket.close(1008, "a message that is not known").await,
                },
                Heard::Bytes(_) => return socket.close(1003, "only text is understood").await,
                Heard::Nothing => return,
            },
            message = console.next() => {
                let is_last = matches!(message, ToBrowser::Ended { .. });
                if socket.say(message.to_json()).await.is_err() {
                    return;
                }
                if is_last {
                    return socket.close(1000, "").await;
                }
            }
        }
    }
}
