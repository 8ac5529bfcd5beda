//! ArcSight's Common Event Format: `CEF:0|vendor|product|version|class|name|severity|extension`.
//!
//! Source: "Implementing ArcSight Common Event Format (CEF)", version 26: in the header `|` and `\` are
//! escaped, in the extension `=`, `\` and line breaks.

use std::fmt::Write as _;

use super::{PRODUCT, Severity, VERSION, details, outcome, who};
use crate::{Numbered, Parcel, told};

/// The longest name that is given an event.
const NAME_LEN_MAX: usize = 512;
/// The longest message, and the longest text of details (`msg` and `cs1` of the format).
const TEXT_LEN_MAX: usize = 1023;

pub(super) fn event(Numbered { index, event }: &Numbered) -> String {
    let name = format!("{} {}", event.action, event.target);
    let mut line = begin(&event.action, &name, Severity::of(event).of_ten());
    let (user, source) = who(event);
    let fields = [
        ("rt", Some(event.at.as_millis().to_string())),
        ("externalId", Some(index.to_string())),
        ("suser", user.map(ToOwned::to_owned)),
        ("src", source.and_then(|source| source.parse::<std::net::Ipv4Addr>().ok()).map(|ip| ip.to_string())),
        ("c6a2", source.and_then(|source| source.parse::<std::net::Ipv6Addr>().ok()).map(|ip| ip.to_string())),
        ("outcome", Some(outcome(event).to_owned())),
        ("act", Some(event.action.clone())),
        ("cs2", Some(event.target.clone())),
        ("cs3", Some(event.scope.to_string())),
        ("cs1", Some(details(event))),
        ("msg", Some(told(event))),
    ];
    for (key, value) in fields.into_iter().filter_map(|(key, value)| value.map(|value| (key, value))) {
        field(&mut line, key, &value);
    }
    if line.contains(" c6a2=") {
        field(&mut line, "c6a2Label", "Source IPv6 Address");
    }
    for (key, label) in [("cs1Label", "details"), ("cs2Label", "target"), ("cs3Label", "scope")] {
        field(&mut line, key, label);
    }
    line
}

pub(super) fn heartbeat(parcel: &Parcel) -> String {
    let mut line = begin("heartbeat", "all is well", 0);
    field(&mut line, "rt", &parcel.at.as_millis().to_string());
    field(&mut line, "cn1", &parcel.ledger_size.to_string());
    field(&mut line, "cn1Label", "ledgerSize");
    field(&mut line, "cs1", &parcel.ledger_root);
    field(&mut line, "cs1Label", "ledgerRoot");
    line
}

fn begin(class: &str, name: &str, severity: u8) -> String {
    let header = |text: &str| {
        let text: String = text.chars().filter(|c| !c.is_control()).take(NAME_LEN_MAX).collect();
        text.replace('\\', "\\\\").replace('|', "\\|")
    };
    format!("CEF:0|{PRODUCT}|{PRODUCT}|{VERSION}|{}|{}|{severity}|", header(class), header(name))
}

fn field(line: &mut String, key: &str, value: &str) {
    let blank = if line.ends_with('|') { "" } else { " " };
    let _ = write!(line, "{blank}{key}=");
    for c in value.chars().take(TEXT_LEN_MAX) {
        match c {
            '\\' => line.push_str("\\\\"),
            '=' => line.push_str("\\="),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            c if c.is_control() => {}
            c => line.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{event as fixture, parcel};
    use proptest::prelude::*;

    #[test]
    fn an_event_is_one_line_with_its_fields() {
        let numbered = Numbered { index: 7, event: fixture("session.open").with("reason", "a=b|c\nd") };
        let line = event(&numbered);
        assert!(line.starts_with(&format!("CEF:0|Postern|Postern|{VERSION}|session.open|session.open root@web-1|2|")));
        assert!(line.contains("rt=1790000000123 externalId=7 suser=ana src=192.0.2.7 outcome=done"), "{line}");
        assert!(line.contains(r#"cs1={"reason":"a\=b|c\\nd"}"#), "{line}");
        let beat = heartbeat(&parcel(vec![]));
        assert!(beat.ends_with("cn1=42 cn1Label=ledgerSize cs1=00ff cs1Label=ledgerRoot"), "{beat}");
    }

    #[test]
    fn an_address_of_version_6_has_its_own_field() {
        let mut six = fixture("login.create");
        six.actor = postern_domain::event::Actor::Unknown { source: "2001:db8::7".to_owned() };
        let line = event(&Numbered { index: 0, event: six });
        assert!(line.contains(" c6a2=2001:db8::7 ") && line.contains("c6a2Label="), "{line}");
        assert!(!line.contains(" src=") && !line.contains("suser="), "{line}");
    }

    proptest! {
        #[test]
        fn nothing_in_an_event_adds_a_field_or_a_line(target in any::<String>(), text in any::<String>()) {
            let mut said = fixture("request.create").with("reason", text);
            said.target = target;
            let line = event(&Numbered { index: 1, event: said });
            prop_assert!(!line.chars().any(char::is_control));
            let mut bars = 0;
            let mut equals = 0;
            let mut chars = line.chars();
            while let Some(c) = chars.next() {
                match c {
                    '\\' => drop(chars.next()),
                    '|' if equals == 0 => bars += 1,
                    '=' if bars == 7 => equals += 1,
                    _ => {}
                }
            }
            // Seven bars end the header, and what follows has the fields that an event has and no more.
            prop_assert_eq!((bars, equals), (7, 13));
        }
    }
}
