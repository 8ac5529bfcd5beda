use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;

use serde_json::json;

use super::*;

/// As Jira answers `GET /rest/api/2/issue/CHG-7?fields=summary,description,status`.
fn jira() -> TicketSettings {
    settings(
        "/key",
        "/fields/status/statusCategory/key",
        &["new", "indeterminate"],
        &["/fields/summary", "/fields/description"],
    )
}

/// As ServiceNow answers `GET /api/now/table/change_request?sysparm_query=number=CHG0030&sysparm_display_value=true`.
fn service_now() -> TicketSettings {
    settings(
        "/result/0/number",
        "/result/0/state",
        &["Implement", "Scheduled"],
        &["/result/0/cmdb_ci", "/result/0/short_description"],
    )
}

fn settings(ticket_at: &str, state_at: &str, open: &[&str], asset_at: &[&str]) -> TicketSettings {
    let all = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    TicketSettings {
        url: "https://tickets.example.com/{ticket}".to_owned(),
        ca: None,
        secret_header: authorization(),
        secret_file: None,
        ticket_at: ticket_at.to_owned(),
        state_at: state_at.to_owned(),
        open: all(open),
        asset_at: all(asset_at),
        timeout: timeout(),
        recheck: recheck(),
        patience: patience(),
    }
}

fn issue(key: &str, state: &str, summary: &str) -> Value {
    json!({ "key": key, "fields": { "summary": summary, "description": null, "status": { "statusCategory": { "key": state } } } })
}

fn web() -> AssetName {
    "web-1".parse().unwrap()
}

#[test]
fn what_jira_says_is_understood() {
    let told = |answer: Value| {
        judge(&jira(), "CHG-7", &web(), &answer)
            .and_then(|found| found.opened("CHG-7"))
            .map_err(|refusal| refusal.to_string())
    };
    assert_eq!(told(issue("CHG-7", "indeterminate", "Disk of web-1 is full")), Ok(()));
    assert_eq!(told(issue("CHG-7", "new", "(WEB-1): replace.")), Ok(()));
    for (answer, word) in [
        (issue("CHG-7", "done", "Disk of web-1"), "not open: it is `done`"),
        (issue("CHG-8", "new", "Disk of web-1"), "does not exist"),
        (issue("CHG-7", "new", "Disk of web-10"), "does not name web-1"),
        (issue("CHG-7", "new", "Disk of my.web-1 and web-1.example"), "does not name web-1"),
        (json!({ "key": "CHG-7", "fields": { "summary": "web-1" } }), "no /fields/status"),
        (json!([]), "does not exist"),
    ] {
        let refused = told(answer).unwrap_err();
        assert!(refused.contains(word), "{refused}");
    }
}

#[test]
fn what_service_now_says_is_understood() {
    let record = |state: &str| json!({ "result": [{ "number": "CHG0030", "state": state, "cmdb_ci": { "display_value": "web-1" }, "short_description": "x" }] });
    let implement = Standing { state: "Implement".to_owned(), open: true };
    assert_eq!(judge(&service_now(), "CHG0030", &web(), &record("Implement")), Ok(implement));
    let closed = judge(&service_now(), "CHG0030", &web(), &record("Closed")).unwrap();
    assert_eq!(closed, Standing { state: "Closed".to_owned(), open: false });
    assert!(matches!(closed.opened("CHG0030"), Err(Refusal::Closed { .. })));
    let nothing = json!({ "result": [] });
    assert!(matches!(judge(&service_now(), "CHG0030", &web(), &nothing), Err(Refusal::Missing { .. })));
}

/// Answers one call with this; tells what was asked.
fn server(answer: String) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (told, asked) = mpsc::channel();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut bytes = [0; 4096];
            let read = stream.read(&mut bytes).unwrap_or(0);
            let _ = told.send(String::from_utf8_lossy(&bytes[..read]).into_owned());
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (format!("http://{address}/issue/{{ticket}}"), asked)
}

fn answer(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

async fn looked(url: String, ticket: &str, secret: Option<&Path>) -> Result<(), Refusal> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let settings = TicketSettings { url, secret_file: secret.map(Path::to_owned), ..jira() };
    Tickets::new(settings)
        .map_err(|error| Refusal::Unavailable(error.to_string()))?
        .look(ticket, &web())
        .await?
        .opened(ticket)
}

#[tokio::test]
async fn the_system_is_asked_with_the_secret_and_nothing_follows_elsewhere() {
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "Bearer abc\n").unwrap();
    let (url, asked) = server(answer("200 OK", &issue("CHG-7", "new", "web-1").to_string()));
    assert_eq!(looked(url, "CHG-7", Some(secret.path())).await, Ok(()));
    let asked = asked.recv().unwrap().to_lowercase();
    assert!(asked.starts_with("get /issue/chg-7 ") && asked.contains("authorization: bearer abc"), "{asked}");
    let elsewhere = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".to_owned();
    let (url, _asked) = server(elsewhere);
    assert!(matches!(looked(url, "CHG-7", None).await, Err(Refusal::Unavailable(_))));
}

#[tokio::test]
async fn what_cannot_be_understood_is_no_good_ticket() {
    for (status, body) in [("500 Oops", "{}"), ("401 No", "{}"), ("200 OK", "<html>")] {
        let (url, _asked) = server(answer(status, body));
        assert!(matches!(looked(url, "CHG-7", None).await, Err(Refusal::Unavailable(_))), "{status}");
    }
    let (url, _asked) = server(answer("404 Not Found", ""));
    assert!(matches!(looked(url, "CHG-7", None).await, Err(Refusal::Missing { .. })));
    let (url, _asked) = server(answer("200 OK", &format!("\"{}\"", "x".repeat(ANSWER_LEN_MAX))));
    assert!(matches!(looked(url, "CHG-7", None).await, Err(Refusal::Unavailable(_))));
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(matches!(looked(format!("http://{closed}/{{ticket}}"), "CHG-7", None).await, Err(Refusal::Unavailable(_))));
}

#[tokio::test]
async fn what_is_no_ticket_is_not_asked_for() {
    let (url, asked) = server(answer("200 OK", "{}"));
    for ticket in ["", "../admin", "a b", "CHG-7^ORnumber", "CHG-7/x", "a..b", "x?y=1"] {
        assert_eq!(looked(url.clone(), ticket, None).await, Err(Refusal::NoTicket), "{ticket}");
    }
    assert!(asked.try_recv().is_err());
}

#[test]
fn settings_that_cannot_be_used_are_told() {
    let told = |settings: TicketSettings| match Tickets::new(settings) {
        Ok(_) => "taken".to_owned(),
        Err(error) => error.to_string(),
    };
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    assert_eq!(told(jira()), "taken");
    assert!(told(TicketSettings { url: "https://x.example.com/".to_owned(), ..jira() }).starts_with("tickets.url"));
    assert!(told(TicketSettings { url: "http://x.example.com/{ticket}".to_owned(), ..jira() }).contains("https://"));
    assert!(told(TicketSettings { state_at: "status".to_owned(), ..jira() }).starts_with("tickets.state_at"));
    assert!(told(TicketSettings { open: vec![], ..jira() }).starts_with("tickets.open"));
    assert!(
        told(TicketSettings { secret_file: Some("/nowhere/x".into()), ..jira() }).starts_with("tickets.secret_file")
    );
}
