//! A real OpenLDAP: `scripts/ldap-target.sh`.

use std::time::Duration;

use postern_connectors::{
    Cause, Change, Connector as _, Directory, Entitlement, Outcome, Provision, Target, Verdict, grant_name,
};
use postern_domain::discovery::{PasswordSight, Privilege};

use crate::support::{Server, discover, grant, is_privileged_by, login, name, names, now, of, password};

const DATA: &str = "\
dn: dc=corp,dc=test
objectClass: domain
dc: corp

dn: ou=people,dc=corp,dc=test
objectClass: organizationalUnit
ou: people

dn: uid=ann,ou=people,dc=corp,dc=test
objectClass: inetOrgPerson
uid: ann
cn: Ann
sn: Ann
mail: ann@corp.test
userPassword: Ann-Start.1

dn: uid=ben,ou=people,dc=corp,dc=test
objectClass: inetOrgPerson
objectClass: posixAccount
uid: ben
cn: Ben
sn: Ben
uidNumber: 1001
gidNumber: 1001
homeDirectory: /home/ben
userPassword: Ben-Start.1

dn: uid=zero,ou=people,dc=corp,dc=test
objectClass: inetOrgPerson
objectClass: posixAccount
uid: zero
cn: Zero
sn: Zero
uidNumber: 0
gidNumber: 0
homeDirectory: /root
userPassword: Zero-Start.1

dn: cn=ops,dc=corp,dc=test
objectClass: groupOfNames
cn: ops
member: uid=ann,ou=people,dc=corp,dc=test

dn: cn=admins,dc=corp,dc=test
objectClass: groupOfNames
cn: admins
member: cn=ops,dc=corp,dc=test
";

fn server() -> Server {
    Server::start("ldap-target.sh", &[("data.ldif", DATA), ("admin_password", "Ldap-Super.1")])
}

fn target(server: &Server) -> Target {
    let mut target = server.target();
    for (name, value) in [
        ("base_dn", "dc=corp,dc=test"),
        ("user_dn", "uid={account},ou=people,dc=corp,dc=test; cn={account},dc=corp,dc=test"),
        ("provision_dn", "ou=people,dc=corp,dc=test"),
    ] {
        target.settings.0.insert(name.to_owned(), value.to_owned());
    }
    target
}

#[tokio::test]
async fn a_password_is_changed_and_only_the_new_one_works() {
    let server = server();
    let target = target(&server);
    let ann = name("ann");
    for (by, candidate, old) in [
        (login("admin", "Ldap-Super.1"), "N3w-Secret.1", "Ann-Start.1"),
        (login("ann", "N3w-Secret.1"), "N3w-Secret.2", "N3w-Secret.1"),
    ] {
        let candidate = password(candidate);
        let change = Change { account: &ann, old: None, candidate: &candidate };
        assert_eq!(Directory.change(&target, &by, change).await, Outcome::Applied(()));
        assert_eq!(Directory.verify(&target, &ann, &candidate).await, Verdict::Works);
        assert!(matches!(Directory.verify(&target, &ann, &password(old)).await, Verdict::Refused(_)));
    }
    assert!(matches!(Directory.verify(&target, &ann, &password("")).await, Verdict::Refused(_)));
    assert!(!server.logs().contains("N3w-Secret"));
}

#[tokio::test]
async fn what_is_refused_is_certainly_not_applied() {
    let server = server();
    let target = target(&server);
    let candidate = password("N3w-Secret.1");
    let cause = |outcome: Outcome| match outcome {
        Outcome::NotApplied(failure) => failure.cause,
        other => panic!("{other:?}"),
    };
    let (ann, nobody) = (name("ann"), name("nobody"));
    let change = |account| Change { account, old: None, candidate: &candidate };
    let admin = login("admin", "Ldap-Super.1");
    assert_eq!(cause(Directory.change(&target, &admin, change(&nobody)).await), Cause::NoSuchAccount);
    assert_eq!(cause(Directory.change(&target, &login("ben", "Ben-Start.1"), change(&ann)).await), Cause::Forbidden);
    assert_eq!(cause(Directory.change(&target, &login("admin", "wrong"), change(&ann)).await), Cause::Refused);
    let mut stranger = target.clone();
    stranger.trust.certificates.clear();
    assert_eq!(cause(Directory.change(&stranger, &admin, change(&ann)).await), Cause::Untrusted);
    let mut bare = target.clone();
    bare.settings.0.remove("user_dn");
    assert_eq!(cause(Directory.change(&bare, &admin, change(&ann)).await), Cause::Setting);
    assert_eq!(Directory.verify(&target, &ann, &password("Ann-Start.1")).await, Verdict::Works);
}

#[tokio::test]
async fn accounts_are_found_and_access_for_a_while_is_given_and_taken_back() {
    let server = server();
    let target = target(&server);
    let by = login("admin", "Ldap-Super.1");
    assert_eq!(Directory.verify(&target, &name("ben"), &password("Ben-Start.1")).await, Verdict::Works);
    let (all, coverage) = discover(&Directory, &target, &by).await;
    assert_eq!(coverage.gaps, []);
    assert_eq!(names(&all), ["ann", "ben", "zero"]);
    let chain = vec!["ops".to_owned(), "admins".to_owned()];
    assert!(is_privileged_by(&all, "ann", |why| *why == Privilege::Group { chain: chain.clone() }));
    assert!(is_privileged_by(&all, "zero", |why| *why == Privilege::UidZero));
    assert!(of(&all, "ben").privileges.is_empty());
    assert!(of(&all, "ben").last_sign_in_at.is_some() && of(&all, "ann").last_sign_in_at.is_none());
    assert!(matches!(of(&all, "ann").password, PasswordSight::Set { .. }));
    assert_eq!(of(&all, "ann").owner_hint.as_deref(), Some("ann@corp.test"));
    let (_, coverage) = discover(&Directory, &target, &login("ben", "Ben-Start.1")).await;
    assert_eq!(coverage.gaps.iter().map(|gap| gap.what).collect::<Vec<_>>(), ["userPassword"]);

    let secret = password("Ephemeral-Secret.1");
    let what = Entitlement::Account { secret: secret.clone(), member_of: vec!["ops".to_owned()], sudo: None };
    let what = Provision { grant: grant(1), what, expires_at: now().after(Duration::from_secs(60)) };
    for _ in 0..2 {
        assert!(matches!(Directory.provision(&target, &by, &what).await, Outcome::Applied(_)));
    }
    let user = grant_name(&grant(1)).unwrap();
    assert_eq!(Directory.verify(&target, &user, &secret).await, Verdict::Works);
    let (all, _) = discover(&Directory, &target, &by).await;
    assert!(is_privileged_by(&all, user.as_str(), |why| *why == Privilege::Group { chain: chain.clone() }));
    let listed = Directory.list_provisioned(&target, &by).await.unwrap();
    assert_eq!(listed.len(), 1);
    for _ in 0..2 {
        assert_eq!(Directory.revoke(&target, &by, &listed[0]).await, Outcome::Applied(()));
    }
    assert_eq!(Directory.list_provisioned(&target, &by).await.unwrap(), []);
    assert!(matches!(Directory.verify(&target, &user, &secret).await, Verdict::Refused(_)));
}
