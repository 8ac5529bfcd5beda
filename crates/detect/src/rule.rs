//! Rules as text.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::case::Case;

/// The longest text of rules, in bytes.
const TEXT_LEN_MAX: usize = 256 * 1024;
/// The most rules in one text.
const RULES_MAX: usize = 500;

/// A rule. It finds what all of its conditions hold for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name: `credentials.shadow`.
    pub id: String,
    /// What it finds, as an alert says it.
    pub title: String,
    /// How bad that is.
    pub severity: Severity,
    /// The technique of MITRE ATT&CK: `T1003.008`.
    pub attack: String,
    /// What is done when it finds something.
    #[serde(default)]
    pub respond: Respond,
    /// What it looks at.
    pub on: Vec<On>,
    /// What must hold of it.
    #[serde(default, rename = "match")]
    pub matches: Match,
    /// How often that must be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Within>,
    /// What must be unusual for the person or the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unusual: Option<Unusual>,
    /// What it must find.
    pub hits: Vec<Case>,
    /// What it must not find.
    pub misses: Vec<Case>,
}

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Low,
    /// Worth a look.
    Medium,
    /// Worth a look at once.
    High,
    /// An attack, most likely.
    Critical,
}

/// What is done. What a gateway cannot do falls to the next harder one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Respond {
    /// It is written down, and nobody is bothered.
    Note,
    /// An alert is raised.
    #[default]
    Alert,
    /// The session is held until the person has proved a second factor anew.
    Factor,
    /// The session is held until somebody lets it go on.
    Pause,
    /// The session is ended.
    Terminate,
    /// The person is locked out, and all of their sessions are ended.
    Lock,
}

/// What a rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum On {
    /// A command at a terminal.
    Command,
    /// A command by request.
    Exec,
    /// A line that was typed and not shown.
    Unseen,
    /// A file operation.
    File,
    /// A forwarded connection.
    Forward,
    /// A statement.
    Statement,
    /// The end of a statement, with its rows and bytes.
    StatementEnd,
    /// Bytes that passed.
    Moved,
    /// A capability that was asked for.
    Capability,
    /// A channel that is not read.
    Unread,
    /// An event of the ledger.
    Event,
}

/// What must hold; what is not said holds. Expressions are searched for, without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Match {
    /// The text of a command or statement; the prompt of what was not shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What must not be in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unless: Option<String>,
    /// One of these programs is run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub program: Vec<String>,
    /// A file that is named, or the path of a file operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// A host that is named or forwarded to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// One of these file operations, kinds of forward or capabilities.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub op: Vec<String>,
    /// What a statement does, by its first words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verb: Option<String>,
    /// A table that a statement names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// One of these actions of an event.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub action: Vec<String>,
    /// One of these outcomes of an event or a statement.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outcome: Vec<String>,
    /// Details of an event.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub detail: BTreeMap<String, String>,
    /// The account: `honey@*` as an expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// At least so many rows at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// At least so many bytes at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Whether what a capability was asked for was allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<bool>,
}

/// How often something must be seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Within {
    /// In how many seconds.
    pub seconds: u32,
    /// So often; or so many different ones, or so much of what is summed up.
    pub count: u64,
    /// For the same of these: `user`, `source`, `account`, `session`.
    #[serde(default)]
    pub by: Vec<String>,
    /// Only different ones count: `user`, `source`, `account`, `target`, `host`, `path`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distinct: Option<String>,
    /// What is summed up: `rows` or `bytes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sum: Option<String>,
}

/// What is compared with what is usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unusual {
    /// The hour of the day (UTC) in which somebody opens a session.
    Hour,
    /// The address that they come from.
    Source,
    /// The account that they use.
    Target,
    /// Somebody uses an account whom it is not used by.
    User,
    /// How much a session moves out of an account.
    Volume,
}

/// A text that is not rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);

/// Reads rules: a list in YAML.
///
/// # Errors
/// With what is wrong, and where.
pub fn parse(text: &str) -> Result<Vec<Rule>, Invalid> {
    if text.len() > TEXT_LEN_MAX {
        return Err(Invalid(format!("the text is longer than {TEXT_LEN_MAX} bytes: split it")));
    }
    let rules: Vec<Rule> = serde_saphyr::from_str(text).map_err(|error| Invalid(error.to_string()))?;
    if rules.len() > RULES_MAX {
        return Err(Invalid(format!("there are more than {RULES_MAX} rules: split the text")));
    }
    let mut ids = std::collections::BTreeSet::new();
    for rule in &rules {
        check(rule).map_err(|why| Invalid(format!("{}: {why}", rule.id)))?;
        if !ids.insert(&rule.id) {
            return Err(Invalid(format!("{}: there are two rules of this name", rule.id)));
        }
    }
    Ok(rules)
}

fn check(rule: &Rule) -> Result<(), String> {
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    if rule.id.is_empty() || rule.id.len() > 64 || !rule.id.chars().all(is_name) {
        return Err("id: say 1 to 64 of a-z 0-9 . _ -".to_owned());
    }
    if rule.title.trim().is_empty() || rule.title.len() > 200 {
        return Err("title: say in 1 to 200 characters what it finds".to_owned());
    }
    let technique = rule.attack.strip_prefix('T').unwrap_or_default();
    if !technique.starts_with(|c: char| c.is_ascii_digit())
        || !technique.chars().all(|c| c.is_ascii_digit() || c == '.')
    {
        return Err("attack: name a technique of ATT&CK: T1003 or T1003.008".to_owned());
    }
    if rule.on.is_empty() {
        return Err("on: say what it looks at".to_owned());
    }
    if rule.hits.is_empty() || rule.misses.is_empty() {
        return Err("hits, misses: give at least one case each".to_owned());
    }
    if let Some(within) = &rule.within
        && (within.seconds == 0 || within.seconds > 86_400 || within.count == 0)
    {
        return Err("within: count something in 1 to 86400 seconds".to_owned());
    }
    Ok(())
}
