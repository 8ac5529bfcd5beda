//! Access that rests on tickets, with OpenSSH and a real sshd. Neither Jira nor ServiceNow can be had here: a server of
//! ours answers as their APIs do, to the settings that the guide gives for each.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use postern_e2e::{Child, Person, World, run, until};
use serde_json::{Value, json};

const GUIDE: &str = include_str!("../../../docs/guides/check-tickets.md");
const SECRET: &str = "Bearer of-the-ticket-system";

const POLICY: &str = r"
kind: Policy
name: by-ticket
subjects: { groups: [changers] }
accounts: { names: [root], assets: [web-1] }
access: request
obligations: { ticket_pattern: 'CHG-[0-9]+', ticket_checked: true, mfa_max_age: 12h, max_duration: 1h }
";

/// Which system is spoken for.
#[derive(Clone, Copy)]
enum System {
    Jira,
    ServiceNow,
}

/// A ticket: what it is about, and how it stands.
type Tickets = Arc<Mutex<Vec<(&'static str, &'static str, &'static str)>>>;

impl System {
    /// What it answers to one GET about a ticket, with its status.
    fn answer(self, path: &str, tickets: &Tickets) -> (u16, Value) {
        let tickets = tickets.lock().unwrap();
        let asked = match self {
            Self::Jira => path.strip_prefix("/rest/api/2/issue/").and_then(|rest| rest.split('?').next()),
            Self::ServiceNow => path.split_once("number=").and_then(|(_, rest)| rest.split('&').next()),
        };
        let found = tickets.iter().find(|(number, ..)| Some(*number) == asked);
        match (self, found) {
            (Self::Jira, None) => (404, json!({ "errorMessages": ["Issue does not exist"], "errors": {} })),
            (Self::Jira, Some((number, about, state))) => {
                let status = json!({ "name": state, "statusCategory": { "key": state } });
                (200, json!({ "key": number, "fields": { "summary": about, "description": null, "status": status } }))
            }
            (Self::ServiceNow, None) => (200, json!({ "result": [] })),
            (Self::ServiceNow, Some((number, about, state))) => {
                let item = json!({ "display_value": about, "link": "https://example.test/cmdb/1" });
                let row = json!({ "number": number, "state": state, "cmdb_ci": item, "short_description": "disk" });
                (200, json!({ "result": [row] }))
            }
        }
    }

    /// The settings that the guide gives for it, to a server of ours.
    fn settings(self, url: &str, secret: &std::path::Path) -> String {
        let heading = match self {
            Self::Jira => "## Jira",
            Self::ServiceNow => "## ServiceNow",
        };
        let shown = GUIDE.split_once(heading).unwrap().1.split("```").nth(1).unwrap();
        let settings = shown.trim_start_matches("toml").lines().map(|line| match line.split_once(" = ") {
            Some(("url", value)) => {
                let path = value.trim_matches('"').splitn(4, '/').nth(3).unwrap();
                format!("url = \"{url}/{path}\"")
            }
            Some(("secret_file", _)) => format!("secret_file = {:?}", secret.display().to_string()),
            _ => line.to_owned(),
        });
        format!("{}\nrecheck = \"1s\"\n", settings.collect::<Vec<_>>().join("\n"))
    }
}

/// Starts one; gives its address.
fn serve(system: System, tickets: &Tickets) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let tickets = tickets.clone();
    std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| one(system, &tickets, stream)));
    url
}

fn one(system: System, tickets: &Tickets, mut stream: TcpStream) {
    let Ok(reader) = stream.try_clone().map(BufReader::new) else { return };
    let head: Vec<_> = reader.lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let proved = head.iter().any(|line| line.eq_ignore_ascii_case(&format!("authorization: {SECRET}")));
    let path = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
    let (status, body) = if proved { system.answer(&path, tickets) } else { (401, json!({})) };
    let body = body.to_string();
    let head =
        format!("HTTP/1.1 {status} said\r\nContent-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    let _ = stream.write_all(format!("{head}Connection: close\r\n\r\n{body}").as_bytes());
}

fn ask(ben: &Person, ticket: &str) -> postern_e2e::Ran {
    ben.cli(&["request", "root@web-1", "--for", "30m", "--reason", "disk full", "--ticket", ticket]).unwrap()
}

/// The world, where this system is asked about tickets.
fn started(system: System, tickets: &Tickets) -> World {
    let mut world = World::start().unwrap();
    let secret = world.gate.scratch().join("ticket.secret");
    fs::write(&secret, SECRET).unwrap();
    world.gate.stop().unwrap();
    fs::write(world.gate.config(), system.settings(&serve(system, tickets), &secret)).unwrap();
    world.gate.start().unwrap();
    world
}

fn tickets_hold(system: System, open: &'static str, done: &'static str) {
    let tickets: Tickets =
        Arc::new(Mutex::new(vec![("CHG-1", "root on web-1 for a disk", open), ("CHG-2", "db-9", open)]));
    let world = started(system, &tickets);
    world.apply(&format!("kind: Group\nname: changers\n---{POLICY}")).unwrap();
    let ben = world.person("ben", &["changers"]).unwrap();
    for (ticket, why) in [("CHG-3", "CHG-3"), ("CHG-2", "web-1")] {
        let refused = ask(&ben, ticket);
        assert!(refused.code != 0 && refused.said().contains(why), "{ticket}: {}", refused.said());
    }
    ask(&ben, "CHG-1").ok().unwrap();
    ben.prove_factor(&world.gate, "root@web-1").unwrap();
    let mut ssh = ben.ssh(&world.gate, "root@web-1");
    ssh.arg("echo up; exec sleep 1000").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut session = Child::start(&mut ssh).unwrap();
    until("a live session", || {
        let live = world.ada.cli(&["sessions", "--live", "-o", "json"])?.json()?;
        Ok((live[0]["state"] == "live").then_some(()))
    })
    .unwrap();
    // The ticket is done, and so is access.
    tickets.lock().unwrap()[0].2 = done;
    until("the session to end", || session.ended()).unwrap();
    assert_ne!(run(ben.ssh(&world.gate, "root@web-1").arg("true")).unwrap().code, 0);
    let grants = ben.cli(&["grants", "-o", "json"]).unwrap().json().unwrap();
    let why = grants[0]["revoked_reason"].as_str().unwrap_or_default();
    assert!(why.contains("CHG-1 is not open") && why.contains(done), "{grants}");
    let refused = ask(&ben, "CHG-1");
    assert!(refused.code != 0 && refused.said().contains("not open"), "{}", refused.said());
}

#[test]
fn access_lasts_as_long_as_its_jira_issue() {
    tickets_hold(System::Jira, "indeterminate", "done");
}

#[test]
fn access_lasts_as_long_as_its_servicenow_change() {
    tickets_hold(System::ServiceNow, "Implement", "Closed");
}

#[test]
fn access_is_given_in_one_state_of_its_ticket_only() {
    let tickets: Tickets = Arc::new(Mutex::new(vec![("CHG-1", "web-1", "Scheduled")]));
    let world = started(System::ServiceNow, &tickets);
    let policy = POLICY.replace("access: request", "conditions: { ticket: { states: [Implement] } }\naccess: request");
    world.apply(&format!("kind: Group\nname: changers\n---{policy}")).unwrap();
    let ben = world.person("ben", &["changers"]).unwrap();
    let refused = ask(&ben, "CHG-1");
    assert!(refused.code != 0 && refused.said().contains("wants one that is Implement"), "{}", refused.said());
    tickets.lock().unwrap()[0].2 = "Implement";
    ask(&ben, "CHG-1").ok().unwrap();
    ben.prove_factor(&world.gate, "root@web-1").unwrap();
    assert_eq!(run(ben.ssh(&world.gate, "root@web-1").arg("echo $((6*7))")).unwrap().ok().unwrap().text(), "42\n");
    tickets.lock().unwrap()[0].2 = "Review";
    until("the grant to end", || {
        let grants = ben.cli(&["grants", "-o", "json"])?.json()?;
        Ok((grants[0]["state"] == "revoked").then_some(()))
    })
    .unwrap();
}
