//! Secrets that change: rotated, checked out, repaired, told to what uses them; accounts that exist for
//! one session. Each is used afterwards with OpenSSH's own client: the new one works, the old one does not.

use std::fs;
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use postern_e2e::{Child, Gate, Person, Server, run, until, within};
use serde_json::{Value, json};

const START: &str = "Start-Pass.1";

/// What the server begins with: accounts with a password, with a key, and for a service.
const SETUP: &str = r#"
useradd -m -s /bin/bash deploy
useradd -m -s /bin/bash build
useradd -m -s /bin/bash svc
for who in deploy svc; do echo "$who:Start-Pass.1" | chpasswd; done
usermod -p '*' build
mkdir -m 700 /home/build/.ssh
cp /mnt/build_key.pub /home/build/.ssh/authorized_keys
chmod 600 /home/build/.ssh/authorized_keys
chown -R build:build /home/build/.ssh
mkdir -p /etc/svc
"#;

const ACCESS: &str = r#"
kind: Asset
name: unix-1
platform: linux
address: ADDRESS
labels: {env: test}
host_keys: ["HOST_KEY"]
rotation: {reconcile: [root]}
---
kind: Account
account: root@unix-1
credential: ssh_certificate
---
kind: Account
account: deploy@unix-1
credential: password
---
kind: Account
account: build@unix-1
credential: ssh_key
---
kind: Account
account: svc@unix-1
credential: password
dependents:
  - name: app
    asset: unix-1
    put: {kind: file, path: /etc/svc/password, mode: "0600", template: "password={secret}"}
    reload: [/bin/sh, -c, "[ ! -e /mnt/no_reload ] && cp /etc/svc/password /mnt/loaded"]
  - name: program
    asset: unix-1
    put: {kind: command, command: [/bin/sh, -c, "cat > /mnt/given"]}
  - name: unit
    asset: unix-1
    put: {kind: systemd_credential, credential: svc-password, unit: svc.service}
    reload: [/bin/sh, -c, "stat -c '%U %a' /etc/credstore/svc-password > /mnt/credential && cat /etc/credstore/svc-password >> /mnt/credential"]
---
kind: Group
name: staff
---
kind: Policy
name: staff
subjects: {groups: [staff]}
accounts: {names: [deploy, build, svc], assets: [unix-1]}
access: standing
obligations: {checkout: 30m, reason_required: false}
---
kind: Policy
name: no-standing-root
subjects: {groups: [staff]}
accounts: {names: [root], assets: [unix-1]}
access: standing
obligations:
  reason_required: false
  provision: {kind: account, sudo: [ALL]}
"#;

struct Scene {
    gate: Gate,
    ada: Person,
    server: Server,
    build_key: String,
}

impl Scene {
    fn start() -> Self {
        let keys = tempfile::tempdir().unwrap();
        let path = keys.path().join("build_key");
        run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&path)).unwrap().ok().unwrap();
        let public = fs::read_to_string(path.with_extension("pub")).unwrap();
        let files = [
            ("setup", SETUP),
            ("sshd_config", "TrustedUserCAKeys /mnt/user_ca.pub\n"),
            ("user_ca.pub", ""),
            ("build_key.pub", &public),
        ];
        let server = Server::start("unix-target.sh", &files, &["127.0.0.1"], "ready").unwrap();
        let (mut gate, shown) = Gate::set_up("ada", "correct horse battery staple").unwrap();
        let ada = Person::of_setup("ada", "correct horse battery staple", &shown).unwrap();
        gate.start().unwrap();
        ada.sign_in(&gate).unwrap();
        ada.register_key().unwrap();
        let ca = ada.cli(&["ssh-ca"]).unwrap().ok().unwrap().text();
        fs::write(server.folder().join("user_ca.pub"), ca).unwrap();
        let host_key = server.read("host_key.pub").unwrap();
        let access = ACCESS.replace("ADDRESS", &server.address()).replace("HOST_KEY", host_key.trim());
        let file = gate.scratch().join("access.yaml");
        fs::write(&file, access).unwrap();
        ada.cli(&["apply", "-f", &file.display().to_string()]).unwrap().ok().unwrap();
        let group = "kind: Group\nname: staff\nmembers: [ada]\n";
        fs::write(&file, group).unwrap();
        ada.cli(&["apply", "-f", &file.display().to_string()]).unwrap().ok().unwrap();
        for account in ["deploy@unix-1", "svc@unix-1"] {
            ada.cli_with(&["account", "set-secret", account, "--password-stdin"], START).unwrap().ok().unwrap();
        }
        let build_key = fs::read_to_string(&path).unwrap();
        ada.cli_with(&["account", "set-secret", "build@unix-1", "--key-file", "-"], &build_key).unwrap().ok().unwrap();
        Self { gate, ada, server, build_key }
    }

    fn rotate(&self, account: &str) {
        self.ada.cli(&["rotate", account, "--reason", "a test"]).unwrap().ok().unwrap();
    }

    /// Checks the secret out and shows it; it stays checked out.
    fn secret(&self, account: &str) -> String {
        let shown = self.ada.cli(&["checkout", account, "--reason", "a test", "-o", "json"]).unwrap();
        shown.json().unwrap()["secret"].as_str().unwrap().to_owned()
    }

    /// Gives it back and waits until it is another one.
    fn check_in(&self, account: &str) {
        let shown = self.ada.cli(&["checkin", account, "-o", "json"]).unwrap().json().unwrap();
        let rotation = shown["rotation"].as_str().unwrap().to_owned();
        until("the rotation after the check-in", || {
            let state = self.ada.cli(&["rotation", "show", &rotation, "-o", "json"])?.json()?;
            anyhow::ensure!(state["state"] != "broken" && state["state"] != "refused", "{state}");
            Ok((state["state"] == "current").then_some(()))
        })
        .unwrap();
    }

    fn opens(&self, account: &str, password: &str) -> bool {
        self.server.ssh_by_password(account, password, "true").unwrap().code == 0
    }

    fn account(&self, account: &str) -> Value {
        self.ada.cli(&["account", "show", account, "-o", "json"]).unwrap().json().unwrap()
    }
}

#[test]
fn a_rotated_password_works_and_the_old_one_does_not() {
    let scene = Scene::start();
    assert!(scene.opens("deploy", START));
    scene.rotate("deploy@unix-1");
    assert!(!scene.opens("deploy", START));
    let shown = scene.secret("deploy@unix-1");
    assert!(scene.opens("deploy", &shown), "the vault's secret is the account's");
    scene.check_in("deploy@unix-1");
    assert!(!scene.opens("deploy", &shown), "what somebody has seen is worth nothing afterwards");
    let ledger = scene.ada.cli(&["audit", "list", "-o", "json"]).unwrap().ok().unwrap().text();
    assert!(ledger.contains("checkout.open") && ledger.contains("rotation.current"));
    for secret in [START, &shown] {
        assert!(!ledger.contains(secret) && !scene.gate.log().contains(secret));
    }
}

#[test]
fn a_rotated_key_works_and_the_old_one_is_gone() {
    let scene = Scene::start();
    let by = |key: &str| scene.server.ssh_by_key("build", key, "true").unwrap().code == 0;
    assert!(by(&scene.build_key));
    scene.rotate("build@unix-1");
    assert!(!by(&scene.build_key));
    assert!(by(&scene.secret("build@unix-1")));
}

#[test]
fn what_somebody_changed_on_the_target_is_repaired() {
    let scene = Scene::start();
    let passwd = "printf '%s\\n%s\\n%s\\n' Start-Pass.1 Foreign-Pass.1 Foreign-Pass.1 | passwd";
    scene.server.ssh_by_password("deploy", START, passwd).unwrap().ok().unwrap();
    assert!(scene.opens("deploy", "Foreign-Pass.1"));
    scene.rotate("deploy@unix-1");
    assert!(!scene.opens("deploy", "Foreign-Pass.1"));
    assert!(scene.opens("deploy", &scene.secret("deploy@unix-1")));
}

#[test]
fn what_uses_a_secret_is_told_and_put_back_when_it_cannot_be() {
    let scene = Scene::start();
    let state = |wanted: &str| {
        until(&format!("the dependents to be {wanted}"), || {
            let account = scene.account("svc@unix-1");
            let pushed = account.pointer("/rotation/pushed").and_then(Value::as_array).cloned().unwrap_or_default();
            let of = |name: &str| pushed.iter().find(|one| one["name"] == name).map(|one| one["state"].clone());
            let others = ["program", "unit"].map(of).into_iter().flatten().all(|state| state == "told");
            Ok((others && of("app").is_some_and(|state| state == wanted)).then_some(()))
        })
        .unwrap();
    };
    scene.rotate("svc@unix-1");
    state("told");
    let first = scene.server.read("loaded").unwrap();
    let password = first.trim().strip_prefix("password=").unwrap().to_owned();
    assert!(scene.opens("svc", &password), "what was told is the account's secret");
    assert_eq!(scene.server.read("given").unwrap().trim(), password, "on a program's standard input");
    assert_eq!(scene.server.read("credential").unwrap().trim(), format!("root 600\n{password}"), "as a credential");
    fs::write(scene.server.folder().join("no_reload"), "").unwrap();
    scene.rotate("svc@unix-1");
    state("rolled_back");
    assert!(!scene.opens("svc", &password));
    fs::remove_file(scene.server.folder().join("no_reload")).unwrap();
    scene.rotate("svc@unix-1");
    state("told");
    assert_ne!(scene.server.read("loaded").unwrap(), first);
}

#[test]
fn an_account_exists_for_a_session_and_no_longer() {
    let scene = Scene::start();
    scene.ada.prove_factor(&scene.gate, "root@unix-1").unwrap();
    let ran =
        run(scene.ada.ssh(&scene.gate, "root@unix-1").arg("id -un; sudo -n id -un")).unwrap().ok().unwrap().text();
    let mut lines = ran.lines();
    let name = lines.next().unwrap().to_owned();
    assert!(name.starts_with("pst-"), "{ran}");
    assert_eq!(lines.next(), Some("root"), "it may what policy says");
    until("it to be gone", || {
        let live = scene.ada.cli(&["provisions", "--live", "-o", "json"])?.json()?;
        Ok(live.as_array().is_some_and(Vec::is_empty).then_some(()))
    })
    .unwrap();
    let there = scene.server.ssh_by_password("deploy", START, &format!("id {name}")).unwrap();
    assert_ne!(there.code, 0, "the target knows it no more");
}

#[test]
fn a_killed_server_goes_on_where_it_was_and_knows_the_secret() {
    let mut scene = Scene::start();
    for round in 0..6 {
        scene.ada.cli(&["rotate", "deploy@unix-1", "--no-wait"]).unwrap().ok().unwrap();
        // Somewhere in the middle of it: later in each round, by as many calls as it has had.
        for _ in 0..round {
            scene.ada.cli(&["whoami"]).unwrap().ok().unwrap();
        }
        scene.gate.kill();
        scene.gate.start().unwrap();
        // What was sent may still arrive for a minute: until then nothing is concluded from a refusal.
        within("the rotation to be over", Duration::from_secs(180), || {
            let open = scene.ada.cli(&["rotation", "list", "--open", "-o", "json"])?.json()?;
            Ok(open.as_array().is_some_and(Vec::is_empty).then_some(()))
        })
        .unwrap_or_else(|error| panic!("{error:#}\n{}", scene.gate.log()));
        let shown = scene.secret("deploy@unix-1");
        assert!(scene.opens("deploy", &shown), "round {round}");
        scene.check_in("deploy@unix-1");
    }
    println!("points=6 secrets_lost=0 lock_outs=0 kind=process");
}

#[test]
fn who_leaves_is_out_at_once_and_what_they_knew_is_changed() {
    let scene = Scene::start();
    let made = scene.ada.cli(&["user", "create", "ben", "--group", "staff", "-o", "json"]).unwrap().json().unwrap();
    let ben = Person::enrol(&scene.gate, "ben", made["link"]["url"].as_str().unwrap()).unwrap();
    ben.sign_in(&scene.gate).unwrap();
    ben.register_key().unwrap();
    let shown = ben.cli(&["checkout", "deploy@unix-1", "--reason", "a test", "-o", "json"]).unwrap().json().unwrap();
    assert!(scene.opens("deploy", shown["secret"].as_str().unwrap()));
    ben.prove_factor(&scene.gate, "build@unix-1").unwrap();
    let mut live = ben.ssh(&scene.gate, "build@unix-1");
    live.arg("echo up; exec sleep 100000").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut live = Child::start(&mut live).unwrap();
    live.process().stdout.as_mut().unwrap().read_exact(&mut [0; 3]).unwrap();

    let leaving = scene.ada.cli(&["user", "leaving", "ben", "-o", "json"]).unwrap().json().unwrap();
    assert_eq!(leaving["known"], json!(["deploy@unix-1"]));
    scene.ada.cli(&["user", "disable", "ben"]).unwrap().ok().unwrap();
    until("the session to end", || live.ended()).unwrap();
    assert_ne!(ben.cli(&["whoami"]).unwrap().code, 0, "the sign-in is over");
    assert_ne!(run(ben.ssh(&scene.gate, "build@unix-1").arg("true")).unwrap().code, 0, "the key opens nothing");
    until("the secret to be another one", || Ok((!scene.opens("deploy", START)).then_some(()))).unwrap();
    let leaving = scene.ada.cli(&["user", "leaving", "ben", "-o", "json"]).unwrap().json().unwrap();
    assert_eq!(leaving["known"], json!([]));
    let rotations = scene.ada.cli(&["rotation", "list", "-o", "json"]).unwrap().ok().unwrap().text();
    assert!(rotations.contains("deploy@unix-1"));
    assert!(scene.opens("deploy", &scene.secret("deploy@unix-1")), "the vault knows the new one");
}
