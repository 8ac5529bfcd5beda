//! People of another company, as a vendor meets them: a sponsor, an end, networks, a yes to each session, and
//! somebody who watches it; with OpenSSH to a real sshd.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use postern_e2e::{Browser, Child, Person, Socket, World, run, until};
use serde_json::Value;

/// A vendor and the one who answers for them, in a world.
struct Stage {
    world: World,
    vic: Person,
    lee: Person,
    browser: Browser,
}

/// A session of the vendor's that goes on.
struct Session {
    child: Child,
    said: PathBuf,
    id: String,
}

impl Stage {
    fn new(terms: &[&str]) -> anyhow::Result<Self> {
        let world = World::start()?;
        let lee = world.person("lee", &["leads"])?;
        let made = ["user", "add", "vic", "--group", "staff", "--vendor", "--sponsor", "lee", "-o", "json"];
        let made = world.ada.cli(&[&made[..], terms].concat())?.json()?;
        let vic = Person::enrol(&world.gate, "vic", made.pointer("/link/url").and_then(Value::as_str).unwrap())?;
        vic.sign_in(&world.gate)?;
        vic.register_key()?;
        let browser = Browser::sign_in(&world.gate, &lee)?;
        Ok(Self { world, vic, lee, browser })
    }

    fn asked(&self) -> String {
        let asked = ["request", "root@web-1", "--for", "1h", "--reason", "the pump", "-o", "json"];
        let ran = self.vic.cli(&asked).unwrap().ended(4).unwrap();
        serde_json::from_slice::<Value>(&ran.stdout).unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// Asks, has it approved, and connects; nobody watches yet.
    fn connect(&self, mut ssh: Command) -> Session {
        self.lee.cli(&["approve", &self.asked()]).unwrap().ok().unwrap();
        self.open(&mut ssh)
    }

    fn open(&self, ssh: &mut Command) -> Session {
        let before = self.sessions();
        let said = self.world.gate.scratch().join(format!("said-{}", before.len()));
        let file = File::create(&said).unwrap();
        ssh.arg("echo started $((6*7)); exec sleep 1000").stdin(Stdio::null());
        let child = Child::start(ssh.stdout(file.try_clone().unwrap()).stderr(file)).unwrap();
        let id = until("a session that waits", || {
            Ok(self
                .sessions()
                .into_iter()
                .find(|one| !before.contains(one))
                .and_then(|one| (one["state"] == "opening").then(|| one["id"].as_str().unwrap().to_owned())))
        });
        Session { child, id: id.unwrap_or_else(|e| panic!("{e}: {}", fs::read_to_string(&said).unwrap())), said }
    }

    fn sessions(&self) -> Vec<Value> {
        let listed = self.world.ada.cli(&["sessions", "-o", "json"]).unwrap().json().unwrap();
        listed.as_array().unwrap().clone()
    }

    fn watch(&self, session: &Session) -> Socket {
        let path = format!("/v1/sessions/{}/join?control=false", session.id);
        let socket = self.browser.socket(&path, "postern.join.v1", None).unwrap();
        until("the session to begin", || Ok(session.said().contains("started 42").then_some(()))).unwrap();
        socket
    }

    fn ended(&self, session: &mut Session) -> Value {
        until("the session to end", || session.child.ended()).unwrap();
        let shown = self.world.ada.cli(&["session", "show", &session.id, "-o", "json"]).unwrap().json().unwrap();
        shown["end_reason"].clone()
    }
}

impl Session {
    fn said(&self) -> String {
        fs::read_to_string(&self.said).unwrap()
    }
}

#[test]
fn each_session_of_a_vendor_is_approved_and_watched() {
    let stage = Stage::new(&["--until", "30d", "--network", "127.0.0.0/8", "--company", "Pumps"]).unwrap();
    let Stage { world, vic, lee, .. } = &stage;
    let refused = run(vic.ssh(&world.gate, "root@web-1").arg("true")).unwrap();
    assert!(refused.code != 0 && refused.said().contains("postern request"), "policy alone: {}", refused.said());
    let asked = stage.asked();
    let own = world.ada.cli(&["approve", &asked]).unwrap();
    assert!(own.code != 0 && own.said().contains("made or changed this vendor"), "{}", own.said());
    assert_ne!(vic.cli(&["approve", &asked]).unwrap().code, 0, "nobody approves for themselves");
    lee.cli(&["approve", &asked]).unwrap().ok().unwrap();

    let answer = vic.code().unwrap();
    let mut session = stage.open(&mut vic.ssh_answering(&world.gate, "root@web-1", &answer).unwrap());
    let themselves = Browser::sign_in(&world.gate, vic).unwrap();
    let _own = themselves.socket(&format!("/v1/sessions/{}/join?control=false", session.id), "postern.join.v1", None);
    assert!(!session.said().contains("started"), "nothing begins before somebody else watches: {}", session.said());
    let watching = stage.watch(&session);
    drop(watching);
    assert_eq!(stage.ended(&mut session), "unwatched");
    assert!(session.said().contains("nobody watches this session any more"), "{}", session.said());

    let again = run(vic.ssh(&world.gate, "root@web-1").arg("true")).unwrap();
    assert!(again.code != 0 && again.said().contains("postern request"), "a yes is for one session: {}", again.said());
    let mut next = stage.connect(vic.ssh(&world.gate, "root@web-1"));
    let _watching = stage.watch(&next);
    world.ada.cli(&["user", "vendor", "vic", "--until", "2s"]).unwrap().ok().unwrap();
    assert_eq!(stage.ended(&mut next), "expired", "{}", next.said());
    let over = vic.cli(&["grants"]).unwrap();
    assert!(over.code != 0 && over.said().contains("ended at"), "{}", over.said());
}

#[test]
fn a_vendor_has_no_access_without_a_sponsor_or_from_elsewhere() {
    let stage = Stage::new(&["--until", "30d"]).unwrap();
    let Stage { world, vic, lee, .. } = &stage;
    lee.cli(&["approve", &stage.asked()]).unwrap().ok().unwrap();
    let answer = vic.code().unwrap();
    let mut session = stage.open(&mut vic.ssh_answering(&world.gate, "root@web-1", &answer).unwrap());
    let eye = Browser::sign_in(&world.gate, &world.ada).unwrap();
    let path = format!("/v1/sessions/{}/join?control=false", session.id);
    let _watching = eye.socket(&path, "postern.join.v1", None).unwrap();
    until("the session to begin", || Ok(session.said().contains("started 42").then_some(()))).unwrap();
    let leaving = world.ada.cli(&["user", "leaving", "lee", "-o", "json"]).unwrap().json().unwrap();
    assert_eq!(leaving["sponsors"][0], "vic");
    world.ada.cli(&["user", "disable", "lee"]).unwrap().ok().unwrap();
    assert_ne!(stage.ended(&mut session), Value::Null);
    let alone = vic.cli(&["grants"]).unwrap();
    assert!(alone.code != 0 && alone.said().contains("lee no longer answers"), "{}", alone.said());
    assert!(vic.sign_in(&world.gate).is_err(), "nor does signing in");

    let sue = world.person("sue", &["staff"]).unwrap();
    let no = world.ada.cli(&["user", "vendor", "vic", "--sponsor", "sue"]).unwrap();
    assert!(no.code != 0 && no.said().contains("may not approve requests"), "{}", no.said());
    world.person("sam", &["leads"]).unwrap();
    world.ada.cli(&["user", "vendor", "vic", "--sponsor", "sam"]).unwrap().ok().unwrap();
    vic.cli(&["grants"]).unwrap().ok().unwrap();
    world.ada.cli(&["user", "vendor", "vic", "--network", "192.0.2.0/24"]).unwrap().ok().unwrap();
    let elsewhere = vic.cli(&["grants"]).unwrap();
    assert!(elsewhere.code != 0 && elsewhere.said().contains("other networks"), "{}", elsewhere.said());
    drop(sue);
}
