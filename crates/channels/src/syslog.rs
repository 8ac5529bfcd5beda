//! Syslog: RFC 5424, in counted frames over TLS (RFC 5425) or TCP (RFC 6587), or as datagrams (RFC 5426).

use std::sync::Arc;

use postern_domain::event::{Event, Outcome};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio_rustls::TlsConnector;

use crate::config::{Syslog, Transport, roots};
use crate::{Numbered, Parcel, chain, told, urgent};

/// Facility "log audit" (RFC 5424 table 1).
const AUDIT: u8 = 13;
/// The largest datagram that is sent.
const DATAGRAM_LEN_MAX: usize = 2048;
/// What RFC 5424 says where there is nothing to say.
const NIL: &str = "-";

trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

pub(crate) struct Sender {
    address: String,
    transport: Transport,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    connection: Option<Box<dyn Stream>>,
}

impl Sender {
    pub(crate) fn new(config: &Syslog) -> Result<Self, String> {
        let wrong = || format!("address: `{}`: write host:port", config.address);
        let (host, port) = config.address.rsplit_once(':').ok_or_else(wrong)?;
        if host.is_empty() || port.parse::<u16>().is_err() {
            return Err(wrong());
        }
        let tls = match config.transport {
            Transport::Tls => {
                let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
                let name = ServerName::try_from(host).map_err(|error| format!("address: {error}"))?;
                let provider = rustls::crypto::aws_lc_rs::default_provider();
                let client = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
                    .with_safe_default_protocol_versions()
                    .map_err(|error| error.to_string())?
                    .with_root_certificates(roots(config.authority.as_deref())?)
                    .with_no_client_auth();
                Some((TlsConnector::from(Arc::new(client)), name))
            }
            Transport::Tcp | Transport::Udp => None,
        };
        Ok(Self { address: config.address.clone(), transport: config.transport, tls, connection: None })
    }

    /// A connection that failed is not used again; whether the other side has read what it took in
    /// before is known to nobody, so that all of the parcel is sent anew.
    pub(crate) async fn deliver(&mut self, parcel: &Parcel) -> Result<(), String> {
        let messages: Vec<_> = match parcel.events.as_slice() {
            [] => vec![heartbeat(parcel)],
            events => events.iter().map(|numbered| message(&parcel.server, numbered)).collect(),
        };
        if self.transport == Transport::Udp {
            return self.datagrams(&messages).await;
        }
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let mut frames = Vec::new();
        for message in &messages {
            frames.extend_from_slice(format!("{} {message}", message.len()).as_bytes());
        }
        let written = async {
            connection.write_all(&frames).await?;
            connection.flush().await
        };
        written.await.map_err(|error| format!("{}: {error}", self.address))?;
        closed(&mut connection).await.map_err(|error| format!("{}: {error}", self.address))?;
        self.connection = Some(connection);
        Ok(())
    }

    async fn connect(&self) -> Result<Box<dyn Stream>, String> {
        let told = |error: std::io::Error| format!("{}: {}", self.address, chain(&error));
        let stream = TcpStream::connect(&self.address).await.map_err(told)?;
        Ok(match &self.tls {
            Some((connector, name)) => Box::new(connector.connect(name.clone(), stream).await.map_err(told)?),
            None => Box::new(stream),
        })
    }

    async fn datagrams(&self, messages: &[String]) -> Result<(), String> {
        let told = |error: std::io::Error| format!("{}: {error}", self.address);
        let socket = UdpSocket::bind("[::]:0").await;
        let socket = match socket {
            Ok(socket) => socket,
            Err(_) => UdpSocket::bind("0.0.0.0:0").await.map_err(told)?,
        };
        for message in messages {
            let mut end = message.len().min(DATAGRAM_LEN_MAX);
            while !message.is_char_boundary(end) {
                end -= 1;
            }
            let cut = message.get(..end).unwrap_or_default();
            socket.send_to(cut.as_bytes(), &self.address).await.map_err(told)?;
        }
        Ok(())
    }
}

/// Whether the other side has hung up: a log server says nothing, so that what can be read is the end.
async fn closed(connection: &mut Box<dyn Stream>) -> Result<(), String> {
    use tokio::io::AsyncReadExt as _;
    let mut byte = [0];
    let ready = tokio::time::timeout(std::time::Duration::from_millis(20), connection.read(&mut byte));
    match ready.await {
        Err(_) => Ok(()),
        Ok(Ok(0)) => Err("the log server hung up".to_owned()),
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
    }
}

/// One event as RFC 5424 §6 has it. The message is the event in JSON, as the ledger holds it.
fn message(server: &str, numbered: &Numbered) -> String {
    let Numbered { index, event } = numbered;
    let json = serde_json::to_string(event).unwrap_or_default();
    let data = format!(
        "[postern@32473 index=\"{index}\" action=\"{}\" target=\"{}\" text=\"{}\"]",
        escaped(&event.action),
        escaped(&event.target),
        escaped(&told(event))
    );
    let action = token(&event.action, 32);
    format!("<{}>1 {} {} postern {NIL} {action} {data} {json}", priority(event), event.at, host(server))
}

fn heartbeat(parcel: &Parcel) -> String {
    let Parcel { at, server, ledger_size, ledger_root, .. } = parcel;
    let priority = AUDIT * 8 + 6;
    format!(
        "<{priority}>1 {at} {} postern {NIL} heartbeat [postern@32473 size=\"{ledger_size}\" root=\"{}\"]",
        host(server),
        escaped(ledger_root)
    )
}

/// Alert for what somebody should look at now, warning for what did not come out, else information.
fn priority(event: &Event) -> u8 {
    let severity = match event.outcome {
        _ if urgent(event) => 1,
        Outcome::Failed | Outcome::Refused | Outcome::Unknown => 4,
        Outcome::Done | Outcome::Intent => 6,
    };
    AUDIT * 8 + severity
}

/// The host of the server's address.
fn host(server: &str) -> String {
    let host = server.split_once("://").map_or(server, |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or_default();
    token(host.rsplit_once(':').map_or(host, |(host, _)| host), 255)
}

/// At most `max` printable characters without a blank.
fn token(text: &str, max: usize) -> String {
    let token: String = text.chars().filter(char::is_ascii_graphic).take(max).collect();
    if token.is_empty() { NIL.to_owned() } else { token }
}

/// A parameter's value: `"`, `\` and `]` are escaped (RFC 5424 §6.3.3).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !c.is_control()) {
        if matches!(c, '"' | '\\' | ']') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{event, parcel};
    use proptest::prelude::*;

    #[test]
    fn an_event_is_one_message_of_rfc_5424() {
        let numbered = Numbered { index: 7, event: event("break_glass.use").with("reason", "a \"b\" ]") };
        let message = message("https://postern.example:8443", &numbered);
        assert!(message.starts_with("<105>1 2026-"), "{message}");
        assert!(
            message.contains("Z postern.example postern - break_glass.use [postern@32473 index=\"7\""),
            "{message}"
        );
        assert!(message.contains("reason: a \\\"b\\\" \\]\"] {\"at\":"), "{message}");
        assert!(message.ends_with('}'));
    }

    #[test]
    fn severity_follows_from_the_outcome() {
        assert_eq!(priority(&event("session.open")), 13 * 8 + 6);
        assert_eq!(priority(&event("session.open").outcome(Outcome::Refused)), 13 * 8 + 4);
        assert_eq!(priority(&event("break_glass.use")), 13 * 8 + 1);
    }

    #[tokio::test]
    async fn frames_are_counted_and_a_hang_up_is_an_error() {
        use tokio::io::AsyncReadExt as _;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let config = Syslog { address, transport: Transport::Tcp, authority: None };
        let mut sender = Sender::new(&config).unwrap();
        let parcel = parcel(vec![event("break_glass.use"), event("vault.seal")]);
        let (delivered, read) = tokio::join!(sender.deliver(&parcel), async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut read = vec![0; 64];
            stream.read_exact(&mut read).await.unwrap();
            (stream, read)
        });
        delivered.unwrap();
        let (stream, read) = read;
        let text = String::from_utf8(read).unwrap();
        let (count, rest) = text.split_once(' ').unwrap();
        assert!(count.parse::<usize>().is_ok() && rest.starts_with("<105>1 "), "{text}");
        drop((stream, listener));
        let failed = async {
            // What was on its way when the other side hung up may still be taken.
            while sender.deliver(&parcel).await.is_ok() {}
        };
        tokio::time::timeout(std::time::Duration::from_secs(10), failed).await.unwrap();
    }

    proptest! {
        #[test]
        fn nothing_in_an_event_adds_a_parameter(text in any::<String>()) {
            let numbered = Numbered { index: 1, event: event("session.open").with("reason", text) };
            let message = message("https://postern.example", &numbered);
            prop_assert!(!message.chars().any(char::is_control));
            let data = message.split_once('[').unwrap().1;
            let mut unescaped = 0;
            let mut chars = data.chars();
            while let Some(c) = chars.next() {
                match c {
                    '\\' => drop(chars.next()),
                    '"' => unescaped += 1,
                    ']' => break,
                    _ => {}
                }
            }
            prop_assert_eq!(unescaped, 8);
        }
    }
}
