//! A real PostgreSQL: `scripts/pg-target.sh`.

use std::time::Duration;

use postern_connectors::{
    Cause, Change, Connector as _, Entitlement, Outcome, Postgres, Provision, Secret, Verdict, grant_name,
};
use postern_domain::discovery::{PasswordSight, Privilege};

use crate::support::{Server, discover, grant, is_privileged_by, login, name, names, now, of, password};

const SETUP: &str = "\
    create role ann login password 'Ann-Start.1' valid until '2031-01-01';\
    create role dba createrole; create role team in role dba; create role ben login in role team;\
    create role teller login; grant select on customer to teller with grant option;\
    create role files login in role pg_read_server_files; create role plain login;\
    create role lead login; grant team to lead with admin option;\
    alter system set log_statement = 'all'; select pg_reload_conf()";

fn server() -> Server {
    let server = Server::postgres();
    server.psql("shop", SETUP);
    server
}

#[tokio::test]
async fn a_password_travels_as_a_verifier_and_only_the_new_one_works() {
    let server = server();
    let target = server.target();
    let ann = name("ann");
    for (by, candidate, old) in [
        (login("app_admin", "App-Start.1"), "N3w-Secret.1", "Ann-Start.1"),
        (login("ann", "N3w-Secret.1"), "N3w-Secret.2", "N3w-Secret.1"),
        (login("postgres", "Pg-Super.1"), "N3w-Secret.3", "N3w-Secret.2"),
    ] {
        let candidate = password(candidate);
        let change = Change { account: &ann, old: None, candidate: &candidate };
        assert_eq!(Postgres.change(&target, &by, change).await, Outcome::Applied(()));
        assert_eq!(Postgres.verify(&target, &ann, &candidate).await, Verdict::Works);
        assert!(matches!(Postgres.verify(&target, &ann, &password(old)).await, Verdict::Refused(_)));
    }
    let log = server.read("pg.log");
    assert!(log.contains("SCRAM-SHA-256$") && !log.contains("N3w-Secret"), "what the statement log holds");
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
    let (ann, gone, postgres) = (name("ann"), name("gone"), name("postgres"));
    let change = |account| Change { account, old: None, candidate: &candidate };
    assert_eq!(cause(Postgres.change(&target, &login("ann", "wrong"), change(&ann)).await), Cause::Refused);
    let admin = login("app_admin", "App-Start.1");
    assert_eq!(cause(Postgres.change(&target, &admin, change(&gone)).await), Cause::NoSuchAccount);
    assert_eq!(cause(Postgres.change(&target, &admin, change(&postgres)).await), Cause::Forbidden);
    let mut stranger = server.target();
    stranger.trust.certificates.clear();
    assert_eq!(cause(Postgres.change(&stranger, &admin, change(&ann)).await), Cause::Untrusted);
    assert!(matches!(Postgres.verify(&stranger, &ann, &password("Ann-Start.1")).await, Verdict::Unknown(_)));
    assert_eq!(Postgres.verify(&target, &ann, &password("Ann-Start.1")).await, Verdict::Works);
    server.psql("postgres", "alter role ann nologin");
    let verdict = Postgres.verify(&target, &ann, &password("Ann-Start.1")).await;
    assert!(matches!(verdict, Verdict::Unknown(failure) if failure.cause == Cause::Locked));
}

#[tokio::test]
async fn every_privileged_role_is_found_and_why() {
    let server = server();
    let mut target = server.target();
    target.settings.0.insert("database".to_owned(), "shop".to_owned());
    let (all, coverage) = discover(&Postgres, &target, &login("postgres", "Pg-Super.1")).await;
    assert_eq!(coverage.gaps, []);
    assert_eq!(names(&all), ["ann", "app_admin", "ben", "files", "lead", "plain", "postgres", "teller"]);
    let chain = |chain: &[&str]| Privilege::Role { chain: chain.iter().map(|role| (*role).to_owned()).collect() };
    for (role, why) in [
        ("postgres", Privilege::Superuser),
        ("app_admin", Privilege::Attribute { name: "CREATEROLE".to_owned() }),
        ("ben", chain(&["team", "dba"])),
        ("files", chain(&["pg_read_server_files"])),
        ("lead", Privilege::GrantOption { on: "role team".to_owned() }),
        ("teller", Privilege::GrantOption { on: "table public.customer".to_owned() }),
    ] {
        assert!(is_privileged_by(&all, role, |found| *found == why), "{role}: {:?}", of(&all, role).privileges);
    }
    assert!(of(&all, "ann").privileges.is_empty() && of(&all, "plain").privileges.is_empty());
    assert!(matches!(&of(&all, "ann").password, PasswordSight::Set { scheme, .. } if scheme == "SCRAM-SHA-256"));
    assert_eq!(of(&all, "plain").password, PasswordSight::None);
    assert_eq!(of(&all, "ann").expires_at.map(|at| at.to_string()), Some("2031-01-01T00:00:00.000Z".to_owned()));
    assert!(!format!("{all:?}").contains("4096:"), "an observation holds a verifier");
    let (_, coverage) = discover(&Postgres, &target, &login("ann", "Ann-Start.1")).await;
    assert_eq!(coverage.gaps.iter().map(|gap| gap.what).collect::<Vec<_>>(), ["pg_authid"]);
}

#[tokio::test]
async fn access_for_a_while_is_given_found_and_taken_back() {
    let server = server();
    let target = server.target();
    let by = login("postgres", "Pg-Super.1");
    let secret = password("Ephemeral-Secret.1");
    let expires_at = now().after(Duration::from_secs(3600));
    let member_of = vec!["pg_write_all_data".to_owned(), "app_admin".to_owned()];
    let account = Entitlement::Account { secret: secret.clone(), member_of, sudo: None };
    let account = Provision { grant: grant(1), what: account, expires_at };
    let membership = Entitlement::Membership { account: name("ann"), group: "team".to_owned() };
    let membership = Provision { grant: grant(2), what: membership, expires_at };
    for what in [&account, &membership, &account, &membership] {
        assert!(matches!(Postgres.provision(&target, &by, what).await, Outcome::Applied(_)));
    }
    let role = grant_name(&grant(1)).unwrap();
    assert_eq!(Postgres.verify(&target, &role, &secret).await, Verdict::Works);
    let (all, _) = discover(&Postgres, &target, &by).await;
    assert!(is_privileged_by(&all, "ann", |why| matches!(why, Privilege::Role { chain } if chain.len() == 3)));
    let listed = Postgres.list_provisioned(&target, &by).await.unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0].expires_at.map(|at| at.as_millis() / 1000), Some(expires_at.as_millis() / 1000));
    assert_eq!((listed[1].account.clone(), listed[1].group.as_deref()), (Some(name("ann")), Some("team")));
    // It owns something in another database by now.
    server.psql("shop", &format!("create schema s authorization \"{role}\""));
    for entry in &listed {
        for _ in 0..2 {
            assert_eq!(Postgres.revoke(&target, &by, entry).await, Outcome::Applied(()));
        }
    }
    assert_eq!(Postgres.list_provisioned(&target, &by).await.unwrap(), []);
    assert!(matches!(Postgres.verify(&target, &role, &secret).await, Verdict::Refused(_)));
    let (all, _) = discover(&Postgres, &target, &by).await;
    assert!(of(&all, "ann").privileges.is_empty());
    let key = Secret::SshKey(postern_domain::SecretText::new(String::new()));
    let change = Change { account: &name("ann"), old: None, candidate: &key };
    assert!(matches!(Postgres.change(&target, &by, change).await, Outcome::NotApplied(_)));
}
