//! A family of devices, as its data file describes it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use postern_domain::discovery::{AccountUse, Observation, PasswordSight, Privilege};
use regex::Regex;
use serde::Deserialize;

use crate::connector::Survey;
use crate::digest::keyed;

/// A family.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Model {
    pub(super) name: String,
    /// Commands that are sent first, so that nothing is paged.
    #[serde(default)]
    pub(super) setup: Vec<String>,
    /// Lines by which the device says no.
    #[serde(default)]
    pub(super) errors: Vec<Pattern>,
    /// What it says when it waits in the midst of a long answer.
    pub(super) more: Option<Pattern>,
    /// How a secret is hashed here; None where the value itself is typed at a prompt.
    pub(super) verifier: Option<Verifier>,
    pub(super) prompt: Prompt,
    pub(super) enable: Option<Enable>,
    /// Sets the secret of an account.
    #[serde(default)]
    pub(super) change: Vec<Step>,
    /// Sets one's own, where that is another dialogue.
    #[serde(default)]
    pub(super) change_own: Vec<Step>,
    #[serde(default)]
    pub(super) provision: Vec<Step>,
    #[serde(default)]
    pub(super) revoke: Vec<Step>,
    pub(super) discover: Discover,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verifier {
    /// PBKDF2 with HMAC-SHA-256, as Cisco's type 8.
    Cisco8,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Prompt {
    /// The last line when the device waits for a command.
    pub(super) ready: Pattern,
    /// The same when it lets one change things.
    pub(super) privileged: Pattern,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Enable {
    pub(super) send: String,
    pub(super) ask: Pattern,
}

/// One exchange.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    /// What is sent, with `{account}` and `{verifier}`.
    pub(super) send: Option<String>,
    /// The new secret is sent, at a prompt that does not echo.
    #[serde(default)]
    pub(super) secret: bool,
    /// The old secret is sent, likewise.
    #[serde(default)]
    pub(super) old: bool,
    /// The last line of the answer; the device's prompt when left out.
    pub(super) expect: Option<Pattern>,
    /// What the answer must hold.
    pub(super) success: Option<Pattern>,
    /// An answer that means that there is nothing to do.
    pub(super) missing: Option<Pattern>,
    /// From here on the change may be in force.
    #[serde(default)]
    pub(super) applies: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Discover {
    pub(super) send: String,
    /// Lines that tell of accounts: `name`, and `level`, `class`, `scheme`, `hash`.
    pub(super) lines: Vec<Pattern>,
    /// Classes that are privileged.
    #[serde(default)]
    pub(super) classes: Vec<String>,
}

/// A regular expression of a data file.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Pattern(pub(super) Regex);

impl TryFrom<String> for Pattern {
    type Error = regex::Error;

    fn try_from(text: String) -> Result<Self, regex::Error> {
        Regex::new(&text).map(Self)
    }
}

/// The data files; a test holds that each can be read.
pub(super) const FILES: [&str; 3] = [
    include_str!("../../devices/ios.toml"),
    include_str!("../../devices/junos.toml"),
    include_str!("../../devices/routeros.toml"),
];

static MODELS: LazyLock<Vec<Model>> =
    LazyLock::new(|| FILES.iter().filter_map(|text| toml::from_str(text).ok()).collect());

/// The family of this name.
pub(super) fn named(name: &str) -> Option<&'static Model> {
    MODELS.iter().find(|model| model.name == name)
}

/// All names.
pub(super) fn names() -> Vec<&'static str> {
    MODELS.iter().map(|model| model.name.as_str()).collect()
}

/// What the lines say of one account together.
#[derive(Default)]
struct Account {
    level: Option<u8>,
    class: Option<String>,
    password: Option<PasswordSight>,
    disabled: bool,
}

impl Model {
    /// The names of the accounts in the answer to the discovery's command.
    pub(super) fn accounts(&self, text: &str) -> Vec<String> {
        self.read(text, &[]).into_keys().collect()
    }

    /// The accounts in the answer, as they are reported.
    pub(super) fn observations(&self, text: &str, survey: &Survey) -> Vec<Observation> {
        let accounts = self.read(text, survey.digest_key.expose());
        accounts.into_iter().map(|(name, account)| self.observe(name, account)).collect()
    }

    fn read(&self, text: &str, digest_key: &[u8]) -> BTreeMap<String, Account> {
        let mut accounts: BTreeMap<String, Account> = BTreeMap::new();
        for line in text.lines().map(|line| line.trim_end()) {
            for found in self.discover.lines.iter().filter_map(|pattern| pattern.0.captures(line)) {
                let part = |name: &str| found.name(name).map(|part| part.as_str());
                let Some(name) = part("name").filter(|name| name.len() <= 128) else { continue };
                let account = accounts.entry(name.to_owned()).or_default();
                account.level = part("level").and_then(|level| level.parse().ok()).or(account.level);
                account.class = part("class").map(str::to_owned).or_else(|| account.class.take());
                account.disabled |= part("flags").is_some_and(|flags| flags.contains('X'));
                if let Some(hash) = part("hash") {
                    let scheme = part("scheme").map_or("crypt".to_owned(), |scheme| format!("type {scheme}"));
                    account.password = Some(PasswordSight::Set { scheme, digest: keyed(hash, digest_key) });
                }
            }
        }
        accounts
    }

    fn observe(&self, name: String, account: Account) -> Observation {
        let mut observation = Observation::named(name);
        observation.usage = AccountUse::Person;
        observation.locked = account.disabled;
        observation.can_sign_in = !account.disabled;
        if let Some(level) = account.level.filter(|level| *level >= PRIVILEGED_LEVEL) {
            observation.privileges.push(Privilege::Level { level });
        }
        if let Some(class) = account.class {
            if self.discover.classes.contains(&class) {
                observation.privileges.push(Privilege::Group { chain: vec![class.clone()] });
            }
            observation.notes.push(format!("class {class}"));
        }
        observation.password = account.password.unwrap_or(PasswordSight::Unseen);
        observation.password_never_expires = Some(true);
        observation
    }
}

/// From this level on a device is changed.
const PRIVILEGED_LEVEL: u8 = 2;
