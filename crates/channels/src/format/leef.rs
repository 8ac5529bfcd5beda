//! QRadar's Log Event Extended Format: `LEEF:2.0|vendor|product|version|event id|delimiter|` and then
//! `key=value`, one after another with tabs between.
//!
//! Source: IBM, "LEEF event components". The format has no way to escape, so that tabs and line breaks in
//! values become blanks, and bars in the header `/`.

use super::{PRODUCT, Severity, VERSION, details, outcome, who};
use crate::{Numbered, Parcel, told};

/// The longest value.
const VALUE_LEN_MAX: usize = 4000;

pub(super) fn event(Numbered { index, event }: &Numbered) -> String {
    let (user, source) = who(event);
    let category = event.action.split('.').next().unwrap_or_default();
    let fields = [
        ("devTime", Some(event.at.as_millis().to_string())),
        ("cat", Some(category.to_owned())),
        ("sev", Some(Severity::of(event).of_ten().max(1).to_string())),
        ("usrName", user.map(ToOwned::to_owned)),
        ("src", source.map(ToOwned::to_owned)),
        ("resource", Some(event.target.clone())),
        ("scope", Some(event.scope.to_string())),
        ("outcome", Some(outcome(event).to_owned())),
        ("index", Some(index.to_string())),
        ("details", Some(details(event))),
        ("msg", Some(told(event))),
    ];
    let fields = fields.into_iter().filter_map(|(key, value)| value.map(|value| (key, value)));
    line(&event.action, fields)
}

pub(super) fn heartbeat(parcel: &Parcel) -> String {
    let fields = [
        ("devTime", parcel.at.as_millis().to_string()),
        ("cat", "heartbeat".to_owned()),
        ("sev", "1".to_owned()),
        ("ledgerSize", parcel.ledger_size.to_string()),
        ("ledgerRoot", parcel.ledger_root.clone()),
    ];
    line("heartbeat", fields.into_iter())
}

fn line(id: &str, fields: impl Iterator<Item = (&'static str, String)>) -> String {
    let id: String = id.chars().map(|c| if c == '|' || c.is_control() { '/' } else { c }).collect();
    let mut line = format!("LEEF:2.0|{PRODUCT}|{PRODUCT}|{VERSION}|{id}|x09|");
    for (nth, (key, value)) in fields.enumerate() {
        if nth > 0 {
            line.push('\t');
        }
        line.push_str(key);
        line.push('=');
        line.extend(value.chars().take(VALUE_LEN_MAX).map(|c| if c.is_control() { ' ' } else { c }));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{event as fixture, parcel};
    use proptest::prelude::*;

    #[test]
    fn an_event_is_one_line_with_its_fields() {
        let line = event(&Numbered { index: 7, event: fixture("break_glass.use") });
        let (header, fields) = line.split_once("|x09|").unwrap();
        assert_eq!(header, format!("LEEF:2.0|Postern|Postern|{VERSION}|break_glass.use"));
        assert_eq!(
            fields.split('\t').take(6).collect::<Vec<_>>(),
            [
                "devTime=1790000000123",
                "cat=break_glass",
                "sev=9",
                "usrName=ana",
                "src=192.0.2.7",
                "resource=root@web-1"
            ]
        );
        assert!(heartbeat(&parcel(vec![])).ends_with("ledgerSize=42\tledgerRoot=00ff"));
    }

    proptest! {
        #[test]
        fn nothing_in_an_event_adds_a_field_or_a_line(target in any::<String>(), text in any::<String>()) {
            let mut said = fixture("request.create").with("reason", text);
            said.target = target;
            let line = event(&Numbered { index: 1, event: said });
            prop_assert!(!line.chars().any(|c| c.is_control() && c != '\t'));
            prop_assert_eq!(line.matches('\t').count(), 10);
        }
    }
}
