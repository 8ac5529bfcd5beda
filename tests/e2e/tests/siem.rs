//! Events to those who collect them, in every format, while receivers are stopped, killed and slowed, and Postern
//! itself is killed.
//!
//! The receivers are rsyslog, over TLS and RELP, and an HTTP event collector written from its documentation, since
//! none of its makers' can be had here. OCSF is validated by its own schema. `cargo xtask siem` runs this and prints
//! what was counted.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use postern_e2e::{Child, Gate, Person, SshTarget, World, free_port, python_with, repository, run, until};
use serde_json::Value;

const TOKEN: &str = "0f3c1d52-8a5e-4a53-9d7e-1c1b7f0a4e11";

/// Where events arrive.
struct Receivers {
    desk: PathBuf,
    /// rsyslog over TLS, rsyslog over RELP, the collector.
    running: Vec<(Command, Option<Child>)>,
}

impl Receivers {
    /// Starts them, and configures the gate to tell them everything.
    fn start(gate: &Gate) -> Self {
        let desk = gate.scratch().join("siem");
        fs::create_dir_all(desk.join("in")).unwrap();
        certificates(&desk);
        let ports: Vec<u16> = (0..5).map(|_| free_port().unwrap()).collect();
        let [json, cef, leef, ocsf, collector] = ports.try_into().unwrap();
        let streams = [("json", json), ("cef", cef), ("leef", leef)];
        let inputs: String = streams
            .iter()
            .map(|(name, port)| {
                format!(
                    "{}\ninput(type=\"imtcp\" address=\"127.0.0.1\" port=\"{port}\" ruleset=\"{name}\")\n",
                    ruleset(&desk, name)
                )
            })
            .collect();
        let at = |name: &str| desk.join(name).display().to_string();
        let tls = "module(load=\"imtcp\" StreamDriver.Name=\"gtls\" StreamDriver.Mode=\"1\" StreamDriver.AuthMode=\"x509/certvalid\")\n";
        fs::write(desk.join("tls.conf"), format!("{}{tls}{inputs}", preamble(&desk, "tls"))).unwrap();
        let relp = format!(
            "{}module(load=\"imrelp\")\n{}\ninput(type=\"imrelp\" address=\"127.0.0.1\" port=\"{ocsf}\" ruleset=\"ocsf\" maxDataSize=\"128k\" \
             tls=\"on\" tls.cacert={ca:?} tls.mycert={cert:?} tls.myprivkey={key:?} tls.authmode=\"certvalid\")\n",
            preamble(&desk, "relp"),
            ruleset(&desk, "ocsf"),
            ca = at("ca.pem"),
            cert = at("server.pem"),
            key = at("server.key"),
        );
        fs::write(desk.join("relp.conf"), relp).unwrap();
        let mut hec = Command::new("python3");
        hec.arg(repository().join("tests/e2e/tests/siem/collector.py")).arg(collector.to_string());
        hec.args([at("server.pem"), at("server.key"), TOKEN.to_owned(), at("in/collector")]);
        let mut running = vec![rsyslogd(&desk, "tls"), rsyslogd(&desk, "relp"), hec];
        for command in &mut running {
            command.stdin(Stdio::null()).stdout(Stdio::null());
        }
        configure(gate, &desk, &streams, ocsf, collector);
        let mut receivers = Self { desk, running: running.into_iter().map(|command| (command, None)).collect() };
        (0..3).for_each(|nth| receivers.begin(nth));
        for port in [json, ocsf, collector] {
            until("a receiver", || Ok(std::net::TcpStream::connect(("127.0.0.1", port)).ok())).unwrap();
        }
        receivers
    }

    fn begin(&mut self, nth: usize) {
        let (command, child) = &mut self.running[nth];
        *child = Some(Child::start(command).unwrap());
    }

    fn signal(&self, nth: usize, signal: &str) {
        self.running[nth].1.as_ref().unwrap().signal(signal).unwrap();
    }

    fn end(&mut self, nth: usize, signal: &str) {
        self.signal(nth, signal);
        let mut child = self.running[nth].1.take().unwrap();
        until("a receiver's end", || child.ended()).unwrap();
    }

    /// The highest index that has arrived at each.
    fn arrived(&self) -> Vec<u64> {
        let highest = |name: &str| {
            let text = fs::read_to_string(self.desk.join("in").join(name)).unwrap_or_default();
            let place = if name == "collector" { "\"ledger_index\": " } else { "[postern@32473 index=\"" };
            let number = |line: &str| {
                let (_, rest) = line.split_once(place)?;
                rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
            };
            text.lines().filter_map(number).max().unwrap_or(0)
        };
        ["json", "cef", "leef", "ocsf", "collector"].map(highest).into()
    }

    /// Whether those that were told again from the first event on have it, and all were told that all is well.
    fn are_complete(&self) -> bool {
        let read = |name: &str| fs::read_to_string(self.desk.join("in").join(name)).unwrap_or_default();
        let first = |name: &str| read(name).contains("[postern@32473 index=\"0\"");
        let beats = ["json", "cef", "leef", "ocsf", "collector"].iter().all(|name| read(name).contains("heartbeat"));
        first("json") && first("ocsf") && beats
    }
}

fn certificates(desk: &Path) {
    let at = |name: &str| desk.join(name).display().to_string();
    let new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    let openssl = |arguments: &[String]| drop(run(Command::new("openssl").args(arguments)).unwrap().ok().unwrap());
    let words = |more: &[&str]| -> Vec<String> { new.iter().chain(more).map(ToString::to_string).collect() };
    openssl(&words(&[
        "-x509",
        "-days",
        "30",
        "-subj",
        "/CN=logs of the test",
        "-keyout",
        &at("ca.key"),
        "-out",
        &at("ca.pem"),
    ]));
    for name in ["server", "client"] {
        let (request, key) = (at(&format!("{name}.csr")), at(&format!("{name}.key")));
        openssl(&words(&["-subj", &format!("/CN={name}"), "-keyout", &key, "-out", &request]));
        fs::write(desk.join("san"), "subjectAltName=IP:127.0.0.1\nbasicConstraints=critical,CA:FALSE\n").unwrap();
        let sign = ["x509", "-req", "-days", "30", "-in", &request, "-CA", &at("ca.pem"), "-CAkey", &at("ca.key")];
        let rest = ["-CAcreateserial", "-extfile", &at("san"), "-out", &at(&format!("{name}.pem"))];
        openssl(&sign.iter().chain(&rest).map(ToString::to_string).collect::<Vec<_>>());
    }
}

fn preamble(desk: &Path, name: &str) -> String {
    let at = |name: &str| desk.join(name).display().to_string();
    fs::create_dir_all(desk.join(format!("work-{name}"))).unwrap();
    format!(
        "global(workDirectory={:?} maxMessageSize=\"128k\" parser.escapeControlCharactersOnReceive=\"off\" \
         defaultNetstreamDriverCAFile={:?} defaultNetstreamDriverCertFile={:?} defaultNetstreamDriverKeyFile={:?})\n\
         template(name=\"raw\" type=\"string\" string=\"%rawmsg%\\n\")\n",
        at(&format!("work-{name}")),
        at("ca.pem"),
        at("server.pem"),
        at("server.key"),
    )
}

fn ruleset(desk: &Path, name: &str) -> String {
    let file = desk.join("in").join(name).display().to_string();
    format!("ruleset(name=\"{name}\") {{ action(type=\"omfile\" file={file:?} template=\"raw\") }}")
}

fn rsyslogd(desk: &Path, name: &str) -> Command {
    let mut command = Command::new("/usr/sbin/rsyslogd");
    command.arg("-n").arg("-f").arg(desk.join(format!("{name}.conf"))).arg("-i").arg(desk.join(format!("{name}.pid")));
    command.stderr(fs::File::create(desk.join(format!("{name}.log"))).unwrap());
    command
}

fn configure(gate: &Gate, desk: &Path, streams: &[(&str, u16)], ocsf: u16, collector: u16) {
    let at = |name: &str| desk.join(name).display().to_string();
    fs::write(desk.join("token"), TOKEN).unwrap();
    let everything = "carries = \"everything\"\nheartbeat = \"10s\"\n";
    let shown = format!(
        "authority = {:?}\ncertificate = {:?}\nkey_file = {:?}\n",
        at("ca.pem"),
        at("client.pem"),
        at("client.key")
    );
    let mut config: String = streams
        .iter()
        .map(|(name, port)| {
            format!("[[channels]]\nname = \"{name}\"\nkind = \"syslog\"\nformat = \"{name}\"\naddress = \"127.0.0.1:{port}\"\n{everything}{shown}\n")
        })
        .collect();
    config.push_str(&format!(
        "[[channels]]\nname = \"ocsf\"\nkind = \"syslog\"\nformat = \"ocsf\"\ntransport = \"relp\"\naddress = \"127.0.0.1:{ocsf}\"\n{everything}{shown}\n\
         [[channels]]\nname = \"collector\"\nkind = \"collector\"\nurl = \"https://127.0.0.1:{collector}/services/collector/event\"\n\
         token_file = {:?}\nauthority = {:?}\n{everything}",
        at("token"),
        at("ca.pem"),
    ));
    fs::write(gate.config(), config).unwrap();
}

/// What happens in between: people made, groups changed, sign-ins that fail, sessions on a real server.
fn life(world: &World, round: usize) {
    for nth in 0..8 {
        let name = format!("p{round}-{nth}");
        world.ada.cli(&["user", "create", &name, "--group", "staff"]).unwrap().ok().unwrap();
    }
    world.ada.cli(&["user", "disable", &format!("p{round}-0")]).unwrap().ok().unwrap();
    let wrong = serde_json::json!({ "name": "ada", "password": "not this | one = \\ \t\n", "otp": "000000" });
    let _ = world.gate.call("POST", "/v1/logins", Some(&wrong));
    world
        .ada
        .cli(&["request", "root@web-1", "--for", "10m", "--reason", "tab\tbar|equals=quote\"bracket]\\ ü\nline"])
        .unwrap();
    world.ada.cli(&["secret", "reveal", "deploy@web-1"]).unwrap();
}

/// Waits until each receiver has what the ledger holds now.
fn told(world: &World, receivers: &Receivers) -> u64 {
    let newest = || -> u64 {
        let page = world.ada.cli(&["audit", "list", "-o", "json"]).unwrap().json().unwrap();
        page[0]["index"].as_u64().unwrap()
    };
    let newest = newest();
    postern_e2e::within("all receivers to be told", std::time::Duration::from_secs(120), || {
        Ok(receivers.arrived().iter().all(|index| *index >= newest).then_some(newest))
    })
    .unwrap_or_else(|error| panic!("{error}: {newest} of {:?}\n{}", receivers.arrived(), world.gate.log()))
}

#[test]
fn every_event_arrives_as_documented_through_all_interruptions() {
    let Some(mut python) = python_with("ocsf_json_schema") else { return };
    let (gate, shown) = Gate::set_up("ada", "correct horse battery staple").unwrap();
    let ada = Person::of_setup("ada", "correct horse battery staple", &shown).unwrap();
    let mut receivers = Receivers::start(&gate);
    let mut world = World { gate, target: SshTarget::start("web-1").unwrap(), ada };
    world.gate.start().unwrap();
    world.ada.sign_in(&world.gate).unwrap();
    world.apply(&world.access().unwrap()).unwrap();
    world.target.trust(&world.ada.cli(&["ssh-ca"]).unwrap().ok().unwrap().text()).unwrap();
    let ben = world.person("ben", &["staff"]).unwrap();
    ben.prove_factor(&world.gate, "root@web-1").unwrap();
    run(ben.ssh(&world.gate, "root@web-1").arg("true")).unwrap().ok().unwrap();
    let first = told(&world, &receivers);
    let mut interruptions = 0;
    let mut interrupt = |world: &mut World, receivers: &mut Receivers, round: usize, signals: [&str; 3]| {
        for (nth, signal) in signals.into_iter().enumerate() {
            if signal == "STOP" {
                receivers.signal(nth, signal);
            } else {
                receivers.end(nth, signal);
            }
            interruptions += 1;
        }
        life(world, round);
        for (nth, signal) in signals.into_iter().enumerate() {
            if signal == "STOP" { receivers.signal(nth, "CONT") } else { receivers.begin(nth) }
        }
        life(world, round + 1);
        told(world, receivers);
    };
    interrupt(&mut world, &mut receivers, 1, ["TERM", "TERM", "TERM"]);
    interrupt(&mut world, &mut receivers, 3, ["KILL", "TERM", "KILL"]);
    interrupt(&mut world, &mut receivers, 5, ["STOP", "STOP", "STOP"]);
    interrupt(&mut world, &mut receivers, 7, ["KILL", "TERM", "STOP"]);
    life(&world, 9);
    world.gate.kill();
    world.gate.start().unwrap();
    interruptions += 1;
    life(&world, 10);
    told(&world, &receivers);
    for name in ["json", "ocsf"] {
        world.ada.cli(&["channel", "replay", name, "--from", "0"]).unwrap().ok().unwrap();
    }
    told(&world, &receivers);
    until("what is told again and that all is well", || Ok(receivers.are_complete().then_some(()))).unwrap();
    let ledger = receivers.desk.join("ledger.jsonl");
    fs::write(&ledger, world.ada.cli(&["audit", "export"]).unwrap().ok().unwrap().text()).unwrap();
    python
        .arg(repository().join("tests/e2e/tests/siem/check.py"))
        .arg(&ledger)
        .arg(receivers.desk.join("in"))
        .arg(first.to_string());
    let found: Value = run(&mut python).unwrap().json().unwrap();
    let count = |name: &str| found[name].as_array().unwrap().len();
    println!(
        "sent={} received={} missing={} twice={} interruptions={interruptions} receivers=5 formats=5 ocsf_classes={} ocsf_invalid={} heartbeats={}",
        found["sent"],
        found["received"],
        count("missing"),
        found["twice"],
        count("classes"),
        count("invalid"),
        found["heartbeats"]
    );
    assert_eq!((count("missing"), count("invalid")), (0, 0), "{found:#}");
}
