//! What uses an account's secret and is told of a new one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::name::AssetName;
use crate::time::Timestamp;

/// How many there may be for one account.
pub const DEPENDENTS_MAX: usize = 16;
/// Where the secret goes in a template.
pub const PLACE: &str = "{secret}";
const TEXT_LEN_MAX: usize = 1024;
const ARGUMENTS_MAX: usize = 32;

/// Something that uses an account's secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dependent {
    /// Its name, unique for the account.
    pub name: String,
    /// The asset that it is on, reached by SSH as its reconcile account.
    pub asset: AssetName,
    /// Where the secret goes.
    pub put: Put,
    /// The program that makes it known, with its arguments; none where nothing needs to be done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reload: Vec<String>,
}

/// Where a secret goes. It travels by standard input, never in a command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Put {
    /// Into a file of its own, which is replaced as a whole.
    File {
        /// Its absolute path.
        path: String,
        /// Whose it is; root unless given.
        #[serde(default = "root")]
        owner: String,
        /// Its group; root unless given.
        #[serde(default = "root")]
        group: String,
        /// Its mode in octal digits; `0600` unless given.
        #[serde(default = "private")]
        mode: String,
        /// What is in it, with `{secret}` where the secret goes; the secret alone unless given.
        #[serde(default = "place")]
        template: String,
    },
    /// Into the store from which systemd gives credentials to units (`LoadCredential=NAME`); the unit is
    /// restarted unless `reload` says what to do.
    SystemdCredential {
        /// The credential's name.
        credential: String,
        /// The unit.
        unit: String,
    },
    /// To a program's standard input.
    Command {
        /// The program, by its absolute path, with its arguments.
        command: Vec<String>,
    },
}

fn root() -> String {
    "root".to_owned()
}

fn private() -> String {
    "0600".to_owned()
}

fn place() -> String {
    PLACE.to_owned()
}

/// How far a dependent has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DependentState {
    /// It has yet to be told.
    Pending,
    /// It has the present secret.
    Told,
    /// Making the new secret known failed; what was there before has been put back.
    RolledBack,
    /// It could not be told. It is tried again.
    Failed,
}

/// How one dependent fares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DependentStatus {
    /// Which.
    pub name: String,
    /// How far it has got.
    pub state: DependentState,
    /// The version that it has or is to have.
    pub version: u32,
    /// What went wrong last.
    pub note: Option<String>,
    /// When that was.
    pub at: Option<Timestamp>,
}

impl Dependent {
    /// What is not acceptable: the field and why.
    #[must_use]
    pub fn faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        let name_fits = self.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b));
        if self.name.is_empty() || self.name.len() > 63 || !name_fits {
            faults.push(("name", "use 1 to 63 of a-z 0-9 . _ -".to_owned()));
        }
        match &self.put {
            Put::File { path, owner, group, mode, template } => {
                if !is_path(path) {
                    faults.push(("put.path", "give an absolute path without `..`".to_owned()));
                }
                for (field, value) in [("put.owner", owner), ("put.group", group)] {
                    if !is_unix_name(value) {
                        faults.push((field, "give the name of a Unix account or group".to_owned()));
                    }
                }
                let octal = (3..=4).contains(&mode.len()) && mode.bytes().all(|b| (b'0'..=b'7').contains(&b));
                if !octal || mode.ends_with(|others| others != '0') {
                    faults.push(("put.mode", "give octal digits that give others nothing: `0600`, `0640`".to_owned()));
                }
                if template.matches(PLACE).count() != 1 || template.len() > TEXT_LEN_MAX {
                    faults.push(("put.template", format!("name {PLACE} once, in at most {TEXT_LEN_MAX} bytes")));
                }
            }
            Put::SystemdCredential { credential, unit } => {
                for (field, value) in [("put.credential", credential), ("put.unit", unit)] {
                    if !is_unit(value) {
                        faults.push((field, "use letters, digits and . _ - @ :".to_owned()));
                    }
                }
            }
            Put::Command { command } => {
                if let Some(fault) = argument_fault(command) {
                    faults.push(("put.command", fault));
                }
            }
        }
        if !self.reload.is_empty()
            && let Some(fault) = argument_fault(&self.reload)
        {
            faults.push(("reload", fault));
        }
        faults
    }
}

fn is_path(text: &str) -> bool {
    text.starts_with('/')
        && text.len() <= TEXT_LEN_MAX
        && !text.ends_with('/')
        && text.split('/').all(|part| part != ".." && part != ".")
        && !text.chars().any(char::is_control)
}

fn is_unix_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 32
        && !text.starts_with('-')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

fn is_unit(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 255
        && !text.starts_with(['-', '.'])
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-@:".contains(&b))
}

fn argument_fault(words: &[String]) -> Option<String> {
    if words.len() > ARGUMENTS_MAX || words.iter().any(|word| word.len() > TEXT_LEN_MAX) {
        return Some(format!("give at most {ARGUMENTS_MAX} words of at most {TEXT_LEN_MAX} bytes"));
    }
    if words.iter().any(|word| word.chars().any(char::is_control)) {
        return Some("leave out line ends and other control characters".to_owned());
    }
    if !words.first().is_some_and(|program| is_path(program)) {
        return Some("begin with the program's absolute path".to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, mode: &str, template: &str) -> Dependent {
        let put = Put::File {
            path: path.to_owned(),
            owner: root(),
            group: "app".to_owned(),
            mode: mode.to_owned(),
            template: template.to_owned(),
        };
        Dependent { name: "app".to_owned(), asset: "web-1".parse().unwrap(), put, reload: Vec::new() }
    }

    #[test]
    fn a_file_for_everybody_or_without_the_secret_is_refused() {
        assert!(file("/etc/app/password", "0640", "password={secret}\n").faults().is_empty());
        for (path, mode, template) in [
            ("etc/app", "0600", PLACE),
            ("/etc/../shadow", "0600", PLACE),
            ("/etc/app", "0644", PLACE),
            ("/etc/app", "rw", PLACE),
            ("/etc/app", "0600", "nothing"),
        ] {
            assert_eq!(file(path, mode, template).faults().len(), 1, "{path} {mode} {template}");
        }
    }

    #[test]
    fn programs_are_named_by_their_path() {
        let with = |reload: &[&str]| Dependent {
            reload: reload.iter().map(|word| (*word).to_owned()).collect(),
            ..file("/a", "0600", PLACE)
        };
        assert!(with(&["/usr/bin/systemctl", "reload", "app"]).faults().is_empty());
        assert_eq!(with(&["systemctl", "reload"]).faults().len(), 1);
        assert_eq!(with(&["/bin/sh", "-c", "a\nb"]).faults().len(), 1);
    }
}
