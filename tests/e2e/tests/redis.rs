//! Redis through the gate, with the clients that people have.

use std::process::{Command, Stdio};

use postern_e2e::{Child, Person, Ran, RedisWorld, free_port, python_with, run, run_with_input, until};

/// redis-cli through `postern connect`, with commands on its standard input.
fn redis_cli(person: &Person, commands: &str) -> Ran {
    person.cli_with(&["connect", "app@cache"], commands).unwrap()
}

#[test]
fn people_work_with_redis_cli_and_every_command_is_recorded() {
    let world = RedisWorld::start().unwrap();
    let ben = world.declared.person("ben", "dba").unwrap();
    let said = redis_cli(&ben, "SET user:1 'Ada Lovelace'\nGET user:1\nMULTI\nINCR n\nINCR n\nEXEC\nHGET user:1 x\n");
    let said = said.ok().unwrap().text();
    assert!(said.starts_with("OK\nAda Lovelace\nOK\nQUEUED\nQUEUED\n1\n2\n"), "{said}");
    assert!(said.contains("WRONGTYPE"), "{said}");
    let recorded = world.declared.statements("ben").unwrap();
    let find = |text: &str| recorded.iter().find(|(begun, _)| begun["text"] == text).cloned();
    let (begun, end) = find("SET user:1").expect("the first command");
    assert_eq!((begun["parameters"][0]["value"].as_str(), end["tag"].as_str()), (Some("Ada Lovelace"), Some("OK")));
    let (_, end) = find("HGET user:1").expect("the last command");
    assert_eq!((end["outcome"].as_str(), end["code"].as_str()), (Some("failed"), Some("WRONGTYPE")));
    assert_eq!(find("EXEC").expect("the transaction").1["rows"], 2);

    redis_cli(&ben, "ACL SETUSER eve on >hunter2 ~x\nCONFIG SET requirepass hunter2\n").ok().unwrap();
    let session = world.declared.newest_session("ben").unwrap();
    let exported = world.declared.ada.cli(&["session", "export", &session, "--format", "text"]).unwrap().ok().unwrap();
    assert!(exported.text().contains("ACL SETUSER") && !exported.text().contains("hunter2"), "{}", exported.text());
    world.declared.gate.offline(&["audit", "verify"]).unwrap().ok().unwrap();
}

#[test]
fn a_benchmark_runs_through_the_gate() {
    let world = RedisWorld::start().unwrap();
    let ben = world.declared.person("ben", "dba").unwrap();
    let uri = world.uri(&ben, "app@cache").unwrap();
    let (uri, _) = uri.split_once('?').unwrap();
    let mut bench = Command::new("redis-benchmark");
    bench.args(["-u", uri, "--tls", "--cacert"]).arg(world.declared.gate.ca());
    bench.args([
        "-n",
        "2000",
        "-c",
        "4",
        "-P",
        "16",
        "-q",
        "-t",
        "ping,set,get,incr,lpush,lpop,sadd,hset,zadd,lrange_100,mset",
    ]);
    let ran = run(&mut bench).unwrap().ok().unwrap();
    for line in ["PING_INLINE", "PING_MBULK", "SET", "GET", "LRANGE_100", "MSET (10 keys)"] {
        assert!(ran.text().contains(line), "{}", ran.said());
    }
    assert!(!ran.said().contains("rror"), "{}", ran.said());
}

#[test]
fn rules_hold_for_commands() {
    let world = RedisWorld::start().unwrap();
    world.direct(&["MSET", "a", "1", "counter:x", "1", "secret:x", "s3cret"]).unwrap();
    let rea = world.declared.person("rea", "ruled").unwrap();
    let said =
        redis_cli(&rea, "FLUSHALL\nGET a\nINCR counter:x\nGET secret:x\nMGET a secret:x\nFROBNICATE a\nMONITOR\n");
    let said = said.ok().unwrap().text();
    assert!(said.contains("NOPERM postern: this statement is refused by the rule `no-flushing`"), "{said}");
    assert!(said.contains("\n1\n2\n") && said.matches("rule `secrets`").count() == 2, "{said}");
    assert!(said.contains("FROBNICATE is not in the list") && said.contains("MONITOR is never passed on"), "{said}");
    assert!(!said.contains("s3cret"), "{said}");
    let aborted = redis_cli(&rea, "MULTI\nSET a 9\nFLUSHALL\nEXEC\nGET a\n").ok().unwrap().text();
    assert!(aborted.contains("EXECABORT") && aborted.trim_end().ends_with('1'), "{aborted}");
    let many: String = (0..200).map(|n| format!("RPUSH many {n}\n")).collect();
    let many = redis_cli(&rea, &format!("{many}LRANGE many 0 -1\nLRANGE many 0 9\n")).ok().unwrap().text();
    assert!(many.contains("more rows than the policy gives one statement"), "{many}");
    let ended = redis_cli(&rea, "EVAL 'return 1' 0\nGET a\n");
    assert!(ended.said().contains("this session is ended by the rule `not-the-server`"), "{}", ended.said());
    let ledger = world.declared.ada.cli(&["audit", "list", "-o", "json"]).unwrap().ok().unwrap().text();
    for told in ["statement.alert", "statement.block", "INCR ?", "FLUSHALL"] {
        assert!(ledger.contains(told), "{told}");
    }
    assert!(!ledger.contains("counter:x"), "no keys in the ledger");

    let ria = world.declared.person("ria", "readers").unwrap();
    let said = redis_cli(&ria, "GET a\nSET a 2\nEVAL 'return 1' 0\nGETDEL a\n").ok().unwrap().text();
    assert!(said.starts_with("1\n") && said.matches("read_only").count() == 3, "{said}");
}

#[test]
fn a_command_waits_for_somebodys_yes() {
    let world = RedisWorld::start().unwrap();
    let rea = world.declared.person("rea", "ruled").unwrap();
    world.direct(&["SET", "old", "1"]).unwrap();
    for (verb, left) in [("deny", "1"), ("approve", "0")] {
        let mut command = rea.command(&["connect", "app@cache", "--", "DEL", "old"]).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut client = Child::start(&mut command).unwrap();
        let id = until("the command to wait", || {
            let waiting = world.declared.ada.cli(&["statements", "-o", "json"])?.json()?;
            Ok(waiting[0]["id"].as_str().map(str::to_owned))
        })
        .unwrap();
        assert_eq!(world.direct(&["EXISTS", "old"]).unwrap(), "1", "it has not run");
        world.declared.ada.cli(&["statement", verb, &id, "--reason", "said so"]).unwrap().ok().unwrap();
        until("redis-cli to end", || client.ended()).unwrap();
        assert_eq!(world.direct(&["EXISTS", "old"]).unwrap(), left);
    }
}

#[test]
fn a_session_that_is_killed_ends_what_waits() {
    let world = RedisWorld::start().unwrap();
    let ben = world.declared.person("ben", "dba").unwrap();
    let mut command = ben.command(&["connect", "app@cache", "--", "BLPOP", "nothing", "0"]).unwrap();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut client = Child::start(&mut command).unwrap();
    until("the command to wait", || Ok(world.direct(&["CLIENT", "LIST"])?.contains("cmd=blpop").then_some(())))
        .unwrap();
    let session = world.declared.newest_session("ben").unwrap();
    world.declared.ada.cli(&["session", "kill", &session, "--reason", "enough"]).unwrap().ok().unwrap();
    until("redis-cli to end", || client.ended()).unwrap();
    until("nothing to wait", || Ok((!world.direct(&["CLIENT", "LIST"])?.contains("cmd=blpop")).then_some(()))).unwrap();
    let recorded = world.declared.statements("ben").unwrap();
    assert_eq!(recorded.last().unwrap().1["outcome"], "unknown");
}

#[test]
fn values_are_masked() {
    let world = RedisWorld::start().unwrap();
    world.direct(&["HSET", "customer:1", "name", "Ada", "age", "36"]).unwrap();
    world.direct(&["SET", "note", "write to ada@example.com"]).unwrap();
    let sam = world.declared.person("sam", "support").unwrap();
    let said =
        redis_cli(&sam, "HGETALL customer:1\nGET note\nMULTI\nHGET customer:1 name\nGET note\nEXEC\n").ok().unwrap();
    assert_eq!(said.text(), "***\n***\n***\n***\n\nwrite to ***\nOK\nQUEUED\nQUEUED\n***\n***\n".replace("\n\n", "\n"));
    let scripted = redis_cli(&sam, "EVAL \"return redis.call('hget','customer:1','name')\" 0\n").ok().unwrap().text();
    assert_eq!(scripted, "***\n");
    world.direct(&["RPUSH", "ids", "1"]).unwrap();
    let sorted = redis_cli(&sam, "SORT_RO ids BY nosort GET customer:*->name\nSORT_RO ids\n").ok().unwrap().text();
    assert_eq!(sorted, "***\n1\n", "what is read by a pattern of keys");
    redis_cli(&sam, "HGETALL customer:1\nMGET note missing\nSTRLEN note\n").ok().unwrap();
    let kept = world.declared.kept_rows("sam").unwrap();
    let wanted = ["***|***|***|***", "write to ***|NULL", "24"];
    assert_eq!(kept[kept.len() - wanted.len()..], wanted);
}

/// Signs in from an address of its own, and shows what the gate says to that and to a command.
const FROM: &str = r#"
import os, socket, ssl
tcp = socket.create_connection(("127.0.0.1", int(os.environ["PORT"])), source_address=(os.environ["SOURCE"], 0))
tls = ssl.create_default_context(cafile=os.environ["CA"]).wrap_socket(tcp, server_hostname="127.0.0.1")
said = tls.makefile("rb")
tls.sendall(f"AUTH app@cache {os.environ['TOKEN']}\r\n".encode())
print(said.readline().decode().strip())
if os.environ["SOURCE"] == "127.0.0.1":
    tls.sendall(b"INCR counted\r\n")
    print(said.readline().decode().strip())
"#;

#[test]
fn tokens_hold_where_they_were_made() {
    let world = RedisWorld::start().unwrap();
    let ben = world.declared.person("ben", "dba").unwrap();
    let uri = ben.cli(&["connect", "app@cache", "--print", "--bind-source"]).unwrap().ok().unwrap().text();
    let from = |source: &str| {
        let mut python = Command::new("python3");
        python.args(["-c", FROM]).env("TOKEN", uri.split([':', '@']).nth(2).unwrap()).env("SOURCE", source);
        python.env("PORT", world.declared.gate.redis_port()).env("CA", world.declared.gate.ca());
        run(&mut python).unwrap().ok().unwrap().text()
    };
    assert_eq!(from("127.0.0.1"), "+OK\n:1\n");
    let elsewhere = from("127.0.0.2");
    assert!(elsewhere.contains("the token is not valid for app@cache"), "{elsewhere}");
    assert_eq!(from("127.0.0.1"), "+OK\n:2\n", "what was refused elsewhere still holds here");
    let listed = world.declared.ada.cli(&["sessions", "--user", "ben", "-o", "json"]).unwrap().json().unwrap();
    assert_eq!(listed.as_array().map(Vec::len), Some(2), "none was opened from elsewhere: {listed}");
}

#[test]
fn without_a_good_token_or_tls_nobody_is_let_in() {
    let world = RedisWorld::start().unwrap();
    let ben = world.declared.person("ben", "dba").unwrap();
    let uri = world.uri(&ben, "app@cache").unwrap();
    let token = uri.split([':', '@']).nth(2).unwrap().to_owned();
    let port = world.declared.gate.redis_port();
    let ca = world.declared.gate.ca();
    let ask = |user: &str, token: &str, commands: &str| {
        let mut command = Command::new("redis-cli");
        command.env("REDISCLI_AUTH", token).args(["--tls", "-p", port, "--user", user, "--cacert"]).arg(&ca);
        run_with_input(&mut command, commands.as_bytes()).unwrap().said()
    };
    assert!(ask("app@cache", &token, "PING\n").contains("PONG"));
    assert!(ask("app@cache", "pst_connect_nonsense", "PING\n").contains("the token is not valid for app@cache"));
    assert!(ask("other@cache", &token, "PING\n").contains("the token is not valid for other@cache"));
    assert!(ask("app", &token, "PING\n").contains("does not say what to sign in to"));
    let plain = run_with_input(Command::new("redis-cli").args(["-p", port, "PING"]), b"").unwrap();
    assert!(plain.said().contains("without TLS nobody is let in"), "{}", plain.said());

    // A second AUTH is judged anew: it opens another session, or leaves this one as it is.
    let other = world.uri(&ben, "other@cache").unwrap();
    let other = other.split([':', '@']).nth(2).unwrap().to_owned();
    let commands = format!("ACL WHOAMI\nAUTH other@cache wrong\nACL WHOAMI\nAUTH other@cache {other}\nACL WHOAMI\n");
    let said = ask("app@cache", &token, &commands);
    assert!(said.contains("app\n") && said.contains("WRONGPASS") && said.trim_end().ends_with("other"), "{said}");
    let listed = world.declared.ada.cli(&["sessions", "--user", "ben", "-o", "json"]).unwrap().json().unwrap();
    assert_eq!(
        (&listed[0]["account"], &listed[1]["account"]),
        (&"other@cache".into(), &"app@cache".into()),
        "{listed}"
    );
    assert!(!world.declared.statements("ben").unwrap().iter().any(|(begun, _)| begun.to_string().contains(&other)));
    let commands =
        format!("HELLO 3 AUTH other@cache wrong\nACL WHOAMI\nHELLO 3 AUTH other@cache {other}\nACL WHOAMI\n");
    let said = ask("app@cache", &token, &commands);
    assert!(said.contains("app\n") && said.contains("WRONGPASS") && said.trim_end().ends_with("other"), "{said}");

    ben.cli(&["logout"]).unwrap().ok().unwrap();
    assert!(ask("app@cache", &token, "PING\n").contains("the token is not valid"));
}

#[test]
fn a_local_port_leads_to_the_cache() {
    let world = RedisWorld::start().unwrap();
    let ben = world.declared.person("ben", "dba").unwrap();
    let port = free_port().unwrap();
    let mut command = ben.command(&["proxy", "app@cache", "--listen", &format!("127.0.0.1:{port}")]).unwrap();
    let _proxy = Child::start(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())).unwrap();
    until("the proxy", || Ok(std::net::TcpStream::connect(("127.0.0.1", port)).ok())).unwrap();
    let ran = run(Command::new("redis-cli").args(["-p", &port.to_string(), "ACL", "WHOAMI"])).unwrap();
    assert_eq!(ran.ok().unwrap().text(), "app\n");
}

/// What a driver does in its daily work: pipelines, transactions, subscriptions, scripts, both versions.
const DRIVER: &str = r#"
import os, redis, threading
for version in (2, 3):
    r = redis.Redis.from_url(os.environ["URI"], protocol=version, decode_responses=True)
    r.flushdb()
    assert r.set("a", "x" * 300000) and len(r.get("a")) == 300000
    with r.pipeline(transaction=False) as p:
        for n in range(500): p.incr("n")
        assert p.execute() == list(range(1, 501))
    with r.pipeline() as p:
        p.watch("n"); p.multi(); p.incr("n"); p.hset("h", mapping={"x": 1, "y": 2}); p.hgetall("h")
        assert p.execute() == [501, 2, {"x": "1", "y": "2"}]
    try:
        r.lpush("a", 1); raise SystemExit("no error")
    except redis.ResponseError as e:
        assert "wrong kind" in str(e) or "WRONGTYPE" in str(e), e
    r.zadd("z", {"a": 1.5, "b": 2})
    assert r.zrange("z", 0, -1, withscores=True)[0] in (("a", 1.5), ["a", 1.5])
    assert r.eval("return {1, 'two', {3}}", 0) == [1, "two", [3]]
    p = r.pubsub()
    p.subscribe("news", "more"); p.psubscribe("w*")
    kinds = [p.get_message(timeout=5)["type"] for _ in range(3)]
    assert kinds == ["subscribe", "subscribe", "psubscribe"], kinds
    assert r.publish("news", "hello") == 1
    m = p.get_message(timeout=5)
    assert (m["type"], m["data"]) == ("message", "hello"), m
    p.ping()
    pong = p.get_message(timeout=5)
    assert pong["type"] == "pong" or version == 3, pong
    p.unsubscribe()
    kinds = [p.get_message(timeout=5)["type"] for _ in range(2)]
    assert kinds == ["unsubscribe", "unsubscribe"], kinds
    p.close()
    assert r.blpop(["nothing"], timeout=1) is None
    assert r.info("server")["redis_version"]
    assert r.client_list() and r.command_count() > 100
    r.xadd("s", {"f": "v"})
    assert r.xread({"s": "0"}, count=1)
print("done")
"#;

#[test]
fn a_driver_finds_everything_as_it_is() {
    let Some(mut python) = python_with("redis") else { return };
    let world = RedisWorld::start().unwrap();
    let ben = world.declared.person("ben", "dba").unwrap();
    let uri = world.uri(&ben, "app@cache").unwrap();
    let ran = run(python.args(["-c", DRIVER]).env("URI", &uri)).unwrap();
    assert_eq!(ran.ok().unwrap().text(), "done\n");
}
