//! The Open Cybersecurity Schema Framework, version 1.8.0: each event as one of its classes.
//!
//! Everything that Postern notes is identity and access management (category 3), but for alerts, which are
//! findings (2), and what says that all is well, which is the application's own life (6). What the class
//! has no attribute for is in `unmapped`; the event as the ledger holds it is in `raw_data`, so that its
//! hash can be looked up. `docs/reference/channels.md` has the table.

use postern_domain::event::{Actor, Event, Outcome};
use serde_json::{Map, Value, json};

use super::{PRODUCT, Severity, VERSION, outcome};
use crate::{Numbered, Parcel, told};

/// The version of the schema that is written here.
const SCHEMA: &str = "1.8.0";
/// What an activity is that the class has no number for.
const OTHER: u64 = 99;

/// A class with what happened in its terms.
struct Class {
    uid: u64,
    activity: u64,
    own: Map<String, Value>,
}

pub(super) fn event(server: &str, Numbered { index, event }: &Numbered) -> Value {
    let Class { uid, activity, own } = class(event);
    let mut map = common(uid, activity, event.at.as_millis());
    map.insert("severity_id".to_owned(), json!(severity(event)));
    map.insert("status_id".to_owned(), json!(status(event.outcome)));
    map.insert("status".to_owned(), json!(outcome(event)));
    map.insert("message".to_owned(), json!(told(event)));
    map.insert("metadata".to_owned(), metadata(server, Some((*index, &event.action))));
    map.insert("raw_data".to_owned(), json!(serde_json::to_string(event).unwrap_or_default()));
    map.insert(
        "unmapped".to_owned(),
        json!({
            "action": event.action,
            "target": event.target,
            "scope": event.scope,
            "outcome": event.outcome,
            "details": event.details,
        }),
    );
    if activity == OTHER {
        map.insert("activity_name".to_owned(), json!(verb(event)));
    }
    // A finding has neither an actor nor an end of a connection of its own.
    if uid != 2004 {
        map.insert("actor".to_owned(), actor(&event.actor));
        if let Some(source) = source(event) {
            map.insert("src_endpoint".to_owned(), json!({ "ip": source }));
        }
    }
    map.extend(own);
    Value::Object(map)
}

pub(super) fn heartbeat(parcel: &Parcel) -> Value {
    let mut map = common(6002, OTHER, parcel.at.as_millis());
    map.insert("activity_name".to_owned(), json!("Heartbeat"));
    map.insert("severity_id".to_owned(), json!(1));
    map.insert("status_id".to_owned(), json!(1));
    map.insert("metadata".to_owned(), metadata(&parcel.server, None));
    map.insert("app".to_owned(), product());
    map.insert("unmapped".to_owned(), json!({ "ledger_size": parcel.ledger_size, "ledger_root": parcel.ledger_root }));
    Value::Object(map)
}

fn common(class: u64, activity: u64, at: i64) -> Map<String, Value> {
    let numbers = [
        ("category_uid", json!(class / 1000)),
        ("class_uid", json!(class)),
        ("activity_id", json!(activity)),
        ("type_uid", json!(class * 100 + activity)),
        ("time", json!(at)),
    ];
    numbers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn product() -> Value {
    json!({ "name": PRODUCT, "vendor_name": PRODUCT, "version": VERSION })
}

fn metadata(server: &str, place: Option<(u64, &str)>) -> Value {
    let mut metadata = json!({ "version": SCHEMA, "product": product(), "log_name": "ledger", "log_provider": server });
    if let (Some((index, action)), Some(map)) = (place, metadata.as_object_mut()) {
        map.insert("uid".to_owned(), json!(format!("ledger:{index}")));
        map.insert("sequence".to_owned(), json!(index));
        map.insert("event_code".to_owned(), json!(action));
    }
    metadata
}

fn severity(event: &Event) -> u64 {
    let told = event.details.get("severity").and_then(Value::as_str);
    match (told, Severity::of(event)) {
        (Some("critical"), _) => 5,
        (Some("high"), _) | (_, Severity::Alert) => 4,
        (Some("medium"), _) => 3,
        (Some("low"), _) | (_, Severity::Warning) => 2,
        _ => 1,
    }
}

const fn status(outcome: Outcome) -> u64 {
    match outcome {
        Outcome::Done => 1,
        Outcome::Failed | Outcome::Refused => 2,
        Outcome::Intent => 99,
        Outcome::Unknown => 0,
    }
}

fn actor(actor: &Actor) -> Value {
    match actor {
        Actor::User { name, .. } => json!({ "user": { "name": name, "type_id": 1 } }),
        Actor::Unknown { .. } => json!({ "user": { "name": "unknown", "type_id": 0 } }),
        Actor::System => json!({ "app_name": PRODUCT }),
        Actor::Console => json!({ "invoked_by": "the server's own shell" }),
    }
}

fn source(event: &Event) -> Option<&str> {
    match &event.actor {
        Actor::User { source, .. } => source.as_deref(),
        Actor::Unknown { source } => Some(source),
        Actor::System | Actor::Console => None,
    }
}

fn noun(event: &Event) -> &str {
    event.action.split('.').next().unwrap_or_default()
}

fn verb(event: &Event) -> &str {
    event.action.split_once('.').map_or(event.action.as_str(), |(_, verb)| verb)
}

/// Which class an event is of, by its noun and verb.
fn class(event: &Event) -> Class {
    let named = |name: &str| json!({ "name": name });
    let made = |uid, activity, own: Value| Class { uid, activity, own: own.as_object().cloned().unwrap_or_default() };
    let user = || named(&event.target);
    match (noun(event), verb(event)) {
        ("login", verb) => {
            made(3002, logon(verb), json!({ "user": signing_in(event), "service": { "name": PRODUCT } }))
        }
        ("session", "open") => made(3003, 1, json!({ "user": signing_in(event), "privileges": [event.target] })),
        ("grant", verb @ ("create" | "revoke" | "expire" | "extend")) => {
            let activity = if matches!(verb, "create" | "extend") { 1 } else { 2 };
            let privileges = [event.details.get("account").and_then(Value::as_str).unwrap_or(&event.target)];
            made(3005, activity, json!({ "user": signing_in(event), "privileges": privileges }))
        }
        ("user", verb @ ("create" | "enable" | "disable")) => {
            let activity = match verb {
                "create" => 1,
                "enable" => 2,
                _ => 5,
            };
            made(3001, activity, json!({ "user": user() }))
        }
        ("passkey", "add") => made(3001, 10, json!({ "user": signing_in(event) })),
        ("passkey", "remove") => made(3001, 11, json!({ "user": signing_in(event) })),
        ("rotation", "apply") | ("secret", "put") => made(3001, 3, json!({ "user": user() })),
        ("group", verb @ ("put" | "delete")) => {
            made(3006, if verb == "delete" { 5 } else { OTHER }, json!({ "group": named(&event.target) }))
        }
        ("alert", verb) => finding(event, verb),
        (noun, verb) => {
            let entity = json!({ "name": event.target, "type": noun, "uid": event.target });
            made(3004, managed(verb), json!({ "entity": entity }))
        }
    }
}

/// Whom it is about, where the details say so, else who did it.
fn signing_in(event: &Event) -> Value {
    let told = event.details.get("user").and_then(Value::as_str);
    let name = told.unwrap_or(match &event.actor {
        Actor::User { name, .. } => name,
        Actor::Unknown { .. } if !event.target.is_empty() => &event.target,
        Actor::Unknown { .. } => "unknown",
        Actor::System | Actor::Console => &event.target,
    });
    json!({ "name": name })
}

fn logon(verb: &str) -> u64 {
    match verb {
        "create" => 1,
        "end" | "end_all" => 2,
        _ => OTHER,
    }
}

fn managed(verb: &str) -> u64 {
    match verb {
        "create" | "put" | "add" | "make" | "open" | "start" | "propose" | "adopt" | "pin" => 1,
        "read" | "see" => 2,
        "update" | "change" | "apply" | "hand_over" => 3,
        "delete" | "remove" => 4,
        "enable" => 8,
        "disable" => 9,
        "pause" => 12,
        "resume" => 13,
        _ => OTHER,
    }
}

fn finding(event: &Event, verb: &str) -> Class {
    let activity = match verb {
        "raise" | "create" => 1,
        "close" => 3,
        _ => 2,
    };
    let detail = |name: &str| event.details.get(name).and_then(Value::as_str);
    let title = detail("title").or_else(|| detail("rule")).unwrap_or(&event.target);
    let mut info = json!({ "uid": event.target, "title": title });
    if let (Some(rule), Some(map)) = (detail("rule"), info.as_object_mut()) {
        map.insert("analytic".to_owned(), json!({ "name": rule, "type_id": 1 }));
        if let Some(technique) = detail("technique") {
            map.insert("attacks".to_owned(), json!([{ "technique": { "uid": technique } }]));
        }
    }
    let own = json!({ "finding_info": info, "is_alert": true });
    Class { uid: 2004, activity, own: own.as_object().cloned().unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{event as fixture, parcel};

    fn written(said: Event) -> Value {
        event("https://postern.example", &Numbered { index: 7, event: said })
    }

    #[test]
    fn an_event_has_its_class_and_its_place_in_the_ledger() {
        let open = written(fixture("session.open"));
        assert_eq!(open["class_uid"], 3003);
        assert_eq!(open["type_uid"], 300_301);
        assert_eq!(open["metadata"]["sequence"], 7);
        assert_eq!(open["src_endpoint"]["ip"], "192.0.2.7");
        assert_eq!(open["privileges"][0], "root@web-1");
        assert_eq!((&open["severity_id"], &open["status_id"]), (&json!(1), &json!(1)));
        let raw: Event = serde_json::from_str(open["raw_data"].as_str().unwrap()).unwrap();
        assert_eq!(raw, fixture("session.open"));
    }

    #[test]
    fn what_has_no_class_of_its_own_is_the_management_of_an_entity() {
        let other = written(fixture("discovery.look").outcome(Outcome::Failed));
        assert_eq!((&other["class_uid"], &other["activity_id"]), (&json!(3004), &json!(99)));
        assert_eq!((&other["activity_name"], &other["status_id"]), (&json!("look"), &json!(2)));
        assert_eq!(other["entity"]["type"], "discovery");
    }

    #[test]
    fn urgent_things_and_alerts_are_severe() {
        assert_eq!(written(fixture("break_glass.use"))["severity_id"], 4);
        let said =
            fixture("alert.raise").with("rule", "ssh-keys").with("severity", "critical").with("technique", "T1098");
        let alert = written(said);
        assert_eq!((&alert["class_uid"], &alert["severity_id"]), (&json!(2004), &json!(5)));
        assert_eq!(alert["finding_info"]["attacks"][0]["technique"]["uid"], "T1098");
    }

    #[test]
    fn a_heartbeat_has_the_head_of_the_ledger() {
        let beat = heartbeat(&parcel(vec![]));
        assert_eq!((&beat["type_uid"], &beat["unmapped"]["ledger_size"]), (&json!(600_299), &json!(42)));
    }
}
