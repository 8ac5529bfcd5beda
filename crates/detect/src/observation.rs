//! What rules are asked about.

use postern_domain::event::Event;
use postern_understand::Deed;

/// Something that was seen, and who, where and when it was. Texts are empty where that is not known.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// When, in milliseconds since the Unix epoch.
    pub at: i64,
    /// The person.
    pub user: &'a str,
    /// The address that they came from.
    pub source: &'a str,
    /// The account on its asset: `root@web-1`.
    pub account: &'a str,
    /// The session.
    pub session: &'a str,
    /// What was seen.
    pub seen: Seen<'a>,
}

/// What was seen.
#[derive(Clone, Copy, Debug)]
pub enum Seen<'a> {
    /// Something that was done in a session.
    Deed(&'a Deed),
    /// An event of the ledger.
    Event(&'a Event),
}

impl<'a> Observation<'a> {
    /// What an event says of who and where.
    #[must_use]
    pub fn of_event(event: &'a Event) -> Self {
        use postern_domain::event::Actor;
        let (user, source) = match &event.actor {
            Actor::User { name, source } => (name.as_str(), source.as_deref().unwrap_or_default()),
            Actor::Unknown { source } => ("", source.as_str()),
            Actor::System | Actor::Console => ("", ""),
        };
        let detail = |name: &str| event.details.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
        let session = if event.target.starts_with("ses_") { event.target.as_str() } else { "" };
        let account = detail("account");
        let account = if account.is_empty() && event.target.contains('@') { event.target.as_str() } else { account };
        let user = if user.is_empty() { detail("user") } else { user };
        Self { at: event.at.as_millis(), user, source, account, session, seen: Seen::Event(event) }
    }
}
