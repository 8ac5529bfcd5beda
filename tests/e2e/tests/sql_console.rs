//! The SQL console in the browser, on real databases: a session like one from psql or mariadb.

use postern_e2e::{Browser, DatabaseWorld, Declared, MysqlWorld, Seen, Socket, until};
use serde_json::{Value, json};

use crate::tags::{POLICY, asset};

const PROTOCOL: &str = "postern.sql.v1";

/// A console that somebody has opened and attached to.
struct Console {
    socket: Socket,
    runs: u64,
}

/// What came of a run.
struct Came {
    rows: Vec<Value>,
    tags: Vec<String>,
    failed: Option<Value>,
    finished: Value,
}

fn browser(world: &Declared, name: &str, group: &str) -> Browser {
    let person = world.person(name, group).unwrap();
    Browser::sign_in(&world.gate, &person).unwrap()
}

fn opened(browser: &Browser, account: &str, database: &str) -> (String, String, Value) {
    let wish = json!({ "account": account, "database": database });
    let (status, opened) = browser.json("POST", "/v1/sql-consoles", &wish).unwrap();
    assert_eq!(status, 201, "{opened}");
    let text = |field: &str| opened[field].as_str().unwrap().to_owned();
    (text("console"), text("ticket"), opened)
}

fn attached(browser: &Browser, console: &str, ticket: &str) -> Socket {
    let mut socket = browser.socket(&format!("/v1/sql-consoles/{console}/socket"), PROTOCOL, None).unwrap();
    socket.say(&json!({ "type": "attach", "ticket": ticket })).unwrap();
    socket
}

impl Console {
    fn open(browser: &Browser, account: &str, database: &str) -> Self {
        let (console, ticket, _) = opened(browser, account, database);
        let mut socket = attached(browser, &console, &ticket);
        socket.until_message("attached").unwrap();
        Self { socket, runs: 0 }
    }

    fn start(&mut self, text: &str) {
        self.runs += 1;
        self.socket.say(&json!({ "type": "run", "run": self.runs, "text": text })).unwrap();
    }

    /// Reads until the run is over, asking for more rows so often.
    fn end(&mut self, mut pages: u32) -> Came {
        let mut came = Came { rows: Vec::new(), tags: Vec::new(), failed: None, finished: Value::Null };
        loop {
            let Seen::Message(message) = self.socket.hear().unwrap() else { panic!("it was closed") };
            self.socket.messages.clear();
            match message["type"].as_str().unwrap() {
                "rows" => came.rows.extend(message["rows"].as_array().unwrap().iter().cloned()),
                "done" => came.tags.push(message["tag"].as_str().unwrap().to_owned()),
                "failed" => came.failed = Some(message),
                "paused" if pages > 0 => {
                    pages -= 1;
                    self.socket.say(&json!({ "type": "more" })).unwrap();
                }
                "paused" => self.socket.say(&json!({ "type": "cancel" })).unwrap(),
                "finished" => {
                    came.finished = message;
                    return came;
                }
                _ => {}
            }
        }
    }

    fn run(&mut self, text: &str) -> Came {
        self.start(text);
        self.end(0)
    }

    fn refused(&mut self, text: &str) -> String {
        let failed = self.run(text).failed.unwrap();
        format!("{} {}", failed["message"].as_str().unwrap(), failed["more"])
    }
}

#[test]
fn a_console_on_postgresql_is_a_session_like_one_from_psql() {
    let world = DatabaseWorld::start().unwrap();
    let mut console = Console::open(&browser(&world, "ben", "dba"), "app_admin@orders", "shop");
    assert_eq!(
        console.run("select 6 * 7 as answer, null as nothing, 'žluť' as word").rows,
        [json!(["42", null, "žluť"])]
    );
    let several = console.run("begin; create table mine (id int); insert into mine values (1), (2)");
    assert_eq!(several.tags, ["BEGIN", "CREATE TABLE", "INSERT 0 2"]);
    assert_eq!(several.finished["transaction"], json!(true));
    assert_eq!(console.run("rollback").finished["transaction"], json!(false));
    let failed = console.run("select * from nowhere").failed.unwrap();
    assert_eq!(failed["code"], json!("42P01"));

    // Rows come page by page; who has seen enough cancels, and goes on.
    console.start("select n from generate_series(1, 1200) n");
    let paged = console.end(2);
    assert_eq!((paged.rows.len(), paged.tags.as_slice()), (1200, ["SELECT 1200".to_owned()].as_slice()));
    console.start("select n, repeat('x', 1000) from generate_series(1, 10000000) n");
    let enough = console.end(0);
    assert_eq!((enough.rows.len(), &enough.failed.unwrap()["code"]), (500, &json!("57014")));
    console.start("select pg_sleep(600)");
    let runs = "select count(*) from pg_stat_activity where query = 'select pg_sleep(600)' and state = 'active'";
    until("the statement to run", || Ok((world.target.sql(runs)? == "1").then_some(()))).unwrap();
    console.socket.say(&json!({ "type": "cancel" })).unwrap();
    assert_eq!(console.end(0).failed.unwrap()["code"], json!("57014"));
    let long = console.run("select repeat('ž', 100000)").rows;
    assert_eq!(long[0][0][1], json!(200_000), "a long value is cut, and says how long it is");
    assert!(console.run("copy (values (1), (2)) to stdout").rows.len() == 2, "what is copied out is shown");
    assert!(console.refused("copy shop_nothing from stdin").contains("does not exist"));

    console.socket.say(&json!({ "type": "close" })).unwrap();
    console.socket.until_message("ended").unwrap();
    let recorded = until("the recording to be whole", || {
        let recorded = world.statements("ben")?;
        Ok(recorded.iter().any(|(begun, _)| begun["text"] == "copy shop_nothing from stdin").then_some(recorded))
    })
    .unwrap();
    for text in ["select pg_sleep(600)", "select * from nowhere"] {
        let (_, end) = recorded.iter().find(|(begun, _)| begun["text"] == text).unwrap();
        assert_eq!(end["outcome"], json!("failed"), "{text}");
    }
    world.gate.offline(&["audit", "verify"]).unwrap().ok().unwrap();
}

#[test]
fn rules_masks_and_people_hold_for_a_console() {
    let world = DatabaseWorld::start().unwrap();
    let ruled = browser(&world, "rita", "ruled");
    let mut console = Console::open(&ruled, "app_admin@orders", "shop");
    assert!(console.refused("create table mine (id int)").contains("no-ddl"));
    assert!(console.run("select 1").failed.is_none(), "the session goes on");

    // A statement that somebody has to agree to waits, and says so.
    console.start("delete from customer where false");
    let waiting = until("the statement to wait", || {
        let (_, waiting) = ruled.json("GET", "/v1/statements", &Value::Null)?;
        Ok(waiting["items"].as_array().and_then(|items| items.first()).cloned())
    })
    .unwrap();
    let path = format!("/v1/statements/{}/approve", waiting["id"].as_str().unwrap());
    let ada = Browser::sign_in(&world.gate, &world.ada).unwrap();
    assert_eq!(ada.json("POST", &path, &json!({})).unwrap().0, 200);
    assert_eq!(console.end(0).tags, ["DELETE 0"]);

    // Whoever terminates the session ends what runs.
    console.start("select pg_sleep(600)");
    let session = until("the session to be live", || {
        let (_, live) = ada.json("GET", "/v1/sessions?live=true", &Value::Null)?;
        Ok(live["items"][0]["id"].as_str().map(str::to_owned))
    })
    .unwrap();
    let killed =
        ada.json("POST", &format!("/v1/sessions/{session}/kill"), &json!({ "reason": "enough of it" })).unwrap();
    assert!(killed.0 < 300, "{killed:?}");
    let ended = console.socket.until_message("ended").unwrap();
    assert!(ended["message"].as_str().unwrap().contains("enough of it"), "{ended}");

    let mut masked = Console::open(&browser(&world, "sue", "support"), "app_admin@orders", "shop");
    let rows = masked.run("select name from customer order by id limit 1").rows;
    assert_ne!(rows[0][0], json!("Ada"), "{rows:?}");
    let (address, certificate) = (world.target.address(), world.target.certificate().unwrap());
    let tagged = asset("orders", "postgresql", &address, &certificate, "{ pii: [name] }");
    world.also(&format!("{tagged}---{POLICY}")).unwrap();
    let mut masked = Console::open(&browser(&world, "tom", "tagged"), "app_admin@orders", "shop");
    assert_eq!(masked.run("select id, name from customer order by id limit 1").rows, [json!(["1", "***"])]);
    let (_, _, opened) = opened(&browser(&world, "rob", "readers"), "app_admin@orders", "shop");
    assert_eq!(opened["export"], json!(false), "only who may copy out may keep rows");
}

#[test]
fn a_console_is_nobody_elses_and_outlives_a_page_for_a_moment() {
    let world = DatabaseWorld::start().unwrap();
    let ben = browser(&world, "ben", "dba");
    let (console, ticket, _) = opened(&ben, "app_admin@orders", "shop");
    let elsewhere = ben.socket(&format!("/v1/sql-consoles/{console}/socket"), PROTOCOL, Some("https://evil.example"));
    assert!(elsewhere.err().unwrap().to_string().contains("403"));
    assert_eq!(attached(&ben, &console, "pst_console_00").hear().unwrap(), Seen::Closed(4401));
    let eve = browser(&world, "eve", "dba");
    assert_eq!(attached(&eve, &console, &ticket).hear().unwrap(), Seen::Closed(4401));
    assert_eq!(eve.json("POST", "/v1/sql-consoles", &json!({ "account": "nobody@orders" })).unwrap().0, 404);

    let mut first = Console { socket: attached(&ben, &console, &ticket), runs: 0 };
    first.socket.until_message("attached").unwrap();
    assert_eq!(attached(&ben, &console, &ticket).hear().unwrap(), Seen::Closed(4409), "one page at a time");
    assert_eq!(first.run("begin").tags, ["BEGIN"]);
    first.start("select pg_sleep(600)");
    drop(first);
    // What ran is cancelled; the session is the same.
    let mut again = until("the console to be free", || {
        let mut socket = attached(&ben, &console, &ticket);
        Ok(matches!(socket.hear()?, Seen::Message(_)).then_some(Console { socket, runs: 10 }))
    })
    .unwrap();
    assert_eq!(again.run("rollback").tags, ["ROLLBACK"]);
    assert_eq!(ben.json("DELETE", "/v1/logins", &Value::Null).unwrap().0, 204);
    assert_eq!(again.socket.until_message("ended").unwrap()["message"], json!("you have signed out"));
}

#[test]
fn a_console_on_mariadb_is_a_session_like_one_from_mariadb() {
    let world = MysqlWorld::start().unwrap();
    let mut console = Console::open(&browser(&world.declared, "ben", "dba"), "app@shop", "shop");
    assert_eq!(
        console.run("select id, name, note from customer order by id").rows,
        [json!(["1", "Ada", "ada@example.com"]), json!(["2", "Ben", null])]
    );
    let several =
        console.run("begin; insert into customer (id, name) values (3, 'Cyd'); select count(*) from customer");
    assert_eq!((several.rows.as_slice(), &several.finished["transaction"]), ([json!(["3"])].as_slice(), &json!(true)));
    assert_eq!(console.run("rollback").finished["transaction"], json!(false));
    assert!(console.refused("select no_such_column from customer").contains("Unknown column"));
    console.start("select seq from seq_1_to_1200");
    assert_eq!(console.end(2).rows.len(), 1200);
    console.start("select sleep(600)");
    let runs = "select count(*) from information_schema.processlist where info = 'select sleep(600)'";
    until("the statement to run", || Ok((world.sql(runs)? == "1").then_some(()))).unwrap();
    console.socket.say(&json!({ "type": "cancel" })).unwrap();
    console.end(0);
    assert!(console.run("select 1").failed.is_none(), "the session goes on after what was cancelled");
    until("the statement to be in the recording of the live session", || {
        let all = world.declared.statements("ben")?;
        Ok(all.iter().any(|(begun, _)| begun["text"] == "select sleep(600)").then_some(()))
    })
    .unwrap();

    let mut ruled = Console::open(&browser(&world.declared, "rita", "ruled"), "app@shop", "shop");
    assert!(ruled.refused("create table mine (id int)").contains("no-ddl"));
    let mut masked = Console::open(&browser(&world.declared, "sue", "support"), "app@shop", "shop");
    assert_ne!(masked.run("select name from customer where id = 1").rows[0][0], json!("Ada"));
}
