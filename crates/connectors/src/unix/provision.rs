//! Access for a while: an ephemeral account, a sudo rule, a membership. Each ends on the server by
//! itself where the server can do that, and each bears the grant's name.
//!
//! A membership cannot bear a name and does not end by itself, so that a marker is laid down before it
//! is given: a file of the grant's name below [`MARKERS`].

use std::fmt::Write as _;
use std::time::Duration;

use postern_domain::{AccountName, Timestamp};
use zeroize::Zeroizing;

use super::keys;
use super::shell::Shell;
use crate::entitlement::{Entitlement, Provision, Provisioned, SudoRule, grant_name, grant_of_name};
use crate::login::Secret;
use crate::outcome::{Cause, Failure, Outcome};
use crate::ssh::{Output, RunError};

/// Where markers lie.
const MARKERS: &str = "/var/lib/postern";
const NO_ACCOUNT: u32 = 45;
const IS_MEMBER: u32 = 46;
const TAKEN: u32 = 47;
/// The most that is listed.
const LISTED_MAX: usize = 10_000;

pub(super) async fn provision(shell: &Shell, provision: &Provision) -> Outcome<Provisioned> {
    let plan = match plan(provision) {
        Ok(plan) => plan,
        Err(failure) => return Outcome::NotApplied(failure),
    };
    let expires_at = plan.expires_at;
    let argv: Vec<&str> =
        ["sh", "-c", plan.script, "sh"].into_iter().chain(plan.arguments.iter().map(String::as_str)).collect();
    outcome(shell.root(&argv, &plan.stdin).await).map(|()| provision.placed(expires_at))
}

/// What is run as root, with what.
struct Plan {
    script: &'static str,
    arguments: Vec<String>,
    stdin: Zeroizing<Vec<u8>>,
    expires_at: Option<Timestamp>,
}

fn plan(provision: &Provision) -> Result<Plan, Failure> {
    let name = name_of(provision)?.to_string();
    let until = provision.expires_at;
    match &provision.what {
        Entitlement::Account { secret, member_of, sudo } => {
            let rule = match sudo {
                Some(rule) => sudo_line(&name, rule, until)?,
                None => String::new(),
            };
            let groups = member_of.iter().map(|group| group_name(group)).collect::<Result<Vec<_>, _>>()?.join(",");
            let (kind, stdin) = credential(&name, secret, until)?;
            // The account ends on a day; the key and the rule in it end at the second.
            let end = until.after(Duration::from_secs(86_400));
            let day = end.to_jiff().strftime("%Y-%m-%d").to_string();
            let note = format!("Postern {}", provision.grant);
            let arguments = vec![name, day, note, groups, rule, kind.to_owned()];
            Ok(Plan { script: ACCOUNT, arguments, stdin, expires_at: Some(end) })
        }
        Entitlement::Sudo { account, rule } => {
            let line = sudo_line(account.as_str(), rule, until)?;
            let arguments = vec![name, account.to_string(), line];
            Ok(Plan { script: SUDO, arguments, stdin: Zeroizing::default(), expires_at: Some(until) })
        }
        Entitlement::Membership { account, group } => {
            let arguments = vec![name, account.to_string(), group_name(group)?.to_owned()];
            Ok(Plan { script: MEMBERSHIP, arguments, stdin: Zeroizing::default(), expires_at: None })
        }
    }
}

fn name_of(provision: &Provision) -> Result<AccountName, Failure> {
    grant_name(&provision.grant).map_err(|error| Failure::new(Cause::Setting, error))
}

/// What proves the ephemeral account, for standard input: a line for `chpasswd` or `authorized_keys`.
fn credential(name: &str, secret: &Secret, until: Timestamp) -> Result<(&'static str, Zeroizing<Vec<u8>>), Failure> {
    match secret {
        Secret::Password(password) => {
            let text = password.expose();
            if text.chars().any(char::is_control) {
                return Err(Failure::new(Cause::Rejected, "the password holds control characters"));
            }
            let mut line = Zeroizing::new(Vec::with_capacity(name.len() + text.len() + 2));
            line.extend_from_slice(name.as_bytes());
            line.push(b':');
            line.extend_from_slice(text.as_bytes());
            line.push(b'\n');
            Ok(("password", line))
        }
        Secret::SshKey(_) => {
            let seconds = until.as_millis().div_euclid(1000);
            let line = format!("{seconds} {}\n", keys::public_line(secret)?);
            Ok(("key", Zeroizing::new(line.into_bytes())))
        }
        // The server trusts the authority that signed it; the certificate ends by itself.
        Secret::SshCertificate { .. } => Ok(("none", Zeroizing::default())),
    }
}

fn group_name(text: &str) -> Result<&str, Failure> {
    let fits = !text.is_empty()
        && text.len() <= 32
        && !text.starts_with('-')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    if fits { Ok(text) } else { Err(Failure::new(Cause::Setting, format_args!("`{text}` is not a group's name"))) }
}

/// A line of a sudoers file, ending by itself (sudoers(5), `NOTAFTER`).
fn sudo_line(who: &str, rule: &SudoRule, until: Timestamp) -> Result<String, Failure> {
    let refuse = |text: &str| Err(Failure::new(Cause::Setting, format_args!("`{text}` cannot be in a sudo rule")));
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-+@ ".contains(&b);
    if rule.run_as != "ALL" {
        group_name(&rule.run_as)?;
    }
    if rule.commands.is_empty() || who.contains(['\\', '$']) {
        return refuse(who);
    }
    for command in &rule.commands {
        let fits = command == "ALL" || (command.starts_with('/') && command.bytes().all(plain) && command.len() <= 256);
        if !fits {
            return refuse(command);
        }
    }
    let until = until.to_jiff().strftime("%Y%m%d%H%M%SZ").to_string();
    let mut line = String::new();
    let _ = write!(line, "{who} ALL=({}) NOTAFTER={until} NOPASSWD: {}", rule.run_as, rule.commands.join(", "));
    Ok(line)
}

pub(super) async fn revoke(shell: &Shell, provisioned: &Provisioned) -> Outcome {
    let name = match grant_name(&provisioned.grant) {
        Ok(name) => name.to_string(),
        Err(error) => return Outcome::NotApplied(Failure::new(Cause::Setting, error)),
    };
    outcome(shell.root(&["sh", "-c", REVOKE, "sh", &name, MARKERS], &[]).await)
}

pub(super) async fn list(shell: &Shell) -> Result<Vec<Provisioned>, Failure> {
    let output = shell.root(&["sh", "-c", LIST, "sh", MARKERS], &[]).await.map_err(RunError::failure)?;
    if !output.succeeded() {
        return Err(Failure::new(Cause::Forbidden, output.complaint()));
    }
    Ok(read_list(&output.text()))
}

/// Lines of `account NAME DAYS`, `rule NAME`, `member NAME ACCOUNT GROUP`. One grant is one entry.
fn read_list(text: &str) -> Vec<Provisioned> {
    let mut found: Vec<Provisioned> = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let entry = match words.as_slice() {
            ["account", name, rest @ ..] => grant_of_name(name).map(|grant| Provisioned {
                grant,
                account: None,
                group: None,
                expires_at: rest
                    .first()
                    .and_then(|days| days.parse::<u64>().ok())
                    .map(|days| Timestamp::from_millis(0).after(Duration::from_secs(days.saturating_mul(86_400)))),
            }),
            ["rule", name, account] => grant_of_name(name).map(|grant| Provisioned {
                grant,
                account: account.parse().ok(),
                group: None,
                expires_at: None,
            }),
            ["member", name, account, group] => grant_of_name(name).map(|grant| Provisioned {
                grant,
                account: account.parse().ok(),
                group: Some((*group).to_owned()),
                expires_at: None,
            }),
            _ => None,
        };
        // The account is listed first, and its own rule belongs to it.
        if let Some(entry) = entry.filter(|entry| found.iter().all(|known| known.grant != entry.grant)) {
            found.push(entry);
        }
        if found.len() >= LISTED_MAX {
            break;
        }
    }
    found
}

fn outcome(result: Result<Output, RunError>) -> Outcome {
    match result {
        Ok(output) => match output.status {
            Some(0) => Outcome::Applied(()),
            Some(NO_ACCOUNT) => Outcome::NotApplied(Failure::new(Cause::NoSuchAccount, output.complaint())),
            Some(IS_MEMBER | TAKEN) => Outcome::NotApplied(Failure::new(Cause::Conflict, output.complaint())),
            // A script of several steps has failed in the midst of them.
            _ => Outcome::Unknown(Failure::new(Cause::Forbidden, output.complaint())),
        },
        Err(RunError::NotBegun(failure)) => Outcome::NotApplied(failure),
        Err(RunError::Lost(failure)) => Outcome::Unknown(failure),
    }
}

const ACCOUNT: &str = r#"set -e; LC_ALL=C; export LC_ALL; PATH=$PATH:/usr/sbin:/sbin; umask 077
n=$1; day=$2; note=$3; groups=$4; rule=$5; kind=$6
if id -u -- "$n" >/dev/null 2>&1; then
  case $(getent passwd "$n" | cut -d: -f5) in "$note") ;; *) echo "the name $n is taken" >&2; exit 47 ;; esac
  usermod -e "$day" -G "$groups" "$n"
else
  useradd -m -s /bin/bash -e "$day" -c "$note" -G "$groups" "$n"
fi
[ "$kind" = password ] || usermod -p '*' "$n"
case $kind in
password) chpasswd ;;
key)
  read -r seconds line
  h=$(getent passwd "$n" | cut -d: -f6)
  until=$(date -d "@$seconds" +%Y%m%d%H%M%S)
  install -d -m 700 -o "$n" -g "$(id -g -- "$n")" "$h/.ssh"
  printf 'expiry-time="%s" %s\n' "$until" "$line" >"$h/.ssh/authorized_keys"
  chown "$n:" "$h/.ssh/authorized_keys" ;;
esac
if [ -n "$rule" ]; then
  printf '%s\n' "$rule" >"/etc/sudoers.d/.$n"
  chmod 440 "/etc/sudoers.d/.$n"
  visudo -cqf "/etc/sudoers.d/.$n" >/dev/null || { rm -f "/etc/sudoers.d/.$n"; echo 'sudo does not take the rule' >&2; exit 1; }
  mv -f "/etc/sudoers.d/.$n" "/etc/sudoers.d/$n"
fi"#;

const SUDO: &str = r#"set -e; LC_ALL=C; export LC_ALL; PATH=$PATH:/usr/sbin:/sbin; umask 077
n=$1; account=$2; rule=$3
id -u -- "$account" >/dev/null 2>&1 || { echo "the server has no account $account" >&2; exit 45; }
printf '%s\n' "$rule" >"/etc/sudoers.d/.$n"
chmod 440 "/etc/sudoers.d/.$n"
visudo -cqf "/etc/sudoers.d/.$n" >/dev/null || { rm -f "/etc/sudoers.d/.$n"; echo 'sudo does not take the rule' >&2; exit 1; }
mv -f "/etc/sudoers.d/.$n" "/etc/sudoers.d/$n""#;

const MEMBERSHIP: &str = r#"set -e; LC_ALL=C; export LC_ALL; PATH=$PATH:/usr/sbin:/sbin; umask 077
n=$1; account=$2; group=$3; markers=/var/lib/postern
id -u -- "$account" >/dev/null 2>&1 || { echo "the server has no account $account" >&2; exit 45; }
getent group "$group" >/dev/null || { echo "the server has no group $group" >&2; exit 45; }
member() { id -nG -- "$account" | tr ' ' '\n' | grep -qxF -- "$group"; }
mkdir -p "$markers"
if [ ! -e "$markers/$n" ]; then
  if member; then echo "$account is a member of $group already" >&2; exit 46; fi
  printf 'member %s %s\n' "$account" "$group" >"$markers/.$n"
  sync "$markers/.$n" 2>/dev/null || sync
  mv -f "$markers/.$n" "$markers/$n"
fi
member || usermod -a -G "$group" "$account""#;

/// What is revoked is found by the grant's name alone.
const REVOKE: &str = r#"LC_ALL=C; export LC_ALL; PATH=$PATH:/usr/sbin:/sbin
n=$1; markers=$2; failed=
rm -f -- "/etc/sudoers.d/$n" "/etc/sudoers.d/.$n" || failed=1
if [ -f "$markers/$n" ]; then
  read -r kind account group <"$markers/$n"
  if [ "$kind" = member ] && id -nG -- "$account" 2>/dev/null | tr ' ' '\n' | grep -qxF -- "$group"; then
    gpasswd -d "$account" "$group" >/dev/null || failed=1
  fi
  [ -n "$failed" ] || rm -f -- "$markers/$n" || failed=1
fi
if id -u -- "$n" >/dev/null 2>&1; then
  usermod -L -e 1 "$n"
  i=0
  while [ $i -lt 50 ] && pgrep -u "$n" >/dev/null 2>&1; do pkill -KILL -u "$n"; i=$((i + 1)); sleep 0.1; done
  userdel -r -f "$n" >/dev/null 2>&1
  if id -u -- "$n" >/dev/null 2>&1; then echo "the account $n cannot be removed" >&2; failed=1; fi
fi
[ -z "$failed" ]"#;

const LIST: &str = r#"LC_ALL=C; export LC_ALL; PATH=$PATH:/usr/sbin:/sbin
while IFS=: read -r u x rest; do
  case $u in pst-*) echo "account $u $(getent shadow "$u" | cut -d: -f8)" ;; esac
done </etc/passwd
for f in /etc/sudoers.d/pst-*; do
  [ -f "$f" ] && { read -r who rest <"$f"; echo "rule ${f##*/} $who"; }
done
for f in "$1"/pst-*; do
  [ -f "$f" ] && { read -r kind account group <"$f"; echo "member ${f##*/} $account $group"; }
done
exit 0"#;

#[cfg(test)]
mod tests;
