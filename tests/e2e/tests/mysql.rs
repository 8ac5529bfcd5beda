//! MariaDB through the gate, with the clients that people have.

use std::process::{Command, Stdio};

use postern_e2e::{Child, MysqlWorld, Person, Ran, python_with, run, run_with_input, until};

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
