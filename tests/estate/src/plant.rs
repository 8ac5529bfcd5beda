//! What is planted, and what must be found of it.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::ensure;
use postern_connectors::{Login, Secret, Settings};
use postern_domain::SecretText;
use postern_domain::asset::Platform;
use postern_domain::finding::FindingKind;

use crate::server::Plan;

/// Servers with accounts of Unix; of directories and databases there are fewer, for they start slowly.
pub(crate) const UNIX: usize = 190;
const REDIS: usize = 10;
const DIRECTORIES: usize = 4;
const MARIADB: usize = 3;
const POSTGRES: usize = 3;

/// An account: asset, name.
pub(crate) type Place = (String, String);

/// What was planted.
#[derive(Default)]
pub(crate) struct Planted {
    pub(crate) accounts: BTreeSet<Place>,
    pub(crate) findings: BTreeSet<(String, String, FindingKind)>,
    /// Those that Postern governs.
    pub(crate) managed: BTreeSet<Place>,
    /// Those whose owner is gone.
    pub(crate) orphaned: BTreeSet<Place>,
}

impl Planted {
    fn account(&mut self, asset: &str, name: &str, kinds: &[FindingKind]) {
        self.accounts.insert((asset.to_owned(), name.to_owned()));
        self.findings.extend(kinds.iter().map(|kind| (asset.to_owned(), name.to_owned(), *kind)));
    }
}

/// A new key: the private one, and the public one on a line.
pub(crate) fn key(kind: &str, bits: &str) -> anyhow::Result<(String, String)> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("key");
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", kind, "-b", bits, "-N", "", "-C", "estate", "-f"]).arg(&file);
    ensure!(command.status()?.success(), "ssh-keygen failed");
    let read = |path: &std::path::Path| std::fs::read_to_string(path);
    Ok((read(&file)?, read(&file.with_extension("pub"))?.trim().to_owned()))
}

fn login(account: &str, secret: Secret) -> anyhow::Result<Login> {
    Ok(Login::new(account.parse()?, secret))
}

fn password(text: &str) -> Secret {
    Secret::Password(SecretText::new(text.to_owned()))
}

/// All servers of the estate, with what is planted on them.
pub(crate) fn estate() -> anyhow::Result<(Vec<Plan>, Planted)> {
    let mut planted = Planted::default();
    let mut plans = Vec::new();
    let (_, shared_key) = key("ed25519", "256")?;
    for index in 0..UNIX {
        plans.push(unix(index, &shared_key, &mut planted)?);
    }
    for index in 0..REDIS {
        plans.push(redis(index, &mut planted)?);
    }
    for index in 0..DIRECTORIES {
        plans.push(directory(index, &mut planted)?);
    }
    for index in 0..MARIADB {
        plans.push(mariadb(index, &mut planted)?);
    }
    for index in 0..POSTGRES {
        plans.push(postgres(index, &mut planted)?);
    }
    Ok((plans, planted))
}

/// The beginning of a server's set-up: ways to write accounts without running a program for each.
const TOOLS: &str = r#"
# user NAME UID HASH [SHELL]
user() {
  echo "$1:x:$2:$2::/home/$1:${4:-/bin/bash}" >>/etc/passwd; echo "$1:x:$2:" >>/etc/group
  echo "$1:$3:20000:0:${5:-99999}:7:::" >>/etc/shadow
  mkdir -p "/home/$1/.ssh"
}
# key NAME UID LINE
key() { echo "$3" >>"/home/$1/.ssh/authorized_keys"; chown -R "$2:$2" "/home/$1"; chmod 700 "/home/$1/.ssh"; chmod 600 "/home/$1/.ssh/authorized_keys"; }
# group NAME GROUP
group() { sed -i "s/^\($2:x:[0-9]*:.*[^:]\)\$/\1,$1/; s/^\($2:x:[0-9]*:\)\$/\1$1/" /etc/group; }
# signed_in UID SECONDS: what lastlog keeps, lastlog(5)
signed_in() {
  printf "$(printf '\\%03o\\%03o\\%03o\\%03o' $(($2 & 255)) $(($2 >> 8 & 255)) $(($2 >> 16 & 255)) $(($2 >> 24 & 255)))" |
    dd of=/var/log/lastlog bs=1 seek=$(($1 * 292)) conv=notrunc status=none
  truncate -s $((($1 + 1) * 292)) /var/log/lastlog
}
"#;

/// A hash as `crypt` writes it; nobody signs in with it.
fn hash(of: &str) -> String {
    let filled: String = of.chars().chain("x".repeat(43).chars()).take(43).collect();
    format!("$y$j9T$saltsaltsalt${filled}")
}

fn unix(index: usize, shared_key: &str, planted: &mut Planted) -> anyhow::Result<Plan> {
    let asset = format!("unix-{index:03}");
    let (private, public) = key("ed25519", "256")?;
    let mut setup = TOOLS.to_owned();
    let mut add = |line: String| {
        setup.push_str(&line);
        setup.push('\n');
    };
    // Who discovers: governed, with power that it needs.
    add(format!(
        "user audit 900 '*'; key audit 900 '{public}'; echo 'audit ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/audit"
    ));
    planted.account(&asset, "audit", &[]);
    planted.managed.insert((asset.clone(), "audit".to_owned()));
    // Found for its power, though nothing opens it.
    planted.account(&asset, "root", &[]);
    add(format!("user plain 1001 '{}'", hash(&format!("plain{index}"))));
    planted.account(&asset, "plain", &[]);
    // Must not be found: it has no power and nothing opens it.
    add("user decoy 1002 '*' /usr/sbin/nologin".to_owned());
    let special = special(index, &asset, shared_key, planted)?;
    add(special);
    Ok(Plan {
        address: format!("127.61.{}.{}", index / 200, index % 200 + 1),
        port: 22_022,
        platform: Platform::Linux,
        script: "unix-target.sh",
        files: vec![("setup".to_owned(), setup)],
        settings: Settings::default(),
        login: login("audit", Secret::SshKey(SecretText::new(private)))?,
        asset,
    })
}

/// The account that sets a server apart from its neighbours, as a line of its set-up.
fn special(index: usize, asset: &str, shared_key: &str, planted: &mut Planted) -> anyhow::Result<String> {
    use FindingKind::{EmptyPassword, Orphaned, Shared, Stale, StandingPrivilege, Unmanaged, WeakKey};
    let line;
    match index % 10 {
        0 => {
            line = format!("user ops 1010 '{}'; group ops sudo", hash(&format!("ops{index}")));
            planted.account(asset, "ops", &[Unmanaged, StandingPrivilege]);
        }
        1 => {
            line = format!(
                "echo 'toor:{}:20000:0:99999:7:::' >>/etc/shadow; echo 'toor:x:0:0::/root:/bin/bash' >>/etc/passwd",
                hash(&format!("toor{index}"))
            );
            planted.account(asset, "toor", &[Unmanaged]);
        }
        2 => {
            line = "user guest 1010 ''".to_owned();
            planted.account(asset, "guest", &[EmptyPassword]);
        }
        3 => {
            let (_, weak) = key("rsa", "1024")?;
            line = format!("user weak 1010 '*'; key weak 1010 '{weak}'");
            planted.account(asset, "weak", &[WeakKey]);
        }
        4 => {
            line = format!("user team 1010 '*'; key team 1010 '{shared_key}'");
            planted.account(asset, "team", &[Shared]);
        }
        5 => {
            line = format!("user copied 1010 '{}'", hash("copied"));
            planted.account(asset, "copied", &[Shared]);
        }
        6 => {
            line = format!("user old 1010 '{}'; signed_in 1010 1600000000", hash(&format!("old{index}")));
            planted.account(asset, "old", &[Stale]);
        }
        7 => {
            line =
                "user job 1010 '*' /usr/sbin/nologin; echo 'job ALL=(root) NOPASSWD: /usr/bin/id' >/etc/sudoers.d/job"
                    .to_owned();
            planted.account(asset, "job", &[]);
        }
        8 => {
            let (_, public) = key("ed25519", "256")?;
            line = format!(
                "user boss 1010 '*'; key boss 1010 '{public}'; mkdir -p ~root/.ssh; echo '{public}' >~root/.ssh/authorized_keys"
            );
            planted.account(asset, "boss", &[Unmanaged, StandingPrivilege, Shared]);
            // Root can be signed in to, then, by a key that opens another account as well.
            planted.account(asset, "root", &[Unmanaged, Shared]);
        }
        _ => {
            line = format!("user left 1010 '{}'; groupadd docker; group left docker", hash(&format!("left{index}")));
            planted.account(asset, "left", &[Orphaned, StandingPrivilege]);
            planted.managed.insert((asset.to_owned(), "left".to_owned()));
            planted.orphaned.insert((asset.to_owned(), "left".to_owned()));
        }
    }
    Ok(line)
}

/// What changes on a server between the two runs, as a script for root; None where nothing does.
pub(crate) fn later(index: usize, planted: &mut Planted) -> Option<String> {
    let asset = format!("unix-{index:03}");
    match index % 20 {
        7 => {
            planted.account(
                &asset,
                "plain",
                &[FindingKind::PrivilegeGained, FindingKind::Unmanaged, FindingKind::StandingPrivilege],
            );
            Some("echo 'plain ALL=(ALL) ALL' >/etc/sudoers.d/plain".to_owned())
        }
        9 => {
            planted.account(&asset, "left", &[FindingKind::SecretChanged]);
            Some(format!("sed -i 's/^left:[^:]*:/left:{}:/' /etc/shadow", hash(&format!("changed{index}"))))
        }
        _ => None,
    }
}

fn redis(index: usize, planted: &mut Planted) -> anyhow::Result<Plan> {
    let asset = format!("redis-{index}");
    let users = format!(
        "user default off\nuser audit on >Audit-{index} ~* &* +@all\nuser app on >App-{index} ~app:* +@read\nuser open on nopass ~* +@read\nuser root on >Root-{index} ~* &* +@all\n"
    );
    planted.account(&asset, "audit", &[]);
    planted.managed.insert((asset.clone(), "audit".to_owned()));
    planted.account(&asset, "app", &[]);
    planted.account(&asset, "open", &[FindingKind::EmptyPassword]);
    planted.account(&asset, "root", &[FindingKind::Unmanaged]);
    Ok(Plan {
        address: format!("127.62.0.{}", index + 1),
        port: 26_379,
        platform: Platform::Redis,
        script: "redis-target.sh",
        files: vec![("users.acl".to_owned(), users)],
        settings: Settings::default(),
        login: login("audit", password(&format!("Audit-{index}")))?,
        asset,
    })
}

fn directory(index: usize, planted: &mut Planted) -> anyhow::Result<Plan> {
    let asset = format!("ldap-{index}");
    let mut data = "dn: dc=corp,dc=test\nobjectClass: domain\ndc: corp\n\n".to_owned();
    for name in ["ann", "ben", "cleo"] {
        data.push_str(&format!(
            "dn: uid={name},dc=corp,dc=test\nobjectClass: inetOrgPerson\nuid: {name}\ncn: {name}\nsn: {name}\nuserPassword: {{SSHA}}{name}{index}\n\n"
        ));
    }
    data.push_str(
        "dn: cn=ops,dc=corp,dc=test\nobjectClass: groupOfNames\ncn: ops\nmember: uid=ann,dc=corp,dc=test\n\n",
    );
    data.push_str(
        "dn: cn=admins,dc=corp,dc=test\nobjectClass: groupOfNames\ncn: admins\nmember: cn=ops,dc=corp,dc=test\n",
    );
    planted.account(&asset, "ann", &[FindingKind::Unmanaged, FindingKind::StandingPrivilege]);
    planted.account(&asset, "ben", &[]);
    planted.account(&asset, "cleo", &[]);
    let settings = [("base_dn", "dc=corp,dc=test"), ("user_dn", "cn={account},dc=corp,dc=test")];
    Ok(Plan {
        address: format!("127.63.0.{}", index + 1),
        port: 26_636,
        platform: Platform::Ldap,
        script: "ldap-target.sh",
        files: vec![("data.ldif".to_owned(), data), ("admin_password".to_owned(), "Audit".to_owned())],
        settings: Settings(settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into()),
        login: login("admin", password("Audit"))?,
        asset,
    })
}

fn mariadb(index: usize, planted: &mut Planted) -> anyhow::Result<Plan> {
    let asset = format!("mariadb-{index}");
    let init = format!(
        "DELETE FROM mysql.global_priv WHERE User='root';\nFLUSH PRIVILEGES;\n\
         CREATE USER audit@'%' IDENTIFIED BY 'Audit-{index}';\nGRANT ALL ON *.* TO audit@'%' WITH GRANT OPTION;\n\
         CREATE USER app@'%' IDENTIFIED BY 'App-{index}';\nCREATE USER 'dba'@'%' IDENTIFIED BY 'Dba-{index}';\n\
         GRANT CREATE USER, FILE ON *.* TO dba@'%';\n"
    );
    planted.account(&asset, "audit", &[]);
    planted.managed.insert((asset.clone(), "audit".to_owned()));
    planted.account(&asset, "app", &[]);
    planted.account(&asset, "dba", &[FindingKind::Unmanaged]);
    Ok(Plan {
        address: format!("127.64.0.{}", index + 1),
        port: 23_306,
        platform: Platform::Mysql,
        script: "mysql-target.sh",
        files: vec![("init.sql".to_owned(), init)],
        settings: Settings::default(),
        login: login("audit", password(&format!("Audit-{index}")))?,
        asset,
    })
}

fn postgres(index: usize, planted: &mut Planted) -> anyhow::Result<Plan> {
    let asset = format!("postgres-{index}");
    planted.account(&asset, "postgres", &[]);
    planted.managed.insert((asset.clone(), "postgres".to_owned()));
    planted.account(&asset, "app_admin", &[FindingKind::Unmanaged]);
    let passwords = format!("postgres:Audit-{index}\napp_admin:App-{index}\n");
    Ok(Plan {
        address: "127.0.0.1".to_owned(),
        port: u16::try_from(25_480 + index)?,
        platform: Platform::Postgresql,
        script: "pg-target.sh",
        files: vec![("passwords".to_owned(), passwords)],
        settings: Settings::default(),
        login: login("postgres", password(&format!("Audit-{index}")))?,
        asset,
    })
}
