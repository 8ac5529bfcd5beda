//! Mail: one message for each parcel. The subject is the first event in one line.

use std::path::Path;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use crate::config::{Mail, MailTls, file, is_here, secret};
use crate::{Parcel, chain, told};

/// The longest subject, in characters.
const SUBJECT_LEN_MAX: usize = 150;

pub(crate) struct Sender {
    smtp: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
}

impl Sender {
    pub(crate) fn new(config: &Mail) -> Result<Self, String> {
        let address =
            |field: &str, text: &String| text.parse::<Mailbox>().map_err(|error| format!("{field}: `{text}`: {error}"));
        let from = address("from", &config.from)?;
        let to: Vec<_> = config.to.iter().map(|text| address("to", text)).collect::<Result<_, _>>()?;
        if to.is_empty() {
            return Err("to: name at least one address".to_owned());
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
        Ok(Self { smtp: smtp.build(), from, to })
    }

    pub(crate) async fn deliver(&self, parcel: &Parcel) -> Result<(), String> {
        let mut message = Message::builder().from(self.from.clone()).subject(subject(parcel));
        for to in &self.to {
            message = message.to(to.clone());
        }
        let message = message.header(ContentType::TEXT_PLAIN).body(body(parcel)).map_err(|error| chain(&error))?;
        self.smtp.send(message).await.map(|_| ()).map_err(|error| chain(&error))
    }
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
        let wrong = |mail: Mail| Sender::new(&mail).err().unwrap_or_default();
        assert!(wrong(mail.clone()).starts_with("tls: "));
        assert!(wrong(Mail { to: vec!["nobody".to_owned()], ..mail.clone() }).starts_with("to: `nobody`"));
        assert!(wrong(Mail { to: vec![], ..mail.clone() }).starts_with("to: "));
        assert!(
            wrong(Mail { tls: MailTls::Starttls, user: Some("ana".to_owned()), ..mail })
                .starts_with("user and password")
        );
    }
}
