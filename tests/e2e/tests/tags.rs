//! Columns that are hidden because an asset says what they hold.

use std::process::{Command, Stdio};

use postern_e2e::{Child, DatabaseWorld, Declared, MysqlWorld, Person, RedisWorld, indented, until};
use serde_json::{Value, json};

/// Who sees `pii` masked, on any asset.
pub(crate) const POLICY: &str = "
kind: Group
name: tagged
---
kind: Policy
name: without-people
subjects: { groups: [tagged] }
access: standing
obligations:
  capabilities: [query, copy_out]
  reason_required: false
  statements: { masking: { tags: [pii, health] } }
";

/// The asset as it is, its columns tagged like this.
pub(crate) fn asset(name: &str, platform: &str, address: &str, certificate: &str, tags: &str) -> String {
    let certificate = indented(certificate);
    format!(
        "kind: Asset\nname: {name}\nplatform: {platform}\naddress: {address}\nserver_ca: |\n{certificate}\n\
         column_tags: {tags}\n"
    )
}

/// What the newest change of an asset says in the ledger about its tags.
fn told(world: &Declared) -> Value {
    let events = world.ada.cli(&["audit", "list", "--action", "asset.update", "-o", "json"]).unwrap().json().unwrap();
    events[0]["event"]["details"]["changes"].clone()
}

#[test]
fn postgresql_hides_what_its_asset_says_is_personal() {
    let world = DatabaseWorld::start().unwrap();
    world
        .target
        .sql(
            "alter table customer add email text; update customer set email = 'a@example.com'; \
             create view mailing as select id, email from customer; grant select on mailing to app_admin",
        )
        .unwrap();
    let certificate = world.target.certificate().unwrap();
    let tag = |tags: &str| asset("orders", "postgresql", &world.target.address(), &certificate, tags);
    world.also(&format!("{}---{POLICY}", tag("{ pii: [email] }"))).unwrap();
    assert_eq!(told(&world), json!([{ "field": "column_tags.pii", "new": ["email"], "old": null }]));
    let shown = world.ada.cli(&["asset", "show", "orders"]).unwrap().ok().unwrap().text();
    assert!(shown.contains(r#"{"pii":["email"]}"#), "{shown}");
    let sam = world.person("sam", "tagged").unwrap();
    let ask = |sql: &str| {
        let arguments = ["connect", "app_admin@orders", "shop", "--", "-X", "-q", "-A", "-t", "-c", sql];
        sam.cli(&arguments).unwrap()
    };
    for (sql, shown) in [
        ("select id, email from customer where id = 1", "1|***\n"),
        ("select email as contact from customer where id = 1", "***\n"),
        ("select * from customer where id = 1", "1|Ada|***\n"),
        ("select id, email from mailing where id = 1", "1|***\n"),
        ("select * from mailing where id = 1", "1|***\n"),
        ("with c as (select email as contact from customer) select contact from c limit 1", "***\n"),
        ("select upper(email) from customer where id = 1", "***\n"),
        ("select row_to_json(c) from (select email from customer limit 1) c", "\n"),
        ("select name from customer where id = 1", "Ada\n"),
        ("select email, email as x, name from customer where id = 1", "***|***|Ada\n"),
        ("select c from customer as t(a, b, c) where a = 1", "***\n"),
        ("with t(a, b, c) as (select * from customer) select c from t where a = 1", "***\n"),
        ("select c from (select * from customer) t(a, b, c) where a = 1", "***\n"),
    ] {
        assert_eq!(ask(sql).ok().unwrap().text(), shown, "{sql}");
    }
    let failed = ask("select email::int from customer where id = 1").ended(1).unwrap();
    assert!(failed.stderr.contains("22P02, and more that is not shown where results are masked"), "{}", failed.stderr);
    let raised = ask("do $$ begin raise notice '%', (select email from customer limit 1); \
         raise exception '%', (select email from customer limit 1) using errcode = '42000'; end $$");
    for said in [failed, raised.ended(1).unwrap()] {
        assert!(!said.stderr.contains("a@example.com"), "{}", said.stderr);
    }
    let mistyped = ask("select emali from customer").ended(1).unwrap();
    assert!(mistyped.stderr.contains("column \"emali\" does not exist"), "{}", mistyped.stderr);
    let copied = ask("copy customer to stdout").ended(1).unwrap();
    assert!(copied.stderr.contains("masked"), "{}", copied.stderr);

    // A session under the old tags does not outlive them, where more is to be hidden now.
    let uri = sam.cli(&["connect", "app_admin@orders", "shop", "--print", "--for", "1h"]).unwrap().ok().unwrap().text();
    let mut command = Command::new("psql");
    command.args(["-X", uri.trim(), "-c", "select pg_sleep(600)"]).stdin(Stdio::null()).stdout(Stdio::null());
    let mut client = Child::start(command.stderr(Stdio::piped())).unwrap();
    until("the statement to run", || {
        let running = "select count(*) from pg_stat_activity where query like 'select pg_sleep%' and state = 'active'";
        Ok((world.target.sql(running)? == "1").then_some(()))
    })
    .unwrap();
    world.also(&tag("{ pii: [email, name] }")).unwrap();
    until("psql to end", || client.ended()).unwrap();
    let mut said = String::new();
    std::io::Read::read_to_string(client.process().stderr.as_mut().unwrap(), &mut said).unwrap();
    assert!(said.contains("policy no longer allows this session"), "{said}");
    assert_eq!(told(&world), json!([{ "field": "column_tags.pii", "new": ["email", "name"], "old": ["email"] }]));
    assert_eq!(ask("select * from customer where id = 1").ok().unwrap().text(), "1|***|***\n");

    // Of an asset that has nothing of the kind, nothing is hidden; tags that are not given stay.
    let untouched = tag("TAGS").replace("column_tags: TAGS\n", "");
    world.also(&untouched).unwrap();
    assert_eq!(ask("select name from customer where id = 1").ok().unwrap().text(), "***\n");
    world.also(&tag("{}")).unwrap();
    assert_eq!(ask("select name, email from customer where id = 1").ok().unwrap().text(), "Ada|a@example.com\n");
    world.gate.offline(&["audit", "verify"]).unwrap().ok().unwrap();
}

#[test]
fn mariadb_hides_what_its_asset_says_is_personal() {
    let world = MysqlWorld::start().unwrap();
    world
        .sql(
            "alter table shop.customer add email varchar(50); update shop.customer set email = 'a@example.com'; \
             create view shop.mailing as select id, email from shop.customer",
        )
        .unwrap();
    let certificate = world.target.read("cert.pem").unwrap();
    let tag = |tags: &str| asset("shop", "mysql", &world.target.address(), &certificate, tags);
    world.declared.also(&format!("{}---{POLICY}", tag("{ pii: [email, 'phone*'] }"))).unwrap();
    let sam = world.declared.person("sam", "tagged").unwrap();
    let ask = |sql: &str| {
        let arguments = ["connect", "app@shop", "shop", "--", "-N", "-B", "-e", sql];
        sam.cli(&arguments).unwrap().ok().unwrap().text()
    };
    for (sql, shown) in [
        ("select id, email from customer where id = 1", "1\t***\n"),
        ("select email as contact from customer where id = 1", "***\n"),
        ("select id, name, email from customer where id = 1", "1\tAda\t***\n"),
        ("select * from mailing where id = 1", "1\t***\n"),
        ("with c as (select email as contact from customer) select contact from c limit 1", "***\n"),
        ("select upper(email) from customer where id = 1", "***\n"),
        ("select name from customer where id = 1", "Ada\n"),
        ("select email, email as x, name from customer where id = 1", "***\t***\tAda\n"),
        ("select x from (select email as x from customer limit 10) d limit 1", "***\n"),
        ("with t(c) as (select email from customer limit 5) select c from t limit 1", "***\n"),
    ] {
        assert_eq!(ask(sql), shown, "{sql}");
    }
    let failing = "select extractvalue(1, concat('~', email)) from customer; show warnings";
    let said = sam.cli(&["connect", "app@shop", "shop", "--", "-N", "-B", "--force", "-e", failing]).unwrap();
    assert!(said.stderr.contains("not shown where results are masked"), "{}", said.stderr);
    assert!(!said.said().contains("a@example.com"), "{}", said.said());
    world.declared.also(&tag("{ payment: [name] }")).unwrap();
    let changes = told(&world.declared);
    assert_eq!(changes[1], json!({ "field": "column_tags.pii", "new": null, "old": ["email", "phone*"] }), "{changes}");
    assert_eq!(ask("select name, email from customer where id = 1"), "Ada\ta@example.com\n");
}

#[test]
fn redis_hides_the_keys_that_its_asset_says_are_personal() {
    let world = RedisWorld::start().unwrap();
    world.direct(&["SET", "user.1:mail", "ada@example.com"]).unwrap();
    world.direct(&["SET", "note", "hello"]).unwrap();
    let certificate = world.target.read("cert.pem").unwrap();
    let tag = |tags: &str| asset("cache", "redis", &world.target.address(), &certificate, tags);
    world.declared.also(&format!("{}---{POLICY}", tag("{ pii: ['user.*:mail'] }"))).unwrap();
    let sam = world.declared.person("sam", "tagged").unwrap();
    let ask = |commands: &str| sam.cli_with(&["connect", "app@cache"], commands).unwrap().ok().unwrap().text();
    assert_eq!(ask("GET user.1:mail\nGET note\nMGET note user.1:mail\n"), "***\nhello\n***\n***\n");
    let scripted = ask("EVAL \"return redis.call('get', 'user.1:mail')\" 0\n");
    assert_eq!(scripted, "***\n", "what scripts give");
    let raised = ask("EVAL \"return redis.error_reply('x ' .. redis.call('get', 'user.1:mail'))\" 0\n");
    assert!(raised.contains("not shown where results are masked") && !raised.contains("ada@"), "{raised}");
    world.declared.also(&tag("{ pii: [note] }")).unwrap();
    assert_eq!(ask("GET user.1:mail\nGET note\n"), "ada@example.com\n***\n");
    refuses_what_means_nothing(&world.declared.ada, &tag("{ pii: [] }"), "names no column");
}

fn refuses_what_means_nothing(ada: &Person, document: &str, said: &str) {
    let ran = ada.cli_with(&["apply", "-f", "-"], document).unwrap();
    assert!(ran.code != 0 && ran.said().contains(said), "{}", ran.said());
}
