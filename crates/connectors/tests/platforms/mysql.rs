//! A real MariaDB: `scripts/mysql-target.sh`.

use std::time::Duration;

use postern_connectors::{Cause, Change, Connector as _, Entitlement, Mysql, Outcome, Provision, Verdict, grant_name};
use postern_domain::discovery::{PasswordSight, Privilege};

use crate::support::{Server, discover, grant, is_privileged_by, login, name, names, now, of, password};

const INIT: &str = "\
DELETE FROM mysql.global_priv WHERE User='root';
FLUSH PRIVILEGES;
CREATE USER root@'%' IDENTIFIED BY 'Maria-Super.1';
GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;
";
const SETUP: &str = "\
CREATE DATABASE shop;
CREATE TABLE shop.customer (id int primary key);
CREATE USER app@'%' IDENTIFIED BY 'App-Start.1';
CREATE USER app@'127.0.0.1' IDENTIFIED BY 'App-Start.1';
GRANT SELECT ON shop.* TO app@'%' WITH GRANT OPTION;
CREATE USER plain@'%' IDENTIFIED BY 'App-Start.1';
CREATE USER files@'%' IDENTIFIED BY 'Files-Start.1';
GRANT FILE ON *.* TO files@'%';
CREATE ROLE keeper;
GRANT CREATE USER ON *.* TO keeper;
CREATE USER ben@'%' IDENTIFIED BY 'Ben-Start.1';
GRANT keeper TO ben@'%';
CREATE USER 'open'@'%';
CREATE USER gone@'%' IDENTIFIED BY 'Gone-Start.1' ACCOUNT LOCK;
CREATE ROLE reader;
GRANT SELECT ON shop.* TO reader;
";

fn server() -> Server {
    let server = Server::start("mysql-target.sh", &[("init.sql", INIT)]);
    server.mariadb(SETUP);
    server
}

#[tokio::test]
async fn a_password_is_changed_and_only_the_new_one_works() {
    let server = server();
    let target = server.target();
    let app = name("app");
    for (by, candidate, old) in [
        (login("root", "Maria-Super.1"), "N3w-Secret.1", "App-Start.1"),
        (login("app", "N3w-Secret.1"), "N3w-Secret.2", "N3w-Secret.1"),
    ] {
        let candidate = password(candidate);
        let change = Change { account: &app, old: None, candidate: &candidate };
        assert_eq!(Mysql.change(&target, &by, change).await, Outcome::Applied(()));
        assert_eq!(Mysql.verify(&target, &app, &candidate).await, Verdict::Works);
        assert!(matches!(Mysql.verify(&target, &app, &password(old)).await, Verdict::Refused(_)));
    }
    let log = server.read("statements.log").to_lowercase();
    assert!(log.contains("alter user") && !log.contains("n3w-secret"), "what the statement log holds: {log}");
}

#[tokio::test]
async fn what_is_refused_is_certainly_not_applied() {
    let server = server();
    let target = server.target();
    let candidate = password("N3w-Secret.1");
    let cause = |outcome: Outcome| match outcome {
        Outcome::NotApplied(failure) => failure.cause,
        other => panic!("{other:?}"),
    };
    let (app, nobody) = (name("app"), name("nobody"));
    let change = |account| Change { account, old: None, candidate: &candidate };
    let root = login("root", "Maria-Super.1");
    assert_eq!(cause(Mysql.change(&target, &root, change(&nobody)).await), Cause::NoSuchAccount);
    assert_eq!(cause(Mysql.change(&target, &login("plain", "App-Start.1"), change(&app)).await), Cause::Forbidden);
    assert_eq!(cause(Mysql.change(&target, &login("root", "wrong"), change(&app)).await), Cause::Refused);
    let mut stranger = server.target();
    stranger.trust.certificates.clear();
    assert_eq!(cause(Mysql.change(&stranger, &root, change(&app)).await), Cause::Untrusted);
    let locked = Mysql.verify(&target, &name("gone"), &password("Gone-Start.1")).await;
    assert!(matches!(&locked, Verdict::Unknown(failure) if failure.cause == Cause::Locked), "{locked:?}");
}

#[tokio::test]
async fn accounts_are_found_and_access_for_a_while_is_given_and_taken_back() {
    let server = server();
    let target = server.target();
    let by = login("root", "Maria-Super.1");
    let (all, coverage) = discover(&Mysql, &target, &by).await;
    assert_eq!(coverage.gaps, []);
    let found: Vec<_> = names(&all).into_iter().filter(|name| !name.starts_with("mariadb.")).collect();
    assert_eq!(found, ["app", "ben", "files", "open", "plain", "root"]);
    for (account, why) in [
        ("root", Privilege::Superuser),
        ("root", Privilege::GrantOption { on: "*.*".to_owned() }),
        ("app", Privilege::GrantOption { on: "database shop".to_owned() }),
        ("files", Privilege::Attribute { name: "FILE".to_owned() }),
        ("ben", Privilege::Role { chain: vec!["keeper".to_owned()] }),
    ] {
        let held = &of(&all, account).privileges;
        assert!(is_privileged_by(&all, account, |found| *found == why), "{account}: {held:?}");
    }
    assert!(of(&all, "plain").privileges.is_empty());
    assert_eq!(of(&all, "open").password, PasswordSight::Empty);
    assert_eq!(of(&all, "app").password, of(&all, "plain").password);
    assert!(of(&all, "app").password_changed_at.is_some());

    let secret = password("Ephemeral-Secret.1");
    let member_of = vec!["reader".to_owned()];
    let what = Entitlement::Account { secret: secret.clone(), member_of, sudo: None };
    let expires_at = now().after(Duration::from_secs(3600));
    let what = Provision { grant: grant(1), what, expires_at };
    for _ in 0..2 {
        let placed = Mysql.provision(&target, &by, &what).await;
        assert!(matches!(&placed, Outcome::Applied(placed) if placed.expires_at == Some(expires_at)), "{placed:?}");
    }
    let user = grant_name(&grant(1)).unwrap();
    assert_eq!(Mysql.verify(&target, &user, &secret).await, Verdict::Works);
    let listed = Mysql.list_provisioned(&target, &by).await.unwrap();
    assert_eq!(listed.len(), 1);
    for _ in 0..2 {
        assert_eq!(Mysql.revoke(&target, &by, &listed[0]).await, Outcome::Applied(()));
    }
    assert_eq!(Mysql.list_provisioned(&target, &by).await.unwrap(), []);
    assert!(matches!(Mysql.verify(&target, &user, &secret).await, Verdict::Refused(_)));
}
