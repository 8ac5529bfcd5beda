//! Command lines: which programs they run, and which files and hosts they name.
//!
//! The words are taken apart as a POSIX shell does, with quotes and escapes; nothing is expanded.

use std::collections::VecDeque;

use crate::NAMES_MAX;

mod words;

#[cfg(test)]
mod tests;

pub(crate) use words::incomplete;
use words::{Token, tokens};

/// How deep commands within commands are looked into.
const DEPTH_MAX: usize = 6;
/// Programs that run another one, which follows their options.
const WRAPPERS: [&str; 25] = [
    "sudo",
    "doas",
    "env",
    "nohup",
    "time",
    "exec",
    "command",
    "builtin",
    "xargs",
    "watch",
    "nice",
    "ionice",
    "timeout",
    "setsid",
    "stdbuf",
    "strace",
    "ltrace",
    "busybox",
    "chroot",
    "unshare",
    "nsenter",
    "runuser",
    "flock",
    "script",
    "proxychains",
];
/// Options of those that take a word.
const TAKING: [&str; 16] =
    ["-u", "-g", "-h", "-p", "-C", "-n", "-c", "-I", "-L", "-P", "-s", "-k", "-D", "-U", "-t", "-S"];
/// Shells, which run what follows `-c`.
const SHELLS: [&str; 9] = ["sh", "bash", "zsh", "dash", "ksh", "ash", "fish", "su", "script"];
/// Words of the shell's own grammar that stand where a program could.
const RESERVED: [&str; 18] = [
    "if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac", "in", "!", "{", "}",
    "[[", "function",
];
/// Programs whose plain words are files.
const OF_FILES: [&str; 40] = [
    "cat",
    "less",
    "more",
    "head",
    "tail",
    "vi",
    "vim",
    "nano",
    "emacs",
    "view",
    "rm",
    "cp",
    "mv",
    "ln",
    "chmod",
    "chown",
    "chattr",
    "shred",
    "touch",
    "stat",
    "file",
    "strings",
    "xxd",
    "od",
    "base64",
    "tar",
    "zip",
    "gzip",
    "gpg",
    "tee",
    "truncate",
    "sed",
    "source",
    ".",
    "diff",
    "md5sum",
    "sha256sum",
    "split",
    "unlink",
    "visudo",
];
/// Programs whose first plain word is a host.
const OF_HOSTS: [&str; 16] = [
    "ssh",
    "sftp",
    "telnet",
    "ping",
    "nc",
    "ncat",
    "netcat",
    "socat",
    "mosh",
    "nmap",
    "dig",
    "host",
    "nslookup",
    "traceroute",
    "ssh-copy-id",
    "ssh-keyscan",
];

/// What a command line names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    /// The programs that it runs, without folders.
    pub programs: Vec<String>,
    /// The files that it names.
    pub files: Vec<String>,
    /// The hosts that it names.
    pub hosts: Vec<String>,
}

/// Takes a command line apart. What is not the shell's grammar gives what it gives; nothing fails.
#[must_use]
pub fn parse(text: &str) -> Parsed {
    let mut parsed = Parsed::default();
    into(text, 0, &mut parsed);
    parsed
}

fn into(text: &str, depth: usize, parsed: &mut Parsed) {
    if depth >= DEPTH_MAX {
        return;
    }
    let (tokens, nested) = tokens(text);
    let mut words = VecDeque::new();
    let mut redirect = false;
    for token in tokens {
        match token {
            Token::Word(word) if std::mem::take(&mut redirect) => add(&mut parsed.files, word),
            Token::Word(word) => words.push_back(word),
            Token::Redirect => redirect = true,
            Token::End => simple(std::mem::take(&mut words), depth, parsed),
        }
    }
    simple(words, depth, parsed);
    for inner in nested {
        into(&inner, depth + 1, parsed);
    }
}

/// One command with its words.
fn simple(mut words: VecDeque<String>, depth: usize, parsed: &mut Parsed) {
    while words.front().is_some_and(|word| RESERVED.contains(&word.as_str()) || is_assignment(word)) {
        words.pop_front();
    }
    let Some(first) = words.pop_front() else { return };
    let program = first.rsplit('/').next().unwrap_or_default().to_owned();
    if program.is_empty() {
        add(&mut parsed.files, first);
        return;
    }
    if first.contains('/') {
        add(&mut parsed.files, first);
    }
    add(&mut parsed.programs, program.clone());
    if program == "eval" {
        let rest: Vec<_> = words.into_iter().collect();
        return into(&rest.join(" "), depth + 1, parsed);
    }
    if SHELLS.contains(&program.as_str()) {
        let is_command = |word: &String| word.starts_with('-') && !word.starts_with("--") && word.ends_with('c');
        if let Some(inner) = words.iter().position(is_command).and_then(|at| words.get(at + 1)) {
            into(inner, depth + 1, parsed);
        }
    }
    if WRAPPERS.contains(&program.as_str()) {
        return wrapped(&program, words, depth, parsed);
    }
    names(&program, &words, depth, parsed);
}

/// What follows the options of a program that runs another.
fn wrapped(program: &str, mut words: VecDeque<String>, depth: usize, parsed: &mut Parsed) {
    while let Some(word) = words.front() {
        let is_number = word.starts_with(|c: char| c.is_ascii_digit())
            && word.chars().all(|c| c.is_ascii_digit() || ".smhd".contains(c));
        let is_option = word.starts_with('-') || is_assignment(word);
        if !is_option && (program != "timeout" || !is_number) {
            break;
        }
        // `sudo -s`, for one, takes nothing: what follows is the command.
        let takes = match program {
            "sudo" => ["-u", "-g", "-h", "-p", "-C", "-D", "-U", "-T"].contains(&word.as_str()),
            _ => TAKING.contains(&word.as_str()),
        };
        words.pop_front();
        if takes {
            words.pop_front();
        }
    }
    if program == "chroot" || program == "flock" {
        parsed.files.extend(words.pop_front());
    }
    if depth < DEPTH_MAX {
        simple(words, depth + 1, parsed);
    }
}

/// The files and hosts among a program's words.
fn names(program: &str, words: &VecDeque<String>, depth: usize, parsed: &mut Parsed) {
    let mut plain = 0;
    let mut option = "";
    let mut found_host = false;
    for (at, word) in words.iter().enumerate() {
        let before = std::mem::replace(&mut option, if word.starts_with('-') { word.as_str() } else { "" });
        if let Some(value) = word.strip_prefix('-') {
            // `--file=path`
            if let Some((_, value)) = value.split_once('=') {
                name(value, parsed);
            }
            continue;
        }
        let is_host_option = ["-h", "--host", "--server", "-H", "-J"].contains(&before);
        if is_host_option && !OF_FILES.contains(&program) && looks_like_host(word) {
            add(&mut parsed.hosts, bare_host(word));
            continue;
        }
        let takes_word = OF_HOSTS.contains(&program) && !before.is_empty() && before.len() == 2 && !found_host;
        if OF_HOSTS.contains(&program) && !found_host && !(takes_word && takes_value(before)) && looks_like_host(word) {
            found_host = true;
            add(&mut parsed.hosts, bare_host(word));
            if program == "ssh" {
                let rest: Vec<_> = words.iter().skip(at + 1).map(String::as_str).collect();
                if !rest.is_empty() {
                    into(&rest.join(" "), depth + 1, parsed);
                }
                return;
            }
            continue;
        }
        plain += 1;
        let pattern = plain == 1 && ["tar", "sed", "chmod", "chown", "chattr", "split"].contains(&program);
        if !name(word, parsed) && OF_FILES.contains(&program) && !pattern {
            add(&mut parsed.files, word.clone());
        }
    }
}

/// Whether this option of `ssh` and its like takes a word.
fn takes_value(option: &str) -> bool {
    option.len() == 2 && option.chars().nth(1).is_some_and(|c| "bcDEeFIiJLlmOopQRSWwX".contains(c))
}

/// Takes a word up that looks like a path, an address, or `host:path`; false where it does not.
fn name(word: &str, parsed: &mut Parsed) -> bool {
    if let Some((_, rest)) = word.split_once("://") {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        add(&mut parsed.hosts, bare_host(authority));
        return true;
    }
    if let Some(rest) = word.strip_prefix("/dev/tcp/").or_else(|| word.strip_prefix("/dev/udp/")) {
        add(&mut parsed.hosts, rest.split('/').next().unwrap_or_default().to_owned());
        return true;
    }
    if let Some((host, path)) = word.split_once(':')
        && !host.is_empty()
        && !host.contains('/')
        && !path.is_empty()
        && (host.contains('@') || path.starts_with(['/', '~', '.']) || path.contains('/'))
    {
        add(&mut parsed.hosts, bare_host(host));
        add(&mut parsed.files, path.to_owned());
        return true;
    }
    if let Some((_, host)) = word.split_once('@')
        && !host.is_empty()
        && !word.contains('/')
    {
        add(&mut parsed.hosts, bare_host(word));
        return true;
    }
    let is_path = word.contains('/') || word.starts_with('~') || (word.starts_with('.') && word.len() > 1);
    // `of=/dev/sda`
    let path = word.split_once('=').map_or(word, |(_, value)| value);
    if is_path {
        add(&mut parsed.files, path.to_owned());
    }
    is_path
}

/// The host in `user@host:port`.
fn bare_host(word: &str) -> String {
    let host = word.rsplit('@').next().unwrap_or_default();
    match host.split_once(']') {
        Some((inside, _)) => inside.trim_start_matches('[').to_owned(),
        None if host.matches(':').count() == 1 => host.split(':').next().unwrap_or_default().to_owned(),
        None => host.to_owned(),
    }
}

fn looks_like_host(word: &str) -> bool {
    !word.is_empty()
        && !word.starts_with(['/', '.', '~'])
        && word.chars().all(|c| c.is_alphanumeric() || ".-_@:[]%".contains(c))
        && !word.chars().all(|c| c.is_ascii_digit())
}

/// `NAME=value`, before a command.
fn is_assignment(word: &str) -> bool {
    let Some((name, _)) = word.split_once('=') else { return false };
    !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit())
}

fn add(names: &mut Vec<String>, name: String) {
    if !name.is_empty() && names.len() < NAMES_MAX && !names.contains(&name) {
        names.push(name);
    }
}
