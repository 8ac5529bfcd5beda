//! Which events somebody should look at now, and events in one line for people.

use postern_domain::event::{Actor, Event, Outcome};
use postern_domain::link::LinkWorks;
use serde_json::Value;

/// The longest value that is told in a line.
const VALUE_LEN_MAX: usize = 200;

/// Whether somebody should look at it now, wherever they are: every use of break-glass and what is done
/// to it, a secret that opens nothing any more, the vault's seal and its keys, a channel that was told
/// to begin anew, a witness that refuses what it is shown, what opens the door as somebody else by the word of
/// one person.
#[must_use]
pub fn urgent(event: &Event) -> bool {
    let marked = event.details.get("break_glass").is_some_and(|value| *value == Value::Bool(true));
    let noun = event.action.split('.').next().unwrap_or_default();
    marked
        || matches!(noun, "break_glass" | "vault" | "channel" | "witness")
        || matches!(event.action.as_str(), "rotation.broken" | "rotation.run_stopped")
        || (matches!(event.action.as_str(), "user.link" | "token.create" | "ssh_key.add")
            && event.details.get("works").is_some_and(by_one))
}

/// Whether an enrolment link, a token or a key works by the word of one person.
fn by_one(works: &Value) -> bool {
    [LinkWorks::Alone, LinkWorks::Later].iter().any(|alone| *works == alone.as_str())
}

/// The event in one line, for people: who did what to what, how it came out, and what there is to say.
/// Control characters of any kind are left out.
#[must_use]
pub fn told(event: &Event) -> String {
    let who = match &event.actor {
        Actor::User { name, source: Some(source) } => format!("{name} (from {source})"),
        Actor::User { name, source: None } => name.clone(),
        Actor::Unknown { source } => format!("somebody unknown (from {source})"),
        Actor::System => "postern".to_owned(),
        Actor::Console => "somebody at the server's own shell".to_owned(),
    };
    let outcome = match event.outcome {
        Outcome::Done => "",
        Outcome::Intent => " (begun)",
        Outcome::Failed => " (FAILED)",
        Outcome::Refused => " (refused)",
        Outcome::Unknown => " (outcome unknown)",
    };
    let mut line = format!("{who}: {} {}{outcome}", event.action, event.target);
    for (name, value) in &event.details {
        let value = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let value: String = value.chars().take(VALUE_LEN_MAX).collect();
        line.push_str(&format!("; {name}: {value}"));
    }
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::event;
    use proptest::prelude::*;

    #[test]
    fn break_glass_is_urgent_in_every_form_and_ordinary_work_is_not() {
        assert!(urgent(&event("break_glass.use")));
        assert!(urgent(&event("session.open").with("break_glass", true)));
        assert!(urgent(&event("vault.unseal")) && urgent(&event("rotation.broken")));
        assert!(
            urgent(&event("user.link").with("works", "alone")) && urgent(&event("user.link").with("works", "later"))
        );
        assert!(!urgent(&event("user.link").with("works", "confirmed")) && !urgent(&event("user.link")));
        assert!(!urgent(&event("session.open")) && !urgent(&event("session.open").with("break_glass", "true")));
    }

    #[test]
    fn a_line_says_who_what_and_why() {
        let event = event("break_glass.use").with("incident", "INC-1").with("reason", "down\nagain");
        assert_eq!(
            told(&event),
            "ana (from 192.0.2.7): break_glass.use root@web-1; incident: INC-1; reason: down again"
        );
    }

    proptest! {
        #[test]
        fn nothing_in_an_event_breaks_the_line(text in any::<String>()) {
            let told = told(&event("break_glass.use").with("reason", text));
            prop_assert!(!told.chars().any(char::is_control));
        }
    }
}
