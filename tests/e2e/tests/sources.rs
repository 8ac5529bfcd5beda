//! Discovery sources: hosts of declared networks are found, all of them and no others, and nothing outside
//! is touched.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use postern_e2e::{Child, Gate, Person, PgTarget, free_port, run, until};
use serde_json::Value;

struct Scene {
    gate: Gate,
    ada: Person,
}

impl Scene {
    fn start() -> Self {
        let (mut gate, shown) = Gate::set_up("ada", "correct horse battery staple").unwrap();
        let ada = Person::of_setup("ada", "correct horse battery staple", &shown).unwrap();
        gate.start().unwrap();
        ada.sign_in(&gate).unwrap();
        Self { gate, ada }
    }

    fn apply(&self, text: &str) -> postern_e2e::Ran {
        let file = self.gate.scratch().join("sources.yaml");
        fs::write(&file, text).unwrap();
        self.ada.cli(&["apply", "-f", &file.display().to_string()]).unwrap()
    }

    fn json(&self, words: &[&str]) -> Value {
        self.ada.cli(&[words, &["-o", "json"]].concat()).unwrap().ok().unwrap().json().unwrap()
    }

    fn look(&self, source: &str) -> Value {
        self.json(&["discover", "run", "--source", source])
    }

    /// What a source found: the platform, and whether the server said so, by address.
    fn found(&self, source: &str) -> BTreeMap<String, (String, bool)> {
        let hosts = self.json(&["discover", "hosts", "--source", source]);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let hosts = hosts.as_array().unwrap().iter();
        hosts
            .map(|host| (text(&host["address"]), (text(&host["platform"]), host["is_recognised"].as_bool().unwrap())))
            .collect()
    }

    fn run_of(&self, id: &str) -> Value {
        self.json(&["discover", "show", id])
    }
}

/// A program that answers at an address; gone when dropped.
fn listening(command: &mut Command, address: &str) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = Child::start(command).unwrap();
    until(address, || match child.ended()? {
        Some(status) => anyhow::bail!("{address}: {status}"),
        None => Ok(std::net::TcpStream::connect(address).ok().map(drop)),
    })
    .unwrap();
    child
}

/// Counts who connects, and says nothing.
fn counting(address: &str) -> Arc<AtomicUsize> {
    let listener = TcpListener::bind(address).unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
            drop(stream);
        }
    });
    count
}

#[test]
fn hosts_of_a_network_are_found_and_no_others() {
    let scene = Scene::start();
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key)).unwrap().ok().unwrap();
    let (ssh, redis) = (free_port().unwrap(), free_port().unwrap());
    fs::create_dir_all("/run/sshd").unwrap();
    let mut servers = Vec::new();
    for address in ["127.0.7.11", "127.0.7.12", "127.0.7.254"] {
        let mut sshd = Command::new("/usr/sbin/sshd");
        sshd.args(["-D", "-f", "/dev/null", "-o", "PidFile=none", "-o", &format!("ListenAddress={address}")]);
        servers.push(listening(sshd.args(["-p", &ssh.to_string(), "-h"]).arg(&key), &format!("{address}:{ssh}")));
    }
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.7.21", "--port", &redis.to_string(), "--requirepass", "x", "--save", ""]);
    servers.push(listening(command.current_dir(folder.path()), &format!("127.0.7.21:{redis}")));
    let pg = PgTarget::start().unwrap();
    let silent = counting(&format!("127.0.7.31:{redis}"));
    let neighbour = counting(&format!("127.0.8.11:{ssh}"));

    let source = format!(
        "kind: DiscoverySource\nname: rack\nnetworks: [127.0.7.0/24, 127.0.0.1/32]\n\
         addresses: [127.0.7.0/24, 127.0.7.200-127.0.7.254, localhost]\nrate: 1000\nconcurrency: 64\nports:\n\
         - {{port: {ssh}, platform: linux}}\n- {{port: {redis}, platform: redis}}\n\
         - {{port: {}, platform: postgresql}}\n",
        pg.port()
    );
    let outside = source.replace("localhost]", "localhost, 127.0.8.11]");
    let refused = scene.apply(&outside);
    assert_ne!(refused.code, 0);
    assert!(refused.stderr.contains("127.0.8.11` is not within one of the networks"), "{}", refused.stderr);
    scene.apply(&source).ok().unwrap();

    let done = scene.look("rack");
    assert_eq!((&done["state"], &done["targets"]), (&"done".into(), &(255 * 3).into()), "{done}");
    assert_eq!(done["looked_at"], done["targets"]);
    let said = |platform: &str| (platform.to_owned(), true);
    let planted = BTreeMap::from([
        (format!("127.0.7.11:{ssh}"), said("linux")),
        (format!("127.0.7.12:{ssh}"), said("linux")),
        (format!("127.0.7.254:{ssh}"), said("linux")),
        (format!("127.0.7.21:{redis}"), said("redis")),
        (format!("127.0.7.31:{redis}"), ("redis".to_owned(), false)),
        (pg.address(), said("postgresql")),
    ]);
    assert_eq!(scene.found("rack"), planted);
    assert_eq!(silent.load(Ordering::SeqCst), 1, "a silent host gets one connection");
    assert_eq!(neighbour.load(Ordering::SeqCst), 0, "nothing outside the networks is touched");

    adopt(&scene, &format!("127.0.7.11:{ssh}"), planted.len(), &key);
    // What is taken down is gone, and nothing is open about it any more.
    drop(servers);
    scene.look("rack");
    let open = scene.json(&["findings", "--kind", "unknown_host"]);
    let about: Vec<_> = open.as_array().unwrap().iter().map(|finding| &finding["host"]["address"]).collect();
    assert_eq!(about.len(), 2, "{about:?}");
}

/// Each unknown host is a finding; one that is adopted is an asset, and no finding any more.
fn adopt(scene: &Scene, address: &str, hosts: usize, key: &std::path::Path) {
    let unknown = || scene.json(&["findings", "--kind", "unknown_host"]).as_array().unwrap().clone();
    let about = |findings: &[Value]| findings.iter().filter(|f| f["host"]["address"] == address).count();
    let open = unknown();
    assert_eq!((open.len(), about(&open)), (hosts, 1), "{open:?}");
    assert!(open.iter().all(|finding| finding["severity"] == "medium"));
    let print = run(Command::new("ssh-keygen").arg("-lf").arg(key.with_extension("pub"))).unwrap().text();
    let host = scene.json(&["discover", "hosts"]);
    let host = host.as_array().unwrap().iter().find(|host| host["address"] == address).unwrap().clone();
    assert!(print.contains(host["host_key"].as_str().unwrap()), "{print} {host}");
    assert!(host["banner"].as_str().unwrap().starts_with("SSH-2.0-OpenSSH"), "{host}");

    let asset = scene.json(&["discover", "adopt", address, "--name", "web-7"]);
    assert_eq!((&asset["name"], &asset["address"]), (&"web-7".into(), &address.into()));
    assert_eq!((unknown().len(), about(&unknown())), (hosts - 1, 0));
    assert_ne!(scene.ada.cli(&["discover", "adopt", address, "--name", "web-8"]).unwrap().code, 0);
    scene.look("rack");
    assert_eq!((unknown().len(), about(&unknown())), (hosts - 1, 0), "an adopted host stays known");
}

#[test]
fn a_name_that_stands_for_an_address_outside_is_not_followed() {
    let scene = Scene::start();
    let port = free_port().unwrap();
    let outside = counting(&format!("127.0.0.1:{port}"));
    let source = format!(
        "kind: DiscoverySource\nname: names\nnetworks: [127.0.7.0/24]\naddresses: [localhost]\n\
         ports: [{{port: {port}, platform: linux}}]\n"
    );
    scene.apply(&source).ok().unwrap();
    let done = scene.look("names");
    assert_eq!(done["hosts"], 0, "{done}");
    let shown = scene.run_of(done["id"].as_str().unwrap());
    assert!(shown["gaps"].to_string().contains("outside the declared networks"), "{shown}");
    assert_eq!(outside.load(Ordering::SeqCst), 0);
}

#[test]
fn a_run_goes_on_after_a_crash_where_it_was_and_can_be_cancelled() {
    let mut scene = Scene::start();
    let port = free_port().unwrap();
    let first = counting(&format!("127.0.9.1:{port}"));
    let last = counting(&format!("127.0.9.254:{port}"));
    let source = format!(
        "kind: DiscoverySource\nname: slow\nnetworks: [127.0.9.0/24]\naddresses: [127.0.9.0/24]\nrate: 40\n\
         ports: [{{port: {port}, platform: linux}}]\n"
    );
    scene.apply(&source).ok().unwrap();
    let begin = |scene: &Scene| {
        let begun = scene.json(&["discover", "run", "--source", "slow", "--no-wait"]);
        assert!(begun["expected_at"].is_string(), "{begun}");
        begun["id"].as_str().unwrap().to_owned()
    };
    let under_way = |scene: &Scene, id: &str| {
        until("the first addresses", || Ok((scene.run_of(id)["looked_at"].as_u64() > Some(0)).then_some(()))).unwrap();
    };
    let id = begin(&scene);
    under_way(&scene, &id);
    assert_ne!(scene.ada.cli(&["discover", "run", "--source", "slow"]).unwrap().code, 0, "one run at a time");
    scene.gate.kill();
    scene.gate.start().unwrap();
    until("the rest", || Ok((scene.run_of(&id)["state"] == "done").then_some(()))).unwrap();
    let done = scene.run_of(&id);
    assert_eq!((&done["looked_at"], &done["hosts"]), (&254.into(), &2.into()), "{done}");
    let counted = || (first.load(Ordering::SeqCst), last.load(Ordering::SeqCst));
    assert_eq!(counted(), (1, 1), "what was done is not done again");

    let id = begin(&scene);
    under_way(&scene, &id);
    assert_eq!(scene.json(&["discover", "cancel", &id])["state"], "cancelled");
    let rest = begin(&scene);
    scene.ada.cli(&["discover", "delete-source", "slow"]).unwrap().ok().unwrap();
    for id in [&id, &rest] {
        let shown = scene.run_of(id);
        assert_eq!(shown["state"], "cancelled");
        assert!(shown["looked_at"].as_u64() < Some(254), "{shown}");
    }
    assert_eq!(counted().1, 1, "nothing more is begun");
    assert_ne!(scene.ada.cli(&["discover", "run", "--source", "slow"]).unwrap().code, 0);
}
