//! A real Redis with ACL users: `scripts/redis-target.sh`.

use std::time::Duration;

use postern_connectors::{Cause, Change, Connector as _, Entitlement, Outcome, Provision, Redis, Verdict, grant_name};
use postern_domain::discovery::{PasswordSight, Privilege};

use crate::support::{Server, discover, grant, is_privileged_by, login, name, names, now, of, password};

const USERS: &str = "user default off
user admin on >Redis-Super.1 ~* &* +@all
user app on >App-Start.1 ~app:* +@read +@write -@dangerous
user ops on >App-Start.1 ~* +@read +acl
user open on nopass ~* +@read
user gone off >Gone-Start.1 ~* +@read
";

#[tokio::test]
async fn a_password_travels_as_a_digest_and_both_work_until_the_old_one_is_retired() {
    let server = Server::start("redis-target.sh", &[("users.acl", USERS)]);
    let target = server.target();
    let (by, app) = (login("admin", "Redis-Super.1"), name("app"));
    let (old, new) = (password("App-Start.1"), password("N3w-Secret.1"));
    let change = Change { account: &app, old: Some(&old), candidate: &new };
    for _ in 0..2 {
        assert_eq!(Redis.change(&target, &by, change).await, Outcome::Applied(()));
    }
    for secret in [&old, &new] {
        assert_eq!(Redis.verify(&target, &app, secret).await, Verdict::Works);
    }
    for _ in 0..2 {
        assert_eq!(Redis.retire(&target, &by, &app, &old, &new).await, Outcome::Applied(()));
    }
    assert!(matches!(Redis.verify(&target, &app, &old).await, Verdict::Refused(_)));
    assert_eq!(Redis.verify(&target, &app, &new).await, Verdict::Works);
    let newer = password("N3w-Secret.2");
    assert_eq!(Redis.reconcile(&target, &by, &app, &newer).await, Outcome::Applied(()));
    assert!(matches!(Redis.verify(&target, &app, &new).await, Verdict::Refused(_)));
    let saved = server.read("users.acl");
    assert!(saved.contains("user app on #") && !saved.contains("N3w-Secret"), "{saved}");
}

#[tokio::test]
async fn what_is_refused_is_certainly_not_applied() {
    let server = Server::start("redis-target.sh", &[("users.acl", USERS)]);
    let target = server.target();
    let candidate = password("N3w-Secret.1");
    let cause = |outcome: Outcome| match outcome {
        Outcome::NotApplied(failure) => failure.cause,
        other => panic!("{other:?}"),
    };
    let (app, nobody) = (name("app"), name("nobody"));
    let change = |account| Change { account, old: None, candidate: &candidate };
    let admin = login("admin", "Redis-Super.1");
    assert_eq!(cause(Redis.change(&target, &admin, change(&nobody)).await), Cause::NoSuchAccount);
    assert_eq!(cause(Redis.change(&target, &login("app", "App-Start.1"), change(&app)).await), Cause::Forbidden);
    assert_eq!(cause(Redis.change(&target, &login("admin", "wrong"), change(&app)).await), Cause::Refused);
    let mut stranger = server.target();
    stranger.trust.certificates.clear();
    assert_eq!(cause(Redis.change(&stranger, &admin, change(&app)).await), Cause::Untrusted);
}

#[tokio::test]
async fn users_are_found_and_access_for_a_while_is_given_and_taken_back() {
    let server = Server::start("redis-target.sh", &[("users.acl", USERS)]);
    let target = server.target();
    let by = login("admin", "Redis-Super.1");
    let (all, coverage) = discover(&Redis, &target, &by).await;
    assert_eq!(coverage.gaps, []);
    assert_eq!(names(&all), ["admin", "app", "open", "ops"]);
    assert!(is_privileged_by(&all, "admin", |why| *why == Privilege::Superuser));
    assert!(is_privileged_by(&all, "ops", |why| matches!(why, Privilege::Attribute { name } if name.contains("acl"))));
    assert!(of(&all, "app").privileges.is_empty());
    assert_eq!(of(&all, "open").password, PasswordSight::Empty);
    assert_eq!(of(&all, "app").password, of(&all, "ops").password, "the same password is recognised");

    let secret = password("Ephemeral-Secret.1");
    let member_of = vec!["~app:*".to_owned(), "+@read".to_owned()];
    let what = Entitlement::Account { secret: secret.clone(), member_of, sudo: None };
    let what = Provision { grant: grant(1), what, expires_at: now().after(Duration::from_secs(60)) };
    for _ in 0..2 {
        assert!(matches!(Redis.provision(&target, &by, &what).await, Outcome::Applied(_)));
    }
    let user = grant_name(&grant(1)).unwrap();
    assert_eq!(Redis.verify(&target, &user, &secret).await, Verdict::Works);
    let listed = Redis.list_provisioned(&target, &by).await.unwrap();
    assert_eq!(listed.len(), 1);
    for _ in 0..2 {
        assert_eq!(Redis.revoke(&target, &by, &listed[0]).await, Outcome::Applied(()));
    }
    assert_eq!(Redis.list_provisioned(&target, &by).await.unwrap(), []);
    assert!(matches!(Redis.verify(&target, &user, &secret).await, Verdict::Refused(_)));
}
