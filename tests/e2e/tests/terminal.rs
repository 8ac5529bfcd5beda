//! Terminals and files in the browser, on a real target.

use postern_e2e::{Browser, Seen, World, until};
use serde_json::{Value, json};

/// Lets others type in sessions on `build@web-1`, and little be pasted.
const JOINED: &str = r"
kind: Policy
name: aa-browser
subjects: { groups: [staff] }
accounts: { names: [build], assets: [web-1] }
access: standing
obligations:
  capabilities: [shell, sftp_read]
  reason_required: false
  clipboard: { paste_bytes_max: 100 }
  join: control
";

fn world() -> (World, Browser) {
    let world = World::start().unwrap();
    let cyd = world.person("cyd", &["staff"]).unwrap();
    let browser = Browser::sign_in(&world.gate, &cyd).unwrap();
    (world, browser)
}

fn ended(world: &World, session: &str) -> Value {
    until("the session to end", || {
        let shown = world.ada.cli(&["session", "show", session, "-o", "json"])?.json()?;
        Ok(Some(shown)
            .filter(|shown| shown.pointer("/session/state").or(shown.pointer("/state")) == Some(&json!("ended"))))
    })
    .unwrap()
}

fn frames(world: &World, session: &str) -> String {
    world.ada.cli(&["session", "export", session, "--format", "json"]).unwrap().ok().unwrap().text()
}

#[test]
fn a_terminal_in_the_browser_is_a_session_like_any_other() {
    let (world, browser) = world();
    let (session, ticket) = browser.open("deploy@web-1").unwrap();
    let mut socket = browser.attach(&session, &ticket, None).unwrap();
    let attached = socket.until_message("attached").unwrap();
    assert_eq!((&attached["offset"], &attached["gap"]), (&json!(0), &json!(false)));
    socket.type_in("echo $((40+2)) is the answer\r").unwrap();
    socket.until_output("42 is the answer").unwrap();
    socket.say(&json!({ "type": "resize", "cols": 101, "rows": 33 })).unwrap();
    socket.type_in("stty size\r").unwrap();
    socket.until_output("33 101").unwrap();

    // The network fails; what is said meanwhile is there when it is back.
    socket.type_in("sleep 1; echo welcome $((1+1)) back\r").unwrap();
    // A connection that breaks may take with it what was on its way: what was typed must have arrived.
    socket.until_output("echo welcome $((1+1)) back").unwrap();
    let seen = socket.offset;
    drop(socket);
    let mut socket = browser.attach(&session, &ticket, Some(seen)).unwrap();
    socket.until_output("welcome 2 back").unwrap();
    assert_eq!(socket.until_message("attached").unwrap()["offset"], json!(seen));
    assert!(!socket.output.contains("is the answer"), "what was seen is not sent again");

    // A page that was loaded anew shows what there was.
    let mut again = browser.attach(&session, &ticket, None).unwrap();
    again.until_output("welcome 2 back").unwrap();
    assert!(again.output.contains("42 is the answer"));
    socket.until_message("detached").unwrap();
    assert_eq!(socket.hear().unwrap(), Seen::Closed(1000));

    again.type_in("exit 7\r").unwrap();
    assert_eq!(again.until_message("exit").unwrap()["status"], json!(7));
    assert_eq!(again.until_message("ended").unwrap()["reason"], json!("client_closed"));
    let shown = ended(&world, &session);
    assert!(shown.to_string().contains("\"web\""), "{shown}");
    assert!(shown.to_string().contains("verified"), "{shown}");
    let recorded = frames(&world, &session);
    assert!(recorded.contains("resize") && recorded.contains("input"), "{recorded}");
    let (status, found) =
        browser.json("GET", &format!("/v1/sessions/{session}/recording/search?q=ANSWER"), &Value::Null).unwrap();
    assert_eq!(status, 200, "{found}");
    assert!(found.to_string().contains("42 is the answer"), "{found}");
    let (_, marks) = browser.json("GET", &format!("/v1/sessions/{session}/recording/marks"), &Value::Null).unwrap();
    assert!(marks.to_string().contains("stty size"), "{marks}");
}

#[test]
fn much_output_waits_for_a_browser_that_is_slow_and_ends_well() {
    let (world, browser) = world();
    let (session, ticket) = browser.open("deploy@web-1").unwrap();
    let mut socket = browser.attach(&session, &ticket, None).unwrap();
    socket.type_in("seq 1 400000; echo that was $((2+1))00 thousand\r").unwrap();
    socket.until_output("that was 300 thousand").unwrap();
    assert!(socket.output.contains("\n399999\r\n400000\r\n"), "nothing is missing");
    assert_eq!(browser.json("DELETE", &format!("/v1/terminals/{session}"), &Value::Null).unwrap().0, 204);
    socket.until_message("ended").unwrap();
    ended(&world, &session);
}

#[test]
fn a_terminal_is_nobody_elses() {
    let (world, browser) = world();
    let (session, ticket) = browser.open("deploy@web-1").unwrap();
    let path = format!("/v1/terminals/{session}/socket");
    let elsewhere = browser.socket(&path, "postern.terminal.v1", Some("https://evil.example"));
    assert!(elsewhere.err().unwrap().to_string().contains("403"), "another site's page opens no socket");
    let mut wrong = browser.attach(&session, "pst_terminal_00", None).unwrap();
    assert_eq!(wrong.hear().unwrap(), Seen::Closed(4401));
    let eve = world.person("eve", &["staff"]).unwrap();
    let other = Browser::sign_in(&world.gate, &eve).unwrap();
    let mut stolen = other.attach(&session, &ticket, None).unwrap();
    assert_eq!(stolen.hear().unwrap(), Seen::Closed(4401), "a ticket is of no use in another sign-in");
    assert_eq!(other.json("DELETE", &format!("/v1/terminals/{session}"), &Value::Null).unwrap().0, 404);
    assert_eq!(other.call("GET", &format!("/v1/terminals/{session}/files?path=/"), b"").unwrap().0, 404);

    // Signing out ends what was opened in the sign-in.
    let mut socket = browser.attach(&session, &ticket, None).unwrap();
    socket.until_message("attached").unwrap();
    assert_eq!(browser.json("DELETE", "/v1/logins", &Value::Null).unwrap().0, 204);
    assert_eq!(socket.until_message("ended").unwrap()["message"], json!("you have signed out"));
    let (status, refused) = other.json("POST", "/v1/terminals", &json!({ "account": "root@nowhere" })).unwrap();
    assert_eq!((status, &refused["code"]), (403, &json!("refused")), "{refused}");
}

#[test]
fn files_are_moved_over_the_same_session_and_recorded() {
    let (world, browser) = world();
    let (session, _) = browser.open("deploy@web-1").unwrap();
    let files = format!("/v1/terminals/{session}/files");
    let content: Vec<u8> = (0..3_000_000u32).flat_map(|n| n.to_le_bytes().into_iter().take(1)).collect();
    let put = |query: &str| browser.call("PUT", &format!("{files}/content?{query}"), &content).unwrap();
    let (status, answer) = put("path=unusual-name");
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
    let uploaded: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(uploaded["bytes"], json!(content.len()));
    assert_eq!(put("path=unusual-name").0, 409, "what is there is not overwritten unasked");
    assert_eq!(put("path=unusual-name&overwrite=true").0, 200);
    let (status, read) = browser.call("GET", &format!("{files}/content?path=unusual-name"), b"").unwrap();
    assert_eq!((status, read == content), (200, true), "what comes back is what was written");

    let post = |path: &str, body: Value| browser.json("POST", &format!("{files}/{path}"), &body).unwrap().0;
    assert_eq!(post("folder", json!({ "path": "made" })), 204);
    assert_eq!(post("folder", json!({ "path": "made" })), 409);
    assert_eq!(post("rename", json!({ "from": "unusual-name", "to": "made/renamed" })), 204);
    let (status, listed) = browser.json("GET", &format!("{files}?path=made"), &Value::Null).unwrap();
    assert_eq!(status, 200, "{listed}");
    assert_eq!((&listed["entries"][0]["name"], &listed["entries"][0]["kind"]), (&json!("renamed"), &json!("file")));
    assert_eq!(browser.call("DELETE", &format!("{files}?path=made/renamed"), b"").unwrap().0, 204);
    assert_eq!(browser.call("DELETE", &format!("{files}?path=made"), b"").unwrap().0, 204);
    assert_eq!(browser.call("GET", &format!("{files}/content?path=made/renamed"), b"").unwrap().0, 404);

    assert_eq!(browser.json("DELETE", &format!("/v1/terminals/{session}"), &Value::Null).unwrap().0, 204);
    ended(&world, &session);
    let recorded = frames(&world, &session);
    let digest = uploaded["sha256"].as_str().unwrap();
    let moved = recorded.lines().filter(|line| line.contains(digest)).count();
    assert_eq!(moved, 3, "two writes and a read, each with its digest: {recorded}");
    for op in ["mkdir", "rename", "remove", "rmdir", "list"] {
        assert!(recorded.contains(&format!("\"op\":\"{op}\"")), "{op}: {recorded}");
    }
}

#[test]
fn others_join_hold_and_end_it_visibly() {
    let (world, browser) = world();
    world.apply(JOINED).unwrap();
    let ada = Browser::sign_in(&world.gate, &world.ada).unwrap();
    let (session, ticket) = browser.open("build@web-1").unwrap();
    let mut cyd = browser.attach(&session, &ticket, None).unwrap();
    cyd.type_in("echo ready $((1+1))\r").unwrap();
    cyd.until_output("ready 2").unwrap();

    // What policy does not give is refused, with what it is about.
    let (status, refused) =
        browser.json("PUT", &format!("/v1/terminals/{session}/files/content?path=x"), &json!("x")).unwrap();
    assert_eq!((status, &refused["code"]), (403, &json!("capability_refused")), "{refused}");
    cyd.say(&json!({ "type": "paste", "text": "x".repeat(101) })).unwrap();
    assert_eq!(cyd.until_message("refused").unwrap()["what"], json!("paste"));

    let join = format!("/v1/sessions/{session}/join?control=true");
    let mut joined = ada.socket(&join, "postern.join.v1", None).unwrap();
    assert_eq!(cyd.until_message("joined").unwrap()["control"], json!(true));
    joined.type_in("echo typed by $((3+4)) ada\r").unwrap();
    cyd.until_output("typed by 7 ada").unwrap();

    let sessions = format!("/v1/sessions/{session}");
    assert_eq!(ada.json("POST", &format!("{sessions}/pause"), &json!({ "reason": "look" })).unwrap().0, 204);
    assert_eq!(cyd.until_message("paused").unwrap()["by"], json!("ada"));
    cyd.type_in("echo lost $((5+5))\r").unwrap();
    let (_, live) = ada.json("GET", &format!("{sessions}/live"), &Value::Null).unwrap();
    assert_eq!((&live["paused_by"], &live["guests"][0]["user"]), (&json!("ada"), &json!("ada")), "{live}");
    joined.type_in("echo still $((4+4)) ada\r").unwrap();
    cyd.until_output("still 8 ada").unwrap();
    assert_eq!(ada.json("POST", &format!("{sessions}/resume"), &Value::Null).unwrap().0, 204);
    cyd.until_message("resumed").unwrap();
    cyd.type_in("echo back $((6+6))\r").unwrap();
    cyd.until_output("back 12").unwrap();
    assert!(!cyd.output.contains("lost 10"), "what was typed while held went nowhere");
    drop(joined);
    cyd.until_message("left").unwrap();

    assert_eq!(ada.json("POST", &format!("{sessions}/kill"), &json!({ "reason": "enough" })).unwrap().0, 200);
    assert_eq!(cyd.until_message("ended").unwrap()["reason"], json!("killed"));
    ended(&world, &session);
    assert!(frames(&world, &session).contains("ada types"), "the recording says who typed");
    let mut late = browser.attach(&session, &ticket, Some(0)).unwrap();
    assert_eq!(late.until_message("ended").unwrap()["reason"], json!("killed"), "whoever comes back learns why");
}
