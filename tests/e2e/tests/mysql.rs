//! MariaDB through the gate, with the clients that people have.

use std::process::{Command, Stdio};

use postern_e2e::{Child, MysqlWorld, Person, Ran, free_port, python_with, run, run_with_input, until};

/// `mariadb` through `postern connect`, without decoration.
fn mariadb(person: &Person, sql: &str) -> Ran {
    person.cli(&["connect", "app@shop", "shop", "--", "-N", "-B", "-e", sql]).unwrap()
}

#[test]
fn people_work_with_mariadb_and_every_statement_is_recorded() {
    let world = MysqlWorld::start().unwrap();
    let ben = world.declared.person("ben", "dba").unwrap();
    assert_eq!(mariadb(&ben, "select name from customer order by id").ok().unwrap().text(), "Ada\nBen\n");
    let several = "begin; insert into customer (id, name) values (3, 'Cyd'); select count(*) from customer; rollback; \
                   use other; select database()";
    assert_eq!(mariadb(&ben, several).ok().unwrap().text(), "3\nother\n");
    let failed = mariadb(&ben, "select no_such_column from customer").ended(1).unwrap();
    assert!(failed.stderr.contains("Unknown column"), "{}", failed.stderr);
    let recorded = world.declared.statements("ben").unwrap();
    let (begun, end) = recorded.last().unwrap();
    assert_eq!(begun["text"], "select no_such_column from customer");
    assert_eq!((end["outcome"].as_str(), end["code"].as_str()), (Some("failed"), Some("1054 42S22")));

    mariadb(&ben, "create user eve identified by 'hunter2'").ok().unwrap();
    assert!(!world.declared.statements("ben").unwrap().iter().any(|(begun, _)| begun.to_string().contains("hunter2")));
    world.declared.gate.offline(&["audit", "verify"]).unwrap().ok().unwrap();

    let token = world.token(&ben, "signs@shop").unwrap();
    let signed =
        run(world.client("mariadb", "signs@shop", &token).args(["-N", "-e", "select current_user()"])).unwrap();
    assert_eq!(signed.ok().unwrap().text(), "signs@%\n", "an account that is proved by a signature");
}

#[test]
fn dumps_and_files_pass_unchanged() {
    let world = MysqlWorld::start().unwrap();
    let ben = world.declared.person("ben", "dba").unwrap();
    let token = world.token(&ben, "app@shop").unwrap();
    let dumped =
        run(world.client("mariadb-dump", "app@shop", &token).args(["--skip-comments", "shop"])).unwrap().ok().unwrap();
    assert!(dumped.text().contains("'Ada'"), "{}", dumped.said());
    let back = run_with_input(world.client("mariadb", "app@shop", &token).arg("other"), &dumped.stdout).unwrap();
    back.ok().unwrap();
    assert_eq!(world.sql("select count(*) from other.customer").unwrap(), "2");
    let file = ben.folder().join("rows");
    let rows: String = (100..50_100).map(|n| format!("{n}\tname {n}\t\\N\n")).collect();
    std::fs::write(&file, rows).unwrap();
    let load = format!("load data local infile '{}' into table customer", file.display());
    let load =
        |token: &str| run(world.client("mariadb", "app@shop", token).args(["--local-infile", "shop", "-e", &load]));
    load(&token).unwrap().ok().unwrap();
    assert_eq!(world.sql("select count(*) from shop.customer").unwrap(), "50002");
    let rea = world.declared.person("rea", "ruled").unwrap();
    let token = world.token(&rea, "app@shop").unwrap();
    load(&token).unwrap().ended(1).unwrap();
    assert_eq!(world.sql("select count(*) from shop.customer").unwrap(), "50002");
}

#[test]
fn rules_hold_for_statements() {
    let world = MysqlWorld::start().unwrap();
    let rea = world.declared.person("rea", "ruled").unwrap();
    let blocked = mariadb(&rea, "drop table customer").ended(1).unwrap();
    assert!(blocked.stderr.contains("postern: this statement is refused by the rule `no-ddl`"), "{}", blocked.stderr);
    assert_eq!(mariadb(&rea, "select count(*) from customer").ok().unwrap().text(), "2\n");
    let odd = mariadb(&rea, "delete from customer /*!99999 where id = 1 */").ended(1).unwrap();
    assert!(odd.stderr.contains("not understood"), "{}", odd.stderr);
    mariadb(&rea, "update customer set name = 'Ada L.' where id = 1").ok().unwrap();
    let ended = mariadb(&rea, "select load_file('/etc/passwd')").ended(1).unwrap();
    assert!(ended.stderr.contains("this session is ended by the rule `not-the-server`"), "{}", ended.stderr);
    let many = mariadb(
        &rea,
        "with recursive t as (select 1 as n union all select n + 1 from t where n < 900) select a.n from t a, t b",
    );
    let many = many.ended(1).unwrap();
    assert!(many.stderr.contains("more rows than the policy gives one statement"), "{}", many.stderr);
    let ledger = world.declared.ada.cli(&["audit", "list", "-o", "json"]).unwrap().ok().unwrap().text();
    for told in ["statement.alert", "statement.block", "update customer set name = ? where id = ?"] {
        assert!(ledger.contains(told), "{told}");
    }
    let ria = world.declared.person("ria", "readers").unwrap();
    assert_eq!(mariadb(&ria, "select count(*) from customer").ok().unwrap().text(), "2\n");
    mariadb(&ria, "delete from customer").ended(1).unwrap();
    mariadb(&ria, "set session transaction read write").ended(1).unwrap();
    world
        .sql("delimiter //\ncreate function shop.sneak() returns int begin delete from customer; return 1; end//")
        .unwrap();
    let through = mariadb(&ria, "select sneak()").ended(1).unwrap();
    assert!(through.stderr.contains("READ ONLY transaction"), "the target holds to it, too: {}", through.stderr);
    let sam = world.declared.person("sam", "support").unwrap();
    let shown = mariadb(&sam, "select id, name, upper(name), note from customer where id = 1").ok().unwrap();
    assert_eq!(shown.text(), "1\t***\t***\t***\n");
}

#[test]
fn a_statement_waits_for_somebodys_yes_and_a_killed_one_ends() {
    let world = MysqlWorld::start().unwrap();
    let rea = world.declared.person("rea", "ruled").unwrap();
    let start = |person: &Person, sql: &str| {
        let mut command = person.command(&["connect", "app@shop", "shop", "--", "-e", sql]).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        Child::start(&mut command).unwrap()
    };
    for (verb, left) in [("deny", "2"), ("approve", "1")] {
        let mut client = start(&rea, "delete from customer where id = 2");
        let id = until("the statement to wait", || {
            let waiting = world.declared.ada.cli(&["statements", "-o", "json"])?.json()?;
            Ok(waiting[0]["id"].as_str().map(str::to_owned))
        })
        .unwrap();
        world.declared.ada.cli(&["statement", verb, &id, "--reason", "said so"]).unwrap().ok().unwrap();
        until("mariadb to end", || client.ended()).unwrap();
        assert_eq!(world.sql("select count(*) from shop.customer").unwrap(), left);
    }
    let ben = world.declared.person("ben", "dba").unwrap();
    let mut client = start(&ben, "select sleep(600)");
    let running = || world.sql("select count(*) from information_schema.processlist where info = 'select sleep(600)'");
    until("the statement to run", || Ok((running()? == "1").then_some(()))).unwrap();
    let session = world.declared.newest_session("ben").unwrap();
    world.declared.ada.cli(&["session", "kill", &session, "--reason", "enough"]).unwrap().ok().unwrap();
    until("mariadb to end", || client.ended()).unwrap();
    until("nothing to run", || Ok((running()? == "0").then_some(()))).unwrap();
}

#[test]
fn without_a_good_token_or_tls_nobody_is_let_in() {
    let world = MysqlWorld::start().unwrap();
    let ben = world.declared.person("ben", "dba").unwrap();
    let token = world.token(&ben, "app@shop").unwrap();
    let ask =
        |account: &str, token: &str| run(world.client("mariadb", account, token).args(["-e", "select 1"])).unwrap();
    ask("app@shop", &token).ok().unwrap();
    let wrong = ask("app@shop", "pst_connect_nonsense").ended(1).unwrap();
    assert!(wrong.stderr.contains("the token is not valid for app@shop"), "{}", wrong.stderr);
    ask("signs@shop", &token).ended(1).unwrap();
    let mut plain = Command::new("mariadb");
    plain.args([
        "--no-defaults",
        "--skip-ssl",
        "-h",
        "127.0.0.1",
        "-P",
        world.declared.gate.mysql_port(),
        "-u",
        "app@shop",
    ]);
    let plain = run(plain.env("MYSQL_PWD", &token).args(["-e", "select 1"])).unwrap().ended(1).unwrap();
    assert!(plain.stderr.contains("without TLS nobody is let in"), "{}", plain.stderr);
    ben.cli(&["logout"]).unwrap().ok().unwrap();
    ask("app@shop", &token).ended(1).unwrap();
}

/// Signs in from an address of this machine's.
const FROM: &str = r#"
import os, pymysql
try:
    pymysql.connect(host="127.0.0.1", port=int(os.environ["PORT"]), user="app@shop", password=os.environ["TOKEN"],
                    bind_address=os.environ["SOURCE"], ssl={"ca": os.environ["CA"]}).ping()
    print("in")
except pymysql.err.OperationalError as e:
    print(e.args[1])
"#;

#[test]
fn tokens_hold_where_they_were_made() {
    let Some(mut python) = python_with("pymysql") else { return };
    let world = MysqlWorld::start().unwrap();
    let ben = world.declared.person("ben", "dba").unwrap();
    let uri = ben.cli(&["connect", "app@shop", "--print", "--bind-source"]).unwrap().ok().unwrap().text();
    python.args(["-c", FROM]).env("TOKEN", uri.split([':', '@']).nth(2).unwrap());
    python.env("PORT", world.declared.gate.mysql_port()).env("CA", world.declared.gate.ca());
    assert_eq!(run(python.env("SOURCE", "127.0.0.1")).unwrap().ok().unwrap().text(), "in\n");
    let elsewhere = run(python.env("SOURCE", "127.0.0.2")).unwrap().ok().unwrap().text();
    assert!(elsewhere.contains("the token is not valid for app@shop"), "{elsewhere}");
}

#[test]
fn people_are_told_why_a_target_does_not_let_an_account_in() {
    let world = MysqlWorld::start().unwrap();
    let ben = world.declared.person("ben", "dba").unwrap();
    let set = ["account", "set-secret", "app@shop", "--password-stdin"];
    world.declared.ada.cli_with(&set, "not the password").unwrap().ok().unwrap();
    let refused = mariadb(&ben, "select 1").ended(1).unwrap();
    assert!(refused.stderr.contains("does not let account app in: Access denied"), "{}", refused.stderr);
    let listed = world.declared.ada.cli(&["sessions", "--user", "ben", "-o", "json"]).unwrap().json().unwrap();
    assert_eq!(listed[0]["end_reason"], "target_failed", "{listed}");
}

/// What a driver does in its daily work.
const DRIVER: &str = r#"
import os, pymysql
def connect(**more):
    return pymysql.connect(host="127.0.0.1", port=int(os.environ["PORT"]), user="app@shop", password=os.environ["TOKEN"],
                           database="shop", ssl={"ca": os.environ["CA"]}, autocommit=True, **more)
db = connect()
c = db.cursor()
c.execute("create table t (id int primary key, data longtext)")
c.executemany("insert into t values (%s, %s)", [(n, "it's \\ %d" % n) for n in range(100)])
c.execute("select data from t where id = %s", (7,))
assert c.fetchone() == ("it's \\ 7",)
c.execute("insert into t values (1000, %s)", ("x" * 3000000,))
c.execute("select length(data), data from t where id = 1000")
length, data = c.fetchone()
assert length == len(data) == 3000000
try:
    c.execute("select no_such_column from t"); raise SystemExit("no error")
except pymysql.err.OperationalError as e:
    assert e.args[0] == 1054, e
db.begin(); c.execute("delete from t"); db.rollback()
c.execute("select count(*) from t"); assert c.fetchone() == (101,)
with connect(client_flag=pymysql.constants.CLIENT.MULTI_STATEMENTS) as m:
    d = m.cursor(); d.execute("select 1; select 2, 3; update t set data = 'y' where id = 1")
    assert d.fetchall() == ((1,),) and d.nextset() and d.fetchall() == ((2, 3),) and d.nextset()
u = db.cursor(pymysql.cursors.SSCursor)
u.execute("select id from t order by id"); assert u.fetchmany(3) == [(0,), (1,), (2,)]; u.close()
db.ping(); db.select_db("other"); c.execute("select database()"); assert c.fetchone() == ("other",)
print("done")
"#;

#[test]
fn a_driver_finds_everything_as_it_is() {
    let Some(mut python) = python_with("pymysql") else { return };
    let world = MysqlWorld::start().unwrap();
    let ben = world.declared.person("ben", "dba").unwrap();
    let token = world.token(&ben, "app@shop").unwrap();
    python.args(["-c", DRIVER]).env("TOKEN", token).env("PORT", world.declared.gate.mysql_port());
    let ran = run(python.env("CA", world.declared.gate.ca())).unwrap();
    assert_eq!(ran.ok().unwrap().text(), "done\n");
}

/// The binary protocol: parameters of every kind, long data in parts, cursors, compression.
const PREPARED: &str = r#"
import io, os, datetime, decimal, mysql.connector
def connect(**more):
    # MariaDB does not know the collation that this driver would choose for the version it is told.
    return mysql.connector.connect(host="127.0.0.1", port=int(os.environ["PORT"]), user="app@shop", use_pure=True,
                                   collation="utf8mb4_general_ci", password=os.environ["TOKEN"], database="shop", ssl_ca=os.environ["CA"],
                                   ssl_verify_cert=True, autocommit=True, **more)
for compress in (False, True):
    with connect(compress=compress) as db:
        c = db.cursor(prepared=True)
        c.execute("create or replace table p (id int primary key, big bigint, f double, d decimal(10,2), at datetime(6), "
                  "t time(3), day date, text longtext, blobs longblob, j json, n int)")
        row = (1, -2**62, 1.5, decimal.Decimal("12.30"), datetime.datetime(2026, 11, 25, 1, 2, 3, 4500),
               datetime.timedelta(days=-2, hours=3, milliseconds=7), datetime.date(2000, 2, 29), "gr\u00fc\u00dfe", bytes(range(256)),
               '{"a": 1}', None)
        c.execute("insert into p values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)", row)
        c.execute("select * from p where id = %s", (1,))
        shown = c.fetchone()
        assert shown[:9] == row[:9] and shown[10] is None, shown
        # Packed, this driver puts together no more than two packets to one: nothing large then.
        times = 1 if compress else 3000
        data = os.urandom(700) * times
        c.execute("insert into p (id, blobs) values (%s, %s)", (2, io.BytesIO(data)))
        c.execute("select blobs from p where id = %s", (2,))
        assert c.fetchone()[0] == data
        c.close()
        d = db.cursor()
        d.execute("select repeat('abc', %d)" % (times * 333))
        assert d.fetchone()[0] == "abc" * (times * 333)
        d.execute("show session status like 'Compression'")
        d.fetchall()
print("done")
"#;

#[test]
fn prepared_statements_pass_in_binary_form_compressed_or_not() {
    let Some(mut python) = python_with("mysql.connector") else { return };
    let world = MysqlWorld::start().unwrap();
    let ben = world.declared.person("ben", "dba").unwrap();
    let token = world.token(&ben, "app@shop").unwrap();
    python.args(["-c", PREPARED]).env("TOKEN", &token).env("PORT", world.declared.gate.mysql_port());
    let ran = run(python.env("CA", world.declared.gate.ca())).unwrap();
    assert_eq!(ran.ok().unwrap().text(), "done\n");
    let recorded = world.declared.statements("ben").unwrap();
    let (begun, _) = recorded
        .iter()
        .find(|(begun, _)| begun["parameters"].as_array().is_some_and(|given| given.len() == 11))
        .expect("the insert");
    assert_eq!(begun["parameters"][4]["value"], "2026-11-25 01:02:03.004500");
    // This driver says days and hours apart and both below zero; it reads them back in the same way.
    assert_eq!(begun["parameters"][5]["value"], "-51:00:00.007000");
    let repeated = recorded.iter().find(|(begun, _)| begun["text"] == "select repeat('abc', 333)");
    let bytes = repeated.and_then(|(_, end)| end["bytes_out"].as_u64());
    assert!(bytes > Some(900), "the bytes are those of the result, not of what was packed: {bytes:?}");
}

#[test]
fn results_are_masked_in_binary_form_too() {
    let Some(mut python) = python_with("mysql.connector") else { return };
    let world = MysqlWorld::start().unwrap();
    world
        .sql("alter table shop.customer add born date, add score double; update shop.customer set score = 1.5")
        .unwrap();
    let sam = world.declared.person("sam", "support").unwrap();
    let token = world.token(&sam, "app@shop").unwrap();
    let script = r#"
import os, mysql.connector
db = mysql.connector.connect(host="127.0.0.1", port=int(os.environ["PORT"]), user="app@shop", use_pure=True,
                             collation="utf8mb4_general_ci", password=os.environ["TOKEN"], database="shop", ssl_ca=os.environ["CA"], compress=True)
c = db.cursor(prepared=True)
c.execute("select id, score, born, name, note from customer where id = %s", (1,))
print(c.fetchone())
"#;
    python.args(["-c", script]).env("TOKEN", token).env("PORT", world.declared.gate.mysql_port());
    let ran = run(python.env("CA", world.declared.gate.ca())).unwrap();
    assert_eq!(ran.ok().unwrap().text(), "(1, 1.5, None, '***', '***')\n");
    let kept = world.declared.kept_rows("sam").unwrap();
    assert_eq!(kept.last().map(String::as_str), Some("id|score|born|name|note: 1|1.5|NULL|***|***"));
    mariadb(&sam, "select id from customer order by id; select upper(name), 7 from customer").ok().unwrap();
    let kept = world.declared.kept_rows("sam").unwrap();
    assert_eq!(kept[kept.len() - 4..], ["id: 1", "2", "upper(name)|7: ***|7", "***|7"], "two rows of each");
}

/// Statements are stopped from another connection, by the number that the gate greeted with.
const KILLS: &str = r#"
import os, sys, threading, pymysql
def connect():
    return pymysql.connect(host="127.0.0.1", port=int(os.environ["PORT"]), user="app@shop", password=os.environ["TOKEN"],
                           database="shop", ssl={"ca": os.environ["CA"]})
first, second = connect(), connect()
told = []
def sleep():
    try:
        told.append(first.cursor().execute("select sleep(600)"))
        told.append(first.cursor().fetchone())
    except pymysql.err.OperationalError as e:
        told.append(e.args[0])
thread = threading.Thread(target=sleep)
thread.start()
c = second.cursor()
while True:
    c.execute("select count(*) from information_schema.processlist where info = 'select sleep(600)'")
    if c.fetchone() == (1,): break
c.execute("kill query %d" % first.thread_id())
thread.join()
assert told and told[0] in (1317, 1), told
first.ping(reconnect=False)
second.kill(first.thread_id())
try:
    first.ping(reconnect=False); raise SystemExit("it goes on")
except (pymysql.err.OperationalError, pymysql.err.InterfaceError):
    pass
third = connect()
try:
    third.kill(third.thread_id()); raise SystemExit("it killed itself and lives")
except pymysql.err.OperationalError as e:
    assert e.args[0] == 1317, e
try:
    third.ping(reconnect=False); raise SystemExit("it goes on after it killed itself")
except (pymysql.err.OperationalError, pymysql.err.InterfaceError):
    pass
try:
    c.execute("kill query %s" % os.environ["FOREIGN"]); raise SystemExit("a foreign one")
except (pymysql.err.OperationalError, pymysql.err.InternalError) as e:
    assert e.args[0] == 1094, e
print("done")
"#;

#[test]
fn people_stop_their_own_statements_and_nobody_elses() {
    let Some(mut python) = python_with("pymysql") else { return };
    let world = MysqlWorld::start().unwrap();
    let rea = world.declared.person("rea", "ruled").unwrap();
    let ben = world.declared.person("ben", "dba").unwrap();
    let theirs = world.token(&rea, "app@shop").unwrap();
    let mut foreign = world.client("mariadb", "app@shop", &theirs);
    foreign.args(["-e", "select sleep(601)"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut foreign = Child::start(&mut foreign).unwrap();
    let running = || world.sql("select count(*) from information_schema.processlist where info = 'select sleep(601)'");
    until("the foreign statement to run", || Ok((running()? == "1").then_some(()))).unwrap();
    // It was the first connection of all.
    python.args(["-c", KILLS]).env("FOREIGN", (0x4000_0001_u32).to_string());
    python.env("TOKEN", world.token(&ben, "app@shop").unwrap()).env("PORT", world.declared.gate.mysql_port());
    assert_eq!(run(python.env("CA", world.declared.gate.ca())).unwrap().ok().unwrap().text(), "done\n");
    assert_eq!(running().unwrap(), "1", "the foreign statement goes on");
    assert!(foreign.ended().unwrap().is_none());
}

/// `COM_CHANGE_USER`, as drivers send it: a good token, then one that is none.
const ANEW: &str = r#"
import os, struct, pymysql
db = pymysql.connect(host="127.0.0.1", port=int(os.environ["PORT"]), user="app@shop", password=os.environ["TOKEN"],
                     database="shop", ssl={"ca": os.environ["CA"]})
def change(user, token, database):
    db._execute_command(0x11, user.encode() + b"\0\0" + database.encode() + b"\0" + struct.pack("<H", 45) + b"caching_sha2_password\0")
    packet = db._read_packet()
    assert packet._data[0] == 0xFE and b"caching_sha2_password" in packet._data, packet._data
    db.write_packet(b"x" * 32)
    assert db._read_packet()._data == b"\x01\x04"
    db.write_packet(token.encode() + b"\0")
    db._read_packet()
c = db.cursor()
c.execute("select current_user()"); assert c.fetchone() == ("app@%",)
change("signs@shop", os.environ["OTHER"], "other")
c.execute("select current_user(), database()"); assert c.fetchone() == ("signs@%", "other")
try:
    change("app@shop", "pst_connect_nonsense", "shop"); raise SystemExit("let in")
except pymysql.err.OperationalError as e:
    assert "the token is not valid" in str(e), e
try:
    db.ping(reconnect=False); raise SystemExit("it goes on")
except (pymysql.err.OperationalError, pymysql.err.InterfaceError):
    print("done")
"#;

#[test]
fn signing_in_anew_is_judged_anew() {
    let Some(mut python) = python_with("pymysql") else { return };
    let world = MysqlWorld::start().unwrap();
    let ben = world.declared.person("ben", "dba").unwrap();
    python.args(["-c", ANEW]).env("OTHER", world.token(&ben, "signs@shop").unwrap());
    python.env("TOKEN", world.token(&ben, "app@shop").unwrap()).env("PORT", world.declared.gate.mysql_port());
    assert_eq!(run(python.env("CA", world.declared.gate.ca())).unwrap().ok().unwrap().text(), "done\n");
    let listed = world.declared.ada.cli(&["sessions", "--user", "ben", "-o", "json"]).unwrap().json().unwrap();
    assert_eq!((&listed[0]["account"], &listed[1]["account"]), (&"signs@shop".into(), &"app@shop".into()), "{listed}");
}

#[test]
fn a_local_port_leads_to_the_database() {
    let world = MysqlWorld::start().unwrap();
    let ben = world.declared.person("ben", "dba").unwrap();
    let port = free_port().unwrap();
    let mut command = ben.command(&["proxy", "app@shop", "--listen", &format!("127.0.0.1:{port}")]).unwrap();
    let _proxy = Child::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())).unwrap();
    until("the proxy", || Ok(std::net::TcpStream::connect(("127.0.0.1", port)).ok())).unwrap();
    let ask = |more: &[&str]| {
        let mut client = Command::new("mariadb");
        client.args(["--no-defaults", "--skip-ssl", "-N", "-h", "127.0.0.1", "-P", &port.to_string(), "-u", "anybody"]);
        run(client.args(more).args(["-e", "select current_user(), length(repeat('x', 100000))", "shop"])).unwrap()
    };
    for more in [&[][..], &["--compress"], &["-pwhatever"], &["--default-auth=mysql_native_password", "-px"]] {
        assert_eq!(ask(more).ok().unwrap().text(), "app@%\t100000\n", "{more:?}");
    }
    ben.cli(&["logout"]).unwrap().ok().unwrap();
    let refused = ask(&[]).ended(1).unwrap();
    assert!(refused.stderr.contains("postern:"), "{}", refused.stderr);
}

/// A statement is prepared, and run by the number that stands for the last one.
const LAST: &str = r#"
import os, pymysql
db = pymysql.connect(host="127.0.0.1", port=int(os.environ["PORT"]), user="app@shop", password=os.environ["TOKEN"],
                     database="shop", ssl={"ca": os.environ["CA"]}, autocommit=True)
def code(command, body):
    try:
        db._execute_command(command, body)
        packet = db._read_packet()
        return 0, packet
    except pymysql.err.MySQLError as e:
        return e.args[0], None
EXECUTE, LAST = 0x17, b"\xff\xff\xff\xff"
RUN = b"\0\1\0\0\0"
assert code(EXECUTE, LAST + RUN)[0] == 1243, "nothing is prepared"
assert code(EXECUTE, b"\7\0\0\0" + RUN)[0] == 1243, "no such statement"
ok, packet = code(0x16, b"update customer set name = 'Eve' where id = 1")
assert ok == 0
assert code(EXECUTE, LAST + RUN)[0] == 0
assert code(EXECUTE, packet._data[1:5] + b"\0")[0] == 1210, "it is cut short"
assert code(0x16, b"update nothing set name = 1")[0] == 1146
assert code(EXECUTE, LAST + RUN)[0] == 1243, "what was prepared last is nothing"
code(0x16, b"delete from customer where id = 1")
print(code(EXECUTE, LAST + RUN)[0])
"#;

#[test]
fn a_statement_that_is_run_by_another_number_is_judged_too() {
    let Some(mut python) = python_with("pymysql") else { return };
    let world = MysqlWorld::start().unwrap();
    let rea = world.declared.person("rea", "ruled").unwrap();
    python.args(["-c", LAST]).env("CA", world.declared.gate.ca());
    python.env("TOKEN", world.token(&rea, "app@shop").unwrap()).env("PORT", world.declared.gate.mysql_port());
    python.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut driver = Child::start(&mut python).unwrap();
    let id = until("the statement to wait", || {
        if driver.ended()?.is_some() {
            anyhow::bail!("the driver ended and nothing waited");
        }
        let waiting = world.declared.ada.cli(&["statements", "-o", "json"])?.json()?;
        Ok(waiting[0]["id"].as_str().map(str::to_owned))
    })
    .unwrap();
    world.declared.ada.cli(&["statement", "deny", &id, "--reason", "no"]).unwrap().ok().unwrap();
    let mut told = String::new();
    std::io::Read::read_to_string(driver.process().stdout.as_mut().unwrap(), &mut told).unwrap();
    assert_eq!(told, "1227\n");
    assert_eq!(world.sql("select name from shop.customer").unwrap().lines().next(), Some("Eve"));
    let recorded = world.declared.statements("rea").unwrap();
    assert!(recorded.iter().any(|(begun, _)| begun["text"] == "update customer set name = 'Eve' where id = 1"));
}
