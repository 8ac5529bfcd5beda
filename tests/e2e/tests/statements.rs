//! What policy says of statements, on every database: copies under rules, budgets; and people who watch.

use std::fs;
use std::process::{Command, Stdio};

use postern_e2e::{Child, DatabaseWorld, Declared, MysqlWorld, Person, Ran, RedisWorld, run_with_input, until};

/// Somebody under a policy of their own.
fn person(declared: &Declared, capabilities: &str, statements: &str) -> Person {
    let access = format!(
        "kind: Group\nname: some\n---\nkind: Policy\nname: some\nsubjects: {{ groups: [some] }}\naccounts: {{ names: [app, \
         app_admin] }}\naccess: standing\nobligations:\n  capabilities: [{capabilities}]\n  reason_required: false\n  \
         statements: {{ {statements} }}\n"
    );
    declared.also(&access).unwrap();
    declared.person("sia", "some").unwrap()
}

/// psql with something on its standard input.
fn psql(uri: &str, sql: &[&str], input: &str) -> Ran {
    let mut command = Command::new("psql");
    command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", uri]);
    run_with_input(command.args(sql.iter().flat_map(|sql| ["-c", sql])), input.as_bytes()).unwrap()
}

#[test]
fn copies_go_both_ways_where_rules_hold() {
    let world = DatabaseWorld::start().unwrap();
    world.target.sql("create table secret (x int); grant all on secret to app_admin").unwrap();
    let rules = "rules: [{ name: not-those, tables: [secret], action: block }, { name: not-the-server, classes: [file, \
                 program], action: block }, { name: watch-copies, classes: [copy_in], action: alert }]";
    let sia = person(&world, "query, copy_in, copy_out", rules);
    let uri = world.uri(&sia).unwrap();
    let rows: String = (10..20_010).map(|n| format!("{n}\tname {n}\n")).collect();
    psql(&uri, &["copy customer from stdin", "update customer set name = 'x' where id = 10"], &rows).ok().unwrap();
    let out = psql(&uri, &["copy (select * from customer where id > 10 order by id) to stdout"], "").ok().unwrap();
    assert_eq!(out.text(), rows.split_once('\n').unwrap().1);
    let broken = psql(&uri, &["copy customer from stdin"], "no number\tx\n").ended(1).unwrap();
    assert!(broken.stderr.contains("invalid input syntax"), "{}", broken.stderr);
    for (sql, rule) in [
        ("copy secret to stdout", "not-those"),
        ("copy secret from stdin", "not-those"),
        ("copy (select 1 from customer, secret) to stdout", "not-those"),
        ("copy customer from '/etc/passwd'", "not-the-server"),
    ] {
        let refused = psql(&uri, &[sql], "1\n").ended(1).unwrap();
        assert!(refused.stderr.contains(&format!("refused by the rule `{rule}`")), "{sql}: {}", refused.stderr);
    }
    // A detection may end the session before the refusal is shown.
    let program = psql(&uri, &["copy customer to program 'cat'"], "");
    assert!(program.code != 0 && program.stderr.contains("postern: this s"), "{}", program.stderr);
    let ledger = world.ada.cli(&["audit", "list", "-o", "json"]).unwrap().ok().unwrap().text();
    assert!(ledger.contains("statement.alert") && ledger.contains("copy customer from stdin"));
}

/// Little enough for tests.
const BUDGETS: &str = "budgets: { statement_bytes: 2000, session_rows: 100, session_bytes: 5000 }";
const TOO_LONG: &str = "more bytes than the policy gives one statement";
const TOO_MANY: &str = "more rows than the policy gives one session";
const TOO_MUCH: &str = "more bytes than the policy gives one session";

#[test]
fn budgets_hold_on_postgresql() {
    let world = DatabaseWorld::start().unwrap();
    let sia = person(&world, "query, copy_out", BUDGETS);
    let uri = world.uri(&sia).unwrap();
    let refused = |sql: &[&str]| psql(&uri, sql, "").ended(1).unwrap().stderr;
    let sixty = "select n from generate_series(1, 60) n";
    psql(&uri, &[sixty], "").ok().unwrap();
    psql(&uri, &[sixty], "").ok().unwrap();
    let both = refused(&[sixty, sixty]);
    assert!(both.contains(TOO_MANY), "a session is one connection: {both}");
    let long = refused(&["select repeat('x', 3000)"]);
    assert!(long.contains(TOO_LONG), "{long}");
    let copied = refused(&["copy (select repeat('x', 3000)) to stdout"]);
    assert!(copied.contains(TOO_LONG), "{copied}");
    let much = refused(&["select repeat('x', 1800)"; 3]);
    assert!(much.contains(TOO_MUCH), "{much}");
}

#[test]
fn budgets_hold_on_mariadb() {
    let world = MysqlWorld::start().unwrap();
    let sia = person(&world.declared, "query", BUDGETS);
    let refused = |sql: &str| {
        let ran = sia.cli(&["connect", "app@shop", "shop", "--", "-N", "-B", "-e", sql]).unwrap();
        ran.ended(1).unwrap().stderr
    };
    let sixty = "select seq from seq_1_to_60";
    let both = refused(&[sixty, sixty].join("; "));
    assert!(both.contains(TOO_MANY), "{both}");
    let long = refused("select repeat('x', 3000)");
    assert!(long.contains(TOO_LONG), "{long}");
    let much = refused(&["select repeat('x', 1800)"; 3].join("; "));
    assert!(much.contains(TOO_MUCH), "{much}");
}

#[test]
fn budgets_hold_on_redis() {
    let world = RedisWorld::start().unwrap();
    let sia = person(&world.declared, "query", BUDGETS);
    let said = |commands: &str| sia.cli_with(&["connect", "app@cache"], commands).unwrap().said();
    let numbers: Vec<String> = (0..60).map(|n| n.to_string()).collect();
    world.direct(&[&["RPUSH", "many"][..], &numbers.iter().map(String::as_str).collect::<Vec<_>>()].concat()).unwrap();
    for (name, length) in [("long", 3000), ("short", 1800)] {
        world.direct(&["SET", name, &"x".repeat(length)]).unwrap();
    }
    let both = said("LRANGE many 0 -1\nLRANGE many 0 -1\n");
    assert!(both.contains("59\n") && both.contains(TOO_MANY), "{both}");
    let long = said("GET long\n");
    assert!(long.contains(TOO_LONG), "{long}");
    let much = said("GET short\nGET short\nGET short\n");
    assert!(much.contains(TOO_MUCH), "{much}");
}

#[test]
fn statements_are_watched_as_they_run() {
    let world = DatabaseWorld::start().unwrap();
    let ben = world.person("ben", "dba").unwrap();
    let uri = world.uri(&ben).unwrap();
    let mut command = Command::new("psql");
    command.args(["-X", &uri, "-c", "select 'first'", "-c", "select pg_sleep(600)"]).stdin(Stdio::null());
    let mut client = Child::start(command.stdout(Stdio::null()).stderr(Stdio::null())).unwrap();
    let session = until("a live session", || {
        let listed = world.ada.cli(&["sessions", "--live", "--user", "ben", "-o", "json"])?.json()?;
        Ok(listed[0]["id"].as_str().filter(|_| listed[0]["state"] == "live").map(str::to_owned))
    })
    .unwrap();
    let seen = world.gate.scratch().join("seen");
    let mut watch = world.ada.command(&["session", "watch", &session]).unwrap();
    watch.stdin(Stdio::null()).stdout(fs::File::create(&seen).unwrap()).stderr(Stdio::null());
    let mut watching = Child::start(&mut watch).unwrap();
    until("the statements to be seen", || {
        let shown = fs::read_to_string(&seen)?;
        Ok((shown.contains("select 'first'") && shown.contains("select pg_sleep(600)")).then_some(()))
    })
    .unwrap();
    world.ada.cli(&["session", "kill", &session, "--reason", "seen enough"]).unwrap().ok().unwrap();
    until("psql to end", || client.ended()).unwrap();
    until("the end of watching", || watching.ended()).unwrap();
}
