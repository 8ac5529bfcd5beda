//! The account files of a Unix-like server, read leniently: a line that is not understood is skipped.

use std::collections::BTreeMap;
use std::time::Duration;

use postern_domain::Timestamp;
use postern_domain::discovery::{KeySight, PasswordSight};
use russh::keys::{HashAlg, PublicKey};
use zeroize::Zeroizing;

use crate::digest::keyed;

/// A line of `/etc/passwd`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) comment: String,
    pub(crate) home: String,
    pub(crate) shell: String,
}

impl User {
    /// Whether its shell lets anybody in.
    pub(crate) fn has_shell(&self) -> bool {
        let program = self.shell.rsplit('/').next().unwrap_or_default();
        !matches!(program, "nologin" | "false" | "sync" | "halt" | "shutdown")
    }
}

/// Reads `/etc/passwd`; at most `max` lines.
pub(crate) fn users(text: &str, max: usize) -> Vec<User> {
    text.lines().filter_map(user).take(max).collect()
}

fn user(line: &str) -> Option<User> {
    let mut fields = line.split(':');
    let name =
        fields.next().filter(|name| !name.is_empty() && name.len() <= 128 && !name.starts_with(['#', '+', '-']))?;
    fields.next()?;
    let (uid, gid) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    let (comment, home) = (fields.next()?, fields.next()?);
    let shell = fields.next().filter(|shell| !shell.is_empty()).unwrap_or("/bin/sh");
    Some(User {
        name: name.to_owned(),
        uid,
        gid,
        comment: comment.chars().filter(|c| !c.is_control()).take(128).collect(),
        home: home.to_owned(),
        shell: shell.to_owned(),
    })
}

/// The groups of each user, by name: from `/etc/group` and the primary groups.
pub(crate) fn groups(text: &str, users: &[User]) -> BTreeMap<String, Vec<String>> {
    let mut of: BTreeMap<String, Vec<String>> = users.iter().map(|user| (user.name.clone(), Vec::new())).collect();
    for line in text.lines() {
        let mut fields = line.split(':');
        let (Some(group), Some(_), Some(gid), members) =
            (fields.next(), fields.next(), fields.next(), fields.next().unwrap_or_default())
        else {
            continue;
        };
        let gid: Option<u32> = gid.parse().ok();
        for user in users.iter().filter(|user| Some(user.gid) == gid) {
            of.entry(user.name.clone()).or_default().push(group.to_owned());
        }
        for member in members.split(',').map(str::trim).filter(|member| !member.is_empty()) {
            if let Some(held) = of.get_mut(member)
                && !held.iter().any(|known| known == group)
            {
                held.push(group.to_owned());
            }
        }
    }
    of
}

/// What `/etc/shadow` says of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shadow {
    pub(crate) password: PasswordSight,
    pub(crate) locked: bool,
    pub(crate) changed_at: Option<Timestamp>,
    pub(crate) never_expires: bool,
    pub(crate) expires_at: Option<Timestamp>,
}

/// Reads `/etc/shadow`.
pub(crate) fn shadow(text: &str, digest_key: &[u8]) -> BTreeMap<String, Shadow> {
    text.lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            let [name, hash, changed, _, max, _, _, expires, ..] = fields.as_slice() else { return None };
            let days = |text: &str| text.parse::<i64>().ok().filter(|days| *days > 0);
            let locked = hash.starts_with('!');
            let bare = hash.trim_start_matches('!');
            let password = match bare {
                "" if !locked => PasswordSight::Empty,
                "" | "*" | "x" | "NP" | "LK" | "*LK*" => PasswordSight::None,
                hash => PasswordSight::Set { scheme: scheme(hash).to_owned(), digest: keyed(hash, digest_key) },
            };
            let entry = Shadow {
                locked: locked && matches!(password, PasswordSight::Set { .. }),
                password,
                changed_at: days(changed).map(day),
                never_expires: days(max).is_none_or(|max| max >= 99_999),
                expires_at: days(expires).map(day),
            };
            Some(((*name).to_owned(), entry))
        })
        .collect()
}

fn scheme(hash: &str) -> &'static str {
    [
        ("$y$", "yescrypt"),
        ("$gy$", "gost-yescrypt"),
        ("$7$", "scrypt"),
        ("$2", "bcrypt"),
        ("$6$", "sha512crypt"),
        ("$5$", "sha256crypt"),
        ("$1$", "md5crypt"),
        ("_", "bsdicrypt"),
    ]
    .iter()
    .find(|(prefix, _)| hash.starts_with(prefix))
    .map_or("descrypt", |(_, name)| name)
}

/// The beginning of a day that is counted from the epoch.
fn day(days: i64) -> Timestamp {
    Timestamp::from_millis(0).after(Duration::from_secs(u64::try_from(days).unwrap_or(0).saturating_mul(86_400)))
}

/// The keys of an `authorized_keys` file, at most `max`.
pub(crate) fn keys(text: &str, since: Option<Timestamp>, max: usize) -> Vec<KeySight> {
    text.lines().filter_map(|line| key(line.trim(), since)).take(max).collect()
}

fn key(line: &str, since: Option<Timestamp>) -> Option<KeySight> {
    if line.is_empty() || line.starts_with('#') || line.len() > 16 * 1024 {
        return None;
    }
    // Options come before the algorithm; what is quoted in them may hold blanks.
    let begins = ["ssh-", "ecdsa-sha2-", "sk-"];
    let at = line
        .char_indices()
        .filter(|(at, _)| {
            *at == 0 || line.as_bytes().get(at - 1).is_some_and(|b| b.is_ascii_whitespace() || *b == b',')
        })
        .map(|(at, _)| at)
        .filter(|at| line.get(*at..).is_some_and(|rest| begins.iter().any(|begin| rest.starts_with(begin))))
        .find_map(|at| line.get(at..).and_then(|rest| PublicKey::from_openssh(rest).ok()))?;
    let bits = match at.key_data() {
        russh::keys::ssh_key::public::KeyData::Rsa(rsa) => Some(rsa.key_size()),
        _ => None,
    };
    Some(KeySight {
        fingerprint: at.fingerprint(HashAlg::Sha256).to_string(),
        algorithm: at.algorithm().as_str().to_owned(),
        bits,
        comment: at.comment().to_string().chars().filter(|c| !c.is_control()).take(128).collect(),
        since,
    })
}

/// When each account last signed in, from what `lastlog` prints in the C locale.
pub(crate) fn last_sign_ins(text: &str) -> BTreeMap<String, Timestamp> {
    text.lines()
        .filter_map(|line| {
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            let [name, .., month, day, time, zone, year] = words.as_slice() else { return None };
            let at = jiff::Timestamp::strptime("%Y %b %d %H:%M:%S %z", format!("{year} {month} {day} {time} {zone}"))
                .ok()?;
            Some(((*name).to_owned(), Timestamp::from_millis(at.as_millisecond())))
        })
        .collect()
}

/// One part of what the inventory script prints.
pub(crate) struct Section<'a> {
    pub(crate) name: &'a str,
    pub(crate) arguments: Vec<&'a str>,
    pub(crate) text: Zeroizing<String>,
}

/// Takes the script's answer apart at the lines that begin with the mark.
pub(crate) fn sections<'a>(text: &'a str, mark: &str) -> Vec<Section<'a>> {
    let mut found: Vec<Section<'a>> = Vec::new();
    for line in text.lines() {
        if let Some(head) = line.strip_prefix(mark) {
            let mut words = head.split_ascii_whitespace();
            let name = words.next().unwrap_or_default();
            found.push(Section { name, arguments: words.collect(), text: Zeroizing::new(String::new()) });
        } else if let Some(section) = found.last_mut() {
            section.text.push_str(line);
            section.text.push('\n');
        }
    }
    found
}

#[cfg(test)]
mod tests;
