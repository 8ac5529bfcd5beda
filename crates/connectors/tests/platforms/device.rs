//! Network devices. None can be had here, so that the dialogues are held with **stand-ins**: real sshd with
//! accounts whose shell is a small command line that prompts, echoes, pages, refuses and hashes as the
//! family does. What they show is that the driver and the data files work together; that the data files
//! describe the devices, they do not show.

use std::path::Path;
use std::time::Duration;

use postern_connectors::{
    Cause, Change, Connector as _, Entitlement, Login, NetworkDevice, Outcome, Provision, Target, Verdict, grant_name,
};
use postern_domain::discovery::Privilege;

use crate::support::{Server, discover, grant, is_privileged_by, login, name, names, now, of, password};

/// Keeps the accounts in files below /run/device, and sets the Unix password so that the next sign-in
/// is judged by sshd itself.
const SETUP: &str = r#"
install -d -m 777 /run/device
add() { useradd -M -d /run/device -s "/mnt/$3" "$1"; echo "$1:$2" | chpasswd; }
chmod 755 /mnt/ios /mnt/junos /mnt/routeros; chmod 755 /mnt; touch /mnt/commands.log; chmod 666 /mnt/commands.log
for f in ios junos routeros; do sed -i "s|@PYTHON@|$(command -v /usr/bin/python3 || command -v python3)|" /mnt/$f; done
add admin Admin-Start.1 ios; add ann Ann-Start.1 ios; add jane Jane-Start.1 junos; add mike Mike-Start.1 routeros
printf 'admin 15 9 x\nann 1 9 x\n' >/run/device/ios; chmod 666 /run/device/ios
printf 'jane super-user\nben read-only\n' >/run/device/junos; chmod 666 /run/device/junos
useradd -M -s /mnt/junos ben; echo 'ben:Ben-Start.1' | chpasswd
echo 'ALL ALL=(root) NOPASSWD: /usr/sbin/chpasswd, /usr/sbin/usermod, /usr/sbin/useradd, /usr/sbin/userdel' >/etc/sudoers.d/device
"#;

fn server() -> Server {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/platforms/stand_ins");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let (ios, junos, routeros) = (read("ios"), read("junos"), read("routeros"));
    Server::start("unix-target.sh", &[("setup", SETUP), ("ios", &ios), ("junos", &junos), ("routeros", &routeros)])
}

fn target(server: &Server, model: &str) -> Target {
    let mut target = server.target();
    target.settings.0.insert("model".to_owned(), model.to_owned());
    target
}

fn enabled(account: &str, text: &str) -> Login {
    let elevate = Some(postern_domain::SecretText::new("En-Start.1".to_owned()));
    Login { elevate, ..login(account, text) }
}

#[tokio::test]
async fn a_device_like_ios_is_given_a_hash_and_changes_accounts() {
    let server = server();
    let target = target(&server, "ios");
    let by = enabled("admin", "Admin-Start.1");
    let (all, _) = discover(&NetworkDevice, &target, &by).await;
    assert_eq!(names(&all), ["admin", "ann"]);
    assert!(is_privileged_by(&all, "admin", |why| *why == Privilege::Level { level: 15 }));
    assert!(of(&all, "ann").privileges.is_empty());

    let candidate = password("N3w-Secret.1");
    let ann = name("ann");
    let change = Change { account: &ann, old: None, candidate: &candidate };
    assert_eq!(NetworkDevice.change(&target, &by, change).await, Outcome::Applied(()));
    let shown = server.read("commands.log");
    assert!(shown.contains("username ann secret 8 $8$") && !shown.contains("N3w-Secret"), "{shown}");

    let wrong = Login { elevate: None, ..by.clone() };
    let refused = NetworkDevice.change(&target, &wrong, change).await;
    assert!(matches!(&refused, Outcome::NotApplied(failure) if failure.cause == Cause::Forbidden), "{refused:?}");
    let gone = name("gone");
    let missing = NetworkDevice.change(&target, &by, Change { account: &gone, ..change }).await;
    assert!(matches!(&missing, Outcome::NotApplied(failure) if failure.cause == Cause::NoSuchAccount), "{missing:?}");

    let what = Entitlement::Account { secret: candidate.clone(), member_of: Vec::new(), sudo: None };
    let what = Provision { grant: grant(1), what, expires_at: now().after(Duration::from_secs(60)) };
    assert!(matches!(NetworkDevice.provision(&target, &by, &what).await, Outcome::Applied(_)));
    let listed = NetworkDevice.list_provisioned(&target, &by).await.unwrap();
    assert_eq!(listed.len(), 1);
    for _ in 0..2 {
        assert_eq!(NetworkDevice.revoke(&target, &by, &listed[0]).await, Outcome::Applied(()));
    }
    assert_eq!(NetworkDevice.list_provisioned(&target, &by).await.unwrap(), []);
}

#[tokio::test]
async fn a_device_like_junos_commits_and_only_the_new_password_works() {
    let server = server();
    let target = target(&server, "junos");
    let by = login("jane", "Jane-Start.1");
    let (all, _) = discover(&NetworkDevice, &target, &by).await;
    assert_eq!(names(&all), ["ben", "jane"]);
    assert!(is_privileged_by(&all, "jane", |why| matches!(why, Privilege::Group { .. })));
    let (ben, candidate) = (name("ben"), password("N3w-Secret.1"));
    let change = Change { account: &ben, old: None, candidate: &candidate };
    assert_eq!(NetworkDevice.change(&target, &by, change).await, Outcome::Applied(()));
    assert_eq!(NetworkDevice.verify(&target, &ben, &candidate).await, Verdict::Works);
    assert!(matches!(NetworkDevice.verify(&target, &ben, &password("Ben-Start.1")).await, Verdict::Refused(_)));
    assert!(!server.read("commands.log").contains("N3w-Secret"));
    let simple = password("simple");
    // What counts is that nothing was changed; how the device words its refusal is not always caught.
    let refused = NetworkDevice.change(&target, &by, Change { candidate: &simple, ..change }).await;
    assert!(matches!(&refused, Outcome::NotApplied(_)), "{refused:?}");
    let what = Entitlement::Account { secret: candidate, member_of: Vec::new(), sudo: None };
    let what = Provision { grant: grant(2), what, expires_at: now().after(Duration::from_secs(60)) };
    assert!(matches!(NetworkDevice.provision(&target, &by, &what).await, Outcome::Applied(_)));
    let listed = NetworkDevice.list_provisioned(&target, &by).await.unwrap();
    assert_eq!(NetworkDevice.revoke(&target, &by, &listed[0]).await, Outcome::Applied(()));
    assert!(!names(&discover(&NetworkDevice, &target, &by).await.0).contains(&grant_name(&grant(2)).unwrap().as_str()));
}

#[tokio::test]
async fn a_device_like_routeros_changes_its_own_password_at_prompts() {
    let server = server();
    let target = target(&server, "routeros");
    let by = login("mike", "Mike-Start.1");
    let (mike, candidate) = (name("mike"), password("N3w-Secret.1"));
    let change = Change { account: &mike, old: None, candidate: &candidate };
    assert_eq!(NetworkDevice.change(&target, &by, change).await, Outcome::Applied(()));
    assert_eq!(NetworkDevice.verify(&target, &mike, &candidate).await, Verdict::Works);
    assert!(matches!(NetworkDevice.verify(&target, &mike, &password("Mike-Start.1")).await, Verdict::Refused(_)));
    let other = Change { account: &name("ann"), old: None, candidate: &candidate };
    let refused = NetworkDevice.change(&target, &login("mike", "N3w-Secret.1"), other).await;
    assert!(matches!(&refused, Outcome::NotApplied(failure) if failure.cause == Cause::Unsupported), "{refused:?}");
}
