//! Secrets are taken out of texts.
//!
//! What is looked for are the places where secrets stand: options, variables, headers, addresses, SQL,
//! keys in PEM, and tokens that are known by their form. Too much is masked rather than too little.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

#[cfg(test)]
mod tests;

/// What stands in place of a secret.
const MASK: &str = "***";

/// A word of a shell or of a configuration: quoted, escaped or plain.
const WORD: &str = r#"(?:\$?"(?:[^"\\]|\\[\s\S])*(?:"|$)|\$?'[^']*(?:'|$)|\\[\s\S]|[^\s'"\\;&|<>()])+"#;
/// Names of what is secret.
const NAME: &str = r"(?:pass(?:word|wd|phrase|code)?s?|passw|pwd|pw|secret|secrets|token|tokens|api[_-]?keys?|access[_-]?keys?|secret[_-]?keys?|private[_-]?keys?|encryption[_-]?keys?|account[_-]?keys?|shared[_-]?keys?|client[_-]?secret|credentials?|creds?|requirepass|masterauth|otp|pin)";

/// A place where secrets stand: the expression's group `s` is the secret; without one, all of it is.
struct Place(Regex);

/// None where one of them cannot be looked for: then every text is masked whole.
static PLACES: LazyLock<Option<Vec<Place>>> =
    LazyLock::new(|| sources().iter().map(|source| Regex::new(source).ok().map(Place)).collect());

fn sources() -> Vec<String> {
    let word = format!("(?P<s>{WORD})");
    vec![
        // Keys in PEM and OpenSSH's form; one that has no end goes on until the end.
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----(?P<s>[\s\S]*?)(?:-----END [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----|$)".to_owned(),
        r"(?P<s>b3BlbnNzaC1rZXktdj[A-Za-z0-9+/=\s]{40,})".to_owned(),
        r#"(?i)\bpassword\s*\(\s*(?P<s>'(?:[^'\\]|''|\\[\s\S])*(?:'|$)|"(?:[^"\\]|\\[\s\S])*(?:"|$))"#.to_owned(),
        // Headers.
        r#"(?i)\b(?:proxy-)?authorization["']?\s*[:=]\s*["']?(?P<s>[^'"\r\n]+)"#.to_owned(),
        r#"(?i)\b(?:set-)?cookie["']?\s*:\s*["']?(?P<s>[^'"\r\n]+)"#.to_owned(),
        r#"(?i)\bx-[a-z-]*(?:key|token|auth|secret)[a-z-]*["']?\s*:\s*["']?(?P<s>[^'"\r\n]+)"#.to_owned(),
        r#"(?i)\b(?:bearer|basic|negotiate|apikey)\s+(?P<s>[A-Za-z0-9._~+/=-]{6,})"#.to_owned(),
        // Addresses with a user and a password.
        r#"(?i)\b[a-z][a-z0-9+.-]*://[^\s:/@"']*:(?P<s>[^\s"']*)@"#.to_owned(),
        // Names with values: options, variables, JSON, YAML, connection strings. The name may be a part
        // of a longer one.
        format!(r#"(?i)(?:^|[^a-z0-9])(?:[a-z0-9.]+[_.-])*{NAME}(?:[_.-][a-z0-9]+)*["']?\s*(?:=|::?|=>)\s*{word}"#),
        format!(r#"(?i)[a-z0-9_.-]*(?:password|passwd|passphrase|secret|token|apikey|accesskey|privatekey|unicodepwd|mysql_pwd)[a-z0-9_.-]*["']?\s*(?:=|::?|=>)\s*{word}"#),
        format!(r#"(?i)(?:^|\s)--?[a-z0-9-]*(?:password|passwd|passphrase|secret|token|api-?key|access-?key|private-key|credential)[a-z0-9-]*\s+{word}"#),
        format!(r#"(?i)(?:^|\s)--?(?:pass|pw|pwd|passin|passout|storepass|keypass|srcstorepass|deststorepass|bindpw|newpass)(?:\s+|=)(?:pass:)?{word}"#),
        // Programs whose options do not say it.
        format!(r#"(?i)\b(?:mysql|mariadb|mycli)[a-z_-]*\b[^;|&\n]*?\s-p{word}"#),
        format!(r#"(?i)\bsshpass\b[^;|&\n]*?\s-p\s*{word}"#),
        format!(r#"(?i)\b(?:redis-cli|valkey-cli|keydb-cli)\b[^;|&\n]*?\s-a\s*{word}"#),
        format!(r#"(?i)\b(?:curl|wget|http|https)\b[^;|&\n]*?\s(?:-u|--user|--proxy-user|-U|-a|--auth)(?:\s*|=)(?:[^\s:'"]*:)?{word}"#),
        format!(r#"(?i)\b(?:ldap[a-z]+)\b[^;|&\n]*?\s-[wsa]\s*{word}"#),
        format!(r#"(?i)\b(?:docker|podman|az|oc|helm|nerdctl|skopeo|buildah)\s+[^;|&\n]*?\s-p\s*{word}"#),
        format!(r#"(?i)\b(?:smbclient|rpcclient|net|winexe|smbmap|crackmapexec|nxc|evil-winrm)\b[^;|&\n]*?\s-[up]\s*(?:[^\s%'"]*%)?{word}"#),
        format!(r#"(?i)\b(?:useradd|usermod|adduser|zip|unzip|7z[ar]?|mongo|mongosh|mongodump|sqlcmd|bcp|isql|cqlsh|influx|snowsql|clickhouse-client)\b[^;|&\n]*?\s-[pP]\s*{word}"#),
        format!(r#"(?i)\b(?:xfreerdp|rdesktop|freerdp)\b[^;|&\n]*?\s(?:/p:|-p\s*){word}"#),
        format!(r#"(?i)\bnet\s+user\s+\S+\s+{word}"#),
        format!(r#"(?i)\bhtpasswd\b[^;|&\n]*-\w*b\w*[^;|&\n]*\s{word}(?:\s*$|[;|&\n])"#),
        format!(r#"(?i)\b(?:echo|printf|print)\s+(?:-\w+\s+)*{word}\s*(?:\\n)?\s*\|\s*(?:sudo\s+)?(?:sudo|su|doas|passwd|chpasswd|kinit|openssl|gpg|cryptsetup|smbpasswd|docker|podman)\b"#),
        format!(r#"(?i)\b(?:chpasswd|passwd|smbpasswd|sudo\s+-S|kinit)\b[^;|&\n]*<<<\s*{word}"#),
        format!(r#"(?i)\bvault\s+(?:kv\s+)?(?:put|write)\b[^;|&\n]*?=\s*{word}"#),
        format!(r#"(?i)\bopenssl\b[^;|&\n]*?\s-(?:k|K|pass|passin|passout|hmac)\s+(?:pass:)?{word}"#),
        format!(r#"(?i)\b(?:export|setx|env|declare|local)\s+[a-z0-9_]*(?:key|auth|cred|pass|pwd|token|secret)[a-z0-9_]*=\s*{word}"#),
        // SQL.
        r#"(?i)\bidentified\b[^;'"]*?\b(?:by|as)\b\s*(?:password\s*)?(?:values\s*)?\(?\s*(?P<s>'(?:[^'\\]|''|\\[\s\S])*(?:'|$)|"(?:[^"\\]|\\[\s\S])*(?:"|$)|[^\s;,'"]+)"#.to_owned(),
        r#"(?i)\bpassword\b\s*(?:for\s+[^=]+)?[=(]?\s*(?:password\s*)?\(?\s*(?P<s>(?:e|n|u&)?'(?:[^'\\]|''|\\[\s\S])*(?:'|$)|"(?:[^"\\]|\\[\s\S])*(?:"|$)|\$\w*\$[\s\S]*?(?:\$\w*\$|$))"#.to_owned(),
        // Redis.
        r#"(?im)(?:^|>\s*|\bredis-cli\b[^;|&\n]*?\s|["'])auth\s+(?P<s>[^\r\n]+)"#.to_owned(),
        format!(r#"(?i)\bconfig\s+set\s+[^\r\n]*?(?:requirepass|masterauth|[a-z-]*pass[a-z-]*)\s+{word}"#),
        format!(r#"(?i)\bhello\s+\d\s+auth\s+\S+\s+{word}"#),
        r#"(?i)\bacl\s+setuser\s+\S+(?P<s>[^\r\n]*)"#.to_owned(),
        // Tokens that are known by their form.
        r"\b(?P<s>(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16})\b".to_owned(),
        r"\b(?P<s>gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|npm_[A-Za-z0-9]{20,}|pypi-[A-Za-z0-9_-]{20,}|xox[abeoprs]-[A-Za-z0-9-]{10,}|[sr]k_(?:live|test)_[A-Za-z0-9]{16,}|sk-[A-Za-z0-9_-]{20,}|AIza[A-Za-z0-9_-]{30,}|hv[sb]\.[A-Za-z0-9_-]{20,}|AGE-SECRET-KEY-1[A-Z0-9]{20,}|dop_v1_[a-f0-9]{20,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,})".to_owned(),
        r"\b(?P<s>eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?)".to_owned(),
        r"(?P<s>\$(?:1|2[abxy]?|5|6|7|y|gy|argon2id?|argon2d|pbkdf2[a-z0-9-]*|scrypt)\$[^\s:'\x22]+)".to_owned(),
        r"\b(?P<s>SCRAM-SHA-256\$[^\s'\x22]+)".to_owned(),
    ]
}

/// What a text has that holds any of the places: most lines of an output have nothing of it, and are not
/// looked at further.
static HINT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let names = r"pass|pw|secret|token|cred|otp|pin|auth|cookie|bearer|basic|negotiate";
    // Keys of tables and of caches are everywhere; those that are secret have a name that says so.
    let keys = r"(?:api|access|secret|private|encryption|account|shared)[ _-]?key|x-[a-z-]*key|key[a-z0-9_]*=";
    let forms = r"://|<<<|\s-|/p:|identified|b3blbnnzac1r|akia|asia|aroa|aida|gh[pousr]_|glpat|npm_|pypi|xox|sk[_-]|rk_|aiza|hv[sb]\.|dop_v1|sg\.|eyj|scram|\$[a-z0-9-]+\$";
    let programs = r"sudo|\bsu\b|doas|kinit|openssl|gpg|cryptsetup|docker|podman|vault|hello|acl\s|net\s+user";
    Regex::new(&format!("(?i){names}|{keys}|{forms}|{programs}")).ok()
});

/// Builds what secrets are looked for with, which takes a while, before the first session has to wait for it.
pub(crate) fn prepare() {
    LazyLock::force(&HINT);
    LazyLock::force(&PLACES);
}

/// The text with three asterisks in place of each secret.
#[must_use]
pub fn mask(text: &str) -> Cow<'_, str> {
    let mut masked = Cow::Borrowed(text);
    if HINT.as_ref().is_some_and(|hint| !hint.is_match(text)) {
        return masked;
    }
    let Some(places) = PLACES.as_ref() else { return Cow::Borrowed(MASK) };
    for Place(place) in places {
        if !place.is_match(&masked) {
            continue;
        }
        let replaced = place.replace_all(&masked, |found: &Captures<'_>| {
            let whole = found.get(0).map_or((0, 0), |whole| (whole.start(), whole.end()));
            let secret = found.name("s").map_or(whole, |secret| (secret.start(), secret.end()));
            let part = |from, to| masked.get(from..to).unwrap_or_default();
            if secret.0 == secret.1 {
                return part(whole.0, whole.1).to_owned();
            }
            format!("{}{MASK}{}", part(whole.0, secret.0), part(secret.1, whole.1))
        });
        masked = Cow::Owned(replaced.into_owned());
    }
    masked
}

/// Masks the lines of an output one by one, knowing when a private key goes over several.
#[derive(Clone, Debug, Default)]
pub struct Masker {
    in_key: bool,
}

impl Masker {
    /// The next line without its secrets.
    #[must_use]
    pub fn line<'a>(&mut self, line: &'a str) -> Cow<'a, str> {
        let begins = line.contains("-----BEGIN ") && line.contains("PRIVATE KEY");
        let ends = line.contains("-----END ");
        if self.in_key && !begins {
            self.in_key = !ends;
            return if ends { mask(line) } else { Cow::Borrowed(MASK) };
        }
        self.in_key = begins && !ends;
        mask(line)
    }
}
