//! The way to a session's target: dial, prove it, sign in to it.

use std::io;
use std::sync::Arc;

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern_wire::pg::startup::{CancelKey, session_request, tls_request};
use postern_wire::pg::{Error as WireError, Handling, Piece, Splitter, back, body, front, scram};
use rustls::ClientConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::origins::{self, Origins};
use crate::side::Side;
use crate::text::plain;
use crate::way::{Address, TargetError, Way};

/// The most bytes that a target may send before the account is signed in.
const SIGN_IN_LEN_MAX: usize = 256 * 1024;
/// The most bytes of an answer that names columns: some hundred thousands of them.
const ORIGINS_LEN_MAX: usize = 8 * 1024 * 1024;

/// Connects and takes up TLS, in which the target proves itself.
pub(crate) async fn connect(address: &Address, tls: Arc<ClientConfig>) -> io::Result<Side> {
    let mut stream = address.dial().await?;
    stream.write_all(&tls_request()).await?;
    match stream.read_u8().await? {
        b'S' => address.secure(stream, tls).await,
        _ => Err(io::Error::other("it does not offer TLS: set ssl = on there")),
    }
}

/// A target that has been signed in to.
pub(crate) struct Target {
    pub(crate) side: Side,
    /// How to cancel there.
    pub(crate) key: CancelKey,
    /// What it said of its settings, as it is passed on.
    pub(crate) greeting: Vec<u8>,
    /// The columns that were asked for.
    pub(crate) origins: Origins,
}

/// What is asked of a target.
pub(crate) struct SignIn<'a> {
    pub(crate) way: &'a Way,
    pub(crate) parameters: Vec<(&'a str, &'a str)>,
    /// What asks it for columns, once the account is signed in.
    pub(crate) question: Option<String>,
}

/// Reads messages while the account signs in.
struct Conversation<'a> {
    side: Side,
    input: Vec<u8>,
    splitter: Splitter,
    handling: fn(u8) -> Option<Handling>,
    /// How much more may be said.
    room: usize,
    asked: &'a SignIn<'a>,
}

impl SignIn<'_> {
    /// Connects and signs in.
    pub(crate) async fn reach(&self) -> Result<Target, TargetError> {
        let unreachable = |error: io::Error| self.way.address.unreachable(&error);
        let mut side = connect(&self.way.address, self.way.tls.clone()).await.map_err(unreachable)?;
        let parameters = [("user", self.way.account.as_str())].into_iter().chain(self.parameters.iter().copied());
        side.send(&session_request(parameters)).await.map_err(unreachable)?;
        let mut conversation = Conversation {
            side,
            input: Vec::new(),
            splitter: Splitter::default(),
            handling: back::handling_sign_in,
            room: SIGN_IN_LEN_MAX,
            asked: self,
        };
        conversation.prove().await?;
        let (key, greeting) = conversation.settle().await?;
        let origins = conversation.origins().await?;
        Ok(Target { side: conversation.side, key, greeting, origins })
    }
}

impl Conversation<'_> {
    fn protocol(&self, cause: &str) -> TargetError {
        TargetError::Protocol {
            address: self.asked.way.address.to_string(),
            protocol: "PostgreSQL",
            cause: plain(cause, 300),
        }
    }

    fn unreadable(&self, error: WireError) -> TargetError {
        self.protocol(&error.to_string())
    }

    fn gone(&self, error: &io::Error) -> TargetError {
        self.asked.way.address.unreachable(error)
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), TargetError> {
        match self.side.send(bytes).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.gone(&error)),
        }
    }

    /// The next message that is no notice; an error of the target's is ours.
    async fn next(&mut self) -> Result<(u8, Vec<u8>), TargetError> {
        loop {
            let piece = self.splitter.next(&self.input, self.handling);
            match piece.map_err(|error| self.unreadable(error))? {
                Some(Piece::Whole { tag, total }) => {
                    let message: Vec<u8> = self.input.drain(..total).collect();
                    match tag {
                        b'N' => {}
                        b'E' => return Err(self.refused(body(&message))),
                        _ => return Ok((tag, message)),
                    }
                }
                Some(Piece::More(_) | Piece::Pass { .. }) => return Err(self.protocol("a message that is too long")),
                None => {
                    if self.room == 0 {
                        return Err(self.protocol("too much is said at sign-in"));
                    }
                    let before = self.input.len();
                    match self.side.more(&mut self.input).await {
                        Ok(true) => self.room = self.room.saturating_sub(self.input.len() - before),
                        Ok(false) => return Err(self.protocol("it closed the connection")),
                        Err(error) => return Err(self.gone(&error)),
                    }
                }
            }
        }
    }

    fn refused(&self, error: &[u8]) -> TargetError {
        let cause = match back::report(error) {
            Ok(report) => format!("{} ({})", plain(&report.message, 300), plain(&report.code, 5)),
            Err(error) => error.to_string(),
        };
        TargetError::Refused {
            address: self.asked.way.address.to_string(),
            account: self.asked.way.account.clone(),
            cause,
        }
    }

    /// Proves the account.
    async fn prove(&mut self) -> Result<(), TargetError> {
        let mut exchange = None;
        let mut proved = None;
        loop {
            let (tag, message) = self.next().await?;
            if tag != b'R' {
                return Err(self.protocol("it does not ask who is there"));
            }
            match back::authentication(body(&message)).map_err(|error| self.unreadable(error))? {
                back::Authentication::Ok if exchange.is_none() => return Ok(()),
                back::Authentication::Cleartext => {
                    let mut out = Vec::new();
                    let password = self.asked.way.password.expose().as_bytes();
                    front::put_answer(&mut out, &[password, &[0]].concat());
                    self.send(&out).await?;
                }
                back::Authentication::Sasl(mechanisms) => exchange = Some(self.begin(&mechanisms).await?),
                back::Authentication::SaslContinue(server_first) => {
                    let begun: scram::Exchange =
                        exchange.take().ok_or_else(|| self.protocol("SCRAM without a beginning"))?;
                    let (done, last) = begun.prove(server_first).map_err(|error| self.protocol(&error.to_string()))?;
                    let mut out = Vec::new();
                    front::put_answer(&mut out, &last);
                    self.send(&out).await?;
                    proved = Some(done);
                }
                back::Authentication::SaslFinal(server_final) => {
                    let done: scram::Proved = proved.take().ok_or_else(|| self.protocol("SCRAM ends too early"))?;
                    done.check(server_final).map_err(|error| self.protocol(&error.to_string()))?;
                }
                back::Authentication::Ok => return Err(self.protocol("SCRAM was not finished")),
                back::Authentication::Other(5) => {
                    return Err(self.protocol("the account's password is stored as MD5: set it anew with SCRAM"));
                }
                back::Authentication::Other(code) => {
                    return Err(self.protocol(&format!("it asks for authentication of kind {code}")));
                }
            }
            if proved.is_some() && exchange.is_some() {
                return Err(self.protocol("SCRAM was begun twice"));
            }
        }
    }

    async fn begin(&mut self, mechanisms: &[&str]) -> Result<scram::Exchange, TargetError> {
        let digest = self.side.peer_certificate().and_then(|certificate| scram::end_point(certificate));
        let binding = match digest {
            Some(digest) if mechanisms.contains(&scram::PLUS) => scram::Binding::EndPoint(digest),
            Some(_) => scram::Binding::NotOffered,
            None => scram::Binding::None,
        };
        if !mechanisms.contains(&binding.mechanism()) {
            return Err(self.protocol("it offers no mechanism of SCRAM-SHA-256"));
        }
        let mut random = [0; 18];
        rand::fill(&mut random).map_err(|_| self.protocol("no random bytes"))?;
        let mechanism = binding.mechanism();
        let password = self.asked.way.password.expose();
        // As the server does it: what SASLprep refuses is taken as it is.
        let prepared = stringprep::saslprep(password).unwrap_or(password.into());
        let (exchange, first) = scram::Exchange::begin(prepared.as_bytes(), &STANDARD.encode(random), binding);
        let mut out = Vec::new();
        front::put_sasl_first(&mut out, mechanism, &first);
        self.send(&out).await?;
        Ok(exchange)
    }

    /// Takes up what the target says until it is ready.
    async fn settle(&mut self) -> Result<(CancelKey, Vec<u8>), TargetError> {
        let (mut key, mut greeting) = (None, Vec::new());
        loop {
            let (tag, message) = self.next().await?;
            match tag {
                b'S' => greeting.extend_from_slice(&message),
                b'K' => key = Some(back::key_data(body(&message)).map_err(|error| self.unreadable(error))?),
                b'Z' => {
                    if !self.input.is_empty() {
                        return Err(self.protocol("it says more than it was asked"));
                    }
                    return Ok((key.unwrap_or(CancelKey { process: 0, secret: 0 }), greeting));
                }
                _ => return Err(self.protocol("an unexpected message at sign-in")),
            }
        }
    }

    /// Asks for columns.
    async fn origins(&mut self) -> Result<Origins, TargetError> {
        let mut origins = Origins::new();
        let Some(question) = &self.asked.question else { return Ok(origins) };
        let mut out = Vec::new();
        front::put_query(&mut out, question);
        (self.handling, self.room) = (back::handling_answer, ORIGINS_LEN_MAX);
        self.send(&out).await?;
        loop {
            let (tag, message) = self.next().await?;
            match tag {
                b'D' => {
                    origins.insert(origins::of_row(body(&message)).map_err(|error| self.unreadable(error))?);
                }
                b'Z' if self.input.is_empty() => return Ok(origins),
                b'Z' => return Err(self.protocol("it says more than it was asked")),
                _ => {}
            }
        }
    }
}
