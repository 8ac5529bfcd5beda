//! Rights that exist for a session and no longer: a database role, a sudo rule, a membership. The
//! target itself is asked before, during and after.

use std::fs;

use postern_e2e::{DatabaseWorld, Gate, MysqlWorld, Person, Server, indented, run, until};

const ROLE: &str = r#"
kind: Asset
name: orders
platform: postgresql
address: ADDRESS
server_ca: |
CERTIFICATE
rotation: {reconcile: [postgres]}
---
kind: Account
account: postgres@orders
credential: password
---
kind: Group
name: visitors
---
kind: Policy
name: a-role-of-their-own
subjects: {groups: [visitors]}
accounts: {names: [app_admin], assets: [orders]}
access: standing
obligations:
  capabilities: [query]
  reason_required: false
  provision: {kind: account, member_of: [pg_read_all_data]}
"#;

const MYSQL_ROLE: &str = r#"
kind: Asset
name: shop
platform: mysql
address: ADDRESS
server_ca: |
CERTIFICATE
rotation: {reconcile: [keeper]}
---
kind: Account
account: keeper@shop
credential: password
---
kind: Group
name: visitors
---
kind: Policy
name: an-account-of-their-own
subjects: {groups: [visitors]}
accounts: {names: [app], assets: [shop]}
access: standing
obligations:
  capabilities: [query]
  reason_required: false
  provision: {kind: account, member_of: [reader]}
"#;

const UNIX: &str = "
useradd -m -s /bin/bash deploy
useradd -m -s /bin/bash build
for who in deploy build; do echo \"$who:Start-Pass.1\" | chpasswd; done
groupadd auditors
";

const RIGHTS: &str = r#"
kind: Asset
name: unix-1
platform: linux
address: ADDRESS
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
credential: password
---
kind: Group
name: staff
members: [ada]
---
kind: Policy
name: root-for-a-session
subjects: {groups: [staff]}
accounts: {names: [deploy], assets: [unix-1]}
access: standing
obligations:
  reason_required: false
  provision: {kind: sudo, commands: [/usr/bin/id]}
---
kind: Policy
name: auditor-for-a-session
subjects: {groups: [staff]}
accounts: {names: [build], assets: [unix-1]}
access: standing
obligations:
  reason_required: false
  provision: {kind: membership, group: auditors}
"#;

/// Waits until nothing that was made is left.
fn gone(person: &Person) {
    until("what was made to be gone", || {
        let live = person.cli(&["provisions", "--live", "-o", "json"])?.json()?;
        Ok(live.as_array().is_some_and(Vec::is_empty).then_some(()))
    })
    .unwrap();
}

#[test]
fn a_database_role_exists_for_a_session_and_no_longer() {
    let world = DatabaseWorld::start().unwrap();
    let certificate = indented(&world.target.certificate().unwrap());
    let access = ROLE.replace("ADDRESS", &world.target.address()).replace("CERTIFICATE", &certificate);
    let file = world.gate.scratch().join("role.yaml");
    fs::write(&file, access).unwrap();
    world.ada.cli(&["apply", "-f", &file.display().to_string()]).unwrap().ok().unwrap();
    let keeper = world.target.superuser_password();
    let stored = world.ada.cli_with(&["account", "set-secret", "postgres@orders", "--password-stdin"], keeper);
    stored.unwrap().ok().unwrap();
    let eva = world.person("eva", "visitors").unwrap();
    let sql = "select current_user || ' ' || count(*) || ' ' || (select rolvaliduntil > now() from pg_roles \
               where rolname = current_user) from customer";
    let arguments = ["connect", "app_admin@orders", "shop", "--", "-X", "-q", "-A", "-t", "-c", sql];
    let shown = eva.cli(&arguments).unwrap().ok().unwrap().text();
    let mut words = shown.split_whitespace();
    let role = words.next().unwrap_or_default().to_owned();
    assert!(role.starts_with("pst"), "{shown}");
    assert_eq!((words.next(), words.next()), (Some("2"), Some("true")), "it reads, and ends by itself: {shown}");
    gone(&world.ada);
    assert_eq!(world.target.sql(&format!("select count(*) from pg_roles where rolname = '{role}'")).unwrap(), "0");
}

#[test]
fn a_mariadb_account_exists_for_a_session_and_no_longer() {
    let world = MysqlWorld::start().unwrap();
    let keeper = "correct-horse.7";
    world
        .sql(&format!(
            "create role reader; grant select on shop.* to reader; create user keeper@'%' identified by '{keeper}'; \
             grant create user, reload, process, connection admin on *.* to keeper@'%'; \
             grant select, insert, update, delete, event on mysql.* to keeper@'%'; \
             grant reader to keeper@'%' with admin option"
        ))
        .unwrap();
    let certificate = indented(&world.target.read("cert.pem").unwrap());
    let access = MYSQL_ROLE.replace("ADDRESS", &world.target.address()).replace("CERTIFICATE", &certificate);
    world.declared.also(&access).unwrap();
    let ada = &world.declared.ada;
    ada.cli_with(&["account", "set-secret", "keeper@shop", "--password-stdin"], keeper).unwrap().ok().unwrap();
    let eva = world.declared.person("eva", "visitors").unwrap();
    let ask = |sql: &str| eva.cli(&["connect", "app@shop", "shop", "--", "-N", "-B", "-e", sql]).unwrap();

    let sql = "select current_user(), current_role(), (select count(*) from customer)";
    let shown = ask(sql).ok().unwrap().text();
    let words: Vec<_> = shown.split_whitespace().collect();
    let name = words[0].strip_suffix("@%").unwrap_or_default().to_owned();
    assert!(name.starts_with("pst-"), "an account of its own, not the one asked for: {shown}");
    assert_eq!(words[1..], ["reader", "2"], "it has the role and reads: {shown}");
    gone(ada);
    let left = |name: &str| {
        let users = world.sql(&format!("select count(*) from mysql.global_priv where user = '{name}'")).unwrap();
        let events = world.sql(&format!("select count(*) from mysql.event where name = '{name}'")).unwrap();
        (users, events)
    };
    assert_eq!(left(&name), ("0".to_owned(), "0".to_owned()), "nothing is left of it");

    let denied = ask("delete from customer").ended(1).unwrap();
    assert!(denied.stderr.contains("command denied to user 'pst-"), "no more than the role: {}", denied.stderr);
    let recorded = world.declared.statements("eva").unwrap();
    assert_eq!((&recorded[0].0["text"], &recorded[0].1["outcome"]), (&"delete from customer".into(), &"failed".into()));
    gone(ada);
    assert_eq!(world.sql("select count(*) from mysql.global_priv where user like 'pst-%'").unwrap(), "0");
    assert_eq!(world.sql("select count(*) from shop.customer").unwrap(), "2");
}

/// Makes the roles, and the account that makes others; declares what is given for a session. Gives a person who is
/// given it.
fn visitor(world: &MysqlWorld, keeper_rights: &str) -> Person {
    let keeper = "correct-horse.7";
    world
        .sql(&format!(
            "create table shop.bill (id int primary key); insert into shop.bill values (1); \
             create role reader, teller; grant select on shop.customer to reader; grant select on shop.bill to teller; \
             create user keeper@'%' identified by '{keeper}'; {keeper_rights}; \
             grant reader to keeper@'%' with admin option; grant teller to keeper@'%' with admin option"
        ))
        .unwrap();
    let certificate = indented(&world.target.read("cert.pem").unwrap());
    let access = MYSQL_ROLE.replace("ADDRESS", &world.target.address()).replace("CERTIFICATE", &certificate);
    world.declared.also(&access.replace("[reader]", "[reader, teller]")).unwrap();
    let set = ["account", "set-secret", "keeper@shop", "--password-stdin"];
    world.declared.ada.cli_with(&set, keeper).unwrap().ok().unwrap();
    world.declared.person("eva", "visitors").unwrap()
}

#[test]
fn an_account_of_mysql_has_all_its_roles_for_a_session_and_is_gone_then() {
    let Some(world) = MysqlWorld::own().unwrap() else { return };
    let eva = visitor(
        &world,
        "grant create user, process, connection_admin, role_admin on *.* to keeper@'%'; \
         grant select, event on mysql.* to keeper@'%'",
    );
    let sql = "select current_user(), (select count(*) from customer), (select count(*) from bill)";
    let shown = eva.cli(&["connect", "app@shop", "shop", "--", "-N", "-B", "-e", sql]).unwrap().ok().unwrap().text();
    assert!(shown.starts_with("pst-") && shown.ends_with("\t2\t1\n"), "{shown}");
    gone(&world.declared.ada);
    assert_eq!(world.sql("select count(*) from mysql.user where user like 'pst-%'").unwrap(), "0");
}

#[test]
fn an_account_of_mariadb_has_all_its_roles_for_a_session_and_is_gone_then() {
    let world = MysqlWorld::start().unwrap();
    let eva = visitor(
        &world,
        "grant create user, reload, process, connection admin on *.* to keeper@'%'; \
         grant select, insert, update, delete, event on mysql.* to keeper@'%'",
    );
    let sql = "select current_user(), (select count(*) from customer), (select count(*) from bill)";
    let shown = eva.cli(&["connect", "app@shop", "shop", "--", "-N", "-B", "-e", sql]).unwrap().ok().unwrap().text();
    assert!(shown.starts_with("pst-") && shown.ends_with("\t2\t1\n"), "{shown}");
    gone(&world.declared.ada);
    assert_eq!(world.sql("select count(*) from mysql.global_priv where user like 'pst-%'").unwrap(), "0");
    assert_eq!(world.sql("select count(*) from mysql.roles_mapping where user like 'pst-%'").unwrap(), "0");
}

#[test]
fn a_sudo_rule_and_a_membership_exist_for_a_session_and_no_longer() {
    let server = Server::unix(UNIX).unwrap();
    let (mut gate, shown) = Gate::set_up("ada", "correct horse battery staple").unwrap();
    let ada = Person::of_setup("ada", "correct horse battery staple", &shown).unwrap();
    gate.start().unwrap();
    ada.sign_in(&gate).unwrap();
    ada.register_key().unwrap();
    let authority = ada.cli(&["ssh-ca"]).unwrap().ok().unwrap().text();
    fs::write(server.folder().join("user_ca.pub"), authority).unwrap();
    let host_key = server.read("host_key.pub").unwrap();
    let file = gate.scratch().join("access.yaml");
    fs::write(&file, RIGHTS.replace("ADDRESS", &server.address()).replace("HOST_KEY", host_key.trim())).unwrap();
    ada.cli(&["apply", "-f", &file.display().to_string()]).unwrap().ok().unwrap();
    for account in ["deploy@unix-1", "build@unix-1"] {
        ada.cli_with(&["account", "set-secret", account, "--password-stdin"], "Start-Pass.1").unwrap().ok().unwrap();
    }
    ada.prove_factor(&gate, "deploy@unix-1").unwrap();
    gone(&ada);
    let straight = |account: &str, command: &str| server.ssh_by_password(account, "Start-Pass.1", command).unwrap();
    let groups = |told: &str| told.split_whitespace().any(|group| group == "auditors");

    assert_ne!(straight("deploy", "sudo -n /usr/bin/id").code, 0, "no right stands");
    let through = run(ada.ssh(&gate, "deploy@unix-1").arg("sudo -n /usr/bin/id -un; sudo -n /bin/true || echo no"));
    assert_eq!(through.unwrap().ok().unwrap().text(), "root\nno\n", "what policy names and nothing else");
    gone(&ada);
    assert_ne!(straight("deploy", "sudo -n /usr/bin/id").code, 0, "no right is left");

    assert!(!groups(&straight("build", "id -nG").ok().unwrap().text()));
    let through = run(ada.ssh(&gate, "build@unix-1").arg("id -nG")).unwrap().ok().unwrap().text();
    assert!(groups(&through), "{through}");
    gone(&ada);
    assert!(!groups(&straight("build", "id -nG").ok().unwrap().text()));
}
