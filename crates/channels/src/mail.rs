//! Mail: one message for each parcel. The subject is the first event in one line.

use std::collections::BTreeSet;
use std::path::Path;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use crate::config::{Carries, Mail, MailTls, file, is_here, secret};
use crate::{Notice, Parcel, Unreachable, chain, told};

/// The longest subject, in characters.
const SUBJECT_LEN_MAX: usize = 150;

pub(crate) struct Sender {
    smtp: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
    sent: Sent,
}

/// Who has been sent the notice that is being told, so that they are not sent it twice where somebody after them
/// could not be; and whom the server refuses.
#[derive(Default)]
struct Sent {
    index: Option<u64>,
    users: BTreeSet<String>,
    unreachable: Vec<Unreachable>,
}

impl Sent {
    fn begin(&mut self, index: u64) {
        if self.index != Some(index) {
            *self = Self { index: Some(index), ..Self::default() };
        }
    }
}

impl Sender {
    pub(crate) fn new(config: &Mail, carries: Carries) -> Result<Self, String> {
        let address =
            |field: &str, text: &String| text.parse::<Mailbox>().map_err(|error| format!("{field}: `{text}`: {error}"));
        let from = address("from", &config.from)?;
        let to: Vec<_> = config.to.iter().map(|text| address("to", text)).collect::<Result<_, _>>()?;
        match (carries, to.is_empty()) {
            (Carries::Requests, false) => {
                return Err("to: leave it out with `requests`: each is told at their own address".to_owned());
            }
            (Carries::Urgent | Carries::Everything, true) => return Err("to: name at least one address".to_owned()),
            _ => {}
        }
        let (tls, port) = match config.tls {
            MailTls::Implicit => (Tls::Wrapper(parameters(&config.host, config.authority.as_deref())?), 465),
            MailTls::Starttls => (Tls::Required(parameters(&config.host, config.authority.as_deref())?), 587),
            MailTls::None if is_here(&config.host) => (Tls::None, 25),
            MailTls::None => return Err("tls: `none` is for a mail server on this machine".to_owned()),
        };
        let mut smtp = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&config.host)
            .port(config.port.unwrap_or(port))
            .tls(tls);
        match (&config.user, &config.password_file) {
            (Some(user), Some(path)) => {
                let password = secret("password_file", path)?;
                smtp = smtp.credentials(Credentials::new(user.clone(), password.expose().to_owned()));
            }
            (None, None) => {}
            _ => return Err("user and password_file: give both or neither".to_owned()),
        }
        Ok(Self { smtp: smtp.build(), from, to, sent: Sent::default() })
    }

    pub(crate) async fn deliver(&self, parcel: &Parcel) -> Result<(), String> {
        let mut message = Message::builder().from(self.from.clone()).subject(subject(parcel));
        for to in &self.to {
            message = message.to(to.clone());
        }
        let message = message.header(ContentType::TEXT_PLAIN).body(body(parcel)).map_err(|error| chain(&error))?;
        self.smtp.send(message).await.map(|_| ()).map_err(|error| chain(&error))
    }

    /// Sends everybody a message of their own. An address that the server refuses for good is given back; whatever
    /// else goes wrong may be tried again.
    pub(crate) async fn notify(&mut self, notice: &Notice) -> Result<Vec<Unreachable>, String> {
        self.sent.begin(notice.index);
        for person in &notice.to {
            let Some(address) = &person.address else { continue };
            if self.sent.users.contains(&person.user) {
                continue;
            }
            let refused = match address.parse::<Mailbox>() {
                Err(error) => Some(error.to_string()),
                Ok(to) => match self.smtp.send(self.message(notice, to)?).await {
                    Err(error) if is_of_address(&error) => Some(chain(&error)),
                    sent => sent.map(|_| None).map_err(|error| chain(&error))?,
                },
            };
            let refused = refused.map(|why| Unreachable { user: person.user.clone(), why });
            self.sent.unreachable.extend(refused);
            self.sent.users.insert(person.user.clone());
        }
        Ok(std::mem::take(&mut self.sent.unreachable))
    }

    fn message(&self, notice: &Notice, to: Mailbox) -> Result<Message, String> {
        let subject: String = format!("[postern] {}", notice.line()).chars().take(SUBJECT_LEN_MAX).collect();
        let host = self.from.email.domain();
        let message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(subject)
            .message_id(Some(format!("<notice-{}-{}@{host}>", notice.index, notice.kind)))
            .header(ContentType::TEXT_PLAIN)
            .body(notice.text());
        message.map_err(|error| chain(&error))
    }
}

/// Whether the server will never take a message for this address, whatever else it takes (RFC 5321 4.2.3, RFC
/// 7504 3: mailbox unavailable, not local, name not allowed, host takes no mail, syntax).
fn is_of_address(error: &lettre::transport::smtp::Error) -> bool {
    let code = error.status().filter(|_| error.is_permanent()).map(u16::from);
    matches!(code, Some(501 | 550 | 551 | 553 | 556))
}

fn parameters(host: &str, authority: Option<&Path>) -> Result<TlsParameters, String> {
    let mut parameters = TlsParameters::builder(host.to_owned());
    parameters = match authority {
        None => parameters.certificate_store(CertificateStore::WebpkiRoots),
        Some(path) => {
            let pem = file("authority", path)?;
            let certificate = Certificate::from_pem(pem.as_bytes()).map_err(|error| format!("authority: {error}"))?;
            parameters.certificate_store(CertificateStore::None).add_root_certificate(certificate)
        }
    };
    parameters.build_rustls().map_err(|error| chain(&error))
}

fn subject(parcel: &Parcel) -> String {
    let line = match parcel.events.as_slice() {
        [] => format!("all is well; the ledger holds {} events", parcel.ledger_size),
        [only] => told(&only.event),
        [first, rest @ ..] => format!("(and {} more) {}", rest.len(), told(&first.event)),
    };
    format!("[postern] {line}").chars().take(SUBJECT_LEN_MAX).collect()
}

fn body(parcel: &Parcel) -> String {
    let mut text = String::new();
    for numbered in &parcel.events {
        text.push_str(&format!("{}  #{}\n{}\n\n", numbered.event.at, numbered.index, told(&numbered.event)));
    }
    let Parcel { server, ledger_size, ledger_root, .. } = parcel;
    text.push_str(&format!("{server}\nThe ledger holds {ledger_size} events; its root is {ledger_root}.\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{event, parcel};

    #[test]
    fn the_subject_says_what_happened_and_cannot_add_headers() {
        let said = event("break_glass.use").with("reason", "down\r\nBcc: everybody@example.org");
        let one = parcel(vec![said.clone()]);
        assert!(subject(&one).starts_with("[postern] ana (from 192.0.2.7): break_glass.use root@web-1"));
        assert!(!subject(&one).contains('\n') && !subject(&one).contains('\r'));
        assert!(subject(&parcel(vec![said.clone(), said])).starts_with("[postern] (and 1 more) ana"));
        assert_eq!(subject(&parcel(vec![])), "[postern] all is well; the ledger holds 42 events");
        assert!(body(&one).contains("#40\n") && body(&one).contains("its root is 00ff"));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let mail = Mail {
            host: "mail.example.org".to_owned(),
            port: None,
            tls: MailTls::None,
            from: "postern@example.org".to_owned(),
            to: vec!["oncall@example.org".to_owned()],
            user: None,
            password_file: None,
            authority: None,
        };
        let wrong = |mail: Mail| Sender::new(&mail, Carries::Urgent).err().unwrap_or_default();
        let with_requests = Sender::new(&mail, Carries::Requests).err().unwrap_or_default();
        assert!(with_requests.starts_with("to: leave it out"));
        assert!(wrong(mail.clone()).starts_with("tls: "));
        assert!(wrong(Mail { to: vec!["nobody".to_owned()], ..mail.clone() }).starts_with("to: `nobody`"));
        assert!(wrong(Mail { to: vec![], ..mail.clone() }).starts_with("to: "));
        assert!(
            wrong(Mail { tls: MailTls::Starttls, user: Some("ana".to_owned()), ..mail })
                .starts_with("user and password")
        );
    }
}
