//! An estate that is found and owned through the product: databases, a directory and a Unix server are
//! discovered, an account nobody governed is adopted, and each secret is changed. The servers' own
//! clients prove that the new one works and the old one does not.

use std::fs;
use std::process::Command;

use postern_e2e::{Gate, Person, PgTarget, Ran, Server, indented, run, run_with_input};
use serde_json::Value;

const START: &str = "App-Start.1";

const MARIADB: &str = "DELETE FROM mysql.global_priv WHERE User='root';
FLUSH PRIVILEGES;
CREATE USER root@'%' IDENTIFIED BY 'Maria-Super.1';
GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;
CREATE USER app@'%' IDENTIFIED BY 'App-Start.1';
GRANT SELECT ON *.* TO app@'%' WITH GRANT OPTION;
CREATE USER gray@'%' IDENTIFIED BY 'Gray-Start.1';
GRANT ALL ON *.* TO gray@'%';
";

const REDIS: &str = "user default off
user admin on >Redis-Super.1 ~* &* +@all
user app on >App-Start.1 ~* +@read +acl
user gray on >Gray-Start.1 ~* +@all
";

const DIRECTORY: &str = "dn: dc=corp,dc=test
objectClass: domain
dc: corp

dn: ou=people,dc=corp,dc=test
objectClass: organizationalUnit
ou: people

dn: uid=app,ou=people,dc=corp,dc=test
objectClass: inetOrgPerson
uid: app
cn: App
sn: App
userPassword: App-Start.1

dn: uid=gray,ou=people,dc=corp,dc=test
objectClass: inetOrgPerson
objectClass: posixAccount
uid: gray
cn: Gray
sn: Gray
uidNumber: 0
gidNumber: 0
homeDirectory: /root
userPassword: Gray-Start.1
";

const UNIX: &str = "
useradd -m -s /bin/bash app
useradd -m -s /bin/bash gray
printf '%s\\n' app:App-Start.1 gray:Gray-Start.1 | chpasswd
printf '%s ALL=(ALL) ALL\\n' app gray > /etc/sudoers.d/people
";

/// One asset, `target`, that Postern looks after as `keeper`.
struct Scene {
    gate: Gate,
    ada: Person,
}

impl Scene {
    /// `known` is what more is said of the asset; `settings` what its connector needs.
    fn start(
        platform: &str,
        address: &str,
        known: &str,
        keeper: &str,
        secret: Option<&str>,
        settings: &[&str],
    ) -> Self {
        let (mut gate, shown) = Gate::set_up("ada", "correct horse battery staple").unwrap();
        let ada = Person::of_setup("ada", "correct horse battery staple", &shown).unwrap();
        gate.start().unwrap();
        ada.sign_in(&gate).unwrap();
        let credential = if secret.is_some() { "password" } else { "ssh_certificate" };
        let documents = format!(
            "kind: Asset\nname: target\nplatform: {platform}\naddress: {address}\n{known}\
             rotation: {{reconcile: [{keeper}]}}\n---\n\
             kind: Account\naccount: {keeper}@target\ncredential: {credential}\n---\n\
             kind: Account\naccount: app@target\ncredential: password\n---\n\
             kind: Group\nname: staff\nmembers: [ada]\n---\n\
             kind: Policy\nname: staff\nsubjects: {{groups: [staff]}}\naccounts: {{assets: [target]}}\n\
             access: standing\nobligations: {{checkout: 30m, reason_required: false}}\n"
        );
        let file = gate.scratch().join("access.yaml");
        fs::write(&file, documents).unwrap();
        ada.cli(&["apply", "-f", &file.display().to_string()]).unwrap().ok().unwrap();
        let scene = Self { gate, ada };
        scene.set_secret("app", START);
        if let Some(secret) = secret {
            scene.set_secret(keeper, secret);
        }
        let mut set = vec!["discover", "set", "target", "--account", keeper];
        set.extend(settings.iter().flat_map(|setting| ["--setting", *setting]));
        scene.ada.cli(&set).unwrap().ok().unwrap();
        scene
    }

    fn set_secret(&self, account: &str, secret: &str) {
        let account = format!("{account}@target");
        self.ada.cli_with(&["account", "set-secret", &account, "--password-stdin"], secret).unwrap().ok().unwrap();
    }

    fn list(&self, arguments: &[&str]) -> Vec<Value> {
        let shown = self.ada.cli(&[arguments, &["-o", "json"]].concat()).unwrap().json().unwrap();
        shown.as_array().cloned().unwrap_or_default()
    }

    fn rotate(&self, account: &str) {
        self.ada.cli(&["rotate", &format!("{account}@target"), "--reason", "a test"]).unwrap().ok().unwrap();
    }

    /// What the vault holds for an account, by checking it out.
    fn secret(&self, account: &str) -> String {
        let account = format!("{account}@target");
        let shown = self.ada.cli(&["checkout", &account, "--reason", "a test", "-o", "json"]).unwrap();
        shown.json().unwrap()["secret"].as_str().unwrap().to_owned()
    }

    /// Discovers the asset, governs the account `gray` that nobody declared, and changes the secrets of
    /// both; `opens` signs in as an account with a password, by a client of the server's own. Gives the new
    /// secrets.
    fn owns_everything(&self, opens: impl Fn(&str, &str) -> Ran) -> Vec<String> {
        self.ada.cli(&["discover", "run", "target"]).unwrap().ok().unwrap();
        let seen = self.list(&["accounts", "--asset", "target", "--privileged"]);
        assert!(seen.iter().any(|one| one.to_string().contains("gray")), "{seen:?}");
        let unmanaged = self.list(&["findings", "--asset", "target", "--kind", "unmanaged", "--state", "open"]);
        let [finding] = unmanaged.as_slice() else { panic!("{unmanaged:?}") };
        assert!(finding.to_string().contains("gray"), "{finding}");
        let id = finding["id"].as_str().unwrap();
        self.ada.cli(&["findings", "adopt", id, "--owner", "ada"]).unwrap().ok().unwrap();
        let left = self.list(&["findings", "--asset", "target", "--kind", "unmanaged", "--state", "open"]);
        assert!(left.is_empty(), "{left:?}");

        assert_eq!(opens("app", START).code, 0, "the client can sign in at all");
        // What was adopted has no secret yet: it is given one without anybody knowing the old one.
        let changed = [("app", START), ("gray", "Gray-Start.1")].map(|(account, old)| {
            self.rotate(account);
            assert_ne!(opens(account, old).code, 0, "{account}: the old one does not work");
            let new = self.secret(account);
            opens(account, &new).ok().unwrap();
            assert!(!self.gate.log().contains(&new));
            new
        });
        changed.to_vec()
    }
}

/// PEM as the value of a document's `server_ca`.
fn server_ca(certificate: &str) -> String {
    format!("server_ca: |\n{}\n", indented(certificate))
}

#[test]
fn postgresql_is_found_and_owned() {
    let target = PgTarget::start().unwrap();
    target.sql("create role app login password 'App-Start.1' createrole").unwrap();
    target.sql("create role gray login superuser password 'Gray-Start.1'").unwrap();
    target.sql("alter role app_admin nologin").unwrap();
    let known = server_ca(&target.certificate().unwrap());
    let keeper = target.superuser_password();
    let scene = Scene::start("postgresql", &target.address(), &known, "postgres", Some(keeper), &[]);
    let secrets = scene.owns_everything(|account, password| {
        let mut psql = target.direct("psql");
        psql.env("PGUSER", account).env("PGPASSWORD", password).env("PGDATABASE", "postgres");
        run(psql.args(["-X", "-c", "select 1"])).unwrap()
    });
    assert!(!secrets.iter().any(|secret| target.log().contains(secret)), "no log of the server's holds one");
}

#[test]
fn mariadb_is_found_and_owned() {
    let server = Server::start("mysql-target.sh", &[("init.sql", MARIADB)], &["127.0.0.1"], "ready").unwrap();
    let known = server_ca(&server.read("cert.pem").unwrap());
    let scene = Scene::start("mysql", &server.address(), &known, "root", Some("Maria-Super.1"), &[]);
    let port = server.port().to_string();
    let secrets = scene.owns_everything(|account, password| {
        let mut client = Command::new("mariadb");
        client.args(["--no-defaults", "--ssl", "-h", "127.0.0.1", "-P", &port, "-u", account, "-e", "select 1"]);
        run(client.env("MYSQL_PWD", password)).unwrap()
    });
    let log = server.read("statements.log").unwrap();
    assert!(!secrets.iter().any(|secret| log.contains(secret)), "no log of the server's holds one");
}

#[test]
fn redis_is_found_and_owned() {
    let server = Server::start("redis-target.sh", &[("users.acl", REDIS)], &["127.0.0.1"], "ready").unwrap();
    let known = server_ca(&server.read("cert.pem").unwrap());
    let scene = Scene::start("redis", &server.address(), &known, "admin", Some("Redis-Super.1"), &[]);
    let (port, certificate) = (server.port().to_string(), server.folder().join("cert.pem"));
    scene.owns_everything(|account, password| {
        let mut client = Command::new("redis-cli");
        client.args(["--tls", "--cacert"]).arg(&certificate);
        client.args(["-h", "127.0.0.1", "-p", &port, "--user", account, "-e", "get", "nothing"]);
        run(client.env("REDISCLI_AUTH", password)).unwrap()
    });
}

#[test]
fn a_directory_is_found_and_owned() {
    let files = [("data.ldif", DIRECTORY), ("admin_password", "Ldap-Super.1")];
    let server = Server::start("ldap-target.sh", &files, &["127.0.0.1"], "ready").unwrap();
    let known = server_ca(&server.read("cert.pem").unwrap());
    let settings =
        ["base_dn=dc=corp,dc=test", "user_dn=uid={account},ou=people,dc=corp,dc=test; cn={account},dc=corp,dc=test"];
    let scene = Scene::start("ldap", &server.address(), &known, "admin", Some("Ldap-Super.1"), &settings);
    let (uri, certificate) = (format!("ldaps://127.0.0.1:{}", server.port()), server.folder().join("cert.pem"));
    scene.owns_everything(|account, password| {
        let name = format!("uid={account},ou=people,dc=corp,dc=test");
        let mut client = Command::new("ldapwhoami");
        client.env("LDAPTLS_CACERT", &certificate).args(["-x", "-H", &uri, "-D", &name, "-y", "/dev/stdin"]);
        run_with_input(&mut client, password.as_bytes()).unwrap()
    });
}

#[test]
fn a_unix_server_is_found_and_owned() {
    let server = Server::unix(UNIX).unwrap();
    let known = format!("host_keys: [\"{}\"]\n", server.read("host_key.pub").unwrap().trim());
    let scene = Scene::start("linux", &server.address(), &known, "root", None, &[]);
    let authority = scene.ada.cli(&["ssh-ca"]).unwrap().ok().unwrap().text();
    fs::write(server.folder().join("user_ca.pub"), authority).unwrap();
    scene.owns_everything(|account, password| server.ssh_by_password(account, password, "id -u").unwrap());
}
