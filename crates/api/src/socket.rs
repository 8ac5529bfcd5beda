//! WebSockets: who may open one, how much passes at once, and noticing that the other side is gone.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;

use crate::auth;
use crate::problem::Problem;
use crate::server::App;

/// The longest message that is taken, in bytes.
pub(crate) const MESSAGE_LEN_MAX: usize = 64 * 1024;
/// How much may be written before a slow peer is waited for.
const WRITE_LEN_MAX: usize = 256 * 1024;
/// How often a peer that says nothing is asked whether it is there.
const PING_AFTER: Duration = Duration::from_secs(20);
/// How long nothing may come from a peer, answers to pings included.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// How long a message may take to be sent.
const SEND_MAX: Duration = Duration::from_secs(30);
/// How long a peer is waited for to close too.
const CLOSE_MAX: Duration = Duration::from_secs(1);

/// A request that is to become a socket.
pub(crate) struct Upgrade(WebSocketUpgrade);

/// What came on a socket.
pub(crate) enum Heard {
    /// A text message.
    Text(String),
    /// A binary message.
    Bytes(Bytes),
    /// Nothing more will come.
    Nothing,
}

/// The peer is gone, or takes nothing.
#[derive(Debug)]
pub(crate) struct Gone;

/// A socket.
pub(crate) struct Socket {
    socket: WebSocket,
    heard_at: tokio::time::Instant,
    pinged: bool,
}

impl Upgrade {
    /// The request as one for a socket that speaks `protocol`, from the console or a program.
    pub(crate) async fn of(app: &App, request: Request, protocol: &'static str) -> Result<Self, Problem> {
        let (mut parts, _) = request.into_parts();
        auth::from_console(&parts, &app.control.settings().public_url)?;
        if !offers(&parts.headers, protocol) {
            let detail = format!("this is a WebSocket: offer the subprotocol {protocol}");
            return Err(Problem::new(StatusCode::UPGRADE_REQUIRED, "upgrade_required", detail));
        }
        let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &()).await.map_err(|rejection| {
            Problem::new(StatusCode::UPGRADE_REQUIRED, "upgrade_required", format!("this is a WebSocket: {rejection}"))
        })?;
        let bounded = upgrade
            .protocols([protocol])
            .max_message_size(MESSAGE_LEN_MAX)
            .max_frame_size(MESSAGE_LEN_MAX)
            .max_write_buffer_size(WRITE_LEN_MAX);
        Ok(Self(bounded))
    }

    /// Becomes the socket, which `serve` has to itself.
    pub(crate) fn serve<F, Fut>(self, serve: F) -> Response
    where
        F: FnOnce(Socket) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.0.on_upgrade(move |socket| serve(Socket { socket, heard_at: tokio::time::Instant::now(), pinged: false }))
    }
}

impl Socket {
    /// What comes next. Asks a peer that says nothing whether it is there. May be cancelled without
    /// losing a message.
    pub(crate) async fn hear(&mut self) -> Heard {
        loop {
            let patience = if self.pinged { SILENCE_MAX } else { PING_AFTER };
            let received = tokio::time::timeout_at(self.heard_at + patience, self.socket.recv()).await;
            let Ok(received) = received else {
                if self.pinged || self.send(Message::Ping(Bytes::new())).await.is_err() {
                    return Heard::Nothing;
                }
                self.pinged = true;
                continue;
            };
            (self.heard_at, self.pinged) = (tokio::time::Instant::now(), false);
            match received {
                Some(Ok(Message::Text(text))) => return Heard::Text(text.to_string()),
                Some(Ok(Message::Binary(data))) => return Heard::Bytes(data),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Heard::Nothing,
            }
        }
    }

    /// Sends text.
    pub(crate) async fn say(&mut self, text: String) -> Result<(), Gone> {
        self.send(Message::Text(text.into())).await
    }

    /// Sends bytes.
    pub(crate) async fn pass(&mut self, data: Bytes) -> Result<(), Gone> {
        self.send(Message::Binary(data)).await
    }

    /// Says why, and that nothing more comes; waits a moment for the peer to say so too.
    pub(crate) async fn close(mut self, code: u16, reason: &'static str) {
        // A peer that is gone need not be told.
        if self.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await.is_ok() {
            // A connection that is dropped while something arrives on it is reset, and the peer loses
            // what it had not read yet: the reason.
            let _ =
                tokio::time::timeout(CLOSE_MAX, async { while let Some(Ok(_)) = self.socket.recv().await {} }).await;
        }
    }

    async fn send(&mut self, message: Message) -> Result<(), Gone> {
        match tokio::time::timeout(SEND_MAX, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Gone),
        }
    }
}

fn offers(headers: &HeaderMap, protocol: &str) -> bool {
    headers
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|offered| offered.trim() == protocol)
}
