//! Which accounts a server has, and why they are privileged.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use postern_domain::Timestamp;
use postern_domain::discovery::{AccountUse, KeySight, Observation, PasswordSight, Privilege};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::parse::{self, Section, User};
use super::shell::Shell;
use super::sudoers::{self, Subjects};
use crate::connector::{Coverage, Gap, Survey};
use crate::outcome::{Cause, Failure};

/// Groups whose members are as good as root, and why is known to everybody.
const PRIVILEGED_GROUPS: &[&str] =
    &["root", "wheel", "sudo", "admin", "docker", "lxd", "libvirt", "disk", "shadow", "kmem", "sys", "adm"];
/// Of these, members are shown but not called privileged by the group alone: they read logs.
const READING_GROUPS: &[&str] = &["adm", "sys"];
/// The most keys that are reported of one account.
const KEYS_MAX: usize = 256;
/// How many accounts are asked for in one command.
const SUDO_BATCH: usize = 500;

/// What the files say.
#[derive(Default)]
struct Seen {
    users: Vec<User>,
    truncated: bool,
    groups: BTreeMap<String, Vec<String>>,
    shadow: Option<BTreeMap<String, parse::Shadow>>,
    keys: BTreeMap<String, Vec<KeySight>>,
    last: BTreeMap<String, Timestamp>,
    uid_min: u32,
    sudo: BTreeMap<String, Vec<Privilege>>,
}

pub(super) async fn discover(
    shell: &Shell,
    survey: &Survey,
    found: &mpsc::Sender<Observation>,
) -> Result<Coverage, Failure> {
    let mut coverage = Coverage::default();
    let (text, as_root) = look(shell, &mut coverage).await?;
    let sections = parse::sections(&text, MARK);
    let mut seen = read(&sections, survey);
    if seen.users.is_empty() {
        return Err(Failure::new(Cause::Protocol, "the server does not show its accounts"));
    }
    if seen.shadow.is_none() {
        coverage.gaps.push(Gap { what: "shadow", why: "the discovery account may not read /etc/shadow".to_owned() });
    }
    if as_root {
        sudo(shell, &sections, &mut seen, &mut coverage).await?;
    }
    coverage.truncated = seen.truncated;
    let root_keys: Vec<String> = seen
        .users
        .iter()
        .filter(|user| user.uid == 0)
        .flat_map(|user| seen.keys.get(&user.name).into_iter().flatten())
        .map(|key| key.fingerprint.clone())
        .collect();
    for user in &seen.users {
        let observation = observe(user, &seen, &root_keys);
        if !observation.can_sign_in && !observation.is_privileged() {
            continue;
        }
        if !coverage.report(observation, survey, found).await {
            break;
        }
    }
    Ok(coverage)
}

/// Runs the script, as root if that is possible.
async fn look(shell: &Shell, coverage: &mut Coverage) -> Result<(Zeroizing<String>, bool), Failure> {
    let argv = ["sh", "-s"];
    let why = match shell.root(&argv, SCRIPT.as_bytes()).await {
        Ok(output) if output.succeeded() => return Ok((output.text(), true)),
        Ok(output) => output.complaint().to_owned(),
        Err(error) => error.failure().detail,
    };
    coverage.gaps.push(Gap { what: "root", why: format!("not as root: {why}") });
    let output = shell.plain(&argv, SCRIPT.as_bytes()).await.map_err(crate::ssh::RunError::failure)?;
    if output.succeeded() {
        Ok((output.text(), false))
    } else {
        Err(Failure::new(Cause::Forbidden, format_args!("the discovery account cannot look: {}", output.complaint())))
    }
}

fn read(sections: &[Section<'_>], survey: &Survey) -> Seen {
    let one = |name: &str| sections.iter().find(|section| section.name == name).map(|section| section.text.as_str());
    // One more than is reported, so that it is noticed when there are more. Those that cannot sign in
    // and have no power are not reported, hence the room.
    let most = survey.accounts_max.saturating_mul(4).saturating_add(1024);
    let users = parse::users(one("passwd").unwrap_or_default(), most);
    let mut keys: BTreeMap<String, Vec<KeySight>> = BTreeMap::new();
    for section in sections.iter().filter(|section| section.name == "keys") {
        let [user, changed] = section.arguments.as_slice() else { continue };
        let since = changed.parse::<i64>().ok().map(|seconds| Timestamp::from_millis(seconds.saturating_mul(1000)));
        let held = keys.entry((*user).to_owned()).or_default();
        let room = KEYS_MAX.saturating_sub(held.len());
        held.extend(parse::keys(&section.text, since, room));
    }
    Seen {
        truncated: users.len() >= most,
        groups: parse::groups(one("group").unwrap_or_default(), &users),
        shadow: one("shadow")
            .filter(|text| !text.trim().is_empty())
            .map(|text| parse::shadow(text, survey.digest_key.expose())),
        keys,
        last: parse::last_sign_ins(one("last").unwrap_or_default()),
        uid_min: one("uid_min").and_then(|text| text.trim().parse().ok()).unwrap_or(1000),
        sudo: BTreeMap::new(),
        users,
    }
}

/// Asks sudo itself what each account may do that its rules can mean.
async fn sudo(
    shell: &Shell,
    sections: &[Section<'_>],
    seen: &mut Seen,
    coverage: &mut Coverage,
) -> Result<(), Failure> {
    let Some(text) = sections.iter().find(|section| section.name == "sudoers") else { return Ok(()) };
    let subjects = Subjects::read(&text.text);
    let meant = |user: &&User| {
        let groups = seen.groups.get(&user.name).map(Vec::as_slice).unwrap_or_default();
        subjects.anybody
            || subjects.users.contains(&user.name)
            || groups.iter().any(|group| subjects.groups.contains(group))
    };
    let names: Vec<String> = seen.users.iter().filter(meant).map(|user| user.name.clone()).collect();
    for batch in names.chunks(SUDO_BATCH) {
        let mut script = String::from(SUDO_SCRIPT);
        for name in batch {
            let _ = writeln!(script, "list {}", crate::ssh::quote(name));
        }
        let output = shell.root(&["sh", "-s"], script.as_bytes()).await.map_err(crate::ssh::RunError::failure)?;
        if !output.succeeded() {
            coverage.gaps.push(Gap { what: "sudo", why: output.complaint().to_owned() });
            return Ok(());
        }
        let text = output.text();
        for section in parse::sections(&text, MARK) {
            let Some(user) = section.arguments.first() else { continue };
            let groups = seen.groups.get(*user).map(Vec::as_slice).unwrap_or_default();
            let rules = sudoers::rules(&section.text, user, groups, &subjects);
            if !rules.is_empty() {
                seen.sudo.insert((*user).to_owned(), rules);
            }
        }
    }
    Ok(())
}

fn observe(user: &User, seen: &Seen, root_keys: &[String]) -> Observation {
    let mut observation = Observation::named(user.name.as_str());
    let keys = seen.keys.get(&user.name).cloned().unwrap_or_default();
    observation.usage = match user.uid {
        0 => AccountUse::Person,
        uid if uid < seen.uid_min || uid == 65_534 => AccountUse::System,
        _ if user.has_shell() => AccountUse::Person,
        _ => AccountUse::Service,
    };
    observation.privileges = privileges(user, seen, &keys, root_keys);
    if let Some(shadow) = seen.shadow.as_ref().and_then(|shadow| shadow.get(&user.name)) {
        observation.locked = shadow.locked;
        observation.password_changed_at = shadow.changed_at;
        observation.expires_at = shadow.expires_at;
        let has_password = matches!(shadow.password, PasswordSight::Set { .. });
        observation.password_never_expires = has_password.then_some(shadow.never_expires);
        observation.password = shadow.password.clone();
    } else if seen.shadow.is_some() {
        observation.password = PasswordSight::None;
    }
    let password_opens = match &observation.password {
        PasswordSight::None => false,
        PasswordSight::Unseen | PasswordSight::Empty => true,
        PasswordSight::Set { .. } => !observation.locked,
    };
    observation.can_sign_in = user.has_shell() && (password_opens || !keys.is_empty());
    observation.keys = keys;
    observation.last_sign_in_at = seen.last.get(&user.name).copied();
    let hint = user.comment.split(',').find(|part| !part.trim().is_empty()).map(|part| part.trim().to_owned());
    observation.owner_hint = hint.filter(|hint| *hint != user.name);
    observation.notes = vec![format!("uid {}", user.uid), format!("shell {}", user.shell)];
    observation
}

fn privileges(user: &User, seen: &Seen, keys: &[KeySight], root_keys: &[String]) -> Vec<Privilege> {
    let mut privileges = Vec::new();
    if user.uid == 0 {
        privileges.push(Privilege::UidZero);
    }
    let sudo = seen.sudo.get(&user.name).cloned().unwrap_or_default();
    if user.uid != 0 {
        privileges.extend(sudo.iter().cloned());
        let groups = seen.groups.get(&user.name).map(Vec::as_slice).unwrap_or_default();
        for group in groups {
            let told = sudo.iter().any(|rule| matches!(rule, Privilege::Sudo { group: Some(by), .. } if by == group));
            let counts = PRIVILEGED_GROUPS.contains(&group.as_str()) && !READING_GROUPS.contains(&group.as_str());
            if counts && !told && user.uid >= seen.uid_min {
                privileges.push(Privilege::Group { chain: vec![group.clone()] });
            }
        }
        let opening = keys.iter().filter(|key| root_keys.contains(&key.fingerprint));
        privileges.extend(opening.map(|key| Privilege::RootKey { fingerprint: key.fingerprint.clone() }));
    }
    privileges
}

/// What begins a section; no account file holds such a line.
const MARK: &str = "#=postern=# ";

/// Prints the account files in sections. Reads regular files only, and of each no more than is sane,
/// for a user's files are that user's to prepare.
const SCRIPT: &str = r##"
LC_ALL=C; export LC_ALL; PATH=$PATH:/usr/sbin:/sbin; umask 077
m='#=postern=# '
echo "${m}passwd"; cat /etc/passwd || exit 1
echo "${m}group"; cat /etc/group
echo "${m}shadow"; cat /etc/shadow 2>/dev/null
echo "${m}uid_min"; while read -r k v r; do [ "$k" = UID_MIN ] && echo "$v"; done </etc/login.defs 2>/dev/null
echo "${m}last"; { lastlog || lastlog2; } 2>/dev/null
if [ -r /etc/sudoers ]; then
  echo "${m}sudoers"; cat /etc/sudoers
  for f in /etc/sudoers.d/* /usr/local/etc/sudoers.d/*; do
    case ${f##*/} in *~|*.*) ;; *) [ -f "$f" ] && { cat "$f"; echo; } ;; esac
  done
fi
p=$(sshd -T 2>/dev/null | while read -r k v; do [ "$k" = authorizedkeysfile ] && echo "$v"; done)
[ -n "$p" ] && [ "$p" != none ] || p='.ssh/authorized_keys .ssh/authorized_keys2'
set -f
while IFS=: read -r u x uid gid c h s; do
  [ -n "$u" ] && [ -n "$h" ] || continue
  for f in $p; do
    case $f in *%*) f=$(printf '%s' "$f" | sed "s|%h|$h|g; s|%u|$u|g; s|%%|%|g") ;; esac
    case $f in /*) ;; *) f=$h/$f ;; esac
    if [ -f "$f" ] && [ -r "$f" ]; then
      echo "${m}keys $u $(stat -c %Y -- "$f")"; head -c 262144 -- "$f"; echo
    fi
  done
done </etc/passwd
exit 0
"##;

/// Lists what sudo lets accounts do.
const SUDO_SCRIPT: &str = r##"
LC_ALL=C; export LC_ALL
list() { echo "#=postern=# sudo $1"; sudo -n -l -U "$1" 2>/dev/null </dev/null; }
command -v sudo >/dev/null || exit 0
"##;
