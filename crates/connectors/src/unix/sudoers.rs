//! What sudo lets an account do, from what `sudo -l -U` lists, and whom the rules are for, from the
//! text of the rules.

use postern_domain::discovery::Privilege;

/// The most rules that are reported of one account.
const RULES_MAX: usize = 64;

/// Whom the rules name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Subjects {
    /// Accounts.
    pub(crate) users: Vec<String>,
    /// Groups, without `%`.
    pub(crate) groups: Vec<String>,
    /// Whether there is anything by which anybody could be meant: aliases, ids, netgroups, ALL.
    pub(crate) anybody: bool,
    /// The rules that are for groups, without blanks.
    rules: Vec<(String, String)>,
}

impl Subjects {
    /// Reads the text of `/etc/sudoers` and what it includes.
    pub(crate) fn read(text: &str) -> Self {
        let mut subjects = Self::default();
        let joined = text.replace("\\\n", " ");
        for line in joined.lines().map(str::trim) {
            let Some((head, rule)) = line.split_once('=') else { continue };
            if line.starts_with('#') || line.starts_with('@') || line.starts_with("Defaults") {
                continue;
            }
            if ["User_Alias", "Runas_Alias", "Host_Alias", "Cmnd_Alias"].iter().any(|word| line.starts_with(word)) {
                subjects.anybody |= line.starts_with("User_Alias");
                continue;
            }
            // Subjects and hosts; the host is the last word.
            let head = head.trim_end();
            let who = head.rsplit_once(char::is_whitespace).map_or(head, |(who, _)| who);
            for subject in who.split(',').map(|word| word.trim().trim_matches('"')) {
                match subject.strip_prefix('%') {
                    Some(group) if !group.starts_with(['#', ':']) => {
                        subjects.groups.push(group.to_owned());
                        subjects.rules.push((group.to_owned(), squeezed(rule)));
                    }
                    None if is_name(subject) => subjects.users.push(subject.to_owned()),
                    _ => subjects.anybody = true,
                }
            }
        }
        subjects
    }

    /// The group, among those that the account is in, that a listed rule was given to.
    fn group_of(&self, rule: &str, user: &str, groups: &[String]) -> Option<String> {
        let wanted = squeezed(rule);
        let found = self.rules.iter().find(|(group, text)| groups.contains(group) && *text == wanted);
        let by_rule = found.map(|(group, _)| group.clone());
        if self.users.iter().any(|name| name == user) {
            by_rule
        } else {
            by_rule.or_else(|| groups.iter().find(|group| self.groups.contains(group)).cloned())
        }
    }
}

/// Without blanks, and as sudo lists it: no group is `(root : root)`, tags stay.
fn squeezed(rule: &str) -> String {
    rule.chars().filter(|c| !c.is_whitespace()).collect()
}

fn is_name(text: &str) -> bool {
    text != "ALL"
        && !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-$".contains(&b))
}

/// The rules in what `sudo -l -U user` lists.
pub(crate) fn rules(listing: &str, user: &str, groups: &[String], subjects: &Subjects) -> Vec<Privilege> {
    let mut found = Vec::new();
    let mut listed = false;
    for line in listing.lines() {
        if line.contains("may run the following commands") {
            listed = true;
            continue;
        }
        let rule = line.trim();
        if !listed || rule.is_empty() || found.len() >= RULES_MAX {
            continue;
        }
        // A rule begins with whom it runs as; what is wrapped goes on the next line.
        if !rule.starts_with('(') {
            continue;
        }
        let rule: String = rule.chars().filter(|c| !c.is_control()).take(400).collect();
        let (run_as, commands) = rule.split_once(')').unwrap_or(("", &rule));
        let commands = commands.trim();
        let all = commands.split([':', ',']).any(|word| word.trim() == "ALL")
            && ["ALL", "root"].iter().any(|who| run_as.contains(who));
        let group = subjects.group_of(&rule, user, groups);
        found.push(Privilege::Sudo { rule, all, group });
    }
    found
}

#[cfg(test)]
mod tests;
