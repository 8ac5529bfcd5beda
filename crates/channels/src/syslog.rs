//! Syslog: RFC 5424, in counted frames over TLS (RFC 5425) or TCP (RFC 6587), or as datagrams (RFC 5426).

mod relp;
mod stream;

use std::sync::Arc;

use postern_domain::event::Event;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UdpSocket};
use tokio_rustls::TlsConnector;

use crate::config::{Syslog, Transport};
use crate::format::{Format, Severity};
use crate::{Numbered, Parcel, chain, host, token, told};

/// Facility "log audit" (RFC 5424 table 1).
const AUDIT: u8 = 13;
/// The largest datagram that is sent.
const DATAGRAM_LEN_MAX: usize = 2048;
/// What RFC 5424 says where there is nothing to say.
const NIL: &str = "-";

trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for T {}

pub(crate) struct Sender {
    way: Way,
    format: Format,
    speaks: Speaks,
}

/// The way to the log server.
struct Way {
    address: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

enum Speaks {
    Stream(stream::Streamed),
    Relp(relp::Relp),
    Datagrams,
}

impl Sender {
    pub(crate) fn new(config: &Syslog) -> Result<Self, String> {
        let wrong = || format!("address: `{}`: write host:port", config.address);
        let (host, port) = config.address.rsplit_once(':').ok_or_else(wrong)?;
        if host.is_empty() || port.parse::<u16>().is_err() {
            return Err(wrong());
        }
        let own = match (&config.certificate, &config.key_file) {
            (Some(certificate), Some(key)) => Some((certificate.as_path(), key.as_path())),
            (None, None) => None,
            _ => return Err("certificate and key_file: give both or neither".to_owned()),
        };
        let tls = match config.transport {
            Transport::Tls | Transport::Relp => {
                let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
                let name = ServerName::try_from(host).map_err(|error| format!("address: {error}"))?;
                let client = crate::tls::client(config.authority.as_deref(), own)?;
                Some((TlsConnector::from(Arc::new(client)), name))
            }
            Transport::Tcp | Transport::RelpTcp | Transport::Udp => None,
        };
        let speaks = match config.transport {
            Transport::Tls | Transport::Tcp => Speaks::Stream(stream::Streamed::default()),
            Transport::Relp | Transport::RelpTcp => Speaks::Relp(relp::Relp::default()),
            Transport::Udp => Speaks::Datagrams,
        };
        Ok(Self { way: Way { address: config.address.clone(), tls }, format: config.format, speaks })
    }

    pub(crate) async fn deliver(&mut self, parcel: &Parcel) -> Result<(), String> {
        let messages: Vec<_> = match parcel.events.as_slice() {
            [] => vec![heartbeat(self.format, parcel)],
            events => events.iter().map(|numbered| message(self.format, &parcel.server, numbered)).collect(),
        };
        match &mut self.speaks {
            Speaks::Stream(streamed) => streamed.send(&self.way, &messages).await,
            Speaks::Relp(relp) => relp.send(&self.way, &messages).await,
            Speaks::Datagrams => self.way.datagrams(&messages).await,
        }
    }

    /// Sends again what the end of a connection has left in doubt.
    pub(crate) async fn settle(&mut self) -> Result<(), String> {
        match &mut self.speaks {
            Speaks::Stream(streamed) => streamed.settle(&self.way).await,
            Speaks::Relp(_) | Speaks::Datagrams => Ok(()),
        }
    }
}

impl Way {
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

/// One event as RFC 5424 §6 has it. The message is the event in the format that was asked for.
fn message(format: Format, server: &str, numbered: &Numbered) -> String {
    let Numbered { index, event } = numbered;
    let data = format!(
        "[postern@32473 index=\"{index}\" action=\"{}\" target=\"{}\" text=\"{}\"]",
        escaped(&event.action),
        escaped(&event.target),
        escaped(&told(event))
    );
    let action = id(&event.action);
    let written = format.event(server, numbered);
    format!("<{}>1 {} {} postern {NIL} {action} {data} {written}", priority(event), event.at, host(server))
}

fn heartbeat(format: Format, parcel: &Parcel) -> String {
    let Parcel { at, server, ledger_size, ledger_root, .. } = parcel;
    let priority = AUDIT * 8 + 6;
    let data = format!("[postern@32473 size=\"{ledger_size}\" root=\"{}\"]", escaped(ledger_root));
    let written = format.heartbeat(parcel).map(|written| format!(" {written}")).unwrap_or_default();
    format!("<{priority}>1 {at} {} postern {NIL} heartbeat {data}{written}", host(server))
}

/// Alert for what somebody should look at now, warning for what did not come out, else information.
fn priority(event: &Event) -> u8 {
    let severity = match Severity::of(event) {
        Severity::Alert => 1,
        Severity::Warning => 4,
        Severity::Information => 6,
    };
    AUDIT * 8 + severity
}

/// What a message is called: at most 32 printable characters without a blank (RFC 5424 §6.2.7).
fn id(action: &str) -> String {
    let id = token(action, 32);
    if id.is_empty() { NIL.to_owned() } else { id }
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
    use postern_domain::event::Outcome;
    use proptest::prelude::*;

    #[test]
    fn an_event_is_one_message_of_rfc_5424() {
        let numbered = Numbered { index: 7, event: event("break_glass.use").with("reason", "a \"b\" ]") };
        let message = message(Format::Json, "https://postern.example:8443", &numbered);
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
    async fn what_a_broken_connection_leaves_in_doubt_is_sent_again() {
        use tokio::io::AsyncReadExt as _;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = Syslog {
            address: listener.local_addr().unwrap().to_string(),
            transport: Transport::Tcp,
            ..Syslog::default()
        };
        let mut sender = Sender::new(&config).unwrap();
        let (first, second) = (parcel(vec![event("break_glass.use")]), parcel(vec![event("vault.seal")]));
        let (delivered, read) = tokio::join!(sender.deliver(&first), async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut read = vec![0; 64];
            stream.read_exact(&mut read).await.unwrap();
            (stream, String::from_utf8(read).unwrap())
        });
        delivered.unwrap();
        let (stream, read) = read;
        drop(stream);
        let (count, rest) = read.split_once(' ').unwrap();
        assert!(count.parse::<usize>().is_ok() && rest.starts_with("<105>1 "), "{read}");
        // That connection was dropped: whether its message was kept is known to nobody.
        let sending = async {
            while sender.deliver(&second).await.is_err() {}
            drop(sender);
        };
        let ((), all) = tokio::join!(sending, async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut all = String::new();
            stream.read_to_string(&mut all).await.unwrap();
            all
        });
        assert!(all.find("break_glass.use").unwrap() < all.find("vault.seal").unwrap(), "{all}");
    }

    proptest! {
        #[test]
        fn nothing_in_an_event_adds_a_parameter(text in any::<String>()) {
            let numbered = Numbered { index: 1, event: event("session.open").with("reason", text) };
            let message = message(Format::Json, "https://postern.example", &numbered);
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
