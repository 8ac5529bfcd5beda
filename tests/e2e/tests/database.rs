//! Databases through the gate, with the clients that people have.

use std::process::{Command, Stdio};

use postern_e2e::{Child, DatabaseWorld, Person, Ran, python_with, run, run_with_input, until};
use serde_json::Value;

/// psql through `postern connect`, without decoration.
fn psql(person: &Person, sql: &str) -> Ran {
    let arguments = ["connect", "orders", "shop", "--", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql];
    person.cli(&arguments).unwrap()
}

fn live_session(world: &DatabaseWorld, user: &str) -> String {
    until("a live session", || {
        let listed = world.ada.cli(&["sessions", "--live", "--user", user, "-o", "json"])?.json()?;
        Ok(listed[0]["id"].as_str().filter(|_| listed[0]["state"] == "live").map(str::to_owned))
    })
    .unwrap()
}

fn ended(world: &DatabaseWorld, user: &str) -> Value {
    until("the session to end", || {
        let listed = world.ada.cli(&["sessions", "--user", user, "-o", "json"])?.json()?;
        Ok((listed[0]["state"] == "ended").then(|| listed[0].clone()))
    })
    .unwrap()
}

#[test]
fn people_work_with_psql_and_every_statement_is_recorded() {
    let world = DatabaseWorld::start().unwrap();
    let ben = world.person("ben", "dba").unwrap();
    assert_eq!(psql(&ben, "select name from customer order by id").ok().unwrap().text(), "Ada\nBen\n");
    let script = "begin; insert into customer values (3, 'Cyd'); select count(*) from customer; rollback;";
    assert_eq!(psql(&ben, script).ok().unwrap().text(), "3\n");
    let failed = psql(&ben, "select 1/0").ended(1).unwrap();
    assert!(failed.stderr.contains("division by zero"), "{}", failed.stderr);

    let recorded = world.statements("ben").unwrap();
    let (begun, end) = &recorded[0];
    assert_eq!((begun["text"].as_str(), end["outcome"].as_str()), (Some("select 1/0"), Some("failed")));
    assert_eq!((end["code"].as_str(), end["error"].as_str()), (Some("22012"), Some("division by zero")));

    psql(&ben, "alter role app_admin password 'Horse:battery staple 9'").ok().unwrap();
    let session = world.newest_session("ben").unwrap();
    let text = world.ada.cli(&["session", "export", &session, "--format", "text"]).unwrap().ok().unwrap().text();
    assert!(text.contains("alter role app_admin password '***'"), "{text}");
    assert!(text.contains("-- 1: ALTER ROLE, 0 rows"), "{text}");
    let shown = world.ada.cli(&["session", "show", &session, "-o", "json"]).unwrap().json().unwrap();
    assert_eq!(shown["integrity"]["verdict"], "verified");
    let verified = world.gate.offline(&["audit", "verify"]).unwrap();
    verified.ok().unwrap();
}

#[test]
fn parameters_and_rows_of_prepared_statements_are_recorded() {
    let world = DatabaseWorld::start().unwrap();
    let ben = world.person("ben", "dba").unwrap();
    let uri = world.uri(&ben).unwrap();
    let run_psql = |input: &str| run_with_input(Command::new("psql").args(["-X", "-A", "-t", &uri]), input.as_bytes());
    let made = run_psql("create table item (id int primary key, name text);").unwrap();
    made.ok().unwrap();
    let bench = |mode: &str| {
        let mut pgbench = Command::new("pgbench");
        pgbench.args(["-n", "-t", "20", "-c", "3", "-M", mode, "-f", "-", &uri]);
        run_with_input(&mut pgbench, b"\\set id random(1, 1000000)\nselect name from customer where id = :id;\n")
    };
    for mode in ["simple", "extended", "prepared"] {
        let ran = bench(mode).unwrap().ok().unwrap();
        assert!(ran.text().contains("number of failed transactions: 0"), "{}", ran.said());
    }
    let recorded = world.statements("ben").unwrap();
    let (begun, end) = recorded.iter().find(|(begun, _)| !begun["parameters"].is_null()).expect("a parameter");
    assert!(begun["text"].as_str().unwrap().starts_with("select name from customer where id = $1"), "{begun}");
    assert!(begun["parameters"][0]["value"].as_str().unwrap().parse::<u32>().is_ok(), "{begun}");
    assert_eq!(end["outcome"], "done");
}

#[test]
fn copies_pass_in_both_directions_unchanged() {
    let world = DatabaseWorld::start().unwrap();
    let ben = world.person("ben", "dba").unwrap();
    let uri = world.uri(&ben).unwrap();
    let rows: String = (0..200_000).map(|n| format!("{n}\trow number {n}\n")).collect();
    let psql = |sql: &str, input: &str| {
        run_with_input(
            Command::new("psql").args(["-X", "-q", "-v", "ON_ERROR_STOP=1", &uri, "-c", sql]),
            input.as_bytes(),
        )
    };
    psql("create table big (id int, text text)", "").unwrap().ok().unwrap();
    psql("copy big from stdin", &rows).unwrap().ok().unwrap();
    let out = psql("copy (select * from big order by id) to stdout", "").unwrap().ok().unwrap();
    assert!(out.text() == rows, "what comes out is what went in");
    let (_, end) = world.statements("ben").unwrap().pop().unwrap();
    assert_eq!(end["tag"], "COPY 200000");
    assert_eq!(end["rows"], 200_000);
    let broken = psql("copy big from stdin", "no number\tx\n").unwrap().ended(1).unwrap();
    assert!(broken.stderr.contains("invalid input syntax"), "{}", broken.stderr);
}

#[test]
fn only_the_own_statement_is_cancelled() {
    let world = DatabaseWorld::start().unwrap();
    let ben = world.person("ben", "dba").unwrap();
    let uri = world.uri(&ben).unwrap();
    let sleeping = || {
        let mut command = Command::new("psql");
        command.args(["-X", &uri, "-c", "select pg_sleep(600)"]).stdin(Stdio::null());
        Child::start(command.stdout(Stdio::piped()).stderr(Stdio::piped())).unwrap()
    };
    let asleep = |count: &str| {
        until("statements to run", || {
            let sql = "select count(*) from pg_stat_activity where query like '%pg_sleep(600)%' and state = 'active' \
                       and pid <> pg_backend_pid()";
            Ok((world.target.sql(sql)? == count).then_some(()))
        })
        .unwrap();
    };
    let (mut first, second) = (sleeping(), sleeping());
    asleep("2");
    first.signal("INT").unwrap();
    let status = until("psql to give up", || first.ended()).unwrap();
    assert!(!status.success());
    asleep("1");
    drop(second);
}

#[test]
fn a_session_that_is_killed_leaves_nothing_running() {
    let world = DatabaseWorld::start().unwrap();
    let ben = world.person("ben", "dba").unwrap();
    let uri = world.uri(&ben).unwrap();
    let mut command = Command::new("psql");
    command.args(["-X", &uri, "-c", "select pg_sleep(601)"]).stdin(Stdio::null()).stdout(Stdio::null());
    let mut client = Child::start(command.stderr(Stdio::piped())).unwrap();
    let running = "select count(*) from pg_stat_activity where query like '%pg_sleep(601)%' and state = 'active' \
                   and pid <> pg_backend_pid()";
    until("the statement to run", || Ok((world.target.sql(running)? == "1").then_some(()))).unwrap();
    let session = live_session(&world, "ben");
    world.ada.cli(&["session", "kill", &session, "--reason", "enough"]).unwrap().ok().unwrap();
    until("psql to end", || client.ended()).unwrap();
    let mut said = String::new();
    std::io::Read::read_to_string(client.process().stderr.as_mut().unwrap(), &mut said).unwrap();
    assert!(said.contains("terminated by ada: enough"), "{said}");
    until("nothing to run", || Ok((world.target.sql(running)? == "0").then_some(()))).unwrap();
    assert_eq!(ended(&world, "ben")["end_reason"], "killed");
    assert_eq!(world.statements("ben").unwrap()[0].1["outcome"], "unknown");
}

#[test]
fn rules_hold_for_statements() {
    let world = DatabaseWorld::start().unwrap();
    let rea = world.person("rea", "ruled").unwrap();
    let blocked = psql(&rea, "drop table customer").ended(1).unwrap();
    assert!(
        blocked.stderr.contains("ERROR:  postern: this statement is refused by the rule `no-ddl`"),
        "{}",
        blocked.stderr
    );
    assert_eq!(world.statements("rea").unwrap()[0].1["outcome"], "refused");
    let failed = psql(&rea, "begin; select 1; drop table customer; commit").ended(1).unwrap();
    assert!(failed.stderr.contains("no-ddl"), "{}", failed.stderr);
    assert_eq!(psql(&rea, "select count(*) from customer").ok().unwrap().text(), "2\n");
    let odd = psql(&rea, "frobnicate").ended(1).unwrap();
    assert!(odd.stderr.contains("not understood"), "{}", odd.stderr);
    psql(&rea, "update customer set name = 'Ada L.' where id = 1").ok().unwrap();
    let ended = psql(&rea, "select pg_read_file('/etc/passwd')").ended(2).unwrap();
    assert!(ended.stderr.contains("this session is ended by the rule `not-the-server`"), "{}", ended.stderr);
    let many = psql(&rea, "select * from generate_series(1, 100000)").ended(1).unwrap();
    assert!(many.stderr.contains("more rows than the policy gives one statement"), "{}", many.stderr);
    let ledger = world.ada.cli(&["audit", "list", "-o", "json"]).unwrap().ok().unwrap().text();
    for told in ["statement.alert", "statement.block", "update customer set name = ? where id = ?"] {
        assert!(ledger.contains(told), "{told}");
    }
    assert!(!ledger.contains("Ada L."), "no literals in the ledger");
}

#[test]
fn a_statement_waits_for_somebodys_yes() {
    let world = DatabaseWorld::start().unwrap();
    let rea = world.person("rea", "ruled").unwrap();
    for (verb, code, left) in [("deny", 1, "2"), ("approve", 0, "1")] {
        let mut command = rea
            .command(&[
                "connect",
                "orders",
                "shop",
                "--",
                "-X",
                "-v",
                "ON_ERROR_STOP=1",
                "-c",
                "delete from customer where id = 2",
            ])
            .unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut client = Child::start(&mut command).unwrap();
        let id = until("the statement to wait", || {
            let waiting = world.ada.cli(&["statements", "-o", "json"])?.json()?;
            Ok(waiting[0]["id"].as_str().map(str::to_owned))
        })
        .unwrap();
        assert_eq!(world.target.sql("select count(*) from customer").unwrap(), "2", "it has not run");
        rea.cli(&["statement", "approve", &id]).unwrap().ended(3).unwrap();
        world.ada.cli(&["statement", verb, &id, "--reason", "said so"]).unwrap().ok().unwrap();
        let status = until("psql to end", || client.ended()).unwrap();
        assert_eq!(status.code(), Some(code));
        assert_eq!(world.target.sql("select count(*) from customer").unwrap(), left);
        if code != 0 {
            let mut said = String::new();
            std::io::Read::read_to_string(client.process().stderr.as_mut().unwrap(), &mut said).unwrap();
            assert!(said.contains("ada said no: said so"), "{said}");
        }
    }
}

#[test]
fn readers_read_and_results_are_masked() {
    let world = DatabaseWorld::start().unwrap();
    let ria = world.person("ria", "readers").unwrap();
    assert_eq!(psql(&ria, "select count(*) from customer").ok().unwrap().text(), "2\n");
    assert_eq!(psql(&ria, "show default_transaction_read_only").ok().unwrap().text(), "on\n");
    for sql in ["delete from customer", "set default_transaction_read_only = off", "copy customer to stdout"] {
        psql(&ria, sql).ended(1).unwrap();
    }
    world.target.sql("alter table customer add email text; update customer set email = 'a@example.com'").unwrap();
    world.target.sql("create function sneak() returns void language sql as 'delete from customer'").ok();
    let through = psql(&ria, "select sneak()").ended(1).unwrap();
    assert!(
        through.stderr.contains("read-only transaction") || through.stderr.contains("does not exist"),
        "{}",
        through.stderr
    );

    let sam = world.person("sam", "support").unwrap();
    assert_eq!(psql(&sam, "select id, name, email from customer where id = 1").ok().unwrap().text(), "1|***|***\n");
    assert_eq!(psql(&sam, "select upper(name) from customer where id = 1").ok().unwrap().text(), "***\n");
    let uri = world.uri(&sam).unwrap();
    let mut pgbench = Command::new("pgbench");
    pgbench.args(["-n", "-t", "5", "-M", "prepared", "-f", "-", &uri]);
    let ran = run_with_input(&mut pgbench, b"select name from customer where id = 1;\n").unwrap().ok().unwrap();
    assert!(ran.text().contains("number of failed transactions: 0"), "{}", ran.said());
    assert_eq!(world.kept_rows("sam").unwrap(), vec!["name: ***"; 5], "of prepared statements too");
    psql(&sam, "select id, name, email from customer order by id; select n from generate_series(1, 1000) n")
        .ok()
        .unwrap();
    assert_eq!(world.kept_rows("sam").unwrap(), ["id|name|email: 1|***|***", "2|***|***"], "two rows of one query");
    psql(&ria, "select id from customer").ok().unwrap();
    assert!(world.kept_rows("ria").unwrap().is_empty(), "nothing is kept unless policy says so");
}

#[test]
fn without_a_good_token_or_tls_nobody_is_let_in() {
    let world = DatabaseWorld::start().unwrap();
    let ben = world.person("ben", "dba").unwrap();
    let uri = world.uri(&ben).unwrap();
    let psql = |uri: &str| run(Command::new("psql").args(["-X", uri, "-c", "select 1"])).unwrap();
    psql(&uri).ok().unwrap();
    let plain = psql(&uri.replace("sslmode=verify-full", "sslmode=disable")).ended(2).unwrap();
    assert!(plain.stderr.contains("without TLS nobody is let in"), "{}", plain.stderr);
    let token = uri.split([':', '@']).nth(2).unwrap().to_owned();
    let wrong = psql(&uri.replace(&token, "pst_connect_nonsense")).ended(2).unwrap();
    assert!(wrong.stderr.contains("the token is not valid for app_admin@orders"), "{}", wrong.stderr);
    let other = psql(&uri.replace("app_admin%40orders", "postgres%40orders")).ended(2).unwrap();
    assert!(other.stderr.contains("the token is not valid"), "{}", other.stderr);
    ben.cli(&["logout"]).unwrap().ok().unwrap();
    psql(&uri).ended(2).unwrap();

    let sue = world.person("sue", "strict").unwrap();
    sue.cli(&["connect", "orders", "shop", "--print"]).unwrap().ended(3).unwrap();
    let code = sue.code().unwrap();
    let once = sue.cli(&["connect", "orders", "shop", "--print", "--otp", &code]).unwrap().ok().unwrap().text();
    psql(once.trim()).ok().unwrap();
    psql(once.trim()).ended(2).unwrap();
}

#[test]
fn a_target_that_is_not_known_gets_no_password() {
    let world = DatabaseWorld::start().unwrap();
    let ben = world.person("ben", "dba").unwrap();
    world.declare(&std::fs::read_to_string(world.gate.ca()).unwrap()).unwrap();
    let refused = psql(&ben, "select 1").ended(2).unwrap();
    assert!(refused.stderr.contains("cannot be reached: invalid peer certificate"), "{}", refused.stderr);
    assert_eq!(ended(&world, "ben")["end_reason"], "target_failed");
    world.declare(&world.target.certificate().unwrap()).unwrap();
    psql(&ben, "select 1").ok().unwrap();
    world
        .ada
        .cli_with(&["account", "set-secret", "app_admin@orders", "--password-stdin"], "wrong")
        .unwrap()
        .ok()
        .unwrap();
    let refused = psql(&ben, "select 1").ended(2).unwrap();
    assert!(refused.stderr.contains("does not let account app_admin in"), "{}", refused.stderr);
}

#[test]
fn a_local_port_leads_to_the_database() {
    let world = DatabaseWorld::start().unwrap();
    let ben = world.person("ben", "dba").unwrap();
    let port = postern_e2e::free_port().unwrap();
    let mut command = ben.command(&["proxy", "orders", "--listen", &format!("127.0.0.1:{port}")]).unwrap();
    let _proxy = Child::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())).unwrap();
    until("the proxy", || Ok(std::net::TcpStream::connect(("127.0.0.1", port)).ok())).unwrap();
    let port = port.to_string();
    let ran = run(Command::new("psql").args([
        "-X",
        "-A",
        "-t",
        "-h",
        "127.0.0.1",
        "-p",
        &port,
        "-U",
        "anybody",
        "-d",
        "shop",
        "-c",
        "select current_user",
    ]));
    assert_eq!(ran.unwrap().ok().unwrap().text(), "app_admin\n");
}

/// Somebody at a terminal: a statement, a mistake, the way out.
const AT_A_TERMINAL: &str = r#"
set timeout 60
spawn $env(PGCLI) $env(URI)
expect {shop>} {} timeout {exit 9}
send "select name from customer order by id;\r"
expect -re {Ada.*Ben.*SELECT 2} {} timeout {exit 8}
expect {shop>} {} timeout {exit 7}
send "select no_such_column from customer;\r"
expect {column "no_such_column" does not exist} {} timeout {exit 6}
expect {shop>} {} timeout {exit 5}
send "\\q\r"
expect eof
exit [lindex [wait] 3]
"#;

#[test]
fn people_work_with_pgcli_on_a_terminal() {
    let Some(python) = python_with("pgcli") else { return };
    let world = DatabaseWorld::start().unwrap();
    let ben = world.person("ben", "dba").unwrap();
    let mut expect = Command::new("expect");
    expect.env("PGCLI", std::path::Path::new(python.get_program()).with_file_name("pgcli"));
    expect.env("HOME", ben.folder()).env("TERM", "xterm").env("PAGER", "cat").env("URI", world.uri(&ben).unwrap());
    run_with_input(expect.arg("-"), AT_A_TERMINAL.as_bytes()).unwrap().ok().unwrap();

    // It has a connection of its own for what it completes.
    let sessions = world.ada.cli(&["sessions", "--user", "ben", "-o", "json"]).unwrap().json().unwrap();
    let ids = sessions.as_array().unwrap().iter().map(|session| session["id"].as_str().unwrap());
    let recorded: Vec<_> = ids.flat_map(|id| world.statements_of(id).unwrap()).collect();
    let outcome = |text: &str| {
        let found =
            recorded.iter().find(|(begun, _)| begun["text"].as_str().is_some_and(|said| said.starts_with(text)));
        found.map(|(_, end)| end["outcome"].as_str().unwrap().to_owned())
    };
    assert_eq!(outcome("select name from customer").as_deref(), Some("done"), "{recorded:?}");
    assert_eq!(outcome("select no_such_column").as_deref(), Some("failed"));
}

/// What a driver does in its daily work: parameters, transactions, errors, copies, notifications.
const PSYCOPG: &str = r#"
import os, sys, psycopg
with psycopg.connect(os.environ["URI"], autocommit=True) as db:
    db.execute("create table if not exists t (id int primary key, data jsonb)")
    with db.cursor() as c:
        c.executemany("insert into t values (%s, %s)", [(n, '{"n": %d}' % n) for n in range(100)])
        assert c.execute("select data->>'n' from t where id = %s", (7,)).fetchone() == ("7",)
        for _ in range(10):
            assert c.execute("select count(*) from t where id < %s", (50,), prepare=True).fetchone() == (50,)
    try:
        with db.transaction():
            db.execute("delete from t")
            db.execute("select no_such_column from t")
    except psycopg.errors.UndefinedColumn:
        pass
    assert db.execute("select count(*) from t").fetchone() == (100,)
    with db.pipeline():
        answers = [db.execute("select %s::int", (n,)) for n in range(20)]
    assert [a.fetchone()[0] for a in answers] == list(range(20))
    with db.cursor().copy("copy t (id) from stdin") as copy:
        for n in range(1000, 1100):
            copy.write_row((n,))
    with db.cursor().copy("copy t to stdout (format binary)") as copy:
        assert sum(len(part) for part in copy) > 1000
    db.execute("listen news")
    db.execute("notify news, 'hello'")
    assert next(db.notifies(timeout=10, stop_after=1)).payload == "hello"
    with db.transaction(), db.cursor("server_side") as c:
        c.execute("select id from t order by id")
        assert c.fetchmany(3) == [(0,), (1,), (2,)]
print("done")
"#;

#[test]
fn a_driver_finds_everything_as_it_is() {
    let Some(mut python) = python_with("psycopg") else { return };
    python.args(["-c", PSYCOPG]);
    let world = DatabaseWorld::start().unwrap();
    for (name, group) in [("ben", "dba"), ("rea", "ruled")] {
        let person = world.person(name, group).unwrap();
        let uri = world.uri(&person).unwrap();
        let ran = run(python.env("URI", &uri)).unwrap();
        if group == "dba" {
            assert_eq!(ran.ok().unwrap().text(), "done\n");
        } else {
            assert!(ran.ended(1).unwrap().stderr.contains("no-ddl"), "the first statement is refused");
        }
    }
}

/// Signs in without a library, as it is told: with TLS from the first byte, from another address, for replication.
/// Says `ready`, or what it is told in place of that.
const BARE: &str = r#"
import os, socket, ssl, struct
context = ssl.create_default_context(cafile=os.environ["CA"])
context.set_alpn_protocols(["postgresql"])
raw = socket.create_connection(("127.0.0.1", int(os.environ["PORT"])), source_address=(os.environ.get("SOURCE", "127.0.0.1"), 0))
if "DIRECT" not in os.environ:
    raw.sendall(struct.pack("!II", 8, 80877103))
    assert raw.recv(1) == b"S"
s = context.wrap_socket(raw, server_hostname="127.0.0.1")
def take(count):
    data = b""
    while len(data) < count:
        part = s.recv(count - len(data))
        assert part, "closed"
        data += part
    return data
words = [b"user", b"app_admin@orders", b"database", b"shop"]
if "REPLICATION" in os.environ: words += [b"replication", os.environ["REPLICATION"].encode()]
body = struct.pack("!I", 196608) + b"\0".join(words) + b"\0\0"
s.sendall(struct.pack("!I", len(body) + 4) + body)
while True:
    kind, length = struct.unpack("!cI", take(5))
    body = take(length - 4)
    if kind == b"R" and body[:4] == b"\0\0\0\3":
        token = os.environ["TOKEN"].encode() + b"\0"
        s.sendall(b"p" + struct.pack("!I", len(token) + 4) + token)
    elif kind == b"E":
        print(next(field[1:].decode() for field in body.split(b"\0") if field[:1] == b"M").split("\n")[0]); break
    elif kind == b"Z":
        print("ready"); break
"#;

#[test]
fn tokens_hold_where_they_were_made_and_replication_is_refused() {
    let world = DatabaseWorld::start().unwrap();
    let ben = world.person("ben", "dba").unwrap();
    let token = |more: &[&str]| {
        let uri = ben.cli(&[&["connect", "app_admin@orders", "shop", "--print"], more].concat()).unwrap().ok().unwrap();
        uri.text().split([':', '@']).nth(2).unwrap().to_owned()
    };
    let told = |token: &str, more: &[(&str, &str)]| {
        let mut python = Command::new("python3");
        python.args(["-c", BARE]).env("TOKEN", token).env("PORT", world.gate.pg_port()).env("CA", world.gate.ca());
        run(python.envs(more.iter().copied())).unwrap().ok().unwrap().text().trim().to_owned()
    };
    let (anywhere, here) = (token(&[]), token(&["--bind-source"]));
    assert_eq!(told(&anywhere, &[("SOURCE", "127.0.0.2")]), "ready");
    assert_eq!(told(&here, &[]), "ready");
    assert!(told(&here, &[("SOURCE", "127.0.0.2")]).contains("the token is not valid for app_admin@orders"));
    assert_eq!(told(&anywhere, &[("DIRECT", "1")]), "ready", "TLS from the first byte");
    for how in ["database", "true"] {
        let refused = told(&anywhere, &[("REPLICATION", how)]);
        assert!(refused.contains("replication is not allowed by the policy"), "{refused}");
    }
}
