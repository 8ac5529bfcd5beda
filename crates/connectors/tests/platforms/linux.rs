//! A real sshd with Unix accounts and sudo: `scripts/unix-target.sh`.

use std::time::Duration;

use postern_connectors::{
    Cause, Change, Connector as _, Entitlement, Linux, Login, Outcome, Provision, Secret, Shell, SudoRule, Verdict,
    grant_name,
};
use postern_domain::discovery::{AccountUse, PasswordSight, Privilege};

use crate::support::{Server, discover, grant, is_privileged_by, key_pair, login, name, names, now, of, password};

/// The reconcile account may only run chpasswd; `ops` runs everything with a password; `rob` has a
/// restricted shell; `cage` is let in for one command only.
const SETUP: &str = r#"
add() { useradd -m -s "${3:-/bin/bash}" "$1"; echo "$1:$2" | chpasswd; }
echo 'root:Root-Start.1' | chpasswd
add ann Ann-Start.1; add ops Ops-Start.1; gpasswd -a ops sudo >/dev/null
add rot Rot-Start.1; echo 'rot ALL=(root) NOPASSWD: /usr/sbin/chpasswd' >/etc/sudoers.d/rot
add full Full-Start.1; echo 'full ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/full
add rob Rob-Start.1 /bin/rbash
add svc Svc-Start.1 /usr/sbin/nologin
useradd -m -s /bin/bash blank; passwd -d blank >/dev/null
useradd -o -u 0 -g 0 -M -d /root -s /bin/bash toor; echo 'toor:Toor-Start.1' | chpasswd
add old Old-Start.1; usermod -L old
groupadd docker; add dock Dock-Start.1; gpasswd -a dock docker >/dev/null
add twin x; usermod -p "$(getent shadow ann | cut -d: -f2)" twin; chage -M 90 twin
install -d -m 700 -o ann -g ann /home/ann/.ssh ~root/.ssh
"#;

fn server() -> Server {
    Server::start("unix-target.sh", &[("setup", SETUP)])
}

#[tokio::test]
async fn a_password_is_changed_and_only_the_new_one_works() {
    let server = server();
    let target = server.target();
    for (by, account, old) in [
        (login("rot", "Rot-Start.1"), "ann", None),
        (login("ops", "Ops-Start.1"), "svc", None),
        (login("full", "Full-Start.1"), "dock", None),
        (login("root", "Root-Start.1"), "toor", None),
        (login("rob", "Rob-Start.1"), "rob", Some(password("Rob-Start.1"))),
    ] {
        let candidate = password("N3w-Secret.for+it");
        let account = name(account);
        let change = Change { account: &account, old: old.as_ref(), candidate: &candidate };
        assert_eq!(Linux.change(&target, &by, change).await, Outcome::Applied(()), "{account}");
        if account.as_str() != "svc" {
            assert_eq!(Linux.verify(&target, &account, &candidate).await, Verdict::Works, "{account}");
            let start = format!("{}{}-Start.1", account.as_str()[..1].to_uppercase(), &account.as_str()[1..]);
            let refused = Linux.verify(&target, &account, &password(&start)).await;
            assert!(matches!(refused, Verdict::Refused(_)), "{account}: {refused:?}");
        }
        // The same once more changes nothing.
        let by = if by.account == account { Login::new(account.clone(), candidate.clone()) } else { by };
        assert_eq!(Linux.change(&target, &by, change).await, Outcome::Applied(()), "{account} again");
    }
    assert!(!server.logs().contains("N3w-Secret"), "the server's log holds the password");
}

#[tokio::test]
async fn what_is_refused_is_certainly_not_applied() {
    let server = server();
    let target = server.target();
    let candidate = password("N3w-Secret.for+it");
    let (ann, nobody) = (name("ann"), name("gone"));
    let change = |account| Change { account, old: None, candidate: &candidate };
    let cause = |outcome: Outcome| match outcome {
        Outcome::NotApplied(failure) => failure.cause,
        other => panic!("{other:?}"),
    };
    let wrong = Linux.change(&target, &login("ops", "wrong"), change(&ann)).await;
    assert_eq!(cause(wrong), Cause::Refused);
    let unprivileged = Linux.change(&target, &login("dock", "Dock-Start.1"), change(&ann)).await;
    assert_eq!(cause(unprivileged), Cause::Forbidden);
    let missing = Linux.change(&target, &login("rot", "Rot-Start.1"), change(&nobody)).await;
    assert!(matches!(cause(missing), Cause::NoSuchAccount | Cause::Rejected));
    let (own, simple) = (login("ann", "Ann-Start.1"), password("a"));
    let weak = Linux.change(&target, &own, Change { account: &ann, old: None, candidate: &simple }).await;
    assert_eq!(cause(weak), Cause::Rejected);
    let mut stranger = server.target();
    stranger.trust.host_keys.clear();
    let untrusted = Linux.change(&stranger, &login("root", "Root-Start.1"), change(&ann)).await;
    assert_eq!(cause(untrusted), Cause::Untrusted);
    assert_eq!(Linux.verify(&target, &ann, &password("Ann-Start.1")).await, Verdict::Works);
    drop(server);
    let gone = Linux.verify(&target, &ann, &password("Ann-Start.1")).await;
    assert!(matches!(gone, Verdict::Unknown(failure) if failure.cause == Cause::Unreachable));
}

#[tokio::test]
async fn a_key_is_added_verified_and_taken_away() {
    let server = server();
    let target = server.target();
    let (old, old_line) = key_pair();
    let (new, _) = key_pair();
    let ann = name("ann");
    let root = login("root", "Root-Start.1");
    let shell = Shell::open(&target, &root).await.unwrap();
    let content = format!("# mine\nno-pty {old_line}\n");
    shell.put_file("/home/ann/.ssh/authorized_keys", "ann", "ann", 0o600, content.as_bytes()).await.unwrap();
    assert_eq!(Linux.verify(&target, &ann, &old).await, Verdict::Works);
    assert!(matches!(Linux.verify(&target, &ann, &new).await, Verdict::Refused(_)));
    let change = Change { account: &ann, old: Some(&old), candidate: &new };
    // By the account itself, with its old key; once more by root changes nothing.
    let own = Login::new(ann.clone(), old.clone());
    assert_eq!(Linux.change(&target, &own, change).await, Outcome::Applied(()));
    assert_eq!(Linux.change(&target, &root, change).await, Outcome::Applied(()));
    assert_eq!(Linux.verify(&target, &ann, &new).await, Verdict::Works);
    assert_eq!(Linux.verify(&target, &ann, &old).await, Verdict::Works, "both open it until the old one is retired");
    assert_eq!(Linux.retire(&target, &root, &ann, &old, &new).await, Outcome::Applied(()));
    assert_eq!(Linux.retire(&target, &root, &ann, &old, &new).await, Outcome::Applied(()));
    assert!(matches!(Linux.retire(&target, &root, &ann, &new, &new).await, Outcome::NotApplied(_)));
    assert!(matches!(Linux.verify(&target, &ann, &old).await, Verdict::Refused(_)));
    let file = shell.put_file("/home/ann/.ssh/authorized_keys", "ann", "ann", 0o600, b"").await.unwrap().unwrap();
    let file = String::from_utf8(file.to_vec()).unwrap();
    assert!(file.starts_with("# mine\nssh-ed25519 ") && file.lines().count() == 2, "{file}");
}

#[tokio::test]
async fn every_privileged_account_is_found_and_why() {
    let server = server();
    let target = server.target();
    let (_, line) = key_pair();
    let root = login("root", "Root-Start.1");
    let shell = Shell::open(&target, &root).await.unwrap();
    for (home, owner) in [("/home/ann", "ann"), ("/root", "root")] {
        let path = format!("{home}/.ssh/authorized_keys");
        shell.put_file(&path, owner, owner, 0o600, line.as_bytes()).await.unwrap();
    }
    let (all, coverage) = discover(&Linux, &target, &login("ops", "Ops-Start.1")).await;
    assert_eq!(coverage.gaps, []);
    assert_eq!(names(&all), ["ann", "blank", "dock", "full", "ops", "rob", "root", "rot", "toor", "twin"]);
    assert!(is_privileged_by(&all, "root", |why| *why == Privilege::UidZero));
    assert!(is_privileged_by(&all, "toor", |why| *why == Privilege::UidZero));
    assert!(is_privileged_by(&all, "ann", |why| matches!(why, Privilege::RootKey { .. })));
    assert!(is_privileged_by(&all, "ops", |why| {
        matches!(why, Privilege::Sudo { all: true, group: Some(group), .. } if group == "sudo")
    }));
    assert!(is_privileged_by(&all, "full", |why| matches!(why, Privilege::Sudo { all: true, group: None, .. })));
    assert!(is_privileged_by(&all, "rot", |why| {
        matches!(why, Privilege::Sudo { all: false, rule, .. } if rule.contains("chpasswd"))
    }));
    assert!(is_privileged_by(&all, "dock", |why| *why == Privilege::Group { chain: vec!["docker".to_owned()] }));
    assert!(of(&all, "rob").privileges.is_empty() && of(&all, "twin").privileges.is_empty());
    assert_eq!(of(&all, "blank").password, PasswordSight::Empty);
    assert_eq!(of(&all, "ann").password, of(&all, "twin").password);
    assert_eq!(of(&all, "ann").password_never_expires, Some(true));
    assert_eq!(of(&all, "twin").password_never_expires, Some(false));
    assert_eq!(of(&all, "ann").keys[0].algorithm, "ssh-ed25519");
    assert_eq!(of(&all, "ann").usage, AccountUse::Person);
    let shown = format!("{all:?}");
    assert!(!shown.contains("$y$") && !shown.contains("$6$"), "an observation holds a hash");

    let (seen, coverage) = discover(&Linux, &target, &login("dock", "Dock-Start.1")).await;
    assert!(coverage.gaps.iter().any(|gap| gap.what == "shadow"), "{:?}", coverage.gaps);
    assert!(names(&seen).contains(&"toor"));
}

#[tokio::test]
async fn access_for_a_while_is_given_found_and_taken_back() {
    let server = server();
    let target = server.target();
    let by = login("full", "Full-Start.1");
    let (key, _) = key_pair();
    let expires_at = now().after(Duration::from_secs(3600));
    let rule = SudoRule { run_as: "root".to_owned(), commands: vec!["/usr/bin/id".to_owned()] };
    let account = Provision {
        grant: grant(1),
        what: Entitlement::Account {
            secret: key.clone(),
            member_of: vec!["users".to_owned()],
            sudo: Some(rule.clone()),
        },
        expires_at,
    };
    let sudo = Provision { grant: grant(2), what: Entitlement::Sudo { account: name("rob"), rule }, expires_at };
    let member = Provision {
        grant: grant(3),
        what: Entitlement::Membership { account: name("ann"), group: "docker".to_owned() },
        expires_at,
    };
    for what in [&account, &sudo, &member] {
        for _ in 0..2 {
            let outcome = Linux.provision(&target, &by, what).await;
            assert!(matches!(&outcome, Outcome::Applied(placed) if placed.grant == what.grant), "{outcome:?}");
        }
    }
    let ephemeral = grant_name(&grant(1)).unwrap();
    assert_eq!(Linux.verify(&target, &ephemeral, &key).await, Verdict::Works);
    let shell = Shell::open(&target, &Login::new(ephemeral.clone(), key.clone())).await.unwrap();
    let output = shell.run_as_root(&["/usr/bin/id", "-u"], &[]).await.unwrap();
    assert_eq!(output.stdout.as_slice(), b"0\n");
    assert!(shell.run_as_root(&["/usr/bin/whoami"], &[]).await.is_err(), "the rule is for `id` only");
    let (all, _) = discover(&Linux, &target, &by).await;
    assert!(is_privileged_by(&all, ephemeral.as_str(), |why| matches!(why, Privilege::Sudo { all: false, .. })));
    assert!(is_privileged_by(&all, "rob", |why| matches!(why, Privilege::Sudo { .. })));
    assert!(is_privileged_by(&all, "ann", |why| matches!(why, Privilege::Group { .. })));

    let listed = Linux.list_provisioned(&target, &by).await.unwrap();
    assert_eq!(listed.len(), 3, "{listed:?}");
    // A membership that was there before is not ours to give, nor to take back.
    let standing = Provision {
        grant: grant(4),
        what: Entitlement::Membership { account: name("dock"), group: "docker".to_owned() },
        expires_at,
    };
    assert!(
        matches!(Linux.provision(&target, &by, &standing).await, Outcome::NotApplied(f) if f.cause == Cause::Conflict)
    );
    for entry in &listed {
        for _ in 0..2 {
            assert_eq!(Linux.revoke(&target, &by, entry).await, Outcome::Applied(()), "{entry:?}");
        }
    }
    assert_eq!(Linux.list_provisioned(&target, &by).await.unwrap(), []);
    assert!(matches!(Linux.verify(&target, &ephemeral, &key).await, Verdict::Refused(_)));
    let (all, _) = discover(&Linux, &target, &by).await;
    assert!(of(&all, "ann").privileges.is_empty() && of(&all, "rob").privileges.is_empty());
    assert!(!names(&all).contains(&ephemeral.as_str()));
    let secret = Secret::SshKey(postern_domain::SecretText::new("not a key".to_owned()));
    assert!(matches!(Linux.verify(&target, &name("ann"), &secret).await, Verdict::Unknown(_)));
}
