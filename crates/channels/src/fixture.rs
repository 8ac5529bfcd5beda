//! Events for tests.

use postern_domain::event::{Actor, Event};
use postern_domain::{ScopePath, Timestamp};

use crate::{Numbered, Parcel};

pub(crate) fn event(action: &str) -> Event {
    let actor = Actor::User { name: "ana".to_owned(), source: Some("192.0.2.7".to_owned()) };
    Event::done(Timestamp::from_millis(1_790_000_000_123), actor, action, "root@web-1", ScopePath::root())
}

pub(crate) fn parcel(events: Vec<Event>) -> Parcel {
    let numbered = |(index, event)| Numbered { index, event };
    Parcel {
        at: Timestamp::from_millis(1_790_000_000_500),
        server: "https://postern.example".to_owned(),
        ledger_size: 42,
        ledger_root: "00ff".to_owned(),
        events: (40..).zip(events).map(numbered).collect(),
    }
}
